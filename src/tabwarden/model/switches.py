"""Where the sources are silent or disagree: one named switch each, with the documented answer as default.

Not the site's own settings (`SiteSettings`) and not what a Tableau version can do.
Source: tableau-permissions §12 and the marks [C] of §3 to §8.
"""

from __future__ import annotations

from dataclasses import dataclass

CURRENT, CLASSIC, DENY_FIRST = "current", "classic", "deny_first"
MODELS = (CURRENT, CLASSIC, DENY_FIRST)


@dataclass(frozen=True, slots=True)
class Switches:
    """Open points of the permission model.

    group_set_deny_is_final: a Deny of a group set beats an Allow of a group (one connector reads it so).
    prompted_needs_view: prompted credentials ask for View beside Connect on the data source (blog, §5).
    nested_publish_needs_parent: publishing to a nested project asks for Publish on its parent (a 2018 experiment).
    owner_deletes_top_level: the owner of a top-level project may delete it ("Use Projects..."; "Permissions" says
    administrators only).
    leader_changes_owner: a project leader may change the owner of content (one 2020.3 page leaves him out).
    save_needs_publish: File > Save of the owner asks for Publish on the project.
    """

    group_set_deny_is_final: bool = False
    prompted_needs_view: bool = False
    nested_publish_needs_parent: bool = False
    owner_deletes_top_level: bool = True
    leader_changes_owner: bool = True
    save_needs_publish: bool = False


DOCUMENTED = Switches()
