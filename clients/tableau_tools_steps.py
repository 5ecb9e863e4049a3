"""tableau-tools: a site read, a project with its rules and a group made, extracts put on a schedule, all as objects.

It speaks the API of Tableau 2019.3, the newest it knows.
"""

from tableau_tools import TableauServerRest35

from steps import ROOT, SITE, URL, do, same

server = TableauServerRest35(server=URL, username=ROOT, password=ROOT, site_content_url=SITE)
do("sign in", server.signin)
do("server info", server.query_server_info)
for room, *calls in (
    ("sites", "query_sites", "query_sites_json", "query_all_site_content_urls"),
    ("projects", "query_projects", "query_projects_json"),
    ("groups", "query_groups", "query_groups_json"),
    ("users", "query_users", "query_users_json"),
    ("workbooks", "query_workbooks", "query_workbooks_json", "query_views", "query_views_json"),
    ("datasources", "query_datasources", "query_datasources_json"),
    ("schedules", "query_schedules", "query_schedules_json", "query_extract_schedules"),
    ("extracts", "get_extract_refresh_tasks"),
    ("flows", "get_flow_run_tasks", "query_flows_for_a_site"),
    ("metadata", "query_databases", "query_tables"),
    ("subscriptions", "query_subscriptions"),
    ("alerts", "query_data_driven_alerts"),
):
    for call in calls:
        do(f"{room}.{call}", getattr(getattr(server, room), call))
do("favorites", server.favorites.query_user_favorites, ROOT)
do("one schedule by name", server.schedules.query_schedule, "Saturday night")
do("views of a workbook", server.workbooks.query_workbook_views, "Budget")
do("connections", server.workbooks.query_workbook_connections, "Budget")
do("revisions", server.revisions.get_workbook_revisions, "Budget")
do("people of a group", server.groups.query_users_in_group, "Finance")
do("lineage", server.metadata.graphql, "{ tables { name columns { name } } }")

do("a group", server.groups.create_group, "New people")
do("its member", server.groups.add_users_to_group, [ROOT], "New people")
do("a project", server.projects.create_project, "New", project_desc="new", locked_permissions=True)
project = do("the project again", server.projects.query_project, "New")
rules = do("rules for the group", lambda: project.get_permissions_obj(group_name_or_luid="New people", role="Viewer"))
do("rules are set", lambda: project.set_permissions([rules]))
read = do("rules are read", lambda: project.get_permissions_obj_list())
group = server.query_group_luid("New people")
same("the group is among them", group in {one.luid for one in read or ()}, True)
do("default rules", lambda: project.workbook_defaults.get_permissions_obj_list())

do("a schedule", server.schedules.create_daily_extract_schedule, "Nightly", "23:00:00")
do("it is suspended", server.schedules.disable_schedule, "Nightly")
do("a workbook on it", server.schedules.add_workbook_to_schedule, "Budget", "Nightly")
do("a data source on it", server.schedules.add_datasource_to_schedule, "Orders", "Nightly")
tasks = do("what is on it", server.extracts.get_extract_refresh_tasks_on_schedule, "Nightly")
do("a task is run", lambda: server.extracts.run_extract_refresh_task(tasks[0].get("id")))
do("all on it are run", server.extracts.run_all_extract_refreshes_for_schedule, "Nightly")
do("it is deleted", server.schedules.delete_schedule, "Nightly")
do("sign out", server.signout)
