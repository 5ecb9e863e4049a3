"""Names checked before they are imported: each rule of "User Management in Active Directory Deployments".

The sandbox imports by the same rules, written apart: what `check_names` foretells is what happens there.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from joined_sandbox import HOME, PARTNER, WEST, Desk, as_values, desk_of
from watchdog import patience

from tabwarden.model.errors import TableauError
from tabwarden.model.open_points import OpenPoints
from tabwarden.model.site import Group, Site, User
from tabwarden.run.context import connected
from tabwarden.run.names import mistakes, site_asked
from tabwarden.store import directory_file
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.wire import element
from tabwarden.want.directory import Directory, DirectoryGroup, DirectoryPerson, Domain, Trust
from tabwarden.want.names.check import check_names
from tabwarden.want.names.domains import NOT_TRUSTED, listed, untrusted
from tabwarden.want.names.imports import Checked, Imports

SAM, UPN = "sAMAccountName", "UPN prefix"
FQDN = "corp.example.com"


def person(name: str, upn: str | None = None, domain: str = FQDN, **more: object) -> DirectoryPerson:
    principal = f"{name}@{domain}" if upn is None else upn
    return DirectoryPerson(f"{domain}/{name}", domain, name, principal, **more)  # type: ignore[arg-type]


def directory(
    *people: DirectoryPerson, trusts: tuple[Trust, ...] = (), groups: tuple[DirectoryGroup, ...] = ()
) -> Directory:
    domains = (Domain(FQDN, "CORP"), Domain("west.na.corp.lan", "SEATTLE"))
    usual = trusts or (Trust(FQDN, "west.na.corp.lan", "SEATTLE", True, True),)
    return Directory(domains, usual, {p.guid: p for p in people}, {g.guid: g for g in groups})


def one(given: str, held: Directory, route: str = "typed", now: Site | None = None, **open_points: bool) -> Checked:
    (found,) = check_names([given], held, route, now, OpenPoints(**open_points))  # type: ignore[arg-type]
    return found


# -- which attribute ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ["typed", "csv"])
@pytest.mark.parametrize(
    ("length", "open_point", "attribute"),
    [(19, False, SAM), (20, False, SAM), (21, False, UPN), (19, True, SAM), (20, True, UPN), (21, True, UPN)],
)
def test_19_20_and_21_characters(route: str, length: int, open_point: bool, attribute: str) -> None:
    held = directory(person("a" * length, "anna@corp.example.com"))
    found = one("a" * length, held, route, twenty_characters_by_upn=open_point)
    assert (found.attribute, found.section) == (attribute, "Adding users individually")
    assert found.name == ("anna" if attribute == UPN else "a" * length)
    assert (f"has {length} characters" in found.because) is (attribute == UPN)


@pytest.mark.parametrize("name", ["a" * 21, "jsmith", "a" * 20])
def test_a_group_always_takes_the_sam_account_name(name: str) -> None:
    found = one(name, directory(person(name, "john.smith@corp.example.com")), "group", twenty_characters_by_upn=True)
    assert (found.name, found.attribute, found.section) == (name, SAM, "Adding user groups")


@pytest.mark.parametrize(
    ("given", "name", "attribute"),
    [
        ("jsmith", "jsmith", SAM),
        ("CORP\\jsmith", "jsmith", SAM),
        ("corp.example.com\\JSMITH", "jsmith", SAM),
        ("john.smith@corp.example.com", "john.smith", UPN),
        ("jsmith@corp.example.com", "john.smith", UPN),
        ("CORP\\john.smith@corp.example.com", "john.smith", UPN),
        ("CORP\\john.smith", "jsmith", SAM),
    ],
)
def test_an_at_sign_takes_the_upn_prefix(given: str, name: str, attribute: str) -> None:
    found = one(given, directory(person("jsmith", "john.smith@corp.example.com")))
    assert (found.name, found.attribute, found.domain) == (name, attribute, FQDN)


def test_an_account_without_upn_keeps_its_sam_account_name() -> None:
    found = one("a" * 21, directory(person("a" * 21, "")))
    assert (found.name, found.because) == ("a" * 21, "there is no UPN, so the sAMAccountName is all there is")


# -- refusals -----------------------------------------------------------------------------------------------------


def refused(given: str, held: Directory, now: Site | None = None, route: str = "typed") -> tuple[str, str]:
    found = one(given, held, route, now)
    assert found.refusal is not None, found
    assert not found.name
    return found.refusal.code, f"{found.refusal.reason}; {found.refusal.remedy}"


def test_no_match_and_two_are_refused_with_the_candidates() -> None:
    twins = directory(person("anna1", "anna@one.example"), person("anna2", "anna@two.example"))
    code, words = refused("CORP\\anna", twins)
    assert code == "several"
    assert "`corp.example.com\\anna1`, `corp.example.com\\anna2`" in words
    assert refused("nobody", twins)[0] == "nobody"
    assert refused("nobody@corp.example.com", twins)[0] == "nobody"
    code, words = refused("anna@mail.example", directory(person("anna", email="anna@mail.example")))
    assert code == "nobody", "Tableau looks for no mail address"
    assert "near it: `corp.example.com\\anna`" in words


def test_disabled_people_are_refused() -> None:
    assert refused("max", directory(person("max", enabled=False)))[0] == "disabled"


def test_the_first_user_of_a_foreign_domain_needs_the_full_name_later_ones_the_nickname_if_it_is_the_netbios_name() -> (
    None
):
    held = directory(person("wanda", domain="west.na.corp.lan"), person("wim", domain="west.na.corp.lan"))
    assert refused("SEATTLE\\wanda", held)[0] == "first_needs_fqdn"
    first, later = check_names(["west.na.corp.lan\\wanda", "SEATTLE\\wim"], held)
    assert first.qualified == "west.na.corp.lan\\wanda"
    assert later.refusal is not None
    assert later.refusal.code == "nickname_is_not_netbios"
    assert "`west`" in later.refusal.reason
    assert refused("west\\wim", held, Site(nicknames={"west.na.corp.lan": "west"}))[0] == "nickname_is_not_netbios"
    set_right = Site(nicknames={FQDN: "CORP", "west.na.corp.lan": "SEATTLE"})
    assert one("SEATTLE\\wim", held, now=set_right).qualified == "west.na.corp.lan\\wim"
    # Nobody told the nicknames, but somebody of the domain is there: its nickname is its first label.
    there = Site(users={"u": User("u", "wanda", "Viewer", "west.na.corp.lan")})
    assert refused("SEATTLE\\wim", held, there)[0] == "nickname_is_not_netbios"


W = "west.na.corp.lan"


@pytest.mark.parametrize(
    ("trust", "code"),
    [
        (Trust(FQDN, W, "SEATTLE", True, True), None),
        (Trust(FQDN, W, "SEATTLE", True, False), None),
        (Trust(W, FQDN, "CORP", False, True), None),
        (Trust(FQDN, W, "SEATTLE", False, True), "trust_wrong_way"),
        (Trust(W, FQDN, "CORP", True, False), "trust_wrong_way"),
        (Trust(FQDN, "else.example", "ELSE", True, True), "no_trust"),
    ],
)
def test_the_domain_of_the_server_must_trust_that_of_the_users(trust: Trust, code: str | None) -> None:
    held = directory(person("wanda", domain=W), trusts=(trust,))
    found = one(f"{W}\\wanda", held)
    assert (found.refusal.code if found.refusal else None) == code
    if found.refusal is not None:
        assert f"`{FQDN}` trusts `{W}`" in found.refusal.remedy
        assert found.refusal.section == "Support for multiple domains"


@pytest.mark.parametrize("nicknames", [{FQDN: "CORP"}, {FQDN: "CORP", W: "SEATTLE"}])
@pytest.mark.parametrize(
    "trusts",
    [
        (Trust(FQDN, "else.example", "E", True, True),),
        (Trust(FQDN, W, "S", True, True),),
        (Trust(FQDN, W, "S", False, True),),
    ],
    ids=["none", "trusted", "wrong way"],
)
def test_domains_and_names_check_agree_about_trust(trusts: tuple[Trust, ...], nicknames: dict[str, str]) -> None:
    held = directory(person("wanda", domain=W), trusts=trusts)
    refusal = one(f"{W}\\wanda", held).refusal
    line = next(line for line in listed(held, nicknames) if line.fqdn == W)
    assert (refusal is None) is (trusts[0].trusts_partner and trusts[0].partner == W)
    assert (refusal is not None and refusal.reason in line.remedy) is (refusal is not None)
    assert (line.verdict == NOT_TRUSTED) is (refusal is not None and W not in nicknames)
    assert refusal is None or "add its first user" not in line.remedy


def test_a_trusted_domain_that_was_not_read_and_a_word_that_is_none() -> None:
    outside = Trust(FQDN, "out.example", "OUT", True, True)
    held = directory(person("a"), trusts=(outside, Trust(FQDN, "in.example", "IN", False, True)))
    assert refused("OUT\\x", held)[0] == "domain_not_read"
    assert refused("in.example\\x", held)[0] == "trust_wrong_way"
    assert refused("ELSE\\x", held)[0] == "no_such_domain"


def test_domains_of_one_tree_trust_each_other_through_their_parents() -> None:
    a, b, parent = "a.corp.example", "b.corp.example", "corp.example"
    domains = tuple(Domain(f, f[0].upper()) for f in (a, b, parent))
    up = tuple(Trust(child, parent, "P", True, True) for child in (a, b))
    assert untrusted(Directory(domains, up), domains[1]) is None
    one_way = (up[0], Trust(b, parent, "P", True, False))
    assert untrusted(Directory(domains, one_way), domains[1]) is not None
    far = Domain("far.example", "F")
    forests = (up[0], Trust(parent, "far.example", "F", True, True))
    assert untrusted(Directory((*domains, far), forests), far) is not None, "a trust of the parent is not ours"


# -- collisions ---------------------------------------------------------------------------------------------------


def kinds(found: Checked) -> list[str]:
    return [collision.kind for collision in found.collisions]


def test_a_upn_prefix_that_is_somebody_elses_account() -> None:
    held = directory(person("anna", "anna.a@corp.example.com"), person("abraun", "anna@corp.example.com"))
    found = one("anna@corp.example.com", held)
    assert found.qualified == f"{FQDN}\\anna"
    assert kinds(found) == ["two_people_one_name"]
    assert "`corp.example.com\\anna`" in found.collisions[0].sentence
    assert "`corp.example.com\\abraun`" in found.collisions[0].sentence


def test_what_is_on_tableau_already() -> None:
    users = {
        "l": User("l", "jsmith", "Viewer"),
        "u": User("u", "john.smith", "Viewer", "CORP"),
        "d": User("d", "$DUPLICATE-jsmith-0001", "Viewer", "CORP", "John Smith"),
        "j": User("j", "other", "Viewer", W, "John Smith"),
    }
    held = directory(
        person("jsmith", "john.smith@corp.example.com", display_name="John Smith"), person("other", domain=W)
    )
    found = one("jsmith", held, now=Site(users=users))
    assert found.user is None
    assert sorted(kinds(found)) == [
        "duplicate_left_behind",
        "one_person_two_users",
        "same_display_name",
        "same_display_name",
        "same_name_other_domain",
    ]
    assert any(
        '`tabwarden plan rename "CORP\\john.smith=corp.example.com\\jsmith"`' in c.remedy for c in found.collisions
    )
    assert any("consider another display name in Active Directory" in c.remedy for c in found.collisions)
    there = one("jsmith", held, now=Site(users={"c": User("c", "JSmith", "Viewer", "CORP")}))
    assert (there.user, kinds(there)) == ("c", [])


def test_a_name_that_another_person_has_on_tableau() -> None:
    held = directory(
        person("abraun", "anna@corp.example.com", email="ab@x.example"), person("anna", "anna.a@corp.example.com")
    )
    there = Site(users={"u": User("u", "anna", "Viewer", "CORP", email="ab@x.example")})
    found = one("anna", held, now=there)
    assert found.user is None
    assert "name_is_taken" in kinds(found)


def test_names_given_together_collide_before_either_is_imported() -> None:
    held = directory(
        person("jsmith", "john.smith@corp.example.com", display_name="John Smith"),
        person("jsmith", domain=W, display_name="John Smith"),
    )
    first, second, third = check_names(["jsmith", f"{W}\\jsmith", "john.smith@corp.example.com"], held)
    assert set(kinds(first)) == {"same_name_other_domain", "same_display_name", "one_person_two_users"}
    assert set(kinds(second)) == {"same_name_other_domain", "same_display_name"}
    assert "one_person_two_users" in kinds(third)


def test_several_minimum_roles_by_imported_groups() -> None:
    held = directory(
        person("jsmith"),
        groups=tuple(DirectoryGroup(n, FQDN, n, frozenset({f"{FQDN}/jsmith"})) for n in ("Analysts", "Authors")),
    )
    roles = {"Analysts": "Viewer", "Authors": "Creator"}
    now = Site(groups={n: Group(n, n, "CORP", minimum_site_role=r) for n, r in roles.items()})
    assert kinds(one("jsmith", held, "group", now)) == ["several_minimum_roles"]
    assert "$DUPLICATE" in one("jsmith", held, "group", now).collisions[0].sentence
    assert kinds(one("jsmith", held, "typed", now)) == []


# -- foretold and done --------------------------------------------------------------------------------------------

DOMAINS = ("", "CORP\\", f"{HOME}\\", "SEATTLE\\", "west\\", f"{WEST}\\", f"{PARTNER}\\", "NIX\\")
NAMES = "mia jsmith JSMITH john.smith bwellington bartholomew.wellington max wanda paul nobody".split()
PRINCIPALS = ("john.smith@corp.example", "jsmith@corp.example", f"jsmith@{WEST}", "john.smith@else.example")
GIVEN = (
    *(domain + name for domain, name in itertools.product(DOMAINS, NAMES)),
    *PRINCIPALS,
    "mia@CORP.example",
    "CORP\\john.smith@corp.example",
)


def added_as(desk: Desk, connection: Connection, given: str) -> str:
    """The user that Tableau makes of a name; `refused` where it refuses because of the directory."""
    try:
        answer = connection.call("POST", "users", body=element("user", name=given, siteRole="Unlicensed"))
    except TableauError as error:
        return "refused" if error.code.startswith(("4001", "404002", "404016")) else str(error)
    assert answer is not None
    added = desk.site.users[next(answer.iter("user")).get("id", "")]
    return f"{added.domain}\\{added.name}".casefold()


@pytest.mark.parametrize("nickname", ["west", "SEATTLE", None])
def test_what_is_foretold_is_what_the_sandbox_does(tmp_path: Path, nickname: str | None) -> None:
    """Each name on the same Tableau: the same user name, or a refusal by both; nobody stays."""
    with desk_of(tmp_path) as desk, connected(desk.settings) as connection:
        if nickname is not None:
            desk.sandbox.state.put_nicknames({HOME: "CORP", WEST: nickname})
        before, nicknames = desk.site, dict(desk.sandbox.state.nicknames)
        now, held = site_asked(desk.settings), desk.directory
        told, done = {}, {}
        for given in GIVEN:
            told[given] = Imports(held, now=now).check(given).qualified.casefold() or "refused"
            done[given] = added_as(desk, connection, given)
            desk.sandbox.state.put(before)
            desk.sandbox.state.put_nicknames(nicknames)
        assert told == done
        assert 10 < sum(1 for words in told.values() if words == "refused") < len(told) - 10


def test_who_was_imported_by_upn_is_found(tmp_path: Path) -> None:
    with desk_of(tmp_path) as desk:
        users = {
            "u-1": User("u-1", "john.smith", "Viewer", HOME),
            "u-2": User("u-2", "mia", "Viewer", HOME),
            "u-3": User("u-3", "ghost", "Viewer", HOME),
            "u-4": User("u-4", "bartholomew.wellington", "Viewer", "CORP"),
        }
        found, held = mistakes(desk.directory, desk.site.with_users(*users.values()))
    assert found == [
        (f"{HOME}\\john.smith", f"{HOME}\\jsmith"),
        ("CORP\\bartholomew.wellington", f"{HOME}\\bwellington"),
    ]
    assert held == []


# -- the command --------------------------------------------------------------------------------------------------


def tabwarden(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tabwarden", *words]
    environment = {**os.environ, "PAT": "sec", "COLUMNS": "200"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=patience(60)
    )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_of(tmp_path) as opened:
        yield opened


def test_the_command_tells_name_reason_and_refusals(desk: Desk, tmp_path: Path) -> None:
    assert desk.settings_path.exists()
    (tmp_path / "names.txt").write_text("# newcomers\nmia\n\nSEATTLE\\wanda\n", encoding="utf-8")
    done = tabwarden(tmp_path, "names", "check", "john.smith@corp.example", "--from", "names.txt", "--json")
    found = {each["given"]: each for each in json.loads(done.stdout)}
    assert (done.returncode, list(found)) == (1, ["john.smith@corp.example", "mia", "SEATTLE\\wanda"])
    assert found["john.smith@corp.example"]["attribute"] == "UPN prefix"
    assert found["SEATTLE\\wanda"]["refusal"]["code"] == "first_needs_fqdn"
    shown = tabwarden(tmp_path, "names", "check", "mia", "--route", "csv").stdout
    assert "corp.example\\mia" in shown
    assert "Adding users individually" in shown


def test_the_command_works_on_a_directory_file_alone(tmp_path: Path) -> None:
    held = directory(person("a" * 20, "anna@corp.example.com"))
    directory_file.save(held, tmp_path / "d.json")
    words = ("names", "check", "a" * 20, "--directory", "d.json", "--json")
    (found,) = json.loads(tabwarden(tmp_path, *words).stdout)
    assert found["name"] == "a" * 20
    (other,) = json.loads(tabwarden(tmp_path, *words, "--open-point", "twenty_characters_by_upn=on").stdout)
    assert other["name"] == "anna"
    wrong = tabwarden(tmp_path, "names", "check", "x", "--directory", "d.json", "--route", "mail")
    assert (wrong.returncode, "there is no route `mail`" in wrong.stderr) == (1, True)


def test_a_pretend_directory_as_values_has_its_trusts(desk: Desk) -> None:
    held = as_values(desk.sandbox.state.pretended)
    assert [d.netbios for d in held.domains] == ["CORP", "SEATTLE", "PARTNER"]
    assert replace(held, when="") != held


@pytest.mark.parametrize("by_upn", [False, True])
def test_the_sandbox_plays_exactly_20_characters_either_way(tmp_path: Path, by_upn: bool) -> None:
    account, open_points = "a" * 20, OpenPoints(twenty_characters_by_upn=by_upn)
    with desk_of(tmp_path) as desk, connected(desk.settings) as connection:
        desk.change_directory(HOME, {account: {"upn": "anna@corp.example"}})
        desk.sandbox.state.open_points = open_points
        (told,) = check_names([account], desk.directory, open_points=open_points)
        assert told.name == ("anna" if by_upn else account)
        assert added_as(desk, connection, account) == f"{HOME}\\{told.name}"
