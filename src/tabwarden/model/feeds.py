"""What feeds content from outside the site."""

from __future__ import annotations

from typing import NamedTuple


class DataConnection(NamedTuple):
    """What feeds a content from outside the site: kind (`postgres`), server, user name, whether a password is embedded.

    `embedded` is None where it was not told. A password is nowhere.
    """

    kind: str
    server: str = ""
    user: str = ""
    embedded: bool | None = None
