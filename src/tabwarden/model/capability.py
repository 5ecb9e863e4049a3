"""The capability table: which capabilities each kind of content has, their names, and the templates that set them.

Data with its sources, and look-ups on it.
Marks: V read in a source, B believed, C sources contradict each other.
Source of the table: "Permissions" (Server Help 2020.3), "Permission Capabilities and Templates" (current help),
tableauserverclient and the migration SDK for the REST names; names of 2012 from the permissions paper's glossary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.names import hint, plain
from tabwarden.model.open_points import CLASSIC, CURRENT, DOCUMENTED, OpenPoints

KINDS = (
    "project",
    "workbook",
    "view",
    "datasource",
    "flow",
    "virtualconnection",
    "database",
    "table",
    "datarole",
    "metric",
    "lens",
    "collection",
)


class _Names(dict[str, str]):
    """Names of kinds; one that this release does not know is called as it is."""

    def __missing__(self, kind: str) -> str:
        return kind


KIND_NAMES = MappingProxyType(
    _Names(
        {kind: kind for kind in KINDS}
        | {"datasource": "data source", "virtualconnection": "virtual connection"}
        | {"datarole": "data role", "lens": "Ask Data lens"}
    )
)

# What people also write; plural forms are taken without their s.
_KIND_WORDS = MappingProxyType({"vc": "virtualconnection", "sheet": "view", "publisheddatasource": "datasource"})


def kind_named(words: str) -> str:
    """The kind a person means: `workbooks`, `data source`, `Virtual Connections`. Raises UnknownName."""
    plain = "".join(c for c in words.casefold() if c.isalnum())
    for form in (plain, plain.removesuffix("s"), plain.removesuffix("es")):
        form = _KIND_WORDS.get(form, form)
        if form in KINDS:
            return form
    near = hint(words, {name: kind for kind, name in KIND_NAMES.items()})
    kinds = f"; kinds are {', '.join(KIND_NAMES.values())}"
    raise UnknownName(f"no kind of content is called `{words}`{near or kinds}")


# Templates are cumulative: each adds its capabilities to those of the ones before it.
TEMPLATE_ORDER = ("View", "Explore", "Publish", "Administer")
_LETTER = MappingProxyType({"V": "View", "X": "Explore", "P": "Publish", "A": "Administer"})


class Capability(NamedTuple):
    """One row: REST name, today's UI name, earlier names, and per kind the template that first sets it.

    A template of "" means the kind has the capability but its place in the templates is not known (or it is
    a setting of its own, as project leader). `optional` marks capabilities that come or went with a version, so
    that a template is recognised with and without them.
    """

    name: str
    ui: str
    earlier: tuple[str, ...]
    kinds: Mapping[str, str]
    mark: str = "V"
    optional: bool = False


def _kinds(text: str) -> Mapping[str, str]:
    """`workbook:X view:X flow:` -> {kind: template name}."""
    pairs = (part.partition(":") for part in text.split())
    return MappingProxyType({kind: _LETTER.get(letter, "") for kind, _, letter in pairs})


_ASSETS = "virtualconnection:{0} database:{0} table:{0} datarole:{0} metric:{0} lens:{0}"
_ROWS = (
    Capability(
        "Read",
        "View",
        ("View",),
        _kinds("project:V workbook:V view:V datasource:V flow:V collection:V " + _ASSETS.format("V")),
    ),
    Capability("Filter", "Filter", ("Quick Filters",), _kinds("workbook:V view:V")),
    Capability("ViewComments", "View Comments", (), _kinds("workbook:V view:V")),
    Capability("AddComment", "Add Comments", ("Add Comment",), _kinds("workbook:V view:V")),
    Capability(
        "ExportImage",
        "Download Image/PDF",
        ("Export Image", "Download Image"),
        _kinds("workbook:V view:V"),
    ),
    Capability(
        "ExportData",
        "Download Summary Data",
        ("View Summary Data", "Summary Data"),
        _kinds("workbook:V view:V"),
    ),
    Capability("ShareView", "Share Customized", ("Shared Customized",), _kinds("workbook:X view:X")),
    Capability(
        "ViewUnderlyingData",
        "Download Full Data",
        ("View Underlying Data", "Full Data"),
        _kinds("workbook:X view:X"),
    ),
    Capability("WebAuthoring", "Web Edit", ("Web Authoring",), _kinds("workbook:X view:X")),
    Capability(
        # On views the sources disagree; it is kept so that a rule on it is evaluated, not dropped.
        "RunExplainData",
        "Run Explain Data",
        ("Explain Data",),
        _kinds("workbook:X view:X"),
        mark="C",
        optional=True,
    ),
    Capability(
        "ExportXml",
        "Download Workbook/Save a Copy",
        (
            "Download",
            "Download File",
            "Download Workbook",
            "Save a Copy",
            "Download/Save As",
            "Download/Save a Copy",
            "Download/Web Save As",
            "Download Workbook/Save As",
            "Download Data Source",
            "Download Flow",
        ),
        _kinds("workbook:P datasource:X flow:X"),
    ),
    Capability(
        "Write",
        "Overwrite",
        ("Publish", "Save", "Write"),
        _kinds("project:P workbook:P datasource:P flow:P " + _ASSETS.format("P")),
    ),
    Capability(
        "CreateRefreshMetrics",
        "Create/Refresh Metrics",
        (),
        _kinds("workbook:P"),
        optional=True,
    ),
    Capability("SaveAs", "Save As", (), _kinds("datasource:P"), optional=True),
    Capability("Connect", "Connect", ("Full Data Query",), _kinds("datasource:V virtualconnection:V workbook:")),
    Capability("VizqlDataApiAccess", "API Access", (), _kinds("datasource:P workbook:P"), optional=True),
    Capability("PulseMetricDefine", "Create Metric Definitions", (), _kinds("datasource:P"), optional=True),
    Capability("ExtractRefresh", "Extract Refresh", ("Refresh Extracts",), _kinds("workbook: datasource:"), mark="B"),
    Capability("Execute", "Run", ("Run Flow",), _kinds("flow:P")),
    Capability(
        "WebAuthoringForFlows", "Web Edit", ("Web Edit Flow", "Web Edit for Flows"), _kinds("flow:P"), optional=True
    ),
    Capability(
        "ChangeHierarchy",
        "Move",
        (),
        _kinds("workbook:A datasource:A flow:A " + _ASSETS.format("A")),
    ),
    Capability(
        # Databases and tables have no Delete.
        "Delete",
        "Delete",
        (),
        _kinds("workbook:A view:A datasource:A flow:A virtualconnection:A datarole:A metric:A lens:A"),
    ),
    Capability(
        "ChangePermissions",
        "Set Permissions",
        (),
        _kinds("workbook:A view:A datasource:A flow:A " + _ASSETS.format("A")),
    ),
    Capability("ProjectLeader", "Project Leader", ("Leader",), _kinds("project:")),
    Capability("InheritedProjectLeader", "Inherited Project Leader", (), _kinds("project:")),
)

CAPABILITIES: Mapping[str, Capability] = MappingProxyType({row.name: row for row in _ROWS})

EXTRACT_REFRESH = "ExtractRefresh"
CHANGE_PERMISSIONS = "ChangePermissions"
LEADER, INHERITED_LEADER = "ProjectLeader", "InheritedProjectLeader"
LEADER_CAPABILITIES = (LEADER, INHERITED_LEADER)
# Read-only in REST answers: computed by Tableau, never written.
READ_ONLY = frozenset({"InheritedProjectLeader"})
# Rules of these linger after their content type or feature was retired; they are shown and never written.
RETIRED = frozenset({"CreateRefreshMetrics"})

# Where the UI has another name for one kind.
_UI_BY_KIND = MappingProxyType(
    {
        ("Write", "project"): "Publish",
        ("ExportXml", "datasource"): "Download Data Source",
        ("ExportXml", "flow"): "Download Flow",
        ("Connect", "workbook"): "Full Data Query",
    }
)
# Names that mean something else on one kind (blog, "Workbook Level Permissions": Download Workbook/Save As).
_NAMED_BY_KIND = MappingProxyType({("saveas", "workbook"): "ExportXml", ("webedit", "flow"): "WebAuthoringForFlows"})


# The fifteen of 2012 (permissions paper, glossary): a project's rules carry all, a workbook's all but the last two.
CLASSIC_CAPABILITIES = tuple(
    "Read Write Delete ExportXml ChangeHierarchy ChangePermissions Filter AddComment ViewComments ExportData "
    "ViewUnderlyingData ExportImage ShareView Connect ProjectLeader".split()
)


def capabilities_of(kind: str, model: str = CURRENT) -> tuple[str, ...]:
    """REST names of the capabilities a kind has, in the order of the permission dialog; the classic model's of 2012."""
    names = CLASSIC_CAPABILITIES if model == CLASSIC else tuple(CAPABILITIES)
    return tuple(name for name in names if applies(name, kind, model) and name not in READ_ONLY)


