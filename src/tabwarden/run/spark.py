"""Apache Spark for the work of many sites, or of a large one: a session, jobs of tasks, what goes wrong in sentences.

Every site is a job of its own, so that what ends one holds no other. Spark tries a task again whose worker was lost;
what a task itself says is wrong is told at once.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabwarden.extras import install
from tabwarden.model.errors import SettingsError, TabwardenError
from tabwarden.places import located
from tabwarden.run.elsewhere import ELSEWHERE, Elsewhere, Work
from tabwarden.run.mirror_blocks import BLOCKS
from tabwarden.settings.spark import Spark

if TYPE_CHECKING:
    import pyarrow
    from pyspark.sql import DataFrame, SparkSession

JAVA = "Spark needs Java 17 or newer and there is none; on Debian or Ubuntu: apt-get install openjdk-17-jre-headless"
LOG = "spark.log"
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
OLD = 7 * 86_400  # seconds after which a snapshot in Parquet that nobody used is thrown away
_OURS = re.compile(r"[0-9a-f]{32}|\.unfinished-\w+")  # what may be: of what else lies there nothing
_DAMAGED = re.compile(r"not a Parquet file|CANNOT_READ_FILE_FOOTER|FAILED_READ_FILE", re.IGNORECASE)
_GONE = re.compile(r"PATH_NOT_FOUND|FileNotFoundException|FILE_NOT_EXIST|does not exist", re.IGNORECASE)
_LOST = re.compile(r"ExecutorLostFailure|exited unexpectedly|exited with code 137|OutOfMemory|EOFError", re.IGNORECASE)


def settings_there(settings: Path | None) -> Spark:
    """The section of the settings, where there are any: most is asked without. SettingsError."""
    from tabwarden.settings import load_part

    if located(settings, os.environ).path is None and settings is None:
        return Spark()
    return load_part("spark", Spark, settings, alone=True)


@contextmanager
def cluster(master: str, section: Spark, *, log: Path | None = None) -> Iterator[Jobs]:
    """Work is done by Spark meanwhile. SettingsError where it cannot be started: what to install, or what to set."""
    with tempfile.TemporaryDirectory(prefix="tabwarden-spark-") as scratch:
        folder = _folder(master, section, Path(scratch))
        session = _started(master, log or folder / LOG)
        jobs = Jobs(session, section, folder)
        slots = session.sparkContext.defaultParallelism
        token = ELSEWHERE.set(Elsewhere(jobs.take, folder, section.block, slots))
        try:
            yield jobs
        finally:
            ELSEWHERE.reset(token)
            _ended(session)


def _folder(master: str, section: Spark, scratch: Path) -> Path:
    """Where snapshots in Parquet are written on this machine."""
    if section.path is None and not master.startswith("local"):
        raise SettingsError(
            [f"the workers of `{master}` see no temporary folder; say in `spark.path` which folder or URL they see"]
        )
    if section.path is None or "://" in section.path:
        return scratch
    folder = Path(section.path)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for place in folder.iterdir():
            if _OURS.fullmatch(place.name) and time.time() - place.stat().st_mtime > OLD:
                shutil.rmtree(place, ignore_errors=True)
    except OSError as error:
        raise SettingsError([f"`spark.path` `{folder}` cannot be used: {error.strerror}; name another"]) from None
    return folder


def _last(log: Path) -> str:
    """The last that Spark said there which is no warning, without the stack of Java."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines()] if log.exists() else []
    said = [line for line in lines if line and " WARN " not in line and not line.startswith("at ")]
    return f"`{said[-1][:300]}`" if said else "nothing"


def _started(master: str, log: Path) -> SparkSession:
    if shutil.which("java", path=os.pathsep.join((str(_java_home()), os.environ.get("PATH", "")))) is None:
        raise SettingsError([JAVA])
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise SettingsError([f"`--engine spark` needs PySpark; {install('[spark]')}"]) from None
    builder = SparkSession.builder.appName("tabwarden").master(master)
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "0",
        "spark.scheduler.mode": "FAIR",
    }
    if master.startswith("local"):  # nobody else is to reach it; and Java's heavier compiler never pays
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        os.environ["PYSPARK_PYTHON"] = sys.executable  # elsewhere it lies where whoever runs the cluster says
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        settings |= dict.fromkeys(("spark.driver.extraJavaOptions", "spark.executor.extraJavaOptions"), QUICK)
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        with _saying_to(log):
            return builder.getOrCreate()
    except Exception as error:  # Java's and Spark's own have no class in common
        raise SettingsError(
            [f"Spark did not start on `{master}` ({_first(error)}); it said: {_last(log)}; Java must be 17 or newer"]
        ) from None


def _java_home() -> Path:
    return Path(os.environ.get("JAVA_HOME", "/nonexistent"), "bin")


@contextmanager
def _saying_to(log: Path) -> Iterator[None]:
    """What is started meanwhile says there what it would say on standard error."""
    sys.stderr.flush()
    before = os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


