"""Who is lowered and who is not, out of which groups, what he used; and the warning by a real mail server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from inbox import open_inbox
from people_site import site

from tabwarden.model.errors import SettingsError, TabwardenError
from tabwarden.model.site import Content, Group
from tabwarden.model.usage import LastUse, Usage
from tabwarden.run import licences
from tabwarden.settings import load
from tabwarden.want.licences import Lowering, Seen, cost, lowered, needs, remark

DAY = "2026-08-01"
IDLE, RECENT = Seen("2026-01-01T00:00:00Z"), Seen("2026-11-01T00:00:00Z")


def outcome(seen: dict[str, Seen], roles: dict[str, str], members: tuple[str, ...] = (), **more: object):
    now = site(roles, members, **more.pop("site", {}))
    known = {f"u-{name}": when for name, when in seen.items()}
    return now, lowered(now, known, Lowering(DAY, **{"to": "Unlicensed", **more}))


@pytest.mark.parametrize(
    ("seen", "role", "more", "becomes"),
    [
        (IDLE, "Creator", {}, "Unlicensed"),
        (IDLE, "Creator", {"to": "Viewer"}, "Viewer"),
        (IDLE, "Viewer", {"to": "Viewer"}, "Viewer"),
        (RECENT, "Creator", {}, "Creator"),
        (Seen("2026-01-01", used="2026-10-01"), "Creator", {}, "Creator"),
        (Seen(there_since="2026-01-01"), "Viewer", {}, "Unlicensed"),
        (Seen(there_since="2026-10-01"), "Viewer", {}, "Viewer"),  # new
        (Seen(), "Viewer", {}, "Viewer"),
        (IDLE, "SiteAdministratorCreator", {}, "SiteAdministratorCreator"),
        (IDLE, "Guest", {}, "Guest"),
        (IDLE, "Creator", {"protected": ("ann",)}, "Creator"),
        (IDLE, "Creator", {"own_id": "u-ann"}, "Creator"),
        (IDLE, "Creator", {"warned_before": "2026-07-01"}, "Creator"),
        (IDLE, "Creator", {"warned_before": "2026-07-01", "warned": {"u-ann": "2026-07-02"}}, "Creator"),
        (IDLE, "Creator", {"warned_before": "2026-07-01", "warned": {"u-ann": "2026-07-01"}}, "Unlicensed"),
    ],
)
def test_who_is_lowered(seen: Seen, role: str, more: dict[str, object], becomes: str) -> None:
    _, wanted = outcome({"ann": seen}, {"ann": role}, **more)
    assert wanted.site.users["u-ann"].site_role == becomes


def test_groups_that_would_give_it_back_are_left() -> None:
    _, wanted = outcome({"ann": IDLE}, {"ann": "Explorer", "bob": "Viewer"}, ("ann", "bob"))
    assert wanted.site.groups["g-grant"].members == {"u-bob"}
    assert wanted.why.says("u-ann", "g-grant") == "not seen since 2026-01-01: the group grants Viewer on sign-in"
    _, wanted = outcome({"ann": IDLE}, {"ann": "Explorer"}, ("ann",), to="Viewer")
    assert wanted.site.groups["g-grant"].members == {"u-ann"}


def test_whoever_gets_it_back_anyway_or_was_never_seen_is_held() -> None:
    corp = Group("g-corp", "corp", "corp.example", members=frozenset({"u-ann"}), minimum_site_role="Viewer")
    now = site({"ann": "Viewer", "bob": "Viewer"})
    now = replace(now, groups={**now.groups, corp.id: replace(corp, grant_on="onLogin")})
    wanted = lowered(now, {"u-ann": IDLE}, Lowering(DAY, "Unlicensed"))
    assert [(held.person, held.reason) for held in wanted.held] == [
        ("ann", "`corp` grants Viewer again at sign-in"),
        ("bob", "was never seen, and nobody knows since when he is there"),
    ]
    assert wanted.site.users == now.users


def test_what_a_lower_role_would_cost() -> None:
    now = site({"ann": "Creator", "bob": "Explorer", "cid": "Creator"})
    book = Content("w", "workbook", "w", None, "u-ann")
    rows = [Usage("2026-11-01", what, "u-ann", "w", 1, "", "t") for what in ("view", "publish")]
    use = LastUse(replace(now, contents={"w": book}), [*rows, Usage("2026-11-02", "view", "u-bob", "w", 1, "", "t")])
    ann, bob, cid = (now.users[f"u-{name}"] for name in ("ann", "bob", "cid"))
    assert (needs(ann, use), needs(bob, use), needs(cid, use)) == ("ExplorerCanPublish", "Viewer", "Unlicensed")
    assert cost(ann, "Viewer", use) == ("Write",)
    assert (remark(ann, use), remark(bob, use), remark(cid, use)) == ("", "never edited", "never published")
    nothing = LastUse(now, [])
    assert (needs(ann, nothing), remark(ann, nothing)) == (None, "")


def test_each_idle_person_is_warned_once(tmp_path: Path) -> None:
    now = site({"ann": "Creator", "bob": "Viewer"}, id="s")
    users = {u.id: replace(u, email=f"{u.name}@a.example" if u.name == "ann" else None) for u in now.users.values()}
    known = licences.Licences(replace(now, users=users), {"u-ann": IDLE, "u-bob": IDLE}, None)
    with open_inbox() as inbox:
        settings = load(written(tmp_path, f"mail: {inbox.settings}"), {})
        told = {user.name: problem for user, problem in licences.warn(settings, known, 90, "Unlicensed")}
        assert told == {"ann": "", "bob": "has no e-mail address"}
        assert [mail["To"] for mail in inbox] == ["ann@a.example"]
        assert [user.name for user, _ in licences.warn(settings, known, 90, "Unlicensed")] == ["bob"]
    assert list(licences.mails(tmp_path / "store", "s")) == ["u-ann"]
    (tmp_path / "store" / "licences" / "s-warned.json").write_text("{")
    with pytest.raises(TabwardenError, match="is damaged"):
        licences.mails(tmp_path / "store", "s")


def test_nobody_is_warned_without_a_mail_server(tmp_path: Path) -> None:
    known = licences.Licences(site({}), {}, None)
    with pytest.raises(SettingsError, match="`mail` is not set up"):
        list(licences.warn(load(written(tmp_path, ""), {}), known, 90, "Viewer"))


def written(folder: Path, more: str) -> Path:
    path = folder / "settings.yaml"
    path.write_text(
        "tableau: {server: 'http://127.0.0.1:9', auth: {pat: {name: t, secret: 'env:X'}}}\n"
        f"store: {{folder: {folder / 'store'}}}\n{more}\n".replace("'env:X'", "s3cret")
    )
    return path
