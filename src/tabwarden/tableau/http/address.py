"""The address of a server, as people write it."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from tabwarden.model.errors import TableauError

log = logging.getLogger(__name__)


def address_of(words: str) -> str:
    """The address with its scheme and without a trailing slash, `/api`, or the part a browser shows after `#`."""
    address = words.strip()
    if "://" not in address:
        address = "https://" + address
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise TableauError(f"`server` is `{words}`, which is no address; write it as https://tableau.example.com")
    if parts.username or parts.password:
        raise TableauError("`server` holds a name or password; take them out and put them where sign-in is set")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        log.warning("`%s` is reached without TLS: the secret travels readable; use https", parts.hostname)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
