"""Which capabilities role, kind and site settings leave open, as masks. Not who holds them.

Made of the capability table and the ceilings, for one site, model and set of switches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from tabwarden.engine.columns import Vocabulary
from tabwarden.model.capability import applies
from tabwarden.model.open_points import AI_ACCESS_KINDS, CLASSIC, Switches
from tabwarden.model.roles import classic_permits, is_admin, is_known, permits
from tabwarden.model.site import SiteSettings

# Site settings that take a capability from everybody (tableau-permissions §10.26).
SWITCHED: Mapping[str, str] = MappingProxyType(
    {
        "WebAuthoring": "web_authoring",
        "ViewComments": "commenting",
        "AddComment": "commenting",
        "RunExplainData": "explain_data",
        "VizqlDataApiAccess": "vizql_data_service",
    }
)


class Tables:
    """Bit c of a mask is capability c of `names`.

    `applies[kind]` holds what a kind has and no setting switches off; `reach[role, kind]` what of it the ceiling
    leaves; `admin[role]` and `known[role]` describe the roles.
    """

    def __init__(self, words: Vocabulary, settings: SiteSettings, model: str, switches: Switches) -> None:
        self.model, self.switches = model, switches
        told = switches.ai_access_name
        self.names = words.capabilities if told in ("", *words.capabilities) else (*words.capabilities, told)
        self.bits: Mapping[str, int] = MappingProxyType({name: bit for bit, name in enumerate(self.names)})
        self.mask: type[np.unsignedinteger] = np.uint32 if len(self.names) <= 32 else np.uint64
        self.off = frozenset(n for n, setting in SWITCHED.items() if not getattr(settings, setting))
        self.admin = np.array([is_admin(role) for role in words.roles])
        self.known = np.array([is_known(role) for role in words.roles])
        on = [name for name in self.names if name not in self.off]
        self.applies = np.array(
            [self._mask(name for name in on if self.exists(name, kind) is not False) for kind in words.kinds], self.mask
        )
        self.reach = np.zeros((len(words.roles), len(words.kinds)), self.mask)
        for row, role in enumerate(words.roles):
            for column, kind in enumerate(words.kinds):
                able = self._mask(name for name in self.names if self.reachable(role, kind, name) is not False)
                self.reach[row, column] = self.applies[column] & self.mask(able)

    def exists(self, capability: str, kind: str) -> bool | None:
        """Whether the kind has the capability; None for an unknown name, AI Access apart once its name is told."""
        if capability and capability == self.switches.ai_access_name:
            return kind in AI_ACCESS_KINDS
        return applies(capability, kind)

    def reachable(self, role: str, kind: str, capability: str) -> bool | None:
        """Whether the role can ever exercise the capability, in the model's reading of roles."""
        if self.model == CLASSIC:
            return classic_permits(role, capability)
        return permits(role, kind, capability, self.switches)

    def _mask(self, names: Iterable[str]) -> int:
        return sum(1 << self.bits[name] for name in names)


@lru_cache(maxsize=64)
def tables_of(words: Vocabulary, settings: SiteSettings, model: str, switches: Switches) -> Tables:
    """The tables of a site; made once for all sites (and both sides of a difference) of the same words and settings."""
    return Tables(words, settings, model, switches)
