"""A mirror as metadata change proposals for DataHub: a container each content, a policy each set.

    metadata.json    for a recipe with `source: {type: file}`

DataHub keeps no list of viewers with an asset. Who may see what is said by policies: of type METADATA, with the set's
people as users and its contents as resources. What is gone is proposed as removed, and its policy as inactive, from
then on, so that a load that was left out does no harm.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import Field

from tabwarden.mirror.items import Item, items_of, sets_of
from tabwarden.sinks._files import DerivedSink

if TYPE_CHECKING:
    from tabwarden.mirror.tables import Tables

METADATA = "metadata.json"
PLATFORM = "urn:li:dataPlatform:tableau"
PRIVILEGES = ["VIEW_ENTITY_PAGE", "VIEW_ENTITY"]
_KINDS = {"site": "Site", "project": "Project", "workbook": "Workbook", "view": "Sheet", "datasource": "Data Source"}


class DataHubSink(DerivedSink):
    """One file of proposals."""

    type: Literal["datahub"] = Field(description="where the mirror goes")
    NEEDED: ClassVar[tuple[str, ...]] = (METADATA,)

    def made(self, source: str, tables: Tables, earlier: Callable[[str], list[Any]]) -> Mapping[str, Iterable[Any]]:
        before = {proposal["entityUrn"] for proposal in earlier(METADATA)}
        proposals = list(proposed(source, tables))
        gone = before - {proposal["entityUrn"] for proposal in proposals}
        proposals += [_gone(urn) for urn in sorted(gone)]
        return {METADATA: proposals}


def proposed(source: str, tables: Tables) -> Iterator[dict[str, Any]]:
    """The aspects of every content and policy."""
    seen: dict[str, list[str]] = defaultdict(list)
    for item in items_of(tables):
        urn = container(source, item.id)
        yield from _content(source, item)
        for viewers in item.viewers:
            seen[viewers].append(urn)
    for viewers, people in sets_of(tables).items():
        named = f"tabwarden.{source}.{viewers}"
        yield _proposal(f"urn:li:dataHubPolicy:{named}", "dataHubPolicyInfo", _policy(named, people, seen[viewers]))


def _content(source: str, item: Item) -> Iterator[dict[str, Any]]:
    urn = container(source, item.id)
    properties = {"luid": item.id, "kind": item.kind}
    yield _proposal(urn, "containerProperties", {"name": item.name, "customProperties": properties})
    yield _proposal(urn, "subTypes", {"typeNames": [_KINDS[item.kind]]})
    yield _proposal(urn, "dataPlatformInstance", {"platform": PLATFORM})
    yield _proposal(urn, "status", {"removed": False})
    if item.parent:
        yield _proposal(urn, "container", {"container": container(source, item.parent)})


def _policy(named: str, people: tuple[str, ...], urns: list[str]) -> dict[str, Any]:
    return {
        "displayName": named,
        "description": "People who may View these on Tableau; written by Tabwarden.",
        "type": "METADATA",
        "state": "ACTIVE" if people else "INACTIVE",
        "privileges": PRIVILEGES,
        "actors": {
            "users": [person_urn(person) for person in people],
            "groups": [],
            "resourceOwners": False,
            "allUsers": False,
            "allGroups": False,
        },
        "resources": {
            "allResources": False,
            "filter": {"criteria": [{"field": "URN", "values": urns, "condition": "EQUALS"}]},
        },
        "editable": False,
    }


def _gone(urn: str) -> dict[str, Any]:
    """What takes back an entity of an earlier mirror; it tells no more than the entity's urn."""
    if urn.startswith("urn:li:dataHubPolicy:"):
        return _proposal(urn, "dataHubPolicyInfo", _policy(urn.rpartition(":")[2], (), []))
    return _proposal(urn, "status", {"removed": True})


def container(source: str, content: str) -> str:
    """The urn of a content."""
    return f"urn:li:container:{quote(f'tabwarden.{source}.{content}', safe='')}"


def person_urn(person: str) -> str:
    """The urn of a catalog person; what would end a urn early is escaped."""
    return f"urn:li:corpuser:{quote(person, safe='@+')}"


def _proposal(urn: str, aspect: str, value: dict[str, Any]) -> dict[str, Any]:
    return {
        "entityType": urn.split(":")[2],
        "entityUrn": urn,
        "changeType": "UPSERT",
        "aspectName": aspect,
        "aspect": {"json": value},
    }
