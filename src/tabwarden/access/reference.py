"""The specification: may this person exercise this capability on this content, and why. Slow, read top to bottom.

It is the executable form of "Evaluate permission rules" (Server Help 2020.3, "Permissions"; tableau-permissions
§3.1 and §3.5). The fast engine is a second implementation and is held against this one; neither imports the other.

0  the capability does not exist for the kind            denied   not_applicable
0b the site has switched it off                          denied   site_setting
0c what lies in a Personal Space is not shared           denied   personal_space
1  the site role does not permit it                      denied   site_role
1b limited user visibility hides permission dialogs      denied   site_setting
2a an administrator                                      allowed  admin
   ... who edits nothing in another's Personal Space     denied   personal_space
2b owner or leader of the project or of a parent         allowed  project_owner, project_leader
2c the content's owner                                   allowed  content_owner
   ... but ChangePermissions under a lock belongs to the managing project  denied  locked_project
3  a rule for the user: Deny, then Allow                 user_deny, user_allow
4  rules for groups: any Deny, then any Allow            group_deny, group_allow
5  rules for group sets, if nothing spoke so far         groupset_deny, groupset_allow
6  otherwise                                             denied   default_deny

A fact that was not read makes the answer unknown exactly where it could change the verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from tabwarden.access.answer import ALLOWED, DENIED, UNKNOWN, Answer, Losing, Step, Verdict
from tabwarden.access.powers import Power, power_is_unknown, power_over, speaks_of
from tabwarden.model.capability import CHANGE_PERMISSIONS, applies, capabilities_of
from tabwarden.model.governing import (
    NOT_IN_PERSONAL_SPACE,
    OWNERS_IN_PERSONAL_SPACE,
    governing,
    in_personal_space,
    lock_is_unknown,
    managing_project,
)
from tabwarden.model.open_points import AI_ACCESS_KINDS, CLASSIC, CURRENT, DENY_FIRST, DOCUMENTED, OpenPoints
from tabwarden.model.roles import ceiling_row, classic_permits, is_admin, is_known, permits, role_in_personal_space
from tabwarden.model.site import ALLOW, DENY, Rule, Site
from tabwarden.model.site_settings import sees_nobody, setting_against

# Step 3 to 5 as a table: the first line that has a rule decides.
PRECEDENCE = (
    ("user", DENY, "user_deny"),
    ("user", ALLOW, "user_allow"),
    ("group", DENY, "group_deny"),
    ("group", ALLOW, "group_allow"),
    ("groupSet", DENY, "groupset_deny"),
    ("groupSet", ALLOW, "groupset_allow"),
)
# One connector reads the Deny of a group set as final over groups (open point group_set_deny_is_final).
_SET_DENY_FIRST = (*PRECEDENCE[:2], PRECEDENCE[4], *PRECEDENCE[2:4], PRECEDENCE[5])


def may(
    site: Site,
    user: str,
    capability: str,
    content: str,
    *,
    model: str = CURRENT,
    open_points: OpenPoints = DOCUMENTED,
) -> Answer:
    """Whether `user` may exercise `capability` (REST name) on `content`, all by id.

    KeyError for a user or content that is not on the site.
    """
    question = _Question(as_seen_by(site, model), user, capability, content, model, open_points)
    return _evaluate(question)


def who(
    site: Site, capability: str, content: str, *, model: str = CURRENT, open_points: OpenPoints = DOCUMENTED
) -> Iterator[Answer]:
    """The Answer for every user of the site, in order of name."""
    for user in sorted(site.users.values(), key=lambda u: (u.name.casefold(), u.domain)):
        yield may(site, user.id, capability, content, model=model, open_points=open_points)


def what(
    site: Site, user: str, content: str, *, model: str = CURRENT, open_points: OpenPoints = DOCUMENTED
) -> Iterator[Answer]:
    """The Answer for every capability the content has, and for unknown ones that a rule on it names."""
    for capability in capabilities_on(site, content, model):
        yield may(site, user, capability, content, model=model, open_points=open_points)


def capabilities_on(site: Site, content: str, model: str = CURRENT) -> tuple[str, ...]:
    """Every capability the content has, and unknown ones that a rule on it names."""
    kind = site.contents[content].kind
    rules = governing(as_seen_by(site, model), content).rules or ()
    strange = sorted({rule.capability for rule in rules if applies(rule.capability, kind, model) is None})
    return (*capabilities_of(kind, model), *strange)


def as_seen_by(site: Site, model: str) -> Site:
    """The Site a model knows: the classic one has no locks (§3.4)."""
    return site.without_locks if model == CLASSIC else site


class _Question(NamedTuple):
    site: Site
    user: str
    capability: str
    content: str
    model: str
    open_points: OpenPoints


def _evaluate(question: _Question) -> Answer:
    site, user, capability, content = question.site, question.user, question.capability, question.content
    item, role = site.contents[content], site.users[user].site_role
    governed, personal = governing(site, content), in_personal_space(site, content)
    exists, reachable = _exists(question, item.kind), _reachable(question, personal=personal)
    off, no_dialog = setting_against(site.settings, capability), _no_dialog(question)
    against = off or ("user_visibility" if no_dialog else None)
    blank = Answer(
        DENIED,
        "default_deny",
        user,
        capability,
        content,
        question.model,
        ceiling=_word(reachable),
        governing=governed,
        steps=(
            Step("capability", _word(exists), (item.kind,)),
            *((Step("setting", "no", (against,)),) if against else ()),
            Step(
                "ceiling",
                _word(reachable),
                (role, *ceiling_row(role, item.kind, capability, question.model, question.open_points)),
            ),
        ),
    )
    rules = _rules_about(question, governed.rules or ())
    if exists is False:
        return _decided(blank, DENIED, "not_applicable", rules)
    if off:
        return _decided(blank, DENIED, "site_setting", rules)
    if personal and capability in NOT_IN_PERSONAL_SPACE:
        return _decided(blank, DENIED, "personal_space", rules)
    if not is_known(role):
        return _decided(blank, UNKNOWN, "role_unknown", rules)
    if reachable is False:
        return _decided(blank, DENIED, "site_role", rules)
    if no_dialog:
        return _decided(blank, DENIED, "site_setting", rules)
    owners = personal and capability in OWNERS_IN_PERSONAL_SPACE
    if is_admin(role) and owners and _override(question) is None:
        return _decided(blank, DENIED, "personal_space", rules)
    if is_admin(role) and not owners:
        return _decided(blank, ALLOWED, "admin", rules, override="admin")
    if question.model == DENY_FIRST:
        return _deny_first(question, blank, rules)
    return _tableau(question, blank, rules)


def _reachable(question: _Question, *, personal: bool) -> bool | None:
    """Whether the site role can ever exercise the capability, in the model's reading of roles."""
    role, kind = question.site.users[question.user].site_role, question.site.contents[question.content].kind
    if personal:
        role = role_in_personal_space(role)
    if question.model == CLASSIC:
        return classic_permits(role, question.capability)
    return permits(role, kind, question.capability, question.open_points)


