"""A Site from Tableau Server's repository, or all its sites."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from tabwarden.model.errors import UnknownName
from tabwarden.model.names import same
from tabwarden.model.scope import PERSONAL, SETTINGS
from tabwarden.model.site import LOCAL, Site, Taken
from tabwarden.model.site_settings import SiteSettings
from tabwarden.tableau.repository.connecting import Repository, RepositoryOptions, Row, opened
from tabwarden.tableau.repository.content import read_contents, read_uses, with_rules
from tabwarden.tableau.repository.people import Lists, People, Reading, codes_in, read_people

log = logging.getLogger(__name__)
ACTIVE = "active"
STEPS = 10
Progress = Callable[[int, int], None]


def read_repository(options: RepositoryOptions, site: str = "", progress: Progress | None = None) -> Site:
    """The site with that content URL ('' is Default), whole; `progress` takes (done, of).

    UnknownName where there is none; TableauError where the repository cannot be entered or read, IncompleteRead where
    it broke off: then there is no Site.
    """
    with opened(options) as repository:
        listed = list(repository.rows("sites"))
        sites = [row for row in listed if same(row[3]) == same(site)]
        if not sites:
            there = ", ".join(f"`{row[3]}`" if row[3] else "Default" for row in sorted(listed, key=lambda row: row[3]))
            raise UnknownName(f"there is no site `{site}` in the repository; see `tableau.site`: it has {there}")
        return _Read(repository, sites[0], progress).site()


def read_all(options: RepositoryOptions, progress: Progress | None = None) -> Iterator[Site]:
    """Every active site, one after the other, all as they were at the same moment."""
    with opened(options) as repository:
        listed = list(repository.rows("sites"))
        for row in listed:
            if row[4] not in ("", ACTIVE):
                log.warning("site `%s` is %s and is left out", row[3], row[4])
        chosen = [row for row in listed if row[4] in ("", ACTIVE)]
        for number, row in enumerate(chosen):
            yield _Read(repository, row, _part(progress, number, len(chosen))).site()


def _part(progress: Progress | None, number: int, of: int) -> Progress | None:
    return None if progress is None else lambda done, steps: progress(number * steps + done, of * steps)


class _Read:
    """One read of one site from an open repository."""

    def __init__(self, repository: Repository, row: Row, progress: Progress | None) -> None:
        self._repository, self._progress = repository, progress
        self._done = 0
        self._row = dict(zip(repository.statements["sites"].names, row, strict=True))
        self._number = self._row["id"]

    def site(self) -> Site:
        """The Site, with what it lacks in `partial`."""
        repository, number = self._repository, self._number
        when = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        people = read_people(repository, number)
        self._step(4)
        contents = read_contents(repository, number, people)
        self._step(2)
        uses = read_uses(repository, number, contents)
        self._step()
        reading = Reading(repository, number, people)
        rules = reading.lists("rules", lambda kind, thing: (kind, thing) in contents.ids)
        self._step(2)
        has_defaults = bool(repository.statements["defaults"].sql)
        defaults = (
            reading.lists("defaults", lambda _, project: ("project", project) in contents.ids) if has_defaults else None
        )
        self._step()
        lacks = self._remarks(people, contents.personal, rules, defaults, sets_unread=reading.sets_unread)
        if rules.gone:
            log.info("%d rules speak of users or groups that are not on the site", rules.gone)
        site = Site(
            id=self._row["luid"],
            name=self._row["name"],
            content_url=self._row["content_url"],
            users=people.users,
            groups=people.groups,
            group_sets=people.group_sets,
            contents=contents.contents,
            settings=self._settings(),
            taken=Taken(repository.options.server, when, f"repository {repository.options.address}"),
            partial=tuple(lacks),
            nicknames=self._nicknames(),
        )
        return with_rules(site, contents, rules, defaults, uses)

    def _step(self, number: int = 1) -> None:
        self._done += number
        if self._progress is not None:
            self._progress(self._done, STEPS)

    def _nicknames(self) -> Mapping[str, str] | None:
        """Those of the server's domains; None where the repository does not tell."""
        if not self._repository.statements["domains"].sql:
            return None
        return {name: short for name, short in self._repository.rows("domains") if short and same(name) != LOCAL}

    def _settings(self) -> SiteSettings:
        """The settings that are columns of their own; others are as on a new site (`partial` names them)."""
        usual = SiteSettings()

        def flag(name: str, missing: bool) -> bool:
            return missing if not self._row[name] else self._row[name] == "true"

        return SiteSettings(
            web_authoring=flag("web_authoring", usual.web_authoring),
            commenting=flag("commenting", usual.commenting),
            subscriptions=flag("subscriptions", usual.subscriptions),
        )

    def _remarks(
        self, people: People, personal: int, rules: Lists, defaults: Lists | None, *, sets_unread: bool
    ) -> Iterator[str]:
        """What the Site lacks, in words."""
        row, statements = self._row, self._repository.statements
        if row["status"] not in ("", ACTIVE):
            yield f"whether anybody may sign in: the site is `{row['status']}`"
        codes = "".join(f", {name} {row[name]}" for name in ("content_admin_mode", "user_visibility") if row[name])
        yield f"{SETTINGS} (Explain Data, group sets{codes}), its seats, how people sign in"
        yield from people.remarks
        if personal:
            yield f"{personal} {PERSONAL}"
        for words in (*statements["contents"].unknown, *statements["connections"].unknown):
            if words != "virtual connections" or "virtualconnection" in rules.elsewhere:
                yield words
        for kind in ("database", "table", "datarole", "metric", "lens", "collection"):
            if kind in rules.elsewhere:
                yield f"content of the kind {kind}: its table in the repository is not known"
        if sets_unread:
            yield "group sets"
        yield from statements["defaults"].unknown
        yield from codes_in({"rules": rules} | ({"default rules": defaults} if defaults is not None else {}))
