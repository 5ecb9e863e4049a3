"""One command for each of several sites side by side, and one answer, one log, one mail, one exit code of all."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tabwarden.commands._answer import COLLECTED, JSON, PLAIN, Collected
from tabwarden.commands._merged import WORST_FIRST, OfOneSite, as_json, counted, heads_of, parts_of_all
from tabwarden.commands._output import DONE, ERROR, confirmed, leave, say
from tabwarden.model.errors import TabwardenError
from tabwarden.places import Meant, about

if TYPE_CHECKING:
    from tabwarden.commands import Command
    from tabwarden.log import RunLog
    from tabwarden.run.sites import Ended, OneSite

Values = dict[str, Any]
LOGGED = ("run", "apply")  # the first words of commands that write a log
SIGN_IN_REFUSED = "401001"
FILES = ("out", "sarif", "junit", "put_by", "folder")  # parameters that are written: to a file of each site


def asks(values: Values) -> bool:
    """Whether a snapshot is asked, and no server."""
    return "asking" in values or "site_url" in values


def settings_of(values: Values) -> Path | None:
    settings = values.get("settings") or (values["asking"].settings if "asking" in values else None)
    return settings if isinstance(settings, Path) else None


def without_site(values: Values) -> Values:
    return {name: value for name, value in values.items() if name != "site_meant"}


# -- one of many -----------------------------------------------------------------------------------------------


class Shared(NamedTuple):
    """What the sites of a run share: the log, and how many of a server go at once."""

    log: Path | None
    at_once: Mapping[str, int]


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
            with about(Meant(site.address, asks(values), at_once, site.among)):
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
    of_one = without_site(values) | ({"all_sites": True} if site.among else {})
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
    from tabwarden.run.sites import side_by_side as ended_side_by_side

    output = values.get("output", PLAIN)
    if command.words == "apply" and not values.get("yes"):
        _ask(len(sites))
    log_of_all = _log(settings_of(values)) if command.words.split()[0] in LOGGED else nullcontext(None)
    with log_of_all as run_log, output.progress("sites") as progress:
        shared = Shared(run_log.path if run_log is not None else None, _share(sites))

        def go_on(done: int, one: Ended[OfOneSite]) -> None:
            progress(done, len(sites))
            hear(one)

        doing = partial(work, command, values, shared)
        ended = ended_side_by_side(sites, doing, hear=go_on, most=most, refused=_is_refused)
        came_to = {**(known or {}), **{one.site.address: _result(one) for one in ended}}
        results = [(site, came_to[site.address]) for site in order or sites]
        code = next((code for code in WORST_FIRST if any(result.code == code for _, result in results)), ERROR)
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


def _is_refused(result: OfOneSite) -> bool:
    """Whether it ended with a refusal to sign in."""
    return result.kind == "TableauError" and SIGN_IN_REFUSED in result.error[0]


def _result(ended: Ended[OfOneSite]) -> OfOneSite:
    if ended.value is not None:
        return ended.value
    return OfOneSite(ERROR, [ended.problem], "TabwardenError")


# -- one log, one mail -----------------------------------------------------------------------------------------


def _log(settings: Path | None) -> RunLog:
    """The log of all of them, by the settings whatever is wrong with another section."""
    from tabwarden.run.run_log import opened
    from tabwarden.settings import Logs, load_part

    return opened(load_part("logs", Logs, settings, alone=True))


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
