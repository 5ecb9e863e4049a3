"""Columns and Site convert both ways without loss, through files of either form too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from dense_sites import UNREAD_SHARES, dense_site
from hypothesis import given, settings
from hypothesis import strategies as st
from sites_of_chance import sites

from tabwarden.engine.columns import EMPTY_LIST, GRANTEE_KINDS, NONE, Columns
from tabwarden.engine.convert import columns_of, rule_list, site_of
from tabwarden.engine.engine import Engine
from tabwarden.model.errors import IncompleteRead, UnknownName
from tabwarden.model.site import Content, Grantee, Group, Rule, Site, Taken, Use, User
from tabwarden.model.site_settings import SiteSettings
from tabwarden.store.columns import open_columns, save_columns

TEXTS = st.text(st.characters(codec=None), max_size=6)


def _told_user(draw: st.DrawFn, user: User) -> User:
    plain = {name: draw(TEXTS) for name in ("full_name", "email", "domain")}
    return replace(user, **plain, last_login=draw(st.none() | TEXTS), auth_setting=draw(st.none() | TEXTS))


def _told_group(draw: st.DrawFn, group: Group) -> Group:
    members = draw(st.none() | st.frozensets(st.sampled_from(["ann", "lost", ""])))
    return replace(group, members=members, minimum_site_role=draw(st.none() | TEXTS))


@st.composite
def told(draw: st.DrawFn) -> Site:
    """A Site with every field filled by chance: odd texts, facts that were not read, names of tomorrow."""
    site = draw(sites())
    users = {name: _told_user(draw, user) for name, user in site.users.items()}
    groups = {name: group if group.everyone else _told_group(draw, group) for name, group in site.groups.items()}
    contents = {}
    for content, held in site.contents.items():
        kinds = draw(st.lists(st.sampled_from(["workbook", "flow", "OfTomorrow"]), unique=True, max_size=2))
        contents[content] = replace(
            held,
            name=draw(TEXTS),
            description=draw(TEXTS),
            tags=draw(st.sampled_from([frozenset(), frozenset({"gold"}), None])),
            rules=draw(st.sampled_from([None, held.rules])),
            defaults=MappingProxyType({kind: draw(st.sampled_from([None, held.rules])) for kind in kinds}),
            uses=tuple(Use(d, a) for d, a in draw(st.lists(st.tuples(TEXTS, TEXTS), max_size=2))),
            mode=draw(st.sampled_from([held.mode, "OfTomorrow"])),
        )
    return replace(
        site,
        users=users,
        groups=groups,
        contents=contents,
        licences=draw(st.none() | st.just({"Creator": 3})),
        settings=SiteSettings(group_sets=draw(st.booleans())),
        taken=Taken(draw(TEXTS), "", "me"),
        partial=tuple(draw(st.lists(TEXTS, max_size=2))),
        name=draw(TEXTS),
    )


@settings(max_examples=60, deadline=None)
@given(told())
def test_a_site_survives_its_columns(site: Site) -> None:
    columns = columns_of(site)
    back = site_of(columns)
    assert back == site
    assert [list(back.users), list(back.groups), list(back.contents)] == [
        list(site.users),
        list(site.groups),
        list(site.contents),
    ]
    assert same(columns_of(back), columns)


@pytest.mark.parametrize("seed", range(12))
def test_dense_sites_survive(seed: int) -> None:
    site = dense_site(seed, unread=UNREAD_SHARES[seed % 4], users=12, items=20)
    assert site_of(columns_of(site)) == site


def same(left: Columns, right: Columns) -> bool:
    tables = ("users", "groups", "group_sets", "contents", "defaults", "uses", "rules")
    pairs = [(a, b) for table in tables for a, b in zip(getattr(left, table), getattr(right, table), strict=True)]
    pairs += list(zip(left.names[1:], right.names[1:], strict=True))
    pairs += [(left.names.words.data, right.names.words.data), (left.names.words.ends, right.names.words.ends)]
    alike = all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)
    return alike and left.vocabulary == right.vocabulary and left.about == right.about


def test_the_rows_are_as_the_page_says() -> None:
    """One small Site by hand: numbers in the order of the Site, then those only named; each list once."""
    ann, group = Grantee("user", "ann"), Grantee("group", "staff")
    rules = frozenset({Rule(group, "Read", "Allow"), Rule(ann, "Read", "Deny"), Rule(group, "Filter", "Deny")})
    site = Site(
        users={"bob": User("bob", "bob", "Creator")},
        groups={"staff": Group("staff", "Staff", members=frozenset({"bob", "ann"}))},
        contents={
            "p": Content("p", "project", "P", None, "bob", defaults={"workbook": rules}),
            "w": Content("w", "workbook", "W", "p", "ann", rules=rules),
            "x": Content("x", "workbook", "X", "gone", "bob", rules=None),
        },
    )
    columns = columns_of(site)
    assert columns.all_ids("user") == ["bob", "ann"]
    assert columns.groups.members.tolist() == [0, 1], "ann is only named: number 1, behind the users read"
    assert columns.contents.parent.tolist() == [NONE, 0, 3]
    assert columns.contents.owner.tolist() == [0, 1, 0]
    assert columns.contents.rules.tolist() == [EMPTY_LIST, 1, NONE]
    assert columns.defaults.rules.tolist() == [1], "the same list, stored once"
    codes = [(GRANTEE_KINDS[code & 3], code >> 2) for code in columns.rules.grantee.tolist()]
    assert codes == [("group", 0), ("user", 1)]
    read, filters = (columns.vocabulary.capabilities.index(name) for name in ("Read", "Filter"))
    assert columns.rules.allow.tolist() == [1 << read, 0]
    assert columns.rules.deny.tolist() == [1 << filters, 1 << read]
    assert rule_list(columns, 1) == rules
    assert columns.sizes["rule_rows"] == 2


def test_too_many_capabilities_are_refused() -> None:
    rules = frozenset(Rule(Grantee("user", "u"), f"New{n}", "Allow") for n in range(40))
    site = Site(contents={"w": Content("w", "workbook", "W", None, "u", rules=rules)})
    with pytest.raises(ValueError, match="65 capabilities are named; a mask has bits for 63"):
        columns_of(site)


# -- files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parquet", [False, True], ids=["numpy", "parquet"])
@pytest.mark.parametrize("seed", [3, 6, 7])
def test_columns_survive_files(seed: int, parquet: bool, tmp_path: Path) -> None:
    site = dense_site(seed, unread=UNREAD_SHARES[seed % 4], users=9)
    columns = columns_of(site)
    opened = open_columns(save_columns(columns, tmp_path / "kept", parquet=parquet))
    assert same(opened, columns)
    assert site_of(opened) == site
    assert (Engine(opened).matrix("Read") == Engine(columns).matrix("Read")).all()
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0, "nobody else reads who may do what"


@pytest.mark.parametrize("parquet", [False, True], ids=["numpy", "parquet"])
def test_an_empty_site_survives_files(parquet: bool, tmp_path: Path) -> None:
    opened = open_columns(save_columns(columns_of(Site()), tmp_path / "kept", parquet=parquet))
    assert site_of(opened) == Site()
    assert Engine(opened).matrix("Read").shape == (0, 0)


def test_names_are_opened_only_when_asked(tmp_path: Path) -> None:
    kept = save_columns(columns_of(dense_site(4)), tmp_path / "kept")
    (kept / "names.npz").unlink()
    columns = open_columns(kept)
    assert len(Engine(columns).what(0).allowed) == len(columns.contents.kind)
    with pytest.raises(FileNotFoundError):
        columns.user_numbers  # noqa: B018


def test_what_is_no_columns_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"there is no `about\.json` in it"):
        open_columns(tmp_path)
    kept = save_columns(columns_of(dense_site(4)), tmp_path / "kept")
    with pytest.raises(FileExistsError, match="is there already"):
        save_columns(columns_of(dense_site(4)), kept)
    about = json.loads((kept / "about.json").read_text())
    (kept / "about.json").write_text(json.dumps({**about, "format": 99}))
    with pytest.raises(IncompleteRead, match="have format 99, this release reads 3"):
        open_columns(kept)
    (kept / "about.json").write_text(json.dumps({**about, "vocabulary": None}))
    with pytest.raises(IncompleteRead, match="are damaged"):
        open_columns(kept)
    (kept / "about.json").write_text(json.dumps(about))
    (kept / "facts.npz").write_bytes(b"no archive")
    with pytest.raises(IncompleteRead, match="are damaged"):
        open_columns(kept)
