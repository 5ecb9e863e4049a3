"""What the words of a question are, whatever their order: a person, a group, a capability, a content."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from typing import TYPE_CHECKING, Any

from tabwarden.commands._output import say
from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.names import hint

if TYPE_CHECKING:
    from tabwarden.model.site import Site

PERSON, CAPABILITY, CONTENT = "person", "capability", "content"


def in_order(site: Site, command: str, words: Sequence[str], places: Sequence[str]) -> tuple[str, ...]:
    """The words in the order of `places`: as they stand, unless they fit another order alone; that is said."""
    if all(IS[place](site, word) for place, word in zip(places, words, strict=True)):
        return tuple(words)
    for other in permutations(words):
        if all(IS[place](site, word) for place, word in zip(places, other, strict=True)):
            from tabwarden.commands._options import typed

            say(f"taken as `tabwarden {command} {' '.join(map(typed, other))}`")
            return other
    return tuple(words)


def is_group(site: Site, words: str) -> bool:
    """Whether a group is meant, and nobody has that name; UnknownName where groups alone are called nearly so."""
    from tabwarden.model.resolver import groups_meant, near_user, users_meant

    if users_meant(site, words):
        return False
    if groups_meant(site, words):
        return True
    near = hint(words, {group.name: "" for group in site.groups.values()})
    if near and not is_content(site, words) and "near it" not in near_user(site, words):
        raise UnknownName(f"no user and no group `{words}` on site `{site.name}`{near}")
    return False


def is_content(site: Site, words: str) -> bool:
    """Whether it is a path or an id of content."""
    from tabwarden.model.resolver import contents_meant

    return bool(contents_meant(site, words))


def is_capability(_: Site, words: str) -> bool:
    """Whether it is a name of a capability or an ability."""
    from tabwarden.access.abilities.ability import ACTIONS
    from tabwarden.model.capability import capability_named

    prefix, colon, _rest = words.strip().casefold().partition(":")
    if colon and prefix in (CAPABILITY, "ability"):
        return True
    try:
        capability_named(words)
    except AmbiguousName:
        return True
    except UnknownName:
        return words.strip().casefold().replace(" ", "_").replace("-", "_") in ACTIONS
    return True


def _is_person(site: Site, words: str) -> bool:
    """A user, or a group where the people in it are meant."""
    from tabwarden.model.resolver import groups_meant, users_meant

    return bool(users_meant(site, words) or groups_meant(site, words))


IS: Mapping[str, Callable[[Any, str], bool]] = {PERSON: _is_person, CAPABILITY: is_capability, CONTENT: is_content}
