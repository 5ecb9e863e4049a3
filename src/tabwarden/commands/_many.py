"""One command for the sites that are meant: for one as it is, for many side by side with one answer.

No command knows of it but `what` and `read`, which have an answer of their own for all sites.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tabwarden.commands._answer import COLLECTED, JSON, PLAIN, Collected
from tabwarden.commands._merged import WORST_FIRST, OfOneSite, as_json, counted, heads_of, parts_of_all
from tabwarden.commands._output import DONE, ERROR, confirmed, leave, say
from tabwarden.commands._parsing import UsageError
from tabwarden.model.errors import TabwardenError
from tabwarden.model.names import same
from tabwarden.places import ALL, Meant, about, is_pattern

if TYPE_CHECKING:
    from tabwarden.commands import Command
    from tabwarden.log import RunLog
    from tabwarden.run.sites import Ended, OneSite

Values = dict[str, Any]
LOGGED = ("run", "apply")  # the first words of commands that write a log
# Commands that sign in nowhere, beside those that ask snapshots: what was read, or what is written, tells which sites
# there are.
OF_THE_STORE = ("status", "mirror", "catalog", "plan list", "plan show", "licences")
OF_THE_SETTINGS = ("settings check", "directory read", "directory show", "people show")
CHECK = "settings check"
FILES = ("out", "sarif", "junit", "put_by", "folder")  # parameters that are written: to a file of each site


def call(command: Command, function: Callable[..., None], values: Values) -> None:
    """The command for the site that is meant, for all that are, or where none is said as it is."""
    words = _words(values)
    if words is None and command.words == CHECK and _is_for_several(settings_of(values)):
        words = ALL
    if words is None:
        function(**values)
        return
    if not is_pattern(words):
        of_history = _asks(values)
        with about(Meant(words if of_history else _by_name(words, values), of_history)):
            function(**_without(values))
    elif command.words in OF_ONE:
        raise UsageError(f"`{command.words}` is of one site; name it with `--site`")
    elif command.words == "read" and values.get("repository") and not values.get("use"):
        _of_servers(command, function, values, words)
    elif command.words == "what":
        asking = values["asking"]._replace(site_url=None if same(words) == ALL else words)
        function(**values | {"all_of_them": True, "asking": asking})
    else:
        from tabwarden.run.sites import KEPT, sites_meant

        _refuse_one_snapshot(values)
        told_by = _told_by(command, values)
        store = values["asking"].store if "asking" in values else values.get("store")
        sites = sites_meant(words, settings_of(values), told_by, store)
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
    with about(Meant(servers[0].address, among=servers[0].among)) if len(servers) == 1 else nullcontext():
        if len(servers) < 2:
            function(**_without(values) | {"all_sites": True})
        else:
            side_by_side(command, values, servers)


def _words(values: Values) -> str | None:
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
    return ALL if every else words


def _asks(values: Values) -> bool:
    """Whether a snapshot is asked, and no server."""
    return "asking" in values or "site_url" in values


OF_ONE = ("serve",)  # commands that go on until somebody ends them


def _told_by(command: Command, values: Values) -> str:
    from tabwarden.run.sites import KEPT, SERVERS, SETTINGS

    if command.words in OF_THE_SETTINGS:
        return SETTINGS
    return KEPT if _asks(values) or command.words in OF_THE_STORE else SERVERS


def _is_for_several(settings: Path | None) -> bool:
    from tabwarden.settings import sites_named

    try:
        return bool(sites_named(settings, os.environ))
    except TabwardenError:
        return False  # the command itself tells why


def settings_of(values: Values) -> Path | None:
    settings = values.get("settings") or (values["asking"].settings if "asking" in values else None)
    return settings if isinstance(settings, Path) else None


def _without(values: Values) -> Values:
    return {name: value for name, value in values.items() if name != "site_meant"}


# -- one of many -----------------------------------------------------------------------------------------------


class Shared(NamedTuple):
    """What the sites of a run share: the log, how many of a server go at once, and what was sent to each server."""

    log: Path | None
    at_once: Mapping[str, int]
    ledger: Path


def work(command: Command, values: Values, shared: Shared, site: OneSite) -> OfOneSite:
    """The command for one site, in a process of its own; whatever goes wrong is part of what is given."""
    from tabwarden.commands._unforeseen import sentence

    collected = Collected(site.label, shared.log)
    COLLECTED.set(collected)
    out, err = io.StringIO(), io.StringIO()
    result = OfOneSite()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            at_once = shared.at_once.get(site.server, 1)
            with about(Meant(site.address, _asks(values), at_once, site.among, shared.ledger)):
                command.function()(**_of(values, site))
        except TabwardenError as error:
            result.code, result.error, result.kind = ERROR, list(error.lines), type(error).__name__
        except SystemExit as left:
            result.code = left.code if isinstance(left.code, int) else DONE
        except KeyboardInterrupt:
            result.code, result.error, result.kind = ERROR, ["it was interrupted"], "Interrupted"
        except Exception as error:  # whatever it is, the others go on
            result.code, result.error, result.kind = (
                ERROR,
                [sentence(f"tabwarden {command.words}", error)],
                "Unforeseen",
            )
    from tabwarden.report.table import Text

    result.parts = [*collected.parts, *(Text(line) for line in out.getvalue().splitlines())]
    result.document, result.said = collected.document, err.getvalue().splitlines()
    result.errors, result.warnings = collected.errors, collected.warnings
    return result


def _of(values: Values, site: OneSite) -> Values:
    """The same words for one site; files that are written have its name before their ending."""
    of_one = _without(values) | ({"all_sites": True} if site.among else {})
    if "asking" in of_one:
        of_one["asking"] = of_one["asking"]._replace(site_url=site.address)
    if "site_url" in of_one:
        of_one["site_url"] = site.address
    for name in FILES:
        path = of_one.get(name)
        if isinstance(path, Path):
            of_one[name] = path.with_name(
                f"{path.stem}.{site.label.replace(' on ', '.').replace(':', '-')}{path.suffix}"
            )
    return of_one


# -- all of them -----------------------------------------------------------------------------------------------


def side_by_side(
    command: Command,
    values: Values,
    sites: list[OneSite],
    *,
    most: int | None = None,
    known: Mapping[str, OfOneSite] | None = None,
    order: Sequence[OneSite] = (),
    hear: Callable[[Ended[OfOneSite]], None] = lambda _: None,
) -> None:
    """The command for each site, one answer, and the worst exit code.

    `known` is what other sites came to before, by address, and `order` all of them; `hear` is told each end.
    """
    from tempfile import TemporaryDirectory

    from tabwarden.run.sites import side_by_side as ended_side_by_side

    output = values.get("output", PLAIN)
    if command.words == "apply" and not values.get("yes"):
        _ask(len(sites))
    log_of_all = _log(settings_of(values)) if command.words.split()[0] in LOGGED else nullcontext(None)
    with log_of_all as run_log, output.progress("sites") as progress, TemporaryDirectory() as ledger:
        shared = Shared(run_log.path if run_log is not None else None, _share(sites), Path(ledger))

        def go_on(done: int, one: Ended[OfOneSite]) -> None:
            progress(done, len(sites))
            hear(one)

        ended = ended_side_by_side(sites, partial(work, command, values, shared), hear=go_on, most=most)
        came_to = {**(known or {}), **{one.site.address: _result(one) for one in ended}}
        results = [(site, came_to[site.address]) for site in order or sites]
        code = next(code for code in WORST_FIRST if any(result.code == code for _, result in results))
        if run_log is not None:
            _tell(command, results, run_log, code, settings_of(values))
    for site, result in results:
        for line in result.said:
            output.note(f"{site.label}: {line}")
        for line in result.error if output.form != JSON else ():
            say(f"tabwarden: {site.label}: {line}")
    log = [f"log: {run_log.path}"] if run_log is not None else []
    output.give(
        [*parts_of_all(results), *log], lambda: as_json(results, code, run_log.path if run_log is not None else None)
    )
    leave(code)


def _refuse_one_snapshot(values: Values) -> None:
    on = values["asking"].snapshot if "asking" in values else values.get("on") or values.get("snapshot")
    if isinstance(on, str) and (on.lstrip("#").isdigit() or "/" in on):
        raise UsageError(f"`{on}` is a snapshot of one site; for several name a day, `last` or `previous`")


def _ask(number: int) -> None:
    import sys

    if sys.stdin.isatty() and not confirmed(f"apply the plans of {number} sites?"):
        raise TabwardenError("nothing was written: answer `yes`, or add `--yes`")


def _share(sites: Sequence[OneSite]) -> dict[str, int]:
    """By server how many of its sites go side by side, who share what it takes in an hour."""
    share: dict[str, int] = {}
    for server in {site.server for site in sites}:
        there = [site for site in sites if site.server == server and not site.problem]
        lanes = len({site.lane for site in there if site.lane}) + sum(not site.lane for site in there)
        share[server] = max(1, min([lanes, *(site.at_once for site in there)]))
    return share


def _result(ended: Ended[OfOneSite]) -> OfOneSite:
    if ended.value is not None:
        return ended.value
    return OfOneSite(ERROR, [ended.problem], "TabwardenError")


# -- one log, one mail -----------------------------------------------------------------------------------------


def _log(settings: Path | None) -> RunLog:
    """The log of all of them, by the settings whatever is wrong with another section."""
    from tabwarden.log import open_log
    from tabwarden.scrubber import KNOWN
    from tabwarden.settings import Logs, load_part

    logs = load_part("logs", Logs, settings, alone=True)
    return open_log(
        logs.folder,
        level=logs.level,
        retention_days=logs.retention_days,
        as_json=logs.as_json,
        scrub=KNOWN,
        quiet=True,
    )


def _tell(
    command: Command, results: Sequence[tuple[OneSite, OfOneSite]], run_log: RunLog, code: int, settings: Path | None
) -> None:
    """What became of each site, in the log; the one mail where anything is to be told."""
    from tabwarden.commands._plans import log
    from tabwarden.run.run_log import mail_if_due
    from tabwarden.settings import Mail, load_part

    for site, result in results:
        for line in result.error:
            log.error("%s: %s", site.label, line)
        if not result.error:
            log.info("%s: %s", site.label, "; ".join(heads_of(result)))
    if command.words.startswith("run "):
        mail = load_part("mail", Mail, settings, alone=True)
        summary = f"{counted(results)}; exit code {code}"
        errors, warnings = (sum(getattr(one, kind) for _, one in results) for kind in ("errors", "warnings"))
        mail_if_due(mail, run_log, summary, errors=errors, warnings=warnings)
