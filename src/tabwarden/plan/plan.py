"""What a plan is: changes in order with what they were based on and what speaks against them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from types import MappingProxyType

from tabwarden.effects.change import NO_FACTS, Change, Facts
from tabwarden.model.site import Site
from tabwarden.want.wanted import Held, Unlisted

FORMAT = 2
_BATCH = 500  # that are hashed at once


def _no_counts() -> Mapping[str, int]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Refused:
    """A row of a source that is no person: `row` counts from 1, `value` is what stood there.

    `leaver` marks a row that says that somebody left: nobody knows whether he keeps a licence.
    """

    source: str
    row: int
    value: str
    reason: str
    leaver: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """A reason not to apply: `number` of `base` is over `limit`. A waiver must name `number` exactly.

    `only` names the one list (`joiners`, `leavers`) of which nothing is in the plan for this reason; what concerns the
    other is. Without it nothing of the plan is done.
    """

    id: str
    base: int
    limit: int
    number: int
    waivable: bool
    sentence: str
    remedy: str
    only: str = ""


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody said yes to one stop with this number."""

    id: str
    number: int


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """What a source of people told: `rows` it gave, `people` of them usable; `when` it was read (ISO, UTC)."""

    task: str
    source: str
    rows: int
    people: int
    when: str = ""


@dataclass(frozen=True, slots=True)
class SiteIdentity:
    """Which site a plan is for; it is applied to no other."""

    where: str
    content_url: str
    id: str
    name: str

    @classmethod
    def of(cls, site: Site) -> SiteIdentity:
        """That of a snapshot."""
        return cls(site.taken.where, site.content_url, site.id, site.name)


@dataclass(frozen=True, slots=True)
class ContentImpact:
    """Who gains and who loses View of one content; `more_gained` and `more_lost` are people who are counted alone."""

    content: str
    path: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    more_gained: int = 0
    more_lost: int = 0


@dataclass(frozen=True, slots=True)
class RightsShift:
    """Everybody of `people` gains (or loses) each of `capabilities` on each of `contents`, all as people call them.

    Where not `sure`, one of the answers before and after is unknown.
    """

    gained: bool
    sure: bool
    people: tuple[str, ...]
    capabilities: tuple[str, ...]
    contents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rights:
    """What people may do afterwards and not before, or the reverse: everybody is asked about everything.

    `gain` and `lose` count people, `decisions` single answers that differ, `unsure` those of them that are unknown on
    one side, `contents` the things they are about. `told` are the first of them, the most people first.
    """

    gain: int
    lose: int
    decisions: int
    unsure: int
    contents: int
    shifts: tuple[RightsShift, ...]

    @property
    def verdict(self) -> str:
        """The whole in one word: `equal`, `narrower`, `wider` or `both`; `unknown` where nothing is sure."""
        if not self.decisions:
            return "equal"
        if self.gain and self.lose:
            return "both"
        return "wider" if self.gain else "narrower" if self.lose else "unknown"


@dataclass(frozen=True, slots=True)
class Impact:
    """What a plan does to people, by name.

    `eligible` are those who will get a (higher) role at their next sign-in. `licences_gained` and `licences_lost`
    count people per tier. `contents` is None when the content of the site was not read: unknown, not nothing;
    `gain_sight` and `lose_sight` count the people who gain or lose View of any.
    `rights` are told where the site was read whole for the plan.
    """

    join: tuple[str, ...] = ()
    eligible: tuple[str, ...] = ()
    gain_licence: tuple[str, ...] = ()
    lose_licence: tuple[str, ...] = ()
    other_role: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    licences_gained: Mapping[str, int] = field(default_factory=_no_counts)
    licences_lost: Mapping[str, int] = field(default_factory=_no_counts)
    memberships_gained: Mapping[str, int] = field(default_factory=_no_counts)
    memberships_lost: Mapping[str, int] = field(default_factory=_no_counts)
    held: int = 0
    contents: tuple[ContentImpact, ...] | None = None
    gain_sight: int = 0
    lose_sight: int = 0
    rights: Rights | None = None


@dataclass(frozen=True)
class Plan:
    """Changes in order with everything they were based on.

    `seen` holds each fact the changes touch as it was when the plan was made (`facts`);
    `notes` are remarks that ask nothing of anybody; `undoes` names the plan an undo takes back,
    `takes_back` that in words, with when and by whom it was done;
    `unlisted` are people on the site whom no authoritative source knows.
    """

    kind: str
    site: SiteIdentity
    made_at: str
    changes: tuple[Change, ...] = ()
    sources: tuple[SourceSummary, ...] = ()
    held: tuple[Held, ...] = ()
    refused: tuple[Refused, ...] = ()
    notes: tuple[str, ...] = ()
    stops: tuple[Stop, ...] = ()
    impact: Impact = field(default_factory=Impact)
    seen: Facts = field(default_factory=lambda: NO_FACTS)
    waivers: tuple[Waiver, ...] = ()
    undoes: str = ""
    takes_back: str = ""
    unlisted: tuple[Unlisted, ...] = ()
    format: int = FORMAT

    @property
    def stops_of_all(self) -> tuple[Stop, ...]:
        """The stops that stand against all of it."""
        return tuple(stop for stop in self.stops if not stop.only)

    @property
    def stops_of_lists(self) -> tuple[Stop, ...]:
        """The stops for which nothing of one list is in it."""
        return tuple(stop for stop in self.stops if stop.only)

    @cached_property
    def fingerprint(self) -> str:
        """One word for all of `seen`; two plans that saw the same have the same."""
        digest, seen = hashlib.sha256(), self.seen
        keys = iter(sorted(seen))
        while batch := tuple(islice(keys, _BATCH)):
            digest.update("".join([f"{key}={seen[key]!r}\n" for key in batch]).encode())
        return digest.hexdigest()

    @cached_property
    def id(self) -> str:
        """What the journal calls this plan: the same for the same changes made at the same time."""
        head = repr((self.kind, self.site, self.made_at, self.fingerprint, ()))
        digest = hashlib.sha256(head.removesuffix("))").encode())
        shown, between = map(repr, self.changes), ""
        while batch := ", ".join(islice(shown, _BATCH)):
            digest.update(f"{between}{batch}".encode())
            between = ", "
        digest.update(b",))" if len(self.changes) == 1 else b"))")  # as a tuple shows itself
        return digest.hexdigest()[:12]
