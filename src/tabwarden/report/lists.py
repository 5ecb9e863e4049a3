"""What is on a site as lists that are filtered and sorted: users, groups, members, content of a kind, owners.

A list is described once: its fields by heading, kind and value. What stands in a row is a word, a number, an ISO time
or None for what was not told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from tabwarden.model.capability import KIND_NAMES
from tabwarden.model.errors import UnknownName
from tabwarden.model.names import same
from tabwarden.model.roles import TIERS, licence_of, ui_role
from tabwarden.model.scope import CONNECTIONS
from tabwarden.model.site import CUSTOMIZABLE, LOCKED, LOCKED_WITHOUT_NESTED, Content, Group, Site, User
from tabwarden.report.table import CONTENT, GROUP, NAME, NUMBER, PERSON, TIME, WORDS, Column, Rows, Table

Value = str | int | None
NEVER = "never"
MODES = {LOCKED: "locked", LOCKED_WITHOUT_NESTED: "locked without nested", CUSTOMIZABLE: "customizable"}
_CONDITION = re.compile(r"\s*(.+?)\s*(!=|<=|>=|=|<|>|~)\s*(.*?)\s*")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "~": lambda a, b: str(b) in str(a),
}


class Facts:
    """A Site, and what is counted of it for its lists."""

    def __init__(self, site: Site) -> None:
        self.site = site

    @cached_property
    def owned(self) -> Counter[tuple[str, str]]:
        """How much of each kind somebody owns; a view is its workbook's."""
        return Counter(
            (content.owner, content.kind) for content in self.site.contents.values() if content.kind != "view"
        )

    @cached_property
    def owns(self) -> Counter[str]:
        return Counter(owner for owner, _ in self.owned.elements())

    @cached_property
    def used(self) -> Counter[str]:
        """By how many workbooks a data source is used."""
        return Counter(
            use for content in self.site.contents.values() for use in {one.datasource for one in content.uses}
        )

    @cached_property
    def below(self) -> Counter[str]:
        """How much lies in a project at any depth, views apart."""
        contents = (content for content in self.site.contents.values() if content.kind != "view")
        return Counter(above for content in contents for above in self.site.ancestors(content.parent))

    def owner(self, content: Content) -> str:
        """Who owns it, as people are written."""
        return self.site.called(content.owner)


class Field(NamedTuple):
    """A heading, the kind of its values, and the value of a thing."""

    heading: str
    kind: str
    value: Callable[[Facts, Any], Value]

    @property
    def called(self) -> str:
        """As JSON and `--where` call it: `last_sign_in`."""
        return self.heading.casefold().replace(" ", "_").replace("-", "_")


class Things(NamedTuple):
    """A list: what its things are called, its fields, and all of them."""

    things: str
    fields: tuple[Field, ...]
    every: Callable[[Site], Iterable[Any]]


def _sign_in(_: Facts, user: User) -> Value:
    return user.last_login or NEVER


_USER = (
    Field("User", NAME, lambda f, u: f.site.called(u.id)),
    Field("Name", WORDS, lambda f, u: f.site.display_name(u.id)),
    Field("Site role", WORDS, lambda _, u: ui_role(u.site_role)),
    Field("Last sign-in", TIME, _sign_in),
)
_OWNER = Field("Owner", NAME, lambda f, c: f.owner(c))
_TIMES = (
    Field("Created", TIME, lambda _, c: c.created or None),
    Field("Updated", TIME, lambda _, c: c.updated or None),
)


_TAGS = Field("Tags", WORDS, lambda _, c: None if c.tags is None else ", ".join(sorted(c.tags)))


def _certified(_: Facts, content: Content) -> Value:
    return None if content.certified is None else "yes" if content.certified else "no"


def _path(heading: str) -> Field:
    return Field(heading, NAME, lambda f, c: f.site.path(c.id))


def _number_owned(*kinds: str) -> Callable[[Facts, User], Value]:
    return lambda facts, user: sum(facts.owned[user.id, kind] for kind in kinds)


