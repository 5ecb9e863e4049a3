"""What lists and settings say reaches Tableau: details, authentication, heirs, groups; or it is told why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from provisioning import GROUP, Bench, bench, world

from tabwarden.model.errors import SettingsError, UnknownName
from tabwarden.model.site import ALLOW, Content, Grantee, Group, Rule
from tabwarden.model.takes import Authentication, IdentityProvider, SiteTakes
from tabwarden.plan.plan import Plan
from tabwarden.report.plans import contents_table
from tabwarden.run.read import Listener, read_and_keep
from tabwarden.sandbox.state.personality import personality
from tabwarden.tableau.read.site import Wishes

COLUMN = {"name": "login", "full_name": "name", "email": "mail", "auth_setting": "auth"}
SALES = Group("g-sales", "Sales", members=frozenset({"u-vic@a.example", "u-una@a.example"}))
OKTA, PING = IdentityProvider("idp-1", "Okta", "SAML"), IdentityProvider("idp-2", "Ping", "SAML")
GOOGLE = IdentityProvider("idp-3", "Google", "OpenID")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path, world(more_groups=(SALES,))) as opened:
        yield opened


def listed(desk: Bench, *rows: str) -> None:
    """Joiners with all their columns."""
    path = desk.folder / "joiners.csv"
    path.write_text("\n".join(["login,name,mail,auth", *rows]) + "\n", encoding="utf-8")
    desk.more["sources"] = {"joiners": {"type": "file", "path": str(path), "column": COLUMN}}


def user(desk: Bench, name: str):
    (one,) = desk.site.users_named(name)
    return desk.site.users[one]


def remarks(plan: Plan) -> str:
    return "\n".join((*plan.notes, *(f"{held.person}: {held.reason}" for held in plan.held)))


# -- details and authentication -------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [1, 15], ids=["one by one", "by a job"])
def test_names_and_addresses_are_written_and_taken_back(desk: Bench, many: int) -> None:
    new = [f"n{number}@a.example,New {number},n{number}@mail.example," for number in range(many)]
    listed(desk, *new, 'una@a.example,"Lee, Una",una@mail.example,')
    before = user(desk, "una@a.example")
    assert desk.run().succeeded
    for name, shown in (("n0@a.example", "New 0"), ("una@a.example", "Lee, Una")):
        assert (user(desk, name).full_name, user(desk, name).email) == (shown, name.replace("a.", "mail."))
    assert desk.plan().changes == ()
    assert desk.apply(desk.undo(), *(f"users-removed={many}" for _ in range(many > 5))).succeeded
    assert replace(user(desk, "una@a.example"), auth_setting=before.auth_setting) == before


def test_on_cloud_names_are_told_and_not_written(tmp_path: Path) -> None:
    with bench(tmp_path, plays=personality("cloud")) as desk:
        listed(desk, "new@a.example,New One,,", "una@a.example,Una Lee,,")
        plan = desk.plan()
        assert "on Tableau Cloud people set their display name" in remarks(plan)
        assert desk.apply(plan).succeeded
        assert desk.plan().changes == ()


@pytest.mark.parametrize(
    ("providers", "words", "expected"),
    [
        (None, " saml", Authentication("SAML")),
        ((), "Open ID", Authentication("OpenID")),
        (None, "Tableau with MFA", Authentication("TableauIDWithMFA")),
        ((OKTA, GOOGLE), "google", Authentication("OpenID", "idp-3")),
        ((OKTA, GOOGLE), "idp-1", Authentication("SAML", "idp-1")),
        ((OKTA, GOOGLE), "SAML", Authentication("SAML", "idp-1")),
        ((OKTA, PING), "SAML", "several identity providers"),
        ((OKTA,), "OpenID", "it offers `Okta` (SAML), `ServerDefault`"),
        ((GOOGLE,), "Gogle", "near it: `Google`"),
        (None, "Kerberos", "is no authentication of the site"),
    ],
)
def test_an_authentication_is_one_that_the_site_offers(providers, words: str, expected: object) -> None:
    takes = SiteTakes(providers=providers)
    if isinstance(expected, Authentication):
        assert takes.authentication(words) == expected
    else:
        with pytest.raises(Exception, match=r".") as told:
            takes.authentication(words)
        assert str(expected) in str(told.value)


def test_how_people_sign_in_is_checked_told_and_changed(desk: Bench) -> None:
    desk.sandbox.state.providers[desk.site.id] = (OKTA, GOOGLE)
    listed(desk, "new@a.example,,,google", "una@a.example,,,Okta", "bad@a.example,,,Magic")
    plan = desk.plan()
    assert "bad@a.example: authentication: `Magic` is no authentication of the site" in remarks(plan)
    assert "1 sign in otherwise than is said" in remarks(plan)
    desk.provision = {"change_auth": True}
    assert desk.run().succeeded
    signs = {
        n: (user(desk, n).auth_setting, user(desk, n).idp_configuration_id) for n in ("new@a.example", "una@a.example")
    }
    assert signs == {"new@a.example": ("OpenID", "idp-3"), "una@a.example": ("SAML", "idp-1")}
    assert desk.plan().changes == ()
    desk.provision = {"idp_configuration_id": "nowhere"}
    with pytest.raises(UnknownName, match="`nowhere` is no authentication"):
        desk.plan()


# -- leavers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("heir", "left"), [("vic@a.example", "Unlicensed"), ("cleo@a.example", None)])
def test_an_heir_who_may_not_own_leaves_no_licence_behind(tmp_path: Path, heir: str, left: str | None) -> None:
    with bench(tmp_path, world({**STAFF, "olga@a.example": "Creator"})) as desk:
        project = Content("p-olga", "project", "Hers", None, "u-olga@a.example")
        desk.change_site(desk.site.with_contents(project))
        desk.provision = {"remove_leavers": True, "assets_to": heir}
        desk.leavers("olga@a.example")
        plan = desk.plan()
        assert ("may not own; kept as Unlicensed" in remarks(plan)) is (left is not None)
        assert desk.apply(plan).succeeded
        assert desk.role("olga@a.example") == left


STAFF: Mapping[str, str] = {
    "ada": "ServerAdministrator",
    "cleo@a.example": "Creator",
    "vic@a.example": "Viewer",
    "una@a.example": "Unlicensed",
}


def test_an_heir_without_removal_is_refused_and_owners_are_named(tmp_path: Path) -> None:
    with bench(tmp_path, world(owners=("vic@a.example",))) as desk:
        desk.leavers("vic@a.example")
        assert "own content and keep it without a licence: `vic@a.example` (workbook)" in remarks(desk.plan())
        desk.provision = {"assets_to": "cleo@a.example"}
        with pytest.raises(SettingsError, match="does nothing without `remove_leavers`"):
            desk.plan()


@pytest.mark.parametrize("everywhere", [True, False])
def test_leavers_leave_all_groups_by_setting(desk: Bench, everywhere: bool) -> None:
    desk.provision = {"remove_leavers_from_all_groups": everywhere}
    desk.leavers("vic@a.example")
    assert desk.run().succeeded
    assert ("vic@a.example" in desk.members("Sales")) is not everywhere


def test_what_a_change_of_the_group_does_to_its_members_is_impact(desk: Bench) -> None:
    desk.joiners("una@a.example")
    assert desk.plan().impact.eligible == ("una@a.example",)
    desk.provision = {"group": {"name": GROUP, "minimum_site_role": "Explorer"}}
    assert set(desk.plan().impact.eligible) == {"una@a.example", "vic@a.example"}
    desk.provision = {"group": {"name": GROUP, "minimum_site_role": "Creator"}}
    assert desk.run().succeeded
    desk.provision = {"group": {"name": GROUP, "minimum_site_role": "Viewer"}}
    (change,) = desk.plan().changes
    assert change.because.endswith("by it no longer raised to Creator: `una@a.example`, `vic@a.example`")


def test_the_way_back_of_a_leaver_tells_who_sees_what_as_the_way_there_did(tmp_path: Path) -> None:
    with bench(tmp_path, world(owners=("vic@a.example",))) as desk:
        desk.leavers("vic@a.example")
        read_and_keep(desk.settings, Wishes(), Listener(print))
        there = desk.plan()
        assert desk.apply(there).succeeded
        back = desk.undo()
        assert there.impact.contents
        assert back.impact.contents
        lost = [(one.path, one.lost) for one in there.impact.contents]
        assert [(one.path, one.gained) for one in back.impact.contents] == lost
        assert [note for note in back.notes if "sight of content is told by the snapshot" in note]
        table = contents_table(replace(there.impact, contents=there.impact.contents * 3))
        assert len(table.rows) == 1  # a line for the same people, however much it is


def test_an_older_plan_about_people_is_judged_by_the_invariants_of_today(desk: Bench) -> None:
    rule = Rule(Grantee("group", "g-grant"), "Read", ALLOW)
    seen = replace(desk.site.contents["p-default"], rules=frozenset({rule}))
    desk.change_site(replace(desk.site, contents={seen.id: seen}))
    desk.joiners("cleo@a.example")
    plan = desk.plan()
    assert not plan.stops
    path = desk.folder / "invariants.yaml"
    path.write_text("invariants:\n- {name: not cleo, nobody: user cleo@a.example, may: View, on: Default}\n")
    (stop,) = desk.apply(plan).stops
    assert (stop.id, stop.waivable) == ("invariant-broken", False)
    assert "no content of the site was read" in stop.sentence
    read_and_keep(desk.settings, Wishes(), Listener(print))
    (stop,) = desk.apply(plan).stops
    assert "`not cleo` would be broken once: `cleo@a.example may View Default`" in stop.sentence
    path.unlink()
    assert desk.apply(plan).succeeded
