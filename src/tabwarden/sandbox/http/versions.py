"""What earlier API versions knew: answers without later fields, capabilities and words, requests that use them refused.

Not which endpoints a version has; that is the endpoint table. Sources: the schema of API 3.0 (tableau/rest-api-samples,
`ts-api_3_0.xsd`) for everything up to 3.0, "Updated Site Roles in REST API 3.0 and Later", marks below for the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tabwarden.model.roles import LEGACY_ROLES
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.wire import Element
from tabwarden.sandbox.state.personality import as_pair

# Attributes and children of the schema of 3.0; an element that is not here did not change.
_SCHEMA_3_0: Mapping[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "user": "authSetting email externalAuthUserId fullName id lastLogin name siteRole domain",
        "group": "id name domain import",
        "project": "contentPermissions createdAt description id name parentProjectId topLevelProject updatedAt owner",
        "workbook": "contentUrl createdAt description id name showTabs size updatedAt connections owner project site"
        " tags views",
        "view": "contentUrl createdAt id name sheetType totalViewCount updatedAt owner project tags usage workbook",
        "datasource": "certificationNote contentUrl createdAt description id isCertified name type updatedAt owner"
        " project site tags",
        "site": "adminMode commentingEnabled contentUrl disableSubscriptions guestAccessEnabled id name"
        " revisionHistoryEnabled revisionLimit state storageQuota subscribeOthersEnabled userQuota usage"
        " tierCreatorCapacity tierExplorerCapacity tierViewerCapacity",
        "connection": "id serverAddress serverPort type userName datasource",
    }.items()
}
# What came between 3.0 and now, where the version is known or believed.
_SINCE: dict[tuple[str, str], str] = {
    ("workbook", "encryptExtracts"): "3.5",  # encryption at rest came with 2019.3
    ("datasource", "encryptExtracts"): "3.5",
    ("group", "minimumSiteRole"): "3.6",  # believed
    ("user", "locale"): "3.6",  # believed
    ("user", "language"): "3.6",  # believed
    ("project", "controllingPermissionsProjectId"): "3.8",  # with the lock of a single project
    ("user", "idpConfigurationId"): "3.24",
    ("group", "ephemeralUsersEnabled"): "3.21",  # believed
    ("project", "contentsCounts"): "3.16",  # believed
    # Servers of 3.1 were recorded without them; when they came is not known.
    ("credentials", "estimatedTimeToExpiration"): "3.2",
    ("workbook", "hasExtracts"): "3.2",
    ("workbook", "sheetCount"): "3.2",
    ("view", "viewUrlName"): "3.2",
    ("project", "writeable"): "3.2",
    ("datasource", "hasExtracts"): "3.2",
    ("datasource", "size"): "3.19",  # a client of 3.18 breaks at attributes it does not know, and knows no size
    ("datasource", "useRemoteQueryAgent"): "3.2",
    ("group", "import"): "3.2",
}
# What no recorded answer of API 3.1 (2019 and 2020) has; that it came with the next version is believed.
_AFTER_3_1 = {
    "datasource": "connectedWorkbooksCount favoritesTotal hasAlert hasExtracts isPublished size useRemoteQueryAgent",
    "group": "userCount",
    "project": "topLevelProject writeable",
    "site": "authoringEnabled dataAlertsEnabled userVisibilityMode",
    "view": "viewUrlName",
    "workbook": "defaultViewId hasExtracts sheetCount",
}
_SINCE = {**{(name, part): "3.2" for name, parts in _AFTER_3_1.items() for part in parts.split()}, **_SINCE}
# Settings of a site came with what they are about: Ask Data and flows 2019.1, encryption and the catalog 2019.3,
# metrics 2020.2, flows on the web 2020.4 (believed of the field, known of the feature).
_SETTINGS_SINCE = {
    "3.3": "askDataMode flowsEnabled",
    "3.5": "catalogObfuscationEnabled catalogingEnabled derivedPermissionsEnabled extractEncryptionMode",
    "3.8": "metricsContentTypeEnabled",
    "3.10": "editingFlowsEnabled flowAutoSaveEnabled schedulingFlowsEnabled",
}
_SINCE |= {("site", part): since for since, parts in _SETTINGS_SINCE.items() for part in parts.split()}
# Capabilities with the release they came with (permissions reference); the others are older than REST's rules.
CAPABILITIES_SINCE: Mapping[str, str] = {
    "InheritedProjectLeader": "2.8",  # nested projects: 10.5
    "CreateRefreshMetrics": "3.8",  # metrics: 2020.2
    "WebAuthoringForFlows": "3.10",  # flows on the web: 2020.4
    "RunExplainData": "3.11",  # 2021, believed
    "SaveAs": "3.11",  # 2021, believed
    "PulseMetricDefine": "3.22",  # 2024, believed
    "ExtractRefresh": "3.25",  # 2025, believed
    "VizqlDataApiAccess": "3.25",  # 2025.1
}
GROUP_SETS_SINCE = "3.22"
_SITE_3_1 = _SCHEMA_3_0["site"] | {"cacheWarmupEnabled"}  # as recorded; settings that came later followed
# Seats by tier came with the roles that take them.
_TIERS = frozenset({"tierCreatorCapacity", "tierExplorerCapacity", "tierViewerCapacity"})
_CHANGED = max((*_SINCE.values(), *CAPABILITIES_SINCE.values()), key=as_pair)
NEW_ROLES_SINCE, SINGLE_LOCK_SINCE = "3.0", "3.8"
OLD_ROLES: Mapping[str, str] = {
    "Creator": "Publisher",
    "ExplorerCanPublish": "Publisher",
    "Explorer": "Interactor",
    "SiteAdministratorCreator": "SiteAdministrator",
    "SiteAdministratorExplorer": "SiteAdministrator",
}
_ROLE_NAMES = ("siteRole", "minimumSiteRole")
_SINGLE_LOCK, _LOCK = "LockedToProjectWithoutNested", "LockedToProject"


def before(version: str, since: str) -> bool:
    """Whether a version is older than what came with `since`."""
    return as_pair(version) < as_pair(since)


def as_known(elements: Iterable[Element], version: str) -> tuple[Element, ...]:
    """An answer as this version knew it: later fields left out, later words in the words of the time."""
    if not before(version, _CHANGED):
        return tuple(elements)
    return tuple(_as_known(item, version) for item in elements)


def _as_known(item: Element, version: str) -> Element:
    attributes = {
        name: _word(name, value, version)
        for name, value in item.attributes.items()
        if _is_known(item.name, name, version)
    }
    children = tuple(
        _as_known(child, version)
        for child in item.children
        if _is_known(item.name, child.name, version) and not _is_later_rule(child, version)
    )
    return Element(item.name, attributes, children, item.text)


def _is_known(element: str, part: str, version: str) -> bool:
    since = _SINCE.get((element, part))
    if since is not None and before(version, since):
        return False
    if element == "site" and before(version, "3.2"):
        return part in _SITE_3_1 and not (part in _TIERS and before(version, "3.0"))
    if not before(version, "3.1"):
        return True
    schema = _SCHEMA_3_0.get(element)
    return schema is None or part in schema


def _is_later_rule(item: Element, version: str) -> bool:
    """Whether it is a capability of a later version, or rules of a group set, or rules of nothing but such ones."""
    if item.name == "capability":
        return before(version, CAPABILITIES_SINCE.get(item.get("name") or "", "1.0"))
    if item.name != "granteeCapabilities":
        return False
    if item.find("groupSet") is not None and before(version, GROUP_SETS_SINCE):
        return True
    rules = item.find("capabilities")
    return rules is not None and all(_is_later_rule(rule, version) for rule in rules.children)


def _word(name: str, value: str | bool, version: str) -> str | bool:
    if isinstance(value, bool):
        return value
    if name in _ROLE_NAMES and before(version, NEW_ROLES_SINCE):
        return OLD_ROLES.get(value, value)
    if value == _SINGLE_LOCK and before(version, SINGLE_LOCK_SINCE):
        return _LOCK
    return value


def demand_known(item: Element, version: str) -> None:
    """Refuse a request that uses what this version did not have.

    400013 for a site role, 400008 for a lock, 404013 for a capability, 400000 for an attribute or element.
    """
    if not before(version, _CHANGED):
        return
    for part in (*item.attributes, *(child.name for child in item.children)):
        since = _SINCE.get((item.name, part), "1.0")
        if before(version, since):
            raise Refusal("malformed", f"`{part}` of `{item.name}` came with API version {since}")
    if item.name == "capability":
        demand_capability(item.get("name") or "", version)
    if item.name == "groupSet" and before(version, GROUP_SETS_SINCE):
        raise Refusal("malformed", f"group sets came with API version {GROUP_SETS_SINCE}")
    for name, value in item.attributes.items():
        if name in _ROLE_NAMES and value in OLD_ROLES and before(version, NEW_ROLES_SINCE):
            older = ", ".join(sorted(LEGACY_ROLES))
            raise Refusal("400013", f"site role `{value}` came with API version 3.0; before there were {older}")
        if name == "contentPermissions" and value == _SINGLE_LOCK and before(version, SINGLE_LOCK_SINCE):
            raise Refusal("bad_value", f"`{value}` came with API version {SINGLE_LOCK_SINCE}")
    for child in item.children:
        demand_known(child, version)


def demand_capability(capability: str, version: str) -> None:
    """Refuse a capability that came later."""
    since = CAPABILITIES_SINCE.get(capability, "1.0")
    if before(version, since):
        raise Refusal("unknown_capability", f"`{capability}` came with API version {since}")
