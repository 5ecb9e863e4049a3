"""The sandbox's state: sites as values, replaced whole by what effects return, and the holdings beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from itertools import chain
from pathlib import Path
from typing import Any

from tabwarden.access.on_demand import with_asserted
from tabwarden.model.errors import WorldError
from tabwarden.model.open_points import DOCUMENTED
from tabwarden.model.site import Content, Site, User
from tabwarden.model.tables import that_differ
from tabwarden.model.usage import Usage
from tabwarden.sandbox.directories.directory import Directory, pretend_directory
from tabwarden.sandbox.state.activity import ActivityLog
from tabwarden.sandbox.state.blobs import Blobs, Uploads
from tabwarden.sandbox.state.record import Holdings, Record, StateFile, holdings_of, put, site_changes
from tabwarden.sandbox.state.server_state import (
    NOTHING,
    Account,
    Details,
    Job,
    World,
    details_of,
    iso,
    key_of,
    marked,
    stable_id,
)
from tabwarden.sandbox.state.things import OF_CONTENT, Thing

Clock = Callable[[], float]
# Permission edits are not known to touch updatedAt; a write that changes only these fields does not stamp.
_UNSTAMPED = frozenset({"rules", "defaults", "created", "updated"})
_STAMPED = tuple(f.name for f in fields(Content) if f.name not in _UNSTAMPED)


class Asserted:
    """What a session's token says of who is in which groups: true of its requests alone, and never kept.

    `user` is on no site where an application lets him in on demand.
    """

    def __init__(self, site: str, user: User, groups: Iterable[str]) -> None:
        self.site, self.user, self.groups = site, user, frozenset(groups)
        self._known: tuple[Site, Site] | None = None

    def on(self, site: Site) -> Site:
        """The site as this session has it."""
        if self._known is None or self._known[0] is not site:
            user = site.users.get(self.user.id, self.user)
            self._known = site, with_asserted(site, user, (g for g in self.groups if g in site.groups))
        return self._known[1]

    def off(self, site: Site, base: Site) -> Site:
        """A site that a request of this session made, without what the token said."""
        seen, mine = self.on(base), frozenset({self.user.id})
        groups = {}
        for key, group in site.groups.items():
            was = base.groups.get(key)
            if group is seen.groups.get(key) and was is not None:
                groups[key] = was
            elif key in self.groups and was is not None and not mine <= (was.members or frozenset()):
                groups[key] = replace(group, members=(group.members or frozenset()) - mine)
            else:
                groups[key] = group
        users = site.users if self.user.id in base.users else {i: u for i, u in site.users.items() if i not in mine}
        return replace(site, groups=groups, users=users)


class State(Holdings):
    """Sites by id and the holdings beside them. A `directory` handed in takes the place of the world's pretend one."""

    def __init__(
        self, world: World, clock: Clock, path: Path | None = None, *, directory: Directory | None = None
    ) -> None:
        super().__init__()
        self.name = world.name
        self.clock = clock
        self.activity = ActivityLog(clock)
        self._file = StateFile(path) if path is not None else None
        self._unkept: list[Record] = []
        draft = self._file.draft if self._file is not None else None
        for item in (draft or holdings_of(world)).records():
            self.apply(item)
        self._sites = {site.id: site for site in (world.sites if draft is None else draft.sites())}
        self._handed_in = directory is not None
        self._directory = directory if directory is not None else pretend_directory(self.pretended)
        self.troubled: Callable[[Directory], Directory] | None = None  # stands between us and the directory
        self.uploads = Uploads()
        self.data_changes: dict[str, str] = {}  # jobs by the requests that began them; they end with the process
        self.blobs = Blobs(path.with_name(path.name + ".files") if path is not None else None)
        self._remembered: dict[str, tuple[Site, dict[Any, Any]]] = {}
        self.open_points = DOCUMENTED  # the open points of the permission model as this Tableau settles them
        self.asserted: Asserted | None = None  # by the token of the request that is answered
        self.watching = False  # whether `born` is kept: the moment each new thing came, by id
        self.born: dict[str, float] = {}
        self.pending = [job.id for job in self.jobs.values() if job.finish_code is None]
        self._start_files()

    def now(self) -> str:
        """The present moment as Tableau writes it."""
        return iso(self.clock())

    # -- reading ----------------------------------------------------------------------------------------------

    @property
    def sites(self) -> tuple[Site, ...]:
        return tuple(self._sites.values())

    def site(self, site_id: str) -> Site:
        """The site with that id, as the session has it that asks; KeyError when there is none."""
        site = self._sites[site_id]
        return self.asserted.on(site) if self.asserted is not None and self.asserted.site == site_id else site

    def site_at(self, content_url: str) -> Site | None:
        """The site with that content URL in any letter case; `default` also means the empty one."""
        wanted = content_url.casefold()
        site = next((s for s in self._sites.values() if s.content_url.casefold() == wanted), None)
        if site is None and wanted == "default":
            return self.site_at("")
        return site

    def sites_of(self, user: User) -> tuple[Site, ...]:
        """The sites the person behind `user` is on."""
        key = key_of(user.name, user.domain)
        return tuple(
            s
            for s in self._sites.values()
            if any(key_of(s.users[i].name, s.users[i].domain) == key for i in s.users_named(user.name))
        )

    def details(self, content: str) -> Details:
        """What answers tell of an item beyond the model; of one that was never touched what its world says."""
        details = self.item_details.get(content)
        if details is not None:
            return details
        site = next((site for site in self._sites.values() if content in site.contents), None)
        return NOTHING if site is None else details_of(site.contents[content])

    def remembered(self, site: Site) -> dict[Any, Any]:
        """A place to remember what follows from this value of a site; empty again once the site has changed."""
        memory = self._remembered.get(site.id)
        if memory is None or memory[0] is not site:
            memory = self._remembered[site.id] = (site, {})
        return memory[1]

    def world(self) -> World:
        """Everything as it is now, to be saved as a world."""
        return World(
            self.name,
            self.sites,
            tuple(self.accounts.values()),
            tuple(self.tokens.values()),
            tuple(self.apps.values()),
            dict(self.pretended),
            dict(self.nicknames),
            dict(self.providers),
            dict(self.usage),
        )

    @property
    def directory(self) -> Directory | None:
        """The directory as it answers now, with the faults of the script."""
        if self._directory is None or self.troubled is None:
            return self._directory
        return self.troubled(self._directory)

    def leave_directory(self) -> None:
        """Have no directory, whatever the world says: Cloud has none."""
        self._directory = None

    @property
    def joined(self) -> bool:
        """Whether the directory is the identity store, so that a plain name means its domain."""
        return self._directory is not None and bool(self.pretended.get("joined"))

    # -- writing ----------------------------------------------------------------------------------------------

    def new_id(self, site: Site, kind: str) -> str:
        """An id never given before; the same in every run that does the same things."""
        self._write(put("counter", self.counter + 1))
        return stable_id(site.id, kind, str(self.counter))

    def put(self, site: Site) -> Site:
        """Make `site` the present one, stamp what changed, keep it; gives the site as stored."""
        old = self._sites[site.id]
        if self.asserted is not None and self.asserted.site == site.id:
            site = self.asserted.off(site, old)
        stamped = self._stamp(old, site)
        if stamped is old:
            return old
        records = list(site_changes(old, stamped)) if self._file is not None else []
        self._sites[site.id] = stamped
        self.activity.changed(old, stamped)
        if self.watching:
            pairs = ((old.users, stamped.users), (old.groups, stamped.groups), (old.contents, stamped.contents))
            for before, after in (*pairs, (old.group_sets, stamped.group_sets)):
                self.born.update(dict.fromkeys(after.keys() - before.keys(), self.clock()))
        self._keep(records)
        for content in [c for c in self.item_details if c in old.contents and c not in stamped.contents]:
            self.put_details(content, NOTHING)
        self._forget_of_gone(stamped)
        return stamped

    def published_bytes(self, site: Site) -> int:
        """How much the files published on a site hold, all revisions counted."""
        details = (details_here for content, details_here in self.item_details.items() if content in site.contents)
        return sum(revision.size for details_here in details for revision in details_here.revisions)

    def put_details(self, content: str, details: Details) -> None:
        """Keep what answers tell of an item; files that no revision holds any more go with the next commit."""
        for revision in self.details(content).revisions:
            self.blobs.leave(revision.blob)
        for revision in details.revisions:
            self.blobs.use(revision.blob)
        # Let the content itself say what was kept of its tags, certification and connections.
        for site in self.sites:
            if content in site.contents:
                self.put(site.with_contents(marked(site.contents[content], details)))
        gone = details == NOTHING
        self._write({"drop": "details", "id": content} if gone else put("details", details, id=content))

    def happened(self, site: Site, user: str, what: str, content: str = "") -> None:
        """Keep that somebody did something now, and tell the activity log."""
        now = self.now()
        rows = {(row.day, row.what, row.user, row.content): row for row in self.usage.get(site.id, ())}
        key = now[:10], what, user, content
        times = rows[key].times if key in rows else 0
        rows[key] = Usage(*key, times + 1, now, "sandbox")
        self._write(put("usage", tuple(rows.values()), id=site.id))
        self.activity.used(site, what, site.contents.get(content))

    def has(self, site: str, user: str, what: str, content: str, more: int) -> None:
        """Keep that somebody has so many more (or fewer) of what lasts: tasks, custom views (`usage.STANDING`)."""
        rows = list(self.usage.get(site, ()))
        row = next((row for row in rows if row[1:4] == (what, user, content)), None)
        if row is None:
            row = Usage(self.now()[:10], what, user, content, 0, "", "sandbox")
        rows = [one for one in rows if one is not row]
        if row.times + more > 0:
            rows.append(row._replace(times=row.times + more))
        self._write(put("usage", tuple(rows), id=site))

    def keep(self, what: str, thing: Thing) -> None:
        """Keep a thing that has an id of its own; `what` names it in the records."""
        self._write(put(what, thing, id=thing.id))

    def forget(self, what: str, thing: str) -> None:
        """Forget such a thing."""
        self._write({"drop": what, "id": thing})

    def _forget_of_gone(self, site: Site) -> None:
        """Forget what is about content that is gone, and what belongs to people who are."""
        for what, (table, about, owner) in OF_CONTENT.items():
            for one in [thing for thing in getattr(self, table).values() if thing.site == site.id]:
                theirs = owner and getattr(one, owner) not in site.users
                if theirs or getattr(one, about) not in site.contents:
                    self.forget(what, one.id)

    def add_site(self, site: Site) -> None:
        self._sites[site.id] = site
        self._keep(site_changes(None, site))

    def put_site_words(self, site: str, words: Mapping[str, str]) -> None:
        """Keep the settings of a site that no decision depends on."""
        self._write(put("siteWords", words, id=site))

    def drop_site(self, site: Site) -> None:
        """Forget a site with all that is on it, and the accounts of those who are on no other."""
        for content in [c for c in self.item_details if c in site.contents]:
            self.put_details(content, NOTHING)
        for job in [job for job in self.jobs.values() if job.site == site.id]:
            self.put_job(replace(job, finish_code=2))
            self._write({"drop": "job", "id": job.id})
        del self._sites[site.id]
        self._forget_of_gone(replace(site, contents={}))
        self._write({"drop": "siteWords", "id": site.id})
        self._keep([{"drop": "site", "id": site.id}])
        for user in site.users.values():
            if not self.sites_of(user):
                self.drop_account(user)

    def put_account(self, account: Account) -> None:
        """Add an account or change its password."""
        self._write(put("account", account, id=key_of(account.name, account.domain)))

    def drop_account(self, user: User) -> None:
        """Forget the account of a person who is on no site any more, with its tokens."""
        self.drop_tokens(user)
        self._write({"drop": "account", "id": key_of(user.name, user.domain)})

    def drop_tokens(self, user: User) -> None:
        """Forget the personal access tokens of a person."""
        key = key_of(user.name, user.domain)
        for which in [which for which in self.tokens if which[1] == key]:
            self._write({"drop": "token", "id": which})

    def put_nicknames(self, nicknames: Mapping[str, str]) -> None:
        """Keep the nicknames of the domains Tableau knows, by FQDN."""
        self._write(put("nicknames", dict(nicknames)))

    def put_directory(self, plain: Mapping[str, Any]) -> None:
        """Let the pretend directory be another one; WorldError, and nothing changed, when it cannot be."""
        if self._handed_in:
            raise WorldError("the directory is not a pretended one; change it where it is kept")
        self._directory = pretend_directory(plain)
        self._write(put("pretended", dict(plain)))

    def put_job(self, job: Job) -> None:
        """Add a job or what became of it; once it ran its input is no longer needed."""
        if job.blob and job.id not in self.jobs:
            self.blobs.use(job.blob)
        if job.finish_code is not None:
            if job.blob:
                self.blobs.leave(job.blob)
            job = replace(job, blob="", rows=())
        self._write(put("job", job, id=job.id))
        if job.finish_code is None:
            self.pending.append(job.id)
        elif job.id in self.pending:
            self.pending.remove(job.id)

    def close(self) -> None:
        self.commit()
        self.activity.close()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _stamp(self, old: Site, new: Site) -> Site:
        if new.contents is old.contents:
            return new
        now = iso(self.clock())
        stamped: dict[str, Content] = {}
        for key in that_differ(old.contents, new.contents):
            was, content = old.contents.get(key), new.contents.get(key)
            if content is None:
                continue
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
        self.blobs.sweep()
        self.activity.commit()

    def _start_files(self) -> None:
        try:
            published = [r.blob for details in self.item_details.values() for r in details.revisions]
            self.blobs.start((*published, *(job.blob for job in self.jobs.values() if job.blob)))
        except WorldError:
            if self._file is not None:
                self._file.close()
            raise
        if self._file is not None:
            sites = (change for site in self._sites.values() for change in site_changes(None, site))
            self._file.rewrite(chain(self.records(), sites))

    def _write(self, change: Record) -> None:
        """Change a holding, and keep that."""
        self.apply(change)
        self._keep((change,))

    def _keep(self, records: Iterable[Record]) -> None:
        if self._file is not None:
            self._unkept.extend(records)
