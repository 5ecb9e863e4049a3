"""Every command that writes, on a disk that is full, may not be written, or has something else in the place."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest
from fuzz import tried
from fuzzing.desk import Desk, opened, random_of
from fuzzing.inputs import Input
from fuzzing.kinds import ASKED, WRITING

from tabwarden.cli import COMMANDS

OTHERS: tuple[tuple[str, ...], ...] = (
    ("apply", "plan.json"),
    ("run", "provision"),
    ("run", "people", "--settings", "people.yaml"),
    ("plan", "people", "--settings", "people.yaml"),
    ("plan", "change", "lock Default"),
    ("plan", "undo", "--to", "1"),
    ("plan", "rename", "vic@a.example=victor@a.example"),
    ("settings", "decrypt", "people.yaml.aes", "--to", "new.yaml"),
    ("sandbox", "--world", "w0", "--write-settings", "new", "--save-world", "saved.yaml"),
    ("mirror", "--settings", "mirror.yaml"),
    ("directory", "read", "--out", "read.json"),
    ("doctor",),
    ("conformance", "--project", "Default", "--check", "opposite_rule", "--to", "new.yaml"),
    ("policy", "export", "--out", "new.yaml"),
    ("lint", "--put-by", "new.yaml", "--until", "2999-01-01", "--reason", "r"),
    ("init", "--server", "http://127.0.0.1:9", "--token", "t", "--secret", "env:NONE", "--to", "new.yaml", "--no-test"),
)
DEMO = ("demo", "--folder", "demo")  # which does all of it, and takes some seconds
WRITES = {words: words[0] in ("apply", "run") for words in (*(words for words, _ in WRITING), *OTHERS)}
# What writes nothing, or what one of the above writes in the same way.
READS = {
    *(
        "why",
        "who",
        "what",
        "rules",
        "whatif",
        "diff",
        "history",
        "cases",
        "licences",
        "plan licences",
        "check",
        "people show",
        "directory show",
        "domains",
    ),
    *("names check", "mirror verify", "catalog", "settings check", "plan groups", "run groups", "plan domains"),
    *(
        "help",
        "find",
        "plan list",
        "plan show",
        "audit verify",
        "audit list",
        "requests",
        "status",
        "plan policy",
        "policy schema",
        "policy import",
        "policy from-use",
    ),
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """On a file system of its own where one may be mounted, else on any."""
    disk = tmp_path_factory.mktemp("disk")
    mounted = _mount("-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk))
    try:
        (disk / "desk").mkdir()
        with opened(disk / "desk") as desk:
            yield desk
    finally:
        if mounted:
            subprocess.run(["umount", "-l", disk], check=True)


def _mount(*words: str) -> bool:
    try:
        return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def broken(desk: Desk, words: tuple[str, ...], after: Callable[[], object] = str, **treated: object) -> str:
    """The law that the command breaks; `after` it the disk is as it was."""
    must = "done" if words[0] in ("apply", "run", "demo") else ""
    return tried(Input("disks", words, treated={"limit": 1 << 30, **treated}, must=must), desk, after)


def test_every_command_that_writes_is_here() -> None:
    named = {" ".join(words[:2]) if " ".join(words[:2]) in COMMANDS else words[0] for words in WRITES}
    # `serve` ends by a signal alone: tests/web tries it.
    assert named | READS | {"demo", "serve"} == {words for words in COMMANDS if not words.startswith("list ")}


@pytest.mark.parametrize("words", WRITES, ids=" ".join)
def test_on_a_full_disk(desk: Desk, words: tuple[str, ...]) -> None:
    """Files that may grow to so many bytes and no further: at any of them it ends in a sentence, and loses nothing."""
    assert not {size: told for size in (0, 100, 2_000, 30_000) if (told := broken(desk, words, limit=size))}


def test_the_demo_on_a_full_disk(desk: Desk) -> None:
    assert not broken(desk, DEMO, limit=3_000)


@pytest.mark.parametrize("left", [0, 5_000, 70_000])
def test_on_a_disk_without_room(desk: Desk, left: int) -> None:
    """The same where the system says that nothing is left."""
    disk, told = desk.folder.parent, {}
    if not os.path.ismount(disk):
        return  # what may be tried without mounting is tried above
    for words in WRITES:
        room = os.statvfs(disk)
        (disk / "filler").write_bytes(b"x" * max(0, room.f_bavail * room.f_frsize - left))
        told[words] = broken(desk, words, (disk / "filler").unlink)
    assert not {words: law for words, law in told.items() if law}


def test_on_a_disk_that_may_not_be_written(desk: Desk) -> None:
    disk, told = desk.folder.parent, {}
    if not os.path.ismount(disk):
        return
    for words in (*WRITES, *ASKED):
        _mount("-o", "remount,ro", str(disk))
        told[words] = broken(desk, words, lambda: _mount("-o", "remount,rw", str(disk)))
    assert not {words: law for words, law in told.items() if law}


@pytest.mark.parametrize(
    "place", ["store", "logs", "store/plans", "store/columns", "store/history.db", "p.json", "new.yaml", "key"]
)
@pytest.mark.parametrize("how", ["folder", "file", "link"])
def test_with_something_else_in_the_place(desk: Desk, place: str, how: str) -> None:
    edit = (place, how, "/dev/full") if how == "link" else (place, how)
    told = {
        words: tried(Input("disks", words, (edit,), treated={"limit": 1 << 30}, must="done"), desk)
        for words in random_of(place, len(how)).sample(sorted(WRITES), 6)
    }
    assert not {words: law for words, law in told.items() if law}


@pytest.mark.parametrize("treated", [{"stdout": "/dev/full"}, {"encoding": "ascii"}], ids=str)
def test_where_the_output_takes_nothing_or_not_every_letter(desk: Desk, treated: dict[str, str]) -> None:
    told = {words: broken(desk, words, **treated) for words in (*WRITES, *ASKED, ("--help",), ("cases", "--schema"))}
    assert not {words: law for words, law in told.items() if law}
