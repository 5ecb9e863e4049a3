"""Nicknames of domains: told, planned, set, taken back; the document's west.na.corp.lan / SEATTLE, sign-in included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from joined_sandbox import Desk, desk_of

from support import command_line
from tabwarden.model.errors import TableauError
from tabwarden.model.site import Site
from tabwarden.plan.file import from_json, to_json
from tabwarden.run.names import domains_of, plan_domains
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.session import Password, SignIn
from tabwarden.want.directory import Directory, Domain
from tabwarden.want.names.domains import DIFFERS, MATCHES, NOT_KNOWN, NOT_READ, DomainLine, listed, nicknames_wanted

WORLD = """
world: seattle
tokens: [{name: tok, secret: sec, user: ada}, {name: sam, secret: sec, user: sam}]
directory:
  joined: true
  domains:
    corp.lan: {netbios: CORP, users: {mia: {}}}
    west.na.corp.lan: {netbios: SEATTLE, users: {jsmith: {display_name: John Smith}, wanda: {}}}
    east.corp.lan: {netbios: EAST, users: {emil: {}}}
sites:
  - name: Site
    content_url: site
    users: {ada: {role: ServerAdministrator}, sam: {role: SiteAdministratorCreator}}
"""
WEST = "west.na.corp.lan"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_of(tmp_path, WORLD, "site") as opened:
        opened.list_of("joiners", [f"{WEST}\\jsmith"])
        opened.provision(set_joiners_viewer=True)
        assert opened.apply(opened.plan()).succeeded
        yield opened


def signs_in(desk: Desk, name: str, password: str) -> bool:
    try:
        with connect(SignIn(desk.sandbox.url, desk.url, Password(name, password))) as connection:
            return bool(connection.user_id)
    except TableauError:
        return False


def test_the_nickname_is_the_first_label_until_it_is_set_and_then_seattle_signs_in(desk: Desk) -> None:
    lines = {line.fqdn: line for line in domains_of(desk.settings)}
    assert lines["corp.lan"] == DomainLine("corp.lan", "CORP", "CORP", MATCHES)
    assert lines[WEST][:4] == (WEST, "SEATTLE", "west", DIFFERS)
    assert lines["east.corp.lan"].verdict == NOT_KNOWN
    assert (signs_in(desk, f"{WEST}\\jsmith", "jsmith"), signs_in(desk, "SEATTLE\\jsmith", "jsmith")) == (True, False)
    plan = plan_domains(desk.settings)
    assert from_json(to_json(plan)) == plan
    (change,) = plan.changes
    assert (change.person, change.before, change.nickname) == (WEST, "west", "SEATTLE")
    assert "`east.corp.lan` is not known to Tableau yet" in plan.notes[0]
    assert desk.apply(plan).succeeded
    assert (signs_in(desk, "SEATTLE\\jsmith", "jsmith"), signs_in(desk, "west\\jsmith", "jsmith")) == (True, False)
    assert plan_domains(desk.settings).changes == ()
    assert {line.verdict for line in domains_of(desk.settings)} == {MATCHES, NOT_KNOWN}
    # Later users may be added by the nickname now.
    desk.list_of("joiners", ["SEATTLE\\wanda"])
    assert desk.apply(desk.plan()).succeeded
    assert desk.site.find_user(f"{WEST}\\wanda")


def test_it_is_undone_and_applied_once(desk: Desk) -> None:
    plan = plan_domains(desk.settings)
    assert desk.apply(plan).succeeded
    back = desk.undo()
    assert [(c.op, c.nickname) for c in back.changes] == [("set_nickname", "west")]
    assert desk.apply(back).succeeded
    assert desk.sandbox.state.nicknames[WEST] == "west"
    assert len(plan_domains(desk.settings).changes) == 1


def test_a_nickname_that_somebody_changed_is_a_stop(desk: Desk) -> None:
    plan = plan_domains(desk.settings)
    desk.sandbox.state.put_nicknames({**desk.sandbox.state.nicknames, WEST: "rainy"})
    assert [stop.id for stop in desk.apply(plan).stops] == ["stale-plan"]


def test_who_is_no_server_administrator_is_told_so(desk: Desk) -> None:
    desk.token = ("sam", "sec")
    with pytest.raises(TableauError, match=r"to server administrators only, and `sam` is SiteAdministratorCreator"):
        domains_of(desk.settings)
    with pytest.raises(TableauError, match="sign in as a server administrator"):
        plan_domains(desk.settings)


def test_the_command_shows_the_mismatch(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAT", "sec")
    done = command_line.run("domains", "--settings", str(desk.settings_path))
    assert done.exit_code == 0, done.output
    assert "SEATTLE" in done.output
    assert "differs" in done.output


# -- as values ----------------------------------------------------------------------------------------------------


def in_turn(*pairs: tuple[str, str]) -> Directory:
    return Directory(tuple(Domain(fqdn, netbios) for fqdn, netbios in pairs))


def test_a_nickname_that_another_domain_gives_up_is_taken_after_it() -> None:
    held = in_turn(("corp.lan", "CORP"), ("a.lan", "B"), ("b.lan", "C"))
    now = Site(nicknames={"corp.lan": "CORP", "a.lan": "a", "b.lan": "B"})
    wanted = nicknames_wanted(now, held)
    assert list((wanted.site.nicknames or {}).items())[1:] == [("b.lan", "C"), ("a.lan", "B")]
    assert wanted.held == ()


def test_what_waits_for_itself_or_for_a_stranger_is_held() -> None:
    held = in_turn(("a.lan", "B"), ("b.lan", "A"))
    wanted = nicknames_wanted(Site(nicknames={"a.lan": "A", "b.lan": "B"}), held)
    assert [one.person for one in wanted.held] == ["a.lan", "b.lan"]
    assert wanted.site.nicknames == {"a.lan": "A", "b.lan": "B"}
    stranger = nicknames_wanted(Site(nicknames={"a.lan": "a", "x.lan": "B"}), in_turn(("a.lan", "B")))
    assert "is the nickname of `x.lan`" in stranger.held[0].reason


def test_a_domain_that_only_tableau_knows_is_listed() -> None:
    lines = listed(in_turn(("a.lan", "A")), {"a.lan": "A", "x.lan": "x", "local": "local"})
    assert [(line.fqdn, line.verdict) for line in lines] == [("a.lan", MATCHES), ("x.lan", NOT_READ)]
    assert replace(Site(), nicknames={}) != Site()
