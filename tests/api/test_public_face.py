"""`import tabwarden`: what it offers, that it costs nothing, and that everything in it goes by names."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from paths import ROOT
from watchdog import patience

import tabwarden

PAGE = ROOT / "docs" / "reference" / "python.md"
FOREIGN = '''"""A notebook of somebody else, typed."""

import tabwarden as tw


def readers(world: str) -> list[str]:
    site = tw.open(world)
    answer = site.why("jane.brown", "View", "Private")
    if answer.allowed or answer.verdict == "unknown":
        return [answer.sentence]
    changes = site.what_if("lock Private")
    gained: list[str] = [person for change in changes.gained for person in change.people]
    engine: tw.Engine = site.engine
    columns: tw.Columns = engine.columns
    return [*gained, *site.who("View", "Private"), str(len(columns.users))]


with tw.sandbox("w0") as tableau:
    print(tableau.url, readers("company"))
'''


@pytest.fixture(scope="module")
def company() -> tabwarden.TableauSite:
    return tabwarden.open("company")


def test_what_is_exported_is_what_is_documented() -> None:
    documented = re.findall(r"^\| `tw\.(\w+)", PAGE.read_text(encoding="utf-8"), flags=re.M)
    assert sorted(documented) == sorted(tabwarden.__all__)
    assert all(getattr(tabwarden, name) is not None for name in tabwarden.__all__)
    assert set(tabwarden.__all__) <= set(dir(tabwarden))


def test_importing_it_loads_nothing_of_it() -> None:
    code = "import sys, tabwarden; print([m for m in sys.modules if m.startswith('tabwarden.') or m == 'numpy'])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=patience(30)
    )
    assert done.stdout.strip() == "[]"


def test_a_name_that_is_not_there_is_told() -> None:
    with pytest.raises(AttributeError, match="it has AmbiguousName"):
        tabwarden.no_such_thing  # noqa: B018


def test_why(company: tabwarden.TableauSite) -> None:
    answer = company.why("jane.brown", "View", "Private")
    assert (answer.allowed, answer.verdict, answer.user) == (False, "denied", "jane.brown")
    assert answer.sentence in repr(answer)
    assert answer.trace[0][0] == "ceiling"
    assert company.why("jane.brown", "View", "Public").deciding == ("Allow View to group All Users",)
    with pytest.raises(TypeError, match="not a bool"):
        bool(answer)


def test_who_and_what(company: tabwarden.TableauSite) -> None:
    who = company.who("View", "Private")
    assert (tuple(who), len(who)) == (("admin", "john.smith"), 2)
    assert {why.user for why in who.answers} == {user.name for user in company.facts.users.values()}
    what = company.what("john.smith")
    assert [row.path for row in what][:2] == ["Private", "Private/Budget"]
    assert "View" in what.rows()[0]["capabilities"]
    assert "Filter" in company.what("john.smith", "Private/Budget").allowed


def test_what_if_fixes_and_compare(company: tabwarden.TableauSite) -> None:
    changes = company.what_if("lock Private")
    assert (changes.verdict, changes.gained[0].people, changes.lost) == ("wider", ("jane.brown",), ())
    assert changes.decisions == sum(len(c.people) * len(c.contents) * len(c.capabilities) for c in changes.changes)
    assert company.fixes("jane.brown", "View", "Private")[0].steps == ("add jane.brown to Partners",)
    assert [change.op for change in changes.plan().changes] == ["set_mode"]
    fix = company.fixes("jane.brown", "View", "Private")[0].plan()
    assert [(change.op, change.because) for change in fix.changes] == [("add_to_group", "add jane.brown to Partners")]
    locked = tabwarden.TableauSite(changes.after)
    assert company.compare(locked).verdict == "wider"
    assert locked.compare(company).verdict == "narrower"
    assert ("project Private", "content permissions") in {fact[:2] for fact in company.compare(locked).facts}
    assert company.compare(company).verdict == "same"


def test_frames(company: tabwarden.TableauSite) -> None:
    assert list(company.who("View", "Private").to_frame().columns) == ["user", "verdict", "because"]


@pytest.mark.parametrize(
    ("ask", "near"),
    [
        (lambda site: site.why("jan.brown", "View", "Private"), "jane.brown"),
        (lambda site: site.why("jane.brown", "Vew", "Private"), "View"),
        (lambda site: site.why("jane.brown", "View", "Privat"), "Private"),
        (lambda site: site.who("View", "Privte"), "Private"),
        (lambda site: site.what("jane.brwn"), "jane.brown"),
        (lambda site: site.what_if("lokc Private"), "lock"),
        (lambda site: site.what_if("lock Privte"), "Private"),
        (lambda site: site.what_if(), "lock Finance"),
        (lambda site: site.fixes("jane.brown", "View", "Privte"), "Private"),
        (lambda site: tabwarden.open("company", site="nowhere"), "nowhere"),
        (lambda site: tabwarden.open("no such thing"), "no such thing"),
        (lambda site: tabwarden.TableauSite(site.facts, model="classical"), "classic"),
    ],
)
def test_a_name_that_fits_nobody_is_an_error_with_the_nearest(
    company: tabwarden.TableauSite, ask: object, near: str
) -> None:
    with pytest.raises(tabwarden.TabwardenError, match=re.escape(near)):
        ask(company)  # type: ignore[operator]


def test_a_foreign_project_is_typed_strictly(tmp_path: Path) -> None:
    (tmp_path / "notebook.py").write_text(FOREIGN, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "notebook.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(300),
    )
    assert done.stdout.startswith("Success"), done.stdout
    done = subprocess.run(
        [sys.executable, "notebook.py"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=patience(60)
    )
    assert done.stdout.startswith("http://127.0.0.1:")
