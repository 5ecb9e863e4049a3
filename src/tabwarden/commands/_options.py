"""The options that several commands take, each with the same name and meaning everywhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from tabwarden.commands._parsing import SITES, SNAPSHOTS, Option
from tabwarden.places import BY_OPTION

if TYPE_CHECKING:
    from tabwarden.model.open_points import OpenPoints
    from tabwarden.model.site import Site
    from tabwarden.model.usage import LastUse
    from tabwarden.questions import Questions
    from tabwarden.run.open_snapshot import Where
    from tabwarden.settings import Settings

SNAPSHOT = "Which snapshot"
WHEN = "a day, a time, a number of the history, `last`, `previous`"
MODELS = ("current", "classic", "deny_first")  # those of model.open_points, which a declaration need not load
CURRENT = MODELS[0]

SnapshotWords = Annotated[
    str | None,
    Option("--on", "--snapshot", about=f"Not the newest: {WHEN}, or a folder of one.", under=SNAPSHOT, of=SNAPSHOTS),
]
SnapshotFolder = Annotated[
    Path | None,
    Option("--snapshots", about="Ask the newest of the snapshot folders in here, and no history.", under=SNAPSHOT),
]
StoreWords = Annotated[
    str | None,
    Option("--store", about="Folder or URL of the history; default: of the settings, else .tabwarden.", under=SNAPSHOT),
]
SiteUrl = Annotated[
    str | None,
    Option(
        "--site",
        about="Name, content URL or address of the site; a pattern or `all`: side by side. Default: of the settings.",
        under=SNAPSHOT,
        of=SITES,
    ),
]
SettingsPath = Annotated[
    Path | None, Option("--settings", about="File or folder; default: TABWARDEN_SETTINGS, here, above, your own.")
]
Model = Annotated[
    str, Option("--model", about="current, classic (2012) or deny_first (a careful mirror's).", choices=MODELS)
]
OpenPointWords = Annotated[
    list[str] | None,
    Option(
        "--open-point",
        about="An open point as name=value, `blog`, or a YAML file of them; repeatable.",
        value="NAME=VALUE|FILE",
    ),
]
Engine = Annotated[
    str | None,
    Option(
        "--engine",
        about="Have it worked out by Apache Spark: its cluster by URL, else that of the settings.",
        value="spark[=MASTER]",
        choices=("spark",),
    ),
]


class Asking(NamedTuple):
    """The options that every question takes: which snapshot it is put to, and under which model."""

    snapshot: SnapshotWords = None
    snapshots: SnapshotFolder = None
    store: StoreWords = None
    site_url: SiteUrl = None
    model: Model = CURRENT
    open_point: OpenPointWords = None
    settings: SettingsPath = None

    @property
    def where(self) -> Where:
        """The snapshot that is meant."""
        from tabwarden.run.open_snapshot import Where

        return Where(self.snapshots, self.snapshot, self.site_url, self.store, self.settings)

    @property
    def open_points(self) -> OpenPoints:
        """The open points of the permission model, as settled by the words and files given."""
        from tabwarden.run.open_snapshot import read_open_points

        return read_open_points(self.open_point or ())

    def questions(self) -> Questions:
        """The questions to that snapshot; UnknownName where there is none."""
        from tabwarden.run.open_snapshot import open_questions

        open_points = self.open_points
        return open_questions(self.where, self.model, open_points)

    def site(self) -> Site:
        """That snapshot's Site, for what no model bears on; UnknownName where there is none."""
        from tabwarden.run.open_snapshot import open_site

        return open_site(self.where)

    def use(self, site: Site) -> LastUse | None:
        """Who last used what there, where that was read (`read --use`)."""
        from tabwarden.run.history import store_named
        from tabwarden.store.usage.days import last_use

        return last_use(store_named(self.store, self.settings), site) if self.snapshots is None else None

    def everywhere(self) -> list[Questions]:
        """The questions to the newest snapshot of every site there is."""
        from tabwarden.questions import Questions
        from tabwarden.run.open_snapshot import all_sites

        open_points = self.open_points
        return [Questions(site, model=self.model, open_points=open_points) for site in all_sites(self.where)]


NEWEST = Asking()
Out = Annotated[Path | None, Option("--out", about="Where to write the plan; default: in the store's folder.")]
Accept = Annotated[
    list[str] | None,
    Option("--accept", about="Accept one stop by its name and number; repeatable.", value="STOP=NUMBER"),
]


def again(settings: Settings) -> str:
    """` --settings FILE` for a command that is to follow, where one was needed here."""
    return f" --settings {typed(settings.origin)}" if settings.found_by == BY_OPTION else ""


def typed(path: Path | str) -> str:
    """A path as it is typed into a shell."""
    import shlex

    words = str(path)
    if sys.platform == "win32":
        return f'"{words}"' if " " in words else words
    return shlex.quote(words)


def load_settings(path: Path | None) -> Settings:
    """The settings of `--settings`, else where some are found; SettingsError with every problem."""
    from tabwarden.settings import load

    return load(path, os.environ)
