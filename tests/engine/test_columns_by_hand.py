"""Columns made by hand: what is left out is filled in, what cannot be is refused with its table, row and value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dense_sites import UNREAD_SHARES, dense_site
from paths import ROOT

from tabwarden.engine.by_hand import STANDARD, by_hand
from tabwarden.engine.columns import Columns
from tabwarden.engine.convert import columns_of, site_of
from tabwarden.engine.engine import Engine
from tabwarden.engine.validate import validate
from tabwarden.model.errors import ColumnsError, UnknownName
from tabwarden.model.site import ALL_USERS, Content, Grantee, Group, GroupSet, Rule, Rules, Site, Use, User

TABLES: dict[str, Any] = {
    "users": {"role": ["Creator", "Viewer"], "id": ["bob", "ann"]},
    "groups": {"id": ["staff", "All Users"], "everyone": [False, True]},
    "members": {"group": [0, 0], "user": [1, 1]},
    "contents": {"kind": ["project", "workbook"], "parent": [-1, 0], "owner": [0, 0], "rules": [0, 1]},
    "rules": {
        "list": [1, 1, 1],
        "grantee_kind": ["group", "user", "group"],
        "grantee": [0, 1, 0],
        "capability": ["View", "Filter", "Download Image/PDF"],
        "mode": ["Allow", "Deny", "Deny"],
    },
}


def test_a_site_by_hand_is_the_site_by_name() -> None:
    rules = frozenset(
        {
            Rule(Grantee("group", "staff"), "Read", "Allow"),
            Rule(Grantee("user", "ann"), "Filter", "Deny"),
            Rule(Grantee("group", "staff"), "ExportImage", "Deny"),
        }
    )
    site = Site(
        users={"bob": User("bob", "bob", "Creator"), "ann": User("ann", "ann", "Viewer")},
        groups={
            "staff": Group("staff", "staff", members=frozenset({"ann"})),
            ALL_USERS: Group(ALL_USERS, ALL_USERS, everyone=True),
        },
        contents={
            "content 0": Content("content 0", "project", "content 0", None, "bob"),
            "content 1": Content("content 1", "workbook", "content 1", "content 0", "bob", rules=rules),
        },
    )
    assert site_of(by_hand(**TABLES)) == site
    as_masks = {"list": [1, 1], "grantee_kind": [0, 1], "grantee": [1, 0], "allow": [0, 1]}
    image = 1 << STANDARD.capabilities.index("ExportImage")
    denied = {**as_masks, "deny": [1 << STANDARD.capabilities.index("Filter"), image]}
    assert site_of(by_hand(**{**TABLES, "rules": denied})) == site
    engine = Engine(by_hand(**TABLES))
    assert engine.who_ids("View", 1).tolist() == [0, 1]
    assert engine.check("ann", "View", "content 1").because == "group_allow"


@pytest.mark.parametrize("seed", range(4))
def test_numbers_of_a_whole_site_can_be_handed_in(seed: int) -> None:
    """Everything columns of a Site hold, taken apart into tables and put together again, what is only named too."""
    site = dense_site(seed, unread=UNREAD_SHARES[seed % 4])
    roles = (u if u.site_role in STANDARD.roles else replace(u, site_role="Explorer") for u in site.users.values())
    books = (replace(c, rules=_known(c.rules), defaults={k: _known(r) for k, r in c.defaults.items()})
             for c in site.contents.values())  # fmt: skip
    columns = columns_of(site.with_users(*roles).with_contents(*books))
    told = columns.vocabulary
    made = by_hand(
        users={"role": [told.roles[code] for code in columns.users.role], "id": columns.ids("user")},
        groups={"everyone": columns.groups.everyone, "read": columns.groups.read, "id": columns.ids("group")},
        members={"group": _owners(columns.groups.offsets), "user": columns.groups.members},
        group_sets={"id": columns.ids("group_set")},
        set_groups={"group_set": _owners(columns.group_sets.offsets), "group": columns.group_sets.groups},
        contents={**columns.contents._asdict(), "id": columns.ids("content")},
        defaults=columns.defaults._asdict(),
        uses={"content": columns.uses.content, "datasource": columns.uses.datasource},
        rules={
            "list": _owners(columns.rules.offsets),
            "grantee_kind": columns.rules.grantee & 3,
            "grantee": columns.rules.grantee >> 2,
            "allow": columns.rules.allow,
            "deny": columns.rules.deny,
        },
        named={table: columns.all_ids(table)[columns.sizes_of[table] :] for table in columns.sizes_of},
        about=replace(site, users={}, groups={}, group_sets={}, contents={}),
    )
    for capability in ("View", "Filter", "Set Permissions"):
        assert (Engine(made).matrix(capability) == Engine(columns).matrix(capability)).all()


def _known(rules: Rules | None) -> Rules | None:
    return rules and frozenset(rule for rule in rules if rule.capability in STANDARD.capabilities)


def _owners(offsets: Any) -> Any:
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


WRONG: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("users", {"role": ["Creator", "Veiwer"]}, r"`users` row 1: `role` is `Veiwer`; did you mean `Viewer`\?"),
    ("users", {"name": ["bob"]}, r"`users` needs a column `role`|others"),
    ("members", {"user": [1, -1]}, "`members` row 1: `user` is -1; numbers start at 0"),
    ("members", {"user": [1, 2]}, "`members` row 1: `user` is 2; there are 2 users"),
    ("members", {"group": [0, 9]}, "`members` row 1: `group` is 9; there are 2 groups"),
    ("contents", {"parent": [1, 0]}, "`contents` row 0: `parent` is 1, and so it lies in itself"),
    ("contents", {"parent": [-1, 1]}, "`contents` row 1: `parent` is 1, and so it lies in itself"),
    ("contents", {"parent": [-1, 2]}, "`contents` row 1: `parent` is 2; there are 2 contents, and -1 for none"),
    ("contents", {"parent": [0.5, 0]}, "`contents` row 0: column `parent` holds `0.5`; whole numbers"),
    ("contents", {"owner": [0, -1]}, "`contents` row 1: `owner` is -1; there are 2 users"),
    ("contents", {"kind": ["project", "wb"]}, "`contents` row 1: `kind` is `wb`; words are project, workbook"),
    ("contents", {"kind": [0, 99]}, "`contents` row 1: `kind` is 99; there are 12 words"),
    ("contents", {"rules": [0, 7]}, "`contents` row 1: `rules` is 7; there are 2 rule lists"),
    ("contents", {"tabs": [0, 2]}, "`contents` row 1: `tabs` is `2`; it is true or false"),
    ("contents", {"id": ["a", "a"]}, "`names` row 0: `content_id` is `a` twice"),
    ("contents", {"id": ["a", None]}, "`names` row 1: `content_id` is -1, which is no text"),
    ("contents", {"colour": [0, 0]}, "`contents` has no column `colour`; its columns are kind, parent"),
    ("contents", {"tabs": [True]}, r"`contents` column `tabs` has \(1,\) entries, others 2"),
    (
        "rules",
        {"capability": ["Veiw", "View", "View"]},
        "`rules` row 0: no capability is called `Veiw`; near it",
    ),
    ("rules", {"grantee": [0, 1, 4]}, "`rules` row [0-9]: `grantee` is 17, which is nobody"),
    ("rules", {"grantee": [0, -1, 0]}, "`rules` row 1: `grantee` is -1; numbers start at 0"),
    ("rules", {"grantee_kind": ["group", "team", "user"]}, "`rules` row 1: `grantee_kind` is `team`; words are user"),
    ("rules", {"list": [0, 1, 1]}, "`rules` row 0: `list` is 0; list 0 is the one without rules"),
    ("rules", {"mode": ["Allow", "Never", "Deny"]}, "`rules` row 1: `mode` is `Never`; words are Allow, Deny"),
)


@pytest.mark.parametrize(("table", "columns", "told"), WRONG, ids=lambda part: part if isinstance(part, str) else "")
def test_what_cannot_be_is_refused_with_its_place(table: str, columns: dict[str, Any], told: str) -> None:
    with pytest.raises(ColumnsError, match=told):
        by_hand(**{**TABLES, table: {**TABLES[table], **columns}})


def test_the_least_that_can_be_told() -> None:
    columns = by_hand(users={"role": ["Viewer"]}, contents={"kind": ["workbook"]})
    assert columns.all_ids("user") == ["user 0", "nobody"]
    assert Engine(columns).what_ids(0, "View").tolist() == []
    assert site_of(columns).contents["content 0"].owner == "nobody"


def whole() -> Columns:
    site = Site(
        users={"ann": User("ann", "ann", "Viewer")},
        groups={"g": Group("g", "g", members=frozenset({"ann", "lost"}))},
        group_sets={"s": GroupSet("s", "s", frozenset({"g"}))},
        contents={"w": Content("w", "workbook", "w", "gone", "ann", uses=(Use("d", "embed"),))},
    )
    return columns_of(site)


def test_columns_of_a_site_are_valid() -> None:
    validate(whole())
    for seed in range(8):
        validate(columns_of(dense_site(seed, unread=UNREAD_SHARES[seed % 4])))


@pytest.mark.parametrize(
    ("table", "columns", "told"),
    [
        ("groups", {"offsets": np.array([0, 3])}, "`offsets` must start at 0"),
        ("groups", {"members": np.array([1, 0])}, "`groups` row 0: `members` has 0 behind 1; they rise"),
        ("groups", {"members": np.array([0, 7])}, "`groups` row 0: `members` is 7; there are 2 users"),
        ("users", {"role": np.array([99])}, "`users` row 0: `role` is 99; there are"),
        ("users", {"role": np.array([0.0])}, "column `role` is of `float64`"),
        ("contents", {"owner": np.array([0, 0])}, "columns differ in length"),
        ("uses", {"datasource": np.array([-1])}, "`uses` row 0: `datasource` is -1"),
        ("rules", {"offsets": np.array([0, 1])}, "`rules` `offsets` must start at 0"),
    ],
)
def test_columns_that_cannot_be_asked_are_told(table: str, columns: dict[str, Any], told: str) -> None:
    held = whole()
    with pytest.raises(ColumnsError, match=told):
        validate(replace(held, **{table: getattr(held, table)._replace(**columns)}))


def test_a_vocabulary_without_the_words_the_engine_needs_is_told() -> None:
    held = whole()
    with pytest.raises(ColumnsError, match="`vocabulary` `kinds` lacks `database`; begin with"):
        validate(replace(held, vocabulary=held.vocabulary._replace(kinds=("project", "workbook", "view", "table"))))


def test_the_page_tells_how_and_with_which_words() -> None:
    """A stranger writes an adapter from the page alone: its example runs, and every word stands on it."""
    page = (ROOT / "docs" / "reference" / "columns.md").read_text(encoding="utf-8")
    (example,) = (block.partition("```")[0] for block in page.split("```python\n")[1:] if "by_hand(" in block)
    names: dict[str, Any] = {}
    exec(example, names)
    assert names["engine"].who_ids("View", 1).tolist() == [0, 1]
    for words in (STANDARD.kinds, STANDARD.modes, STANDARD.roles, STANDARD.auths):
        assert [word for word in words if f"`{word}`" not in page] == []


def test_numbers_of_nobody_have_no_id() -> None:
    columns = by_hand(**TABLES)
    for number in (-1, 2):
        with pytest.raises(
            UnknownName, match=f"no user has the number {number}: these columns have numbers from 0 to 1"
        ):
            columns.id_of("user", number)
        with pytest.raises(UnknownName, match=f"no content has the number {number}"):
            Engine(columns).mirror("View").row(number)
