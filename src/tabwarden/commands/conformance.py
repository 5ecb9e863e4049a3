"""`tabwarden conformance`: what is believed of Tableau, tried on a real one; the answers as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import SettingsPath, load_settings
from tabwarden.commands._output import CHANGES, DONE, leave
from tabwarden.commands._parsing import CONTENTS, Option, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tabwarden.report.table import Drawable
    from tabwarden.run.conformance import Conformance, Trial
    from tabwarden.tableau.http.session import SignIn

PREFIX = "tabwarden-check-"


def conformance(
    server: Annotated[str | None, Option("--server", about="Address of Tableau; default: of the settings.")] = None,
    site: Annotated[str, Option("--site", about="With --server: content URL of the site; empty is Default.")] = "",
    token: Annotated[str | None, Option("--token", about="With --server: name of a personal access token.")] = None,
    secret: Annotated[
        str | None, Option("--secret", about="Where its secret is: env:NAME, file:PATH, cmd:PROGRAM.", value="WHERE")
    ] = None,
    project: Annotated[
        str | None, Option("--project", about="Path of a throw-away project: all is made in there.", of=CONTENTS)
    ] = None,
    prefix: Annotated[str, Option("--prefix", about="How the names of all that is made begin.")] = PREFIX,
    top_level: Annotated[
        bool, Option("--top-level", about="Also make one project beside it, for the belief that needs one.")
    ] = False,
    check: Annotated[list[str] | None, Option("--check", about="Only the check of that name; repeatable.")] = None,
    clean: Annotated[bool, Option("--clean", about="Only take away what a run left that was killed.")] = False,
    repository: Annotated[
        bool,
        Option("--repository", about="Instead: hold the answers of the repository's own functions against ours."),
    ] = False,
    people: Annotated[int, Option("--people", least=1, about="With --repository: of so many people.")] = 20,
    to: Annotated[Path, Option("--to", about="File for the answers.")] = Path("conformance.json"),
    settings: SettingsPath = None,
    output: Output = PLAIN,
) -> None:
    """It writes in the throw-away project, and users, groups and group sets of that prefix; exit code 2 where a belief
    does not hold. The file names no person, no site and no host.
    """
    from tabwarden.run.conformance import cleaned, repository_held, tried
    from tabwarden.tableau.http.connection import connect

    if repository:
        held_against = repository_held(load_settings(settings), people)
        _give(held_against, to, output)
        return
    if not project:
        raise UsageError("`conformance` needs `--project`: a project in which everything may be made and taken away")
    if len(prefix) < 5:
        raise UsageError("`--prefix` needs 5 letters at least, so that it is nobody's name")
    sign_in = _sign_in(server, site, token, secret, settings)
    if clean:
        with connect(sign_in) as connection:
            counts = cleaned(connection, project, prefix)
        words = ", ".join(f"{count} {what}" for what, count in counts.items())
        output.give([f"taken away: {words or 'nothing, for nothing was left'}"], lambda: {"taken_away": dict(counts)})
        return
    with output.progress("trying") as progress, connect(sign_in) as connection:
        answers = tried(
            connection, project, prefix=prefix, top_level=top_level, only=tuple(check or ()), progress=progress
        )
    _give(answers, to, output)


def _give(answers: Conformance, to: Path, output: Output) -> None:
    """Write the file, and tell what is in it."""
    import json

    from tabwarden.run.conformance import DIFFERS
    from tabwarden.safe_files import write_whole

    write_whole(to, (json.dumps(answers.as_json(), indent=2) + "\n").encode())
    output.give(_parts(answers, to), answers.as_json)
    leave(CHANGES if any(trial.verdict == DIFFERS for trial in answers.trials) else DONE)


def _sign_in(server: str | None, site: str, token: str | None, secret: str | None, settings: Path | None) -> SignIn:
    """By the options, or by the settings where no server is named."""
    import os

    from tabwarden.run.context import sign_in_of
    from tabwarden.scrubber import KNOWN
    from tabwarden.secrets import reference_kind, resolve
    from tabwarden.tableau.http.session import Pat, SignIn

    if server is None:
        if token or secret or site:
            raise UsageError("`--site`, `--token` and `--secret` go with `--server`; without it the settings are taken")
        return sign_in_of(load_settings(settings))
    if not token or not secret or reference_kind(secret) is None:
        raise UsageError("`--server` needs `--token NAME` and `--secret` (env:NAME, file:PATH or cmd:PROGRAM)")
    plain = resolve(secret, Path(), os.environ, None)
    KNOWN.register(plain)
    return SignIn(server, site, Pat(token, plain))


def _parts(answers: Conformance, to: Path) -> Iterator[Drawable]:
    from tabwarden.report.table import MARK, Column, Table
    from tabwarden.run.conformance import DIFFERS, HOLDS, NOT_TRIED

    counts = [sum(line.verdict == what for line in answers.trials) for what in (HOLDS, DIFFERS, NOT_TRIED)]
    yield "{} hold, {} do not, {} could not be tried".format(*counts)
    columns = (Column("Verdict", MARK), Column("Check", MARK), "Says", Column("Answer", MARK), "Why")
    yield Table(*columns, name="checks", rows=[_row(line) for line in answers.trials])
    yield f"wrote {to}; `--open-point {to}` of every question takes it, `--play {to}` of the sandbox too"


def _row(line: Trial) -> tuple[str, ...]:
    answer = line.answered or "" if not isinstance(line.answered, bool) else "on" if line.answered else "off"
    return line.verdict, line.check, line.about, answer, line.why
