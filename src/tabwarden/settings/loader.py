"""From settings.yaml (plain or encrypted) and the environment to Settings.

Order: read the YAML with its lines, lay the environment over it, replace references by what they stand for, check
the rules between settings and the models; then tell every problem at once, or none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tabwarden.model.errors import SettingsError
from tabwarden.places import ENCRYPTED, PLAIN, SITE, Location, located
from tabwarden.safe_files import read_text
from tabwarden.scrubber import KNOWN, is_odd_secret
from tabwarden.secrets import (
    HOW_TO_GIVE_A_KEY,
    Keys,
    find_keys,
    key_file_is_open_to_others,
    mistaken,
    read_encrypted,
    reference_kind,
    resolve,
)
from tabwarden.section import Part, server_address
from tabwarden.settings.lines import PREFIX, Place, Written, dotted, lay_over, read_yaml
from tabwarden.settings.model import Settings
from tabwarden.settings.rules import complaints
from tabwarden.settings.schema import SECTIONS, is_secret, shape_at
from tabwarden.settings.sites import Named, Resolve, named_in, narrow, parts_of
from tabwarden.settings.store import Store
from tabwarden.settings.wording import place_of, sentence
from tabwarden.troubles import why

__all__ = ["ENCRYPTED", "PLAIN", "load", "load_part", "load_store", "site_of", "sites_named"]
SITE_BY_VARIABLE = f"{PREFIX}TABLEAU__SITE"


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of a file (default: where `places.located` finds one) and the environment's, for one site.

    `environ` is the process's own when None; the site is the one of `places.about`, else the file's own. Raises
    SettingsError with every problem, one line each.
    """
    environ = os.environ if environ is None else environ
    location = find(path, environ)
    written, folder, keys, early = _written(location.path, environ)
    written.values = _without_empty(written.values, ())
    of_no_site = written.of_no_site
    resolved = _Resolved(written, folder, environ, keys)
    _check_words(written, resolved)
    settings = _validate(written, resolved, folder)
    lines = [*early, *(problem.text for problem in sorted(set(written.problems)))]
    if settings is not None and (server := _other_server(settings)):
        lines.append(f"`{server}` is the server of that site, and the environment says `{settings.tableau.server}`")
    if lines or settings is None:
        raise SettingsError(lines)
    settings._origin, settings._found_by = str(location.path or ""), location.by
    settings._secrets = (*resolved.secrets, *(keys.values if keys else ()))
    KNOWN.register(*settings.secrets())
    settings._warnings = tuple(_warnings(resolved, keys))
    settings._of_no_site = of_no_site
    return settings


def _other_server(settings: Settings) -> str:
    """The server of the site that is meant, where a variable lays another over it; else nothing."""
    meant = SITE.get()
    server = parts_of(meant.site)[0] if meant is not None and not meant.of_history else None
    return server if server and server_address(server) != settings.tableau.server else ""


def sites_named(path: Path | None = None, environ: Mapping[str, str] | None = None) -> list[Named]:
    """What the list `sites` names, in its order; nothing where there is none. Raises SettingsError as `load` does."""
    environ = os.environ if environ is None else environ
    location = find(path, environ)
    folder, early = location.path.parent if location.path else Path(), list[str]()
    keys = _keys(folder, environ, early)
    written = _read(location.path, keys, early)
    lay_over(written, environ, SECTIONS, lambda place, text: from_variable(place, text, written.values))
    return named_in(written, _resolving(folder, environ, keys))


