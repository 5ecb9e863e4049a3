"""The command line itself: its table, how words are read, what is loaded for them, help, completion."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import pytest
from small_site import group, project, site, workbook
from watchdog import patience

from support import command_line
from tabwarden.cli import COMMANDS, FAMILIES
from tabwarden.commands import _options
from tabwarden.commands._completion import SHELLS, install
from tabwarden.commands._parsing import Argument, Option, UsageError, parameters_of, read, usage
from tabwarden.model.open_points import MODELS
from tabwarden.store import snapshot

HEAVY = ("typer", "click", "rich", "pydantic", "sqlalchemy", "aiohttp", "requests", "numpy", "msgspec", "yaml")
# Of a thousand million instructions, `python -c pass` is 0.036; what is promised is in docs/explanation/performance.md.
GIGA = 1_000_000_000


def example(
    name: Annotated[str, Argument("Who.")],
    files: Annotated[list[Path] | None, Argument("Which.")] = None,
    *,
    count: Annotated[int, Option(about="How many.", least=1)] = 3,
    on: Annotated[str | None, Option("--on", "--snapshot", about="When.")] = None,
    also: Annotated[list[str] | None, Option("--also", about="What else.")] = None,
    deep: Annotated[bool, Option("--deep", about="All of it.", no="--flat")] = False,
) -> None:
    """For tests."""


PARAMETERS = parameters_of(example)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("ann", {"name": "ann"}),
        ("ann a.txt b.txt", {"name": "ann", "files": [Path("a.txt"), Path("b.txt")]}),
        ("ann --count 4 a.txt --deep", {"name": "ann", "count": 4, "files": [Path("a.txt")], "deep": True}),
        ("--count=4 ann", {"name": "ann", "count": 4}),
        ("--deep --flat ann", {"name": "ann", "deep": False}),
        ("--also 1 ann --also 2", {"name": "ann", "also": ["1", "2"]}),
        ("ann --on 1 --snapshot 2", {"name": "ann", "on": "2"}),
        ("ann --on --deep", {"name": "ann", "on": "--deep"}),
        ("ann --on=", {"name": "ann", "on": ""}),
        ("-- --deep -", {"name": "--deep", "files": [Path("-")]}),
    ],
)
def test_words_are_read_wherever_options_stand(words: str, values: dict[str, object]) -> None:
    assert read("example", PARAMETERS, words.split()) == values


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "`example` needs NAME; `tabwarden example --help` tells more"),
        ("ann --cuont 3", "`example` has no option `--cuont`; nearest is `--count`"),
        ("ann -x", "`example` has no option `-x`; `tabwarden"),
        ("ann --count", "`--count` needs a value; `tabwarden"),
        ("ann --count many", "`--count` wants a whole number, not `many`"),
        ("ann --count 0", "`--count` is at least 1, not 0"),
        ("ann --deep=yes", "`--deep` takes no value; `tabwarden"),
    ],
)
def test_what_does_not_fit_is_one_sentence(words: str, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)):
        read("example", PARAMETERS, words.split())


def test_a_word_too_many_is_told() -> None:
    with pytest.raises(UsageError, match="`why` takes no `more`"):
        read("why", parameters_of(COMMANDS["why"].function()), ["ann", "View", "p", "more"])


def test_usage_names_what_is_needed() -> None:
    assert usage("example", PARAMETERS) == "tabwarden example NAME [FILES]..."


# -- the table ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_every_command_explains_itself_and_loads_nothing_heavy_for_it(words: str) -> None:
    """Each word of its help fits the terminal; what it does is loaded when it is called."""
    done = command_line.run(*words.split(), "--help", env={"COLUMNS": "80"})
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: tabwarden {words}")
    assert " ".join(COMMANDS[words].about.split()) in " ".join(done.stdout.split())
    if not words.endswith(("whatif", "plan change")):  # its forms stand below, a line each
        assert max(map(len, done.stdout.splitlines())) < 80
    parameters = parameters_of(COMMANDS[words].function())
    for parameter in parameters:
        assert parameter.words in done.stdout
        assert parameter.spec.about.endswith((".", ")"))
    names = [name for parameter in parameters for name in parameter.names if name[1] == "-"]
    assert len(names) == len(set(names))


def test_families_and_their_commands_are_told_without_words() -> None:
    assert set(FAMILIES) <= {words.split()[0] for words in COMMANDS if " " in words}
    alone, family = command_line.run(), command_line.run("plan")
    assert (alone.exit_code, family.exit_code) == (1, 1)
    assert all(f"  {words} " in alone.stdout for words in COMMANDS)
    assert "plan provision" in family.stdout
    assert "run provision" not in family.stdout
    assert command_line.run("--help").stdout == alone.stdout
    assert (command_line.run("plan", "-h").stdout, command_line.run("-h").exit_code) == (family.stdout, 0)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("wyh ann", "there is no command `wyh`; nearest is `why` or `who`; `tabwarden --help` tells more"),
        ("plan renam", "there is no command `plan renam`; nearest is `rename`; `tabwarden plan --help` tells more"),
        (
            "mirror verfy",
            "there is no command `mirror verfy`; nearest is `verify`; `tabwarden mirror --help` tells more",
        ),
        ("--verison", "there is no option `--verison`; nearest is `--version`; `tabwarden --help` tells more"),
        ("xyzzy", "there is no command `xyzzy`; `tabwarden --help` tells more"),
        ("undo", "there is no command `undo`; nearest is `plan undo`; `tabwarden --help` tells more"),
        ("plan_undo --last", "there is no command `plan_undo`; nearest is `plan undo`; `tabwarden --help` tells more"),
        (
            "policy-export",
            "there is no command `policy-export`; nearest is `policy export`; `tabwarden --help` tells more",
        ),
        ("lint --trend 0", "`--trend` is at least 1, not 0"),
        ("why", "`why` needs USER; `tabwarden why --help` tells more"),
    ],
)
def test_a_mistyped_word_names_the_nearest(words: str, told: str) -> None:
    assert command_line.run(*words.split()) == (1, "", f"tabwarden: {told}\n")


def test_declared_models_are_those_of_the_model() -> None:
    assert set(_options.MODELS) == set(MODELS)
    assert MODELS[0] == _options.CURRENT


@pytest.mark.parametrize("words", ["--help", "why --help", "rules p/w --snapshot FOLDER"])
def test_a_reader_that_stops_early_is_no_error(words: str, four_people: Path) -> None:
    command = [sys.executable, "-m", "tabwarden", *words.replace("FOLDER", str(four_people)).split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [("whatif paint --snapshot FOLDER", 1), ('whatif "add ann to Sales" --snapshot FOLDER', 1), ("cases CASES", 1)],
)
def test_a_reader_that_stops_early_does_not_hide_that_something_is_wrong(
    words: str, code: int, four_people: Path, tmp_path: Path
) -> None:
    cases = tmp_path / "cases.json"
    cases.write_text('[{"id": "none"}]')
    asked = words.replace("FOLDER", str(four_people)).replace("CASES", str(cases)).split()
    command = [sys.executable, "-m", "tabwarden", *asked]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        process.stdout.close()
    assert process.returncode == code


# -- what is loaded ----------------------------------------------------------------------------------------------


def loaded(*words: str) -> set[str]:
    """The top packages and rooms that a process of its own has loaded after these words."""
    program = (
        "import sys\nfrom tabwarden import cli\ntry:\n    cli.run(sys.argv[1:])\nfinally:\n"
        "    print('\\n', *sys.modules, sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.fixture(scope="module")
def four_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of four people."""
    staff = group("Sales", "ann", "joe")
    four = site(
        project("p"), workbook("w", "p", "group:Sales +Read"), users=("ann:Viewer", "joe:Creator"), groups=(staff,)
    )
    return snapshot.save(four, tmp_path_factory.mktemp("snapshots"))


