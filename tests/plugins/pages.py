"""The pages as `tabwarden serve` serves them: a process over a company that was read and mirrored, and a browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from watchdog import patience

from tabwarden.sandbox.worlds.acme import TOKEN_NAME, TOKEN_SECRET
from tabwarden.store.web.sessions import Sessions
from tabwarden.store.web.state import opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@dataclass
class Pages:
    """Pages that are served from `folder`, the folder of their settings; sign somebody in by name."""

    address: str
    folder: Path
    port: int
    process: subprocess.Popen[str] | None = None

    def link(self, name: str, *rights: str) -> str:
        """A one-time link for somebody, made as `serve` makes it."""
        database = opened(self.folder / ".tabwarden")
        sessions = Sessions(database, timedelta(minutes=30), timedelta(hours=12))
        token = sessions.link({"name": name, "via": "link", "rights": list(rights)}, datetime.now(UTC))
        database.close()
        return f"{self.address}/sign-in/link?token={token}"

    def kill(self) -> None:
        """End the process as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    @contextmanager
    def signed_in(self, name: str, *rights: str) -> Iterator[httpx.Client]:
        """A client with the session of somebody, who has these rights beside those of the settings."""
        with httpx.Client(base_url=self.address, timeout=60) as client:
            assert client.get(self.link(name, *rights)).status_code == 303
            yield client

    @contextmanager
    def in_browser(self, browser: Browser, name: str, *rights: str, **options: Any) -> Iterator[Page]:
        """A page of a real browser where somebody is signed in; whatever the console says is an error afterwards."""
        context: BrowserContext = browser.new_context(base_url=self.address, **options)
        context.set_default_timeout(patience(30) * 1000)
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(self.link(name, *rights))
        yield page
        context.close()
        # Chromium tells of each sign-out that it cleared what it was asked to.
        assert not [words for words in said if not words.startswith("Clear-Site-Data header")]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def axe_problems(page: Page) -> list[str]:
    """What axe-core has against a page that is serious: each rule with where it is broken. Its script is not the
    page's: it is run from outside, past the policy of the page."""
    script = Path(__file__).parents[2] / ".venv/node/node_modules/axe-core/axe.min.js"
    if not script.is_file():
        pytest.skip("axe-core is not installed; script/peers installs it")
    page.evaluate(script.read_text(encoding="utf-8"))
    results = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{page.url}: {one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
        for one in results["violations"]
        if one["impact"] in ("serious", "critical", "moderate")
    ]


@contextmanager
def served(folder: Path, values: Mapping[str, Any], *words: str, port: int = 0) -> Iterator[Pages]:
    """`tabwarden serve` over the settings of a folder, with more `words`; ended afterwards. `port` 0: any."""
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
    port = port or free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tabwarden", "serve", "--settings", str(file), "--port", str(port), *words],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        address = next((line for line in process.stdout if line.startswith("listening on ")), "")
        assert address, "serve ended before it listened"
        yield Pages(address.removeprefix("listening on ").strip(), folder, port, process)
    finally:
        process.terminate()
        process.wait(timeout=patience(20))
        process.stdout.close()


def settings_of(url: str, site: str = "acme") -> dict[str, Any]:
    """The settings of a site of a sandbox, with the token of its world acme."""
    return {"tableau": {"server": url, "site": site, "auth": {"pat": {"name": TOKEN_NAME, "secret": TOKEN_SECRET}}}}


@pytest.fixture(scope="session")
def acme_folder(tmp_path_factory: pytest.TempPathFactory, tableau_sandboxes: Any) -> tuple[Path, dict[str, Any]]:
    """A folder with a store in which acme was read and mirrored, and its settings; its sandbox still answers."""
    from tabwarden import cli

    folder = tmp_path_factory.mktemp("pages")
    values = settings_of(tableau_sandboxes(world="acme").url)
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    for command in ("read", "mirror"):
        assert cli.run([command, "--settings", str(file), "-q"]) == 0
    return folder, values


@pytest.fixture(scope="session")
def acme_pages(acme_folder: tuple[Path, dict[str, Any]]) -> Iterator[Pages]:
    """The pages of acme, for tests that change nothing of it."""
    with served(*acme_folder) as pages:
        yield pages


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium of the system, without a window. A module's own: Playwright keeps a loop running in its thread, in which
    no other test could run one.
    """
    from shutil import which

    from playwright.sync_api import expect, sync_playwright

    executable = which("chromium") or which("chromium-browser") or which("google-chrome")
    if executable is None:
        pytest.skip("no Chromium is installed; `apt-get install chromium`")
    expect.set_options(timeout=patience(30) * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM))
        yield browser
        browser.close()


@pytest.fixture
def in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked of pages in this process is asked one after the other, which takes half of the time."""
    from tabwarden.web import api, visit
    from tabwarden.web.pages import signing_in

    async def at_once(function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    for module, name in ((visit, "run_in_threadpool"), (api, "run_in_threadpool"), (signing_in, "run_waiting")):
        monkeypatch.setattr(module, name, at_once)
