"""The merged roster of the last good run, one file a site: what the next run compares with. Not how it is compared.

    .tabwarden/rosters/site-<site>.json  the roster of the last run that came to its end
    .tabwarden/rosters/plan-<plan>.json  the roster a plan was made from, until the plan is applied or forgotten

The files name people with their departments: only their owner may read them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabwarden.change.plan import SiteIdentity
from tabwarden.model.errors import TabwardenError
from tabwarden.store.journal import site_key
from tabwarden.want.people.standing import Known, KnownPerson

ROSTERS, FORMAT = "rosters", 1
FORGOTTEN_AFTER = 30 * 86_400
"""Seconds after which the roster of a plan nobody applied is deleted."""


def known_roster(store: Path, site: SiteIdentity) -> Known:
    """The roster of the last good run on this site, an empty one where there was none. TabwardenError when damaged."""
    path = _of_site(store, site)
    if not path.is_file():
        return Known()
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["format"] != FORMAT:
            raise ValueError(f"format {told['format']}")
        return Known(tuple(_person(one) for one in told["people"]), told["when"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise TabwardenError(
            f"the roster of the last good run, `{path}`, is damaged ({error}); put it back from a backup, or delete "
            "it: then nobody counts as moved, back or vanished in the next run"
        ) from None


def keep_for_plan(store: Path, plan_id: str, site: SiteIdentity, known: Known) -> None:
    """Keep the roster a plan was made from; it counts when the plan has been applied."""
    if _same_people(known_roster(store, site), known):
        return
    _write(_of_plan(store, plan_id), known)
    for path in (store / ROSTERS).glob("plan-*.json"):
        if time.time() - path.stat().st_mtime > FORGOTTEN_AFTER:
            path.unlink(missing_ok=True)


def keep_of_plan(store: Path, plan_id: str, site: SiteIdentity) -> None:
    """The roster of a plan that came to its end is the last good one from now on; nothing where a plan has none."""
    path = _of_plan(store, plan_id)
    if path.is_file():
        path.replace(_of_site(store, site))


def _same_people(one: Known, other: Known) -> bool:
    return one.people == other.people


def _of_plan(store: Path, plan_id: str) -> Path:
    return store / ROSTERS / f"plan-{plan_id}.json"


def _of_site(store: Path, site: SiteIdentity) -> Path:
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", site.content_url or "default")
    return store / ROSTERS / f"site-{name}-{hashlib.sha256(site_key(site).encode()).hexdigest()[:8]}.json"


def _write(path: Path, known: Known) -> None:
    """Whole or not at all; one person a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(_told(person), ensure_ascii=False) for person in known.people)
    aside = path.with_name(path.name + ".unfinished")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(f'{{"format": {FORMAT}, "when": {json.dumps(known.when)}, "people": [\n{lines}\n]}}\n')
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def _told(person: KnownPerson) -> Mapping[str, Any]:
    """The fields that say something."""
    return {name: value for name, value in person._asdict().items() if value or name == "name"}


def _person(told: Mapping[str, Any]) -> KnownPerson:
    """A person of a file. KeyError, TypeError or ValueError where it is none."""
    lists = {
        "keys": tuple((str(kind), str(value)) for kind, value in told.get("keys", ())),
        "groups": tuple(str(group) for group in told.get("groups", ())),
        "rows": tuple((str(source), int(row)) for source, row in told.get("rows", ())),
    }
    if not isinstance(told["name"], str) or not isinstance(told.get("left", False), bool):
        raise ValueError("a person without a name")
    return KnownPerson(**{**told, **lists})
