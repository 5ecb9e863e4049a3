"""What a newcomer meets first: the picture, installing, and what is said where a page or a package is missing."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
import xml.etree.ElementTree as ET
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from paths import ROOT, SOURCE, nodes_of

from tabwarden.extras import install

SVG = "{http://www.w3.org/2000/svg}"
# A letter of the widest common fonts (Verdana, DejaVu Sans, any of one width), in parts of the size.
PLAIN, BOLD = 0.62, 0.72
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_words_of_the_picture_stay_in_their_boxes_in_any_font() -> None:
    picture = ET.parse(ROOT / "docs" / "picture.svg").getroot()
    assert picture.get("viewBox", "").split()[2] == "600"  # so that sizes are those at 600 pixels
    style = picture.findtext(f"{SVG}style") or ""
    assert "prefers-color-scheme: dark" in style
    boxes = [
        {name: float(box.get(name, 0)) for name in ("x", "y", "width", "height")} for box in picture.iter(f"{SVG}rect")
    ]
    boxes = sorted(boxes, key=lambda box: box["width"])
    for text in picture.iter(f"{SVG}text"):
        bold = text.get("class") == "bold"
        size = 14 if bold else float(picture.get("font-size", 0))
        assert size >= 12
        x, y = float(text.get("x", 0)), float(text.get("y", 0))
        end = x + len(text.text or "") * size * (BOLD if bold else PLAIN)
        box = next(b for b in boxes if b["x"] <= x < b["x"] + b["width"] and b["y"] <= y < b["y"] + b["height"])
        assert end <= box["x"] + box["width"] - 4, text.text
        assert box["y"] + size <= y <= box["y"] + box["height"] - 4, text.text


def test_no_page_installs_us_from_an_index() -> None:
    for page in PAGES:
        for line in re.findall(r"pip3? install ([^`\n]*)", page.read_text(encoding="utf-8")):
            for word in line.split():
                assert not re.match(r"['\"]?tabwarden\b(?!/)", word), f"{page.name}: pip install {line}"
    for path in SOURCE.rglob("*.py"):
        assert not re.search(r"tabwarden\[", path.read_text(encoding="utf-8")), path


def test_no_message_sends_to_a_folder_that_an_installed_copy_lacks() -> None:
    for path in sorted(SOURCE.rglob("*.py")):
        spoken = {id(n.value) for n in nodes_of(path) if isinstance(n, ast.Expr)}  # docstrings are for developers
        for node in nodes_of(path):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spoken:
                assert "docs/" not in node.value, (
                    f"{path.relative_to(SOURCE)}:{node.lineno}: name `tabwarden help TOPIC`"
                )


def test_a_help_that_a_message_names_is_there() -> None:
    from tabwarden.report.pages import find, shown

    named = 0
    for path in [*SOURCE.rglob("*.py"), *PAGES]:
        for words in re.findall(r"`tabwarden help ([a-z][\w/ -]*)`", path.read_text(encoding="utf-8")):
            assert list(shown(*find(words.split()))), f"{path.name}: tabwarden help {words}"
            named += 1
    assert named > 5


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```cron" in page.read_text(encoding="utf-8")], ids=lambda p: p.name
)
def test_every_cron_line_has_one_of_powershell(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    tasks = re.findall(
        r"^Register-ScheduledTask .*$", "\n".join(re.findall(r"^```powershell\n(.*?)^```", text, re.M | re.S)), re.M
    )
    for line in "\n".join(re.findall(r"^```cron\n(.*?)^```", text, re.M | re.S)).splitlines():
        minute, hour, _, _, days, command = line.split(maxsplit=5)
        words = re.search(r"bin/tabwarden ((?:[a-z]+ )+)", command)
        assert words, line
        same = [task for task in tasks if f"-Argument '{words[1]}" in task and f"-At '{hour:0>2}:{minute:0>2}'" in task]
        assert len(same) == 1, f"{line} has no line of PowerShell"
        first, last = map(int, days.split("-")) if "-" in days else (0, 6)
        listed = ",".join(WEEKDAYS[first : last + 1])
        assert (f"-DaysOfWeek {listed} " in same[0]) if days != "*" else "-Daily " in same[0]
        for bracket in "()", "{}":
            assert same[0].count(bracket[0]) == same[0].count(bracket[1])
        assert same[0].count("'") % 2 == 0


def test_whatever_is_imported_is_declared() -> None:
    """A bare environment has what the wheel asks for, and nothing else."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    declared = {re.split(r"[<>=\[;]", one)[0].lower() for one in wanted} | {"pydantic-core"}  # pydantic pins its own
    packages = {root: names[0].lower().replace("_", "-") for root, names in packages_distributions().items()}
    # Frames of those who have them, and the plugin of a pytest that is there.
    free = {"tabwarden", "pandas", "polars", "pytest", *sys.stdlib_module_names}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in nodes_of(path):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for root in {name.split(".")[0] for name in names} - free:
                assert packages.get(root) in declared, (
                    f"{path.relative_to(SOURCE)} imports {root}, which is not declared"
                )


def test_an_extra_is_named_by_its_packages() -> None:
    assert re.fullmatch(r'run: .+ "ldap3>=[\d.]+"', install("[ldap]"))
    assert len(re.findall(r'"(?:duckdb|openpyxl|pyarrow)>=[\d.]+"', install("[files]"))) == 3
    assert install("pymysql").endswith('install "pymysql"') or install("pymysql").endswith(' "pymysql"')
    assert install("") == "install the package that holds it"
