"""The log of a run: its lines, its file and retention, what it counts, and that no secret gets through."""

from __future__ import annotations

import io
import json
import logging
import re
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tabwarden import log as log_module
from tabwarden.log import NAME, open_log
from tabwarden.model.errors import TabwardenError
from tabwarden.scrubber import Scrubber

SECRET = "p@ss/Wörd-'22'"
LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \| (DEBUG|INFO|WARNING|ERROR|CRITICAL) \| \S.*$")
ours = logging.getLogger("tabwarden.run.provision")
theirs = logging.getLogger("snowflake.connector")


@pytest.fixture(autouse=True)
def logging_as_found() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.getLogger("tabwarden").level)
    yield
    assert (root.level, root.handlers, logging.getLogger("tabwarden").level) == before


def test_lines_are_the_same_in_file_and_on_console(tmp_path: Path) -> None:
    console = io.StringIO()
    with open_log(tmp_path / "deep" / "logs", console=console) as log:
        ours.info("added new user %s", "ada@example.com")
        ours.warning("skipped")
        ours.debug("too fine")
    text = log.path.read_text(encoding="utf-8")
    assert text == console.getvalue()
    assert [LINE.match(line) is not None for line in text.splitlines()] == [True, True]
    assert "| INFO | added new user ada@example.com\n" in text
    assert NAME.match(log.path.name)
    stamp = log.path.name.removeprefix("tabwarden-").removesuffix(".log")
    age = datetime.now().astimezone() - datetime.strptime(stamp, "%Y-%m-%d-%H%M%S").astimezone()
    assert timedelta() <= age < timedelta(minutes=1)


def test_it_counts_our_errors_and_warnings_and_writes_those_of_others(tmp_path: Path) -> None:
    with open_log(tmp_path, quiet=True) as log:
        theirs.info("chatter with select * from people")
        theirs.warning("slow answer")
        theirs.error("gave up, tried again")
        assert (log.errors, log.warnings) == (0, 0)
        ours.error("ada was not added")
        ours.error("bob was not added")
        ours.warning("held")
        assert (log.errors, log.warnings) == (2, 1)
        log.flush()
        text = log.path.read_text(encoding="utf-8")
    assert "chatter" not in text
    assert text.count("slow answer") == 1
    assert text.count("gave up") == 1


def test_a_talkative_package_stays_quiet_at_debug(tmp_path: Path) -> None:
    theirs.setLevel(logging.DEBUG)
    try:
        with open_log(tmp_path, level="DEBUG", quiet=True) as log:
            theirs.debug("select")
            ours.debug("our own")
    finally:
        theirs.setLevel(logging.NOTSET)
    assert log.path.read_text(encoding="utf-8").endswith("| DEBUG | our own\n")
    assert log.path.read_text(encoding="utf-8").count("\n") == 1


@pytest.mark.parametrize("as_json", [False, True])
def test_no_secret_gets_through(tmp_path: Path, as_json: bool) -> None:
    console = io.StringIO()
    with open_log(tmp_path, scrub=Scrubber([SECRET]), console=console, as_json=as_json) as log:
        ours.info("signing in with " + SECRET)
        ours.warning("arguments %s", {"password": SECRET})
        theirs.warning("GET /?token=p%40ss%2FW%C3%B6rd-%2722%27 failed")
        try:
            raise ValueError(SECRET)
        except ValueError:
            ours.exception("failed")
        try:
            raise KeyError(SECRET)
        except KeyError:
            ours.error("failed: %s", json.dumps(SECRET), exc_info=True)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(f"deprecated {SECRET}", UserWarning, stacklevel=1)
    text = log.path.read_text(encoding="utf-8")
    assert console.getvalue() == text
    for piece in ("p@ss", "p%40ss", "rd-", "'22'"):
        assert piece not in text, piece
    assert text.count("***") >= 6
    assert "ValueError: ***" in text


def test_a_name_cannot_forge_a_line(tmp_path: Path) -> None:
    with open_log(tmp_path, quiet=True) as log:
        ours.error("no such user: x\n2026-01-01 00:00:00 | INFO | all is well\x1b[2K\r\u2028and more")
    (line,) = log.path.read_text(encoding="utf-8").splitlines()
    assert line.endswith(r"no such user: x\n2026-01-01 00:00:00 | INFO | all is well\x1b[2K\r\u2028and more")


