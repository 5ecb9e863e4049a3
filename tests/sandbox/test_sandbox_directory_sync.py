"""Groups of the directory synchronised, at once and as jobs, with Tableau's own client.

Rules: the Active Directory document, "Sync behavior when removing users from Active Directory"; for roles the import
and synchronisation matrix of "Set Users' Site Roles".
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
from directory_groups import change, directory_group, imported, members, notes, role, synchronised
from sandbox_client import TSC, Raw, by_name, error, everything, rule, tsc

from tabwarden.model.errors import TabwardenError
from tabwarden.sandbox.directories.directory import pretend_directory
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality

Refused = TSC.ServerResponseError


@pytest.mark.parametrize("how", ["disabled", "deleted"])
def test_who_is_disabled_or_deleted_is_unlicensed_and_stays_on_the_server(server, box, how):
    group = imported(server, role="Viewer", mode="onSync")
    change(box, mia={"enabled": False} if how == "disabled" else None)
    done = synchronised(server, group)
    assert done.type == "GroupSync"
    assert notes(done)["CountOfUsersRemovedFromGroup"] == 1
    assert notes(done)["CountOfUsersUnlicensed"] == 1
    assert "mia" not in members(box, "Staff")
    assert role(box, "mia") == "Unlicensed"
    site = box.site("sandbox")
    assert site.find_user("mia").id in site.members(site.all_users.id)
    with pytest.raises(TSC.FailedSignInError):
        TSC.Server(box.url).auth.sign_in(TSC.TableauAuth("CORP\\mia", "mia", "sandbox"))


def test_who_only_left_the_group_keeps_her_role_and_what_all_users_have(server, box):
    group = imported(server, role="Viewer", mode="onSync")
    workbook = by_name(everything(server.workbooks), "W2")
    server.workbooks.update_permissions(workbook, [rule(group, Read="Allow")])
    change(box, Staff=["noa", "jsmith"])
    done = synchronised(server, group)
    assert notes(done)["CountOfUsersRemovedFromGroup"] == 4
    assert "CountOfUsersUnlicensed" not in notes(done)
    assert members(box, "Staff") == {"noa", "jsmith"}
    assert role(box, "mia") == "Viewer"
    with tsc(box, "CORP\\mia", "mia") as hers:
        assert {p.name for p in everything(hers.projects)} == {"Default", "Sandbox"}
        assert not everything(hers.workbooks)
    with tsc(box, "CORP\\noa", "noa") as his:
        assert [w.name for w in everything(his.workbooks)] == ["W2"]


def test_who_came_to_the_group_comes_to_the_server(server, box):
    group = imported(server, "Interns", role="Viewer", mode="onSync")
    change(box, zoe={"display_name": "Zoe"}, Interns=["ivy", "mia", "zoe"])
    assert notes(synchronised(server, group))["CountOfUsersAddedToSite"] == 1
    assert members(box, "Interns") == {"ivy", "mia", "zoe"}
    assert role(box, "zoe") == "Viewer"


def test_who_is_enabled_again_comes_back(server, box):
    group = imported(server, role="Viewer", mode="onSync")
    kept = box.site("sandbox").find_user("mia").id
    change(box, mia={"enabled": False})
    synchronised(server, group)
    change(box, mia={"enabled": True})
    synchronised(server, group)
    assert role(box, "mia") == "Viewer"
    assert box.site("sandbox").find_user("mia").id == kept


def test_names_and_addresses_follow_the_directory(server, box):
    group = imported(server, role="Viewer", mode="onSync")
    change(box, mia={"display_name": "Mia Married", "email": "mia.married@corp.example"})
    assert notes(synchronised(server, group))["CountOfUsersInformationUpdated"] == 1
    mia = box.site("sandbox").find_user("mia")
    assert (mia.full_name, mia.email) == ("Mia Married", "mia.married@corp.example")


def test_a_role_lowered_by_hand_comes_back_and_a_higher_one_stays(server, box):
    group = imported(server, role="Explorer", mode="onSync")
    users = {u.name: u for u in everything(server.users) if u.domain_name == "corp.example"}
    for name, given in (("mia", "Viewer"), ("noa", "Creator")):
        users[name].site_role = given
        server.users.update(users[name])
    synchronised(server, group, role="Explorer")
    assert [role(box, n) for n in ("mia", "noa")] == ["Explorer", "Creator"]


def test_a_sync_can_raise_what_the_group_grants(server, box):
    group = imported(server, role="Viewer", mode="onSync")
    synchronised(server, group, role="ExplorerCanPublish")
    assert role(box, "mia") == "ExplorerCanPublish"
    assert box.site("sandbox").find_group("Staff").minimum_site_role == "ExplorerCanPublish"


def test_a_second_sync_changes_nothing(server, box):
    group = imported(server, role="Viewer", mode="onSync")
    synchronised(server, group)
    before = box.site("sandbox")
    assert notes(synchronised(server, group)) == {
        "CountOfUsersInActiveDirectoryGroup": 7,
        "CountOfUsersProcessed": 6,
        "CountOfUsersSkipped": 1,
    }
    assert box.site("sandbox") == before


def test_synchronising_at_once(server, box):
    group = imported(server, role="Viewer", mode="onSync")
    change(box, mia=None)
    group.minimum_site_role, group.license_mode = "Viewer", "onSync"
    assert server.groups.update(group).name == "Staff"
    assert role(box, "mia") == "Unlicensed"


def test_an_owner_keeps_his_content_when_he_is_gone(server, box):
    """So that it can be audited and handed over: the document's reason for never removing anybody."""
    group = imported(server, role="Creator", mode="onSync")
    mia = by_name(everything(server.users), "mia")
    workbook = by_name(everything(server.workbooks), "W2")
    workbook.owner_id = mia.id
    server.workbooks.update(workbook)
    change(box, mia=None)
    synchronised(server, group, role="Creator")
    assert box.site("sandbox").contents[workbook.id].owner == mia.id
    assert role(box, "mia") == "Unlicensed"


