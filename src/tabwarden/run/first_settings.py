"""The first settings of somebody: a commented file, the secret beside it, and whether the sign-in works."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tabwarden.model.errors import SettingsError
from tabwarden.run.context import connected
from tabwarden.secrets import reference_kind, write_private
from tabwarden.section import server_address
from tabwarden.settings import load

SECRET_FILE = "secret.txt"
REFERENCES = ("env", "file", "cmd", "enc")
HEAD = """\
# Settings of Tabwarden. `tabwarden settings check` tells every mistake, `tabwarden help settings` explains every key.
# Paths are relative to this file. What begins with `# ` is an example: take the two signs away to use it.

tableau:
  server: {server}
  site: {site}  # content URL, as it stands in the site's address; empty is Default
  auth:  # one of `pat`, `password` (Tableau Server), `jwt` (a connected app)
"""
PAT = """\
    pat:
      name: {name}
      secret: {secret}  # or env:NAME, cmd:PROGRAM; `tabwarden settings encrypt --values` hides it in here
#       expires: 2027-03-31  # the day on which the token ends: `tabwarden doctor` warns 14 days before
"""
PASSWORD = """\
    password:
      username: {name}
      password: {secret}  # or env:NAME, cmd:PROGRAM; `tabwarden settings encrypt --values` hides it in here
"""
REST = """
# Lists of people: CSV, Excel, a database, a directory, your own function. `tabwarden plan provision` shows what they
# would change, `tabwarden run provision` does it, from cron too.
# sources:
#   joiners: {type: file, path: joiners.csv, column: Email Address}
#   leavers: {type: file, path: leavers.csv, column: Email Address}
# provision:
#   group: {name: Grant_Role_On_Sign_In, minimum_site_role: Viewer}  # who is in it gets the role at the next sign-in
#   protected: []  # user names that are never touched; each must be on the site

# How much is too much: more than `count`, and more than `percent` of what it is measured by, stops a plan.
# stops:
#   licences_lost: {count: 5, percent: 10}  # of the licensed users
#   users_added: {count: 20, percent: 20}  # of the users

# Who is told when a run failed or was stopped. `tabwarden doctor --mail` sends a mail for a test.
# mail: {enabled: true, host: smtp.example.com, from: tabwarden@example.com, to: [you@example.com]}

# logs: {folder: logs, retention_days: 90}
# store: {folder: .tabwarden}  # reads, plans and journals
"""


class Answers(NamedTuple):
    """What somebody said. `secret` is the secret itself, `reference` says where it is instead (`env:NAME`)."""

    server: str
    site: str
    name: str
    by_password: bool = False
    secret: str = ""
    reference: str = ""


class SignedIn(NamedTuple):
    """Who the settings sign in as."""

    name: str
    site_role: str
    site: str


def address_and_site(words: str) -> tuple[str, str | None]:
    """Server and content URL of an address as a browser shows it; None where it names no site. SettingsError."""
    text = words.strip() if "://" in words else f"https://{words.strip()}"
    parts = urlsplit(text)
    way = [part for part in parts.fragment.split("/") if part]
    named = "site" in way[:1] and len(way) > 1
    try:
        return server_address(f"{parts.scheme}://{parts.netloc}"), (way[1] if named else "" if way else None)
    except ValueError as problem:
        raise SettingsError([f"`{words}` {problem}"]) from None


def written(answers: Answers, path: Path, *, overwrite: bool = False) -> tuple[Path, ...]:
    """Write the settings, and the secret into a file of its own that only its owner can read; the files.

    SettingsError where one is there already, unless to `overwrite`, and nothing is written then.
    """
    if answers.reference and reference_kind(answers.reference) not in REFERENCES:
        raise SettingsError(
            ["`--secret` takes `env:NAME`, `file:PATH` or `cmd:PROGRAM`, for a command line is no place for a secret"]
        )
    secret = path.with_name(SECRET_FILE)
    files = (path, secret) if answers.secret else (path,)
    there = " and ".join(f"`{file}`" for file in files if file.exists())
    if there and not overwrite:
        raise SettingsError([f"{there} is there already; name another with `--to`, or give `--overwrite`"])
    path.parent.mkdir(parents=True, exist_ok=True)
    if answers.secret:
        write_private(secret, answers.secret + "\n")
    reference = answers.reference or f"file:{SECRET_FILE}"
    values = {"server": answers.server, "site": answers.site, "name": answers.name, "secret": reference}
    quoted = {key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}
    write_private(path, (HEAD + (PASSWORD if answers.by_password else PAT)).format(**quoted) + REST)
    return files


def signed_in(path: Path) -> SignedIn:
    """Sign in by these settings; TabwardenError where that fails."""
    settings = load(path, os.environ)
    with connected(settings) as connection:
        return SignedIn(*connection.reader, connection.site or "Default")
