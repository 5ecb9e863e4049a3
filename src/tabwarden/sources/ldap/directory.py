"""Several domains read into one Directory, whole or not at all."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime

from tabwarden.model.errors import SourceError
from tabwarden.model.names import same
from tabwarden.sources import unreadable
from tabwarden.sources.ldap.assembling import assembled
from tabwarden.sources.ldap.changes import read_changes
from tabwarden.sources.ldap.options import DirectorySettings
from tabwarden.sources.ldap.reading import Facts, Wire, read_domain
from tabwarden.want.directory import Directory


def read_directory(options: DirectorySettings, previous: Directory | None = None) -> Directory:
    """Every domain of the options as it is now.

    With a `previous` Directory, read before with the same options, only what changed since is fetched; the result is
    the same. Raises SourceError where anything is missing, and then nothing is returned.
    """
    try:
        from tabwarden.sources.ldap.session import opened
    except ImportError as error:
        raise unreadable(
            f"a directory needs the module `ldap3` ({error}); run: pip install 'tabwarden[ldap]'"
        ) from None
    when = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    lines: dict[str, Wire] = {}
    facts: list[Facts] = []
    with ExitStack() as open_lines:
        for domain in options.domains:
            line = lines[same(domain.fqdn)] = open_lines.enter_context(opened(domain))
            facts.append(read_changes(line, options, previous) if previous else read_domain(line, options))
        return assembled(facts, lines, options, when)


def without_ldap3(error: ImportError) -> SourceError:
    """What to say where the extra is not installed."""
    return unreadable(f"a directory needs the module `ldap3` ({error}); run: pip install 'tabwarden[ldap]'")
