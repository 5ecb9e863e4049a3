"""The shell completes people, groups, paths, capabilities, sites and snapshots from the names beside the history."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from small_site import group, project, site, workbook

from support import command_line
from tabwarden.commands._completion import words_of
from tabwarden.commands._offers import VERBS
from tabwarden.effects import sentences
from tabwarden.model.site import Site, Taken, User
from tabwarden.run.snapshots import delete
from tabwarden.store import beside, names
from tabwarden.store.history import History
from tabwarden.store.names import CONTENT, MOST, PERSON

SERVER = "https://tableau.example.com"


def company(content_url: str = "acme", name: str = "Acme", day: str = "2026-01-02") -> Site:
    contents = (
        project("Finance", None),
        project("Finance 2", None),
        project("Drafts", "Finance"),
        replace(workbook("w1", "Drafts"), name="Budget 2026"),
        replace(workbook("v1", "w1", kind="view"), name="Overview"),
        replace(workbook("w2", "Finance"), name="Ärger"),
        replace(workbook("w3", "Finance"), name="Bad\tname"),
    )
    taken = Taken(SERVER, f"{day}T03:04:05Z", "adm", "ServerAdministrator")
    people = (User("u1", "ann@corp.example", "Viewer", full_name="Ann Lee"), User("u2", "ANTON", "Viewer"))
    made = site(
        *contents,
        groups=(group("Analysts"), group("Q*")),
        name=name,
        content_url=content_url,
        id=content_url,
        taken=taken,
    )
    return made.with_users(*people)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with settings that name one of the two sites in its store."""
    place = tmp_path_factory.mktemp("work")
    with History(place / ".tabwarden", create=True) as history:
        for one in (
            company(),
            company("lab", "The Lab").with_users(User("u3", "andy", "Viewer")),
            company(day="2026-01-09"),
        ):
            beside.keep(place / ".tabwarden", history.keep(one), one)
    (place / "settings.yaml").write_text(f"tableau:\n  server: {SERVER}\n  site: acme  # ours\n")
    (place / "Quarter").touch()
    return place


def offered(*words: str, line: str = "") -> list[str]:
    done = command_line.run("--complete", *words, env={"COMP_LINE": line})
    assert (done.exit_code, done.stderr) == (0, "")
    return [one.split("\t")[0] for one in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["why", "an"], ["ann@corp.example", "ANTON", "Analysts"]),  # the site of the settings; in any letter case
        (["why", "an", "--site", "lab", "x"], []),
        (["what", "--site", "lab", "an"], ["andy", "ann@corp.example", "ANTON", "Analysts"]),
        (["what", "--site=The Lab", "and"], ["andy"]),
        (["why", "ann", "down"], ["Download Image/PDF", "Download Summary Data", "Download Full Data"]),
        (["why", "ann", "ExportX"], ["ExportXml"]),
        (["who", "View", "fin"], ["Finance", "Finance 2", "Finance/"]),  # a level at a time
        (["who", "View", "finance/"], ["Finance/Drafts", "Finance/Drafts/", "Finance/Ärger"]),
        (["who", "View", "Finance/Drafts/b"], ["Finance/Drafts/Budget 2026", "Finance/Drafts/Budget 2026/"]),
        (["who", "View", "/Finance/ä"], ["Finance/Ärger"]),
        (["who", "View", '"Finance/Drafts/Budget 2026/'], ["Finance/Drafts/Budget 2026/Overview"]),
        (["rules", "Finance", "--site", ""], ["acme", "lab", "all"]),
        (["rules", "Finance", "--site", "the"], ["The Lab"]),
        (["why", "--on", "pre"], ["previous"]),
        (["why", "--on", "2"], ["2026-01-02", "2026-01-09", "2"]),
        (["why", "--on=last"], ["--on=last"]),
        (["diff", "1", "prev"], ["previous"]),
        (["list", "members", "A"], ["All Users", "Analysts"]),
        (["list", "workbooks", "--in", "Finance/D"], ["Finance/Drafts", "Finance/Drafts/"]),
        (["help", "Expl"], ["explanation/sandbox"]),
        (["help", "settings", "st"], []),
        (["whatif", "lo"], ["lock"]),
        (["whatif", "lock", "Finance "], ["Finance 2"]),
        (["whatif", "add", "ann", "to", "ana"], ["Analysts"]),
        (["history", "Finance", "ant"], ["ANTON"]),
        (["why", "an", "--store", "elsewhere"], []),
    ],
)  # fmt: skip
def test_names_are_offered(words: list[str], wanted: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    got = offered(*words)
    assert got[: len(wanted)] == wanted if words[1] == "ann" else got == wanted


def test_the_store_is_found_where_the_settings_say_it(folder: Path, tmp_path: Path) -> None:
    for text, got in (
        ("store: {folder: kept, retention: {most_days: 3}}\n", ["ann@corp.example"]),
        ("store:\n  folder: 'kept' # here\n", ["ann@corp.example"]),
        ("store: {url: env:NAME}\n", []),
        ("store:\n  folder: env:NAME\n", []),
    ):
        (tmp_path / "settings.yaml").write_text(text)
        if not (tmp_path / "kept").exists():
            (tmp_path / "kept").symlink_to(folder / ".tabwarden")
        assert offered("why", "ann@", "--settings", str(tmp_path)) == []
        assert offered("why", "--settings", str(tmp_path), "ann@") == got


def test_the_verbs_of_changes_are_those_of_the_language() -> None:
    assert set(VERBS) == sentences.VERBS


@pytest.mark.parametrize(
    ("line", "words", "behind"),
    [
        ("tabwarden why ", ["why", ""], ""),
        ("tabwarden why ann@co", ["why", "ann@co"], "ann"),  # bash puts something for `@co`
        ("tabwarden why x --on=20", ["why", "x", "--on=20"], "--on="),
        ("tabwarden who View workbook:Fin", ["who", "View", "workbook:Fin"], "workbook:"),
        ('tabwarden who "Full Data" "A b/c', ["who", "Full Data", "A b/c"], ""),
        ("tabwarden who Full\\ Data 'A\\b", ["who", "Full Data", "A\\b"], ""),
    ],
)
def test_a_line_of_bash_is_taken_apart(line: str, words: list[str], behind: str) -> None:
    assert words_of(line) == (words, behind)


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("tabwarden plan prov", "provision|"),
        ("tabwarden why --mod", "--models|--model|"),
        ("tabwarden why ann@c", "@corp.example|"),
        ('tabwarden who View "Finance/Drafts/Budget 2026/', "Finance/Drafts/Budget 2026/Overview|"),
        ("tabwarden list members Q", "Q*|"),  # which fits a file there
    ],
)
def test_bash_completes(line: str, replies: str, folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "completion.bash"
    script.write_text(command_line.run("--show-completion", "bash").stdout)
    typed = (
        f"source {script}; COMP_LINE='{line}'; COMP_POINT={len(line)}; _tabwarden; printf '%s|' \"${{COMPREPLY[@]}}\""
    )
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "-c", typed]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=folder)
    assert done.stdout == replies


