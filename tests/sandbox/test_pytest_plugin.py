"""The fixture `tableau_sandbox`: installed as a wheel into an environment of its own, and used with a wrong marker."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from paths import ROOT, TESTS

pytest_plugins = ["pytester"]
FOREIGN = TESTS / "foreign"


def done(*command: object, where: Path = ROOT) -> str:
    """What a command printed; it must end well, and knows nothing of this environment."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL"))}
    found = subprocess.run([str(c) for c in command], cwd=where, env=env, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def installed(environment: Path, *packages: object) -> Path:
    """A new environment with these packages; its Python."""
    python = environment / "bin" / "python"
    limits = ("-c", environment.parent / "limits.txt")
    if shutil.which("uv") and subprocess.run(["uv", "--version"], capture_output=True, check=False).returncode == 0:
        done("uv", "venv", "--quiet", "--python", sys.executable, environment)
        done("uv", "pip", "install", "--quiet", "--python", python, *limits, *packages)
    else:
        venv.create(environment, with_pip=True)
        done(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *limits, *packages)
    return python


@pytest.mark.slow
def test_a_wheel_gives_pytest_the_fixture_in_a_foreign_environment(tmp_path: Path) -> None:
    done(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    assert {"worlds/w0.yaml", "pytest_plugin.py"} <= {
        name.removeprefix("tabwarden/sandbox/") for name in zipfile.ZipFile(wheel).namelist()
    }
    assert "tabwarden/py.typed" in zipfile.ZipFile(wheel).namelist()
    # The versions that everything else is tested with, without the hashes: a wheel of our own has none.
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.rstrip(" \\") for line in lines if "==" in line and not line.startswith(" ")]
    (tmp_path / "limits.txt").write_text("\n".join(pins), encoding="utf-8")
    # Their client is theirs: we bring none.
    python = installed(tmp_path / "foreign", wheel, "pytest", "tableauserverclient")
    for name in ("their_script.py", "their_tests.py"):
        shutil.copy(FOREIGN / name, tmp_path / name)
    # tableauserverclient's own source has an old escape, which Python tells when it first compiles it.
    strict = ("-W", "error", "-W", "ignore:invalid escape sequence", "--strict-markers")
    told = done(python, "-m", "pytest", "-q", *strict, "their_tests.py", where=tmp_path)
    assert "5 passed" in told
    # An installed copy brings its pages, and says what to type for what it lacks.
    tabwarden = python.with_name("tabwarden")
    assert "first-hour" in done(tabwarden, "help", where=tmp_path)
    assert done(tabwarden, "help", "settings", "store", where=tmp_path).startswith("store\n")
    asked = [python, "-c", "from tabwarden.extras import install; print(install('[ldap]'))"]
    assert f'"{python}"' in done(*asked, where=tmp_path)
    (tmp_path / "joiners.xlsx").write_bytes(b"")
    lacks = "from tabwarden.sources.files import FileSource; FileSource(type='file', path='joiners.xlsx').read()"
    failed = subprocess.run([python, "-c", lacks], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 'install "duckdb>=' in failed.stderr


@pytest.mark.parametrize(
    ("marker", "word"),
    [("world='w0', planet=1", "knows no planet"), ("'w0', 'acme'", "takes one world"), ("'nowhere'", "no world")],
    ids=["keyword", "two worlds", "unknown world"],
)
def test_a_marker_that_cannot_be_is_told(pytester: pytest.Pytester, marker: str, word: str) -> None:
    pytester.makepyfile(f"import pytest\n@pytest.mark.tableau_sandbox({marker})\ndef test_it(tableau_sandbox): ...")
    pytester.runpytest("-q").stdout.fnmatch_lines([f"*{word}*"])


def test_the_marker_and_the_fixtures_tell_what_they_are(pytester: pytest.Pytester) -> None:
    pytester.runpytest("--markers").stdout.fnmatch_lines(["@pytest.mark.tableau_sandbox(world='w0'*"])
    pytester.runpytest("--fixtures").stdout.fnmatch_lines(["*tableau_sandbox*", "*A pretend Tableau*"])
