"""The tests of that script, run where only a wheel of tabwarden and pytest are installed."""

from __future__ import annotations

import pytest
import tableauserverclient as tsc
from their_script import unlicense


def signed_in(url: str, name: str = "ada", site: str = "sandbox") -> tsc.Server:
    server = tsc.Server(url, use_server_version=True)
    server.auth.sign_in(tsc.TableauAuth(name, name, site))
    return server


def roles(server: tsc.Server) -> dict[str, str]:
    return {user.name: user.site_role for user in tsc.Pager(server.users)}


def test_leavers_lose_their_licence(tableau_sandbox):
    server = signed_in(tableau_sandbox.url)
    assert unlicense(server, ["VIC", "nobody"]) == ["vic"]
    assert roles(server)["vic"] == "Unlicensed"


def test_every_test_has_a_fresh_tableau(tableau_sandbox):
    assert roles(signed_in(tableau_sandbox.url))["vic"] == "Viewer"


def test_a_viewer_may_not_close_accounts(tableau_sandbox):
    server = signed_in(tableau_sandbox.url)
    eve = next(user for user in tsc.Pager(server.users) if user.name == "eve")
    eve.site_role = "Unlicensed"
    with pytest.raises(tsc.ServerResponseError) as refused:
        signed_in(tableau_sandbox.url, "vic").users.update(eve)
    assert refused.value.code.startswith("403")


@pytest.mark.tableau_sandbox(world="acme", api_version="3.17")
def test_an_older_and_larger_tableau(tableau_sandbox):
    server = signed_in(tableau_sandbox.url, "admin", "acme")
    assert server.version == "3.17"
    assert len(roles(server)) > 400


def test_tableaus_that_stay(tableau_sandboxes):
    assert "ada" in roles(signed_in(tableau_sandboxes(world="w0").url))
