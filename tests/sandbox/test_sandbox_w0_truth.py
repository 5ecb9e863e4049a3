"""What each person of w0 sees and may do: a table written by hand from the documents, asked with Tableau's own client.

The table is `w0_truth.csv`: user, object by path, what is attempted, and the answer: yes, 403 (refused,
or hidden from him) or 401 (no sign-in); why in words, and the document that says so. Where it disagrees with the
sandbox, the documents decide.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from sandbox_client import TSC, everything, rule

from tabwarden.sandbox.http.errors import CODES
from tabwarden.sandbox.http.server import running

ROWS = list(csv.DictReader((Path(__file__).parent / "w0_truth.csv").read_text(encoding="utf-8").splitlines()))
PEOPLE = ("ada", "sam", "carl", "cleo", "eve", "egon", "vic", "una")
KINDS = ("projects", "workbooks", "views", "datasources")
THE_TOP = "the top"


class W0:
    """One sandbox for all rows: everybody's session, and every object as the administrator was given it."""

    def __init__(self, box):
        self.box = box
        self.before = box.site("sandbox")
        self.session = cache(self._session)
        site, ada = self.before, self.session("ada")
        self.things = {site.path(item.id): (kind, item) for kind in KINDS for item in everything(getattr(ada, kind))}
        self.before = box.site("sandbox")

    def _session(self, name):
        server = TSC.Server(self.box.url, use_server_version=True)
        server.auth.sign_in(TSC.TableauAuth(name, name, "sandbox"))
        self.before = self.box.site("sandbox")
        return server

    def id_of(self, path):
        return self.before.find_content(path).id

    def fresh(self, path):
        """The kind and a copy of the client's own item, so that no row changes what another sends."""
        kind, item = self.things[path]
        return kind, getattr(self.session("ada"), kind).get_by_id(item.id)


@pytest.fixture(scope="module")
def w0():
    with running("w0") as box:
        yield W0(box)


# -- attempts -------------------------------------------------------------------------------------------------


def see(w0, server, path, _to):
    """Listed and opened, both or neither."""
    kind, item = w0.things[path]
    listed = item.id in {one.id for one in everything(getattr(server, kind))}
    try:
        assert getattr(server, kind).get_by_id(item.id).name == item.name
    except TSC.ServerResponseError:
        assert not listed, "listed but not opened"
        raise
    assert listed, "opened but not listed"


def read_rules(w0, server, path, _to):
    kind, item = w0.fresh(path)
    getattr(server, kind).populate_permissions(item)
    assert isinstance(item.permissions, list)


def change_rules(w0, server, path, _to):
    kind, item = w0.fresh(path)
    nobody = TSC.GroupItem.as_reference(w0.before.find_group("GLOL-Viewers").id)
    getattr(server, kind).update_permissions(item, [rule(nobody, Read="Allow")])
    assert any(r.grantee.id == nobody.id for r in w0.box.site("sandbox").contents[item.id].rules)


def delete(w0, server, path, _to):
    kind, item = w0.things[path]
    getattr(server, kind).delete(item.id)
    assert item.id not in w0.box.site("sandbox").contents


def create_in(w0, server, path, _to):
    parent = None if path == THE_TOP else w0.id_of(path)
    made = server.projects.create(TSC.ProjectItem("New one", parent_id=parent))
    assert w0.box.site("sandbox").contents[made.id].parent == parent


def move(w0, server, path, to):
    kind, item = w0.fresh(path)
    target = None if to == THE_TOP else w0.id_of(to)
    if kind == "projects":
        item.parent_id = target or ""
    else:
        item.project_id = target
    getattr(server, kind).update(item)
    assert w0.box.site("sandbox").contents[item.id].parent == target


def give(w0, server, path, to):
    kind, item = w0.fresh(path)
    item.owner_id = w0.before.find_user(to).id
    getattr(server, kind).update(item)
    assert w0.box.site("sandbox").contents[item.id].owner == item.owner_id


def download(w0, server, path, _to):
    kind, item = w0.things[path]
    file = io.BytesIO()
    getattr(server, kind).download(item.id, filepath=file)
    assert file.getvalue()


ATTEMPTS: dict[str, Callable[..., None]] = {
    "see": see,
    "read rules": read_rules,
    "change rules": change_rules,
    "delete": delete,
    "create a project in it": create_in,
    "move to": move,
    "give to": give,
    "download": download,
}


def attempt_of(words):
    """The function of an attempt and what comes after its name."""
    name = next(name for name in ATTEMPTS if words.startswith(name))
    return ATTEMPTS[name], words[len(name) :].strip()


# -- the table ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=["-".join((r["user"], r["attempt"], r["object"])) for r in ROWS])
def test_the_answer_is_that_of_the_documents(w0, row):
    expected = row["answer"]
    if expected == "401":
        with pytest.raises(TSC.FailedSignInError):
            w0.session(row["user"])
        return
    attempt, to = attempt_of(row["attempt"])
    server, present = w0.session(row["user"]), w0.box.site("sandbox")
    try:
        if expected == "yes":
            attempt(w0, server, row["object"], to)
            return
        with pytest.raises(TSC.ServerResponseError) as refused:
            attempt(w0, server, row["object"], to)
        code = refused.value.code
        assert (code[:3], code in CODES) == (expected, True), f"{code}: {refused.value.detail}"
        assert w0.box.site("sandbox") == present, "refused, but something changed"
        name = w0.before.find_content(row["object"]).name if expected == "404" else ""
        assert not name or f"`{name}`" not in refused.value.detail
    finally:
        w0.box.state.put(w0.before)


def test_the_table_is_whole(w0):
    assert len(ROWS) >= 200
    seen = {(r["user"], r["object"]) for r in ROWS if r["attempt"] == "see"}
    paths = {w0.before.path(c) for c in w0.before.contents}
    assert seen == {(user, path) for user in PEOPLE for path in paths}
    assert {u.name for u in w0.before.users.values()} == set(PEOPLE)
    assert len({(r["user"], r["object"], r["attempt"]) for r in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row["document"], row
        assert row["why"], row
        assert row["answer"] in ("yes", "401", "403", "404"), row
