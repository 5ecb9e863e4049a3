"""A night: one read of many sites, with what it takes before it begins, gone on with where it was cut short."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tabwarden.model.errors import TabwardenError
from tabwarden.places import Meant, about
from tabwarden.run.read import UNFINISHED, cost
from tabwarden.run.sites import Ended, OneSite, side_by_side
from tabwarden.safe_files import open_to_append
from tabwarden.settings import load
from tabwarden.tableau.http.pace import Estimate
from tabwarden.tableau.read.checkpoint import LONGEST_AGE, cannot_be_written


class Cost(NamedTuple):
    """Requests that reading a site takes, or the sentence of why nobody knows; `hourly` is what its server takes."""

    estimate: Estimate | None
    hourly: int | None = None
    problem: str = ""


def costs(sites: Sequence[OneSite], settings: Path | None, hear: Callable[[int], None]) -> list[Ended[Cost]]:
    """What reading each site would take, side by side, from the sizes of its lists alone."""
    return side_by_side(
        sites, partial(_cost, settings), hear=lambda done, _: hear(done), refused=lambda cost: "401001" in cost.problem
    )


def _cost(settings: Path | None, site: OneSite) -> Cost:
    try:
        with about(Meant(site.address)):
            loaded = load(settings, os.environ)
            return Cost(cost(loaded), loaded.tableau.calls_per_hour)
    except TabwardenError as error:
        return Cost(None, problem="\n".join(error.lines))


def by_server(ended: Sequence[Ended[Cost]]) -> list[str]:
    """What the night takes of each server: `https://a: 38 sites, between 12,000 and 70,000 requests`."""
    lines = []
    for server in dict.fromkeys(one.site.server for one in ended):
        known = [one.value for one in ended if one.site.server == server and one.value and one.value.estimate]
        least, most = (sum(getattr(one.estimate, end) for one in known) for end in ("least", "most"))
        hourly = next((one.hourly for one in known if one.hourly), None)
        sites = f"{len(known)} {'site' if len(known) == 1 else 'sites'}"
        words = f"{server}: {sites}, between {least:,} and {most:,} requests"
        if hourly and least > hourly:
            words += f", at least {least / hourly:.1f} hours, since it takes {hourly:,} an hour"
        lines += [words] if known else []
    return lines


class Night:
    """Which sites one read of many has read already; a file in the store, gone when all were tried.

    One that was begun longer ago than a read may go on, or is of other words, begins anew.
    """

    def __init__(self, store: Path, words: Mapping[str, object], *, fresh: bool = False) -> None:
        name = hashlib.sha256(json.dumps(words, sort_keys=True, default=str).encode()).hexdigest()[:16]
        self.path = store / UNFINISHED / f"{name}.night"
        self.read: dict[str, str] = {}
        self._is_begun = False
        if not fresh:
            self._load()

    def _load(self) -> None:
        with suppress(OSError, ValueError, LookupError, TypeError):  # none, or cut off: what follows is read again
            first, *lines = self.path.read_text(encoding="utf-8").splitlines()
            if 0 <= time.time() - json.loads(first)["begun"] <= LONGEST_AGE:
                self._is_begun = True
                for line in map(json.loads, lines):
                    self.read[line["site"]] = line["what"]

    def add(self, site: OneSite, what: str) -> None:
        """It is read and kept."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self._is_begun:
                self.path.write_text(f"{json.dumps({'begun': time.time()})}\n", encoding="utf-8")
                self._is_begun = True
            with open_to_append(self.path) as file:
                file.write(f"{json.dumps({'site': site.address, 'what': what})}\n")
        except OSError as error:
            raise cannot_be_written(self.path, error) from None

    def end(self) -> None:
        """All were tried: the next one begins anew."""
        self.path.unlink(missing_ok=True)


def too_much(ended: Sequence[Ended[Cost]], at_most: int | None) -> None:
    """TabwardenError where all sites together take more requests than are allowed; nothing has begun yet."""
    least = sum(one.value.estimate.least for one in ended if one.value and one.value.estimate)
    if at_most is not None and least > at_most:
        raise TabwardenError(
            f"reading these {len(ended)} sites takes at least {least:,} requests, more than the {at_most:,} of "
            "`--at-most`; name fewer with `--site`, or allow more"
        )
