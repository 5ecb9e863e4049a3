"""One change in words, before, after and when it failed. Not whole plans (report/plans.py)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tabwarden.model.capability import KIND_NAMES, ui_name
from tabwarden.model.site import CUSTOMIZABLE, LOCKED, LOCKED_WITHOUT_NESTED, ON_SYNC
from tabwarden.plan.plan import (
    ADD_TO_GROUP,
    ADD_USER,
    CREATE_GROUP,
    DELETE_GROUP,
    IMPORT_GROUP,
    MOVE,
    OF_DIRECTORY,
    REMOVE_FROM_GROUP,
    REMOVE_USER,
    SET_MODE,
    SET_NICKNAME,
    SET_OWNER,
    SET_RULE,
    SET_SITE_ROLE,
    SET_TABS,
    SYNC_GROUP,
    UPDATE_GROUP,
    Change,
    Ref,
    Value,
)

# To do, done, not done.
_WORDS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        CREATE_GROUP: (
            "create group `{group}`, which grants {grants}",
            "created group `{group}`, which grants {grants}",
            "group `{group}` was not created",
        ),
        UPDATE_GROUP: (
            "let group `{group}` grant {grants}",
            "group `{group}` grants {grants} now",
            "group `{group}` was not changed to grant {grants}",
        ),
        ADD_USER: (
            "add user `{user}` as {role}{auth}",
            "added user `{user}` as {role}{auth}",
            "user `{user}` was not added to the site",
        ),
        ADD_TO_GROUP: (
            "put user `{user}` into group `{group}`",
            "put user `{user}` into group `{group}`",
            "user `{user}` was not put into group `{group}`",
        ),
        SET_SITE_ROLE: (
            "set user `{user}` from {before} to {role}",
            "set user `{user}` from {before} to {role}",
            "user `{user}` was not set from {before} to {role}",
        ),
        REMOVE_FROM_GROUP: (
            "take user `{user}` out of group `{group}`",
            "took user `{user}` out of group `{group}`",
            "user `{user}` was not taken out of group `{group}`",
        ),
        REMOVE_USER: (
            "remove user `{user}` from the site{heir}",
            "removed user `{user}` from the site{heir}",
            "user `{user}` was not removed from the site",
        ),
        DELETE_GROUP: ("delete group `{group}`", "deleted group `{group}`", "group `{group}` was not deleted"),
        IMPORT_GROUP: (
            "import group `{group}` from the directory, which grants {grants}",
            "imported group `{group}` from the directory, which grants {grants}",
            "group `{group}` was not imported from the directory",
        ),
        SYNC_GROUP: (
            "synchronise group `{group}` with the directory, which grants {grants}",
            "synchronised group `{group}` with the directory, which grants {grants}",
            "group `{group}` was not synchronised with the directory",
        ),
        MOVE: ("move {content} to {place}", "moved {content} to {place}", "{content} was not moved to {place}"),
        SET_MODE: ("make {content} {mode}", "made {content} {mode}", "{content} was not made {mode}"),
        SET_RULE: (
            "{content}: {defaults}{grantee}: {row}",
            "{content}: {defaults}{grantee}: {row}",
            "{content}: {defaults}{grantee} was not changed ({row})",
        ),
        SET_TABS: (
            "turn sheets as tabs of {content} {tabs}",
            "turned sheets as tabs of {content} {tabs}",
            "sheets as tabs of {content} were not turned {tabs}",
        ),
        SET_OWNER: (
            "give {content} to user `{owner}`",
            "gave {content} to user `{owner}`",
            "{content} was not given to user `{owner}`",
        ),
        SET_NICKNAME: (
            "set the nickname of domain `{domain}` from `{was}` to `{nickname}`",
            "set the nickname of domain `{domain}` from `{was}` to `{nickname}`",
            "the nickname of domain `{domain}` was not set from `{was}` to `{nickname}`",
        ),
    }
)
MODES = {LOCKED: "locked", LOCKED_WITHOUT_NESTED: "locked without nested projects", CUSTOMIZABLE: "customizable"}
STEPS: Mapping[str, str] = MappingProxyType(
    {
        CREATE_GROUP: "create group",
        UPDATE_GROUP: "change group",
        ADD_USER: "add user",
        ADD_TO_GROUP: "into group",
        SET_SITE_ROLE: "site role",
        REMOVE_FROM_GROUP: "out of group",
        REMOVE_USER: "remove user",
        DELETE_GROUP: "delete group",
        IMPORT_GROUP: "import group",
        SYNC_GROUP: "synchronise group",
        MOVE: "move",
        SET_MODE: "content permissions",
        SET_RULE: "rules",
        SET_TABS: "sheets as tabs",
        SET_OWNER: "owner",
        SET_NICKNAME: "domain nickname",
    }
)


def to_do(change: Change) -> str:
    """`add user `ann` as Unlicensed`."""
    return _filled(change, 0)


def done(change: Change) -> str:
    """`added user `ann` as Unlicensed`."""
    return _filled(change, 1)


def not_done(change: Change, code: str, remedy: str) -> str:
    """`user `ann` was not added to the site (409014): what to do`."""
    number = f" ({code})" if code else ""
    return f"{_filled(change, 2)}{number}: {remedy or 'see the log of the server'}"


def _filled(change: Change, form: int) -> str:
    auth = change.after.get("auth_setting")
    when = "at synchronisation" if change.after.get("grant_on") == ON_SYNC else "on sign-in"
    role = change.after.get("minimum_site_role")
    grants = f"{role} {when}" if role else "no role" if change.op in OF_DIRECTORY else f"no role {when}"
    return _WORDS[change.op][form].format(
        user=_name(change.user),
        group=_name(change.group),
        role=change.after.get("site_role"),
        before=change.before.get("site_role"),
        auth=f" with {auth} sign-in" if auth else "",
        grants=grants,
        domain=_name(change.domain),
        was=change.before.get("nickname"),
        nickname=change.after.get("nickname"),
        heir=f"; what the user owns goes to `{_name(change.heir)}`" if change.heir else "",
        **_about_content(change),
    )


def _about_content(change: Change) -> Mapping[str, str]:
    ref, grantee, kind = change.content, change.grantee, change.before.get("default_for")
    path, mode = change.after.get("path"), str(change.after.get("mode"))
    return {
        "content": f"{KIND_NAMES.get(ref.kind, ref.kind)} `{ref.name}`" if ref else "",
        "place": f"`{path}`" if path else "the top level",
        "mode": MODES.get(mode, mode),
        "tabs": "on" if change.after.get("tabs") else "off",
        "owner": str(change.after.get("owner")),
        "grantee": f"{'group set' if grantee.kind == 'groupSet' else grantee.kind} `{_name(grantee)}`"
        if grantee
        else "",
        "defaults": f"rules for new {KIND_NAMES.get(str(kind), str(kind))}s: " if kind else "",
        "row": _row(change),
    }


def _row(change: Change) -> str:
    """What differs for one grantee: `+ Allow View, - Deny Web Edit`."""
    kind = change.before.get("default_for") or (change.content.kind if change.content else None)
    told = []
    for mode, name in (("Allow", "allow"), ("Deny", "deny")):
        was, now = (_names(fields.get(name)) for fields in (change.before, change.after))
        told += [f"- {mode} {ui_name(each, str(kind))}" for each in was if each not in now]
        told += [f"+ {mode} {ui_name(each, str(kind))}" for each in now if each not in was]
    return ", ".join(told)


def _names(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _name(ref: Ref | None) -> str:
    return ref.qualified if ref is not None else ""
