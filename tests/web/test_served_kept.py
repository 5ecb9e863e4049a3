"""What is kept of a snapshot is made once and bounded by its rows."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import pytest
from dense_sites import UNREAD_SHARES, dense_site
from small_site import project, site
from watchdog import patience

from tabwarden.model.errors import UnknownName
from tabwarden.model.open_points import MODELS, OpenPoints
from tabwarden.store import beside
from tabwarden.store.snapshots import Snapshot
from tabwarden.web import served
from tabwarden.web.served import NotYetError, ServedSite
from tabwarden.web.threads import once


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


@pytest.mark.parametrize("over_columns", [True, False], ids=["over columns", "of the history"])
@pytest.mark.parametrize("seed", range(4))
def test_a_snapshot_goes_with_whoever_asked_it_last(seed: int, tmp_path: Path, *, over_columns: bool) -> None:
    shown, snapshot = dense_site(seed, unread=UNREAD_SHARES[seed], users=120, items=60), Snapshot(*[0] * 14)
    user, content = next(iter(shown.users)), next(iter(shown.contents))
    if over_columns:
        beside.keep(tmp_path, snapshot, shown)
        shown = beside.opened(tmp_path, snapshot) or site()
    else:
        shown = shown.without_locks  # which is itself what the classic model knows of it
    one = ServedSite(snapshot, shown, str(tmp_path), url="")
    gc.disable()  # no collection looks at what is served, so that nothing of it may hold itself
    try:
        one.warm()
        for model in MODELS:
            questions = one.questions(model)
            one.who(questions, "Read", content)
            questions.on(user, content)
            one.own(user, questions).reach(user)
        one.site.contents_at(one.site.path(content).casefold())
        one.site.users_named(one.site.users[user].name)
        del questions
        gone = weakref.ref(one), weakref.ref(one.site)
        del one, shown
        assert [ref() for ref in gone] == [None, None]
    finally:
        gc.enable()


def test_one_request_that_waits_keeps_no_other_from_its_own() -> None:
    begun, goes_on = threading.Event(), threading.Event()

    class Request:
        def __init__(self, *, waits: bool) -> None:
            self.waits = waits

        @once
        def answer(self) -> str:
            begun.set()
            assert not self.waits or goes_on.wait(patience(10))
            return f"waits: {self.waits}"

    slow = Request(waits=True)
    thread = threading.Thread(target=lambda: slow.answer)
    thread.start()
    assert begun.wait(patience(10))
    assert Request(waits=False).answer == "waits: False"
    goes_on.set()
    thread.join()
    assert slow.__dict__["answer"] == "waits: True"