def _members(site: Site, group: Group) -> int | None:
    return len(site.members(group.id)) if group.everyone or group.members is not None else None


def _leaders(facts: Facts, project: Content) -> Value:
    from tabwarden.report.answers import grantee_name
    from tabwarden.report.dialog import leaders_of

    leaders = leaders_of(facts.site, project.id)
    return None if leaders is None else ", ".join(grantee_name(facts.site, one) for one in leaders)


def _every_member(site: Site) -> Iterator[tuple[Group, User]]:
    for group in sorted(site.groups.values(), key=lambda group: group.name.casefold()):
        members = (site.users[user] for user in site.members(group.id) if user in site.users)
        yield from ((group, user) for user in sorted(members, key=lambda user: user.name.casefold()))


def _contents(kind: str) -> Callable[[Site], Iterable[Content]]:
    return lambda site: (content for content in site.contents.values() if content.kind == kind)


def _owners(site: Site) -> list[User]:
    owners = {content.owner for content in site.contents.values()}
    return [user for user in site.users.values() if user.id in owners]


_CONTENTS = dict.fromkeys(("Project", "Workbook", "View", "Data source", "Flow"), CONTENT)
_OF = {"User": PERSON, "Owner": PERSON, "Group": GROUP, **_CONTENTS}  # what the names below a heading name
_COUNTED = ("project", "workbook", "datasource", "flow", "view")
_USED = Field("Used by workbooks", NUMBER, lambda f, c: None if _unread_uses(f.site) else f.used[c.id])
LISTS: Mapping[str, Things] = {
    "users": Things(
        "users",
        (
            *_USER[:2],
            Field("E-mail", NAME, lambda _, u: u.email),
            _USER[2],
            Field("Licence", WORDS, lambda _, u: licence_of(u.site_role) or "none"),
            _USER[3],
            Field("Groups", NUMBER, lambda f, u: sum(not f.site.groups[g].everyone for g in f.site.groups_of(u.id))),
            Field("Owns", NUMBER, lambda f, u: f.owns[u.id]),
        ),
        lambda site: site.users.values(),
    ),
    "groups": Things(
        "groups",
        (
            Field("Group", NAME, lambda _, g: g.name),
            Field("Domain", WORDS, lambda _, g: g.domain),
            Field("Members", NUMBER, lambda f, g: _members(f.site, g)),
            Field("Minimum site role", WORDS, lambda _, g: ui_role(g.minimum_site_role) if g.minimum_site_role else ""),
            Field("Granted", WORDS, lambda _, g: {"onLogin": "on sign-in", "onSync": "on sync"}.get(g.grant_on, "")),
        ),
        lambda site: site.groups.values(),
    ),
    "members": Things(
        "memberships",
        (
            Field("Group", NAME, lambda _, m: m[0].name),
            *(Field(one.heading, one.kind, lambda f, m, one=one: one.value(f, m[1])) for one in _USER),  # type: ignore[misc]
        ),
        _every_member,
    ),
    "projects": Things(
        "projects",
        (
            _path("Project"),
            _OWNER,
            Field("Permissions", WORDS, lambda _, c: MODES.get(c.mode, c.mode)),
            Field("Leaders", WORDS, _leaders),
            Field("Holds", NUMBER, lambda f, c: f.below[c.id]),
            _TIMES[1],
        ),
        _contents("project"),
    ),
    "workbooks": Things(
        "workbooks",
        (
            _path("Workbook"),
            _OWNER,
            Field("Views", NUMBER, lambda f, c: len(f.site.children(c.id))),
            *_TIMES,
            _TAGS,
        ),
        _contents("workbook"),
    ),
    "views": Things("views", (_path("View"), _OWNER, *_TIMES, _TAGS), _contents("view")),
    "datasources": Things(
        "data sources",
        (_path("Data source"), _OWNER, Field("Certified", WORDS, _certified), _USED, *_TIMES, _TAGS),
        _contents("datasource"),
    ),
    "flows": Things("flows", (_path("Flow"), _OWNER, *_TIMES, _TAGS), _contents("flow")),
    "owners": Things(
        "owners",
        (
            *_USER,
            Field("Projects", NUMBER, _number_owned("project")),
            Field("Workbooks", NUMBER, _number_owned("workbook")),
            Field("Data sources", NUMBER, _number_owned("datasource")),
            Field("Flows", NUMBER, _number_owned("flow")),
            Field("Others", NUMBER, _number_owned(*(kind for kind in KIND_NAMES if kind not in _COUNTED))),
            Field("Owns", NUMBER, lambda f, u: f.owns[u.id]),
        ),
        _owners,
    ),
}


