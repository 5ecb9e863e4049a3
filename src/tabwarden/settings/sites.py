"""The list `sites`: which sites one file of settings is for, and what of it holds for one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field

from tabwarden.model.names import hint, same, some
from tabwarden.places import ALL, Meant, browser_address, is_pattern
from tabwarden.section import Connect, Connecting, Section
from tabwarden.settings.lines import Place, Problem, Written, dotted

DEFAULT = "default"
COMMON = ("sites", "store", "logs", "mail", "spark")
"""Sections that stand once, whatever the site: one store, one log, one mail, one cluster."""
Resolve = Callable[[str], str]


class SomeSites(Section):
    """Sites of one server, and what is otherwise for them."""

    site: Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)] = (
        Field(description="content URL of a site, a pattern with `*` and `?`, `all` of the server; or a list of such")
    )
    settings: Connecting = Field(
        default=Connect(),
        description="what is otherwise for them: sections of this file, whose keys replace whole ones",
    )


class Named(NamedTuple):
    """A site, a pattern or `all` as it is written in the list, on which server; `item` is its place there."""

    words: str
    server: str
    item: int = -1

    @property
    def address(self) -> str:
        """As `--site` takes it, wherever else a site is called so."""
        return browser_address(self.server, self.words)


def url_of(site: str) -> str:
    """The content URL of a site; that of Default is empty."""
    return "" if same(site) == DEFAULT else site


def parts_of(words: str) -> tuple[str | None, str]:
    """The server, None where none is said, and the content URL (or pattern) that are meant."""
    server, mark, rest = words.partition("/#")
    if not mark:
        return None, url_of(words)
    return server.rstrip("/"), url_of(rest.removeprefix("/site/").partition("/")[0].strip("/"))


def fits(pattern: str, *names: str) -> bool:
    """Whether any of these names of a site is meant by words of the list, or of `--site`."""
    wanted = same(pattern)
    return wanted == ALL or any(fnmatchcase(same(name or DEFAULT), same(pattern or DEFAULT)) for name in names)


def named_in(written: Written, resolve: Resolve) -> list[Named]:
    """What the list names, in its order; what is wrong with it is among the problems."""
    common = _server(written.values, resolve, "")
    items: list[Named] = []
    for number, (sites, settings) in enumerate(_items(written)):
        items += [Named(url_of(words), _server(settings, resolve, common), number) for words in sites]
    return items


def narrow(written: Written, meant: Meant | None, usual: str, sections: Sequence[str], resolve: Resolve) -> bool:
    """Leave of the values what holds for the site that is meant, or by `usual`; whether it is not known which one is.

    A problem where the list does not know it, or knows it on several servers.
    """
    items = named_in(written, resolve)
    pairs = list(_items(written, sections))
    known = "sites" in written.values
    written.values.pop("sites", None)
    words = meant.site if meant is not None else usual
    if not words and meant is None and known:
        single = [one for one in items if not is_pattern(one.words)]
        if len(items) != 1 or not single:
            return True
        words = single[0].address
    if meant is None and not words:
        return False
    server, url = parts_of(words)
    fitting = _fitting(items, server, url)
    if not known and server not in (None, _server(written.values, resolve, "")):
        _refuse(written, meant, f"`{words}` is on another server than `tableau.server`; write both under `sites`")
    elif known and not fitting and meant is not None:
        _refuse(written, meant, _unknown(words, items))
    elif len(fitting) > 1:
        both = some([browser_address(one.server, url) for one in fitting])
        _refuse(written, meant, f"`{words}` is on several servers; say which with `--site`: {both}")
    elif fitting:
        _lay_over(written, fitting[0].item, pairs[fitting[0].item][1])
    tableau = written.values.get("tableau")
    if isinstance(tableau, dict) and (len(fitting) == 1 or (meant is not None and not meant.of_history)):
        tableau["site"] = url
    return False


def _fitting(items: Sequence[Named], server: str | None, url: str) -> list[Named]:
    """Those that name it so; without such those whose pattern does, the first of each server."""
    there = [one for one in items if server in (None, one.server)]
    exact = [one for one in there if same(one.words) == same(url)]
    first: dict[str, Named] = {}
    for one in exact or [one for one in there if is_pattern(one.words) and fits(one.words, url)]:
        first.setdefault(one.server, one)
    return list(first.values())


def _unknown(words: str, items: Sequence[Named]) -> str:
    names = {one.words or "Default": "" for one in items}
    near = hint(words, names, f"; it has {some(list(names))}" if names else "")
    return f"`{words}` is no site of `sites`{near}"


def _refuse(written: Written, meant: Meant | None, sentence: str) -> None:
    if meant is None or not meant.of_history:
        written.problems.append(Problem("", 0, sentence))


def _items(written: Written, sections: Sequence[str] = ()) -> Iterator[tuple[list[str], Mapping[str, Any]]]:
    """Of each item the sites and what is otherwise there; with `sections` what is wrong is told."""
    listed = written.values.get("sites")
    if listed is not None and not isinstance(listed, list):
        _complain(written, sections, ("sites",), "must be a list; begin each line with a dash")
    for number, item in enumerate(listed if isinstance(listed, list) else ()):
        place = ("sites", number)
        item = item if isinstance(item, Mapping) else {"site": item}
        sites, settings = item.get("site"), item.get("settings")
        sites = sites if isinstance(sites, list) else [sites]
        if not sites or not all(isinstance(words, str) for words in sites):
            _complain(
                written, sections, place, "must name sites: a content URL (`Default` for the empty one), a pattern"
            )
        if settings is not None and not isinstance(settings, Mapping):
            _complain(written, sections, (*place, "settings"), "must be a mapping of sections such as `provision:`")
        settings = settings if isinstance(settings, Mapping) else {}
        for key in item:
            if key not in SomeSites.model_fields:
                _complain(written, sections, (*place, key), "is no key of it; there are `site` and `settings`")
        for key in settings if sections else ():
            if key in COMMON or key not in sections:
                why = "stands once for all sites; move it out of `sites`" if key in COMMON else "is no section"
                _complain(written, sections, (*place, "settings", key), why)
        yield [words for words in sites if isinstance(words, str)], settings


def _complain(written: Written, sections: Sequence[str], place: Place, words: str) -> None:
    if sections:
        written.complain(place, f"`{dotted(place)}` {words}")


def _server(values: Mapping[str, Any], resolve: Resolve, otherwise: str) -> str:
    tableau = values.get("tableau")
    server = tableau.get("server") if isinstance(tableau, Mapping) else None
    return resolve(server).rstrip("/") if isinstance(server, str) and server else otherwise


def _lay_over(written: Written, item: int, settings: Mapping[str, Any]) -> None:
    """Put the sections of an item over the common ones, key by key, each with where it was written."""
    for section, value in settings.items():
        common = written.values.get(section)
        places: list[Place] = [(section,)]
        if isinstance(value, dict) and isinstance(common, dict):
            places, value = [(section, key) for key in value], {**common, **value}
        written.values[section] = value
        for place in places:
            origins = {at: origin for at, origin in written.origins.items() if at[: len(place)] != place}
            inside = ("sites", item, "settings", *place)
            moved = {at[3:]: origin for at, origin in written.origins.items() if at[: len(inside)] == inside}
            written.origins = origins | moved
