"""The settings of the pages: each has its effect, and a name that fits nobody is an error before anything is served."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from command_line import run
from watchdog import patience

from plugins.pages import served, settings_of
from tabwarden.model.errors import SettingsError
from tabwarden.model.site import Site, Taken, User
from tabwarden.settings import Settings
from tabwarden.store.history import History
from tabwarden.web import rights
from tabwarden.web.answers import Asked
from tabwarden.web.app import application

ACME = "amir.ito@acme.example"


def _settings(folder: Path, **web: Any) -> Settings:
    return Settings.model_validate(settings_of("http://127.0.0.1:1") | {"store": {"folder": folder}, "web": web})


@pytest.mark.parametrize("right", rights.GIVEN)
@pytest.mark.parametrize("holders", [{"people": [ACME.upper()]}, {"groups": ["All Users"]}])
def test_each_setting_of_the_pages_has_its_effect(
    acme_folder: tuple[Path, dict[str, Any]], right: str, holders: dict[str, list[str]]
) -> None:
    settings = _settings(acme_folder[0] / ".tabwarden", rights={right.replace("-", "_"): holders})
    app = application(settings)
    site = app.state.house.served.site().site
    assert right in rights.rights_of(settings.web.rights, {"name": ACME}, site)
    assert right not in rights.rights_of(settings.web.rights, {"name": "nobody"}, site)


def test_a_name_that_fits_nobody_is_an_error(acme_folder: tuple[Path, dict[str, Any]]) -> None:
    named = {"auditor": {"people": ["amir.itoo@acme.example"], "groups": ["Fin"]}}
    with pytest.raises(SettingsError) as error:
        application(_settings(acme_folder[0] / ".tabwarden", rights=named))
    assert [line for line in error.value.lines if "amir.ito@acme.example" in line]
    assert "web.rights.auditor.groups" in str(error.value.lines)


@pytest.mark.parametrize("workers", [1, 2])
def test_with_a_name_that_fits_nobody_nothing_is_served(
    acme_folder: tuple[Path, dict[str, Any]], tmp_path: Path, workers: int
) -> None:
    web = {"port": 0, "workers": workers, "rights": {"auditor": {"groups": ["Audittors"]}}}
    values = acme_folder[1] | {"web": web, "store": {"folder": str(acme_folder[0] / ".tabwarden")}}
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    command = [sys.executable, "-m", "tabwarden", "serve"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=patience(60), check=False)
    assert ended.returncode == 1
    assert not ended.stdout
    assert "no group `Audittors` on site `Acme`; near it: `Auditors`" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_sessions_end(acme_folder: tuple[Path, dict[str, Any]]) -> None:
    sessions = application(_settings(acme_folder[0] / ".tabwarden", idle="5m", longest="1h")).state.house.sessions
    now = datetime(2026, 1, 1, tzinfo=UTC)
    token = sessions.begin({"name": ACME}, now)
    assert sessions.of(token, now + timedelta(minutes=4)) is not None
    assert sessions.of(token, now + timedelta(minutes=8)) is not None  # seen four minutes ago
    assert sessions.of(token, now + timedelta(minutes=14)) is None
    token = sessions.begin({"name": ACME}, now)
    for minute in range(4, 60, 4):
        assert sessions.of(token, now + timedelta(minutes=minute)) is not None
    assert sessions.of(token, now + timedelta(minutes=61)) is None
    for minutes, person in ((9, {"name": ACME}), (11, None)):
        assert sessions.used_link(sessions.link({"name": ACME}, now), now + timedelta(minutes=minutes)) == person


def test_other_hosts_are_refused(acme_folder: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    values = acme_folder[1] | {"web": {"url": "https://pages.example.com"}}
    values["store"] = {"folder": str(acme_folder[0] / ".tabwarden")}
    with served(tmp_path, values) as pages:
        assert pages.address == "https://pages.example.com"
        for host, status in (("pages.example.com", 303), ("127.0.0.1", 303), ("evil.example", 400)):
            answer = httpx.get(f"http://127.0.0.1:{pages.port}/", headers={"host": host})
            assert answer.status_code == status, host
            assert (status == 400) == ("not served under that name" in answer.text)
        answer = httpx.get(f"http://127.0.0.1:{pages.port}/api/v1/me", headers={"host": "["})
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_a_port_that_is_taken_is_told(acme_folder: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = run("serve", "--settings", acme_folder[0] / "settings.yaml", "--port", port)
    assert ended.exit_code == 1
    assert f"nothing can listen on 127.0.0.1:{port}: address already in use" in ended.stderr


def test_two_servers_may_share_a_content_url(tmp_path: Path) -> None:
    """Each is served under its own address, asked apart, and the settings' own is the usual one."""
    store = tmp_path / ".tabwarden"
    for where, users in (("http://127.0.0.1:1", 2), ("https://other.example.com", 3)):
        people = {f"u{n}": User(f"u{n}", f"u{n}@acme.example", "Viewer") for n in range(users)}
        site = Site(id=where, name=where, content_url="acme", users=people, taken=Taken(where, "2026-01-01T00:00:00Z"))
        with History(store) as history:
            history.keep(site)
    served_sites = application(_settings(store)).state.house.served
    assert set(served_sites.sites) == {"http://127.0.0.1:1/#/site/acme", "https://other.example.com/#/site/acme"}
    assert len(served_sites.site().site.users) == 2
    other = served_sites.site("https://other.example.com/#/site/acme")
    assert len(Asked(other, snapshot="last").questions().site.users) == 3
