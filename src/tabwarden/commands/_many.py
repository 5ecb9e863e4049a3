"""One command for the sites that are meant: for one as it is, for many side by side with one answer.

No command knows of it but `what` and `read`, which have an answer of their own for all sites.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tabwarden.commands._answer import PLAIN
from tabwarden.commands._parsing import UsageError, nearest
from tabwarden.commands._side_by_side import Values, asks, settings_of, side_by_side, without_site
from tabwarden.model.errors import SettingsError, TabwardenError
from tabwarden.model.names import same
from tabwarden.places import ALL, Meant, about, is_pattern

if TYPE_CHECKING:
    from tabwarden.commands import Command

# Commands that sign in nowhere, beside those that ask snapshots: what was read, or what is written, tells which sites
# there are.
OF_THE_STORE = ("status", "mirror", "catalog", "plan list", "plan show", "licences")
OF_THE_SETTINGS = ("settings check", "directory read", "directory show", "people show")
CHECK = "settings check"
OF_ALL = ("serve",)  # commands that are of all sites by themselves


def call(command: Command, function: Callable[..., None], values: Values) -> None:
    """The command for the site that is meant, for all that are, or where none is said as it is.

    With `--engine spark` what it works out is worked out there.
    """
    engine = values.get("engine")
    # Beside these the command refuses it, before it does anything.
    if engine is None or values.get("schema") or values.get("show_sql") or values.get("models"):
        _call(command, function, values)
        return
    from tabwarden.run.spark import cluster, settings_there

    name, _, master = engine.partition("=")
    if name != "spark":
        raise UsageError(f"`--engine {engine}` is none; it is `spark` or `spark=MASTER`{nearest(name, ('spark',))}")
    section = settings_there(settings_of(values))
    with cluster(master or section.master, section) as jobs:
        try:
            _call(command, function, values)
        finally:
            for line in jobs.sentences:
                values.get("output", PLAIN).note(line)


def _call(command: Command, function: Callable[..., None], values: Values) -> None:
    words = _words(function, values)
    if words is None and command.words == CHECK and _is_for_several(settings_of(values)):
        words = ALL
    if words is None or (is_pattern(words) and command.words in OF_ALL):
        function(**without_site(values))
        return
    if not is_pattern(words):
        of_history = asks(values)
        with about(Meant(words if of_history else _by_name(words, values), of_history)):
            function(**without_site(values))
    elif values.get("activity"):
        raise UsageError("the events that `--activity` reads name their sites themselves; name one with `--site`")
    elif command.words == "read" and values.get("repository") and not values.get("use"):
        _of_servers(command, function, values, words)
    elif command.words == "what":
        asking = values["asking"]._replace(site_url=None if same(words) == ALL else words)
        function(**values | {"all_of_them": True, "asking": asking})
    else:
        from tabwarden.run.sites import KEPT, sites_meant, with_own_sources

        _refuse_one_snapshot(values)
        told_by = _told_by(command, values)
        store = values["asking"].store if "asking" in values else values.get("store")
        try:
            sites = sites_meant(words, settings_of(values), told_by, store)
        except SettingsError as error:
            if command.words.startswith("run "):  # nobody looks at a job of cron
                from tabwarden.commands._plans import tell_that_none_are_usable

                tell_that_none_are_usable(settings_of(values), error)
            raise
        if command.words == "mirror":
            sites = with_own_sources(sites, settings_of(values))
        if command.words == "read" and not (values.get("use") or values.get("activity")):
            from tabwarden.commands._night import read_all

            read_all(command, values, sites)
        else:
            side_by_side(command, values, sites, most=os.cpu_count() if told_by == KEPT else None)


def _by_name(words: str, values: Values) -> str:
    from tabwarden.run.history import store_named
    from tabwarden.run.sites import by_name

    return by_name(words, store_named(None, settings_of(values)))


def _of_servers(command: Command, function: Callable[..., None], values: Values, words: str) -> None:
    """A read of the repository: all sites of a server in one transaction, the servers side by side."""
    from tabwarden.run.sites import servers_meant

    servers = servers_meant(words, settings_of(values))
    if len(servers) > 1:
        side_by_side(command, values, servers)
    with about(Meant(servers[0].address, among=servers[0].among)):
        function(**without_site(values) | {"all_sites": True})


def _words(function: Callable[..., None], values: Values) -> str | None:
    """What `--site` says, `all` for `--all-sites`; UsageError for both."""
    asking = values.get("asking")
    words = values.get("site_meant") or values.get("site_url") or (asking.site_url if asking is not None else None)
    every = values.pop("all_sites", False)
    if values.get("all_of_them"):
        return words  # which has an answer of its own for all
    if every and words is not None:
        raise UsageError(f"`--all-sites` is `--site all`, and `--site {words}` says another; give one of them")
    if every and asking is not None:
        values["asking"] = asking._replace(site_url=ALL)
    elif every and "site_url" in function.__code__.co_varnames[: function.__code__.co_argcount]:
        values["site_url"] = ALL
    return ALL if every else words


def _told_by(command: Command, values: Values) -> str:
    from tabwarden.run.sites import KEPT, SERVERS, SETTINGS

    if command.words in OF_THE_SETTINGS:
        return SETTINGS
    return KEPT if asks(values) or command.words in OF_THE_STORE else SERVERS


def _is_for_several(settings: Path | None) -> bool:
    from tabwarden.settings import sites_named

    try:
        return bool(sites_named(settings, os.environ))
    except TabwardenError:
        return False  # the command itself tells why


def _refuse_one_snapshot(values: Values) -> None:
    on = values["asking"].snapshot if "asking" in values else values.get("on") or values.get("snapshot")
    if isinstance(on, str) and (on.lstrip("#").isdigit() or "/" in on):
        raise UsageError(f"`{on}` is a snapshot of one site; for several name a day, `last` or `previous`")
