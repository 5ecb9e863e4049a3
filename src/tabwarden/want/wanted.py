"""What wanting yields: the wanted Site, a sentence for everything that differs, and who was left as he is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tabwarden.model.site import Site

EXISTS = "exists"
SITE_ROLE = "site role"
GRANTS = "grants"
DETAILS = "details"
NICKNAME = "nickname"
SETTINGS = "settings"
REFRESH = "refresh"
LEAVER = "leaver, "
"""What the sentence of a leaver begins with."""


@dataclass(frozen=True, slots=True)
class Held:
    """A person (or a whole task) that is left as is because something is unclear or forbidden.

    `leaver` marks somebody who is to leave and keeps a licence by it: the run is no success.
    """

    person: str
    reason: str
    remedy: str
    leaver: bool = False


@dataclass(frozen=True, slots=True)
class Unlisted:
    """Somebody on the site whom no authoritative source knows; `last_login` an ISO time in UTC, '' for never."""

    person: str
    site_role: str
    last_login: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """The sentences behind a wanted Site.

    `sentences` is by (id, aspect): of a user or group EXISTS, of a user SITE_ROLE, DETAILS or the id of a group he
    enters or leaves, of a group GRANTS, of a domain (by FQDN) NICKNAME, of the site SETTINGS,
    of content REFRESH. What has no sentence
    gets `otherwise`.
    `heirs` maps the id of a user who is to go to the id of the one who receives what he owns, `owned` an owner's id
    to the kinds of that.
    """

    otherwise: str = ""
    sentences: Mapping[tuple[str, str], str] = field(default_factory=dict)
    heirs: Mapping[str, str] = field(default_factory=dict)
    owned: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def says(self, subject: str, aspect: str) -> str:
        """The sentence for one difference."""
        return self.sentences.get((subject, aspect), self.otherwise)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The Site as it should be; `held` in the order met, `notes` remarks that ask nothing of anybody.
    `unlisted` are people on the site whom no authoritative source knows."""

    site: Site
    why: Why = field(default_factory=Why)
    held: tuple[Held, ...] = ()
    notes: tuple[str, ...] = ()
    unlisted: tuple[Unlisted, ...] = ()
