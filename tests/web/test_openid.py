"""Signing in at an OpenID provider that nobody here wrote: whole flows, turned keys, clocks, signing out."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from openid_peer import SECRET, Peer, peer, walked
from playwright.sync_api import expect

from plugins.pages import Pages, free_port, served
from tabwarden.settings.web import OpenId
from tabwarden.store.web.state import opened
from tabwarden.web.openid import Attempt, OpenIdError, Provider

ANN = "amir.ito@acme.example"
GOVERNOR = "admin"


def section(issuer: str, **more: Any) -> dict[str, Any]:
    """The settings of a provider."""
    return {"issuer": issuer, "client_id": "pages", "client_secret": SECRET, "groups_claim": "groups", **more}


@dataclass
class Both:
    """Pages, and the provider at which people sign in there."""

    pages: Pages
    provider: Peer
    store: Path

    def arrived(self, client: httpx.Client, name: str = ANN, following: str = "/check") -> str:
        """Somebody signed in at the provider; the address to which it sends his browser."""
        start = f"{self.pages.address}/sign-in/openid?next={following}"
        return walked(client, start, name, f"{self.pages.address}/sign-in/openid/back")


@pytest.fixture(scope="module")
def both(acme_folder: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with peer(url) as provider:
        rights = {"auditor": {"openid_groups": ["Governance"]}}
        web = {
            "url": url,
            "openid": section(provider.issuer),
            "rights": rights,
            "attempts": 4,
            "proxies": ["127.0.0.1"],
        }
        values = acme_folder[1] | {"web": web}
        values["store"] = {"folder": str(acme_folder[0] / ".tabwarden")}
        with served(tmp_path_factory.mktemp("openid"), values, port=port) as pages:
            yield Both(pages, provider, acme_folder[0] / ".tabwarden")


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=60) as client:
        yield client


def test_somebody_signs_in_and_stands_where_he_wanted(both: Both, client: httpx.Client) -> None:
    answer = client.get(both.arrived(client))
    assert answer.headers["location"] == "/check"
    assert "tabwarden-openid" not in client.cookies  # what the attempt was made of is gone
    page = client.get(f"{both.pages.address}/check")
    assert ANN in page.text
    assert client.get(f"{both.pages.address}/audit").status_code in (403, 404)


def test_nobody_is_led_elsewhere_by_way_of_the_provider(both: Both, client: httpx.Client) -> None:
    address = both.arrived(client, following="//evil.example")
    attempt, _, following = client.cookies["tabwarden-openid"].partition(".")
    assert following == "%2F"
    with httpx.Client(timeout=60, cookies={"tabwarden-openid": f"{attempt}.%2F%2Fevil.example"}) as another:
        assert another.get(address).headers["location"] == "/"


def test_groups_of_the_provider_give_rights(both: Both, client: httpx.Client) -> None:
    client.get(both.arrived(client, GOVERNOR))
    asked_for = client.get(f"{both.pages.address}/check", params={"user": ANN})
    assert asked_for.status_code == 200
    with httpx.Client(timeout=60) as another:
        another.get(both.arrived(another))
        assert another.get(f"{both.pages.address}/check", params={"user": GOVERNOR}).status_code == 404
    with closing(opened(both.store)) as database, database.reading() as connection:
        people = [json.loads(words) for (words,) in connection.rows("select person from web_session")]
    groups = {one["name"]: one["groups"] for one in people if one.get("via") == "openid"}
    assert (groups[GOVERNOR], groups[ANN]) == (["Governance"], [])  # of those that give no right nothing is kept


def test_what_comes_back_signs_in_once_and_in_its_own_browser_alone(both: Both, client: httpx.Client) -> None:
    address = both.arrived(client)
    with httpx.Client() as another:  # whoever is handed the address of somebody else is not signed in by it
        assert another.get(address).status_code == 403
        another.get(f"{both.pages.address}/sign-in/openid")
        assert another.get(address).status_code == 403
    cookie = client.cookies["tabwarden-openid"]
    assert client.get(address).status_code == 303
    with httpx.Client(cookies={"tabwarden-openid": cookie}) as again:
        refused = again.get(address)
        assert refused.status_code == 403
        assert "invalid_grant" in refused.text


@pytest.mark.parametrize("words", [{"state": "guessed"}, {"iss": "https://other.example"}, {"error": "access_denied"}])
def test_what_comes_back_otherwise_signs_nobody_in(both: Both, client: httpx.Client, words: dict[str, str]) -> None:
    address = httpx.URL(both.arrived(client)).copy_merge_params(words)
    assert client.get(address).status_code == 403
    assert client.get(f"{both.pages.address}/").status_code == 303


def test_without_the_issuer_that_it_announces_nobody_is_signed_in(both: Both, client: httpx.Client) -> None:
    address = httpx.URL(both.arrived(client)).copy_remove_param("iss")
    assert client.get(address).status_code == 403


def test_a_provider_that_changed_its_key_is_believed(both: Both, client: httpx.Client) -> None:
    client.get(both.arrived(client))
    both.provider.control("rotate")
    with httpx.Client(timeout=60) as another:
        assert another.get(both.arrived(another)).status_code == 303


@pytest.mark.parametrize(("ahead", "status"), [(40, 303), (-40, 303), (600, 403)])
def test_its_clock_may_differ_a_little(both: Both, client: httpx.Client, ahead: int, status: int) -> None:
    both.provider.control(f"clock?ahead={ahead}")
    try:
        assert client.get(both.arrived(client)).status_code == status
    finally:
        both.provider.control("clock?ahead=0")


def test_whoever_comes_back_in_vain_time_and_again_waits(both: Both) -> None:
    back = f"{both.pages.address}/sign-in/openid/back?state=guessed&code=guessed"
    came = {"cookies": {"tabwarden-openid": "any.%2F"}, "headers": {"x-forwarded-for": "192.0.2.9"}}
    with httpx.Client(timeout=60, **came) as client:
        assert [client.get(back).status_code for _ in range(41)] == [403] * 40 + [429]


def test_signing_out_goes_on_at_the_provider(both: Both, client: httpx.Client) -> None:
    client.get(both.arrived(client))
    page = client.get(f"{both.pages.address}/").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf
    answer = client.post(f"{both.pages.address}/sign-out", data={"csrf": csrf[1]})
    there = answer.headers["refresh"].partition("url=")[2]
    assert there.startswith(f"{both.provider.issuer}/session/end?")
    form = client.get(there).text
    assert "Do you want to sign-out" in form
    assert client.get(f"{both.pages.address}/").status_code == 303


def test_no_link_is_needed_where_people_sign_in_at_a_provider(both: Both) -> None:
    page = httpx.get(f"{both.pages.address}/sign-in", params={"next": "/check?user=a&b=c"}).text
    assert "/sign-in/openid?next=/check%3Fuser%3Da%26b%3Dc" in page


def test_in_a_browser_the_whole_way(both: Both, browser: Any) -> None:
    context = browser.new_context(base_url=both.pages.address)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if both.pages.address in page.url else None)
    page.goto("/check")
    page.get_by_role("link", name="Sign in with 127.0.0.1").click()
    page.get_by_placeholder("Enter any login").fill(ANN)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/check")
    expect(page.get_by_role("link", name=ANN, exact=True)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url("**/sign-in")
    page.goto("/")
    expect(page).to_have_url(re.compile("/sign-in$"))
    context.close()
    assert not [words for words in said if not words.startswith("Clear-Site-Data header")]


def test_its_certificate_counts(tmp_path: Path) -> None:
    ca, url = trustme.CA(), "http://127.0.0.1:9"
    certificate = ca.issue_cert("localhost")
    files = {name: tmp_path / f"{name}.pem" for name in ("ca", "cert", "key")}
    ca.cert_pem.write_to_path(files["ca"])
    certificate.cert_chain_pems[0].write_to_path(files["cert"])
    certificate.private_key_pem.write_to_path(files["key"])
    with peer(url, cert=str(files["cert"]), key=str(files["key"]), claims_in_token=True) as provider:
        settings = OpenId(issuer=provider.issuer, client_id="public")
        with closing(Provider(settings, url)) as distrusting, pytest.raises(OpenIdError, match="certificate"):
            distrusting.begin(Attempt())
        attempt, trust = Attempt(), ssl.create_default_context(cafile=files["ca"])
        with (
            closing(Provider(settings.model_copy(update={"ca_file": files["ca"]}), url)) as public,
            httpx.Client(verify=trust, timeout=60) as client,
        ):
            address = walked(client, public.begin(attempt), ANN, url)
            assert public.finish(attempt, httpx.URL(address).params).name == ANN
