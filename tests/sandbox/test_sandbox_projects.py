"""Projects through Tableau's own client and more of the kind."""

from __future__ import annotations

import pytest
from sandbox_client import TSC, Raw, by_name, error, everything, rule, tsc

from tabwarden.model.site import Rule

Refused = TSC.ServerResponseError


def project_named(server, name):
    return by_name(everything(server.projects), name)


def at(box, path):
    return box.site("sandbox").find_content(path)


def made(server, name, parent=None, **more):
    return server.projects.create(TSC.ProjectItem(name, parent_id=parent, **more))


def test_nested_four_levels_moved_and_brought_to_the_top(server, box):
    ids = []
    for name in ("A", "B", "C", "D"):
        ids.append(made(server, name, ids[-1] if ids else None).id)
    assert box.site("sandbox").path(ids[3]) == "A/B/C/D"
    tree = {p.id: p.parent_id for p in everything(server.projects)}
    assert [tree[i] for i in ids] == [None, *ids[:3]]
    server.projects.update(TSC.ProjectItem(id=ids[1], name="B", parent_id=project_named(server, "Ops").id))
    assert box.site("sandbox").path(ids[3]) == "Ops/B/C/D"
    server.projects.update(TSC.ProjectItem(id=ids[2], name="C", parent_id=""))
    assert box.site("sandbox").path(ids[3]) == "C/D"


def test_a_cycle_is_refused(server, box):
    ops, sub = project_named(server, "Ops"), project_named(server, "Sub")
    for target in (sub.id, ops.id):
        ops.parent_id = target
        with pytest.raises(Refused) as refused:
            server.projects.update(ops)
        assert refused.value.code.startswith("400")
    assert at(box, "Ops/Sub").parent == ops.id


def test_get_by_id_is_a_read(server, box, clock):
    before, writes = box.site("sandbox"), len(box.log.writes())
    clock.now += 1000
    found = server.projects.get_by_id(project_named(server, "Ops").id)
    assert (found.name, found.content_permissions) == ("Ops", "ManagedByOwner")
    assert box.site("sandbox") == before
    assert len(box.log.writes()) == writes + 1


def test_an_update_stamps_and_a_rule_does_not(server, box, clock):
    clock.now += 1000
    ops = project_named(server, "Ops")
    before = at(box, "Ops").updated
    server.projects.populate_permissions(ops)
    server.projects.update_permissions(ops, [rule(by_name(everything(server.groups), "Finance"), Write="Allow")])
    assert at(box, "Ops").updated == before
    ops.description = "changed"
    server.projects.update(ops)
    assert at(box, "Ops").updated == "2025-10-09T09:10:00Z"
    assert at(box, "Ops").description == "changed"


def test_a_new_project_at_the_top_copies_default_and_a_nested_one_its_parent(server, box):
    top, nested = made(server, "New"), made(server, "Newer", project_named(server, "Ops").id)
    site = box.site("sandbox")
    assert site.contents[top.id].rules == at(box, "Default").rules
    assert site.contents[top.id].defaults == at(box, "Default").defaults
    assert site.contents[top.id].mode == "ManagedByOwner"
    inherited = {r for r in at(box, "Ops").rules if r.capability != "ProjectLeader"}
    assert site.contents[nested.id].rules == inherited
    assert site.contents[nested.id].defaults == at(box, "Ops").defaults


@pytest.mark.parametrize("name", ["Ops", "OPS"])
def test_a_taken_name_is_409006(server, name):
    with pytest.raises(Refused) as refused:
        made(server, name)
    assert refused.value.code == "409006"


def test_the_same_name_elsewhere_is_fine(server):
    assert made(server, "Ops", project_named(server, "Vault").id).id


def test_permissions_in_a_locked_project_are_refused_even_to_administrators(server, box):
    w3 = by_name(everything(server.workbooks), "W3")
    before = at(box, "Vault/W3")
    with pytest.raises(Refused) as refused:
        server.workbooks.update_permissions(w3, [rule(by_name(everything(server.groups), "Sales"), Read="Allow")])
    assert refused.value.code.startswith("403")
    assert at(box, "Vault/W3") == before


