"""The demo's story: public commands run as processes on the sandbox, their real output, one fact checked of each."""

from __future__ import annotations

import csv
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from tabwarden.access.reference import may
from tabwarden.model.errors import TabwardenError
from tabwarden.model.site import Site
from tabwarden.questions import Questions
from tabwarden.run.history import LAST, open_either
from tabwarden.run.plans import load_plan
from tabwarden.run.usage import keep_activity
from tabwarden.sandbox.worlds.acme import TOKEN_NAME, TOKEN_SECRET, VIEWERS, acme
from tabwarden.settings import load

SITE = "acme"
SECRET = "DEMO_TOKEN_SECRET"
JOINERS, LEAVERS = 12, 3
SALARIES = "HR/Salaries"
CHANGE = "allow View on Finance to group Auditors"
INVARIANTS = """\
invariants:
- name: Salaries are for HR
  only: ["group HR*", owners]
  may: View
  on: HR/Salaries
"""
STORE = Path(".tabwarden")
ACTIVITY = "activity.jsonl"
DAYS_AGO = (0, 1, 3, 6, 12, 25, 60, 150, 300)  # when a workbook was last opened
MOST_OPENED = 25  # people who opened a workbook
SETTINGS = """\
tableau:
  server: {url}
  site: {site}
  auth:
    pat: {{name: {token}, secret: "env:{secret}"}}
sources:
  joiners: {{type: file, path: joiners.csv}}
  leavers: {{type: file, path: leavers.csv}}
provision:
  group: {{name: {group}, minimum_site_role: Viewer}}
"""

Say = Callable[[str], None]
REMOVER = """
import shutil, sys, time
ended_well = sys.stdin.read()
for _ in range(1 if ended_well else 8):  # a command that is still running may write once more
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    time.sleep(0 if ended_well else 1)
"""


