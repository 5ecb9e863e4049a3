"""Opening what is asked about: which snapshot somebody means, as a Site or as the questions to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tabwarden.model.errors import SettingsError, UnknownName
from tabwarden.model.names import hint
from tabwarden.model.open_points import BLOG, CURRENT, DOCUMENTED, OpenPoints, open_points_from
from tabwarden.model.scope import is_limited
from tabwarden.model.site import Site
from tabwarden.questions import Questions
from tabwarden.run.history import LAST, open_either, open_every_site, time_of
from tabwarden.safe_files import read_text, yaml_value
from tabwarden.store import snapshot
from tabwarden.troubles import why

OLD = 7  # days


def read_open_points(given: Iterable[str]) -> OpenPoints:
    """`name=value` words, `blog` and YAML files of words, later ones winning. SettingsError names all mistakes."""
    return open_points_from(open_point_words(given))


def open_point_words(given: Iterable[str], part: str = "open_points") -> Iterator[str]:
    """Every `name=value` word, those of YAML files in their place. SettingsError for a file that cannot be read.

    `part` is what of a file of `tabwarden conformance` is meant.
    """
    for one in given:
        yield from _words(one, part)


def _words(given: str, part: str) -> Iterator[str]:
    if "=" in given or given.strip().casefold() == BLOG:
        yield given
        return
    import yaml  # of use for files alone, and a fifth of what a small question costs

    path = Path(given)
    try:
        answers = yaml_value(read_text(path))
    except (OSError, UnicodeDecodeError) as error:
        near = hint(given, {BLOG: ""})
        is_neither = f"`{given}` is no `name=value`, and no file that can be read"
        raise SettingsError([f"{is_neither}: {why(error)}{near}"]) from None
    except yaml.YAMLError as error:
        raise SettingsError([f"`{given}` is not YAML: {why(error)}"]) from None
    if isinstance(answers, dict) and answers.get("tabwarden") == "conformance":
        answers = answers.get(part)
    if not isinstance(answers, dict):
        raise SettingsError([f"`{given}` is a YAML file of `name: value` lines"])
    for name, value in answers.items():
        yield f"{name}={'' if value is None else value}"


def doubts(site: Site, now: datetime) -> list[str]:
    """What is to be known before an answer is believed: an old snapshot, a read that may lack what others may see."""
    lines = []
    age = now - time_of(site.taken.when) if site.taken.when else None
    if age is not None and age.days >= OLD:
        lines.append(f"the snapshot is {age.days} days old: what was mended since is still found, what is new is not")
    if is_limited(site):
        by = f", by {site.taken.by} ({site.taken.by_role})" if site.taken.by_role else ""
        lines.append(f"the site was read in part{by}: what was not read is not found, and its absence is no proof")
    return lines


@dataclass(frozen=True, slots=True)
class Where:
    """Which snapshot to ask: the newest of the history, or the one that `path` means (a number, a day, a folder).

    `store` is the history (a folder or URL; None: that of the settings), `site` a content URL or name (None: of the
    settings, where there are several), `settings` where those are (None: where they are found). With `folder` no
    history is asked: the newest of the snapshot folders in it.
    """

    folder: Path | None = None
    path: Path | str | None = None
    site: str | None = None
    store: str | None = None
    settings: Path | None = None


def open_questions(where: Where, model: str = CURRENT, open_points: OpenPoints = DOCUMENTED) -> Questions:
    """The questions to the snapshot that is meant; UnknownName where there is none, or no such model."""
    Questions(Site(), model=model)  # before a database is asked
    return Questions(open_site(where), model=model, open_points=open_points)


def open_site(where: Where) -> Site:
    """The Site to ask; UnknownName where there is no snapshot."""
    if where.folder is None or where.path is not None:
        return open_either(where.path or LAST, where.store, where.site, where.settings)
    folders = _newest_folders(where.folder, where.site)
    if not folders:
        of = f" of site `{where.site}`" if where.site is not None else ""
        raise UnknownName(f"no snapshot{of} in `{where.folder}`: take one with `tabwarden read`")
    if len(folders) > 1:
        urls = ", ".join(f"`{url}`" for url in sorted(folders))
        raise UnknownName(f"`{where.folder}` holds snapshots of several sites; say which with --site: {urls}")
    return snapshot.load(next(iter(folders.values())))


def all_sites(where: Where) -> list[Site]:
    """The newest snapshot of every site there is."""
    if where.folder is None:
        return open_every_site(where.store, where.site, where.settings)
    return [snapshot.load(path) for _, path in sorted(_newest_folders(where.folder, where.site).items())]


def _newest_folders(folder: Path, site: str | None) -> dict[str, Path]:
    urls = [site] if site is not None else sorted(snapshot.sites(folder))
    folders = {url: snapshot.latest(folder, url) for url in urls}
    return {url: path for url, path in folders.items() if path is not None}
