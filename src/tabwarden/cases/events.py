"""The events of a provisioning case, each told to the life-cycle of `effects`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from tabwarden.cases.file import Json, site_of, thing_on
from tabwarden.cases.schema import EVENT_GROUP, EVENT_PERSON, HEIRS, PLACES_OF_WORDS, no_key
from tabwarden.effects import people
from tabwarden.effects.content import change_owner
from tabwarden.model.capability import kind_named
from tabwarden.model.errors import UnknownName
from tabwarden.model.roles import TIERS, is_licensed, licence_of
from tabwarden.model.site import Content, Group, Site, User


class Happened(NamedTuple):
    """Whether the event was done as asked, why, and the facts a case may state of the result."""

    done: bool
    because: str
    facts: Mapping[str, Any]


def happen(setup: Json, question: Json) -> Happened:
    """What the event does; UnknownName for what is said of nothing, or means nothing."""
    event, strange = question["event"], list(meaningless(setup, question))
    if strange:
        raise UnknownName("; ".join(strange))
    if event == "delete_from_server" and setup.get("sites"):
        return _delete_from_server(setup, question["user"])
    site = _with_owned(site_of(setup), {name: _owned(spec) for name, spec in (setup.get("users") or {}).items()})
    site = replace(site, licences=_licences(setup, site))
    outcome, concerned = _EVENTS[event](site, setup, question), [str(question.get("user"))]
    if event == "group_sync":
        concerned = _people(site, setup, question)
    if event == "assign_owner":
        concerned = [_new_owner(question)]
    owners = {content.name: content.owner for content in outcome.site.contents.values()}
    error = None if outcome.done else people.REFUSAL_CODES.get(outcome.because)
    facts: dict[str, Any] = {"error": error, "owner_of": owners}
    if len(concerned) == 1:
        facts |= _of_person(outcome, question, concerned[0])
    return Happened(outcome.done, outcome.because, facts)


def _owned(spec: Json) -> tuple[str, ...]:
    return tuple(spec.get("owns") or ())


def _with_owned(site: Site, owned: Mapping[str, tuple[str, ...]]) -> Site:
    """With a workbook for whatever people own and nothing else is said of."""
    names = {name: user for user, names in owned.items() for name in names}
    known = {name: site.contents[f"content:{name}"] for name in names if f"content:{name}" in site.contents}
    contents = (known.get(n) or Content(f"content:{n}", "workbook", n, None, user) for n, user in names.items())
    return site.with_contents(*(replace(one, owner=names[one.name]) for one in contents))


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


def _of_person(outcome: people.Outcome, question: Json, name: str) -> dict[str, Any]:
    """What a case may state of the person afterwards."""
    site = outcome.site
    ids = site.users_named(name)
    facts: dict[str, Any] = {"removed": not ids, "exists": bool(ids)}
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
    """What the synchronisation of a group does to one person, or to everybody who is in it or shall be."""
    group = _group(site, question)
    concerned = _people(site, setup, question)
    if not concerned:
        return people.Outcome(site, True, "nobody")
    reasons: list[str] = []
    for name in concerned:
        outcome = _synchronised(site, group.id, name, directory_says(setup, {**question, "user": name}))
        site = outcome.site
        reasons.append(outcome.because if outcome.done else f"{outcome.because} ({name})")
    return people.Outcome(site, all("(" not in reason for reason in reasons), ", ".join(dict.fromkeys(reasons)))


def _synchronised(site: Site, group: str, name: str, says: str) -> people.Outcome:
    if says in (GONE, LEFT):
        return people.group_sync(site, group, name, gone=says == GONE)
    if name not in site.users:
        site = site.with_users(User(name, name, "Unlicensed"))
    if name not in site.members(group):
        site = people.add_to_group(site, group, (name,)).site
    return people.import_member(site, name)


def _group(site: Site, question: Json) -> Group:
    """The group that is synchronised: the one named, or the only one there is."""
    groups = [group for group in site.groups.values() if not group.everyone]
    if "group" in question:
        return site.find_group(question["group"])
    if len(groups) != 1:
        raise UnknownName(
            f"`group` says which group is synchronised: {', '.join(g.name for g in groups) or 'there is none'}"
        )
    return groups[0]


def _people(site: Site, setup: Json, question: Json) -> list[str]:
    """Whom a synchronisation concerns: the person named, else the members and whom the directory counts among them."""
    if "user" in question:
        return [question["user"]]
    group = _group(site, question)
    listed = [n for value in _of_the_event(setup, question).values() if isinstance(value, list) for n in value]
    says = {n: directory_says(setup, {**question, "user": n}) for n in (*sorted(group.members or ()), *listed)}
    return [name for name, state in says.items() if name in (group.members or ()) or state == MEMBER]


def _remove_user(site: Site, _: Json, question: Json) -> people.Outcome:
    heir = next((question[key] for key in HEIRS if question.get(key)), None)
    return people.remove_user(site, question["user"], heir=heir)


def _set_site_role(site: Site, _: Json, question: Json) -> people.Outcome:
    via_rest = str(question.get("via", "REST")).upper() != "UI"
    return people.set_site_role(site, question["user"], question["role"], via_rest=via_rest)


def _new_owner(question: Json) -> str:
    owner = question.get("to") or question.get("user")
    if owner is None:
        raise UnknownName("`to` (or `user`) says who becomes the owner")
    return str(owner)


def _assign_owner(site: Site, _: Json, question: Json) -> people.Outcome:
    """Of a content that is named, who owns it afterwards; of a kind alone, whether somebody may."""
    to, content = _new_owner(question), question.get("content")
    thing = None if content is None else site.contents[thing_on(site, content, "question.content")]
    kind = thing.kind if thing is not None else kind_named(question.get("content_type", "workbook"))
    outcome = people.assign_owner(site, to, kind)
    if thing is None or not outcome.done:
        return outcome
    return outcome._replace(site=change_owner(site, thing.id, to))


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
# Words for somebody who is there, which say as much as those for somebody who is gone.
_THERE = ("activ", "enabl", "present", "member", "director", "group")


def meaningless(setup: Json, question: Json) -> Iterator[str]:
    """Keys beyond those of the schema that say nothing of a directory: a synchronisation alone has such keys."""
    places = [(name, schema, {"setup": setup, "question": question}[name]) for name, schema in PLACES_OF_WORDS]
    for table, schema in (("users", EVENT_PERSON), ("groups", EVENT_GROUP)):
        named = (setup.get(table) or {}).items()
        places += [(f"setup.{table}.{name}", schema, one) for name, one in named if isinstance(one, Mapping)]
    for place, schema, said in places:
        for key, value in said.items():
            if key not in schema["properties"] and not (question["event"] == "group_sync" and _speaks(key, value)):
                yield no_key(schema, key, place)


def _speaks(key: str, value: Any) -> bool:
    text = f"{key} {value}".casefold()
    return any(word in text for word in (*_GONE, *_LEFT, *_THERE))


def directory_says(setup: Mapping[str, Any], question: Mapping[str, Any]) -> str:
    """`gone` from the directory, `left` the group, or still its `member`."""
    user = question["user"]
    said = {_judged(words) for words in _words(_of_the_event(setup, question), user)}
    return next(state for state in (GONE, LEFT, MEMBER) if state in said or state == MEMBER)


def _of_the_event(setup: Mapping[str, Any], question: Mapping[str, Any]) -> dict[str, Any]:
    """Every field that the schema does not name: what the directory says."""
    schemas = dict(PLACES_OF_WORDS)
    person = (setup.get("users") or {}).get(question.get("user")) or {}
    group = (setup.get("groups") or {}).get(question.get("group")) or {}
    places = ((question, schemas["question"]), (setup, schemas["setup"]), (person, EVENT_PERSON), (group, EVENT_GROUP))
    facts: dict[str, Any] = {}
    for said, schema in places:
        if isinstance(said, Mapping):
            facts |= {key: value for key, value in said.items() if key not in schema["properties"]}
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
