"""Policies that other tools wrote, as texts of ours: one module a tool, and here is the list of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tabwarden.importers import tableau_permissions, tableauconman, tabprovision, terraform
from tabwarden.model.errors import UnknownName
from tabwarden.model.site import Site
from tabwarden.want.policy.export import Export


class Importer(NamedTuple):
    """A tool's name, whether a text looks like one of its files, and the text as a policy.

    `read` may ask a Site, where there is one, for names that the file has as ids alone.
    """

    name: str
    fits: Callable[[str], bool]
    read: Callable[[str, Site | None], Export]


IMPORTERS = (
    Importer("TabProvision", tabprovision.fits, tabprovision.read),
    Importer("Terraform", terraform.fits, terraform.read),
    Importer("tableau-permissions", tableau_permissions.fits, tableau_permissions.read),
    Importer("TableauConMan", tableauconman.fits, tableauconman.read),
)


def imported(text: str, site: Site | None) -> tuple[str, Export]:
    """Whose file it is, and what it says as a policy. UnknownName where it is nobody's that is known."""
    for importer in IMPORTERS:
        if importer.fits(text):
            export = importer.read(text, site)
            if not (export.projects or export.content or export.remarks):
                raise UnknownName(f"the file of {importer.name} names no project and no rule; is it whole?")
            return importer.name, export
    names = ", ".join(importer.name for importer in IMPORTERS)
    raise UnknownName(f"this is no file of {names}; give one of theirs, as its tool writes or reads it")
