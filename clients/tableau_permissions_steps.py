"""tableau-permissions: exports, makes projects and groups, sets permissions by its own matrix, audits, clears."""

import re

from steps import ADMIN, SECRET, SITE, TOKEN, URL, run, same

VARIABLES = {
    "TABLEAU_SERVER_TEST": URL,
    "TABLEAU_SITENAME_TEST": SITE,
    "TABLEAU_PERSONAL_ACCESS_TOKEN_NAME_TEST": TOKEN,
    "TABLEAU_PERSONAL_ACCESS_TOKEN_VALUE_TEST": SECRET,
}
# The program ends with 0 whatever the server says, so what it prints is looked at.
STEPS = {
    "create projects": ("-cp",),
    "create groups": ("-cg",),
    "set permissions": ("-pp", "-wp"),
    "set metric permissions": ("-mp",),
    "audit": ("-ap", "-aag", "-lgn", "-lpa", "workbook", "-lr", ADMIN, "-lg", ADMIN),
    "export": ("-ec", "exported"),
    "clear All Users": ("-cpau",),
}
for step, options in STEPS.items():
    printed = run(step, "tableau-permissions", "-e", "test", *options, **VARIABLES)
    same(f"{step}: nothing is refused", sorted(set(re.findall(r"^\s*(\d{6}: .*)$", printed, re.MULTILINE))), [])
    if step == "audit":
        same("the role", "ROLE: SiteAdministratorCreator" in printed, True)
