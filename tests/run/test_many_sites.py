"""Several sites in one run: which are meant, side by side, and what fails on one holds no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sites_that_die import Meeting, Watched, done
from watchdog import patience

from tabwarden.model.errors import SettingsError, UnknownName
from tabwarden.model.site import Site, Taken, User
from tabwarden.places import Meant, about
from tabwarden.plan.plan import SiteIdentity
from tabwarden.run.persons import everywhere
from tabwarden.run.sites import OneSite, side_by_side, sites_meant
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality
from tabwarden.settings import load, sites_named
from tabwarden.store.rosters import keep_for_plan, keep_of_plan
from tabwarden.want.people.joiners_and_leavers import Known, KnownPerson

A, B = "https://a.example.com", "https://b.example.com"
WRITTEN = f"""\
tableau:
  server: {A}
  auth: {{pat: {{name: one, secret: env:A}}}}
stops:
  licences_lost: {{count: 7, percent: 9}}
sites:
  - finance
  - "emea-*"
  - site: [emea-lab, Default]
    settings:
      stops: {{licences_lost: {{count: 1, percent: 1}}}}
  - site: all
    settings:
      tableau: {{server: {B}, auth: {{pat: {{name: two, secret: env:B}}}}}}
      provision: {{remove_leavers: true}}