def applies(capability: str, kind: str, model: str = CURRENT) -> bool | None:
    """Whether the kind has the capability; None when the name is unknown to this release.

    In 2012 projects had all fifteen; what a kind has of them besides is what it has today.
    """
    if model == CLASSIC:
        if kind in ("project", "workbook"):
            return capability in (CLASSIC_CAPABILITIES if kind == "project" else CLASSIC_CAPABILITIES[:-2])
        return capability in CLASSIC_CAPABILITIES and kind in CAPABILITIES[capability].kinds
    row = CAPABILITIES.get(capability)
    return None if row is None else kind in row.kinds


def ai_access(words: str, open_points: OpenPoints) -> str | None:
    """The REST name that AI Access was told to have, None for other words; no source read says it (§12.8)."""
    if plain(words) != "aiaccess" or open_points.ai_access_name:
        return open_points.ai_access_name if plain(words) == "aiaccess" else None
    raise UnknownName("the REST name of `AI Access` is in no document; tell it by `--open-point ai_access_name=NAME`")


def demand_known(capability: str, model: str) -> None:
    """UnknownName for a capability that the model cannot know: in 2012 there were fifteen."""
    if model == CLASSIC and capability not in CLASSIC_CAPABILITIES:
        known = ", ".join(f"`{ui_name(name)}`" for name in CLASSIC_CAPABILITIES)
        raise UnknownName(f"the model `{CLASSIC}` has no capability `{ui_name(capability)}`; those of 2012 are {known}")


