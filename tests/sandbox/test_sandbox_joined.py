"""A sandbox joined to two real domains: imports, groups and sign-in by a real client; the domains check passwords."""

from __future__ import annotations

from dataclasses import replace

import domain_people as forest
import pytest
import tableauserverclient as TSC  # noqa: N812 - its own documentation calls it so
from domain_people import CORP, SEATTLE

from tabwarden.model.errors import SourceError
from tabwarden.run.sandbox_directory import LiveDirectory, live_directory
from tabwarden.sandbox.directories.directory import DirectoryGroup, Domain
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.settings import load


@pytest.fixture(scope="module")
def live(domains, tmp_path_factory):
    """The two domains behind the sandbox's protocol."""
    with live_directory(domains.settings(tmp_path_factory.mktemp("settings"))) as directory:
        yield directory


@pytest.fixture
def joined(live):
    """A sandbox joined to both, with nobody imported yet."""
    with running(replace(find_world("w0"), directory={"joined": True}), directory=live) as sandbox:
        yield sandbox


@pytest.fixture
def server(joined):
    """A client signed in as the administrator."""
    client = TSC.Server(joined.url, use_server_version=True)
    with client.auth.sign_in(TSC.TableauAuth("ada", "ada", "sandbox")):
        yield client


def signs_in(joined, name, password=forest.PASSWORD):
    client = TSC.Server(joined.url, use_server_version=True)
    try:
        with client.auth.sign_in(TSC.TableauAuth(name, password, "sandbox")):
            return True
    except TSC.FailedSignInError:
        return False


# -- the protocol ----------------------------------------------------------------------------------------------


def test_domains_with_their_netbios_names_and_trust(live):
    assert live.domains() == (Domain(CORP, "CORP"), Domain(SEATTLE, "SEATTLE", trusted=True))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("jsmith", "jsmith"),
        ("JSMITH", "jsmith"),
        ("john.smith", "jsmith"),
        ("john.smith@corp.example.com", "jsmith"),
        ("mh21", forest.TWENTY_ONE),
        (forest.ANN, forest.ANN),
        ("ann.o'neil+co", forest.ANN),
        ("zoë.größe", "zoë.größe"),
        ("zoe.grosse", None),
        ("*", None),
        ("jsmith)(cn=*", None),
        ("", None),
    ],
)
def test_whom_a_name_means(live, name, found):
    assert [p.sam_account_name for p in live.find_people(CORP, name)] == ([found] if found else [])


def test_people_are_of_one_domain(live):
    (there,) = live.find_people(SEATTLE.upper(), "jsmith")
    assert (there.domain, there.email, there.enabled) == (SEATTLE, "jsmith@west.na.corp.lan", True)
    assert live.find_people("nowhere.org", "jsmith") == ()


def test_groups_and_members(live):
    assert live.find_group(CORP, "both domains") == DirectoryGroup(CORP, "Both Domains")
    assert live.find_group(SEATTLE, "Both Domains") is None
    members = live.members(DirectoryGroup(CORP, "Both Domains"))
    assert {(p.domain, p.sam_account_name) for p in members} >= {(SEATTLE, "wendy.west"), (CORP, "jsmith")}


def test_passwords_are_asked_of_the_domain(live):
    (jsmith,) = live.find_people(SEATTLE, "jsmith")
    (dora,) = live.find_people(CORP, "dora.disabled")
    assert live.authenticate(jsmith, forest.PASSWORD)
    assert not live.authenticate(jsmith, "wrong-wrong")
    assert not live.authenticate(jsmith, "")
    assert not live.authenticate(dora, forest.PASSWORD)


def test_a_line_that_died_is_opened_again(live):
    assert live.find_people(CORP, "ada")
    for line in live._asking._lines.values():
        line.close()
    assert live.find_people(CORP, "ada")


def test_a_directory_that_is_away_is_an_error(domains, tmp_path):
    section = domains.section()
    section["domains"][0]["servers"] = ["ldaps://127.0.0.1:1"]
    away = load(domains.settings_file(tmp_path, directory=section), {})
    with pytest.raises(SourceError, match="cannot be reached"), live_directory(away):
        pass


