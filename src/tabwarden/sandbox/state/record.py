"""A change of sites and holdings as a record, one JSON object of the state file.

A state file is nothing but such records: those that build a world from nothing, then those that changed it. Sets
that grow large (members of a group, rules of a content) are recorded by what came and went.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tabwarden.model.codec import from_plain
from tabwarden.model.site import Content, Group, GroupSet, Rules, Site, User
from tabwarden.sandbox.content.item_details import Details
from tabwarden.sandbox.state.server_state import AccessToken, Account, AccountKey, ConnectedApp, Job, key_of

Record = dict[str, Any]
"""`put` names what the `value` is, `drop` what is gone; `site` and `id` say of which site or thing."""

_PARTS: Mapping[str, str] = {"user": "users", "group": "groups", "groupSet": "group_sets", "content": "contents"}
_TYPES: Mapping[str, Any] = {
    "site": Site,
    "user": User,
    "group": Group,
    "groupSet": GroupSet,
    "content": Content,
    "counter": int,
    "account": Account,
    "token": AccessToken,
    "app": ConnectedApp,
    "job": Job,
    "details": Details,
    "directory": dict[str, Any],
    "nicknames": dict[str, str],
    "siteWords": dict[str, str],
}
_DELTAS: Mapping[str, Any] = {"group": frozenset[str], "content": Rules}


def read(plain: Record) -> Record:
    """A record of the file with its values; KeyError or IncompleteRead where it is none."""
    if "drop" in plain:
        return plain
    what = plain["put"]
    delta = {way: from_plain(some, _DELTAS[what]) for way, some in plain.get("delta", {}).items()}
    return {**plain, "value": from_plain(plain["value"], _TYPES[what]), "delta": delta}


def put(what: str, value: Any, **of: str) -> Record:
    """The record that keeps a value."""
    return {"put": what, "value": value, **of}


# -- what changed on a site -----------------------------------------------------------------------------------


def site_changes(old: Site | None, new: Site) -> Iterator[Record]:
    """The records that turn `old` (None: nothing) into `new`."""
    if old is None or old.bare != new.bare:
        yield put("site", new.bare)
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


def account_gone(account: Account) -> Record:
    """The record that drops an account."""
    return {"drop": "account", "name": account.name, "domain": account.domain}


def token_gone(token: AccessToken) -> Record:
    """The record that drops a personal access token."""
    return {"drop": "token", "name": token.name, "user": token.user, "domain": token.domain}


def job_record(job: Job) -> Record:
    """The record that keeps a job; once it ran its input is no longer needed."""
    return put("job", replace(job, rows=()) if job.finish_code is not None else job)


# -- reading back ---------------------------------------------------------------------------------------------


class Draft:
    """What records have built so far."""

    def __init__(self) -> None:
        self.counter = 0
        self.accounts: dict[AccountKey, Account] = {}
        self.tokens: dict[tuple[str, AccountKey], AccessToken] = {}
        self.apps: dict[str, ConnectedApp] = {}
        self.jobs: dict[str, Job] = {}
        self.directory: Mapping[str, Any] = {}
        self.nicknames: dict[str, str] = {}
        self.details: dict[str, Details] = {}
        self.site_words: dict[str, Mapping[str, str]] = {}
        self._heads: dict[str, Site] = {}
        self._parts: dict[str, dict[str, dict[str, Any]]] = {}

    def apply(self, record: Record) -> None:
        """Take one record into the draft; an unknown one raises KeyError."""
        if "drop" in record:
            self._drop(record)
            return
        value = record["value"]
        match record["put"]:
            case "site":
                self._heads[value.id] = value
                self._parts.setdefault(value.id, {part: {} for part in _PARTS})
            case "counter":
                self.counter = value
            case "account":
                self.accounts[key_of(value.name, value.domain)] = value
            case "token":
                self.tokens[(value.name, key_of(value.user, value.domain))] = value
            case "app":
                self.apps[value.client_id] = value
            case "directory":
                self.directory = value
            case "nicknames":
                self.nicknames = dict(value)
            case "details":
                self.details[record["id"]] = value
            case "siteWords":
                self.site_words[record["id"]] = value
            case "job":
                self.jobs[value.id] = value
            case part:
                self._put_part(self._parts[record["site"]][part], value, record.get("delta"))

    def _drop(self, record: Record) -> None:
        if record["drop"] == "account":
            key = key_of(record["name"], record["domain"])
            self.accounts.pop(key, None)
            self.tokens = {which: token for which, token in self.tokens.items() if which[1] != key}
        elif record["drop"] == "token":
            self.tokens.pop((record["name"], key_of(record["user"], record["domain"])), None)
        elif record["drop"] == "details":
            self.details.pop(record["id"], None)
        elif record["drop"] == "site":
            for table in (self._heads, self._parts, self.site_words):
                table.pop(record["id"], None)
            self.jobs = {which: job for which, job in self.jobs.items() if job.site != record["id"]}
        else:
            self._parts[record["site"]][record["drop"]].pop(record["id"], None)

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
