"""Rules put, taken, copied and assigned; templates; leaders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache

from tabwarden.effects.change import Change
from tabwarden.effects.forms.form import ON, Form, Says, form
from tabwarden.effects.ops.rules import DENIED, Lead, PutRule, PutRules, PutTemplate, RuleRow, TakeRule, Unlead
from tabwarden.effects.ops.several import AssignToContents, ClearOneOff, CopyRules, IntoGroup
from tabwarden.effects.phrases import (
    Words,
    capability_of,
    capability_words,
    content_words,
    grantee_named,
    grantee_words,
    group_words,
    kinds_named,
    kinds_words,
    list_named,
    place_words,
    project_named,
    rule_named,
    within_words,
)
from tabwarden.effects.quoting import listed, name_meant
from tabwarden.effects.ref import Lookup, content_ref, grantee_ref
from tabwarden.model.capability import (
    KIND_NAMES,
    LEADER,
    LEGACY_TEMPLATES,
    TEMPLATES,
    capabilities_of,
    without_optional,
)
from tabwarden.model.errors import UnknownName
from tabwarden.model.site import ALLOW, DENY, Grantee, Rule, Site


def _put(mode: str) -> Callable[[Site, Words], Change]:
    def meant(site: Site, words: Words) -> Change:
        content, rule, default_for = rule_named(site, words, mode)
        return Lead(content, rule.grantee) if rule.capability == LEADER else PutRule(content, rule, default_for)

    return meant


def _says_put(mode: str) -> Says:
    def says(site: Site, change: PutRule) -> str | None:
        return f"{mode.casefold()} {_rule_words(site, change, 'to')}" if change.rule.mode == mode else None

    return says


def _rule_words(site: Site, change: PutRule | TakeRule, to: str) -> str:
    rule, place = change.rule, (change.content, change.default_for)
    capability = capability_words(site, rule.capability, *place)
    return f"{capability} {place_words(site, *place)} {to} {grantee_words(site, rule.grantee)}"


def _take(site: Site, words: Words) -> Change:
    mode = ALLOW if str(words["mode"]).casefold() == "allow" else DENY
    content, rule, default_for = rule_named(site, words, mode)
    return Unlead(content, rule.grantee) if rule.capability == LEADER else TakeRule(content, rule, default_for)


@cache
def templates_of(kind: str) -> Mapping[str, frozenset[str]]:
    """The templates of a kind by name: today's, the older ones, None and Denied with what it denies."""
    known = {**LEGACY_TEMPLATES.get(kind, {}), **{n: without_optional(kind, n) for n in TEMPLATES.get(kind, {})}}
    denied = frozenset(name for name in capabilities_of(kind) if name in known["Administer"])
    return {**known, "None": frozenset(), DENIED: denied}


def _template(site: Site, words: Words) -> Change:
    content, default_for = list_named(site, words)
    kind, wanted = default_for or content.kind, str(words["template"])
    known = templates_of(kind)
    name = next((n for n in known if n.casefold() == wanted.casefold()), None)
    if name is None:
        raise UnknownName(f"no template of a {KIND_NAMES[kind]} is called `{wanted}`: {', '.join(known)}")
    grantee = grantee_named(site, str(words["grantee"]))
    return PutTemplate(content.id, grantee, name, known[name], default_for)


def _says_template(site: Site, change: PutTemplate) -> str:
    where = place_words(site, change.content, change.default_for)
    return f"use template {change.template} {where} for {grantee_words(site, change.grantee)}"


# -- a whole row ----------------------------------------------------------------------------------------------


def _row(site: Site, words: Words) -> Change:
    content, default_for = list_named(site, words)
    grantee = grantee_named(site, str(words["grantee"]))
    rules = content.rules if default_for is None else content.defaults.get(default_for, frozenset())
    before = RuleRow.of(rule for rule in rules or () if rule.grantee == grantee)
    wanted = str(words["row"]).strip()
    modes = {ALLOW: list[str](), DENY: list[str]()}
    for part in () if wanted.casefold() in ("nothing", "none") else listed(wanted, ";"):
        match = re.fullmatch(r"(allow|deny) (.+)", part, re.IGNORECASE | re.DOTALL)
        if match is None:
            raise UnknownName(f"`{part}` is no part of a row; say `allow A, B; deny C`, or `nothing`")
        mode = ALLOW if match[1].casefold() == "allow" else DENY
        modes[mode] += [
            capability_of(site, one, default_for or content.kind) for one in map(name_meant, listed(match[2], ","))
        ]
    row = RuleRow.of(Rule(grantee, name, mode) for mode, names in modes.items() for name in names)
    return PutRules(content_ref(site, content.id), grantee_ref(site, grantee), before, row, default_for)


def _says_row(site: Site, change: PutRules) -> str:
    place = (change.id, change.default_for)

    def names(capabilities: Iterable[str]) -> str:
        return ", ".join(capability_words(site, name, *place) for name in capabilities)

    both = (("allow", change.row.allow), ("deny", change.row.deny))
    row = "; ".join(f"{word} {names(capabilities)}" for word, capabilities in both if capabilities)
    grantee = grantee_words(site, Lookup(site).grantee(change.grantee))
    return f"set rules {place_words(site, *place)} for {grantee} to {row or 'nothing'}"


