"""A server of an old version shows and takes nothing younger: capabilities, group sets, fields, codes, by version."""

from __future__ import annotations

import pytest
from sandbox_client import Raw, error

from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import PRODUCT_OF_API, as_pair, personality
from tabwarden.sandbox.worlds.file import read_text
from tabwarden.sandbox.worlds.finding import world_of

# The first API version of what came later, from Tableau's release notes (2025.1: API Access; 2024.2: group sets; ...).
CAPABILITIES = {
    "workbook": {"CreateRefreshMetrics": "3.8", "RunExplainData": "3.11", "VizqlDataApiAccess": "3.25"},
    "datasource": {"SaveAs": "3.11", "PulseMetricDefine": "3.22", "VizqlDataApiAccess": "3.25"},
    "flow": {"WebAuthoringForFlows": "3.10"},
}
GROUP_SETS = "3.22"
VERSIONS = sorted(PRODUCT_OF_API, key=as_pair)
WORLD = """
world: all
sites:
  - name: All
    content_url: all
    users: {ada: {role: ServerAdministrator}}
    groups: {G: {}, H: {}}
    group_sets: {S: {groups: [G]}}
    projects: {P: {owner: ada, rules: []}}
    content:
"""
RULES = "rules: [{{group: G, allow: [{}]}}, {{group: H, allow: [{}]}}, {{group_set: S, allow: [Read]}}]"


@pytest.fixture(scope="module", params=VERSIONS)
def old(request):
    """A server of a version, on whose content stands a rule for everything younger, and for a group set."""
    items = [
        f"      P/{kind}: {{kind: {kind}, owner: ada, "
        + RULES.format(", ".join(["Read", *capabilities]), ", ".join(capabilities))
        + "}\n"
        for kind, capabilities in CAPABILITIES.items()
    ]
    world = world_of(read_text(WORLD + "".join(items), "all"))
    with running(world, plays=personality("server", request.param)) as box:
        yield Raw(box, request.param).sign_in(site="all")


def has(raw, since):
    return as_pair(since) <= as_pair(raw.version)


@pytest.mark.parametrize("kind", CAPABILITIES)
def test_rules_are_those_of_the_time(old, kind):
    content = old.box.site("all").find_content(f"P/{kind}").id
    path = f"{{s}}/{kind}s/{content}/permissions"
    if kind == "flow" and not has(old, "3.3"):
        assert error(old.get(path)) == (404, "404003")
        return
    tree = old.xml(path)
    shown = {one.get("name") for one in tree.iter("{http://tableau.com/api}capability")}
    assert shown == {"Read", *(name for name, since in CAPABILITIES[kind].items() if has(old, since))}
    assert bool(list(tree.iter("{http://tableau.com/api}groupSet"))) is has(old, GROUP_SETS)
    assert all(len(one) for one in tree.iter("{http://tableau.com/api}capabilities"))


@pytest.mark.parametrize("kind", CAPABILITIES)
def test_rules_of_later_releases_are_refused(old, kind):
    site = old.box.site("all")
    content, group = site.find_content(f"P/{kind}").id, site.find_group("G").id
    path = f"{{s}}/{kind}s/{content}/permissions"
    for capability, since in CAPABILITIES[kind].items():
        if has(old, since) or (kind == "flow" and not has(old, "3.3")):
            continue
        body = (
            f'<tsRequest><permissions><granteeCapabilities><group id="{group}"/><capabilities><capability'
            f' name="{capability}" mode="Allow"/></capabilities></granteeCapabilities></permissions></tsRequest>'
        )
        assert error(old.call("PUT", path, body)) == (404, "404013"), capability
        assert error(old.call("DELETE", f"{path}/groups/{group}/{capability}/Allow")) == (404, "404013"), capability
    assert old.box.site("all") == site


def test_fields_of_later_releases_are_refused(old):
    group = old.box.site("all").find_group("H").id
    body = '<tsRequest><group minimumSiteRole="Viewer" grantLicenseMode="onLogin"/></tsRequest>'
    assert old.call("PUT", f"{{s}}/groups/{group}", body).status_code == (200 if has(old, "3.6") else 400)
    assert ("minimumSiteRole" in old.get("{s}/groups").text) is has(old, "3.6")


# Elements and attributes of recorded answers of API 3.1 (2019 and 2020), of those lists that were recorded.
RECORDED_3_1 = {
    "projects": "id name description createdAt updatedAt contentPermissions owner parentProjectId",
    "groups": "id name domain import minimumSiteRole",
    "datasources": "id name contentUrl type createdAt updatedAt isCertified certificationNote encryptExtracts"
    " description webpageUrl project owner tags",
}


@pytest.mark.parametrize("plural", RECORDED_3_1)
def test_an_answer_of_3_1_has_no_more_than_recorded_ones(plural):
    with running("w0", plays=personality("server", "3.4")) as box:
        listed = Raw(box, "3.1").sign_in().xml(f"{{s}}/{plural}")[1]
    for item in listed:
        shown = set(item.attrib) | {child.tag.rpartition("}")[2] for child in item}
        assert shown <= set(RECORDED_3_1[plural].split())


def test_a_code_is_that_of_its_time():
    """The reference of API 3.10 calls it 409000, a client of later releases met 409017."""
    with running("w0") as box:
        raw, body = Raw(box).sign_in(), '<tsRequest><user name="vic" siteRole="Viewer"/></tsRequest>'
        assert error(raw.call("POST", "{s}/users", body, version="3.10")) == (409, "409000")
        assert error(raw.call("POST", "{s}/users", body)) == (409, "409017")
