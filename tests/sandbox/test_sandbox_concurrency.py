"""Sixteen clients write and read at once, the process is killed in the middle, and nothing promised is lost."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from xml.etree import ElementTree

import pytest
import requests
from sandbox_client import NS, TSC, Raw
from test_sandbox_state import process, world_after
from watchdog import patience

CLIENTS, ROUNDS, ROUND_SECONDS = 16, 2, 4.0
CONTENDED = [f"contended-{n}" for n in range(400)]


class Book:
    """What one client was promised: ids by kind and name of what must be there, names of what must not.

    `open` is the one thing that was asked and not answered yet; it may have been done or not.
    """

    def __init__(self) -> None:
        self.there: dict[tuple[str, str], str] = {}
        self.gone: set[tuple[str, str]] = set()
        self.open: tuple[str, str] | None = None
        self.rules: set[str] = set()

    def made(self, kind, name, key):
        self.there[kind, name] = key
        self.open = None

    def removed(self, kind, name):
        del self.there[kind, name]
        self.gone.add((kind, name))
        self.open = None


class Client(threading.Thread):
    """A client that makes, changes, reads and deletes until the server is gone; even ones use Tableau's own library."""

    def __init__(self, box, number, seed):
        super().__init__(name=f"client {number}")
        self.box, self.number = box, number
        self.chance = random.Random(seed * 100 + number)
        self.book = Book()
        self.won: list[str] = []
        self.wrong: list[str] = []
        self.counter = 0
        self.seed = seed

    def run(self):
        try:
            self.work()
        except (requests.RequestException, TSC.server.endpoint.exceptions.InternalServerError):
            return  # the server was killed
        except Exception as problem:
            self.wrong.append(f"{type(problem).__name__}: {problem}")

    def work(self):
        self.raw = Raw(self.box).sign_in()
        if self.number % 2 == 0:
            self.tsc = TSC.Server(self.box.url, use_server_version=True)
            self.tsc.auth.sign_in(TSC.TableauAuth("ada", "ada", "sandbox"))
        deeds = [self.add_user, self.add_group, self.add_project, self.enlist, self.rule, self.drop, self.contend]
        while True:
            self.chance.choice(deeds)()
            self.read()

    # -- writing ----------------------------------------------------------------------------------------------

    def fresh(self, kind):
        self.counter += 1
        name = f"{kind}-{self.seed}-{self.number}-{self.counter}"
        self.book.open = kind, name
        return name

    def post(self, path, body, kind):
        answer = self.raw.call("POST", path, f"<tsRequest>{body}</tsRequest>")
        assert answer.status_code == 201, answer.text
        return ElementTree.fromstring(answer.content).find(f"t:{kind}", NS).get("id")

    def add_user(self):
        name = self.fresh("user")
        if self.number % 2 == 0:
            key = self.tsc.users.add(TSC.UserItem(name, "Unlicensed")).id
        else:
            key = self.post("{s}/users", f'<user name="{name}" siteRole="Unlicensed"/>', "user")
        self.book.made("user", name, key)

    def add_group(self):
        name = self.fresh("group")
        if self.number % 2 == 0:
            key = self.tsc.groups.create(TSC.GroupItem(name)).id
        else:
            key = self.post("{s}/groups", f'<group name="{name}"/>', "group")
        self.book.made("group", name, key)

    def add_project(self):
        name = self.fresh("project")
        if self.number % 2 == 0:
            key = self.tsc.projects.create(TSC.ProjectItem(name)).id
        else:
            key = self.post("{s}/projects", f'<project name="{name}"/>', "project")
        self.book.made("project", name, key)

    def own(self, kind):
        found = [(name, key) for (k, name), key in self.book.there.items() if k == kind]
        return self.chance.choice(found) if found else None

    def enlist(self):
        user, group = self.own("user"), self.own("group")
        if user and group:
            body = f'<tsRequest><user id="{user[1]}"/></tsRequest>'
            answer = self.raw.call("POST", f"{{s}}/groups/{group[1]}/users", body)
            assert answer.status_code in (200, 409), answer.text

    def rule(self):
        group, project = self.own("group"), self.own("project")
        if group and project:
            body = (
                f'<tsRequest><permissions><granteeCapabilities><group id="{group[1]}"/><capabilities>'
                '<capability name="Read" mode="Allow"/></capabilities></granteeCapabilities></permissions></tsRequest>'
            )
            answer = self.raw.call("PUT", f"{{s}}/projects/{project[1]}/permissions", body)
            assert answer.status_code == 200, answer.text

    def drop(self):
        kind = self.chance.choice(("user", "group", "project"))
        found = self.own(kind)
        if found and self.chance.random() < 0.5:
            self.book.open = kind, found[0]
            answer = self.raw.call("DELETE", f"{{s}}/{kind}s/{found[1]}")
            assert answer.status_code == 204, answer.text
            self.book.removed(kind, found[0])

    def contend(self):
        name = CONTENDED[self.chance.randrange(len(CONTENDED))]
        answer = self.raw.call("POST", "{s}/groups", f'<tsRequest><group name="{name}"/></tsRequest>')
        assert answer.status_code in (201, 409), answer.text
        if answer.status_code == 201:
            self.won.append(name)

    # -- reading ----------------------------------------------------------------------------------------------

    def read(self):
        plural = self.chance.choice(("users", "groups", "projects"))
        size = self.chance.choice((5, 100, 1000))
        answer = self.raw.get(f"{{s}}/{plural}?pageSize={size}&pageNumber=1", json=True).json()
        items = answer[plural][plural[:-1]]
        total = int(answer["pagination"]["totalAvailable"])
        assert len(items) == min(size, total), (len(items), size, total)
        assert len({item["id"] for item in items}) == len(items)
        found = self.own(plural[:-1])
        if found and plural != "projects":
            one = self.raw.get(f"{{s}}/{plural}?filter=name:eq:{found[0]}", json=True).json()[plural]
            assert [item["id"] for item in one[plural[:-1]]] == [found[1]]


