"""Names in the sentences of what-if, found on a Site and written, and why Tableau would refuse a change."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tabwarden.effects.quoting import name_meant, name_words
from tabwarden.effects.ref import USER, Ref
from tabwarden.model.capability import KIND_NAMES, applies, capability_named, kind_named, ui_name
from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.names import hint, same, visible
from tabwarden.model.resolver import group_sets_meant, groups_meant, users_meant
from tabwarden.model.site import LOCAL, Content, Grantee, Group, Rule, Site, User

Words = Mapping[str, str | None]
"""What stands in a sentence, by the name of its place."""

# The small words of the language: a name that holds one is quoted.
_SMALL = re.compile(
    r"\b(to|on|in|for|from|with|like|of|owned|without|as|into|and|grant|granting|locked|empty|described|imported|expecting)\b"
    r"|^(group|user|set|leader|allow|deny|persons|everything|nothing|whoever|domain|project|new|json)\b"
    r'|[;,"]|\.(?!\w)|^$|^[ :]| $|  ',
    re.IGNORECASE,
)

REFUSALS = {
    "locked_project": "permissions are locked; rules, defaults and the mode are edited on the managing project",
    "locked_database": "the rules of its tables are locked to the database, and are edited there",
    "tabs_shown": "sheets are shown as tabs; views have no rules of their own",
    "not_applicable": "that does not exist for this kind of thing",
    "no_refresh": "extracts are refreshed of workbooks and data sources alone",
    "no_such_rule": "there is no such rule",
    "already_member": "is a member already",
    "not_member": "is no member",
    "all_users": "All Users cannot be changed",
    "glsi_floor": "a group grants a higher site role on sign-in; out of that group first",
    "no_seat": "no licence is free",
    "not_settable_by_rest": "Server Administrator is neither given nor taken through REST",
    "site_role": "the site role cannot own that",
    "guest_cannot_own": "Guest can own nothing",
    "owns_content": "owns content; without an heir Tableau keeps the user, Unlicensed and out of all groups",
    "owns_content_all_users_glsi": "owns content, and All Users grants a role on sign-in",
    "default_project": "the Default project cannot be deleted",
    "default_stays": "the Default project cannot be moved",
    "into_itself": "a project cannot be moved into itself, or into a project in it",
    "moves_along": "it moves with what it is part of, a view with its workbook, a table with its database",
    "top_level": "only projects lie at the top level",
    "exists": "there is one of that name already",
    "not_read": "its rules were not read",
    "not_told": "the site tells no such switch",
    "not_on_site": "is not on the site",
    "by_directory": "the directory decides who is in it; `tabwarden plan groups` reads it and plans that",
    "nothing_differs": "there is nothing that it would change",
    "owns_nothing": "owns nothing of that kind there that somebody else does not have already",
}


# -- found ----------------------------------------------------------------------------------------------------


def content_named(site: Site, words: Words, key: str = "content") -> Content:
    return site.find_content(str(words[key]))


def project_named(site: Site, words: Words, key: str = "project") -> Content:
    name = str(words[key])
    try:
        content = site.find_content(name)
    except AmbiguousName:
        content = site.find_content(f"project:{name}")
    if content.kind != "project":
        raise UnknownName(f"`{name}` is a {KIND_NAMES[content.kind]}, not a project")
    return content


def holder_named(site: Site, words: Words, key: str = "project") -> Content:
    """What can be locked and has default rules: the project that is named, or the database."""
    try:
        content = site.find_content(str(words[key]))
    except (AmbiguousName, UnknownName):
        return project_named(site, words, key)
    return content if content.kind == "database" else project_named(site, words, key)


def user_named(site: Site, words: Words, key: str = "user") -> str:
    """The id of a user."""
    return site.find_user(str(words[key])).id


def grantee_named(site: Site, words: str) -> Grantee:
    """`user ann`, `group Sales`, `group set S`; without the kind the one thing of that name."""
    match = re.fullmatch(r"(user|group set|group)[ :]+(.+)", words, re.IGNORECASE | re.DOTALL)
    if match is not None:
        kind, name = match[1].casefold(), name_meant(match[2])
        if kind == "user":
            return Grantee("user", site.find_user(name).id)
        if kind == "group":
            return Grantee("group", site.find_group(name).id)
        return Grantee("groupSet", site.find_group_set(name).id)
    finders: dict[str, Callable[[], str]] = {
        "group": lambda: site.find_group(words).id,
        "user": lambda: site.find_user(words).id,
        "groupSet": lambda: site.find_group_set(words).id,
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
    tables: tuple[Mapping[str, Any], ...] = (site.groups, site.users, site.group_sets)
    everybody = same(words) in ("everyone", "everybody", "all", "all users group", "anyone", "alle")
    near = hint("All Users" if everybody else words, {one.name: "" for table in tables for one in table.values()})
    raise UnknownName(f"no group, user or group set `{words}` on site `{site.name}`{near}")


def list_named(site: Site, words: Words) -> tuple[Content, str | None]:
    """The content a rule is about and, of a project's (or, for tables, a database's) defaults, the kind."""
    kind = kind_named(str(words["kind"])) if words.get("kind") else None
    return (holder_named(site, words, "content") if kind else content_named(site, words)), kind


def kinds_named(words: Words) -> tuple[str, ...]:
    """`workbooks and data sources`; none where no kind is said."""
    listed = re.split(r",| and ", str(words.get("kinds") or ""))
    return tuple(kind_named(one.strip()) for one in listed if one.strip())


def kinds_words(kinds: tuple[str, ...]) -> str:
    """`workbooks and data sources`."""
    return " and ".join(f"{KIND_NAMES[kind]}s" for kind in kinds)


def within_words(site: Site, project: str | None) -> str:
    """` in Finance`; nothing of the whole site."""
    return "" if project is None else f" in {content_words(site, project)}"


def capability_of(site: Site, words: str, kind: str) -> str:
    """The REST name of a capability by any name of it, or of one that a rule of the site names."""
    try:
        return capability_named(words, kind)
    except UnknownName:
        lists = (rules for c in site.contents.values() for rules in (c.rules, *c.defaults.values()))
        named = {rule.capability for rules in lists for rule in rules or ()}
        if words not in named:
            several = [capability_or_none(one, kind) for one in re.split(r",| and ", words)]
            if len(several) > 1 and all(several):
                raise UnknownName(
                    f"`{words}` are several capabilities; say one, or `set rules on CONTENT for GRANTEE to allow A, B`"
                ) from None
            raise
        return words


def capability_or_none(words: str, kind: str) -> str | None:
    """The REST name of a capability; None where none is called so."""
    try:
        return capability_named(words.strip(), kind)
    except UnknownName:
        return None


def rule_named(site: Site, words: Words, mode: str) -> tuple[str, Rule, str | None]:
    """The content, the rule and, of defaults, the kind."""
    content, default_for = list_named(site, words)
    kind = default_for or content.kind
    capability = capability_of(site, str(words["capability"]), kind)
    if applies(capability, kind) is False:
        raise UnknownName(f"a {KIND_NAMES[kind]} has no capability `{words['capability']}`")
    return content.id, Rule(grantee_named(site, str(words["grantee"])), capability, mode), default_for


# -- written --------------------------------------------------------------------------------------------------


def refusal(because: str) -> str:
    """Why Tableau would not do it."""
    return REFUSALS.get(because, because.replace("_", " "))


def quoted(name: str) -> str:
    """A name, in quotes where it holds a small word of the language, or what is not seen."""
    return name_words(name) if _SMALL.search(name) or visible(name) != name else name


def content_words(site: Site, content: str) -> str:
    """The path; with its kind, or the id, where the path alone would not find it."""
    if content not in site.contents:
        return content
    return quoted(site.written(content))


def user_words(site: Site, user: str) -> str:
    """The name; with its domain, or the id, where the name alone would not find him."""
    known = site.users.get(user)
    return user if known is None else _shortest(known, user, lambda words: users_meant(site, words))


def group_words(site: Site, group: str) -> str:
    """The name; with its domain, or the id, where the name alone would not find it."""
    known = site.groups.get(group)
    return group if known is None else _shortest(known, group, lambda words: groups_meant(site, words))


def _shortest(known: User | Group, id_: str, meant: Callable[[str], tuple[str, ...]]) -> str:
    names = (known.name, f"{known.domain}\\{known.name}")
    return quoted(next((name for name in names if name.strip() and meant(name) == (id_,)), id_))


def ref_words(site: Site, ref: Ref) -> str:
    """A user or group that a change names, as `user_words` and `group_words`; one that is not there as a new one."""
    id_ = ref.id or ref.new_id
    if ref.kind == USER and id_ in site.users:
        return user_words(site, id_)
    return group_words(site, id_) if ref.kind != USER and id_ in site.groups else new_words(ref)


def new_words(ref: Ref) -> str:
    """The name of who, or what, is not there yet, as `new_ref` takes it apart."""
    return quoted(ref.name if ref.domain == LOCAL and "\\" not in ref.name else f"{ref.domain}\\{ref.name}")


def grantee_words(site: Site, who: Grantee) -> str:
    """`user ann`, `group Sales`, `group set S`."""
    if who.kind == "user":
        return f"user {user_words(site, who.id)}"
    if who.kind == "group":
        return f"group {group_words(site, who.id)}"
    group_set = site.group_sets.get(who.id)
    alone = group_set is not None and group_sets_meant(site, group_set.name) == (who.id,)
    return f"group set {quoted(group_set.name if group_set is not None and alone else who.id)}"


def place_words(site: Site, content: str, default_for: str | None) -> str:
    """Where rules lie: `on workbooks in Finance`."""
    within = f"{KIND_NAMES[default_for]}s in " if default_for is not None else ""
    return f"on {within}{content_words(site, content)}"


def capability_words(site: Site, capability: str, content: str, default_for: str | None) -> str:
    """The name on the page; that of REST where the page's would not find it."""
    kind = default_for or site.contents[content].kind
    name = ui_name(capability, kind)
    try:
        known = capability_named(name, kind) == capability
    except (AmbiguousName, UnknownName):
        known = False
    return quoted(name if known else capability)
