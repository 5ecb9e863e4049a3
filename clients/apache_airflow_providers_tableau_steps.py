"""apache-airflow-providers-tableau: its operator refreshes, runs and deletes, its sensor waits, its hook lists."""

import json
import os

from steps import FOLDER, ROOT, SITE, URL, do, same

os.environ["AIRFLOW_HOME"] = str(FOLDER)
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW_CONN_TABLEAU_DEFAULT"] = json.dumps(
    {"conn_type": "tableau", "host": URL, "login": ROOT, "password": ROOT, "extra": {"site_id": SITE}}
)

from airflow.providers.tableau.hooks.tableau import TableauHook
from airflow.providers.tableau.operators.tableau import TableauOperator
from airflow.providers.tableau.sensors.tableau import TableauJobStatusSensor


def operate(step: str, resource: str, method: str, find: str, **more):
    operator = TableauOperator(task_id="step", resource=resource, method=method, find=find, check_interval=0.1, **more)
    return do(step, operator.execute, {})


def names(resource: str) -> list[str]:
    with TableauHook() as hook:
        return sorted(one.name for one in hook.get_all(resource))


same("what the hook lists", names("workbooks"), ["Budget"])
operate("refresh a workbook", "workbooks", "refresh", "Budget", match_with="name")
operate("refresh it incrementally", "workbooks", "refresh", "Budget", match_with="name", incremental_refresh=True)
job = operate("refresh a data source", "datasources", "refresh", "Orders", match_with="name", blocking_refresh=False)
do("its job is waited for", lambda: TableauJobStatusSensor(task_id="wait", job_id=job).poke({}))
with TableauHook() as hook:
    tasks = list(hook.get_all("tasks"))
operate("run a task", "tasks", "run", tasks[0].id)
operate("delete a task", "tasks", "delete", tasks[0].id)
operate("delete a group", "groups", "delete", "Marketing", match_with="name")
operate("remove a user", "users", "remove", "vic@shop.example", match_with="name")
operate("delete a workbook", "workbooks", "delete", "Budget", match_with="name")
same("nothing of it is left", names("workbooks"), [])
