"""Names in the settings: each means one user of the site, or all that fit nobody are told with the nearest names.

A name that fitted at the last good run on the site and is gone is a remark: who is protected may leave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from tabwarden.model.errors import AmbiguousName, SettingsError, UnknownName
from tabwarden.model.site import Site
from tabwarden.plan.plan import SiteIdentity
from tabwarden.settings import Settings
from tabwarden.store.journal import last_good_names


def named_people(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every setting that names a user, with what stands in it."""
    provision = settings.provision
    yield from (("provision.protected", words) for words in provision.protected)
    if provision.assets_to is not None:
        yield "provision.assets_to", provision.assets_to


def fitting(settings: Settings, now: Site) -> Mapping[str, list[str]]:
    """By setting, the names in it that mean one user: what is remembered of a good run."""
    names: dict[str, list[str]] = {}
    for key, words in named_people(settings):
        names.setdefault(key, []).extend([words] if _why_not(now, words) is None else [])
    return names


def gone(settings: Settings, now: Site, store: Path, site: SiteIdentity) -> tuple[tuple[str, str], ...]:
    """The settings and names that fitted at the last good run and fit nobody now.

    SettingsError with every other name that fits nobody, or several.
    """
    lacking = [(key, words, error) for key, words in named_people(settings) if (error := _why_not(now, words))]
    known = last_good_names(store, site) if lacking else {}
    before = [one for one in lacking if one[1] in known.get(one[0], ()) and isinstance(one[2], UnknownName)]
    problems = [f"`{key}`: {error}" for key, words, error in lacking if (key, words, error) not in before]
    if problems:
        raise SettingsError(problems)
    return tuple((key, words) for key, words, _ in before)


def remark(key: str, words: str) -> str:
    """What is told of a name that is gone."""
    return f"`{key}` names `{words}`, which was on the site at the last good run and is gone; take the name out"


def _why_not(now: Site, words: str) -> UnknownName | AmbiguousName | None:
    try:
        now.find_user(words)
    except (UnknownName, AmbiguousName) as error:
        return error
    return None
