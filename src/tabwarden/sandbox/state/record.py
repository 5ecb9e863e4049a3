"""A change of sites and holdings as a record, one JSON object of the state file.

A state file is nothing but such records: those that build a world from nothing, then those that changed it. Sets
that grow large (members of a group, rules of a content) are recorded by what came and went.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from tabwarden.model.codec import decode, encode, from_plain
from tabwarden.model.errors import IncompleteRead, WorldError
from tabwarden.model.site import Content, Group, GroupSet, Rules, Site, User
from tabwarden.model.takes import IdentityProvider
from tabwarden.model.usage import Usage
from tabwarden.safe_files import check_file, for_the_owner, read_bytes
from tabwarden.sandbox.state.server_state import (
    FIRST_SCHEDULES,
    AccessToken,
    Account,
    AccountKey,
    ConnectedApp,
    CustomView,
    Details,
    Job,
    Schedule,
    Task,
    World,
    key_of,
)
from tabwarden.sandbox.state.things import DataAlert, Favorite, LinkedTask, Subscription, Webhook, standing
from tabwarden.troubles import why

Record = dict[str, Any]
"""`put` names what the `value` is, `drop` what is gone; `site` and `id` say of which site or thing."""

_PARTS: Mapping[str, str] = {"user": "users", "group": "groups", "groupSet": "group_sets", "content": "contents"}
_OF_SITES: Mapping[str, Any] = {"site": Site, "user": User, "group": Group, "groupSet": GroupSet, "content": Content}
_DELTAS: Mapping[str, Any] = {"group": frozenset[str], "content": Rules}
_SINGLE: Mapping[str, Any] = {"counter": int, "pretended": dict[str, Any], "nicknames": dict[str, str]}
# The other holdings: the attribute of `Holdings`, the type of its keys, that of its values.
_TABLES: Mapping[str, tuple[str, Any, Any]] = {
    "account": ("accounts", AccountKey, Account),
    "token": ("tokens", tuple[str, AccountKey], AccessToken),
    "app": ("apps", str, ConnectedApp),
    "job": ("jobs", str, Job),
    "details": ("item_details", str, Details),
    "siteWords": ("site_words", str, dict[str, str]),
    "providers": ("providers", str, tuple[IdentityProvider, ...]),
    "usage": ("usage", str, tuple[Usage, ...]),
    "schedule": ("schedules", str, Schedule),
    "task": ("tasks", str, Task),
    "customView": ("custom_views", str, CustomView),
    "subscription": ("subscriptions", str, Subscription),
    "dataAlert": ("alerts", str, DataAlert),
    "favorite": ("favorites", str, Favorite),
    "webhook": ("webhooks", str, Webhook),
    "linkedTask": ("linked_tasks", str, LinkedTask),
}

MOST_OF_A_STATE = 4 << 30  # bytes


def read(plain: Record) -> Record:
    """A record of the file with its values; KeyError or IncompleteRead where it is none."""
    what = plain.get("put") or plain["drop"]
    values = {}
    if what in _TABLES:
        _table, key_type, type_ = _TABLES[what]
        values["id"] = from_plain(plain["id"], key_type)
    else:
        type_ = _SINGLE.get(what) or _OF_SITES[what]
    if "put" in plain:
        values["value"] = from_plain(plain["value"], type_)
        values["delta"] = {way: from_plain(some, _DELTAS[what]) for way, some in plain.get("delta", {}).items()}
    return {**plain, **values}


def put(what: str, value: Any, **of: Any) -> Record:
    """The record that keeps a value."""
    return {"put": what, "value": value, **of}


# -- what changed on a site -----------------------------------------------------------------------------------


def site_changes(old: Site | None, new: Site) -> Iterator[Record]:
    """The records that turn `old` (None: nothing) into `new`."""
    if old is None or old.bare != new.bare:
        yield put("site", new.bare, id=new.id)
    for part, attribute in _PARTS.items():
        before: Mapping[str, Any] = getattr(old, attribute) if old is not None else {}
        after: Mapping[str, Any] = getattr(new, attribute)
        if before is after:
            continue
        for key in before:
            if key not in after:
                yield {"drop": part, "site": new.id, "id": key}
        for key, value in after.items():
            was = before.get(key)
            if was is not value and was != value:
                yield _value_change(part, new.id, was, value)


def _value_change(part: str, site: str, was: Any, value: Any) -> Record:
    grows = {"group": "members", "content": "rules"}.get(part)
    before, after = (getattr(one, grows, None) if grows else None for one in (was, value))
    if grows is None or before is None or after is None:
        return put(part, value, site=site)
    delta = {"in": after - before, "out": before - after}
    return {**put(part, replace(value, **{grows: None}), site=site), "delta": delta}


# -- the other holdings ---------------------------------------------------------------------------------------


class Holdings:
    """What a sandbox holds beside its sites, which records change; `pretended` is the directory as in a world file."""

    def __init__(self) -> None:
        self.counter = 0
        self.pretended: Mapping[str, Any] = {}
        self.nicknames: Mapping[str, str] = {}
        self.accounts: dict[AccountKey, Account] = {}
        self.tokens: dict[tuple[str, AccountKey], AccessToken] = {}
        self.apps: dict[str, ConnectedApp] = {}
        self.jobs: dict[str, Job] = {}
        self.item_details: dict[str, Details] = {}
        self.site_words: dict[str, Mapping[str, str]] = {}
        self.providers: dict[str, tuple[IdentityProvider, ...]] = {}
        self.usage: dict[str, tuple[Usage, ...]] = {}
        self.schedules: dict[str, Schedule] = {}
        self.tasks: dict[str, Task] = {}
        self.custom_views: dict[str, CustomView] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.alerts: dict[str, DataAlert] = {}
        self.favorites: dict[str, Favorite] = {}
        self.webhooks: dict[str, Webhook] = {}
        self.linked_tasks: dict[str, LinkedTask] = {}

    def apply(self, record: Record) -> None:
        """Take one record in; an unknown one raises KeyError."""
        what = record.get("put") or record["drop"]
        if what in _SINGLE:
            setattr(self, what, record["value"])
            return
        table = getattr(self, _TABLES[what][0])
        if "drop" in record:
            table.pop(record["id"], None)
        else:
            table[record["id"]] = record["value"]

    def records(self) -> Iterator[Record]:
        """The records that build these from nothing."""
        yield from (put(what, getattr(self, what)) for what in _SINGLE)
        for what, (table, _key_type, _type) in _TABLES.items():
            yield from (put(what, value, id=key) for key, value in getattr(self, table).items())


def holdings_of(world: World) -> Holdings:
    """What a sandbox of that world begins with."""
    begun = Holdings()
    begun.pretended, begun.nicknames = world.directory, world.nicknames
    begun.accounts = {key_of(account.name, account.domain): account for account in world.accounts}
    begun.tokens = {(token.name, key_of(token.user, token.domain)): token for token in world.tokens}
    begun.apps = {app.client_id: app for app in world.apps}
    begun.providers = dict(world.providers)
    begun.usage = dict(world.usage)
    begun.schedules = {schedule.id: schedule for schedule in FIRST_SCHEDULES}
    things = list(standing(world))
    begun.tasks = {thing.id: thing for thing in things if isinstance(thing, Task)}
    begun.custom_views = {thing.id: thing for thing in things if isinstance(thing, CustomView)}
    begun.subscriptions = {thing.id: thing for thing in things if isinstance(thing, Subscription)}
    begun.alerts = {thing.id: thing for thing in things if isinstance(thing, DataAlert)}
    return begun


class Draft(Holdings):
    """What the records of a file have built so far, the sites among it."""

    def __init__(self) -> None:
        super().__init__()
        self._heads: dict[str, Site] = {}
        self._parts: dict[str, dict[str, dict[str, Any]]] = {}

    def apply(self, record: Record) -> None:
        """Take one record into the draft; an unknown one raises KeyError."""
        what = record.get("put") or record["drop"]
        if what not in _OF_SITES:
            super().apply(record)
        elif what == "site":
            key = record["id"]
            if "drop" in record:
                del self._heads[key], self._parts[key]
            else:
                self._heads[key] = record["value"]
                self._parts.setdefault(key, {part: {} for part in _PARTS})
        elif "drop" in record:
            self._parts[record["site"]][what].pop(record["id"], None)
        else:
            self._put_part(self._parts[record["site"]][what], record["value"], record.get("delta"))

    def _put_part(self, values: dict[str, Any], value: Any, delta: Record | None) -> None:
        if delta:
            grows = "members" if isinstance(value, Group) else "rules"
            value = replace(value, **{grows: (getattr(values[value.id], grows) - delta["out"]) | delta["in"]})
        values[value.id] = value

    def sites(self) -> Iterator[Site]:
        """The sites as they are now."""
        for site_id, head in self._heads.items():
            parts: dict[str, Any] = {attribute: self._parts[site_id][part] for part, attribute in _PARTS.items()}
            yield replace(head, **parts)


FORMAT = "tabwarden sandbox state 3"


class StateFile:
    """An open state file, locked by a file beside it; `draft` is what it held (None when it was new or empty).

    One acknowledged write a line, handed to the operating system before it is answered, so that it survives the death
    of the process at any moment; a line torn by that death was never answered and is dropped. It is compacted at start.
    """

    def __init__(self, path: Path) -> None:
        from filelock import lock_descriptor

        self.path = path
        self.draft: Draft | None = None
        try:
            if path.exists():
                check_file(path, MOST_OF_A_STATE)
            # The state itself is replaced when it is compacted, so the lock is on a file that stays.
            with ExitStack() as opened:
                self._lock = opened.enter_context(_opened(path.with_name(path.name + ".lock")))
                if not lock_descriptor(self._lock.fileno(), blocking=False):
                    raise WorldError(f"state file `{path}` is in use by another sandbox; stop it first")
                self._file = opened.enter_context(_opened(path))
                self.draft = self._read()
                opened.pop_all()
        except OSError as problem:
            raise WorldError(f"state file `{path}` cannot be opened: {why(problem)}; give another") from None

    def _read(self) -> Draft | None:
        lines = read_bytes(self.path, MOST_OF_A_STATE).split(b"\n")
        lines.pop()  # what follows the last line end is empty or a write that was never answered
        if not lines:
            return None
        if lines[0] != encode(FORMAT):
            raise WorldError(f"`{self.path}` is not a state file of this release; give another or remove it")
        draft = Draft()
        for number, line in enumerate(lines[1:], start=2):
            try:
                for plain in decode(line, list[Record]):
                    draft.apply(read(plain))
            except (KeyError, TypeError, AttributeError, IncompleteRead) as problem:
                raise WorldError(f"state file `{self.path}` line {number} cannot be read: {problem!r}") from None
        return draft

    def rewrite(self, records: Iterable[Record]) -> None:
        """Replace the whole file by these records, one a line."""
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.unlink(missing_ok=True)
        with open(fresh, "xb", opener=for_the_owner) as out:
            out.write(encode(FORMAT) + b"\n")
            out.writelines(_line([record]) for record in records)
            out.flush()
            os.fsync(out.fileno())
        self._file.close()  # Windows replaces no file that is open
        os.replace(fresh, self.path)
        self._file = _opened(self.path)

    def append(self, records: list[Record]) -> None:
        """Keep one write, whole or not at all."""
        if records:
            rest = memoryview(_line(records))
            while rest:
                rest = rest[self._file.write(rest) :]

    def close(self) -> None:
        """Let others use the file."""
        os.fsync(self._file.fileno())
        self._file.close()
        self._lock.close()


def _opened(path: Path) -> IO[bytes]:
    return open(path, "ab", buffering=0, opener=for_the_owner)


def _line(records: list[dict[str, Any]]) -> bytes:
    return encode(records) + b"\n"
