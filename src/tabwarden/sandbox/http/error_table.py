"""The one error table: which endpoint refuses what, with which code and status, and how that is known.

Handlers raise a reason; what it is answered with is looked up here. Sources: the error table of the REST reference
(about API 3.10, documented); `!` marks what recorded answers of servers say, `?` what is believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import NamedTuple

from tabwarden.sandbox.http.errors import CODES, REASONS, Code, Refusal
from tabwarden.sandbox.state.personality import as_pair

# Methods, paths below a site's (or of the server), reasons with their usual code or `=` another, and behind `/` a
# status that is not the code's first three digits. A later line wins.
_LINES = """
POST auth/signin: malformed unknown_user
POST auth/switchSite: malformed no_way_there same_site
POST,PUT sites,.: malformed invalid_quota invalid_admin_mode quotas_at_odds url_taken name_taken=409001
DELETE .: default_site_kept
GET sites,users,groups,projects,workbooks,views,datasources,flows: bad_page bad_page_size large_page bad_filter!
GET users/{user}/*,groups/{group}/users,*/revisions: bad_page bad_page_size large_page
GET views,workbooks/{workbook}/views: bad_value

POST users: malformed invalid_site_role not_in_directory guest_not_addable user_exists=409017!
GET users: denied=403004?
GET users/{user}: denied=403133
GET users/{user}/groups: denied=403133? unknown_user=404012
GET users/{user}/workbooks: denied=403018
GET users/{user}/flows: denied=403101
PUT users/{user}: malformed self guest_kept invalid_site_role no_seat denied=403009
DELETE users/{user}: malformed owns_content
POST groups: malformed
POST,PUT groups,groups/{group}: invalid_role malformed_import no_directory no_domain no_such_directory_group
POST,PUT groups,groups/{group}: not_in_directory=404017? group_exists
PUT groups/{group}: malformed renamed_import invalid_role=400013/403 malformed_import=400019/403
POST groups/{group}/users: malformed already_member
DELETE groups/{group}/users/{user}: not_member!

GET subscriptions,dataAlerts: bad_page bad_page_size large_page
POST,PUT subscriptions*: malformed no_subject other_schedule=400069 unknown_schedule
POST subscriptions: denied=403060 recipient_denied=403063 no_address wrong_target unknown_user unknown_view
POST subscriptions: unknown_workbook=404006/400
GET subscriptions/{subscription}: denied=403058 unknown_subscription
PUT subscriptions/{subscription}: denied=403065 wrong_target=400069
DELETE subscriptions/{subscription}: denied=403059
GET,PUT,DELETE,POST dataAlerts/*: denied unknown_dataAlert=409023/404
PUT dataAlerts/{dataalert}: not_owner=409030/403 unknown_user
POST dataAlerts/{dataalert}/users: not_owner=409028/403 recipient_denied=409028/403 unknown_user
DELETE dataAlerts/{dataalert}/users/*: not_owner=409029/403 unknown_user
GET,PUT,DELETE favorites/*: unknown_user
PUT favorites/{user}: malformed denied no_label label_taken unknown_project unknown_view unknown_workbook
PUT favorites/{user}: unknown_datasource=404011
DELETE favorites/*: denied
DELETE favorites/{user}/datasources/*: not_marked unknown_datasource=404011
DELETE favorites/{user}/views/*: not_marked unknown_view
DELETE favorites/{user}/workbooks/*: not_marked unknown_workbook
DELETE favorites/{user}/projects/*: not_marked? unknown_project
DELETE favorites/{user}/flows/*: not_marked?

POST projects: malformed bad_value no_room name_taken=409006 denied=403045!
PUT projects/{project}: malformed bad_value no_room another_id name_taken=409006 default_kept=403005
DELETE projects/{project}: default_kept=403003
GET workbooks/{workbook}: denied=403018 refused_by_id?
GET datasources/{datasource}: refused_by_id?
GET workbooks/{workbook}/connections: denied=403021
GET datasources/{datasource}/connections: denied=403021 unknown_datasource=404011
GET flows/{flow}/connections: denied=403092
GET workbooks/{workbook}/content: denied=403019
GET datasources/{datasource}/content: denied=403028
GET flows/{flow}/content: denied=403097
GET workbooks/{workbook}/revisions: denied=403056
GET datasources/{datasource}/revisions: denied=403054
GET workbooks/{workbook}/revisions/*: denied=403019
GET datasources/{datasource}/revisions/*: denied=403028
GET,DELETE */revisions,*/revisions/*: history_off
DELETE */revisions/*: current_revision denied=403004
DELETE datasources/{datasource}/revisions/*: unknown_datasource=404006
PUT workbooks/{workbook}: malformed denied=403027 owner_denied=403027 place_denied=403025 unknown_user unknown_project
PUT datasources/{datasource}: malformed denied=403032 owner_denied=403027 place_denied=403030 name_taken=409015
PUT flows/{flow}: malformed owner_denied=403098 place_denied=403030 name_taken=409041
PUT datasources/{datasource},flows/{flow}: unknown_user unknown_project
PUT workbooks/{workbook}/connections*: malformed denied=403029
PUT datasources/{datasource}/connections*: malformed denied=403023
PUT flows/{flow}/connections/*: malformed denied=403103
PUT */tags: malformed another_id
PUT workbooks/{workbook}/tags: tags_refused=400049
PUT views/{view}/tags: tags_refused=400076
PUT datasources/{datasource}/tags: tags_refused=400075
GET views/{view}: unknown_view=404006
GET views/{view}/data,views/{view}/pdf: denied=403032 unknown_view=400080
GET views/{view}/crosstab/excel: unknown_view=400130
POST */refresh: malformed denied=403032
PUT schedules/{schedule}/workbooks,schedules/{schedule}/datasources: malformed denied=403032
PUT schedules/{schedule}/flows: malformed denied=403098
PUT schedules/{schedule}/workbooks: unknown_schedule=500000 other_schedule
PUT schedules/{schedule}/datasources,schedules/{schedule}/flows: unknown_schedule=500000 other_schedule
POST schedules: malformed bad_value bad_intervals=409004/400 name_taken=409021
PUT schedules/{schedule}: malformed bad_value bad_intervals name_taken=409021
GET schedules,schedules/{schedule}/extracts: bad_page bad_page_size large_page
GET schedules/{schedule}/extracts: other_schedule
POST tasks/extractRefreshes/{task}/runNow: other_task=403047
POST tasks/runFlow/{task}/runNow: other_task=400084
POST */createExtract,*/deleteExtract: malformed file_based
POST *crypt-extracts: malformed
PUT jobs/{job}: job_done denied=403032

