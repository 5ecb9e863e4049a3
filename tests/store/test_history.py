"""The history: what is kept comes back, on SQLite and PostgreSQL; what goes leaves the rest as it was."""

from __future__ import annotations

import json
import sqlite3
import stat
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import command_line
import pytest
from dense_sites import dense_site

from tabwarden.compare.snapshots import facts
from tabwarden.model.errors import SettingsError, TabwardenError, UnknownName
from tabwarden.model.site import Site, Taken
from tabwarden.run.history import snapshot_of
from tabwarden.store.database import Database
from tabwarden.store.history import History, moved_on
from tabwarden.store.retention import Retention, forget, superfluous, thin
from tabwarden.store.schema import COLUMNS
from tabwarden.store.snapshots import FILE, Snapshot

ADMIN = "ServerAdministrator"


def taken(day: int, **more: str) -> Taken:
    return Taken("https://t.example.com", f"2026-01-{day:02d}T03:00:00Z", "reader", more.get("by_role", ADMIN))


def days(number: int, seed: int = 0) -> list[Site]:
    """A site on so many days: now and then another one altogether, mostly with a few things changed."""
    random = Random(seed)
    found = [replace(dense_site(seed, unread=0.1), taken=taken(1))]
    for day in range(2, number + 1):
        before = found[-1]
        other = dense_site(random.randrange(10**6), unread=0.1)
        mixed = {c: random.choice((before, before, other)).contents.get(c) for c in {*before.contents, *other.contents}}
        contents = {c: held for c, held in mixed.items() if held is not None}
        groups = other.groups if random.random() < 0.3 else before.groups
        found.append(replace(before, contents=contents, groups=groups, taken=taken(day)))
    return found


def test_what_was_kept_comes_back(any_store: str) -> None:
    sites = days(8)
    with History(any_store) as history:
        kept = [history.keep(site) for site in sites]
    with History(any_store) as history:
        assert [history.open(one.number) for one in kept] == sites
        assert [site for _, site in history.walk(kept[0].number, kept[-1].number)] == sites
        assert history.snapshots() == tuple(kept)
        assert kept[3].rules == sum(
            len(rules or ()) for c in sites[3].contents.values() for rules in (c.rules, *c.defaults.values())
        )


def test_differing_holds_every_fact_that_differs_and_nothing_else(any_store: str) -> None:
    sites = days(6, seed=3)
    with History(any_store) as history:
        numbers = [history.keep(site).number for site in sites]
        for first, before in zip(numbers, sites, strict=True):
            for last, after in zip(numbers, sites, strict=True):
                parts = history.differing(first, last)
                assert set(facts(*parts)) == set(facts(before, after))
                assert moved_on(before, *parts) == after
                for part in ("users", "groups", "group_sets", "contents"):
                    old, new = (getattr(one, part) for one in parts)
                    assert all(old.get(each) != new.get(each) for each in {*old, *new})


@pytest.mark.parametrize("seed", range(4))
def test_what_goes_leaves_the_others_as_they_were(any_store: str, seed: int) -> None:
    sites, random = days(9, seed=seed), Random(seed)
    with History(any_store) as history:
        kept = [history.keep(site) for site in sites]
        gone = {one.number for one in random.sample(kept, random.randint(1, 7))}
        forget(history, gone)
        stay = [(one, site) for one, site in zip(kept, sites, strict=True) if one.number not in gone]
        assert [one.number for one in history.snapshots()] == [one.number for one, _ in stay]
        assert [history.open(one.number) for one, _ in stay] == [site for _, site in stay]
        assert [site for _, site in history.walk(kept[0].number, kept[-1].number)] == [site for _, site in stay]
        with history.database.reading() as connection:
            orphans = "select count(*) from body where hash not in (select body from version)"
            assert connection.value(orphans) == 0
        again = replace(sites[0], taken=taken(20))
        assert history.open(history.keep(again).number) == again


