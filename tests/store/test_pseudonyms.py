"""Under pseudonyms nobody and nothing can be recognised: every byte of an export is searched for what must not leak."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from dense_sites import dense_site

from support import command_line
from tabwarden.model.site import ALL_USERS, Content, Group, GroupSet, Site, Taken, User
from tabwarden.model.site_settings import SiteSettings
from tabwarden.store import snapshot
from tabwarden.store.history import History
from tabwarden.store.pseudonyms import pseudonymised

WHERE = "https://tableau.corp.example"
TAKEN = Taken(WHERE, "2026-03-01T06:00:00Z", "svc.reader@corp.example", "SiteAdministratorExplorer")


def careless() -> Site:
    """A site as people really fill it in: addresses and names wherever there is room for text."""
    people = {
        "u1": User("u1", "jane.doe@corp.example", "Viewer", "corp.example", "Jane Doe", "jane.doe@corp.example"),
        "u2": User("u2", "JSMITH", "Creator", "CORP", "john.smith@corp.example (leaver)", "", "SAML", "2026-02-01"),
        "u3": User("u3", "Viewer", "Explorer", "local", "Read", "viewer@gmail.example", "jane.doe@corp.example"),
        "u4": User("u4", "+49 30 1234567", "Explorer", "local", "", "", None, "+49301234567"),
    }
    groups = {
        "g1": Group("g1", "Payroll of jane.doe@corp.example", "corp.example", frozenset({"u1", "u2"}), "Viewer"),
        "g2": Group("g2", "Project Titan", "local", None, "Payroll", "jane.doe@corp.example"),
        ALL_USERS: Group(ALL_USERS, ALL_USERS, everyone=True),
    }
    contents = {
        "p1": Content("p1", "project", "Acquisition of Initech", None, "u1", description="ask jane.doe@corp.example"),
        "p2": Content("p2", "project", "jsmith's sandbox", "p1", "jane.doe@corp.example", mode="Project Titan"),
        "w1": Content("w1", "workbook", "Titan P&L", "p2", "u2", created="jane.doe@corp.example", updated="Initech"),
        "x1": Content("x1", "Titan kind", "Überraschung für Jürgen", "p2", "u2", defaults={"Initech": frozenset()}),
    }
    return Site(
        "luid-4711",
        "Corp HQ",
        "corp-hq",
        people,
        groups,
        {"s1": GroupSet("s1", "Jane AND John", frozenset({"g1", "g2"}))},
        contents,
        settings=SiteSettings(admin_mode="Initech", user_visibility="jane.doe@corp.example"),
        licences={"Creator": 4, "Initech": 5},
        taken=TAKEN,
        partial=("rules of `Acquisition of Initech` were refused to svc.reader@corp.example",),
        nicknames={"corp.example": "CORP"},
        on_demand=frozenset({"g2"}),
    )


# What may stay: Tableau's own words, times, and the two names that Tableau itself gives.
LEAKS = (
    "jane", "doe", "john", "smith", "jsmith", "corp", "example", "gmail", "payroll", "titan", "initech", "acquisition",
    "sandbox", "rraschung", "svc", "reader", "leaver", "luid-4711", "1234567", "corp-hq", "tableau.", "://", "@",
)  # fmt: skip


def every_byte(folder: Path) -> bytes:
    """Names and contents of all files, compressed ones also as they are inside."""
    found = [str(path.relative_to(folder.parent)).encode() for path in (folder, *folder.rglob("*"))]
    for path in (each for each in folder.rglob("*") if each.is_file()):
        data = path.read_bytes()
        found.append(data)
        for unpack in (gzip.decompress, zlib.decompress):
            try:
                found.append(unpack(data))
            except (OSError, EOFError, zlib.error):
                continue
    return b"\n".join(found)


def exported(store: Path, out: Path, *more: str) -> Path:
    words = ["snapshots", "export", "last", str(out), "--store", str(store), *more]
    done = command_line.run(*words, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    (folder,) = out.iterdir()
    return folder


def test_nothing_of_a_carelessly_filled_site_is_in_any_byte_of_the_export(tmp_path: Path) -> None:
    with History(tmp_path / "store") as history:
        history.keep(careless())
    plain = every_byte(exported(tmp_path / "store", tmp_path / "plain")).decode().casefold()
    assert [word for word in LEAKS if word not in plain] == []
    told = every_byte(exported(tmp_path / "store", tmp_path / "out", "--pseudonyms")).decode().casefold()
    # `example` within `explorer` and the like is no leak; every one of these words is told whole.
    assert [word for word in LEAKS if word in told] == []
    key = (tmp_path / "store" / "pseudonyms.key").read_text().strip()
    assert key not in told


def test_no_text_of_a_person_is_in_the_export(tmp_path: Path) -> None:
    """Whatever is no word of Tableau's own and no time is a token of the form kind-0123456789ab."""
    folder = snapshot.save(pseudonymised(careless(), b"key"), tmp_path)
    site = snapshot.load(folder)
    token = re.compile(r"[a-z0-9-]+-[0-9a-f]{12}")
    named = [*(u.name for u in site.users.values()), *(g.name for g in site.groups.values() if not g.everyone)]
    named += [c.name for c in site.contents.values()] + [s.name for s in site.group_sets.values()]
    named += [site.id, site.name, site.content_url, site.taken.where, site.taken.by, *site.partial, *site.users]
    assert [words for words in named if not token.fullmatch(words)] == []
    assert {u.email for u in site.users.values()} == {""}
    assert {c.description for c in site.contents.values()} == {""}
    assert site.users[next(iter(site.users))].site_role == "Viewer"
    assert [u.last_login for u in site.users.values()] == [None, "2026-02-01", None, ""]


def test_two_who_are_called_alike_stay_two_and_one_in_two_letter_cases_stays_one() -> None:
    site = dense_site(3)
    jane, other = (
        User(each, name, "Viewer", domain) for each, name, domain in (("a", "jane", "X"), ("b", "Jane", "Y"))
    )
    told = pseudonymised(replace(site, users={"a": jane, "b": other}), b"key").users.values()
    assert len({user.id for user in told}) == 2
    assert len({user.name for user in told}) == 1
    assert len({user.domain for user in told}) == 2


@pytest.mark.parametrize("words", ["2026-01-01", "2026-01-01T10:00:00Z", "2026-01-01T10:00:00.123+02:00"])
def test_times_stay(words: str) -> None:
    site = replace(dense_site(0), taken=replace(TAKEN, when=words))
    assert pseudonymised(site, b"key").taken.when == words
