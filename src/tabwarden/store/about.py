"""What is kept of a Site beside its people and content, as JSON: the head of columns in every form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tabwarden.model.site import Site, Taken
from tabwarden.model.site_settings import SiteSettings


def about_of(site: Site, vocabulary: Mapping[str, object]) -> dict[str, Any]:
    """What is kept of a Site beside its people and content, and the words that its columns stand for."""
    return {
        "site": {"id": site.id, "name": site.name, "content_url": site.content_url},
        "settings": asdict(site.settings),
        "licences": None if site.licences is None else dict(site.licences),
        "nicknames": None if site.nicknames is None else dict(site.nicknames),
        "on_demand": sorted(site.on_demand),
        "taken": asdict(site.taken),
        "partial": list(site.partial),
        "vocabulary": vocabulary,
    }


def bare_site(about: Mapping[str, Any]) -> Site:
    """The Site without people and content; KeyError or TypeError for what `about_of` did not write."""
    return Site(
        **about["site"],
        settings=SiteSettings(**about["settings"]),
        licences=about["licences"],
        nicknames=about.get("nicknames"),
        on_demand=frozenset(about.get("on_demand", ())),
        taken=Taken(**about["taken"]),
        partial=tuple(about["partial"]),
    )
