"""The changes of a plan carried out on a connection, each with what became of it.

What is true already is never an error. A request that creates something and got no answer is looked up before it
is sent again. One person's refusal is a Result; what would refuse everybody (no answer, no session) is raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import NamedTuple

from tabwarden.effects.change import Change
from tabwarden.effects.ops.content import SetDescription, SetOwner
from tabwarden.effects.ops.rules import PutRules
from tabwarden.model.errors import TableauError
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.write import bulk as write_bulk
from tabwarden.tableau.write import content, directory, one, refreshes
from tabwarden.tableau.write.results import Ids, Result, alone

REGISTERED = (content, directory, one, refreshes)
"""The other modules that register what they send."""

BATCH = 500
WAVE, AT_ONCE = 200, 16  # pieces of work that may be under way together, and how many really are
WORTH_A_JOB = 10  # fewer people than this are added or removed one by one: a job takes its own requests and time
READ_BACK = "read back"  # what a synchronisation brings about is not sent, and looked at together
MEMBERSHIP_SINCE, JOBS_SINCE = "3.21", "3.15"


class _Kind(NamedTuple):
    """What makes changes fit for one request: the same operation, of memberships the same group, of rules the list."""

    op: str
    group: str = ""
    by_job: bool = False


class Writer:
    """Carries out changes to users, groups, content, the site's settings and the nicknames of domains.

    `bulk` allows many memberships in one request (API 3.21) and, unless `jobs` says otherwise, users added and
    removed by a job (API 3.15); neither is used on a server that does not speak that version.
    """

    def __init__(self, connection: Connection, *, bulk: bool = True, jobs: bool | None = None) -> None:
        self._connection = connection
        self._memberships = bulk and connection.supports(MEMBERSHIP_SINCE)
        self._jobs = (bulk if jobs is None else jobs) and connection.supports(JOBS_SINCE)

    def together(self, changes: Sequence[Change]) -> Iterator[range]:
        """Positions of neighbours that `do` sends as one piece of work: what a journal notes before and after.

        Most are of length 1; the ranges cover `changes` in order.
        """
        start = 0
        while start < len(changes):
            kind = self._kind(changes[start])
            end = start + 1
            while kind is not None and end < len(changes) and end - start < BATCH and self._kind(changes[end]) == kind:
                end += 1
            if kind is not None and kind.by_job and end - start < WORTH_A_JOB:
                end = start + 1
            yield range(start, end)
            start = end

    def side_by_side(self, changes: Sequence[Change]) -> Iterator[list[range]]:
        """The pieces of `together`, those in one list that may be sent at the same time.

        These are neighbours of which no answer to who may what rests on two: default rules of one kind of one project,
        or rules, owner or description of things that do not lie in each other. Rules of projects are sent by
        themselves, for all below hangs on their leaders.
        """
        wave: list[range] = []
        words, about = "", set[str]()
        for piece in self.together(changes):
            kind, thing = _apart(changes[piece.start])
            if not kind or kind != words or thing in about or len(wave) == WAVE:
                if wave:
                    yield wave
                wave, words, about = [], kind, set()
            wave.append(piece)
            about.add(thing)
        if wave:
            yield wave

    def do_side_by_side(
        self, pieces: Sequence[Sequence[Change]], known_ids: Mapping[str, str] | None = None
    ) -> Iterator[tuple[int, list[Result]]]:
        """As `do` for each of the pieces, in the order in which they end: which it was and its Results.

        A TableauError that would meet all is raised when what was under way has ended.
        """
        if len(pieces) == 1:
            yield 0, self.do(pieces[0], known_ids)
            return
        met: TableauError | None = None
        with ThreadPoolExecutor(min(AT_ONCE, len(pieces))) as pool:
            work = {pool.submit(self.do, piece, known_ids): number for number, piece in enumerate(pieces)}
            try:
                for ended in as_completed(work):
                    if ended.cancelled():
                        continue
                    try:
                        yield work[ended], ended.result()
                    except TableauError as error:
                        met = met or error
                        pool.shutdown(wait=False, cancel_futures=True)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        if met is not None:
            raise met

    def do(self, changes: Sequence[Change], known_ids: Mapping[str, str] | None = None) -> list[Result]:
        """Carry out `changes` in order; one Result each, `position` counting within `changes`.

        `known_ids` maps `Ref.key` to the id of what earlier changes created. TableauError when nothing can be
        done at all (the server does not answer, the session cannot be renewed): what was not told is unknown.
        """
        ids = Ids(known_ids or {})
        results: list[Result] = []
        for positions in self.together(changes):
            work = [changes[position] for position in positions]
            for result in self._batch(work, ids):
                placed = result._replace(position=positions.start + result.position)
                results.append(placed)
                created = changes[placed.position].creates
                if placed.new_id is not None and created is not None:
                    ids.learn(created, placed.new_id)
        return results

    def _batch(self, work: Sequence[Change], ids: Ids) -> list[Result]:
        if len(work) == 1:
            return [alone(self._connection, work[0], ids)]
        return write_bulk.together(self._connection, work, ids)

    def _kind(self, change: Change) -> _Kind | None:
        """What the change can be sent together with; None: only by itself."""
        if change.brought_by is not None:
            return _Kind(READ_BACK)
        if isinstance(change, PutRules):
            return _Kind(change.op, f"{change.content.key} {change.id} {change.default_for}")
        if change.net_members and self._memberships and change.of_group is not None:
            return _Kind(change.op, change.of_group.key)
        if self._jobs and write_bulk.fits_a_job(change):
            return _Kind(change.op, by_job=True)
        return None


def _apart(change: Change) -> tuple[str, str]:
    """With what the change may be under way at the same time, and what it is about; nothing where with nothing."""
    if change.needs is not None or not isinstance(change, PutRules | SetOwner | SetDescription):
        return "", ""
    if isinstance(change, PutRules) and change.default_for is not None:
        return "defaults", f"{change.id} {change.default_for}"
    if change.content.kind == "project":
        return "", ""
    return "sheets" if change.content.kind == "view" else "things", change.id
