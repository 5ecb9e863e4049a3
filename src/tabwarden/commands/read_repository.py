"""What `tabwarden read --repository` does and prints. The command is `read`'s, and it changes no site."""

from __future__ import annotations

from collections.abc import Mapping

from tabwarden.commands.common import console, progress_bar
from tabwarden.commands.told import site_as_json, tell_site
from tabwarden.model.errors import TabwardenError
from tabwarden.model.site import Site
from tabwarden.run.read_repository import read_and_keep
from tabwarden.settings import Settings


def refuse(options: Mapping[str, object], why: str) -> None:
    """TabwardenError for options that are given and mean nothing here."""
    given = " and ".join(f"`{name}`" for name, value in options.items() if value)
    if given:
        raise TabwardenError(f"{given}: {why}")


def read_from_repository(settings: Settings, *, all_sites: bool, quiet: bool) -> tuple[Site, list[dict[str, object]]]:
    """Read the site, or all sites, keep each and, unless `quiet`, tell it; the last of them, and all as JSON."""
    told: list[dict[str, object]] = []
    site: Site | None = None
    with progress_bar("reading", hidden=quiet) as progress:
        for read in read_and_keep(settings, progress, all_sites=all_sites):
            site = read.site
            told.append(site_as_json(read.kept.number, site))
            if not quiet:
                tell_site(site)
                console().print(f"from the {site.taken.by}; kept as {read.kept.words}", markup=False)
    if site is None:
        raise TabwardenError("the repository has no active site")
    return site, told
