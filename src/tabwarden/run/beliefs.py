"""What the sources leave open, as experiments: a small world, a question over REST, and what each answer settles.

The world is lines of words, done by whoever reads unless they begin with somebody of the world:

    user vi Viewer                      a user of that site role
    group g: vi ex                      a group; `group g (Viewer): vi` grants that role on sign-in
    set s: g h                          a group set
    project q [in p]                    a project without rules; `here` is the check's own, `top` the top level
    [bo] publishes workbook w in q      also datasource, flow; `on d` of a workbook: its published source
    [bo] publishes customview c in w    of the first view of a workbook
    rule w user vi Allow Read Filter    rules; `default q datasource ...` those of new content
    bare d user vi                      all rules of that grantee go
    another site                        `$other` is a site that is not the session's
    [vi] signs in
    [vi] GET workbooks/$w [body]        a request that must succeed; `$w` is the id of w, `$w_view` of its first view

The question is a line too. `yes` is an answer of 2xx that has what `reads` names, `no` one without it or a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.model.open_points import DOCUMENTED, OPEN_POINTS

SWITCH, PLAY, BELIEF = "open point", "sandbox option", "belief"
YES_NO: Mapping[str, bool | str] = MappingProxyType({"yes": True, "no": False})
NO_YES: Mapping[str, bool | str] = MappingProxyType({"yes": False, "no": True})
CODE: Mapping[str, bool | str] = MappingProxyType({})


class Check(NamedTuple):
    """One belief and how it is tried.

    `asks` are tried in their order until one has an answer among its own; of `CODE` the six digits are the answer, any.
    `reads` is the path of an element, or of an attribute's value, in the answer. `kind` says what the position is of.
    """

    name: str
    world: tuple[str, ...]
    asks: tuple[tuple[str, Mapping[str, bool | str]], ...]
    reads: str = ""
    since: str = "2.0"
    kind: str = SWITCH
    says: str = ""
    believed: bool | str | None = None

    @property
    def about(self) -> str:
        """What it means when it is on."""
        return OPEN_POINTS[self.name].on if self.kind == SWITCH else self.says

    @property
    def documented(self) -> bool | str:
        """The answer that is believed."""
        return getattr(DOCUMENTED, self.name) if self.believed is None else self.believed

    @property
    def is_top_level(self) -> bool:
        """Whether it makes something outside the throw-away project."""
        return any(line.endswith(" in top") for line in self.world)


def _one(line: str, answers: Mapping[str, bool | str]) -> tuple[tuple[str, Mapping[str, bool | str]], ...]:
    return ((line, answers),)


_VI = "user vi Viewer"
_THE_WORKBOOK = ".//workbook[@id='$w']"
_RULE_OF_VI = ".//granteeCapabilities/user[@id='$vi']"
_SEES_DATA = ("rule w user vi Allow Read ExportData", "bare d user vi")
# Nobody has written down how it is called: names that would follow from the others.
AI_NAMES = ("AIAccess", "AiAccess", "AIFeatureAccess", "VizqlDataAiAccess")
_AI = (
    '<permissions><granteeCapabilities><user id="$vi"/><capabilities><capability name="{}" mode="Allow"/>'
    "</capabilities></granteeCapabilities></permissions>"
)

CHECKS = (
    Check(
        "group_set_deny_is_final",
        (
            *(_VI, "group g: vi", "group h: vi", "set s: g h", "publishes workbook w in here"),
            *("rule w group g Allow Read", "rule w groupSet s Deny Read"),
        ),
        _one("vi GET workbooks", NO_YES),
        _THE_WORKBOOK,
        since="3.22",
    ),
    Check(
        "viewer_calls_api",
        (_VI, "publishes datasource d in here", "rule d user vi Allow Read Connect VizqlDataApiAccess"),
        _one(
            'vi POST /vizql-data-service/read-metadata {"datasource": {"datasourceLuid": "$d"}}',
            YES_NO,
        ),
        since="3.25",
    ),
    Check(
        "publishing_explorer_runs_flows",
        ("user ep ExplorerCanPublish", "publishes flow f in here", "rule f user ep Allow Read Execute"),
        _one("ep POST flows/$f/run <flowRunSpec/>", YES_NO),
        since="3.3",
    ),
    Check(
        "nested_publish_needs_parent",
        (
            *("user cr Creator", "project q in here", "project n in q"),
            *("rule q user cr Allow Read", "rule n user cr Allow Read Write"),
        ),
        _one("cr publishes workbook w in n", NO_YES),
    ),
    Check(
        "owner_deletes_top_level",
        ("user cr Creator", "project t in top", 'PUT projects/$t <project><owner id="$cr"/></project>'),
        _one("cr DELETE projects/$t", YES_NO),
    ),
    Check(
        "owner_removal_code",
        (
            *("user cr Creator", "publishes workbook w in here"),
            'PUT workbooks/$w <workbook><owner id="$cr"/></workbook>',
        ),
        _one("DELETE users/$cr", CODE),
    ),
    Check(
        "republish_resets_view_rules",
        (_VI, "publishes workbook w in here", "rule w user vi Allow Read", "publishes workbook w in here"),
        _one("GET views/$w_view/permissions", YES_NO),
        _RULE_OF_VI,
        since="3.2",
    ),
    Check(
        "ai_access_name",
        (_VI, "publishes datasource d in here"),
        tuple(
            (f"PUT datasources/$d/permissions {_AI.format(name)}", MappingProxyType({"yes": name})) for name in AI_NAMES
        ),
    ),
    Check(
        "highest_minimum_wins",
        ("user vi Unlicensed", "group g (Viewer): vi", "group h (Explorer): vi", "vi signs in"),
        _one("GET users/$vi", MappingProxyType({"Explorer": True, "Viewer": False})),
        ".//user/@siteRole",
        since="3.6",
    ),
    Check(
        "moved_item_keeps_rules",
        (
            *(_VI, "project q in here", "publishes workbook w in here", "rule w user vi Allow Read"),
            'PUT workbooks/$w <workbook><project id="$q"/></workbook>',
        ),
        _one("GET workbooks/$w/permissions", YES_NO),
        _RULE_OF_VI,
    ),
    Check(
        "prompted_needs_view",
        (
            *(_VI, "publishes datasource d in here", "publishes workbook w in here on d"),
            *_SEES_DATA,
            *("rule d user vi Allow Connect", "rule w_view user vi Allow Read ExportData"),
        ),
        _one("vi GET views/$w_view/data", NO_YES),
        since="3.2",
    ),
    Check(
        "project_connect_is_for_workbooks",
        (
            *(_VI, "default here datasource user vi Allow Connect", "publishes datasource d in here"),
            *("publishes workbook w in here on d", *_SEES_DATA),
            *("rule d user vi Allow Read", "rule w_view user vi Allow Read ExportData"),
        ),
        _one("vi GET views/$w_view/data", YES_NO),
        since="3.2",
    ),
    Check(
        "custom_views_need_filter",
        (
            "user ex Explorer",
            "publishes workbook w in here",
            "rule w user ex Allow Read",
            "rule w_view user ex Allow Read",
        ),
        _one("ex publishes customview c in w", NO_YES),
        since="3.21",
    ),
    Check(
        "leader_changes_owner",
        ("user le Creator", "rule here user le Allow ProjectLeader", "publishes workbook w in here"),
        _one('le PUT workbooks/$w <workbook><owner id="$le"/></workbook>', YES_NO),
    ),
    Check(
        "flow_owner_changes_owner",
        (
            *("user a Creator", "user b Creator", "project q in here"),
            *("rule here user a Allow Read Write", "rule q user a Allow Read Write", "a publishes flow f in q"),
        ),
        _one('a PUT flows/$f <flow><owner id="$b"/></flow>', YES_NO),
        since="3.3",
    ),
    Check(
        "explorers_own_content",
        ("user ex Explorer", "publishes workbook w in here"),
        _one('PUT workbooks/$w <workbook><owner id="$ex"/></workbook>', YES_NO),
    ),
    Check(
        "deleted_group_leaves_sets",
        (
            *(_VI, "group g:", "group h: vi", "set s: g h", "publishes workbook w in here"),
            *("rule w groupSet s Allow Read", "DELETE groups/$g"),
        ),
        _one("vi GET workbooks", YES_NO),
        _THE_WORKBOOK,
        since="3.22",
    ),
    Check(
        "opposite_rule",
        (_VI, "publishes workbook w in here", "rule w user vi Allow Read"),
        _one(
            f"PUT workbooks/$w/permissions {_AI.format('Read').replace('Allow', 'Deny')}",
            MappingProxyType({"yes": "ignore", "no": "refuse"}),
        ),
        kind=PLAY,
        says="adding a rule that exists in the opposite mode",
        believed="refuse",
    ),
    Check(
        "existing_user_add",
        ("user vi Unlicensed",),
        _one('POST users <user name="$vi_name" siteRole="Unlicensed"/>', {"yes": "same-id", "no": "conflict"}),
        kind=PLAY,
        says="adding a user who is there",
        believed="conflict",
    ),
    Check(
        "whole_lists",
        (_VI, "publishes workbook w in here"),
        _one(f"POST workbooks/$w/permissions {_AI.format('Read')}", MappingProxyType({"yes": True, "405": False})),
        kind=PLAY,
        says="POST to a list of rules writes it whole",
        believed=True,
    ),
    Check(
        "shows_inherited_leaders",
        ("user le Creator", "rule here user le Allow ProjectLeader", "project q in here"),
        _one("GET projects/$q/permissions", YES_NO),
        ".//capability[@name='InheritedProjectLeader']",
        kind=PLAY,
        says="a nested project shows the leaders of those above it",
        believed=True,
    ),
    Check(
        "lists_users",
        (_VI,),
        _one("vi GET users", YES_NO),
        kind=PLAY,
        says="users are listed to others than administrators",
        believed=False,
    ),
    Check(
        "workbook_by_id",
        (_VI, "publishes workbook w in here", "rule w user vi Allow Read"),
        _one("vi GET workbooks/$w", YES_NO),
        since="3.2",
        kind=PLAY,
        says="a workbook whose first sheet is denied shows by id",
        believed=False,
    ),
    Check(
        "source_by_id",
        (_VI, "publishes datasource d in here", "rule d user vi Allow Read"),
        _one("vi GET datasources/$d", YES_NO),
        kind=PLAY,
        says="a data source in a project that one may not see shows by id",
        believed=False,
    ),
    Check(
        "foreign_site",
        ("another site",),
        _one("GET /sites/$other/users", MappingProxyType({code: code for code in ("401", "403", "404")})),
        kind=PLAY,
        says="the status of the path of a site that is not the session's",
        believed="403",
    ),
    Check(
        "code_400100",
        ("project q in here", "project n in q"),
        _one('PUT projects/$q <project parentProjectId="$n"/>', CODE),
        kind=PLAY,
        says="the code of refusing to move a project below itself",
        believed="400100",
    ),
    Check(
        "code_404040",
        (_VI,),
        _one("GET groupsets/$vi", CODE),
        since="3.22",
        kind=PLAY,
        says="the code of an unknown group set",
        believed="404040",
    ),
    Check(
        "code_409012",
        ("publishes workbook w in here", "publishes workbook v in here"),
        _one('PUT workbooks/$v <workbook name="w"/>', CODE),
        kind=PLAY,
        says="the code of a workbook's name that is in use in the project",
        believed="409012",
    ),
    Check(
        "workbook_without_views",
        (_VI, "publishes workbook w in here", "rule w user vi Allow Read"),
        _one("vi GET workbooks", YES_NO),
        _THE_WORKBOOK,
        since="3.2",
        kind=BELIEF,
        says="whoever may View a workbook and none of its views is listed the workbook",
        believed=True,
    ),
    Check(
        "view_of_seen_workbook",
        (_VI, "publishes workbook w in here", "rule w user vi Allow Read"),
        _one("vi GET views/$w_view", YES_NO),
        since="3.2",
        kind=BELIEF,
        says="a view with hidden tabs opens by the workbook's View",
        believed=False,
    ),
)
# What no request can show, and what somebody can do in its place.
BY_HAND: Mapping[str, str] = MappingProxyType(
    {
        "explorer_connects_vc": "no request uses a virtual connection; as an Explorer, open a workbook on one",
        "publishing_explorer_uses_vcs": "no request makes a virtual connection; overwrite one as such an Explorer",
        "extract_refresh_template": "templates are the page's alone; see there which of them sets Extract Refresh",
        "save_needs_publish": "no request saves from the browser; as an owner without Publish, try File > Save",
        "twenty_characters_by_upn": "it takes an account of 20 characters in the directory; import one, see its name",
    }
)
