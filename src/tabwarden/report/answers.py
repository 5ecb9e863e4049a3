"""Answers in words and in JSON: one sentence, the trace, the permission checker's grid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tabwarden.access.answer import ALLOWED, DENIED, Answer, Disputed
from tabwarden.model.capability import KIND_NAMES, ui_name
from tabwarden.model.governing import Governing
from tabwarden.model.open_points import BLOG, BLOGS_ANSWERS, OPEN_POINTS
from tabwarden.model.roles import ceiling_words, ui_role
from tabwarden.model.site import ALLOW, Grantee, Rule, Site
from tabwarden.report.table import CONTENT, MARK, NAME, PERSON, Column, Many, Table, Text

SEE_DATA = "see_data"
MARKS = {ALLOWED: ("yes", "green"), DENIED: ("no", "red"), "unknown": ("unknown", "yellow")}

# What each reason means, for a manager; `{}` is filled by `reason`.
SENTENCES = {
    "site_role": "the site role {role} never includes it",
    "site_setting": "the site has switched it off",
    "not_applicable": "{a_kind} has no such capability",
    "admin": "{role} may do everything on the site",
    "project_owner": "{user} owns the project {at}",
    "project_leader": "{user} leads the project {at}{through}",
    "content_owner": "{user} owns it",
    "locked_project": "permissions are locked to the project {manager} and are edited there, by those who lead it",
    "locked_database": "the rules of its tables are locked to the database, and are edited there",
    "tabs_shown": "sheets are shown as tabs, so the workbook's rules count and no view has rules of its own",
    "user_deny": "a rule denies it to {user} in person",
    "user_allow": "a rule allows it to {user} in person",
    "group_deny": "a rule denies it to {grantees}",
    "group_allow": "a rule allows it to {grantees}",
    "groupset_deny": "a rule denies it to {grantees}",
    "groupset_allow": "a rule allows it to {grantees}",
    "default_deny": "nobody allowed it, and what nobody allows is denied",
    "deny_rule": "in this model any Deny is final, and {grantees} is denied",
    "embedded_credentials": "the workbook signs in to its data source with embedded credentials",
    "missing_connect": "the workbook asks each person for access to its data source, and {user} may not Connect to it",
    "admin_only": "only administrators may do that",
    "not_owner": "only the owner may do that",
    "not_leader": "only the project's owner, its leaders and administrators may do that",
    "guest_cannot_own": "Guest can own nothing",
    "shown": "Tableau listed it for {user}, who read the site and is shown no more than that",
    "not_read": "the rules or members that decide were not read",
    "role_unknown": "what the site role {role} can ever do is not known to this release",
    "guest_extract": "Guest needs View on its data source if that is an extract, which is not known",
    "default_project": "the Default project cannot be deleted",
    "ok": "every condition is met",
    "oneself": "{user} asks about {user}",
    "own_comment": "{user} wrote it",
    "never_edited": "comments are deleted, never edited",
    "personal_space": "what lies in a Personal Space is its owner's alone, and has no permissions menu",
    "prompted": "whoever opens it is asked for credentials, and a mail is made while nobody is there to be asked",
    "no_target": "there is no other place where {user} may put it",
    "project_connect": "Connect comes from the project, and that works through workbooks only",
}
# How sure a row of the ceiling table is, where it is not read in a source.
SURENESS = {"B": "; believed, not read in a source", "C": "; sources disagree"}
LEVELS = {
    "own": "its own rules",
    "workbook": "the rules of the workbook {holder}, because its sheets are shown as tabs",
    "project_default": "the {kind} rules of the project {holder}, because its permissions are locked",
    "project": "the rules of the project {holder}, which locks nested projects",
    "database_default": "the table rules of the database {holder}, because it is locked",
    "personal_space": "none: it lies in a Personal Space, which has no rules",
    "unread": "not read",
}


def grantee_name(site: Site, grantee: Grantee) -> str:
    """`group Sales`, `user ann`; a grantee that is not on the site is named by id."""
    kind = "group set" if grantee.kind == "groupSet" else grantee.kind
    return f"{kind} {_bare_name(site, grantee)}"


def _bare_name(site: Site, grantee: Grantee) -> str:
    by_kind: dict[str, Any] = {"group": site.groups, "groupSet": site.group_sets}
    if grantee.kind == "user":
        return site.called(grantee.id)
    grantee_there = by_kind.get(grantee.kind, {}).get(grantee.id)
    return str(grantee_there.name) if grantee_there is not None else grantee.id


def asked_name(site: Site, answer: Answer) -> str:
    """The capability as Tableau's dialog names it, or the action in words."""
    content = site.contents.get(answer.content or "")
    kind = content.kind if content is not None else None
    return answer.what.replace("_", " ") if answer.conditions else ui_name(answer.what, kind)


