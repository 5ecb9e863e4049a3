"""What users, groups, sites, jobs look like in an answer, and by which fields they are listed (not content)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tabwarden.model.roles import TIERS, licence_of
from tabwarden.model.site import LOCAL, Group, GroupSet, Site, User
from tabwarden.model.takes import SERVER_DEFAULT, WITH_MFA
from tabwarden.sandbox.directories.identity import nickname_of
from tabwarden.sandbox.http.call import Call
from tabwarden.sandbox.http.listing import NUMBER, ORDERED, TIME, TRUTH, Column, Listing, column
from tabwarden.sandbox.http.wire import Attributes, Element, element
from tabwarden.sandbox.state.server_state import MEGABYTE, Job, Note, iso


def user(call: Call, item: User) -> Element:
    """One user; site role, licence facts and e-mail of another person only for administrators."""
    full = call.is_admin or item.id == call.session.user
    usual = WITH_MFA if call.personality.wants_mfa else SERVER_DEFAULT
    return element(
        "user",
        {
            "id": item.id,
            "name": item.name,
            "fullName": item.full_name or None,
            "email": (item.email or None) if full else None,
            "siteRole": item.site_role if full else None,
            "lastLogin": item.last_login if full else None,
            "externalAuthUserId": "" if full else None,
            "authSetting": (item.auth_setting or usual) if full else None,
            "idpConfigurationId": item.idp_configuration_id if full else None,
            "locale": "local" if full else None,
            "language": "en" if full else None,
        },
        element("domain", {"name": item.domain}),
    )


USER_COLUMNS: Mapping[str, Column] = {
    "domainName": column(lambda _s, u: u.domain),
    "email": column(lambda _s, u: u.email),
    "friendlyName": column(lambda _s, u: u.full_name or u.name),
    "isLocal": column(lambda _s, u: u.domain == LOCAL, "eq", TRUTH),
    "lastLogin": column(lambda _s, u: u.last_login, ORDERED, TIME),
    "luid": column(lambda _s, u: u.id),
    "name": column(lambda _s, u: u.name, "eq in cieq"),
    "siteRole": column(lambda _s, u: u.site_role),
}
# What a list would tell about other people's roles and mail to somebody who may not see them.
_TELLING = ("email", "lastLogin", "siteRole")
PLAIN_USER_COLUMNS = {name: column for name, column in USER_COLUMNS.items() if name not in _TELLING}
USER_DEFAULTS = frozenset({"id", "name", "siteRole", "lastLogin", "externalAuthUserId"})


def users_listing(call: Call) -> Listing[User]:
    """How users are listed for the one who asks."""
    columns = USER_COLUMNS if call.is_admin else PLAIN_USER_COLUMNS
    return Listing("users", columns, USER_DEFAULTS, user)


def group(call: Call, item: Group) -> Element:
    """One group; the role it grants only for administrators. A local group's grant shows in both known places."""
    role = item.minimum_site_role if call.is_admin else None
    grants = element(
        "import",
        {
            "source": None if item.domain == LOCAL else "ActiveDirectory",
            "domainName": item.domain,
            "siteRole": role,
            "grantLicenseMode": item.grant_on if role is not None else None,
        },
    )
    return element(
        "group",
        {
            "id": item.id,
            "name": item.name,
            "minimumSiteRole": role,
            "userCount": len(call.site.members(item.id)),
            "ephemeralUsersEnabled": item.id in call.site.on_demand,
        },
        element("domain", {"name": item.domain}),
        grants if role is not None or item.domain != LOCAL else None,
    )


GROUP_COLUMNS: Mapping[str, Column] = {
    "domainName": column(lambda _s, g: g.domain),
    "ephemeralUsersEnabled": column(lambda s, g: g.id in s.on_demand),
    "isExternalUserEnabled": column(lambda _s, _g: False, "eq", TRUTH),
    "isLocal": column(lambda _s, g: g.domain == LOCAL, "eq", TRUTH),
    "luid": column(lambda _s, g: g.id),
    "name": column(lambda _s, g: g.name, "eq in cieq like"),
    "userCount": column(lambda s, g: len(s.members(g.id)), ORDERED, NUMBER),
}
ADMIN_GROUP_COLUMNS: Mapping[str, Column] = {
    **GROUP_COLUMNS,
    "minimumSiteRole": column(lambda _s, g: g.minimum_site_role),
}
GROUP_DEFAULTS = frozenset({"id", "name", "minimumSiteRole", "ephemeralUsersEnabled", "domain", "import"})