def _unread_uses(site: Site) -> bool:
    return CONNECTIONS in site.partial


# -- choosing ----------------------------------------------------------------------------------------------------


class Chosen(NamedTuple):
    """Which rows of a list, and in which order; each of `where` is `field=value` or with another comparison.

    `words` have to stand in a row, `idle` is days without signing in, `inside` the id of a project.
    """

    words: Sequence[str] = ()
    where: Sequence[str] = ()
    sort: str | None = None
    idle: int | None = None
    inside: str | None = None
    group: str | None = None


class Selection(NamedTuple):
    """The rows that were chosen, each with its thing, and how many there are in all."""

    listed: Things
    rows: list[tuple[Any, tuple[Value, ...]]]
    of: int


def chosen(site: Site, name: str, chosen: Chosen) -> Selection:
    """The rows of a list, in order of the first field unless it is said otherwise; UnknownName for a field it lacks."""
    listed, facts = LISTS[name], Facts(site)
    tests = [*(_test(listed, one) for one in chosen.where)]
    if chosen.idle is not None:
        tests.append(_idle(listed, site, chosen.idle))
    things = [thing for thing in listed.every(site) if _is_in(site, thing, chosen)]
    rows = [(thing, tuple(field.value(facts, thing) for field in listed.fields)) for thing in things]
    wanted = [same(word) for word in chosen.words]
    rows = [row for row in rows if all(test(row[1]) for test in tests) and _holds(row[1], wanted)]
    by, last_first = (chosen.sort or "").removeprefix("-"), (chosen.sort or "").startswith("-")
    place = listed.fields.index(field_named(listed, by)) if by else 0
    rows.sort(key=lambda row: _order(listed.fields[place], row[1][place]), reverse=last_first)
    return Selection(listed, rows, len(things))


def _is_in(site: Site, thing: Any, chosen: Chosen) -> bool:
    if chosen.group is not None:
        return bool(thing[0].id == chosen.group)
    return chosen.inside is None or (thing.id != chosen.inside and chosen.inside in site.ancestors(thing.id))


def _holds(row: tuple[Value, ...], words: Sequence[str]) -> bool:
    text = "\n".join(same(value) for value in row if isinstance(value, str)) if words else ""
    return all(word in text for word in words)


def _order(field: Field, value: Value) -> tuple[bool, str | int]:
    """What was not told comes first, and who never signed in before all who did."""
    if field.kind == NUMBER:
        return value is not None, value or 0
    return value not in (None, NEVER), same(str(value or ""))


def field_named(listed: Things, words: str) -> Field:
    """The field of that name, else the one whose name holds the words; UnknownName for none or several."""
    key = _plain(words)
    exact = [field for field in listed.fields if _plain(field.heading) == key]
    fields = exact or [field for field in listed.fields if key and key in _plain(field.heading)]
    if len(fields) != 1:
        names = ", ".join(f"`{field.called}`" for field in fields or listed.fields)
        what = "several columns are called" if fields else f"a list of {listed.things} has no column"
        raise UnknownName(f"{what} `{words}`; {'say which' if fields else 'there are'}: {names}")
    return fields[0]


def _plain(words: str) -> str:
    return "".join(letter for letter in same(words) if letter.isalnum())


