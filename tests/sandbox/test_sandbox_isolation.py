"""Nothing of one site can be reached from another: made from the endpoint table, so a new endpoint is covered."""

from __future__ import annotations

import re

import pytest
from sandbox_client import Raw, error

from tabwarden.sandbox.http.endpoints import TABLE
from tabwarden.sandbox.http.routing import ANYONE
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import PRODUCT_OF_API, as_pair, personality

NEWEST = max(PRODUCT_OF_API, key=as_pair)
HOME, ABROAD = "acme-lab", "acme"
BODIES = {
    "users": '<tsRequest><user siteRole="Viewer" fullName="X"/></tsRequest>',
    "groups": '<tsRequest><group name="X"/></tsRequest>',
    "members": '<tsRequest><user id="{user}"/></tsRequest>',
    "remove": '<tsRequest><users><user id="{user}"/></users></tsRequest>',
    "groupsets": '<tsRequest><groupSet name="X"/></tsRequest>',
    "projects": '<tsRequest><project name="X"/></tsRequest>',
    "permissions": (
        '<tsRequest><permissions><granteeCapabilities><user id="{user}"/><capabilities>'
        '<capability name="Read" mode="Allow"/></capabilities></granteeCapabilities></permissions></tsRequest>'
    ),
}
FOREIGN = [e for e in TABLE if e.who != ANYONE and "{" in e.path.replace("{site}", "")]
OF_A_SITE = [e for e in TABLE if "{site}" in e.path]
NAMES = [e.name for e in FOREIGN]


@pytest.fixture(scope="module")
def acme():
    with running("acme", plays=personality("server", NEWEST)) as box:
        yield box


@pytest.fixture(scope="module")
def foreign(acme):
    """Ids of one of everything abroad, and every name that exists only there."""
    site, home = acme.site(ABROAD), acme.site(HOME)
    kinds = {c.kind: c.id for c in site.contents.values()}
    job = Raw(acme).sign_in("admin", site=ABROAD)
    body = b'--e\r\nContent-Disposition: name="tableau_user_delete"\r\n\r\nnobody\r\n--e--'
    made = job.call(
        "POST", "{s}/users/delete", body, headers={"Content-Type": "multipart/mixed; boundary=e"}, json=True
    )
    ids = {
        **kinds,
        "virtualconnection": kinds["datasource"],
        "database": kinds["datasource"],
        "table": kinds["datasource"],
        "user": next(u.id for u in site.users.values() if u.site_role == "Viewer"),
        "group": next(g.id for g in site.groups.values() if g.members),
        "groupset": next(iter(site.group_sets)),
        "grantee": next(u.id for u in site.users.values() if u.site_role == "Viewer"),
        "grantees": "users",
        "capability": "Read",
        "mode": "Allow",
        "job": made.json()["job"]["id"],
        "upload": job.call("POST", "{s}/fileUploads", json=True).json()["fileUpload"]["uploadSessionId"],
        "revision": "1",
        "connection": kinds["datasource"],
        "collection": kinds["datasource"],
        "schedule": kinds["datasource"],
        "task": kinds["datasource"],
        "customview": kinds["datasource"],
        **dict.fromkeys(
            ("subscription", "dataalert", "webhook", "linkedtask", "flowrun"),
            kinds["datasource"],
        ),
        "tag": "words",
        "session": job.session,
    }
    return ids, only_names(site) - only_names(home)


def only_names(site):
    words = {u.name for u in site.users.values()} | {u.full_name for u in site.users.values()}
    words |= {g.name for g in site.groups.values()} | {c.name for c in site.contents.values()}
    return {word for word in words if len(word) > 4}


def told(text):
    """Every value that an answer tells."""
    return set(re.findall(r'"([^"]*)"', text)) | set(re.findall(r">([^<]*)<", text))


def body_for(endpoint, ids):
    if endpoint.method not in ("POST", "PUT"):
        return None
    last = endpoint.path.rpartition("/")[2]
    if "{schedule}/" in endpoint.path:
        return (
            f'<tsRequest><task><extractRefresh><{last[:-1]} id="{ids[last[:-1]]}"/></extractRefresh></task></tsRequest>'
        )
    if "permissions" in endpoint.path:
        key = "permissions"
    elif last == "users" and "{group}" in endpoint.path:
        key = "members"
    elif last == "remove":
        key = "remove"
    else:
        key = endpoint.path.removeprefix("sites/{site}").strip("/").partition("/")[0]
    return BODIES.get(key, "<tsRequest/>").replace("{user}", ids["user"])


def version_of(endpoint):
    return "3.21" if endpoint.until else NEWEST


def fill(path, ids, site):
    return re.sub(r"\{(\w+)\}", lambda m: site if m[1] == "site" else ids[m[1]], path)


@pytest.mark.parametrize("endpoint", FOREIGN, ids=NAMES)
@pytest.mark.parametrize("who", ["admin", "plain"])
def test_an_id_of_another_site_is_unknown_here(acme, foreign, endpoint, who):
    ids, names = foreign
    before = acme.site(ABROAD)
    home = acme.site(HOME)
    plain = next(u.name for u in home.users.values() if u.site_role == "Creator")
    raw = Raw(acme).sign_in("admin" if who == "admin" else plain, site=HOME)
    before_home = acme.site(HOME)
    path = fill(endpoint.path, ids, raw.site)
    answer = raw.call(endpoint.method, path, body_for(endpoint, ids), version=version_of(endpoint))
    status, code = error(answer)
    assert status in (403, 404) or code in ("400080", "400130")  # a view that is not there
    assert not [name for name in names if name in answer.text]
    assert acme.site(ABROAD) is before
    assert acme.site(HOME) == before_home


