"""What a newcomer types is understood: words in another order, a group, a path with a slash, no quotes."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from small_site import group, project, site, workbook

from support import command_line
from tabwarden.model.errors import SourceError
from tabwarden.model.site import Taken
from tabwarden.report.mirror import written_line
from tabwarden.sandbox import serve
from tabwarden.sandbox.http.server import Sandbox
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.sources.files import FileSource
from tabwarden.store import snapshot
from tabwarden.store.history import History
from tabwarden.want.cells import BadCell, text_of


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
        ("what Veiw", "no user and no group `Veiw` on site `Site`; near it: `View`"),
        ("why Veiw Download HR/Salaries", "no user and no group `Veiw` on site `Site`; near it: `View`"),
        ("why zoee View HR/Salaries", "no user `zoee` on site `Site`; near it: `zoe`"),
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


# -- settings ----------------------------------------------------------------------------------------------------

TABLEAU = "tableau:\n  server: https://t.example\n  site: acme\n  auth:\n    pat: {name: a, secret: b}\n"
PEOPLE = f"{TABLEAU}people:\n  sources:\n    - {{name: hr, from: {{type: file, path: x.csv}}, columns: {{name: n}}, "


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("site: acme\n", "there is no setting `site`; did you mean `tableau.site`?"),
        ("token: acme\n", "there is no setting `token`; did you mean `tableau.auth.pat`?"),
        ("server: acme\n", "there is no setting `server`; did you mean `tableau.server`?"),
        (TABLEAU.replace("site: acme", "site: [a, b]"), "is a list; a file is for one site, so write a file for each"),
        ("tableau:\n\tserver: x\n", "settings.yaml:2: a tab stands where a line begins; YAML takes spaces there"),
        (f"{TABLEAU}\tsite: x\n", "settings.yaml:6: a tab stands where a line begins"),
        (f"{PEOPLE}left: false}}\n", 'put the word into quotes, as in `"false"`'),
        (f"{PEOPLE}left: gone, sort: 1}}\n", "there is no setting `people.sources[hr].sort`"),  # one name, its own
        (f"{TABLEAU}mirror:\n  source: Fi nance\n", "`mirror.source` must be one word of letters, digits"),
        (TABLEAU.replace("site:", "api_version: three\n  site:"), '`tableau.api_version` must look like `"3.21"`'),
    ],
)
def test_settings_are_refused_with_what_to_write(settings: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(settings)
    done = command_line.run("settings", "check", "--settings", file)
    assert done.exit_code == 1
    assert told in done.stderr


def test_of_an_encrypted_file_no_secret_is_said_to_be_in_plain_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("settings.yaml").write_text(TABLEAU)
    assert "plain text" in command_line.run("settings", "check").output
    assert command_line.run("settings", "encrypt", "--make-key").exit_code == 0
    done = command_line.run("settings", "check", "--settings", "settings.yaml.aes")
    assert (done.exit_code, "plain text" in done.output) == (0, False)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/nowhere/list.csv", "there is no file `/nowhere/list.csv`; check `path`"),
        ("list.csv", "there is no file `list.csv` (taken as `{here}/list.csv`); check `path`"),
        ("*.csv", "no file fits `*.csv` (taken as `{here}/*.csv`); check `path`"),
    ],
)
def test_a_list_that_is_not_there_is_told_by_the_path_as_it_was_taken(
    path: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError) as raised:
        FileSource(type="file", path=Path(path)).read()
    assert str(raised.value) == told.format(here=tmp_path)


def test_a_date_in_a_column_of_words_is_told_with_the_column_and_what_is_expected() -> None:
    with pytest.raises(BadCell) as raised:
        text_of({"status": date(2026, 1, 2)}, "status")
    assert (raised.value.value, raised.value.reason) == (
        "2026-01-02",
        "(column `status`) is of type date, not text; name another column, or store it as text",
    )


# -- snapshots and other words -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_sites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with settings for one of two sites in its store."""
    folder = tmp_path_factory.mktemp("work")
    with History(folder / ".tabwarden", create=True) as history:
        for name, day in (("Acme", "2026-01-02"), ("The Lab", "2026-01-03"), ("Acme", "2026-01-04")):
            taken = Taken("https://t.example", f"{day}T00:00:00Z", "adm", "ServerAdministrator")
            history.keep(site(project("P", None), name=name, content_url=name[:3].lower(), id=name, taken=taken))
    (folder / "settings.yaml").write_text(TABLEAU.replace("site: acme", "site: acm"))
    return folder


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("who View P --site Acme", "1 of 2 people may `View` P"),  # the name that every output prints
        ("who View P --site the\u00a0lab", "1 of 2 people may `View` P"),
        ("who View P", "1 of 2 people may `View` P"),  # of the two the site of the settings
        ("history --on 2020-01-01", "no snapshot was taken by `2020-01-01`; the first is snapshot 1 of 2026-01-02"),
        ("history --on 2026-01-03", "2026-01-02"),
        ("diff 2019-01-01 2018-01-01", "by `2019-01-01`; the first is snapshot 1 of 2026-01-02T00:00:00Z\nno"),
    ],
)
def test_snapshots_are_those_that_are_meant(
    words: str, told: str, two_sites: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(two_sites)
    done = command_line.run(*(word.replace("\u00a0", " ") for word in words.split(" ")))
    assert told in done.output
    assert "2026-01-04" not in done.output


def test_a_problem_of_both_snapshots_of_a_diff_is_told_once(two_sites: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(two_sites)
    done = command_line.run("diff", "1", "2", "--site", "nowhere")
    both = command_line.run("diff", "last", "previous", "--site", "nowhere")
    assert done.exit_code == both.exit_code == 1
    assert both.stderr.count("there is no snapshot of site `nowhere` in the history; it has `") == 1


def test_of_a_mirror_sets_of_viewers_are_no_people() -> None:
    assert written_line("sink 1", "sql", {"people": 401, "viewers": 1620}, {}) == (
        "sink 1 (sql): +401 people, +1620 places in sets of viewers"
    )


def test_a_sandbox_in_the_background_says_how_it_ends() -> None:
    greeting = list(serve._greeting(Sandbox(find_world("w0"))))
    assert greeting[-1] == f"stop with Ctrl-C, or in the background with `kill {os.getpid()}`"
