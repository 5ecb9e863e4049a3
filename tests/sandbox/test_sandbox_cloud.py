"""What Cloud answered in the logs of a provisioner, seats, and what Cloud does otherwise than Server."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sandbox_client import TSC, Raw, by_name, error, everything, tsc

from tabwarden.model.seats import free_seats
from tabwarden.model.site import Group
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality
from tabwarden.sandbox.worlds.finding import find_world

# Without MFA, so that the tests may sign in by password.
CLOUD = replace(personality("cloud", "3.16"), password_sign_in=True)


def cloudy(licences=None):
    """w0 as Cloud would have it: users named by e-mail, and seats where asked for."""
    world = find_world("w0")
    site = world.sites[0]
    renamed = site.with_users(*(replace(u, name=f"{u.name}@x.y") for u in site.users.values()))
    accounts = tuple(replace(a, name=f"{a.name}@x.y") for a in world.accounts)
    tokens = tuple(replace(t, user=f"{t.user}@x.y") for t in world.tokens)
    return replace(world, sites=(replace(renamed, licences=licences),), accounts=accounts, tokens=tokens)


@pytest.fixture
def box(clock):
    with running(cloudy(), clock=clock, plays=CLOUD) as sandbox:
        yield sandbox


@pytest.fixture
def raw(box):
    return Raw(box, version="3.16").sign_in("ada@x.y", "ada")


def add(raw, name, role):
    return raw.call("POST", "{s}/users", f'<tsRequest><user name="{name}" siteRole="{role}"/></tsRequest>', json=True)


def held(box, name):
    return box.site("sandbox").find_user(name)


def granting(box):
    return box.site("sandbox").find_group("GLOL-Viewers").id


def join(raw, group, user):
    return raw.call("POST", f"{{s}}/groups/{group}/users", f'<tsRequest><user id="{user}"/></tsRequest>')


# -- the eight answers ----------------------------------------------------------------------------------------


def test_adding_an_unlicensed_user_again_is_201_with_the_same_id(raw, box):
    una = held(box, "una@x.y")
    before = box.site("sandbox")
    answer = add(raw, "una@x.y", "Unlicensed")
    assert answer.status_code == 201
    assert answer.json()["user"]["id"] == una.id
    assert box.site("sandbox") == before


def test_demoting_a_member_of_the_granting_group_by_adding_is_400003(raw, box):
    vic = held(box, "vic@x.y")
    assert join(raw, granting(box), vic.id).status_code == 200
    assert error(add(raw, "vic@x.y", "Unlicensed")) == (400, "400003")
    assert held(box, "vic@x.y").site_role == "Viewer"


def test_a_name_without_at_is_400003_with_the_same_text(raw, box):
    vic = held(box, "vic@x.y")
    join(raw, granting(box), vic.id)
    plain, demoted = add(raw, "plain", "Viewer"), add(raw, "vic@x.y", "Unlicensed")
    assert error(plain) == (400, "400003")
    assert plain.json() == demoted.json()


def test_joining_twice_is_409011_and_leaving_twice_404022(raw, box):
    una, group = held(box, "una@x.y").id, granting(box)
    assert join(raw, group, una).status_code == 200
    assert error(join(raw, group, una)) == (409, "409011")
    assert raw.call("DELETE", f"{{s}}/groups/{group}/users/{una}").status_code == 204
    assert error(raw.call("DELETE", f"{{s}}/groups/{group}/users/{una}")) == (404, "404022")


def test_no_seat_is_409014_and_the_text_names_the_licence(clock):
    with running(cloudy({"Creator": 9, "Explorer": 9, "Viewer": 1}), clock=clock, plays=CLOUD) as box:
        raw = Raw(box, version="3.16").sign_in("ada@x.y", "ada")
        una = held(box, "una@x.y").id
        answer = raw.call("PUT", f"{{s}}/users/{una}", '<tsRequest><user siteRole="Viewer"/></tsRequest>')
        assert error(answer) == (409, "409014")
        assert "licence" in answer.text
        assert held(box, "una@x.y").site_role == "Unlicensed"


def test_a_bad_token_is_401001(box):
    with pytest.raises(TSC.FailedSignInError) as refused:
        TSC.Server(box.url).auth.sign_in(TSC.PersonalAccessTokenAuth("tok", "bad", "sandbox"))
    assert refused.value.code == "401001"


def test_deleted_and_added_again_has_a_new_id(raw, box):
    first = add(raw, "new@x.y", "Viewer").json()["user"]["id"]
    raw.call("DELETE", f"{{s}}/users/{first}")
    assert add(raw, "new@x.y", "Viewer").json()["user"]["id"] != first


# -- seats ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["unlicensed", "refuse"])
def test_adding_without_a_seat(clock, policy):
    plays = replace(CLOUD, no_seat_on_add=policy)
    with running(cloudy({"Viewer": 1}), clock=clock, plays=plays) as box:
        raw = Raw(box, version="3.16").sign_in("ada@x.y", "ada")
        answer = add(raw, "new@x.y", "Viewer")
        if policy == "refuse":
            assert error(answer) == (409, "409014")
            assert not box.site("sandbox").users_named("new@x.y")
        else:
            assert answer.status_code == 201
            assert answer.json()["user"]["siteRole"] == "Unlicensed"


def test_seats_are_told_and_counted(clock):
    with running("acme", clock=clock) as box:
        raw = Raw(box).sign_in("admin", site="acme")
        site = box.site("acme")
        told = raw.get("{s}", json=True).json()["site"]
        assert {tier: told[f"tier{tier}Capacity"] for tier in site.licences} == {
            tier: str(seats) for tier, seats in site.licences.items()
        }
        left = free_seats(site, "Viewer")
        answers = [add(raw, f"v{n}", "Viewer").json()["user"]["siteRole"] for n in range(left + 2)]
        assert answers == ["Viewer"] * left + ["Unlicensed"] * 2


def test_signing_in_without_a_seat_is_refused(clock):
    world = cloudy({"Viewer": 1})
    site = world.sites[0]
    una = site.find_user("una@x.y").id
    group = site.find_group("GLOL-Viewers")
    waiting = replace(world, sites=(site.with_groups(replace(group, members=frozenset({una}))),))
    with running(waiting, clock=clock, plays=CLOUD) as box, pytest.raises(TSC.FailedSignInError):
        TSC.Server(box.url).auth.sign_in(TSC.TableauAuth("una@x.y", "una", "sandbox"))


# -- what else Cloud does -------------------------------------------------------------------------------------


def test_sites_are_not_listed_but_the_own_one_is_told(raw, box):
    assert error(raw.get("sites")) == (403, "403069")
    assert raw.get("{s}").status_code == 200


def test_an_existing_licensed_user_is_a_conflict(raw):
    assert error(add(raw, "vic@x.y", "Viewer")) == (409, "409017")
    assert error(add(raw, "vic@x.y", "Unlicensed")) == (409, "409017")


def test_profile_and_password_are_not_changed_here(box):
    with tsc(box, "ada@x.y", "ada") as server:
        vic = by_name(everything(server.users), "vic@x.y")
        vic.fullname, vic.site_role = "Other", "Explorer"
        server.users.update(vic, password="other")
    assert (held(box, "vic@x.y").full_name, held(box, "vic@x.y").site_role) == ("Vic Viewer", "Explorer")
    assert Raw(box, version="3.16").sign_in("vic@x.y", "vic").token


def test_a_new_user_is_shown_by_a_leading_dot(raw, box):
    add(raw, "new@x.y", "Viewer")
    assert held(box, "new@x.y").full_name == ".new@x.y"


def test_tokens_live_two_hours(raw, clock):
    clock.now += 119 * 60
    assert raw.get("{s}/users").status_code == 200
    clock.now += 121 * 60
    assert error(raw.get("{s}/users")) == (401, "401002")


def test_a_site_without_passwords(clock):
    with running(cloudy(), clock=clock, plays=replace(CLOUD, password_sign_in=False)) as box:
        with pytest.raises(TSC.FailedSignInError):
            TSC.Server(box.url).auth.sign_in(TSC.TableauAuth("ada@x.y", "ada", "sandbox"))
        TSC.Server(box.url).auth.sign_in(TSC.PersonalAccessTokenAuth("tok", "sec", "sandbox"))


def test_all_users_that_grants_keeps_owners(clock):
    world = cloudy()
    site = world.sites[0]
    everyone: Group = replace(site.all_users, minimum_site_role="Viewer", grant_on="onLogin")
    with running(replace(world, sites=(site.with_groups(everyone),)), clock=clock, plays=CLOUD) as box:
        raw = Raw(box, version="3.16").sign_in("ada@x.y", "ada")
        carl = held(box, "carl@x.y").id
        assert error(raw.call("DELETE", f"{{s}}/users/{carl}"))[0] == 409
        assert held(box, "carl@x.y").site_role == "Creator"
