"""Site roles: their names, licences and powers, what each can ever exercise, and how an import merges them.

Data with its sources, and look-ups on it.
Sources: "Set Users' Site Roles" and "Permissions" (Server Help 2020.3), "Guest User" (2020.3), the migration SDK's
`SiteRoleMapping`, TabProvision's role ranks. Marks: V read, B believed, C sources contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.model.capability import CAPABILITIES
from tabwarden.model.errors import UnknownName
from tabwarden.model.names import hint, plain
from tabwarden.model.open_points import API_ACCESS, CLASSIC, CURRENT, DOCUMENTED, OpenPoints


class SiteRole(NamedTuple):
    """One site role.

    `admin` is none, site or server; `licence` the seat it takes (None: none); `publishes` is no, existing (from
    data already published) or any; `rank` orders minimum site roles (None: cannot be one).
    """

    name: str
    ui: str
    admin: str
    licence: str | None
    publishes: str
    rank: int | None


_ROLES = (
    SiteRole("Unlicensed", "Unlicensed", "none", None, "no", 0),
    SiteRole("Guest", "Guest", "none", "Viewer", "no", None),
    SiteRole("SupportUser", "Support User", "none", "Viewer", "no", None),
    SiteRole("Viewer", "Viewer", "none", "Viewer", "no", 1),
    SiteRole("Explorer", "Explorer", "none", "Explorer", "no", 2),
    SiteRole("ExplorerCanPublish", "Explorer (can publish)", "none", "Explorer", "existing", 3),
    SiteRole("Creator", "Creator", "none", "Creator", "any", 4),
    SiteRole("SiteAdministratorExplorer", "Site Administrator Explorer", "site", "Explorer", "existing", 5),
    SiteRole("SiteAdministratorCreator", "Site Administrator Creator", "site", "Creator", "any", 6),
    # Publishes any data where a Creator licence is active, which REST does not tell; the wider right is assumed.
    SiteRole("ServerAdministrator", "Server Administrator", "server", "Creator", "any", 7),
)
SITE_ROLES: Mapping[str, SiteRole] = MappingProxyType({role.name: role for role in _ROLES})

# Names before API 3.0 and two that no recorded version accepted but clients still list.
LEGACY_ROLES: Mapping[str, str] = MappingProxyType(
    {
        "Interactor": "Explorer",
        "Publisher": "ExplorerCanPublish",
        "SiteAdministrator": "SiteAdministratorExplorer",
        "ReadOnly": "Viewer",
        "ViewerWithPublish": "Viewer",
        "UnlicensedWithPublish": "Unlicensed",
    }
)

# Accepted by REST when a user is added or changed; anything else is 400013, Guest 409005.
SETTABLE = frozenset(
    {
        "Unlicensed",
        "Viewer",
        "Explorer",
        "ExplorerCanPublish",
        "Creator",
        "SiteAdministratorExplorer",
        "SiteAdministratorCreator",
    }
)
# The server's parser also takes these older names.
SETTABLE_LEGACY = frozenset({"Publisher", "Interactor", "SiteAdministrator", "ReadOnly"})

# Tableau's names for the seats of a site and the order in which one covers the next.
TIERS = ("Creator", "Explorer", "Viewer")


def current_role(name: str) -> str:
    """Today's name of a site role; an unknown name is kept as it is."""
    return LEGACY_ROLES.get(name, name)


@lru_cache(maxsize=256)
def _role(name: str) -> SiteRole | None:
    return SITE_ROLES.get(current_role(name))


def is_known(name: str) -> bool:
    """Whether this release knows the site role."""
    return _role(name) is not None


def is_admin(name: str) -> bool:
    """Site and server administrators."""
    role = _role(name)
    return role is not None and role.admin != "none"


def is_server_admin(name: str) -> bool:
    role = _role(name)
    return role is not None and role.admin == "server"


def is_licensed(name: str) -> bool:
    """Whether the role takes a seat and may sign in; an unknown role is taken for licensed nowhere."""
    return licence_of(name) is not None


def licence_of(name: str) -> str | None:
    """The seat the role takes: Creator, Explorer, Viewer, or None."""
    role = _role(name)
    return None if role is None else role.licence


