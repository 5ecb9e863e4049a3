"""`tabwarden init`: the first settings, asked for or by options, and a sign-in that tries them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._options import typed
from tabwarden.commands._output import say, show
from tabwarden.commands._parsing import Option, UsageError
from tabwarden.model.errors import TabwardenError
from tabwarden.places import PLAIN

if TYPE_CHECKING:
    from tabwarden.run.first_settings import Answers


def init(
    server: Annotated[
        str | None, Option("--server", about="Address of Tableau; one out of a browser names the site too.")
    ] = None,
    site: Annotated[str | None, Option("--site", about="Content URL of the site; empty is Default.")] = None,
    token: Annotated[str | None, Option("--token", about="Name of a personal access token.")] = None,
    user: Annotated[str | None, Option("--user", about="Instead of a token: who signs in by password.")] = None,
    secret: Annotated[
        str | None, Option("--secret", about="Where its secret is: env:NAME, file:PATH, cmd:PROGRAM.", value="WHERE")
    ] = None,
    to: Annotated[Path, Option("--to", about="File or folder to write to.")] = Path(PLAIN),
    overwrite: Annotated[bool, Option("--overwrite", about="Replace files that are there.")] = False,
    test: Annotated[bool, Option("--test", about="Sign in by them, which is usual.", no="--no-test")] = True,
) -> None:
    """At a terminal it asks for what is not given; a secret is asked for without being shown."""
    from tabwarden.run.first_settings import signed_in, written

    answers = _answers(server, site, token, user, secret)
    path = to / PLAIN if to.is_dir() else to
    for file in written(answers, path, overwrite=overwrite):
        show(f"wrote {file}")
    again = "" if path == Path(PLAIN) else f" --settings {typed(path)}"
    if test:
        try:
            reader = signed_in(path)
        except TabwardenError as error:
            raise TabwardenError(
                f"the sign-in by `{path}` failed: {error}", f"mend the file, then: tabwarden doctor{again}"
            ) from None
        show(f"signed in as `{reader.name}` ({reader.site_role}) on site `{reader.site}`")
    show(f"next: tabwarden {'read' if test else 'doctor'}{again}")


def _answers(server: str | None, site: str | None, token: str | None, user: str | None, secret: str | None) -> Answers:
    """What was given, and what somebody at a terminal answers; all that is missing in a pipe, at once."""
    from tabwarden.run.first_settings import Answers, address_and_site

    if token and user:
        raise UsageError("give `--token` or `--user`; `tabwarden init --help` tells more")
    watched = sys.stdin.isatty()
    needed = (("--server", server), ("--token` or `--user", token or user), ("--secret", secret))
    missing = [f"`{option}`" for option, value in needed if not value]
    if missing and not watched:
        raise UsageError(f"`init` needs {', '.join(missing)}; at a terminal it asks")
    server, named = address_and_site(server or _asked("Address of Tableau, as in a browser"))
    if site is None:
        site = named if named is not None or not watched else _asked("Content URL of the site (empty: Default)")
    if not token and not user:
        token = _asked("Name of a personal access token (empty: a user and password instead)")
        user = None if token else _asked("User name")
    plain = "" if secret else _secret("Secret of the token" if token else "Password")
    return Answers(server, site or "", token or user or "", not token, plain, secret or "")


def _asked(question: str) -> str:
    say(f"{question}:")
    return input().strip()


def _secret(question: str) -> str:
    """Typed without being shown."""
    from getpass import getpass

    text = getpass(f"{question} (it is not shown): ").strip()
    if not text:
        raise UsageError("no secret was given; it may be typed later, with `--overwrite`")
    return text
