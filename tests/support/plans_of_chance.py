"""The law of plans: what is planned is accepted, a second plan is empty, undo gives back what was.

By random sites, settings and rosters through the sandbox over REST, plans of every kind. The tests try some hundreds;
`python tests/support/plans_of_chance.py --plans 3000` tries as many as it is told and prints the counts; with
`--policies` of policies alone.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from provisioning import SECRET, URL, world
from synced_groups import chance_directory, chance_rules, chance_site, directory_of

from tabwarden.access.reference import may
from tabwarden.effects.change import Change
from tabwarden.effects.content import create_project, set_mode
from tabwarden.model.capability import LEADER, applies, capabilities_of
from tabwarden.model.errors import AmbiguousName, SettingsError, UnknownName
from tabwarden.model.governing import governing, in_force, managing_project
from tabwarden.model.names import same
from tabwarden.model.roles import publishes
from tabwarden.model.site import (
    ALL_USERS,
    ALLOW,
    CUSTOMIZABLE,
    DENY,
    LOCAL,
    LOCKED,
    LOCKED_WITHOUT_NESTED,
    Content,
    Grantee,
    Group,
    Rule,
    Site,
    User,
)
from tabwarden.plan.order import ASIDE
from tabwarden.plan.plan import Plan
from tabwarden.run import groups, names, people, policy, provision, rename
from tabwarden.run.apply import Applied, apply, terms_of
from tabwarden.run.context import Context, connected
from tabwarden.run.history import keep
from tabwarden.run.undo import Scope, plan_undo, plan_undo_to
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.sandbox.state.personality import personality
from tabwarden.sandbox.state.server_state import World
from tabwarden.settings import Settings, load
from tabwarden.settings.policy import load_policy
from tabwarden.store import directory_file
from tabwarden.store.journal import ChangeResult, Journal
from tabwarden.tableau.read.site import read_site
from tabwarden.want.names.rename import renames_of
from tabwarden.want.policy.export import told
from tabwarden.want.wanted import Held

ROLES = ("Unlicensed", "Viewer", "Explorer", "ExplorerCanPublish", "Creator")
ADMINS = ("SiteAdministratorExplorer", "SiteAdministratorCreator", "ServerAdministrator")
MINIMUMS = (*ROLES[1:], ADMINS[1])
KINDS = ("project", "project", "workbook", "datasource", "flow")
STAFF = tuple(f"p{number}" for number in range(9))
NEW = tuple(f"n{number}" for number in range(6))
HIGH = {"count": 9999, "percent": 100}
LIMITS = ("licences_lost", "users_removed", "users_added", "memberships_removed", "rules_removed", "source_shrank")
STOPS = dict.fromkeys(LIMITS, HIGH)


Facts = dict[tuple[str, ...], object]


Known = dict[tuple[object, ...], set[tuple[str, str, str]]]


class Killed(BaseException):
    """A process that dies."""


class Broken(AssertionError):
    """A law that does not hold, with the seed of the trial."""


@dataclass
class Tally:
    """What was tried: plans applied by kind, and what else happened."""

    plans: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)

    @property
    def applied(self) -> int:
        return self.plans.total()

    def __str__(self) -> str:
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.plans.items()))
        more = ", ".join(f"{number} {what}" for what, number in sorted(self.seen.items()))
        return f"{self.applied} random plans applied ({kinds}); {more}"


# -- sites, lists and settings of chance ----------------------------------------------------------------------


def called(name: str, cloud: bool) -> str:
    return f"{name}@a.example" if cloud else name


def site_of_chance(rng: random.Random, *, cloud: bool) -> Site:
    """Nine people, groups that grant this and that, content of several kinds, seats that run out or do not."""
    users = {"u-ada": User("u-ada", called("ada", cloud), ADMINS[1] if cloud else ADMINS[2])}
    for name in STAFF:
        role = rng.choice((*ROLES, *ROLES, rng.choice(ADMINS[:2])))
        # A Cloud with MFA takes no ServerDefault, and nobody there has it.
        usual = ("TableauIDWithMFA",) * 2 if cloud else (None, "ServerDefault")
        auth = rng.choice((*usual, "SAML", "OpenID"))
        users[f"u-{name}"] = User(f"u-{name}", called(name, cloud), role, LOCAL, f"Name {name}", "", auth)
    members = [f"u-{name}" for name in STAFF]

    def group(name: str, domain: str = LOCAL) -> Group:
        role = rng.choice((None, rng.choice(MINIMUMS)))
        mode = role and (rng.choice(("onLogin", "onSync")) if domain != LOCAL else "onLogin")
        inside = frozenset(rng.sample(members, rng.randrange(6)))
        return Group(f"g-{name}", name, domain, inside, role, mode)

    local = [group(name) for name in ("Grant", "Sales", "Board", "Choir") if rng.random() < 0.85]
    joined = [group("Synced", "corp.example")] if not cloud and rng.random() < 0.3 else []
    everyone = Group("g-all", ALL_USERS, everyone=True)
    if rng.random() < 0.15:
        everyone = replace(everyone, minimum_site_role="Viewer", grant_on="onLogin")
    contents = {"p-default": Content("p-default", "project", "Default", None, "u-ada")}
    for number in range(rng.randrange(9)):
        kind = rng.choice(KINDS)
        parent = None if kind == "project" else "p-default"
        contents[f"c-{number}"] = Content(f"c-{number}", kind, f"Thing {number}", parent, rng.choice(members))
    seats = rng.choice((None, None, {"Creator": 4, "Explorer": 6, "Viewer": 5}))
    both = {g.id: g for g in (everyone, *local, *joined)}
    return Site("s-people", "People", URL, users, both, {}, contents, licences=seats)


def row(rng: random.Random, name: str, cloud: bool) -> dict[str, str]:
    words = called(name, cloud and rng.random() > 0.08)
    auth = rng.choice(("", "", "", "saml", "Open ID", "serverdefault", "Magic"))
    shown = rng.choice(("", f"Name {name}", f"Other {name}"))
    department = rng.choice(("Sales", "Finance", "Board", ""))
    mail = rng.choice(("", f"{name}@mail.example"))
    role = rng.choice(("", "", rng.choice(ROLES)))
    return {"id": name, "login": words, "name": shown, "mail": mail, "dept": department, "auth": auth, "role": role}


def provision_of_chance(rng: random.Random, site: Site) -> dict[str, Any]:
    """The section `provision`: any of the tasks, a group that is there or not, an heir who may be anybody."""
    tasks = "add_joiners add_joiners_to_group remove_leavers_from_group set_leavers_unlicensed".split()
    rare = "set_joiners_viewer add_leavers_to_group remove_leavers remove_leavers_from_all_groups change_auth".split()
    section: dict[str, Any] = {task: rng.random() < 0.85 for task in tasks} | {t: rng.random() < 0.4 for t in rare}
    section["group"] = {"name": rng.choice(("Grant", "Grant", "Fresh", "Sales", "Synced"))}
    if rng.random() < 0.5:
        section["group"]["minimum_site_role"] = rng.choice(MINIMUMS)
    licensed = [u.name for u in site.users.values() if u.site_role != "Unlicensed"]
    if section["remove_leavers"] and rng.random() < 0.7:
        section["assets_to"] = rng.choice(licensed)
    if rng.random() < 0.3:
        section["auth_setting"] = rng.choice(("saml", "OpenID", "Tableau with MFA"))
    section["bulk"] = rng.choice(("auto", "never"))
    return section


def people_of_chance(rng: random.Random, folder: Path, cloud: bool) -> dict[str, Any]:
    """The section `people`: one list of everybody, a mapping with roles above and below what groups grant."""
    rows = [row(rng, name, cloud) for name in rng.sample((*STAFF, *NEW), 9)]
    for one in rows:
        one["status"] = rng.choice(("here", "here", "here", "left"))
    columns = {"key": "id", "name": "login", "full_name": "name", "email": "mail", "department": "dept"}
    columns |= {"auth_setting": "auth", "status": "status"} | ({"site_role": "role"} if rng.random() < 0.4 else {})
    source = {"name": "hr", "from": {"type": "file", "path": written(folder / "hr.csv", rows)}, "columns": columns}
    mapping: list[dict[str, Any]] = []
    for department in ("Sales", "Finance", "Board"):
        into = rng.choice(("Sales", "Board", "Newest"))
        entry: dict[str, Any] = {"when": {"department": department}, "groups": [into]}
        if rng.random() < 0.6:
            entry["site_role"] = rng.choice(ROLES)
        mapping.append(entry)
    return {
        "sources": [{**source, "left": ["left"], "active": ["here"], "authoritative": rng.random() < 0.5}],
        "mapping": mapping,
        "lower": rng.random() < 0.5,
        "add": rng.choice(("everybody", "mapped")),
    }


def written(path: Path, rows: list[dict[str, str]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


# -- one sandbox, tried again and again ------------------------------------------------------------------------


class Table:
    """A running sandbox with a connection that stays open; each trial puts another site on it."""

    def __init__(self, sandbox: Sandbox, folder: Path, *, cloud: bool = False) -> None:
        self.sandbox, self.home, self.cloud = sandbox, folder, cloud
        self.tally, self.seed = Tally(), 0
        self._opened = ExitStack()
        self.context: Context
        self.connection = self._opened.enter_context(connected(self._settings({}, folder)))

    def __enter__(self) -> Table:
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()

    def _settings(self, more: Mapping[str, Any], folder: Path) -> Settings:
        pat = {"pat": {"name": "tok", "secret": "env:PAT"}}
        tableau = {"server": self.sandbox.url, "site": URL, "auth": pat, "retries": 1}
        path = folder / "settings.yaml"
        path.write_text(json.dumps({"tableau": tableau, "stops": STOPS, **more}), encoding="utf-8")
        return load(path, {"PAT": SECRET})

    @property
    def site(self) -> Site:
        return self.sandbox.site(URL)

    @contextmanager
    def trial(self, site: Site, more: Callable[[Path], Mapping[str, Any]]) -> Iterator[Context]:
        """The site on the sandbox, settings of their own, a store of their own."""
        with tempfile.TemporaryDirectory(dir=self.home) as name:
            self.sandbox.state.put(site)
            folder = Path(name)
            settings = self._settings(more(folder), folder)
            self.context = Context(settings, self.connection)
            yield self.context

    def broken(self, law: str, plan: Plan, *more: object) -> Broken:
        changes = "\n".join(f"  {change.to_do()}  [{change.because}]" for change in plan.changes)
        held = "\n".join(f"  held {h.person}: {h.reason}" for h in plan.held)
        return Broken(f"seed {self.seed}, {plan.kind}: {law}\n{changes}\n{held}\n{chr(10).join(map(str, more))}")

    @contextmanager
    def watched(self, seen: list[Site]) -> Iterator[None]:
        """Every Site that the sandbox holds meanwhile, in `seen`."""
        state = self.sandbox.state
        put = state.put

        def noting(site: Site) -> Site:
            seen.append(put(site))
            return seen[-1]

        state.put = noting  # type: ignore[method-assign]
        try:
            yield
        finally:
            del state.put  # type: ignore[method-assign]

    # -- the laws ---------------------------------------------------------------------------------------------

    def accepted(self, plan: Plan, dies: int | None = None) -> Applied | None:
        """The plan, applied without a refusal; None where a stop forbids it or it has nothing to do.

        With `dies` the process that applies it dies when it is to note the end of so many pieces of work, and another
        goes on; what is then deleted twice is gone already.
        """
        if plan.stops or not plan.changes:
            self.tally.seen["stopped" if plan.stops else "without changes"] += 1
            return None
        self.sandbox.log.clear()
        applied, killed = self._applied(plan, dies)
        gone = {404} if killed else set[int]()
        sent = (entry for entry in self.sandbox.log.entries if entry.method != "GET" and entry.status >= 400)
        no_whole_lists = not self.sandbox.personality.whole_lists  # which a server says once, when it is asked
        refused = [
            entry
            for entry in sent
            if not (entry.method == "DELETE" and entry.status in gone)
            and not (no_whole_lists and (entry.method, entry.status) == ("POST", 405))
        ]
        if not applied.succeeded or refused:
            lines = [f"{change.to_do()}: {entry}" for change, entry in applied.not_done]
            raise self.broken("refused", plan, *lines, *applied.stops, *refused)
        aside = [c for c in plan.changes if c.because == ASIDE]
        if any(not comes_back(change, plan) for change in aside):
            raise self.broken("somebody steps out of a group for good", plan)
        wrongly = [h for h in plan.held if wrongly_held(plan, h)]
        if wrongly:
            raise self.broken("held, where an order or a fall-back does it", plan, *wrongly)
        self.tally.plans[plan.kind] += 1
        self.tally.seen["changes"] += len(plan.changes)
        self.tally.seen["held"] += len(plan.held)
        return applied

    def _applied(self, plan: Plan, dies: int | None) -> tuple[Applied, bool]:
        end, left = Journal.end, [dies]

        def noting(journal: Journal, entries: Sequence[ChangeResult]) -> None:
            if left[0] is not None:
                left[0] -= 1
                if not left[0]:
                    raise Killed
            end(journal, entries)

        Journal.end = noting  # type: ignore[method-assign]
        try:
            return apply(plan, self.context.connection, terms_of(self.context)), False
        except Killed:
            left[0] = None
            self.tally.seen["killed"] += 1
            return apply(plan, self.context.connection, terms_of(self.context)), True
        finally:
            Journal.end = end  # type: ignore[method-assign]

    def nothing_left(self, first: Plan, again: Callable[[], Plan]) -> bool:
        """A second plan is empty; False where it is not, for somebody waited for a seat that the first plan freed."""
        second = again()
        if second.changes and any("seat" in h.reason for h in first.held):
            self.accepted(second)
            return False
        if second.changes:
            raise self.broken("a second plan has changes", second, "after", *(c.to_do() for c in first.changes))
        return True

    def given_back(self, before: Site, plan: Plan) -> set[str]:
        """Undo gives back what was, but what it names, which is told."""
        undo = plan_undo(self.context, None)
        if undo.stops:
            raise self.broken("undo is stopped", undo, *undo.stops)
        self.accepted(undo)
        excused = {same(h.person) for h in undo.held}
        was, now = (facts(site, names=not self.cloud) for site in (before, self.site))
        differing = [line for line in unlike(was, now) if same(line[0]) not in excused]
        if differing:
            raise self.broken("undo does not give back", undo, *differing)
        return {h.person for h in undo.held}


def comes_back(change: Change, plan: Plan) -> bool:
    """Whether who steps out of a group comes back; a group that goes takes nobody back."""
    back = change.inverse()
    gone = {c.of_group for c in plan.changes if c.of_user is None and c.destructive}
    return change.of_group in gone or any(back is not None and later.is_same(back) for later in plan.changes)


def wrongly_held(plan: Plan, held: Held) -> bool:
    """A minimum of a local group is no reason, for people step aside; whose heir may not own loses the licence."""
    floor = "on sign-in" in held.reason and not any(f"`{name}`" in held.reason for name in (ALL_USERS, "Synced"))
    local = plan.kind in ("provision", "people") and "on sign-in" in held.reason and floor
    return local or (plan.kind == "provision" and "may not own" in held.reason and "Unlicensed" not in held.reason)


def unlike(was: Facts, now: Facts) -> Iterator[tuple[str, object, object]]:
    """What differs, by name."""
    for key in sorted(was.keys() | now.keys(), key=str):
        if was.get(key) != now.get(key):
            yield key[0], key[1:], (was.get(key), now.get(key))


def facts(site: Site, *, names: bool) -> Facts:
    """Of people all that a plan can change (on Cloud nobody gives a name back), what groups grant, who is in them."""
    told: Facts = {}
    for user in site.users.values():
        shown = (user.full_name, user.email) if names else ()
        told[user.qualified.casefold(), "is"] = (user.site_role, *shown, user.auth_setting or "ServerDefault")
    for group in site.groups.values():
        if not group.everyone and group.domain == LOCAL:  # who is in those of a directory is decided there
            told[group.name, "grants"] = (group.minimum_site_role, group.grant_on)
            for member in group.members or ():
                told[site.users[member].qualified.casefold(), "in", group.name] = True
    return told


# -- trials ----------------------------------------------------------------------------------------------------


def lists(rng: random.Random, table: Table, folder: Path) -> dict[str, Any]:
    """Joiners and leavers, some of them in both lists."""
    sources = {}
    for task, most in (("joiners", 8), ("leavers", 5)):
        rows = [row(rng, name, table.cloud) for name in rng.sample((*STAFF, *NEW), rng.randrange(1, most))]
        column = {"name": "login"}
        column |= {"full_name": "name", "email": "mail", "auth_setting": "auth"} if task == "joiners" else {}
        sources[task] = {"type": "file", "path": written(folder / f"{task}.csv", rows), "column": column}
    return sources


def of_lists(rng: random.Random, table: Table) -> None:
    """Provision, its second plan, its undo."""
    site = site_of_chance(rng, cloud=table.cloud)
    section = provision_of_chance(rng, site)
    with table.trial(site, lambda folder: {"provision": section, "sources": lists(rng, table, folder)}) as context:
        tried(table, lambda: provision.decide(context, provision.gather(context), with_contents=False))


def of_people(rng: random.Random, table: Table) -> None:
    """Several sources and a mapping."""
    site = site_of_chance(rng, cloud=table.cloud)
    section = provision_of_chance(rng, site)

    def more(folder: Path) -> dict[str, Any]:
        return {"provision": section, "people": people_of_chance(rng, folder, table.cloud)}

    with table.trial(site, more) as context:
        tried(table, lambda: people.decide(context, people.gather(context), with_contents=False))


def tried(table: Table, plan: Callable[[], Plan]) -> None:
    before = table.site
    first = plan()
    if table.accepted(first) is not None and table.nothing_left(first, plan):
        table.given_back(before, first)


def of_renames(rng: random.Random, table: Table) -> None:
    """Some people under other names, those of others among them, and back."""
    site = site_of_chance(rng, cloud=table.cloud)
    olds = rng.sample(STAFF, rng.randrange(1, 4))
    words = [f"{called(old, table.cloud)}={called(rng.choice((*NEW, *NEW, *STAFF)), table.cloud)}" for old in olds]
    keep_old = rng.random() < 0.2
    with table.trial(site, lambda _: {}) as context:
        plan = rename.decide(context, table.site, renames_of(table.site, words), keep_old=keep_old)
        merged = any(new in {u.name for u in site.users.values()} for new in (w.partition("=")[2] for w in words))
        before = table.site
        if table.accepted(plan) is not None and not (merged or keep_old):
            table.given_back(before, plan)


def of_days(rng: random.Random, table: Table) -> None:
    """People and groups drift, and go back to what a snapshot has."""
    site = site_of_chance(rng, cloud=table.cloud)
    with table.trial(site, lambda _: {}) as context:
        keep(context.settings, read_site(context.connection))
        drifted = {u.id: replace(u, site_role=rng.choice(ROLES)) for u in site.users.values() if rng.random() < 0.4}
        drifted.pop("u-ada", None)
        moved = []
        for group in (g for g in site.groups.values() if g.domain == LOCAL and not g.everyone and rng.random() < 0.6):
            others = sorted(site.users.keys() - {"u-ada"})
            role, inside = rng.choice((None, *MINIMUMS)), frozenset(rng.sample(others, 4))
            moved.append(replace(group, members=inside, minimum_site_role=role, grant_on=role and "onLogin"))
        table.sandbox.state.put(table.site.with_users(*drifted.values()).with_groups(*moved))
        table.accepted(plan_undo_to(context, "last", Scope()))


def of_groups(rng: random.Random, table: Table) -> None:
    """Groups of a directory, imported or kept by membership, and the nicknames of its domains."""
    plain = chance_directory(rng, 4, 3)
    joined = rng.random() < 0.6
    by = rng.choice(("import", "membership")) if joined else "membership"
    site, _ = chance_site(rng, plain, joined=joined)
    rules = chance_rules(rng, plain, by)
    table.sandbox.state.put_directory({**plain, "joined": joined} if joined else {})

    def more(folder: Path) -> dict[str, Any]:
        directory_file.save(directory_of(plain), folder / "directory.json")
        return {"directory": {"file": "directory.json"}, "groups": rules}

    with table.trial(site, more) as context:
        if rules:
            first = groups.decide(context, groups.gather(context), with_contents=False)
            if table.accepted(first) is not None and by == "membership":
                table.nothing_left(first, lambda: groups.decide(context, groups.gather(context), with_contents=False))
        if joined:
            table.accepted(names.plan_domains(context.settings))


# -- policies ---------------------------------------------------------------------------------------------------

RULED = ("workbook", "datasource", "flow")
MODES = (CUSTOMIZABLE, CUSTOMIZABLE, LOCKED, LOCKED_WITHOUT_NESTED)
ASKED = ("Read", "Write", "Delete", "ChangePermissions")
FULLY = 25  # of so many trials one is asked without what was asked before


def rules_of_chance(rng: random.Random, site: Site, kind: str) -> frozenset[Rule]:
    """Some rules for some people and groups, none allowed and denied at once; often many of the same capability."""
    who = [Grantee("user", user) for user in site.users] + [Grantee("group", group) for group in site.groups]
    names = [name for name in capabilities_of(kind) if name not in ("ProjectLeader", "InheritedProjectLeader")]
    if rng.random() < 0.5:
        names = [name for name in ASKED if applies(name, kind)]
    number, modes = rng.randrange(rng.choice((5, 16))), rng.choice(((ALLOW, ALLOW, DENY), (ALLOW, DENY)))
    chosen = {(rng.choice(who), rng.choice(names)): rng.choice(modes) for _ in range(number)}
    leaders = {Rule(rng.choice(who), LEADER, ALLOW)} if kind == "project" and rng.random() < 0.15 else set()
    return frozenset(leaders) | frozenset(Rule(grantee, name, mode) for (grantee, name), mode in chosen.items())


def ruled(rng: random.Random, site: Site, content: Content) -> Content:
    """The content with another lock and other rules."""
    rules = rules_of_chance(rng, site, content.kind)
    if content.kind != "project":
        return replace(content, rules=rules)
    if not any(rule.capability == LEADER for rule in rules):  # a text that names no leaders leaves them
        rules |= frozenset(rule for rule in content.rules or () if rule.capability == LEADER)
    defaults = MappingProxyType({kind: rules_of_chance(rng, site, kind) for kind in RULED})
    return replace(content, rules=rules, defaults=defaults, mode=rng.choice(MODES))


def tree_of_chance(rng: random.Random, site: Site) -> Site:
    """Projects in projects with content in them, rules everywhere; what a lock governs is as the lock has it."""
    owner = next(u.id for u in site.users.values() if publishes(u.site_role) != "no")
    places = ["p-default"]
    for number in range(rng.randrange(2, 5)):
        parent = rng.choice((None, *places[1:]))
        site = site.with_contents(Content(f"t-{number}", "project", f"Tree {number}", parent, owner))
        places.append(f"t-{number}")
    for number in range(4):
        kind = rng.choice(RULED)
        item = Content(f"i-{number}", kind, f"Item {number}", rng.choice(places), owner, tabs=rng.random() < 0.3)
        sheets = [Content(f"v-{number}", "view", "Sheet", item.id, owner)] if kind == "workbook" else []
        site = site.with_contents(item, *sheets)
    return with_rules(rng, site, share=0.9)


def with_rules(rng: random.Random, site: Site, share: float) -> Site:
    """Other rules and locks for a share of the content, done as Tableau does them."""
    for content in list(site.contents):
        thing = site.contents[content]
        project = content if thing.kind == "project" else site.project_of(content)
        manager = None if project is None else managing_project(site, project)
        above = site.contents.get(thing.parent or "")
        follows = thing.kind == "view" and above is not None and above.tabs
        if (
            follows
            or thing.kind not in ("project", "view", *RULED)
            or manager not in (None, content)
            or rng.random() > share
        ):
            continue
        new = ruled(rng, site, thing)
        site = site.with_contents(replace(new, mode=thing.mode))
        site = set_mode(site, content, new.mode) if thing.kind == "project" else site
    return site


def of_another_shape(rng: random.Random, site: Site) -> Site:
    """Some projects described or given to somebody else, sometimes a new one."""
    before = site
    owners = [user.id for user in site.users.values() if publishes(user.site_role) != "no"]
    projects = [c for c in site.contents.values() if c.kind == "project"]
    for project in projects:
        if rng.random() < 0.3:
            site = site.with_contents(replace(site.contents[project.id], description=f"Words {rng.randrange(9)}"))
        # Deeper ones may be unlocked above and locked below: whoever owns them then has a moment between two locks.
        if rng.random() < 0.3 and len(list(site.ancestors(project.id))) < 3:
            site = site.with_contents(replace(site.contents[project.id], owner=rng.choice(owners)))
    if rng.random() < 0.3:
        above = rng.choice((None, *projects[1:]))
        new = Content("new-one", "project", "Fresh", above and above.id, rng.choice(owners))
        larger = create_project(site, new)
        if managing_project(larger, new.id) in (None, new.id):  # what a lock above governs, no text tells
            site = larger.with_contents(ruled(rng, larger, replace(larger.contents[new.id], mode=CUSTOMIZABLE)))
            site = set_mode(site, new.id, rng.choice(MODES))
    for project in sorted(projects, key=lambda project: len(list(before.ancestors(project.id)))):
        above, now = site.contents.get(project.parent or ""), site.contents[project.id]
        if above is not None and above.owner == now.owner:  # which a text does not tell, so that it stays
            site = site.with_contents(replace(now, owner=before.contents[project.id].owner))
    return site


def of_policies(rng: random.Random, table: Table) -> None:
    """The text of another site: planned, applied, nothing left, nobody more than before or afterwards, taken back."""
    before = tree_of_chance(rng, site_of_chance(rng, cloud=table.cloud))
    other = of_another_shape(rng, with_rules(rng, before, share=0.6))
    scope = rng.choice((None, None, *(c.id for c in before.contents.values() if c.kind == "project")))
    within = None if scope is None else before.path(scope)

    def text(folder: Path) -> dict[str, Any]:
        (folder / "policy.yaml").write_text(policy.policy_text(told(other, scope)), encoding="utf-8")
        return {}

    with table.trial(before, text) as context:
        laid = load_policy([context.settings.store.folder.parent / "policy.yaml"])
        read = lambda: read_site(context.connection)  # noqa: E731
        plan = policy.decide(context, read(), laid, within)
        seen: list[Site] = []
        dies = rng.choice((None, rng.randrange(1, len(plan.changes) // 3 + 2)))
        with table.watched(seen):
            if table.accepted(plan, dies) is None:
                return
        nobody_more(table, plan, before, seen)
        reached, wanted, was = (in_force_of(site) for site in (table.site, other, before))
        if within is not None:
            # What is locked from outside stays as it is there.
            outside = any(managing_project(site, str(scope)) not in (None, scope) for site in (before, other))
            inside = reached if outside else wanted
            wanted = {path: facts for path, facts in was.items() if not below(path, within)}
            wanted |= {path: facts for path, facts in inside.items() if below(path, within)}
        if reached != wanted:
            raise table.broken("is not what was wanted", plan, *unlike_content(reached, wanted))
        again = policy.decide(context, read(), laid, within)
        if again.changes:
            raise table.broken("a second plan has changes", again)
        after = table.site
        del seen[:]
        with table.watched(seen):
            held = table.given_back(before, plan)
        nobody_more(table, plan, after, seen)
        given = in_force_of(table.site)
        if {path: facts for path, facts in given.items() if path not in held} != {
            path: facts for path, facts in was.items() if path not in held
        }:
            raise table.broken("undo does not give the rules back", plan, *unlike_content(given, was))


def below(path: str, within: str) -> bool:
    return path == within or path.startswith(f"{within}/")


def unlike_content(reached: Mapping[str, object], wanted: Mapping[str, object]) -> Iterator[str]:
    for path in sorted(reached.keys() | wanted.keys()):
        if reached.get(path) != wanted.get(path):
            yield f"{path}: {reached.get(path)} for {wanted.get(path)}"


def in_force_of(site: Site) -> dict[str, object]:
    """What counts of content by its path: lock, owner, description and the rules in force."""
    return {
        site.path(c.id): (
            c.owner,
            c.description,
            in_force(site, c.id),
            (c.mode, {kind: rules for kind, rules in c.defaults.items() if rules})
            if c.kind != "project" or managing_project(site, c.id) in (None, c.id)
            else (),
        )
        for c in site.contents.values()
    }


def nobody_more(table: Table, plan: Plan, before: Site, seen: list[Site]) -> None:
    """Between any two requests nobody may do what he may neither before nor afterwards.

    A project that is made has what Tableau gives a new one until its own rules come, and nothing is in it. Answers
    rest on the rules of one capability and on owners, leaders and locks above: they are remembered, mostly.
    """
    known: Known = {}
    remembered = None if table.seed % FULLY == 0 else known
    allowed = yes(before, remembered) | yes(table.site, remembered)
    more = {one for site in seen for one in yes(site, remembered) - allowed}
    wrong = sorted(" ".join(one) for one in more if one[2] in before.contents)
    table.tally.seen["moments in between"] += len(seen)
    if wrong:
        raise table.broken("somebody had more in between", plan, *wrong)


def yes(site: Site, known: Known | None) -> set[tuple[str, str, str]]:
    """Who may what of `ASKED` on what, by ids."""
    answers: set[tuple[str, str, str]] = set()
    for content in site.contents.values():
        above = tuple(power_of(site.contents[c]) for c in site.ancestors(content.id))
        listed = governing(site, content.id).rules or frozenset()
        for capability in ASKED:
            if not applies(capability, content.kind):
                continue
            facts = (content.id, above, capability, frozenset(rule for rule in listed if rule.capability == capability))
            theirs = None if known is None else known.get(facts)
            if theirs is None:
                theirs = {
                    (u, capability, content.id) for u in site.users if may(site, u, capability, content.id).allowed
                }
            if known is not None:
                known[facts] = theirs
            answers |= theirs
    return answers


def power_of(content: Content) -> tuple[object, ...]:
    """What of a thing gives power over it and what lies below."""
    leaders = frozenset(rule for rule in content.rules or () if rule.capability == LEADER)
    return content.id, content.owner, content.mode, content.tabs, leaders


Trials = tuple[tuple[str, Callable[[random.Random, Table], None]], ...]
TRIALS: Trials = (
    ("server", of_lists),
    ("cloud", of_lists),
    ("server", of_people),
    ("cloud", of_people),
    ("server", of_people),
    ("server", of_renames),
    ("server", of_lists),
    ("cloud", of_renames),
    ("server", of_days),
    ("cloud", of_days),
    ("joined", of_groups),
)
OF_POLICIES: Trials = (("server", of_policies), ("cloud", of_policies))


def try_plans(opened: Mapping[str, Table], plans: int, seed: int = 0, trials: Trials = TRIALS) -> Tally:
    """Trials from `seed` on until so many plans were applied; Broken where a law does not hold."""
    tally = Tally()
    for table in opened.values():
        table.tally = tally
    while tally.applied < plans:
        which, trial = trials[seed % len(trials)]
        opened[which].seed = seed
        try:
            trial(random.Random(seed), opened[which])
        except (UnknownName, AmbiguousName, SettingsError):  # an heir without a licence, a name of two, a lock above
            tally.seen["told instead of planned"] += 1
        seed += 1
    return tally


def cloud_world() -> World:
    held = world()
    (site,) = held.sites
    ada = replace(site.users["u-ada"], name="ada@a.example", site_role=ADMINS[1])
    accounts = tuple(replace(a, name="ada@a.example") if a.name == "ada" else a for a in held.accounts)
    tokens = tuple(replace(t, user="ada@a.example") if t.user == "ada" else t for t in held.tokens)
    return replace(held, sites=(site.with_users(ada),), accounts=accounts, tokens=tokens)


@contextmanager
def tables(folder: Path) -> Iterator[dict[str, Table]]:
    """A Server, a Cloud, and a Server joined to a directory."""
    with ExitStack() as stack:

        def table(held: World, plays: str) -> Table:
            # Thousands of plans are more than Tableau Cloud's requests of an hour. One takes whole lists of rules.
            played = replace(personality(plays), calls_per_hour=0, whole_lists=plays == "cloud")
            sandbox = stack.enter_context(running(held, plays=played))
            return stack.enter_context(Table(sandbox, folder, cloud=plays == "cloud"))

        yield {
            "server": table(world(), "server"),
            "cloud": table(cloud_world(), "cloud"),
            "joined": table(world(), "server"),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description="random plans against the sandbox")
    parser.add_argument("--plans", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--policies", action="store_true", help="plans of policies alone")
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, tables(Path(folder)) as opened:
        tally = try_plans(opened, given.plans, given.seed, OF_POLICIES if given.policies else TRIALS)
    print(f"{tally}; {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
