"""Signing in through Tableau's own client and over the bare line, and how sessions end."""

from __future__ import annotations

import jwt
import pytest
from sandbox_client import TSC, Raw, error, everything, tsc
from watchdog import patience

from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality

CLIENT = "5ab9a1f0-0c4e-4a9d-8f0b-000000000001"
SECRET_ID = "5ab9a1f0-0c4e-4a9d-8f0b-000000000002"
SECRET = "sandbox-connected-app-secret-of-32-bytes"


def token_for(clock, **changed):
    claims = {"iss": CLIENT, "aud": "tableau", "sub": "cleo", "exp": clock.now + 300, "jti": "1", "scp": ["tableau:*"]}
    headers = {"kid": changed.pop("kid", SECRET_ID), "iss": CLIENT}
    return jwt.encode({**claims, **changed}, changed.pop("secret", SECRET), "HS256", headers)


def test_password_gives_token_site_and_user(box):
    server = TSC.Server(box.url)
    with server.auth.sign_in(TSC.TableauAuth("ada", "ada", "sandbox")):
        assert server.auth_token
        assert server.site_id == box.site("sandbox").id
        assert server.user_id == box.site("sandbox").find_user("ada").id
        assert {u.name for u in everything(server.users)} >= {"ada", "una"}


def test_names_and_sites_match_in_any_letter_case(box):
    with tsc(box, "ADA", "ada", "SandBox") as server:
        assert server.user_id == box.site("sandbox").find_user("ada").id


def test_access_token_at_2_4_then_everything_at_the_servers_version(box):
    server = TSC.Server(box.url, use_server_version=True)
    server.auth.sign_in(TSC.PersonalAccessTokenAuth("tok", "sec", "sandbox"))
    assert server.version == "3.27"
    assert len(everything(server.users)) == 8
    versions = [entry.path.split("/")[2] for entry in box.log.entries]
    assert versions == ["2.4", "2.4", "3.27"]


def test_an_access_token_has_one_live_session(box):
    first, second = TSC.Server(box.url), TSC.Server(box.url)
    first.auth.sign_in(TSC.PersonalAccessTokenAuth("tok", "sec", "sandbox"))
    second.auth.sign_in(TSC.PersonalAccessTokenAuth("tok", "sec", "sandbox"))
    with pytest.raises(TSC.FailedSignInError) as refused:
        first.users.get()
    assert refused.value.code == "401002"
    assert second.users.get()[1].total_available == 8


def test_an_access_token_dies_after_15_days_without_use(box, clock):
    auth = TSC.PersonalAccessTokenAuth("tok", "sec", "sandbox")
    clock.now += 14 * 86400
    TSC.Server(box.url).auth.sign_in(auth)
    clock.now += 16 * 86400
    with pytest.raises(TSC.FailedSignInError):
        TSC.Server(box.url).auth.sign_in(auth)


@pytest.mark.parametrize(
    ("name", "password", "site"),
    [
        ("ada", "wrong", "sandbox"),
        ("nobody", "nobody", "sandbox"),
        ("ada", "ada", "elsewhere"),
        ("ada", "", "sandbox"),
        ("una", "una", "sandbox"),
    ],
    ids=["password", "name", "site", "no password", "unlicensed"],
)
def test_what_does_not_sign_in_is_401001(box, name, password, site):
    body = (
        f'<tsRequest><credentials name="{name}" password="{password}"><site contentUrl="{site}"/>'
        "</credentials></tsRequest>"
    )
    assert error(Raw(box).call("POST", "auth/signin", body)) == (401, "401001")
    with pytest.raises(TSC.FailedSignInError):
        TSC.Server(box.url).auth.sign_in(TSC.TableauAuth(name, password, site))


def test_a_wrong_secret_is_401001(box):
    with pytest.raises(TSC.FailedSignInError):
        TSC.Server(box.url).auth.sign_in(TSC.PersonalAccessTokenAuth("tok", "no", "sandbox"))


def test_unlicensed_signs_in_when_a_group_grants_a_role(box, server):
    group = next(g for g in everything(server.groups) if g.name == "GLOL-Viewers")
    una = box.site("sandbox").find_user("una")
    server.groups.add_user(group, una.id)
    with tsc(box, "una") as hers:
        assert hers.users.get_by_id(una.id).site_role == "Viewer"
    assert box.site("sandbox").users[una.id].site_role == "Viewer"