POST workbooks,datasources,flows: malformed two_files missing_file no_room denied=403007 unknown_project unknown_upload
POST workbooks,datasources,flows: too_large=400016?
POST workbooks,datasources: bad_value not_published name_taken=403007
POST workbooks: wrong_extension=400020 wrong_type=400035
POST datasources: wrong_extension=400010 wrong_type=400010 two_files=400010 incompatible_modes unknown_datasource
POST datasources: malformed_payload=400019
POST flows: nameless=400089 malformed_payload=400090 wrong_extension=400086 wrong_type=400086 not_published=400087
POST flows: name_taken=409041
POST fileUploads: malformed denied=403015
PUT fileUploads/{upload}: malformed malformed_payload=400019 missing_file=400020 too_large=400016 denied=403007

PUT,POST */permissions,*/default-permissions/*: malformed capability_of_another_kind unknown_capability denied
PUT,POST */permissions,*/default-permissions/*: unknown_user unknown_group opposite_rule?
PUT,POST projects/{project}/*permissions*: another_id
PUT,POST projects/{project}/default-permissions/*: other_kind_named
DELETE *permissions/*/{mode}: capability_of_another_kind unknown_capability no_rule=404013 denied
DELETE workbooks/{workbook}/permissions/*: no_rule=404014!
DELETE views/{view}/permissions/*: no_rule=404014 locked=403039 tabs_shown=403096
GET projects/{project}/default-permissions/*: denied=403035
GET projects/{project}/default-permissions/workbooks: denied=403036
DELETE projects/{project}/default-permissions/flows/*: denied=403095
PUT databases/{database}/default-permissions/*: locked=403114
GET databases/{database}/default-permissions/*: denied=403115
"""
_MARKS: Mapping[str, str] = {"": "D", "!": "V", "?": "B"}
_SITE = re.compile(r"^sites/\{site\}/?")
# What a client of later releases met and the reference (API 3.10) calls otherwise: since when (believed), and before.
_LATER: Mapping[str, tuple[str, str]] = {"409017": ("3.11", "409000")}


class ErrorLine(NamedTuple):
    """One line of the table: the endpoint, why it refuses, code and status, D documented, V recorded, B believed."""

    method: str
    path: str
    reason: str
    code: str
    status: int
    mark: str


@cache
def lines_of(method: str, path: str) -> Mapping[str, ErrorLine]:
    """The lines of an endpoint by their reason; `path` is that of the endpoint table."""
    below = _SITE.sub("", path) or "."
    lines: dict[str, ErrorLine] = {}
    for methods, patterns, reasons in PARSED:
        if method in methods and any(fnmatchcase(below, pattern) for pattern in patterns):
            lines |= {reason: _line(method, path, reason, code, mark) for reason, code, mark in reasons}
    return lines


def _line(method: str, path: str, reason: str, words: str, mark: str) -> ErrorLine:
    code, _slash, status = words.partition("/")
    return ErrorLine(method, path, reason, code, int(status or code[:3]), mark)


def _parsed() -> Iterator[tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[str, str, str], ...]]]:
    for line in filter(None, _LINES.splitlines()):
        head, reasons = line.split(": ")
        methods, patterns = head.split(" ")
        yield tuple(methods.split(",")), tuple(patterns.split(",")), tuple(map(_reason, reasons.split()))


def _reason(words: str) -> tuple[str, str, str]:
    name, _equals, code = words.rstrip("!?").partition("=")
    return name, code or (REASONS[name].code if name in REASONS else name), _MARKS[words[len(words.rstrip("!?")) :]]


PARSED = tuple(_parsed())


def told(refusal: Refusal, endpoint: tuple[str, str] | None, version: str) -> Code:
    """The code that an endpoint (method and path of the endpoint table) answers a refusal with in an API version.

    Its status is the one documented there, which a few endpoints answer beside a code that begins otherwise.
    """
    line = lines_of(*endpoint).get(refusal.reason) if endpoint is not None else None
    code = line.code if line is not None else refusal.code.code
    since, before = _LATER.get(code, ("0.0", code))
    if as_pair(version) < as_pair(since):
        return CODES[before]
    return CODES[code] if line is None else CODES[code]._replace(status=line.status)
