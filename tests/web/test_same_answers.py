"""Of every documented case a page, the API, the command line and the public face give the same answer, the expected."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

from command_line import run
from pages_in_process import done, served_in
from paths import CASES

import tabwarden
from tabwarden.cases.file import content_id, load, site_of
from tabwarden.store.snapshot import save

FILES = ("tableau_cases.json", "documents.json", "edges.json")
VERDICTS = {"allow": "allowed", "deny": "denied"}


def cases() -> list[dict[str, Any]]:
    """Those that ask for a capability, with nothing settled otherwise than it is documented."""
    every = [case.raw for file in FILES for case in load(CASES / file) if case.kind == "capability"]
    return [case for case in every if case["expected"] in VERDICTS and not case.get("open_points")]


def test_of_every_case_all_four_say_the_same(tmp_path: Path) -> None:
    served, every = served_in(tmp_path / "store"), cases()
    assert len(every) > 500

    async def asked() -> list[tuple[dict[str, Any], str]]:
        answers = []
        async with served.client("adm", "auditor") as client:
            for case in every:
                site = site_of(case["setup"])
                served.show(site)
                query = _query(case, str(content_id(site, case["question"]["object"])))
                document = (await client.get("/api/v1/why", params=query)).json()
                answers.append((document, written((await client.get("/check/why", params=query)).text)))
        return answers

    wrong = []
    for case, (document, page) in zip(every, done(asked()), strict=True):
        site = site_of(case["setup"])
        query = _query(case, str(content_id(site, case["question"]["object"])))
        folder = save(site, tmp_path / "site", durable=False)
        words = (query["user"], query["capability"], query["content"])
        typed = run("why", *words, "--model", query["model"], "--snapshot", folder, "--json").stdout
        answer = tabwarden.open(folder, model=query["model"]).why(*words)
        same = json.loads(typed) == document and answer.sentence == document["sentence"] and answer.sentence in page
        verdicts = {VERDICTS[case["expected"]], document["verdict"], answer.verdict}
        if not same or len(verdicts) > 1 or f'<div class="answer {answer.verdict}">' not in page:
            wrong.append((case["id"], document.get("sentence", document), answer.sentence))
    assert wrong == []


def written(page: str) -> str:
    """A page as letters: what it shows as code has back-ticks in a sentence."""
    return unescape(re.sub("</?code>", "`", page))


def _query(case: dict[str, Any], content: str) -> dict[str, str]:
    """What is asked; `both` models are one of them."""
    question, model = case["question"], case["model"]
    asked_for = {"user": question["user"], "capability": f"capability:{question['capability']}", "content": content}
    return {**asked_for, "model": "current" if model == "both" else model}
