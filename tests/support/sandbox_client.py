"""A bare HTTP client for the sandbox's tests: no library between the test and the line."""

from __future__ import annotations

import json as jsonlib
import warnings
from base64 import urlsafe_b64decode
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID
from xml.etree import ElementTree

import requests
from paths import TESTS
from watchdog import patience

with warnings.catch_warnings():  # its source has escapes that the compiler warns of
    warnings.simplefilter("ignore")
    import tableauserverclient as TSC  # noqa: N812 (its own documentation calls it so)

from tabwarden.sandbox.http.server import Sandbox

NS = {"t": "http://tableau.com/api"}
VERSION = "3.27"


def plain_session():
    """A session that does not look for proxies anew at each request."""
    session = requests.Session()
    session.trust_env = False
    return session


@dataclass
class Raw:
    """One session over plain HTTP; `site` and `user` are ids."""

    box: Sandbox
    version: str = VERSION
    token: str = ""
    site: str = ""
    user: str = ""
    http: requests.Session = field(default_factory=plain_session)

    def call(self, method, path, body=None, *, json=False, headers=None, version=None):
        """The response for a path under /api/VERSION; `{s}` stands for the site."""
        sent = {"X-Tableau-Auth": self.token} if self.token else {}
        if json:
            sent |= {"Accept": "application/json"}
            if isinstance(body, dict):
                sent |= {"Content-Type": "application/json"}
                body = jsonlib.dumps(body)
        url = f"{self.box.url}/api/{version or self.version}/{path.replace('{s}', f'sites/{self.site}')}"
        return self.http.request(method, url, data=body, headers=sent | (headers or {}), timeout=patience(20))

    @property
    def session(self):
        """The id of the session, which its token begins with."""
        return str(UUID(bytes=urlsafe_b64decode(self.token.partition("|")[0] + "==")))

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def xml(self, path):
        """The tree of a GET that succeeds."""
        response = self.get(path)
        assert response.status_code == 200, response.text
        return ElementTree.fromstring(response.content)

    def sign_in(self, name="ada", password=None, site="sandbox"):
        body = (
            f'<tsRequest><credentials name="{name}" password="{password or name}">'
            f'<site contentUrl="{site}"/></credentials></tsRequest>'
        )
        response = self.call("POST", "auth/signin", body)
        assert response.status_code == 200, response.text
        found = ElementTree.fromstring(response.content).find("t:credentials", NS)
        self.token = found.get("token")
        self.site = found.find("t:site", NS).get("id")
        self.user = found.find("t:user", NS).get("id")
        return self


_DOCUMENTED = (TESTS / "sandbox" / "documented_errors.tsv").read_text(encoding="utf-8").splitlines()[1:]
# Codes that are documented with another status than they begin with.
AT_ODDS = {
    (int(row[4]), int(row[3]))
    for row in (line.split("\t") for line in _DOCUMENTED)
    if row[4].isdigit() and row[4][:3] != row[3]
}


def error(response, *, at_odds=False):
    """Status and code of an answer in Tableau's error shape; fails when it has another shape.

    The code begins with the status, but where the document says otherwise; `at_odds`: it must not.
    """
    if "json" in response.headers["Content-Type"]:
        found = response.json()["error"]
        assert found["summary"]
        assert found["detail"]
        return response.status_code, found["code"]
    found = ElementTree.fromstring(response.content).find("t:error", NS)
    assert found is not None, response.text
    assert found.find("t:summary", NS).text
    assert found.find("t:detail", NS).text
    odd = found.get("code")[:3] != str(response.status_code)
    assert odd is at_odds or (int(found.get("code")), response.status_code) in AT_ODDS
    return response.status_code, found.get("code")


@contextmanager
def tsc(box, name="ada", password=None, site="sandbox"):
    """Tableau's own client, signed in."""
    server = TSC.Server(box.url, use_server_version=True)
    with server.auth.sign_in(TSC.TableauAuth(name, password or name, site)):
        yield server


def by_name(items, name):
    """The one item of that name."""
    (found,) = [item for item in items if item.name == name]
    return found


def named(server, name):
    """The one user of that name, as Tableau's client finds him."""
    (found,) = server.users.filter(name=name)
    return found


def site_user(box, name):
    """The user of that name as the sandbox holds him."""
    return box.site("sandbox").find_user(name)


def everything(endpoint, **options):
    """All pages of an endpoint of Tableau's client."""
    return list(TSC.Pager(endpoint, **options))


def rule(grantee, **capabilities):
    """A permission rule for Tableau's client: rule(group, Read="Allow")."""
    return TSC.PermissionsRule(grantee, capabilities)
