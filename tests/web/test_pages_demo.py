"""The demo of the pages: one command, a link, and every page has something to show."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from watchdog import patience


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """What `serve --demo` says until it listens, with its links; it serves until the tests are done."""
    command = [sys.executable, "-m", "tabwarden", "serve", "--demo", "--port", "0"]
    folder = tmp_path_factory.mktemp("elsewhere")
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if sum(words.startswith("sign in as") for words in lines) == 3:
                break
        yield lines
        process.terminate()
        process.wait(timeout=patience(20))
    assert not [*Path(folder).iterdir()]


PAGES = {
    "/catalog": "Finance",
    "/plans": "waits",
    "/invariants": "Salaries are for HR",
    "/findings": "open-to-all",
    "/history?content=Finance": "anna.wong@acme.example",
    "/diff?before=previous&after=last": "Auditors",
    "/licences": "Creator",
}


def test_each_link_signs_somebody_in_and_every_page_has_something_to_show(said: list[str]) -> None:
    assert len(said) < 60  # a screen or two
    links = [re.findall(r"http://\S+", line)[0] for line in said if line.startswith("sign in as")]
    assert len(links) == 3
    clients = [httpx.Client(base_url=link.partition("/sign-in")[0], timeout=patience(30)) for link in links]
    for client, link in zip(clients, links, strict=True):
        assert client.get(link).status_code == 303
        assert client.get(link).status_code == 403  # once
    admin, *others = clients
    for path, words in PAGES.items():
        page = admin.get(path)
        assert page.status_code == 200, path
        assert words in page.text, path
    (book,) = admin.get("/api/v1/workbooks", params={"in": "Sales", "limit": 1}).json()["rows"]
    use = admin.get("/check/who", params={"capability": "View", "content": book["id"]}).text
    seen = {age: int(count) for age, count in re.findall(r"<title>([\w ]+): (\d+)</title>", use)}
    assert sum(count > 0 for count in seen.values()) > 3, seen  # bars, and not of those alone who were not seen
    assert len(re.findall(r">20\d\d-\d\d-\d\d \d\d:\d\d<", use)) > 3
    home = re.findall(r"<li>(.+?)</li>", admin.get("/").text)
    assert len(home) == 3
    assert "1 plan waits" in home[0]
    assert "1 invariant is broken: Salaries are for HR" in home[1]
    for client in others:
        assert "You may View" in client.get("/").text
        assert client.get("/plans").status_code == 403
        client.close()
    admin.close()
