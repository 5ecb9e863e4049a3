"""Which answers differ between two Sites, found by asking the reference. The specification of `by_engine`.

The same as asking the reference everything twice, but it asks only where a fact that decides has changed, and once
for all people who share their role and groups. For small Sites this is also the faster way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from tabwarden.access.answer import Answer
from tabwarden.access.powers import speaks_of
from tabwarden.access.reference import as_seen_by, may
from tabwarden.compare.alike import alike
from tabwarden.model.capability import LEADER_CAPABILITIES, applies, capabilities_of
from tabwarden.model.governing import (
    NOT_IN_PERSONAL_SPACE,
    OWNERS_IN_PERSONAL_SPACE,
    governing,
    in_personal_space,
    managing_project,
)
from tabwarden.model.open_points import CLASSIC, CURRENT, DOCUMENTED, OpenPoints
from tabwarden.model.roles import ceiling
from tabwarden.model.site import Grantee, Rule, Rules, Site
from tabwarden.model.site_settings import GATED_BY

EDITING = "ChangePermissions"
# What more than rules, powers and ceilings decides.
_ALONE = frozenset({EDITING, *GATED_BY, *NOT_IN_PERSONAL_SPACE, *OWNERS_IN_PERSONAL_SPACE})


class Differs(NamedTuple):
    """People (ids, one answer for all of them) who gain or lose one capability on one content.

    `before` and `after` are the Answers for the first of them; None where she or the content is not on that Site.
    """

    users: tuple[str, ...]
    content: str
    capability: str
    gained: bool
    before: Answer | None
    after: Answer | None


def differences(
    before: Site, after: Site, *, model: str = CURRENT, open_points: OpenPoints = DOCUMENTED
) -> Iterator[Differs]:
    """Every decision that is a yes on one Site and not on the other, in the order of the content.

    An answer that becomes unknown is among them: it is no yes any more.
    """
    compared = _Compared(before, after, model, open_points)
    new = (c for c in after.contents if c not in before.contents)
    for content in chain(before.contents, new):
        yield from compared.on(content)


class _Facts(NamedTuple):
    """What of one Site decides on one content, people apart."""

    rules: Rules | None
    leaders: frozenset[tuple[str, Rule]]
    owners: frozenset[tuple[str, str]]
    manager: str | None
    personal: bool
    whole: bool


class _Compared:
    """Two Sites side by side; only inside `differences`."""

    def __init__(self, before: Site, after: Site, model: str, open_points: OpenPoints) -> None:
        self.real = (before, after)
        self.sites = (as_seen_by(before, model), as_seen_by(after, model))
        self.model, self.open_points = model, open_points

    # -- which questions can have another answer ----------------------------------------------------------------

    def on(self, content: str) -> Iterator[Differs]:
        """What differs on one content."""
        item = (self.real[1] if content in self.real[1].contents else self.real[0]).contents[content]
        was, now = (self._facts(site, content) if content in site.contents else None for site in self.sites)
        ruled = (was.rules if was else None) or frozenset(), (now.rules if now else None) or frozenset()
        rules = ruled[0] | ruled[1]
        strange = sorted({rule.capability for rule in rules if applies(rule.capability, item.kind, self.model) is None})
        capabilities = (*capabilities_of(item.kind, self.model), *strange)
        questions: dict[str, set[str] | None] = {}
        if (
            was is None
            or now is None
            or was.personal != now.personal
            or (was != now and not (was.whole and now.whole and _read(was) and _read(now)))
        ):
            questions = dict.fromkeys(capabilities)
        else:
            self._changed_here(was, now, capabilities, questions)
            self._changed_people(was, now, capabilities, questions)
        questions = {c: questions[c] for c in capabilities if c in questions}
        for group in _alike(item.kind, questions, ruled[0] | ruled[1], (self.model, self.open_points)):
            yield from self._asked(content, group, questions[group[0]])

    def _changed_here(
        self, was: _Facts, now: _Facts, capabilities: Iterable[str], questions: dict[str, set[str] | None]
    ) -> None:
        """Rules, leaders, owners, the lock and the site's settings."""
        for rule in (was.rules or frozenset()) ^ (now.rules or frozenset()):
            _add(questions, (rule.capability,), self._named_by(rule.grantee))
        for _, rule in was.leaders ^ now.leaders:
            _add(questions, capabilities, self._named_by(rule.grantee))
        owners = {owner for _, owner in was.owners ^ now.owners}
        if owners:
            _add(questions, capabilities, owners)
        if was.manager != now.manager:
            _add(questions, (c for c in capabilities if c == EDITING), None)
        settings = [site.settings for site in self.real]
        gated = (*GATED_BY, EDITING) if settings[0].user_visibility != settings[1].user_visibility else GATED_BY
        _add(questions, (c for c in capabilities if c in gated and settings[0] != settings[1]), None)

    def _changed_people(
        self, was: _Facts, now: _Facts, capabilities: Iterable[str], questions: dict[str, set[str] | None]
    ) -> None:
        """People with another role are asked everything, regrouped ones what rules for those groups speak of."""
        if self._other_role:
            _add(questions, capabilities, self._other_role)
        if not self._regrouped:
            return
        for rule in (was.rules or frozenset()) | (now.rules or frozenset()):
            if rule.grantee in self._regrouped:
                _add(questions, (rule.capability,), self._regrouped[rule.grantee])
        for _, rule in was.leaders | now.leaders:
            if rule.grantee in self._regrouped:
                _add(questions, capabilities, self._regrouped[rule.grantee])

    def _facts(self, site: Site, content: str) -> _Facts:
        item = site.contents[content]
        project = content if item.kind == "project" else site.project_of(content)
        chain_up = tuple(site.ancestors(project))
        above = [site.contents[a] for a in chain_up]
        leaders = frozenset((c.id, r) for c in above for r in c.rules or () if r.capability in LEADER_CAPABILITIES)
        own = site.contents.get(item.parent or "", item) if item.kind == "view" else item
        owners = frozenset((c.id, c.owner) for c in (*above, own))
        whole = all(c.rules is not None for c in above) and (not above or above[-1].parent is None)
        # The lock belongs to the project that holds it: for a project to the one above.
        holder = site.project_of(content)
        manager = managing_project(site, holder) if holder in site.contents and holder is not None else None
        personal = in_personal_space(site, content)
        return _Facts(governing(site, content).rules, leaders, owners, manager, personal, whole)

    # -- which people -------------------------------------------------------------------------------------------

    @cached_property
    def _other_role(self) -> set[str]:
        """Who has another site role, or is on one of the Sites only."""
        was, now = (site.users for site in self.real)
        return {u for u in {*was, *now} if u not in was or u not in now or was[u].site_role != now[u].site_role}

    @cached_property
    def _regrouped(self) -> Mapping[Grantee, set[str]]:
        """By group and group set who is in it on one Site only (or was not known to be)."""
        was, now = self.real
        changed: dict[Grantee, set[str]] = {}
        groups: set[str] = set()
        for group in {*was.groups, *now.groups}:
            old, new = was.groups.get(group), now.groups.get(group)
            if old is new or (old is not None and new is not None and old.members == new.members):
                continue
            members = _members(was, group) ^ _members(now, group)
            unread = (old is None) != (new is None) or (old and old.members is None) != (new and new.members is None)
            changed[Grantee("group", group)] = {*was.users, *now.users} if unread else set(members)
            groups.add(group)
        everybody = was.settings.group_sets != now.settings.group_sets
        for group_set in {*was.group_sets, *now.group_sets}:
            parts = [site.group_sets[group_set].groups for site in self.real if group_set in site.group_sets]
            if everybody or len(parts) < 2 or parts[0] != parts[1] or groups & frozenset().union(*parts):
                changed[Grantee("groupSet", group_set)] = self._in_either(group_set)
        return changed

    def _in_either(self, group_set: str) -> set[str]:
        """Who may be in a set on either Site: the members of all its groups, everybody where one was not read."""
        groups = {g for site in self.real if group_set in site.group_sets for g in site.group_sets[group_set].groups}
        pairs = [(site, site.groups.get(g)) for site in self.real for g in groups]
        if any(g is None or g.members is None for _, g in pairs):
            return {u for site in self.real for u in site.users}
        return {u for site, g in pairs if g is not None for u in site.members(g.id)}

    def _named_by(self, grantee: Grantee) -> set[str]:
        """Who a grantee includes, or may include, on either Site."""
        if grantee.kind == "user":
            return {grantee.id}
        return {u for site in self.real for u in site.users if speaks_of(site, grantee, u) is not False}

    @cached_property
    def _class_of(self) -> Mapping[str, object]:
        """A key by user: equal keys have equal answers everywhere."""
        was, now = (alike(site) for site in self.real)
        return {u: (was.get(u), now.get(u)) for u in dict.fromkeys(chain(was, now))}

    # -- asking -------------------------------------------------------------------------------------------------

    def _asked(self, content: str, capabilities: tuple[str, ...], people: set[str] | None) -> Iterator[Differs]:
        """What differs for these people (None: for everybody) of capabilities that share their answers."""
        listed = self._class_of.keys() if people is None else people
        classes: dict[object, list[str]] = {}
        alone = people is not None and len(people) < 3
        for user in listed:
            classes.setdefault(user if alone else self._class_of.get(user), []).append(user)
        for users in classes.values():
            was, now = (self._answer(site, users[0], capabilities[0], content) for site in self.real)
            gained = now is not None and now.allowed
            if gained == (was is not None and was.allowed):
                continue
            for capability in capabilities:
                yield Differs(
                    tuple(users), content, capability, gained, _named(was, capability), _named(now, capability)
                )

    def _answer(self, site: Site, user: str, capability: str, content: str) -> Answer | None:
        if user not in site.users or content not in site.contents:
            return None
        return may(site, user, capability, content, model=self.model, open_points=self.open_points)


