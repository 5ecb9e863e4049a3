"""What must be true after any input: the laws, and what breaks one as a sentence."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from itertools import pairwise
from tempfile import TemporaryDirectory

from provisioning import SECRET, URL

from fuzzing.desk import PASSING, Desk, Ended
from fuzzing.forking import LATE, TRACEBACK
from fuzzing.inputs import Input
from tabwarden.model.errors import TabwardenError
from tabwarden.model.names import visible
from tabwarden.model.site import Site, Taken
from tabwarden.store import retention as keeping
from tabwarden.store.history import History

DOCUMENTED = {0, 1}
MORE_CODES: Mapping[str, set[int]] = {
    "plan": {2, 3}, "diff": {2}, "apply": {3}, "run": {3}, "whatif": set(), "mirror": {3},
    "lint": {2, 3}, "check": {2, 3}, "licences": set(), "audit": {2},
}  # fmt: skip
# What a terminal, or a reader's eye, obeys; tabs part the cells of a table in a pipe.
RAW = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\U000e0000-\U000e0fff]"
)
# Texts of Python and of libraries, which are no answer.
FOREIGN = re.compile(
    r"Traceback|nobody foresaw|pydantic|msgspec|[Ee]rrno|JSONDecode|ParserError|object at 0x|<class|NoneType|"
    r"\b(Key|Type|Value|Attribute|Index|OS|Unicode\w+)Error\b|Expecting (value|property|'|,|:)|Extra data|"
    r"Invalid control char|codec can't|unhashable|[Ii]nput should|could not determine|found character|sqlite3?[. ]|"
    r"not well-formed|unclosed token|values are not allowed|while scanning|while parsing|\(char \d|dictionary update|"
    r"positional argument|keyword argument|not subscriptable|not iterable|disk image|is not a database|no such table|"
    r"no such column|disk I/O|int too large|isoformat|surrogates not allowed|list index|string index|null byte|"
    r"NUL character|Extra content|undefined entity"
)
STORE = ("store/history.db*", "store/columns/*", "store/unfinished*", "store/projects/*", "store/names/*", "logs/*")
OF_PLANS = ("store/plans/*", "store/rosters/plan-*", "logs/*", "u.json", "p.json", "store/unfinished*")
ALLOWED: Mapping[str, tuple[str, ...]] = {
    "read": STORE,
    "projects": STORE,
    "plan": (*STORE, *OF_PLANS),
    "apply": (*STORE, *OF_PLANS, "store/journals/*", "store/good-runs.*", "store/rosters/*", "store/locks/*"),
    "run": (*STORE, *OF_PLANS, "store/journals/*", "store/good-runs.*", "store/rosters/*", "store/locks/*"),
    "snapshots": (*STORE, "store/deleted-snapshots.jsonl", "exported/*", "store/pseudonyms.key"),
    "store": ("store/columns/*",),
    "settings": ("settings.yaml", "settings.yaml.aes", "people.yaml", "people.yaml.aes", "key", "new.yaml", "*.aes"),
    "init": ("new.yaml", "secret.txt"),
    "conformance": ("new.yaml",),
    "policy": ("new.yaml", "logs/*"),
    "lint": ("new.yaml",),
    "people": ("store/directories/*", "logs/*"),
    "licences": ("store/licences/*",),
    "sandbox": ("saved.yaml",),
    "directory": ("read.json", ".read.json*", "logs/*", "store/directories/*"),
    "demo": ("demo/*",),
    "mirror": ("mirror/*", "store/mirror*", "store/good-runs.*", "logs/*"),
}
MARK = re.compile(r'"mark": "\w+"')  # what tells one state of a snapshot from another
LEFT_OVER = re.compile(r"unfinished$|\.tmp|~$")


def broken(one: Input, ended: Ended, desk: Desk) -> str:
    """The first law that the input broke, as words; empty where all hold."""
    for law in (_told, _documented, _lost_nothing, _nobody_gained):
        if words := law(one, ended, desk):
            return words
    if one.must and (words := OWN[one.must](one, ended, desk)):
        return words
    return _goes_on(one, ended, desk)


def _told(one: Input, ended: Ended, desk: Desk) -> str:
    if ended.trouble:
        return ended.trouble
    said = ended.out + ended.err
    if ended.code == TRACEBACK or (match := FOREIGN.search(said)):
        return (
            f"text of a library, or a traceback: {said[-600:]!a}" if ended.code == TRACEBACK else _around(match, said)
        )
    if ended.code == LATE:
        return "it hangs"
    if SECRET in said:
        return "the secret is told"
    if raw := RAW.search(said):
        return f"raw {raw[0]!a} in {said[max(0, raw.start() - 60) : raw.end() + 20]!a}"
    if ended.code == 1 and not said.strip() and not one.treated.get("stdout"):
        return "it ends with 1 and says nothing"
    return ""


def _around(match: re.Match[str], said: str) -> str:
    return f"text of a library: {said[max(0, match.start() - 120) : match.end() + 80]!a}"


def _documented(one: Input, ended: Ended, desk: Desk) -> str:
    codes = DOCUMENTED | MORE_CODES.get(one.words[0], set())
    if "signal" in one.treated:
        codes = codes | {-one.treated["signal"], 128 + one.treated["signal"]}
    return "" if ended.code in codes else f"exit code {ended.code} is not documented: {ended.err[-300:]!a}"


def _lost_nothing(one: Input, ended: Ended, desk: Desk) -> str:
    edited = {file for file, *_ in one.edits}
    changed = {name for name in desk.changed() - edited if not name.endswith(PASSING)}
    changed = {
        name
        for name in changed
        if not any(name.startswith(f"{file}/") or file.startswith(f"{name}/") for file in edited)
    }
    hard = one.treated.get("signal") in (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)
    may = (*ALLOWED.get(one.words[0], ()), *([".*.unfinished", "*/.*.unfinished"] if hard else []))
    if more := sorted(name for name in changed if not any(fnmatch(name, pattern) for pattern in may)):
        return f"changed what it may not: {more[:4]}"
    if not hard and (left := sorted(name for name in changed if LEFT_OVER.search(name) and "/unfinished/" not in name)):
        return f"half-written, and left: {left[:4]}"
    if "store/history.db" in changed and "store/history.db" not in edited:
        return _snapshots_stay(one, desk)
    return ""


def _snapshots_stay(one: Input, desk: Desk) -> str:
    deleted = {int(word) for word in one.words if word.isdigit()} if one.words[:2] == ("snapshots", "delete") else set()
    try:
        with History(desk.folder / "store") as history:
            numbers = {snapshot.number for snapshot in history.snapshots()}
            if gone := {1, 2, 3} - numbers - deleted:
                return f"snapshots are gone: {gone}"
            for number in {1, 2, 3} & numbers:
                if history.open(number) != _site(desk, number):
                    return f"snapshot {number} is another one"
    except TabwardenError as error:
        return f"the history does not open: {error}"
    return ""


SITES: dict[int, dict[int, object]] = {}


def _site(desk: Desk, number: int) -> object:
    """A snapshot of the untouched history."""
    known = SITES.setdefault(id(desk), {})
    if not known:
        with TemporaryDirectory() as folder:
            for name in ("history.db", "history.db-wal"):
                with suppress(KeyError), open(f"{folder}/{name}", "wb") as file:
                    file.write(desk.base[f"store/{name}"])
            with History(folder) as history:
                known.update({one.number: history.open(one.number) for one in history.snapshots()})
    return known[number]


def _nobody_gained(one: Input, ended: Ended, desk: Desk) -> str:
    """The site is as it was, but where a plan that is as it was made was to be done."""
    if access_of(desk.sandbox.site(URL)) == access_of(desk.site) or one.must in ("done", "journal"):
        return ""
    forged = any(how == "resealed" for _, how, *_ in one.edits)
    return "" if forged and ended.code != 3 else "the site was changed"


def access_of(site: Site) -> object:
    """What decides who may do what; when somebody signed in last does not."""
    roles = {user.id: (user.name, user.site_role, user.auth_setting) for user in site.users.values()}
    return roles, site.groups, site.contents


def _same(one: Input, ended: Ended, desk: Desk) -> str:
    """An error, or the answer that is right."""
    right = desk.rightly(one.words)
    same = (ended.code, MARK.sub("", ended.out)) == (right.code, MARK.sub("", right.out))
    return "" if ended.code in (1, 3) or same else f"answered: {ended.out[:300]!a}"


def _stopped(one: Input, ended: Ended, desk: Desk) -> str:
    """A list that has shrunk is a stop, whatever became of what it is compared with."""
    return "" if ended.code in (1, 3) else f"the stop is off: {ended.code} {ended.out[:200]!a}"


def _unapplied(one: Input, ended: Ended, desk: Desk) -> str:
    return "" if ended.code in (1, 3) else f"applied: {ended.out[:300]!a}"


def _undone(one: Input, ended: Ended, desk: Desk) -> str:
    """Of the last plan, and no more than was done of it."""
    if ended.code in (1, 3):
        return ""
    plan = desk.folder / "u.json"
    if not plan.exists():
        return ""
    if "right undo" not in desk.marks:
        desk.marks["right undo"] = desk.written_rightly(one.words, "u.json")
    right = [json.dumps(change) for change in json.loads(desk.marks["right undo"])["changes"]]
    changes = [json.dumps(change) for change in json.loads(plan.read_bytes())["changes"]]
    return "" if all(change in right for change in changes) else f"undoes what the last plan did not do: {changes}"


def _clocks(one: Input, ended: Ended, desk: Desk) -> str:
    """No run deletes by its own time,
    and none after a jump of the clock; what a run deletes was old at the one before."""
    told = json.loads(one.about)
    retention = keeping.Retention(*told["retention"])
    start, known = datetime(2026, 1, 1, tzinfo=UTC), list[datetime]()
    with TemporaryDirectory() as folder, History(folder) as history:
        for hours in told["hours"]:
            now = start + timedelta(hours=hours)
            when = now.isoformat().replace("+00:00", "Z")
            before = {s.number: datetime.fromisoformat(s.taken) for s in history.snapshots()}
            try:
                kept = history.keep(Site("s", "S", taken=Taken("w", when)))
            except TabwardenError:  # a clock that is behind keeps nothing, and deletes nothing
                if {s.number for s in history.snapshots()} != before.keys():
                    return f"a read that was refused deleted at {when}"
                continue
            keeping.thin(history, retention, kept)
            gone = before.keys() - {s.number for s in history.snapshots()}
            pauses = [later - earlier for earlier, later in pairwise(known[-10:])]
            jump = known and now - known[-1] > max(timedelta(days=1), max(pauses, default=timedelta(days=1)) * 1.5)
            if gone and (jump or not known):
                return f"snapshots {gone} were deleted after a jump to {when}"
            if young := [n for n in gone if known[-1] - before[n] <= timedelta(days=retention.every_days)]:
                return f"snapshots {young} were not old when the read before {when} was made"
            known = [time for number, time in before.items() if number not in gone] + [now]
    return ""


def _refused(one: Input, ended: Ended, desk: Desk) -> str:
    return "" if ended.code == 1 else f"taken for what it is not: {ended.out[:200]!a}"


def _read(one: Input, ended: Ended, desk: Desk) -> str:
    """An error, or a snapshot of the site as it is, whatever was kept of a read before."""
    if ended.code:
        return f"the read does not come to its end: {ended.err[:200]!a}"
    with History(desk.folder / "store") as history:
        newest = history.open(max(snapshot.number for snapshot in history.snapshots()))
    return "" if access_of(newest) == access_of(_site(desk, 3)) else "the snapshot is another one"  # type: ignore[arg-type]


def _names(words: str) -> Callable[[Input, Ended, Desk], str]:
    """That the sentence says what is wrong."""

    def says(one: Input, ended: Ended, desk: Desk) -> str:
        return "" if ended.code and words in ended.err else f"does not say `{words}`: {ended.err[:200]!a}"

    return says


def _shown(one: Input, ended: Ended, desk: Desk) -> str:
    """Every word that was given is told, and whole."""
    said = ended.out + ended.err
    return next((f"{word!a} is not told" for word in one.words[2:] if visible(word) not in said), "")


def _anything(one: Input, ended: Ended, desk: Desk) -> str:
    return ""


OWN: Mapping[str, Callable[[Input, Ended, Desk], str]] = {
    "same": _same, "read": _read, "stopped": _stopped, "unapplied": _unapplied, "undone": _undone, "done": _anything,
    "journal": _anything, "clocks": _clocks, "refused": _refused, "told": _shown,
    "king": _names("King"), "aliases": _names("aliases"), "device": _names("is a device"),
}  # fmt: skip


def _goes_on(one: Input, ended: Ended, desk: Desk) -> str:
    """After a kill or a full disk the store is whole, and the same once more comes to its end."""
    if not one.then:
        return ""
    checked = desk.call(("store", "check"))
    if checked.code:
        return f"the store is damaged: {checked.out!a}{checked.err!a}"
    again = desk.call(one.then)
    return "" if again.code in (0, 2) and not again.trouble else f"does not go on: {again.err!a}{again.trouble!a}"