def check_whole(site):
    """Nothing on the site points to something that is not there, and no name is there twice."""
    for things in (site.users.values(), site.groups.values(), site.group_sets.values()):
        names = Counter((getattr(t, "domain", ""), t.name.casefold()) for t in things)
        assert not [name for name, number in names.items() if number > 1]
    places = Counter((c.kind, c.parent, c.name.casefold()) for c in site.contents.values() if c.kind != "view")
    assert not [place for place, number in places.items() if number > 1]
    grantees = {"user": site.users, "group": site.groups, "groupSet": site.group_sets}
    for group in site.groups.values():
        assert group.members is None or group.members <= site.users.keys()
    for content in site.contents.values():
        assert content.owner in site.users
        assert content.parent is None or content.parent in site.contents
        for rule in (*(content.rules or ()), *(r for rules in content.defaults.values() for r in rules)):
            assert rule.grantee.id in grantees[rule.grantee.kind], rule


@pytest.mark.slow
def test_sixteen_clients_and_a_killed_server(tmp_path):
    path = tmp_path / "state"
    books: list[Book] = []
    won: list[str] = []
    for turn in range(ROUNDS):
        with process("--world", "w0", "--state", path) as (box, child):
            clients = [Client(box, number, turn) for number in range(CLIENTS)]
            for client in clients:
                client.start()
            time.sleep(ROUND_SECONDS)
            os.kill(child.pid, signal.SIGKILL)
            for client in clients:
                client.join(timeout=patience(20))
                assert not client.is_alive()
        assert [words for client in clients for words in client.wrong] == []
        books += [client.book for client in clients]
        won += [name for client in clients for name in client.won]
        site = world_after(path).sites[0]
        check_whole(site)
        check_promises(site, books)
    assert len(won) == len(set(won)) > 5
    assert set(won) <= {group.name for group in site.groups.values()}
    assert sum(len(book.there) for book in books) > 40
    assert sum(len(book.gone) for book in books) > 0


def check_promises(site, books):
    """What was acknowledged is there under its id, what was deleted is not; only what had no answer is free."""
    held = {("user", u.name): u.id for u in site.users.values()}
    held |= {("group", g.name): g.id for g in site.groups.values()}
    held |= {("project", c.name): c.id for c in site.contents.values() if c.kind == "project"}
    for book in books:
        for what, key in book.there.items():
            assert held.get(what) == key or what == book.open, what
        assert not [what for what in book.gone if what in held]
    keys = [key for book in books for key in book.there.values()]
    assert len(keys) == len(set(keys))
