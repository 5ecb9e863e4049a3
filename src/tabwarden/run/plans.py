"""The plans of a store: kept and numbered, listed with what became of each, found by number, id or file.

`plans/index.jsonl` has a line for each plan that was ever written here, in that order: a plan's number is its line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tabwarden.model.codec import collected_later
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.names import hint
from tabwarden.plan.file import from_json, text_of
from tabwarden.plan.plan import Plan
from tabwarden.report.plans import headline
from tabwarden.safe_files import MOST_OF_A_PLAN, for_the_owner, read_text, write_whole
from tabwarden.store.journal import FAILED, INSTEAD, SKIPPED, Record, checked_line, fields_of, path_of, read, whoami

PLANS, INDEX = "plans", "index.jsonl"
WAITING, STOPPED, APPLIED, BEGUN, GONE = "waiting", "stopped", "applied", "begun", "gone"


class KeptPlan(NamedTuple):
    """A plan of the store by its line: `number` from 1, when and by whom it was made (ISO, UTC), what it says, and
    its file. `stops` may not be waived, `accept` may, as `licences-lost=37`. `record` is its journal.
    """

    number: int
    id: str
    made_at: str
    by: str
    kind: str
    site: str
    says: str
    changes: int
    stops: tuple[str, ...]
    accept: tuple[str, ...]
    path: Path
    record: Record

    @property
    def state(self) -> str:
        """waiting, stopped, applied, begun (and not finished) or gone (its file is)."""
        if self.record.plan:
            return APPLIED if self.record.finished else BEGUN
        if not self.path.is_file():
            return GONE
        return STOPPED if self.stops or not self.changes else WAITING

    @property
    def not_done(self) -> int:
        """How many of its changes ended otherwise than planned."""
        return sum(1 for entry in self.record.ended.values() if entry.status in (FAILED, INSTEAD, SKIPPED))


def load_plan(path: Path) -> Plan:
    """The plan of a file; TabwardenError where there is none."""
    try:
        return from_json(read_text(path, MOST_OF_A_PLAN), str(path))
    except OSError as error:
        raise TabwardenError(f"the plan `{path}` cannot be read: {(error.strerror or 'unreadable').lower()}") from None
    except UnicodeDecodeError:
        raise TabwardenError(f"`{path}` is not a plan: it is not text") from None


def keep_plan(plan: Plan, path: Path) -> Path:
    """Write the plan; whole or not at all."""
    with collected_later():
        write_whole(path, map(str.encode, text_of(plan)))
    return path


def plan_path(store: Path, plan_id: str) -> Path:
    """Where the plans that were applied, or stopped, are kept."""
    return store / PLANS / f"{plan_id}.json"


def keep_in(store: Path, plan: Plan, out: Path | None = None, by: str = "") -> tuple[int, Path]:
    """Write the plan into the store, or to `out`, and number it; its number and its file.

    `by` made it, when that is not who is at this machine.
    """
    path = keep_plan(plan, out or plan_path(store, plan.id))
    known = next((kept_plan.number for kept_plan in _lines(store) if kept_plan.id == plan.id), 0)
    if known:
        return known, path
    stops = plan.stops_of_all
    line = {
        "id": plan.id,
        "made_at": plan.made_at,
        "by": by or whoami(),
        "kind": plan.kind,
        "site": plan.site.name or plan.site.content_url,
        "says": headline(plan),
        "changes": len(plan.changes),
        "stops": sorted({stop.id for stop in stops if not stop.waivable}),
        "accept": [f"{stop.id}={stop.number}" for stop in stops if stop.waivable],
        "file": str(path.resolve()) if out is not None else path.name,
    }
    return _numbered(store, line), path


def _numbered(store: Path, line: Mapping[str, object]) -> int:
    """Add a line to the list, one process at a time; its number. What a dying process has torn goes."""
    from filelock import lock_descriptor

    index = store / PLANS / INDEX
    index.parent.mkdir(parents=True, exist_ok=True)
    with open(index, "a+b", opener=for_the_owner) as file:
        lock_descriptor(file.fileno(), blocking=True)
        file.seek(0)
        whole = file.read()
        file.truncate(whole.rfind(b"\n") + 1)
        file.write(checked_line(line).encode())
        file.flush()
        os.fsync(file.fileno())
    return whole.count(b"\n") + 1


def kept_plans(store: Path) -> tuple[KeptPlan, ...]:
    """Every plan of the store, the oldest first. TabwardenError where the list of them, or a journal, is damaged."""
    return tuple(kept_plan._replace(record=read(path_of(store, kept_plan.id))) for kept_plan in _lines(store))


def plan_meant(store: Path, words: str, last: str = "") -> Path:
    """The file of the plan that somebody means: a file, a number of `plan list`, or the beginning of an id.

    `last` is how the command is told to take the last one, for whoever wrote nearly that.
    """
    name = words.strip()
    with suppress(OSError):  # longer than any file name
        if Path(name).is_file():
            return Path(name)
    plans = [one for one in _lines(store) if name in (str(one.number), f"#{one.number}")]
    if not plans and len(name) >= 4:
        plans = [one for one in _lines(store) if one.id.startswith(name.lower())]
    if len(plans) == 1:
        return plans[0].path
    if len(plans) > 1:
        both = ", ".join(f"`{one.id}`" for one in plans)
        raise UnknownName(f"several plans begin with `{name}`: {both}; write more of it, or its number")
    near = hint(name, {one.id: "" for one in _lines(store)})
    if last and hint(name, {"last": ""}):
        near = f"; near it: `{last}`"
    raise UnknownName(
        f"`{name}` is no plan's file, and no number or id of a plan in `{store}`{near}; `tabwarden plan list` has them"
    )


def last_waiting(store: Path, where: str, content_url: str) -> Path | None:
    """The file of the newest plan of a site, where it waits to be applied or gone on with; None where it does not."""
    for kept_plan in reversed(kept_plans(store)):
        if kept_plan.state != GONE:
            site = load_plan(kept_plan.path).site
            if (site.where, site.content_url) == (where, content_url):
                return kept_plan.path if kept_plan.state in (WAITING, BEGUN) else None
    return None


def _lines(store: Path) -> Iterator[KeptPlan]:
    index = store / PLANS / INDEX
    if not index.is_file():
        return
    for number, line in enumerate(index.read_bytes().split(b"\n")[:-1], 1):  # what follows the last line end is torn
        try:
            fields = fields_of(line)
            file = fields.pop("file")
            fields |= {key: tuple(fields[key]) for key in ("stops", "accept")}
            kept_plan = KeptPlan(number=number, path=index.parent / file, record=Record(), **fields)
        except (ValueError, LookupError, TypeError, AttributeError):
            raise TabwardenError(
                f"line {number} of `{index}` is damaged; it lists the plans alone: move it away, and name plans by "
                "their file"
            ) from None
        yield kept_plan
