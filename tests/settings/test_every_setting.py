"""Every key of the settings has an effect or is refused: each is changed, and a plan, an output or an error differs.

The keys come from the models, so a new one fails here until a row says what it changes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from logging import getLogger
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
from effects_of_settings import ROWS, Row, put
from paths import TESTS
from provisioning import SECRET, URL, world
from pydantic import BaseModel
from synced_groups import company, directory_of

from tabwarden.commands._plans import logged
from tabwarden.model.errors import TabwardenError
from tabwarden.model.site import Content, Grantee, Group, Rule, Site, Taken, User
from tabwarden.plan.file import as_json
from tabwarden.plan.plan import Plan
from tabwarden.run import groups, people, provision
from tabwarden.run.apply import terms_of
from tabwarden.run.context import Context, connected, read_roster, sign_in_of
from tabwarden.run.mirror import publish
from tabwarden.run.run_log import mail_if_due
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.settings import Settings, load
from tabwarden.settings.schema import fields_of, models_in
from tabwarden.store import directory_file, snapshot

log = getLogger("tabwarden.test")
Values = dict[str, Any]
Observing = Callable[[Settings, "Room"], object]


# -- the keys --------------------------------------------------------------------------------------------------


def keys(model: type[BaseModel] = Settings, place: str = "") -> Iterator[str]:
    """Every key that holds a value, dotted; of several kinds of a section those of each, once."""
    for name, info in fields_of(model).items():
        inner = models_in(info.annotation)
        if not inner:
            yield f"{place}{name}"
        for one in inner:
            yield from keys(one, f"{place}{name}.")


KEYS = tuple(dict.fromkeys(keys()))


# -- what can be seen ------------------------------------------------------------------------------------------


class Room:
    """A sandbox with people of every kind, a folder with their lists, and a mail server that answers nothing."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        self.seen: dict[str, object] = {}
        files = {
            "joiners.csv": "Email Address,Name,Mail,Auth,Day,Alt\nn1,N One,n1@m.example,OpenID,2026-01-01,n9\n"
            "una,Una New,una@m.example,SAML,2026-01-02,una\n",
            "leavers.csv": "Email Address,Day,Alt\nvic,2026-01-01,vic\nolga,2026-01-01,\neve,2026-01-01,\n",
            "domains.csv": "Email Address\ncorp.example\\carl\n",
            "hr.csv": "id,login,name,mail,dept,title,boss,status,groups,role,auth,alt\n"
            "1,eve,Eve Hr,eve@m.example,Sales,Clerk,Bob,here,a;b|c,Viewer,SAML,eve2\n"
            "2,n2,N Two,n2@m.example,Board,Chief,Ann,here,b,,,n22\n3,vic,Vic Hr,,Sales,Clerk,Bob,gone,a,,,vic2\n",
            "crm.csv": "id,login,name,mail,dept,title,boss,status,groups,role,auth,alt\n"
            "1,eve,Eve Crm,eve@c.example,Board,Chief,Ann,gone,z,Creator,OpenID,eve3\n",
            "nested.csv": "group,parent,inner,outer\na,top,b,other\n",
            "more.csv": "person,title\nn2,Boss\n",
            "catalog.csv": "Email Address,Name,Mail,Alt,Day\ncarl,Carl Ito,c@m.example,vic,2020-01-01\n"
            "ghost,Vic Poe,,una,2020-01-01\n",
            "own.py": "def rows():\n    return [{'Email Address': 'n7'}]\n\n\ndef others():\n"
            "    return [{'Email Address': 'n8'}]\n",
        }
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        with sqlite3.connect(folder / "people.db") as database:
            for table, name in (("one", "n5"), ("two", "n6")):
                database.execute(f'create table {table} ("Email Address" text)')
                database.execute(f"insert into {table} values (?)", (name,))
        database.close()
        directory_file.save(directory_of(company()), folder / "directory.json")
        self.snapshot = snapshot.save(mirror_site(), folder / "snapshots")

    def load(self, values: Values) -> Settings:
        path = self.folder / "settings.yaml"
        path.write_text(json.dumps(values).replace("FOLDER", str(self.folder)), encoding="utf-8")
        return load(path, {"PAT": SECRET})

    def observed(self, observing: Observing, values: Values) -> object:
        """What is seen, or the error; the same for the same values is not looked for twice."""
        key = f"{observing}{json.dumps(values, sort_keys=True)}"
        if key not in self.seen:
            try:
                self.seen[key] = observing(self.load(values), self)
            except TabwardenError as error:
                self.seen[key] = str(error)
        return self.seen[key]


