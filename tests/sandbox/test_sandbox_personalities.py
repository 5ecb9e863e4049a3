"""What each played Tableau knows: endpoints and fields by version, Cloud's ways, and the option for every belief."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from sandbox_client import TSC, Raw, by_name, error, everything
from tableauserverclient.server.exceptions import EndpointUnavailableError
from test_sandbox_signin import token_for
from test_sandbox_state import process

from sandbox_coverage import page
from tabwarden.model.errors import SettingsError
from tabwarden.run.open_snapshot import open_point_words
from tabwarden.sandbox.http import errors
from tabwarden.sandbox.http.endpoints import ROUTER, TABLE
from tabwarden.sandbox.http.errors import CODES, Refusal
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.http.wire import LARGEST
from tabwarden.sandbox.serve import ServeOptions, run
from tabwarden.sandbox.state.personality import (
    BELIEVED,
    OPTIONS,
    PRODUCT_OF_API,
    Personality,
    as_pair,
    personality,
    played,
)
from tabwarden.sandbox.worlds.finding import as_cloud, find_world

VERSIONS = sorted(PRODUCT_OF_API, key=as_pair)
ASKED_FOR = ("2.8", "3.0", "3.4", "3.11", "3.17", "3.27")


def tsc_at(box, version):
    """Tableau's own client, made to speak one version and signed in."""
    server = TSC.Server(box.url)
    server.version = version
    server.auth.sign_in(TSC.TableauAuth("ada", "ada", "sandbox"))
    return server


@pytest.fixture
def at(clock):
    """A sandbox that plays a version, with a raw client of that version: `box, raw = at("2.8")`."""
    opened = []

    def opening(version):
        context = running("w0", clock=clock, plays=personality("server", version))
        box = context.__enter__()
        opened.append(context)
        return box, Raw(box, version=version).sign_in()

    yield opening
    for context in opened:
        context.__exit__(None, None, None)


def one(raw, path, kind):
    return raw.get(path, json=True).json()[kind]


def listed(raw, plural, name, query="?fields=_all_"):
    items = one(raw, f"{{s}}/{plural}{query}", plural)[plural.removesuffix("s")]
    return next(item for item in items if item["name"] == name)


# -- endpoints ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_an_endpoint_answers_from_its_version_on_and_not_before(version):
    plays = personality("server", version)
    for endpoint in TABLE:
        path = f"/api/{version}/{endpoint.path.replace('{', '').replace('}', '')}"
        try:
            found = ROUTER.find(endpoint.method, path, plays).endpoint.name == endpoint.name
        except Refusal:
            found = False
        assert found == (endpoint.within(version) or endpoint.path == "serverinfo"), endpoint.name


# What Tableau's client calls, and the version its own guard and our table name.
CALLS = {
    "2.0": lambda s: [s.users.get(), s.groups.get(), s.projects.get(), s.workbooks.get(), s.datasources.get()],
    "2.2": lambda s: s.views.get(),
    "3.1": lambda s: [s.jobs.get(), s.views.get_by_id(s.views.get()[0][0].id)],
    "3.3": lambda s: s.flows.get(),
    "3.7": lambda s: s.users.populate_groups(s.users.get()[0][0]),
    "3.18": lambda s: s.virtual_connections.get(),
    "3.22": lambda s: s.group_sets.get(),
}


@pytest.mark.parametrize("version", ASKED_FOR)
def test_tableaus_client_finds_what_its_version_has(at, version):
    box, _raw = at(version)
    server = tsc_at(box, version)
    assert server.server_info.get().rest_api_version == version
    assert server.server_info.get().product_version == PRODUCT_OF_API[version]
    for since, call in CALLS.items():
        if as_pair(since) <= as_pair(version):
            call(server)
        else:
            with pytest.raises(EndpointUnavailableError):
                call(server)
    assert not [e for e in box.log.entries if e.status >= 400]


