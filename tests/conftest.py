"""What all tests share: the fixtures of `plugins/`."""

from __future__ import annotations

pytest_plugins = ["plugins.databases"]
