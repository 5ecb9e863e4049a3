"""What takes secrets out of a text, in every form in which they turn up."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus


class Scrubber:
    """Replaces registered secrets by `***` in any text, in the forms in which they turn up in messages.

    Forms: as they are, URL-encoded, inside a Python or JSON string, XML- or HTML-escaped, base64; of a secret of
    several lines (a private key) each line too. Secrets of fewer than 8 characters count only as whole words,
    for otherwise a short password would eat half of the log.
    """

    MASK = "***"
    SHORT = 8

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.register(*secrets)

    def register(self, *secrets: str) -> None:
        """Have these replaced from now on; empty ones do not count."""
        for secret in secrets:
            if secret.strip():
                self._forms |= _forms(secret)
        longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(self._one, longest_first))) if longest_first else None

    def _one(self, form: str) -> str:
        return re.escape(form) if len(form) >= self.SHORT else rf"(?<!\w){re.escape(form)}(?!\w)"

    def __call__(self, text: str) -> str:
        """The text without the secrets."""
        return self._pattern.sub(self.MASK, text) if self._pattern else text

    def __repr__(self) -> str:
        return f"Scrubber({len(self._forms)} forms)"


# Every secret that this process has resolved.
KNOWN = Scrubber()


def _forms(secret: str) -> set[str]:
    lines = [line.strip() for line in secret.splitlines()] if len(secret.splitlines()) > 1 else []
    # The first and last line of a PEM block are the same for everybody.
    parts = {secret, secret.strip(), *(line for line in lines if len(line) >= 16 and not line.startswith("-----"))}
    return {form for part in parts for form in _forms_of_one(part)}


def _forms_of_one(secret: str) -> set[str]:
    encoded = secret.encode("utf-8", "surrogatepass")
    quoted = {quote(encoded), quote(encoded, safe=""), quote_plus(encoded)}
    return {
        secret,
        *quoted,
        *(re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), form) for form in quoted),
        # repr() may choose either quote, so both escapings of the inside count
        repr(secret)[1:-1],
        ascii(secret)[1:-1],
        repr(secret + "'\"")[1:-1].removesuffix("\\'\""),
        repr(encoded)[2:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret, quote=False),
        html.escape(secret),
        html.escape(secret).replace("&#x27;", "&apos;"),
        base64.b64encode(encoded).decode("ascii"),
        base64.urlsafe_b64encode(encoded).decode("ascii"),
    }


def is_odd_secret(text: str) -> bool:
    """Whether a secret of one line has white space or quotes around it, which is sent as it stands."""
    bare = text.strip()
    return "\n" not in bare and (text != bare or (len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'"))