def publishes(name: str) -> str:
    """Whether the role publishes: no, existing (only from published data) or any."""
    role = _role(name)
    return "no" if role is None else role.publishes


def role_named(words: str) -> str:
    """Today's REST name of what a person calls a site role: REST, UI and older names. UnknownName lists them."""
    name = ROLE_NAMES.get(plain(words))
    if name is None:
        near = hint(words, {role.ui: name for name, role in SITE_ROLES.items()})
        roles = f"; they are {', '.join(role.ui for role in SITE_ROLES.values())}"
        raise UnknownName(f"no site role is called `{words}`{near or roles}")
    return name


# What pages of before 2018.1, import files and people call them besides.
_ALSO_CALLED = {
    "Viewer (can publish)": "Viewer",
    "Unlicensed (can publish)": "Unlicensed",
    "Can publish": "ExplorerCanPublish",
    "Explorer with publish": "ExplorerCanPublish",
    "Site admin": "SiteAdministratorExplorer",
    "Site admin Explorer": "SiteAdministratorExplorer",
    "Site admin Creator": "SiteAdministratorCreator",
    "Server admin": "ServerAdministrator",
    "System admin": "ServerAdministrator",
    "System administrator": "ServerAdministrator",
}
ROLE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        **{plain(words): name for words, name in (*LEGACY_ROLES.items(), *_ALSO_CALLED.items())},
        **{plain(words): role.name for role in _ROLES for words in (role.ui, role.name)},
    }
)
"""Every name of a site role, without regard to letter case, white space and signs, and its REST name of today."""


def rank(name: str) -> int | None:
    """The role's place among minimum site roles; None for Guest, Support User and unknown roles."""
    role = _role(name)
    return None if role is None else role.rank


def ui_role(name: str) -> str:
    """The role as Tableau's pages write it."""
    role = _role(name)
    return name if role is None else role.ui


# -- ceilings: the most a role can ever exercise ---------------------------------------------

_COLUMNS = ("Creator", "ExplorerCanPublish", "Explorer", "Viewer", "Guest")


class Ceiling(NamedTuple):
    """One row of the ceiling table: y or n for Creator, Explorer (can publish), Explorer, Viewer, Guest."""

    kinds: str
    capabilities: str
    columns: str
    mark: str = "V"


CEILINGS = (
    Ceiling("project", "Read", "yyyyy"),
    Ceiling("project", "Write", "yynnn"),
    # A leader keeps his title whatever his role; what he does with it meets the other rows.
    Ceiling("project", "ProjectLeader InheritedProjectLeader", "yyyyn", "B"),
    Ceiling("workbook view", "Read Filter ViewComments ExportImage ExportData", "yyyyy"),
    Ceiling("workbook view", "AddComment", "yyyyn"),
    Ceiling("workbook view", "ShareView", "yyynn"),
    Ceiling("workbook view", "ViewUnderlyingData WebAuthoring", "yyyny"),
    Ceiling("workbook", "ExportXml", "yyyny"),
    Ceiling("workbook view", "Write Delete ChangePermissions", "yynnn"),
    # Grantable to an Explorer, who still can move nothing: moving asks for a publishing role.
    Ceiling("workbook", "ChangeHierarchy", "yyynn"),
    Ceiling("workbook view", "RunExplainData", "yyyyn", "B"),
    Ceiling("workbook", "CreateRefreshMetrics", "yynnn", "B"),
    Ceiling("workbook", "Connect", "yyyyn", "B"),
    Ceiling("workbook datasource", "VizqlDataApiAccess", "yyyyn", "C"),
    Ceiling("workbook datasource", "ExtractRefresh", "yynnn", "B"),
    Ceiling("datasource", "Read", "yyyyy"),
    Ceiling("datasource", "Connect", "yyyyn"),
    Ceiling("datasource", "ExportXml", "yyyny"),
    Ceiling("datasource", "Write Delete ChangePermissions SaveAs ChangeHierarchy", "yynnn"),
    Ceiling("datasource", "PulseMetricDefine", "yynnn", "B"),
    Ceiling("flow", "Read", "yyyyn"),
    Ceiling("flow", "ExportXml", "yyynn"),
    Ceiling("flow", "Execute Write Delete ChangePermissions", "yynnn", "C"),
    Ceiling("flow", "WebAuthoringForFlows", "yynnn", "C"),
    Ceiling("flow", "ChangeHierarchy", "yyynn"),
    Ceiling("datarole metric lens collection", "Read", "yyyyn"),
    Ceiling("datarole metric lens", "Write Delete ChangePermissions ChangeHierarchy", "yynnn"),
    Ceiling("virtualconnection", "Read", "yyyyn", "B"),
    Ceiling("virtualconnection", "Connect", "yynnn", "C"),
    Ceiling("virtualconnection", "Write ChangeHierarchy", "yynnn", "C"),
    Ceiling("virtualconnection", "Delete ChangePermissions", "yynnn", "B"),
    Ceiling("database table", "Read", "yyyyn", "B"),
    Ceiling("database table", "Write ChangeHierarchy ChangePermissions", "yynnn", "B"),
)
_CEILING: Mapping[tuple[str, str], Ceiling] = MappingProxyType(
    {
        (kind, capability): row
        for row in CEILINGS
        for kind in row.kinds.split()
        for capability in row.capabilities.split()
    }
)


