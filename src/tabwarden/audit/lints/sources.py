"""Lints about data sources, and the data that leaves Tableau."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tabwarden.audit.audited import NOTHING, Audited
from tabwarden.audit.finding import (
    CONNECTIONS,
    CONTENT,
    ERROR,
    LEADERS,
    MEMBERS,
    NOTE,
    OWNERS,
    RULES,
    TAGS,
    WARNING,
    Remark,
    Remarks,
    lint,
)
from tabwarden.audit.knobs import fits
from tabwarden.engine.columns import GROUP, NONE, USER, Array
from tabwarden.engine.rules import expand
from tabwarden.model.capability import ui_name
from tabwarden.model.feeds import DataConnection
from tabwarden.model.marks import Marks
from tabwarden.model.names import same
from tabwarden.model.roles import publishes
from tabwarden.model.scope import PUBLISHED
from tabwarden.model.usage import CONNECT, VIEW

VIRTUAL = ("virtualconnection", "publishedconnection")
TAKING = ("ExportXml", "ViewUnderlyingData")


def _consumers(audited: Audited) -> Array:
    """Of each rule row whether nobody behind it publishes: All Users, groups without publishers, persons."""
    rows = audited.rows
    able = np.array([publishes(role) != "no" for role in audited.vocabulary.roles], np.bool_)
    idle = audited.everyone.copy()
    users = np.flatnonzero(rows.of(USER) & (rows.who < len(audited.columns.users.role)))
    idle[users] = ~able[audited.columns.users.role[rows.who[users]]]
    groups = np.flatnonzero(rows.of(GROUP) & (rows.who < len(audited.sizes)) & ~audited.everyone)
    idle[groups] = ~audited.any_in(able)[rows.who[groups]] & (audited.sizes[rows.who[groups]] > 0)
    return idle


@lint(
    "prompting-workbook",
    "Workbook that asks for the source's rights",
    NOTE,
    CONTENT,
    OWNERS,
    why="Whoever opens it needs View and Connect on the published data source, and with Connect could build on the "
    "source past the workbook's filters.",
    source="Permissions blog, set data source permissions: publish with the password embedded",
    ignore="Each person is to see her own rows, and the source filters by user.",
    reads=(CONNECTIONS,),
)
def prompting_workbook(audited: Audited) -> Remarks:
    """Workbooks with a published data source and authentication `prompt`."""
    uses, auths = audited.columns.uses, audited.vocabulary.auths
    if "prompt" in auths:
        asks = uses.content[uses.auth == auths.index("prompt")]
        yield Remark("asks whoever opens it for rights on its data source", np.unique(asks).astype(np.int64))


@lint(
    "consumers-connect",
    "Consumers may connect to a published source",
    WARNING,
    CONTENT,
    LEADERS,
    why="With Connect on the source itself they reach its data from elsewhere, past filters that stand in workbooks. "
    "For workbooks with an embedded password they need none.",
    source="Permissions blog, set data source permissions: Connect at the data source for publishers; surprise 14",
    ignore="The source is made for everybody to explore, or filters rows itself.",
    reads=(RULES, MEMBERS),
)
def consumers_connect(audited: Audited) -> Remarks:
    """Connect on a data source itself for All Users, or for people and groups of whom nobody publishes."""
    mask = audited.mask("Connect", "VizqlDataApiAccess")
    allow = np.where(_consumers(audited), audited.rows.allow & mask, NOTHING)
    yield audited.by_rows("lets people connect who publish nothing", allow, where=audited.kind("datasource"))


@lint(
    "unused-source",
    "Published source that nothing uses",
    NOTE,
    CONTENT,
    OWNERS,
    why="It is refreshed, holds data and rules, and no workbook stands on it.",
    source="Permissions blog: published data sources as the one source of truth; Tableau Blueprint: stale content",
    ignore="People use it from Desktop or Excel, or by Ask and Pulse.",
    reads=(CONNECTIONS,),
)
def unused_source(audited: Audited) -> Remarks:
    """Data sources that no workbook uses, and that nobody opened or connected to where use was read."""
    used = np.zeros(len(audited.contents.kind) + 1, bool)
    used[np.minimum(audited.columns.uses.datasource, len(used) - 1)] = True
    numbers = audited.columns.content_numbers if audited.usage else {}
    for row in audited.usage or ():
        if row.what in (CONNECT, VIEW) and row.content in numbers:
            used[numbers[row.content]] = True
    yield Remark("is used by no workbook", np.flatnonzero(audited.kind("datasource") & ~used[:-1]))


@lint(
    "web-edit-without-connect",
    "Web Edit without Connect to the source",
    NOTE,
    CONTENT,
    LEADERS,
    why="The embedded password lets people look, not edit: Web Edit fails for whom the source does not let connect.",
    source="Surprise 13",
    ignore="They are not to edit; then take the Web Edit away.",
    reads=(RULES, CONNECTIONS),
)
def web_edit_without_connect(audited: Audited) -> Remarks:
    """Workbooks that allow Web Edit to whom no rule of their published source, nor for All Users, allows Connect."""
    uses, rules, count = audited.columns.uses, audited.parts.sources.rules, len(audited.contents.kind)
    known = np.flatnonzero((uses.datasource < count) & (uses.content < count))
    books, sources = uses.content[known].astype(np.int64), uses.datasource[known].astype(np.int64)
    read = (rules[books] != NONE) & (rules[sources] != NONE)
    books, sources = books[read], sources[read]
    table = audited.columns.rules
    width = int(table.grantee.max(initial=0)) + 1
    at, row = expand(table.offsets, rules[sources])
    connects = table.allow[row] & audited.mask("Connect") != 0
    everyone = np.isin(table.grantee[row], audited.parts.people.everyone * 4 + GROUP)
    open_ = np.zeros(len(books), bool)
    open_[at[connects & everyone]] = True
    reached = at[connects] * width + table.grantee[row[connects]]
    at, row = expand(table.offsets, rules[books])
    edits = table.allow[row] & audited.mask("WebAuthoring") != 0
    wanted = at[edits] * width + table.grantee[row[edits]]
    lost = ~np.isin(wanted, reached) & ~open_[at[edits]]
    yield Remark("allows Web Edit to some whom its source does not let connect", np.unique(books[at[edits][lost]]))


# -- passwords, and data that leaves ------------------------------------------------------------------------------


def _people(audited: Audited) -> frozenset[str]:
    """User names, mails and what stands before their @, of people who are no service accounts."""
    names = [*audited.words("user_name"), *audited.words("user_email")]
    persons = [name for name in names if name and not fits(name, audited.knobs.service_accounts)]
    return frozenset(same(form) for name in persons for form in (name, name.partition("@")[0]))


def _connected(audited: Audited, judge: Callable[[DataConnection], object]) -> Array:
    return np.flatnonzero(audited.marked(lambda marks: any(map(judge, marks.connections or ()))))


def _feeds(audited: Audited, judge: Callable[[DataConnection], object]) -> Callable[[int], str]:
    def facts(content: int) -> str:
        some = [one for one in audited.marks_at(content).connections or () if judge(one)]
        return "; ".join(dict.fromkeys(f"{one.kind} at {one.server or 'no server'} as {one.user}" for one in some))

    return facts


@lint(
    "personal-connection",
    "A person's account in a connection",
    WARNING,
    CONTENT,
    OWNERS,
    why="The data is read with the rights of one person, whoever looks, and until he changes his password or leaves.",
    source="Tableau Blueprint, weekly checks: personal accounts in connections; permissions blog: embedded passwords",
    ignore="It is nobody's but his own content.",
    reads=(CONNECTIONS,),
)
def personal_connection(audited: Audited) -> Remarks:
    """Connections whose user name is that of a person on the site; worse where the password is embedded."""
    people = _people(audited)

    def personal(one: DataConnection) -> bool:
        name = same(one.user.rpartition("\\")[2])
        return bool(name) and (name in people or name.partition("@")[0] in people)

    def embedded(one: DataConnection) -> bool:
        return personal(one) and bool(one.embedded)

    worse = _connected(audited, embedded)
    yield Remark("embeds the password of a person", worse, _feeds(audited, embedded), severity=ERROR)
    others = np.setdiff1d(_connected(audited, personal), worse)
    yield Remark("connects with the account of a person", others, _feeds(audited, personal))


@lint(
    "embedded-password",
    "Embedded password",
    NOTE,
    CONTENT,
    OWNERS,
    why="Whoever may see the content sees all that this account may read, and who may edit or download it can go on "
    "from there.",
    source="Tableau Blueprint, weekly checks: embedded passwords",
    ignore="The account is made for it and reads no more than everybody here may see.",
    reads=(CONNECTIONS,),
)
def embedded_password(audited: Audited) -> Remarks:
    """Connections to data outside the site with a password embedded, of no person."""
    people = _people(audited)

    def embedded(one: DataConnection) -> bool:
        name = same(one.user.rpartition("\\")[2])
        return (
            bool(one.embedded) and one.kind != PUBLISHED and name not in people and name.partition("@")[0] not in people
        )

    yield Remark("embeds a password", _connected(audited, embedded), _feeds(audited, embedded))


def _taking(audited: Audited, contents: Array) -> tuple[Array, Callable[[int], str]]:
    """Those of some contents whose rules that count allow somebody to take data or copies away, and who that is."""
    table, mask = audited.columns.rules, audited.mask(*TAKING)
    rules = audited.parts.sources.rules[contents]
    at, row = expand(table.offsets, rules)
    allows = table.allow[row] & mask != 0
    subjects = np.unique(contents[at[allows]])

    def facts(content: int) -> str:
        number = int(audited.parts.sources.rules[content])
        kind = audited.vocabulary.kinds[int(audited.contents.kind[content])]
        words = []
        for entry in range(int(table.offsets[number]), int(table.offsets[number + 1])):
            names = [ui_name(name, kind) for name in audited.names_of(int(table.allow[entry] & mask))]
            words += [f"{', '.join(names)} to {audited.grantee(int(table.grantee[entry]))}"] if names else []
        return "; ".join(words)

    return subjects, facts


def _standing_on(audited: Audited, sources: Array) -> Array:
    """Some contents and the workbooks that use them, and all their views."""
    flags = np.zeros(len(audited.contents.kind), bool)
    flags[sources] = True
    uses = audited.columns.uses
    known = uses.datasource < len(flags)
    flags[uses.content[known][flags[uses.datasource[known]]]] = True
    views = np.flatnonzero(audited.kind("view") & (audited.contents.parent >= 0))
    views = views[audited.contents.parent[views] < len(flags)]
    flags[views] |= flags[audited.contents.parent[views]]
    return np.flatnonzero(flags & ~audited.kind("project"))


@lint(
    "row-level-security-leaks",
    "Row-level security, and data may be taken away",
    ERROR,
    CONTENT,
    LEADERS,
    why="A download or copy leaves the filters behind that show each person her own rows.",
    source="Permissions blog: apply additional row level security; set data source permissions",
    ignore="The rows are filtered in the database or by a data policy, for downloads too.",
    reads=(RULES, TAGS),
)
def row_level_security_leaks(audited: Audited) -> Remarks:
    """Full data and copies of content that a tag or a path in the settings names, and of workbooks on such a source."""
    tags = frozenset(map(same, audited.knobs.row_level_security_tags))
    named = audited.marked(lambda marks: tags & {same(tag) for tag in marks.tags or ()})
    if audited.knobs.row_level_security:
        paths = audited.columns.names.paths(audited.contents.parent)
        named = named | np.array([fits(path, audited.knobs.row_level_security) for path in paths], np.bool_)
    subjects, facts = _taking(audited, _standing_on(audited, np.flatnonzero(named)))
    yield Remark("has row-level security and lets data be taken away", subjects, facts)


def _virtual(marks: Marks) -> bool:
    return any(same(one.kind).replace("-", "").replace("_", "") in VIRTUAL for one in marks.connections or ())


@lint(
    "data-policy-leaks",
    "Virtual connection, and data may be taken away",
    NOTE,
    CONTENT,
    LEADERS,
    why="A virtual connection may have a data policy, which no API tells: a download holds the rows of who takes it, "
    "and a copy of an extract all of them.",
    source="Permissions blog: apply additional row level security; Tableau's help, data policies",
    ignore="The virtual connection has no data policy.",
    reads=(RULES, CONNECTIONS),
)
def data_policy_leaks(audited: Audited) -> Remarks:
    """Full data and copies of content that stands on a virtual connection."""
    subjects, facts = _taking(audited, _standing_on(audited, np.flatnonzero(audited.marked(_virtual))))
    yield Remark("stands on a virtual connection and lets data be taken away", subjects, facts)
