"""The sandbox's state: sites as values, replaced whole by what effects return, and the holdings beside them.

Not a judge: who may change what is asked before `put`. What a request did is kept in the state file, as one line,
before the request is answered.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path

from tabwarden.model.site import Content, Site, User
from tabwarden.sandbox import record
from tabwarden.sandbox.holdings import Account, Job, World, iso, key_of
from tabwarden.sandbox.record import Draft, Record
from tabwarden.sandbox.state_file import StateFile

Clock = Callable[[], float]
_SPACE = uuid.UUID("6f1d0f3e-8a55-5d0c-9d0e-7a8f5f2c1b10")
# Permission edits are not known to touch updatedAt; a write that changes only these fields does not stamp.
_UNSTAMPED = frozenset({"rules", "defaults", "created", "updated"})
_STAMPED = tuple(f.name for f in fields(Content) if f.name not in _UNSTAMPED)


def stable_id(*names: str) -> str:
    """An id that follows from names, so that a world has the same ids everywhere."""
    return str(uuid.uuid5(_SPACE, "\x1f".join(names)))


class State:
    """Sites by id and the holdings beside them."""

    def __init__(self, world: World, clock: Clock, path: Path | None = None) -> None:
        self.name = world.name
        self.clock = clock
        self._file = StateFile(path) if path is not None else None
        self._unkept: list[Record] = []
        draft = self._file.draft if self._file is not None else None
        if draft is None:
            draft = Draft()
            for item in world_records(world):
                draft.apply(item)
        self._sites = {site.id: site for site in draft.sites()}
        self._counter = draft.counter
        self.accounts = draft.accounts
        self.tokens = draft.tokens
        self.apps = draft.apps
        self.directory = draft.directory
        self.jobs = draft.jobs
        self._remembered: dict[str, tuple[Site, dict[tuple[str, str], list[Content]]]] = {}
        self.pending = [job.id for job in draft.jobs.values() if job.finish_code is None]
        if self._file is not None:
            self._file.rewrite(self._records())

    def now(self) -> str:
        """The present moment as Tableau writes it."""
        return iso(self.clock())

    # -- reading ----------------------------------------------------------------------------------------------

    @property
    def sites(self) -> tuple[Site, ...]:
        """Every site as it is now."""
        return tuple(self._sites.values())

    def site(self, site_id: str) -> Site:
        """The site with that id; KeyError when there is none."""
        return self._sites[site_id]

    def site_at(self, content_url: str) -> Site | None:
        """The site with that content URL in any letter case; `default` also means the empty one."""
        wanted = content_url.casefold()
        found = next((s for s in self._sites.values() if s.content_url.casefold() == wanted), None)
        if found is None and wanted == "default":
            return self.site_at("")
        return found

    def sites_of(self, user: User) -> tuple[Site, ...]:
        """The sites the person behind `user` is on."""
        key = key_of(user.name, user.domain)
        return tuple(
            s
            for s in self._sites.values()
            if any(key_of(s.users[i].name, s.users[i].domain) == key for i in s.users_named(user.name))
        )

    def remembered(self, site: Site) -> dict[tuple[str, str], list[Content]]:
        """A place to remember what follows from this value of a site; empty again once the site has changed."""
        held = self._remembered.get(site.id)
        if held is None or held[0] is not site:
            held = self._remembered[site.id] = (site, {})
        return held[1]

    def world(self) -> World:
        """Everything as it is now, to be saved as a world."""
        return World(
            self.name,
            self.sites,
            tuple(self.accounts.values()),
            tuple(self.tokens.values()),
            tuple(self.apps.values()),
            dict(self.directory),
        )

    # -- writing ----------------------------------------------------------------------------------------------

    def new_id(self, site: Site, kind: str) -> str:
        """An id never given before; the same in every run that does the same things."""
        self._counter += 1
        self._keep([{"put": "counter", "value": self._counter}])
        return stable_id(site.id, kind, str(self._counter))

    def put(self, site: Site) -> Site:
        """Make `site` the present one, stamp what changed, keep it; gives the site as stored."""
        old = self._sites[site.id]
        stamped = self._stamp(old, site)
        if stamped is old:
            return old
        records = list(record.site_changes(old, stamped)) if self._file is not None else []
        self._sites[site.id] = stamped
        self._keep(records)
        return stamped

    def put_account(self, account: Account) -> None:
        """Add an account or change its password."""
        self.accounts[key_of(account.name, account.domain)] = account
        self._keep([record.account_record(account)])

    def drop_account(self, user: User) -> None:
        """Forget the account of a person who is on no site any more, with its tokens."""
        key = key_of(user.name, user.domain)
        account = self.accounts.pop(key, None)
        self.tokens = {which: token for which, token in self.tokens.items() if which[1] != key}
        if account is not None:
            self._keep([record.account_gone(account)])

    def drop_tokens(self, user: User) -> None:
        """Forget the personal access tokens of a person."""
        key = key_of(user.name, user.domain)
        gone = [token for which, token in self.tokens.items() if which[1] == key]
        self.tokens = {which: token for which, token in self.tokens.items() if which[1] != key}
        self._keep([record.token_gone(token) for token in gone])

    def put_job(self, job: Job) -> None:
        """Add a job or what became of it."""
        self.jobs[job.id] = job
        if job.finish_code is None:
            self.pending.append(job.id)
        elif job.id in self.pending:
            self.pending.remove(job.id)
        self._keep([record.job_record(job)])

    def close(self) -> None:
        """Let go of the state file."""
        self.commit()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _stamp(self, old: Site, new: Site) -> Site:
        if new.contents is old.contents:
            return new
        now = iso(self.clock())
        stamped: dict[str, Content] = {}
        for key, content in new.contents.items():
            was = old.contents.get(key)
            if was is None:
                stamped[key] = replace(content, created=content.created or now, updated=now)
            elif was is not content and any(getattr(was, n) != getattr(content, n) for n in _STAMPED):
                stamped[key] = replace(content, updated=now)
        return new.with_contents(*stamped.values()) if stamped else new

    def commit(self) -> None:
        """Keep what one request did, whole or not at all; to be called before it is answered."""
        if self._file is not None and self._unkept:
            self._file.append(self._unkept)
        self._unkept = []

    def _keep(self, records: list[Record]) -> None:
        if self._file is not None:
            self._unkept.extend(records)

    def _records(self) -> Iterator[Record]:
        yield {"put": "counter", "value": self._counter}
        yield {"put": "directory", "value": dict(self.directory)}
        yield from map(record.account_record, self.accounts.values())
        yield from map(record.token_record, self.tokens.values())
        yield from map(record.app_record, self.apps.values())
        for site in self._sites.values():
            yield from record.site_changes(None, site)
        yield from map(record.job_record, self.jobs.values())


def world_records(world: World) -> Iterator[Record]:
    """The records that build a world from nothing."""
    yield {"put": "directory", "value": dict(world.directory)}
    yield from map(record.account_record, world.accounts)
    yield from map(record.token_record, world.tokens)
    yield from map(record.app_record, world.apps)
    for site in world.sites:
        yield from record.site_changes(None, site)
