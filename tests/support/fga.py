"""A small evaluator of OpenFGA's model language: direct relations and usersets. Not a test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class Store:
    """A model and its tuples; a tuple that the model does not allow is refused, as by the server."""

    def __init__(self, model: Mapping[str, Any], tuples: Iterable[Mapping[str, str]]) -> None:
        assert model["schema_version"] == "1.1"
        self.types = {each["type"]: each for each in model["type_definitions"]}
        self.tuples: dict[tuple[str, str], set[str]] = {}
        self.answers: dict[tuple[str, str, str], bool] = {}
        for each in tuples:
            self._check_tuple(each)
            self.tuples.setdefault((each["object"], each["relation"]), set()).add(each["user"])

    def _check_tuple(self, each: Mapping[str, str]) -> None:
        kind, _, name = each["object"].partition(":")
        relations = self.types[kind].get("relations", {})
        assert each["relation"] in relations, each
        allowed = self.types[kind]["metadata"]["relations"][each["relation"]]["directly_related_user_types"]
        user_kind, _, user = each["user"].partition(":")
        user_name, _, relation = user.partition("#")
        wanted = {"type": user_kind, "relation": relation} if relation else {"type": user_kind}
        assert wanted in allowed, each
        for text in (name, user_name):
            assert text, each
            assert text != "*", "a wildcard is everybody"
            assert not set(text) & set(" :#\t\n"), each

    def check(self, user: str, relation: str, on: str) -> bool:
        """Whether the user has the relation to the object."""
        assert self.types[on.partition(":")[0]]["relations"][relation] == {"this": {}}
        for found in self.tuples.get((on, relation), ()):
            if found == user:
                return True
            userset, hash_, of = found.partition("#")
            if hash_ and self._checked(user, of, userset):
                return True
        return False

    def _checked(self, user: str, relation: str, on: str) -> bool:
        """The same, asked once."""
        question = user, relation, on
        if question not in self.answers:
            self.answers[question] = self.check(user, relation, on)
        return self.answers[question]

    def objects(self, user: str, relation: str) -> set[str]:
        """Every object to which the user has the relation."""
        return {on for on, named in self.tuples if named == relation and self.check(user, relation, on)}