@pytest.mark.parametrize("version", ASKED_FOR)
def test_tableaus_client_writes_in_every_version(at, version):
    box, _raw = at(version)
    server = tsc_at(box, version)
    user = server.users.add(TSC.UserItem("new", "Viewer"))
    group = server.groups.create(TSC.GroupItem("Crew"))
    server.groups.add_user(group, user.id)
    project = server.projects.create(TSC.ProjectItem("P"))
    book = by_name(everything(server.workbooks), "W1")
    book.project_id = project.id
    server.workbooks.update(book)
    server.workbooks.update_permissions(book, [TSC.PermissionsRule(group, {"Read": "Allow"})])
    server.workbooks.populate_permissions(book)
    assert any(rule.grantee.id == group.id for rule in book.permissions)
    server.users.remove(user.id)
    site = box.site("sandbox")
    assert site.contents[book.id].parent == project.id
    assert not site.users_named("new")


def test_builds_look_like_builds():
    assert personality("server", "2.8").build == "10500.25.1120.0000"
    assert personality("server", "3.0").build == "20181.25.1120.0000"
    assert personality().build == "20253.25.1120.0000"


# -- fields and words -----------------------------------------------------------------------------------------


def test_before_3_0_site_roles_had_other_names(at):
    box, raw = at("2.8")
    roles = {u["name"]: u["siteRole"] for u in one(raw, "{s}/users", "users")["user"]}
    assert roles == {
        "ada": "ServerAdministrator",
        "sam": "SiteAdministrator",
        "carl": "Publisher",
        "cleo": "Publisher",
        "eve": "Publisher",
        "egon": "Publisher",
        "vic": "Viewer",
        "una": "Unlicensed",
    }
    assert tsc_at(box, "2.8").users.get()[0][1].site_role == "SiteAdministrator"


@pytest.mark.parametrize("role", ["Creator", "Explorer", "ExplorerCanPublish", "SiteAdministratorCreator"])
def test_before_3_0_todays_roles_are_unknown(at, role):
    _box, raw = at("2.8")
    body = f'<tsRequest><user name="new" siteRole="{role}"/></tsRequest>'
    assert error(raw.call("POST", "{s}/users", body)) == (400, "400013")
    added = raw.call("POST", "{s}/users", body.replace(role, "Interactor"), json=True)
    assert added.json()["user"]["siteRole"] == "Interactor"


def test_from_3_0_on_roles_are_todays_and_seats_are_told(at):
    _box, raw = at("3.0")
    assert listed(raw, "users", "carl")["siteRole"] == "Creator"
    body = '<tsRequest><user name="new" siteRole="Creator"/></tsRequest>'
    assert raw.call("POST", "{s}/users", body).status_code == 201


def test_seats_by_tier_came_with_the_roles(clock):
    with running("acme", clock=clock) as box:
        raw = Raw(box).sign_in("admin", site="acme")
        assert "tierCreatorCapacity" in raw.get("{s}", json=True, version="3.0").json()["site"]
        assert "tierCreatorCapacity" not in raw.get("{s}", json=True, version="2.8").json()["site"]


@pytest.mark.parametrize(
    ("plural", "name", "field", "without", "since"),
    [
        ("groups", "GLOL-Viewers", "minimumSiteRole", "3.4", "3.11"),
        ("users", "ada", "language", "3.4", "3.11"),
        ("projects", "Ops", "writeable", "3.0", "3.4"),
        ("projects", "Ops", "contentsCounts", "3.11", "3.17"),
        ("workbooks", "W1", "encryptExtracts", "3.4", "3.11"),
        ("workbooks", "W1", "webpageUrl", "3.0", "3.4"),
    ],
)
def test_fields_came_with_their_version(at, plural, name, field, without, since):
    _box, raw = at("3.27")
    older, newer = (Raw(raw.box, v, raw.token, raw.site) for v in (without, since))
    assert field not in listed(older, plural, name)
    assert field in listed(newer, plural, name)


