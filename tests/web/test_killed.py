"""SIGKILL at every moment of what the pages write: nothing is lost, nothing happens twice, and they serve again.

A moment is a statement of the database of the pages, or a file that is written; `dying_pages.py` dies before each.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from paths import TESTS
from small_site import group, project, site, workbook
from watchdog import patience

from plugins.pages import Pages, free_port, served, settings_of
from tabwarden import cli
from tabwarden.model.site import Taken
from tabwarden.run.history import LAST, open_either
from tabwarden.run.plans import kept_plans
from tabwarden.store.history import History
from tabwarden.store.web import audit
from tabwarden.store.web.sessions import Sessions
from tabwarden.store.web.state import opened
from tabwarden.store.web.tokens import Tokens

Rows = Mapping[str, list[tuple[Any, ...]]]
# What is kept beside the trail, without what hangs on chance or the clock.
KEPT = {
    "sessions": "select who, person from web_session",
    "links": "select person from web_link",
    "tokens": "select who, name, person from web_token",
    "source": "select enforce, projects, person from web_source",
    "approvals": "select plan, person from web_approval",
    "requests": "select number, person, state, by, words, plan from web_request",
}
SINCE = re.compile(r'"since":"[^"]*"')


@dataclass
class Desk:
    """Pages whose children die, their store as it is before anything happens, and who is signed in there."""

    folder: Path
    process: subprocess.Popen[str]
    cookies: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=dict)
    link: str = ""

    def ask(self, at: int, name: str, method: str, path: str, form: Mapping[str, str] = {}) -> dict[str, Any]:
        """A request of somebody, whose child dies at a moment; `{}` where it did."""
        cookies = {"tabwarden": self.cookies[name]} if name else {}
        request = {"at": at, "method": method, "path": path, "cookies": cookies}
        request |= {"form": {"csrf": self.forms[name], **form}} if method == "POST" else {}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def restore(self) -> None:
        """As it was before."""
        shutil.rmtree(self.folder / ".tabwarden")
        shutil.copytree(self.folder / "before", self.folder / ".tabwarden")

    def plans(self) -> list[tuple[Any, ...]]:
        """Those of the store: number, by whom, what each says."""
        return [(one.number, one.by, one.says) for one in kept_plans(self.folder / ".tabwarden")]

    def rows(self) -> Rows:
        """What is kept, and the trail, which nothing has broken."""
        with closing(opened(self.folder / ".tabwarden")) as database:
            assert audit.verified(database).problem == ""
            with database.reading() as connection:
                rows = {name: sorted(connection.rows(statement)) for name, statement in KEPT.items()}
            trail = [(act.person, act.act, act.about) for act in audit.acts(database)]
        rows["sessions"] = sorted((who, SINCE.sub("", person)) for who, person in rows["sessions"])
        plans = {one.id for one in kept_plans(self.folder / ".tabwarden")}  # an id hangs on the clock
        return {**rows, "approvals": [(plan in plans, who) for plan, who in rows["approvals"]], "trail": trail}


def _snapshot(server: str = "http://127.0.0.1:1") -> Any:
    users = ["ann:Viewer", "olga:Creator", "carl:Creator", "admin:SiteAdministratorCreator"]
    contents = [project("Finance", None, "group:staff +Read"), workbook("Budget", "Finance")]
    whole = site(*contents, users=users, groups=[group("staff", "olga"), group("others", "carl")])
    when = Taken(server, "2026-11-21T18:00:00Z", "adm", "ServerAdministrator")
    return replace(whole, taken=when)


PEOPLE = {"olga": ["operator", "auditor"], "carl": ["approver", "catalog", "look-as"], "ann": []}


@contextmanager
def dying(file: Path) -> Iterator[subprocess.Popen[str]]:
    """The program over these settings."""
    command = [sys.executable, str(TESTS / "support/dying_pages.py"), str(file)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=file.parent
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("killed")
    values = settings_of("http://127.0.0.1:1", "") | {"web": {"approval": True}}
    (folder / "settings.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    with History(folder / ".tabwarden") as history:
        history.keep(_snapshot())
    now = datetime.now(UTC)
    with closing(opened(folder / ".tabwarden")) as database:
        sessions = Sessions(database, timedelta(minutes=30), timedelta(hours=12))
        cookies = {name: sessions.begin({"name": name, "rights": given}, now) for name, given in PEOPLE.items()}
        forms = {name: one.csrf for name, cookie in cookies.items() if (one := sessions.of(cookie, now))}
        Tokens(database).make({"name": "ann", "via": "link"}, "of ann", [], now, timedelta(days=1))
        link = sessions.link({"name": "ann", "via": "link", "rights": ["auditor"]}, now)
    with dying(folder / "settings.yaml") as process:
        desk = Desk(folder, process, cookies, forms, link)
        assert desk.ask(0, "olga", "POST", "/plans", {"changes": "add ann to staff"})["location"] == "/plans/1"
        ask = {"path": "Finance/Budget", "capability": "View", "reason": "a test"}
        assert desk.ask(0, "ann", "POST", "/requests", ask)["status"] == 303
        shutil.copytree(folder / ".tabwarden", folder / "before")
        yield desk


# What is done: by whom, where, with which words; what a second time is answered where the first was done whole.
DONE: Mapping[str, tuple[str, str, str, dict[str, str], int]] = {
    "signed in by a link": ("ann", "GET", "/sign-in/link?token=LINK", {}, 403),
    "approved": ("carl", "POST", "/plans/1/approve", {}, 400),
    "granted": ("carl", "POST", "/requests/1/grant", {"choose": "1"}, 404),
    "refused": ("carl", "POST", "/requests/1/refuse", {"words": "no"}, 404),
    "signed out": ("carl", "POST", "/sign-out", {}, 303),
    "ended every session": ("carl", "POST", "/account/sessions/end", {"every": "yes"}, 303),
    "asked": ("ann", "POST", "/requests", {"path": "Finance", "capability": "View", "reason": "why not"}, 303),
    "made a token": ("carl", "POST", "/account/tokens", {"name": "one", "days": "1"}, 200),
    "looked as somebody": ("carl", "POST", "/look-as/begin", {"user": "ann", "reason": "a test"}, 403),
    "set a source": ("carl", "POST", "/catalog/source", {"enforce": "off", "sure": "yes"}, 303),
}
EVERY_MOMENT = ("signed in by a link", "approved", "granted")
SOME = 6  # moments of the others


@pytest.mark.parametrize("what", DONE)
def test_killed_at_any_moment_it_is_done_whole_or_not_at_all(desk: Desk, what: str) -> None:
    name, method, path, form, second = DONE[what]
    path = path.replace("LINK", desk.link)
    desk.restore()
    if what == "granted":
        page = desk.ask(0, name, "GET", "/requests/1")["text"]
        form = {**form, "tag": re.findall(r'name="tag" value="([^"]+)"', page)[0]}
        shutil.rmtree(desk.folder / "before")
        shutil.copytree(desk.folder / ".tabwarden", desk.folder / "before")
    before = desk.rows()
    whole = desk.ask(0, name, method, path, form)
    assert whole["status"] in (200, 303), whole["text"]
    after, plans = desk.rows(), desk.plans()
    assert after != before
    assert whole["moments"] > 2
    ends = set()
    every = range(1, whole["moments"] + 1)
    for at in every if what in EVERY_MOMENT else [*every][:: max(1, len(every) // SOME)]:
        desk.restore()
        assert desk.ask(at, name, method, path, form) == {}, f"nothing died at moment {at}"
        rows = desk.rows()
        is_done = rows["trail"] == after["trail"]
        ends.add(is_done)
        wanted = after if is_done else before
        assert rows == wanted, f"moment {at}"
        again = desk.ask(0, name, method, path, form)
        assert again["status"] == (second if is_done else whole["status"]), again["text"]
        rows = desk.rows()
        assert desk.plans() == plans, f"moment {at}"  # one that was left behind is taken, and none made beside it
        if not is_done:
            assert rows == after
        elif second >= 400:
            assert {of: rows[of] for of in KEPT} == {of: after[of] for of in KEPT}
    assert False in ends


# -- applying ------------------------------------------------------------------------------------------------------


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + patience(60)
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_killed_at_any_moment_of_starting_it_a_plan_is_applied_once(tmp_path: Path, tableau_sandboxes: Any) -> None:
    """A plan for each moment that is tried: whoever comes next finds it under way, or has it applied, and once."""
    sandbox = tableau_sandboxes(world="acme")
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump(settings_of(sandbox.url)), encoding="utf-8")
    assert cli.run(["read", "--settings", str(file), "-q"]) == 0
    with closing(opened(tmp_path / ".tabwarden")) as database:
        sessions, now = Sessions(database, timedelta(minutes=30), timedelta(hours=12)), datetime.now(UTC)
        cookie = sessions.begin({"name": "olga", "rights": ["operator"]}, now)
        session = sessions.of(cookie, now)
    site = open_either(LAST, str(tmp_path / ".tabwarden"))
    names = [one.name for one in site.groups.values() if one.name != "All Users" and "admin" not in one.name.casefold()]
    assert session
    with dying(file) as process:
        desk = Desk(tmp_path, process, {"olga": cookie}, {"olga": session.csrf})

        def plan(name: str) -> str:
            return str(desk.ask(0, "olga", "POST", "/plans", {"changes": f'add admin to "{name}"'})["location"])

        def state(path: str) -> str:
            number = int(path.rpartition("/")[2])
            return next(one.state for one in kept_plans(tmp_path / ".tabwarden") if one.number == number)

        first = plan(names[0])
        whole = desk.ask(0, "olga", "POST", f"{first}/apply")
        assert whole["status"] == 303
        until(lambda: state(first) == "applied")
        for place, name in enumerate(names[1 : 1 + TRIED]):
            path, at = plan(name), 2 + (whole["moments"] - 2) * place // (TRIED - 1)
            assert desk.ask(at, "olga", "POST", f"{path}/apply") == {}, f"nothing died at moment {at}"
            for _ in range(2):  # once more than is needed
                desk.ask(0, "olga", "POST", f"{path}/apply")
            until(lambda path=path: state(path) == "applied")  # type: ignore[misc]
    journals = [path.read_text(encoding="utf-8") for path in (tmp_path / ".tabwarden/journals").glob("*.jsonl")]
    assert [len(re.findall(r'"begin": \[', journal)) for journal in journals] == [1] * (1 + TRIED)
    with closing(opened(tmp_path / ".tabwarden")) as database:
        assert audit.verified(database).problem == ""


TRIED = 5


# -- several workers -----------------------------------------------------------------------------------------------


@contextmanager
def deaf() -> Iterator[str]:
    """The address of a server that takes connections and says nothing; whoever waits is let go at the end."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def workers_of(pages: Pages) -> list[int]:
    """The processes that answer."""
    assert pages.process is not None
    listing = subprocess.run(
        ["ps", "-ww", "-o", "pid=", "-o", "args=", "--ppid", str(pages.process.pid)], capture_output=True, text=True
    )
    return [int(line.split()[0]) for line in listing.stdout.splitlines() if "spawn_main" in line]


