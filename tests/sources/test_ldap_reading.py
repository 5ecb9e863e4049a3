"""Two real domains read whole: people, groups within groups and across domains, tombstones, trusts, names."""

from __future__ import annotations

import domain_people as forest
import pytest
from directory_reading import group, one, options, person, read, within
from domain_people import CORP, SEATTLE

from tabwarden.model.errors import SourceError
from tabwarden.sources.ldap.directory import read_directory
from tabwarden.sources.ldap.options import DirectorySettings
from tabwarden.sources.ldap.session import opened
from tabwarden.store import directory_file


@pytest.fixture(scope="module")
def directory(domains):
    """As the forest was made; every test here only reads it."""
    return read(domains)


def test_both_domains_by_their_names(directory):
    corp, seattle = directory.domains
    assert (corp.fqdn, corp.netbios) == (CORP, "CORP")
    assert (seattle.fqdn, seattle.netbios) == (SEATTLE, "SEATTLE")
    for domain in (corp, seattle):
        assert domain.sid.startswith("S-1-5-21-")
        assert domain.usn > 3000
        assert len(domain.server) == 32
        assert domain.sees_deleted


def test_everybody_of_the_forest_is_there(directory):
    made = {(CORP, u.name) for u in forest.CORP_USERS} | {(SEATTLE, u.name) for u in forest.SEATTLE_USERS}
    made = made - {(CORP, "mary.before")} | {(CORP, "mary.after")}
    assert len(made) > 320
    assert made <= {(p.domain, p.sam_account_name) for p in directory.people.values()}


def test_a_person_as_active_directory_tells_her(directory):
    found = person(directory, "ada")
    assert found.upn == "ada@example.org"
    assert found.display_name == "Ada Lovelace"
    assert found.attributes == {"department": "Research & Söhne"}
    assert found.dn == f"CN=ada,OU=People,{forest.base(CORP)}"
    assert found.sid.rpartition("-")[0] == directory.domains[0].sid
    assert found.primary_group == f"{directory.domains[0].sid}-513"
    assert found.enabled
    assert not found.deleted


@pytest.mark.parametrize(
    "name", [forest.ANN, "zoë.größe", "at@sign", forest.NINETEEN, forest.TWENTY, forest.TWENTY_ONE]
)
def test_unusual_names_come_as_they_are(directory, name):
    (user,) = (u for u in forest.CORP_USERS if u.name == name)
    found = person(directory, name)
    assert found.sam_account_name == name
    assert found.display_name == user.display


def test_a_name_with_all_that_means_something_to_ldap(directory):
    found = person(directory, forest.ANN)
    assert found.display_name == "Ann O'Neil, + & \\ Süd"
    assert found.email == "ann+o'neil@corp.example.com"
    assert found.upn == "ann.o'neil+co@corp.example.com"
    assert within(directory, forest.ODD) == {forest.ANN, "ada"}


def test_group_names_by_cn(domains):
    by_cn = read_directory(DirectorySettings(domains=options(domains).domains, group_name="cn"))
    assert within(by_cn, forest.ODD_CN) == {forest.ANN, "ada"}


def test_disabled_deleted_renamed(directory):
    assert not person(directory, "dora.disabled").enabled
    (terry,) = (p for p in directory.people.values() if p.sam_account_name == "terry.tombstone")
    assert terry.deleted
    assert (terry.upn, terry.email, terry.display_name) == ("", "", "")
    assert terry.sid.startswith(directory.domains[0].sid)
    assert directory.people_with_account("terry.tombstone") == ()
    assert directory.people_with_account("mary.before") == ()
    assert person(directory, "mary.after").upn == "mary.before@corp.example.com"


def test_groups_within_groups_and_the_cycle(directory):
    assert within(directory, "Sales North") == within(directory, "Sales")
    assert within(directory, "Sales") == {
        "jsmith",
        "ada",
        "kim.lee",
        "leo.leaver",
        forest.ANN,
        "mary.after",
        "dora.disabled",
        "zoë.größe",
    }


def test_the_primary_group_is_a_group_too(directory):
    assert within(directory, "Primary Crew") == {"pat.primary"}
    domain_users = within(directory, "Domain Users")
    assert {"jsmith", "user000", "user299"} <= domain_users
    # He is a plain member of the group that was his primary one.
    assert "pat.primary" in domain_users


def test_members_of_the_other_domain_both_ways(directory):
    assert within(directory, "Both Domains") == {
        "jsmith",
        f"{SEATTLE}\\jsmith",
        f"{SEATTLE}\\wendy.west",
        f"{SEATTLE}\\walt.west",
    }
    assert within(directory, "Visitors", SEATTLE) == {
        "jsmith",
        *(f"{CORP}\\{name}" for name in within(directory, "Sales West")),
        f"{CORP}\\ada",
    }


