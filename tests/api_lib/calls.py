"""Runs inside the clients' environment: a script of tableau-api-lib's calls against one sandbox, told as JSON lines.

Each line of the script is the library's own method with its arguments; `{name}` stands for an id that an earlier call
gave. Then the library's data frames. Prints {"call", "status", "found"} or {"frame", "rows", "columns"} a line, where
`found` is the number of things listed, or null.
"""

import json
import sys
import warnings

from tableau_api_lib import TableauServerConnection
from tableau_api_lib.utils import querying

warnings.simplefilter("ignore")  # of pandas, about the library's own style

READ, NO_EXPORT = {"Read": "Allow"}, {"ExportData": "Deny"}
# What the call makes is remembered under the first word; "" makes nothing.
SCRIPT = (
    ("", "sign_in", {}),
    ("", "server_info", {}),
    ("", "query_sites", {}),
    ("user", "add_user_to_site", {"user_name": "tina", "site_role": "Explorer"}),
    ("", "update_user", {"user_id": "{user}", "new_full_name": "Tina Adams", "new_site_role": "Viewer"}),
    ("", "get_users_on_site", {}),
    ("group", "create_group", {"new_group_name": "Readers"}),
    ("", "add_user_to_group", {"group_id": "{group}", "user_id": "{user}"}),
    ("", "get_users_in_group", {"group_id": "{group}"}),
    ("", "get_groups_for_a_user", {"user_id": "{user}"}),
    ("", "query_groups", {}),
    ("project", "create_project", {"project_name": "Reports"}),
    ("below", "create_project", {"project_name": "Plans", "parent_project_id": "{project}"}),
    ("", "update_project", {"project_id": "{project}", "project_name": "Readings"}),
    ("", "query_projects", {}),
    (
        "",
        "add_project_permissions",
        {"project_id": "{project}", "group_id": "{group}", "group_capability_dict": {"Read": "Allow", "Write": "Deny"}},
    ),
    ("", "query_project_permissions", {"project_id": "{project}"}),
    (
        "",
        "delete_project_permission",
        {
            "project_id": "{project}",
            "delete_permissions_object": "group",
            "delete_permissions_object_id": "{group}",
            "capability_name": "Write",
            "capability_mode": "Deny",
        },
    ),
    (
        "",
        "add_default_permissions",
        {
            "project_id": "{project}",
            "project_permissions_object": "workbook",
            "group_id": "{group}",
            "group_capability_dict": READ | NO_EXPORT,
        },
    ),
    (
        "",
        "add_default_permissions",
        {
            "project_id": "{project}",
            "project_permissions_object": "datasource",
            "user_id": "{user}",
            "user_capability_dict": {"Connect": "Allow"},
        },
    ),
    ("", "query_default_permissions", {"project_id": "{project}", "project_permissions_object": "workbook"}),
    ("", "query_default_permissions", {"project_id": "{project}", "project_permissions_object": "flow"}),
    (
        "",
        "delete_default_permission",
        {
            "project_id": "{project}",
            "project_permissions_object": "workbook",
            "delete_permissions_object": "group",
            "delete_permissions_object_id": "{group}",
            "capability_name": "ExportData",
            "capability_mode": "Deny",
        },
    ),
    ("", "query_workbooks_for_site", {}),
    ("", "query_workbooks_for_user", {"user_id": "{user}"}),
    ("", "query_flows_for_user", {"user_id": "{user}"}),
    ("", "query_data_sources", {}),
    ("", "query_flows_for_site", {}),
    ("", "metadata_graphql_query", {"query": "{ workbooks { name } }"}),
)
FRAMES = (
    ("get_users_dataframe", ()),
    ("get_groups_dataframe", ()),
    ("get_group_users_dataframe", ("{group}",)),
    ("get_projects_dataframe", ()),
    ("get_workbooks_dataframe", ()),
    ("get_views_dataframe", ()),
    ("get_datasources_dataframe", ()),
)
TIDYING = (
    ("", "remove_user_from_group", {"group_id": "{group}", "user_id": "{user}"}),
    ("", "delete_group", {"group_id": "{group}"}),
    ("", "remove_user_from_site", {"user_id": "{user}"}),
    ("", "delete_project", {"project_id": "{project}"}),
    ("", "sign_out", {}),
)


def main():
    """Run the script against the address in the arguments."""
    signing_in = {"server": sys.argv[1], "api_version": "3.27", "username": "ada", "password": "ada"}
    connection = TableauServerConnection(
        {"here": {**signing_in, "site_name": "sandbox", "site_url": "sandbox"}}, "here"
    )
    made = {}
    for call in SCRIPT:
        told(connection, made, *call)
    for name, arguments in FRAMES:
        frame = getattr(querying, name)(connection, *(filled(word, made) for word in arguments))
        print(json.dumps({"frame": name, "rows": frame.shape[0], "columns": sorted(frame.columns)}))
    for call in TIDYING:
        told(connection, made, *call)


def told(connection, made, kind, method, arguments):
    """One call; what it made is kept under its kind."""
    answer = getattr(connection, method)(**{name: filled(given, made) for name, given in arguments.items()})
    body = answer.json() if answer.content else {}
    if kind:
        ((_name, thing),) = ((n, v) for n, v in body.items() if n != "pagination")
        made[kind] = thing["id"]
    print(json.dumps({"call": method, "status": answer.status_code, "found": count_in(body)}))


def filled(given, made):
    """An id where an argument asks for one."""
    return made.get(given[1:-1], given) if isinstance(given, str) else given


def count_in(body):
    """How many things a list holds, None for anything else."""
    pages = body.get("pagination")
    return int(pages["totalAvailable"]) if pages else None


if __name__ == "__main__":
    main()
