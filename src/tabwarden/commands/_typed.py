"""The command line as a way to ask a case's question: what `why`, `who` and `what` print as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import fields
from io import StringIO
from pathlib import Path
from typing import Any

from tabwarden.access.abilities.ability import ABOUT_A_PERSON
from tabwarden.access.answer import ALLOWED, DENIED
from tabwarden.access.question import Asked
from tabwarden.cases.ways import NOT_ALLOWED, Opened, Said, Way
from tabwarden.commands._parsing import parameters_of, read
from tabwarden.commands.who_what import what, who
from tabwarden.commands.why import why
from tabwarden.model.capability import applies, capabilities_of
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import Site
from tabwarden.questions import Questions
from tabwarden.store import snapshot

COMMANDS: Mapping[str, Callable[..., None]] = {"why": why, "who": who, "what": what}
PARAMETERS = {name: parameters_of(command) for name, command in COMMANDS.items()}


class CommandLine:
    """The commands that answer questions, and the snapshot of the Site they were last asked about."""

    def __init__(self, folder: Path) -> None:
        """`folder` gets the snapshots; whoever made it removes it."""
        self._folder = folder
        self._snapshot: tuple[Site, Path] | None = None

    @property
    def ways(self) -> Mapping[str, Way]:
        """By name: the Answer of `why`; a person of `who`; a capability, or a content, of `what`."""
        return {
            "why-json": self._why,
            "who-json": self._who,
            "what-json": self._what,
            "reach-json": self._reach,
        }

    def typed(self, site: Site, *words: str) -> Any:
        """What these words print as JSON about the Site; TabwardenError with what they say when they fail."""
        if self._snapshot is None or self._snapshot[0] is not site:
            self._snapshot = (site, snapshot.save(site, self._folder, durable=False))
        out, err = StringIO(), StringIO()
        name, rest = words[0], (*words[1:], "--snapshot", str(self._snapshot[1]), "--json")
        try:
            with redirect_stdout(out), redirect_stderr(err):
                COMMANDS[name](**read(name, PARAMETERS[name], rest))
        except TabwardenError as error:
            raise TabwardenError(f"`{' '.join(words)}` failed: {error}") from None
        return json.loads(out.getvalue())

    def _why(self, opened: Opened, question: Asked) -> Said | None:
        if question.ability:
            to = question.to if question.what in ABOUT_A_PERSON else question.target
            words = [
                question.user,
                f"ability:{question.what}",
                *([question.content] if question.content is not None else []),
            ]
            document = self.typed(
                opened.site, "why", *words, *(["--to", to] if to is not None else []), *_under(question)
            )
        elif sayable(opened.site, question):
            document = self.typed(
                opened.site,
                "why",
                question.user,
                f"capability:{question.what}",
                str(question.content),
                *_under(question),
            )
        else:
            return None
        return Said(document["verdict"], document["because"])

    def _who(self, opened: Opened, question: Asked) -> Said | None:
        if not sayable(opened.site, question):
            return None
        if applies(question.what, opened.site.contents[str(question.content)].kind, question.model) is False:
            return None  # which `who` says of nobody, and of a project tells of what is in it
        document = self.typed(opened.site, "who", question.what, str(question.content), "--all", *_under(question))
        answer = next(one for one in document["people"] if one["user"]["id"] == question.user)
        return Said(answer["verdict"], answer["because"])

    def _what(self, opened: Opened, question: Asked) -> Said | None:
        """What the kind does not have stands in no line, which is a no; neither does a name that no rule there says."""
        if question.ability:
            return None
        document = self.typed(opened.site, "what", question.user, str(question.content), *_under(question))
        answer = next((one for one in document if one["capability"] == question.what), None)
        if answer is not None:
            return Said(answer["verdict"], answer["because"])
        return (
            Said(DENIED)
            if applies(question.what, opened.site.contents[str(question.content)].kind, question.model) is False
            else None
        )

    def _reach(self, opened: Opened, question: Asked) -> Said | None:
        """`what` without a content lists what a person may View, each with all she may there."""
        if question.ability:
            return None
        document = self.typed(opened.site, "what", question.user, *_under(question))
        row = next((one for one in document["contents"] if one["id"] == question.content), None)
        if row is None:
            return Said(NOT_ALLOWED) if question.what == "Read" else None
        if question.what in row["allowed"]:
            return Said(ALLOWED)
        return Said(NOT_ALLOWED) if question.what in capabilities_of(row["kind"], question.model) else None


def sayable(site: Site, question: Asked) -> bool:
    """Whether the words of the command line mean this capability: a few REST names mean another one on some kind."""
    if question.ability:
        return False
    try:
        content = site.contents[str(question.content)]
        return Questions(site, model=question.model).capability(question.what, content) == question.what
    except UnknownName:
        return False


def _under(question: Asked) -> list[str]:
    """Model and open points as options."""
    words = ["--model", question.model]
    for name, value in _turned(question.open_points).items():
        words += ["--open-point", f"{name}={value}"]
    return words


def _turned(open_points: OpenPoints) -> Mapping[str, bool | str]:
    names = (f.name for f in fields(OpenPoints))
    return {n: getattr(open_points, n) for n in names if getattr(open_points, n) != getattr(DOCUMENTED, n)}
