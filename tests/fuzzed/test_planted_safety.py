"""A raw print, an unchecked hash, an unbounded read, markup that is read, retention by an odd clock: each is found."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fuzz import inputs_of, tried
from fuzzing.desk import Desk, opened
from fuzzing.inputs import Input
from patched_modules import Patch, in_place, planted

HISTORY = "store/history.db"
NO_COLUMNS = ("store/columns", "folder")
WHO = ("who", "View", "Default/Book 0", "--json")
SETTINGS = "settings.yaml"


def forged(statement: str, *words: str) -> Input:
    return Input("stores", words or WHO, ((HISTORY, "sql", statement), NO_COLUMNS), must="same")


def set_to(desk: Desk, secret: str) -> Input:
    whole = json.loads(desk.base[SETTINGS])
    whole["tableau"]["auth"]["pat"]["secret"] = secret
    edits = ((SETTINGS, "write", json.dumps(whole).encode()), ("big", "write", b"x" * 70_000))
    return Input("settings", ("settings", "check"), edits, must="device" if "dev" in secret else "refused")


def bomb(desk: Desk) -> Input:
    """A world whose aliases stand for three million values, which is as many as may be waited for."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{n}: &{n} [{', '.join([f'*{before}'] * 12)}]" for before, n in zip("abcde", "bcdef", strict=True)]
    words = ("why", "ada", "View", "Default", "--open-point", "bomb.yaml")
    return Input("worlds", words, (("bomb.yaml", "write", "\n".join(lines).encode()),), must="aliases")


def inputs(desk: Desk) -> Iterator[Input]:
    """One for each way in which something could be wrong, and reads under clocks of chance."""
    for name in ("red\x1b[31m", "\u202egnp.exe", "[/nope]", "[bold]Sales [old]"):
        yield Input("names", ("who", "View", name), must="told")
    yield forged("update body set data = cast(replace(data, 'una@', 'eve@') as blob) where instr(data, 'una@')")
    another = "update version set body = (select max(hash) from body where hash <> version.body) where thing ="
    yield from (forged(f"{another} (select distinct thing from version limit 1 offset {n})") for n in range(12))
    yield forged("update snapshot set about = replace(about, 'ada', 'eve')", "history", "--json")
    newest = desk.newest_journal
    yield Input(
        "journals",
        ("plan", "undo", "--last", "--out", "u.json"),
        ((newest, "write", desk.base[newest].replace(b'"done"', b'"lost"').replace(desk.url.encode(), b"{box}")),),
        must="refused",
    )
    few = ("joiners.csv", "write", b"Email Address\njoe@a.example\n")
    cut = ("store/good-runs.jsonl", "cut", len(desk.base["store/good-runs.jsonl"].split(b"\n")[0]))
    yield Input("journals", ("plan", "provision", "--out", "p.json"), (few, cut), must="stopped")
    king = desk.base["plan.json"].replace(b'"Unlicensed"', b'"King"').replace(desk.url.encode(), b"{box}")
    yield Input("plans", ("apply", "plan.json"), (("plan.json", "write", king), ("plan.json", "resealed")), must="king")
    yield set_to(desk, "file:big")
    yield set_to(desk, "file:/dev/null")
    yield bomb(desk)
    yield from inputs_of("clocks", 40, 0, desk)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with opened(tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.fixture(scope="module")
def laid(desk: Desk) -> list[Input]:
    """The inputs, none of which breaks a law as it is."""
    every = list(inputs(desk))
    assert [(one, told) for one in every if (told := tried(one, desk))] == []
    return every


@pytest.mark.parametrize("bug", planted("safety"), ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(desk: Desk, laid: list[Input], bug: Patch) -> None:
    with in_place(bug):
        assert any(tried(one, desk) for one in laid)
