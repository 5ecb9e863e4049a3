"""What a change is: one class an op, which knows what it is about, what it does, its way back and its words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, Self

from tabwarden.effects.draft import Draft, Undoing
from tabwarden.effects.people import Outcome
from tabwarden.effects.ref import Lookup, Ref
from tabwarden.model.errors import TabwardenError
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import LOCAL, Site
from tabwarden.model.takes import SiteTakes

Value = str | int | bool | tuple[str, ...] | None
Facts = Mapping[str, Value]
NO_FACTS: Facts = MappingProxyType({})
Refusal = tuple[str, str]
"""Why something is refused, as the end of a sentence about whom it concerns, and what to do."""
CONTENT, NICKNAMES, ALL_GROUPS, REFRESHES = "content", "nicknames", "all groups", "refreshes"
NOBODY = "not_on_site"

OPS: dict[str, type[Change]] = {}
"""Every kind of change by the name it has in files."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do. Its subclasses (effects/ops) are the whole vocabulary of what-if, fixes, plans and undo.

    `because` is the sentence behind it. `brought_by` names the group of a directory whose import or synchronisation
    brings it about: Tableau does it, so it is not sent but read back. `waits_for` is somebody who must have got
    everything before it is done.

    A `Ref` without id is created by an earlier change of the same plan (same `Ref.key`).
    """

    op: ClassVar[str] = ""
    step: ClassVar[str] = ""
    WORDS: ClassVar[tuple[str, str, str]] = ("", "", "")
    """To do, done, not done, with `c` for the change."""
    DESTRUCTIVE: ClassVar[bool] = False
    EFFORT: ClassVar[int] = 90
    READS: ClassVar[frozenset[str]] = frozenset()
    net_members: ClassVar[int] = 0
    """How many members more its group has, -1: one fewer."""
    overwrites_below: ClassVar[bool] = False
    """Whether rules of what lies below the content are overwritten with it."""

    because: str = field(default="", kw_only=True, repr=False)
    brought_by: Ref | None = field(default=None, kw_only=True)
    waits_for: Ref | None = field(default=None, kw_only=True)

    def __init_subclass__(cls) -> None:
        """Every op is known by its name."""
        if name := cls.__dict__.get("op"):
            OPS[name] = cls

    # -- whom and what it is about ----------------------------------------------------------------------------

    @property
    def of_user(self) -> Ref | None:
        return getattr(self, "user", None)

    @property
    def of_group(self) -> Ref | None:
        return getattr(self, "group", None)

    @property
    def of_content(self) -> Ref | None:
        return getattr(self, "content", None)

    @property
    def subject(self) -> Ref | None:
        """What it is about before all."""
        return self.of_user or self.of_group or self.of_content

    @property
    def person(self) -> str:
        """Whom it is about, as a person reads it; of a change to a group, content or domain, that."""
        subject = self.subject
        return subject.qualified if subject is not None else ""

    @property
    def creates(self) -> Ref | None:
        """The user or group that is there afterwards and was not before."""
        return None

    @property
    def needs(self) -> Ref | None:
        """Somebody who must have got everything before."""
        return self.waits_for

    @property
    def receiver(self) -> Ref | None:
        """Who of the changes to content gets something, and has not got it all when this fails."""
        return None

    @property
    def blocks(self) -> Ref | None:
        """About whom nothing more is done when this fails."""
        return self.of_user or self.creates

    @property
    def doubt(self) -> str:
        """A word that is in the names of all facts nobody can be sure of when this failed; empty: none."""
        subject = self.of_user or self.of_group
        return "" if subject is None else subject.key

    @property
    def reads(self) -> frozenset[str]:
        """What of the site must be read for its facts, beside people and the group it is about."""
        return self.READS

    @property
    def writes_content(self) -> bool:
        """Whether content has other rules or is otherwise another afterwards: the site is kept whole before."""
        return self.of_content is not None

    # -- what it takes away -----------------------------------------------------------------------------------

    @property
    def destructive(self) -> bool:
        """Whether somebody loses something."""
        return self.DESTRUCTIVE

    @property
    def gone_for_good(self) -> int:
        """How many things it deletes that no request can make again."""
        return 0

    @property
    def ends_as(self) -> str | None:
        """The site role the user has afterwards: empty when he is gone, None when it stays as it is."""
        return None

    @property
    def renamed_to(self) -> Ref | None:
        """Of the removal of somebody who got another user name: the new one."""
        return None

    @property
    def given_name(self) -> str:
        """How an import has to write the user's name, where that is not the name itself."""
        return getattr(self, "given", "")

    # -- as a way to fix an access ----------------------------------------------------------------------------

    @property
    def effort(self) -> int:
        """How hard it is to take back, in tenths: a rule is one click, a lock overwrites rules for good."""
        return self.EFFORT

    @property
    def shape(self) -> object:
        """What two ways have in common that differ in the site role alone."""
        return self

    # -- what it does -----------------------------------------------------------------------------------------

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """The Site as Tableau would leave it, or a refusal with its reason code. Whether somebody may is not asked."""
        raise NotImplementedError

    def steps(self, site: Site) -> tuple[Change, ...]:
        """The changes that a plan writes for it on this Site: most are one themselves."""
        return (self,)

    def fitting(self, takes: SiteTakes) -> Change | None:
        """As much of it as the site takes; None where nothing is left."""
        return self

    def refusal(self, draft: Draft) -> Refusal | None:
        """Why Tableau would refuse it, as the draft stands, and what to do; None where nothing known is against it."""
        return None

    def carry(self, draft: Draft) -> None:
        """Do it to a draft, as if it succeeds; nothing where whom it is about is not there."""
        raise TabwardenError(f"this release cannot write `{self.op}` to Tableau; leave it out of the plan")

    def take_back(self, undoing: Undoing) -> None:
        """Take it back where it is still so; else hold, and say why."""
        raise TabwardenError(f"this release cannot take back `{self.op}`; do it by hand")

    def inverse(self) -> Change | None:
        """The change that takes it back, where one does."""
        return None

    def but(self, **fields: Any) -> Self:
        """The same with other values of some of its fields."""
        return replace(self, **fields)

    def is_same(self, other: Change) -> bool:
        """Whether both do the same, whatever the reason."""
        return self.but(because="", brought_by=None, waits_for=None) == other

    def with_ids(self, ids: Mapping[str, str]) -> Change:
        """The same with the ids, by `Ref.key`, of users and groups that were created since; who is gone keeps none."""
        refs = {"user": None if self.ends_as == "" else self.of_user, "group": self.of_group}
        newer = {
            name: ref.with_id(ids[ref.key])
            for name, ref in refs.items()
            if ref is not None and not ref.id and ref.key in ids
        }
        return self.but(**newer) if newer else self

    # -- what it rests on -------------------------------------------------------------------------------------

    def facts(self, lookup: Lookup) -> Iterator[tuple[str, Value]]:
        """What it touches, as it is on a Site: the role and id of people, what the group grants, who is in it.

        Of whom changes before it spoke it is not told again.
        """
        mine, group_ref = self.of_user, self.of_group
        user, group = lookup.user(mine), lookup.group(group_ref)
        for ref in (mine, self.needs):
            if ref is not None and lookup.is_first(ref):
                known = user if ref is mine else lookup.user(ref)
                yield ref.key, known.site_role if known else None
                yield f"id of {ref.key}", known.id if known else None
        if group_ref is not None and lookup.is_first(group_ref):
            yield group_ref.key, None if group is None else grants_fact(group.minimum_site_role, group.grant_on)
            yield f"id of {group_ref.key}", group.id if group else None
        if mine is not None and group_ref is not None:
            is_in = user is not None and group is not None and user.id in lookup.site.members(group.id)
            yield membership_fact(mine, group_ref), is_in

    def moves(self, facts: dict[str, Value]) -> None:
        """Make facts what they are once it is done; ids of what it creates are not known and go."""

    def is_true(self, lookup: Lookup) -> str | None:
        """Whether it is so on a Site: None for no, else the id of what it created (empty where nothing was).

        Of an import or synchronisation nobody can tell: it is always to be done again.
        """
        return None

    def otherwise(self, lookup: Lookup) -> str:
        """What is on the Site instead, of a change that Tableau was expected to bring about."""
        if lookup.user(self.of_user) is None:
            return "Tableau did not do it: the user is not on the site"
        return "Tableau did not do it; plan again"

    # -- its words --------------------------------------------------------------------------------------------

    def to_do(self) -> str:
        """`add user `ann` as Unlicensed`."""
        return self.WORDS[0].format(c=self)

    def done(self) -> str:
        """`added user `ann` as Unlicensed`."""
        return self.WORDS[1].format(c=self)

    def not_done(self, code: str, remedy: str) -> str:
        """`user `ann` was not added to the site (409014): what to do`."""
        number = f" ({code})" if code else ""
        return f"{self.WORDS[2].format(c=self)}{number}: {remedy or 'see the log of the server'}"


