"""Pages for everybody: the page about them says what can be meant, nginx as it stands there, and several workers."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
import yaml
from paths import ROOT
from watchdog import patience

from plugins.pages import Pages, free_port, served
from tabwarden.settings.web import Web
from tabwarden.store.web import audit
from tabwarden.store.web.state import opened

PAGE = ROOT / "docs/how-to/pages-for-everybody.md"
ANN = "amir.ito@acme.example"


def blocks(language: str) -> list[str]:
    """The blocks of the page in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_every_setting_of_the_page_can_be_meant() -> None:
    whole, *providers = (yaml.safe_load(block) for block in blocks("yaml"))
    assert Web.model_validate(whole["web"]).rights.administrator.openid_groups == ("tabwarden-admins",)
    assert len(providers) == 3
    for provider in providers:
        Web.model_validate(whole["web"] | provider)


@contextmanager
def nginx(folder: Path, port: int, pages: int) -> Iterator[ssl.SSLContext]:
    """nginx with the configuration of the page on another port, before pages on a port; whom to trust for it."""
    program = shutil.which("nginx")
    if program is None:
        pytest.skip("no nginx is installed")
    ca = trustme.CA()
    certificate = ca.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(folder / "tabwarden.pem")
    certificate.private_key_pem.write_to_path(folder / "tabwarden.key")
    (server,) = blocks("nginx")
    server = server.replace("443", f"127.0.0.1:{port}").replace("/etc/ssl/", f"{folder}/").replace("8740", f"{pages}")
    server = server.replace("tabwarden.example.com", "localhost")
    temporary = "".join(
        f"{of}_temp_path {folder}/{of};\n" for of in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    head = f"daemon off;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\n"
    if not Path("/etc/passwd").read_text().count("www-data:"):
        head = f"user root;\n{head}"
    (folder / "nginx.conf").write_text(f"{head}http {{ access_log off;\n{temporary}{server} }}\n")
    process = subprocess.Popen([program, "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")])
    try:
        trust = ssl.create_default_context()
        ca.configure_trust(trust)
        yield trust
    finally:
        process.terminate()
        process.wait(timeout=patience(20))


def test_behind_nginx_as_it_stands_there(acme_folder: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    port, pages_port = free_port(), free_port()
    url = f"https://localhost:{port}"
    shutil.copytree(acme_folder[0] / ".tabwarden", tmp_path / ".tabwarden")
    values = acme_folder[1] | {"web": {"url": url, "proxies": ["127.0.0.1"]}}
    with served(tmp_path, values, port=pages_port) as pages, nginx(tmp_path, port, pages_port) as trust:
        transport = httpx.HTTPTransport(verify=trust, retries=5, local_address="127.0.0.2")
        with httpx.Client(base_url=url, transport=transport, timeout=60) as client:
            answer = client.get(
                Pages(url, tmp_path, port, pages.process).link(ANN), headers={"x-forwarded-for": "192.0.2.7"}
            )
            assert answer.status_code == 303
            cookie = answer.headers.get_list("set-cookie")[0]  # the next one forgets another
            assert cookie.startswith("__Host-tabwarden=")
            for word in ("Secure", "HttpOnly", "Path=/", "SameSite=lax"):
                assert word in cookie
            page = client.get("/account")
            assert page.status_code == 200
            assert page.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
            assert "upgrade-insecure-requests" in page.headers["content-security-policy"]
            assert client.post("/account/sessions/end", content=b"x" * (2 << 20)).status_code == 413
    with closing(opened(tmp_path / ".tabwarden")) as database:
        assert audit.newest(database, 1)[0].address == "127.0.0.2"  # whom nginx heard, and not what that said


@pytest.fixture(scope="module")
def workers(acme_folder: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    folder = tmp_path_factory.mktemp("workers")
    shutil.copytree(acme_folder[0] / ".tabwarden", folder / ".tabwarden")
    values = acme_folder[1] | {"web": {"workers": 3, "tableau": True, "attempts": 3}}
    with served(folder, values) as pages:
        yield pages


def test_workers_share_sessions_links_and_the_count_of_guesses(workers: Pages) -> None:
    """Each request on a connection of its own, so that any worker takes it."""
    with ThreadPoolExecutor(12) as many:
        link = workers.link(ANN)
        answers = [*many.map(lambda _: httpx.get(link, timeout=60), range(12))]
        assert sorted(answer.status_code for answer in answers) == [303, *[403] * 11]
        cookies = {"tabwarden": next(answer.cookies["tabwarden"] for answer in answers if answer.is_redirect)}
        look = [*many.map(lambda _: httpx.get(f"{workers.address}/account", cookies=cookies, timeout=60), range(24))]
        assert {answer.status_code for answer in look} == {200}
        form = httpx.get(f"{workers.address}/sign-in")
        csrf = re.search(r'name="csrf" value="([^"]+)"', form.text)
        assert csrf
        words = {"csrf": csrf[1], "site": "acme", "name": ANN, "secret": "wrong"}

        def guess(_: int) -> int:
            cookies = {"tabwarden-form": form.cookies["tabwarden-form"]}
            return httpx.post(f"{workers.address}/sign-in/tableau", data=words, cookies=cookies, timeout=60).status_code

        assert sorted(many.map(guess, range(12))) == [*[403] * 3, *[429] * 9]
    out = {"csrf": _csrf(look[0].text), "every": "yes"}
    httpx.post(f"{workers.address}/account/sessions/end", data=out, cookies=cookies, timeout=60)
    for _ in range(6):
        assert httpx.get(f"{workers.address}/account", cookies=cookies, timeout=60).status_code == 303
    with closing(opened(workers.folder / ".tabwarden")) as database:
        verified = audit.verified(database)
    assert verified.problem == ""
    assert verified.rows >= 12 + 3


def _csrf(page: str) -> str:
    match = re.search(r'name="csrf" value="([^"]+)"', page)
    assert match
    return match[1]
