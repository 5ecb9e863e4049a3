"""Changes as people write them: one sentence is one Edit. Not files of them (`run.whatif`), not the doing.

`FORMS` is the whole language; a name that holds one of its small words goes in double quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from tabwarden.effects.ops import (
    DeleteContent,
    DeleteGroup,
    Edit,
    Join,
    Lead,
    Leave,
    MoveTo,
    NewProject,
    PutRule,
    PutTemplate,
    RemoveUser,
    SetMode,
    SetOwner,
    SetRole,
    SetSetting,
    SetTabs,
    TakeRule,
    Unlead,
)
from tabwarden.model.capability import (
    KIND_NAMES,
    LEADER,
    LEGACY_TEMPLATES,
    TEMPLATES,
    applies,
    capability_named,
    kind_named,
    without_optional,
)
from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.governing import LOCKED_TO_DATABASE
from tabwarden.model.roles import LEGACY_ROLES, SITE_ROLES
from tabwarden.model.site import ALLOW, CUSTOMIZABLE, DENY, LOCKED, LOCKED_WITHOUT_NESTED, Content, Grantee, Rule, Site

Found = dict[str, str | None]


class Form(NamedTuple):
    """One kind of sentence: how it is written, an example, and what it means on a Site."""

    written: str
    example: str
    pattern: re.Pattern[str]
    meant: Callable[[Site, Found], Edit]


def edit_of(site: Site, words: str) -> Edit:
    """The Edit a sentence means on this Site.

    Raises UnknownName for a sentence of no known form or a name that is not there, AmbiguousName for several.
    """
    text = " ".join(words.split()).rstrip(".;")
    for form in FORMS:
        match = form.pattern.fullmatch(text)
        if match is not None:
            return form.meant(site, {key: _bare(value) for key, value in match.groupdict().items()})
    listed = "".join(f"\n  {form.written}" for form in FORMS)
    raise UnknownName(f"`{words}` is not a change that is understood; changes are written so:{listed}")


def _bare(value: str | None) -> str | None:
    return value if value is None else value.strip().strip('"').strip()


# -- what the words mean --------------------------------------------------------------------------------------


def _content(site: Site, found: Found, key: str = "content") -> Content:
    return site.find_content(str(found[key]))


def _project(site: Site, found: Found, key: str = "project") -> Content:
    words = str(found[key])
    try:
        held = site.find_content(words)
    except AmbiguousName:
        held = site.find_content(f"project:{words}")
    if held.kind != "project":
        raise UnknownName(f"`{words}` is a {KIND_NAMES.get(held.kind, held.kind)}, not a project")
    return held


def _holder(site: Site, found: Found, key: str = "project") -> Content:
    """What can be locked and has default rules: the project that is named, or the database."""
    try:
        held = site.find_content(str(found[key]))
    except (AmbiguousName, UnknownName):
        return _project(site, found, key)
    return held if held.kind == "database" else _project(site, found, key)


def _user(site: Site, found: Found, key: str = "user") -> str:
    return site.find_user(str(found[key])).id


def _grantee(site: Site, words: str) -> Grantee:
    """`user ann`, `group Sales`, `group set S`; without the kind the one thing of that name."""
    match = re.fullmatch(r"(user|group set|group)[ :]+(.+)", words, re.IGNORECASE)
    if match is not None:
        kind, name = match[1].casefold(), str(_bare(match[2]))
        if kind == "user":
            return Grantee("user", site.find_user(name).id)
        if kind == "group":
            return Grantee("group", site.find_group(name).id)
        return Grantee("groupSet", _group_set(site, name))
    finders: dict[str, Callable[[], str]] = {
        "group": lambda: site.find_group(words).id,
        "user": lambda: site.find_user(words).id,
        "groupSet": lambda: _group_set(site, words),
    }
    hits = []
    for kind, find in finders.items():
        try:
            hits.append(Grantee(kind, find()))
        except UnknownName:
            continue
    if len(hits) == 1:
        return hits[0]
    if hits:
        listed = [f"{'group set' if g.kind == 'groupSet' else g.kind} {words}" for g in hits]
        raise AmbiguousName(f"several grantees are called `{words}`; say which:", listed)
    raise UnknownName(f"no group, user or group set `{words}` on site `{site.name}`")


def _group_set(site: Site, words: str) -> str:
    name = words.casefold()
    hits = [s.id for s in site.group_sets.values() if words == s.id or s.name.casefold() == name]
    if len(hits) != 1:
        raise UnknownName(f"no group set `{words}` on site `{site.name}`")
    return hits[0]


def _list(site: Site, found: Found) -> tuple[Content, str | None]:
    """The content a rule is about and, of a project's (or, for tables, a database's) defaults, the kind."""
    kind = kind_named(str(found["kind"])) if found.get("kind") else None
    return (_holder(site, found, "content") if kind else _content(site, found)), kind


def _capability(site: Site, words: str, kind: str) -> str:
    try:
        return capability_named(words, kind)
    except UnknownName:
        lists = (rules for c in site.contents.values() for rules in (c.rules, *c.defaults.values()))
        named = {rule.capability for rules in lists for rule in rules or ()}
        if words not in named:
            raise
        return words


def _rule(site: Site, found: Found, mode: str) -> tuple[str, Rule, str | None]:
    held, default_for = _list(site, found)
    kind = default_for or held.kind
    capability = _capability(site, str(found["capability"]), kind)
    if applies(capability, kind) is False:
        raise UnknownName(f"a {KIND_NAMES.get(kind, kind)} has no capability `{found['capability']}`")
    return held.id, Rule(_grantee(site, str(found["grantee"])), capability, mode), default_for


def _put(mode: str) -> Callable[[Site, Found], Edit]:
    def meant(site: Site, found: Found) -> Edit:
        content, rule, default_for = _rule(site, found, mode)
        return Lead(content, rule.grantee) if rule.capability == LEADER else PutRule(content, rule, default_for)

    return meant


def _take(site: Site, found: Found) -> Edit:
    mode = ALLOW if str(found["mode"]).casefold() == "allow" else DENY
    content, rule, default_for = _rule(site, found, mode)
    return Unlead(content, rule.grantee) if rule.capability == LEADER else TakeRule(content, rule, default_for)


def _template(site: Site, found: Found) -> Edit:
    held, default_for = _list(site, found)
    kind, words = default_for or held.kind, str(found["template"])
    known = {**LEGACY_TEMPLATES.get(kind, {}), **{n: without_optional(kind, n) for n in TEMPLATES.get(kind, {})}}
    name = next((n for n in (*known, "None") if n.casefold() == words.casefold()), None)
    if name is None:
        raise UnknownName(
            f"no template of a {KIND_NAMES.get(kind, kind)} is called `{words}`: {', '.join(known)}, None"
        )
    grantee = _grantee(site, str(found["grantee"]))
    return PutTemplate(held.id, grantee, name, known.get(name, frozenset()), default_for)


def _role(words: str) -> str:
    plain = "".join(c for c in words.casefold() if c.isalnum())
    for role in SITE_ROLES.values():
        if plain in ("".join(c for c in n.casefold() if c.isalnum()) for n in (role.name, role.ui)):
            return role.name
    old = next((name for name in LEGACY_ROLES if name.casefold() == plain), None)
    if old is None:
        raise UnknownName(f"no site role is called `{words}`; they are {', '.join(r.ui for r in SITE_ROLES.values())}")
    return LEGACY_ROLES[old]


def _move(site: Site, found: Found) -> Edit:
    to_top = str(found["target"]).casefold() in ("top", "top level", "the top level")
    return MoveTo(_content(site, found).id, None if to_top else _project(site, found, "target").id)


def _new_project(site: Site, found: Found) -> Edit:
    path = str(found["path"])
    above, _, name = path.rpartition("/")
    parent = _project(site, {"project": above}).id if above else None
    owner = _user(site, found, "owner") if found.get("owner") else (site.contents[parent].owner if parent else "")
    like = _project(site, found, "like").id if found.get("like") else None
    return NewProject(Content(f"new:{path.casefold()}", "project", name, parent, owner), like)


def _setting(_: Site, found: Found) -> Edit:
    return SetSetting(str(found["setting"]).casefold().replace(" ", "_"), str(found["value"]).casefold() == "on")


def _lock(site: Site, found: Found) -> Edit:
    held = _holder(site, found)
    if held.kind == "database":
        return SetMode(held.id, LOCKED_TO_DATABASE)
    return SetMode(held.id, LOCKED_WITHOUT_NESTED if found.get("alone") else LOCKED)


def _remove_user(site: Site, found: Found) -> Edit:
    return RemoveUser(_user(site, found), _user(site, found, "heir") if found.get("heir") else None)


# -- how they are written -------------------------------------------------------------------------------------


def _form(written: str, example: str, pattern: str, meant: Callable[[Site, Found], Edit]) -> Form:
    """`<name>` in a pattern is a name: in quotes, or the fewest words that fit."""
    named = re.sub(r"(?<!P)<(\w+)>", r'(?P<\1>"[^"]+"|.+?)', pattern)
    return Form(written, example, re.compile(named, re.IGNORECASE), meant)


# Where rules lie: on a content, or among a project's defaults for a kind.
_ON = r"on (?:<kind> in )?<content>"
FORMS = (
    _form(
        "lock PROJECT [without nested]",
        "lock Finance",
        r"lock <project>(?P<alone> without nested(?: projects)?)?",
        _lock,
    ),
    _form(
        "unlock PROJECT",
        "unlock Finance",
        r"unlock <project>",
        lambda s, f: SetMode(_holder(s, f).id, CUSTOMIZABLE),
    ),
    _form(
        "move CONTENT to PROJECT | to the top level",
        "move Finance/Budget to Archive",
        r"move <content> to <target>",
        _move,
    ),
    _form(
        "show tabs on WORKBOOK",
        "show tabs on Finance/Budget",
        r"show tabs on <content>",
        lambda s, f: SetTabs(_content(s, f).id, True),
    ),
    _form(
        "hide tabs on WORKBOOK",
        "hide tabs on Finance/Budget",
        r"hide tabs on <content>",
        lambda s, f: SetTabs(_content(s, f).id, False),
    ),
    _form(
        "set USER to ROLE",
        "set ann to Explorer (can publish)",
        r"set <user> to <role>",
        lambda s, f: SetRole(_user(s, f), _role(str(f["role"]))),
    ),
    _form(
        "add USER to GROUP",
        "add ann to Analysts",
        r"add <user> to <group>",
        lambda s, f: Join(s.find_group(str(f["group"])).id, _user(s, f)),
    ),
    _form(
        "allow CAPABILITY on [KIND in] CONTENT to GRANTEE",
        "allow View on workbooks in Finance to group Analysts",
        rf"allow <capability> {_ON} to <grantee>",
        _put(ALLOW),
    ),
    _form(
        "deny CAPABILITY on [KIND in] CONTENT to GRANTEE",
        "deny Download Full Data on Finance/Budget to group Contractors",
        rf"deny <capability> {_ON} to <grantee>",
        _put(DENY),
    ),
    _form(
        "remove allow|deny CAPABILITY on [KIND in] CONTENT from GRANTEE",
        "remove deny View on Finance/Budget from group Contractors",
        rf"remove (?P<mode>allow|deny) <capability> {_ON} from <grantee>",
        _take,
    ),
    _form(
        "use template TEMPLATE on [KIND in] CONTENT for GRANTEE",
        "use template Explore on Finance/Budget for group Analysts",
        rf"use template <template> {_ON} for <grantee>",
        _template,
    ),
    _form(
        "make GRANTEE leader of PROJECT",
        "make group Analysts leader of Finance",
        r"make <grantee> leader of <project>",
        lambda s, f: Lead(_project(s, f).id, _grantee(s, str(f["grantee"]))),
    ),
    _form(
        "remove leader GRANTEE from PROJECT",
        "remove leader ann from Finance",
        r"remove leader <grantee> (?:from|of) <project>",
        lambda s, f: Unlead(_project(s, f).id, _grantee(s, str(f["grantee"]))),
    ),
    _form(
        "remove user USER [with heir USER]",
        "remove user joe with heir ann",
        r"remove user <user>(?: with heir <heir>)?",
        _remove_user,
    ),
    _form(
        "remove USER from GROUP",
        "remove joe from Analysts",
        r"remove <user> from <group>",
        lambda s, f: Leave(s.find_group(str(f["group"])).id, _user(s, f)),
    ),
    _form(
        "give CONTENT to USER",
        "give Finance/Budget to ann",
        r"give <content> to <user>",
        lambda s, f: SetOwner(_content(s, f).id, _user(s, f)),
    ),
    _form(
        "new project PATH [like PROJECT] [owned by USER]",
        "new project Finance/2026 like Finance/2025 owned by ann",
        r"new project <path>(?: like <like>)?(?: owned by <owner>)?",
        _new_project,
    ),
    _form(
        "delete group GROUP",
        "delete group Contractors",
        r"delete group <group>",
        lambda s, f: DeleteGroup(s.find_group(str(f["group"])).id),
    ),
    _form(
        "delete CONTENT", "delete Finance/Budget", r"delete <content>", lambda s, f: DeleteContent(_content(s, f).id)
    ),
    _form("switch on|off SETTING", "switch off web authoring", r"switch (?P<value>on|off) <setting>", _setting),
)
