"""Where the settings are looked for, and for which site: asked before anything heavy is loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

from tabwarden.model.errors import SettingsError

PLAIN, ENCRYPTED = "settings.yaml", "settings.yaml.aes"
_NEARLY = (
    "settings.yml",
    "settings.yaml.txt",
    "settings.json",
    "settings.toml",
    "settings.ini",
    "config.yaml",
    "config.yml",
)
"""What people call their settings that is not looked for."""
VARIABLE = "TABWARDEN_SETTINGS"
OPTION = "--settings"
ALL = "all"
BY_OPTION, BY_VARIABLE = f"by `{OPTION}`", f"by `{VARIABLE}`"
HERE, ABOVE, OWN = "in this folder", "in a folder above", "in your own folder"
WHERE = f"in this folder, in one above, or in {{own}}; name a file with `{OPTION}` or `{VARIABLE}`"


def is_pattern(words: str) -> bool:
    """Whether several sites may be meant."""
    return words.casefold() == ALL or any(letter in words for letter in "*?")


def browser_address(server: str, site: str) -> str:
    """A site (content URL) as a browser shows it: `https://tableau.example.com/#/site/acme`; Default ends at `#`."""
    return f"{server}/#/site/{site}" if site else f"{server}/#"


class Meant(NamedTuple):
    """The site that a command is about, by content URL or as a browser shows it.

    Settings that do not know it are an error, unless only the history is asked (`of_history`). `at_once` is how many
    sites of the server are worked on meanwhile. What is of all sites of a server at once is of those that a pattern of
    every one of `among` fits.
    """

    site: str
    of_history: bool = False
    at_once: int = 1
    among: tuple[tuple[str, ...], ...] = ()


SITE: ContextVar[Meant | None] = ContextVar("site", default=None)


@contextmanager
def about(meant: Meant) -> Iterator[None]:
    """Settings that are loaded meanwhile are those of this site."""
    token = SITE.set(meant)
    try:
        yield
    finally:
        SITE.reset(token)


class Location(NamedTuple):
    """The file that counts, None where there is none; `by` says what named it, `passed_over` whose were not taken."""

    path: Path | None = None
    by: str = ""
    passed_over: tuple[Path, ...] = ()

    @property
    def why_not(self) -> str:
        """Why there is none, and what to do."""
        sentence = (
            f"no {PLAIN} and no {ENCRYPTED} {WHERE.format(own=own_folder(os.environ))}; `tabwarden init` writes one"
        )
        near = next((name for name in _NEARLY if Path(name).is_file()), None)
        if near is not None:
            sentence += f"; `{near}` is there: if it is YAML, call it `{PLAIN}` or name it with `{OPTION}`"
        others = " and ".join(f"`{path}`" for path in self.passed_over)
        return f"{sentence} ({others} belongs to somebody else and is not taken by itself)" if others else sentence


def located(path: Path | None, environ: Mapping[str, str]) -> Location:
    """By `--settings`, else by TABWARDEN_SETTINGS, else here, above, and in one's own folder, in that order.

    SettingsError where a file or folder that was named has none. A file above that belongs to another user is passed
    over, for settings may name commands to be run.
    """
    if path is not None:
        return Location(_in_or_at(path), BY_OPTION)
    if environ.get(VARIABLE):
        return Location(_in_or_at(Path(environ[VARIABLE]).expanduser()), BY_VARIABLE)
    if (file_here := inside(Path())) is not None:
        return Location(file_here, HERE)
    passed_over: list[Path] = []
    for file in _above():
        if _is_trusted(file):
            return Location(file, ABOVE, tuple(passed_over))
        passed_over.append(file)
    own = inside(own_folder(environ))
    return Location(own, OWN if own else "", tuple(passed_over))


def own_folder(environ: Mapping[str, str]) -> Path:
    """Where a person's settings lie: `~/.config/tabwarden`, or as the system has it."""
    if sys.platform == "win32":
        base = environ.get("APPDATA")
    else:
        base = environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path("~/.config").expanduser()) / "tabwarden"


def inside(folder: Path) -> Path | None:
    """The settings file of a folder."""
    return next((folder / name for name in (PLAIN, ENCRYPTED) if (folder / name).exists()), None)


def _in_or_at(path: Path) -> Path:
    if path.is_dir():
        file = inside(path)
        if file is None:
            raise SettingsError([f"folder `{path}` has no {PLAIN} and no {ENCRYPTED}; name a file that is there"])
        return file
    beside = path.with_name(path.name + ".aes")
    file = path if path.exists() else beside
    if not file.exists():
        raise SettingsError([f"settings file `{path}` does not exist; name one that is there with `{OPTION}`"])
    return file


def _above() -> Iterator[Path]:
    try:
        folders = Path.cwd().parents
    except OSError:  # this folder is gone
        return
    yield from (file for folder in folders if (file := inside(folder)) is not None)


def _is_trusted(file: Path) -> bool:
    if sys.platform == "win32":
        return True
    try:
        return file.stat().st_uid in (os.getuid(), 0)
    except OSError:
        return False