def load_store(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Store:
    """The section `store` alone: a question to what was kept needs no secret of the server's.

    As `load` otherwise, and the defaults where there are no settings. Raises SettingsError.
    """
    environ = os.environ if environ is None else environ
    unset = not any(name.startswith(PREFIX + "STORE__") for name in environ)
    if unset and located(path, environ).path is None:
        return Store()
    return load_part("store", Store, path, environ)


def load_part(
    name: str,
    kind: type[Part],
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    alone: bool = False,
) -> Part:
    """One section, whatever the values of the others; `alone`: whatever else is wrong with the file, too.

    Raises SettingsError.
    """
    environ = os.environ if environ is None else environ
    written, folder, keys, early = _written(find(path, environ).path, environ)
    if alone:
        written.problems.clear()
    written.values = _without_empty({name: written.values.get(name) or {}}, ())
    resolved = _Resolved(written, folder, environ, keys)
    _check_words(written, resolved)
    part = None
    try:
        part = kind.model_validate(resolved.values[name], context={"folder": folder})
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            place = (name, *place_of(detail, resolved.values[name]))
            if place not in resolved.failed:
                written.complain(place, sentence(detail, place, written))
    if part is None or written.problems:
        raise SettingsError([*early, *(problem.text for problem in sorted(set(written.problems)))])
    KNOWN.register(*resolved.secrets, *(keys.values if keys else ()))
    return part


def site_of(path: Path | None = None, environ: Mapping[str, str] | None = None) -> tuple[str, str] | None:
    """Server and content URL that the settings name; None without settings, or where that part is not readable."""
    environ = os.environ if environ is None else environ
    try:
        location = find(path, environ)
        written, folder, keys, _ = _written(location.path, environ)
        tableau = written.values.get("tableau")
        if written.of_no_site or not isinstance(tableau, Mapping):
            return None
        both = {key: tableau.get(key) for key in ("server", "site")}
        values = _Resolved(Written("", {"tableau": both}), folder, environ, keys).values["tableau"]
        return server_address(str(values["server"])), str(values["site"] or "")
    except (SettingsError, ValueError):
        return None


def find(path: Path | None, environ: Mapping[str, str]) -> Location:
    """The file that counts, none when the environment alone holds settings. Raises SettingsError without any."""
    location = located(path, environ)
    if location.path is None and not any(name.startswith(PREFIX) and "__" in name for name in environ):
        raise SettingsError([location.why_not])
    return location


def _written(path: Path | None, environ: Mapping[str, str]) -> tuple[Written, Path, Keys | None, list[str]]:
    """What is written in a file and in variables, the folder it is relative to, the keys, and what is wrong already."""
    folder = path.parent if path else Path()
    early: list[str] = []
    keys = _keys(folder, environ, early)
    written = _read(path, keys, early)
    tableau, meant = written.values.get("tableau"), SITE.get()
    usual = environ.get(SITE_BY_VARIABLE) or (tableau.get("site") if isinstance(tableau, Mapping) else None)
    written.of_no_site = narrow(written, meant, str(usual or ""), SECTIONS, _resolving(folder, environ, keys))
    if meant is not None:
        environ = {name: value for name, value in environ.items() if name != SITE_BY_VARIABLE}
    lay_over(written, environ, SECTIONS, lambda place, text: from_variable(place, text, written.values))
    return written, folder, keys, early


def _resolving(folder: Path, environ: Mapping[str, str], keys: Keys | None) -> Resolve:
    """The text that a written one stands for; itself where that is not known."""

    def text_of(words: str) -> str:
        try:
            return resolve(words, folder, environ, keys)
        except SettingsError:
            return words

    return text_of


def _keys(folder: Path, environ: Mapping[str, str], early: list[str]) -> Keys | None:
    try:
        return find_keys(folder, environ)
    except SettingsError as error:
        early.extend(error.problems)
        return None


def _read(path: Path | None, keys: Keys | None, early: list[str]) -> Written:
    """The values of the file. Raises SettingsError when there is no text to look at."""
    if path is None:
        return Written("")
    if path.suffix == ".aes":
        if keys is None:
            raise SettingsError(early or [f"{path}: it is encrypted and no key is there: {HOW_TO_GIVE_A_KEY}"])
        return _own(read_yaml(read_encrypted(path, keys), str(path)))
    try:
        return _own(read_yaml(read_text(path), str(path)))
    except UnicodeDecodeError as error:
        where = f"{path}:{error.object.count(bytes(chr(10), 'ascii'), 0, error.start) + 1}"
        raise SettingsError([*early, f"{where}: is not UTF-8 text; save it as UTF-8"]) from None
    except OSError as error:
        raise SettingsError([*early, f"{path}: cannot be read: {why(error)}"]) from None


def _own(written: Written) -> Written:
    """Without what stands at the top for anchors alone, under keys such as `x-database`."""
    for key in [key for key in written.values if key.startswith("x-")]:
        del written.values[key]
    return written


def from_variable(place: Place, text: str, values: Mapping[str, Any]) -> Any:
    """The value a variable's text stands for: JSON where a list or mapping is wanted, or a list with commas."""
    shape = shape_at(place, values)
    if shape in ("list", "mapping") and reference_kind(text) is None:
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if isinstance(value, list | dict):
            return value
        if shape == "list":
            return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _without_empty(value: Any, place: Place) -> Any:
    """A key without a value counts as not written, so that its default holds; a driver's values stay."""
    if isinstance(value, dict):
        keep = place[-1:] == ("connect",) or "connect" in place
        return {key: _without_empty(part, (*place, key)) for key, part in value.items() if keep or part is not None}
    return value


class _Resolved:
    """The values with references replaced. `secrets` are those that must never be told, `failed` the places that
    could not be; the models' words about them would only repeat the problem.
    """

    def __init__(self, written: Written, folder: Path, environ: Mapping[str, str], keys: Keys | None) -> None:
        self._written, self._folder, self._environ, self._keys = written, folder, environ, keys
        self.secrets: list[str] = []
        self.failed: set[Place] = set()
        self.in_the_open: list[Place] = []
        self.in_odd_form: list[Place] = []
        self.in_words: dict[Place, str] = {}
        self.values: dict[str, Any] = self._value(written.values, ())

    def _value(self, value: Any, place: Place) -> Any:
        if isinstance(value, dict):
            return {key: self._value(part, (*place, key)) for key, part in value.items()}
        if isinstance(value, list):
            return [self._value(part, (*place, index)) for index, part in enumerate(value)]
        return self._text(value, place) if isinstance(value, str) else value

    def _text(self, value: str, place: Place) -> str:
        kind = reference_kind(value)
        secret = is_secret(place, self._written.values)
        encrypted = self._written.file.endswith(".aes")  # as a whole
        if kind in (None, "plain") and secret and not encrypted and not self._written.origin(place).variable:
            self.in_the_open.append(place)
        if words := mistaken(value, secret=secret):
            self._written.complain(place, f"`{dotted(place)}` {words}")
            self.failed.add(place)
            return value
        try:
            text = resolve(value, self._folder, self._environ, self._keys)
        except SettingsError as error:
            self._written.complain(place, f"`{dotted(place)}`: {error}")
            self.failed.add(place)
            return value
        if secret and is_odd_secret(text):
            self.in_odd_form.append(place)
        if secret or kind in ("enc", "cmd"):
            self.secrets.append(text)
        elif kind in ("env", "file"):
            self.in_words[place] = text
        return text


def _check_words(written: Written, resolved: _Resolved) -> None:
    """SettingsError, before anything else is told, where a secret stands in a place whose words are told."""
    in_words = [place for place, text in resolved.in_words.items() if text in resolved.secrets]
    for place in in_words:
        written.complain(
            place, f"`{dotted(place)}` is told in words, and is the secret of another setting; write it out"
        )
    if in_words:
        raise SettingsError([problem.text for problem in sorted(set(written.problems))])


def _validate(written: Written, resolved: _Resolved, folder: Path) -> Settings | None:
    """The Settings, or None with the problems noted."""
    broken = bool(written.problems) and not written.values
    for place, text in complaints(resolved.values):
        written.complain(place, text)
    try:
        # an empty section is validated like any other, so that its default paths are put beside the file
        return Settings.model_validate({"logs": {}, "store": {}} | resolved.values, context={"folder": folder})
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            place = place_of(detail, resolved.values)
            unreadable = broken and detail["type"] == "missing"
            if place not in resolved.failed and not unreadable:
                written.complain(place, sentence(detail, place, written))
    return None


def _warnings(resolved: _Resolved, keys: Keys | None) -> list[str]:
    warnings = [
        f"`{dotted(place)}` is written in plain text; `tabwarden settings encrypt` hides it"
        for place in dict.fromkeys(resolved.in_the_open)
    ]
    warnings += [
        f"`{dotted(place)}` begins or ends with white space, or stands in quotes of its own, and is sent so; "
        "take them off where it is kept, unless they belong to it"
        for place in dict.fromkeys(resolved.in_odd_form)
    ]
    if keys and key_file_is_open_to_others(keys):
        warnings.append(f"{keys.origin} can be read by others; `chmod 600` it")
    return warnings
