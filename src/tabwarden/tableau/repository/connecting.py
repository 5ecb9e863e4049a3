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

from tabwarden.extras import install
from tabwarden.model.errors import IncompleteRead, TableauError

if TYPE_CHECKING:
    import psycopg
from collections.abc import Iterable
from typing import NamedTuple

from tabwarden.tableau.repository.selects import FIELD, ROW, STATEMENTS, Fact, Select
from tabwarden.troubles import of_database, of_entering

_COLUMN = re.compile(r"\b([a-z_]+)\.([a-z_]+)\b")

PROBE = """
select c.relname, a.attname, format_type(a.atttypid, null), has_column_privilege(c.oid, a.attnum, 'select')
from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid
where pg_catalog.pg_table_is_visible(c.oid) and c.relkind in ('r', 'v', 'm', 'p', 'f')
and a.attnum > 0 and not a.attisdropped and c.relname = any(%s)
"""
"""Every column of the tables, whether it may be read or not: `information_schema` shows only what may be."""


class Columns(NamedTuple):
    """What there is: the type of each column that may be read, and the columns that may not, as `table.column`."""

    readable: Mapping[str, str]
    closed: frozenset[str]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, str, bool]]) -> Columns:
        """From the rows of `PROBE`."""
        readable: dict[str, str] = {}
        closed: set[str] = set()
        for table, column, type_, may_read in rows:
            if may_read:
                readable[f"{table}.{column}"] = type_
            else:
                closed.add(f"{table}.{column}")
        return cls(readable, frozenset(closed))

    def has_table(self, table: str) -> bool:
        """Whether anything of the table may be read."""
        return any(column.startswith(f"{table}.") for column in self.readable)

    def lack(self, table: str, columns: Iterable[str], user: str) -> str:
        """Why these columns cannot be read, as a sentence."""
        missing = [column for column in columns if column not in self.readable]
        there = self.has_table(table)
        if any(column in self.closed for column in missing) or any(c.startswith(f"{table}.") for c in self.closed):
            what = f"column `{missing[0]}`" if there and missing else f"table `{table}`"
            return (
                f"`{user}` may not read the {what} of the repository; enable the user again with "
                f"`tsm data-access repository-access enable`, or let an administrator grant SELECT on it"
            )
        what = f"column `{missing[0]}`" if there and missing else f"table `{table}`"
        return f"the repository has no {what}, which this release cannot do without; read the site over REST"


class Statement(NamedTuple):
    """One SELECT: its SQL with `{site}` in place of the site's number, the names of its columns, what it cannot tell.

    `sql` is '' where nothing of it can be read. `facts` are the facts of a `table:name` that a column tells.
    """

    sql: str
    names: tuple[str, ...]
    unknown: tuple[str, ...]
    facts: frozenset[str]


Asked = Mapping[str, tuple[Select, ...]]
"""What a read asks, by the name of the statement."""


def tables(questions: Asked = STATEMENTS) -> list[str]:
    """Every table that is looked at."""
    names = {select.table for selects in questions.values() for select in selects}
    names |= {join.table for selects in questions.values() for select in selects for join in select.joins}
    return sorted(names)


def statements(columns: Columns, user: str, questions: Asked = STATEMENTS) -> Mapping[str, Statement]:
    """Every statement as these columns allow it. TableauError where one cannot be without what is missing."""
    return {name: _statement(selects, columns, user) for name, selects in questions.items()}


def _statement(selects: tuple[Select, ...], columns: Columns, user: str) -> Statement:
    parts: list[str] = []
    unknown: list[str] = []
    facts: set[str] = set()
    columns_read: set[str] = set()
    for select in selects:
        part = _Part(select, columns)
        if part.lacking is None:
            parts.append(part.sql())
            unknown += part.unknown
            facts |= {f"{select.table}:{name}" for name in part.facts}
            columns_read.add(select.unknown)
        elif select.unknown:
            unknown.append(select.unknown)
        else:
            raise TableauError(columns.lack(select.table, part.lacking, user))
    # Of two tables for the same thing one is enough.
    left = tuple(dict.fromkeys(words for words in unknown if words not in columns_read))
    names = tuple(fact.name for fact in selects[0].facts)
    return Statement(" union all ".join(parts), names, left, frozenset(facts))


def _chr(letter: str) -> str:
    return f"chr({ord(letter)})"


