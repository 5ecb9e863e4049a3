"""A connection to the repository: TLS, one read-only transaction, rows as they stream in.

Rows come by COPY, which costs a third of fetching them. Needs the extra `postgres`; it is loaded when it is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabwarden.model.errors import IncompleteRead, TableauError
from tabwarden.tableau.repository.probing import PROBE, Columns, Statement, statements, tables

if TYPE_CHECKING:
    import psycopg

PORT, DATABASE, USER = 8060, "workgroup", "readonly"
VERIFY_FULL, SYSTEM = "verify-full", "system"
Row = list[str]


@dataclass(frozen=True, slots=True)
class RepositoryOptions:
    """Where the repository is, and how it is entered. `server` is the address that a snapshot is filed under.

    `ca_file` signs the certificate (PEM); without one, `verify-full` trusts what the system trusts.
    """

    host: str
    password: str = field(repr=False)
    server: str = ""
    port: int = PORT
    user: str = USER
    database: str = DATABASE
    sslmode: str = VERIFY_FULL
    ca_file: Path | None = None
    timeout: float = 60

    @property
    def address(self) -> str:
        """For people: who, where, which database."""
        return f"{self.user}@{self.host}:{self.port}/{self.database}"


class Repository:
    """An open repository, as it was at one moment. `selects` counts the statements that were sent."""

    def __init__(self, options: RepositoryOptions, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self.options = options
        self._connection = connection
        self.selects = 0
        self.statements = self._probe()

    def _probe(self) -> Mapping[str, Statement]:
        self.selects += 1
        rows = self._connection.execute(PROBE, (tables(),)).fetchall()
        columns = Columns.of((str(t), str(c), str(type_), bool(may)) for t, c, type_, may in rows)
        return statements(columns, self.options.user)

    def rows(self, name: str, site: str = "") -> Iterator[Row]:
        """The rows of a statement as text, in the order of its facts; null is ''. None where it cannot be read.

        They must be taken to the end before the next statement.
        """
        sql = self.statements[name].sql
        if not sql:
            return
        if "{site}" in sql:
            sql = sql.replace("{site}", str(int(site)))
        self.selects += 1
        rest = b""
        with self._connection.cursor() as cursor, cursor.copy(f"copy ({sql}) to stdout".encode()) as copy:
            for block in copy:
                *whole, rest = (rest + bytes(block)).split(b"\n")
                yield from map(fields, whole)


NULL = r"\N"
_ESCAPED = re.compile(r"\\(.)", re.S)
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def fields(line: bytes) -> Row:
    """The fields of a line of COPY's text format ("COPY", PostgreSQL's manual); null is ''."""
    values = line.decode().split("\t")
    if b"\\" in line:
        return ["" if one == NULL else _ESCAPED.sub(_unescaped, one) if "\\" in one else one for one in values]
    return values


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[1])


# -- opening --------------------------------------------------------------------------------------------------


@contextmanager
def opened(options: RepositoryOptions) -> Iterator[Repository]:
    """The repository in one repeatable-read, read-only transaction.

    TableauError where it cannot be entered or read; IncompleteRead where it breaks off.
    """
    try:
        import psycopg
    except ImportError:
        raise TableauError(
            "the repository is reached with PostgreSQL's driver: pip install 'tabwarden[postgres]'"
        ) from None
    try:
        connection = psycopg.connect(**_keywords(options))
    except psycopg.Error as failed:
        raise TableauError(_refused(options, str(failed))) from None
    try:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield Repository(options, connection)
    except psycopg.OperationalError as broken:
        raise IncompleteRead(
            f"the repository at `{options.address}` broke off ({_first_line(str(broken))}); "
            "nothing of this read is kept, run it again"
        ) from None
    except psycopg.errors.InsufficientPrivilege as closed:
        raise TableauError(
            f"`{options.user}` may not read all of the repository ({_first_line(str(closed))}); "
            "let an administrator grant SELECT"
        ) from None
    except psycopg.Error as failed:
        raise IncompleteRead(
            f"the repository at `{options.address}` did not answer as expected "
            f"({type(failed).__name__}: {_first_line(str(failed))}); nothing of this read is kept"
        ) from None
    finally:
        connection.close()


def _keywords(options: RepositoryOptions) -> dict[str, Any]:
    """What the driver takes; nothing is left to the environment or to files of the user."""
    keywords: dict[str, Any] = {
        "host": options.host,
        "port": options.port,
        "dbname": options.database,
        "user": options.user,
        "password": options.password,
        "sslmode": options.sslmode,
        "gssencmode": "disable",
        "client_encoding": "UTF8",
        "application_name": "tabwarden",
        "connect_timeout": max(2, int(options.timeout)),
    }
    if options.ca_file is not None:
        keywords["sslrootcert"] = str(options.ca_file)
    elif options.sslmode == VERIFY_FULL:
        keywords["sslrootcert"] = SYSTEM
    return keywords


_REFUSALS: tuple[tuple[str, str], ...] = (
    ("password authentication failed", "refused `{user}`: wrong password; see `tableau.repository.password`"),
    ("no password supplied", "refused `{user}`: it asks for a password; see `tableau.repository.password`"),
    ("role .* does not exist", "has no user `{user}`; enable it with `tsm data-access repository-access enable`"),
    ("database .* does not exist", "has no database `{database}`; see `tableau.repository.database`"),
    (
        "does not support SSL",
        "offers no TLS, and `tableau.repository.sslmode` is {sslmode}; let an administrator switch TLS on",
    ),
    (
        "no encryption|SSL off",
        "takes no connection without TLS, and `tableau.repository.sslmode` is {sslmode}; use verify-full",
    ),
    ("no pg_hba.conf entry", "lets `{user}` not in from this machine; let an administrator allow it"),
    (
        "root certificate file .* does not exist",
        "could not be trusted: the file of `tableau.repository.ca_file` does not exist",
    ),
    (
        "certificate verify failed",
        "showed a certificate that is not signed by a trusted authority; see `tableau.repository.ca_file`",
    ),
    (
        "does not match host name",
        "showed a certificate of another name than `{host}`; set `tableau.repository.host` to the name in it",
    ),
    (
        "could not translate host name|Name or service not known",
        "is not known by this name; see `tableau.repository.host`",
    ),
    ("timeout expired", "did not answer in time; is the port open in the firewall?"),
    ("Connection refused|No such file", "does not listen; is access to the repository enabled and the port right?"),
)


def _refused(options: RepositoryOptions, words: str) -> str:
    """Why the repository cannot be entered, as one sentence; what no rule knows is told in the driver's words."""
    for pattern, sentence in _REFUSALS:
        if re.search(pattern, words):
            reason = sentence.format(
                user=options.user, database=options.database, sslmode=options.sslmode, host=options.host
            )
            break
    else:
        reason = f"could not be entered: {_first_line(words)}"
    return f"the repository at `{options.host}:{options.port}` {reason}"


def _first_line(words: str) -> str:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return lines[0].rpartition("failed: ")[2] if lines else "no reason given"
