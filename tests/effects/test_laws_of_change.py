"""Laws of changes: what-if of a change is the changed Site evaluated; taking a change back restores every answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_id import ById, Join, Leave, SetOwner, SetRole, on
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sites_of_chance import CAPABILITIES, GROUPS, USERS, sites
from test_laws import verdicts

from tabwarden.compare.access_changes import Decision, Under
from tabwarden.compare.between_sites import Base
from tabwarden.compare.what_if import done, what_if
from tabwarden.effects.change import Change, carried_out
from tabwarden.effects.ops import content
from tabwarden.effects.ops.rules import Lead, PutRule, TakeRule, Unlead
from tabwarden.effects.ops.settings import SetSetting
from tabwarden.effects.sentences import words_of
from tabwarden.model.capability import capabilities_of
from tabwarden.model.open_points import MODELS
from tabwarden.model.site import ALL_USERS, DENY, Grantee, Rule, Site
from tabwarden.plan.order import diff
from tabwarden.plan.undo import undone
from tabwarden.want.wanted import Why

quick = settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
ROLES = ("Creator", "Explorer", "Viewer", "Unlicensed")
USER, GROUP = st.sampled_from(USERS), st.sampled_from(GROUPS)
CONTENT, PROJECT = st.sampled_from(["top", "p", "c", "q", "w", "x", "y", "w1"]), st.sampled_from(["top", "p", "c", "q"])
NAMED = st.sampled_from([*(Grantee("user", u) for u in USERS), *(Grantee("group", g) for g in (*GROUPS, ALL_USERS))])
RULE = st.builds(Rule, NAMED, st.sampled_from(["Read", "WebAuthoring", "Write"]), st.sampled_from(["Allow", DENY]))

EDITS = st.one_of(
    st.builds(Join, GROUP, USER),
    st.builds(Leave, GROUP, USER),
    st.builds(SetRole, USER, st.sampled_from(ROLES)),
    st.builds(SetOwner, st.sampled_from(["p", "w", "x"]), USER),
    st.builds(SetSetting, st.sampled_from(["web_authoring", "group_sets", "commenting"]), st.booleans()),
    st.builds(PutRule, CONTENT, RULE),
    st.builds(TakeRule, CONTENT, RULE),
    st.builds(PutRule, PROJECT, RULE, st.just("workbook")),
    st.builds(Lead, PROJECT, NAMED),
)


def differing(before: Site, after: Site, model: str) -> dict[Decision, bool]:
    """By asking everything twice: what is gained (True) and lost."""
    was, now = verdicts(before, model), verdicts(after, model)
    return {
        (user, content, capability): now[user, capability, content] == "allowed"
        for user, capability, content in was
        if (was[user, capability, content] == "allowed") != (now[user, capability, content] == "allowed")
    }


# -- what-if --------------------------------------------------------------------------------------------------


@quick
@given(sites(), st.lists(EDITS, min_size=1, max_size=3), st.sampled_from(MODELS))
def test_whatif_of_changes_is_the_changed_site_evaluated(site: Site, edits: list[ById | Change], model: str) -> None:
    """By the sentences a person types, and by the engine as by the reference."""
    sentences, after = [], site
    for edit in edits:
        edit = on(after, edit)
        if isinstance(edit, PutRule | TakeRule):
            kind = edit.default_for or site.contents[edit.content].kind
            assume(edit.rule.capability in capabilities_of(kind))
        sentences.append(words_of(after, edit))
        after = edit.done_to(after).site
    found = what_if(site, sentences, model=model)
    assert found.after == after == done(site, sentences)[0]
    expected = differing(site, after, model)
    for reach in (found.reach, Base(site, Under(model), small=0).reach(after)):
        told = {d: s.gained for s in reach.shifts for d in s.every() if d[2] in CAPABILITIES and d[2] != "NotYetNamed"}
        assert told == {d: gained for d, gained in expected.items() if d[2] != "NotYetNamed"}


# -- taking back ----------------------------------------------------------------------------------------------


def inverse(site: Site, edit: Change) -> Change | None:
    """What takes an edit back; None where Tableau itself cannot bring back what was overwritten."""
    if isinstance(edit, content.SetOwner):
        return SetOwner(edit.id, site.contents[edit.id].owner).on(site)
    if isinstance(edit, SetSetting):
        return SetSetting(edit.setting, getattr(site.settings, edit.setting))
    if (back := edit.inverse()) is not None:
        return back
    if isinstance(edit, Lead):
        project = site.contents[edit.project]
        listed = (rule for rules in (project.rules, *project.defaults.values()) for rule in rules or ())
        return None if any(rule.grantee == edit.grantee for rule in listed) else Unlead(edit.project, edit.grantee)
    if isinstance(edit, TakeRule):
        return PutRule(edit.content, edit.rule, edit.default_for)
    if isinstance(edit, PutRule):
        held = site.contents[edit.content]
        rules = (held.rules if edit.default_for is None else held.defaults.get(edit.default_for)) or frozenset()
        opposite = edit.rule._replace(mode="Allow" if edit.rule.mode == DENY else DENY)
        if opposite in rules:
            return PutRule(edit.content, opposite, edit.default_for)
        return None if edit.rule in rules else TakeRule(edit.content, edit.rule, edit.default_for)
    return None


@quick
@given(sites(), EDITS)
def test_taking_a_change_back_restores_every_answer(site: Site, edit: ById | Change) -> None:
    edit = on(site, edit)
    outcome = edit.done_to(site)
    back = inverse(site, edit)
    assume(outcome.done and back is not None)
    assert back is not None
    restored = back.done_to(outcome.site)
    if not restored.done:  # a role REST does not give, an owner whose role cannot own: nothing half done
        assert restored.site == outcome.site
        return
    for model in MODELS:
        assert verdicts(restored.site, model) == verdicts(site, model)
    assert not Base(site).differs(restored.site)
    assert not Base(site, small=0).differs(restored.site)


@quick
@given(
    sites(),
    st.dictionaries(USER, st.sampled_from(ROLES), max_size=3),
    st.dictionaries(GROUP, st.frozensets(USER), max_size=2),
)
def test_the_undo_of_a_plan_restores_every_answer(
    site: Site, roles: dict[str, str], members: dict[str, frozenset[str]]
) -> None:
    wanted = site.with_users(*(replace(site.users[user], site_role=role) for user, role in roles.items()))
    wanted = wanted.with_groups(*(replace(site.groups[name], members=users) for name, users in members.items()))
    changes = diff(site, wanted, Why())
    after = carried_out(site, changes)
    assert verdicts(after) == verdicts(wanted)
    back = undone(after, changes, "p")
    restored = carried_out(after, diff(after, back.site, back.why))
    for model in MODELS:
        assert verdicts(restored, model) == verdicts(site, model)


@pytest.mark.parametrize("small", [10**9, 0])
@given(site=sites(), rule=RULE.filter(lambda r: r.mode == DENY), content=CONTENT)
@quick
def test_what_if_of_one_more_deny_gives_nobody_anything(site: Site, rule: Rule, content: str, small: int) -> None:
    held = site.contents[content]
    assume(rule not in (held.rules or ()) and rule._replace(mode="Allow") not in (held.rules or ()))
    after = site.with_contents(replace(held, rules=(held.rules or frozenset()) | {rule}))
    assert not Base(site, small=small).reach(after).count.gained
