"""What somebody could try against the pages, laid on every route there is; docs/explanation/web-safety.md has the list.

Routes are those of the application itself, so that a new page is attacked without being named here.
"""

from __future__ import annotations

import ast
import asyncio
import csv
import io
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from pages_in_process import routes_of
from paths import ROOT, TESTS
from small_site import group, project, site, workbook
from watchdog import patience

from plugins.pages import Pages, served, settings_of
from tabwarden.model.site import Taken
from tabwarden.run.history import open_either
from tabwarden.run.serve import CONNECTION
from tabwarden.settings import Settings
from tabwarden.store.history import History
from tabwarden.store.snapshot import save
from tabwarden.web import guards
from tabwarden.web.app import application
from tabwarden.web.impatience import Impatient

ANN = "ann"
# Names that Tableau lets people choose, each a way to act in markup, in a link, in a sheet or on a screen.
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</textarea></title><svg onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7*7 }}${7*7}<%= 7*7 %>",
    "=cmd|'/c calc'!A1",
    "@SUM(1)",
    "red\x1b[31m",
    "\u202egnp.exe",
    "two\nlines",
    "a\u2066b\u2069",
    "../../../etc/passwd",
    "%0d%0aSet-Cookie: evil=1",
)
RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f]")
OPEN = (
    "/sign-in",
    "/sign-in/link",
    "/sign-in/openid",
    "/sign-in/openid/back",
    "/sign-in/tableau",
    "/api/v1/openapi.json",
)


@pytest.fixture(scope="module")
def hostile_pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """Pages of a site on which everything has a hostile name."""
    folder = tmp_path_factory.mktemp("attacked")
    names = {f"u{number}": name for number, name in enumerate(HOSTILE)}
    groups = [replace(group(f"g{number}", "u1", "u2"), name=name) for number, name in enumerate(HOSTILE)]
    contents: list[Any] = []
    for number, name in enumerate(HOSTILE):
        rules = (f"group:g{number} +Read", f"user:u{number} -Filter")
        contents.append(replace(project(f"p{number}", None, *rules, description=name), name=f"{name}p"))
        contents.append(replace(workbook(f"w{number}", f"p{number}", *rules), name=name))
    users = [f"{user}:Viewer" for user in names]
    whole = site(
        *contents, users=[*users, f"{ANN}:Viewer", "admin:SiteAdministratorCreator"], groups=groups, name=HOSTILE[0]
    )
    known = {
        user.id: replace(user, name=names.get(user.id, user.name), full_name=names.get(user.id, ""))
        for user in whole.users.values()
    }
    when = Taken("https://tableau.example.com", "2026-11-21T18:00:00Z", "adm", "ServerAdministrator")
    with History(folder / ".tabwarden") as history:
        history.keep(replace(whole, users=known, taken=when))
    values = settings_of("http://127.0.0.1:1", "")
    with served(folder, values) as pages:
        yield pages


@pytest.fixture(scope="module")
def routes(hostile_pages: Pages) -> list[tuple[str, str]]:
    """Every method and path of the application, with something in the place of each part."""
    values = settings_of("http://127.0.0.1:1", "") | {"store": {"folder": hostile_pages.folder / ".tabwarden"}}
    app = application(Settings.model_validate(values))
    app.state.house.database.close()
    return routes_of(app, "1")


def csrf(client: httpx.Client) -> str:
    match = re.search(r'name="csrf" value="([^"]+)"', client.get("/account").text)
    assert match
    return match[1]


def test_without_a_session_there_is_nothing(hostile_pages: Pages, routes: list[tuple[str, str]]) -> None:
    """Every route, with every method: no page, no document, nothing done."""
    assert len(routes) > 30
    with httpx.Client(base_url=hostile_pages.address, timeout=60) as client:
        for method, path in routes:
            answer = client.request(method, path)
            if path in OPEN:
                assert answer.status_code < 500, path
            elif path.startswith("/api/"):
                assert answer.status_code == 401, path
            else:
                assert (answer.status_code, answer.headers["location"][:8]) == (303, "/sign-in"), path


