"""Every input has a bound: what never ends, is too large, too deep or no file is told in time and in a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import command_line
import pytest
from watchdog import patience

from tabwarden import safe_files, secrets, troubles
from tabwarden.model.errors import SettingsError, SourceError, TabwardenError
from tabwarden.plan.plan import SiteIdentity
from tabwarden.sources.files import FileSource
from tabwarden.store import journal
from tabwarden.store.database import Database
from tabwarden.store.snapshots import FILE

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
SETTINGS = "tableau: {{server: 'https://tableau.example.com', auth: {{pat: {{name: t, secret: '{}'}}}}}}\n"


def ended(folder: Path, *words: object, stdout: int | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tabwarden", *map(str, words)]
    out = subprocess.PIPE if stdout is None else stdout
    return subprocess.run(
        command, cwd=folder, stdout=out, stderr=subprocess.PIPE, text=True, timeout=patience(60), check=False
    )


def refused(done: subprocess.CompletedProcess[str], *told: str) -> None:
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    assert [words for words in told if words not in done.stderr] == [], done.stderr


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("cmd:yes", "`yes` wrote more than 65,536 bytes"),
        ('cmd:sh -c "yes & yes"', "`sh` wrote more than 65,536 bytes"),
        ("file:/dev/zero", "is a device"),
        ("file:/etc", "is a directory"),
        ("file:big", "has more than the 65,536 bytes"),
    ],
)
def test_a_secret_is_small_and_comes_in_time(tmp_path: Path, secret: str, told: str) -> None:
    (tmp_path / "big").write_bytes(b"x" * 70_000)
    (tmp_path / "settings.yaml").write_text(SETTINGS.format(secret.replace("'", "''")))
    refused(ended(tmp_path, "settings", "check"), told)


def test_a_command_that_never_ends_is_killed_with_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "COMMAND_SECONDS", 1)
    began = time.monotonic()
    with pytest.raises(SettingsError, match="did not end within 1 seconds"):
        secrets.resolve("cmd:sh -c 'sleep 987 & sleep 987'", Path(), os.environ, None)
    assert time.monotonic() - began < patience(20)
    assert "sleep 987" not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_a_pipe_that_ends_is_read_and_one_that_does_not_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safe_files, "PIPE_SECONDS", 0.5)
    for name, end in (("ends", True), ("stays", False)):
        os.mkfifo(tmp_path / name)
        held = os.open(tmp_path / name, os.O_RDWR)
        os.write(held, b"a: 1\n")
        if end:
            threading.Timer(0.2, os.close, [held]).start()
    assert safe_files.read_text(tmp_path / "ends") == "a: 1\n"
    with pytest.raises(OSError, match="is a pipe that did not end"):
        safe_files.read_text(tmp_path / "stays")


@pytest.mark.parametrize(
    "words",
    [
        ("settings", "check", "--settings", "bad.yaml"),
        ("sandbox", "--world", "bad.yaml", "--port", "0"),
        ("sandbox", "--faults", "bad.yaml", "--port", "0"),
        ("whatif", "bad.yaml"),
        ("why", "ann", "View", "x", "--open-point", "bad.yaml"),
        ("settings", "import", "bad.yaml"),
        ("apply", "bad.yaml"),
        ("cases", "bad.yaml"),
        ("names", "check", "--from", "bad.yaml"),
    ],
    ids=lambda words: " ".join(words),
)
@pytest.mark.parametrize(
    "content", [BOMB, "[" * 100_000, '{"a":' * 100_000, "\x00\xff"], ids=["bomb", "list", "map", "junk"]
)
def test_what_multiplies_or_is_deep_is_told(tmp_path: Path, words: tuple[str, ...], content: str) -> None:
    (tmp_path / "bad.yaml").write_bytes(content.encode("latin-1"))
    done = ended(tmp_path, *words)
    assert (done.returncode in (1, 3), "Traceback" in done.stderr, "nobody foresaw" in done.stderr) == (
        True,
        False,
        False,
    ), done.stderr
    assert done.stderr.strip()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [("--help",), ("--version",), ("why", "--help"), ("cases", "--schema")])
def test_an_output_that_takes_nothing_is_told(tmp_path: Path, words: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        refused(ended(tmp_path, *words, stdout=full.fileno()), "the disk is full")


def test_a_letter_that_the_terminal_lacks_is_an_escape(tmp_path: Path) -> None:
    case = {"id": "é", "kind": "capability"}
    (tmp_path / "c.json").write_text(json.dumps([case]))
    command = [sys.executable, "-m", "tabwarden", "cases", "c.json"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
        capture_output=True,
        check=False,
    )
    assert (b"Traceback" in done.stderr, done.returncode) == (False, 1)


@pytest.mark.parametrize("port", ["70000", "-1", "x"])
def test_a_port_that_is_none_is_a_usage_error(tmp_path: Path, port: str) -> None:
    refused(ended(tmp_path, "sandbox", "--port", port), "`--port`")


LIST = "Email Address\nann@example.com\n" + ("x" * 99 + "\n") * 11_000


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "xlsx"])
def test_a_list_has_a_bound_that_can_be_raised(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"list.{ending}"
    path.write_text(LIST)
    if ending == "xlsx":
        with ZipFile(path, "w", ZIP_DEFLATED) as package:
            package.writestr("xl/worksheets/sheet1.xml", " " * (2 << 20))
    source = FileSource(type="file", path=path, most_megabytes=1)
    with pytest.raises(SourceError, match=r"has more than .*1,048,576 bytes .*raise `most_megabytes`"):
        source.read()
    if ending == "csv":
        assert len(source.model_copy(update={"most_megabytes": 2}).read().rows) == 11_001


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "xlsx"])
@pytest.mark.parametrize("what", ["pipe", "device", "folder"])
def test_a_list_that_is_no_file_is_told_in_time(
    tmp_path: Path, ending: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safe_files, "PIPE_SECONDS", 0.1)
    path = tmp_path / f"list.{ending}"
    {"pipe": os.mkfifo, "device": lambda p: p.symlink_to("/dev/zero"), "folder": Path.mkdir}[what](path)
    with pytest.raises(SourceError, match=r"is a pipe|no file|is a device|is a folder|holds no row|is empty"):
        FileSource(type="file", path=path).read()


@pytest.mark.parametrize(
    "words",
    [
        ("settings", "check", "--settings", "pipe"),
        ("sandbox", "--world", "pipe", "--port", "0"),
        ("sandbox", "--faults", "pipe", "--port", "0"),
        ("sandbox", "--log", "pipe", "--port", "0"),
        ("sandbox", "--activity-log", "pipe", "--port", "0"),
        ("sandbox", "--state", "pipe", "--port", "0"),
        ("sandbox", "--directory", "pipe", "--port", "0"),
        ("whatif", "pipe"),
        ("why", "ann", "View", "x", "--open-point", "pipe"),
        ("settings", "import", "pipe"),
        ("apply", "pipe"),
        ("plan", "undo", "pipe"),
        ("cases", "pipe"),
        ("cases", "cases.json", "--snapshot", "pipe"),
        ("snapshots", "import", "pipe"),
        ("rules", "x", "--snapshot", "pipe"),
        ("store", "check", "--store", "pipe"),
    ],
    ids=lambda words: " ".join(words),
)
@pytest.mark.parametrize("what", ["pipe", "device"])
def test_no_option_waits_for_what_never_comes(
    tmp_path: Path, words: tuple[str, ...], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(safe_files, "PIPE_SECONDS", 0.1)
    if what == "pipe":
        os.mkfifo("pipe")
    else:
        Path("pipe").symlink_to("/dev/zero")
        if words[1:2] in (("--log",), ("--activity-log",)):
            return  # which may be written to
    Path("cases.json").write_text("[]")
    Path("settings.yaml").write_text(SETTINGS.format("never-told"))
    done = command_line.run(*words)
    assert (done.exit_code, bool(done.stderr)) == (1, True), done


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name")
def test_what_is_no_file_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    """As root, `-o /dev/null` would else make a file of what every process of the machine writes to."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="No such device"):
        safe_files.write_whole(pipe, b"nobody reads")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    safe_files.write_whole(pipe, [b"a ", b"line"])
    assert os.read(reader, 99) == b"a line"
    os.close(reader)
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


