"""Ten thousand wrong inputs of every kind, and every one that ever failed: no law is broken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import domain_people as forest
import pytest
from fuzz import SEEDS, run, shares, tried
from fuzzing.desk import Desk, opened
from fuzzing.inputs import Input
from fuzzing.kinds import KINDS

from tabwarden.store import directory_file

TEN_THOUSAND = 10_000


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with opened(tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.mark.parametrize("kind", KINDS)
def test_no_input_breaks_a_law(desk: Desk, kind: str) -> None:
    failures, codes = run(desk, kind, shares(TEN_THOUSAND)[kind])
    assert not [(failure.number, failure.input.words, failure.words) for failure in failures]
    # An input that is refused before anything is done with it proves little.
    assert kind in ("clocks", "names") or len(codes) > 1


@pytest.mark.parametrize("seed", sorted(SEEDS.glob("*.json")), ids=lambda path: path.stem)
def test_what_failed_once_fails_no_more(desk: Desk, seed: Path) -> None:
    assert not tried(Input.from_json(seed.read_text(encoding="utf-8")), desk)


def test_the_recorded_domains_are_those_of_the_tests(desk: Desk, tmp_path: Path) -> None:
    """Their people, where `record_domains.py` was run since the list of them changed."""
    ended = desk.call(("directory", "read", "--whole", "--settings", "wire.yaml", "--out", str(tmp_path / "read.json")))
    assert not ended.code, ended
    names = {person.sam_account_name for person in directory_file.load(tmp_path / "read.json").people.values()}
    assert {user.name for user in (*forest.CORP_USERS, *forest.SEATTLE_USERS)} - {*forest.BULK, "mary.before"} <= names
    desk.clean()