def test_unlocking_keeps_what_was_in_force_and_lets_edit(server, box):
    vault = project_named(server, "Vault")
    in_force = at(box, "Vault").defaults["workbook"]
    vault.content_permissions = "ManagedByOwner"
    server.projects.update(vault)
    assert at(box, "Vault/W3").rules == in_force
    w3, sales = by_name(everything(server.workbooks), "W3"), by_name(everything(server.groups), "Sales")
    server.workbooks.update_permissions(w3, [rule(sales, ExportXml="Allow")])
    assert len(at(box, "Vault/W3").rules) == len(in_force) + 1


def test_locking_overwrites_what_lies_below(server, box):
    ops = project_named(server, "Ops")
    ops.content_permissions = "LockedToProject"
    server.projects.update(ops)
    site = box.site("sandbox")
    assert site.find_content("Ops/W1").rules == site.find_content("Ops").defaults["workbook"]
    assert site.find_content("Ops/Sub").mode == "LockedToProject"
    nested = project_named(server, "Sub")
    assert nested.parent_id == ops.id
    raw = Raw(box).sign_in()
    (shown,) = [p for p in raw.xml("{s}/projects")[1] if p.get("id") == nested.id]
    assert shown.get("controllingPermissionsProjectId") == ops.id


def test_a_mode_that_is_none(raw, box):
    ops = at(box, "Ops").id
    body = '<tsRequest><project contentPermissions="Ajar"/></tsRequest>'
    assert error(raw.call("PUT", f"{{s}}/projects/{ops}", body)) == (400, "400003")


def test_deleting_takes_everything_in_it(server, box):
    ops = project_named(server, "Ops")
    w1 = by_name(everything(server.workbooks), "W1")
    server.projects.delete(ops.id)
    with pytest.raises(Refused) as refused:
        server.workbooks.get_by_id(w1.id)
    assert refused.value.code[:3] == "404"
    assert {c.name for c in box.site("sandbox").contents.values() if c.kind == "workbook"} == {"W3"}
    with pytest.raises(Refused) as again:
        server.projects.delete(ops.id)
    assert again.value.code == "404005"


def test_default_is_neither_deleted_nor_renamed(server):
    default = project_named(server, "Default")
    with pytest.raises(Refused):
        server.projects.delete(default.id)
    default.name = "Other"
    with pytest.raises(Refused):
        server.projects.update(default)


def test_another_owner_must_be_able_to_publish(server, box):
    ops, site = project_named(server, "Ops"), box.site("sandbox")
    ops.owner_id = site.find_user("cleo").id
    server.projects.update(ops)
    assert at(box, "Ops").owner == site.find_user("cleo").id
    ops.owner_id = site.find_user("vic").id
    with pytest.raises(Refused) as refused:
        server.projects.update(ops)
    assert refused.value.code.startswith("403")


def test_leaders_create_below_and_nobody_else_at_the_top(box):
    ops = at(box, "Ops").id
    with tsc(box, "eve") as server:
        assert made(server, "By eve", ops).owner_id == server.user_id
        with pytest.raises(Refused) as refused:
            made(server, "At the top")
        assert refused.value.code == "403045"
    with tsc(box, "cleo") as server, pytest.raises(Refused) as refused:
        made(server, "By cleo", ops)
    assert refused.value.code == "403045"


def test_inherited_leaders_show_read_only_below(raw, box, server):
    sales = box.site("sandbox").find_group("Sales").id
    sub = project_named(server, "Sub")
    server.projects.populate_permissions(sub)
    found = {(r.grantee.id, c, m) for r in sub.permissions for c, m in r.capabilities.items()}
    assert (sales, "InheritedProjectLeader", "Allow") in found
    body = (
        f'<tsRequest><permissions><granteeCapabilities><group id="{sales}"/><capabilities>'
        '<capability name="InheritedProjectLeader" mode="Allow"/></capabilities></granteeCapabilities>'
        "</permissions></tsRequest>"
    )
    assert error(raw.call("PUT", f"{{s}}/projects/{sub.id}/permissions", body)) == (400, "400009")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("topLevelProject:eq:false", "Sub"),
        ("name:eq:Ops", "Ops"),
        ("ownerName:eq:egon", "Sub"),
        ("createdAt:lt:2026-01-01T00:00:00Z,name:in:[Ops,Vault]", "Ops Vault"),
    ],
)
def test_filters(raw, query, names):
    assert sorted(p.get("name") for p in raw.xml(f"{{s}}/projects?filter={query}")[1]) == names.split()


