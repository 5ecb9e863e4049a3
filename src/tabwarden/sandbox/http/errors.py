"""The one table of Tableau's error codes and how the reasons of our own floors map to them.

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
    Code("400101", 400, "Directory import not available", "B", "no source names a code"),
    Code("400102", 400, "Invalid domain", "B", "no source names a code for a domain that cannot be imported from"),
    Code("400103", 400, "Not in the directory", "B", "no source names a code for a name that is nobody, or two"),
    Code("400104", 400, "Directory not available", "B", "no source names a code for a directory that does not answer"),
    Code("401000", 401, "Unauthorized Access", "V", "knowledge base article 001498381"),
    Code("401001", 401, "Signin Error", "V", "migration SDK, tableau-mcp"),
    Code("401002", 401, "Unauthorized Access", "V", "migration SDK, error table of VizQL Data Service"),
    Code("403004", 403, _FORBIDDEN, "B", "generic refusal; not seen in a client"),
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
    Code("404006", 404, _MISSING, "B", "unknown workbook"),
    Code("404011", 404, _MISSING, "B", "unknown view"),
    Code("404012", 404, _MISSING, "B", "unknown group"),
    Code("404013", 404, _MISSING, "B", "unknown data source"),
    Code("404018", 404, _MISSING, "V", "unknown job"),
    Code("404022", 404, _MISSING, "V", "logs of a provisioner against Cloud: not a member of the group"),
    Code("404023", 404, "Schedule not found", "D", "REST error table: unknown schedule"),
    Code("404026", 404, "Task not found", "D", "REST error table: unknown task"),
    Code("404032", 404, _MISSING, "B", "unknown flow"),
    Code("404040", 404, _MISSING, "B", "unknown group set"),
    Code("404050", 404, _MISSING, "B", "no such permission rule"),
    Code("405000", 405, "Method Not Allowed", "D", "public documentation of error handling"),
    Code("408000", 408, "Request Timeout", "V", "error table of VizQL Data Service"),
    Code("409000", 409, _CONFLICT, "V", "user conflict: error table of VizQL Data Service"),
    Code("409001", 409, _CONFLICT, "B", "site name or content URL in use; no source names a code"),
    Code("409003", 409, _CONFLICT, "B", "removing a user who owns content; 409 is documented, the six digits are not"),
    Code(
        "409004", 409, "Bad request", "D", "REST error table, which gives it with status 400: intervals that do not fit"
    ),
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
CODES: Mapping[str, Code] = {code.code: code for code in _TABLE}

UNKNOWN_OBJECT: Mapping[str, str] = {
    "user": "404002",
    "group": "404012",
    "groupSet": "404040",
    "project": "404005",
    "workbook": "404006",
    "view": "404011",
    "datasource": "404013",
    "flow": "404032",
    "job": "404018",
    "schedule": "404023",
    "task": "404026",
}
REASONS: Mapping[str, str] = {
    **REFUSAL_CODES,
    "not_settable_by_rest": "400013",
    "group_set_exists": "409120",
    "guest_cannot_own": "403004",
    "site_role": "403004",
}
_WORDED: Mapping[str, str] = {
    "invalid_site_role": "the site role is not one that can be given",
    "guest_not_addable": "the guest user cannot be added or made",
    "user_exists": "the user is already on the site",
    "group_exists": "a group of that name exists",
    "already_member": "the user is already a member of the group",
    "not_member": "the user is not a member of the group",
    "no_seat": "the server has no licence left for that site role",
    "glsi_floor": "the payload is malformed or incomplete",
    "owns_content": "the user owns content and was set to Unlicensed instead of being removed",
    "owns_content_all_users_glsi": "the user owns content and All Users grants a role on sign-in",
    "all_users": "the group All Users cannot be changed this way",
    "not_settable_by_rest": "server administrators are not made here",
    "group_set_exists": "a group set of that name exists",
    "guest_cannot_own": "the guest user cannot own content",
    "site_role": "the site role of that user does not allow it",
}


class Refusal(Exception):
    """What the sandbox answers instead of doing it: a code of the table and a detail a person can act on."""

    def __init__(self, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = CODES[code]
        self.detail = detail
        self.headers = headers or {}


def unknown(kind: str, words: str) -> Refusal:
    """The refusal for an object that is not on this site, whatever exists on another."""
    return Refusal(UNKNOWN_OBJECT.get(kind, "404003"), f"{kind} `{words}` could not be found")


def because(reason: str) -> Refusal:
    """The refusal for a reason code of an effect; the texts of Cloud that mislead are kept misleading."""
    return Refusal(REASONS.get(reason, "400000"), _WORDED.get(reason, f"refused: {reason}"))
