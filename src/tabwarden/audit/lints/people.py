"""Lints about administrators, accounts and names, and the site itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from tabwarden.audit.audited import Audited
from tabwarden.audit.finding import (
    ADMINISTRATORS,
    DIRECTORY,
    GROUP,
    MEMBERS,
    NOTE,
    SEATS,
    SETTINGS,
    SITE,
    USE,
    USER,
    WARNING,
    Remark,
    Remarks,
    lint,
)
from tabwarden.audit.knobs import fits
from tabwarden.effects.change import Change
from tabwarden.effects.ops.memberships import removed
from tabwarden.effects.ops.settings import switch
from tabwarden.engine.columns import NONE, Array
from tabwarden.model.names import same
from tabwarden.model.roles import TIERS, is_admin, is_licensed
from tabwarden.model.seats import free_seats
from tabwarden.model.site import LOCAL
from tabwarden.model.site_settings import LIMITED
from tabwarden.model.usage import TOKEN

THE_SITE = np.zeros(1, np.int64)
DUPLICATE = "$duplicate"


def _administrators(audited: Audited) -> Array:
    return np.flatnonzero(audited.role_is(is_admin))


def _names(audited: Audited, users: Array) -> str:
    shown = ", ".join(audited.written(USER, user) for user in users[:5].tolist())
    return shown + (f" and {len(users) - 5} more" if len(users) > 5 else "")


@lint(
    "too-few-administrators",
    "Too few administrators",
    WARNING,
    SITE,
    ADMINISTRATORS,
    why="When the only one is away, nobody can mend what only administrators can, and a mistake locks everybody out.",
    source="Tableau Blueprint, roles: two or more; `lint.administrators_least`",
    ignore="Server administrators, whom the snapshot does not name, look after the site.",
)
def too_few_administrators(audited: Audited) -> Remarks:
    """A site with fewer administrators than the settings ask for."""
    users = _administrators(audited)
    if audited.parts.people.count and len(users) < audited.knobs.administrators_least:
        yield Remark(
            "has one administrator" if len(users) == 1 else f"has {len(users)} administrators",
            THE_SITE,
            lambda _: _names(audited, users),
        )


@lint(
    "too-many-administrators",
    "Too many administrators",
    WARNING,
    SITE,
    ADMINISTRATORS,
    why="Rules do not hold for administrators: each of them sees and changes everything.",
    source="Permissions paper: administrators have absolute control; `lint.administrators_most`",
    ignore="The site is for administrators alone.",
)
def too_many_administrators(audited: Audited) -> Remarks:
    """A site with more administrators than the settings allow."""
    users = _administrators(audited)
    if len(users) > audited.knobs.administrators_most:
        yield Remark(f"has {len(users)} administrators", THE_SITE, lambda _: _names(audited, users))


@lint(
    "administrator-never-signed-in",
    "Administrator who never signed in",
    WARNING,
    USER,
    ADMINISTRATORS,
    why="An account that may do everything and that nobody uses is one that nobody would miss when somebody else does.",
    source="Tableau Blueprint, weekly checks: inactive users",
    ignore="It is an emergency account, and its password lies in a safe.",
)
def administrator_never_signed_in(audited: Audited) -> Remarks:
    """Administrators without a last sign-in, where the site tells any."""
    last = audited.columns.names.user_last_login
    if (last != NONE).any():
        yield Remark(
            "administers the site and never signed in", np.flatnonzero(audited.role_is(is_admin) & (last == NONE))
        )


@lint(
    "service-account-in-sign-in-group",
    "Service account in a group that grants a role",
    WARNING,
    USER,
    ADMINISTRATORS,
    why="At its next sign-in it gets the group's site role again, whatever it was given: a demoted or unlicensed "
    "account comes back by itself.",
    source="Surprise 23; paper of Tab_User_Provisioner: grant role on sign-in",
    ignore="The role that the group grants is the one the account is to have.",
    reads=(MEMBERS,),
)
def service_account_in_sign_in_group(audited: Audited) -> Remarks:
    """Accounts whose names the settings call a service's, in groups with a minimum site role."""
    names, granted = audited.words("user_name"), audited.columns.names.group_minimum_site_role != NONE
    service = np.array([fits(name, audited.knobs.service_accounts) for name in names], np.bool_)
    groups, users = audited.parts.people.memberships
    inside = granted[groups] & service[users]
    pairs = sorted(zip(users[inside].tolist(), groups[inside].tolist(), strict=True))

    def fix(user: int) -> list[Change]:
        site = audited.site
        mine = [audited.columns.id_of(GROUP, group) for one, group in pairs if one == user]
        local = (key for key in mine if site.groups[key].domain.casefold() == LOCAL)
        return [removed(site, audited.columns.id_of(USER, user), key) for key in local]

    def facts(user: int) -> str:
        return ", ".join(audited.written(GROUP, group) for one, group in pairs if one == user)

    yield Remark(
        "is a service account in a group that grants a site role", np.unique(users[inside]).astype(np.int64), facts, fix
    )


