"""A source of the catalog for its administrator: whether mirroring is on, which projects, and the extraction.

He is under the mirror like anybody: of projects he is shown those that Tableau shows him. What he sets lies in the
database of the pages, over the settings file, which stays as it is; `tabwarden mirror` honours and tells it.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from typing import NamedTuple

from starlette.responses import Response

from tabwarden.commands._output import PROGRESS
from tabwarden.model.errors import TabwardenError
from tabwarden.model.names import same
from tabwarden.run import jobs
from tabwarden.run.read import last_list, list_projects, shown_to
from tabwarden.store.web.sources import change_source, forget_source
from tabwarden.web.pages.catalog import CatalogOf
from tabwarden.web.rights import CATALOG
from tabwarden.web.visit import Visit, page

MOST_LISTED = 900  # a form holds no more
_FAR = re.compile(r"^reading: (\d+) of (\d+)$", re.MULTILINE)
_BOX = "project."  # what the box of a project is called, its id behind it


class Project(NamedTuple):
    """A project that can be chosen; its path is made of names that the administrator sees."""

    id: str
    path: str
    is_chosen: bool


class SourcePage:
    """A source as its administrator may see it."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.site = visit, visit.site.site
        self.settings, self.mirror = visit.settings, visit.source.mirror
        self.server, self.url = visit.site.snapshot.where, visit.site.snapshot.content_url
        self.is_own = visit.site.settings is not None
        self.fetched = last_list(self.settings, self.site) if self.is_own else None

    @property
    def called(self) -> str:
        """What it is called where it is written down."""
        return f"source {self.url or self.site.name}"

    def projects(self) -> list[Project]:
        """Those that he may see: of the list that was fetched last, else of the last read."""
        catalog = CatalogOf(self.visit, self.visit.source.enforced_on_all)
        if catalog.user is None:
            return []
        if self.fetched is not None:
            shown = [(path, project.id) for path, project in shown_to(catalog.user.id, self.site, self.fetched)]
        else:
            shown = sorted((row.path, row.content.id) for row in catalog.shown(catalog.of_kind("project")))
        every = [Project(content, path, self._is_chosen(content)) for path, content in shown]
        return every if len(every) <= MOST_LISTED else [one for one in every if one.is_chosen or "/" not in one.path]

    def _is_chosen(self, project: str) -> bool:
        """Whether it is one of those that are set, by its id or path."""
        path = same(self.site.path(project)) if project in self.site.contents else None
        return any(word == project or same(_plain(word)) == path for word in self.mirror.projects)

    def selected(self, form: dict[str, str]) -> tuple[str, ...]:
        """The projects that a form selects. Those that are set and hidden from him stay as they are."""
        listed = {project.id: project.is_chosen for project in self.projects()}
        ticked = tuple(content for content in listed if form.get(_BOX + content))
        if not ticked:
            raise TabwardenError("select a project, or all of them")
        own = {same(self.site.path(c)) for c in listed if c in self.site.contents} | set(listed)
        hidden = (word for word in self.mirror.projects if not {word, same(_plain(word))} & own)
        return (*ticked, *hidden)

    @property
    def about(self) -> str:
        """What the job of its extraction is about."""
        return f"extracting {self.url or self.site.name}"

    @property
    def job(self) -> jobs.Job | None:
        """The last extraction."""
        return jobs.newest(self.settings.store.folder, self.about)


def _plain(word: str) -> str:
    return word.removeprefix("project:").strip("/")


class Extraction(NamedTuple):
    """How far the last extraction is, or how it ended."""

    job: jobs.Job
    done: int
    of: int
    said: tuple[str, ...]

    @property
    def state(self) -> str:
        """Running, published, failed, or broken off."""
        if self.job.is_running:
            return "running"
        return {None: "broken off", 0: "published"}.get(self.job.exit_code, "failed")


def extraction_of(job: jobs.Job | None) -> Extraction | None:
    """The last extraction; of what it said the lines that tell no names of what is near a wrong one."""
    if job is None:
        return None
    lines = (line.partition("; near it")[0] for line in job.lines if not _FAR.match(line))
    return Extraction(job, *far(job), tuple(lines))


def far(job: jobs.Job) -> tuple[int, int]:
    """How many requests of a read were answered, and of how many; (0, 0) where it has told none."""
    steps = _FAR.findall(job.said)
    return (int(steps[-1][0]), int(steps[-1][1])) if steps else (0, 0)


@page("/catalog/source", CATALOG)
def source(visit: Visit) -> Response:
    """What is set, the projects to choose from, and how the last extraction went."""
    opened = SourcePage(visit)
    return visit.show(
        "source.html",
        title=f"{opened.site.name} as a source",
        opened=opened,
        projects=opened.projects(),
        extraction=extraction_of(opened.job) if opened.is_own else None,
        change=visit.source.change,
        box=_BOX,
    )


@page("/catalog/source", CATALOG, methods=("POST",))
def change(visit: Visit) -> Response:
    """Set whether mirroring is on and which projects are mirrored, or give up what was set."""
    opened = SourcePage(visit)
    if visit.word("do") == "forget":
        with visit.doing("set", opened.called, "by the settings file again"):
            forget_source(visit.house.database, opened.server, opened.url)
        return visit.go("/catalog/source")
    enforce = visit.word("enforce") != "off"
    if not enforce and visit.source.enforced and not visit.word("sure"):
        raise TabwardenError("to switch mirroring off, tick as well that everybody shall see everything that was read")
    projects = opened.selected(dict(visit.form)) if visit.word("scope") == "some" else ()
    words = f"mirroring {'on' if enforce else 'OFF'}; projects: {', '.join(projects) or 'all'}"
    with visit.doing("set", opened.called, words):
        change_source(
            visit.house.database,
            opened.server,
            opened.url,
            datetime.now(UTC),
            enforce=enforce,
            projects=projects,
            by=visit.signed_in,
        )
    return visit.go("/catalog/source")


@page("/catalog/source/projects", CATALOG, methods=("POST",))
def fetch(visit: Visit) -> Response:
    """Fetch the list of projects from the server, as far as the one who fetches may see them."""
    opened, user = _own(visit), CatalogOf(visit).user
    if user is None:
        raise TabwardenError(f"nobody of the site has your name `{visit.name}`, so there is no list for you")
    visit.audit("fetched", f"projects of {opened.called}")
    list_projects(opened.settings, user.id)
    return visit.go("/catalog/source")


@page("/catalog/source/extraction", CATALOG, methods=("POST",))
def extract(visit: Visit) -> Response:
    """Read the site and publish its mirror, in a process of its own."""
    opened, file = _own(visit), visit.house.file
    visit.audit("extracted", opened.called)
    words = ["mirror", "--read", "--json", *(["--settings", str(file)] if file is not None else [])]
    words += ["--site", visit.site.address] if visit.house.settings.is_of_several else []
    jobs.start(opened.settings.store.folder, opened.about, words, visit.signed_in, {**os.environ, PROGRESS: "lines"})
    return visit.go("/catalog/source")


def _own(visit: Visit) -> SourcePage:
    """The source of the settings; TabwardenError for another, which other settings read."""
    opened = SourcePage(visit)
    visit.site.demand_settings()
    return opened