@pytest.mark.parametrize("token", [None, "", "guessed"])
def test_a_form_of_another_site_changes_nothing(
    hostile_pages: Pages, routes: list[tuple[str, str]], token: str | None
) -> None:
    """CSRF: every changing route wants the token of the session, and another session's is none."""
    with (
        hostile_pages.signed_in("admin", "administrator", "look-as") as client,
        hostile_pages.signed_in("admin", "administrator") as another,
    ):
        theirs = csrf(another) if token == "" else token
        for method, path in routes:
            if method != "GET" and path not in OPEN:
                answer = client.request(method, path, data={"csrf": theirs} if theirs is not None else {})
                assert answer.status_code == 403, path
                assert "another session" in answer.text
        assert client.post(f"/account/tokens?csrf={csrf(client)}&name=a&days=1").status_code == 403  # in no address
        assert client.get("/account").status_code == 200


def test_no_changing_route_takes_a_look(routes: list[tuple[str, str]], hostile_pages: Pages) -> None:
    """What changes something answers no GET, so that no link or image does it."""
    changing = {path for method, path in routes if method != "GET" and path not in OPEN}
    looking = {path for method, path in routes if method == "GET"}
    with hostile_pages.signed_in("admin", "administrator", "look-as") as client:
        for path in changing - looking:
            assert client.get(path).status_code in (404, 405), path


def test_whoever_looks_as_somebody_changes_nothing_anywhere(
    hostile_pages: Pages, routes: list[tuple[str, str]]
) -> None:
    with hostile_pages.signed_in("admin", "administrator", "look-as") as client:
        words = {"csrf": csrf(client), "user": ANN, "reason": "a test"}
        assert client.post("/look-as/begin", data=words).status_code == 303
        for method, path in routes:
            if method != "GET" and path not in (*OPEN, "/look-as/end", "/sign-out"):
                answer = client.request(method, path, data=words)
                assert (answer.status_code, "change nothing" in answer.text) == (403, True), path


def test_the_right_own_gives_nothing_of_others(hostile_pages: Pages, routes: list[tuple[str, str]]) -> None:
    """IDOR: no route shows somebody with his own access alone a plan, a person or a row of the trail by its id."""
    with hostile_pages.signed_in(ANN) as client:
        for method, path in routes:
            if method != "GET" or path in OPEN:
                continue
            for more in ({}, {"user": "u1", "content": "w1", "plan": "1", "job": "1"}):
                answer = client.get(path, params=more)
                assert answer.status_code < 500, path
                if answer.status_code == 200 and path not in ("/api/v1/openapi.json", "/api/v1/me"):
                    assert "onerror" not in answer.text, (path, more)  # of the names of others


