"""What everybody is listed over REST is what the slow reference says about the Site that our own reader reads back.

Every user of w0 and acme, every kind of content: 523 sessions on four sites. The sandbox, which on large sites asks the
engine, the reader and the reference must all be right for this to hold.
"""

from __future__ import annotations

import re

import pytest
from everybody import NEWEST
from sandbox_client import Raw

from tabwarden.access.reference import may
from tabwarden.model.roles import is_licensed
from tabwarden.sandbox.content.shapes import PLURALS
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.session import Password, SignIn
from tabwarden.tableau.read.site import read_site

# World, site, administrator, and which part of how many of its people.
PARTS = [
    ("w0", "sandbox", "ada", 0, 1),
    ("acme", "acme-lab", "admin", 0, 1),
    ("acme", "acme-europe", "admin", 0, 1),
    *(("acme", "acme", "admin", part, 2) for part in range(2)),
]


def signed_in(box, name, url):
    """A session of this person, None where there is no licence to sign in with."""
    raw = Raw(box, version=NEWEST)
    body = (
        f'<tsRequest><credentials name="{name}" password="{name}"><site contentUrl="{url}"/></credentials></tsRequest>'
    )
    answer = raw.call("POST", "auth/signin", body, json=True)
    if answer.status_code == 401:
        assert answer.json()["error"]["code"] == "401001"
        return None
    found = answer.json()["credentials"]
    raw.token, raw.site, raw.user = found["token"], found["site"]["id"], found["user"]["id"]
    return raw


def listed(raw, kinds):
    """Ids of everything of these kinds that the session is listed, by kind."""
    found = {}
    for kind in kinds:
        plural = PLURALS[kind]
        answer = raw.get(f"{{s}}/{plural}?pageSize=1000&fields=id")
        assert answer.status_code == 200, answer.text
        (total,) = re.findall(r'totalAvailable="(\d+)"', answer.text)
        found[kind] = re.findall(rf'<{plural[:-1]} id="([^"]+)"', answer.text)
        assert len(found[kind]) == int(total) == len(set(found[kind]))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("world", "url", "admin", "part", "parts"), PARTS)
def test_everybody_is_listed_exactly_what_the_reference_allows(world, url, admin, part, parts):
    with running(world, plays=personality("server", NEWEST)) as box:
        people = sorted(box.site(url).users.values(), key=lambda u: u.name)[part::parts]
        # Signing in may grant a role, so everybody comes in before the site is read.
        sessions = {user.id: signed_in(box, user.name, url) for user in people}
        with connect(SignIn(box.url, url, Password(admin, admin))) as connection:
            site = read_site(connection)
        assert site.partial == ()
        held = sorted({content.kind for content in site.contents.values()})
        asked = PLURALS  # of the first every list; of the others those that hold anything
        for user, raw in sessions.items():
            seen = {c.id for c in site.contents.values() if may(site, user, "Read", c.id).allowed}
            if raw is None:
                assert not seen
                assert not is_licensed(site.users[user].site_role)
                continue
            found, asked = listed(raw, asked), held
            assert set().union(*found.values()) == seen, site.users[user].name
            assert all(site.contents[c].kind == kind for kind, ids in found.items() for c in ids)
        assert any(raw is not None for raw in sessions.values())
