"""Changes as people write them: one sentence is one change, parsed and printed side by side.

`FORMS` is the whole language; a name that holds one of its small words goes in double quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from tabwarden.effects.change import Change
from tabwarden.effects.ops.content import DeleteContent, Move, NewProject, SetMode, SetOwner, SetTabs
from tabwarden.effects.ops.groups import DeleteGroup
from tabwarden.effects.ops.memberships import AddToGroup, RemoveFromGroup
from tabwarden.effects.ops.rules import Lead, PutRule, PutTemplate, TakeRule, Unlead
from tabwarden.effects.ops.settings import SetSetting
from tabwarden.effects.ops.users import RemoveUser, SetRole
from tabwarden.effects.phrases import (
    Words,
    capability_words,
    content_named,
    content_words,
    grantee_named,
    grantee_words,
    group_words,
    holder_named,
    list_named,
    place_words,
    project_named,
    quoted,
    rule_named,
    user_named,
    user_words,
)
from tabwarden.model.capability import KIND_NAMES, LEADER, LEGACY_TEMPLATES, TEMPLATES, without_optional
from tabwarden.model.errors import UnknownName
from tabwarden.model.governing import LOCKED_TO_DATABASE
from tabwarden.model.resolver import unquoted
from tabwarden.model.roles import role_named, ui_role
from tabwarden.model.site import ALLOW, CUSTOMIZABLE, DENY, LOCKED, LOCKED_WITHOUT_NESTED, Content, Site

Says = Callable[[Site, Any], str | None]


class Form(NamedTuple):
    """One kind of sentence: how it is written, an example, what it means on a Site, and which change it says how.

    `says` is None for a change of that class that another form says.
    """

    written: str
    example: str
    pattern: re.Pattern[str]
    meant: Callable[[Site, Words], Change]
    of: type[Change]
    says: Says


def change_of(site: Site, sentence: str) -> Change:
    """The change a sentence means on this Site.

    Raises UnknownName for a sentence of no known form or a name that is not there, AmbiguousName for several.
    """
    parts = re.split(r'("[^"]*")', sentence)  # what stands in quotes is a name, and stays as it is
    text = "".join(p if p.startswith('"') else re.sub(r"\s+", " ", p) for p in parts).strip().rstrip(".;")
    for form in FORMS:
        match = form.pattern.fullmatch(text)
        if match is not None:
            words = match.groupdict().items()
            return form.meant(site, {key: value if value is None else unquoted(value) for key, value in words})
    forms = (f"  {form.written}" for form in FORMS)
    raise UnknownName(f"`{sentence}` is not a change that is understood; changes are written so:", *forms)


def words_of(site: Site, change: Change) -> str:
    """The sentence that means this change on this Site."""
    for form in FORMS:
        words = form.says(site, change) if type(change) is form.of else None
        if words is not None:
            return words
    return change.to_do()


# -- what takes more than a line ------------------------------------------------------------------------------


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
    capability = capability_words(site, rule, *place)
    return f"{capability} {place_words(site, *place)} {to} {grantee_words(site, rule.grantee)}"


def _take(site: Site, words: Words) -> Change:
    mode = ALLOW if str(words["mode"]).casefold() == "allow" else DENY
    content, rule, default_for = rule_named(site, words, mode)
    return Unlead(content, rule.grantee) if rule.capability == LEADER else TakeRule(content, rule, default_for)


def _template(site: Site, words: Words) -> Change:
    content, default_for = list_named(site, words)
    kind, wanted = default_for or content.kind, str(words["template"])
    known = {**LEGACY_TEMPLATES.get(kind, {}), **{n: without_optional(kind, n) for n in TEMPLATES.get(kind, {})}}
    name = next((n for n in (*known, "None") if n.casefold() == wanted.casefold()), None)
    if name is None:
        raise UnknownName(
            f"no template of a {KIND_NAMES.get(kind, kind)} is called `{wanted}`: {', '.join(known)}, None"
        )
    grantee = grantee_named(site, str(words["grantee"]))
    return PutTemplate(content.id, grantee, name, known.get(name, frozenset()), default_for)


def _says_template(site: Site, change: PutTemplate) -> str:
    where = place_words(site, change.content, change.default_for)
    return f"use template {change.template} {where} for {grantee_words(site, change.grantee)}"


def _move(site: Site, words: Words) -> Change:
    to_top = str(words["target"]).casefold() in ("top", "top level", "the top level")
    target = None if to_top else project_named(site, words, "target").id
    return Move.on(site, content_named(site, words).id, target)


def _says_move(site: Site, change: Move) -> str:
    target = "the top level" if change.to.id is None else content_words(site, change.to.id)
    return f"move {content_words(site, change.id)} to {target}"


def _lock(site: Site, words: Words) -> Change:
    content = holder_named(site, words)
    if content.kind == "database":
        return SetMode.on(site, content.id, LOCKED_TO_DATABASE)
    return SetMode.on(site, content.id, LOCKED_WITHOUT_NESTED if words.get("alone") else LOCKED)


def _says_lock(site: Site, change: SetMode) -> str | None:
    if change.mode == CUSTOMIZABLE:
        return None
    return f"lock {content_words(site, change.id)}{' without nested' if change.mode == LOCKED_WITHOUT_NESTED else ''}"


def _tabs(shown: bool) -> tuple[Callable[[Site, Words], Change], type[Change], Says]:
    verb = "show" if shown else "hide"

    def says(site: Site, change: SetTabs) -> str | None:
        return f"{verb} tabs on {content_words(site, change.id)}" if change.shown is shown else None

    return lambda s, w: SetTabs.on(s, content_named(s, w).id, shown=shown), SetTabs, says


def _remove_user(site: Site, words: Words) -> Change:
    return RemoveUser.on(site, user_named(site, words), user_named(site, words, "heir") if words.get("heir") else None)


def _says_remove_user(site: Site, change: RemoveUser) -> str:
    heir = f" with heir {user_words(site, str(change.heir.id))}" if change.heir is not None else ""
    return f"remove user {user_words(site, str(change.user.id))}{heir}"


def _membership(words: str, of: type[AddToGroup | RemoveFromGroup]) -> tuple[Any, type[Change], Says]:
    def meant(site: Site, parts: Words) -> Change:
        # The group is looked for first: of two wrong names its is told.
        group = site.find_group(str(parts["group"])).id
        return of.on(site, user_named(site, parts), group)

    def says(site: Site, change: AddToGroup | RemoveFromGroup) -> str:
        user, group = user_words(site, str(change.user.id)), group_words(site, str(change.group.id))
        return words.format(user=user, group=group)

    return meant, of, says


def _new_project(site: Site, words: Words) -> Change:
    path = str(words["path"])
    above, _, name = (part.strip() for part in path.rpartition("/"))
    if not name:
        raise UnknownName(f"`{path}` lacks the name of the new project; write it behind the last `/`")
    parent = project_named(site, {"project": above}).id if above else None
    owner = user_named(site, words, "owner") if words.get("owner") else (site.contents[parent].owner if parent else "")
    like = project_named(site, words, "like").id if words.get("like") else None
    return NewProject(Content(f"new:{path.casefold()}", "project", name, parent, owner), like)


def _says_new_project(site: Site, change: NewProject) -> str:
    project = change.project
    above = f"{site.path(project.parent)}/" if project.parent is not None else ""
    like = f" like {content_words(site, change.like)}" if change.like is not None else ""
    owner = f" owned by {user_words(site, project.owner)}" if project.owner else ""
    return f"new project {quoted(above + project.name)}{like}{owner}"


def _setting(_: Site, words: Words) -> Change:
    return SetSetting(str(words["setting"]).casefold().replace(" ", "_"), str(words["value"]).casefold() == "on")


# -- how they are written -------------------------------------------------------------------------------------


def _form(
    written: str,
    example: str,
    pattern: str,
    meant: Callable[[Site, Words], Change],
    of: type[Change],
    says: Says,
) -> Form:
    """`<name>` in a pattern is a name: in quotes, perhaps with its kind before them, or the fewest words that fit."""
    named = re.sub(r"(?<!P)<(\w+)>", r'(?P<\1>(?:(?:user |group |group set |\\w+:) *)?"[^"]+"|.+?)', pattern)
    return Form(written, example, re.compile(named, re.IGNORECASE), meant, of, says)


# Where rules lie: on a content, or among a project's defaults for a kind.
_ON = r"on (?:<kind> in )?<content>"
FORMS = (
    _form(
        "lock PROJECT [without nested]",
        "lock Finance",
        r"lock <project>(?P<alone> without nested(?: projects)?)?",
        _lock,
        SetMode,
        _says_lock,
    ),
    _form(
        "unlock PROJECT",
        "unlock Finance",
        r"unlock <project>",
        lambda s, w: SetMode.on(s, holder_named(s, w).id, CUSTOMIZABLE),
        SetMode,
        lambda s, c: f"unlock {content_words(s, c.id)}",
    ),
    _form(
        "move CONTENT to PROJECT | to the top level",
        "move Finance/Budget to Archive",
        r"move <content> to <target>",
        _move,
        Move,
        _says_move,
    ),
    _form("show tabs on WORKBOOK", "show tabs on Finance/Budget", r"show tabs on <content>", *_tabs(True)),
    _form("hide tabs on WORKBOOK", "hide tabs on Finance/Budget", r"hide tabs on <content>", *_tabs(False)),
    _form(
        "set USER to ROLE",
        "set ann to Explorer (can publish)",
        r"set <user> to <role>",
        lambda s, w: SetRole.on(s, user_named(s, w), role_named(str(w["role"]))),
        SetRole,
        lambda s, c: f"set {user_words(s, c.user.id)} to {ui_role(c.role)}",
    ),
    _form(
        "add USER to GROUP",
        "add ann to Analysts",
        r"add <user> to <group>",
        *_membership("add {user} to {group}", AddToGroup),
    ),
    _form(
        "allow CAPABILITY on [KIND in] CONTENT to GRANTEE",
        "allow View on workbooks in Finance to group Analysts",
        rf"allow <capability> {_ON} to <grantee>",
        _put(ALLOW),
        PutRule,
        _says_put(ALLOW),
    ),
    _form(
        "deny CAPABILITY on [KIND in] CONTENT to GRANTEE",
        "deny Download Full Data on Finance/Budget to group Contractors",
        rf"deny <capability> {_ON} to <grantee>",
        _put(DENY),
        PutRule,
        _says_put(DENY),
    ),
    _form(
        "remove allow|deny CAPABILITY on [KIND in] CONTENT from GRANTEE",
        "remove deny View on Finance/Budget from group Contractors",
        rf"remove (?P<mode>allow|deny) <capability> {_ON} from <grantee>",
        _take,
        TakeRule,
        lambda s, c: f"remove {c.rule.mode.casefold()} {_rule_words(s, c, 'from')}",
    ),
    _form(
        "use template TEMPLATE on [KIND in] CONTENT for GRANTEE",
        "use template Explore on Finance/Budget for group Analysts",
        rf"use template <template> {_ON} for <grantee>",
        _template,
        PutTemplate,
        _says_template,
    ),
    _form(
        "make GRANTEE leader of PROJECT",
        "make group Analysts leader of Finance",
        r"make <grantee> leader of <project>",
        lambda s, w: Lead(project_named(s, w).id, grantee_named(s, str(w["grantee"]))),
        Lead,
        lambda s, c: f"make {grantee_words(s, c.grantee)} leader of {content_words(s, c.project)}",
    ),
    _form(
        "remove leader GRANTEE from PROJECT",
        "remove leader ann from Finance",
        r"remove leader <grantee> (?:from|of) <project>",
        lambda s, w: Unlead(project_named(s, w).id, grantee_named(s, str(w["grantee"]))),
        Unlead,
        lambda s, c: f"remove leader {grantee_words(s, c.grantee)} from {content_words(s, c.project)}",
    ),
    _form(
        "remove user USER [with heir USER]",
        "remove user joe with heir ann",
        r"remove user <user>(?: with heir <heir>)?",
        _remove_user,
        RemoveUser,
        _says_remove_user,
    ),
    _form(
        "remove USER from GROUP",
        "remove joe from Analysts",
        r"remove <user> from <group>",
        *_membership("remove {user} from {group}", RemoveFromGroup),
    ),
    _form(
        "give CONTENT to USER",
        "give Finance/Budget to ann",
        r"give <content> to <user>",
        lambda s, w: SetOwner.on(s, content_named(s, w).id, user_named(s, w)),
        SetOwner,
        lambda s, c: f"give {content_words(s, c.id)} to {user_words(s, c.owner.id)}",
    ),
    _form(
        "new project PATH [like PROJECT] [owned by USER]",
        "new project Finance/2026 like Finance/2025 owned by ann",
        r"new project <path>(?: like <like>)?(?: owned by <owner>)?",
        _new_project,
        NewProject,
        _says_new_project,
    ),
    _form(
        "delete group GROUP",
        "delete group Contractors",
        r"delete group <group>",
        lambda s, w: DeleteGroup.on(s, s.find_group(str(w["group"])).id),
        DeleteGroup,
        lambda s, c: f"delete group {group_words(s, c.group.id)}",
    ),
    _form(
        "delete CONTENT",
        "delete Finance/Budget",
        r"delete <content>",
        lambda s, w: DeleteContent.on(s, content_named(s, w).id),
        DeleteContent,
        lambda s, c: f"delete {content_words(s, c.content.id)}",
    ),
    _form(
        "switch on|off SETTING",
        "switch off web authoring",
        r"switch (?P<value>on|off) <setting>",
        _setting,
        SetSetting,
        lambda _, c: f"switch {'on' if c.value else 'off'} {c.setting.replace('_', ' ')}",
    ),
)
VERBS = frozenset(form.written.split()[0] for form in FORMS)
"""What a sentence begins with."""
