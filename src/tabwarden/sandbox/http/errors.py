"""The codes of Tableau's errors, and the reasons for which the sandbox refuses, each with its usual code.

Marks: V read in a client or seen in a log, D read in public documentation, B believed and to be replaced when a real
server tells. Clients should classify by HTTP status first; a test of a believed code asserts the status only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tabwarden.effects.people import REFUSAL_CODES


class Code(NamedTuple):
    """A six-digit code, its HTTP status, the summary sent with it, its mark and where it was read."""

    code: str
    status: int
    summary: str
    mark: str
    source: str


_BAD, _FORBIDDEN, _MISSING, _CONFLICT = "Bad Request", "Forbidden", "Resource Not Found", "Resource Conflict"

_TABLE = (
    Code("400000", 400, _BAD, "V", "server-client-python tests, migration SDK"),
    Code("400003", 400, _BAD, "V", "logs of a provisioner against Cloud; server-client-python assets"),
    Code("400006", 400, "Invalid page number", "V", "server-client-python"),
    Code("400007", 400, "Invalid page size", "V", "server-client-python"),
    Code("400008", 400, "Invalid Parameter", "D", "REST error table: updating a schedule"),
    Code("400009", 400, "Invalid capability", "V", "migration SDK simulator"),
    Code("400011", 400, "There was a problem publishing the file", "V", "tableau_tools"),
    Code("400013", 400, "Invalid site role", "V", "server-client-python"),
    Code("400031", 400, "Error querying job", "V", "migration SDK"),
    Code("400047", 400, "Invalid schedule type", "D", "REST error table: tasks of a schedule"),
    Code("400065", 400, "Invalid filter expression", "V", "server-client-python issue 753"),
    Code("400100", 400, "Invalid project hierarchy", "B", "no source names a code for a cycle"),
    Code("400104", 400, "Directory not available", "B", "no source names a code for a directory that does not answer"),
    Code("401000", 401, "Unauthorized Access", "V", "knowledge base article 001498381"),
    Code("401001", 401, "Signin Error", "V", "migration SDK, tableau-mcp"),
    Code("401002", 401, "Unauthorized Access", "V", "migration SDK, error table of VizQL Data Service"),
    Code("403004", 403, _FORBIDDEN, "D", "error table of the REST reference: the usual refusal"),
    Code("403009", 403, _FORBIDDEN, "D", "community thread: updating a user without the right"),
    Code("403014", 403, "Page size too large", "D", "knowledge base: page size above 1,000"),
    Code("403032", 403, "Update Forbidden", "D", "REST error table: adding to a schedule without the right"),
    Code("403045", 403, _FORBIDDEN, "V", "migration SDK: creating a project without the right"),
    Code("403069", 403, _FORBIDDEN, "V", "migration SDK: Cloud does not list sites"),
    Code("403070", 403, "Already on that site", "V", "server-client-python"),
    Code("403098", 403, "Update Forbidden", "D", "REST error table: adding a flow to a schedule without the right"),
    Code("403133", 403, _FORBIDDEN, "V", "server-client-python, tableau-mcp: querying a user without the right"),
    Code("404000", 404, _MISSING, "V", "unknown site"),
    Code("404002", 404, _MISSING, "V", "unknown user"),
    Code("404003", 404, _MISSING, "V", "migration SDK: unknown resource"),
    Code("404005", 404, _MISSING, "V", "unknown project"),
    Code("404018", 404, _MISSING, "V", "unknown job"),
    Code("404022", 404, _MISSING, "V", "logs of a provisioner against Cloud: not a member of the group"),
    Code("404040", 404, _MISSING, "B", "unknown group set"),
    Code("405000", 405, "Method Not Allowed", "D", "public documentation of error handling"),
    Code("408000", 408, "Request Timeout", "V", "error table of VizQL Data Service"),
    Code("409000", 409, _CONFLICT, "V", "user conflict: error table of VizQL Data Service"),
    Code("409005", 409, _CONFLICT, "V", "guest cannot be added"),
    Code("409006", 409, _CONFLICT, "V", "project name in use"),
    Code("409009", 409, _CONFLICT, "V", "migration SDK simulator: group name in use"),
    Code("409010", 409, _CONFLICT, "B", "the opposite mode of that rule exists; no source names a code"),
    Code("409011", 409, _CONFLICT, "V", "logs of a provisioner against Cloud: already a member of the group"),
    Code("409012", 409, _CONFLICT, "B", "content name in use; no source names a code"),
    Code("409014", 409, _CONFLICT, "V", "logs of a provisioner against Cloud: no licence seat left for the role"),
    Code("409017", 409, _CONFLICT, "V", "migration SDK: user already on the site"),
    Code("409021", 409, "Schedule name conflict", "D", "REST error table: schedule name in use"),
    Code("409093", 409, _CONFLICT, "D", "server-client-python documentation: a refresh job is queued already"),
    Code("409120", 409, _CONFLICT, "V", "migration SDK: group set name in use"),
    Code("413000", 413, "Payload Too Large", "B", "a single request holds 64 MB; no source names a code"),
    Code("429000", 429, "Too Many Requests", "V", "server-client-python issue 952, error table of VizQL Data Service"),
    Code("500000", 500, "Internal Server Error", "D", "public documentation of error handling"),
    Code("503000", 503, "Service Unavailable", "B", "no source names a code"),
)
# Of the error table of the REST reference (about API 3.10) what is not above.
_DOCUMENTED = """
400005 400008 400010 400016 400019 400020 400035 400042 400049 400055 400067 400068 400069 400075 400076 400080 400084
400086 400087 400089 400090 400130 401003 403002 403003 403005 403007 403008 403011 403015 403018 403019 403020 403021
403023 403025 403027 403028 403029 403030 403032 403035 403036 403039 403047 403053 403054 403055 403056 403058 403059
403060 403063 403064 403065 403091 403092 403095 403096 403097 403098 403101 403103 403114 403115 404004 404006 404007
404009 404010 404011 404012 404013 404015 404016 404017 404020 404023 404024 404025 404026 404027 409001 409002 409003
409004 409007 409015 409023 409028 409029 409030 409041 409070
"""
_SUMMARIES = {"400": _BAD, "401": "Unauthorized Access", "403": _FORBIDDEN, "404": _MISSING, "409": _CONFLICT}
_REFERENCE = "error table of the REST reference"
CODES: Mapping[str, Code] = {
    code.code: code
    for code in sorted(
        (
            *_TABLE,
            *(Code(c, int(c[:3]), _SUMMARIES[c[:3]], "D", _REFERENCE) for c in _DOCUMENTED.split()),
            Code("404014", 404, _MISSING, "V", "recorded answers: the grantee has no such rule"),
        )
    )
}

# Why something is refused, its usual code and its words; `error_table` has the endpoints that answer another code.
_REASONS = """
malformed 400000 the body is missing or incomplete, or what should be XML or JSON is not
bad_value 400008 a value of the address or the body is none of those that it may have
bad_page 400006 the number of the page is no number from 1, or beyond the end
bad_page_size 400007 the size of the page is no number from 1
large_page 403014 the page is larger than a list may be
capability_of_another_kind 400009 the kind does not have that capability, or ProjectLeader is denied
unknown_capability 404013 no kind has that capability, or the mode is neither Allow nor Deny
other_kind_named 400042 a request for default rules names a workbook or a data source
another_id 404009 the body names another id than the address
no_rule 404014 that grantee has no such rule
opposite_rule 409010 the opposite mode of that rule exists
denied 403004 the caller may not do that with it
not_owner 403004 only the owner of a data alert and administrators change it or choose who else gets it
recipient_denied 403004 the person named may not see the content
no_address 403064 the person named has no e-mail address
owner_denied 403004 the caller may not give it another owner
place_denied 403004 the caller may not put it into that project
locked 403004 its rules are locked to a project or database above
tabs_shown 403004 its rules are those of the workbook, whose tabs are shown
default_kept 403004 it is the Default project, which stays as it is
name_taken 409012 something of that kind has that name there
invalid_role 400013 the site role is not one that can be given
invalid_quota 400000 a quota is no number above nought
invalid_admin_mode 400013 the administration mode is none there is
quotas_at_odds 409004 the quotas, the seats or the administration mode exclude each other
url_taken 409002 another site has that content URL
default_site_kept 403002 the Default site is not deleted
same_site 403070 the session is on that site already
malformed_payload 400000 the part that describes the file is missing, or no XML
nameless 400000 what is published has no name
no_subject 400067 a subscription has no subject
wrong_target 400068 a subscription is to something else than a view or a workbook
no_label 400005 a favourite has no label
label_taken 409007 another favourite of that kind has that label
not_marked 404010 the person named has not marked it
no_way_there 401003 the site to switch to is not there for the caller
self 403009 nobody changes his own site role
guest_kept 403009 the guest is not changed
renamed_import 403020 a group of the directory keeps the name it has there
malformed_import 400019 an import lacks its source, its domain or its site role
no_directory 403011 the server has no directory
no_domain 404016 the directory has no such domain, or it cannot be imported from
not_in_directory 404002 the directory has nobody of that name, or several
no_such_directory_group 404017 the directory has no group of that name
directory_silent 400104 the directory does not answer
no_room 403008 the site's storage quota leaves no room for it
too_large 413000 it is larger than one request may be
missing_file 400000 the request has no file
two_files 400000 the request has a file and names an upload, or has two files
wrong_extension 400011 the name of the file ends in nothing that this kind is published from
wrong_type 400011 the type of an uploaded file is missing or none of this kind
not_published 400011 the file cannot be published
incompatible_modes 400055 it cannot both overwrite and append
history_off 403053 the site keeps no revisions
current_revision 403055 the current revision is not deleted
tags_refused 400003 a tag is too long, or there are too many
file_based 409070 it stands on a file, of which there is no extract to make
job_done 403091 the job is over
unknown_upload 404015 no upload of that id is under way
foreign_site_401 401002 the session is on another site than that of the address
foreign_site_403 403004 the session is on another site than that of the address
foreign_site_404 404000 the session is on another site than that of the address
refused_by_id 403004 its project, or of a workbook the first sheet, is hidden from the caller
bad_filter 400065 the list is not filtered or sorted by that
unknown_site 404000 no site has that id
unknown_user 404002 no user has that id
unknown_group 404012 no group has that id
unknown_groupSet 404040 no group set has that id
unknown_project 404005 no project has that id
unknown_workbook 404006 no workbook has that id
unknown_view 404011 no view has that id
unknown_datasource 404004 no data source has that id or name
unknown_flow 404027 no flow has that id
unknown_job 404018 no job has that id
other_task 404026 the task is of another kind
other_schedule 400047 the schedule is for tasks of another kind
bad_intervals 409004 the intervals of a schedule do not fit its frequency
unknown_schedule 404023 no schedule has that id
unknown_subscription 404025 no subscription has that id
unknown_dataAlert 409023 no data alert has that id
unknown_task 404026 no task has that id
unknown_revision 404024 no revision has that number
unknown_connection 404020 it has no connection of that id
unknown_tag 404007 it has no such tag
not_settable_by_rest 400013 server administrators are not made here
group_set_exists 409120 a group set of that name exists
guest_cannot_own 403004 the guest user cannot own content
site_role 403004 the site role of that user does not allow it
invalid_site_role 400013 the site role is not one that can be given
guest_not_addable 409005 the guest user cannot be added or made
user_exists 409017 the user is already on the site
group_exists 409009 a group of that name exists
already_member 409011 the user is already a member of the group
not_member 404022 the user is not a member of the group
no_seat 409014 the server has no licence left for that site role
glsi_floor 400003 the payload is malformed or incomplete
owns_content 409003 the user owns content and was set to Unlicensed instead of being removed
owns_content_all_users_glsi 409003 the user owns content and All Users grants a role on sign-in
all_users 403004 the group All Users cannot be changed this way
"""


class Reason(NamedTuple):
    """Why something is refused: the usual code and the words."""

    code: str
    words: str


REASONS: Mapping[str, Reason] = {
    name: Reason(code, words)
    for name, code, words in (line.split(maxsplit=2) for line in _REASONS.strip().splitlines())
} | {name: Reason(code, f"refused: {name}") for name, code in REFUSAL_CODES.items() if name == "unlicensed"}


class Refusal(Exception):
    """What the sandbox answers instead of doing it: why, a word of `REASONS` or a code, and what a person can do.

    `code` is the usual one; `error_table.told` knows the endpoints that answer another.
    """

    def __init__(self, reason: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        usual = REASONS[reason].code if reason in REASONS else reason
        super().__init__(f"{usual}: {detail}")
        self.reason = reason
        self.code = CODES[usual]
        self.detail = detail
        self.headers = headers or {}


def unknown(kind: str, words: str) -> Refusal:
    """The refusal for an object that is not on this site, whatever exists on another."""
    reason = f"unknown_{kind}"
    return Refusal(reason if reason in REASONS else "404003", f"{kind} `{words}` could not be found")


def because(reason: str) -> Refusal:
    """The refusal for a reason code of an effect; the texts of Cloud that mislead are kept misleading."""
    known = REASONS.get(reason)
    return Refusal(reason, known.words) if known else Refusal("400000", f"refused: {reason}")