def test_a_foreign_member_who_is_gone_is_an_orphan(directory):
    ghosts = group(directory, "Ghosts")
    (gus,) = (p for p in directory.people.values() if p.sam_account_name == "gus.ghost")
    assert gus.deleted
    assert ghosts.orphans == (gus.sid,)
    assert within(directory, "Ghosts") == {"ada"}


def test_what_is_neither_person_nor_group_is_counted(directory):
    mixed = group(directory, "Mixed")
    assert within(directory, "Mixed") == {"jsmith"}
    assert mixed.others == 2
    assert not [p for p in directory.people.values() if p.sam_account_name.endswith("$")]


def test_trusts_with_their_directions(directory):
    told = {
        (t.domain, t.partner): (t.partner_netbios, t.trusts_partner, t.trusted_by_partner) for t in directory.trusts
    }
    assert told == {
        (CORP, SEATTLE): ("SEATTLE", True, True),
        (CORP, "trusting.example.net"): ("TRUSTING", False, True),
        (CORP, "trusted.example.net"): ("TRUSTED", True, False),
        (SEATTLE, CORP): ("CORP", True, True),
    }


@pytest.mark.parametrize("size", [1, 7, 100, 150, 300])
def test_members_in_ranges_are_the_same_members(domains, directory, size):
    """Windows gives 1,500 members at a time; Samba gives all, and ranges to whom asks for them."""
    told = read_directory(
        DirectorySettings(domains=(one(domains, domains.corp, member_range=size),), unread=(SEATTLE,))
    )
    assert within(told, "Everybody") == set(forest.BULK)
    names = {
        held.name: {m for m in held.members if m in told.groups or m in told.people} for held in told.groups.values()
    }
    for held in directory.groups.values():
        if held.domain == CORP:
            assert names[held.name] == {m for m in held.members if m in told.people or m in told.groups}


@pytest.mark.parametrize("page", [1, 7, 331, 1000])
def test_pages_of_any_size_are_the_same_directory(domains, directory, page):
    with opened(one(domains, domains.seattle, page_size=page)) as line:
        wanted = [p.guid for p in directory.people.values() if p.domain == SEATTLE and not p.deleted]
        found = list(line.search(domains.seattle.base, "(sAMAccountType=805306368)", ("objectGUID",)))
        assert sorted(entry.guid for entry in found) == sorted(wanted)


def test_by_upn_and_by_starttls_it_is_the_same(domains, directory):
    over = {
        "by UPN": one(domains, domains.corp, forest.READER).model_copy(update={"user": f"{forest.READER}@{CORP}"}),
        "by StartTLS": one(domains, domains.corp, servers=(f"ldap://{domains.corp.address}",)),
    }
    for how, domain in over.items():
        told = read_directory(DirectorySettings(domains=(domain,), unread=(SEATTLE,)))
        alive = {guid: p.upn for guid, p in directory.people.items() if p.domain == CORP and not p.deleted}
        assert {guid: p.upn for guid, p in told.people.items() if not p.deleted} == alive, how


def test_a_plain_user_reads_all_but_who_was_deleted(domains, directory):
    plain = read(domains, user=forest.READER)
    assert [d.sees_deleted for d in plain.domains] == [False, False]
    assert not [p for p in plain.people.values() if p.deleted]
    assert plain.groups == directory.groups
    assert plain.people == {guid: p for guid, p in directory.people.items() if not p.deleted}


def test_a_member_of_a_domain_that_is_not_read_is_an_error(domains):
    alone = DirectorySettings(domains=(one(domains, domains.corp),))
    with pytest.raises(SourceError) as told:
        read_directory(alone)
    message = str(told.value)
    assert message.startswith("group `")
    assert f"of `{CORP}` has a member of the domain `{SEATTLE}` (S-1-5-21-" in message
    assert message.endswith("; add that domain to `directory.domains`, or name it in `directory.unread`")


@pytest.mark.parametrize("by", ["name", "sid"])
def test_unless_it_is_knowingly_left_out(domains, directory, by):
    word = SEATTLE.upper() if by == "name" else directory.domains[1].sid
    told = read_directory(DirectorySettings(domains=(one(domains, domains.corp),), unread=(word,)))
    assert within(told, "Both Domains") == {"jsmith"}
    assert group(told, "Both Domains").others == 2


def test_it_is_kept_in_a_file_and_read_back(directory, tmp_path):
    path = directory_file.save(directory, tmp_path / "directory.json")
    assert directory_file.load(path) == directory
    again = directory_file.save(directory_file.load(path), tmp_path / "again.json")
    assert again.read_bytes() == path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