def test_children_by_parent_and_counts(raw, box):
    ops = at(box, "Ops").id
    (sub,) = raw.xml(f"{{s}}/projects?filter=parentProjectId:eq:{ops}")[1]
    assert sub.get("name") == "Sub"
    (shown,) = raw.xml("{s}/projects?filter=name:eq:Ops&fields=_all_")[1]
    counts = shown.find("{http://tableau.com/api}contentsCounts")
    assert counts.attrib == {"projectCount": "1", "workbookCount": "2", "viewCount": "7", "datasourceCount": "1"}


DEFAULTS = ("workbook", "datasource", "flow", "virtualconnection", "database", "table")
RETIRED = ("metric", "datarole", "lens")


def default_rules(server, kind, project, rules):
    return getattr(server.projects, f"update_{kind}_default_permissions")(project, rules)


@pytest.mark.parametrize("kind", DEFAULTS + RETIRED)
def test_default_rules_of_every_kind(box, kind):
    with tsc(box) as server:
        if kind in RETIRED:
            server.version = "3.21"
        ops, finance = project_named(server, "Ops"), by_name(everything(server.groups), "Finance")
        before = at(box, "Ops").defaults.get(kind, frozenset())
        default_rules(server, kind, ops, [rule(finance, Write="Allow", ChangePermissions="Deny")])
        added = at(box, "Ops").defaults[kind] - before
        assert {(r.capability, r.mode) for r in added} == {("Write", "Allow"), ("ChangePermissions", "Deny")}
        getattr(server.projects, f"populate_{kind}_default_permissions")(ops)
        shown = getattr(ops, f"default_{kind}_permissions")
        assert {c for r in shown for c in r.capabilities} >= {"Write", "ChangePermissions"}
        getattr(server.projects, f"delete_{kind}_default_permissions")(ops, rule(finance, Write="Allow"))
        assert {r.capability for r in at(box, "Ops").defaults[kind] - before} == {"ChangePermissions"}


def test_default_rules_of_retired_kinds_are_gone_at_3_22(raw, box):
    ops = at(box, "Ops").id
    for plural in ("metrics", "lenses", "dataroles"):
        path = f"{{s}}/projects/{ops}/default-permissions/{plural}"
        assert error(raw.get(path, version="3.22"))[0] == 404
        assert raw.get(path, version="3.21").status_code == 200


def test_defaults_in_a_customizable_project_change_nothing_that_is_there(server, box):
    ops, finance = project_named(server, "Ops"), by_name(everything(server.groups), "Finance")
    before = at(box, "Ops/W1")
    default_rules(server, "workbook", ops, [rule(finance, Write="Allow")])
    assert at(box, "Ops/W1") == before


def test_defaults_of_a_locked_project_are_the_rules_of_all_in_it(server, box):
    vault, sales = project_named(server, "Vault"), by_name(everything(server.groups), "Sales")
    default_rules(server, "workbook", vault, [rule(sales, ExportImage="Allow")])
    w3 = by_name(everything(server.workbooks), "W3")
    server.workbooks.populate_permissions(w3)
    shown = {(r.grantee.id, c, m) for r in w3.permissions for c, m in r.capabilities.items()}
    assert shown == {(r.grantee.id, r.capability, r.mode) for r in at(box, "Vault").defaults["workbook"]}
    assert any(isinstance(r, Rule) and r.capability == "ExportImage" for r in at(box, "Vault").defaults["workbook"])


def test_the_mode_of_a_project_below_a_lock_is_changed_above(server, box):
    nested = made(server, "Below", project_named(server, "Vault").id)
    assert nested.content_permissions == "LockedToProject"
    nested.content_permissions = "ManagedByOwner"
    with pytest.raises(Refused) as refused:
        server.projects.update(nested)
    assert refused.value.code.startswith("403")
    assert at(box, "Vault/Below").mode == "LockedToProject"