class OperationalError(Exception):
    def __init__(self, words: str, sqlstate: str | None = None) -> None:
        super().__init__(words)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("words", "state", "ours"),
    [
        ("connection to server at 127.0.0.1, port 1 failed: Connection refused", None, "nobody listens there"),
        ("[Errno -2] Name or service not known", None, "its name is not known here"),
        ('FATAL: password authentication failed for user "ada"', None, "it refuses the sign-in"),
        ('invalid integer value "x" for connection option "port"', None, "its address is not written"),
        ("connection timeout expired", None, "it did not answer in time"),
        ('relation "nope" does not exist', "42P01", "it does not know or does not allow what is asked"),
        ("disk full", "53100", "it has no room or memory left"),
        ("whatever else", None, "it refuses what is asked"),
    ],
)
def test_what_a_driver_says_is_no_answer(words: str, state: str | None, ours: str) -> None:
    assert troubles.of_database(OperationalError(words, state)).startswith(ours)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name")
@pytest.mark.parametrize("put", [os.mkfifo, os.mkdir, lambda place: os.symlink("/dev/zero", place)])
def test_something_else_in_the_place_of_a_file_of_the_store_is_told(
    tmp_path: Path, put: Callable[[Path], None]
) -> None:
    """Never waited for, never read without an end, and never as if nothing were there."""
    site = SiteIdentity("http://tableau.example", "", "s", "S")
    (tmp_path / journal.JOURNALS).mkdir()
    for place in (tmp_path / FILE, tmp_path / journal.GOOD_RUNS, journal.path_of(tmp_path, "0123")):
        put(place)
    for asked in (
        lambda: Database(tmp_path, create=False),
        lambda: journal.last_good_rows(tmp_path, site),
        lambda: journal.newest(tmp_path),
    ):
        with pytest.raises(TabwardenError, match=r"is a folder|is no file"):
            asked()
