"""`list` and `find`: columns, filters, order and counts from a snapshot, against facts written down here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_site import group, group_set, project, site, workbook

from support import command_line
from tabwarden.model.site import Site, Taken, Use, User
from tabwarden.report.lists import LISTS
from tabwarden.store import snapshot

TAGS = frozenset({"monthly", "books"})


def company() -> Site:
    """Finance with a nested project, two workbooks, a view, a data source; four people, of whom one never signed in."""
    budget = workbook("w1", "Year", owner="ann", uses=(Use("d1", "embed"),), updated="2026-03-01T10:00:00Z")
    made = site(
        project("Finance", None, "user:ann +ProjectLeader", mode="LockedToProject"),
        project("Year", "Finance"),
        replace(budget, name="Budget"),
        replace(workbook("w2", "Year", updated="2026-02-01T10:00:00Z"), name="Annual"),
        replace(workbook("v1", "w1", kind="view"), name="Overview"),
        replace(workbook("d1", "Finance", kind="datasource", owner="ann"), name="Ledger", certified=True, tags=TAGS),
        groups=(group("Sales", "u1", "u2"), group("Apart", minimum_site_role="Viewer", grant_on="onLogin")),
        taken=Taken("https://tableau.example.com", "2026-04-01T00:00:00Z", "adm", "ServerAdministrator"),
        licences={"Creator": 5, "Explorer": 3, "Viewer": 10},
    )
    people = (
        User("u1", "joe", "Viewer", full_name="Joe Old", email="j.old@corp.example", last_login="2025-12-31T08:00:00Z"),
        User("u2", "zoe", "Explorer", full_name="Zoe New", last_login="2026-03-31T08:00:00Z"),
        User("ann", "ann", "Creator", full_name="Ann Lee", last_login="2026-03-02T08:00:00Z"),
        User("eve", "eve", "Unlicensed", full_name="Eve Never"),
    )
    return made.with_users(*people).with_group_sets(group_set("Both", "Sales", "Apart"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of it."""
    return snapshot.save(company(), tmp_path_factory.mktemp("snapshots"))


def ask(kept: Path, words: str, *more: str) -> Any:
    done = command_line.run(*words.split(), *more, "--snapshot", kept, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("words", "column", "values"),
    [
        ("users", "user", ["adm", "ann", "bob", "eve", "joe", "zoe"]),
        ("users --where role=viewer", "user", ["joe"]),
        ("users --where licence!=none --where owns>0", "user", ["adm", "ann", "bob"]),
        ("users --sort -last_sign_in --where sign>2000", "user", ["zoe", "ann", "joe"]),
        ("users --where last_sign_in=2026-03", "user", ["ann", "zoe"]),
        ("users --where last_sign_in<2026", "user", ["adm", "bob", "eve", "joe"]),  # never is before any day
        ("users --where last_sign_in=never --where user~e", "user", ["eve"]),
        ("users --idle 90", "user", ["adm", "bob", "eve", "joe"]),  # counted from the snapshot, by no clock
        ("users --idle 92", "user", ["adm", "bob", "eve"]),
        ("users lee", "user", ["ann"]),
        ("users j.old@", "user", ["joe"]),
        ("users", "groups", [0, 0, 0, 0, 1, 1]),
        ("users", "owns", [2, 2, 1, 0, 0, 0]),  # a view is its workbook's
        ("groups --sort -members", "members", [6, 2, 0]),
        ("groups --where granted~sign", "minimum_site_role", ["Viewer"]),
        ("members sales", "user", ["joe", "zoe"]),
        ("members --where user=zoe", "group", ["All Users", "Sales"]),
        ("projects", "project", ["Finance", "Finance/Year"]),
        ("projects", "holds", [4, 2]),
        ("projects", "leaders", ["user ann", ""]),
        ("projects", "permissions", ["locked", "customizable"]),
        ("projects --in finance", "project", ["Finance/Year"]),
        ("workbooks", "workbook", ["Finance/Year/Annual", "Finance/Year/Budget"]),
        ("workbooks --sort updated --in Finance", "updated", ["2026-02-01T10:00:00Z", "2026-03-01T10:00:00Z"]),
        ("workbooks --where updated>2026-02", "views", [1]),
        ("views", "view", ["Finance/Year/Budget/Overview"]),
        ("datasources", "used_by_workbooks", [1]),
        ("datasources --where certified=yes", "tags", ["books, monthly"]),
        ("datasources --in Finance/Year", "data_source", []),
        ("flows", "flow", []),
        ("owners --sort -owns", "user", ["adm", "ann", "bob"]),
        ("owners --where data_sources=1", "last_sign_in", ["2026-03-02T08:00:00Z"]),
        ("owners", "projects", [2, 0, 0]),
    ],
)
def test_a_list_is_filtered_and_sorted(kept: Path, words: str, column: str, values: list[Any]) -> None:
    rows = ask(kept, f"list {words}")["rows"]
    got = [row[column] for row in rows]
    assert (got if "sort" in words or column != "user" else sorted(got)) == values