class _Part:
    """One SELECT on the columns there are. `lacking` are the columns without which it cannot be, None: it can."""

    def __init__(self, select: Select, columns: Columns) -> None:
        self._select, self._columns = select, columns
        self._joins = {join.table: join for join in select.joins}
        self.lacking: list[str] | None = None if columns.has_table(select.table) else []
        self.unknown: list[str] = []
        self._chosen: dict[str, str] = {}
        for fact in select.facts:
            self._choose(fact)
        if select.apart:
            # The fact `apart`, of the conditions whose columns are there; one that is closed to us ends the read.
            whens = [f"when {words} then '{why}'" for why, words in self._select.apart.items() if self._can(words)]
            if whens:
                self._chosen["apart"] = f"case {' '.join(whens)} end"
        # A condition whose columns are closed to us cannot be left out: what it leaves out would be read.
        conditions = (*select.where, *select.apart.values())
        closed = [words for words in conditions if any(c in columns.closed for c in self._needs(words))]
        for words in (select.within, *closed):
            if not self._can(words):
                self._lack(words)

    @property
    def facts(self) -> Iterable[str]:
        """The facts that a column tells."""
        return self._chosen

    def sql(self) -> str:
        """The statement; a fact without a way is null."""
        facts = [f"({self._chosen.get(f.name, 'null')})::text" for f in self._select.facts]
        where = [words for words in (self._select.within, *self._select.where) if words and self._can(words)]
        used = self._tables([*self._chosen.values(), *where])
        joins = "".join(f" {j.kind} {j.table} on {j.on}" for t, j in self._joins.items() if t in used)
        condition = f" where {' and '.join(where)}" if where else ""
        rest = f"from {self._select.table}{joins}{condition}"
        if not self._select.gathered:
            return f"select {', '.join(facts)} {rest}"
        # `concat` writes null as '', where `||` would lose the whole row.
        row = f", {_chr(FIELD)}, ".join(facts[2:])
        listed = f"string_agg(concat({row}), {_chr(ROW)} order by {', '.join(facts[2:])})"
        return f"select {', '.join(facts[:2])}, {listed} {rest} group by 1, 2"

    def _choose(self, fact: Fact) -> None:
        for way in fact.ways:
            if self._can(way) and (not fact.flag or self._columns.readable.get(way) == "boolean"):
                self._chosen[fact.name] = way
                return
        if fact.needed:
            self._lack(fact.ways[0])
        elif fact.unknown:
            self.unknown.append(fact.unknown)

    def _lack(self, words: str) -> None:
        self.lacking = [*(self.lacking or []), *self._needs(words)]

    def _can(self, words: str) -> bool:
        return all(column in self._columns.readable for column in self._needs(words))

    def _needs(self, words: str) -> Iterator[str]:
        """The columns of an expression, and those that join their tables."""
        for match in _COLUMN.finditer(words):
            yield match[0]
            if match[1] in self._joins:
                join = self._joins[match[1]]
                yield from (m[0] for m in _COLUMN.finditer(join.on))
                others = {m[1] for m in _COLUMN.finditer(join.on)} - {join.table}
                for other in others & self._joins.keys():
                    yield from (m[0] for m in _COLUMN.finditer(self._joins[other].on))

    def _tables(self, expressions: Iterable[str]) -> set[str]:
        """The tables these expressions speak of, and those by which they are joined."""
        tables = {match[1] for words in expressions for match in _COLUMN.finditer(words)}
        for table in [*tables]:
            if table in self._joins:
                tables |= {match[1] for match in _COLUMN.finditer(self._joins[table].on)}
        return tables


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

    def __init__(
        self, options: RepositoryOptions, connection: psycopg.Connection[tuple[object, ...]], questions: Asked
    ) -> None:
        self.options = options
        self.connection = connection
        self.selects = 0
        self.selects += 1
        rows = self.connection.execute(PROBE, (tables(questions),)).fetchall()
        columns = Columns.of((str(t), str(c), str(type_), bool(may)) for t, c, type_, may in rows)
        self.statements = statements(columns, self.options.user, questions)

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
        with self.connection.cursor() as cursor, cursor.copy(f"copy ({sql}) to stdout".encode()) as copy:
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
def opened(options: RepositoryOptions, questions: Asked = STATEMENTS) -> Iterator[Repository]:
    """The repository in one repeatable-read, read-only transaction, for these statements.

    TableauError where it cannot be entered or read; IncompleteRead where it breaks off.
    """
    try:
        import psycopg
    except ImportError:
        raise TableauError(f"the repository is reached with PostgreSQL's driver; {install('[postgres]')}") from None
    try:
        connection = psycopg.connect(**_keywords(options))
    except psycopg.Error as failed:
        raise TableauError(_refused(options, str(failed))) from None
    try:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield Repository(options, connection, questions)
    except psycopg.OperationalError as broken:
        raise IncompleteRead(
            f"the repository at `{options.address}` broke off ({of_database(broken)}); "
            "nothing of this read is kept, run it again"
        ) from None
    except psycopg.errors.InsufficientPrivilege as closed:
        raise TableauError(
            f"`{options.user}` may not read all of the repository{_closed(str(closed))}; "
            "let an administrator grant SELECT"
        ) from None
    except psycopg.Error as failed:
        raise IncompleteRead(
            f"the repository at `{options.address}` did not answer as expected "
            f"({of_database(failed)}); nothing of this read is kept"
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
    """Why the repository cannot be entered, as one sentence."""
    known = next((sentence for pattern, sentence in _REFUSALS if re.search(pattern, words)), "")
    reason = known.format(user=options.user, database=options.database, sslmode=options.sslmode, host=options.host)
    if not known:
        reason = f"could not be entered: {of_entering(words, f'it does not let `{options.user}` in')}"
    return f"the repository at `{options.host}:{options.port}` {reason}"


def _closed(words: str) -> str:
    """The table that may not be read, of what the database says."""
    match = re.search(r"permission denied for \w+ (\w+)", words)
    return f": `{match[1]}` is closed" if match else ""
