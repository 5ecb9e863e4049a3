"""Databases, tables, virtual connections and flows: listed, read, changed, ruled, locked, with Tableau's own client."""

from __future__ import annotations

import pytest
from sandbox_client import TSC, Raw, by_name, error, everything, rule, tsc

from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.worlds.file import read_text
from tabwarden.sandbox.worlds.finding import world_of
from tabwarden.sandbox.worlds.save import text_of

WORLD = """
world: assets
sites:
  - name: Sandbox
    content_url: sandbox
    users:
      ada: {role: ServerAdministrator}
      dora: {role: Creator}
      carl: {role: Creator}
      vic: {role: Viewer}
    groups:
      Readers: {members: [vic]}
    projects:
      Default: {owner: ada}
      Data:
        owner: ada
        rules: [{group: All Users, template: View}]
        defaults: {database: [{group: Readers, allow: [Read]}]}
      Sealed:
        owner: ada
        mode: LockedToProject
        defaults: {database: [{user: carl, allow: [Read]}], table: [{user: carl, allow: [Read]}]}
    content:
      Data/Warehouse:
        kind: database
        owner: dora
        rules: [{group: Readers, allow: [Read]}]
        defaults: {table: [{group: Readers, allow: [Read]}]}
      Data/Warehouse/orders: {kind: table, owner: dora}
      Data/Warehouse/salaries: {kind: table, owner: dora, rules: [{user: carl, allow: [Read]}]}
      Sealed/Archive: {kind: database, owner: dora}
      Sealed/Archive/old: {kind: table, owner: dora}
      Data/Virtual: {kind: virtualconnection, owner: dora, rules: [{group: Readers, allow: [Read, Connect]}]}
      Data/Nightly: {kind: flow, owner: dora, rules: [{group: Readers, allow: [Read]}]}
      Data/Orders: {kind: datasource, owner: dora, rules: [{group: Readers, allow: [Read]}]}
"""


@pytest.fixture
def box(clock):
    with running(world_of(read_text(WORLD, "assets")), clock=clock) as sandbox:
        yield sandbox


@pytest.fixture
def server(box):
    with tsc(box) as signed_in:
        yield signed_in


def names(endpoint):
    return sorted(item.name for item in everything(endpoint))


def held(box, path):
    return box.site("sandbox").find_content(path)


# -- seeing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "databases", "tables", "connections", "flows"),
    [
        ("ada", ["Archive", "Warehouse"], ["old", "orders", "salaries"], ["Virtual"], ["Nightly"]),
        ("dora", ["Archive", "Warehouse"], ["old", "orders", "salaries"], ["Virtual"], ["Nightly"]),
        ("carl", ["Archive"], ["old", "salaries"], [], []),
        ("vic", ["Warehouse"], ["orders"], ["Virtual"], ["Nightly"]),
    ],
)
def test_what_each_sees(box, who, databases, tables, connections, flows):
    with tsc(box, who) as hers:
        assert names(hers.databases) == databases
        assert names(hers.tables) == tables
        assert names(hers.virtual_connections) == connections
        assert names(hers.flows) == flows


def test_what_is_not_seen_is_unknown(box):
    warehouse, salaries = held(box, "Data/Warehouse"), held(box, "Data/Warehouse/salaries")
    raw = Raw(box).sign_in("vic")
    assert raw.get(f"{{s}}/databases/{warehouse.id}").status_code == 200
    assert error(raw.get(f"{{s}}/tables/{salaries.id}"))[0] == 403
    assert error(raw.get(f"{{s}}/tables/{salaries.id}/columns"))[0] == 403
    assert error(raw.get(f"{{s}}/tables/{warehouse.id}"))[0] == 404, "a database is no table"


def test_one_database_and_one_table_with_its_columns(server, box):
    database = server.databases.get_by_id(held(box, "Data/Warehouse").id)
    assert (database.name, database.content_permissions, database.contact_id) == (
        "Warehouse",
        "ManagedByOwner",
        held(box, "Data/Warehouse").owner,
    )
    table = server.tables.get_by_id(held(box, "Data/Warehouse/orders").id)
    server.tables.populate_columns(table)
    assert [c.name for c in table.columns] == ["id", "name", "amount"]


# -- changing -----------------------------------------------------------------------------------------------------