def test_jwt_signs_in_as_its_subject(box, clock):
    server = TSC.Server(box.url, use_server_version=True)
    server.version = "3.27"
    with server.auth.sign_in(TSC.JWTAuth(token_for(clock), site_id="sandbox")):
        assert server.users.get_by_id(server.user_id).name == "cleo"


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "elsewhere"},
        {"exp": -100},
        {"exp": +3600},
        {"sub": "nobody"},
        {"sub": "una"},
        {"iss": "another"},
        {"kid": "another"},
    ],
    ids=lambda c: "-".join(f"{k}={v}" for k, v in c.items()),
)
def test_a_jwt_with_something_wrong_is_401001(box, clock, changed):
    if "exp" in changed:
        changed = {"exp": clock.now + changed["exp"]}
    server = TSC.Server(box.url)
    server.version = "3.27"
    with pytest.raises(TSC.FailedSignInError) as refused:
        server.auth.sign_in(TSC.JWTAuth(token_for(clock, **changed), site_id="sandbox"))
    assert refused.value.code == "401001"


def test_a_jwt_signed_with_another_secret_is_401001(box, clock):
    claims = {"iss": CLIENT, "aud": "tableau", "sub": "cleo", "exp": clock.now + 300}
    forged = jwt.encode(claims, "another-secret-of-at-least-32-bytes!", "HS256", {"kid": SECRET_ID})
    unsigned = jwt.encode(claims, None, "none", {"kid": SECRET_ID})
    for words in (forged, unsigned, "nonsense"):
        server = TSC.Server(box.url)
        server.version = "3.27"
        with pytest.raises(TSC.FailedSignInError):
            server.auth.sign_in(TSC.JWTAuth(words, site_id="sandbox"))


def test_switching_to_the_same_site_is_no_error_for_the_client(box, server):
    before = server.auth_token
    server.auth.switch_site(server.sites.get_by_id(server.site_id))
    assert server.auth_token == before
    assert server.users.get()[1].total_available == 8


def test_switching_to_the_same_site_is_403070(raw):
    body = '<tsRequest><site contentUrl="sandbox"/></tsRequest>'
    assert error(raw.call("POST", "auth/switchSite", body)) == (403, "403070")


def test_switching_gives_a_new_token_and_ends_the_old(clock):
    with running("acme", clock=clock) as box:
        raw = Raw(box).sign_in("admin", site="acme")
        body = '<tsRequest><site contentUrl="acme-lab"/></tsRequest>'
        answer = raw.call("POST", "auth/switchSite", body, json=True).json()["credentials"]
        assert error(raw.get("sessions/current")) == (401, "401002")
        raw.token = answer["token"]
        assert raw.get("sessions/current", json=True).json()["session"]["site"]["contentUrl"] == "acme-lab"


def test_a_token_is_dead_after_signing_out(box):
    server = TSC.Server(box.url)
    server.auth.sign_in(TSC.TableauAuth("ada", "ada", "sandbox"))
    raw = Raw(box, token=server.auth_token, site=server.site_id)
    assert raw.get("{s}/users").status_code == 200
    server.auth.sign_out()
    with pytest.raises(TSC.server.endpoint.exceptions.NotSignedInError):
        server.users.get()
    assert error(raw.get("{s}/users")) == (401, "401002")


def test_no_token_and_a_garbage_token(box):
    raw = Raw(box, site=box.site("sandbox").id)
    assert error(raw.get("{s}/users")) == (401, "401000")
    raw.token = "garbage"
    assert error(raw.get("{s}/users")) == (401, "401002")


def test_a_token_dies_of_idleness_and_lives_by_use(box, clock, raw):
    for _ in range(3):
        clock.now += 239 * 60
        assert raw.get("{s}/users").status_code == 200
    clock.now += 241 * 60
    assert error(raw.get("{s}/users")) == (401, "401002")


def test_the_answer_tells_how_long_a_token_lives(box):
    body = '<tsRequest><credentials name="ada" password="ada"><site contentUrl="sandbox"/></credentials></tsRequest>'
    answer = Raw(box).call("POST", "auth/signin", body, json=True).json()
    assert answer["credentials"]["estimatedTimeToExpiration"] == "3:59:59"


def test_the_session_of_a_removed_user_ends(box, server):
    una = Raw(box).sign_in("vic")
    server.users.remove(una.user)
    assert error(una.get("sessions/current")) == (401, "401002")


