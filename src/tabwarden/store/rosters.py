"""The merged roster of the last good run, one file a site, which the next run compares with.

    .tabwarden/rosters/site-<site>.json  the roster of the last run that came to its end
    .tabwarden/rosters/plan-<plan>.json  the roster a plan was made from, until the plan is applied or forgotten
    .tabwarden/accounts/...              the same of people of a directory: by key who they are on the site

The files name people with their departments: only their owner may read them.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tabwarden.model.codec import decode, encode
from tabwarden.model.errors import IncompleteRead, TabwardenError
from tabwarden.plan.plan import SiteIdentity
from tabwarden.safe_files import write_whole
from tabwarden.store.journal import site_key
from tabwarden.want.people.joiners_and_leavers import Known, KnownPerson

ROSTERS, ACCOUNTS, FORMAT = "rosters", "accounts", 2
GUID = "objectGUID"
FORGOTTEN_AFTER = 30 * 86_400
"""Seconds after which the roster of a plan nobody applied is deleted."""


@dataclass(frozen=True, slots=True)
class _Roster:
    """What a file holds."""

    format: int
    known: Known


def known_roster(store: Path, site: SiteIdentity, folder: str = ROSTERS) -> Known:
    """The roster of the last good run on this site, an empty one where there was none. TabwardenError when damaged."""
    path = _of_site(store / folder, site)
    return read(path) if path.is_file() else Known()


def read(path: Path) -> Known:
    """The roster of a file; TabwardenError when damaged."""
    try:
        roster = decode(path.read_bytes(), _Roster)
        if roster.format != FORMAT:
            raise IncompleteRead(f"format {roster.format}, this release reads {FORMAT}")
        return roster.known
    except IncompleteRead as error:
        raise TabwardenError(
            f"the roster of the last good run, `{path}`, is damaged ({error}); put it back from a backup, or delete "
            "it: then nobody counts as moved, back or vanished in the next run"
        ) from None


def keep_for_plan(store: Path, plan_id: str, site: SiteIdentity, known: Known, folder: str = ROSTERS) -> None:
    """Keep the roster a plan was made from; it counts when the plan has been applied."""
    if _same_people(known_roster(store, site, folder), known):
        return
    write_whole(_of_plan(store / folder, plan_id), encode(_Roster(FORMAT, known)) + b"\n")
    for path in (store / folder).glob("plan-*.json"):
        if time.time() - path.stat().st_mtime > FORGOTTEN_AFTER:
            path.unlink(missing_ok=True)


def keep_of_plan(store: Path, plan_id: str, site: SiteIdentity) -> None:
    """The roster of a plan that came to its end is the last good one from now on; nothing where a plan has none."""
    for folder in (store / ROSTERS, store / ACCOUNTS):
        path = _of_plan(folder, plan_id)
        if path.is_file():
            path.replace(_of_site(folder, site))


def known_accounts(store: Path, site: SiteIdentity) -> dict[str, str]:
    """By key of the directory (objectGUID), who somebody was on the site at the last good run."""
    return {key: one.name for one in known_roster(store, site, ACCOUNTS).people for _, key in one.keys}


def keep_accounts(store: Path, plan_id: str, site: SiteIdentity, accounts: Mapping[str, str], when: str) -> None:
    """Keep with a plan who is who by key; it counts when the plan has been applied."""
    people = tuple(KnownPerson(name, ((GUID, key),)) for key, name in sorted(accounts.items()))
    keep_for_plan(store, plan_id, site, Known(people, when), ACCOUNTS)


def _same_people(one: Known, other: Known) -> bool:
    return (one.people, one.active_words) == (other.people, other.active_words)


def _of_plan(folder: Path, plan_id: str) -> Path:
    return folder / f"plan-{plan_id}.json"


def _of_site(folder: Path, site: SiteIdentity) -> Path:
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", site.content_url or "default")
    return folder / f"site-{name}-{hashlib.sha256(site_key(site).encode()).hexdigest()[:8]}.json"
