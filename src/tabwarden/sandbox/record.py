"""A change of sites and holdings as one JSON object a line, and back. Not when it is written.

A state file is nothing but such records: those that build a world from nothing, then those that changed it. Sets
that grow large (members of a group, rules of a content) are recorded by what came and went.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from types import MappingProxyType
from typing import Any

from tabwarden.model.site import (
    Content,
    Grantee,
    Group,
    GroupSet,
    Rule,
    Rules,
    Site,
    SiteSettings,
    Use,
    User,
)
from tabwarden.sandbox.details import Details, from_plain, to_plain
from tabwarden.sandbox.holdings import AccessToken, Account, AccountKey, ConnectedApp, Job, Note, key_of

Record = dict[str, Any]
_PARTS: tuple[tuple[str, str], ...] = (
    ("user", "users"),
    ("group", "groups"),
    ("groupSet", "group_sets"),
    ("content", "contents"),
)


# -- values as plain data -------------------------------------------------------------------------------------


def _rules_out(rules: Rules | None) -> list[list[str]] | None:
    return None if rules is None else sorted([r.grantee.kind, r.grantee.id, r.capability, r.mode] for r in rules)


def _rules_in(rows: list[list[str]] | None) -> Rules | None:
    if rows is None:
        return None
    return frozenset(Rule(Grantee(kind, who), capability, mode) for kind, who, capability, mode in rows)


def _members_out(members: frozenset[str] | None) -> list[str] | None:
    return None if members is None else sorted(members)


def _plain(value: User | Group | GroupSet | Content) -> Record:
    plain = {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, Group):
        plain["members"] = _members_out(value.members)
    elif isinstance(value, GroupSet):
        plain["groups"] = sorted(value.groups)
    elif isinstance(value, Content):
        plain["rules"] = _rules_out(value.rules)
        plain["defaults"] = {kind: _rules_out(rules) for kind, rules in sorted(value.defaults.items())}
        plain["uses"] = [list(use) for use in value.uses]
    return plain


def _user_in(plain: Record) -> User:
    return User(**plain)


def _group_in(plain: Record) -> Group:
    members = plain["members"]
    return Group(**{**plain, "members": None if members is None else frozenset(members)})


def _group_set_in(plain: Record) -> GroupSet:
    return GroupSet(**{**plain, "groups": frozenset(plain["groups"])})


def _content_in(plain: Record) -> Content:
    defaults = {kind: _rules_in(rules) for kind, rules in plain["defaults"].items()}
    changed = {
        "rules": _rules_in(plain["rules"]),
        "defaults": MappingProxyType(defaults),
        "uses": tuple(Use(*use) for use in plain["uses"]),
    }
    return Content(**{**plain, **changed})


_READ: Mapping[str, Callable[[Record], Any]] = {
    "user": _user_in,
    "group": _group_in,
    "groupSet": _group_set_in,
    "content": _content_in,
}


# -- what changed on a site -----------------------------------------------------------------------------------


def site_changes(old: Site | None, new: Site) -> Iterator[Record]:
    """The records that turn `old` (None: nothing) into `new`."""
    head = _head(new)
    if old is None or _head(old) != head:
        yield {"put": "site", **head}
    for part, attribute in _PARTS:
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


def _head(site: Site) -> Record:
    return {
        "id": site.id,
        "name": site.name,
        "content_url": site.content_url,
        "settings": asdict(site.settings),
        "licences": None if site.licences is None else dict(site.licences),
    }


def _value_change(part: str, site: str, was: Any, value: Any) -> Record:
    delta: Record = {}
    kept = value
    if part == "group" and was is not None and was.members is not None and value.members is not None:
        delta = {"in": sorted(value.members - was.members), "out": sorted(was.members - value.members)}
        kept = replace(value, members=None)
    elif part == "content" and was is not None and was.rules is not None and value.rules is not None:
        delta = {"in": _rules_out(value.rules - was.rules), "out": _rules_out(was.rules - value.rules)}
        kept = replace(value, rules=None)
    return {"put": part, "site": site, "value": _plain(kept), **({"delta": delta} if delta else {})}


# -- the other holdings ---------------------------------------------------------------------------------------


def directory_record(plain: Mapping[str, Any]) -> Record:
    """The record that keeps the pretend directory."""
    return {"put": "directory", "value": dict(plain)}


def nicknames_record(nicknames: Mapping[str, str]) -> Record:
    """The record that keeps the domains Tableau knows."""
    return {"put": "nicknames", "value": dict(nicknames)}


def account_record(account: Account) -> Record:
    """The record that keeps an account."""
    return {"put": "account", "value": asdict(account)}


def account_gone(account: Account) -> Record:
    """The record that drops an account."""
    return {"drop": "account", "name": account.name, "domain": account.domain}


def token_record(token: AccessToken) -> Record:
    """The record that keeps a personal access token."""
    return {"put": "token", "value": asdict(token)}


def token_gone(token: AccessToken) -> Record:
    """The record that drops a personal access token."""
    return {"drop": "token", "name": token.name, "user": token.user, "domain": token.domain}


def app_record(app: ConnectedApp) -> Record:
    """The record that keeps a connected app."""
    return {"put": "app", "value": asdict(app)}


def job_record(job: Job) -> Record:
    """The record that keeps a job; once it ran its input is no longer needed."""
    return {"put": "job", "value": asdict(replace(job, rows=()) if job.finish_code is not None else job)}


def details_record(content: str, details: Details) -> Record:
    """The record that keeps what answers tell of an item beyond the model."""
    return {"put": "details", "id": content, "value": to_plain(details)}


def details_gone(content: str) -> Record:
    """The record that drops an item's details."""
    return {"drop": "details", "id": content}