def _no_dialog(question: _Question) -> bool:
    """Whether limited user visibility keeps the person from setting permissions."""
    hidden = sees_nobody(question.site.settings, question.site.users[question.user].site_role)
    return hidden and question.capability == CHANGE_PERMISSIONS


def _exists(question: _Question, kind: str) -> bool | None:
    """Whether the kind has the capability; of AI Access, once its REST name is told, workbooks and data sources."""
    if question.open_points.ai_access_name and question.capability == question.open_points.ai_access_name:
        return kind in AI_ACCESS_KINDS
    return applies(question.capability, kind, question.model)


def _tableau(question: _Question, blank: Answer, rules: list[_Spoken]) -> Answer:
    """Steps 2b to 6 as Tableau takes them."""
    override = _override(question)
    editable = _editable(question) if question.capability == CHANGE_PERMISSIONS else True
    if override is not None:
        if editable is None:
            return _decided(blank, UNKNOWN, "not_read", rules, override=override.reason)
        if not editable:
            return _decided(blank, DENIED, "locked_project", rules, override=override.reason)
        return _decided(blank, ALLOWED, override.reason, rules, override=override.reason, at=override)
    answer = _by_rules(question, blank, rules)
    if answer.verdict == DENIED or editable:
        return answer
    verdict: Verdict = UNKNOWN if editable is None else DENIED
    because = "not_read" if editable is None else "locked_project"
    return replace(answer, verdict=verdict, because=because, steps=(*answer.steps, Step("lock", _word(editable))))


def _deny_first(question: _Question, blank: Answer, rules: list[_Spoken]) -> Answer:
    """The mirror model (§3.5): any Deny wins over everything but an administrator."""
    if blank.governing is not None and blank.governing.rules is None:
        return _decided(blank, UNKNOWN, "not_read", rules)
    denies = [s for s in rules if s.rule.mode == DENY]
    if any(s.sure for s in denies):
        return _decided(blank, DENIED, "deny_rule", rules, deciding=tuple(s.rule for s in denies if s.sure))
    if denies:
        return _decided(blank, UNKNOWN, "not_read", rules)
    return _tableau(question, blank, rules)


