"""A directory that answers late, by halves or not at all, as the script of faults says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tabwarden.model.errors import TabwardenError
from tabwarden.sandbox.directories.directory import Directory, DirectoryGroup, Domain, Person
from tabwarden.sandbox.faults.script import DIRECTORY_PARTIAL, DIRECTORY_TIMEOUT, Faults


class StrickenDirectory:
    """The directory `within`, its look-ups struck by `faults` (asked for each time, for a script can be exchanged)."""

    def __init__(self, within: Directory, faults: Callable[[], Faults]) -> None:
        self._within = within
        self._faults = faults

    def domains(self) -> Sequence[Domain]:
        """Every domain; Tableau knows them without asking."""
        return self._within.domains()

    def find_people(self, domain: str, name: str) -> Sequence[Person]:
        """People by name; TabwardenError when the directory does not answer."""
        self._answer()
        return self._within.find_people(domain, name)

    def find_group(self, domain: str, name: str) -> DirectoryGroup | None:
        """A group by name; TabwardenError when the directory does not answer."""
        self._answer()
        return self._within.find_group(domain, name)

    def members(self, group: DirectoryGroup) -> Sequence[Person]:
        """The members, or the first of them and not a word about the rest."""
        self._answer()
        people = self._within.members(group)
        partial = self._faults().at_directory(DIRECTORY_PARTIAL)
        return people if partial is None else people[: int(len(people) * partial.share)]

    def authenticate(self, person: Person, password: str) -> bool:
        """Whether the directory lets this person in; TabwardenError when it does not answer."""
        self._answer()
        return self._within.authenticate(person, password)

    def _answer(self) -> None:
        if self._faults().at_directory(DIRECTORY_TIMEOUT) is not None:
            raise TabwardenError("the directory did not answer in time")
