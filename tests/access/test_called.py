"""Wherever a user name or display name repeats, people are written as `domain\\name`: no list shows two equal words."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from people_site import joiners, leavers

from tabwarden.access.reference import who
from tabwarden.effects.change import carried_out
from tabwarden.engine.convert import columns_of
from tabwarden.mirror.build import MirrorRequest, mirrored
from tabwarden.mirror.match import tableau_people
from tabwarden.model.errors import AmbiguousName
from tabwarden.model.site import ALL_USERS, Content, Grantee, Group, Rule, Site, User
from tabwarden.plan.impact import impact
from tabwarden.plan.order import diff
from tabwarden.plan.plan import Plan, SiteIdentity
from tabwarden.report.answers import answer_json, grantee_name, people_table, sentence
from tabwarden.report.dialog import implicit_lines
from tabwarden.report.plans import plan_table
from tabwarden.report.table import Drawable
from tabwarden.report.text import tabbed
from tabwarden.store import snapshot
from tabwarden.want.provision import Policy, Tasks, want

PEOPLE = (
    User("1", "jsmith", "Creator", "corp.example", "John Smith"),
    User("2", "jsmith", "Viewer", "west.example", "John Smith"),
    User("3", "jsmith", "Viewer", "local", "Johnny"),
    User("4", "kim.lee", "Explorer", "corp.example", "Kim Lee"),
    User("5", "kim.lee2", "Viewer", "corp.example", "Kim LEE"),
    User("6", "ann", "Viewer", "corp.example", "Ann"),
    User("7", "ada", "ServerAdministrator", "local", "Ada"),
)
RULES = frozenset(Rule(Grantee("user", u.id), "Read", "Allow") for u in PEOPLE)
SITE = Site(
    users={u.id: u for u in PEOPLE},
    groups={"all": Group("all", ALL_USERS, everyone=True), "g": Group("g", "G", members=frozenset("12345"))},
    contents={
        "p": Content("p", "project", "Project", None, "1", RULES),
        "w": Content("w", "workbook", "Book", "p", "2", RULES),
    },
)
WRITTEN = {
    "1": "corp.example\\jsmith",
    "2": "west.example\\jsmith",
    "3": "local\\jsmith",
    "4": "corp.example\\kim.lee",
    "5": "corp.example\\kim.lee2",
    "6": "ann",
    "7": "ada",
}


def test_a_user_is_written_with_the_domain_where_a_name_repeats() -> None:
    assert {user: SITE.called(user) for user in SITE.users} == WRITTEN
    assert SITE.called("nobody") == "nobody"
    assert SITE.display_name("4") == "Kim Lee (corp.example\\kim.lee)"
    assert SITE.display_name("6") == "Ann"


def test_what_is_written_finds_the_user_again() -> None:
    assert {SITE.find_user(words).id for words in WRITTEN.values()} == set(WRITTEN)
    with pytest.raises(AmbiguousName):
        SITE.find_user("jsmith")


def shown(thing: Drawable) -> str:
    return "\n".join(tabbed([thing], None))


def cells(table: str, column: int) -> list[str]:
    rows = [line.split("\t") for line in table.splitlines()[1:]]
    return [row[column] for row in rows if len(row) > column]


def test_no_list_of_who_may_shows_two_equal_words() -> None:
    answers = list(who(SITE, "Read", "w"))
    table = shown(people_table(SITE, answers))
    for column in (0, 1):
        words = cells(table, column)
        assert len(words) == len(PEOPLE)
        assert max(Counter(words).values()) == 1, words
    sentences = [sentence(SITE, answer) for answer in answers]
    assert len({words.partition(" ")[0] for words in sentences}) == len(PEOPLE)
    told = [answer_json(SITE, answer)["user"] for answer in answers]
    assert len({(one["domain"], one["name"]) for one in told}) == len(PEOPLE)


def test_grantees_owners_and_rules_are_told_apart() -> None:
    assert len({grantee_name(SITE, Grantee("user", user)) for user in SITE.users}) == len(PEOPLE)
    assert implicit_lines(SITE, "w") == [
        "without a rule: 1 administrator; west.example\\jsmith owns it; corp.example\\jsmith owns Project"
    ]
    deciding = [a for a in (answer_json(SITE, a) for a in who(SITE, "Read", "w")) if a["deciding"]]
    grantees = [rule["grantee"] for one in deciding for rule in one["deciding"] if rule["grantee"]["kind"] == "user"]
    assert all(one["domain"] for one in grantees)


def test_a_plan_tells_every_two_people_apart() -> None:
    words = ["corp.example\\jsmith", "west.example\\jsmith", "local\\jsmith", "corp.example\\kim.lee"]
    wanted = want(SITE, joiners(), leavers(*words), Tasks(remove_leavers=True), Policy(owners=frozenset()))
    changes = diff(SITE, wanted.site, wanted.why)
    effect = impact(SITE, carried_out(SITE, changes))
    assert len(set(effect.removed)) == len(effect.removed) == 4
    plan = Plan("provision", SiteIdentity("", "", "", "S"), "", changes, impact=effect, notes=wanted.notes)
    removed = re.findall(r"remove user `([^`]+)`", shown(plan_table(plan)))
    assert sorted(removed) == sorted(set(removed))
    assert len(removed) == 4
    for content in effect.contents or ():
        assert len(set(content.lost)) == len(content.lost)


def test_a_name_in_a_list_without_its_domain_is_held_with_both() -> None:
    (held,) = want(SITE, joiners("jsmith"), leavers(), Tasks(add_joiners_to_group=False), Policy()).held
    assert "`corp.example\\jsmith`" in held.reason
    assert "`west.example\\jsmith`" in held.reason


def test_a_mirror_names_everybody_once() -> None:
    tables = mirrored(columns_of(SITE), tableau_people(columns_of(SITE)), MirrorRequest("tableau")).tables
    people = [row[1] for row in tables["people"]]
    users = [row[3] for row in tables["people"]]
    assert max(Counter(people).values()) == max(Counter(users).values()) == 1
    assert "corp.example\\jsmith" in people


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("what", "west.example\\jsmith"), "west.example\\jsmith, Viewer, may View"),
        (("what", "west.example\\jsmith", "Project/Book"), "west.example\\jsmith, Viewer, on the workbook"),
        (("why", "corp.example\\kim.lee", "View", "Project/Book"), "corp.example\\kim.lee has `View`"),
        (("who", "View", "Project/Book"), "Kim LEE (corp.example\\kim.lee2)"),
    ],
)
def test_the_commands_write_them_so(tmp_path: Path, words: tuple[str, ...], expected: str) -> None:
    taken = replace(SITE.taken, where="http://x", when="2026-11-21T10:00:00Z", by="ada", by_role="ServerAdministrator")
    place = snapshot.save(replace(SITE, taken=taken), tmp_path / "snapshots")
    command = [sys.executable, "-m", "tabwarden", *words, "--snapshot", str(place)]
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert expected in done.stdout, done.stdout + done.stderr


def test_json_of_what_somebody_may_has_the_domain(tmp_path: Path) -> None:
    taken = replace(SITE.taken, where="http://x", when="2026-11-21T10:00:00Z", by="ada", by_role="ServerAdministrator")
    place = snapshot.save(replace(SITE, taken=taken), tmp_path / "snapshots")
    command = [sys.executable, "-m", "tabwarden", "what", "local\\jsmith", "--json", "--snapshot", str(place)]
    told = json.loads(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout)
    assert (told["user"], told["domain"]) == ("jsmith", "local")
