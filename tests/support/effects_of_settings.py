"""What each key of the settings changes: where it is seen, a value other than the usual one, and what it needs beside.

A row is of all keys its pattern fits; the first counts. `test` names a test instead, where a key speaks to a server
that this file has none of; `like` another place with the same options.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NamedTuple

from provisioning import GROUP, URL

Values = dict[str, Any]
OFF = {"count": 0, "percent": 0}
HIGH = {"count": 999, "percent": 100}
COLUMNS = {
    "key": "id",
    "name": "login",
    "full_name": "name",
    "email": "mail",
    "department": "dept",
    "title": "title",
    "manager": "boss",
    "status": "status",
    "groups": "groups",
}


class Row(NamedTuple):
    """One line of the table."""

    key: str
    seen: str = ""
    value: Any = None
    beside: Values = {}  # noqa: RUF012  (read only)
    test: str = ""
    like: str = ""

    def base(self, server: str) -> Values:
        """The settings that it changes."""
        values = deepcopy(BASES[self.seen])
        values["tableau"] = {"server": server, "site": URL, "auth": {"pat": {"name": "tok", "secret": "env:PAT"}}}
        for key, value in self.beside.items():
            put(values, key, value)
        return values


def put(values: Values, key: str, value: Any) -> None:
    """Another value at a dotted place; a list on the way means its first item, None takes the key out."""
    at: Any = values
    *way, last = key.split(".")
    for word in way:
        if not isinstance(at.get(word), dict | list):
            at[word] = {}
        at = at[word][0] if isinstance(at[word], list) else at[word]
    if value is None:
        at.pop(last, None)
    else:
        at[last] = value


def _file(path: str, **more: Any) -> Values:
    return {"type": "file", "path": path, **more}


_LISTS = {"joiners": _file("joiners.csv", column={"name": "Email Address"}), "leavers": _file("leavers.csv")}
_SOURCES = [
    {"name": "hr", "from": _file("hr.csv"), "columns": COLUMNS, "left": ["gone"], "rank": 1},
    {"name": "crm", "from": _file("crm.csv"), "columns": COLUMNS, "left": ["away"], "rank": 2},
]
_MAPPING = [{"when": {"department": "Sales"}, "groups": ["Sales"], "site_role": "Explorer"}]
BASES: dict[str, Values] = {
    "provision": {"sources": _LISTS, "provision": {"group": {"name": GROUP}}, "stops": {"licences_lost": HIGH}},
    "people": {"people": {"sources": _SOURCES, "mapping": _MAPPING}, "provision": {"group": {"name": GROUP}}},
    "groups": {"directory": {"file": "directory.json"}, "groups": [{"group": "CORP\\Sales", "user_name": "mail"}]},
    "list": {"sources": {"joiners": _LISTS["joiners"]}, "provision": {"group": {"name": GROUP}}},
    "mirror": {"store": {"folder": "store"}, "catalog": {"people": _file("catalog.csv")}},
    "log": {"logs": {"folder": "logs"}},
    "": {},
}
BASES["roster"] = BASES["people"]
BASES["sign-in"] = BASES["apply"] = BASES["provision"]
_SQL = {
    "sources.joiners": {"type": "sql", "driver": "sqlite", "connect": {"database": "FOLDER/people.db"}, "table": "one"}
}
_PASSWORD = {"tableau.auth": {"password": {"username": "ada", "password": "ada"}}}
_APP = {"tableau.auth": {"jwt": dict.fromkeys(("client_id", "secret_id", "secret_value", "username"), "one")}}
_DATED = {"sources.joiners.as_of": {"column": "Day"}, "sources.joiners.stale_after": "9999d"}
_NOBODY = {"from": "a@b.example", "to": ["c@d.example"], "host": "127.0.0.1", "port": 9}
_REMOVED = {"provision.remove_leavers": True, "stops.users_removed": OFF}
_QUERY = {**_SQL, "sources.joiners.table": None, "sources.joiners.query": "select * from one"}
_FILES = {"people.nested": {"from": _file("nested.csv")}, "people.overrides_from": _file("more.csv")}
_LIKE = ("sources.leavers", "people.sources.from", "people.nested.from", "people.overrides_from", "catalog.people")
_ON = ("add_joiners", "add_joiners_to_group", "remove_leavers_from_group", "set_leavers_unlicensed")
_OFF = ("set_joiners_viewer", "add_leavers_to_group", "remove_leavers", "remove_leavers_from_all_groups")
_PYTHON = {"sources.joiners": {"type": "python", "function": "own:rows"}}
_GROUP = {"people.mapping": [{"when": {"group": "top"}, "groups": ["Sales"]}]}
_NESTED = {"people.nested": {"from": _file("nested.csv")}, **_GROUP}
_LDAP, _MAIL, _REPOSITORY = "sources/test_ldap_", "run/test_mail.py::test_", "tableau/test_repository_"
_SITES = "run/test_many_sites.py::test_"
_DAYS = "run/test_days_of_people.py::test_"
_UNLISTED = (
    "run/test_names_fit.py::test_whom_no_authoritative_source_knows_is_told_and_leaves_only_by_setting_and_waiver"
)
_LEFT = {"people.sources": [_SOURCES[0], {**_SOURCES[1], "left": ["gone"]}]}


def _mapped(about: str, value: str) -> Values:
    return {"people.mapping": [{"when": {about: value}, "groups": ["Sales"]}]}


def _of_n2(**fields: Any) -> Values:
    return {"people.overrides": [{"person": "n2", **fields}]}


def _both(**columns: str) -> Values:
    return {"people.sources": [{**source, "columns": {**COLUMNS, **columns}} for source in _SOURCES]}


def _when(about: str, value: str) -> Row:
    return Row(f"people.mapping.when.{about}", "people", value, _mapped(about, "no*"))


ROWS = (
    # -- days
    Row("*.column.starts", test=f"{_DAYS}lists_of_joiners_and_leavers_have_days_too"),
    Row("*.column.ends", test=f"{_DAYS}lists_of_joiners_and_leavers_have_days_too"),
    Row("*.columns.starts", test=f"{_DAYS}days_decide_who_joins_and_who_leaves"),
    Row("*.columns.ends", test=f"{_DAYS}days_decide_who_joins_and_who_leaves"),
    Row("*.dates.*", test=f"{_DAYS}a_day_is_read_as_it_is_stated_or_refused"),
    # -- Tableau
    Row("tableau.server", "provision", "http://127.0.0.1:9"),
    Row("tableau.site", "provision", "nowhere"),
    Row("tableau.api_version", "sign-in", "3.4"),
    Row("tableau.auth.pat.name", "provision", "other"),
    Row("tableau.auth.pat.secret", "provision", "env:NOT_SET"),
    Row(
        "tableau.auth.pat.expires",
        test="commands/test_where_it_stands.py::test_a_token_that_ends_soon_is_something_to_see_to",
    ),
    Row("tableau.auth.password.username", "provision", "vic", _PASSWORD),
    Row("tableau.auth.password.password", "provision", "no", _PASSWORD),
    Row("tableau.auth.jwt.*", "sign-in", "x", _APP),
    Row("tableau.ca_file", "provision", "missing.pem"),
    Row("tableau.timeout", "sign-in", 7),
    Row("tableau.retries", "sign-in", 9),
    Row("tableau.calls_per_hour", "sign-in", 77),
    Row("tableau.sites_at_once", test=f"{_SITES}side_by_side_as_the_server_and_its_token_allow"),
    Row("sites.*", test=f"{_SITES}what_is_written_for_a_site_stands_in_place_of_what_is_common"),
    Row("tableau.repository.*", test=f"{_REPOSITORY}failures.py::test_what_keeps_us_out_is_one_sentence"),
    # -- a directory
    Row("directory.file", "groups", "missing.json"),
    Row(
        "directory.domains.*",
        test="sources/test_directory_settings.py::test_what_is_written_becomes_what_the_reader_is_told",
    ),
    Row("directory.attributes", test=f"{_LDAP}reading.py::test_a_person_as_active_directory_tells_her"),
    Row("directory.group_name", test=f"{_LDAP}reading.py::test_group_names_by_cn"),
    Row("directory.unread", test=f"{_LDAP}reading.py::test_unless_it_is_knowingly_left_out"),
    Row("directory.incremental", test="sources/test_directory_command.py::test_increments_from_one_read_to_the_next"),
    Row("groups.group", "groups", "CORP\\Juniors"),
    Row("groups.into", "groups", "Elsewhere"),
    Row("groups.minimum_site_role", "groups", "Viewer"),
    Row("groups.grant_on", "groups", "onSync", {"groups.minimum_site_role": "Viewer", "groups.grant_on": "onLogin"}),
    Row("groups.by", "groups", "import"),
    Row("groups.user_name", "groups", "sAMAccountName"),
    Row("groups.may_be_empty", "groups", True, {"groups.group": "CORP\\Nobody"}),
    # -- joiners and leavers
    Row("sources.joiners.column.name", "provision", "Alt"),
    Row("sources.joiners.column.full_name", "provision", "Name"),
    Row(
        "sources.joiners.column.starts",
        test="run/test_days_of_people.py::test_lists_of_joiners_and_leavers_have_days_too",
    ),
    Row(
        "sources.joiners.column.ends",
        test="run/test_days_of_people.py::test_lists_of_joiners_and_leavers_have_days_too",
    ),
    Row("*.dates.*", test="run/test_days_of_people.py::test_a_day_is_read_as_it_is_stated_or_refused"),
    Row("sources.joiners.column.email", "provision", "Mail"),
    Row("sources.joiners.column.auth_setting", "provision", "Auth"),
    Row("sources.leavers.column.name", "provision", "Alt"),
    Row("sources.leavers.column.*", "provision", "Alt"),
    Row("sources.joiners.min_rows", "provision", 99),
    Row("*.most_megabytes", test="commands/test_bounds.py::test_a_list_has_a_bound_that_can_be_raised"),
    Row("sources.joiners.delta", "provision", True),
    Row("sources.joiners.stale_after", "provision", "1m", _DATED),
    Row("sources.joiners.as_of.column", "provision", "Alt", _DATED),
    Row("sources.joiners.as_of.query", test="sources/test_sources_sql.py::test_a_table_and_a_query"),
    Row("sources.joiners.type", "list", "sql"),
    Row("sources.joiners.path", "list", "leavers.csv"),
    Row("sources.joiners.format", "list", "xlsx"),
    Row("sources.joiners.header", "list", False),
    Row("sources.joiners.encoding", "list", "utf-16"),
    Row("sources.joiners.sheet", "list", "Two"),
    Row("sources.joiners.delimiter", "list", "|"),
    Row("sources.joiners.driver", "list", "duckdb", _SQL),
    Row("sources.joiners.connect", "list", {"database": "none.db"}, _SQL),
    Row("sources.joiners.query", "list", "select 'n4' as \"Email Address\"", _QUERY),
    Row("sources.joiners.table", "list", "two", _SQL),
    Row("sources.joiners.function", "list", "own:others", _PYTHON),
    Row("sources.joiners.domain", test=f"{_LDAP}source.py::test_who_is_taken"),
    Row("sources.joiners.groups", test=f"{_LDAP}source.py::test_who_is_taken"),
    Row("sources.joiners.state", test=f"{_LDAP}source.py::test_who_is_taken"),
    Row("sources.joiners.filter", test=f"{_LDAP}source.py::test_a_filter_and_a_base_are_asked_of_the_domain"),
    Row("sources.joiners.base", test=f"{_LDAP}source.py::test_a_filter_and_a_base_are_asked_of_the_domain"),
    Row("people.*from.column.*", "people", "x", _FILES),
    Row("people.overrides_from.column.*", "people", "x", {"people.overrides_from": _file("more.csv")}),
    Row("catalog.people.column.name", "mirror", "Alt"),
    Row("catalog.people.column.*", "mirror", "Alt"),
    *(
        Row(f"{place}.*", like="sources.joiners")
        for place in (
            "sources.leavers",
            "people.sources.from",
            "people.nested.from",
            "people.overrides_from",
            "catalog.people",
        )
    ),
    # -- what is done with them
    *(
        Row(f"provision.{task}", "provision", False)
        for task in ("add_joiners", "add_joiners_to_group", "remove_leavers_from_group", "set_leavers_unlicensed")
    ),
    *(
        Row(f"provision.{task}", "provision", True)
        for task in ("set_joiners_viewer", "add_leavers_to_group", "remove_leavers", "remove_leavers_from_all_groups")
    ),
    Row("provision.group.name", "provision", "Another"),
    Row("provision.group.minimum_site_role", "provision", "Creator"),
    Row("provision.group.grant", "provision", "onSync"),
    Row("provision.auth_setting", "provision", "SAML"),
    Row("provision.idp_configuration_id", "provision", "Okta"),
    Row("provision.change_auth", "provision", True, {"provision.auth_setting": "SAML"}),
    Row("provision.assets_to", "provision", "carl"),
    Row("provision.protected", "provision", ["vic"]),
    Row("provision.bulk", "apply", "never"),
    # -- several sources
    Row("people.sources.name", "people", "personnel"),
    Row("people.sources.rank", "people", 9),
    Row(
        "people.sources.authoritative",
        test="run/test_people_end_to_end.py::test_who_vanishes_from_an_authoritative_source_has_left",
    ),
    Row("people.sources.columns.key", "people", "dept", {"people.match": ["key"]}),
    Row("people.sources.columns.site_role", "people", "alt", {"people.mapping": []}),
    Row("people.sources.columns.auth_setting", "people", "auth"),
    Row("people.sources.columns.groups", "people", "dept", _mapped("group", "a")),
    Row("people.sources.columns.title", "people", "boss", _mapped("title", "Clerk")),
    Row("people.sources.columns.manager", "people", "title", _mapped("manager", "Bob")),
    Row("people.sources.columns.*", "people", "alt"),
    Row("people.sources.separator", "people", "|", _mapped("group", "a")),
    Row("people.sources.left", "people", ["here"]),
    Row("people.sources.active", "people", ["gone"]),
    Row("people.sources.all_left", "people", True),
    Row("people.match", "people", ["email"]),
    Row("people.precedence.status", "people", ["crm"], _LEFT),
    Row("people.precedence.title", "people", ["crm"], _mapped("title", "Clerk")),
    Row("people.precedence.manager", "people", ["crm"], _mapped("manager", "Bob")),
    Row(
        "people.precedence.name",
        "people",
        ["crm"],
        {"people.sources": [_SOURCES[0], {**_SOURCES[1], "columns": {**COLUMNS, "name": "alt"}}]},
    ),
    Row("people.precedence.site_role", "people", ["crm"], _both(site_role="role")),
    Row("people.precedence.auth_setting", "people", ["crm"], _both(auth_setting="auth")),
    Row("people.precedence.*", "people", ["crm"]),
    Row("people.overrides.person", "people", "n2", {"people.overrides": [{"person": "eve", "department": "None"}]}),
    Row("people.overrides.key", "roster", {"key": "1"}, _of_n2(title="x")),
    Row("people.overrides.status", "people", "left", {"people.overrides": [{"person": "eve", "status": "active"}]}),
    Row(
        "people.overrides.groups",
        "people",
        ["top"],
        {"people.overrides": [{"person": "eve", "groups": ["low"]}], **_GROUP},
    ),
    Row(
        "people.overrides.site_role",
        "people",
        "Creator",
        {"people.overrides": [{"person": "eve", "site_role": "Viewer"}]},
    ),
    Row("people.overrides.auth_setting", "people", "SAML", _of_n2(auth_setting="OpenID")),
    Row("people.overrides.title", "people", "Clerk", _of_n2() | _mapped("title", "Clerk")),
    Row("people.overrides.manager", "people", "Bob", _of_n2() | _mapped("manager", "Bob")),
    Row("people.overrides.department", "people", "Sales", _of_n2()),
    Row("people.overrides.reason", "people", "a note", _of_n2(title="x", reason="one")),
    Row("people.overrides.*", "people", "Other", _of_n2()),
    Row("people.nested.group", "people", "inner", _NESTED),
    Row("people.nested.parent", "people", "outer", _NESTED),
    Row("people.nested.directory", "people", True, {"people.nested": {}, "directory": {"file": "directory.json"}}),
    _when("department", "Sales"),
    _when("title", "Clerk"),
    _when("manager", "Bob"),
    _when("email", "eve@*"),
    _when("name", "eve"),
    _when("group", "a"),
    _when("source", "hr"),
    Row("people.mapping.groups", "people", ["Other"]),
    Row("people.mapping.site_role", "people", "Creator"),
    Row("people.add", "people", "mapped"),
    Row(
        "people.lower",
        "people",
        True,
        {"people.mapping": [{"when": {"department": "Sales"}, "site_role": "Unlicensed"}]},
    ),
    Row("people.unlisted", test=_UNLISTED),
    # -- stops
    Row("stops.unlisted_leave.*", test=_UNLISTED),
    Row("stops.licences_lost.count", "provision", 99, {"stops.licences_lost": OFF}),
    Row("stops.licences_lost.percent", "provision", 100, {"stops.licences_lost": OFF}),
    Row("stops.users_removed.count", "provision", 99, _REMOVED),
    Row("stops.users_removed.percent", "provision", 100, _REMOVED),
    Row("stops.users_added.count", "provision", 99, {"stops.users_added": OFF}),
    Row("stops.users_added.percent", "provision", 100, {"stops.users_added": OFF}),
    Row("stops.memberships_removed.count", "provision", 99, {"stops.memberships_removed": OFF}),
    Row("stops.memberships_removed.percent", "provision", 100, {"stops.memberships_removed": OFF}),
    Row("stops.source_shrank.*", test="plan/test_stops.py::test_a_list_shrank_when_more_than_a_fifth_is_missing"),
    Row("stops.rules_removed.*", test="plan/test_undo_to.py::test_many_rules_gone_and_no_history_are_stops"),
    # -- mail, logs, store
    Row("mail.enabled", "log", True, {"mail": _NOBODY}),
    Row("mail.when", "log", "warnings", {"mail": {"enabled": True, **_NOBODY}}),
    Row("mail.*", test=f"{_MAIL}the_log_reaches_everybody_over_a_verified_line"),
    Row("logs.folder", "log", "elsewhere"),
    Row("logs.level", "log", "ERROR"),
    Row("logs.json", "log", True),
    Row("logs.retention_days", test="run/test_logs.py::test_only_old_logs_of_our_own_are_deleted"),
    Row("store.folder", "mirror", "kept"),
    Row("store.url", test="store/test_history.py::test_a_password_is_never_told"),
    Row("store.retention.*", test="store/test_history.py::test_retention_keeps_days_then_months"),
    # -- mirror
    Row("catalog.domains", "mirror", ["corp.example"], {"catalog.people": _file("domains.csv")}),
    Row("catalog.exceptions.person", "mirror", "carl", {"catalog.exceptions": [{"person": "ghost", "user": "una"}]}),
    Row("catalog.exceptions.user", "mirror", "carl", {"catalog.exceptions": [{"person": "ghost", "user": "una"}]}),
    Row("mirror.enforce", "mirror", False),
    Row("mirror.source", "mirror", "other"),
    Row("mirror.projects", "mirror", ["Q"]),
    Row("mirror.form", "mirror", "flat"),
    Row("mirror.max_age", "mirror", "1m"),
    Row("mirror.sinks.type", "mirror", "csv", {"mirror.sinks": [{"type": "jsonl", "folder": "new"}]}),
    Row("mirror.sinks.folder", "mirror", "newer", {"mirror.sinks": [{"type": "jsonl", "folder": "new"}]}),
    # -- invariants
    Row(
        "invariants",
        test="settings/test_invariants_file.py::test_the_file_of_the_settings_counts_first",
    ),
    # -- web
    Row("web.attempts", test="web/test_signing_in.py::test_whoever_guesses_waits"),
    Row("web.proxies", test="web/test_signing_in.py::test_whoever_guesses_waits"),
    Row("web.tableau", test="web/test_signing_in.py::test_whom_tableau_signs_in_is_signed_in_under_the_name_it_says"),
    Row("web.openid.ca_file", test="web/test_openid.py::test_its_certificate_counts"),
    Row("web.openid.leeway", test="web/test_openid.py::test_its_clock_may_differ_a_little"),
    Row("web.openid.user_claim", test="web/test_openid_forged.py::test_a_mail_address_counts_where_it_was_verified"),
    Row("web.openid.*", test="web/test_openid.py::test_somebody_signs_in_and_stands_where_he_wanted"),
    Row("web.rights.*.openid_groups", test="web/test_openid.py::test_groups_of_the_provider_give_rights"),
    Row("web.longest_token", test="web/test_pages_account.py::test_a_token_beyond_oneself_or_for_ever_is_refused"),
    Row("web.rights.look_as.*", test="web/test_pages_account.py::test_nobody_looks_as_somebody_with_more"),
    Row("web.*", test="web/test_pages_settings.py::test_each_setting_of_the_pages_has_its_effect"),
    # -- lint
    Row("spark.master", test="run/test_spark.py::test_what_is_missing_is_a_sentence"),
    Row("spark.path", test="run/test_spark.py::test_snapshots_go_where_the_workers_look"),
    Row("spark.memory", test="run/test_spark.py::test_a_task_that_wants_too_much_memory_is_a_sentence"),
    Row("spark.block", test="run/test_spark.py::test_a_mirror_has_the_rows_of_one_machine"),
    Row("lint.*", test="audit/test_findings.py::test_each_setting_of_lints_changes_what_is_told"),
    Row("mirror.sinks.*", test="sinks/test_sinks_sql.py::test_what_cannot_be_published_to_is_told"),
)
