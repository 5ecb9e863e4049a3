"""What a site takes when people are added or changed: which user names, whether display names, which authentication."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.names import hint, same

SERVER_DEFAULT, SAML, OPEN_ID, WITH_MFA = "ServerDefault", "SAML", "OpenID", "TableauIDWithMFA"
AUTH_SETTINGS = (SERVER_DEFAULT, SAML, OPEN_ID, WITH_MFA)
# As REST spells them, and as Tableau's pages and people do; only letters and digits count.
_BY_WORD: Mapping[str, str] = MappingProxyType(
    {
        **{same(setting): setting for setting in AUTH_SETTINGS},
        "default": SERVER_DEFAULT,
        "oidc": OPEN_ID,
        "openidconnect": OPEN_ID,
        "tableauid": WITH_MFA,
        "mfa": WITH_MFA,
        "tableauwithmfa": WITH_MFA,
        "tableauidmfa": WITH_MFA,
    }
)


class Authentication(NamedTuple):
    """How somebody signs in: Tableau's word for it, and the identity provider where a site has several."""

    setting: str | None = None
    provider: str | None = None

    @property
    def words(self) -> str:
        """For people: `SAML`."""
        return self.setting or self.provider or "the site's own way"


class IdentityProvider(NamedTuple):
    """One configuration of a site (REST `site-auth-configurations`, API 3.24)."""

    id: str
    name: str
    setting: str


@dataclass(frozen=True, slots=True)
class SiteTakes:
    """`cloud`: user names are e-mail addresses, and nobody sets display names and e-mail addresses.

    `providers` are the identity providers that are switched on; None where the site does not tell, () where it has
    none of its own.
    """

    cloud: bool = False
    providers: tuple[IdentityProvider, ...] | None = None

    def authentication(self, words: str) -> Authentication:
        """What `words` mean here: Tableau's word in any spelling, or the name or id of an identity provider.

        UnknownName for what the site does not offer, AmbiguousName where several providers fit.
        """
        provider = [one for one in self.providers or () if same(words.strip()) in (same(one.id), same(one.name))]
        if len(provider) == 1:
            return Authentication(provider[0].setting or None, provider[0].id)
        setting = _BY_WORD.get("".join(letter for letter in words.casefold() if letter.isalnum()))
        mine = [one for one in self.providers or () if setting is not None and one.setting == setting]
        if len(provider) > 1 or len(mine) > 1:
            candidates = [f"`{one.name}` ({one.setting}, id {one.id})" for one in provider or mine]
            raise AmbiguousName(f"`{words}` fits several identity providers of the site; name one of them", candidates)
        always = WITH_MFA if self.cloud else SERVER_DEFAULT
        refused = self.cloud and setting == SERVER_DEFAULT  # Tableau Cloud wants MFA
        if setting is not None and not refused and (not self.providers or mine or setting == always):
            return Authentication(setting, mine[0].id if mine else None)
        offered = {one.name: one.setting for one in self.providers or ()}
        usual = [one for one in AUTH_SETTINGS if not (self.cloud and one == SERVER_DEFAULT)]
        offered |= {always: ""} if self.providers else dict.fromkeys(usual, "")
        near = hint(words, offered)
        raise UnknownName(f"`{words}` is no authentication of the site; it offers {_listed(offered)}{near}")


def _listed(offered: Mapping[str, str]) -> str:
    return ", ".join(f"`{name}` ({setting})" if setting else f"`{name}`" for name, setting in offered.items())
