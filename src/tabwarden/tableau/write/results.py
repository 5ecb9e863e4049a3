"""What the writing functions share: which of them sends which change, results, ids of what is new, refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar
from xml.etree.ElementTree import Element

from tabwarden.effects.change import Change
from tabwarden.effects.ref import Ref
from tabwarden.model.errors import TableauError
from tabwarden.model.site import LOCAL, User
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.refusals import REMEDIES, remedy_of
from tabwarden.tableau.read.people import read_users, user_of

DONE, ALREADY, FAILED, INSTEAD = "done", "already", "failed", "instead"
TRIES = 3
_FOR_ALL = frozenset({0, 401, 429, 502, 503, 504})

Found = TypeVar("Found")
Op = TypeVar("Op", bound=Change)


class Result(NamedTuple):
    """What became of one change: done, already (it was true before), failed, or the next best was done instead.

    `code` is Tableau's (or the HTTP status), `remedy` one clause for a person. `new_id` is the id of a user or
    group that the change was to create and that exists now, also where it failed halfway (no seat for the role).
    """

    position: int
    status: str
    code: str = ""
    remedy: str = ""
    new_id: str | None = None


class Ids:
    """Ids of users and groups by `Ref.key`: those a plan knew, and those of what has been created since."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = dict(known)

    def of(self, ref: Ref | None) -> str | None:
        """The id, None where it does not exist (its creation failed)."""
        if ref is None or not ref.is_new:
            return None if ref is None else ref.id
        return self._known.get(ref.key)

    def need(self, ref: Ref) -> str:
        """The id; where it does not exist, the change that needs it is not done (`alone`)."""
        known = self.of(ref)
        if known is None:
            raise _NotThereError(ref)
        return known

    def learn(self, ref: Ref, new_id: str) -> None:
        """Keep the id of something new."""
        self._known[ref.key] = new_id


class _NotThereError(Exception):
    """A user, group or project that never came into being."""

    def __init__(self, ref: Ref) -> None:
        super().__init__(ref.qualified)
        self.ref = ref


Send = Callable[[Connection, Op, Ids], Result]
SENDERS: dict[type[Change], Send[Any]] = {}
"""Which function sends which change; the modules of this folder register theirs."""


def sends(op: type[Op]) -> Callable[[Send[Op]], Send[Op]]:
    """The function below carries out changes of this class."""

    def registered(send: Send[Op]) -> Send[Op]:
        SENDERS[op] = send
        return send

    return registered


def alone(connection: Connection, change: Change, ids: Ids) -> Result:
    """Carry out one change; a refusal of it is a Result, what would refuse everybody is raised."""
    send = SENDERS.get(type(change))
    if send is None:
        return Result(0, FAILED, "", f"this release cannot carry out `{change.op}`")
    try:
        return attempted(lambda: send(connection, change, ids))
    except _NotThereError as missing:
        return not_there(missing.ref)


def failed_by(error: TableauError, because: str = "") -> Result:
    """The Result of a refusal, with the remedy that fits best and what Tableau itself said."""
    code = error.code or str(error.status)
    if not because and error.code not in REMEDIES:
        return Result(0, FAILED, code, str(error))
    return Result(0, FAILED, code, with_text(because or remedy_of(error.status, error.code), error))


def with_text(because: str, error: TableauError) -> str:
    """A reason with Tableau's own words beside it."""
    return f"{because} (Tableau said: {error.text})" if error.text and error.text not in because else because


def attempted(doing: Callable[[], Result], failed: Callable[[TableauError], Result] = failed_by) -> Result:
    """What became of one change; a refusal of it is a Result, what would refuse everybody is raised."""
    try:
        return doing()
    except TableauError as error:
        if is_for_all(error):
            raise
        return failed(error)


def not_there(ref: Ref) -> Result:
    """The Result of a change whose user or group never came into being."""
    return Result(
        0, FAILED, "", f"`{ref.qualified}` was not created, so this could not be done; see the line about that"
    )


def is_lost(error: TableauError) -> bool:
    """Whether nobody knows if the request was carried out."""
    return error.status in (0, 408) or error.status >= 500


def is_for_all(error: TableauError) -> bool:
    """Whether the next change would fail likewise: no answer, no session, a server that is busy or down."""
    return error.status in _FOR_ALL


def create(send: Callable[[], Element | None], look: Callable[[], Found | None]) -> Element | Found | None:
    """The answer of a request that creates; after a lost answer what `look` finds, and only else sent again."""
    for tries_left in range(TRIES - 1, -1, -1):
        try:
            return send()
        except TableauError as error:
            if not is_lost(error):
                raise
            thing = look()
            if thing is not None:
                return thing
            if not tries_left:
                raise
    return None


def find_user(connection: Connection, ref: Ref) -> User | None:
    """The user of the site with that name in any letter case (and domain, where the Ref names one)."""
    users = [user_of(one) for one in _named(connection, ref.name)]
    return pick(users, ref)


def find_new_user(connection: Connection, ref: Ref) -> User | None:
    """As `find_user`, of somebody who is there for certain: where the search index lags, the whole list knows him."""
    user = find_user(connection, ref)
    return user if user is not None else pick(read_users(connection), ref)


def pick(users: list[User], ref: Ref) -> User | None:
    """The one among `users` a Ref means. A Ref without domain also means the only one of that name."""
    same = [user for user in users if user.name.casefold() == ref.name.casefold()]
    exact = [user for user in same if user.domain.casefold() == ref.domain.casefold()]
    if not exact and ref.domain.casefold() == LOCAL and len(same) == 1:
        return same[0]
    return exact[0] if len(exact) == 1 else None


def _named(connection: Connection, name: str) -> list[Element]:
    query = {"fields": "_all_"}
    if "," in name or "&" in name:
        return connection.pages("users", "user", query)  # the server takes neither in a filter
    for operator in ("cieq", "eq"):
        try:
            return connection.pages("users", "user", {**query, "filter": f"name:{operator}:{name}"})
        except TableauError as error:
            if error.status != 400 or operator == "eq":
                raise
    return []
