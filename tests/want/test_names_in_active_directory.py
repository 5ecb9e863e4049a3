"""Import rules, nicknames, renames and joiners on two real Active Directory domains, into the sandbox and back.

The sandbox asks the domains itself (run/sandbox_directory.py); what `names check` foretells is compared with what it
imports, and passwords are those of the domains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from domain_people import ANN, CORP, NINETEEN, PASSWORD, SEATTLE, TWENTY, TWENTY_ONE

from tabwarden.model.errors import TableauError
from tabwarden.model.site import Site
from tabwarden.plan.plan import Plan
from tabwarden.plan.waivers import parse_waivers
from tabwarden.run.apply import Applied, apply, terms_of
from tabwarden.run.context import Context, connected
from tabwarden.run.directory import read_directory
from tabwarden.run.names import domains_of, plan_domains, site_asked
from tabwarden.run.provision import plan_provision
from tabwarden.run.rename import plan_rename
from tabwarden.run.sandbox_directory import live_directory
from tabwarden.run.undo import plan_undo
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.sandbox.worlds.file import read_text
from tabwarden.sandbox.worlds.finding import world_of
from tabwarden.settings import Settings, load
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.session import Password, SignIn
from tabwarden.tableau.http.wire import element
from tabwarden.want.directory import Directory
from tabwarden.want.names.check import check_names
from tabwarden.want.names.domains import DIFFERS, MATCHES
from tabwarden.want.names.imports import Checked, Imports

if TYPE_CHECKING:
    import samba

WORLD = """
world: empty
tokens: [{name: tok, secret: sec, user: admin}]
directory: {joined: true}
sites:
  - name: Site
    content_url: site
    users: {admin: {role: ServerAdministrator}}
    projects: {Open: {owner: admin}}
    content: {Open/W: {kind: workbook, owner: admin}}