def test_completing_a_name_loads_nothing_heavy(folder: Path) -> None:
    program = "import sys\nfrom tabwarden import cli\ncli.run(sys.argv[1:])\nprint(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", program, "--complete", "who", "View", "Finance/"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    assert done.stdout.startswith("Finance/Drafts\tproject\n")
    heavy = {
        "yaml",
        "numpy",
        "msgspec",
        "sqlalchemy",
        "pydantic",
        "sqlite3",
        "tabwarden.model.site",
        "tabwarden.questions",
    }
    assert not heavy & set(done.stderr.split())


def test_of_many_names_the_first_are_found_by_halves(tmp_path: Path) -> None:
    """Against the plain way, for every beginning; a file is searched and never read through."""
    many = [User(f"u{n}", f"{n:x}{'Ää'[n % 2]}", "Viewer") for n in range(3_000)]
    places = [project("P", None), *(replace(workbook(f"w{n}", "P"), name=f"{n:o}") for n in range(500))]
    big = replace(company(), users={user.id: user for user in many}, contents={one.id: one for one in places})
    with History(tmp_path, create=True) as history:
        names.keep(tmp_path, history.keep(big), big)
    (file,) = names.known(tmp_path)
    for prefix in ("", "0", "ff", "FF", "bb7", "p/7", "P/77", "zz"):
        plain = sorted(user.name for user in many if user.name.casefold().startswith(prefix.casefold()))
        assert sorted(name for name, _ in names.beginning(file, PERSON, prefix))[:9] == plain[:9] or len(plain) > MOST
    assert len(list(names.beginning(file, PERSON, ""))) == MOST
    assert [name for name, _ in names.beginning(file, CONTENT, "")] == ["P", "P/"]
    assert {name for name, _ in names.beginning(file, CONTENT, "p/77")} == {"P/77", *(f"P/77{n}" for n in range(8))} & {
        one.name and f"P/{one.name}" for one in places
    }


def test_names_are_those_of_the_newest_read_and_go_with_it(tmp_path: Path) -> None:
    with History(tmp_path, create=True) as history:
        first, second = (
            history.keep(company()),
            history.keep(company(day="2026-02-01").with_users(User("n", "new", "Viewer"))),
        )
        for snapshot in (second, first):  # an older one that is asked about later changes nothing
            beside.keep(tmp_path, snapshot, history.open(snapshot.number))
    (file,) = names.known(tmp_path)
    assert (file.snapshot, [name for name, _ in names.beginning(file, PERSON, "new")]) == (2, ["new"])
    assert (file.path.stat().st_mode & 0o077, [*tmp_path.glob("names/.*")]) == (0, [])
    file.path.with_name("other.names").write_text("no head\n")  # what is none is passed over
    assert len(list(names.known(tmp_path))) == 1
    delete(str(tmp_path), second)
    assert list(names.known(tmp_path)) == []
