"""What the shell offers for a name: people, groups, paths, capabilities, sites, snapshots. Nothing heavy is loaded."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from pathlib import Path

from tabwarden.commands._parsing import (
    ANYTHING,
    CAPABILITIES,
    CHANGES,
    CONTENTS,
    GROUPS,
    PEOPLE,
    SITES,
    SNAPSHOTS,
    TOPICS,
    USERS,
)
from tabwarden.model.errors import SettingsError
from tabwarden.places import located
from tabwarden.store import names
from tabwarden.store.names import CONTENT, GROUP, PERSON, Known

Offers = Iterator[tuple[str, str]]
MOST_SNAPSHOTS = 50
VERBS = (
    "add allow assign clear copy delete deny describe give hide"
    " import let lock make move new refresh remove set show stop switch synchronise turn unlock use"
).split()
"""Those of effects.sentences, which to load takes longer than to complete."""
_SECTION = re.compile(r"^(\w+):[ \t]*(?:#.*)?$")
_FLOW = re.compile(r"^(\w+):[ \t]*\{(.*)\}[ \t]*(?:#.*)?$")
_PAIR = re.compile(r"(\w+):[ \t]+[\"']?([^\"'#{}\[\],|>&*!]+)")
_PLAIN = re.compile(r"^[ \t]+(\w+):[ \t]+[\"']?([^\"'#{}\[\]:|>&*!]+?)[\"']?[ \t]*(?:#.*)?$")


def offers(of: str, prefix: str, before: Sequence[str]) -> Offers:
    """What may stand where a name of that sort is wanted; `before` are the words before it, with their options.

    Nothing where the store is no folder, or the settings say it in no plain words.
    """
    words = set()
    try:
        for word, about in OFFERED[of](prefix, before):
            if word not in words:
                words.add(word)
                yield word, about
    except (OSError, ValueError):
        return


def _value(before: Sequence[str], option: str) -> str | None:
    """What an option among the words has for a value."""
    values = [after for word, after in pairwise(before) if word == option]
    values += [word.partition("=")[2] for word in before if word.startswith(f"{option}=")]
    return values[-1] if values else None


def _settings(before: Sequence[str]) -> tuple[Mapping[tuple[str, str], str], Path]:
    """What the settings say in plain lines, by section and key, and the folder they are in."""
    given = _value(before, "--settings")
    try:
        file = located(Path(given) if given else None, os.environ).path
    except SettingsError:
        file = None
    if file is None or file.suffix == ".aes":
        return {}, Path()
    lines, section = {}, ""
    for line in file.read_text(encoding="utf-8").splitlines():
        heading, plain, flow = _SECTION.match(line), _PLAIN.match(line), _FLOW.match(line)
        section = heading[1] if heading else section
        if plain:
            lines[section, plain[1]] = plain[2]
        elif flow:
            lines |= {(flow[1], key): value.strip() for key, value in _PAIR.findall(flow[2])}
    return lines, file.parent


def _store(before: Sequence[str]) -> Path:
    given = _value(before, "--store")
    if given:
        return Path(given)
    settings, folder = _settings(before)
    return folder / settings.get(("store", "folder"), ".tabwarden")


def _sites(before: Sequence[str]) -> list[Known]:
    """The names that are kept: those of the site that is meant, where it is known, else of all."""
    every = list(names.known(_store(before)))
    if len(every) < 2:
        return every
    wanted = (_value(before, "--site") or _settings(before)[0].get(("tableau", "site"), "")).casefold()
    return [one for one in every if wanted in (one.site.casefold(), one.content_url.casefold())] or every


def _of(*kinds: str) -> Callable[[str, Sequence[str]], Offers]:
    def named(prefix: str, before: Sequence[str]) -> Offers:
        plain = prefix.lstrip("/")
        for site in _sites(before):
            for kind in kinds:
                yield from names.beginning(site, kind, plain if kind == CONTENT else prefix)

    return named


def _capabilities(prefix: str, _: Sequence[str]) -> Offers:
    """REST names, and today's names in Tableau's dialog."""
    from tabwarden.model.capability import CAPABILITIES, READ_ONLY

    words = prefix.casefold()
    for row in CAPABILITIES.values():
        for name, other in {row.name: row.ui, row.ui: row.name}.items():
            if name.casefold().startswith(words) and row.name not in READ_ONLY:
                yield name, other if other != name else ""


def _site_names(prefix: str, before: Sequence[str]) -> Offers:
    words = prefix.casefold()
    for one in names.known(_store(before)):
        if one.content_url.casefold().startswith(words) and one.content_url:
            yield one.content_url, one.site
        elif one.site.casefold().startswith(words):
            yield one.site, one.content_url or "the Default site"
    if "all".startswith(words):
        yield "all", "every site, side by side"


def _snapshots(prefix: str, before: Sequence[str]) -> Offers:
    """The words for days, the newest days and numbers."""
    for word, about in (("last", "the newest"), ("previous", "the one before"), ("today", ""), ("yesterday", "")):
        if word.startswith(prefix.casefold()):
            yield word, about
    file = _store(before) / "history.db"
    if not file.is_file():
        return
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=0.1)) as connection:
        try:
            rows = connection.execute("select number, taken from snapshot order by number desc limit 1000").fetchall()
        except sqlite3.Error:
            return
    words = {str(taken)[:10]: f"snapshot {number}" for number, taken in reversed(rows)}
    words |= {str(number): str(taken) for number, taken in rows}
    yield from islice(((one, about) for one, about in words.items() if one.startswith(prefix)), MOST_SNAPSHOTS)


def _changes(prefix: str, before: Sequence[str]) -> Offers:
    """What a change begins with, then anything that has a name."""
    started = [word for word in before if word in VERBS]
    yield from ((verb, "") for verb in VERBS if not started and verb.startswith(prefix.casefold()))
    if started:
        yield from _of(CONTENT, PERSON, GROUP)(prefix, before)


def _topics(prefix: str, before: Sequence[str]) -> Offers:
    """The pages of the documentation; behind one nothing."""
    from tabwarden.report.pages import pages, topic

    known = pages() if before[-1:] == ["help"] else []
    words = {topic(page, known): page.title for page in known}
    yield from ((one, about) for one, about in words.items() if one.startswith(prefix.casefold()))


OFFERED: Mapping[str, Callable[[str, Sequence[str]], Offers]] = {
    USERS: _of(PERSON),
    PEOPLE: _of(PERSON, GROUP),
    GROUPS: _of(GROUP),
    CONTENTS: _of(CONTENT),
    ANYTHING: _of(CONTENT, PERSON, GROUP),
    CAPABILITIES: _capabilities,
    SITES: _site_names,
    SNAPSHOTS: _snapshots,
    CHANGES: _changes,
    TOPICS: _topics,
}
