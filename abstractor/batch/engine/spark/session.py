"""A Spark of our own for one run: on this machine by default, talking to nobody, silent, and gone at the end."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from abstractor.model.errors import AbstractorError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA = 17
"""The oldest that Spark 4 runs on."""

_READING = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": "500",  # long notes: a batch of 10,000 could hold gigabytes
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.maxConcurrentOutputFileWriters": "16",  # rows of one task stay in their order, whatever their status
    "spark.sql.files.maxRecordsPerFile": "0",
}
"""Settings of a session; a Spark that runs already gets a session of ours with them."""

_QUIET = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.eventLog.enabled": "false",
    "spark.speculation": "false",
    "spark.io.encryption.enabled": "true",  # what Spark spills to disk is note text
    "spark.hadoop.fs.permissions.umask-mode": "077",
    "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "1",
}
_ALONE = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.authenticate": "true",
}
_LOCAL = re.compile(r"local(?:\[(\d+|\*)\])?")


def missing() -> str | None:
    """What Spark lacks on this machine and where to get it; None where it can run."""
    if find_spec("pyspark") is None:
        return "PySpark is not installed: pip install 'abstractor[spark]'"
    version = _java_version()
    if version is None:
        return f"Spark needs Java {JAVA} or later and none was found: install it (Debian: openjdk-17-jre-headless), or set JAVA_HOME"
    if version < JAVA:
        return (
            f"Spark needs Java {JAVA} or later, and this is Java {version}: install a newer one, or set JAVA_HOME to it"
        )
    return None


def _java_version() -> int | None:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(str(Path(home) / "bin" / "java") if home else "java")
    if java is None:
        return None
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=60).stderr  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(found[1]) if found else None


def steady(master: str) -> str:
    """The master's name, with three more tries for a task: Spark's local mode gives up at the first process that is ended."""
    found = _LOCAL.fullmatch(master)
    return f"local[{found[1] or 1},4]" if found else master


@contextmanager
def spark(master: str, scratch: Path) -> "Iterator[SparkSession]":
    """A session on `master`; one on the Spark that runs already in this process, if there is one, and then that one stays.

    Args:
        master: Spark's own words: `local[4]`, `spark://host:7077`, `yarn` …
        scratch: a private folder for what Spark on this machine puts aside; the caller removes it.

    Raises:
        AbstractorError: PySpark or Java is missing, or Spark does not start.
    """
    lack = missing()
    if lack:
        raise AbstractorError(lack)
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is not None:
        session = running.newSession()
        for name, value in _READING.items():
            session.conf.set(name, value)
        yield session
        return
    with _environment(master):
        session, gateway = _started(steady(master), scratch)
    try:
        yield session
    finally:
        _stopped(session, gateway)


def _started(master: str, scratch: Path) -> "tuple[SparkSession, Any]":
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    own = {"spark.local.dir": str(scratch), "spark.sql.warehouse.dir": str(scratch / "warehouse")}
    alone = _ALONE if master.startswith("local[") else {}
    settings = {"spark.master": master, "spark.app.name": "abstractor", **_READING, **_QUIET, **alone, **own}
    conf = SparkConf().setAll(list(settings.items()))
    try:
        # what Java says goes nowhere: it knows no rule about note text
        gateway = cast("Any", launch_gateway)(conf, {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL})
        return SparkSession(SparkContext(conf=conf, gateway=gateway)), gateway
    except Exception as error:
        raise AbstractorError(f"Spark did not start on {master} ({type(error).__name__})") from None


def _stopped(session: "SparkSession", gateway: Any) -> None:
    """The session and its Java process: a later run starts one with settings of its own."""
    from pyspark import SparkContext

    with suppress(Exception):  # a Java process that is gone already
        session.stop()
    with suppress(Exception):
        gateway.shutdown()
    process = gateway.proc
    process.stdin.close()  # at that, it ends
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    SparkContext._gateway = None
    SparkContext._jvm = None


@contextmanager
def _environment(master: str) -> Iterator[None]:
    """What Spark takes from the environment: this interpreter for its workers, and on one machine no other address than its own."""
    wanted = {"PYSPARK_PYTHON": os.environ.get("PYSPARK_PYTHON", sys.executable)}
    if master.startswith("local"):
        wanted = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
