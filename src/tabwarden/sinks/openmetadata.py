"""A mirror as requests for OpenMetadata: assets tagged by their sets of viewers, a policy each set.

    requests.jsonl    one request a line: `class` of the package openmetadata-ingestion, and its `request`
    members.jsonl     for each set the team, its role and the people in it, by name: ids are the server's to give
    gone.jsonl        names of what earlier mirrors had and this one has not, to delete

OpenMetadata keeps no list of viewers with an asset. A tag on the asset stands for the set, a policy allows to view what
has the tag, a role holds the policy and a team of the set's people has the role. Projects are no assets there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from tabwarden.mirror.items import Item, items_of, sets_of
from tabwarden.sinks._files import DerivedSink

if TYPE_CHECKING:
    from tabwarden.mirror.tables import Tables

REQUESTS, MEMBERS, GONE = "requests.jsonl", "members.jsonl", "gone.jsonl"
CLASSIFICATION = "TabwardenViewers"
ASSETS = ("dashboard", "chart", "dashboardDataModel")
_API = "metadata.generated.schema.api"
_CLASSES = {
    "dashboardService": "services.createDashboardService.CreateDashboardServiceRequest",
    "classification": "classification.createClassification.CreateClassificationRequest",
    "tag": "classification.createTag.CreateTagRequest",
    "policy": "policies.createPolicy.CreatePolicyRequest",
    "role": "teams.createRole.CreateRoleRequest",
    "team": "teams.createTeam.CreateTeamRequest",
    "dashboard": "data.createDashboard.CreateDashboardRequest",
    "chart": "data.createChart.CreateChartRequest",
    "dashboardDataModel": "data.createDashboardDataModel.CreateDashboardDataModelRequest",
}
_ASSET_OF = {"workbook": "dashboard", "view": "chart", "datasource": "dashboardDataModel"}


class OpenMetadataSink(DerivedSink):
    """Requests, members of teams, and what is gone."""

    type: Literal["openmetadata"] = Field(description="where the mirror goes")
    NEEDED: ClassVar[tuple[str, ...]] = (REQUESTS, MEMBERS, GONE)

    def made(self, source: str, tables: Tables, earlier: Callable[[str], list[Any]]) -> Mapping[str, Iterable[Any]]:
        requests = list(requested(source, tables))
        before = {(request["entity"], request["request"]["name"]) for request in earlier(REQUESTS)}
        before |= {(request["entity"], request["name"]) for request in earlier(GONE)}
        gone = before - {(request["entity"], request["request"]["name"]) for request in requests}
        members = [
            {"team": team(source, viewers), "role": team(source, viewers), "users": list(people)}
            for viewers, people in sets_of(tables).items()
        ]
        return {
            GONE: [{"entity": entity, "name": name} for entity, name in sorted(gone)],
            REQUESTS: requests,
            MEMBERS: members,
        }


def requested(source: str, tables: Tables) -> Iterator[dict[str, Any]]:
    """Every request, in an order in which each finds what it names."""
    service = team(source)
    items = {item.id: item for item in items_of(tables)}
    yield _request("dashboardService", {"name": service, "serviceType": "Tableau"})
    yield _request(
        "classification", {"name": CLASSIFICATION, "description": "Who may View it on Tableau; by Tabwarden."}
    )
    for viewers in sets_of(tables):
        yield from _set(team(source, viewers))
    for kind in ("workbook", "datasource", "view"):
        for item in items.values():
            if item.kind == kind:
                yield _asset(source, item, items.get(item.parent))


def _set(name: str) -> Iterator[dict[str, Any]]:
    rule = {
        "name": name,
        "effect": "allow",
        "operations": ["ViewAll"],
        "resources": list(ASSETS),
        "condition": f"matchAnyTag('{CLASSIFICATION}.{name}')",
    }
    description = "People who see the same of Tableau."
    yield _request("tag", {"classification": CLASSIFICATION, "name": name, "description": description})
    yield _request("policy", {"name": name, "rules": [rule]})
    yield _request("role", {"name": name, "policies": [name]})
    yield _request("team", {"name": name, "teamType": "Group", "isJoinable": False})


def _asset(source: str, item: Item, parent: Item | None) -> dict[str, Any]:
    """An asset; its project or workbook is told only where everybody who sees the one sees the other."""
    service, tags = team(source), [_tag(team(source, viewers)) for viewers in item.viewers]
    request: dict[str, Any] = {"name": item.id, "displayName": item.name, "service": service, "tags": tags}
    if item.kind == "view" and parent is not None and parent.kind == "workbook":
        request["dashboards"] = [f"{service}.{parent.id}"]
    if item.kind != "view" and parent is not None and parent.kind == "project":
        request["project"] = parent.name
    if item.kind == "datasource":
        request |= {"dataModelType": "TableauPublishedDatasource", "columns": []}
    return _request(_ASSET_OF[item.kind], request)


def _tag(name: str) -> dict[str, str]:
    label = {"source": "Classification", "labelType": "Automated", "state": "Confirmed"}
    return {"tagFQN": f"{CLASSIFICATION}.{name}", **label}


def team(source: str, viewers: str = "") -> str:
    """The name of a set's tag, policy, role and team; without a set that of the source's service.

    Dots part names within names there, so there are none.
    """
    return "_".join(filter(None, ("tabwarden", source.replace(".", "-"), viewers)))


def _request(entity: str, request: dict[str, Any]) -> dict[str, Any]:
    return {"entity": entity, "class": f"{_API}.{_CLASSES[entity]}", "request": request}
