"""The settings of several sources: what is refused, with its place and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tabwarden.model.errors import SettingsError
from tabwarden.settings import load

HEAD = """\
tableau:
  server: https://tableau.example.com
  auth:
    pat: {name: tok, secret: env:PAT}
people:
"""
HR = "    - {name: hr, from: {type: file, path: hr.csv}, columns: {key: id, name: login}}\n"


def problems(folder: Path, section: str) -> list[str]:
    path = folder / "settings.yaml"
    path.write_text(HEAD + section, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(path, {"PAT": "pat-pat"})
    return [line.replace(f"{path}:", "") for line in caught.value.problems]


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("  sources:\n" + HR + HR, "8: `people.sources` has several sources called `hr`"),
        ("  sources:\n" + HR.replace("key: id, name: login", "title: t"), "names nothing to know people by"),
        ("  sources:\n" + HR.replace("name: login", "status: s"), "does not say what means left; add `left: [...]`"),
        ("  sources:\n" + HR.replace("{name: hr,", "{name: hr, left: gone,"), "does nothing without a status column"),
        (
            "  sources:\n" + HR.replace("hr.csv", "hr.csv, column: x"),
            "people.sources[hr].from.column` is not used",
        ),
        ("  sources:\n" + HR + "  precedence: {title: crm}\n", "names `crm`, which is no source; there are: `hr`"),
        ("  sources:\n" + HR.replace("name: hr", "name: overrides"), "may not call a source `overrides`"),
        ("  sources:\n" + HR.replace("{name: hr,", "{name: hr, all_left: true, authoritative: true,"), "left again"),
        (
            "  sources:\n"
            + HR.replace("{name: hr,", "{name: hr, authoritative: true,").replace("hr.csv", "hr.csv, delta: true"),
            "is `authoritative` and its list a `delta`",
        ),
        ("  nested: {group: a}\n", "`people.nested` has neither `from` nor `directory`; add one"),
        ("  overrides_from: {type: file, path: a, column: x}\n", "`people.overrides_from.column` is not used here"),
        ("  mapping: [{when: {departement: Sales}, groups: a}]\n", "did you mean `department`?"),
        ("  mapping: [{groups: a, site_role: ServerAdministrator}]\n", "must be `Unlicensed`, `Viewer`, `Explorer`"),
        ("  overrides: [{person: a, status: gone}]\n", "must be `active` or `left`"),
        ("  sources: [{name: hr, from: {type: sql, driver: x}, columns: {name: a}}]\n", "neither `query` nor `table`"),
    ],
)
def test_a_problem_is_told(tmp_path: Path, section: str, told: str) -> None:
    assert any(told in line for line in problems(tmp_path, section)), problems(tmp_path, section)


def test_a_whole_section_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    more = "  precedence: {title: hr}\n  overrides: [{person: 'employee:7', key: {employee: '8'}, groups: [a, b]}]\n"
    path.write_text(HEAD + "  sources:\n" + HR + more, encoding="utf-8")
    people = load(path, {"PAT": "pat-pat"}).people
    (hr,) = people.sources
    assert (hr.columns.key, hr.columns.name, hr.rank, hr.authoritative) == ({"key": "id"}, "login", 100, False)
    assert people.precedence.title == ("hr",)
    assert (people.overrides[0].key, people.overrides[0].groups) == ({"employee": "8"}, ("a", "b"))


def test_a_site_role_is_taken_by_every_name_people_use(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(
        HEAD + "  mapping: [{site_role: Explorer (can publish)}, {site_role: Read Only}]\n", encoding="utf-8"
    )
    roles = [entry.site_role for entry in load(path, {"PAT": "pat-pat"}).people.mapping]
    assert roles == ["ExplorerCanPublish", "Viewer"]
    (line,) = problems(tmp_path, "  mapping: [{site_role: Site Administrator Creator}]\n")
    assert "must be `Unlicensed`, `Viewer`, `Explorer`, `ExplorerCanPublish` or `Creator`" in line