def test_the_heading_of_users_counts_the_seats_and_every_row_has_its_id(kept: Path) -> None:
    document = ask(kept, "list users --where role=Explorer")
    assert document["seats"]["Viewer"] == {"taken": 1, "of": 10}
    assert (document["of"], [row["id"] for row in document["rows"]]) == (6, ["u2"])
    assert "last_sign_in" in document["rows"][0]
    words = command_line.run("list", "users", "--where", "role=Explorer", "--snapshot", kept).stdout
    assert words.startswith("1 of 6 users; seats taken: Creator 3 of 5, Explorer 1 of 3, Viewer 1 of 10\n")
    assert ask(kept, "list members Sales")["rows"][0] == {
        "group_id": "Sales",
        "user_id": "u1",
        "group": "Sales",
        "user": "joe",
        "name": "Joe Old",
        "site_role": "Viewer",
        "last_sign_in": "2025-12-31T08:00:00Z",
    }
    assert ask(kept, "list users --where user=eve")["rows"][0]["last_sign_in"] is None


@pytest.mark.parametrize("name", sorted(LISTS))
def test_help_names_the_columns_that_a_list_has(name: str) -> None:
    columns = ", ".join(field.called for field in LISTS[name].fields)
    text = " ".join(command_line.run("list", name, "--help").stdout.split())
    assert f"Columns: {columns}." in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("list users --where fruit=1", "a list of users has no column `fruit`; there are: `user`, `name`"),
        ("list users --where e=1", "several columns are called `e`; say which: "),
        ("list users --where owns", "`owns` is no condition; write it as in `site_role=Viewer`"),
        ("list users --where owns>many", "`owns>many`: `owns` is a whole number, and `many` is none"),
        ("list users --sort fruit", "no column `fruit`"),
        ("list members Salse", "no group `Salse` on site `Site`; near it: `Sales`"),
        ("list workbooks --in Finance/Yaer", "no content `Finance/Yaer` on site `Site`; near it: `Finance/Year`"),
        ("list flows --idle 3", "`list flows` has no option `--idle`"),
        ("list schedules", "schedules are in no snapshot"),
        ("list usrs", "there is no command `list usrs`; nearest is `users`"),
        ("find Legder", "nothing on site `Site` is called `Legder`; near it: `Ledger`"),
    ],
)
def test_what_a_list_cannot_do_is_said(kept: Path, words: str, told: str) -> None:
    more = () if words in ("list schedules", "list usrs") else ("--snapshot", kept)
    done = command_line.run(*words.split(), *more)
    assert (done.exit_code, done.stdout) == (1, "")
    assert told in done.stderr


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("budget", ["Finance/Year/Budget"]),  # the view in it is called otherwise
        ("year", ["Finance/Year"]),
        (
            "finance/year",
            ["Finance/Year", "Finance/Year/Annual", "Finance/Year/Budget", "Finance/Year/Budget/Overview"],
        ),
        ("finance over", ["Finance/Year/Budget/Overview"]),
        ("LEE", ["ann"]),
        ("j.old", ["joe"]),
        ("a", ["ann", "Apart", "Finance/Year/Annual", "adm", "Finance", "All Users", "Sales", "Finance/Year"]),
        ("both", ["Both"]),
        ("all users", ["All Users"]),
    ],
)
def test_find_looks_at_everything_and_the_nearest_comes_first(kept: Path, words: str, names: list[str]) -> None:
    got = [thing["name"] for thing in ask(kept, f"find {words}")]
    if words == "a":  # what begins so comes before what holds it
        assert [name for name in got if name.rpartition("/")[2][:1].lower() == "a"] == got[:5]
        assert set(names) == set(got) - {"Finance/Year/Budget", "eve", "zoe", "joe"}
    else:
        assert got == names


def test_what_was_not_read_is_not_counted_as_nothing(tmp_path: Path) -> None:
    groups = company().groups | {"Sales": replace(company().groups["Sales"], members=None)}
    folder = snapshot.save(replace(company(), groups=groups, partial=("connections of workbooks",)), tmp_path)
    assert [row["members"] for row in ask(folder, "list groups")["rows"]] == [6, 0, None]
    assert [row["used_by_workbooks"] for row in ask(folder, "list datasources")["rows"]] == [None]
