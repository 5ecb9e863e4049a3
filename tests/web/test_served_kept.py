"""What is kept of a snapshot is made once and bounded by its rows."""

from __future__ import annotations

import threading

import pytest
from small_site import project, site
from watchdog import patience

from tabwarden.model.errors import UnknownName
from tabwarden.model.open_points import OpenPoints
from tabwarden.store.snapshots import Snapshot
from tabwarden.web import served
from tabwarden.web.served import NotYetError, ServedSite


@pytest.fixture
def one() -> ServedSite:
    return ServedSite(Snapshot(*[0] * 14), site(), "nowhere", url="")


def test_a_list_is_made_once_and_the_oldest_goes(one: ServedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "ROWS", 10)
    makings: list[str] = []

    def ask(key: str, rows: int) -> list[int]:
        return one.kept(key, lambda: makings.append(key) or list(range(rows)), len)  # type: ignore[func-returns-value]

    assert ask("a", 4) is ask("a", 4)
    ask("b", 4)
    ask("a", 4)
    assert makings == ["a", "b"]
    ask("c", 4)  # with it there were twelve
    ask("a", 4)
    assert makings == ["a", "b", "c", "a"]
    ask("large", 99)  # longer than all that is kept, and kept alone
    ask("large", 99)
    assert makings[-1] == "large"
    assert makings.count("large") == 1


def test_many_who_ask_at_once_are_all_answered(one: ServedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "ROWS", 5)
    problems: list[object] = []

    def ask(start: int) -> None:
        for number in range(start, start + 400):
            key = number % 9
            answer = one.kept(key, lambda key=key: [key] * 2, len)  # type: ignore[misc]
            problems.extend([] if answer == [key] * 2 else [answer])

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems


def test_questions_under_other_points_do_not_pile_up(one: ServedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may name open points in an address, some of them free words."""
    one.site = site(project("A"), project("B"))
    monkeypatch.setattr(served, "ROWS", 4)
    usual = one.questions()
    for number in range(50):
        one.questions(open_points=OpenPoints(ai_access_name=f"N{number}"))
    assert len(one._kept) == 2
    assert one.questions() is usual


def test_what_takes_long_is_not_yet_there_and_then_is(one: ServedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "WITHIN", 0.05)
    begun, may_end, makings = threading.Event(), threading.Event(), 0

    def make() -> str:
        nonlocal makings
        makings += 1
        begun.set()
        assert may_end.wait(patience(30))
        return "findings"

    for _ in range(3):  # whoever comes meanwhile has it made no second time
        with pytest.raises(NotYetError):
            one.soon("lint", make)
    assert begun.wait(patience(30))
    may_end.set()
    monkeypatch.setattr(served, "WITHIN", patience(30))
    assert one.soon("lint", make) == one.soon("lint", make) == one.kept("lint", make) == "findings"
    assert makings == 1


def test_what_cannot_be_made_is_told_to_whoever_asks_and_tried_anew(one: ServedSite) -> None:
    def make() -> str:
        raise UnknownName("no user `zoe`")

    for _ in range(2):
        with pytest.raises(UnknownName, match="zoe"):
            one.soon("invariants", make)
    assert one.soon("invariants", lambda: "mended") == "mended"