def _content_name(site: Site, content: str | None) -> str:
    return site.path(content) if content is not None and content in site.contents else (content or "the site")


def reason(site: Site, answer: Answer) -> str:
    """What decided, in words: the sentence's second half."""
    user = site.users[answer.user]
    content = site.contents.get(answer.content or "")
    kind = KIND_NAMES[content.kind] if content is not None else "site"
    listed = sorted({grantee_name(site, rule.grantee) for rule in answer.deciding})
    through = f" through {listed[0]}" if listed and not listed[0].startswith("user ") else ""
    manager = answer.governing.holder if answer.governing is not None else None
    return SENTENCES.get(answer.because, answer.because.replace("_", " ")).format(
        role=ui_role(user.site_role),
        user=site.called(user.id),
        a_kind=f"a {kind}",
        at=_content_name(site, answer.at),
        through=through,
        manager=_content_name(site, manager),
        grantees=" and ".join(listed) or "nobody",
    )


def sentence(site: Site, answer: Answer) -> str:
    """One sentence a manager understands."""
    user, name = site.called(answer.user), asked_name(site, answer)
    where = f" on {_content_name(site, answer.content)}" if answer.content is not None else ""
    if not answer.conditions:
        verb = {ALLOWED: "has", DENIED: "does not have"}.get(answer.verdict, "may or may not have")
        return f"{user} {verb} `{name}`{where}: {reason(site, answer)}."
    verb = {ALLOWED: "can", DENIED: "cannot"}.get(answer.verdict, "may or may not be able to")
    failed = next((part for part in answer.conditions if part.verdict == answer.verdict), None)
    if failed is None or answer.verdict == ALLOWED:
        decisive = next((part for part in answer.conditions if part.because == answer.because), answer)
        return f"{user} {verb} {name}{where}: {reason(site, decisive)}."
    if answer.what == SEE_DATA and answer.verdict == DENIED and answer.conditions[0].allowed:
        empty = f"it opens but stays empty, because {condition_name(site, failed)} is missing"
        return f"{user} {verb} {name}{where}: {empty}: {reason(site, failed)}."
    return f"{user} {verb} {name}{where}: {condition_name(site, failed)}: {reason(site, failed)}."


def condition_name(site: Site, part: Answer) -> str:
    """A condition of an ability: `Publish on Finance`, `a site role that publishes`."""
    if part.fact is not None:
        return part.fact
    content = site.contents.get(part.content or "")
    name = (
        ui_name(part.what, content.kind if content is not None else None) if part.steps else "facts that were not read"
    )
    return f"`{name}` on {_content_name(site, part.content)}"


def rule_words(site: Site, rule: Rule) -> str:
    """`Deny Download Full Data to group Contractors`."""
    return f"{rule.mode} {ui_name(rule.capability)} to {grantee_name(site, rule.grantee)}"


def trace(site: Site, answer: Answer) -> list[tuple[str, str]]:
    """The steps in order as (step, words): ceiling, override, level, winning rule, losing rules."""
    if answer.conditions:
        return [line for n, part in enumerate(answer.conditions, 1) for line in _condition(site, n, part)]
    return [*_gates(site, answer), *_rules(site, answer)]


def _condition(site: Site, number: int, part: Answer) -> Iterable[tuple[str, str]]:
    because = "" if part.because == "ok" else f": {reason(site, part)}"
    yield f"{number}", f"{MARKS[part.verdict][0]}: {condition_name(site, part)}{because}"


def _gates(site: Site, answer: Answer) -> Iterable[tuple[str, str]]:
    for off in (s for s in answer.steps if s.name == "setting"):
        yield "setting", _setting_words(off.detail[0])
    for words in _unheard_sets(site, answer):
        yield "setting", f"the site has switched off group sets: {words}"
    yield "ceiling", _ceiling(site, answer)
    step = next((s for s in answer.steps if s.name == "override"), None)
    if step is not None and step.result != "none":
        at = f" of {_content_name(site, step.detail[0])}" if step.detail else ""
        yield "override", f"{step.result.replace('_', ' ')}{at}"
    else:
        yield "override", "none: no administrator, owner or leader"
    if answer.governing is not None:
        yield "level", _level(site, answer.governing)


def _setting_words(name: str) -> str:
    if name == "user_visibility":
        return "user visibility is limited on this site"
    return f"the site has switched off {name.replace('_', ' ')}"


