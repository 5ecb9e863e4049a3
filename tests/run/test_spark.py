"""Apache Spark works out what one machine does: on a local cluster of two worker processes, also on its bad days."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from paths import ROOT
from test_docs import DOCS, Terminal, console_blocks, matches

from tabwarden import cli
from tabwarden.engine.columns import Columns
from tabwarden.engine.convert import columns_of
from tabwarden.mirror.build import FACTS, MirrorRequest, mirrored
from tabwarden.mirror.match import Matches, tableau_people
from tabwarden.mirror.rows import COMPRESSED
from tabwarden.mirror.tables import Tables
from tabwarden.model.errors import TabwardenError
from tabwarden.model.site import Site, Taken
from tabwarden.run import spark, spark_work
from tabwarden.run.elsewhere import ELSEWHERE, Elsewhere, Work, whole
from tabwarden.run.mirror_blocks import seeing
from tabwarden.run.spark import Jobs, cluster
from tabwarden.run.spark_work import TASKS
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.settings.spark import Spark
from tabwarden.store import beside
from tabwarden.store.history import History

sys.path.insert(0, str(ROOT / "benchmarks"))
PAGE = DOCS / "how-to" / "spark.md"
MASTER = "local-cluster[2,1,1024]"
SERVER = "http://127.0.0.1:8080"
SETTINGS = f"""\
tableau: {{server: '{SERVER}', auth: {{pat: {{name: t, secret: 'plain:x'}}}}}}
sites: [acme, acme-europe, acme-lab, acme-gone]
mirror: {{sinks: [{{type: jsonl, folder: out}}]}}
invariants: invariants.yaml
"""
INVARIANTS = """\
invariants:
- name: Nobody publishes for everybody
  no_rule: {for: all users, mode: Allow}
  may: Overwrite
- name: Full data is for creators
  only: [role Creator, owners]
  may: Download Full Data
  on: {kind: workbook}
"""


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    """One cluster for all tests of this file; no Java is left behind."""
    folder = tmp_path_factory.mktemp("snapshots")
    with cluster(MASTER, Spark(path=str(folder), block=150)) as there:
        from pyspark import SparkContext

        java = SparkContext._gateway.proc  # type: ignore[union-attr]
        ELSEWHERE.set(None)  # each test says whether it uses it
        yield there
    assert java.poll() is not None


@contextmanager
def on(jobs: Jobs, block: int = 150, **section: Any) -> Iterator[None]:
    """Work is done there meanwhile."""
    before, jobs.section = jobs.section, jobs.section.model_copy(update=section)
    token = ELSEWHERE.set(Elsewhere(jobs.take, jobs.folder, block))
    try:
        yield
    finally:
        jobs.section = before
        ELSEWHERE.reset(token)


def sites() -> list[Site]:
    return list(find_world("acme").sites)[:3]


def kept(folder: Path) -> None:
    """A history of acme's sites, two snapshots of each, of which the first has fewer members of groups."""
    (folder / "settings.yaml").write_text(SETTINGS, encoding="utf-8")
    (folder / "invariants.yaml").write_text(INVARIANTS, encoding="utf-8")
    store = folder / ".tabwarden"
    store.mkdir()
    with History(store) as history:
        for hours in (1, 0):
            when = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="seconds").replace("+00:00", "Z")
            for site in sites():
                groups = {
                    key: replace(group, members=frozenset(sorted(group.members)[hours:]))
                    if group.members and not group.everyone
                    else group
                    for key, group in site.groups.items()
                }
                taken = Taken(SERVER, when, "admin", "ServerAdministrator")
                site = replace(site, groups=groups, taken=taken)
                beside.keep(store, history.keep(site), site)


def rows(tables: Tables) -> dict[str, frozenset[tuple[str, ...]]]:
    return {name: frozenset(table) for name, table in tables.items()}


def same_mirror(columns: Columns, people: Matches, form: str = COMPRESSED) -> bool:
    """Whether the mirror that is made elsewhere has the rows of the one made here."""
    request = MirrorRequest("acme", form)
    there = mirrored(columns, people, request, seeing=seeing).tables
    return rows(there) == rows(mirrored(columns, people, request).tables)


# -- the same as on one machine -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [COMPRESSED, FACTS])
def test_a_mirror_has_the_rows_of_one_machine(jobs: Jobs, form: str) -> None:
    columns = columns_of(sites()[0])
    with on(jobs):
        assert same_mirror(columns, tableau_people(columns), form)
    tasks = 1 if form == FACTS else 6  # circles are made of the whole site
    assert f"spark: {columns.about.name}: {tasks} task" in jobs.sentences[-1]
    assert "MiB a task of the 2,048 it may take" in jobs.sentences[-1]


