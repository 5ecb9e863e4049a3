"""The facts a plan rests on, as flat words: seen at planning, compared before applying.

user:local\\jane                  site role, None when not on the site
id of user:local\\jane            her id, None when not on the site
group:local\\viewers              `minimum site role, mode`, None when there is no such group
id of group:local\\viewers
user:local\\jane in group:...     True or False
groups of user:local\\jane        only of a person who is removed: keys of her groups, sorted
rules for user:local\\jane        only where they were carried over to somebody: how many, and a word for all of them
nickname of west.corp.example     of a domain of the server, None when it is not known there
mode of 0a1b..                    content permissions mode, None when there is no such project
place of 0a1b..                   id of the project it is in, None at the top level or when it is gone
owner of 0a1b..   tabs of 0a1b..
rules of 0a1b.. for user:local\\jane            `Allow Read` and so on, sorted; None when they were not read
workbook defaults of 0a1b.. for user:...        the same of a project's default rules
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tabwarden.effects.change import Change, Facts, Value
from tabwarden.effects.ref import Lookup
from tabwarden.model.site import Site

RULE_FACTS = ("rules", "defaults")
_UNKNOWN = "\0"


def facts(site: Site, changes: Iterable[Change]) -> Facts:
    """What `changes` touch, as it is on `site`."""
    lookup = Lookup(site)
    return {name: value for change in changes for name, value in change.facts(lookup)}


def after(seen: Facts, done: Iterable[Change]) -> Facts:
    """What `seen` becomes when these changes are done; the ids of what they create are not known and left out."""
    moved = dict(seen)
    for change in done:
        change.moves(moved)
    return moved


def still_judged(expected: Facts, touched: Sequence[Change]) -> Facts:
    """Facts without those that the changes done or begun may have moved by themselves.

    A lock, a move and tabs overwrite rules of what lies below; the rows that are left are written whatever they are.
    """
    if not any(change.overwrites_below for change in touched):
        return expected
    return {name: value for name, value in expected.items() if not name.partition(" of ")[0].endswith(RULE_FACTS)}


def differences(expected: Facts, now: Facts, open_changes: Iterable[Change] = ()) -> tuple[str, ...]:
    """What is not as expected, a line each.

    `open_changes` may or may not have been done (their end was not recorded): either is as expected.
    """
    either = after(expected, open_changes)
    unsure = {key for key in expected if expected[key] != either.get(key, _UNKNOWN)}
    lines = []
    for key in sorted(expected):
        value = now.get(key)
        known = key in now and (value == expected[key] or (key in unsure and value == either.get(key, value)))
        if not known:
            lines.append(f"{key}: was `{_word(expected[key])}`, is `{_word(value)}`")
    return tuple(lines)


def _word(value: Value) -> str:
    if value is None:
        return "not there"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
