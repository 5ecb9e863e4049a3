"""Which capabilities role, kind and site settings leave open, as masks. Not who holds them.

Made of the capability table and the ceilings, for one site, model and set of open points.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from tabwarden.engine.columns import Vocabulary
from tabwarden.model.capability import GATED_BY, applies
from tabwarden.model.open_points import AI_ACCESS_KINDS, CLASSIC, OpenPoints
from tabwarden.model.roles import classic_permits, is_admin, is_known, permits
from tabwarden.model.site import SiteSettings


class Tables:
    """Bit c of a mask is capability c of `names`; the bit after them stands for any name no rule uses.

    `applies[kind]` holds what a kind has and no setting switches off; `reach[role, kind]` what of it the ceiling
    leaves; `admin[role]` and `known[role]` describe the roles.
    """

    def __init__(self, words: Vocabulary, settings: SiteSettings, model: str, open_points: OpenPoints) -> None:
        self.model, self.open_points = model, open_points
        told = open_points.ai_access_name
        self.names = words.capabilities if told in ("", *words.capabilities) else (*words.capabilities, told)
        self.bits: Mapping[str, int] = MappingProxyType({name: bit for bit, name in enumerate(self.names)})
        self.other = len(self.names)
        self.mask: type[np.unsignedinteger] = np.uint32 if self.other < 32 else np.uint64
        self.off = frozenset(n for n, setting in GATED_BY.items() if not getattr(settings, setting))
        self.admin = np.array([is_admin(role) for role in words.roles])
        self.known = np.array([is_known(role) for role in words.roles])
        every = (*self.names, "")
        self.applies = np.array(
            [
                self._mask(lambda c, k=kind: c not in self.off and self.exists(c, k) is not False, every)
                for kind in words.kinds
            ],
            self.mask,
        )
        self.reach = np.zeros((len(words.roles), len(words.kinds)), self.mask)
        for row, role in enumerate(words.roles):
            for column, kind in enumerate(words.kinds):
                open_to = self._mask(lambda c, r=role, k=kind: self.reachable(r, k, c) is not False, every)
                self.reach[row, column] = self.applies[column] & self.mask(open_to)

    def exists(self, capability: str, kind: str) -> bool | None:
        """Whether the kind has the capability; None for an unknown name, AI Access apart once its name is told."""
        if capability and capability == self.open_points.ai_access_name:
            return kind in AI_ACCESS_KINDS
        return applies(capability, kind)

    def reachable(self, role: str, kind: str, capability: str) -> bool | None:
        """Whether the role can ever exercise the capability, in the model's reading of roles."""
        if self.model == CLASSIC:
            return classic_permits(role, capability)
        return permits(role, kind, capability, self.open_points)

    def bit(self, capability: str) -> int:
        """The bit of a capability; names no rule uses share the last one."""
        return self.bits.get(capability, self.other)

    def _mask(self, test: object, every: tuple[str, ...]) -> int:
        assert callable(test)
        return sum(1 << bit for bit, name in enumerate(every) if test(name))


@lru_cache(maxsize=64)
def tables_of(words: Vocabulary, settings: SiteSettings, model: str, open_points: OpenPoints) -> Tables:
    """The tables of a site; made once for all sites (and both sides of a difference) of the same words and settings."""
    return Tables(words, settings, model, open_points)