def test_size_m_in_blocks_has_the_rows_of_one_machine(jobs: Jobs) -> None:
    from mirror import drawn
    from sites import site
    from tabwarden.mirror.match import match

    columns = site("M")
    with on(jobs, block=25_000):
        assert same_mirror(columns, match(drawn(columns, 200), columns))


def test_a_worker_that_is_killed_in_the_middle_changes_nothing(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mark, run = tmp_path / "killed", spark_work.run

    def dying(name: str, limit: int, shared: Any, table: Any) -> Any:
        if table["block"][0].as_py() == 1 and not mark.exists():
            daemon = Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[1]
            mark.write_text(Path(f"/proc/{daemon}/comm").read_text())
            os.kill(int(daemon), signal.SIGKILL)  # the Java process of the worker: its tasks are lost
        return run(name, limit, shared, table)

    monkeypatch.setattr(spark_work, "run", dying)
    columns = columns_of(sites()[0])
    with on(jobs):
        assert same_mirror(columns, tableau_people(columns))
    assert mark.read_text().strip() == "java"


@pytest.mark.parametrize("words", [["mirror"], ["lint"], ["check"], ["diff", "previous", "last"]])
def test_every_command_answers_as_on_one_machine(
    jobs: Jobs, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(tmp_path)
    monkeypatch.chdir(tmp_path)
    typed = [*words, "--site", "acme*", "--json"]
    here = cli.run(typed), capsys.readouterr().out
    lying = {path.relative_to("out"): sorted(path.read_text().splitlines()) for path in Path("out").rglob("*.jsonl")}
    shutil.rmtree("out", ignore_errors=True)
    shutil.rmtree(".tabwarden/mirror", ignore_errors=True)
    before = len(jobs.sentences)
    with on(jobs):
        assert (cli.run(typed), capsys.readouterr().out) == here
    assert len(jobs.sentences) == before + (6 if words == ["lint"] else 3)  # of lints the invariants are asked too
    assert lying == {p.relative_to("out"): sorted(p.read_text().splitlines()) for p in Path("out").rglob("*.jsonl")}


# -- bad days ------------------------------------------------------------------------------------------------------


def test_what_fails_on_one_site_is_told_of_it_and_the_others_are_done(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A Parquet file cut short, a site that is not there."""
    kept(tmp_path)
    monkeypatch.chdir(tmp_path)
    typed = ["check", "--site", "all", "--json"]
    folders = {*jobs.folder.iterdir()}
    with on(jobs):
        cli.run(typed)
        whole_, (cut, *_) = json.loads(capsys.readouterr().out), sorted({*jobs.folder.iterdir()} - folders)
        file = cut / "contents.parquet"
        file.write_bytes(file.read_bytes()[:-40])
        assert cli.run(typed) == 1
        told = json.loads(capsys.readouterr().out)
        assert cli.run(typed) == 1  # what was damaged is written anew
        again = json.loads(capsys.readouterr().out)
    assert again == whole_
    states = {one["site"]: one for one in told["sites"]}
    damaged = [name for name, one in states.items() if "is cut short or damaged" in json.dumps(one)]
    assert len(damaged) == 1
    assert "was not read yet" in json.dumps(states["acme-gone"])
    well = [one for one in whole_["sites"] if one["site"] not in (*damaged, "acme-gone")]
    assert [states[one["site"]] for one in well] == well


def test_blocks_that_are_cut_short_are_thrown_away_wherever_they_lie(jobs: Jobs, tmp_path: Path) -> None:
    columns = columns_of(sites()[2])
    for number, path in enumerate((None, tmp_path.as_uri())):
        with on(jobs, block=20 + number, **({} if path is None else {"path": path})):
            before = {*jobs.folder.iterdir()}
            assert same_mirror(columns, tableau_people(columns))
            (folder,) = {*jobs.folder.iterdir()} - before
            file = (folder if path is None else tmp_path / folder.name) / "blocks.parquet"
            file.write_bytes(file.read_bytes()[:-40])
            with pytest.raises(TabwardenError, match="a Parquet file of `Acme Lab` is cut short or damaged"):
                same_mirror(columns, tableau_people(columns))
            assert same_mirror(columns, tableau_people(columns))


def test_a_task_that_wants_too_much_memory_is_a_sentence(jobs: Jobs) -> None:
    from sites import site

    columns = site("S")
    with (
        on(jobs, block=5_000, memory=1),
        pytest.raises(TabwardenError, match=r"`perf` needed more than the 1 MiB of `spark.memory`"),
    ):
        same_mirror(columns, tableau_people(columns))
    with on(jobs):  # its worker is none the worse for it
        assert same_mirror(columns, tableau_people(columns))


def test_a_snapshot_that_vanished_is_a_sentence(jobs: Jobs, tmp_path: Path) -> None:
    for does in TASKS:
        with pytest.raises(TabwardenError, match="the snapshot of `Acme Lab` vanished"):
            jobs.take(Work("Acme Lab", does, (tmp_path / "gone",), pickle.dumps(())))


def test_a_worker_that_dies_every_time_is_a_sentence(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_work, "run", lambda *_: os._exit(137))
    columns = columns_of(sites()[2])
    with on(jobs), pytest.raises(TabwardenError, match="the workers of `Acme Lab` were ended again and again"):
        same_mirror(columns, tableau_people(columns))


def test_the_same_job_twice_writes_each_snapshot_once(tmp_path: Path) -> None:
    import numpy as np

    arrays = {"a": np.arange(1000)}
    meeting = threading.Barrier(2, timeout=30)
    places = []

    def write(place: Path) -> None:
        meeting.wait()
        place.mkdir()
        (place / "a").write_bytes(b"whole")

    both = [threading.Thread(target=lambda: places.append(whole(tmp_path, arrays, write))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(places) == 2
    assert [path.name for path in tmp_path.iterdir()] == [places[0].name] == [places[1].name]


def test_snapshots_go_where_the_workers_look(jobs: Jobs, tmp_path: Path) -> None:
    """Any file system that Spark reads, by its URL."""
    columns = columns_of(sites()[2])
    with on(jobs, path=tmp_path.as_uri()):
        assert same_mirror(columns, tableau_people(columns))
    assert [path.name for path in tmp_path.rglob("*.parquet")] == ["blocks.parquet"]


@pytest.mark.slow
def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    (settings,) = re.findall(r"^```yaml\n(tableau:.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    (tmp_path / "settings.yaml").write_text(settings.replace("8080", terminal.port), encoding="utf-8")
    try:
        for block in console_blocks(PAGE):
            for command, expected in block:
                printed = terminal.type(command)
                assert matches(expected, printed), f"$ {command}\n--- written\n{expected}\n--- printed\n{printed}"
    finally:
        terminal.close()


def test_only_old_snapshots_of_ours_are_thrown_away(tmp_path: Path) -> None:
    names = ["a" * 32, "b" * 32, ".unfinished-x1", "holiday pictures"]
    for name in names:
        (tmp_path / name).mkdir()
    for name in ("b" * 32, ".unfinished-x1", "holiday pictures"):
        os.utime(tmp_path / name, (0, 0))
    assert spark._folder("local[*]", Spark(path=str(tmp_path)), tmp_path) == tmp_path
    assert {path.name for path in tmp_path.iterdir()} == {"a" * 32, "holiday pictures"}


# -- before it starts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["mirror", "--show-sql", "duckdb"], "`--show-sql` makes none"),
        (["diff", "--models"], "`--models` compares one with itself"),
        (["check", "--schema"], "`--schema` asks none"),
    ],
)
def test_where_it_would_do_nothing_it_is_refused(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("settings.yaml").write_text(SETTINGS.replace("sites: [acme, acme-europe, acme-lab, acme-gone]\n", ""))
    assert cli.run([*words, "--engine", "spark"]) == 1
    assert told in capsys.readouterr().err


def test_what_is_missing_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["lint", "--engine", "sparc"]) == 1
    assert "`--engine sparc` is none; it is `spark`" in capsys.readouterr().err
    assert cli.run(["lint", "--engine", "spark=spark://10.0.0.1:7077"]) == 1
    assert "say in `spark.path` which folder or URL they see" in capsys.readouterr().err
    monkeypatch.setenv("TABWARDEN_SPARK__MASTER", "yarn")
    Path("settings.yaml").write_text(SETTINGS)
    assert cli.run(["lint", "--engine", "spark", "--site", "acme"]) == 1
    assert "the workers of `yarn` see no temporary folder" in capsys.readouterr().err
    monkeypatch.delenv("TABWARDEN_SPARK__MASTER")
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    assert cli.run(["lint", "--engine", "spark"]) == 1
    assert "`--engine spark` needs PySpark; run: " in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert cli.run(["lint", "--engine", "spark"]) == 1
    assert "apt-get install openjdk-17-jre-headless" in capsys.readouterr().err
