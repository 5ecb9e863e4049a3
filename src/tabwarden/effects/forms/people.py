"""People and groups: added, given a role, put into groups, removed; groups of a directory."""

from __future__ import annotations

import re
from typing import Any

from tabwarden.effects.change import Change
from tabwarden.effects.forms.form import Form, form
from tabwarden.effects.ops.details import Details, SetDetails
from tabwarden.effects.ops.groups import (
    NO_GRANTS,
    CreateGroup,
    DeleteGroup,
    Grants,
    ImportGroup,
    SyncGroup,
    UpdateGroup,
)
from tabwarden.effects.ops.memberships import AddToGroup, RemoveFromGroup
from tabwarden.effects.ops.users import AddUser, RemoveUser, SetRole
from tabwarden.effects.phrases import Words, new_words, quoted, ref_words, user_named
from tabwarden.effects.quoting import TOKEN, listed, name_meant, name_words
from tabwarden.effects.ref import GROUP, USER, Ref, group_ref, user_ref
from tabwarden.model.errors import UnknownName
from tabwarden.model.roles import role_named, ui_role
from tabwarden.model.site import LOCAL, ON_LOGIN, ON_SYNC, Site

_FIELDS = {"full name": "full_name", "e-mail": "email", "sign-in": "auth_setting", "provider": "idp_configuration_id"}
_DETAIL = "|".join(_FIELDS)
_DETAILS = rf"(?P<details>(?:(?:, )?(?:{_DETAIL}) {TOKEN})+)"
_GRANTS = r"(?P<role>.+?)(?: (?P<when>on sign-in|at synchronisation))?"
_EXPECTED = r"(?:, expecting (?P<expected>\d.*))?"


def new_ref(kind: str, words: str) -> Ref:
    """Somebody, or a group, that is not there yet, by `domain\\name`. UnknownName for one without a name."""
    domain, parted, name = words.partition("\\")
    domain, name = (domain, name) if parted else ("", words)
    if not name.strip():
        raise UnknownName(f"`{words}` is no name of a {kind}; write one")
    return Ref(kind, name, domain or LOCAL)


def _membership(words: str, of: type[AddToGroup | RemoveFromGroup]) -> tuple[Any, type[Change], Any]:
    def meant(site: Site, parts: Words) -> Change:
        # The group is looked for first: of two wrong names its is told.
        group = site.find_group(str(parts["group"])).id
        return of.on(site, user_named(site, parts), group)

    def says(site: Site, change: AddToGroup | RemoveFromGroup) -> str:
        return words.format(user=ref_words(site, change.user), group=ref_words(site, change.group))

    return meant, of, says


# -- users ----------------------------------------------------------------------------------------------------


def _details(words: str | None) -> dict[str, str]:
    pairs = (re.fullmatch(rf"({_DETAIL}) (.*)", one, re.IGNORECASE | re.DOTALL) for one in listed(words or "", ", "))
    return {_FIELDS[pair[1].casefold()]: name_meant(pair[2]) for pair in pairs if pair is not None}


def _details_words(values: dict[str, str | None]) -> str:
    return ", ".join(
        f"{name} {name_words(values[key] or '')}" for name, key in _FIELDS.items() if values.get(key) is not None
    )


def _add_user(site: Site, words: Words) -> Change:
    ref, details = new_ref(USER, str(words["user"])), _details(words.get("details"))
    role, known = role_named(str(words["role"])), site.users_named(ref.qualified)
    if len(known) == 1 and site.users[known[0]].site_role == role:  # a file of changes may be planned again
        return _details_of(site, known[0], Details(**details)) if details else SetRole.on(site, known[0], role)
    if known:
        raise UnknownName(f"`{ref.qualified}` is on the site already; say `set {ref.qualified} to ROLE`")
    return AddUser(ref, role, given=str(words.get("given") or "")).but(**details)


def _says_add_user(_: Site, change: AddUser) -> str:
    values = {key: getattr(change, key) or None for key in _FIELDS.values()}
    more = f" with {_details_words(values)}" if any(values.values()) else ""
    given = f" imported as {quoted(change.given)}" if change.given else ""
    return f"add user {new_words(change.user)} as {ui_role(change.role)}{given}{more}"


def _set_details(site: Site, words: Words) -> Change:
    return _details_of(site, user_named(site, words), Details(**_details(words["details"])))


def _details_of(site: Site, user: str, details: Details) -> Change:
    known = site.users[user]
    return SetDetails(user_ref(known), Details.of(known).where(details), details)


def _says_details(site: Site, change: SetDetails) -> str:
    return f"give user {ref_words(site, change.user)} {_details_words(change.details._asdict())}"


def _remove_user(site: Site, words: Words) -> Change:
    return RemoveUser.on(site, user_named(site, words), user_named(site, words, "heir") if words.get("heir") else None)


def _says_remove_user(site: Site, change: RemoveUser) -> str:
    heir = f" with heir {ref_words(site, change.heir)}" if change.heir is not None else ""
    return f"remove user {ref_words(site, change.user)}{heir}"


# -- groups ---------------------------------------------------------------------------------------------------


def _grants(words: Words) -> Grants:
    role = words.get("role")
    if role is None or role.casefold() in ("nothing", "no role"):
        return NO_GRANTS
    at_sync = str(words.get("when") or "").casefold() == "at synchronisation"
    return Grants(role_named(role), ON_SYNC if at_sync else ON_LOGIN)


