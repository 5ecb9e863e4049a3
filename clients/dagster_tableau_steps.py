"""dagster-tableau: a site as assets, its data source refreshed and materialised; signed in by a connected app."""

import os

from steps import ADMIN, FOLDER, SITE, do, same

os.environ |= {"DAGSTER_HOME": str(FOLDER), "REQUESTS_CA_BUNDLE": os.environ["AUTHORITY"]}

from dagster import AssetExecutionContext, materialize
from dagster_tableau import TableauServerWorkspace, load_tableau_asset_specs, tableau_assets

workspace = TableauServerWorkspace(
    connected_app_client_id="dagster",
    connected_app_secret_id="app",
    connected_app_secret_value="0123456789abcdef0123456789abcdef",
    username=ADMIN,
    site_name=SITE,
    server_name=os.environ["FRONT"].removeprefix("http://"),
)
specs = do("assets of the site", load_tableau_asset_specs, workspace=workspace) or ()
kinds = sorted({spec.tags.get("dagster-tableau/asset_type", "") for spec in specs})
same("what they are", kinds, ["data_source", "sheet"])
same("both sheets", sum(spec.tags.get("dagster-tableau/asset_type") == "sheet" for spec in specs), 2)


@tableau_assets(workspace=workspace, name="shop")
def shop(context: AssetExecutionContext, tableau: TableauServerWorkspace):
    yield from tableau.refresh_and_poll(context=context)


do("refresh and poll", lambda: materialize([shop], resources={"tableau": workspace}))