def test_a_clock_that_is_wrong_once_deletes_nothing(tmp_path: Path) -> None:
    with History(tmp_path) as history:

        def read_at(day: str, doubt: str = "") -> tuple[str, int]:
            kept = history.keep(replace(days(1)[0], taken=replace(taken(1), when=f"{day}T02:00:00Z")))
            return thin(history, Retention(2, 2, 2), kept, doubt), len(history.snapshots())

        assert [read_at(f"2026-01-0{day}") for day in range(1, 5)] == [("", 1), ("", 2), ("", 3), ("", 4)]
        told, stay = read_at("2028-01-04")
        assert "is the clock ahead?" in told
        assert stay == 5
        forget(history, [5])
        assert read_at("2026-01-05") == ("", 4)
        assert read_at("2026-01-06", "the clock here is 0:10:00 ahead of the server's") == (
            "the clock here is 0:10:00 ahead of the server's",
            5,
        )
        assert read_at("2026-01-07") == ("", 4)


def kept_at(number: int, when: str) -> Snapshot:
    return Snapshot(number, 1, when, "r", ADMIN, "w", "", "s", "S", "", (), 0, 0, 0)


def test_retention_keeps_days_then_months() -> None:
    times = ["2025-03-01T01:00:00Z", "2026-01-03T01:00:00Z", "2026-01-30T01:00:00Z", "2026-10-01T01:00:00Z"]
    times += ["2026-10-01T09:00:00Z", "2026-11-20T01:00:00Z", "2026-11-20T02:00:00Z"]
    chain = [kept_at(number, when) for number, when in enumerate(times, 1)]
    gone = superfluous(chain, Retention(30, 200, 400), datetime(2026, 11, 21, tzinfo=UTC))
    assert [one.number for one in gone] == [1, 2, 4]
    assert superfluous(chain, Retention(10_000), datetime(2026, 11, 21, tzinfo=UTC)) == []


def test_the_same_read_is_kept_once_and_an_older_one_never(tmp_path: Path) -> None:
    first, second = days(2)
    with History(tmp_path) as history:
        assert history.keep(first) == history.keep(first)
        history.keep(second)
        assert history.keep(first).number == 1
        with pytest.raises(TabwardenError, match="older than snapshot 2"):
            history.keep(replace(first, users={}))
        assert len(history.snapshots()) == 2


def test_what_somebody_less_than_an_administrator_read_is_a_history_of_its_own(tmp_path: Path) -> None:
    whole, _ = days(2)
    less = replace(whole, contents={}, taken=taken(2, by_role="Viewer"), partial=("what `reader` cannot see",))
    refused = replace(whole, taken=taken(3), partial=("rules of 2 workbooks were refused",))
    with History(tmp_path) as history:
        a, b, c = (history.keep(site) for site in (whole, less, refused))
        assert (a.limited, b.limited, c.limited) == (False, True, True)
        assert a.site == c.site != b.site
        assert history.differing(a.number, c.number)[0].contents == {}
        with pytest.raises(UnknownName, match="different"):
            history.differing(a.number, b.number)
        assert history.open(b.number) == less
        assert snapshot_of(history, "last").number == c.number


def test_numbers_and_days(tmp_path: Path) -> None:
    now = datetime(2026, 1, 4, 12, tzinfo=UTC)
    with History(tmp_path) as history:
        for site in (replace(site, taken=taken(day)) for site, day in zip(days(3), (1, 2, 4), strict=True)):
            history.keep(site)
        asked = {"2": 2, "#1": 1, "last": 3, "previous": 2, "2026-01-01": 1, "2026-01-03": 2, "today": 3}
        asked |= {"yesterday": 2, "2026-01-02T02:59:59Z": 1, "2026-01-02T03:00:00Z": 2, "2026-01-02T05:00+01:00": 2}
        assert {words: snapshot_of(history, words, now=now).number for words in asked} == asked
        for words, told in (("9", "no snapshot 9"), ("2025-12-31", "the first is snapshot 1"), ("soon", "is no")):
            with pytest.raises(UnknownName, match=told):
                snapshot_of(history, words, now=now)


