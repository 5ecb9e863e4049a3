"""What the leak tests of the pages share: Sites whose names tell whose they are, and planted bugs. Not a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from dense_sites import UNREAD_SHARES, dense_site
from planting import planted_in

from tabwarden.access.reference import may
from tabwarden.model.errors import TabwardenError
from tabwarden.model.site import Site, User

SITES = 200


def marked(site: Site) -> Site:
    """The same Site, in which each name, tag, description, group and project tells whose it is."""
    contents = {
        i: replace(c, name=f"secret-{i}-name", description=f"secret-{i}-about", tags=frozenset({f"secret-{i}-tag"}))
        for i, c in site.contents.items()
    }
    groups = {i: replace(g, name=f"secret-group-{i}") for i, g in site.groups.items()}
    users = {i: replace(u, full_name=f"secret-person-{i}") for i, u in site.users.items()}
    return replace(site, contents=contents, groups=groups, users=users)


def dense(seed: int) -> Site:
    """One of the dense sites of chance, marked."""
    return marked(dense_site(seed, unread=UNREAD_SHARES[seed % len(UNREAD_SHARES)], users=8, items=14))


def seen_by(site: Site, user: User) -> set[str]:
    """The contents that somebody may View, by the reference."""
    return {content for content in site.contents if may(site, user.id, "Read", content).allowed}


def either(masks: Any) -> Any:
    """What is allowed, and what is unknown too."""
    return masks.allowed if masks.unknown is None else masks.allowed | masks.unknown


@contextmanager
def patched(module: ModuleType, function: str, old: str, new: str) -> Iterator[None]:
    """The module with a bug in one function, which is a method of a class or stands alone."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    names = {**vars(module), "TabwardenError": TabwardenError, "replace": replace, "either": either}
    exec(compile(planted_in(source, function, old, new), str(module.__file__), "exec"), names)
    holder, _, name = function.rpartition(".")
    target, bug = (vars(module)[holder], vars(names[holder])[name]) if holder else (module, names[name])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, name, bug)
        yield
