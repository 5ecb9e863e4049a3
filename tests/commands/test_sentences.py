"""What a newcomer types is understood: words in another order, a group, a path with a slash, no quotes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from small_site import group, project, site, workbook

from support import command_line
from tabwarden.store import snapshot


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of HR: a project, a group and what lies in it; ann, joe and zoe are in the group."""
    salaries = workbook("w1", "HR", "group:HR +Read", "group:HR -ExportXml", "user:ann +ExportData")
    made = site(
        project("HR", None, "group:HR +Read"),
        project("Empty", None),
        replace(salaries, name="Salaries"),
        replace(workbook("w2", "HR", "user:ann +ExportXml"), name="Budget"),
        replace(workbook("f1", "HR", kind="flow"), name="Feed"),
        project("Sales", None),
        users=("ann:Explorer", "joe:Viewer", "zoe:Viewer", "vic:Viewer"),
        groups=(group("HR", "ann", "joe", "zoe"), group("View", "vic")),
    )
    return snapshot.save(made, tmp_path_factory.mktemp("snapshots"))


DOWNLOAD = "`Download Workbook/Save a Copy`"
WHICH = "say which capability of `ann` on `HR/Salaries` is asked about, as in `tabwarden why ann View HR/Salaries`"
MAY_VIEW = "5 of 6 people may `View` HR/Salaries"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        # near names for content as for people
        ("who View Salaries", "no content `Salaries` on site `Site`; near it: `HR/Salaries`\n"),
        ("who View HR/Salries", "no content `HR/Salries` on site `Site`; near it: `HR/Salaries`, `Sales`"),
        # a path as people write it
        ("who View /HR/Salaries/", MAY_VIEW),
        ("who View HR\\Salaries", MAY_VIEW),
        ("who View workbook:/HR/Salaries", MAY_VIEW),
        # words that are swapped, where they fit one order alone
        ("who HR/Salaries View", f"taken as `tabwarden who View HR/Salaries`\n{MAY_VIEW}"),
        ("why View ann HR/Salaries", "taken as `tabwarden why ann View HR/Salaries`\nann has `View` on HR/Salaries"),
        ("why HR/Salaries Download ann", "ann does not have `Download Workbook/Save a Copy` on HR/Salaries"),
        ("what HR/Salaries ann", "`tabwarden what ann HR/Salaries`\nann, Explorer, on the workbook HR/Sal"),
        ("why HR/Salries View ann", "no user `HR/Salries`"),
        # a word that is missing
        ("why ann HR/Salaries", WHICH),
        ("why HR/Salaries ann", WHICH),
        ("what HR/Salaries", "is a workbook, and nobody has that name; `tabwarden who View HR/Salaries` tells"),
        # a group where a person is expected
        ("what HR", "group HR, 3 members: rules speak of it on 2 things"),
        ("what HR HR/Salaries", "group HR, 3 members, on the workbook HR/Salaries"),
        ("what HR/Salaries HR", "taken as `tabwarden what HR HR/Salaries`"),
        ("why HR View HR/Salaries", "3 of 3 people in the group HR may `View` HR/Salaries"),
        ("why View HR HR/Salaries", "3 of 3 people in the group HR may `View` HR/Salaries"),
        ("why HR View HR/Salaries --fix", "`HR` is a group, and `--fix` is about one person; name a member"),
        # a capability that the kind does not have
        ("who Download HR", f"a project has no capability {DOWNLOAD}; 3 of 6 people may exercise it on"),
        ("who Download HR", "some of the 3 things in HR that have it"),
        ("who Download Empty", f"a project has no capability {DOWNLOAD}; `tabwarden rules Empty` shows"),
        ("who Connect HR/Feed", "a flow has no capability `Connect`; `tabwarden rules HR/Feed` shows those it has"),
        # a change without quotes
        ("whatif lock HR", "lock HR\n"),
        ("whatif move HR/Salaries to Sales", "move HR/Salaries to Sales\n"),
        ("whatif remove deny Download on HR/Salaries from group HR", "Salaries from group HR\n"),
        ("whatif lock", "`lock` is not a change that is understood"),
    ],
)  # fmt: skip
def test_what_is_typed_is_understood_or_says_what_is_missing(kept: Path, words: str, told: str) -> None:
    done = command_line.run(*words.split(), "--snapshot", kept)
    assert told in f"{done.stderr}{done.stdout}"
    failed = ("near it", "say which", "nobody has", "no user", "is about one", "shows", "not a change")
    assert done.exit_code == (1 if any(one in told for one in failed) else 0)


def test_words_with_blanks_stay_one_name_in_a_change_without_quotes(kept: Path) -> None:
    done = command_line.run("whatif", "set", "ann", "to", "Explorer (can publish)", "--snapshot", kept)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, 'set ann to "Explorer (can publish)"')


def test_who_on_a_project_tells_on_how_much_of_what_is_in_it(kept: Path) -> None:
    words = ("who", "Download", "HR", "--snapshot", kept)
    document = json.loads(command_line.run(*words, "--json").stdout)
    assert {one["path"]: one["capability"] for one in document["contents"]} == dict.fromkeys(
        ("HR/Salaries", "HR/Budget", "HR/Feed"), "ExportXml"
    )
    people = {one["name"]: len(one["contents"]) for one in document["people"]}
    assert people == {"adm": 3, "bob": 3, "ann": 1}
    table = command_line.run(*words).stdout
    assert "all 3" in table
    assert "1 of 3: HR/Budget" in table


def test_a_group_is_answered_by_its_rules_and_its_members(kept: Path) -> None:
    everything = json.loads(command_line.run("what", "HR", "--snapshot", kept, "--json").stdout)
    assert everything["group"]["members"] == 3
    assert [(one["path"], one["allowed"], one["denied"]) for one in everything["contents"]] == [
        ("HR", ["Read"], []),
        ("HR/Salaries", ["Read"], ["ExportXml"]),
    ]
    on_one = json.loads(command_line.run("what", "HR", "HR/Salaries", "--snapshot", kept, "--json").stdout)
    rows = {one["capability"]: (one["rule"], one["members_who_may"]) for one in on_one["capabilities"]}
    assert (rows["Read"], rows["ExportXml"]) == (("allowed", 3), ("denied", 0))
    assert rows["ExportData"] == ("none", 1)
