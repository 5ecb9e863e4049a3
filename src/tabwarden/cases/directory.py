"""What a case says of somebody's place in the directory when a group is synchronised.

The documents tell two scenarios apart (Active Directory document, "Sync behavior"): deleted or disabled in the
directory, or only removed from the group. Cases word them in fields of their own, so the words decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

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
    said = {_judged(words) for words in _words(_facts(setup, question), user)}
    return next(state for state in (GONE, LEFT, MEMBER) if state in said or state == MEMBER)


def _facts(setup: Mapping[str, Any], question: Mapping[str, Any]) -> dict[str, Any]:
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
