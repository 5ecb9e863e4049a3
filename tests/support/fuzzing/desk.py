"""A folder with everything a command can be given, a server, and inputs laid on them and taken off again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, closing, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from unittest.mock import patch

from joined_sandbox import as_values
from provisioning import SECRET, URL, world
from small_site import rules
from watchdog import patience

from fuzzing import directory_wire
from fuzzing.directory_wire import Replayed
from fuzzing.forking import Forking, forking
from fuzzing.inputs import Edit, Input
from fuzzing.replay import Replay, keys_of, replaying
from tabwarden import cli
from tabwarden.commands._unforeseen import sentence
from tabwarden.model.site import Site
from tabwarden.plan.file import _seal as sealed
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.sandbox.state.server_state import World
from tabwarden.sources.ldap.session import ldap3
from tabwarden.store import directory_file
from tabwarden.store.journal import checked_line

SECONDS = 20.0
PASSING = ("history.db-shm", "history.db-wal", ".lock")
AES_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="  # of no secret
DIRECTORY = {
    "domains": {
        "corp.example": {
            "users": {"ann": {"display_name": "Ann", "email": "ann@corp.example"}, "bob": {}, "cy": {"enabled": False}},
            "groups": {"Sales": {"members": ["ann", "bob"]}, "Both": {"members": ["Sales", "cy"]}},
        },
        "partner.example": {"users": {"ann": {}}, "groups": {}},
    }
}
CASE = {
    "id": "FUZ-1",
    "kind": "capability",
    "setup": {
        "users": {"ann": {"role": "Viewer"}, "joe": {"role": "Creator", "owns": ["W"]}},
        "groups": {"G": {"members": ["ann"]}},
        "projects": {"P": {"mode": "ManagedByOwner", "leaders": ["group:G"]}},
        "content": {
            "W": {
                "type": "workbook",
                "project": "P",
                "rules": [{"grantee": "group:G", "capability": "View", "mode": "Allow"}],
            }
        },
    },
    "question": {"user": "ann", "capability": "View", "object": "content:W"},
    "expected": "allow",
}


class Hangs(BaseException):
    """The watchdog."""


class Ended(NamedTuple):
    """How a command ended; `trouble` is what no person may see, such as a traceback."""

    code: int
    out: str
    err: str
    trouble: str = ""
    seconds: float = 0.0


def company() -> World:
    """A handful of people, a group that grants, some rules, a project in a project."""
    held = world(owners=("vic@a.example", "cleo@a.example", "una@a.example"))
    (site,) = held.sites
    contents = dict(site.contents)
    everyone = next(g.id for g in site.groups.values() if g.everyone)
    contents["w-0"] = replace(contents["w-0"], rules=rules(f"group:{everyone} +Read", "user:u-una@a.example -Read"))
    contents["w-1"] = replace(contents["w-1"], rules=rules("group:g-grant +Read", "group:g-grant +Filter"))
    contents["p-default"] = replace(contents["p-default"], rules=rules(f"group:{everyone} +Read"))
    contents["p-in"] = replace(contents["p-default"], id="p-in", name="Within", parent="p-default", rules=rules())
    contents["w-2"] = replace(contents["w-2"], parent="p-in")
    return replace(held, sites=(replace(site, contents=contents),))


class Edits:
    """The ways in which a file of the desk is changed; `way` of an Edit is a method."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def do(self, edits: tuple[Edit, ...]) -> None:
        for file, how, *more in edits:
            path = self.desk.folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            getattr(self, how)(path, *more)

    def write(self, path: Path, content: bytes) -> None:
        _away(path)
        path.write_bytes(content.replace(b"{box}", self.desk.url.encode()))

    def flip(self, path: Path, at: int, bit: int) -> None:
        content = bytearray(_content(path))
        if content:
            content[at % len(content)] ^= 1 << bit
            path.write_bytes(content)

    def cut(self, path: Path, size: int) -> None:
        path.write_bytes(_content(path)[:size])

    def swap(self, path: Path, one: int, other: int, size: int) -> None:
        content = bytearray(_content(path))
        one, other = sorted((one, other))
        size = min(size, other - one, len(content) - other)
        if size > 0:
            content[one : one + size], content[other : other + size] = (
                content[other : other + size],
                content[one : one + size],
            )
            path.write_bytes(content)

    def put(self, path: Path, at: int, what: bytes) -> None:
        content = _content(path)
        path.write_bytes(content[:at] + what + content[at + len(what) :])

    def take(self, path: Path, at: int, size: int) -> None:
        content = _content(path)
        path.write_bytes(content[:at] + content[at + size :])

    def double(self, path: Path) -> None:
        path.write_bytes(_content(path) * 2)

    def empty(self, path: Path) -> None:
        path.write_bytes(b"")

    def junk(self, path: Path) -> None:
        path.write_bytes(b"something else that somebody has put here\n")

    def delete(self, path: Path) -> None:
        _away(path)

    def folder(self, path: Path) -> None:
        _away(path)
        path.mkdir()

    def file(self, path: Path) -> None:
        _away(path)
        path.write_bytes(b"")

    def pipe(self, path: Path) -> None:
        _away(path)
        path.symlink_to("/dev/null")

    def link(self, path: Path, to: str) -> None:
        _away(path)
        path.symlink_to(to)

    def unfinished(self, path: Path, content: bytes) -> None:
        """As if a read had been killed, and its checkpoint been damaged since."""
        self.write(self.desk.folder / self.desk.checkpoint[0], content)

    def sql(self, path: Path, statement: str) -> None:
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("pragma foreign_keys = off")
            assert database.execute(statement).rowcount > 0, statement
        Path(f"{path}-wal").unlink(missing_ok=True)

    def resealed(self, path: Path) -> None:
        """By hand, as somebody would who knows how."""
        with suppress(ValueError, AttributeError, TypeError, RecursionError):
            whole = json.loads(path.read_bytes())
            whole.pop("seal", None)
            whole["seal"] = sealed(whole)
            path.write_text(json.dumps(whole))

    def rechecked(self, path: Path) -> None:
        lines = []
        for line in _content(path).splitlines(keepends=True):
            try:
                fields = json.loads(line)
                fields.pop("check", None)
                lines.append(checked_line(fields).encode())
            except (ValueError, AttributeError, TypeError):
                lines.append(line)
        path.write_bytes(b"".join(lines))


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _away(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()


class Desk:
    """The folder, what was in it when it was made, and the server behind it."""

    def __init__(
        self, folder: Path, sandbox: Sandbox, replay: Replay, domains: Mapping[str, Replayed], forks: Forking
    ) -> None:
        self.folder, self.sandbox, self.replay, self.domains, self.forks = folder, sandbox, replay, domains, forks
        self.url = replay.url
        self.environment = {"BOX": self.url, "PAT": SECRET, "TABWARDEN_KEY": "", "COLUMNS": "160"}
        self.right: dict[tuple[str, ...], Ended] = {}
        self.marks: dict[str, bytes] = {}
        self.last_code = 0
        self._make()
        states, self.folders = self._walked()
        self.base: dict[str, bytes] = {name: (folder / name).read_bytes() for name in states}
        self.site: Site = sandbox.site(URL)
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._changed: frozenset[str] | None = None
        self._clean()
        self._warm()

    # -- made once --------------------------------------------------------------------------------------------

    def _make(self) -> None:
        folder = self.folder
        tableau: dict[str, Any] = {
            "server": "env:BOX",
            "site": URL,
            "auth": {"pat": {"name": "tok", "secret": "env:PAT"}},
        }
        shared = {
            "tableau": {**tableau, "retries": 0, "timeout": 20},
            "directory": {"file": "directory.json"},
            "store": {"folder": "store"},
            "logs": {"folder": "logs"},
            "stops": {"licences_lost": {"count": 99}, "memberships_removed": {"count": 99}},
        }
        lists = {task: {"type": "file", "path": f"{task}.csv"} for task in ("joiners", "leavers")}
        self.write_json(
            "settings.yaml", {**shared, "sources": lists, "provision": {"group": {"name": "Grant_Role_On_Sign_In"}}}
        )
        sink = {"sinks": [{"type": "csv", "folder": "mirror"}]}
        self.write_json("mirror.yaml", {**shared, "mirror": sink})
        hr = {"type": "file", "path": "people.csv"}
        columns = {
            "key": "id",
            "name": "login",
            "full_name": "name",
            "email": "mail",
            "department": "dept",
            "status": "state",
        }
        one = {"name": "hr", "from": hr, "columns": columns, "left": ["left"], "authoritative": True}
        mapping = [{"when": {"department": "Sales*"}, "groups": "Sales", "minimum_site_role": "Viewer"}]
        mapping[0].pop("minimum_site_role")
        self.write_json("people.yaml", {**shared, "people": {"sources": [one], "mapping": mapping}})
        (folder / "people.csv").write_text(
            "id,login,name,mail,dept,state\n1,vic@a.example,Vic,vic@a.example,Sales,\n2,joe@a.example,Joe,,Finance,left\n"
            "3,cleo@a.example,Cl\u00e9o,cleo@mail.example,Sales East,\n"
        )
        self.joiners("joe@a.example", "ann@a.example", "bea@a.example")
        self.leavers("una@a.example")
        wire = directory_wire.settings({fqdn: domain.url for fqdn, domain in self.domains.items()}, "env:PAT")
        self.write_json("wire.yaml", {**shared, **wire})
        (folder / "changes.txt").write_text("# some\nlock Default\nset una@a.example to Viewer\n")
        (folder / "renames.txt").write_text("vic@a.example=victor@a.example\n")
        directory_file.save(as_values(DIRECTORY), folder / "directory.json")
        self.write_json("case.json", [CASE])
        (folder / "old.yaml").write_text(
            "APP: {LOGDIR: logs}\nTASKS: {PROVISION_USERS: true}\nTABLEAU: {TABLEAU_SERVER: x}\n"
        )
        steps = (
            "read", "plan provision --out first.json", "apply first.json", "read", "snapshots export last out",
            "sandbox --world william --save-world world.yaml", "settings encrypt people.yaml --make-key",
            "directory read --settings wire.yaml --out read.json",
        )  # fmt: skip
        for step in steps:
            self._step(step)
        (next((folder / "out").iterdir())).rename(folder / "out" / "one")
        self.joiners("joe@a.example", "ann@a.example", "bea@a.example", "kim@a.example")
        self.leavers("una@a.example", "vic@a.example")
        for step in ("plan provision --out second.json", "apply second.json", "read", "snapshots export last later"):
            self._step(step)
        (next((folder / "later").iterdir())).rename(folder / "later" / "two")
        self.joiners("ann@a.example", "bea@a.example", "kim@a.example", "lea@a.example")
        self.leavers("una@a.example", "vic@a.example", "joe@a.example")
        self._step("plan provision --out plan.json")
        shutil.rmtree(folder / "logs")

    def _step(self, words: str) -> None:
        ended = self.call(tuple(words.split()))
        assert ended.code in (0, 2), (words, ended)
        time.sleep(0.002)  # the next journal begins later

    def write_json(self, name: str, value: Any) -> None:
        (self.folder / name).write_text(json.dumps(value, indent=1))

    def joiners(self, *names: str) -> None:
        (self.folder / "joiners.csv").write_text("\n".join(("Email Address", *names)) + "\n")

    def leavers(self, *names: str) -> None:
        (self.folder / "leavers.csv").write_text("\n".join(("Email Address", *names)) + "\n")

    def _warm(self) -> None:
        """Everything that reads asks once for everything, so that its answers are known."""
        for words in (
            "read",
            "projects",
            "plan provision --out p.json",
            "plan people --settings people.yaml --out p.json",
        ):
            ended = self.call(tuple(words.split()))
            assert ended.code in (0, 2, 3), (words, ended)
            self.clean()
        self.wire = {words: self._said((*words, "--settings", "wire.yaml")) for words in directory_wire.WORDS}
        self.read_keys = sorted(key for key in self.replay.known if key.startswith("GET") or key.endswith("/signin"))
        self.checkpoint = self._broken_off()

    def _said(self, words: tuple[str, ...]) -> Mapping[str, bytes]:
        """What the domains answer where the command is right."""
        ended = self.call(words)
        assert not ended.code, (words, ended)
        self.clean()
        known = {key: answer for domain in self.domains.values() for key, answer in domain.known.items()}
        for domain in self.domains.values():
            domain.known.clear()
        return known

    def _broken_off(self) -> tuple[str, bytes]:
        """The name and the content of the checkpoint that a read leaves which comes to one answer less."""
        last = max(key for key in self.read_keys if key.endswith("/permissions"))
        self.replay.live, self.replay.changed = False, {last: b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"}
        ended = self.call(("read",))
        self.replay.live, self.replay.changed = True, {}
        names = [name for name in self.changed() if name.endswith(".unfinished")]
        assert (ended.code, len(names)) == (1, 1), (ended, names)
        content = (self.folder / names[0]).read_bytes()
        self.clean()
        return names[0], content

    @property
    def journals(self) -> list[str]:
        """The files of all journals."""
        return sorted(name for name in self.base if name.startswith("store/journals/") and name.endswith(".jsonl"))

    @property
    def newest_journal(self) -> str:
        """The journal of the plan that was applied last."""
        return max(self.journals, key=lambda name: str(json.loads(self.base[name].split(b"\n")[0])["started"]))

    # -- one input --------------------------------------------------------------------------------------------

    def lay(self, one: Input) -> Ended:
        """What the command says to the input; `clean` takes it off again."""
        Edits(self).do(one.edits)
        self.replay.live = not one.answers
        self.replay.changed = keys_of(one.answers)
        for domain in self.domains.values():
            domain.changed = self.replay.changed
        ended = self.call(one.words, one.treated)
        for domain in self.domains.values():
            domain.changed = {}
        self.last_code = ended.code
        return ended

    def call(self, words: tuple[str, ...], treated: Mapping[str, Any] = {}) -> Ended:
        self._changed = None
        if treated:
            asked = {"after": 0.0, "patience": patience(SECONDS), **treated}
            told = self.forks.run(words, self.folder, self.environment, asked)
            return Ended(told["code"], told["out"], told["err"])
        ldap3.Server._message_counter = 0  # the library counts through a process, and a recording begins anew
        out, err, trouble, began = StringIO(), StringIO(), "", time.perf_counter()
        around = (patch.dict(os.environ, self.environment), patch("sys.stdin", StringIO()), chdir(self.folder))
        with around[0], around[1], around[2], redirect_stdout(out), redirect_stderr(err), _watchdog():
            try:
                code = cli.run(list(words))
            except Hangs:
                code, trouble = 1, f"it hangs: {words}"
            except Exception as error:
                code = 1
                # As `cli.main` says it; of what nobody foresaw it would write a report.
                told = sentence("tabwarden", error) if isinstance(error, OSError | MemoryError | RecursionError) else ""
                print(f"tabwarden: {told}", file=err)
                trouble = "" if told else _where(error)
        return Ended(code, out.getvalue(), err.getvalue(), trouble, time.perf_counter() - began)

    def rightly(self, words: tuple[str, ...]) -> Ended:
        """What the command says where nothing is wrong."""
        if words not in self.right:
            with self._untouched():
                self.right[words] = self.call(words)
        return self.right[words]

    def written_rightly(self, words: tuple[str, ...], name: str) -> bytes:
        """What it then writes into a file."""
        with self._untouched():
            self.call(words)
            return (self.folder / name).read_bytes()

    @contextmanager
    def _untouched(self) -> Iterator[None]:
        files = [(name, self.folder / name) for name in self.changed()]
        kept = {name: path.read_bytes() for name, path in files if path.is_file()}
        live, self.replay.live = self.replay.live, True
        self.clean()
        yield
        self.clean()
        self.replay.live = live
        for name, content in kept.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(content)
        self._changed = None

    # -- what came of it --------------------------------------------------------------------------------------

    def changed(self) -> frozenset[str]:
        """Files that are not as they were, new and missing ones among them; of folders those that are new."""
        if self._changed is None:
            states, _ = self._walked()
            new = {name for name, state in states.items() if self._seen.get(name) != state}
            links = {name for name in states if stat.S_ISLNK(states[name][2])}
            same = {n for n in new - links if self.base.get(n) == _bytes_or_none(self.folder / n)}
            self._seen.update({name: states[name] for name in same})
            self._changed = frozenset((new | links) - same | (self.base.keys() - states.keys()))
        return self._changed

    def clean(self) -> None:
        """Everything as it was."""
        for name in sorted(self.changed(), key=self.base.__contains__):  # what is new goes first
            path = self.folder / name
            for above in (parent for parent in path.parents if self.folder in parent.parents):
                if above.is_file() or above.is_symlink():
                    above.unlink()
            _away(path)
            if name in self.base:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.base[name])
        self._clean()
        if self.sandbox.site(URL) is not self.site:
            self.sandbox.state.put(self.site)

    def _clean(self) -> None:
        states, folders = self._walked()
        for name in sorted(folders - self.folders):
            _away(self.folder / name)
        for name in sorted(self.folders - folders):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._seen = states if folders == self.folders else self._walked()[0]
        self._changed = None

    def _walked(self) -> tuple[dict[str, tuple[int, int, int]], set[str]]:
        """Every file within with its state, and every folder."""
        states, folders, waiting = {}, set(), [""]
        while waiting:
            below = waiting.pop()
            with os.scandir(f"{self.folder}/{below}") as entries:
                for entry in entries:
                    name = below + entry.name
                    if entry.is_dir(follow_symlinks=False):
                        folders.add(name)
                        waiting.append(f"{name}/")
                    else:
                        state = entry.stat(follow_symlinks=False)
                        states[name] = (state.st_mtime_ns, state.st_size, state.st_mode)
        return states, folders


def _bytes_or_none(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _where(error: Exception) -> str:
    """The error and the places in the product it came through."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(f.filename).name}:{f.lineno}" for f in frames if "tabwarden" in f.filename]
    return f"{type(error).__name__}: {ascii(str(error))[:200]} at {' > '.join(places[-5:])}"


@contextmanager
def _watchdog() -> Iterator[None]:
    def bark(*_: object) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, bark)
    signal.setitimer(signal.ITIMER_REAL, patience(SECONDS))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def opened(folder: Path) -> Iterator[Desk]:
    """A desk in an empty folder."""
    with ExitStack() as stack:
        forks = stack.enter_context(forking())  # first: it must have no thread
        sandbox = stack.enter_context(running(company()))
        replay = stack.enter_context(replaying(sandbox.port))
        domains = stack.enter_context(directory_wire.replaying(directory_wire.load()))
        yield Desk(folder, sandbox, replay, domains, forks)


def random_of(kind: str, number: int) -> Random:
    """The chance of input `number` of a kind: always the same."""
    return Random(f"{kind} {number}")
