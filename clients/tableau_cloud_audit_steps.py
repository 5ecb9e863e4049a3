"""tableau-cloud-audit: collects the whole site into one DuckDB file, by the address of a pod of Tableau Cloud."""

import os

from steps import ADMIN, FOLDER, SECRET, SITE, TOKEN, run, same

SECRETS = {
    "TCA_PAT_SECRET": SECRET,
    "HTTPS_PROXY": os.environ["FRONT"],
    "SSL_CERT_FILE": os.environ["AUTHORITY"],
    "COLUMNS": "200",
}
(FOLDER / "collector.toml").write_text(
    f'site = "{SITE}"\npod = "10ax"\npat_name = "{TOKEN}"\ndatabase = "shop.duckdb"\n'
)
MODULES = "rest_core,content,permissions,activity,metadata"
run("verify", "tca", "verify", **SECRETS)
run("collect", "tca", "collect", "--modules", MODULES, **SECRETS)
run("collect with subscriptions", "tca", "collect", "--modules", "automation", **SECRETS)
for command in ("summary", "runs", "diagnostics"):
    run(command, "tca", command, **SECRETS)
users = run("peek", "tca", "peek", "users", **SECRETS)
same("people are in the file", ADMIN in users, True)
