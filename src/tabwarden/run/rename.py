"""People under another user name: the site is read whole, a plan is decided, and its way back. The doing: apply.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tabwarden.effects.change import Change
from tabwarden.effects.ref import user_of
from tabwarden.model.errors import UnknownName
from tabwarden.model.site import Site
from tabwarden.plan.build import build
from tabwarden.plan.plan import Plan
from tabwarden.plan.rename import carried
from tabwarden.run.context import Context, running
from tabwarden.run.names import directory_of
from tabwarden.run.planning import basis_of
from tabwarden.settings import Settings
from tabwarden.tableau.read.site import read_site
from tabwarden.want.names.rename import Rename, importable, renamed, renames_of, upn_renames
from tabwarden.want.provision import is_protected
from tabwarden.want.wanted import Held

KIND = "rename"


def plan_rename(settings: Settings, words: Sequence[str] = (), *, upn: bool = False, keep_old: bool = False) -> Plan:
    """The plan for `OLD=NEW` words, and with `upn` for everybody whom the directory shows to be imported by UPN."""
    if not words and not upn:
        raise UnknownName("say whom to rename: OLD=NEW, or `--upn` for everybody imported by UPN")
    directory = directory_of(settings) if upn or settings.directory is not None else None
    with running(settings) as context:
        now = read_site(context.connection)
        renames, held = renames_of(now, words), tuple[Held, ...]()
        if directory is not None:
            renames, held = importable(now, directory, renames)
        if directory is not None and upn:
            by_upn, unclear = upn_renames(now, directory)
            olds = {one.old for one in renames}
            renames = (*renames, *(one for one in by_upn if one.old not in olds))
            held = (*held, *unclear)
        return decide(context, now, renames, keep_old=keep_old, held=held)


def decide(
    context: Context,
    now: Site,
    renames: Sequence[Rename],
    *,
    keep_old: bool = False,
    held: tuple[Held, ...] = (),
    undoes: str = "",
    takes_back: str = "",
) -> Plan:
    """The plan for these renames on a site that was read whole."""
    protected = {u.id for u in now.users.values() if is_protected(u, context.settings.provision.protected)}
    protected.add(context.own_id)
    carry = carried(now, renamed(now, renames, keep_old=keep_old, protected=protected), renames)
    return build(
        replace(
            basis_of(
                context, "undo" if undoes else KIND, context.site(now.name), now, undoes=undoes, takes_back=takes_back
            ),
            takes=context.takes,
        ),
        now,
        carry.changes,
        held=(*held, *carry.held),
        notes=carry.notes,
        same_people=carry.same_people,
    )


def undo_rename(context: Context, plan: Plan, done: Sequence[Change], words: str) -> Plan:
    """The plan that gives everybody the old name again, with what the new user has by now."""
    now = read_site(context.connection)
    renames: list[Rename] = []
    held: list[Held] = []
    added = {change.creates.key: change.creates for change in done if change.creates is not None}
    for change in plan.changes:
        old, heir = change.of_user, change.renamed_to
        if old is None or heir is None:
            continue
        ref = added.get(heir.key)
        if ref is None:
            if heir.id is not None and change in done:
                reason = f"was made one with `{heir.qualified}`, who was there before"
                held.append(Held(old.qualified, reason, "put back by hand, or with `plan undo --to`"))
            continue
        new = user_of(now, ref)
        if new is None:
            held.append(Held(ref.qualified, "is not on the site any more", "decide by hand"))
            continue
        because = f"undo of {words}"
        renames.append(Rename(new.id, old.name, old.domain, because, change.given_name, ref.qualified))
    return decide(context, now, renames, held=tuple(held), undoes=plan.id, takes_back=words)
