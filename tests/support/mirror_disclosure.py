"""What a mirror may disclose at most, by the slow reference, and what a mirror discloses beyond it. Not a test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from fga import Store

from tabwarden import sinks
from tabwarden.access.reference import may
from tabwarden.mirror.match import Matches
from tabwarden.mirror.rows import Row
from tabwarden.mirror.tables import Tables, flat
from tabwarden.model.roles import SITE_ROLES
from tabwarden.model.site import Site
from tabwarden.sinks import datahub, openfga, openmetadata
from tabwarden.sinks.csv_files import CsvSink
from tabwarden.sinks.datahub import DataHubSink
from tabwarden.sinks.jsonl import JsonLinesSink
from tabwarden.sinks.openfga import OpenFgaSink
from tabwarden.sinks.openmetadata import OpenMetadataSink
from tabwarden.sinks.parquet import ParquetSink
from tabwarden.sinks.sql import SqlSink

MIRRORED = ("project", "workbook", "view", "datasource")
SOURCE = "acme"


def truth(site: Site, matches: Matches, *, source: str = SOURCE) -> frozenset[Row]:
    """Every row of `access` there may be: asked one by one, and hung by walking up."""
    rows: set[Row] = set()
    for match in matches.matched:
        role = site.users[match.user].site_role
        if role == "Unlicensed" or (role not in SITE_ROLES and role not in ("Interactor",)):
            continue
        rows.add((source, match.person, site.id, "site", site.name, ""))
        seen = {
            content.id
            for content in site.contents.values()
            if content.kind in MIRRORED and may(site, match.user, "Read", content.id).allowed
        }
        for each in seen:
            content = site.contents[each]
            parent, walked = content.parent, {each}
            while parent is not None and parent not in seen:
                walked.add(parent)
                above = site.contents.get(parent)
                parent = above.parent if above is not None and above.parent not in walked else None
            rows.add((source, match.person, each, content.kind, content.name, parent or site.id))
    return frozenset(rows)


def leaks(tables: Tables, allowed: frozenset[Row]) -> frozenset[Row]:
    """Rows that somebody is shown and may not be; of facts a row may hang higher, on what its person sees as well."""
    rows = flat(tables)
    if not len(tables.get("items", ())):
        return rows - allowed
    seen = {(row[1], row[2]) for row in allowed} | {(row[1], "") for row in allowed}
    may_be = {row[:5] for row in allowed}
    return frozenset(row for row in rows if row[:5] not in may_be or (row[1], row[5]) not in seen)


def missed(tables: Tables, allowed: frozenset[Row]) -> frozenset[Row]:
    """Rows that somebody should be shown and is not."""
    if not len(tables.get("items", ())):
        return allowed - flat(tables)
    shown = {row[:5] for row in flat(tables)}
    return frozenset(row for row in allowed if row[:5] not in shown)


def texts_beyond(texts: Iterable[str], allowed: Iterable[Row], known: Iterable[str]) -> frozenset[str]:
    """Names and ids of the site among `texts` that are in no row that may be shown."""
    may_be_told = {value for row in allowed for value in row}
    return frozenset(texts) & frozenset(known) - may_be_told


def rows_in(tables: Tables) -> dict[str, frozenset[Row]]:
    """The rows of every table that has any."""
    return {name: frozenset(table) for name, table in tables.items() if len(table)}


# -- what lies in a sink --------------------------------------------------------------------------------------


def sql_sink(driver: str, connect: Mapping[str, object] | None = None, **more: object) -> SqlSink:
    """A database by its driver."""
    return SqlSink(type="sql", driver=driver, connect=connect or {}, **more)  # type: ignore[arg-type]


SINKS: dict[str, Callable[[Path], sinks.Sink]] = {
    "jsonl": lambda folder: JsonLinesSink(type="jsonl", folder=folder / "out"),
    "csv": lambda folder: CsvSink(type="csv", folder=folder / "out"),
    "parquet": lambda folder: ParquetSink(type="parquet", folder=folder / "out"),
    "sql": lambda folder: sql_sink("sqlite", {"database": str(folder / "out.db")}),
    "openfga": lambda folder: OpenFgaSink(type="openfga", folder=folder / "out"),
    "datahub": lambda folder: DataHubSink(type="datahub", folder=folder / "out"),
    "openmetadata": lambda folder: OpenMetadataSink(type="openmetadata", folder=folder / "out"),
}
ASSETS = ("workbook", "view", "datasource")


def disclosed(name: str, folder: Path, people: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Person and id of everything that a sink's own files show to somebody, read as their owner would read them."""
    home = folder / "out" / SOURCE
    if name == "openfga":
        return _by_openfga(fga_store(folder), people)
    if name == "datahub":
        return _by_datahub(json.loads((home / datahub.METADATA).read_text()), people)
    if name == "openmetadata":
        return _by_openmetadata(home)
    return frozenset((row[1], row[2]) for row in flat(SINKS[name](folder).held(SOURCE)))


def may_be_disclosed(name: str, allowed: Iterable[Row]) -> frozenset[tuple[str, str]]:
    """The same by the reference; OpenMetadata has no assets for sites and projects."""
    return frozenset((row[1], row[2]) for row in allowed if name != "openmetadata" or row[3] in ASSETS)


def fga_store(folder: Path) -> Store:
    """OpenFGA's store filled from the files."""
    home = folder / "out" / SOURCE
    lines = (home / openfga.TUPLES).read_text().splitlines()
    return Store(json.loads((home / openfga.MODEL).read_text()), map(json.loads, lines))


def _by_openfga(store: Store, people: Iterable[str]) -> frozenset[tuple[str, str]]:
    return frozenset(
        (person, on.partition(":")[2])
        for person in people
        for on in store.objects(openfga.object_of("user", person), "viewer")
    )


def _by_datahub(proposals: list[dict[str, object]], people: Iterable[str]) -> frozenset[tuple[str, str]]:
    """What active policies show, of what is not removed."""
    named = {datahub.person_urn(person): person for person in people}
    shown, removed = set(), set()
    for each in proposals:
        value = each["aspect"]["json"]  # type: ignore[index]
        if each["aspectName"] == "status" and value["removed"]:
            removed.add(each["entityUrn"])
        if each["aspectName"] == "dataHubPolicyInfo" and value["state"] == "ACTIVE":
            (criterion,) = value["resources"]["filter"]["criteria"]
            shown |= {(named[user], urn) for user in value["actors"]["users"] for urn in criterion["values"]}
    first = len(datahub.container(SOURCE, ""))
    return frozenset((person, urn[first:]) for person, urn in shown if urn not in removed)


def _by_openmetadata(home: Path) -> frozenset[tuple[str, str]]:
    """What is tagged for the teams people are in."""
    members = [json.loads(line) for line in (home / openmetadata.MEMBERS).read_text().splitlines()]
    people = {f"{openmetadata.CLASSIFICATION}.{each['team']}": each["users"] for each in members}
    requests = [json.loads(line)["request"] for line in (home / openmetadata.REQUESTS).read_text().splitlines()]
    return frozenset(
        (person, each["name"]) for each in requests for tag in each.get("tags", ()) for person in people[tag["tagFQN"]]
    )
