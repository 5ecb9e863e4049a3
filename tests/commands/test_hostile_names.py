"""Names are data: whatever somebody calls himself, no command's output obeys it, and no letter of it is lost."""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import run
from paths import SOURCE
from planting import planted_in
from provisioning import bench, world
from small_site import group, project, site, workbook

from tabwarden.cli import COMMANDS
from tabwarden.commands._output import show_what_is_logged
from tabwarden.model.names import visible
from tabwarden.model.site import Content, Group, Taken
from tabwarden.scrubber import KNOWN
from tabwarden.sinks.csv_files import as_it_was, defused
from tabwarden.store.history import History
from tabwarden.tableau.http.wire import parse

HOSTILE = (
    "[/nope]",
    "[bold]Sales [old]",
    ":warning: `x`",
    "red\x1b[31m",
    "title\x1b]0;pwned\x07",
    "csi\x9b31m",
    "two\nlines",
    "back\rto the start",
    "nul\x00",
    "\u202egnp.exe",
    "a\u2066b\u2069",
    "zero\u200bwidth",
    "line\u2028separator",
    "tag\U000e0041",
    "tab\there",
    "soft\u00adhyphen",
)
# What a terminal, or a reader's eye, obeys; line ends that a command writes itself are told apart by counting lines.
RAW = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\U000e0000-\U000e0fff]"
)
PLACES_THAT_PRINT = {"commands/_output.py", "commands/_completion.py", "cli.py", "sandbox/__main__.py"}