def _read(facts: _Facts) -> bool:
    return facts.rules is not None


def _named(answer: Answer | None, capability: str) -> Answer | None:
    return answer if answer is None or answer.what == capability else replace(answer, what=capability)


def _members(site: Site, group: str) -> frozenset[str]:
    return site.members(group) if group in site.groups else frozenset()


def _add(questions: dict[str, set[str] | None], capabilities: Iterable[str], users: set[str] | None) -> None:
    """Ask these people (None: everybody) about these capabilities too."""
    for capability in capabilities:
        before = questions.get(capability, set())
        questions[capability] = None if users is None or before is None else before | users


def _alike(
    kind: str, questions: Mapping[str, set[str] | None], rules: Rules, how: tuple[str, OpenPoints]
) -> Iterator[tuple[str, ...]]:
    """Capabilities put together that no rule names and that have one ceiling: they share every answer."""
    model, open_points = how
    ruled = {rule.capability for rule in rules}
    groups: dict[object, list[str]] = {}
    for capability, people in questions.items():
        row = ceiling(kind, capability, open_points)
        alone = capability in ruled or capability in _ALONE or model == CLASSIC
        if people is not None and not people:
            continue
        key = capability if alone or row is None else (row.columns, None if people is None else frozenset(people))
        groups.setdefault(key, []).append(capability)
    for group in groups.values():
        yield tuple(group)