def test_descriptions_and_deletion(server, box):
    database = by_name(everything(server.databases), "Warehouse")
    database.description = "all orders"
    assert server.databases.update(database).description == "all orders"
    table = by_name(everything(server.tables), "orders")
    table.description = "one row an order"
    assert server.tables.update(table).description == "one row an order"
    with tsc(box, "vic") as hers:
        database.description = "mine"
        with pytest.raises(TSC.ServerResponseError) as refused:
            hers.databases.update(database)
        assert refused.value.code == "403004"
    server.databases.delete(database.id)
    assert names(server.tables) == ["old"]


def test_owners_do_not_delete_databases(box):
    raw = Raw(box).sign_in("dora")
    assert error(raw.call("DELETE", f"{{s}}/databases/{held(box, 'Data/Warehouse').id}")) == (403, "403004")
    assert error(raw.call("DELETE", f"{{s}}/tables/{held(box, 'Data/Warehouse/orders').id}")) == (403, "403004")


def test_virtual_connections_and_flows_change_hands_and_go(server, box):
    carl = by_name(everything(server.users), "carl")
    virtual = server.virtual_connections.get_by_id(by_name(everything(server.virtual_connections), "Virtual").id)
    virtual.owner_id = carl.id
    assert server.virtual_connections.update(virtual).owner_id == carl.id
    server.virtual_connections.populate_connections(virtual)
    assert list(virtual.connections) == []
    flow = by_name(everything(server.flows), "Nightly")
    flow.owner_id = carl.id
    server.flows.update(flow)
    assert held(box, "Data/Nightly").owner == carl.id
    server.virtual_connections.delete(virtual.id)
    server.flows.delete(flow.id)
    assert not names(server.virtual_connections)
    assert not names(server.flows)


# -- rules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["databases", "tables", "virtual_connections", "flows"])
def test_rules_of_every_kind(server, kind):
    endpoint = getattr(server, kind)
    item = next(i for i in everything(endpoint) if i.name in ("Warehouse", "orders", "Virtual", "Nightly"))
    carl = by_name(everything(server.users), "carl")
    add = getattr(endpoint, "add_permissions", None) or endpoint.update_permissions
    add(item, [rule(carl, Read="Allow", ChangePermissions="Deny")])
    endpoint.populate_permissions(item)
    hers = next(r for r in item.permissions if r.grantee.id == carl.id)
    assert hers.capabilities == {"Read": "Allow", "ChangePermissions": "Deny"}
    delete = getattr(endpoint, "delete_permission", None) or endpoint.delete_permissions
    delete(item, rule(carl, ChangePermissions="Deny"))
    endpoint.populate_permissions(item)
    hers = next(r for r in item.permissions if r.grantee.id == carl.id)
    assert hers.capabilities == {"Read": "Allow"}


@pytest.mark.parametrize(
    ("path", "body_kind"),
    [
        ("databases/{}", "database"),
        ("tables/{}", "table"),
        ("virtualConnections/{}", "virtualConnection"),
        ("flows/{}", "flow"),
    ],
)
def test_replacing_all_rules(box, path, body_kind):
    raw = Raw(box).sign_in()
    named = {"database": "Data/Warehouse", "table": "Data/Warehouse/orders", "virtualConnection": "Data/Virtual"}
    item = held(box, named.get(body_kind, "Data/Nightly"))
    carl = box.site("sandbox").find_user("carl")
    body = (
        f'<tsRequest><permissions><{body_kind} id="{item.id}"/><granteeCapabilities><user id="{carl.id}"/>'
        '<capabilities><capability name="Read" mode="Allow"/></capabilities></granteeCapabilities></permissions>'
        "</tsRequest>"
    )
    assert raw.call("POST", f"{{s}}/{path.format(item.id)}/permissions", body).status_code == 200
    rules = held(box, item.id).rules
    assert {(r.grantee.id, r.capability, r.mode) for r in rules} == {(carl.id, "Read", "Allow")}


def test_capabilities_are_those_of_the_kind(box):
    raw = Raw(box).sign_in()
    item, carl = held(box, "Data/Warehouse"), box.site("sandbox").find_user("carl")
    body = (
        f'<tsRequest><permissions><granteeCapabilities><user id="{carl.id}"/><capabilities>'
        '<capability name="Connect" mode="Allow"/></capabilities></granteeCapabilities></permissions></tsRequest>'
    )
    assert error(raw.call("PUT", f"{{s}}/databases/{item.id}/permissions", body)) == (400, "400009")


DEFAULTS = ("workbooks", "datasources", "flows", "virtualConnections", "databases", "tables")
RETIRED = ("metrics", "lenses", "dataroles")