def hostile(of: str) -> Mapping[str, str]:
    return {f"{of}{number}": name for number, name in enumerate(HOSTILE)}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two snapshots in which everything has a hostile name; in the later one people have left a group."""
    people = hostile("u")
    groups = [replace(group(g, *people), name=name) for g, name in hostile("g").items()]
    contents: list[Content] = []
    for number, name in enumerate(HOSTILE):
        words = (f"group:g{number} +Read", f"user:u{number} -Filter")
        contents.append(replace(project(f"p{number}", None, *words, description=name), name=f"{name} p"))
        contents.append(replace(workbook(f"w{number}", f"p{number}", *words), name=f"{name} w"))
    before = site(*contents, users=[f"{user}:Viewer" for user in people], groups=groups, name="\x1b[2J[red]")
    users = {user.id: replace(user, full_name=people.get(user.id, "")) for user in before.users.values()}
    users |= {user: replace(users[user], name=name) for user, name in people.items()}
    when = Taken("https://tableau.example.com", "2026-11-21T18:00:00Z", "adm", "ServerAdministrator")
    before = replace(before, taken=when, users=users)
    fewer = {g.id: replace(g, members=frozenset({"u1"})) for g in before.groups.values() if g.id != "g5" and g.members}
    after = replace(before, taken=replace(when, when="2026-11-22T18:00:00Z"), groups={**before.groups, **fewer})
    folder = tmp_path_factory.mktemp("hostile")
    with History(folder) as history:
        history.keep(before)
        history.keep(after)
    return str(folder)


@pytest.mark.parametrize(
    ("form", "number"), [("", 0), ("", 6), ("--json", 6), ("--csv", 3), ("--md", 1), ("--html", 9)]
)
def test_no_command_shows_a_name_raw(store: str, form: str, number: int) -> None:
    more = [form] if form else []
    user, workbook_, project_, group_ = f"u{number}", f"w{number}", f"p{number}", f"g{number}"
    asked: list[list[str]] = [
        ["why", user, "View", workbook_],
        ["why", user, "Filter", workbook_, "--fix"],
        ["why", user, "View", workbook_, "--models"],
        ["why", user, "ability:move", workbook_],
        ["who", "View", workbook_],
        ["who", "View", workbook_, "--all"],
        ["what", user],
        ["what", user, workbook_],
        ["what", user, "--all-sites"],
        ["what", user, "--beside", "u1"],
        ["what", user, workbook_, "--beside", "u1"],
        ["who", "View", workbook_, "--site", "all"],
        ["list", "groups", "--all-sites"],
        ["rules", workbook_],
        ["rules", project_],
        ["whatif", f"lock {project_}", f"remove {user} from {group_}", f"delete {project_}"],
        ["diff", "previous", "last"],
        ["diff", "--models"],
        ["history"],
        ["history", workbook_],
        ["history", user],
        ["why", f"\x1b[31m{user}", "View", workbook_],
        ["who", "\x9bView", workbook_],
        ["rules", "two\nlines"],
        ["what", "\u202eann"],
        ["find", "a"],
        ["list", "users"],
        ["list", "groups"],
        ["list", "members", group_],
        ["list", "projects"],
        ["list", "workbooks"],
        ["list", "owners"],
        ["status"],
        ["lint"],
        ["lint", "rules-for-persons"],
    ]
    raw = {}
    for words in asked:
        ended = run(*words, *more, "--store", store)
        said = ended.output.replace("\t", " ")  # between cells; one in a name is an escape (tests/report)
        if RAW.search(said) or "\nlines" in said:
            raw[" ".join(words)] = [ascii(line) for line in said.splitlines() if RAW.search(line)][:3]
    assert not raw


# Words that make each command say something of a hostile name; `{}` is one. What needs more stands in another test.
HOSTILE_WORDS = {
    "why": "{} View {}",
    "who": "View {}",
    "what": "{}",
    "rules": "{}",
    "whatif": "{}",
    "diff": "{} last",
    "history": "{}",
    "cases": "{}",
    "lint": "{}",
    "check": "{}",
    **dict.fromkeys(("licences", "plan licences"), "--settings {}"),
    "find": "{}",
    **{f"list {what}": "--where name={}" for what in ("users", "groups", "projects", "workbooks", "views")},
    **{f"list {what}": "--where name={}" for what in ("datasources", "flows", "owners", "schedules")},
    "list members": "{}",
    "snapshots export": "{} out",
    "snapshots import": "{}",
    "snapshots delete": "{}",
    "store check": "--store {}",
    "audit verify": "--anchor {}",
    "audit list": "--store {}",
    "requests": "--settings {}",
    "plan change": "{}",
    "plan list": "--store {}",
    "plan show": "{}",
    "plan undo": "{}",
    "plan rename": "{}={}",
    "apply": "{}",
    "names check": "{}",
    "directory show": "{}",
    "people show": "{}",
    "catalog": "{}",
    "mirror verify": "{}",
    "help": "{}",
    "sandbox": "--world {}",
    "demo": "--seed {}",
    "serve": "--settings {}",
    "projects": "--as {}",
    "init": "{}",
    **dict.fromkeys(("settings check", "settings encrypt", "settings decrypt", "settings rotate"), "{}"),
    "settings import": "{}",
    "conformance": "--project Default --check {} --settings {}",
    **dict.fromkeys(("status", "doctor", "read", "mirror", "domains", "directory read"), "--settings {}"),
    **{f"{verb} {what}": "--settings {}" for verb in ("plan", "run") for what in ("provision", "people", "groups")},
    "plan domains": "--settings {}",
    **dict.fromkeys(("plan policy", "policy export", "policy from-use"), "--scope {}"),
    "policy schema": "{}",
    "policy import": "{}",
}


def test_every_command_is_here() -> None:
    assert HOSTILE_WORDS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", ["[red]\x1b[31m\u202e\x9b2J\u200b", "two\nlines\r\x00"[:-1]], ids=ascii)
def test_no_command_repeats_a_word_raw(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    raw = {}
    for command, words in HOSTILE_WORDS.items():
        ended = run(*command.split(), *(word.replace("{}", name) for word in words.split()))
        said = ended.output.replace("\t", " ")
        if RAW.search(said) or "\nlines" in said or not said.strip():
            raw[command] = ascii(said)[:200]
    assert not raw


# What XML can carry.
OF_REST = tuple(name for name in HOSTILE if not re.search(r"[\x00-\x1f]", name))


def test_what_a_server_tells_is_shown_and_logged_and_published_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From REST through reads, plans, runs, mirrors and the catalog; and mail, where the log goes."""
    names = [name.replace("[/nope]", "=cmd|x") for name in OF_REST]
    groups = tuple(Group(f"g{number}", name, members=frozenset({"u-ada"})) for number, name in enumerate(names))
    held = world(more_groups=groups, owners=("vic@a.example",))
    (before,) = held.sites
    renamed = [replace(user, full_name=names[n % len(names)]) for n, user in enumerate(before.users.values())]
    books = [replace(c, name=names[0]) if c.kind == "workbook" else c for c in before.contents.values()]
    held = replace(held, sites=(before.with_users(*renamed).with_contents(*books),))
    with bench(tmp_path, held) as made:
        made.joiners("ok@a.example", *names)
        made.leavers("vic@a.example", names[2])
        made.more = {"mirror": {"sinks": [{"type": "csv", "folder": "out"}, {"type": "jsonl", "folder": "lines"}]}}
        path = made.settings_path
        monkeypatch.setenv("PAT", made.environment["PAT"])
        monkeypatch.chdir(tmp_path)
        asked = (
            *("read", "projects", "plan provision", "run provision", "run provision --json", "plan undo --last"),
            *("status", "mirror", "snapshots export last --out out2", "store check", "plan list", "list groups --csv"),
        )
        for words in asked:
            ended = run(*words.split(), "--settings", path)
            assert not RAW.search(ended.output.replace("\t", " ")), (words, ascii(ended.output)[-500:])
    texts = [*tmp_path.rglob("*.csv"), *tmp_path.rglob("*.jsonl"), *tmp_path.rglob("*.log")]
    published = [one for one in texts if one.name not in ("joiners.csv", "leavers.csv") and "out2" not in one.parts]
    assert {one.suffix for one in published} == {".csv", ".jsonl", ".log"}
    for one in published:
        assert not RAW.search(one.read_text(encoding="utf-8")), one
    cells = "".join(one.read_text(encoding="utf-8") for one in published if one.suffix == ".csv")
    assert '"=cmd' not in cells


