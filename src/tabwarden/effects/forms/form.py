"""What a form is: one kind of sentence, both ways."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from tabwarden.effects.change import Change
from tabwarden.effects.phrases import Words
from tabwarden.model.site import Site

Says = Callable[[Site, Any], str | None]
ON = r"on (?:<kind> in )?<content>"
"""Where rules lie: on a content, or among a project's defaults for a kind."""


class Form(NamedTuple):
    """One kind of sentence: how it is written, an example, what it means on a Site, and which change it says how.

    `says` is None for a change of that class that another form says. `loose` lets names hold quotation marks.
    """

    written: str
    example: str
    pattern: re.Pattern[str]
    loose: re.Pattern[str]
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
    """`<name>` in a pattern is a name: in quotes, perhaps with its kind before them, or the fewest words that fit."""
    quoted = r'(?:(?:user |group |group set |\\w+:) *)?"[^"]+"'
    strict, loose = (
        re.compile(re.sub(r"(?<!P)<(\w+)>", rf"(?P<\1>{quoted}|{bare})", pattern), re.IGNORECASE)
        for bare in (r'(?:[^"]|"[^"]*")+?', r".+?")
    )
    return Form(written, example, strict, loose, meant, of, says)
