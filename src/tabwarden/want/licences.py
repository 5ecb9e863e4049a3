"""Licences that nobody uses: who was not seen for so many days, what he would lose, and the Site with less of them.

Sources: tableau-permissions §3 (site roles), §3.4 (groups that grant a role on sign-in).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tabwarden.model.roles import is_admin, is_licensed, licence_of, permits, publishes, rank
from tabwarden.model.site import Group, Site, User
from tabwarden.model.usage import LastUse
from tabwarden.want.provision import NOT_RANKED, is_kept, is_protected
from tabwarden.want.wanted import SITE_ROLE, Held, Wanted, Why

ROLES = ("Unlicensed", "Viewer", "Explorer", "ExplorerCanPublish", "Creator")


@dataclass(frozen=True, slots=True)
class Seen:
    """When somebody was last seen: by sign-in, by what he used, and the first snapshot (day) that has him and has him
    in his role; '' where nobody knows."""

    sign_in: str = ""
    used: str = ""
    there_since: str = ""
    role_since: str = ""

    @property
    def last(self) -> str:
        """The later of sign-in and use."""
        return max(self.sign_in, self.used)

    def idle_on(self, day: str) -> bool | None:
        """Whether he was not seen since that day; None where he never was, and nobody knows since when he is there."""
        if self.last:
            return self.last[:10] < day
        return True if self.there_since and self.there_since[:10] < day else None


@dataclass(frozen=True, slots=True)
class Lowering:
    """Who is lowered: not seen since `day` (ISO), to which role; `protected` names and `own_id` never.

    `warned` maps user ids to the day on which they were warned by mail; with `warned_before` only who was by that day
    is lowered.
    """

    day: str
    to: str
    protected: tuple[str, ...] = ()
    own_id: str = ""
    warned: Mapping[str, str] | None = None
    warned_before: str = ""


def needs(user: User, use: LastUse | None) -> str | None:
    """The lowest site role that keeps all that a person was seen to exercise; None where no use was read."""
    if use is None or use.days is None:
        return None
    exercised = use.capabilities(user.id)
    fitting = (role for role in ROLES[1:] if all(permits(role, *pair) is not False for pair in exercised))
    lowest = next(fitting, user.site_role)
    return lowest if exercised else ROLES[0]


def cost(user: User, role: str, use: LastUse) -> tuple[str, ...]:
    """Capabilities that a person was seen to exercise and could not in a lower role."""
    exercised = sorted(use.capabilities(user.id))
    return tuple(
        dict.fromkeys(capability for kind, capability in exercised if permits(role, kind, capability) is False)
    )


def remark(user: User, use: LastUse | None) -> str:
    """What is odd about a licence: a Creator who never published, an Explorer who never edited; '' for nothing."""
    if use is None or use.days is None:
        return ""
    names = {capability for _, capability in use.capabilities(user.id)}
    if licence_of(user.site_role) == "Creator" and "Write" not in names:
        return "never published"
    if licence_of(user.site_role) == "Explorer" and not names & {"Write", "WebAuthoring", "WebAuthoringForFlows"}:
        return "never edited" if publishes(user.site_role) == "no" else "never edited nor published"
    return ""


def lowered(now: Site, seen: Mapping[str, Seen], lowering: Lowering) -> Wanted:
    """The Site in which idle people have the lower role, out of the groups that would give it back at sign-in."""
    users, groups = dict(now.users), dict(now.groups)
    sentences: dict[tuple[str, str], str] = {}
    held: list[Held] = []
    for user in _candidates(now, lowering):
        reason = _left(now, user, seen.get(user.id, Seen()), lowering)
        if isinstance(reason, Held):
            held.append(reason)
        if reason is not None:
            continue
        because = _because(seen[user.id])
        for group in _granting(now, user, lowering.to):
            before = groups[group.id]
            groups[group.id] = replace(before, members=(before.members or frozenset()) - {user.id})
            sentences[user.id, group.id] = f"{because}: the group grants {group.minimum_site_role} on sign-in"
        users[user.id] = replace(user, site_role=lowering.to)
        sentences[user.id, SITE_ROLE] = because
    return Wanted(replace(now, users=users, groups=groups), Why("", sentences), tuple(held))


def _candidates(now: Site, lowering: Lowering) -> Iterator[User]:
    """Whoever has more than the lower role; administrators, protected people and who runs this never."""
    least = rank(lowering.to) or 0
    for user in now.users.values():
        alone = is_admin(user.site_role) or user.site_role in NOT_RANKED or user.id == lowering.own_id
        if alone or not is_licensed(user.site_role) or is_protected(user, lowering.protected):
            continue
        if (rank(user.site_role) or 0) > least:
            yield user


def _left(now: Site, user: User, seen: Seen, lowering: Lowering) -> Held | bool | None:
    """None for whoever is to be lowered; True for who is not idle, Held for whom nobody can tell or who cannot be."""
    idle = seen.idle_on(lowering.day)
    if idle is None:
        reason = "was never seen, and nobody knows since when he is there"
        return Held(user.qualified, reason, "keep snapshots (`tabwarden read`): after so many days it is known")
    if not idle:
        return True
    if lowering.warned_before and not "" < (lowering.warned or {}).get(user.id, "") <= lowering.warned_before:
        return Held(user.qualified, "was not warned, or not long enough ago", "`tabwarden licences --warn` does it")
    keeper = next((group for group in _granting(now, user, lowering.to) if is_kept(group)), None)
    if keeper is None:
        return None
    where = "let it grant no role" if keeper.everyone else "take the person out of it in the directory"
    return Held(user.qualified, f"`{keeper.name}` grants {keeper.minimum_site_role} again at sign-in", where)


def _because(seen: Seen) -> str:
    return f"not seen since {seen.last[:10]}" if seen.last else f"never seen, and there since {seen.there_since[:10]}"


def _granting(now: Site, user: User, role: str) -> list[Group]:
    """His groups that grant more than a role on sign-in."""
    groups = (now.groups[group] for group in sorted(now.groups_of(user.id)))
    return [group for group in groups if (rank(group.minimum_site_role or ROLES[0]) or 0) > (rank(role) or 0)]