# What one public evaluator of the rules keeps for Creator: Explorer (can publish) is the open point.
_FLOWS = frozenset("Execute Write WebAuthoringForFlows".split())
_VCS = frozenset("Connect Write ChangeHierarchy".split())


def ceiling(kind: str, capability: str, open_points: OpenPoints = DOCUMENTED) -> Ceiling | None:
    """The ceiling row for a capability of a kind; None where no row is known.

    Four rows are open points: API Access and Connect to virtual connections for Viewer and Explorer, flows and virtual
    connections for Explorer (can publish).
    """
    if open_points.ai_access_name and capability == open_points.ai_access_name:
        capability = API_ACCESS
    row = _CEILING.get((kind, capability))
    if row is None or open_points is DOCUMENTED:
        return row
    if capability == API_ACCESS and not open_points.viewer_calls_api:
        return row._replace(columns="yynnn")
    if (kind, capability) == ("virtualconnection", "Connect") and open_points.explorer_connects_vc:
        return row._replace(columns="yyyyn")
    only_creator = (kind == "flow" and capability in _FLOWS and not open_points.publishing_explorer_runs_flows) or (
        kind == "virtualconnection" and capability in _VCS and not open_points.publishing_explorer_uses_vcs
    )
    return row._replace(columns="ynnnn") if only_creator else row


def role_in_personal_space(role: str) -> str:
    """Whose ceilings hold for one's own work in a Personal Space: Explorers keep work there (which of it: B)."""
    return "ExplorerCanPublish" if current_role(role) == "Explorer" else role


def ceiling_row(
    role: str, kind: str, capability: str, model: str = CURRENT, open_points: OpenPoints = DOCUMENTED
) -> tuple[str, ...]:
    """The row that a ceiling was read from, as its cells and its mark: `("yyynn", "V")`; () where none was.

    Administrators hold everything and Unlicensed nothing without a row; the classic model has licence levels instead.
    """
    known = _role(role)
    if model == CLASSIC or known is None or known.admin != "none" or known.licence is None:
        return ()
    row = ceiling(kind, capability, open_points)
    return () if row is None else (row.columns, row.mark)


def ceiling_words(columns: str) -> str:
    """`Creator, Explorer (can publish), Explorer`: the roles that a row lets hold the capability."""
    roles = [SITE_ROLES[r].ui for r, cell in zip(_COLUMNS, columns, strict=True) if cell == "y"]
    return ", ".join(roles) or "no role"


def permits(role: str, kind: str, capability: str, open_points: OpenPoints = DOCUMENTED) -> bool | None:
    """Whether the site role can ever exercise the capability; None when this release cannot tell.

    Administrators can everything, Unlicensed nothing, whatever the capability is called.
    """
    known = _role(role)
    if known is None:
        return None
    if known.admin != "none":
        return True
    if known.licence is None:
        return False
    row = ceiling(kind, capability, open_points)
    if row is None:
        return None
    column = "Viewer" if known.name == "SupportUser" else known.name
    return row.columns[_COLUMNS.index(column)] == "y"


