"""Names are data: whatever somebody calls himself, no command's output obeys it, and no letter of it is lost."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import replace

import pytest
from command_line import run
from paths import SOURCE
from small_site import group, project, site, workbook

from tabwarden.model.names import visible
from tabwarden.model.site import Content, Taken
from tabwarden.store.history import History

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


@pytest.mark.parametrize("as_json", [False, True], ids=["words", "JSON"])
@pytest.mark.parametrize("number", [0, 6], ids=lambda number: ascii(HOSTILE[number]))
def test_no_command_shows_a_name_raw(store: str, number: int, *, as_json: bool) -> None:
    more = ["--json"] if as_json else []
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
    ]
    raw = {}
    for words in asked:
        ended = run(*words, *more, "--store", store)
        said = ended.output.replace("\t", " ")  # between cells; one in a name is an escape (tests/report)
        if RAW.search(said) or "\nlines" in said:
            raw[" ".join(words)] = [ascii(line) for line in said.splitlines() if RAW.search(line)][:3]
    assert not raw


def test_nothing_of_a_name_is_lost(store: str) -> None:
    told = run("who", "View", "w5", "--store", store).stdout
    missing = [name for name in HOSTILE if visible(name) not in told.replace("\n", "")]
    assert not missing


def test_what_is_visible_stays_and_the_rest_is_an_escape() -> None:
    plain = ("Zoë Müller", "営業部", "a [b] `c`", "ab cd", "👍")
    assert [visible(name) for name in plain] == list(plain)
    assert visible("a\x1bb\n\u202e\ud800\U000e0041") == r"a\x1bb\n\u202e\ud800\U000e0041"


def test_only_one_place_prints() -> None:
    """The lint: a call of print, or of a stream's write, beside the place that makes everything visible."""
    printing = set()
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "print",
                "sys.stdout.write",
                "sys.stderr.write",
                "rich.print",
            ):
                printing.add(path.relative_to(SOURCE).as_posix())
    assert printing <= PLACES_THAT_PRINT | {"log.py"}
