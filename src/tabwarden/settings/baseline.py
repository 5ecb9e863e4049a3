"""The file of findings that are put by, read with its lines."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from tabwarden.audit.baseline import PutBy
from tabwarden.model.errors import SettingsError
from tabwarden.model.names import hint
from tabwarden.safe_files import read_text
from tabwarden.settings.lines import Place, Written, read_yaml
from tabwarden.troubles import why

_FIELDS = {"lint": True, "subject": False, "until": True, "reason": True}
"""Those of an entry, and whether it needs them."""


def load_baseline(path: Path) -> list[PutBy]:
    """The entries of a baseline file. SettingsError with every problem, file and line."""
    try:
        written = read_yaml(read_text(path), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: cannot be read: {why(error)}"]) from None
    listed = written.values.get("findings")
    for key in written.values.keys() - {"findings"}:
        written.complain((key,), f"`{key}` is no part of a baseline; it has `findings:` alone")
    if not isinstance(listed, list) and not written.problems:
        written.complain((), "a baseline is `findings:` with a list below it; `tabwarden lint --put-by` writes one")
    entries = [_entry(written, number, one) for number, one in enumerate(listed if isinstance(listed, list) else ())]
    if written.problems:
        raise SettingsError([problem.text for problem in sorted(set(written.problems))])
    return [entry for entry in entries if entry is not None]


def _entry(written: Written, number: int, value: Any) -> PutBy | None:
    place: Place = ("findings", number)
    if not isinstance(value, dict):
        written.complain(place, "an entry has `lint`, `subject`, `until` and `reason`")
        return None
    for key in value.keys() - _FIELDS.keys():
        written.complain((*place, key), f"`{key}` is no part of an entry{hint(str(key), dict.fromkeys(_FIELDS, ''))}")
    lacking = [key for key, needed in _FIELDS.items() if needed and not value.get(key)]
    if lacking:
        written.complain(place, f"the entry lacks {', '.join(f'`{key}`' for key in lacking)}")
        return None
    try:
        until = datetime.date.fromisoformat(str(value["until"])).isoformat()
    except ValueError:
        written.complain((*place, "until"), f"`{value['until']}` is no day; write it as 2027-01-31")
        return None
    where = str(written.origin(place))
    return PutBy(str(value["lint"]), str(value.get("subject") or ""), until, str(value["reason"]), where)
