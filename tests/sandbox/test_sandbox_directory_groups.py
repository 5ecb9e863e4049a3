"""Groups of the directory imported, at once and as jobs, with Tableau's own client.

Rules: the Active Directory document, "Sync behavior when removing users from Active Directory"; for roles the import
and synchronisation matrix of "Set Users' Site Roles".
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from directory_groups import WEST, directory_group, imported, members, notes, role
from sandbox_client import TSC, Raw, by_name, error, everything, tsc

from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import CLOUD, personality

Refused = TSC.ServerResponseError


@pytest.mark.parametrize("as_job", [False, True])
def test_an_import_brings_everybody_in_the_group_once(server, box, as_job):
    made = server.groups.create_AD_group(directory_group(role="Viewer", mode="onSync"), asJob=as_job)
    if as_job:
        assert made.type == "GroupImport"
        done = server.jobs.wait_for_job(made)
        assert notes(done) == {
            "CountOfUsersInActiveDirectoryGroup": 7,
            "CountOfUsersProcessed": 6,
            "CountOfUsersAddedToSite": 6,
            "CountOfUsersAddedToGroup": 6,
            "CountOfUsersSiteRoleUpdated": 6,
            "CountOfUsersSkipped": 1,
        }
    assert members(box, "Staff") == {"mia", "noa", "ivy", "jsmith", f"{WEST}\\jsmith", f"{WEST}\\wanda"}
    group = by_name(everything(server.groups), "Staff")
    assert (group.domain_name, group.minimum_site_role, group.license_mode) == ("corp.example", "Viewer", "onSync")
    assert role(box, "mia") == "Viewer"
    mia = box.site("sandbox").find_user("mia")
    assert (mia.full_name, mia.email) == ("Mia Miller", "mia@corp.example")


def test_an_import_goes_by_account_name_not_by_upn(server, box):
    imported(server)
    assert box.site("sandbox").users_named("bartholomew.wellington") == ()
    assert box.site("sandbox").users_named("john.smith") == ()


def test_who_was_added_by_upn_gets_a_second_account(raw, server, box):
    """That is what the document's advice to delete and import again is for."""
    raw.call("POST", "{s}/users", {"user": {"name": "john.smith@corp.example", "siteRole": "Viewer"}}, json=True)
    imported(server)
    smiths = [u.name for u in box.site("sandbox").users.values() if u.full_name == "John Smith"]
    assert sorted(smiths) == ["john.smith", "jsmith", "jsmith"]


def test_without_a_role_people_come_unlicensed(server, box):
    imported(server)
    assert role(box, "mia") == "Unlicensed"


def test_grant_on_sign_in_licenses_who_signs_in(server, box):
    imported(server, role="Explorer", mode="onLogin")
    assert role(box, "mia") == "Unlicensed"
    with tsc(box, "CORP\\mia", "mia"):
        assert role(box, "mia") == "Explorer"
    assert role(box, "noa") == "Unlicensed"


def test_an_import_raises_roles_and_never_lowers_them(raw, server, box):
    for name, given in (("mia", "Creator"), ("noa", "Viewer"), ("ivy", "SiteAdministratorExplorer")):
        raw.call("POST", "{s}/users", {"user": {"name": f"CORP\\{name}", "siteRole": given}}, json=True)
    imported(server, role="Explorer", mode="onSync")
    roles = [role(box, name) for name in ("mia", "noa", "ivy", "wanda")]
    assert roles == ["Creator", "Explorer", "SiteAdministratorExplorer", "Explorer"]


def test_without_free_seats_people_come_unlicensed_and_are_counted(clock):
    with running("w0", clock=clock) as box, tsc(box) as server:
        seated = replace(box.site("sandbox"), licences={"Creator": 9, "Explorer": 9, "Viewer": 3})
        box.state.put(seated)
        job = server.groups.create_AD_group(directory_group(role="Viewer", mode="onSync"), asJob=True)
        done = server.jobs.wait_for_job(job)
        assert notes(done)["CountOfUsersWithInsufficientLicenses"] == 4
        site = box.site("sandbox")
        roles = sorted(site.users[m].site_role for m in site.find_group("Staff").members)
        assert roles == ["Unlicensed"] * 4 + ["Viewer"] * 2