@lint(
    "tokens",
    "Access tokens that may do too much",
    WARNING,
    USER,
    ADMINISTRATORS,
    why="A token does all its owner may, without a second factor, from any machine: of an administrator everything, "
    "and of somebody without a licence everything again once he has one.",
    source="Tableau Blueprint, security; Tableau's help, personal access tokens",
    ignore="It is the token of this tool or another that needs it, and it is rotated.",
    reads=(USE,),
)
def tokens(audited: Audited) -> Remarks:
    """Tokens of administrators, service accounts apart, and of people without a licence."""
    numbers, names = audited.columns.user_numbers, audited.words("user_name")
    owners = sorted({numbers[row.user] for row in audited.usage or () if row.what == TOKEN and row.user in numbers})
    admins, licensed = audited.role_is(is_admin), audited.role_is(is_licensed)
    persons = [user for user in owners if admins[user] and not fits(names[user], audited.knobs.service_accounts)]
    yield Remark("administers the site and has an access token", np.array(persons, np.int64))
    yield Remark("has no licence and an access token", np.array([u for u in owners if not licensed[u]], np.int64))


@lint(
    "guest-access",
    "Guest access",
    WARNING,
    USER,
    ADMINISTRATORS,
    why="Whoever opens an address needs no sign-in, and may do more than a Viewer in places: Full Data, Web Edit, "
    "downloads.",
    source="Surprise 25; Tableau's help, guest user",
    ignore="The server stands in a network of its own, and embedding needs it.",
)
def guest_access(audited: Audited) -> Remarks:
    """A user with the site role Guest."""
    yield Remark("lets in whoever has no account", np.flatnonzero(audited.role_is(lambda role: role == "Guest")))


# -- names ---------------------------------------------------------------------------------------------------------


def _repeated(names: list[str]) -> tuple[Array, Callable[[int], str]]:
    """Places of names that stand there twice, as names are compared, and the name."""
    keys = [same(name) for name in names]
    counts = Counter(key for key in keys if key)
    places = [place for place, key in enumerate(keys) if counts.get(key, 0) > 1]
    return np.array(places, np.int64), lambda place: f"`{names[place]}`, {counts[keys[place]]} times"


@lint(
    "duplicate-display-names",
    "Two people of one display name",
    NOTE,
    USER,
    DIRECTORY,
    why="Tableau shows the display name: whoever adds people to groups or rules cannot tell them apart.",
    source="Paper on Active Directory: duplicate display names",
    ignore="It is one person with two accounts, who knows.",
)
def duplicate_display_names(audited: Audited) -> Remarks:
    """Users whose display name another user has too."""
    yield Remark("has the display name of another", *_repeated(audited.words("user_full_name")))


@lint(
    "duplicate-user-names",
    "One user name in two domains",
    NOTE,
    USER,
    DIRECTORY,
    why="A name without its domain means either; lists, imports and migrations take the wrong one.",
    source="Paper on Active Directory: user name attributes, support for multiple domains",
    ignore="All lists write names with their domain.",
)
def duplicate_user_names(audited: Audited) -> Remarks:
    """Users whose user name somebody of another domain has too."""
    yield Remark("has the user name of another", *_repeated(audited.words("user_name")))