def test_without_domains_there_is_nothing_to_join(domains, tmp_path):
    settings = domains.settings(tmp_path, directory={"file": "directory.json"})
    with pytest.raises(SourceError, match=r"name no `directory.domains` to join"), live_directory(settings):
        pass


# -- a server joined to it ---------------------------------------------------------------------------------------


def test_the_documents_example_sign_in_with_a_nickname(joined, server):
    """west.na.corp.lan is `west` to Tableau and SEATTLE to Windows ("Sign in to Tableau Server with NetBIOS name")."""
    server.users.add(TSC.UserItem(f"{SEATTLE}\\jsmith", "Viewer"))
    assert signs_in(joined, f"{SEATTLE}\\jsmith")
    assert not signs_in(joined, "SEATTLE\\jsmith")
    assert not signs_in(joined, "west\\jsmith")
    assert joined.state.nicknames[SEATTLE] == "west"
    joined.state.put_nicknames({**joined.state.nicknames, SEATTLE: "SEATTLE"})
    assert signs_in(joined, "SEATTLE\\jsmith")
    assert signs_in(joined, f"{SEATTLE}\\jsmith")
    assert not signs_in(joined, "SEATTLE\\jsmith", "wrong-wrong")
    assert not signs_in(joined, "SEATTLE\\wendy.west"), "she is not a user of the site"


def test_a_plain_name_means_the_servers_domain(joined, server):
    added = server.users.add(TSC.UserItem("jsmith", "Viewer"))
    assert (added.name, joined.site("sandbox").users[added.id].domain) == ("jsmith", CORP)
    assert signs_in(joined, "jsmith")
    assert signs_in(joined, "CORP\\jsmith")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (forest.TWENTY, forest.TWENTY),
        (forest.TWENTY_ONE, "mh21"),
        (forest.NINETEEN, forest.NINETEEN),
        ("at@sign", None),
    ],
)
def test_long_names_are_imported_by_upn(server, given, name):
    if name is None:
        with pytest.raises(TSC.ServerResponseError, match="404002"):
            server.users.add(TSC.UserItem(given, "Viewer"))
    else:
        assert server.users.add(TSC.UserItem(given, "Viewer")).name == name


def test_who_is_disabled_in_the_domain_stays_out_at_once(domains, joined, server):
    domains.corp.add_person("ida.in")
    server.users.add(TSC.UserItem("ida.in", "Viewer"))
    assert signs_in(joined, "ida.in")
    domains.corp.disable("ida.in")
    assert not signs_in(joined, "ida.in")
    domains.corp.delete("ida.in")


def test_a_group_is_imported_and_synchronised(domains, joined, server):
    corp = domains.corp
    corp.add_person("sue.sync", mail="sue@corp.example.com")
    corp.add_group("Synced", ("sue.sync", "ada", "Twins"))
    made = TSC.GroupItem("Synced", CORP)
    made.minimum_site_role = "Viewer"
    made = server.groups.create_AD_group(made)

    def members():
        server.groups.populate_users(made)
        return {user.name for user in made.users}

    assert members() == {"sue.sync", "ada", "kim.lee", "kim.lee2", "sam.one", "sam.two"}
    corp.disable("sue.sync")
    corp.remove_member("Synced", "ada")
    server.groups.update(made)
    assert members() == {"kim.lee", "kim.lee2", "sam.one", "sam.two"}
    roles = {u.name: u.site_role for u in joined.site("sandbox").users.values() if u.domain == CORP}
    assert (roles["sue.sync"], roles["ada"]) == ("Unlicensed", "Viewer")
    corp.delete("Synced")
    corp.delete("sue.sync")


def test_it_is_safe_from_several_threads(live):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: live.find_people(CORP, f"user{n:03}"), range(40)))
    assert [p.sam_account_name for (p,) in found] == [f"user{n:03}" for n in range(40)]
    assert isinstance(live, LiveDirectory)
