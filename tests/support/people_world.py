"""A sandbox world of our own for writing people: few seats, a group that grants on sign-in, somebody who owns."""

from __future__ import annotations

import requests
from small_server import Answer
from watchdog import patience

from tabwarden.model.site import Content, Grantee, Group, Rule, Site, User
from tabwarden.model.site_settings import SiteSettings
from tabwarden.sandbox.state.server_state import AccessToken, Account, ConnectedApp, World
from tabwarden.tableau.http.session import Pat, SignIn

SITE_URL = "people"
APP = ConnectedApp("client-1", "key-1", "a-pretend-secret-of-forty-characters-long")
ROLES = {
    "ada": "ServerAdministrator",
    "sam": "SiteAdministratorCreator",
    "cleo": "Creator",
    "olga@example.com": "Explorer",
    "vic@example.com": "Viewer",
    "una@example.com": "Unlicensed",
}
GROUP, OTHER, EVERYONE = (
    "a0000000-0000-4000-8000-000000000001",
    "a0000000-0000-4000-8000-000000000002",
    "a0000000-0000-4000-8000-000000000003",
)


def user_id(name):
    return f"b0000000-0000-4000-8000-{list(ROLES).index(name):012d}"


def people_world(*, more=(), seats=None, admin_mode="ContentAndUsers"):
    """`more` users named `more-N@example.com`, Viewers and members of the grant-on-sign-in group."""
    users = {user_id(name): User(user_id(name), name, role) for name, role in ROLES.items()}
    extra = {f"c0000000-0000-4000-8000-{n:012d}": n for n in more}
    users |= {i: User(i, f"more-{n}@example.com", "Viewer") for i, n in extra.items()}
    granting = frozenset({user_id("vic@example.com"), *extra})
    project = Content("d0000000-0000-4000-8000-000000000001", "project", "Default", None, user_id("ada"))
    read = frozenset({Rule(Grantee("group", GROUP), "Read", "Allow")})
    book = Content(
        "d0000000-0000-4000-8000-000000000002", "workbook", "Mine", project.id, user_id("olga@example.com"), rules=read
    )
    site = Site(
        id="e0000000-0000-4000-8000-000000000001",
        name="People",
        content_url=SITE_URL,
        users=users,
        groups={
            GROUP: Group(GROUP, "Viewers", members=granting, minimum_site_role="Viewer", grant_on="onLogin"),
            OTHER: Group(OTHER, "Sales", members=frozenset({user_id("olga@example.com")})),
            EVERYONE: Group(EVERYONE, "All Users", everyone=True),
        },
        contents={project.id: project, book.id: book},
        settings=SiteSettings(admin_mode=admin_mode),
        licences=seats,
    )
    accounts = tuple(Account(user.name, user.name) for user in users.values())
    return World("people", (site,), accounts, (AccessToken("tok", "sec", "ada"),), (APP,))


def options(sandbox, **more):
    return SignIn(sandbox.url, SITE_URL, more.pop("auth", Pat("tok", "sec")), first_wait=0.01, **more)


def passed_on(sandbox, asked):
    """The sandbox's answer to a request that came to a small server in front of it."""
    headers = {k: v for k, v in asked.headers.items() if k not in ("Host", "Content-Length", "Connection")}
    answer = requests.request(
        asked.method,
        sandbox.url + asked.path,
        params=asked.query,
        headers=headers,
        data=asked.body,
        timeout=patience(10),
    )
    return Answer(answer.status_code, answer.text, {"Content-Type": answer.headers.get("Content-Type", "text/xml")})
