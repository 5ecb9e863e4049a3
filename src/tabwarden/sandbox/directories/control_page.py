"""The sandbox's own page /sandbox/directory: the pretend directory read and replaced, as in a world file.

Not part of Tableau: it stands in for the people who disable accounts and change groups in a real directory.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from pydantic import ValidationError

from tabwarden.model.errors import TabwardenError
from tabwarden.sandbox.directories.pretend_directory import DirectoryText
from tabwarden.sandbox.state.sites import State

PATH = "/sandbox/directory"


class Page(NamedTuple):
    """An answer: a status and JSON, or one sentence."""

    status: int
    text: str
    content_type: str = "text/plain"


def answer(state: State, method: str, body: bytes) -> Page:
    """GET gives the directory as JSON, PUT replaces it; 400 with every mistake of what was sent."""
    if method == "PUT":
        try:
            text = DirectoryText.model_validate_json(body)
            state.put_directory(text.model_dump(mode="json", exclude_defaults=True))
        except ValidationError as problem:
            lines = (f"{'.'.join(map(str, e['loc']))}: {e['msg'].lower()}" for e in problem.errors())
            return Page(400, "\n".join(lines))
        except TabwardenError as problem:
            return Page(400, str(problem))
        state.commit()
    elif method != "GET":
        return Page(405, "the page is read with GET and replaced with PUT")
    return Page(200, json.dumps(state.pretended), "application/json")
