"""A Site kept and read back is the same Site, with everything unknown still unknown; damage is told."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabwarden.model.errors import IncompleteRead, UnknownName
from tabwarden.model.site import (
    Content,
    Grantee,
    Group,
    GroupSet,
    Rule,
    Site,
    Taken,
    Use,
    User,
)
from tabwarden.model.site_settings import SiteSettings
from tabwarden.store.snapshot import latest, load, save

words = st.text(max_size=12)
some = st.text(min_size=1, max_size=6)
rule = st.builds(Rule, st.builds(Grantee, st.sampled_from(["user", "group", "groupSet"]), some), some, words)
rules = st.none() | st.frozensets(rule, max_size=4)
users = st.builds(User, some, words, words, words, words, words, *[st.none() | words] * 3)
groups = st.builds(
    Group, some, words, words, st.none() | st.frozensets(some), st.none() | words, st.none() | words, st.booleans()
)
group_sets = st.builds(GroupSet, some, words, st.frozensets(some))
contents = st.builds(
    Content,
    id=some,
    kind=words,
    name=words,
    parent=st.none() | some,
    owner=words,
    rules=rules,
    mode=words,
    defaults=st.dictionaries(words, rules, max_size=3).map(MappingProxyType),
    tabs=st.booleans(),
    uses=st.lists(st.builds(Use, some, words), max_size=2).map(tuple),
    description=words,
    created=words,
    updated=words,
)


def by_id(values):
    return st.lists(values, max_size=4).map(lambda found: {one.id: one for one in found})


sites = st.builds(
    Site,
    id=some,
    name=words,
    content_url=words,
    users=by_id(users),
    groups=by_id(groups),
    group_sets=by_id(group_sets),
    contents=by_id(contents),
    settings=st.builds(SiteSettings, *[st.booleans()] * 4, words, words, st.booleans(), st.booleans()),
    licences=st.none() | st.dictionaries(words, st.integers(0, 10**6), max_size=3),
    nicknames=st.none() | st.dictionaries(words, words, max_size=2),
    on_demand=st.frozensets(words, max_size=2),
    taken=st.builds(Taken, words, words, words, words),
    partial=st.lists(words, max_size=2).map(tuple),
)


def acme(content_url="acme", when="2026-11-21T18:24:00Z", where="https://tableau.example.com", **more):
    return Site(content_url=content_url, taken=Taken(where=where, when=when, by="ada"), **more)


def with_people():
    people = {name: User(name, name, "Viewer") for name in ("jane", "joe")}
    read = frozenset({Rule(Grantee("user", "jane"), "Read", "Allow")})
    book = Content("w", "workbook", "Budget", None, "jane", rules=read)
    return acme(users=people, contents={"w": book, "v": Content("v", "view", "Sheet", "w", "jane", rules=read)})


@settings(max_examples=80, deadline=None)
@given(sites)
def test_what_is_loaded_equals_what_was_saved(site):
    with TemporaryDirectory() as folder:
        assert load(save(site, folder)) == site


def test_the_name_tells_site_and_time_and_nothing_unfinished_is_left(tmp_path):
    place = save(acme(), tmp_path)
    assert place.name == "acme-2026-11-21T182400Z"
    assert [found.name for found in tmp_path.iterdir()] == [place.name]
    assert place.stat().st_mode & 0o077 == 0


def test_a_second_one_of_the_same_moment_gets_its_own_folder(tmp_path):
    first, second = save(acme(), tmp_path), save(with_people(), tmp_path)
    assert first != second
    assert load(first) == acme()
    assert load(second) == with_people()


def test_equal_rule_lists_are_kept_once(tmp_path):
    place = save(with_people(), tmp_path)
    assert len((place / "rules.jsonl").read_text().splitlines()) == 1


def test_files_are_readable_lines(tmp_path):
    place = save(with_people(), tmp_path)
    rows = [json.loads(line) for line in (place / "users.jsonl").read_text().splitlines()]
    assert [row["name"] for row in rows] == ["jane", "joe"]


def test_latest_is_the_newest_of_that_site_and_server(tmp_path):
    save(acme(when="2026-11-20T00:00:00Z"), tmp_path)
    newest = save(acme(when="2026-11-22T00:00:00Z"), tmp_path)
    save(acme(content_url="other", when="2026-11-23T00:00:00Z"), tmp_path)
    elsewhere = save(acme(when="2026-11-24T00:00:00Z", where="https://other.example.com"), tmp_path)
    (tmp_path / "notes.txt").write_text("not a snapshot")
    assert latest(tmp_path, "acme", "https://tableau.example.com") == newest
    assert latest(tmp_path, "acme") == elsewhere
    assert latest(tmp_path, "none") is None


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda p: (p / "users.jsonl").write_text('{"id":"jane"'), "line 1 of `users.jsonl`"),
        (lambda p: (p / "users.jsonl").write_text(""), "0 of 2 lines in `users.jsonl`"),
        (lambda p: (p / "groups.jsonl").unlink(), "`groups.jsonl` is missing"),
        (lambda p: (p / "meta.json").write_text("{"), "`meta.json` cannot be read"),
        (lambda p: (p / "users.jsonl").write_text('{"id":"a"}\n{"id":"b"}\n'), "is damaged"),
        (lambda p: (p / "rules.jsonl").write_text('["x",[]]\n'), "no rule list '"),
        (lambda p: (p / "users.jsonl").write_text('{"id":"a","name":"a","site_role":"x","age":3}\n'), "no field `age`"),
        (
            lambda p: (p / "meta.json").write_text((p / "meta.json").read_text().replace('t":2', 't":1')),
            "format 1, this release reads 2; read the site again",
        ),
    ],
)
def test_damage_is_told_and_never_becomes_a_site(tmp_path: Path, damage, told):
    place = save(with_people(), tmp_path)
    damage(place)
    with pytest.raises(IncompleteRead, match=told):
        load(place)


def test_no_snapshot_there(tmp_path):
    with pytest.raises(UnknownName, match="no snapshot at"):
        load(tmp_path)
