"""Trying beliefs on a real server: each check makes its small world in a throw-away project, asks, and takes it away.

All it makes lies in that project or has a name that begins with the prefix of the run: users, groups, group sets, and
where that is allowed one project at the top. So what a killed run left is known by its names (`cleaned`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from tabwarden.access.answer import UNKNOWN
from tabwarden.access.reference import may
from tabwarden.model.errors import TableauError, TabwardenError, UnknownName
from tabwarden.model.governing import managing_project
from tabwarden.model.open_points import DOCUMENTED, OPEN_POINTS
from tabwarden.model.site import Content, Site
from tabwarden.run.beliefs import BY_HAND, CHECKS, PLAY, SWITCH, Check
from tabwarden.run.read import repository_options
from tabwarden.run.small_world import MADE, NotTried, SmallWorld, gone
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.read.site import read_projects
from tabwarden.tableau.repository.read import read_repository

if TYPE_CHECKING:
    from tabwarden.settings import Settings
    from tabwarden.tableau.repository.own_answers import OwnAnswer

HOLDS, DIFFERS, NOT_TRIED = "holds", "differs", "not tried"
PREFIX = "tabwarden-check-"
FORMAT, MOST_TOLD = 1, 5
REPOSITORY = "repository"
Progress = Callable[[int, int], None]
Position = bool | str


class Trial(NamedTuple):
    """What came of one check: `answered` is the position, None where it could not be tried, and `why` says why not."""

    check: str
    kind: str
    about: str
    documented: Position
    answered: Position | None
    why: str = ""

    @property
    def verdict(self) -> str:
        if self.answered is None:
            return NOT_TRIED
        return HOLDS if self.answered == self.documented else DIFFERS


class Conformance(NamedTuple):
    """What came of a run: a line for each belief, and what was asked, without names of people, site or host."""

    api: str
    product: str
    day: str
    trials: tuple[Trial, ...]

    def settled(self, kind: str = SWITCH) -> Mapping[str, Position]:
        """The answers by name, those that hold too."""
        return {one.check: one.answered for one in self.trials if one.kind == kind and one.answered is not None}

    def as_json(self) -> dict[str, Any]:
        """The file that `--open-point` takes, and `--play` of the sandbox."""
        return {
            "format": FORMAT,
            "tabwarden": "conformance",
            "api": self.api,
            "product": self.product,
            "made": self.day,
            "open_points": dict(self.settled()),
            "play": dict(self.settled(PLAY)),
            "checks": [one._asdict() | {"verdict": one.verdict} for one in self.trials],
        }


def tried(
    connection: Connection,
    project: str,
    *,
    prefix: str = PREFIX,
    top_level: bool = False,
    only: tuple[str, ...] = (),
    progress: Progress = lambda _done, _of: None,
) -> Conformance:
    """Carry out every check, or `only` those; TabwardenError where something of an earlier run is left.

    `project` is the path of a project in which everything may be made and taken away. `top_level` allows one project
    beside it.
    """
    home = _home(connection, project)
    if any(left := remains(connection, home, prefix).values()):
        raise TabwardenError(
            f"{sum(map(len, left))} things whose names begin with `{prefix}` are here already, as a run leaves them "
            "that was killed; take them away with `--clean`, or give another `--prefix`"
        )
    unknown = sorted(set(only) - {check.name for check in CHECKS})
    if unknown:
        raise UnknownName(f"no check is called `{unknown[0]}`; there are {', '.join(check.name for check in CHECKS)}")
    chosen = [check for check in CHECKS if not only or check.name in only]
    lines = []
    for number, check in enumerate(chosen):
        progress(number, len(chosen))
        lines.append(_line(connection, home, prefix, check, top_level=top_level))
    if not only:
        names = {line.check for line in lines}
        lines += [
            Trial(point.name, SWITCH, point.on, getattr(DOCUMENTED, point.name), None, BY_HAND[point.name])
            for point in OPEN_POINTS.values()
            if point.name not in names
        ]
    info = connection.call("GET", "/serverinfo")
    product = info.findtext(".//productVersion", "") if info is not None else ""
    return Conformance(connection.version, product, f"{datetime.now(UTC):%Y-%m-%d}", tuple(lines))


def remains(connection: Connection, home: Content, prefix: str) -> Mapping[str, list[str]]:
    """Ids of what has the prefix: projects in the throw-away one or at the top, group sets, groups, users."""
    ours: dict[str, list[str]] = {}
    for path, tag in zip(MADE, ("project", "groupSet", "group", "user"), strict=True):
        if path == "groupsets" and not connection.supports("3.22"):
            continue
        ours[path] = [
            one.get("id", "")
            for one in connection.pages(path, tag)
            if one.get("name", "").startswith(prefix)
            and (tag != "project" or one.get("parentProjectId") in (home.id, None))
        ]
    return ours


def cleaned(connection: Connection, project: str, prefix: str = PREFIX) -> Mapping[str, int]:
    """Take away what a killed run left: how many of which kind were there."""
    left = remains(connection, _home(connection, project), prefix)
    for path, ids in left.items():
        for one in ids:
            gone(connection, f"{path}/{one}")
    return {path: len(ids) for path, ids in left.items() if ids}


def _home(connection: Connection, project: str) -> Content:
    site = read_projects(connection)
    home = site.find_content(project)
    if home.kind != "project" or managing_project(site, home.id) is not None:
        raise TabwardenError(
            f"`{project}` must be a project whose content has rules of its own; unlock it, or name one"
        )
    return home


def _line(connection: Connection, home: Content, prefix: str, check: Check, *, top_level: bool) -> Trial:
    about = (check.name, check.kind, check.about, check.documented)
    if not connection.supports(check.since):
        return Trial(
            *about, None, f"it needs version {check.since} of the API; this server speaks {connection.version}"
        )
    if check.is_top_level and not top_level:
        return Trial(*about, None, "it makes a project at the top level, which `--top-level` allows")
    world = SmallWorld(connection, home, prefix, check.name)
    try:
        return Trial(*about, world.answer(check))
    except NotTried as reason:
        return Trial(*about, None, str(reason))
    except TableauError as error:
        if error.status == 0:
            raise
        return Trial(*about, None, f"the server refused to make its world ({error.code or error.status})")
    finally:
        world.remove()


# -- what the repository's own functions say ------------------------------------------------------------------


def repository_held(settings: Settings, people: int) -> Conformance:
    """Tableau's own answers for so many people, chosen by the site's id, held against ours: a trial a function."""
    from tabwarden.tableau.repository.connecting import opened
    from tabwarden.tableau.repository.own_answers import answers_of, functions_of

    options = repository_options(settings)
    site = read_repository(options, settings.tableau.site)
    users = Random(site.id).sample(sorted(site.users), min(people, len(site.users)))
    trials = []
    with opened(options) as repository:
        for function in functions_of(repository):
            about = (
                function.name,
                REPOSITORY,
                f"what people may on a {function.kind or 'content'}, as Tableau says",
                True,
            )
            try:
                answers = [] if function.why else answers_of(repository, function, site.id, users)
            except ValueError as reason:
                function = function._replace(why=str(reason))
            if function.why or not answers:
                trials.append(Trial(*about, None, function.why or "it says nothing of these people"))
            else:
                trials.append(Trial(*about, *_held_against(site, answers)))
    if not trials:
        why = "the repository shows no functions `perm_users_*_capabilities` to this role"
        trials.append(
            Trial("perm_users_*_capabilities", REPOSITORY, "what people may, as Tableau says", True, None, why)
        )
    return Conformance("", "", f"{datetime.now(UTC):%Y-%m-%d}", tuple(trials))


def _held_against(site: Site, answers: list[OwnAnswer]) -> tuple[bool, str]:
    """Whether all are ours too, and in words how many there are and which differ, by capability and kind."""
    differences = Counter[str]()
    unknown = 0
    for one in answers:
        if one.content not in site.contents or one.user not in site.users:
            continue
        ours = may(site, one.user, one.capability, one.content)
        unknown += ours.verdict == UNKNOWN
        if ours.verdict != UNKNOWN and ours.allowed != one.allowed:
            theirs = f"{'allowed' if one.allowed else 'denied'}{f' ({one.reason})' if one.reason else ''}"
            kind = site.contents[one.content].kind
            differences[f"{one.capability} of a {kind} is {theirs} there and {ours.verdict} ({ours.because}) here"] += 1
    words = f"{len(answers):,} answers, {sum(differences.values()):,} differ" + (
        f", {unknown:,} unknown" * bool(unknown)
    )
    parts = [words, *(f"{what}: {count:,} times" for what, count in differences.most_common(MOST_TOLD))]
    return not differences, "; ".join(parts)