def _new_group(site: Site, words: Words) -> Change:
    ref, grants = new_ref(GROUP, str(words["group"])), _grants(words)
    known = next((site.groups[group] for group in site.groups_named(ref.qualified)), None)
    if known is not None and Grants.of(known) == grants:
        return UpdateGroup(group_ref(known), grants, grants)
    return CreateGroup(ref, grants)


def _grants_words(grants: Grants) -> str:
    if grants.minimum_site_role is None:
        return "nothing"
    return f"{ui_role(grants.minimum_site_role)} {'at synchronisation' if grants.grant_on == ON_SYNC else 'on sign-in'}"


def _granting(change: CreateGroup | ImportGroup) -> str:
    return f" granting {_grants_words(change.grants)}" if change.grants.minimum_site_role else ""


def _group(site: Site, words: Words) -> Any:
    return site.find_group(str(words["group"]))


def _expected(words: Words) -> tuple[tuple[str, int], ...]:
    parts = (part.partition(" ") for part in str(words.get("expected") or "").split(", ") if part)
    return tuple((name, int(number)) for number, _, name in parts)


def _expecting(change: ImportGroup | SyncGroup) -> str:
    listed = ", ".join(f"{number} {name}" for name, number in change.expected)
    return f", expecting {listed}" if listed else ""


def _sync(site: Site, words: Words) -> Change:
    group = _group(site, words)
    grants = _grants(words) if words.get("role") else Grants.of(group)
    return SyncGroup(group_ref(group), Grants.of(group), grants, _expected(words))


FIRST: tuple[Form, ...] = (
    form(
        'give user USER full name|e-mail|sign-in|provider "VALUE", ...',
        'give user ann full name "Ann Lee", e-mail "ann@corp.example"',
        rf"give user <user> {_DETAILS}",
        _set_details,
        SetDetails,
        _says_details,
    ),
)
FORMS: tuple[Form, ...] = (
    form(
        'add user NAME as ROLE [with full name "NAME", e-mail "ADDRESS", sign-in "SAML"]',
        "add user zoe as Viewer",
        rf"add user <user> as <role>(?: imported as <given>)?(?: with {_DETAILS})?",
        _add_user,
        AddUser,
        _says_add_user,
    ),
    form(
        "set USER to ROLE",
        "set ann to Explorer (can publish)",
        r"set <user> to <role>",
        lambda s, w: SetRole.on(s, user_named(s, w), role_named(str(w["role"]))),
        SetRole,
        lambda s, c: f"set {ref_words(s, c.user)} to {ui_role(c.role)}",
    ),
    form(
        "add USER to GROUP",
        "add ann to Analysts",
        r"add <user> to <group>",
        *_membership("add {user} to {group}", AddToGroup),
    ),
    form(
        "remove user USER [with heir USER]",
        "remove user joe with heir ann",
        r"remove user <user>(?: with heir <heir>)?",
        _remove_user,
        RemoveUser,
        _says_remove_user,
    ),
    form(
        "remove USER from GROUP",
        "remove joe from Analysts",
        r"remove <user> from <group>",
        *_membership("remove {user} from {group}", RemoveFromGroup),
    ),
    form(
        "new group NAME [granting ROLE [on sign-in]]",
        "new group Visitors granting Viewer on sign-in",
        rf"new group <group>(?: granting {_GRANTS})?",
        _new_group,
        CreateGroup,
        lambda _, c: f"new group {new_words(c.group)}{_granting(c)}",
    ),
    form(
        "let group GROUP grant ROLE [on sign-in] | nothing",
        "let group Analysts grant Explorer on sign-in",
        rf"let group <group> grant {_GRANTS}",
        lambda s, w: UpdateGroup(group_ref(g := _group(s, w)), Grants.of(g), _grants(w)),
        UpdateGroup,
        lambda s, c: f"let group {ref_words(s, c.group)} grant {_grants_words(c.grants)}",
    ),
    form(
        "import group GROUP [granting ROLE on sign-in|at synchronisation]",
        "import group corp.example\\Sales granting Viewer at synchronisation",
        rf"import group <group>(?: granting {_GRANTS})?{_EXPECTED}",
        lambda _, w: ImportGroup(new_ref(GROUP, str(w["group"])), _grants(w), _expected(w)),
        ImportGroup,
        lambda _, c: f"import group {new_words(c.group)}{_granting(c)}{_expecting(c)}",
    ),
    form(
        "synchronise group GROUP [granting ROLE on sign-in|at synchronisation | nothing]",
        "synchronise group corp.example\\Board granting Viewer at synchronisation",
        rf"synchronise group <group>(?: granting {_GRANTS})?{_EXPECTED}",
        _sync,
        SyncGroup,
        lambda s, c: f"synchronise group {ref_words(s, c.group)} granting {_grants_words(c.grants)}{_expecting(c)}",
    ),
    form(
        "delete group GROUP",
        "delete group Contractors",
        r"delete group <group>",
        lambda s, w: DeleteGroup.on(s, _group(s, w).id),
        DeleteGroup,
        lambda s, c: f"delete group {ref_words(s, c.group)}",
    ),
)