@pytest.mark.parametrize(
    "words", ["--version", "--help", "wyh", "plan", "--complete pl", "--complete why --m", "why --help", "read --help"]
)
def test_no_command_is_loaded_to_tell_of_it(words: str) -> None:
    modules = loaded(*words.split())
    assert not modules & {*HEAVY, "argparse", "inspect", "tabwarden.run", "tabwarden.access", "tabwarden.report"}


@pytest.mark.parametrize("words", ["why ann View p/w", "who View p/w", "what ann p/w", "rules p/w"])
def test_a_question_loads_what_it_asks(words: str, four_people: Path) -> None:
    modules = loaded(*words.split(), "--json", "--snapshot", str(four_people))
    assert "tabwarden.access.reference" in modules or words.startswith("rules")
    assert not modules & {"rich", "pydantic", "sqlalchemy", "aiohttp", "requests", "numpy", "cryptography", "yaml"}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="counts instructions with valgrind")
@pytest.mark.parametrize(
    ("words", "most"),
    [
        ("--version", 0.4),
        ("wyh", 0.4),
        ("--complete why --m", 0.4),
        ("--complete why a", 0.5),
        ("read --help", 0.8),
        ("why", 0.9),
    ],
)
def test_what_is_typed_costs_few_instructions(words: str, most: float, four_people: Path) -> None:
    asked = ["ann", "View", "p/w", "--json", "--snapshot", str(four_people)] if words == "why" else []
    counted = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, "-m", "tabwarden"]
    subprocess.run([*counted[3:], *words.split(), *asked], capture_output=True, check=False)  # compiled, if it was not
    done = subprocess.run([*counted, *words.split(), *asked], capture_output=True, text=True, check=False)
    refs = re.search(r"refs:\s+([\d,]+)", done.stderr)
    assert refs is not None, done.stderr
    assert int(refs[1].replace(",", "")) <= most * GIGA