"""


@dataclass
class Desk:
    """A sandbox joined to both domains, and settings that name them."""

    domains: samba.Domains
    sandbox: Sandbox
    folder: Path

    def settings(self, **more: Any) -> Settings:
        pat = {"pat": {"name": "tok", "secret": "env:PAT"}}
        told = {"tableau": {"server": self.sandbox.url, "site": "site", "auth": pat}}
        return load(self.domains.settings_file(self.folder, **told, **more), {"PAT": "sec"})

    def joiners(self, *rows: str) -> dict[str, Any]:
        path = self.folder / "joiners.csv"
        path.write_text("Email Address\n" + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        none = {"add_joiners_to_group": False, "remove_leavers_from_group": False, "set_joiners_viewer": True}
        return {"sources": {"joiners": {"type": "file", "path": str(path)}}, "provision": none}

    def apply(self, plan: Plan, *accept: str) -> Applied:
        settings = self.settings()
        with connected(settings) as connection:
            return apply(plan, connection, terms_of(Context(settings, connection), parse_waivers(accept)))

    def signs_in(self, name: str, password: str = PASSWORD) -> bool:
        try:
            with connect(SignIn(self.sandbox.url, "site", Password(name, password))) as connection:
                return bool(connection.user_id)
        except TableauError:
            return False

    @property
    def site(self) -> Site:
        return self.sandbox.site("site")


@pytest.fixture(scope="module")
def directory(domains: samba.Domains, tmp_path_factory: pytest.TempPathFactory) -> Directory:
    return read_directory(domains.settings(tmp_path_factory.mktemp("read")))


@pytest.fixture
def desk(domains: samba.Domains, tmp_path: Path) -> Iterator[Desk]:
    world = world_of(read_text(WORLD, "w"))
    with live_directory(domains.settings(tmp_path)) as live, running(world, directory=live) as box:
        yield Desk(domains, box, tmp_path)


# -- import rules -------------------------------------------------------------------------------------------------


def one(directory: Directory, given: str, route: str = "typed") -> Checked:
    return check_names([given], directory, route)[0]


@pytest.mark.parametrize(
    ("given", "name", "attribute"),
    [
        ("jsmith", "jsmith", "sAMAccountName"),
        ("john.smith@corp.example.com", "john.smith", "UPN prefix"),
        ("ada@example.org", "ada", "UPN prefix"),  # an alternative UPN suffix
        (NINETEEN, NINETEEN, "sAMAccountName"),
        (TWENTY, TWENTY, "sAMAccountName"),
        (TWENTY_ONE, "mh21", "UPN prefix"),
        ("at@sign", "atsign", "UPN prefix"),
        ("zoë.größe", "zoë.größe", "sAMAccountName"),
        (ANN, ANN, "sAMAccountName"),
    ],
)
def test_the_names_of_the_accounts(directory: Directory, given: str, name: str, attribute: str) -> None:
    if given == "at@sign":  # an account name with @ is found in its domain only
        given = f"CORP\\{given}"
    found = one(directory, given)
    assert (found.name, found.attribute, found.refusal) == (name, attribute, None)
    assert one(directory, f"CORP\\{found.person.sam_account_name if found.person else ''}", "group").attribute == (
        "sAMAccountName"
    )


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("dora.disabled", "disabled"),
        ("terry.tombstone", "nobody"),
        ("SEATTLE\\wendy.west", "first_needs_fqdn"),
        ("TRUSTING\\somebody", "trust_wrong_way"),
        ("TRUSTED\\somebody", "domain_not_read"),
        ("NOWHERE\\somebody", "no_such_domain"),
        ("shared@corp.example.com", "nobody"),
    ],
)
def test_the_refusals(directory: Directory, given: str, code: str) -> None:
    found = one(directory, given)
    assert found.refusal is not None
    assert found.refusal.code == code
    assert found.refusal.remedy


def test_what_is_foretold_is_what_is_imported(desk: Desk, directory: Directory) -> None:
    names = ("jsmith", "ada", ANN, "zoë.größe", NINETEEN, TWENTY, TWENTY_ONE, "at@sign", "no.upn", "dora.disabled")
    given = [f"{domain}{name}" for domain in ("", "CORP\\", f"{SEATTLE}\\") for name in names]
    given += ["SEATTLE\\wendy.west", "john.smith@corp.example.com", "ada@example.org", "terry.tombstone", "nobody"]
    now, before = site_asked(desk.settings()), desk.site
    told, done = {}, {}
    with connected(desk.settings()) as connection:
        for words in given:
            told[words] = Imports(directory, now=now).check(words).qualified or "refused"
            try:
                answer = connection.call("POST", "users", body=element("user", name=words, siteRole="Unlicensed"))
            except TableauError:
                done[words] = "refused"
            else:
                user = desk.site.users[next(answer.iter("user")).get("id", "")] if answer is not None else None
                done[words] = f"{user.domain}\\{user.name}" if user is not None else ""
            desk.sandbox.state.put(before)
            desk.sandbox.state.put_nicknames({})
    assert told == done
    assert "refused" in done.values()


# -- nicknames ----------------------------------------------------------------------------------------------------


def test_west_na_corp_lan_is_seattle_once_its_nickname_is_set(desk: Desk) -> None:
    more = desk.joiners(f"{SEATTLE}\\jsmith", f"{CORP}\\jsmith")
    assert desk.apply(plan_provision(desk.settings(**more))).succeeded
    lines = {line.fqdn: line for line in domains_of(desk.settings())}
    assert lines[CORP].verdict == MATCHES
    assert lines[SEATTLE][1:4] == ("SEATTLE", "west", DIFFERS)
    assert desk.signs_in(f"{SEATTLE}\\jsmith")
    assert not desk.signs_in("SEATTLE\\jsmith")
    assert not desk.signs_in(f"{SEATTLE}\\jsmith", "wrong")
    assert desk.apply(plan_domains(desk.settings())).succeeded
    assert desk.signs_in("SEATTLE\\jsmith")
    assert plan_domains(desk.settings()).changes == ()
    # Both are John Smith, and no list calls them so alone.
    people = [u.id for u in desk.site.users.values() if u.name == "jsmith"]
    assert sorted(map(desk.site.called, people)) == [f"{CORP}\\jsmith", f"{SEATTLE}\\jsmith"]
    assert len({desk.site.display_name(user) for user in people}) == 2


# -- joiners of any source ----------------------------------------------------------------------------------------


def test_mail_addresses_and_accounts_are_one_person_and_a_second_run_is_empty(desk: Desk) -> None:
    known = ("john.smith@corp.example.com", "ada@example.org", "ann+o'neil@corp.example.com", "zoe@corp.example.com")
    unclear = ("shared@corp.example.com", "dora.disabled", "gus.ghost", f"CORP\\{TWENTY_ONE}")
    rows = (*known, "wendy@west.na.corp.lan", *unclear)
    plan = plan_provision(desk.settings(**desk.joiners(*rows)))
    assert {held.person: held.reason.partition(":")[0] for held in plan.held} == {
        "shared@corp.example.com": "means 2 people of the directory",
        "dora.disabled": "`corp.example.com\\dora.disabled` is disabled in the directory, and is not added",
        "gus.ghost": "is not found in the directory",
        f"CORP\\{TWENTY_ONE}": (
            f"the sAMAccountName `{TWENTY_ONE}` has 21 characters or an @, so an import would take the UPN"
        ),
    }
    assert desk.apply(plan).succeeded
    assert {f"{u.domain}\\{u.name}" for u in desk.site.users.values()} == {
        "local\\admin",
        f"{CORP}\\jsmith",
        f"{CORP}\\ada",
        f"{CORP}\\{ANN}",
        f"{CORP}\\zoë.größe",
        f"{SEATTLE}\\wendy.west",
    }
    assert plan_provision(desk.settings(**desk.joiners(*rows))).changes == ()
    accounts = ("CORP\\jsmith", f"CORP\\{ANN}", "CORP\\zoë.größe", f"{SEATTLE}\\wendy.west", "CORP\\ada")
    assert plan_provision(desk.settings(**desk.joiners(*accounts))).changes == ()


# -- renames ------------------------------------------------------------------------------------------------------


def test_who_was_imported_by_upn_is_reimported_with_what_there_was(desk: Desk) -> None:
    with connected(desk.settings()) as connection:
        body = element("user", name="john.smith@corp.example.com", siteRole="Creator")
        connection.call("POST", "users", body=body)
        old = desk.site.find_user(f"{CORP}\\john.smith")
        book = desk.site.find_content("Open/W").id
        connection.call("PUT", f"workbooks/{book}", body=element("workbook", element("owner", id=old.id)))
    assert desk.signs_in("CORP\\john.smith")
    plan = plan_rename(desk.settings(), upn=True)
    assert (plan.impact.join, plan.impact.removed, plan.impact.contents) == ((), (), ())
    assert desk.apply(plan).succeeded
    new = desk.site.find_user(f"{CORP}\\jsmith")
    assert (desk.site.find_content("Open/W").owner, new.site_role) == (new.id, "Creator")
    assert desk.signs_in("CORP\\jsmith")
    assert not desk.signs_in("CORP\\john.smith")
    assert plan_rename(desk.settings(), upn=True).changes == ()
    settings = desk.settings()
    with connected(settings) as connection:
        back = plan_undo(Context(settings, connection), None)
    assert desk.apply(back).succeeded
    assert desk.site.find_content("Open/W").owner == desk.site.find_user(f"{CORP}\\john.smith").id