def groups_listing(call: Call) -> Listing[Group]:
    """How groups are listed for the one who asks."""
    columns = dict(ADMIN_GROUP_COLUMNS if call.is_admin else GROUP_COLUMNS)
    columns["domainNickname"] = column(lambda _s, g: nickname_of(call.state, g.domain))
    return Listing("groups", columns, GROUP_DEFAULTS, group)


def group_set(call: Call, item: GroupSet) -> Element:
    groups = sorted((call.site.groups[g] for g in item.groups if g in call.site.groups), key=lambda g: g.name)
    return element(
        "groupSet",
        {"id": item.id, "name": item.name, "groupCount": len(groups)},
        *(element("group", {"id": g.id, "name": g.name}) for g in groups),
    )


GROUP_SETS = Listing[GroupSet](
    "groupSets",
    {"name": column(lambda _s, g: g.name), "luid": column(lambda _s, g: g.id)},
    frozenset({"id", "name", "groupCount", "group"}),
    group_set,
)


SITE_WORDS: Mapping[str, str] = {
    **dict.fromkeys(
        "allowSubscriptionAttachments cacheWarmupEnabled catalogObfuscationEnabled catalogingEnabled"
        " commentingMentionsEnabled editingFlowsEnabled flowAutoSaveEnabled flowsEnabled isDataAlertsEnabled"
        " metricsContentTypeEnabled mobileBiometricsEnabled namedSharingEnabled notifySiteAdminsOnThrottle"
        " requestAccessEnabled runNowEnabled schedulingFlowsEnabled sheetImageEnabled webExtractionEnabled"
        " authoringEnabled".split(),
        "true",
    ),
    **dict.fromkeys(
        "autoSuspendRefreshEnabled customSubscriptionEmailEnabled customSubscriptionFooterEnabled"
        " derivedPermissionsEnabled guestAccessEnabled materializedViewsEnabled useDefaultTimeZone".split(),
        "false",
    ),
    "askDataMode": "DisabledByDefault",
    "autoSuspendRefreshInactivityWindow": "30",
    "customSubscriptionEmail": "",
    "customSubscriptionFooter": "",
    "extractEncryptionMode": "enabled",
    "revisionLimit": "25",
    "state": "Active",
    "storageQuota": "",
    "timeZone": "Etc/UTC",
    "userQuota": "",
}
"""Settings of a site that no decision depends on, and what they are on a new one; kept and told again as words."""


def site(call: Call, item: Site) -> Element:
    """One site; for administrators its settings, its seats where it has a number of them, how many people are on it."""
    basic: Attributes = {"id": item.id, "name": item.name, "contentUrl": item.content_url, "state": "Active"}
    if not call.is_admin:
        return element("site", basic)
    seats, settings = item.licences or {}, item.settings
    own: Attributes = {
        "adminMode": settings.admin_mode,
        **{f"tier{tier}Capacity": seats.get(tier) for tier in TIERS},
        "userVisibilityMode": settings.user_visibility,
        "commentingEnabled": settings.commenting,
        "authoringEnabled": settings.web_authoring,
        "disableSubscriptions": not settings.subscriptions,
        "subscribeOthersEnabled": settings.subscribe_others,
        "dataAlertsEnabled": settings.data_alerts,
        "isDataAlertsEnabled": settings.data_alerts,
        "revisionHistoryEnabled": settings.revision_history,
        "numUsers": len(item.users),
        "storage": _megabytes(call, item),
    }
    words = {**SITE_WORDS, **call.state.site_words.get(item.id, {})}
    return element("site", {**basic, **words, **own}, _usage(call, item))