# -- completion --------------------------------------------------------------------------------------------------


def completed(*words: str) -> list[str]:
    done = command_line.run("--complete", *words)
    assert (done.exit_code, done.stderr) == (0, "")
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["pl"], ["plan"]),
        (["--v"], ["--version"]),
        (["plan", "pe"], ["people"]),
        (["mirror", "v"], ["verify"]),
        (["why", "--mod"], ["--models", "--model"]),
        (["why", "--models", "--mod"], ["--model"]),
        (["why", "ann", "View", "p", "--model", "c"], ["current", "classic"]),
        (["names", "check", "--route", ""], ["typed", "csv", "group"]),
        (["why", "ann", "--store", ""], []),  # a path or a URL: the shell offers files
        (["why", ""], []),
        (["xyzzy", ""], []),
    ],
)
def test_what_may_stand_next_is_offered(
    words: list[str], offered: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where no settings lie
    assert completed(*words) == offered


def test_every_command_and_every_option_is_offered() -> None:
    assert set(completed("")) == {words.split()[0] for words in COMMANDS}
    for words, command in COMMANDS.items():
        wanted = [name for parameter in parameters_of(command.function()) for name in parameter.names if name[1] == "-"]
        assert completed(*words.split(), "--") == [*wanted, "--help"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_as_somebody_starts_it_completes_by_the_tab_key(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed; script/system-packages does it as root")
    install(shell, tmp_path)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"HOME": str(tmp_path), "PATH": path, "TERM": "xterm", "LANG": "C.UTF-8", "PS1": "> "}
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe(shell, [shell, "-i"], environment)
    printed, end = "", time.monotonic() + patience(20)
    try:
        for key, shown in ("", "[>#] "), ("tabwarden plan pro\t", "plan provision "), ("--ou\t", "--out"):
            os.write(terminal, key.encode())
            while not re.search(shown, printed):
                assert select.select([terminal], [], [], max(end - time.monotonic(), 0))[0], printed
                read = os.read(terminal, 65536).decode(errors="replace")
                printed = re.sub(r"\x1b\[[\d;?]*[ -/]*[@-~]|\x1b[(].|\r", "", printed + read)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_is_installed_once(shell: str, tmp_path: Path) -> None:
    text, file, starts = SHELLS[shell]
    for _ in range(2):
        assert str(tmp_path / file) in install(shell, tmp_path)
    assert (tmp_path / file).read_text() == text
    if starts is not None:
        assert (tmp_path / starts).read_text() == f'source "{tmp_path / file}"\n'


def test_a_shell_that_is_not_known_is_told() -> None:
    done = command_line.run("--show-completion", env={"SHELL": "/bin/bsh"})
    assert done == (
        1,
        "",
        "tabwarden: there is no completion for the shell `bsh`; name bash, zsh or fish\n",
    )