def site_words_record(site: str, words: Mapping[str, str]) -> Record:
    """The record that keeps the settings of a site that no decision depends on."""
    return {"put": "siteWords", "id": site, "value": dict(words)}


def site_gone(site: str) -> Record:
    """The record that drops a site with all that is on it."""
    return {"drop": "site", "id": site}


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
        self._heads: dict[str, Record] = {}
        self._parts: dict[str, dict[str, dict[str, Any]]] = {}

    def apply(self, record: Record) -> None:
        """Take one record into the draft; an unknown one raises KeyError."""
        if "drop" in record:
            self._drop(record)
            return
        what, value = record["put"], record.get("value")
        if what == "site":
            self._heads[record["id"]] = record
            self._parts.setdefault(record["id"], {part: {} for part, _attribute in _PARTS})
        elif what in _READ:
            self._put_part(what, record)
        elif what == "counter":
            self.counter = record["value"]
        elif what == "account":
            account = Account(**record["value"])
            self.accounts[key_of(account.name, account.domain)] = account
        elif what == "token":
            token = AccessToken(**record["value"])
            self.tokens[(token.name, key_of(token.user, token.domain))] = token
        elif what == "app":
            self.apps[record["value"]["client_id"]] = ConnectedApp(**record["value"])
        elif what == "directory":
            self.directory = record["value"]
        elif what == "nicknames":
            self.nicknames = record["value"]
        elif what == "details":
            self.details[record["id"]] = from_plain(value or {})
        elif what == "siteWords":
            self.site_words[record["id"]] = value or {}
        elif what == "job":
            rows = tuple(tuple(row) for row in record["value"]["rows"])
            notes = tuple(Note(*note) for note in record["value"]["notes"])
            self.jobs[record["value"]["id"]] = Job(**{**record["value"], "rows": rows, "notes": notes})
        else:
            raise KeyError(f"put {what} {value}")

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
            for held in (self._heads, self._parts, self.site_words):
                held.pop(record["id"], None)
            self.jobs = {which: job for which, job in self.jobs.items() if job.site != record["id"]}
        else:
            self._parts[record["site"]][record["drop"]].pop(record["id"], None)

    def _put_part(self, what: str, record: Record) -> None:
        held = self._parts[record["site"]][what]
        value = _READ[what](record["value"])
        delta = record.get("delta")
        if delta and what == "group":
            members = (held[value.id].members - frozenset(delta["out"])) | frozenset(delta["in"])
            value = replace(value, members=members)
        elif delta:
            gone, come = _rules_in(delta["out"]), _rules_in(delta["in"])
            value = replace(value, rules=(held[value.id].rules - (gone or frozenset())) | (come or frozenset()))
        held[value.id] = value

    def sites(self) -> Iterator[Site]:
        """The sites as they are now."""
        for site_id, head in self._heads.items():
            parts = self._parts[site_id]
            yield Site(
                id=site_id,
                name=head["name"],
                content_url=head["content_url"],
                settings=SiteSettings(**head["settings"]),
                licences=head["licences"],
                users=parts["user"],
                groups=parts["group"],
                group_sets=parts["groupSet"],
                contents=parts["content"],
            )
