"""An error nobody foresaw, as a sentence and a report file: no traceback reaches a person."""

from __future__ import annotations

import errno
import os
import platform
import tempfile
import traceback
from datetime import datetime

from tabwarden import __version__
from tabwarden.scrubber import KNOWN

NO_REPORT = "what you did; a report could not be written"


def sentence(command: str, error: Exception) -> str:
    """What went wrong and what to do next. Where the cause is not known, a report is written and named."""
    match error:
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return f"{_place(error) or 'the output cannot be written'}: the disk is full; make room, then once more"
        case OSError(strerror=str(words)):
            if not _place(error):
                return f"`{command}` could not go on: {words.lower()}; see to that, then once more"
            return f"{_place(error)}: {words.lower()}; check the path, and who may read and write there"
        case MemoryError():
            return f"`{command}` needs more memory than there is; ask about less, or use a larger machine"
        case RecursionError():
            return f"`{command}` was given something that is nested too deep; make it flatter"
    report = _report(error)
    place = f"the file `{report}`, which holds no secret of the settings" if report else NO_REPORT
    return f"`{command}` met an error nobody foresaw ({type(error).__name__}); please report it with {place}"


def sentence_for_others(error: Exception) -> str:
    """The same to whoever asks this machine from another: of its files the report alone is told, without its place."""
    report = _report(error)
    words = f"; the server wrote `{os.path.basename(report)}`" if report else ""
    return f"what you asked for met an error nobody foresaw ({type(error).__name__}); tell whoever runs this{words}"


def _place(error: OSError) -> str:
    named = error.filename if error.filename is not None else error.filename2
    return f"`{os.fsdecode(named)}`" if isinstance(named, str | bytes) else ""


def _report(error: Exception) -> str:
    """The file that it writes what a report needs to, empty where that cannot be: of the command's words nothing, and
    of secrets nothing that is known.
    """
    lines = [f"tabwarden {__version__}, Python {platform.python_version()}, {platform.system()}", ""]
    text = KNOWN("\n".join([*lines, *traceback.format_exception(error)]))
    try:
        number, path = tempfile.mkstemp(f"-{datetime.now().astimezone():%Y%m%d-%H%M%S}.txt", "tabwarden-report-")
        with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        return ""
    return path
