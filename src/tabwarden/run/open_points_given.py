"""Open points as people give them: `name=value`, `blog`, or a YAML file of such lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tabwarden.model.errors import SettingsError
from tabwarden.model.open_points import BLOG, OpenPoints, open_points_from


def read_open_points(given: Iterable[str]) -> OpenPoints:
    """`name=value` words and YAML files of them, later ones winning. SettingsError names all mistakes."""
    return open_points_from(open_point_words(given))


def open_point_words(given: Iterable[str]) -> Iterator[str]:
    """Every `name=value` word, those of YAML files in their place. SettingsError for a file that cannot be read."""
    for one in given:
        yield from _words(one)


def _words(given: str) -> Iterator[str]:
    if "=" in given or given.strip().casefold() == BLOG:
        yield given
        return
    import yaml  # of use for files alone, and a fifth of what a small question costs

    path = Path(given)
    try:
        answers = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"`{given}` is no `name=value`, and no file that can be read: {error}"]) from None
    except yaml.YAMLError as error:
        raise SettingsError([f"`{given}` is not YAML: {error}"]) from None
    if not isinstance(answers, dict):
        raise SettingsError([f"`{given}` is a YAML file of `name: value` lines"])
    for name, value in answers.items():
        yield f"{name}={'' if value is None else value}"