def test_a_write_that_fails_changes_nothing(tmp_path: Path) -> None:
    first, second = days(2)
    with History(tmp_path) as history:
        history.keep(first)
        full = sqlite3.connect(tmp_path / FILE)
        pages = full.execute("pragma page_count").fetchone()[0]
        full.close()
        with history.database.writing() as connection:
            connection.rows(f"pragma max_page_count = {pages}")
        big = {f"x{n}": replace(next(iter(second.contents.values())), id=f"x{n}", name="y" * 9000) for n in range(200)}
        with pytest.raises(TabwardenError, match="full; nothing of it was changed"):
            history.keep(second.with_contents(*big.values()))
    with History(tmp_path) as history:
        assert [history.open(one.number) for one in history.snapshots()] == [first]


def test_two_reads_at_once_are_both_kept(any_store: str) -> None:
    sites = [replace(site, content_url=f"s{n}", id=f"s{n}") for n, site in enumerate(days(4))]
    History(any_store).database.close()

    def keep(site: Site) -> None:
        with History(any_store) as history:
            history.keep(site)

    threads = [threading.Thread(target=keep, args=(site,)) for site in sites]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with History(any_store) as history:
        found = {one.content_url: history.open(one.number) for one in history.snapshots()}
    assert found == {site.content_url: site for site in sites}


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    History(tmp_path / "new").database.close()
    assert stat.S_IMODE((tmp_path / "new" / FILE).stat().st_mode) == 0o600


def test_a_password_is_never_told(tmp_path: Path) -> None:
    with pytest.raises(TabwardenError) as caught:
        Database("postgresql://me:hush-hush@127.0.0.1:9/none?connect_timeout=2")
    assert "hush" not in str(caught.value)
    assert "***" in str(caught.value)
    with pytest.raises(TabwardenError) as in_query:
        Database("postgresql://127.0.0.1:9/none?password=hush-hush&connect_timeout=2")
    assert "hush" not in str(in_query.value)
    for url in ("mysql://me:hush-hush@127.0.0.1/none", "postgresql://me:hush%@h/none", "postgresql://a:hush-hush@b?x"):
        with pytest.raises(SettingsError) as wrong:
            Database(url)
        assert "hush" not in str(wrong.value)


@pytest.mark.parametrize("words", ["read", "projects", "plan provision", "run provision", "mirror"])
def test_a_newer_release_is_found_before_the_first_request(words: str, tmp_path: Path) -> None:
    (tmp_path / ".tabwarden").mkdir()
    with History(tmp_path / ".tabwarden"):
        pass
    with sqlite3.connect(tmp_path / ".tabwarden" / FILE) as raw:
        raw.execute("update tabwarden_version set version_num = '9999'")
    (tmp_path / "joiners.csv").write_text("Email Address\na@b.example\n", encoding="utf-8")
    settings = {
        "tableau": {"server": "http://127.0.0.1:9", "auth": {"pat": {"name": "t", "secret": "never-told"}}},
        "sources": {"joiners": {"type": "file", "path": "joiners.csv"}},
        "provision": {"group": {"name": "Viewers"}},
    }
    (tmp_path / "settings.yaml").write_text(json.dumps(settings), encoding="utf-8")
    done = command_line.run(*words.split(), "--settings", tmp_path / "settings.yaml")
    assert (done.exit_code, "no answer from" in done.output) == (1, False)
    assert "was written by a newer release (9999)" in done.output


@pytest.mark.parametrize(
    ("release", "words"), [("9999", "newer release"), ("0001", "move it away, then read the site again")]
)
def test_a_history_of_another_release_is_left_alone(tmp_path: Path, release: str, words: str) -> None:
    History(tmp_path).database.close()
    held = sqlite3.connect(tmp_path / FILE)
    held.execute("update tabwarden_version set version_num = ?", (release,))
    held.commit()
    held.close()
    with pytest.raises(TabwardenError, match=words):
        History(tmp_path)


def test_the_migrations_make_the_tables_that_are_used(any_store: str) -> None:
    with History(any_store) as history, history.database.reading() as connection:
        for table, columns in COLUMNS.items():
            assert connection.rows(f"select {', '.join(columns)} from {table}") == []
            assert [column[0] for column in connection.raw.execute(f"select * from {table}").description] == list(
                columns
            )