@pytest.mark.parametrize("endpoint", OF_A_SITE, ids=[e.name for e in OF_A_SITE])
def test_another_site_in_the_address_is_refused_to_everybody(acme, foreign, endpoint):
    ids, names = foreign
    before = acme.site(ABROAD)
    raw = Raw(acme).sign_in("admin", site=HOME)
    path = fill(endpoint.path, ids, before.id)
    answer = raw.call(endpoint.method, path, body_for(endpoint, ids), version=version_of(endpoint))
    assert error(answer) == (403, "403004")
    assert not [name for name in names if name in answer.text]
    nowhere = fill(endpoint.path, ids, "00000000-0000-0000-0000-000000000000")
    other = raw.call(endpoint.method, nowhere, body_for(endpoint, ids), version=version_of(endpoint))
    assert error(other) == (404, "404000")
    assert acme.site(ABROAD) is before


LISTS = [e for e in TABLE if e.method == "GET" and re.fullmatch(r"sites/\{site\}/\w+", e.path)]


@pytest.mark.parametrize("endpoint", LISTS, ids=[e.name for e in LISTS])
def test_lists_hold_nothing_of_another_site(acme, foreign, endpoint):
    _ids, names = foreign
    site = acme.site(ABROAD)
    raw = Raw(acme).sign_in("admin", site=HOME)
    text = raw.get(f"{fill(endpoint.path, {}, raw.site)}?fields=_all_&pageSize=1000").text
    found = set(re.findall(r'id="([^"]+)"', text))
    assert not found & (set(site.users) | set(site.groups) | set(site.contents) | set(site.group_sets))
    assert not told(text) & names


def test_a_search_finds_nothing_of_another_site(acme, foreign):
    _ids, names = foreign
    raw = Raw(acme).sign_in("admin", site=HOME)
    answer = raw.call("GET", "search?limit=2000", version="-", json=True)
    listed = {hit["content"]["luid"] for hit in answer.json()["hits"]["items"]}
    assert listed
    assert not listed & set(acme.site(ABROAD).contents)
    assert not told(answer.text) & names


def test_ids_of_another_site_in_bodies_and_queries(acme, foreign):
    ids, _names = foreign
    raw = Raw(acme).sign_in("admin", site=HOME)
    home, before = acme.site(HOME), acme.site(ABROAD)
    own = {c.kind: c.id for c in home.contents.values()}
    group = next(g.id for g in home.groups.values() if not g.everyone)
    own_user = next(u.id for u in home.users.values() if u.site_role == "Viewer")
    grantee = '<tsRequest><permissions><granteeCapabilities><{0} id="{1}"/><capabilities><capability name="Read"'
    grantee += ' mode="Allow"/></capabilities></granteeCapabilities></permissions></tsRequest>'
    attempts = [
        ("POST", f"groups/{group}/users", f'<tsRequest><user id="{ids["user"]}"/></tsRequest>'),
        ("POST", f"groups/{group}/users", f'<tsRequest><users><user id="{ids["user"]}"/></users></tsRequest>'),
        ("PUT", f"groups/{group}/users/remove", f'<tsRequest><users><user id="{ids["user"]}"/></users></tsRequest>'),
        ("POST", "projects", f'<tsRequest><project name="X" parentProjectId="{ids["project"]}"/></tsRequest>'),
        ("POST", "projects", f'<tsRequest><project name="X"><owner id="{ids["user"]}"/></project></tsRequest>'),
        ("PUT", f"projects/{own['project']}", f'<tsRequest><project parentProjectId="{ids["project"]}"/></tsRequest>'),
        (
            "PUT",
            f"workbooks/{own['workbook']}",
            f'<tsRequest><workbook><project id="{ids["project"]}"/></workbook></tsRequest>',
        ),
        (
            "PUT",
            f"workbooks/{own['workbook']}",
            f'<tsRequest><workbook><owner id="{ids["user"]}"/></workbook></tsRequest>',
        ),
        ("DELETE", f"users/{own_user}?mapAssetsTo={ids['user']}", None),
        ("DELETE", f"workbooks/{own['workbook']}/permissions/users/{ids['user']}/Read/Allow", None),
        ("PUT", "projects/" + own["project"] + "/permissions", grantee.format("user", ids["user"])),
        ("PUT", "projects/" + own["project"] + "/permissions", grantee.format("group", ids["group"])),
        ("PUT", "projects/" + own["project"] + "/permissions", grantee.format("groupSet", ids["groupset"])),
    ]
    for method, path, body in attempts:
        assert error(raw.call(method, f"{{s}}/{path}", body))[0] in (403, 404), path
    assert acme.site(ABROAD) is before
    assert acme.site(HOME).contents == home.contents
    assert acme.site(HOME).users.keys() == home.users.keys()


def test_signing_in_to_a_site_one_is_not_on_tells_nothing(acme):
    stranger = next(
        u.name for u in acme.site(ABROAD).users.values() if not acme.site(HOME).users_named(u.name) and u.last_login
    )
    raw = Raw(acme).sign_in(stranger, site=ABROAD)
    known = raw.call("POST", "auth/switchSite", f'<tsRequest><site contentUrl="{HOME}"/></tsRequest>')
    unknown = raw.call("POST", "auth/switchSite", '<tsRequest><site contentUrl="nowhere"/></tsRequest>')
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    sites = raw.xml("sites")
    assert [s.get("contentUrl") for s in sites[1]] == [ABROAD]


def test_a_person_on_two_sites_is_two_users(acme):
    both = {u.name for u in acme.site(HOME).users.values()} & {u.name for u in acme.site("acme-europe").users.values()}
    assert "admin" in both
    for name in both:
        assert acme.site(HOME).find_user(name).id != acme.site("acme-europe").find_user(name).id