@lint(
    "duplicate-groups",
    "Groups of one name, and what synchronisation left behind",
    WARNING,
    GROUP,
    DIRECTORY,
    why="Rules are given to the wrong one of two groups, and `$DUPLICATE` accounts are people whom a synchronisation "
    "could not make one.",
    source="Tableau's knowledge base on group synchronisation; paper on Active Directory",
    ignore="They are of two domains, and everybody writes the domain.",
)
def duplicate_groups(audited: Audited) -> Remarks:
    """Groups of the same name, and groups whose name begins with `$DUPLICATE`."""
    names = audited.words("group_name")
    left = [place for place, name in enumerate(names) if same(name).startswith(DUPLICATE)]
    yield Remark("is left behind by a synchronisation", np.array(left, np.int64))
    yield Remark("has the name of another group", *_repeated(names))


@lint(
    "duplicate-accounts",
    "Accounts that a synchronisation left behind",
    WARNING,
    USER,
    DIRECTORY,
    why="One person in two groups with different roles, or of two domains, became two accounts: one of them has his "
    "rules, and he signs in as the other.",
    source="Tableau's knowledge base on group synchronisation ($DUPLICATE)",
    ignore="Never.",
)
def duplicate_accounts(audited: Audited) -> Remarks:
    """Users whose name begins with `$DUPLICATE`."""
    names = audited.words("user_name")
    left = [place for place, name in enumerate(names) if same(name).startswith(DUPLICATE)]
    yield Remark("is left behind by a synchronisation", np.array(left, np.int64))


@lint(
    "account-without-domain",
    "Local account beside those of a directory",
    NOTE,
    USER,
    DIRECTORY,
    why="The directory does not know it: nobody takes its licence when the person leaves.",
    source="Paper on Active Directory: people who are gone stay on the server until somebody removes them",
    ignore="It is a service account, or an administrator's for emergencies.",
)
def account_without_domain(audited: Audited) -> Remarks:
    """Local users with a licence where most people are of a domain, service accounts and administrators apart."""
    domains, names = audited.words("user_domain"), audited.words("user_name")
    local = np.array([domain.casefold() == LOCAL for domain in domains], np.bool_)
    if local.mean() < 0.5 if len(local) else False:
        service = np.array([fits(name, audited.knobs.service_accounts) for name in names], np.bool_)
        persons = local & ~service & audited.role_is(is_licensed) & ~audited.role_is(is_admin)
        yield Remark("is of no domain", np.flatnonzero(persons))


# -- the site ------------------------------------------------------------------------------------------------------


@lint(
    "people-hidden",
    "People do not see each other",
    NOTE,
    SITE,
    ADMINISTRATORS,
    why="With limited user visibility nobody can share, comment or look up who owns what, and only Creators and "
    "administrators open a permission dialog.",
    source="Permissions paper: allow non-admin users to see all other users (Public User List)",
    ignore="Customers share the site, and are not to know of each other.",
    reads=(SETTINGS,),
)
def people_hidden(audited: Audited) -> Remarks:
    """Limited user visibility."""
    if audited.site.settings.user_visibility == LIMITED:
        yield Remark("hides people from each other", THE_SITE, fix=lambda _: (switch("user_visibility", value=True),))


@lint(
    "no-free-seats",
    "No seat left",
    WARNING,
    SITE,
    ADMINISTRATORS,
    why="Whoever is added now gets no licence, and Tableau does not say so: he is Unlicensed.",
    source="Surprise 22",
    ignore="Nobody joins.",
    reads=(SEATS,),
)
def no_free_seats(audited: Audited) -> Remarks:
    """A tier of which all seats are taken."""
    site = audited.site
    full = [tier for tier in TIERS if (site.licences or {}).get(tier) and (free_seats(site, tier) or 0) <= 0]
    if full:
        yield Remark("has no seat left", THE_SITE, lambda _: ", ".join(full))
