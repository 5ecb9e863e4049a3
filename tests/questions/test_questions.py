"""Questions to a Site that lies beside the history: the same answers as the whole Site's, from the facts touched."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from dense_sites import ASKED, LOST, UNREAD_SHARES, dense_site

import tabwarden.questions as questions_module
from tabwarden.access.abilities.ability import ACTIONS, can
from tabwarden.access.dialog import rows_of
from tabwarden.access.reference import may, what
from tabwarden.compare.snapshots import facts
from tabwarden.model.errors import Disagreement, UnknownName
from tabwarden.model.names import same
from tabwarden.model.open_points import MODELS
from tabwarden.model.site import Site, User
from tabwarden.questions import Questions
from tabwarden.store import beside, opened
from tabwarden.store.arrays import Arrays
from tabwarden.store.snapshots import Snapshot

SNAPSHOT = Snapshot(1, 1, "", "", "", "", "", "", "", "", (), 0, 0, 0, "mark")
SEEDS = range(12)


def site_of_seed(seed: int) -> Site:
    return dense_site(seed, unread=UNREAD_SHARES[seed % len(UNREAD_SHARES)])


def reopened(site: Site, folder: Path) -> Site:
    """The same Site over the columns kept beside a history."""
    assert beside.keep(folder, SNAPSHOT, site)
    again = beside.opened(folder, SNAPSHOT)
    assert again is not None
    return again


def answers(site: Site, seed: int) -> Iterator[object]:
    """Every answer and word that a question is made of, a part of them by chance."""
    dice = Random(seed)
    for user in site.users:
        yield site.called(user), site.groups_of(user), site.group_sets_of(user)
        for content in site.contents:
            model = dice.choice(MODELS)
            for capability in dice.sample(ASKED, 6):
                yield may(site, user, capability, content, model=model)
            yield list(what(site, user, content, model=model))
            action = dice.choice(sorted(ACTIONS))
            yield can(site, user, action, content, to=dice.choice([*site.users]), model=model)
    for content in site.contents:
        yield rows_of(site, content), site.path(content), site.children(content), list(site.below(content))
    yield site.children(None), site.children(LOST), site.all_users, site.default_project_id


def named(site: Site) -> Iterator[object]:
    """What words find."""
    for user in site.users.values():
        yield site.users_named(user.name.upper()), site.users_named(f"{user.domain}\\{user.name}")
    for content in site.contents:
        yield site._contents_by_path.get(same(site.path(content)), ())
    yield site.users_named("nobody"), site._contents_by_path.get("nowhere", ())


@pytest.mark.parametrize("seed", SEEDS)
def test_every_answer_is_that_of_the_whole_site(seed: int, tmp_path: Path) -> None:
    site = site_of_seed(seed)
    again = reopened(site, tmp_path)
    assert list(answers(again, seed)) == list(answers(site, seed))
    assert list(named(again)) == list(named(site))
    assert again == site
    assert [list(table) for table in (again.users, again.groups, again.contents)] == [
        list(table) for table in (site.users, site.groups, site.contents)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_changed_site_counts_for_itself(seed: int, tmp_path: Path) -> None:
    site = site_of_seed(seed)
    again = reopened(site, tmp_path)
    user = next(iter(site.users.values()))
    more = replace(user, id="new", name="New")
    changed, expected = again.with_users(more), site.with_users(more)
    assert changed.find_user("new") == more
    assert list(answers(changed, seed)) == list(answers(expected, seed))
    assert changed.columns_beside is None


DROPPED = {
    "a member": ("belongs.groups", "groups.members"),
    "an owner": ("contents.owner",),
    "a parent": ("contents.parent",),
    "a rule": ("rules.allow",),
    "a denial": ("rules.deny",),
    "a default": ("defaults.rules",),
    "a lock": ("contents.mode",),
    "tabs": ("contents.tabs",),
    "a group of a set": ("group_sets.groups",),
    "what was not read": ("groups.read",),
    "a role": ("users.role",),
    "a child": ("children.contents",),
    "an id": ("user.numbers",),
    "a name": ("names.numbers",),
    "a path": ("paths.numbers",),
}


@pytest.mark.parametrize("fact", DROPPED)
def test_a_dropped_fact_is_seen(fact: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the values of an array that say nothing: some Site of the suite tells."""
    true = Arrays.__getitem__

    def wrong(arrays: Arrays, name: str) -> object:
        view = true(arrays, name)
        if name not in DROPPED[fact] or not len(view):
            return view
        values = view.tolist()
        nothing = -1 if name == "contents.parent" else 0
        return Values([value if place % 2 else type(value)(nothing) for place, value in enumerate(values)])

    monkeypatch.setattr(Arrays, "__getitem__", wrong)
    for seed in SEEDS:
        site = site_of_seed(seed)
        again = reopened(site, tmp_path / str(seed)) if (tmp_path / str(seed)).mkdir() is None else site
        try:
            if list(answers(again, seed)) != list(answers(site, seed)) or list(named(again)) != list(named(site)):
                return
        except (KeyError, IndexError, UnknownName, RecursionError):
            return
    pytest.fail(f"nobody sees that {fact} is another one")


