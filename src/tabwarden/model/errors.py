"""The errors a person may see, as one small tree.

TabwardenError                  anything we say instead of a traceback; exit code 1
├── UnknownName                 no user, group, content, capability or role of that name
├── AmbiguousName               several have that name; `candidates` lists them
├── SettingsError               every problem of a settings file at once
├── SourceError                 a source of people could not be read whole
├── SinkError                   a mirror could not be published, or what a sink holds could not be read
├── TableauError                Tableau refused or could not be reached
│   └── MissingScope            a connected app's token may not do this; the scope is named
├── ColumnsError                columns hold what cannot be: the table, the row and the value
├── IncompleteRead              a list came back shorter than its own total
└── WorldError                  a sandbox world or case file that cannot be loaded
"""

from __future__ import annotations

from collections.abc import Sequence


class TabwardenError(Exception):
    """Something a person can act on: one sentence, the words they used in back-ticks, what to do next.

    `lines`: a line for each problem where there are several. What stands in a sentence never begins a line.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class UnknownName(TabwardenError):
    """Nothing is called that."""


class AmbiguousName(TabwardenError):
    """Several things are called that.

    `candidates` holds one line for each of them, as a person may type it.
    """

    def __init__(self, message: str, candidates: Sequence[str] = ()) -> None:
        super().__init__(message, *(f"  {line}" for line in candidates))
        self.candidates = tuple(candidates)

    def __str__(self) -> str:
        """Within another sentence: on one line."""
        return " ".join((self.lines[0], ", ".join(self.candidates)))


class SettingsError(TabwardenError):
    """All problems of one settings file, one line each, in `problems`."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)


class SourceError(TabwardenError):
    """A source of people is unreadable, empty or partial; nothing of it may be used.

    `stop` is the id of the stop it stands for: source-unreadable, source-empty or source-partial.
    """

    def __init__(self, *lines: str, stop: str = "source-unreadable") -> None:
        super().__init__(*lines)
        self.stop = stop


class SinkError(TabwardenError):
    """A target of a mirror cannot be read or written, or a mirror must not be published.

    What the target shows by then is never more than the last mirror or the new one.
    """


class TableauError(TabwardenError):
    """Tableau's refusal: `status` is the HTTP status (0 when no answer came), `code` its six digits or ''.

    `text` is what Tableau itself said, in its words, or ''.
    """

    def __init__(self, message: str, status: int = 0, code: str = "", text: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.text = text


class MissingScope(TableauError):
    """A connected app's token may not ask for something: `scope` is what it lacks."""

    def __init__(self, doing: str, scope: str, code: str = "") -> None:
        message = f"the connected app's token may not {doing}: it lacks the scope `{scope}`; add it to `scopes`"
        super().__init__(message, 401, code)
        self.scope = scope


class Disagreement(TabwardenError):
    """The engine and the reference answer a question differently: one of them is wrong, and nothing is told."""


class IncompleteRead(TabwardenError):
    """A read that is not whole; it never becomes a Site."""


class ColumnsError(TabwardenError):
    """Columns that cannot be asked; the message names table, row and value."""


class WorldError(TabwardenError):
    """A world or case file with a mistake in it; the message names the place."""