def ui_name(capability: str, kind: str | None = None) -> str:
    """Today's name in Tableau's permission dialog; an unknown capability keeps its REST name."""
    row = CAPABILITIES.get(capability)
    if row is None:
        return capability
    return _UI_BY_KIND.get((capability, kind or ""), row.ui)


def _names(row: Capability) -> Iterable[str]:
    return (row.name, row.ui, *row.earlier)


_BY_NAME: dict[str, tuple[str, ...]] = {}
for _row in _ROWS:
    for _name in _names(_row):
        _known = _BY_NAME.get(plain(_name), ())
        if _row.name not in _known:
            _BY_NAME[plain(_name)] = (*_known, _row.name)


def capability_named(words: str, kind: str | None = None) -> str:
    """The REST name of what a person calls a capability: REST, UI and the documents' names, any letter case.

    A REST name always means itself. `kind` decides between capabilities that share a name.
    Raises UnknownName (with the nearest names) or AmbiguousName.
    """
    key = plain(words)
    if kind is not None and (key, kind) in _NAMED_BY_KIND:
        return _NAMED_BY_KIND[key, kind]
    exact = next((name for name in CAPABILITIES if plain(name) == key), None)
    if exact is not None and key != "saveas":
        return exact
    hits = _BY_NAME.get(key, ())
    if kind is not None:
        fitting = tuple(name for name in hits if kind in CAPABILITIES[name].kinds)
        hits = fitting or hits
    if len(hits) == 1:
        return hits[0]
    if hits:
        raise AmbiguousName(f"`{words}` names several capabilities; say which:", hits)
    near = dict.fromkeys(_BY_NAME[n][0] for n in get_close_matches(key, _BY_NAME, n=5))
    hint = ", ".join(f"`{name}` ({CAPABILITIES[name].ui})" for name in near)
    further = f"near it: {hint}" if hint else "`tabwarden help capabilities` has them all"
    raise UnknownName(f"no capability is called `{words}`; {further}")