def _test(listed: Things, words: str) -> Callable[[tuple[Value, ...]], bool]:
    """Whether a row fits `field=value`; a day or a part of a time stands for its beginning."""
    match = _CONDITION.fullmatch(words)
    if match is None:
        raise UnknownName(f"`{words}` is no condition; write it as in `site_role=Viewer`, with one of = != < > <= >= ~")
    name, sign, wanted = match.groups()
    field = field_named(listed, name)
    place, compare = listed.fields.index(field), _COMPARE[sign]
    if field.kind == NUMBER and sign != "~":
        try:
            number = int(wanted)
        except ValueError:
            raise UnknownName(f"`{words}`: `{field.called}` is a whole number, and `{wanted}` is none") from None
        return lambda row: row[place] is not None and compare(row[place], number)
    if field.kind == TIME:
        return _time_test(place, sign, same(wanted))
    return lambda row: compare(same(str(row[place] or "")), same(wanted))


def _time_test(place: int, sign: str, wanted: str) -> Callable[[tuple[Value, ...]], bool]:
    """Of times: `=2026-01` is any time in that month, `<` and `>` are before and after it; never is before all."""
    compare = _COMPARE[sign]

    def test(row: tuple[Value, ...]) -> bool:
        value = same(str(row[place] or ""))
        if value == NEVER and wanted != NEVER and sign in ("<", "<="):
            return True
        return value != "" and (value != NEVER or sign in ("=", "!=", "~")) and compare(value[: len(wanted)], wanted)

    return test


def _idle(listed: Things, site: Site, days: int) -> Callable[[tuple[Value, ...]], bool]:
    """Who did not sign in for so many days by the time of the snapshot; who never did is among them."""
    place = next(
        (n for n, field in enumerate(listed.fields) if field.value is _sign_in or field.heading == "Last sign-in"), None
    )
    if place is None:
        raise UnknownName(f"`--idle` is about people, and a list of {listed.things} has no last sign-in")
    taken = datetime.fromisoformat(site.taken.when) if site.taken.when else datetime.now(UTC)
    since = (taken - timedelta(days=days)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return lambda row: row[place] == NEVER or str(row[place]) < since


# -- in words ----------------------------------------------------------------------------------------------------


def heading(site: Site, selection: Selection) -> str:
    """`12 of 401 users`, and of users the seats."""
    things = f"{len(selection.rows)} of {selection.of}" if len(selection.rows) != selection.of else str(selection.of)
    seats = f"; seats taken: {seats_words(site)}" if selection.listed is LISTS["users"] else ""
    return f"{things} {selection.listed.things}{seats}"


def seats(site: Site) -> dict[str, tuple[int, int | None]]:
    """For each tier how many seats are taken, and how many there are; None where the site does not tell."""
    taken = Counter(licence_of(user.site_role) for user in site.users.values())
    return {tier: (taken[tier], (site.licences or {}).get(tier)) for tier in TIERS}


def seats_words(site: Site) -> str:
    """`Creator 12 of 20, Explorer 30 of 50, Viewer 210 of 250`."""
    parts = [f"{tier} {n}" + ("" if of is None else f" of {of}") for tier, (n, of) in seats(site).items()]
    return ", ".join(parts)


def table_of(name: str, selection: Selection) -> Table:
    """The rows as a table."""
    columns = (Column(f.heading, f.kind, f.called, _OF.get(f.heading, "")) for f in selection.listed.fields)
    return Table(*columns, name=name, rows=Rows(selection.rows, lambda row: row[1]))


def as_json(site: Site, selection: Selection) -> dict[str, Any]:
    """The rows by the names of their fields, each with the id of its thing."""
    rows = []
    for thing, values in selection.rows:
        ids = {"group_id": thing[0].id, "user_id": thing[1].id} if isinstance(thing, tuple) else {"id": thing.id}
        fields = zip(selection.listed.fields, values, strict=True)
        rows.append(ids | {f.called: None if f.kind == TIME and value == NEVER else value for f, value in fields})
    document: dict[str, Any] = {"taken": site.taken.when, "of": selection.of, "rows": rows}
    if selection.listed is LISTS["users"]:
        document["seats"] = {tier: {"taken": n, "of": of} for tier, (n, of) in seats(site).items()}
    return document