def test_server_info_answers_at_any_version_in_any_case(box):
    for path in ("/API/2.4/SERVERINFO", "/api/2.4/serverInfo/", "/api/3.99/serverinfo", "/api/exp/serverInfo"):
        answer = Raw(box).http.get(box.url + path, headers={"Accept": "application/json"}, timeout=patience(10))
        assert answer.status_code == 200, path
        assert answer.json()["serverInfo"]["restApiVersion"] == "3.27"
        assert answer.json()["serverInfo"]["productVersion"]["value"] == "2025.3.0"


def test_impersonation_is_for_server_administrators(box):
    vic = box.site("sandbox").find_user("vic")
    server = TSC.Server(box.url, use_server_version=True)
    with server.auth.sign_in(TSC.TableauAuth("ada", "ada", "sandbox", vic.id)):
        assert server.user_id == vic.id
    with pytest.raises(TSC.FailedSignInError):
        TSC.Server(box.url).auth.sign_in(TSC.TableauAuth("sam", "sam", "sandbox", vic.id))


def test_old_servers_know_no_tokens_and_no_jwt(clock):
    with running("w0", clock=clock, plays=personality("server", "3.4")) as box:
        body = (
            '<tsRequest><credentials personalAccessTokenName="tok" personalAccessTokenSecret="sec">'
            '<site contentUrl="sandbox"/></credentials></tsRequest>'
        )
        assert error(Raw(box, version="3.4").call("POST", "auth/signin", body)) == (400, "400003")
        assert Raw(box, version="3.4").sign_in().token


def test_session_tells_who_and_where(raw, box):
    found = raw.get("sessions/current", json=True).json()["session"]
    assert found["user"] == {"id": raw.user, "name": "ada", "siteRole": "ServerAdministrator"}
    assert found["site"]["contentUrl"] == "sandbox"
    assert found.keys() == {"site", "user"}


def test_revoking_administrators_tokens(box, server):
    server.auth.revoke_all_server_admin_tokens()
    with pytest.raises(TSC.FailedSignInError):
        TSC.Server(box.url).auth.sign_in(TSC.PersonalAccessTokenAuth("tok", "sec", "sandbox"))


def test_a_person_of_the_directory_signs_in_with_domain_or_at(box, raw):
    made = raw.call("POST", "{s}/users", '<tsRequest><user name="CORP\\mia" siteRole="Viewer"/></tsRequest>', json=True)
    mia = made.json()["user"]["id"]
    for written in ("corp.example\\mia", "mia@corp.example", "mia"):
        assert Raw(box).sign_in(written, "mia").user == mia
    raw.call("POST", "{s}/users", '<tsRequest><user name="mia" siteRole="Viewer"/></tsRequest>')
    with tsc(box, "corp.example\\mia", "mia") as server:
        assert server.user_id == mia


@pytest.mark.parametrize(
    ("scope", "may", "may_not"),
    [
        ("tableau:content:read", "GET workbooks", "GET users"),
        ("tableau:content:read", "GET projects", "DELETE projects/{project}"),
        ("tableau:content:read", "GET datasources", "GET site-auth-configurations"),
        ("tableau:users:read", "GET users", "GET groups"),
        ("tableau:groups:*", "DELETE groups/{group}", "GET projects"),
        ("tableau:groups:update", "DELETE groups/{group}/users/{user}", "DELETE groups/{group}"),
        ("tableau:permissions:read", "GET projects/{project}/permissions", "GET projects"),
        ("tableau:permissions:read", "GET projects/{project}/permissions", "GET views/{view}/image"),
    ],
)
def test_a_connected_app_does_what_its_scopes_say_and_401002_else(box, clock, scope, may, may_not):
    """Scopes as "Access Scopes for Connected Apps" lists them."""
    server = TSC.Server(box.url)
    server.version = "3.27"
    server.auth.sign_in(TSC.JWTAuth(token_for(clock, scp=[scope], sub="ada"), site_id="sandbox"))
    raw = Raw(box, token=server.auth_token, site=server.site_id)
    site = box.site("sandbox")
    group = next(one for one in site.groups.values() if one.members and not one.everyone)
    ids = {kind: next(c.id for c in site.contents.values() if c.kind == kind) for kind in ("project", "view")}
    ids |= {"group": group.id, "user": min(group.members)}
    for words, code in ((may_not, "401002"), (may, "")):
        method, _, path = words.format(**ids).partition(" ")
        answer = raw.call(method, f"{{s}}/{path}")
        assert (error(answer)[1] if answer.status_code >= 400 else "") == code
