"""Group synchronisation: directory and site are read, a plan is decided, and all in one. The doing is in apply.py."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from tabwarden.effects.change import carried_out
from tabwarden.model.codec import collected_later
from tabwarden.model.errors import SettingsError, TableauError
from tabwarden.model.site import Site
from tabwarden.plan.group_changes import group_changes
from tabwarden.plan.group_sight import sight_remarks
from tabwarden.plan.plan import Plan, SiteIdentity, SourceSummary, Waiver
from tabwarden.run.apply import GROUPS, Applied
from tabwarden.run.context import Context, Progress, authentication_of, running, silent
from tabwarden.run.directory import read_directory
from tabwarden.run.planning import basis_of, planned, with_content_of
from tabwarden.run.run_log import alone, do
from tabwarden.settings import Settings
from tabwarden.store.journal import now as present
from tabwarden.store.rosters import keep_accounts, known_accounts
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.read.people import read_people
from tabwarden.tableau.write.directory import with_nicknames
from tabwarden.want.directory import Directory
from tabwarden.want.groups.rules import GroupRule, found_groups
from tabwarden.want.groups.sync import Decision, GroupPolicy, want_groups

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything a plan is decided from, whole: a directory that could not be read ended it before."""

    directory: Directory
    site: SiteIdentity
    now: Site
    when: str


def gather(context: Context) -> Gathered:
    """Read the directory, and only if all groups are in it the site's people."""
    rules = rules_of(context.settings)
    if not rules:
        raise SettingsError(["`groups` names no group: there is nothing to synchronise"])
    when = present()
    directory = read_directory(context.settings)
    found_groups(directory, rules)
    names = [rule.into or rule.group.rpartition("\\")[2] for rule in rules]
    now = _with_nicknames(read_people(context.connection, names), context.connection)
    log.info("site `%s`: %d users, %d groups", now.name, len(now.users), len(now.groups))
    return Gathered(directory, context.site(now.name), now, when)


def _with_nicknames(now: Site, connection: Connection) -> Site:
    """With the server's domains where it tells them; else users and groups tell whether it is joined."""
    try:
        return with_nicknames(now, connection)
    except TableauError as error:
        log.info("whether the server is joined to the directory is told by its users and groups: %s", error)
        return now


def rules_of(settings: Settings) -> tuple[GroupRule, ...]:
    return tuple(
        GroupRule(
            one.group,
            one.into or "",
            one.minimum_site_role,
            one.grant_on,
            one.by,
            one.user_name,
            one.may_be_empty,
        )
        for one in settings.groups
    )


@collected_later()
def decide(context: Context, gathered: Gathered, *, with_contents: bool = True) -> Plan:
    """The plan. `with_contents` also judges, by the newest snapshot, who sees what and who still owns what.

    Who is who by key goes into the store, where it counts once the plan was applied.
    """
    now, provision = gathered.now, context.settings.provision
    accounts = known_accounts(context.store, gathered.site)
    policy = GroupPolicy(provision.protected, context.own_id, authentication_of(context), accounts)
    decision = want_groups(now, gathered.directory, rules_of(context.settings), policy)
    changes = group_changes(now, decision)
    basis = replace(
        basis_of(context, GROUPS, gathered.site, now, when=gathered.when),
        sources=_summaries(decision, gathered.directory.when or gathered.when),
        empty_groups=tuple(f"{target.group.domain}\\{target.group.name}" for target in decision.empty),
    )
    wanted = decision.wanted
    if with_contents:
        after = carried_out(with_content_of(context.settings, now), changes)
        wanted = replace(wanted, notes=(*wanted.notes, *sight_remarks(after, decision.left)))
    plan = planned(context, basis, now, wanted, with_contents=with_contents, changes=changes)
    keep_accounts(context.store, plan.id, plan.site, decision.accounts, gathered.when)
    return plan


def _summaries(decision: Decision, when: str) -> tuple[SourceSummary, ...]:
    return tuple(
        SourceSummary(f"group {t.name}", f"{t.group.domain}\\{t.group.name}", len(t.members), len(t.members), when)
        for t in decision.targets
    )


def plan_groups(settings: Settings) -> Plan:
    """Read and decide; nothing is written."""
    with running(settings) as context:
        return decide(context, gather(context))


def run_groups(settings: Settings, waivers: tuple[Waiver, ...] = (), progress: Progress = silent) -> Applied:
    """Read, decide, stop or do, all of it logged; where it stops, the plan is kept to be looked at."""
    with alone(settings, progress) as context:
        gathered = gather(context)
        plan = decide(context, gathered, with_contents=False)
        return do(context, plan, gathered.now, waivers)