def test_workers_that_are_killed_are_replaced_and_all_of_them_end_with_serve(tmp_path: Path) -> None:
    """And what a job holds is its lock, not the port: the pages come again at once while it goes on."""
    port = free_port()
    with deaf() as server:
        values = settings_of(server, "") | {"web": {"workers": 2}}
        with History(tmp_path / ".tabwarden") as history:
            history.keep(_snapshot(server))
        with served(tmp_path, values, port=port) as pages, pages.signed_in("carl", "catalog") as client:
            csrf = re.findall(r'name="csrf" value="([^"]+)"', client.get("/catalog/source").text)[0]
            begun = client.post("/catalog/source/extraction", data={"csrf": csrf})
            assert begun.status_code == 303, begun.text
            before = workers_of(pages)
            assert len(before) == 2
            for worker in before:
                os.kill(worker, signal.SIGKILL)
            until(lambda: len(set(workers_of(pages)) - set(before)) == 2)
            cookies = dict(client.cookies)
            with httpx.Client(base_url=pages.address, cookies=cookies, timeout=patience(20)) as again:
                assert "under way" in again.post("/catalog/source/extraction", data={"csrf": csrf}).text
            after = workers_of(pages)
            pages.kill()
        until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in after))
        with (
            served(tmp_path, values, port=port) as pages,
            httpx.Client(base_url=pages.address, cookies=cookies, timeout=patience(20)) as again,
        ):
            assert "under way" in again.post("/catalog/source/extraction", data={"csrf": csrf}).text
