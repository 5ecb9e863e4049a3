"""The events of a provisioning case, each told to the life-cycle of `change`. Not the life-cycle itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from tabwarden.cases.file import Json, site_of
from tabwarden.change import people
from tabwarden.model.roles import TIERS
from tabwarden.model.site import Content, Site, User

GONE = ("disab", "delet", "gone", "inactive")


class Happened(NamedTuple):
    """Whether the event was done as asked, why, and the facts a case may state of the result."""

    done: bool
    because: str
    facts: Mapping[str, Any]


def happen(setup: Json, question: Json) -> Happened:
    """What the event does; ValueError for an event this release does not know."""
    event = question["event"]
    if event == "delete_from_server":
        return _delete_from_server(setup, question["user"])
    if event not in _EVENTS:
        raise ValueError(f"no event is called `{event}`; events are {', '.join(sorted(_EVENTS))}")
    site = _with_owned(site_of(setup), {name: spec.get("owns", ()) for name, spec in setup.get("users", {}).items()})
    site = replace(site, licences=_licences(setup))
    outcome = _EVENTS[event](site, question)
    return Happened(outcome.done, outcome.because, _facts(outcome, question["user"]))


def _with_owned(site: Site, owned: Mapping[str, Any]) -> Site:
    return site.with_contents(
        *(Content(name, "workbook", name, None, user) for user, names in owned.items() for name in names or ())
    )


def _licences(setup: Json) -> Mapping[str, int] | None:
    told = setup.get("licences", setup.get("licenses"))
    if told is None:
        return None
    seats = {tier: told[key] for tier in TIERS for key in told if key.casefold() == tier.casefold()}
    return {tier: n if isinstance(n, int) else int(n.get("total", n.get("free", 0))) for tier, n in seats.items()}


def _facts(outcome: people.Outcome, name: str) -> dict[str, Any]:
    site = outcome.site
    ids = site.users_named(name)
    facts: dict[str, Any] = {"removed": not ids}
    if ids:
        user = site.users[ids[0]]
        groups = sorted(site.groups[g].name for g in site.groups_of(user.id))
        facts |= {"site_role": user.site_role, "groups": groups, "owns": list(people.owned_by(site, user.id))}
        facts["in_all_users"] = any(site.groups[g].everyone for g in site.groups_of(user.id))
        facts["can_sign_in"] = people.sign_in(site, user.id).done
    if not outcome.done and outcome.because in people.REFUSAL_CODES:
        facts["error"] = people.REFUSAL_CODES[outcome.because]
    return facts


def _delete_from_server(setup: Json, user: str) -> Happened:
    """Removed where he owns nothing, Unlicensed where he owns ("View, Manage, or Remove Users", several sites)."""
    facts: dict[str, Any] = {}
    done = True
    for name, spec in setup["sites"].items():
        site = _with_owned(site_of({"users": setup.get("users", {})}), {user: spec.get("owns", ())})
        outcome = people.remove_user(site, user)
        done = done and outcome.done
        facts[name] = "removed" if outcome.done else outcome.site.users[user].site_role
    return Happened(done, "removed" if done else "owns_content_on_some_site", facts)


def _import(site: Site, question: Json) -> people.Outcome:
    name = question["user"]
    if name not in site.users:
        site = site.with_users(User(name, name, "Unlicensed"))
    if question.get("import_role"):
        return people.directory_sync(site, name, question["import_role"])
    return people.import_member(site, name)


def _group_sync(site: Site, question: Json) -> people.Outcome:
    """Whether somebody is gone from the directory or only from the group is told in any of the other fields."""
    said = [k for k, v in question.items() if v is True] + [str(v) for v in question.values()]
    gone = any(word in text.casefold() for text in said for word in GONE)
    group = question.get("group") or next((g.id for g in site.groups.values() if not g.everyone), "")
    return people.group_sync(site, str(group), question["user"], gone=gone)


def _remove_user(site: Site, question: Json) -> people.Outcome:
    heir = next((question[k] for k in ("map_assets_to", "mapAssetsTo", "map_to", "heir") if question.get(k)), None)
    return people.remove_user(site, question["user"], heir=heir)


_EVENTS: Mapping[str, Callable[[Site, Json], people.Outcome]] = {
    "sign_in": lambda site, q: people.sign_in(site, q["user"]),
    "import": _import,
    "set_site_role": lambda site, q: people.set_site_role(site, q["user"], q["role"], via_rest=q.get("via") != "UI"),
    "remove_user": _remove_user,
    "directory_sync": lambda site, q: people.directory_sync(site, q["user"], q["import_role"]),
    "group_sync": _group_sync,
    "add_user": lambda site, q: people.add_user(site, User(q["user"], q["user"], q["role"])),
    "assign_owner": lambda site, q: people.assign_owner(site, q["user"], q.get("content_type", "workbook")),
}