# -- step 2: overrides ----------------------------------------------------------------------------------------


def _override(question: _Question) -> Power | None:
    """2b before 2c: the project's owner or leader, then the content's owner."""
    site, content = question.site, question.content
    item = site.contents[content]
    project = content if item.kind == "project" else site.project_of(content)
    power = power_over(site, question.user, project, question.model)
    if power is not None:
        return power
    owned = site.contents.get(item.parent or "", item) if item.kind == "view" else item
    if owned.owner == question.user and owned.kind != "project":
        return Power("content_owner", owned.id)
    return None


def _editable(question: _Question) -> bool | None:
    """Whether locks leave the editing of permissions to this person (§4.3); None when what decides was not read.

    Under a lock it belongs to the owner and leaders of the managing project and of the projects above it.
    """
    site = question.site
    project = site.project_of(question.content)
    if project is None:
        return True
    if project not in site.contents or lock_is_unknown(site, project):
        return None
    manager = managing_project(site, project)
    if manager is None or power_over(site, question.user, manager, question.model) is not None:
        return True
    return None if power_is_unknown(site, question.user, manager) else False


# -- steps 3 to 6: rules --------------------------------------------------------------------------------------


class _Spoken(NamedTuple):
    """A rule about this capability that names the person, for `sure` or perhaps (members not read)."""

    rule: Rule
    sure: bool


def _rules_about(question: _Question, rules: Iterable[Rule]) -> list[_Spoken]:
    spoken = []
    for rule in sorted(r for r in rules if r.capability == question.capability):
        included = speaks_of(question.site, rule.grantee, question.user)
        if included is not False:
            spoken.append(_Spoken(rule, included is True))
    return spoken


def _by_rules(question: _Question, blank: Answer, rules: list[_Spoken]) -> Answer:
    if blank.governing is not None and blank.governing.rules is None:
        return _decided(blank, UNKNOWN, "not_read", rules)
    order = _SET_DENY_FIRST if question.open_points.group_set_deny_is_final else PRECEDENCE
    because, deciding = _first(order, (s.rule for s in rules if s.sure))
    verdict: Verdict = ALLOWED if because.endswith("_allow") else DENIED
    is_sure = all(s.sure for s in rules)
    if not is_sure and any(_verdict_with(order, rules, mode) != verdict for mode in (ALLOW, DENY)):
        return _decided(blank, UNKNOWN, "not_read", rules)
    # What was not read about leaders matters only to somebody the rules leave outside.
    item = question.site.contents[question.content]
    project = item.id if item.kind == "project" else question.site.project_of(item.id)
    if verdict == DENIED and power_is_unknown(question.site, question.user, project):
        return _decided(blank, UNKNOWN, "not_read", rules)
    return _decided(blank, verdict, because, rules, deciding=deciding)


def _verdict_with(order: Iterable[tuple[str, str, str]], rules: list[_Spoken], mode: str) -> str:
    """The verdict if every rule of that mode which perhaps includes the person does include him."""
    because, _ = _first(order, (s.rule for s in rules if s.sure or s.rule.mode == mode))
    return ALLOWED if because.endswith("_allow") else DENIED


def _first(order: Iterable[tuple[str, str, str]], rules: Iterable[Rule]) -> tuple[str, tuple[Rule, ...]]:
    listed = list(rules)
    for kind, mode, because in order:
        hits = tuple(r for r in listed if r.grantee.kind == kind and r.mode == mode)
        if hits:
            return because, hits
    return "default_deny", ()


# -- the answer -----------------------------------------------------------------------------------------------


def _word(fact: bool | None) -> str:
    return {True: "yes", False: "no", None: "unknown"}[fact]


def _decided(
    blank: Answer,
    verdict: Verdict,
    because: str,
    rules: list[_Spoken],
    *,
    deciding: tuple[Rule, ...] = (),
    override: str = "none",
    at: Power | None = None,
) -> Answer:
    level = blank.governing.level if blank.governing is not None else "unread"
    steps = (
        *blank.steps,
        Step("override", override, (at.at,) if at is not None else ()),
        Step("level", level, (blank.governing.holder,) if blank.governing is not None else ()),
        Step("rules", because if deciding else ("unknown" if verdict == UNKNOWN else "none")),
    )
    leading = (at.rule,) if at is not None and at.rule is not None else ()
    return replace(
        blank,
        verdict=verdict,
        because=because,
        deciding=deciding or leading,
        losing=tuple(Losing(s.rule, because) for s in rules if s.rule not in deciding),
        at=at.at if at is not None else None,
        steps=steps,
    )
