"""Both scenarios of the document against two real Active Directory domains and a sandbox that is joined to them.

Everything between is real: LDAPS, the command line, REST, sign-ins as those people.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import domain_people as forest
import pytest
import tableauserverclient as tsc
from provisioning import SECRET, URL, world
from synced_groups import LOOSE

from tabwarden.model.site import Site
from tabwarden.plan.plan import Plan
from tabwarden.run.apply import Applied, apply, terms_of
from tabwarden.run.context import Context, connected
from tabwarden.run.groups import plan_groups
from tabwarden.run.sandbox_directory import live_directory
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.settings import Settings, load

if TYPE_CHECKING:
    import samba

STAFF = "groups.staff"


@dataclass
class Joined:
    """A sandbox joined to the two domains, with the settings to keep one group by one way."""

    box: Sandbox
    path: Path

    @property
    def settings(self) -> Settings:
        return load(self.path, {**os.environ, "PAT": SECRET})

    @property
    def site(self) -> Site:
        return self.box.site(URL)

    def plan(self) -> Plan:
        return plan_groups(self.settings)

    def apply(self, plan: Plan) -> Applied:
        settings = self.settings
        with connected(settings) as connection:
            return apply(plan, connection, terms_of(Context(settings, connection)))

    def members(self, name: str = STAFF) -> set[str]:
        group = next(g for g in self.site.groups.values() if g.name == name)
        return {f"{self.site.users[u].domain}\\{self.site.users[u].name}" for u in self.site.members(group.id)}

    def role(self, name: str) -> str:
        return self.site.find_user(name).site_role

    def signs_in(self, name: str) -> bool:
        try:
            with tsc.Server(self.box.url).auth.sign_in(tsc.TableauAuth(name, forest.PASSWORD, URL)):
                return True
        except tsc.FailedSignInError:
            return False


@pytest.fixture(params=["import", "membership"])
def joined(fresh_domains: samba.Domains, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Joined]:
    corp, seattle = fresh_domains.both
    for name in ("gina.gone", "dan.disabled", "olga.out", "stan.stays"):
        corp.add_person(name, display=name.title())
    corp.add_group("groups.inner", ("olga.out", "stan.stays"))
    corp.add_group(STAFF, ("gina.gone", "dan.disabled", "groups.inner"), local=True)
    corp.add_member(STAFF, seattle.sid("wendy.west"))
    rule = {"group": f"CORP\\{STAFF}", "minimum_site_role": "Viewer", "grant_on": "onSync", "by": request.param}
    more: dict[str, Any] = {"groups": [rule], "stops": LOOSE, "store": {"folder": "store"}}
    with (
        live_directory(fresh_domains.settings(tmp_path)) as live,
        running(world({"ada": "ServerAdministrator"}, ()), directory=live) as box,
    ):
        auth = {"pat": {"name": "tok", "secret": "env:PAT"}}
        tableau = {"server": box.url, "site": URL, "auth": auth}
        yield Joined(box, fresh_domains.settings_file(tmp_path, tableau=tableau, **more))


def test_both_scenarios_of_the_document(joined: Joined, fresh_domains: samba.Domains) -> None:
    corp = fresh_domains.corp
    people = {f"{forest.CORP}\\{n}" for n in ("gina.gone", "dan.disabled", "olga.out", "stan.stays")}
    wendy = f"{forest.SEATTLE}\\wendy.west"
    assert joined.apply(joined.plan()).succeeded
    assert joined.members() == {*people, wendy}
    assert joined.plan().changes == ()
    assert all(joined.signs_in(name) for name in (*people, wendy))
    corp.delete("gina.gone")
    corp.disable("dan.disabled")
    corp.remove_member("groups.inner", "olga.out")
    plan = joined.plan()
    assert {n.rpartition("\\")[2] for n in plan.impact.lose_licence} == {"gina.gone", "dan.disabled"}
    assert any("`olga.out` is out of" in note and "stays Viewer" in note for note in plan.notes), plan.notes
    assert joined.apply(plan).succeeded
    assert joined.members() == {f"{forest.CORP}\\stan.stays", wendy}
    assert people <= joined.members("All Users")
    assert [joined.role(n) for n in ("gina.gone", "dan.disabled", "olga.out")] == ["Unlicensed", "Unlicensed", "Viewer"]
    assert not joined.signs_in(f"{forest.CORP}\\gina.gone")
    assert not joined.signs_in("CORP\\dan.disabled")
    assert joined.signs_in("CORP\\olga.out")
    assert joined.plan().changes == ()