def test_a_warning_without_a_log_goes_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.lastResort
    try:
        show_what_is_logged()
        KNOWN.register("secret-4711-secret")
        trace = (ValueError, ValueError("\x1b[31m"), None)
        record = logging.makeLogRecord({"msg": "before\x1b[2J\nbehind secret-4711-secret", "exc_info": trace})
        assert logging.lastResort is not None
        logging.lastResort.handle(record)
    finally:
        logging.lastResort = before
    assert capsys.readouterr().err == "before\\x1b[2J\\nbehind ***\n"


def test_half_a_letter_is_no_answer_of_a_server() -> None:
    """Lone surrogates, as bytes and as references: XML has neither, and no tree is made of it."""
    for name in (b"\xed\xa0\x80", b"&#xD800;", b"&#55296;", b"\xff"):
        assert parse(b'<tsResponse><user name="a' + name + b'"/></tsResponse>') is None


def test_formulas_and_acting_letters_in_csv_come_back_as_they_were() -> None:
    for name in (*HOSTILE, "=1+1", "+a", "-b", "@c", "'t Hooft", "''", "a\\nb", "=a\\x1b", "\ud800", "＝1"):
        cell = defused(name)
        assert not RAW.search(cell)
        assert cell[:1] not in ("=", "+", "-", "@", "＝")
        assert as_it_was(cell) == name


def test_nothing_of_a_name_is_lost(store: str) -> None:
    told = run("who", "View", "w5", "--store", store).stdout
    missing = [name for name in HOSTILE if visible(name) not in told.replace("\n", "")]
    assert not missing


def test_what_is_visible_stays_and_the_rest_is_an_escape() -> None:
    plain = ("Zoë Müller", "営業部", "a [b] `c`", "ab cd", "👍")
    assert [visible(name) for name in plain] == list(plain)
    assert visible("a\x1bb\n\u202e\ud800\U000e0041") == r"a\x1bb\n\u202e\ud800\U000e0041"


def prints(text: str) -> bool:
    """Whether a module's text calls print, or a stream's write, itself."""
    calls = (ast.unparse(node.func) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return any(call in ("print", "sys.stdout.write", "sys.stderr.write", "rich.print") for call in calls)


def test_only_one_place_prints() -> None:
    """The lint: a call of print, or of a stream's write, beside the place that makes everything visible."""
    every = {path.relative_to(SOURCE).as_posix(): path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")}
    assert {name for name, text in every.items() if prints(text)} <= PLACES_THAT_PRINT | {"log.py"}


@pytest.mark.parametrize("raw", ["print(loaded.origin)", "sys.stdout.write(loaded.origin)"])
def test_a_planted_print_is_seen(raw: str) -> None:
    text = (SOURCE / "commands/settings.py").read_text(encoding="utf-8")
    planted = planted_in(text, "settings_check", "leave(ERROR)", f"({raw}, leave(ERROR))")
    assert (prints(text), prints(planted)) == (False, True)
