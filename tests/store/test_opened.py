"""What is kept of a Site beside the history: every field of everything, changes over it, and a disk that is full."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from random import Random
from types import MappingProxyType

import pytest
from dense_sites import dense_site
from small_site import rules

from tabwarden.model.feeds import DataConnection
from tabwarden.model.site import LOCKED, Content, Group, GroupSet, Site, Use, User
from tabwarden.store import beside, opened
from tabwarden.store.snapshots import Snapshot

SNAPSHOT = Snapshot(1, 1, "", "", "", "", "", "", "", "", (), 0, 0, 0, "mark")
RULES = rules("group:g +Read")
# Of each field another value than the one it has in ONES; a new field needs one here.
OTHERS: dict[str, dict[str, object]] = {
    "users": {
        "id": "u2",
        "name": "ann2",
        "site_role": "Creator",
        "domain": "labs",
        "full_name": "Ann",
        "email": "ann@x.com",
        "auth_setting": "SAML",
        "last_login": "2026-11-01T00:00:00Z",
        "idp_configuration_id": "idp",
    },
    "groups": {
        "id": "g2",
        "name": "G2",
        "domain": "labs",
        "members": None,
        "minimum_site_role": "Viewer",
        "grant_on": "onLogin",
        "everyone": True,
    },
    "group_sets": {"id": "s2", "name": "S2", "groups": frozenset({"g"})},
    "contents": {
        "id": "c2",
        "kind": "datasource",
        "name": "C2",
        "parent": "p",
        "owner": "u",
        "rules": None,
        "mode": LOCKED,
        "defaults": MappingProxyType({"workbook": RULES}),
        "tabs": False,
        "uses": (Use("c9", "prompt"),),
        "description": "more",
        "created": "2026-11-01",
        "updated": "2026-11-02",
        "tags": frozenset({"gold"}),
        "certified": True,
        "certification_note": "checked",
        "connections": (DataConnection("postgres", "db", "etl", True),),
    },
}
ONES = {
    "users": User("u", "ann", "Viewer"),
    "groups": Group("g", "G", members=frozenset({"u"})),
    "group_sets": GroupSet("s", "S"),
    "contents": Content("c", "workbook", "C", None, "adm", RULES),
}
BASE = Site(**{table: {one.id: one} for table, one in ONES.items()})


def over(folder: Path, site: Site) -> Site:
    """The Site as it is opened over its columns."""
    assert beside.keep(folder, SNAPSHOT, site)
    opened = beside.opened(folder, SNAPSHOT)
    assert opened is not None
    return opened


@pytest.mark.parametrize("table", sorted(ONES))
def test_every_field_is_kept_and_tells_two_things_apart(table: str, tmp_path: Path) -> None:
    one = ONES[table]
    assert [field.name for field in fields(one)] == list(OTHERS[table]), "a new field needs another value here"
    before = over(tmp_path, BASE)
    for name, value in OTHERS[table].items():
        other = replace(one, **{name: value})
        site = replace(BASE, **{table: {other.id: other}})
        opened = over(tmp_path, site)
        assert getattr(opened, table)[other.id] == other, f"`store.opened` does not read `{name}`"
        assert opened == site
        differs = getattr(before, table).unlike(getattr(opened, table))
        assert differs == {one.id, other.id}, f"`store.indexes` does not count `{name}`"


def asked(site: Site) -> dict[str, object]:
    """What a Site answers by the indexes it carries."""
    return {
        "order": list(site.contents),
        "contents": dict(site.contents.items()),
        "children": {content: sorted(site.children(content)) for content in (None, *site.contents)},
        "paths": {content: site.find_content(content).id for content in site.contents},
        "found": {path: sorted(site._contents_by_path.get(path, ())) for path in map(site.path, site.contents)},
        "groups": {user: site.groups_of(user) for user in site.users},
        "called": {user: site.called(user) for user in site.users},
        "named": {user.name: sorted(site.users_named(user.name)) for user in site.users.values()},
        "unlocked": dict(site.without_locks.contents.items()),
    }


def changed(site: Site, dice: Random) -> Content:
    """A content that is new, moved, named otherwise, or has other rules."""
    content = site.contents[dice.choice(sorted(site.contents))]
    projects = [c.id for c in site.contents.values() if c.kind == "project" and c.id != content.id]
    return dice.choice(
        [
            replace(content, rules=rules("group:All Users +Read"), description=f"{dice.random()}"),
            replace(content, name=f"{content.name}'"),
            replace(content, parent=None),
            replace(content, mode=LOCKED) if content.kind == "project" else content,
            Content(f"n{dice.randrange(10**6)}", "workbook", "new", dice.choice(projects), "adm"),
        ]
    )


@pytest.mark.parametrize("seed", range(8))
def test_changes_over_it_answer_as_a_site_of_dictionaries_does(seed: int, tmp_path: Path) -> None:
    dice, plain = Random(seed), dense_site(seed, users=8, items=14)
    opened = first = over(tmp_path, plain)
    for _ in range(8):
        content = changed(plain, dice)
        before, plain, opened = opened, plain.with_contents(content), opened.with_contents(content)
        assert asked(opened) == asked(plain)
        assert (opened.contents, len(opened.contents)) == (plain.contents, len(plain.contents))
        assert opened.contents.unlike(before.contents) == {content.id} - {
            same for same in (content.id,) if before.contents.get(same) == content
        }
        differs = {c for c in {*plain.contents, *first.contents} if plain.contents.get(c) != first.contents.get(c)}
        assert opened.contents.unlike(first.contents) == differs
        assert "gone" not in opened.contents
        with pytest.raises(KeyError):
            opened.contents["gone"]


@pytest.mark.parametrize("step", ["os.open", "os.fsync", "os.replace", "pathlib.Path.mkdir"])
def test_a_full_disk_keeps_no_columns_and_leaves_nothing(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    for earlier in (None, SNAPSHOT._replace(mark="earlier")):
        if earlier is not None:
            assert beside.keep(tmp_path, earlier, BASE)
        with monkeypatch.context() as patch:
            patch.setattr(step, full)
            assert beside.keep(tmp_path, SNAPSHOT, BASE) is False
        assert beside.opened(tmp_path, SNAPSHOT) is None
        left = [path.name for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".names"]
        assert left == ([] if earlier is None else ["1.columns"])
        if earlier is not None:
            assert beside.opened(tmp_path, earlier) == BASE
    assert over(tmp_path, BASE) == BASE


def test_what_is_made_one_by_one_does_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is asked about one content after another holds some of them, and answers the same."""
    monkeypatch.setattr(opened, "MOST", 3)
    before = dense_site(3, items=30)
    assert beside.keep(tmp_path, SNAPSHOT, before)
    after = beside.opened(tmp_path, SNAPSHOT)
    assert after is not None
    for _ in range(2):
        for key, content in before.contents.items():
            assert after.contents[key] == content
            assert len(after.contents._made) <= 3  # type: ignore[attr-defined]
    assert dict(after.contents) == dict(before.contents)  # everything, for whoever reads it whole
    assert len(after.contents._made) == len(before.contents)  # type: ignore[attr-defined]