def mirror_site() -> Site:
    users = {
        n: User(n, n, "Explorer", full_name=f"{n.title()} X", email=f"{n}@m.example") for n in ("carl", "vic", "una")
    }
    see = frozenset({Rule(Grantee("user", "carl"), "Read", "Allow")})
    contents = {
        "p": Content("p", "project", "P", None, "una", see),
        "w": Content("w", "workbook", "W", "p", "una", see),
        "q": Content("q", "project", "Q", None, "una", frozenset()),
    }
    five_minutes_ago = datetime.now(UTC) - timedelta(minutes=5)  # old enough for a `max_age`
    when = five_minutes_ago.isoformat(timespec="seconds").replace("+00:00", "Z")
    taken = Taken("http://t.example", when, "una", "SiteAdministratorCreator")
    everyone = Group("all", "All Users", everyone=True)
    return Site("s-1", "People", URL, users, {"all": everyone}, {}, contents, taken=taken)


def plan_seen(plan: Plan) -> object:
    whole = as_json(plan)
    return {part: whole[part] for part in ("changes", "held", "notes", "stops", "refused")}


def planning(kind: Any) -> Observing:
    def observing(settings: Settings, _: Room) -> object:
        with connected(settings) as connection:
            context = Context(settings, connection)
            return plan_seen(kind.decide(context, kind.gather(context), with_contents=False))

    return observing


def listing(settings: Settings, _: Room) -> object:
    assert settings.sources.joiners is not None
    return read_roster(settings.sources.joiners, settings)[0]


def applying(settings: Settings, _: Room) -> object:
    with connected(settings) as connection:
        return terms_of(Context(settings, connection)).bulk


def signing_in(settings: Settings, _: Room) -> object:
    return sign_in_of(settings)


def mirroring(settings: Settings, room: Room) -> object:
    """What the sinks hold, by file, the time of the read aside."""
    rmtree(room.folder / "new", ignore_errors=True)
    published = publish(settings, snapshot=room.snapshot)
    return [
        {name: sorted(map(str, rows)) for name, rows in published.mirror.tables.items()},
        published.mirror.missing,
        published.failed,
        sorted(str(p.relative_to(room.folder)) for p in room.folder.rglob("*.*") if p.suffix in (".jsonl", ".csv")),
    ]


def logging(settings: Settings, room: Room) -> object:
    """Where the log of a run is and what it holds, and whether a mail was tried: nobody takes it."""
    with logged(settings, quiet=True) as run_log:
        log.warning("a warning")
        if settings.mail.when == "errors":
            log.error("an error")
        mail_if_due(settings.mail, run_log, "summary")
        run_log.flush()
        lines = [line[25:] for line in run_log.path.read_text(encoding="utf-8").splitlines()]
        return str(run_log.path.parent.relative_to(room.folder)), lines


OBSERVERS: Mapping[str, Observing] = {
    "provision": planning(provision),
    "people": planning(people),
    "groups": planning(groups),
    "list": listing,
    "apply": applying,
    "sign-in": signing_in,
    "mirror": mirroring,
    "roster": lambda settings, _: people.show_people(settings).merged,
    "log": logging,
}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    roles = {"ada": "ServerAdministrator", "vic": "Viewer", "una": "Unlicensed", "carl": "Creator"}
    roles |= {"olga": "Creator", "eve": "Explorer"}
    more = (Group("g-s", "Sales", members=frozenset({"u-eve"})), Group("g-o", "Other"))
    held = world(roles, ("vic", "eve"), owners=("olga",), more_groups=more)
    (site,) = held.sites
    site = site.with_users(replace(site.users["u-una"], auth_setting="ServerDefault"))
    with running(replace(held, sites=(site,))) as sandbox:
        yield Room(sandbox, tmp_path_factory.mktemp("settings"))


def row_of(key: str) -> tuple[str, Row]:
    """The row of a key, and the key it changes."""
    row = next((row for row in ROWS if fnmatchcase(key, row.key)), None)
    assert row is not None, f"nobody says what `{key}` changes: add a row to tests/support/effects_of_settings.py"
    return row_of(f"{row.like}.{key.removeprefix(row.key.rstrip('*'))}") if row.like else (key, row)


@pytest.mark.parametrize("key", KEYS)
def test_a_key_has_an_effect_or_is_refused(key: str, room: Room) -> None:
    key, row = row_of(key)
    if row.test:
        path, _, name = row.test.partition("::")
        assert f"def {name}(" in (TESTS / path).read_text(encoding="utf-8"), f"{row.test} is gone"
        return
    base = row.base(room.sandbox.url)
    before = room.observed(OBSERVERS[row.seen], base)
    changed = deepcopy(base)
    put(changed, key, row.value)
    after = room.observed(OBSERVERS[row.seen], changed)
    assert before != after, f"changing `{key}` to {row.value!r} changes nothing"


def test_every_row_is_of_a_key() -> None:
    assert not [row.key for row in ROWS if not any(fnmatchcase(key, row.key) for key in KEYS)]
