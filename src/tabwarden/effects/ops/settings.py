"""Settings of the site and of the server's domains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from tabwarden.effects.change import NICKNAMES, Change, Refusal, Value, done, refused
from tabwarden.effects.draft import Draft, Undoing
from tabwarden.effects.people import Outcome
from tabwarden.effects.ref import Lookup, Ref
from tabwarden.model.names import same
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.roles import is_server_admin
from tabwarden.model.site import LOCAL, Site
from tabwarden.model.site_settings import FULL, LIMITED, SiteSettings


@dataclass(frozen=True, slots=True)
class SetNickname(Change):
    """Another nickname for a domain of the server, named by its FQDN."""

    op: ClassVar[str] = "set_nickname"
    step: ClassVar[str] = "domain nickname"
    READS: ClassVar[frozenset[str]] = frozenset({NICKNAMES})
    WORDS: ClassVar[tuple[str, str, str]] = (
        "set the nickname of domain `{c.domain.qualified}` from `{c.before}` to `{c.nickname}`",
        "set the nickname of domain `{c.domain.qualified}` from `{c.before}` to `{c.nickname}`",
        "the nickname of domain `{c.domain.qualified}` was not set from `{c.before}` to `{c.nickname}`",
    )

    domain: Ref
    before: str
    nickname: str

    @property
    def subject(self) -> Ref:
        return self.domain

    @property
    def _fact(self) -> str:
        return f"nickname of {self.domain.name.casefold()}"

    def refusal(self, draft: Draft) -> Refusal | None:
        others = ((fqdn, name) for fqdn, name in draft.nicknames.items() if same(fqdn) != same(self.domain.name))
        holder = next((fqdn for fqdn, name in others if same(self.nickname) in (same(name), same(fqdn))), None)
        if holder is None and same(self.nickname) != LOCAL:
            return None
        whose = f"is the word for `{holder}`" if holder is not None else "means users of no domain"
        return f"cannot be called `{self.nickname}`, which {whose}", "choose another nickname"

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        return done(replace(site, nicknames={**(site.nicknames or {}), self.domain.name: self.nickname}))

    def carry(self, draft: Draft) -> None:
        draft.nicknames[self.domain.name] = self.nickname

    def take_back(self, undoing: Undoing) -> None:
        now = undoing.lookup.nickname(self.domain)
        if now == self.nickname:
            # At the end: nicknames are given in this order, and one that is free again may be wanted by the next.
            undoing.nicknames.pop(self.domain.name, None)
            undoing.nicknames[self.domain.name] = self.before
        elif now != self.before:
            undoing.hold(self.domain.name, f"got the nickname `{self.nickname}` and has `{now}` by now")

    def inverse(self) -> SetNickname:
        return SetNickname(self.domain, self.nickname, self.before)

    def facts(self, lookup: Lookup) -> Iterator[tuple[str, Value]]:
        yield self._fact, lookup.nickname(self.domain)

    def moves(self, facts: dict[str, Value]) -> None:
        facts[self._fact] = self.nickname

    def is_true(self, lookup: Lookup) -> str | None:
        return "" if lookup.nickname(self.domain) == self.nickname else None


FURTHER_BY_REST = {
    "cache_warmup": "cacheWarmupEnabled",
    "catalog": "catalogingEnabled",
    "catalog_obfuscation": "catalogObfuscationEnabled",
    "comment_mentions": "commentingMentionsEnabled",
    "custom_subscription_email": "customSubscriptionEmailEnabled",
    "custom_subscription_footer": "customSubscriptionFooterEnabled",
    "derived_permissions": "derivedPermissionsEnabled",
    "flow_auto_save": "flowAutoSaveEnabled",
    "flow_editing": "editingFlowsEnabled",
    "flow_scheduling": "schedulingFlowsEnabled",
    "flows": "flowsEnabled",
    "guest_access": "guestAccessEnabled",
    "metrics": "metricsContentTypeEnabled",
    "mobile_biometrics": "mobileBiometricsEnabled",
    "named_sharing": "namedSharingEnabled",
    "request_access": "requestAccessEnabled",
    "run_now": "runNowEnabled",
    "sheet_images": "sheetImageEnabled",
    "subscription_attachments": "allowSubscriptionAttachments",
    "suspend_idle_refreshes": "autoSuspendRefreshEnabled",
    "tell_admins_of_throttling": "notifySiteAdminsOnThrottle",
    "web_extraction": "webExtractionEnabled",
}
"""`Site.switches` by the attribute of Update Site that says them; a site tells those that its release has."""
SETTINGS_BY_REST = {
    "web_authoring": "authoringEnabled",
    "commenting": "commentingEnabled",
    "user_visibility": "userVisibilityMode",
    "subscriptions": "disableSubscriptions",
    "subscribe_others": "subscribeOthersEnabled",
    "data_alerts": "dataAlertsEnabled",
    "revision_history": "revisionHistoryEnabled",
    **FURTHER_BY_REST,
}
"""The settings that Update Site takes, by the attribute that says them (REST reference, "Update Site")."""
SWITCHES = (*(f.name for f in fields(SiteSettings) if f.name != "admin_mode"), *FURTHER_BY_REST)
"""What may be switched on or off, by our names; some of them by hand alone."""


@dataclass(frozen=True, slots=True)
class SetSetting(Change):
    """Switch one of the site's own settings on or off."""

    op: ClassVar[str] = "set_setting"
    step: ClassVar[str] = "site setting"
    EFFORT: ClassVar[int] = 70
    WORDS: ClassVar[tuple[str, str, str]] = (
        "switch {c.turned} {c.called}",
        "switched {c.turned} {c.called}",
        "{c.called} was not switched {c.turned}",
    )

    setting: str
    value: bool

    @property
    def person(self) -> str:
        return self.called

    @property
    def doubt(self) -> str:
        return f"setting {self.setting}"

    @property
    def turned(self) -> str:
        """On or off."""
        return "on" if self.value else "off"

    @property
    def called(self) -> str:
        """The setting, in words."""
        return self.setting.replace("_", " ")

    def is_on(self, site: Site) -> bool | None:
        """Whether it is on; None where it is not on or off, or not told. User visibility is on where it is full."""
        if self.setting in FURTHER_BY_REST:
            return (site.switches or {}).get(self.setting)
        now = {f.name: getattr(site.settings, f.name) for f in fields(SiteSettings)}.get(self.setting)
        return now if isinstance(now, bool) else None if now not in (FULL, LIMITED) else now == FULL

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Only settings that are on or off, and user visibility: full or limited; of others those that are told."""
        if self.is_on(site) is None:
            return refused(site, "not_told" if self.setting in FURTHER_BY_REST else "not_applicable")
        if self.setting in FURTHER_BY_REST:
            return done(replace(site, switches={**(site.switches or {}), self.setting: self.value}))
        is_word = self.setting == "user_visibility"
        changed: dict[str, Any] = {self.setting: (FULL if self.value else LIMITED) if is_word else self.value}
        return done(replace(site, settings=replace(site.settings, **changed)))

    def steps(self, site: Site) -> tuple[Change, ...]:
        return () if self.is_on(site) is self.value else (self,)

    def refusal(self, draft: Draft) -> Refusal | None:
        by_hand = "switch it on the site's settings page"
        if self.setting not in SETTINGS_BY_REST:
            return "is neither told nor set over REST", by_hand
        role = draft.before.taken.by_role
        if role and not draft.takes.cloud and not is_server_admin(role):
            return f"is set by server administrators, and `{draft.before.taken.by}` is {role}", by_hand
        return None

    def carry(self, draft: Draft) -> None:
        draft.on_content.append(lambda site: self.done_to(site).site)

    def take_back(self, undoing: Undoing) -> None:
        if self.is_on(undoing.before) is self.value:
            self.inverse().carry(undoing)

    def inverse(self) -> SetSetting:
        return SetSetting(self.setting, not self.value)

    def facts(self, lookup: Lookup) -> Iterator[tuple[str, Value]]:
        yield self.doubt, self.is_on(lookup.site)

    def moves(self, facts: dict[str, Value]) -> None:
        facts[self.doubt] = self.value

    def is_true(self, lookup: Lookup) -> str | None:
        return "" if self.is_on(lookup.site) is self.value else None


def is_on(site: Site, setting: str) -> bool | None:
    """Whether a setting of the site is on; None of what is not on or off."""
    return SetSetting(setting, True).is_on(site)


def switched(site: Site, setting: str, *, value: bool) -> Site:
    return SetSetting(setting, value).done_to(site).site


def switch(setting: str, *, value: bool) -> Change:
    """The change that switches one of the site's settings on or off."""
    return SetSetting(setting, value)
