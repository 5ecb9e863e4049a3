"""What to type where a package is missing: Tabwarden itself is on no index, so an extra is named by its packages."""

from __future__ import annotations

import sys


def install(wanted: str) -> str:
    """`run: PYTHON -m pip install PACKAGES`, for the environment that runs.

    `wanted` is a package, or an extra of ours in brackets (`[ldap]`), which stands for the packages that this copy says
    it needs; empty where nobody knows.
    """
    if not wanted:
        return "install the package that holds it"
    from importlib.metadata import requires
    from importlib.util import find_spec

    packages = [wanted]
    if wanted.startswith("["):
        ours = (line.partition("; extra == ") for line in requires("tabwarden") or ())
        packages = [package for package, _, extra in ours if extra.strip("'\"") == wanted.strip("[]")]
    listed = " ".join(f'"{package}"' for package in packages)
    if find_spec("pip") is None:  # an environment that uv made
        return f'run: uv pip install --python "{sys.executable}" {listed}'
    return f'run: "{sys.executable}" -m pip install {listed}'