def _ceiling(site: Site, answer: Answer) -> str:
    """`Viewer never permits it: that takes Creator, Explorer`: the site role, and the row it was read from."""
    role = ui_role(site.users[answer.user].site_role)
    words = {"yes": "permits it", "no": "never permits it"}.get(answer.ceiling, "is not known to permit it or not")
    row = _ceiling_row(answer)
    if row is None:
        return f"{role} {words}"
    sure = SURENESS.get(row["mark"], "")
    if answer.ceiling == "yes" and answer.governing is not None and answer.governing.level == "personal_space":
        return f"{role} {words} in a Personal Space"
    if "n" not in row["cells"]:
        return f"{role} {words}, as does every licensed role{sure}"
    return f"{role} {words}; it takes {ceiling_words(row['cells'])}{sure}"


def _level(site: Site, governing: Governing) -> str:
    """Whose list was looked at, and because of what."""
    if governing.level == "own" and governing.kind == "view":
        return "its own rules, because sheets are not shown as tabs"
    kind = KIND_NAMES[governing.kind]
    return LEVELS[governing.level].format(holder=_content_name(site, governing.holder), kind=kind)


def _unheard_sets(site: Site, answer: Answer) -> Iterable[str]:
    """Rules for group sets that would speak of the person if the site had not switched group sets off."""
    if site.settings.group_sets or answer.governing is None:
        return
    mine = site.groups_of(answer.user)
    for rule in sorted(answer.governing.rules or ()):
        group_set = site.group_sets.get(rule.grantee.id) if rule.grantee.kind == "groupSet" else None
        if group_set is not None and rule.capability == answer.what and group_set.groups and group_set.groups <= mine:
            yield f"{rule_words(site, rule)} does not count"


def _rules(site: Site, answer: Answer) -> Iterable[tuple[str, str]]:
    for rule in answer.deciding:
        yield "decides", rule_words(site, rule)
    for lost in answer.losing:
        yield "lost", f"{rule_words(site, lost.rule)}, to {lost.to.replace('_', ' ')}"
    if not answer.deciding and not answer.losing:
        yield "rules", "none speaks of this person"


def disputed_lines(site: Site, answer: Answer) -> Iterable[str]:
    """The other answer of each open point that this one hangs on."""
    for other in answer.disputed:
        turned = replace(
            answer, verdict=other.verdict, because=other.because, deciding=other.deciding, at=other.at, disputed=()
        )
        words, blogs = MARKS[other.verdict][0], other.open_point in BLOGS_ANSWERS
        whose = f"; the blog's answer: `--open-point {BLOG}`" if blogs and other.value == "on" else ""
        whose = "; the blog's answer is the one above" if blogs and other.value == "off" else whose
        yield (
            f"the sources do not settle this: with {other.open_point} {other.value or 'empty'} it is {words}, "
            f"{reason(site, turned)} ({OPEN_POINTS[other.open_point].on}{whose})"
        )


def decider(site: Site, answer: Answer) -> str:
    """Which user, group or role decided: the cell of the permission checker."""
    role = ui_role(site.users[answer.user].site_role)
    ruled = "the project itself" if answer.at == answer.content else _content_name(site, answer.at)
    if answer.deciding:
        modes = "Allow" if answer.deciding[0].mode == ALLOW else "Deny"
        listed = ", ".join(sorted({grantee_name(site, r.grantee) for r in answer.deciding}))
        if answer.because == "project_leader":
            return f"leader of {ruled}: {listed}"
        return f"{modes} to {listed}"
    named = {
        "site_role": f"site role {role}",
        "role_unknown": f"site role {role}",
        "site_setting": "site setting",
        "admin": f"site role {role}",
        "content_owner": "owner",
        "project_owner": f"owner of {ruled}",
        "project_leader": f"leader of {ruled}",
        "default_deny": "no rule",
        "not_applicable": "not a capability of this kind",
        "locked_project": "locked to a project",
        "locked_database": "locked to a database",
        "not_read": "not read",
        "personal_space": "Personal Space",
    }
    return named.get(answer.because, answer.because.replace("_", " "))


# -- tables ---------------------------------------------------------------------------------------------------


def mark(answer: Answer) -> Text:
    """yes, no or unknown, in its colour."""
    word, colour = MARKS[answer.verdict]
    return Text(word, style=colour)


def trace_table(site: Site, answer: Answer) -> Table:
    """The trace, one step a line."""
    table = Table(Column("Step", MARK), "Words", name="trace", plain=True)
    for step, words in trace(site, answer):
        table.add_row(Text(step, "dim"), words)
    return table


