"""The site's own settings and the nicknames of its server's domains."""

from __future__ import annotations

from tabwarden.effects.change import Change
from tabwarden.effects.forms.form import Form, form
from tabwarden.effects.ops.settings import SWITCHES, SetNickname, SetSetting
from tabwarden.effects.phrases import Words, quoted
from tabwarden.effects.ref import DOMAIN, Ref
from tabwarden.model.errors import UnknownName
from tabwarden.model.names import hint, same
from tabwarden.model.site import Site

_OTHER_WORDS = {
    "public_user_list": "user_visibility",
    "web_edit": "web_authoring",
    "web_editing": "web_authoring",
    "comments": "commenting",
}


def setting_named(words: str) -> str:
    """The site's setting that words mean; UnknownName with the nearest."""
    name = words.strip().casefold().replace(" ", "_").replace("-", "_")
    name = _OTHER_WORDS.get(name, name)
    if name not in SWITCHES:
        near = hint(words, {one.replace("_", " "): "" for one in (*SWITCHES, *_OTHER_WORDS)})
        listed = ", ".join(one.replace("_", " ") for one in SWITCHES)
        raise UnknownName(f"the site has no switch `{words}`{near or f'; it has {listed}'}")
    return name


def _setting(_: Site, words: Words) -> Change:
    return SetSetting(setting_named(str(words["setting"])), str(words["value"]).casefold() == "on")


def _nickname(site: Site, words: Words) -> Change:
    wanted, known = str(words["domain"]), site.nicknames or {}
    fqdn = next((one for one in known if same(one) == same(wanted)), None)
    if fqdn is None:
        raise UnknownName(f"the server knows no domain `{wanted}`{hint(wanted, dict.fromkeys(known, ''))}")
    return SetNickname(Ref(DOMAIN, fqdn), known[fqdn], str(words["nickname"]))


FIRST: tuple[Form, ...] = (
    form(
        "set nickname of domain DOMAIN to NICKNAME",
        "set nickname of domain west.corp.example to WEST",
        r"set nickname of domain <domain> to <nickname>",
        _nickname,
        SetNickname,
        lambda _, c: f"set nickname of domain {quoted(c.domain.name)} to {quoted(c.nickname)}",
    ),
)
FORMS: tuple[Form, ...] = (
    form(
        "switch on|off SETTING",
        "switch off web authoring",
        r"switch (?P<value>on|off) <setting>",
        _setting,
        SetSetting,
        lambda _, c: f"switch {c.turned} {c.called}",
    ),
)