def test_the_lock_of_a_single_project_came_with_3_8(at):
    _box, raw = at("3.27")
    ops = listed(raw, "projects", "Ops")["id"]
    body = '<tsRequest><project contentPermissions="LockedToProjectWithoutNested"/></tsRequest>'
    assert error(raw.call("PUT", f"{{s}}/projects/{ops}", body, version="3.4")) == (400, "400008")
    assert raw.call("PUT", f"{{s}}/projects/{ops}", body, version="3.11").status_code == 200
    older = Raw(raw.box, "3.4", raw.token, raw.site)
    assert listed(older, "projects", "Ops")["contentPermissions"] == "LockedToProject"
    assert listed(raw, "projects", "Ops")["contentPermissions"] == "LockedToProjectWithoutNested"


# -- cloud ----------------------------------------------------------------------------------------------------


@pytest.fixture
def cloud(clock):
    with running("w0", clock=clock, plays=personality("cloud")) as box:
        yield box


def signed_in(box, auth):
    server = TSC.Server(box.url, use_server_version=True)
    server.auth.sign_in(auth)
    return server


def test_mfa_refuses_passwords_and_takes_tokens(cloud, clock):
    with pytest.raises(TSC.FailedSignInError) as refused:
        signed_in(cloud, TSC.TableauAuth("ada", "ada", "sandbox"))
    assert refused.value.code == "401001"
    for auth in (
        TSC.PersonalAccessTokenAuth("tok", "sec", "sandbox"),
        TSC.JWTAuth(token_for(clock), site_id="sandbox"),
    ):
        assert signed_in(cloud, auth).projects.get()[1].total_available


def test_cloud_lists_no_sites_and_wants_mail_addresses(cloud):
    server = signed_in(cloud, TSC.PersonalAccessTokenAuth("tok", "sec", "sandbox"))
    with pytest.raises(TSC.ServerResponseError) as refused:
        server.sites.get()
    assert refused.value.code == "403069"
    with pytest.raises(TSC.ServerResponseError) as refused:
        server.users.add(TSC.UserItem("plain", "Viewer"))
    assert refused.value.code == "400003"
    assert server.users.add(TSC.UserItem("new@x.y", "Viewer")).id


@pytest.mark.parametrize("tells", [True, False])
def test_the_hourly_cap_counts_by_user_and_site(clock, tells):
    plays = replace(personality(), calls_per_hour=3, cap_tells_when=tells)
    with running("w0", clock=clock, plays=plays) as box:
        ada, cleo = Raw(box).sign_in(), Raw(box).sign_in("cleo")
        again = Raw(box).sign_in()
        assert [raw.get("{s}/projects").status_code for raw in (ada, ada, again)] == [200] * 3
        clock.now += 600
        refused = ada.get("{s}/projects")
        assert error(refused) == (429, "429000")
        assert refused.headers.get("Retry-After") == ("3000" if tells else None)
        assert cleo.get("{s}/projects").status_code == 200
        assert ada.get("serverinfo").status_code == 200
        clock.now += 3000
        assert ada.get("{s}/projects").status_code == 200


def test_cloud_caps_at_forty_thousand_and_server_does_not():
    assert personality("cloud").calls_per_hour == 40_000
    assert personality().calls_per_hour == 0


def test_the_command_plays_cloud_with_mail_addresses_and_switches(tmp_path):
    options = ("--world", "w0", "--personality", "cloud", "--play", "lists_sites=on", "--play", "calls_per_hour=2")
    with process(*options) as (box, _child):
        server = signed_in(box, TSC.PersonalAccessTokenAuth("tok", "sec", "sandbox"))
        assert {u.name for u in server.users.get()[0]} >= {"ada@corp.example", "una@corp.example"}
        assert server.sites.get()[1].total_available == 1
        with pytest.raises(TSC.ServerResponseError) as refused:
            server.users.get()
        assert refused.value.code == "429000"