"""


def written(folder: Path, text: str) -> Path:
    (folder / "settings.yaml").write_text(text, encoding="utf-8")
    return folder / "settings.yaml"


# -- the list --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "server", "site", "count", "removed"),
    [
        ("finance", A, "finance", 7, False),
        ("FINANCE", A, "FINANCE", 7, False),
        (f"{A}/#/site/emea-north", A, "emea-north", 7, False),
        ("emea-lab", A, "emea-lab", 1, False),
        ("Default", A, "", 1, False),
        (f"{A}/#", A, "", 1, False),
        ("hr", B, "hr", 7, True),
        (f"{B}/#/site/finance", B, "finance", 7, True),
        (f"{B}/#/site/finance/workbooks", B, "finance", 7, True),
    ],
)
def test_what_is_written_for_a_site_stands_in_place_of_what_is_common(
    tmp_path: Path, words: str, server: str, site: str, count: int, removed: bool
) -> None:
    path = written(tmp_path, WRITTEN)
    with about(Meant(words)):
        settings = load(path, {"A": "a-secret", "B": "b-secret"})
    assert (settings.tableau.server, settings.tableau.site) == (server, site)
    assert (settings.stops.licences_lost.count, settings.provision.remove_leavers) == (count, removed)
    assert settings.stops.users_added.count == 20


def test_a_key_of_an_item_replaces_the_whole_common_one(tmp_path: Path) -> None:
    own = (
        "      tableau: {auth: {password: {username: ann, password: env:P}}}\n"
        "      stops: {licences_lost: {count: 3}}\n"
    )
    path = written(tmp_path, re.sub("      stops: .*count: 1.*\n", own, WRITTEN))
    with about(Meant("emea-lab")):
        settings = load(path, {"P": "a-secret"})
    assert settings.tableau.auth.pat is None
    assert settings.tableau.auth.password is not None
    lost = settings.stops.licences_lost
    assert (lost.count, lost.percent) == (3, 10), "nothing of the common key is left"


def test_a_variable_does_not_lead_a_site_to_another_server(tmp_path: Path) -> None:
    path = written(tmp_path, WRITTEN)
    environ = {"A": "a-secret", "B": "b-secret", "TABWARDEN_TABLEAU__SERVER": "https://c.example.com"}
    with (
        about(Meant(f"{B}/#/site/hr")),
        pytest.raises(SettingsError, match=r"the environment says `https://c\.example"),
    ):
        load(path, environ)


def test_a_secret_of_one_server_holds_no_site_of_another(tmp_path: Path) -> None:
    path = written(tmp_path, WRITTEN)
    with about(Meant("finance")):
        assert load(path, {"A": "a-secret"}).tableau.site == "finance"
    with about(Meant("hr")), pytest.raises(SettingsError, match=r"settings\.yaml:14: `tableau\.auth\.pat\.secret`"):
        load(path, {"A": "a-secret"})


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (f"{A}/#/site/hr", "`https://a.example.com/#/site/hr` is no site of `sites`"),
        ("emea-north", "`emea-north` is on several servers; say which with `--site`"),
        ("https://c.example.com/#/site/x", "is no site of `sites`"),
    ],
)
def test_a_site_that_the_list_does_not_know_is_refused(tmp_path: Path, words: str, told: str) -> None:
    path = written(tmp_path, WRITTEN)
    with about(Meant(words)), pytest.raises(SettingsError, match=re.escape(told)):
        load(path, {"A": "a-secret", "B": "b-secret"})
    with about(Meant(words, of_history=True)):  # a question to what was kept goes on
        assert load(path, {"A": "a-secret", "B": "b-secret"}).tableau.site == ""


def test_one_name_on_two_servers_is_asked_about(tmp_path: Path) -> None:
    text = WRITTEN.replace("site: all", "site: [finance, all]")
    with about(Meant("finance")), pytest.raises(SettingsError, match="is on several servers; say which with `--site`"):
        load(written(tmp_path, text), {"A": "a-secret", "B": "b-secret"})


def test_whoever_names_none_is_asked_which(tmp_path: Path) -> None:
    settings = load(written(tmp_path, WRITTEN), {"A": "a-secret"})
    with pytest.raises(SettingsError, match="say which with `--site NAME`, or `--site all`"):
        settings.of_one_site()
    one = (
        "tableau: {server: 'https://a.example.com', site: finance, auth: {pat: {name: one, secret: x}}}\nsites: [hr]\n"
    )
    assert load(written(tmp_path, one), {}).of_one_site().tableau.site == "finance"
    assert load(written(tmp_path, one.replace("site: finance, ", "")), {}).of_one_site().tableau.site == "hr"


def test_every_problem_of_the_list_with_its_line(tmp_path: Path) -> None:
    text = (
        "tableau: {server: 'https://a.example.com', auth: {pat: {name: one, secret: x}}}\nsites:\n"
        "  - site: 7\n  - site: x\n    settings: {store: {folder: other}, stopps: {}}\n    server: y\n"
        "  - site: z\n    settings: [one]\n"
    )
    with pytest.raises(SettingsError) as told:
        load(written(tmp_path, text), {})
    lines = "\n".join(told.value.problems)
    for words in (
        ":3: `sites[1]` must name sites",
        ":5: `sites[2].settings.store` stands once for all sites",
        ":5: `sites[2].settings.stopps` is no section",
        ":6: `sites[2].server` is no key of it",
        ":8: `sites[3].settings` must be a mapping",
    ):
        assert words in lines, lines


def test_secrets_of_the_list_are_sealed(tmp_path: Path) -> None:
    from tabwarden.secrets import find_keys, make_key_file
    from tabwarden.settings.seal import seal

    make_key_file(tmp_path / "key")
    keys = find_keys(tmp_path, {})
    assert keys is not None
    sealed, count = seal(WRITTEN.replace("env:B", "in-the-open"), keys)
    assert count == 1
    assert "in-the-open" not in sealed
    with about(Meant("hr")):
        settings = load(written(tmp_path, sealed), {"A": "a-secret"})
    assert settings.tableau.auth.pat is not None
    assert settings.tableau.auth.pat.secret.get_secret_value() == "in-the-open"


# -- side by side ----------------------------------------------------------------------------------------------


def test_a_process_that_is_ended_is_a_sentence_and_the_others_are_done() -> None:
    sites = [
        OneSite(A, url, problem="is not there" if url == "gone" else "") for url in ("x", "killed", "gone", "left")
    ]
    ended = side_by_side(sites, done, hear=lambda _done, _one: None)
    assert [one.site.url for one in ended] == ["x", "killed", "gone", "left"]
    assert str(ended[0].value).startswith("x in ")
    assert "its process was ended by signal 9, as where memory runs out" in ended[1].problem
    assert f"`--site {A}/#/site/killed`" in ended[1].problem
    assert ended[2].problem == "is not there"
    assert "its process was ended with code 3" in ended[3].problem


def test_side_by_side_as_the_server_and_its_token_allow(tmp_path: Path) -> None:
    (tmp_path / "met").mkdir()
    (tmp_path / "watched").mkdir()

    def beside(*sites: OneSite) -> int:
        ended = side_by_side(sites, Watched(tmp_path / "watched"), hear=lambda _done, _one: None)
        return max(9 if one.value is None else one.value for one in ended)

    two = [OneSite(A, f"a{n}", at_once=2) for n in range(4)]
    assert beside(*two) <= 1
    token = [OneSite(A, f"t{n}", at_once=4, lane="a token") for n in range(3)]
    assert beside(*token) == 0
    other = OneSite(B, "b1", at_once=4, lane="a token of b")
    assert beside(*token, other) <= 1
    met = side_by_side([token[0], other], Meeting(tmp_path / "met", patience(20)), hear=lambda _done, _one: None)
    assert [one.value for one in met] == [True, True]


def test_a_password_that_is_refused_again_and_again_is_tried_no_more() -> None:
    urls = ["x", *(f"refused{n}" for n in range(5)), "y"]
    sites = [OneSite(A, url, password="ann") for url in urls] + [OneSite(B, "z", password="ann")]
    ended = side_by_side(sites, done, hear=lambda _done, _one: None, refused=lambda value: value == "refused")
    assert [bool(one.problem) for one in ended] == [False, False, False, False, True, True, True, False]
    assert "may lock that user out" in ended[4].problem


# -- one person ------------------------------------------------------------------------------------------------


def test_a_person_is_one_by_name_domain_and_key(tmp_path: Path) -> None:
    def site(url: str, *users: User) -> Site:
        return Site(url, url, url, {user.id: user for user in users}, taken=Taken("https://a", "2026-11-29T01:00:00Z"))

    def known(of: Site, *people: KnownPerson) -> None:
        identity = SiteIdentity("https://a", of.content_url, of.id, of.name)
        keep_for_plan(tmp_path, f"plan{of.id}", identity, Known(people))
        keep_of_plan(tmp_path, f"plan{of.id}", identity)

    one = site("one", User("1", "ann", "Viewer", domain="corp"), User("2", "bob", "Viewer"))
    two = site("two", User("3", "a.smith", "Creator"), User("4", "ANN", "Explorer", domain="emea"))
    none = site("none", User("5", "carl", "Viewer"))
    known(one, KnownPerson("corp\\ann", (("hr", "E-7"),)), KnownPerson("bob", (("hr", "E-8"),)))
    known(two, KnownPerson("a.smith", (("hr", "E-7"), ("badge", "17"))))
    sites = [one, two, none]

    def told(words: str) -> list[tuple[str, str]]:
        return [(site.id, user.id) for site, user in everywhere(tmp_path, sites, words)]

    assert told("corp\\ann") == [("one", "1"), ("two", "3")]
    assert told("ann") == [("one", "1"), ("two", "3"), ("two", "4")]
    assert told("E-7") == told("a.smith") == [("one", "1"), ("two", "3")]
    assert told("bob") == [("one", "2")]
    assert told("nobody") == []


def test_a_server_that_lists_no_sites_is_told(tmp_path: Path) -> None:
    with running("acme", plays=personality("cloud")) as cloud:
        path = written(
            tmp_path,
            f"tableau:\n  server: {cloud.url}\n  auth: {{pat: {{name: tabwarden, secret: acme-demo-secret}}}}\n"
            "sites: [acme-lab, 'acme*']\n",
        )
        lab, rest = sites_meant("all", path)
    assert (lab.url, lab.problem) == ("acme-lab", "")
    assert "are not listed to who signs in on `acme-lab`" in rest.problem
    with pytest.raises(UnknownName, match="means no site"):
        sites_meant("x*", written(tmp_path, "tableau: {server: 'http://127.0.0.1:9'}\nsites: [a]\n"), "settings")


def test_the_list_is_told_in_its_order(tmp_path: Path) -> None:
    named = sites_named(written(tmp_path, WRITTEN), {})
    assert [(one.words, one.server) for one in named] == [
        ("finance", A), ("emea-*", A), ("emea-lab", A), ("", A), ("all", B),
    ]  # fmt: skip
