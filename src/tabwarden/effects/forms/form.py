"""What a form is: one kind of sentence, both ways."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from tabwarden.effects.change import Change
from tabwarden.effects.phrases import Words
from tabwarden.effects.quoting import TOKEN
from tabwarden.model.site import Site

Says = Callable[[Site, Any], str | None]
ON = r"on (?:<kind> in )?<content>"
"""Where rules lie: on a content, or among a project's defaults for a kind."""


class Form(NamedTuple):
    """One kind of sentence: how it is written, an example, what it means on a Site, and which change it says how.

    `says` is None for a change of that class that another form says. `pattern` is of a `Quoting`'s sentence.
    """

    written: str
    example: str
    pattern: re.Pattern[str]
    meant: Callable[[Site, Words], Change]
    of: type[Change]
    says: Says


def form(
    written: str,
    example: str,
    pattern: str,
    meant: Callable[[Site, Words], Change],
    of: type[Change],
    says: Says,
) -> Form:
    """`<name>` in a pattern is a name, the fewest words that fit; `"<text>"` a text, which stands in quotes."""
    named = re.sub(r'"<(\w+)>"', rf"(?P<\1>{TOKEN})", pattern)
    named = re.sub(r"(?<!P)<(\w+)>", r"(?P<\1>.+?)", named)
    return Form(written, example, re.compile(named, re.IGNORECASE), meant, of, says)
