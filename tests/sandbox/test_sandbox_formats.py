"""XML and JSON: round trips of the tree, and the same answer in both for every GET of the table."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from full_world import full_sandbox
from hypothesis import given
from hypothesis import strategies as st
from sandbox_client import Raw

from tabwarden.sandbox.http import wire
from tabwarden.sandbox.http.endpoints import TABLE
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.wire import Element, element
from tabwarden.sandbox.state.personality import PRODUCT_OF_API, as_pair

GETS = [e for e in TABLE if e.method == "GET" and not e.file]
FILES = [e for e in TABLE if e.method == "GET" and e.file]
NAMES = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ", min_size=1, max_size=8)
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")) | st.sampled_from("\t\n\r"), max_size=20)
LEAVES = st.builds(lambda name, attributes: Element(name, attributes), NAMES, st.dictionaries(NAMES, WORDS, max_size=3))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda name, attributes, children: Element(name, attributes, tuple(children)),
        NAMES,
        st.dictionaries(NAMES, WORDS, max_size=3),
        st.lists(inner, max_size=3, unique_by=lambda e: e.name),
    ),
    max_leaves=8,
)


@given(st.lists(TREES, max_size=3))
def test_xml_comes_back_as_it_went(trees):
    assert wire.from_xml(wire.to_xml(trees, "3.27")).children == tuple(trees)


@given(st.lists(TREES, max_size=3, unique_by=lambda e: e.name))
def test_json_comes_back_as_it_went_when_names_do_not_clash(trees):
    def clashes(tree):
        return any(c.name in tree.attributes for c in tree.children) or any(map(clashes, tree.children))

    if not any(map(clashes, trees)):
        assert wire.from_json(wire.to_json(trees)).children == tuple(trees)


def test_requests_come_with_and_without_namespace():
    plain = b'<tsRequest><user name="a"/></tsRequest>'
    spoken = b'<?xml version="1.0"?><t:tsRequest xmlns:t="http://tableau.com/api"><t:user name="a"/></t:tsRequest>'
    default = b'<tsRequest xmlns="http://tableau.com/api"><user name="a"/></tsRequest>'
    assert wire.parse(plain, "") == wire.parse(spoken, "text/xml") == wire.parse(default, "application/xml")


def test_lists_are_arrays_in_json_and_empty_ones_are_empty_objects():
    one = element("users", {}, element("user", {"id": "1"}))
    assert wire.to_json([one]) == b'{"users":{"user":[{"id":"1"}]}}'
    assert wire.to_json([element("users")]) == b'{"users":{}}'


def test_pagination_is_text_and_some_booleans_are_true_ones():
    pages = element("pagination", {"pageNumber": 1, "pageSize": 100, "totalAvailable": 2})
    assert wire.to_json([pages]) == b'{"pagination":{"pageNumber":"1","pageSize":"100","totalAvailable":"2"}}'
    source = element("datasource", {"isCertified": False, "showTabs": True})
    assert wire.to_json([source]) == b'{"datasource":{"isCertified":false,"showTabs":"true"}}'
    assert b'isCertified="false" showTabs="true"' in wire.to_xml([source], "3.27")


def test_text_with_attributes_is_a_value():
    tree = element("productVersion", {"build": "1"}, text="2025.3.0")
    assert wire.to_json([tree]) == b'{"productVersion":{"build":"1","value":"2025.3.0"}}'


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<tsRequest>", "text/xml"),
        (b"nonsense", "text/xml"),
        (b"<other/>", "text/xml"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><tsRequest>&a;</tsRequest>', "text/xml"),
        (b'<?xml version="1.0" encoding="nowhere"?><tsRequest/>', "text/xml"),
        (b"\xff\xfe\x00", "text/xml"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"user":[1]}', "application/json"),
        (b'{"user":{"name":"\\u0000"}}', "application/json"),
        (b'{"user":{"name":"\\ud800"}}', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"a":' * 60 + b"{}" + b"}" * 60, "application/json"),
        (b"<tsRequest>" + b"<a>" * 60 + b"</a>" * 60 + b"</tsRequest>", "text/xml"),
    ],
)
def test_nonsense_is_400000(body, kind):
    with pytest.raises(Refusal) as refused:
        wire.parse(body, kind)
    assert refused.value.code.code == "400000"


def normal(tree):
    """Plain text children as attributes, so that what JSON cannot tell apart compares equal."""
    attributes = {name: tree.get(name) for name in tree.attributes}
    if tree.text is not None:
        attributes["value"] = tree.text
    children = []
    for child in tree.children:
        if child.text is not None and not child.attributes:
            attributes[child.name] = child.text
        else:
            children.append(normal(child))
    return tree.name, attributes, sorted(children, key=repr)


@pytest.fixture(scope="module")
def full():
    """w0 with two of everything that has an endpoint."""
    with full_sandbox() as found:
        yield found


def repeated(tree):
    """Which element stands several times in which, anywhere in a tree."""
    counts = Counter(child.name for child in tree.children)
    yield from ((tree.name, name) for name, count in counts.items() if count > 1)
    for child in tree.children:
        yield from repeated(child)


def test_whatever_can_stand_twice_does_so_here(full):
    """Else a list that JSON cuts to its last item would look the same in both; so it was with groups of group sets."""
    raw, ids = full
    requests = [(path_of(e, ids) + "?fields=_all_", list(versions_of(e))[-1]) for e in GETS]
    trees = [wire.from_xml(raw.get(path, version=version).content) for path, version in requests]
    seen = {pair for tree in trees for pair in repeated(tree)}
    posted = {("customViewAsUserDefaultResults", "customViewAsUserDefaultViewResult")}  # no GET tells them
    assert seen >= set(wire.LIST_OF.items()) - posted


def test_a_list_that_json_does_not_know_is_no_answer():
    twice = element("workbook", {}, element("owner", {"id": "1"}), element("owner", {"id": "2"}))
    with pytest.raises(ValueError, match="`owner` in `workbook`"):
        wire.to_json([twice])


def path_of(endpoint, ids):
    """The path with the ids of the full world. A parameter that is new in the table needs a sample in `full`."""
    missing = set(re.findall(r"\{(\w+)\}", endpoint.path)) - set(ids)
    assert not missing, f"let the fixture `full` make a {missing.pop()}, so that `{endpoint.name}` is compared"
    *_before, above, _last = ("", "", *endpoint.path.split("/{task}")[0].split("/"), "")
    return re.sub(r"\{(\w+)\}", lambda m: ids.get(f"{m[1]} of {above}", ids[m[1]]), endpoint.path)


def versions_of(endpoint):
    """The oldest and the newest played version that have an endpoint."""
    found = [v for v in sorted(PRODUCT_OF_API, key=as_pair) if endpoint.within(v)]
    return dict.fromkeys((found[0], found[-1]))


def both(raw, path, version="3.27"):
    """The trees of one answer in XML and in JSON, with the status; fails when the statuses or the types differ."""
    xml, json = raw.get(path, version=version), raw.get(path, version=version, json=True)
    assert xml.status_code == json.status_code, xml.text + json.text
    assert xml.headers["Content-Type"].startswith("application/xml")
    assert json.headers["Content-Type"].startswith("application/json")
    return xml.status_code, normal(wire.from_xml(xml.content))[2], normal(wire.from_json(json.content))[2]


@pytest.mark.parametrize("endpoint", GETS, ids=[e.name for e in GETS])
@pytest.mark.parametrize("fields", ["", "?fields=_all_"])
def test_xml_and_json_agree(full, endpoint, fields):
    raw, ids = full
    for version in versions_of(endpoint):
        status, from_xml, from_json = both(raw, path_of(endpoint, ids) + fields, version)
        assert status == 200, from_xml
        assert from_xml == from_json


@pytest.mark.parametrize("endpoint", GETS, ids=[e.name for e in GETS])
def test_they_agree_for_somebody_who_may_little_and_for_what_is_not_there(full, endpoint):
    raw, ids = full
    version = list(versions_of(endpoint))[-1]
    eve = Raw(raw.box).sign_in("eve")
    _status, from_xml, from_json = both(eve, path_of(endpoint, ids), version)
    assert from_xml == from_json
    last = re.findall(r"\{(\w+)\}", endpoint.path)[-1:]
    if last:
        nothing = {name: "0" * 36 if name.startswith(last[0]) else own_id for name, own_id in ids.items()}
        status, from_xml, from_json = both(raw, path_of(endpoint, nothing), version)
        assert status == 404
        assert from_xml == from_json


@pytest.mark.parametrize("endpoint", FILES, ids=[e.name for e in FILES])
def test_a_file_is_the_same_whatever_is_accepted(full, endpoint):
    raw, ids = full
    path = path_of(endpoint, {"revision": "1", **ids})
    xml, json = raw.get(path), raw.get(path, json=True)
    assert xml.status_code == json.status_code
    if xml.status_code == 200:
        assert xml.content == json.content
        assert xml.headers["Content-Type"] == json.headers["Content-Type"]
    else:
        assert normal(wire.from_xml(xml.content))[2] == normal(wire.from_json(json.content))[2]


def test_errors_in_both(full):
    raw, _ids = full
    xml, json = raw.get("{s}/users/nobody"), raw.get("{s}/users/nobody", json=True)
    assert json.json() == {
        "error": {"summary": "Resource Not Found", "detail": "user `nobody` could not be found", "code": "404002"}
    }
    assert b'<error code="404002"><summary>Resource Not Found</summary>' in xml.content


def test_directions_are_independent(full):
    raw, _ids = full
    xml_in = raw.call(
        "POST",
        "{s}/groups",
        '<tsRequest><group name="X1"/></tsRequest>',
        headers={"Accept": "application/json", "Content-Type": "text/xml"},
    )
    assert xml_in.json()["group"]["name"] == "X1"
    json_in = raw.call("POST", "{s}/groups", '{"group":{"name":"X2"}}', headers={"Content-Type": "application/json"})
    assert b'name="X2"' in json_in.content