def test_a_local_member_of_a_directory_group_only_leaves_it(server, box):
    group = imported(server, role="Viewer", mode="onSync")
    vic = by_name(everything(server.users), "vic")
    server.groups.add_user(group, vic.id)
    synchronised(server, group)
    assert "vic" not in {n.rpartition("\\")[2] for n in members(box, "Staff")}
    assert role(box, "vic") == "Viewer"


@pytest.mark.parametrize("name", ["Sales", "All Users"])
def test_local_groups_are_not_synchronised(raw, box, name):
    group = box.site("sandbox").find_group(name)
    body = f'<group name="{name}"><import source="ActiveDirectory" domainName="corp.example"/></group>'
    answer = raw.call("PUT", f"{{s}}/groups/{group.id}", f"<tsRequest>{body}</tsRequest>")
    assert error(answer, at_odds=True) == (403, "400019")


def test_a_directory_group_keeps_its_name(raw, server, box):
    group = imported(server)
    for inner in ('<group name="X"/>', '<group name="X"><import source="ActiveDirectory" domainName="CORP"/></group>'):
        answer = raw.call("PUT", f"{{s}}/groups/{group.id}", f"<tsRequest>{inner}</tsRequest>")
        assert error(answer) == (403, "403020")
    plain = '<tsRequest><group minimumSiteRole="Viewer" grantLicenseMode="onLogin"/></tsRequest>'
    assert raw.call("PUT", f"{{s}}/groups/{group.id}", plain).status_code == 200
    assert box.site("sandbox").groups[group.id].grant_on == "onLogin"


def test_a_group_that_vanished_fails_and_changes_nothing(server, box):
    group = imported(server, "Interns", role="Viewer", mode="onSync")
    plain = deepcopy(dict(box.state.pretended))
    del plain["domains"]["corp.example"]["groups"]["Interns"]
    plain["domains"]["corp.example"]["groups"]["Staff"]["members"] = ["mia"]
    box.state.put_directory(plain)
    before = box.site("sandbox")
    with pytest.raises(TSC.JobFailedException):
        synchronised(server, group)
    assert box.site("sandbox") is before


class Fails:
    """A directory that fails from its n-th question on."""

    def __init__(self, inner):
        self.inner, self.left = inner, 10**9

    def __getattr__(self, name):
        self.left -= 1
        if self.left < 0:
            raise TabwardenError("the connection was closed")
        return getattr(self.inner, name)


def test_a_directory_that_dies_on_the_way_leaves_the_site_as_it_was(clock):
    with running("w0", clock=clock) as whole:
        plain = deepcopy(dict(whole.state.pretended))
    alive = Fails(pretend_directory(plain))
    del plain["domains"]["corp.example"]["users"]["mia"]
    plain["domains"]["corp.example"]["groups"]["Staff"]["members"] = ["noa"]
    plain["domains"]["corp.example"]["groups"]["Interns"]["members"] = []
    with running("w0", clock=clock, directory=alive) as box, tsc(box) as server:
        group = imported(server, role="Viewer", mode="onSync")
        alive.inner = pretend_directory(plain)
        tries, body = 0, '<group name="Staff"><import source="ActiveDirectory" domainName="corp.example"/></group>'
        raw = Raw(box).sign_in()
        before = box.site("sandbox")
        while True:
            alive.left = tries
            answer = raw.call("PUT", f"{{s}}/groups/{group.id}", f"<tsRequest>{body}</tsRequest>")
            alive.left = 10**9
            if answer.status_code == 200:
                break
            assert error(answer) == (400, "400104")
            assert box.site("sandbox") is before, tries
            tries += 1
        assert tries > 4
        assert members(box, "Staff") == {"noa"}


def test_imports_and_syncs_take_their_time_and_survive_a_restart(clock, tmp_path):
    slow, kept = replace(personality(), job_seconds=40), tmp_path / "state"
    with running("w0", clock=clock, plays=slow, state=kept) as box, tsc(box) as server:
        job = server.groups.create_AD_group(directory_group(role="Viewer", mode="onSync"), asJob=True)
        clock.now += 10
        waiting = server.jobs.get_by_id(job.id)
        assert (waiting.completed_at, waiting.progress) == (None, "25")
    with running("w0", clock=clock, plays=slow, state=kept) as box, tsc(box) as server:
        assert not [g for g in everything(server.groups) if g.name == "Staff"]
        clock.now += 31
        assert server.jobs.get_by_id(job.id).finish_code == 0
        assert len(members(box, "Staff")) == 6
    with running("w0", clock=clock, state=kept) as box, tsc(box, "CORP\\mia", "mia"):
        assert len(members(box, "Staff")) == 6
