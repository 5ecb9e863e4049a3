"""A long list as a plan: `python benchmarks/long_list.py [--rows 1000000] [--known 0] [--profile FILE]`.

A CSV file of so many joiners, one a row, is typed into `tabwarden plan provision` on a sandbox in another process. Of
a hundred rows so many are `known`: those people are on the site and in the group already, and nothing changes for
them; the pages of the two long lists are then written by a server before the sandbox, which would take minutes. Told
are the seconds and the memory of the whole command, its start and the reading of the site included, and what it
planned. Exit code 1 beyond 30 s of the processor or 1 GB for a million rows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from tabwarden.model.site import ALL_USERS, Group, Site, User
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.server_state import AccessToken, Account, World

LIMIT, MOST = 30.0, 1 << 30
SETTINGS = {"sources": {"joiners": {"type": "file", "path": "joiners.csv"}}, "store": {"folder": "store"}}


def name(number: int) -> str:
    """The user name of a row."""
    return f"person{number:07}@corp.example"


def person(number: int) -> User:
    """Who is on the site already."""
    return User(f"{number:08x}-0000-4000-8000-000000000000", name(number), "Unlicensed")


def world(known: int) -> World:
    """A site with its administrator, so many people, and the group in which they wait for a licence."""
    users = {"u": User("u", "ada", "ServerAdministrator")} | {one.id: one for one in map(person, range(known))}
    groups = {
        "all": Group("all", ALL_USERS, everyone=True),
        "g": Group(
            "g", "Viewers", members=frozenset(users.keys() - {"u"}), minimum_site_role="Viewer", grant_on="onLogin"
        ),
    }
    site = Site("s", "People", "people", users, groups)
    return World("people", (site,), (Account("ada", "ada", "local"),), (AccessToken("tok", "never-told", "ada"),))


class Pages(BaseHTTPRequestHandler):
    """Writes the pages of the users and of the group's members; everything else is asked of the sandbox."""

    protocol_version = "HTTP/1.1"
    port, known = 0, 0

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if not self.known or not parts.path.endswith("/users"):
            self.passed_on()
            return
        page, in_group = int(parse_qs(parts.query)["pageNumber"][0]), "/groups/" in parts.path
        users = [] if in_group or page > 1 else [User("u", "ada", "ServerAdministrator")]
        first, total = (page - 1) * 1000 - (not in_group and page > 1), self.known + (not in_group)
        users += map(person, range(first, min(self.known, first + 1000 - len(users))))
        lines = (
            f'<user id="{u.id}" name="{u.name}" siteRole="{u.site_role}"><domain name="local"/></user>' for u in users
        )
        pagination = f'<pagination pageNumber="{page}" pageSize="1000" totalAvailable="{total}"/>'
        self.say(
            200,
            f'<tsResponse xmlns="http://tableau.com/api">{pagination}<users>{"".join(lines)}</users></tsResponse>'.encode(),
            "application/xml",
        )

    def passed_on(self) -> None:
        """To the sandbox, and its answer back."""
        with closing(HTTPConnection("127.0.0.1", self.port)) as behind:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            behind.request(self.command, self.path, body, dict(self.headers))
            answer = behind.getresponse()
            self.say(answer.status, answer.read(), answer.headers.get("Content-Type", "application/xml"))

    do_POST = passed_on  # noqa: N815

    def say(self, status: int, body: bytes, kind: str) -> None:
        """One answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def tableau(known: int) -> Iterator[str]:
    """The address of a Tableau with so many people."""
    with running(world(min(known, 1))) as sandbox:
        Pages.port, Pages.known = sandbox.port, known
        with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_address[1]}"
            server.shutdown()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--known", type=float, default=0, help="of a hundred rows, how many are on the site already")
    parser.add_argument("--profile", help="write a profile of the command to this file")
    asked = parser.parse_args()
    known = int(asked.rows * asked.known / 100)
    with tempfile.TemporaryDirectory() as folder, tableau(known) as address:
        place = Path(folder)
        with (place / "joiners.csv").open("w", encoding="utf-8") as file:
            file.write("Email Address\n")
            file.writelines(f"{name(number)}\n" for number in range(asked.rows))
        server = {"server": address, "site": "people", "auth": {"pat": {"name": "tok", "secret": "never-told"}}}
        provision = {"group": {"name": "Viewers", "minimum_site_role": "Viewer"}}
        settings = {**SETTINGS, "tableau": server, "provision": provision}
        (place / "settings.yaml").write_text(json.dumps(settings), encoding="utf-8")
        profile = ["-m", "cProfile", "-o", asked.profile] if asked.profile else []
        words = [sys.executable, *profile, "-m", "tabwarden", "plan", "provision", "--out", "plan.json"]
        began = time.monotonic()
        with subprocess.Popen(words, cwd=place, stdout=subprocess.PIPE, text=True) as command:
            told = command.stdout.read() if command.stdout else ""
            _, status, used = os.wait4(command.pid, 0)
            command.returncode = os.waitstatus_to_exitcode(status)
        seconds, busy = time.monotonic() - began, used.ru_utime + used.ru_stime
        size = (place / "plan.json").stat().st_size
    print("\n".join(line[:200] for line in told.splitlines()[-8:]))
    print(
        f"{asked.rows:,} rows, {known:,} of them known: {seconds:.1f} s by the clock, {busy:.1f} s of the processor, "
        f"{used.ru_maxrss / 1024:,.0f} MiB, exit code {command.returncode}, a plan of {size / 1e6:,.0f} MB"
    )
    return 0 if busy <= LIMIT and used.ru_maxrss * 1024 <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