@pytest.mark.parametrize(("kind", "version"), [*((k, "3.27") for k in DEFAULTS), *((k, "3.21") for k in RETIRED)])
def test_default_rules_of_every_kind(box, kind, version):
    raw, project = Raw(box).sign_in(), held(box, "Data")
    path, carl = f"{{s}}/projects/{project.id}/default-permissions/{kind}", box.site("sandbox").find_user("carl")
    body = (
        f'<tsRequest><permissions><granteeCapabilities><user id="{carl.id}"/><capabilities>'
        '<capability name="Read" mode="Allow"/></capabilities></granteeCapabilities></permissions></tsRequest>'
    )
    for method in ("PUT", "POST"):
        assert raw.call(method, path, body, version=version).status_code == 200
    assert carl.id in raw.call("GET", path, version=version).text
    assert raw.call("DELETE", f"{path}/users/{carl.id}/Read/Allow", version=version).status_code == 204
    assert carl.id not in raw.call("GET", path, version=version).text


# -- the database's own lock --------------------------------------------------------------------------------------


def lock(raw, database, mode):
    body = f'<tsRequest><database contentPermissions="{mode}"/></tsRequest>'
    return raw.call("PUT", f"{{s}}/databases/{database.id}", body)


def test_default_rules_of_a_databases_tables(server, box):
    database, carl = by_name(everything(server.databases), "Warehouse"), by_name(everything(server.users), "carl")
    server.databases.update_table_default_permissions(database, [rule(carl, Read="Allow")])
    server.databases.populate_table_default_permissions(database)
    assert {r.grantee.id for r in database.default_table_permissions} >= {carl.id}
    # Its own method for deleting one hands its arguments over in the wrong order.
    path = f"{{s}}/databases/{database.id}/default-permissions/tables/users/{carl.id}/Read/Allow"
    assert Raw(box).sign_in().call("DELETE", path).status_code == 204
    assert len(held(box, "Data/Warehouse").defaults["table"]) == 1


def test_locking_a_database_gives_its_tables_the_default_rules(box):
    raw, database = Raw(box).sign_in("dora"), held(box, "Data/Warehouse")
    assert lock(raw, database, "LockedToDatabase").status_code == 200
    with tsc(box, "vic") as hers:
        assert names(hers.tables) == ["orders", "salaries"]
    with tsc(box, "carl") as his:
        assert names(his.tables) == ["old"], "his own rule on salaries is gone"
    table = held(box, "Data/Warehouse/salaries")
    assert error(raw.call("DELETE", f"{{s}}/tables/{table.id}/permissions/users/{raw.user}/Read/Allow")) == (
        403,
        "403004",
    )
    shown = raw.xml(f"{{s}}/tables/{table.id}/permissions")
    parent = shown.find(".//{*}parent")
    assert (parent.get("type"), parent.get("id")) == ("Database", database.id)
    assert lock(raw, database, "ManagedByOwner").status_code == 200
    with tsc(box, "vic") as hers:
        assert names(hers.tables) == ["orders", "salaries"], "unlocked, everybody keeps what was in force"
    assert held(box, table.id).rules


def test_who_may_lock_a_database_and_how(box):
    database, archive = held(box, "Data/Warehouse"), held(box, "Sealed/Archive")
    assert error(lock(Raw(box).sign_in("vic"), database, "LockedToDatabase")) == (403, "403004")
    assert error(lock(Raw(box).sign_in("carl"), database, "LockedToDatabase"))[0] == 403
    assert error(lock(Raw(box).sign_in(), database, "LockedToProject")) == (400, "400003")
    assert error(lock(Raw(box).sign_in(), archive, "LockedToDatabase")) == (403, "403004")


def test_the_world_is_saved_and_loaded_again(box):
    text = text_of(box.state.world())
    again = world_of(text)
    assert again.sites == box.state.world().sites


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("Data/lonely: {kind: table, owner: ada}", "a table lies in a database"),
        ("Data/odd: {kind: flow, owner: ada, mode: LockedToDatabase}", "only a database has a mode"),
    ],
)
def test_mistakes_of_a_world_with_databases(wrong, told):
    from tabwarden.model.errors import WorldError

    text = WORLD.replace("      Data/Nightly:", f"      {wrong}\n      Data/Nightly:")
    with pytest.raises(WorldError) as refused:
        world_of(read_text(text, "wrong"))
    assert told in str(refused.value)