@pytest.mark.parametrize("as_job", [False, True])
@pytest.mark.parametrize("domain", ["nowhere.example", "SEATTLE", "partner.example"])
def test_a_domain_that_cannot_be_imported_from_is_refused_at_once(server, box, as_job, domain):
    before = box.site("sandbox")
    with pytest.raises(Refused) as refused:
        server.groups.create_AD_group(directory_group(domain=domain), asJob=as_job)
    assert refused.value.code == "404016"
    assert domain in refused.value.detail
    assert box.site("sandbox") is before


def test_a_group_that_is_not_in_the_directory(server, box):
    before = box.site("sandbox")
    with pytest.raises(Refused) as refused:
        imported(server, "Ghosts")
    assert "Ghosts" in refused.value.detail
    job = server.groups.create_AD_group(directory_group("Ghosts"), asJob=True)
    with pytest.raises(TSC.JobFailedException) as failed:
        server.jobs.wait_for_job(job)
    assert [n["type"] for n in failed.value.job.status_notes] == ["errorCode"]
    assert box.site("sandbox") is before


def test_the_same_group_twice_is_409009_also_as_a_job(server, box):
    imported(server)
    with pytest.raises(Refused) as refused:
        imported(server)
    assert refused.value.code == "409009"
    job = server.groups.create_AD_group(directory_group(), asJob=True)
    with pytest.raises(TSC.JobFailedException) as failed:
        server.jobs.wait_for_job(job)
    assert failed.value.job.status_notes[0]["value"] == "409009"


def test_a_local_group_may_have_the_same_name(server):
    imported(server)
    assert server.groups.create(TSC.GroupItem("Staff")).domain_name == "local"


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ('source="LDAP" domainName="corp.example"', "400019"),
        ('source="ActiveDirectory"', "400019"),
        ('source="ActiveDirectory" domainName="corp.example" siteRole="Boss"', "400013"),
        ('source="ActiveDirectory" domainName="corp.example" siteRole="Viewer" grantLicenseMode="daily"', "400003"),
    ],
)
def test_imports_that_make_no_sense(raw, box, attributes, code):
    before = box.site("sandbox")
    body = f'<tsRequest><group name="Staff"><import {attributes}/></group></tsRequest>'
    assert error(raw.call("POST", "{s}/groups", body)) == (400, code)
    assert box.site("sandbox") is before


def test_minimum_site_role_is_taken_in_either_place(raw, box):
    for name, body in (
        ("Staff", '<group name="Staff" minimumSiteRole="Viewer"><import {}/></group>'),
        ("Interns", '<group name="CORP\\Interns"><import source="ActiveDirectory" minimumSiteRole="Viewer"/></group>'),
    ):
        told = body.format('source="ActiveDirectory" domainName="CORP"')
        assert raw.call("POST", "{s}/groups", f"<tsRequest>{told}</tsRequest>").status_code == 201
        held = box.site("sandbox").find_group(f"corp.example\\{name}")
        assert (held.minimum_site_role, held.grant_on) == ("Viewer", "onSync")


def test_cloud_and_a_server_without_directory_import_nothing(clock):
    plays = replace(personality(), kind=CLOUD)
    with running("w0", clock=clock, plays=plays) as box, tsc(box) as server:
        with pytest.raises(Refused) as refused:
            imported(server)
        assert refused.value.code == "403011"
    with running("w0", clock=clock) as box, tsc(box) as server:
        box.state.put_directory({})
        with pytest.raises(Refused) as refused:
            imported(server)
        assert refused.value.code == "403011"


def test_imports_are_for_who_manages_people(box):
    body = '<tsRequest><group name="Staff"><import source="ActiveDirectory" domainName="CORP"/></group></tsRequest>'
    assert error(Raw(box).sign_in("carl").call("POST", "{s}/groups", body)) == (403, "403004")
    assert Raw(box).sign_in("sam").call("POST", "{s}/groups", body).status_code == 201