def test_a_world_of_cloud_keeps_ids_and_gives_everybody_an_address():
    plain = find_world("acme")
    cloudy = as_cloud(plain)
    for before, after in zip(plain.sites, cloudy.sites, strict=True):
        assert before.users.keys() == after.users.keys()
        assert len({u.name for u in after.users.values()}) == len(after.users)
        assert all("@" in u.name for u in after.users.values() if u.domain == "local")
    assert {t.user for t in cloudy.tokens} == {"admin@example.com"}
    assert as_cloud(cloudy) == cloudy


# -- options --------------------------------------------------------------------------------------------------


def test_every_field_of_a_personality_is_a_switch_with_words():
    elsewhere = {"kind", "api_version", "codes", "open_points"}
    assert {field.name for field in fields(Personality)} - elsewhere == set(OPTIONS), "give it words"


@pytest.mark.parametrize(
    ("word", "name", "value"),
    [
        ("opposite_rule=ignore", "opposite_rule", "ignore"),
        ("no-seat-on-add=refuse", "no_seat_on_add", "refuse"),
        ("job_seconds=2.5", "job_seconds", 2.5),
        ("calls_per_hour=10", "calls_per_hour", 10),
        ("lists_sites=off", "lists_sites", False),
        ("password_sign_in=NO", "password_sign_in", False),
        ("code_409010=409004", "codes", {"409010": "409004"}),
    ],
)
def test_a_switch_is_set_by_a_word(word, name, value):
    assert getattr(played(personality(), [word]), name) == value


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("opposite_rule=perhaps", "refuse or ignore"),
        ("lists_sites=maybe", "on or off"),
        ("job_seconds=-1", "a number from 0"),
        ("calls_per_hour=1.5", "a number from 0"),
        ("kind=cloud", "no option"),
        ("code_401001=401009", "no believed code"),
        ("code_409010=abc", "six digits"),
        ("code_409010=200000", "six digits"),
        ("nothing", "no option is written `nothing`"),
        ("unheard_of=1", "no option is written `unheard_of=1`"),
    ],
)
def test_a_wrong_word_is_told(word, told):
    with pytest.raises(SettingsError, match=told):
        played(personality(), [word])
    with pytest.raises(SettingsError, match=told):
        run(ServeOptions(play=(word,)), print)


def test_all_mistakes_are_told_at_once_and_files_are_read(tmp_path):
    path = tmp_path / "play.yaml"
    path.write_text("job_seconds: 3\nlists_sites: no\ncode_409012: 409013\n")
    found = played(personality(), open_point_words([str(path), "job_seconds=4"]))
    assert (found.job_seconds, found.lists_sites, found.codes) == (4.0, False, {"409012": "409013"})
    with pytest.raises(SettingsError) as caught:
        played(personality(), ["lists_sites=maybe", "nowhere=1"])
    assert len(caught.value.problems) == 2
    with pytest.raises(SettingsError, match="no file"):
        list(open_point_words(["nothing"]))
    for text in ("- a", "a: [", "\xff"):
        path.write_text(text, encoding="latin-1")
        with pytest.raises(SettingsError):
            played(personality(), open_point_words([str(path)]))


def test_a_believed_code_can_be_another(clock):
    plays = played(personality(), ["code_413000=409004", "code_404040=400999"])
    with running("w0", clock=clock, plays=plays) as box:
        raw = Raw(box).sign_in()
        large = f"<tsRequest>{' ' * LARGEST}</tsRequest>"
        assert error(raw.call("POST", "{s}/groups", large)) == (409, "409004")
        assert error(raw.get("{s}/groupsets/none")) == (400, "400999")
        assert error(raw.get("{s}/users/none")) == (404, "404002")


def test_every_believed_code_has_a_switch_and_stands_on_the_page():
    assert {code.code for code in CODES.values() if code.mark == "B"} == BELIEVED
    text = "\n".join(page())
    for code in sorted(BELIEVED):
        assert played(Personality(), [f"code_{code}={code}"]).told(code) == code
        assert f"| {code} |" in text
    for name in OPTIONS:
        assert f"| `{name}` |" in text
    assert errors.CODES["429000"].status == 429