# -- templates ----------------------------------------------------------------------------------------------------


def _template(kind: str, upto: str, *, optional: bool) -> frozenset[str]:
    levels = TEMPLATE_ORDER[: TEMPLATE_ORDER.index(upto) + 1]
    return frozenset(r.name for r in _ROWS if r.kinds.get(kind) in levels and (optional or not r.optional))


TEMPLATES: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {kind: MappingProxyType({name: _template(kind, name, optional=True) for name in TEMPLATE_ORDER}) for kind in KINDS}
)

_WORKBOOK_14 = frozenset(
    "Read ExportImage ExportData ViewComments AddComment Filter ViewUnderlyingData ShareView WebAuthoring "
    "Write ExportXml ChangeHierarchy Delete ChangePermissions".split()
)
# Source: tableau_tools `role_set`; prose in the guides of Tableau 7 and 8.
LEGACY_TEMPLATES: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "workbook": MappingProxyType(
            {
                "Viewer": frozenset("Read ExportImage ExportData ViewComments AddComment".split()),
                "Interactor": _WORKBOOK_14
                - frozenset("ExportXml ChangeHierarchy Delete ChangePermissions Write".split()),
                "Editor": _WORKBOOK_14,
            }
        ),
        "datasource": MappingProxyType(
            {
                "Connector": frozenset({"Read", "Connect"}),
                "Editor": frozenset("Read Connect Write ExportXml Delete ChangePermissions".split()),
            }
        ),
        "project": MappingProxyType(
            {
                "Viewer": frozenset({"Read"}),
                "Publisher": frozenset({"Read", "Write"}),
                "Project Leader": frozenset({"ProjectLeader"}),
            }
        ),
    }
)


def without_optional(kind: str, template: str) -> frozenset[str]:
    """A current template as every version has it: without capabilities that came or went."""
    return _template(kind, template, optional=False)


def template_of(
    kind: str, allowed: frozenset[str], denied: frozenset[str], open_points: OpenPoints = DOCUMENTED
) -> str:
    """The template a grantee's row equals: None, Denied, a current or legacy template's name, or Custom.

    Where Extract Refresh stands among the templates is an open point; a row that has it is Custom by default.
    """
    if open_points.extract_refresh_template and EXTRACT_REFRESH in allowed:
        without = template_of(kind, allowed - {EXTRACT_REFRESH}, denied)
        order = ("", *TEMPLATE_ORDER)
        high = without in order and order.index(without) >= order.index(open_points.extract_refresh_template)
        return without if high else "Custom"
    if not allowed and not denied:
        return "None"
    if not allowed and denied >= {c for c in capabilities_of(kind) if not _optional(c, kind)}:
        return "Denied"
    if denied:
        return "Custom"
    for name in TEMPLATE_ORDER:
        if _template(kind, name, optional=False) <= allowed <= _template(kind, name, optional=True):
            return name
    for name, members in LEGACY_TEMPLATES.get(kind, {}).items():
        if allowed == members:
            return name
    return "Custom"


def _optional(capability: str, kind: str) -> bool:
    """Whether a row is whole without it: it came or went with a version, or stands in no template of the kind."""
    row = CAPABILITIES[capability]
    return row.optional or not row.kinds[kind]