class Judge(HTMLParser):
    """Reads a page as a browser does, and keeps what acts in it and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.acting: list[str] = []
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in ("iframe", "object", "embed", "base", "foreignobject"):
            self.acting.append(tag)
        if tag == "script" and not (values.get("src") or "").startswith("/static/"):
            self.acting.append("script")
        if tag == "img" and not (values.get("src") or "").startswith("/"):
            self.acting.append("img")
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.acting.append(name)
            leads = name in ("href", "src", "action", "formaction", "hx-get", "hx-post", "xlink:href")
            if leads and (not (value or "").startswith(("/", "#", "?")) or (value or "").startswith("//")):
                self.acting.append(f"{name}={value}")
        if tag == "a" and values.get("href"):
            self.links.add(str(values["href"]))


def _judged(answer: httpx.Response) -> set[str]:
    """Where a page leads, once it is certain that nothing in it acts."""
    kind = answer.headers.get("content-type", "")
    assert answer.status_code < 500, answer.url
    assert "evil" not in answer.headers.get("set-cookie", "")
    if kind.startswith("text/html"):
        judge = Judge()
        judge.feed(answer.text)
        assert not judge.acting, (str(answer.url), judge.acting[:3])
        assert not RAW.search(answer.text), (str(answer.url), ascii(RAW.search(answer.text)))
        assert "\u202e" not in answer.text
        assert "49${" not in answer.text
        return judge.links
    if kind.startswith("text/csv"):
        for row in csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))):
            assert not [cell for cell in row if cell.lstrip()[:1] in {*"=@+-"} - {""} or RAW.search(cell)], answer.url
    return set()


MOST_PAGES = 150


def test_nothing_in_a_name_acts_on_any_page(hostile_pages: Pages, routes: list[tuple[str, str]]) -> None:
    """XSS, formulas, control characters: from every route by every link, everything of a hostile name."""
    with hostile_pages.signed_in("admin", "administrator", "look-as") as client:
        starts = [path for method, path in routes if method == "GET" and not path.startswith("/sign-in")]
        waiting = starts + [f"{path}?{name}={quote(word)}" for path in starts for name, word in _words(path)]
        seen: set[str] = set()
        shapes: dict[tuple[str, ...], int] = {}
        while waiting and len(seen) < MOST_PAGES:
            path = waiting.pop(0)
            parts = urlsplit(path)
            shape = (parts.path.split("/")[1], *sorted(part.partition("=")[0] for part in parts.query.split("&")))
            shapes[shape] = shapes.get(shape, 0) + 1
            if path in seen or shapes[shape] > 16 or path.startswith("/sign-out"):
                continue
            seen.add(path)
            for link in sorted(_judged(client.get(path))):
                waiting.append(str(httpx.URL(f"http://pages{path}").join(link).raw_path, "ascii"))
    assert len(seen) > 40


def test_no_cell_of_a_file_is_a_formula(hostile_pages: Pages, routes: list[tuple[str, str]]) -> None:
    """CSV of every route, of people and groups, of two beside each other, of the rules of one, all of hostile names."""
    words = {"form": "csv", "one": HOSTILE[6], "other": HOSTILE[7], "group": HOSTILE[6], "content": "w6"}
    with hostile_pages.signed_in("admin", "administrator") as client:
        looks = [path for method, path in routes if method == "GET" and path not in OPEN and path[:5] != "/api/"]
        answers = [client.get(path, params=some) for path in looks for some in (words, {"form": "csv"})]
    files = [one for one in answers if one.headers.get("content-type", "").startswith("text/csv")]
    assert sum(HOSTILE[6] in one.text for one in files) >= 4
    for one in files:
        _judged(one)


def _words(path: str) -> Iterator[tuple[str, str]]:
    """What a query may say, with hostile words in it."""
    if not path.startswith("/api/"):
        names = ("user", "q", "words", "content", "site", "person", "next", "sort")
        yield from ((name, HOSTILE[number % len(HOSTILE)]) for number, name in enumerate(names))


@pytest.mark.parametrize("words", ["%0d%0aset-cookie:%20evil=1", "\u2028evil"])
def test_no_word_becomes_a_header(hostile_pages: Pages, routes: list[tuple[str, str]], words: str) -> None:
    """Header injection, by the path, the query and a form."""
    with hostile_pages.signed_in("admin", "administrator", "look-as") as client:
        token = csrf(client)
        for method, path in routes:
            if path in ("/sign-out", "/account/sessions/end"):
                continue
            address = f"{path}?next={words}&site={words}&user={words}&file={words}"
            form = {"csrf": token, "next": words, "user": words, "name": words} if method != "GET" else None
            answer = client.request(method, address, data=form)
            assert answer.status_code < 500, address
            assert not [name for name in answer.headers if "evil" in name], address
            assert "evil" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize(
    "path",
    [
        "/static/../settings.yaml",
        "/static/..%2f..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static/....//app.py",
        "/static//etc/passwd",
        "/static/style.css%00.txt",
        "/static/",
        "/plans/..%2f..%2fsettings.yaml",
        "/api/v1/plans/..%2f..%2fsettings.yaml",
        "/api/v1/what?user=u1&snapshot=/etc",
        "/api/v1/diff?before=../../&after=last",
        "/api/v1/why?user=u1&capability=View&content=w1&open_point=/etc/passwd",
    ],
)
def test_no_path_leads_out(hostile_pages: Pages, path: str) -> None:
    """Path traversal: files of the server, and what commands take as a file."""
    with hostile_pages.signed_in("admin", "administrator") as client:
        request = client.build_request("GET", "/")
        request.url = httpx.URL(hostile_pages.address + path)
        answer = client.send(request)
        assert answer.status_code in (400, 404), answer.text[:200]
        assert "root:" not in answer.text


def test_no_word_names_a_file_of_the_server(hostile_pages: Pages, tmp_path: Path) -> None:
    """What the command line takes as a file or a folder is neither read nor told of, although it is there."""
    file = tmp_path / "changes"
    file.write_text("add secret-word to secret-group\n", encoding="utf-8")
    with History(hostile_pages.folder / ".tabwarden") as history:
        folder = str(save(history.open(1), tmp_path / "folder"))
    assert open_either(folder).users
    with hostile_pages.signed_in("admin", "administrator") as client:
        for path, query in (
            ("/api/v1/whatif", {"changes": str(file)}),
            ("/check/whatif", {"changes": str(file)}),
            ("/api/v1/users", {"snapshot": folder}),
            ("/api/v1/diff", {"before": folder, "after": "last"}),
            ("/diff", {"before": folder, "after": "last"}),
            ("/history", {"on": folder}),
        ):
            answer = client.get(path, params=query)
            assert answer.status_code in (400, 404), path
            assert "secret-" not in answer.text


SLOW = ("a" * 5000 + "!", "(a+)+$" * 50, "%" * 3000, "a*" * 2000, "[" * 3000, "\\" * 3000, "ſ" * 3000, "x/" * 2500)


@pytest.mark.parametrize("first", [0, 3])
def test_no_search_goes_astray(hostile_pages: Pages, routes: list[tuple[str, str]], first: int) -> None:
    """ReDoS and long words: each is answered, or refused, and none hangs."""
    with hostile_pages.signed_in("admin", "administrator") as client:
        client.timeout = httpx.Timeout(patience(20))
        words = dict(zip(("q", "user", "words", "content", "person"), SLOW[first:], strict=False))
        for method, path in routes:
            if method == "GET" and path not in OPEN and not path.startswith("/plans"):
                known = {name: word for name, word in words.items() if not path.startswith("/api/") or name == "words"}
                assert client.get(path, params=known).status_code < 500, path
        page = client.get("/catalog/search", params={"q": "z" * 300}).text
        assert ("z" * 100 in page, "z" * 101 in page) == (True, False)


def test_a_body_without_end_is_refused_everywhere(hostile_pages: Pages, routes: list[tuple[str, str]]) -> None:
    """Oversized bodies, of a stated length and of none, with and without a session."""

    def chunks() -> Iterator[bytes]:
        yield from (b"a=" + b"x" * 65536 for _ in range(40))

    with hostile_pages.signed_in("admin", "administrator") as client, httpx.Client(base_url=client.base_url) as nobody:
        for one in (client, nobody):
            for method, path in routes:
                if method == "GET":
                    continue
                kind = {"content-type": "application/x-www-form-urlencoded"}
                assert one.request(method, path, content=b"x" * (2 << 20), headers=kind).status_code == 413, path
                try:
                    answer = one.request(method, path, content=chunks(), headers=kind)
                except httpx.HTTPError:
                    continue  # the connection ended
                assert answer.status_code in (303, 413), path
        assert client.get("/").status_code == 200


def test_whoever_sends_a_letter_now_and_then_is_left(hostile_pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow clients: headers that do not end, and a body that does not come."""
    import uvicorn

    class Soon(Impatient):
        within = 0.5

    monkeypatch.setattr(guards, "BODY_WITHIN", 0.5)
    values = settings_of("http://127.0.0.1:1", "") | {"store": {"folder": hostile_pages.folder / ".tabwarden"}}
    app = application(Settings.model_validate(values))
    config = uvicorn.Config(app, http=Soon, log_level="critical", proxy_headers=False)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        address = listener.getsockname()
        head = (
            b"POST /sign-in/tableau HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        )
        for slow in (b"", b"GET / HT", head, head + b"Content-Length: 100\r\n\r\na=b"):
            with socket.create_connection(address, timeout=patience(20)) as client:
                client.sendall(slow)
                while client.recv(65536):
                    pass  # until the server leaves
        whole = b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for begun in (b"", whole, head + b"Content-Length: 9999\r\n\r\n"):
            assert _is_left(address, begun), begun
        with httpx.Client(base_url=f"http://127.0.0.1:{address[1]}") as quick:
            assert [quick.get("/sign-in").status_code for _ in range(3)] == [200] * 3
        server.should_exit = True
        thread.join(timeout=patience(20))
    assert f"{Impatient.__module__}:{Impatient.__name__}" == CONNECTION


def _is_left(address: tuple[str, int], begun: bytes) -> bool:
    """Whether the server leaves whoever goes on with a letter now and then."""
    with socket.create_connection(address, timeout=patience(20)) as client:
        client.sendall(begun)
        if begun.startswith(b"GET"):
            client.recv(65536)
        client.settimeout(0.1)
        for _ in range(100):
            try:
                client.sendall(b"a")
                if not client.recv(65536):
                    return True
            except TimeoutError:
                continue
            except OSError:
                return True
    return False


def test_a_session_that_somebody_else_chose_is_none(hostile_pages: Pages) -> None:
    """Session fixation: what was in the cookie before signing in is worth nothing afterwards."""
    with httpx.Client(base_url=hostile_pages.address, cookies={"tabwarden": "chosen"}) as client:
        client.get(hostile_pages.link(ANN))
        tokens = [cookie.value for cookie in client.cookies.jar if cookie.name == "tabwarden"]
        assert any(token != "chosen" and len(token or "") > 40 for token in tokens)
    assert httpx.get(f"{hostile_pages.address}/", cookies={"tabwarden": "chosen"}).status_code == 303


def test_what_was_used_or_ended_is_worth_nothing(hostile_pages: Pages) -> None:
    """Replay: a link, a session that was signed out, a token that was taken away."""
    link = hostile_pages.link(ANN)
    with httpx.Client(base_url=hostile_pages.address) as client:
        assert client.get(link).status_code == 303
        assert httpx.get(link).status_code == 403
        session, token = client.cookies["tabwarden"], csrf(client)
        page = client.post("/account/tokens", data={"csrf": token, "name": "one", "days": "1"}).text
        bearer = re.search(r"tabwarden_[\w-]{43}", page)
        hashed = re.search(r'name="token" value="(\w{64})"', page)
        assert bearer
        assert hashed
        me = f"{hostile_pages.address}/api/v1/me"
        authorization = {"authorization": f"Bearer {bearer[0]}"}
        assert httpx.get(me, headers=authorization).status_code == 200
        client.post("/account/tokens/revoke", data={"csrf": token, "token": hashed[1]})
        assert httpx.get(me, headers=authorization).status_code == 401
        assert client.get(me, headers=authorization).status_code == 401  # whoever is signed in beside
        client.post("/sign-out", data={"csrf": token})
        assert httpx.get(f"{hostile_pages.address}/", cookies={"tabwarden": session}).status_code == 303


def test_a_forwarded_word_of_nobody_known_counts_for_nothing(hostile_pages: Pages) -> None:
    """Whoever is no proxy of the settings is whoever he is, whatever his headers say."""
    forged = {"x-forwarded-host": "evil.example", "x-forwarded-for": "192.0.2.9", "x-forwarded-proto": "https"}
    answer = httpx.get(f"{hostile_pages.address}/sign-in", headers=forged)
    assert answer.status_code == 200
    assert "evil" not in answer.text
    assert httpx.get(f"{hostile_pages.address}/", headers={"host": "evil.example"}).status_code == 400


def test_a_proxy_that_is_known_forwards_no_list_of_hosts_and_no_strange_scheme() -> None:
    async def told(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)

    scopes: list[Any] = []
    headers = [(b"host", b"pages"), (b"x-forwarded-host", b"evil,pages"), (b"x-forwarded-proto", b"javascript")]
    scope: Any = {"type": "http", "client": ("127.0.0.1", 1), "scheme": "http", "headers": headers}
    asyncio.run(guards.Forwarded(told, ["127.0.0.1"])(scope, None, None))  # type: ignore[arg-type]
    assert (scopes[0]["scheme"], dict(scopes[0]["headers"])[b"host"]) == ("http", b"pages")


def test_each_attack_of_the_list_has_the_tests_that_it_names() -> None:
    page = (ROOT / "docs/explanation/web-safety.md").read_text(encoding="utf-8")
    named = re.findall(r"`(web/[\w/]+\.py|commands/[\w/]+\.py)::(\w+)`", page)
    assert len(named) >= 20
    for file, name in named:
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"
    attacks = {
        node.name
        for node in ast.parse(Path(__file__).read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    told = {name for _, name in named} | {"test_each_attack_of_the_list_has_the_tests_that_it_names"}
    assert not {name for name in attacks if name.startswith("test_")} - told