@contextmanager
def folder_that_goes() -> Iterator[Path]:
    """A folder that is gone afterwards, whatever ends this process: another one waits for its end."""
    place = tempfile.mkdtemp(prefix="tabwarden-demo-")
    remover = subprocess.Popen(
        [sys.executable, "-c", REMOVER, place],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Path(place).resolve()
    finally:
        remover.communicate(b"gone")


@dataclass(slots=True)
class Story:
    """One telling: the folder the commands run in, the seed of the world, where the words go."""

    folder: Path
    seed: int
    say: Say
    chapter: int = 0

    def tell(self) -> None:
        """From the start of the sandbox to the undo; TabwardenError when a fact does not hold."""
        with self.sandbox() as url:
            self.settle_in(url)
            before = self._read_before()
            leavers = self._plan(before)
            self._apply(before, leavers)
            self._why(before, leavers[0])
            self._undo(before)
        self._what_next()

    @contextmanager
    def sandbox(self) -> Iterator[str]:
        """A sandbox with the world of the story; its address."""
        self._title("Tableau in a box: an invented company, real REST")
        words = ["sandbox", "--world", "acme", "--seed", str(self.seed), "--port", "0", "--until-eof"]
        self.say(f"$ tabwarden {shlex.join(words)} &")
        process = subprocess.Popen(
            _command(words),
            cwd=self.folder,
            env=self._environment(),
            text=True,
            stdin=subprocess.PIPE,  # which ends with us, even by SIGKILL
            stdout=subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            line = next((said for said in process.stdout if said.startswith("listening on ")), "")
            self.say(line.rstrip())
            self._fact(line.startswith("listening on http://127.0.0.1:"), "it listens, on this machine only")
            yield line.removeprefix("listening on ").strip()
        finally:
            process.terminate()
            process.wait(timeout=10)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()

    def settle_in(self, url: str) -> None:
        """Write the settings that name it."""
        text = SETTINGS.format(url=url, site=SITE, token=TOKEN_NAME, secret=SECRET, group=VIEWERS)
        (self.folder / "settings.yaml").write_text(text, encoding="utf-8")

    def furnish(self) -> None:
        """What pages show beside a site: an invariant, use, a change that was applied, a plan that waits, a mirror."""
        (self.folder / "invariants.yaml").write_text(INVARIANTS, encoding="utf-8")
        self.run("read")
        self._write_activity(self._newest())
        # As `read --activity` does; a process of its own would take twice as long.
        keep_activity(load(self.folder / "settings.yaml", self._environment()), [self.folder / ACTIVITY])
        self.run("plan", "change", CHANGE, expect=2)
        self.run("apply", self._relative(self._newest_plan()), "--yes")
        self.run("read")
        self._write_lists(self._newest())
        self.run("plan", "provision", expect=2, shown=3)
        self.run("mirror")

    def _read_before(self) -> Site:
        self._title("Read the site, whole or not at all")
        self.run("read")
        site = self._newest()
        invented = next(s for s in acme(self.seed).sites if s.content_url == SITE)
        self._fact(len(site.users) == len(invented.users), f"all {len(site.users)} people of the invented company")
        return site

    def _plan(self, site: Site) -> list[str]:
        leavers = self._write_lists(site)
        self._title("Joiners and leavers: the plan, and what it does to people")
        self.run("plan", "provision", expect=2)
        plan = load_plan(self._newest_plan())
        added, lowered = len(plan.impact.join), len(plan.impact.lose_licence)
        facts = (added, lowered, len(plan.held)) == (JOINERS, LEAVERS, 1)
        self._fact(facts, f"{added} join, {lowered} lose their licence, 1 is held, and nothing was written yet")
        return leavers

    def _apply(self, before: Site, leavers: list[str]) -> None:
        self._title("Apply the plan: what was looked at is what is done")
        self.run("apply", self._relative(self._newest_plan()), "--yes", expect=1)
        self._fact(True, "exit code 1, so that cron tells: a leaver who is held keeps a licence")  # `_run` saw to it
        self.run("read")
        now = self._newest()
        gone = all(now.find_user(name).site_role == "Unlicensed" for name in leavers)
        more = len(now.users) - len(before.users)
        self._fact(gone and more == JOINERS, f"{more} more people on the site, all {len(leavers)} leavers Unlicensed")

    def _why(self, before: Site, leaver: str) -> None:
        self._title("Why? For one person, with the trace")
        outsider = _outsider(before)
        self.run("why", outsider, "View", SALARIES)
        self.run("why", leaver, "View", SALARIES)
        now = self._newest()
        content = now.find_content(SALARIES).id
        answers = [may(now, now.find_user(name).id, "Read", content) for name in (outsider, leaver)]
        reasons = [answer.because for answer in answers]
        self._fact(reasons == ["group_allow", "site_role"], "All Users lets everybody in, the site role keeps one out")

    def _undo(self, before: Site) -> None:
        self._title("Undo: a plan too, with an impact of its own")
        self.run("plan", "undo", "--last", expect=2)
        self.run("apply", self._relative(self._newest_plan()), "--yes")
        self.run("read")
        same = _people(self._newest()) == _people(before)
        self._fact(same, f"the same {len(before.users)} people with the same roles and groups as before")

    def _what_next(self) -> None:
        self.say("")
        self.say("What to type next (in a repository after `source .venv/bin/activate`)")
        self.say("  tabwarden sandbox          the same company, to play with; sign in as admin")
        self.say("  tabwarden serve --demo     the same company in your browser, at http://127.0.0.1:8740")
        self.say("  tabwarden help first-hour  the first hour with it, step by step")
        self.say("Your own Tableau, read-only, in a folder of its own:")
        self.say("  tabwarden init             asks for server, site, token; tests the sign-in")
        self.say("  tabwarden read             lists and rules only; it cannot write to Tableau")
        self.say("  tabwarden who View PROJECT/WORKBOOK")

    def _title(self, words: str) -> None:
        self.chapter += 1
        self.say("")
        self.say(f"{self.chapter}. {words}")

    def _fact(self, holds: bool, words: str) -> None:
        if not holds:
            raise TabwardenError(f"the demo expected otherwise: {words}; please report it with the output above")
        self.say(f"✓ {words}")

    def run(self, *words: str, expect: int = 0, shown: int | None = None) -> None:
        """One command, what it says (so many lines of it), and the exit code it must have."""
        self.say(f"$ tabwarden {shlex.join(words)}")
        done = subprocess.run(
            _command(words),
            cwd=self.folder,
            env=self._environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        lines = done.stdout.rstrip().splitlines()
        self.say("\n".join([*lines[:shown], *(["..."] if lines[shown:] and shown is not None else [])]))
        if done.returncode != expect:
            raise TabwardenError(f"`tabwarden {shlex.join(words)}` ended with exit code {done.returncode}")

    def _environment(self) -> dict[str, str]:
        looked_at = {"COLUMNS": str(shutil.get_terminal_size().columns), "TABWARDEN_SCREEN": "1"}
        return {**os.environ, **looked_at, SECRET: TOKEN_SECRET, "PYTHONUNBUFFERED": "1"}

    def _newest(self) -> Site:
        return open_either(LAST, str(self.folder / STORE), SITE)

    def _newest_plan(self) -> Path:
        plans = (self.folder / STORE / "plans").glob("*.json")
        return max(plans, key=lambda path: (path.stat().st_mtime_ns, path.name))

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self.folder))

    def _write_lists(self, site: Site) -> list[str]:
        """Twelve new people, three who leave, one in both lists; the names grow from the world."""
        viewers = sorted(u.name for u in site.users.values() if u.site_role == "Viewer")
        leavers, both = viewers[:LEAVERS], viewers[LEAVERS]
        joiners = [f"new.colleague{n}@acme.example" for n in range(1, JOINERS + 1)]
        self._write_list("joiners.csv", [*joiners, both])
        self._write_list("leavers.csv", [*leavers, both])
        return leavers

    def _write_activity(self, site: Site) -> None:
        """Who opened which workbook, as an activity log tells it: some of those who may, most of them lately."""
        dice, questions, now = Random(self.seed), Questions(site), datetime.now(UTC)
        with (self.folder / ACTIVITY).open("w", encoding="utf-8") as file:
            for book in (one for one in site.contents.values() if one.kind == "workbook"):
                people = sorted(questions.who_ids("Read", book.id))
                for user in dice.sample(people, min(len(people) // 2, MOST_OPENED)):
                    when = (now - timedelta(days=dice.choice(DAYS_AGO))).isoformat()
                    event = {"eventTime": when, "eventType": "hist_access_workbook", "siteLuid": site.id}
                    file.write(json.dumps(event | {"actorUserLuid": user, "workbookLuid": book.id}) + "\n")

    def _write_list(self, name: str, people: list[str]) -> None:
        with (self.folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["Email Address"], *([person] for person in people)])


def _command(words: tuple[str, ...] | list[str]) -> list[str]:
    return [sys.executable, "-m", "tabwarden", *words]


def _outsider(site: Site) -> str:
    """Somebody outside HR who sees the salaries nevertheless, because All Users may."""
    content = site.find_content(SALARIES).id
    for user in sorted(site.users.values(), key=lambda u: u.name):
        answer = may(site, user.id, "Read", content)
        groups = {site.groups[rule.grantee.id].name for rule in answer.deciding if rule.grantee.kind == "group"}
        if answer.because == "group_allow" and groups == {"All Users"}:
            return user.name
    raise TabwardenError("the demo found nobody outside HR; please report it with the seed you used")


def _people(site: Site) -> str:
    """Everybody with role and groups, by name: what must be the same after an undo."""
    rows = {
        user.name: [user.site_role, sorted(site.groups[g].name for g in site.groups_of(user.id))]
        for user in site.users.values()
    }
    return json.dumps(rows, sort_keys=True)
