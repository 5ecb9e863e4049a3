"""Who could see it, since when, because of which change; snapshots as files and under pseudonyms."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from dense_sites import dense_site
from test_cause import later
from tiny_sites import tiny_site

from support import command_line
from tabwarden.access.reference import may
from tabwarden.compare.cause import CANNOT, put_on, standing
from tabwarden.model.capability import CAPABILITIES
from tabwarden.model.site import Content, Grantee, Group, Rule, Site, Taken, User
from tabwarden.run.timeline import Subject, standing_on, subject_of, turns
from tabwarden.store import snapshot
from tabwarden.store.history import History
from tabwarden.store.pseudonyms import pseudonymised

VIEW = "Read"


def on(day: int) -> Taken:
    return Taken("https://t.example.com", f"2026-03-{day:02d}T06:00:00Z", "reader", "ServerAdministrator")


@pytest.mark.parametrize("seed", range(8))
def test_each_turn_is_where_the_answer_turned_and_its_cause_turns_it(tmp_path: Path, seed: int) -> None:
    random, sites = Random(seed), [tiny_site(seed)]
    while len(sites) < 6:
        sites.append(later(random, sites[-1], random.randint(0, 4)))
    sites = [replace(site, taken=on(day)) for day, site in enumerate(sites, 1)]
    with History(tmp_path) as history:
        chain = [history.keep(site) for site in sites]
        content, user = sites[0].contents["w"], sites[0].users["ann"]
        for subject in (Subject(content), Subject(None, user), Subject(content, user)):
            found = list(turns(history, chain, subject, VIEW))
            for turn in found:
                before, after = turn.pair
                assert after == sites[chain.index(turn.snapshot)]
                assert standing(after, turn.decision) == turn.now
                if turn.facts:
                    assert standing(before, turn.decision) != turn.now
                    assert standing(put_on(before, after, turn.facts), turn.decision) == turn.now
            told = {pair: turn.now for pair, turn in standing_on(found).items()}
            users = [user.id] if subject.user else list(sites[-1].users)
            contents = [content.id] if subject.content else list(sites[-1].contents)
            truth = {(u, c): standing(sites[-1], (u, c, VIEW)) for u in users for c in contents}
            assert told == {pair: now for pair, now in truth.items() if now != CANNOT}


def story() -> list[Site]:
    """Jane comes into Finance on the second day, and out again on the third, when she gets a rule of her own."""
    to_finance = Rule(Grantee("group", "f"), VIEW, "Allow")
    people = {u: User(u, u, "Viewer") for u in ("jane", "john")}
    contents = {
        "p": Content("p", "project", "Finance", None, "x"),
        "w": Content("w", "workbook", "Budget", "p", "x", rules=frozenset({to_finance})),
    }
    groups = {"f": Group("f", "Finance people", members=frozenset({"john"}))}
    first = Site("s", "Acme", "acme", people, groups, {}, contents, taken=on(1))
    second = replace(first.with_groups(Group("f", "Finance people", members=frozenset({"john", "jane"}))), taken=on(2))
    own = replace(contents["w"], rules=frozenset({to_finance, Rule(Grantee("user", "jane"), VIEW, "Deny")}))
    return [first, second, replace(second.with_contents(own), taken=on(3))]


def command(*words: str) -> tuple[int, str]:
    result = command_line.run(*words, env={"COLUMNS": "200"})
    return result.exit_code, result.output


@pytest.fixture
def store(tmp_path: Path) -> str:
    with History(tmp_path / "store") as history:
        for site in story():
            history.keep(site)
    return str(tmp_path / "store")


def test_who_could_see_it_on_a_day(store: str) -> None:
    code, text = command("history", "Finance/Budget", "--on", "2026-03-02", "--store", store)
    assert code == 0, text
    assert "2 people" in text
    jane, john = (next(line for line in text.splitlines() if name in line) for name in ("jane\t", "john\t"))
    assert "2026-03-02T06:00:00Z (snapshot 2)" in jane
    assert "group Finance people: members + jane" in jane
    assert "snapshot 1) or before" in john
    _, text = command("history", "Finance/Budget", "--store", store)
    assert "1 person" in text
    assert "jane" not in text
    _, text = command("history", "jane", "--on", "2", "--store", store)
    assert "View by jane on snapshot 2" in text
    assert "Finance/Budget" in text


def test_one_person_on_one_content(store: str) -> None:
    code, text = command("history", "Finance/Budget", "jane", "--json", "--store", store)
    assert code == 0
    told = json.loads(text)["turns"]
    assert [(turn["answer"], turn["since"]["snapshot"]) for turn in told] == [("yes", 2), ("no", 3)]
    assert told[1]["because"][0]["words"] == "workbook Finance/Budget: rules + Deny View to user jane"


def test_the_list_and_what_is_not_there(store: str, tmp_path: Path) -> None:
    _, text = command("history", "--json", "--store", store)
    assert [kept["number"] for kept in json.loads(text)] == [1, 2, 3]
    assert command("history", "Nothing", "--store", store)[0] == 1
    assert command("history", "--store", str(tmp_path / "empty"))[0] == 1
    assert not (tmp_path / "empty").exists()


def test_diff_of_two_days(store: str) -> None:
    code, text = command("diff", "2026-03-01", "2026-03-02", "--store", store)
    assert code == 2, text
    assert "+ jane" in text
    assert "gains" in text
    assert command("diff", "1", "1", "--store", store)[0] == 0
    assert command("diff", "previous", "last", "--store", store)[0] == 2
    assert command("diff", "someday", "last", "--store", store)[0] == 1


def test_a_word_that_is_both_says_so() -> None:
    site = story()[0].with_contents(Content("j", "project", "jane", None, "x"))
    with pytest.raises(Exception, match="both; say which"):
        subject_of(site, ["jane"])
    assert subject_of(site, ["user:jane"]).user == site.users["jane"]
    assert subject_of(site, ["content:jane", "user:john"]) == Subject(site.contents["j"], site.users["john"])


# -- files ----------------------------------------------------------------------------------------------------


def test_there_and_back(store: str, tmp_path: Path) -> None:
    for number in ("3", "1", "2"):
        assert command("snapshots", "export", number, str(tmp_path / "out"), "--store", store)[0] == 0
    folders = sorted(str(path) for path in (tmp_path / "out").iterdir())
    assert len(folders) == 3
    for _ in range(2):  # what is there already is not kept again
        code, text = command("snapshots", "import", *reversed(folders), "--store", str(tmp_path / "other"))
        assert code == 0, text
    with History(tmp_path / "other") as history:
        assert [history.open(kept.number) for kept in history.snapshots()] == story()


EMAIL = re.compile(r"[^\s\"]+@[^\s\"]+")


def poisoned(value: Any, trail: str = "x") -> Any:
    """The same value with an e-mail address in every text of it."""
    if isinstance(value, str):
        return f"{value}.secret-{trail}@corp.example.com"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(poisoned(each, trail) for each in value))
    if isinstance(value, tuple | frozenset):
        return type(value)(poisoned(each, trail) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: poisoned(getattr(value, f.name), trail) for f in fields(value)})
    if hasattr(value, "items"):
        return {poisoned(key, trail): poisoned(each, trail) for key, each in value.items()}
    return value


@pytest.mark.parametrize("seed", range(6))
def test_no_address_and_no_name_leaks(tmp_path: Path, seed: int) -> None:
    plain = dense_site(seed, unread=0.1)
    users = {
        u: replace(held, email=f"{u}@corp.example.com", full_name="Jane Secret") for u, held in plain.users.items()
    }
    site = poisoned(replace(plain, users=users, taken=on(1), partial=("rules of x",)))
    folder = snapshot.save(pseudonymised(site, b"key"), tmp_path)
    text = "".join(path.read_text(encoding="utf-8") for path in folder.iterdir()) + str(folder.name)
    assert "secret" in str(site)
    assert not EMAIL.findall(text)
    assert "secret" not in text.casefold()
    assert "example" not in text


@pytest.mark.parametrize("seed", range(4))
def test_every_question_has_the_same_answer_under_pseudonyms(seed: int) -> None:
    site = dense_site(seed)
    other = pseudonymised(site, b"key")
    for user, token in zip(site.users, other.users, strict=True):
        for content, named in zip(site.contents, other.contents, strict=True):
            for capability in CAPABILITIES:
                told = may(other, token, capability, named).verdict
                assert told == may(site, user, capability, content).verdict
    assert pseudonymised(site, b"key") == other
    assert pseudonymised(site, b"another") != other


def test_pseudonyms_stay_the_same_from_day_to_day(store: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for number in ("1", "2"):
        assert command("snapshots", "export", number, str(out), "--pseudonyms", "--store", store)[0] == 0
    folders = sorted(str(path) for path in out.iterdir())
    code, text = command("diff", *folders)
    assert code == 2
    assert "1 fact differs" in text
    assert "jane" not in text
