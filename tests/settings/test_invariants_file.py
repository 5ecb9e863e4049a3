"""Files of invariants: the forms, and every problem with its line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from command_line import run
from small_site import project, site

from tabwarden.model.errors import SettingsError
from tabwarden.model.site import Taken
from tabwarden.run.context import invariants_of
from tabwarden.settings import load
from tabwarden.settings.invariants import load_invariants, schema
from tabwarden.store.history import History
from tabwarden.want.invariants import NEVER_BOTH, NO_RULE, NOBODY, ONLY

RIGHT = """
invariants:
- {name: a, only: [group Finance, owners], may: View, on: "Finance/*"}
- {name: b, nobody: role Viewer, may: [Download Full Data, "ability:publish"], holds_for: anybody}
- {name: c, no_rule: {for: all users, mode: Allow}, on: {outside: [Public, Public/*], kind: workbook}}
- name: d
  never_both: [{may: Publish, on: Finance}, {may: Set Permissions}]
  exceptions: [{people: user ann, owner: olga, reason: audit, expires: 2027-01-31}]
"""

WRONG = {
    "{name: a, only: x}": "`invariants[1]`: `only` needs `may`",
    "{name: a, may: View}": "say one of `only`, `nobody`, `no_rule` and `never_both`",
    "{name: a, only: x, nobody: y, may: View}": "say one of",
    "{name: a, only: x, may: View, whom: y}": "`invariants[1].whom`: nothing is called so here",
    "{name: a, onyl: x, only: x, may: View}": "`invariants[1].onyl`: nothing is called so here; did you mean `only`?",
    "{name: a, forbid: x, may: View}": "the keys `only`, `nobody`, `no_rule`, `never_both`, `on`",
    "{name: a, only: x, may: View, on: {path: Ops}}": "`invariants[1].on.path`: nothing is called so here; did",
    "{name: a, only: x, may: View, on: {kind: workbok}}": "workbok",
    "{name: a, never_both: [{may: View}]}": "never_both",
    "{name: a, never_both: [{may: View}, {may: Filter}], on: Finance}": "none beside it",
    "{name: a, only: x, may: View, exceptions: [{people: ann, owner: o, expires: 2027-01-01}]}": "reason",
    "{name: a, nobody: [], may: View}": "always hold",
    "{name: a, no_rule: {for: []}}": "always hold",
    "{name: a, never_both: [{may: []}, {may: Filter}]}": "always hold",
    "{name: a, never_both: [{may: View}, {may: Filter}], holds_for: anybody}": "today's people",
    "{name: a, only: x, may: View, exceptions: [{people: ann, owner: '', reason: r, expires: 2027-01-01}]}": "owner",
    "{name: a, only: x, may: View}\n- {name: A, only: x, may: View}": "said already in",
}


def test_the_forms(tmp_path: Path) -> None:
    path = tmp_path / "invariants.yaml"
    path.write_text(RIGHT)
    loaded = load_invariants(path)
    assert [one.form for one in loaded] == [ONLY, NOBODY, NO_RULE, NEVER_BOTH]
    assert [one.where for one in loaded] == [f"{path}:{line}" for line in (3, 4, 5, 6)]
    assert loaded[2].acts[0].on.apart == ("Public", "Public/*")
    assert loaded[3].exemptions[0].expires == "2027-01-31"


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "invariants.yaml"
    path.write_text(f"invariants:\n- {text}\n")
    with pytest.raises(SettingsError) as told:
        load_invariants(path)
    assert str(told.value).startswith(f"{path}:")
    assert WRONG[text] in str(told.value)


def test_an_old_or_limited_snapshot_says_so_first(tmp_path: Path) -> None:
    (tmp_path / "i.yaml").write_text("invariants: [{name: a, nobody: role Viewer, may: Overwrite}]")
    taken = Taken("https://t.example", "2020-01-01T00:00:00Z", "ann", "Viewer")
    with History(tmp_path / "store") as history:
        history.keep(replace(site(project("Finance", None), users=("ann:Viewer",)), taken=taken))
    ended = run("check", str(tmp_path / "i.yaml"), "--store", str(tmp_path / "store"))
    assert ended.exit_code == 3
    assert "1 invariant: 0 broken, 1 unknown" in ended.output
    assert "days old" in ended.output
    assert "read in part, by ann (Viewer)" in ended.output


def test_a_file_that_is_no_yaml_is_one_problem(tmp_path: Path) -> None:
    path = tmp_path / "invariants.yaml"
    path.write_text("invariants:\n- name: a\n  only: [\n")
    with pytest.raises(SettingsError) as told:
        load_invariants(path)
    assert [problem.partition(": ")[2][:14] for problem in told.value.problems] == ["not valid YAML"]
    path.write_text("")
    with pytest.raises(SettingsError, match="`invariants`: is missing"):
        load_invariants(path)


def test_the_schema_is_one() -> None:
    assert "invariants" in schema()["properties"]


def test_the_file_of_the_settings_counts_first(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    plain = "tableau: {server: 'http://127.0.0.1:9', auth: {pat: {name: t, secret: s}}}\n"
    path.write_text(plain)
    assert invariants_of(load(path, {})) == ()
    (tmp_path / "invariants.yaml").write_text("invariants: [{name: beside, only: x, may: View}]")
    assert [one.name for one in invariants_of(load(path, {}))] == ["beside"]
    (tmp_path / "other.yaml").write_text("invariants: [{name: other, only: x, may: View}]")
    path.write_text(f"{plain}invariants: other.yaml\n")
    assert [one.name for one in invariants_of(load(path, {}))] == ["other"]
    path.write_text(f"{plain}invariants: gone.yaml\n")
    with pytest.raises(SettingsError, match="cannot be read"):
        invariants_of(load(path, {}))
