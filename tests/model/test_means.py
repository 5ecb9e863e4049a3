"""What each capability lets a person do: a sentence for each of each kind."""

from __future__ import annotations

import pytest
from small_site import project, site, workbook

from tabwarden.model.capability import KINDS, READ_ONLY, capabilities_of
from tabwarden.model.errors import UnknownName
from tabwarden.model.means import means
from tabwarden.model.open_points import OpenPoints
from tabwarden.questions import Questions


def test_every_capability_of_every_kind_has_its_sentence() -> None:
    told = {(c, kind): means(c, kind) for kind in KINDS for c in capabilities_of(kind) if c not in READ_ONLY}
    assert len(told) > 80
    assert all(sentence and "{" not in sentence and not sentence.endswith(".") for sentence in told.values())
    assert means("ExportXml", "workbook") != means("ExportXml", "datasource")
    assert means("Delete", "database") is means("NotYetNamed", "workbook") is None


def test_ai_access_is_asked_for_by_its_name_once_its_rest_name_is_told() -> None:
    held = site(project("p"), workbook("w", "p", "user:ann +AiAccess"), users=["ann:Viewer"])
    with pytest.raises(UnknownName, match="`--open-point ai_access_name=NAME`"):
        Questions(held).asked("ann", "AI Access", "p/w")
    told = Questions(held, open_points=OpenPoints(ai_access_name="AiAccess"))
    assert told.why(told.asked("ann", "ai access", "p/w")).because == "user_allow"