def grants_fact(minimum_site_role: str | None, grant_on: str | None) -> str:
    """What a group grants, as one word."""
    return f"{minimum_site_role or 'no minimum role'}, {grant_on or 'no mode'}"


def membership_fact(user: Ref, group: Ref) -> str:
    """The name of the fact that `user` is in `group`."""
    return f"{user.key} in {group.key}"


def groups_fact(user: Ref) -> str:
    """The name of the fact in which groups somebody is."""
    return f"groups of {user.key}"


def of_directory(group: Ref | None) -> Refusal | None:
    """The refusal of whatever is written to a group of a directory."""
    if group is None or group.domain.casefold() == LOCAL:
        return None
    return f"`{group.qualified}` is a group of a directory", "change it in the directory"


def refused(site: Site, because: str) -> Outcome:
    """Not done, and why; the Site is as it was."""
    return Outcome(site, False, because)


def done(site: Site) -> Outcome:
    return Outcome(site, True, "done")


def carried_out(site: Site, changes: Iterable[Change]) -> Site:
    """`site` after `changes` in order, if all of them succeed; what they create gets the id `new:` and its key.

    Effects that a server has on content when people change (an heir becomes owner) are in; sign-ins are not.
    """
    draft = Draft(site)
    for change in changes:
        change.carry(draft)
    return draft.site()