# -- many rules at once ---------------------------------------------------------------------------------------


def _over(of: type[AssignToContents | ClearOneOff], words: str) -> Form:
    def meant(site: Site, parts: Words) -> Change:
        project, nested = project_named(site, parts).id, bool(parts.get("nested"))
        return of(project=project, kinds=kinds_named(parts), nested=nested)

    def says(site: Site, change: AssignToContents | ClearOneOff) -> str:
        kinds = f"{kinds_words(change.kinds)} in " if change.kinds else ""
        nested = " and nested projects" if change.nested else ""
        return f"{words} {kinds}{content_words(site, str(change.project))}{nested}"

    return form(
        f"{words} [KINDS in] PROJECT [and nested projects]",
        f"{words} Finance",
        rf"{words} (?:<kinds> in )?<project>(?P<nested> and nested(?: projects)?)?",
        meant,
        of,
        says,
    )


def _copy(site: Site, words: Words) -> Change:
    source, target = (grantee_named(site, str(words[key])) for key in ("source", "target"))
    return CopyRules(source=source, target=target, project=_within(site, words))


def _within(site: Site, words: Words) -> str | None:
    return project_named(site, words).id if words.get("project") else None


def _says_copy(site: Site, change: CopyRules) -> str:
    both = f"{grantee_words(site, change.source)}{within_words(site, change.project)}"
    return f"copy rules of {both} to {grantee_words(site, change.target)}"


def _says_leader(words: str) -> Says:
    def says(site: Site, change: Lead | Unlead) -> str:
        return words.format(who=grantee_words(site, change.grantee), where=content_words(site, change.project))

    return says


def _grantee(site: Site, words: Words) -> Grantee:
    return grantee_named(site, str(words["grantee"]))


FIRST: tuple[Form, ...] = (
    form(
        "set rules on [KIND in] CONTENT for GRANTEE to allow A, B; deny C | to nothing",
        "set rules on Finance/Budget for group Analysts to allow View, Filter; deny Web Edit",
        rf"set rules {ON} for <grantee> to (?P<row>(?:allow|deny|none|nothing)\b.*)",
        _row,
        PutRules,
        _says_row,
    ),
)
FORMS: tuple[Form, ...] = (
    form(
        "allow CAPABILITY on [KIND in] CONTENT to GRANTEE",
        "allow View on workbooks in Finance to group Analysts",
        rf"allow <capability> {ON} to <grantee>",
        _put(ALLOW),
        PutRule,
        _says_put(ALLOW),
    ),
    form(
        "deny CAPABILITY on [KIND in] CONTENT to GRANTEE",
        "deny Download Full Data on Finance/Budget to group Contractors",
        rf"deny <capability> {ON} to <grantee>",
        _put(DENY),
        PutRule,
        _says_put(DENY),
    ),
    form(
        "remove allow|deny CAPABILITY on [KIND in] CONTENT from GRANTEE",
        "remove deny View on Finance/Budget from group Contractors",
        rf"remove (?P<mode>allow|deny) <capability> {ON} from <grantee>",
        _take,
        TakeRule,
        lambda s, c: f"remove {c.rule.mode.casefold()} {_rule_words(s, c, 'from')}",
    ),
    form(
        "use template TEMPLATE on [KIND in] CONTENT for GRANTEE",
        "use template Explore on Finance/Budget for group Analysts",
        rf"use template <template> {ON} for <grantee>",
        _template,
        PutTemplate,
        _says_template,
    ),
    _over(AssignToContents, "assign to contents of"),
    _over(ClearOneOff, "clear one-off rules in"),
    form(
        "copy rules of GRANTEE [in PROJECT] to GRANTEE",
        "copy rules of group Analysts in Finance to group Contractors",
        r"copy rules of <source>(?: in <project>)? to <target>",
        _copy,
        CopyRules,
        _says_copy,
    ),
    form(
        "turn rules of persons [in PROJECT] into rules of GROUP",
        "turn rules of persons in Finance into rules of Analysts",
        r"turn rules of (?:persons|people)(?: in <project>)? into rules of (?:group )?<group>",
        lambda s, w: IntoGroup(into=s.find_group(str(w["group"])).id, project=_within(s, w)),
        IntoGroup,
        lambda s, c: f"turn rules of persons{within_words(s, c.project)} into rules of {group_words(s, c.into)}",
    ),
    form(
        "make GRANTEE leader of PROJECT",
        "make group Analysts leader of Finance",
        r"make <grantee> leader of <project>",
        lambda s, w: Lead(project_named(s, w).id, _grantee(s, w)),
        Lead,
        _says_leader("make {who} leader of {where}"),
    ),
    form(
        "remove leader GRANTEE from PROJECT",
        "remove leader ann from Finance",
        r"remove leader <grantee> (?:from|of) <project>",
        lambda s, w: Unlead(project_named(s, w).id, _grantee(s, w)),
        Unlead,
        _says_leader("remove leader {who} from {where}"),
    ),
)