def checker_grid(site: Site, answers: Iterable[Answer]) -> Table:
    """The permission checker's grid: each capability, the verdict, and who decided it."""
    table = Table(
        Column("Capability", NAME),
        Column("Effective", MARK),
        "Decided by",
        Column("Reason", NAME),
        name="capabilities",
    )
    for answer in answers:
        table.add_row(asked_name(site, answer), mark(answer), decider(site, answer), answer.because)
    return table


_OF_A_PERSON = (Column("User", NAME, of=PERSON), Column("Name", NAME), Column("Site role"))


def people_table(site: Site, answers: Iterable[Answer]) -> Table:
    """Who may: one person a line."""
    table = Table(*_OF_A_PERSON, Column("May", MARK), "Decided by", name="people")
    for answer in answers:
        user = site.users[answer.user]
        table.add_row(
            site.called(user.id),
            site.display_name(user.id),
            ui_role(user.site_role),
            mark(answer),
            decider(site, answer),
        )
    return table


def inside_table(site: Site, count: int, people: Mapping[str, Sequence[str]]) -> Table:
    """Who may on something in a project: on how many of the `count` things in it, and the first of them."""
    table = Table(*_OF_A_PERSON, Column("On", NAME, of=CONTENT), name="people")
    for user in sorted(map(site.users.__getitem__, people), key=lambda user: (user.name.casefold(), user.domain)):
        paths = sorted(map(site.path, people[user.id]))
        on = f"all {count}" if len(paths) == count else Many(paths, f"{len(paths)} of {count}: ", 2)
        table.add_row(site.called(user.id), site.display_name(user.id), ui_role(user.site_role), on)
    return table


def inside_json(
    site: Site, project: str, having: Mapping[str, str], people: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The same with everything that has the capability; each person with the ids of those on which he may."""
    contents = [
        {"id": content, "kind": site.contents[content].kind, "path": site.path(content), "capability": capability}
        for content, capability in having.items()
    ]
    users = [(site.users[user], ids) for user, ids in people.items()]
    rows = [{"id": u.id, "name": u.name, "domain": u.domain, "contents": list(ids)} for u, ids in users]
    return {"in": site.path(project), "contents": contents, "people": rows}


# -- JSON -----------------------------------------------------------------------------------------------------


def rule_json(site: Site, rule: Rule) -> dict[str, Any]:
    """A rule with its grantee by kind, name and id, a user with his domain."""
    user = site.users.get(rule.grantee.id) if rule.grantee.kind == "user" else None
    named = {"name": _bare_name(site, rule.grantee)} if user is None else {"name": user.name, "domain": user.domain}
    return {
        "grantee": {**rule.grantee._asdict(), **named},
        "capability": rule.capability,
        "mode": rule.mode,
    }


def _ceiling_row(answer: Answer) -> dict[str, str] | None:
    """The cells y and n for Creator, Explorer (can publish), Explorer, Viewer, Guest, and how sure the row is."""
    step = next((s for s in answer.steps if s.name == "ceiling"), None)
    return dict(zip(("cells", "mark"), step.detail[1:], strict=True)) if step is not None and step.detail[1:] else None


def answer_json(site: Site, answer: Answer) -> dict[str, Any]:
    """Everything of an Answer that a machine may want; names beside ids."""
    user = site.users[answer.user]
    content = site.contents.get(answer.content or "")
    governing = answer.governing
    return {
        "verdict": answer.verdict,
        "because": answer.because,
        "sentence": sentence(site, answer),
        "user": {"id": user.id, "name": user.name, "domain": user.domain, "site_role": user.site_role},
        "content": None if content is None else {"id": content.id, "kind": content.kind, "path": site.path(content.id)},
        ("action" if answer.conditions else "capability"): answer.what,
        "model": answer.model,
        "ceiling": answer.ceiling,
        "ceiling_row": _ceiling_row(answer),
        "governing": None
        if governing is None
        else {"level": governing.level, "holder": _content_name(site, governing.holder), "kind": governing.kind},
        "at": None if answer.at is None else _content_name(site, answer.at),
        "deciding": [rule_json(site, rule) for rule in answer.deciding],
        "losing": [{**rule_json(site, lost.rule), "to": lost.to} for lost in answer.losing],
        "conditions": [answer_json(site, part) for part in answer.conditions],
        "disputed": [dict(zip(Disputed._fields[:4], other[:4], strict=True)) for other in answer.disputed],
        "trace": [{"step": step, "words": words} for step, words in trace(site, answer)],
    }
