"""A dump of notes to a folder of findings on Spark: every note once, and the folder whole or not at all.

Two steps. Files are read on the workers, one task a file, and the notes go where their id sends them, so that notes of one id meet and the
work is even. There they are annotated and written by Spark's committer, which keeps the output of exactly one attempt of each task. The
driver then counts, and renames the folder into its place.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from abstractor.batch.engine.guard import Limits
from abstractor.batch.engine.ledger import Fault
from abstractor.batch.engine.places import require_apart
from abstractor.batch.engine.run import Report
from abstractor.batch.engine.spark.columns import FINDINGS, STATUS_SCHEMA, UNITS_SCHEMA, Outcome
from abstractor.batch.engine.spark.orders import Orders, orders_for
from abstractor.batch.engine.spark.output import Gathered, gathered, put_in_place, write_lists
from abstractor.batch.engine.spark.place import workplace
from abstractor.batch.engine.spark.reading import Unit, reading, units_of
from abstractor.batch.engine.spark.session import spark
from abstractor.batch.engine.spark.watching import watching
from abstractor.batch.engine.spark.worker import annotating
from abstractor.batch.engine.work import Stage
from abstractor.batch.progress import Watch, unwatched
from abstractor.model.errors import AbstractorError, InputError
from abstractor.sources.reading import LONGEST, ReadOptions
from abstractor.sources.reading import Fault as ReadingFault

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_PARTITION_CHARACTERS = 32_000_000
"""About so much text in a task: some ten seconds of work."""
_MOST_PARTITIONS = 100_000
_MOST_FAULTS = 20
"""So many are told at the end; all stand in the quarantine."""
_OWN_WORDS = re.compile(r"abstractor\.model\.errors\.\w+: (.+)")
"""In what Spark says of a worker that failed: our own errors, which hold no note text."""


def run(
    paths: Sequence[Path],
    out: Path,
    *,
    master: str | None = None,
    workers: int = 1,
    rules: Path | None = None,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
    format_name: str | None = None,
    plain: bool = False,
    limits: Limits | None = None,
    fresh: bool = False,
    longest: int = LONGEST,
    watch: Watch = unwatched,
) -> Report:
    """Annotates a dump on Spark; see docs/spark.md.

    Args:
        paths: files and folders; every machine of the cluster must see them under the same names, and `out` too.
        out: a folder, which appears when all is done.
        master: Spark's own words; None: this machine, with as many processes as `workers` says.
        workers: without `master`.
        rules: a folder of rules; None: those that came with the program.
        columns: our column name to the files', where they differ.
        encoding: of text files; None: UTF-8, or what a byte order mark says.
        format_name: of the files; None: told from each.
        plain: every component over the whole note; the same findings, slowly.
        limits: of time and memory, for each note.
        longest: characters of the longest text that is taken for a note.
        fresh: an `out` that stands there is replaced.
        watch: told how far the run is, by the share of tasks done; notes are counted at the end.

    Raises:
        InputError: nothing can be read, or `out` stands there already or can't be written.
        RulebookError: the rules are at fault.
        AbstractorError: PySpark or Java is missing, or Spark gave up; `out` is as it was.
    """
    require_apart(paths, out)
    orders = orders_for(rules, plain=plain, limits=limits, longest=longest)
    options = ReadOptions(columns=dict(columns or {}), encoding=encoding, longest=longest)
    units, unread = units_of(paths, format_name)
    if not units:
        raise InputError("; ".join(str(fault) for _, fault in unread) or "no file of notes among what was given")
    with workplace(out, fresh=fresh) as work:
        with spark(master or f"local[{workers}]", work / "scratch") as session:
            rows = _annotated(session, units, options, orders)
            with watching(session, sum(unit.size for unit in units), watch):
                _write(rows, work / "written")
        found = gathered(work / "written", work / "folder", [str(unit.given) for unit in units])
        found.faults.extend(_unread(path, fault, found) for path, fault in unread)
        write_lists(work / "folder", found, _about(orders))
        put_in_place(work / "folder", out, work / "before")
    return _report(found)


def _annotated(session: "SparkSession", units: list[Unit], options: ReadOptions, orders: Orders) -> "DataFrame":
    """The rows of all notes; the notes of an id meet in one task, in the order of the dump."""
    numbers = session.range(0, len(units), 1, min(len(units), _MOST_PARTITIONS))
    notes = numbers.mapInPandas(reading(units, options), UNITS_SCHEMA)
    least = 4 * session.sparkContext.defaultParallelism
    wanted = max(least, sum(unit.characters for unit in units) // _PARTITION_CHARACTERS)
    together = notes.repartition(min(wanted, _MOST_PARTITIONS), "key").sortWithinPartitions("key", "unit", "row")
    return together.mapInPandas(annotating(orders, once=True), STATUS_SCHEMA)


def _write(rows: "DataFrame", folder: Path) -> None:
    """One subfolder a status, each with the columns of a finding.

    Raises:
        AbstractorError: Spark gave up.
    """
    columns = [_column(name) for name in FINDINGS]
    try:
        rows.select(*columns, "status").write.partitionBy("status").parquet(folder.absolute().as_uri())
    except Exception as error:
        raise AbstractorError(f"Spark gave up: {_reason(error)}; nothing was written") from None


def _column(name: str) -> "Column":
    """Of a note set aside, what became of it goes into `attributes`; of one without findings nothing is kept, it is only counted."""
    from pyspark.sql.functions import col, struct, to_json, when

    status = col("status")
    kept = when(~status.isin(str(Outcome.NOTHING), str(Outcome.REPEATED)), col(f"`{name}`"))
    if name != "attributes":
        return kept.alias(name)
    told = to_json(struct("place", "stage", "reason", "unit", "row"), {"ignoreNullFields": "false"})
    aside = status.isin(str(Outcome.QUARANTINED), str(Outcome.UNREADABLE))
    return when(aside, told).otherwise(kept).alias(name)


def _reason(error: Exception) -> str:
    """What ended the job, without the words of Java or Python, which might quote a row."""
    words = str(error)
    own = _OWN_WORDS.search(words)
    if own:
        return own[1].strip()
    if "No space left on device" in words:
        return "a disk is full (the output's, or the one Spark works on)"
    if "Permission denied" in words:
        return "a folder can't be written"
    if "exited unexpectedly" in words or "ExecutorLostFailure" in words:
        return "its worker processes were ended again and again (out of memory?)"
    return type(error).__name__


def _unread(path: Path, fault: ReadingFault, found: Gathered) -> Fault:
    """A path that could not be opened, behind all else."""
    last = max((one.item for one in found.faults), default=0)
    return Fault(last + 1, None, None, str(path), fault.place, Stage.READING, fault.says)


def _report(found: Gathered) -> Report:
    totals = found.totals
    lines = [fault.line for fault in found.faults[:_MOST_FAULTS]]
    return Report(totals, totals.notes, totals.with_rows, totals.rows, totals.quarantined, faults=lines)


def _about(orders: Orders) -> dict[str, object]:
    """As of a run without Spark, which sets the size of its parts and can take one shard."""
    about = {"rulebook": orders.rulebook, "engine": orders.engine, "mode": "findings", "plain": orders.plain}
    return {**about, "format": "parquet", "part_notes": None, "part_characters": None, "shard": None}
