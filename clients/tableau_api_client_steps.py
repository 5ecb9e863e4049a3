"""tableau-api-client: every list and item it knows, read into classes made from Tableau's schema; a schedule."""

from datetime import time

from tableau_api_client.models.ts_api import ScheduleTypeExecutionOrder, ScheduleTypeType
from tableau_api_client.tableau_api_client import TableauApiClient

from steps import ROOT, SITE, URL, do, same

KINDS = ScheduleTypeType.EXTRACT, ScheduleTypeExecutionOrder.PARALLEL
client = TableauApiClient(URL, api_version="3.23")
session = do("sign in", client.authentication.sign_in, ROOT, ROOT, SITE)
do("server info", client.server.server_info)


def listed(step, call, *arguments, **more):
    """The items of a list; those of a page where it comes in pages."""
    value = do(step, call, session, *arguments, **more)
    return list(value[-1] if isinstance(value, tuple) else value or ())


def named(items, name):
    return next(one for one in items if one.name == name)


sites, people, content = client.sites, client.users_groups, client.workbooks_views
jobs, rules = client.jobs_tasks_schedules, client.permissions
do("site by id", sites.query_site_by_id, session, session.site_id)
do("site by content URL", sites.query_site_by_content_url, session, SITE)
projects = listed("projects", client.projects.query_projects)
workbooks = listed("workbooks", content.query_workbooks_for_site)
views = listed("views", sites.query_views_for_site)
sources = listed("data sources", client.datasources.query_data_sources)
flows = listed("flows", client.flows.query_flows_for_site)
groups = listed("groups", people.query_groups)
users = listed("users", people.get_users_on_site)
same("how many", [len(items) for items in (projects, workbooks, views, sources, flows)], [4, 1, 2, 6, 1])
same("names", {one.name for one in groups}, {"All Users", "Marketing", "Finance"})
project, workbook, source = named(projects, "Finance"), named(workbooks, "Budget"), named(sources, "Orders")
group, user, flow, view = named(groups, "Finance"), named(users, "vic@shop.example"), flows[0], views[0]
same("a tag of the data source", [tag.label for tag in source.tags.tag], ["money"])
for step, call, *arguments in (
    ("workbook", content.query_workbook, workbook.id),
    ("its views", content.query_views_for_workbook, workbook.id),
    ("its connections", content.query_workbook_connections, workbook.id),
    ("its PDF", content.query_workbook_pdf, workbook.id),
    ("view", content.query_view, view.id),
    ("its data", content.query_view_data, view.id),
    ("its picture", content.query_view_image, view.id),
    ("its sheet", content.query_view_crosstab_excel, view.id),
    ("data source", client.datasources.query_data_source, source.id),
    ("its connections", client.datasources.query_data_source_connections, source.id),
    ("its revisions", client.revisions.get_data_source_revisions, source.id),
    ("flow", client.flows.query_flow, flow.id),
    ("its connections", client.flows.query_flow_connections, flow.id),
    ("flow tasks", client.flows.get_flow_run_tasks),
    ("flow runs", client.flows.get_flow_runs),
    ("linked tasks", client.flows.get_linked_tasks),
    ("user", people.query_user, user.id),
    ("groups of a user", people.get_groups_of_user, user.id),
    ("people of a group", people.get_users_in_group, group.id),
    ("rules of a project", rules.query_project_permissions, project.id),
    ("rules of a workbook", rules.query_workbook_permissions, workbook.id),
    ("rules of a view", rules.query_view_permissions, view.id),
    ("rules of a data source", rules.query_data_source_permissions, source.id),
    ("default rules", rules.query_default_permissions_for_workbooks, project.id),
    ("favorites", client.favorites.get_favorites_for_user, user.id),
    ("subscriptions", client.subscriptions.query_subscriptions),
    ("jobs", jobs.query_jobs),
):
    do(step, call, session, *arguments)
do("a schedule", jobs.create_daily_schedule, session, "Nightly", 50, *KINDS, time(23))
nightly = named(listed("schedules", jobs.query_schedules), "Nightly")
do("a workbook on it", rules.add_workbook_to_schedule, session, workbook.id, nightly.id, [])
extracts, _flow_tasks, _schedules = do("tasks", jobs.get_extract_refresh_tasks, session) or ((), (), ())
same("what is refreshed", sorted(bool(task.workbook) for task in extracts), [False, True, True])
do("a task", jobs.get_extract_refresh_task, session, extracts[0].id)
do("it is run", jobs.run_extract_refresh_task, session, extracts[0].id)
do("tasks of a schedule", jobs.query_extract_refresh_tasks, session, nightly.id)
do("it is deleted", jobs.delete_schedule, session, nightly.id)
do("a data source is refreshed", client.datasources.update_data_source_now, session, source.id)
do("sign out", client.authentication.sign_out, session)
