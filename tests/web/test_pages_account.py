"""One's own sessions, tokens and looking as somebody else: what each gives, what it never gives, how it ends."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pages_in_process import SERVER, Served, done
from small_site import site
from starlette.requests import Request

from plugins.pages import Pages
from tabwarden.run.history import LAST, open_either
from tabwarden.settings import Settings
from tabwarden.settings.web import Web
from tabwarden.store.web import audit
from tabwarden.store.web.sessions import Sessions
from tabwarden.store.web.state import opened
from tabwarden.store.web.tokens import Tokens
from tabwarden.web.app import application
from tabwarden.web.looking import Looking, refusal, with_looking
from tabwarden.web.visit import Visit, by_token


def csrf(client: httpx.Client, path: str = "/account") -> str:
    """The token that each form of the session holds."""
    match = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert match
    return match[1]


def acts(pages: Pages) -> list[audit.Act]:
    """The newest rows of the audit trail, the newest first."""
    database = opened(pages.folder / ".tabwarden")
    rows = audit.newest(database, 20)
    database.close()
    return rows


@pytest.fixture(scope="module")
def people(acme_folder: tuple[Path, dict[str, Any]]) -> Mapping[str, list[str]]:
    """The names of acme by site role."""
    names = defaultdict(list)
    for user in open_either(LAST, str(acme_folder[0] / ".tabwarden")).users.values():
        names[user.site_role].append(user.name)
    return {role: sorted(some) for role, some in names.items()}


def test_sessions_are_listed_and_end_one_by_one_and_everywhere(acme_pages: Pages, people: Mapping[str, Any]) -> None:
    name = people["Explorer"][0]
    with acme_pages.signed_in(name) as before:  # other tests have signed him in as well
        before.post("/account/sessions/end", data={"csrf": csrf(before), "every": "yes"})
    with (
        acme_pages.signed_in(name) as one,
        acme_pages.signed_in(name) as there,
        acme_pages.signed_in(people["Explorer"][1]) as another,
    ):
        page = one.get("/account").text
        assert page.count("End the session from 127.0.0.1") == 1
        session = re.search(r'name="session" value="(\w{64})"', page)
        assert session
        guessed = {"csrf": csrf(another), "session": session[1]}
        assert another.post("/account/sessions/end", data=guessed).status_code == 404
        assert there.get("/").status_code == 200
        ended = one.post("/account/sessions/end", data={"csrf": csrf(one), "session": session[1]})
        assert ended.headers["location"] == "/account"
        assert there.get("/").status_code == 303
        everywhere = one.post("/account/sessions/end", data={"csrf": csrf(one), "every": "yes"})
        assert everywhere.headers["location"] == "/sign-in"
        assert one.get("/").status_code == 303
        assert another.get("/").status_code == 200


def test_signing_in_again_gives_another_token_and_ends_the_former(acme_pages: Pages, people: Mapping[str, Any]) -> None:
    with acme_pages.signed_in(people["Viewer"][0]) as client:
        former = client.cookies["tabwarden"]
        client.get(acme_pages.link(people["Viewer"][0]))
        assert client.cookies["tabwarden"] != former
        assert httpx.get(f"{acme_pages.address}/", cookies={"tabwarden": former}).status_code == 303


def _visit(pages: Pages, folder: Path, token: str) -> Visit | None:
    """Whose visit a request with that token is, as the API asks it."""
    values = {
        "tableau": {"server": "http://127.0.0.1:1", "site": "acme", "auth": {"pat": {"name": "a", "secret": "b"}}}
    }
    app = application(Settings.model_validate(values | {"store": {"folder": folder / ".tabwarden"}}))
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/what",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode())],
        "client": ("127.0.0.1", 1),
    }
    return by_token(Request(scope), app.state.house)


def test_a_token_has_no_more_than_it_was_given_and_ends(acme_pages: Pages, people: Mapping[str, Any]) -> None:
    with acme_pages.signed_in("admin", "administrator", "look-as") as client:
        words = {"csrf": csrf(client), "name": "<b>nightly</b>", "days": "7", "right-auditor": "yes"}
        words["right-look-as"] = "yes"  # which no token ever has
        page = client.post("/account/tokens", data=words).text
        assert "<b>nightly" not in page
        token = re.search(r"tabwarden_[\w-]{43}", page)
        assert token
        assert token[0] not in client.get("/account").text
        visit = _visit(acme_pages, acme_pages.folder, token[0])
        assert visit is not None
        assert visit.name == "admin"
        assert visit.rights == {"own", "auditor"}
        bearer = {"authorization": f"Bearer {token[0]}"}
        assert httpx.get(f"{acme_pages.address}/api/v1/me", headers=bearer).json()["name"] == "admin"
        assert httpx.get(f"{acme_pages.address}/api/v1/plans", headers=bearer).status_code == 403
        assert httpx.get(f"{acme_pages.address}/", headers=bearer).status_code == 303
        assert httpx.post(f"{acme_pages.address}/account/sessions/end", headers=bearer).status_code == 303
        assert _visit(acme_pages, acme_pages.folder, token[0] + "x") is None
        assert _visit(acme_pages, acme_pages.folder, "") is None
        hashed = re.search(r'name="token" value="(\w{64})"', page)
        assert hashed
        with acme_pages.signed_in("admin"):  # who has lost his rights since
            visit = _visit(acme_pages, acme_pages.folder, token[0])
            assert visit is not None
            assert visit.rights == {"own"}
        with acme_pages.signed_in(people["Viewer"][0]) as another:
            guessed = {"csrf": csrf(another), "token": hashed[1]}
            assert another.post("/account/tokens/revoke", data=guessed).status_code == 404
        assert visit.house.tokens.of(token[0], datetime.now(UTC) + timedelta(days=6)) is not None
        assert visit.house.tokens.of(token[0], datetime.now(UTC) + timedelta(days=8)) is None
        assert client.post("/account/tokens/revoke", data={**words, "token": hashed[1]}).status_code == 303
        assert _visit(acme_pages, acme_pages.folder, token[0]) is None


def test_a_token_learns_of_sign_ins_of_its_own_kind_alone(tmp_path: Path) -> None:
    now, person = datetime.now(UTC), {"name": "ann", "via": "openid", "groups": ["Staff"]}
    with closing(opened(tmp_path)) as database:
        tokens = Tokens(database)
        token = tokens.make(person, "nightly", ["auditor"], now, timedelta(days=1))
        for learnt, known in (({"via": "link", "rights": ["administrator"]}, person), ({"groups": []},) * 2):
            tokens.learn({**person, **learnt})
            one = tokens.of(token, now)
            assert one is not None
            assert one.person == {**person, **known}


@pytest.mark.parametrize(
    "words", [{"right-operator": "yes"}, {"days": "0"}, {"days": "9999"}, {"days": "-1"}, {"days": "²"}, {"name": " "}]
)
def test_a_token_beyond_oneself_or_for_ever_is_refused(
    acme_pages: Pages, people: Mapping[str, Any], words: dict[str, str]
) -> None:
    with acme_pages.signed_in(people["Viewer"][0], "auditor") as client:
        answer = client.post("/account/tokens", data={"csrf": csrf(client), "name": "one", "days": "7", **words})
        assert answer.status_code == 400
        assert "tabwarden_" not in answer.text


@pytest.mark.parametrize(
    ("longest", "most", "good_for"), [(3600, 1, 3600), (86399, 1, 86399), (86400, 1, 86400), (2 * 86400, 2, 2 * 86400)]
)
def test_a_token_is_good_for_no_longer_than_the_longest_even_below_a_day(
    tmp_path: Path, longest: int, most: int, good_for: int
) -> None:
    """A day may always be asked for, and is cut; one day more than there are is refused, in those words."""
    tableau = {"server": SERVER, "site": "", "auth": {"pat": {"name": "t", "secret": "s"}}}
    values = {"tableau": tableau, "store": {"folder": tmp_path}, "web": {"longest_token": longest}}
    served = Served(application(Settings.model_validate(values)))
    served.show(site(users=["ann:Viewer"]))

    async def made(days: int) -> httpx.Response:
        async with served.client("ann") as client:
            page = (await client.get("/account")).text
            assert f'min="1" max="{most}"' in page
            form = {"csrf": re.findall(r'name="csrf" value="([^"]+)"', page)[0], "name": "one", "days": str(days)}
            return await client.post("/account/tokens", data=form)

    before = datetime.now(UTC)
    token = re.findall(r"tabwarden_[\w-]+", done(made(most)).text)[0]
    tokens, edge, second = served.app.state.house.tokens, timedelta(seconds=good_for), timedelta(seconds=1)
    assert tokens.of(token, before + edge - second)
    assert tokens.of(token, datetime.now(UTC) + edge + second) is None
    refused = done(made(most + 1))
    assert refused.status_code == 400
    assert f"a token is good for 1 to {most} days, and not for <code>{most + 1}</code>" in refused.text


def test_looking_as_a_viewer_shows_her_pages_and_changes_nothing(acme_pages: Pages, people: Mapping[str, Any]) -> None:
    support, jane = people["Explorer"][0], people["Viewer"][0]
    with acme_pages.signed_in(jane) as client:
        hers = client.get("/check").text
    with acme_pages.signed_in(support, "look-as", "auditor", "administrator") as client:
        begin = {"csrf": csrf(client), "user": jane.upper(), "reason": "ticket <17>"}
        assert client.post("/look-as/begin", data=begin).status_code == 303
        page = client.get("/check").text
        body = re.compile(r"<main.*</main>", re.S)
        assert re.findall(body, page) == re.findall(body, hers)
        assert f"You look as {jane}" in page
        assert "ticket &lt;17&gt;" in page
        assert "Audit trail" not in page
        for path in ("/account/tokens", "/account/sessions/end", "/look-as/begin"):
            assert client.post(path, data={**begin, "every": "yes", "name": "a", "days": "1"}).status_code == 403
        assert client.get("/check", params={"user": support}).status_code == 404
        assert client.get("/", params={"site": "other"}).status_code == 404
        client.get("/requests?path=HR")  # which is written down of nobody who looks as himself
        assert next(act.about for act in acts(acme_pages) if act.person == support) == f"as {jane}: /requests?path=HR"
        assert client.post("/look-as/end", data=begin).status_code == 303
        assert "You look as" not in client.get("/").text
    begun = [act for act in acts(acme_pages) if act.act == "looks as"]
    assert (begun[0].about, begun[0].outcome) == (jane.upper(), "ticket <17>")


def _refused(pages: Pages, looker: str, user: str, *rights: str) -> str:
    with pages.signed_in(looker, *rights) as client:
        answer = client.post("/look-as/begin", data={"csrf": csrf(client), "user": user, "reason": "why not"})
        assert answer.status_code in (400, 403)
        return answer.text


def test_nobody_looks_as_somebody_with_more(acme_pages: Pages, people: Mapping[str, Any]) -> None:
    viewer, explorer, admin = people["Viewer"][0], people["Explorer"][0], "admin"
    assert "needs the right" in _refused(acme_pages, explorer, viewer, "administrator")
    assert "one may look as Viewer" in _refused(acme_pages, admin, explorer, "look-as")
    assert "you are nobody of the site" in _refused(acme_pages, "root", viewer, "look-as")
    assert "nobody of this site has" in _refused(acme_pages, explorer, "nobody", "look-as")
    assert "already" in _refused(acme_pages, viewer, viewer, "look-as")
    unlicensed = (people.get("Unlicensed") or [None])[0]
    if unlicensed:
        assert "site role above yours" in _refused(acme_pages, unlicensed, viewer, "look-as")


def test_nobody_looks_as_somebody_with_a_right_that_he_has_not(acme_pages: Pages, people: Mapping[str, Any]) -> None:
    site = open_either(LAST, str(acme_pages.folder / ".tabwarden"))
    viewer, explorer = (site.find_user(people[role][0]) for role in ("Viewer", "Explorer"))
    rights = Web.model_validate({"rights": {"auditor": {"people": [viewer.name]}}}).rights
    looks = {"name": explorer.name, "rights": ["look-as"]}
    assert "rights that you do not have: auditor" in refusal(rights, looks, site, explorer, viewer)
    looks["rights"] = ["look-as", "auditor"]
    assert not refusal(rights, looks, site, explorer, viewer)


@pytest.mark.parametrize(
    ("role", "right", "site", "status"),
    [("Viewer", "auditor", "acme", 403), ("Explorer", "look-as", "acme", 403), ("Viewer", "look-as", "gone", 404)],
)
def test_looking_ends_with_what_allowed_it(
    acme_pages: Pages, people: Mapping[str, Any], role: str, right: str, site: str, status: int
) -> None:
    """Whoever lost the right, or looks as somebody whose role has risen, is shown nothing more, and can go back."""
    looking = Looking(people[role][1], site, "a test", "2026-01-01T00:00:00Z")
    person = with_looking({"name": people["Explorer"][0], "via": "link", "rights": [right]}, looking)
    with closing(opened(acme_pages.folder / ".tabwarden")) as database:
        token = Sessions(database, timedelta(hours=1), timedelta(hours=1)).begin(person, datetime.now(UTC))
    with httpx.Client(base_url=acme_pages.address, cookies={"tabwarden": token}, timeout=60) as client:
        paths = ("/", "/check", "/catalog", "/account", f"/api/v1/what?user={looking.name}", "/api/v1/users")
        assert [client.get(path).status_code for path in paths] == [status] * 6
        assert client.post("/look-as/end", data={"csrf": csrf(client, "/")}).status_code == 303
        assert client.get("/").status_code == 200


def test_a_page_for_a_site_there_is_not_says_so(acme_pages: Pages, people: Mapping[str, Any]) -> None:
    with acme_pages.signed_in(people["Viewer"][0]) as client:
        answer = client.get("/", params={"site": "nowhere"})
        assert answer.status_code == 404
        assert "no site <code>nowhere</code>" in answer.text


def test_what_is_refused_is_written_down(acme_pages: Pages, people: Mapping[str, Any]) -> None:
    with acme_pages.signed_in(people["Viewer"][0]) as client:
        assert client.get("/look-as").status_code == 403
        newest = acts(acme_pages)[0]
        assert (newest.person, newest.act, newest.about) == (people["Viewer"][0], "refused", "/look-as")
        assert client.get("/api/v1/plans").status_code == 403
        assert acts(acme_pages)[0][4:6] == ("refused", "/api/v1/plans")
        assert client.post("/account/tokens", data={"csrf": "guessed"}).status_code == 403
        assert acts(acme_pages)[0][4:6] == ("refused", "/account/tokens")
    assert httpx.get(f"{acme_pages.address}/sign-in/link?token=guessed").status_code == 403
    assert acts(acme_pages)[0].act == "was not signed in"


def test_the_audit_trail_is_shown_to_administrators_alone_and_nothing_acts_in_it(acme_pages: Pages) -> None:
    with acme_pages.signed_in("auditing", "auditor", "operator", "look-as") as client:
        assert client.get("/audit").status_code == 403
    with acme_pages.signed_in("<b>watcher</b>", "administrator") as client:
        client.get("/check?user=<script>")
        page = client.get("/audit", params={"person": "<B>WATCHER</b>"}).text
        assert "&lt;b&gt;watcher&lt;/b&gt;" in page
        assert "<b>watcher" not in page
        assert "<script>" not in page
        assert "Nothing of that" in client.get("/audit", params={"before": "1"}).text
        assert client.get("/audit", params={"before": "²"}).status_code == 200
        assert client.get("/audit", params={"before": "9" * 40}).status_code == 200