def _megabytes(call: Call, item: Site) -> int:
    """How much is published on a site, begun megabytes counted."""
    return -(-call.state.published_bytes(item) // MEGABYTE)


def _usage(call: Call, item: Site) -> Element:
    """How many people are on a site, and how many take a seat of each tier (attributes of tiers: B)."""
    taken = Counter(licence_of(user.site_role) for user in item.users.values())
    tiers = {f"num{tier}s": taken[tier] for tier in TIERS}
    return element("usage", {"numUsers": len(item.users), **tiers, "storage": _megabytes(call, item)})


_SITE_DEFAULTS = frozenset(
    "id name contentUrl adminMode tierCreatorCapacity tierExplorerCapacity tierViewerCapacity userVisibilityMode"
    " commentingEnabled disableSubscriptions subscribeOthersEnabled revisionHistoryEnabled numUsers storage".split()
)
SITES = Listing[Site](
    "sites",
    {
        "name": column(lambda _s, s: s.name),
        "contentUrl": column(lambda _s, s: s.content_url),
        "luid": column(lambda _s, s: s.id),
    },
    frozenset(SITE_WORDS.keys() | _SITE_DEFAULTS),
    site,
)


_AT_START = ("id", "mode", "type", "createdAt")


def job(call: Call, item: Job) -> Element:
    """One job with what became of it; `completedAt` and `finishCode` only once it ran.

    `progress` goes by the clock; it is 100 only when the job ran.
    """
    ended, now = item.completed, call.state.clock()
    gone = int(100 * (now - item.created) / max(item.due - item.created, 1e-9))
    attributes: Attributes = {
        "id": item.id,
        "mode": "Asynchronous",
        "type": item.kind,
        "progress": 100 if ended is not None else min(99, max(0, gone)),
        "createdAt": iso(item.created),
        "startedAt": iso(item.created),
        "updatedAt": iso(item.created if ended is None else ended),
        "completedAt": iso(ended) if ended is not None else None,
        "finishCode": item.finish_code if ended is not None else None,
    }
    within = _within(call, item)
    notes = element("statusNotes", {}, *(_note(call, note) for note in item.notes)) if item.notes else None
    return element("job", attributes, within, notes)


def started(call: Call, item: Job) -> Element:
    """A job as the request that began it is answered: work on content tells nothing yet of how far it is."""
    shape = job(call, item)
    if shape.find(RUNS.get(item.kind, "")) is None:
        return shape
    within = (child._replace(children=child.children[:1]) for child in shape.children if child.name != "statusNotes")
    return Element("job", {name: shape.attributes[name] for name in _AT_START}, tuple(within))


RUNS: Mapping[str, str] = {
    "RefreshExtract": "extractRefreshJob",
    "RunFlow": "runFlowJobType",
    "UpdateUploadedFile": "updateUploadedFileJob",
}
"""The element that tells what a kind of job works on."""


def _within(call: Call, item: Job) -> Element | None:
    """The content a job works on; of one that runs content within an element that once it ran says how it went."""
    name, content = RUNS.get(item.kind), call.site.contents.get(item.about)
    about = element(content.kind, {"id": content.id, "name": content.name}) if content is not None else None
    if name is None:
        return about
    words = "; ".join(note.text for note in item.notes) or f"{item.kind} finished"
    notes = element("notes", text=words) if item.finish_code is not None else None
    changed = call.state.details(item.about).connections if name == "updateUploadedFileJob" else ()
    connection = element("connectionLuid", text=changed[0].id) if changed else None
    return element(name, {"flowRunId": item.id} if name == "runFlowJobType" else {}, about, connection, notes)


def _note(call: Call, note: Note) -> Element:
    """A note; a believed code may be answered as another."""
    value = call.personality.told(note.value) if note.type == "errorCode" else note.value
    return element("statusNote", {"type": note.type, "value": value, "text": note.text})


_PRIORITY = 50
# What lists call the kinds of work that other answers call otherwise.
_LISTED_AS: Mapping[str, str] = {"RefreshExtract": "refresh_extracts", "RunFlow": "run_flow"}
_STATUS = {None: "InProgress", 0: "Success", 1: "Failed", 2: "Cancelled"}


def status_of(item: Job) -> str:
    """How far a job is, in the words of lists."""
    return _STATUS.get(item.finish_code, "Success")


def _job_type(item: Job) -> str:
    return _LISTED_AS.get(item.kind, item.kind)


def background_job(_call: Call, item: Job) -> Element:
    """One line of the list of jobs."""
    return element(
        "backgroundJob",
        {
            "id": item.id,
            "status": status_of(item),
            "createdAt": iso(item.created),
            "startedAt": iso(item.created),
            "endedAt": iso(item.completed) if item.completed is not None else None,
            "priority": _PRIORITY,
            "jobType": _job_type(item),
            "title": item.kind,
        },
    )


JOBS = Listing[Job](
    "backgroundJobs",
    {
        "jobType": column(lambda _s, j: _job_type(j)),
        "status": column(lambda _s, j: status_of(j)),
        "createdAt": column(lambda _s, j: iso(j.created), ORDERED, TIME),
        "title": column(lambda _s, j: j.kind, "eq has"),
        "subtitle": column(lambda _s, _j: None, "eq has"),
        "args": column(lambda _s, _j: None, "has"),
        "notes": column(lambda _s, j: frozenset(note.text for note in j.notes), "has"),
        "priority": column(lambda _s, _j: _PRIORITY, ORDERED, NUMBER),
        "progress": column(lambda _s, j: 0 if j.completed is None else 100, ORDERED, NUMBER),
        "startedAt": column(lambda _s, j: iso(j.created), ORDERED, TIME),
        "completedAt": column(lambda _s, j: None if j.completed is None else iso(j.completed), ORDERED, TIME),
    },
    frozenset({"id", "status", "createdAt", "startedAt", "endedAt", "priority", "jobType"}),
    background_job,
)