class Values(list[int]):
    """Values that pass as those of an array."""

    def tolist(self) -> list[int]:
        return list(self)


# -- lists -----------------------------------------------------------------------------------------------------


@pytest.fixture
def by_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every list is the engine's, and nothing but its reasons is confirmed."""
    monkeypatch.setattr(questions_module, "FEW", 1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.usefixtures("by_engine")
def test_lists_are_those_of_the_reference(seed: int, tmp_path: Path) -> None:
    site = site_of_seed(seed)
    asked = partial(Questions, model=MODELS[seed % 3])
    for questions in (asked(site), asked(reopened(site, tmp_path))):
        for content in islice(site.contents, 0, None, 2):
            for capability in ("Read", "ChangePermissions", "NotYetNamed"):
                told = {a.user: a for people in questions.who(capability, content) for a in people.answers()}
                assert told == {
                    user: may(site, user, capability, content, model=questions.model) for user in site.users
                }
                assert questions.who_ids(capability, content) == [user for user in site.users if told[user].allowed]
        for user in site.users:
            reach = list(questions._reach_asked(user))
            assert sorted(questions.reach(user)) == sorted(reach)
            assert questions.views(user) == len(reach)
            ids = [c for c in site.contents if may(site, user, "Filter", c, model=questions.model).allowed]
            assert questions.what_ids(user, "Filter") == ids


def test_engine_and_reference_that_differ_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    site = dense_site(3)
    monkeypatch.setattr(questions_module, "FEW", 3)
    questions = Questions(site)
    verdicts = questions.engine.verdicts
    monkeypatch.setattr(questions.engine, "verdicts", lambda *asked: 1 - verdicts(*asked))
    with pytest.raises(Disagreement, match="report it with the snapshot"):
        questions.who("Read", next(iter(site.contents)))


def test_people_who_are_wrongly_taken_as_alike_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules that lose are part of an answer: a person in more groups is not alike."""
    site = dense_site(5, users=40)
    monkeypatch.setattr(questions_module, "FEW", 39)
    monkeypatch.setattr(Questions, "_speaking", lambda *_: (set(), set()))
    questions = Questions(site)
    with pytest.raises(Disagreement):
        _ = [questions.who("Read", content) for content in site.contents]


def test_a_model_that_is_none_is_told() -> None:
    with pytest.raises(UnknownName, match="models are current"):
        Questions(Site(), model="tomorrow")


# -- what lies beside --------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    site = dense_site(1)
    assert beside.opened(tmp_path, SNAPSHOT) is None
    assert beside.keep(tmp_path, SNAPSHOT, site)
    assert beside.opened(tmp_path, SNAPSHOT._replace(mark="another")) is None
    (path,) = (tmp_path / "columns").iterdir()
    whole = path.read_bytes()
    for length in (0, 7, 19, 40, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert beside.opened(tmp_path, SNAPSHOT) is None
    path.write_bytes(whole[:30] + bytes([whole[30] ^ 1]) + whole[31:])
    assert beside.opened(tmp_path, SNAPSHOT) is None
    path.write_bytes(whole)
    assert beside.opened(tmp_path, SNAPSHOT) == site


def test_a_place_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "columns").write_text("a file where the folder should be", encoding="utf-8")
    assert beside.keep(tmp_path, SNAPSHOT, dense_site(1)) is False
    assert [path.name for path in tmp_path.iterdir()] == ["columns"]


def test_only_the_newest_few_stay(tmp_path: Path) -> None:
    site = Site(users={"a": User("a", "ann", "Viewer")})
    for number in range(1, 12):
        assert beside.keep(tmp_path, SNAPSHOT._replace(number=number), site)
    left = sorted(int(path.stem) for path in (tmp_path / "columns").iterdir())
    assert left == [*range(12 - beside.MOST, 12)]


def test_things_with_the_same_state_are_the_same(tmp_path: Path) -> None:
    """What two openings tell as unlike is exactly what differs."""
    for seed in range(20):
        before, after = dense_site(seed), dense_site(seed + 1)
        pair = [
            reopened(site, folder)
            for site, folder in zip((before, after), (tmp_path / f"{seed}a", tmp_path / f"{seed}b"), strict=True)
            if folder.mkdir() is None
        ]
        for table in ("users", "groups", "group_sets", "contents"):
            left, right = (getattr(site, table) for site in (before, after))
            expected = {each for each in {*left, *right} if left.get(each) != right.get(each)}
            assert getattr(pair[0], table).unlike(getattr(pair[1], table)) == expected
    assert opened.Table.unlike(pair[0].users, {}) is None


WRITER = """
import sys
from dense_sites import dense_site
from tabwarden.store import beside
from tabwarden.store.snapshots import Snapshot
site, number = dense_site(7), 0
print("ready", flush=True)
while number < int(sys.argv[2]):
    number += 1
    beside.keep(sys.argv[1], Snapshot(1 + number % 2, 1, "", "", "", "", "", "", "", "", (), 0, 0, 0, "mark"), site)
"""


def writer(store: Path, times: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", WRITER, str(store), str(times)]
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )


def test_a_killed_writer_leaves_a_whole_file_or_none(tmp_path: Path) -> None:
    """And what it left aside goes with the next that is kept."""
    site = dense_site(7)
    for moment in (0.0, 0.01, 0.03):
        with writer(tmp_path, 10_000) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            time.sleep(moment)
            child.kill()
        assert beside.opened(tmp_path, SNAPSHOT) in (None, site)
    assert beside.keep(tmp_path, SNAPSHOT, site)
    assert beside.opened(tmp_path, SNAPSHOT) == site
    assert {path.name for path in (tmp_path / "columns").iterdir()} <= {"1.columns", "2.columns"}


def test_two_writers_do_not_disturb_each_other(tmp_path: Path) -> None:
    site = dense_site(7)
    with writer(tmp_path, 30) as one, writer(tmp_path, 30) as other:
        while one.poll() is None or other.poll() is None:
            assert beside.opened(tmp_path, SNAPSHOT) in (None, site)
    assert (one.returncode, other.returncode) == (0, 0)
    assert beside.opened(tmp_path, SNAPSHOT) == site


def test_facts_that_differ_are_told_without_making_the_others(tmp_path: Path) -> None:
    for seed in range(6):
        pair = dense_site(seed), dense_site(seed + 1)
        folders = (tmp_path / f"{seed}a", tmp_path / f"{seed}b")
        for folder in folders:
            folder.mkdir()
        again = tuple(reopened(site, folder) for site, folder in zip(pair, folders, strict=True))
        assert list(facts(again[0], again[1])) == list(facts(*pair))
