"""The paths of the API: each is a command of the command line, and what of it a query may say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from tabwarden.cli import COMMANDS
from tabwarden.commands._parsing import Parameter, parameters_of
from tabwarden.model.errors import UnknownName
from tabwarden.web.rights import ADMINISTRATOR, APPROVER, AUDITOR, OPERATOR

MOST = 1_000_000  # rows of a page
PROBLEM, JSON = "application/problem+json", "application/json"
# A snapshot of the history: never the folder of one, which the command line takes too.
_SNAPSHOT = r"^(#?[0-9]{1,9}|last|previous|today|yesterday|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9:]+)?)?)$"
_NAME_VALUE = r"^([A-Za-z_]+=[^/\\]*|blog)$"
_SENTENCE = r"^[A-Za-z]+ .*$"
# What a query may hold, by the parameter's name, and the form that those must have which could name a file here.
TAKEN: Mapping[str, str] = {
    **dict.fromkeys(("user", "capability", "content", "target", "group", "words", "subject", "where", "sort"), ""),
    **dict.fromkeys(("model", "models", "against", "defaults", "everybody", "idle", "to", "project", "waiting"), ""),
    **dict.fromkeys(("scope", "lints", "fail_on", "trend", "fix", "beside", "person", "act", "newest"), ""),
    **dict.fromkeys(("snapshot", "on", "before", "after", "since"), _SNAPSHOT),
    "open_point": _NAME_VALUE,
    "changes": _SENTENCE,
    "number": r"^[0-9]{1,9}$",
    "anchor": r"^[1-9][0-9]{0,17}:[0-9a-f]{64}$",
    "plan": r"^(#?[0-9]{1,9}|[0-9a-f]{4,64})$",
}


class Question(NamedTuple):
    """A path of the API, the command it is, the right it takes, and the key of its rows where those can be paged.

    `of_snapshot` is False where the answer hangs on more than the snapshot, as plans do; `of_site` where it is of every
    site whose snapshots lie in the store; `of_settings` where the settings alone say which site it is of; `of_oneself`
    where whoever has not the right may ask about himself: `about` is the name of the query that means whoever asks
    where it is left out.
    """

    path: str
    command: str
    right: str = AUDITOR
    rows: str = ""
    of_snapshot: bool = True
    of_site: bool = True
    of_settings: bool = False
    of_oneself: bool = False
    about: str = ""

    @property
    def function(self) -> Callable[..., None]:
        """The command's function."""
        return COMMANDS[self.command].function()

    @property
    def parameters(self) -> list[Parameter]:
        """What of the command a query may say."""
        every = (one for one in parameters_of(self.function) if one.name in TAKEN and one.type in (str, int, bool))
        # `fix` of lints writes a plan, and a number is a path's own.
        strange = {("fix", str), *([] if "{number}" in self.path else [("number", int)])}
        return [one for one in every if (one.name, one.type) not in strange]


LISTS = ("users", "groups", "members", "projects", "workbooks", "views", "datasources", "flows", "owners")
QUESTIONS = (
    Question("/why", "why", of_oneself=True),
    Question("/who", "who", rows="people"),
    Question("/what", "what", of_oneself=True),
    Question("/rules", "rules"),
    Question("/whatif", "whatif"),
    Question("/find", "find"),
    *(Question(f"/{what}", f"list {what}", rows="rows") for what in LISTS),
    Question("/diff", "diff", of_snapshot=False),
    Question("/history", "history", of_snapshot=False),
    Question("/findings", "lint", of_snapshot=False),
    Question("/invariants", "check", of_snapshot=False),
    Question("/licences", "licences", of_snapshot=False, of_settings=True),
    Question("/catalog", "catalog", rows="entries", of_snapshot=False, of_settings=True, of_oneself=True, about="as"),
    Question("/requests", "requests", APPROVER, of_snapshot=False, of_settings=True, of_oneself=True),
    Question("/requests/{number}", "requests", APPROVER, of_snapshot=False, of_settings=True, of_oneself=True),
    Question("/plans", "plan list", OPERATOR, of_snapshot=False, of_site=False),
    Question("/plans/{plan}", "plan show", OPERATOR, of_snapshot=False, of_site=False),
    Question("/status", "status", ADMINISTRATOR, of_snapshot=False, of_site=False),
    Question("/audit", "audit list", ADMINISTRATOR, of_snapshot=False, of_site=False),
    Question("/audit/verify", "audit verify", ADMINISTRATOR, of_snapshot=False, of_site=False),
)


def demand_snapshot(words: str) -> str:
    """Words that mean a snapshot of the history, as they are; UnknownName for those that could mean a file."""
    if not re.match(_SNAPSHOT, words):
        raise UnknownName(f"`{words}` is no number, day (2026-11-21) or time of the history, `last` or `previous`")
    return words


def key_of(parameter: Parameter) -> str:
    """What a query calls it: the option's name, or the argument's."""
    return parameter.names[0].lstrip("-") if parameter.names else parameter.name