def test_json_lines(tmp_path: Path) -> None:
    with open_log(tmp_path, as_json=True, quiet=True) as log:
        ours.info("größer\nzweite Zeile")
        try:
            raise ValueError("x")
        except ValueError:
            ours.exception("failed")
    assert log.path.suffix == ".jsonl"
    first, second = (json.loads(line) for line in log.path.read_text(encoding="utf-8").splitlines())
    assert (first["level"], first["text"], first["logger"]) == ("INFO", "größer\nzweite Zeile", ours.name)
    assert datetime.fromisoformat(first["time"]).utcoffset() is not None
    assert second["exception"].endswith("ValueError: x")


def test_only_old_logs_of_our_own_are_deleted(tmp_path: Path) -> None:
    today = datetime.now().astimezone().date()

    def named(days: int, ending: str = ".log") -> str:
        return f"tabwarden-{today - timedelta(days=days)}-120000{ending}"

    old = [named(92), named(400, ".jsonl"), named(92, "-2.log")]
    kept = [
        named(91),
        named(1),
        named(92, ".log.gz"),
        "x" + named(92),
        f"{today - timedelta(days=92)}.log",
        "01-11-2022-08.56.59.log",
        "tabwarden-2020-99-99-120000.log",
        "tabwarden.log",
        "people.csv",
    ]
    for name in (*old, *kept):
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / named(93)).mkdir()
    with open_log(tmp_path, retention_days=90, quiet=True) as log:
        pass
    assert {path.name for path in tmp_path.iterdir()} == {*kept, named(93), log.path.name}
    assert {path.name for path in log.deleted} == set(old)


def test_a_clock_that_is_wrong_once_deletes_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = datetime(2026, 11, 1, 2, tzinfo=UTC)

    def run_at(now: datetime) -> str:
        monkeypatch.setattr(log_module, "datetime", type("Clock", (datetime,), {"now": staticmethod(lambda: now)}))
        with open_log(tmp_path, retention_days=3, quiet=True) as log:
            pass
        return log.path.read_text(encoding="utf-8")

    for day in range(5):
        assert run_at(start + timedelta(days=day)) == ""
    before = set(tmp_path.iterdir())
    assert "is the clock ahead?" in run_at(start + timedelta(days=730))
    assert before <= set(tmp_path.iterdir())
    assert run_at(start + timedelta(days=5)) == ""  # set right again, it goes on as ever
    assert len(before - set(tmp_path.iterdir())) == 1


def test_two_runs_in_one_second_have_two_files(tmp_path: Path) -> None:
    with open_log(tmp_path, quiet=True) as one, open_log(tmp_path, quiet=True) as two:
        assert one.path != two.path
        assert NAME.match(two.path.name)


def test_a_console_that_knows_only_ascii(tmp_path: Path) -> None:
    raw = io.BytesIO()
    record = logging.LogRecord("tabwarden.run", logging.INFO, __file__, 1, "Zoë %s", ("\udcff",), None)
    before = set(logging.getLogger().handlers)
    with open_log(tmp_path, console=io.TextIOWrapper(raw, encoding="ascii", write_through=True)) as log:
        # Handed to our handlers alone: the test runner's own cannot carry such text between processes.
        for handler in set(logging.getLogger().handlers) - before:
            handler.handle(record)
    assert raw.getvalue().endswith(b"| INFO | Zo\\xeb \\udcff\n")
    assert log.path.read_text(encoding="utf-8").endswith("| INFO | Zoë \\udcff\n")


def test_a_line_that_cannot_be_written_tells_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console = io.StringIO()
    console.close()
    with open_log(tmp_path, scrub=Scrubber([SECRET]), console=console) as log:
        ours.error("with %s", SECRET)
        ours.error("again with %s", SECRET)
    assert capsys.readouterr().err.count("could not be written") == 1
    assert log.errors == 2
    assert log.path.read_text(encoding="utf-8").count("with ***") == 2


def test_a_folder_that_cannot_be_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("x", encoding="utf-8")
    with pytest.raises(TabwardenError, match=r"log folder `.*logs` cannot be written: .*; set `logs\.folder`"):
        open_log(tmp_path / "logs")


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    log = open_log(tmp_path, quiet=True)
    log.close()
    log.close()
    ours.warning("after the end")
    assert log.path.read_text(encoding="utf-8") == ""
