"""Names fit: in settings, and people of the lists by another form of their names. Over REST, against the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest
from provisioning import bench, world

from tabwarden.model.errors import SettingsError

ROLES = {
    "ada": "ServerAdministrator",
    "boss": "SiteAdministratorCreator",
    "olga": "Creator",
    "carl": "Creator",
    "vic": "Viewer",
    "corp.example\\ida": "Explorer",
    "una": "Unlicensed",
}


def test_a_protected_name_or_heir_that_fits_nobody_is_refused_with_the_nearest_names(tmp_path: Path) -> None:
    with bench(tmp_path, world(ROLES, ("vic",))) as at:
        at.leavers("olga", "carl", "vic")
        at.provision = {
            "remove_leavers": True,
            "protected": ["olga@corp.example", "crl", "CORP\\vic"],
            "assets_to": "bos",
        }
        for doing in (at.plan, at.run):
            with pytest.raises(SettingsError) as error:
                doing()
            assert [line.partition(": no user")[0] for line in error.value.problems] == [
                *3 * ["`provision.protected`"],
                "`provision.assets_to`",
            ]
            for name in ("`olga`", "`carl`", "`vic`", "`boss`"):
                assert name in str(error.value)
        assert not at.writes()


def test_a_protected_name_that_fitted_at_the_last_good_run_and_is_gone_is_told(tmp_path: Path) -> None:
    with bench(tmp_path, world(ROLES, ("vic",))) as at:
        at.joiners("vic", "new")
        olga = at.site.find_user("olga")
        at.provision = {"protected": ['"OLGA"', olga.id.upper()]}
        assert at.run().succeeded
        at.change_site(
            at.site.__class__(**{**vars(at.site), "users": {i: u for i, u in at.site.users.items() if u != olga}})
        )
        assert any("gone; take the name out" in note for note in at.plan().notes)
        at.provision = {"protected": ["olgaa"]}
        with pytest.raises(SettingsError):
            at.plan()
