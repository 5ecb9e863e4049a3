"""The events of a provisioning case, each told to the life-cycle of `effects`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from tabwarden.cases.file import Json, site_of
from tabwarden.effects import people
from tabwarden.model.roles import TIERS, is_licensed, licence_of
from tabwarden.model.site import Content, Site, User


class Happened(NamedTuple):
    """Whether the event was done as asked, why, and the facts a case may state of the result."""

    done: bool
    because: str
    facts: Mapping[str, Any]


def happen(setup: Json, question: Json) -> Happened:
    """What the event does; ValueError for an event this release does not know."""
    event = question["event"]
    if event == "delete_from_server" and setup.get("sites"):
        return _delete_from_server(setup, question["user"])
    if event not in _EVENTS:
        raise ValueError(f"no event is called `{event}`; events are {', '.join(sorted(_EVENTS))}")
    site = _with_owned(site_of(setup), {name: _owned(spec) for name, spec in (setup.get("users") or {}).items()})
    site = replace(site, licences=_licences(setup, site))
    outcome = _EVENTS[event](site, setup, question)
    return Happened(outcome.done, outcome.because, _facts(outcome, question))


def _owned(spec: Any) -> tuple[str, ...]:
    return () if isinstance(spec, str) else tuple(spec.get("owns") or ())


def _with_owned(site: Site, owned: Mapping[str, tuple[str, ...]]) -> Site:
    return site.with_contents(
        *(Content(f"content:{name}", "workbook", name, None, user) for user, names in owned.items() for name in names)
    )


# -- seats ----------------------------------------------------------------------------------------------------


def _licences(setup: Json, site: Site) -> Mapping[str, int] | None:
    """Seats of each tier: a number of seats, `{total, used}`, `{free}`, or keys such as `creator_free`."""
    licences = setup.get("licences", setup.get("licenses"))
    if licences is None:
        return None
    free = licences.get("free")
    flat = {f"{key} free": value for key, value in free.items()} if isinstance(free, dict) else licences
    seats = {}
    for key, value in flat.items():
        tier = next((t for t in TIERS if t.casefold() in key.casefold()), None)
        if tier is not None:
            seats[tier] = _seats(site, tier, value, free="free" in key.casefold())
    return seats


def _seats(site: Site, tier: str, licence: Any, *, free: bool) -> int:
    taken = sum(1 for user in site.users.values() if licence_of(user.site_role) == tier)
    if isinstance(licence, dict):
        if "free" in licence:
            return int(licence["free"]) + taken
        return int(licence["total"]) - int(licence.get("used", taken)) + taken
    return int(licence) + (taken if free else 0)


# -- facts ----------------------------------------------------------------------------------------------------


def _facts(outcome: people.Outcome, question: Json) -> dict[str, Any]:
    """What a case may state of the person afterwards."""
    site = outcome.site
    ids = site.users_named(question["user"])
    facts: dict[str, Any] = {"removed": not ids, "exists": bool(ids), "error": None}
    if not outcome.done:
        facts["error"] = people.REFUSAL_CODES.get(outcome.because)
    if not ids:
        return facts
    user = site.users[ids[0]]
    groups = sorted(site.groups[g].name for g in site.groups_of(user.id))
    owned = [site.contents[c].name for c in people.owned_by(site, user.id)]
    everyone = any(site.groups[g].everyone for g in site.groups_of(user.id))
    signs_in = people.sign_in(site, user.id).done and outcome.because != "gone_from_directory"
    facts |= {"site_role": user.site_role, "role": user.site_role, "licensed": is_licensed(user.site_role)}
    facts |= {"groups": groups, "in_group": question.get("group") in groups, "owns": owned, "still_owner": bool(owned)}
    facts |= {"in_all_users": everyone, "can_sign_in": signs_in}
    return facts


# -- events ---------------------------------------------------------------------------------------------------


def _delete_from_server(setup: Json, user: str) -> Happened:
    """Removed where he owns nothing, Unlicensed where he owns ("View, Manage, or Remove Users", several sites)."""
    facts: dict[str, Any] = {}
    done = True
    for name, spec in setup["sites"].items():
        site = _with_owned(site_of({"users": setup.get("users") or {}}), {user: tuple(spec.get("owns") or ())})
        outcome = people.remove_user(site, user)
        done = done and outcome.done
        facts[name] = "removed" if outcome.done else outcome.site.users[user].site_role
    facts["removed"] = done
    return Happened(done, "removed" if done else "owns_content_on_some_site", facts)


def _import(site: Site, _: Json, question: Json) -> people.Outcome:
    """An import, or a synchronisation with the role it brings; somebody new comes in as Unlicensed first."""
    name = question["user"]
    if name not in site.users:
        site = site.with_users(User(name, name, "Unlicensed"))
    role = question.get("import_role") or question.get("role")
    return people.directory_sync(site, name, role) if role else people.import_member(site, name)


def _group_sync(site: Site, setup: Json, question: Json) -> people.Outcome:
    name = question["user"]
    group = question.get("group") or next((g.id for g in site.groups.values() if not g.everyone), "")
    says = directory_says(setup, question)
    if says in (GONE, LEFT):
        return people.group_sync(site, str(group), name, gone=says == GONE)
    if name not in site.users:
        site = site.with_users(User(name, name, "Unlicensed"))
    if name not in site.members(group):
        site = people.add_to_group(site, group, (name,)).site
    return people.import_member(site, name)


def _remove_user(site: Site, _: Json, question: Json) -> people.Outcome:
    heir = next((question[k] for k in ("map_assets_to", "mapAssetsTo", "map_to", "heir") if question.get(k)), None)
    return people.remove_user(site, question["user"], heir=heir)


def _set_site_role(site: Site, _: Json, question: Json) -> people.Outcome:
    via_rest = str(question.get("via", "REST")).upper() != "UI"
    return people.set_site_role(site, question["user"], question["role"], via_rest=via_rest)


def _assign_owner(site: Site, _: Json, question: Json) -> people.Outcome:
    return people.assign_owner(site, question.get("to") or question["user"], question.get("content_type", "workbook"))


_EVENTS: Mapping[str, Callable[[Site, Json, Json], people.Outcome]] = {
    "sign_in": lambda site, _, q: people.sign_in(site, q["user"]),
    "import": _import,
    "set_site_role": _set_site_role,
    "remove_user": _remove_user,
    "delete_from_server": _remove_user,
    "directory_sync": _import,
    "group_sync": _group_sync,
    "add_user": lambda site, _, q: people.add_user(site, User(q["user"], q["user"], q["role"])),
    "assign_owner": _assign_owner,
}


# -- the directory -------------------------------------------------------------------------------------------

GONE, LEFT, MEMBER = "gone", "left", "member"

_GONE = ("disab", "delet", "gone", "inactive", "deactivat", "missing")
_LEFT = ("remov", "left", "leav", "no longer", "no_longer", "dropped")
_TOLD_OTHERWISE = ("event", "user", "group", "role", "via", "import_role")
_OF_THE_SITE = (
    "users groups group_sets sites licences licenses projects content site "
    "role owns members minimum_site_role grant_on source name"
).split()


def directory_says(setup: Mapping[str, Any], question: Mapping[str, Any]) -> str:
    """`gone` from the directory, `left` the group, or still its `member`."""
    user = question["user"]
    said = {_judged(words) for words in _words(_of_the_event(setup, question), user)}
    return next(state for state in (GONE, LEFT, MEMBER) if state in said or state == MEMBER)


def _of_the_event(setup: Mapping[str, Any], question: Mapping[str, Any]) -> dict[str, Any]:
    """Every field that is not about the site itself."""
    person = (setup.get("users") or {}).get(question["user"]) or {}
    group = (setup.get("groups") or {}).get(question.get("group")) or {}
    facts = {key: value for key, value in question.items() if key not in _TOLD_OTHERWISE}
    for place in (setup, person, group):
        if isinstance(place, Mapping):
            facts |= {key: value for key, value in place.items() if key not in _OF_THE_SITE}
    return facts


def _words(facts: Mapping[str, Any], user: str) -> Iterator[str]:
    """Each fact about the person as words: `disabled`, `not in_group`, `removed_from_group`."""
    for key, value in facts.items():
        if isinstance(value, bool):
            yield key if value else f"not {key}"
        elif isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield key if user in value else f"not {key}"
        elif isinstance(value, Mapping):
            yield from _words({key: value[user]} if user in value else value, user)


def _judged(words: str) -> str:
    text = words.casefold().replace("-", "_")
    denied = text.startswith("not ")
    of_group = "group" in text or "member" in text
    gone, left = any(w in text for w in _GONE), any(w in text for w in _LEFT)
    if denied:
        # `not disabled` says nothing of leaving; `not in_directory`, `not enabled` do.
        if gone or left:
            return MEMBER
        return LEFT if of_group else GONE
    if of_group and (gone or left or "not_" in text or "not " in text):
        return LEFT
    if gone or (left and ("director" in text or text.endswith("_ad"))):
        return GONE
    return LEFT if left else MEMBER
