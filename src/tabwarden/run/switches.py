"""The switches of `--switch`: `name=value`, or a YAML file of them. Not what they mean (`model.switches`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from tabwarden.model.errors import SettingsError
from tabwarden.model.switches import Switches, switches_from


def read_switches(given: Iterable[str]) -> Switches:
    """`name=value` words and YAML files of them, later ones winning. SettingsError names all mistakes."""
    return switches_from(word for one in given for word in _words(one))


def _words(given: str) -> Iterator[str]:
    if "=" in given:
        yield given
        return
    path = Path(given)
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"`{given}` is no `name=value`, and no file that can be read: {error}"]) from None
    except yaml.YAMLError as error:
        raise SettingsError([f"`{given}` is not YAML: {error}"]) from None
    if not isinstance(told, dict):
        raise SettingsError([f"`{given}` is a YAML file of `name: value` lines"])
    for name, value in told.items():
        yield f"{name}={'' if value is None else value}"
