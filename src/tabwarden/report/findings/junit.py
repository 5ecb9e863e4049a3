"""JUnit's XML: test cases for the code hosts that show them beside a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

from tabwarden.model.names import visible


class Case(NamedTuple):
    """One test: failed with a message and a type, or skipped for a reason, or passed; and lines about it."""

    of: str
    name: str
    failure: str = ""
    type: str = ""
    skipped: str = ""
    lines: Sequence[str] = ()


def junit(command: str, suite: str, cases: Sequence[Case]) -> bytes:
    """The document: one suite of these cases."""
    failures = sum(bool(case.failure) for case in cases)
    counts = {"tests": str(len(cases)), "failures": str(failures), "errors": "0"}
    root = Element("testsuites", {"name": f"tabwarden {command}", **counts})
    skipped = str(sum(bool(case.skipped) for case in cases))
    parent = SubElement(root, "testsuite", {"name": visible(suite), **counts, "skipped": skipped})
    for case in cases:
        element = SubElement(parent, "testcase", classname=f"{command}.{case.of}", name=visible(case.name), time="0")
        lines = "\n".join(map(visible, case.lines))
        if case.skipped:
            SubElement(element, "skipped", message=visible(case.skipped))
        elif case.failure:
            SubElement(element, "failure", message=visible(case.failure), type=case.type).text = lines
        elif lines:
            SubElement(element, "system-out").text = lines
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document
