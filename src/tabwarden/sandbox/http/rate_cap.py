"""How much one user may ask of one site in an hour, counted by the sandbox's clock.

Source: 40,000 requests per user, site and hour on Cloud (capacity pages; the migration SDK). That the hour begins
with the first request and not at the full hour is believed.
"""

from __future__ import annotations

from math import ceil

from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.state.personality import Personality
from tabwarden.sandbox.state.sessions import Session

HOUR = 3600.0


class Caps:
    """The requests counted so far, by site and user."""

    def __init__(self) -> None:
        self._spent: dict[tuple[str, str], tuple[float, int]] = {}

    def spend(self, session: Session, personality: Personality, now: float) -> None:
        """Count one request; 429000 when the hour's number is used up."""
        if not personality.calls_per_hour:
            return
        key = session.site, session.user
        began, spent = self._spent.get(key, (now, 0))
        if now - began >= HOUR:
            began, spent = now, 0
        if spent >= personality.calls_per_hour:
            wait = {"Retry-After": str(max(1, ceil(began + HOUR - now)))} if personality.cap_tells_when else {}
            raise Refusal("429000", f"more than {personality.calls_per_hour} requests within an hour", wait)
        self._spent[key] = began, spent + 1