# The 2012 model knows licence levels only: a Viewer licence does not interact (guides of Tableau 7 and 8; B).
_CLASSIC_VIEWER = frozenset("Read ExportImage ExportData ViewComments AddComment ProjectLeader Connect".split())


def classic_permits(role: str, capability: str) -> bool | None:
    """The classic model's ceiling: licence level, publish right and administrator flag (permissions paper, §1)."""
    known = _role(role)
    if known is None:
        return None
    if known.admin != "none":
        return True
    if known.licence is None:
        return False
    if capability == "Write" and known.publishes == "no":
        return False
    if known.licence == "Viewer" and capability in CAPABILITIES:
        return capability in _CLASSIC_VIEWER
    return True if capability in CAPABILITIES else None


# -- owning -------------------------------------------------------------------------------------------------------

_PUBLISHER_OWNED = frozenset({"project", "metric", "lens"})


def may_own(role: str, kind: str, open_points: OpenPoints = DOCUMENTED) -> bool:
    """Whether somebody of that role may be given content of that kind ("Manage Content Ownership", current help).

    Projects, metrics and lenses go to who publishes; the rest to any licensed user, in older editions (an open point)
    to publishers too. Guest owns nothing.
    """
    known = _role(role)
    if known is None or known.licence is None or known.rank is None:
        return False
    return known.publishes != "no" or (kind not in _PUBLISHER_OWNED and open_points.explorers_own_content)


# -- import and synchronisation ---------------------------------------------

_SHORT = MappingProxyType(
    {
        "SAC": "SiteAdministratorCreator",
        "SAE": "SiteAdministratorExplorer",
        "C": "Creator",
        "EP": "ExplorerCanPublish",
        "E": "Explorer",
        "V": "Viewer",
        "U": "Unlicensed",
    }
)
_IMPORTED = "SAC C SAE EP E V U".split()
# Rows: the role now; columns: the imported or minimum role. It never demotes and is not a maximum of ranks:
# an Explorer imported as Site Administrator Creator becomes Site Administrator Explorer.
_MERGED = {
    "SAC": "SAC SAC SAC SAC SAC SAC SAC",
    "SAE": "SAE SAE SAE SAE SAE SAE SAE",
    "C": "SAC C SAE C C C C",
    "EP": "SAC C SAE EP EP EP EP",
    "E": "SAE C SAE EP E E E",
    "V": "SAE C SAE EP E V V",
    "U": "SAE C SAE EP E V U",
}
MERGE: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (_SHORT[now], _SHORT[column]): _SHORT[cell]
        for now, cells in _MERGED.items()
        for column, cell in zip(_IMPORTED, cells.split(), strict=True)
    }
)


def merge(current: str, imported: str) -> str:
    """The role after a directory import or sync ("Set Users' Site Roles", import and synchronization matrix).

    Roles outside the matrix (Server Administrator, Guest, Support User, unknown names) keep what they are.
    """
    return MERGE.get((current_role(current), current_role(imported)), current)


def minimum_that_counts(roles: Iterable[str], open_points: OpenPoints = DOCUMENTED) -> str | None:
    """The minimum site role that counts, of those of somebody's groups: the highest (B; an open point: the lowest)."""
    best = max if open_points.highest_minimum_wins else min
    return best(roles, key=lambda role: rank(role) or 0, default=None)


def role_from_csv(licence: str, admin: str, publisher: str) -> str:
    """The site role of a row of an import file (tableau-rest §B.4): licence, administrator and publish columns."""
    licence, admin, publisher = (part.strip().casefold() for part in (licence, admin, publisher))
    may_publish = publisher in ("yes", "true", "1")
    if not (licence and admin and publisher):
        return "Unlicensed"
    if admin in ("system", "site"):
        return "SiteAdministratorCreator" if licence == "creator" else "SiteAdministratorExplorer"
    if may_publish:
        return {"creator": "Creator", "explorer": "ExplorerCanPublish"}.get(licence, "Unlicensed")
    return {"creator": "Explorer", "explorer": "Explorer", "viewer": "Viewer"}.get(licence, "Unlicensed")
