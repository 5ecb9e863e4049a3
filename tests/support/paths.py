"""Where things lie in a checkout: its root, the product's source, the tests' data."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tabwarden"
TESTS = ROOT / "tests"
CASES = TESTS / "cases"