def _ended(session: SparkSession) -> None:
    """The session stopped, and its Java process, which would go on as long as this one."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    with suppress(Exception):  # of a Java process that died
        session.stop()
    if gateway is None:
        return
    with suppress(Exception):
        gateway.shutdown()
    process = getattr(gateway, "proc", None)
    SparkContext._gateway = SparkContext._jvm = None
    if process is not None:
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(10)
        except Exception:  # it does not listen
            process.kill()
            process.wait()


class Jobs:
    """Work as jobs of Spark, of several sites at once; `sentences` has one for each that was done."""

    def __init__(self, session: SparkSession, section: Spark, folder: Path) -> None:
        self.session, self.section, self.folder = session, section, folder
        self.sentences: list[str] = []
        self._lock = threading.Lock()

    def take(self, work: Work) -> pyarrow.Table:
        """A row a task. TabwardenError in a sentence that names the site."""
        from tabwarden.run.spark_work import DAMAGED, NO_MEMORY, TASKS, run

        task, began = TASKS[work.does], time.perf_counter()
        self.session.sparkContext.setLocalProperty("spark.scheduler.pool", work.of)  # no site waits for another
        shared = self.session.sparkContext.broadcast(work.shared)
        try:
            frame = self._rows(work, of_blocks=task.of_blocks)
            name, memory = work.does, self.section.memory

            def does(table):  # type: ignore[no-untyped-def]  # PySpark would ask hints what kind of function it is
                return run(name, memory, shared, table)

            rows = frame.groupBy("block").applyInArrow(does, task.schema).toArrow()
        except Exception as error:  # Java's and Spark's own, which know no site
            raise TabwardenError(self._sentence(work, error)) from None
        finally:
            with suppress(Exception):
                shared.destroy()
        errors = [error for error in rows["error"].to_pylist() if error is not None]
        if NO_MEMORY in errors:
            raise TabwardenError(
                f"a task of `{work.of}` needed more than the {self.section.memory:,} MiB of `spark.memory`; give more, "
                "or make `spark.block` smaller"
            )
        if DAMAGED in errors:
            raise TabwardenError(self._thrown_away(work))
        if errors:
            raise TabwardenError(*errors[0].split("\n"))
        self._tell(work, rows, time.perf_counter() - began)
        return rows

    def _rows(self, work: Work, *, of_blocks: bool) -> DataFrame:
        """The contents of blocks, or every file of some snapshots."""
        from pyspark.sql import functions as f

        places = [self._url(folder) for folder in work.folders]
        if of_blocks:
            frame = self.session.read.parquet(f"{places[0]}/{BLOCKS}")
            return frame.repartition(2 * work.blocks, "block") if work.blocks > 1 else frame.coalesce(1)
        files = [
            self.session.read.format("binaryFile").load(place).select(f.lit(0).alias("block"), f.lit(at).alias("site"),
                                                                      "path", "content")
            for at, place in enumerate(places)
        ]  # fmt: skip
        frame = files[0] if len(files) == 1 else files[0].union(files[1])
        return frame.coalesce(1)

    def _url(self, folder: Path) -> str:
        """The folder as the workers see it; where that is elsewhere, it is brought there first."""
        if not self._is_elsewhere:
            return folder.resolve().as_uri()
        java, there, system = self._there(folder)
        if not system.exists(there):
            aside = java.Path(there.getParent(), f".unfinished-{os.getpid()}-{folder.name}")
            system.copyFromLocalFile(False, True, java.Path(folder.resolve().as_uri()), aside)
            if system.exists(there) or not system.rename(aside, there):  # somebody else was faster
                system.delete(aside, True)
        return str(there.toString())

    @property
    def _is_elsewhere(self) -> bool:
        """Whether snapshots go to a file system of Spark's."""
        return "://" in (self.section.path or "")

    def _there(self, folder: Path) -> tuple[Any, Any, Any]:
        """Java's package of file systems, the folder there, and its file system."""
        context: Any = self.session.sparkContext
        java = context._jvm.org.apache.hadoop.fs
        there = java.Path(f"{(self.section.path or '').rstrip('/')}/{folder.name}")
        return java, there, there.getFileSystem(context._jsc.hadoopConfiguration())

    def _tell(self, work: Work, rows: pyarrow.Table, seconds: float) -> None:
        peak, count = max(rows["peak"].to_pylist()) >> 20, len(rows)
        words = f"{count} {'task' if count == 1 else 'tasks'} in {seconds:.1f} s, at most {peak:,} MiB a task"
        with self._lock:
            self.sentences.append(f"spark: {work.of}: {words} of the {self.section.memory:,} it may take")

    def _sentence(self, work: Work, error: Exception) -> str:
        words = f"{error}"
        if _GONE.search(words):
            return (
                f"the snapshot of `{work.of}` vanished from where the workers look for it; run it for this site again"
            )
        if _LOST.search(words):
            return (
                f"the workers of `{work.of}` were ended again and again, as where memory runs out; give them more, "
                "or make `spark.block` smaller"
            )
        if _DAMAGED.search(words):
            return self._thrown_away(work)
        more = "" if self.section.path is None else f"; see `{self.folder / LOG}`"
        return f"Spark did not finish `{work.of}` ({_first(error)}){more}"

    def _thrown_away(self, work: Work) -> str:
        """The sentence of damaged files, which are not read again."""
        for folder in work.folders:
            shutil.rmtree(folder, ignore_errors=True)
            if self._is_elsewhere:
                _, there, system = self._there(folder)
                system.delete(there, True)
        return f"a Parquet file of `{work.of}` is cut short or damaged and was thrown away; run it for this site again"


def _first(error: Exception) -> str:
    """The line that says what is wrong, of Python the last one, without the stack of Java."""
    lines = [line.strip().removeprefix(": ") for line in f"{error}".splitlines() if line.strip()]
    raised = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    said = [line for line in lines if not line.startswith(("An error occurred", "An exception was thrown", "at "))]
    return (raised[-1:] or said[:1] or [type(error).__name__])[0][:200]
