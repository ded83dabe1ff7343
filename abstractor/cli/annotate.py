"""`annotate`: the registry's notes, or a dump of notes to findings; here or on Spark, whole or in shards."""

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any, cast

import click

from abstractor.cli.options import db_option, opened, quiet_option, read_options, rules_option, tell_faults
from abstractor.cli.progress import progress, watching
from abstractor.model.errors import AbstractorError, InputError

if TYPE_CHECKING:
    from abstractor.batch.engine.guard import Limits
    from abstractor.batch.engine.ledger import Totals
    from abstractor.batch.engine.run import Order, Report
    from abstractor.rulebook.book import RuleBook
    from abstractor.sources.reading import ReadOptions

FAULTS, SET_ASIDE, STOPPED = 1, 3, 130
"""Exit codes: something could not be read; notes were set aside; ended by Ctrl-C or by the system."""

_MOST_FAULTS = 20
_FORMATS = ("folder", "csv", "jsonl", "parquet", "omop", "fhir")


@dataclass(frozen=True)
class Asked:
    """The options of one call."""

    paths: tuple[Path, ...]
    out: Path
    columns: tuple[str, ...]
    format_name: str | None
    encoding: str | None
    engine: str
    master: str | None
    workers: int
    note_seconds: float | None
    note_memory: int
    longest_note: int
    part_format: str
    part_notes: int
    shard: str | None
    fresh: bool
    retry_quarantined: bool
    plain: bool
    only_cohort: bool
    rules: Path | None
    quiet: bool
    summary: Path | None

    @property
    def limits(self) -> "Limits":
        from abstractor.batch.engine.guard import Limits

        return Limits(self.note_seconds, self.note_memory)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH...]")
@click.option("--out", type=click.Path(path_type=Path), help="A .jsonl or .parquet file, or a folder of parts.")
@click.option("--column", "columns", multiple=True, metavar="OURS=THEIRS", help="As in ingest.")
@click.option("--format", "format_name", type=click.Choice(_FORMATS), help="As in ingest.")
@click.option("--encoding", help="As in ingest.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes that read notes.")
@click.option("--resume", is_flag=True, help="Go on where the last run stopped; this is the default.")
@click.option("--fresh", is_flag=True, help="Start over: what stands in OUT is replaced.")
@click.option("--retry-quarantined", is_flag=True, help="Try the notes again that failed, or ran over a limit.")
@click.option("--shard", metavar="I/N", help="Only the I-th of N shares of the notes, into a folder of its own in OUT.")
@click.option(
    "--merge", type=click.Path(path_type=Path), metavar="SHARDS", help="Put finished shards together, instead of PATH."
)
@click.option("--only-cohort", is_flag=True, help="The patients who may belong in the registry, and why; no findings.")
@click.option("--plain", is_flag=True, help="Every component over the whole note: the same findings, slowly.")
@click.option(
    "--part-format", type=click.Choice(["parquet", "jsonl"]), default="parquet", show_default=True, help="Of a folder."
)
@click.option(
    "--part-notes", type=click.IntRange(1), default=10_000, show_default=True, help="Notes in a part, at most."
)
@click.option(
    "--note-seconds", type=click.FloatRange(0, min_open=True), help="Time for one note; default: by its length."
)
@click.option(
    "--note-memory",
    type=click.IntRange(50),
    default=1000,
    show_default=True,
    help="Memory for one note, in MB (Linux).",
)
@click.option(
    "--longest-note",
    type=click.IntRange(1, 500_000_000),
    default=20_000_000,
    show_default=True,
    help="Characters; a longer text is reported, and not kept in memory.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    help="Who does the work: this machine, or Spark (docs/spark.md).",
)
@click.option("--master", metavar="URL", help="Of Spark; default: this machine.")
@click.option("--summary", type=click.Path(path_type=Path), help="Counts, rates and how it ended, as JSON.")
@db_option
@rules_option
@quiet_option
def annotate(
    paths: tuple[Path, ...], out: Path | None, resume: bool, merge: Path | None, db: str, **options: Any
) -> None:
    """Finds facts in notes: in the registry's that these rules have not seen, or from files to findings.

    A note that fails, or takes too much time or memory, is set aside and named; the others are done, and the exit code is 3. Stopped at
    any point, the same command goes on where it stopped (docs/batch.md).

    \b
    Examples: abstractor annotate
              abstractor annotate dump.jsonl --out findings.jsonl --workers 2
              abstractor annotate dump/ --out findings/ --shard 2/8
              abstractor annotate --merge findings/ --out findings.parquet
              abstractor annotate dump/ --out cohort.jsonl --only-cohort
    """  # noqa: D301  (click wants the control character)
    if resume and options["fresh"]:
        raise click.UsageError("--resume goes on, --fresh starts over: give one of them")
    if merge is not None:
        _merge(merge, out, paths, options)
    elif bool(paths) != bool(out):
        raise click.UsageError("give both PATH and --out (files to findings), or neither (the registry's notes)")
    elif out is None:
        _check_registry_usage(options)
        _summed(options["summary"], lambda: _annotate_registry(db, options))
    else:
        asked = Asked(paths, out, **options)
        _check_usage(asked)
        _summed(asked.summary, lambda: _annotate_spark(asked) if asked.engine == "spark" else _annotate_files(asked))


def _check_registry_usage(options: dict[str, Any]) -> None:
    """What goes with files alone must not be passed over in silence."""
    for_files = ("columns", "format_name", "encoding", "shard", "master", "only_cohort", "fresh", "retry_quarantined")
    names = {"columns": "column", "format_name": "format"}
    given = [f"--{names.get(name, name).replace('_', '-')}" for name in for_files if options[name]]
    if options["engine"] != "local":
        given.append("--engine")
    if given:
        raise click.UsageError(f"{', '.join(given)}: give PATH and --out too; the registry's notes are read without")


def _check_usage(asked: Asked) -> None:
    if asked.fresh and asked.retry_quarantined:
        raise click.UsageError("--fresh tries all notes again, --retry-quarantined those set aside: give one of them")
    if asked.summary and asked.summary.resolve() in {path.resolve() for path in (*asked.paths, asked.out)}:
        raise click.UsageError("--summary would replace what is read, or the output: give it a name of its own")
    if asked.master and asked.engine != "spark":
        raise click.UsageError("--master goes with --engine spark")
    if asked.engine == "spark" and (asked.shard or asked.only_cohort or asked.retry_quarantined):
        raise click.UsageError("--shard, --only-cohort and --retry-quarantined go with --engine local")
    if asked.shard and asked.out.suffix in (".jsonl", ".parquet", ".csv"):
        raise click.UsageError("--shard writes to a folder; make one file of all shards with --merge")


def _summed(summary: Path | None, work: Callable[[], tuple[int, dict[str, object]]]) -> None:
    """Does the work and exits as it says; tells schedulers how it went, also where it was stopped or failed."""
    began = time.monotonic()
    code, reason = FAULTS, "error"
    figures: dict[str, object] = {}
    try:
        with _ended_like_interrupted():
            code, figures = work()
        reason = {0: "done", FAULTS: "done, with unreadable rows", SET_ASIDE: "done, with notes set aside"}[code]
    except KeyboardInterrupt:
        _ignore_further_signals()
        code, reason = STOPPED, "stopped"
        click.echo(
            "abstractor: stopped; the parts that are finished stay, and the same command goes on from there", err=True
        )
    except AbstractorError as error:
        figures = {"error": str(error)}
        raise
    finally:
        if summary is not None:
            seconds = time.monotonic() - began
            _write_summary(summary, {"exit": code, "reason": reason, "seconds": round(seconds, 3), **figures})
    if code:
        sys.exit(code)


def _ignore_further_signals() -> None:
    """Who presses Ctrl-C twice means it, and it is being done: the code of the exit is to say so too."""
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, signal.SIG_IGN)


def _write_summary(path: Path, content: dict[str, object]) -> None:
    from abstractor.files import whole_file

    with whole_file(path) as file:
        cast("IO[str]", file).write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")


@contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """A scheduler's SIGTERM stops a run as Ctrl-C does; what comes after the first signal, while the run is being ended, changes nothing."""
    signs = (signal.SIGINT, signal.SIGTERM)
    stopped = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        if not stopped:
            stopped = True
            raise KeyboardInterrupt

    before = {sign: signal.signal(sign, stop) for sign in signs}
    try:
        yield
    finally:
        if not stopped:
            for sign in signs:
                signal.signal(sign, before[sign])


def _annotate_files(asked: Asked) -> tuple[int, dict[str, object]]:
    from abstractor.batch.engine.run import annotate_dump
    from abstractor.rulebook.load import load_rulebook

    began = time.monotonic()
    order = _order(asked, load_rulebook(asked.rules))
    with watching("annotate", quiet=asked.quiet) as watch:
        report = annotate_dump(order, watch)
    _tell(asked, order, report, time.monotonic() - began)
    return _code(report.totals), _figures(report, time.monotonic() - began)


def _order(asked: Asked, rulebook: "RuleBook") -> "Order":
    from abstractor.batch.engine.assembly import PartSize
    from abstractor.batch.engine.endings import cohort, leave_parts, ledger_key, one_file
    from abstractor.batch.engine.intake import Source
    from abstractor.batch.engine.run import Order
    from abstractor.batch.engine.shards import Shard
    from abstractor.batch.engine.work import Job, Mode, engine_version
    from abstractor.exports.findings import FORMATS

    single = _is_file(asked)
    part_format = "jsonl" if asked.only_cohort else asked.part_format
    mode = Mode.COHORT if asked.only_cohort else Mode.FINDINGS
    return Order(
        source=Source(asked.paths, _read_options(asked, rulebook), asked.format_name),
        out=asked.out,
        job=Job(rulebook.root, asked.plain, mode, rulebook.version),
        format=FORMATS[asked.out.suffix if single and not asked.only_cohort else f".{part_format}"],
        about={"rulebook": rulebook.version, "engine": engine_version(), "mode": str(mode), "plain": asked.plain},
        single=single,
        hidden=asked.only_cohort,
        ending=cohort if asked.only_cohort else one_file if single else leave_parts,
        patient_key=ledger_key if asked.only_cohort else None,
        workers=asked.workers,
        limits=asked.limits,
        size=PartSize(asked.part_notes),
        shard=Shard.parse(asked.shard) if asked.shard else None,
        fresh=asked.fresh,
        retry=asked.retry_quarantined,
    )


def _read_options(asked: Asked, rulebook: "RuleBook") -> "ReadOptions":
    options: ReadOptions = read_options(asked.columns, asked.encoding, rulebook)
    return replace(options, longest=asked.longest_note)


def _is_file(asked: Asked) -> bool:
    """Whether the output is one file; an ending that we can't write is no folder's name either."""
    endings = (".jsonl", ".parquet", ".csv") if asked.only_cohort else (".jsonl", ".parquet")
    if asked.out.suffix in endings:
        return True
    if asked.out.suffix and not asked.out.is_dir():
        raise InputError(f"{asked.out}: write to a name ending in {', '.join(endings)}, or to a folder")
    return False


def _tell(asked: Asked, order: "Order", report: "Report", seconds: float) -> None:
    totals = report.totals
    tell_faults(report.faults)
    more = totals.quarantined + totals.unreadable - len(report.faults)
    if more > 0:
        click.echo(f"abstractor: and {more} more, in {order.layout.quarantine}", err=True)
    if asked.quiet:
        return
    patients = report.manifest.get("patients")
    found = f"{totals.rows} findings" if patients is None else f"{patients} patients"
    click.echo(
        f"{totals.notes} notes, {totals.with_rows} with findings, {found} in {order.layout.out}; "
        f"{totals.quarantined} notes set aside, {totals.unreadable} rows unreadable, {totals.duplicates} there twice",
        err=True,
    )
    rate = report.notes / seconds if seconds else 0.0
    before = f"; {totals.notes - report.notes} were done before" if totals.notes > report.notes else ""
    click.echo(f"this run: {report.notes} notes in {seconds:.0f} s, {rate:.0f}/s{before}", err=True)


def _code(totals: "Totals") -> int:
    if totals.unreadable:
        return FAULTS
    return SET_ASIDE if totals.quarantined else 0


def _figures(report: "Report", seconds: float) -> dict[str, object]:
    return {
        **asdict(report.totals),
        "this_run": {
            "notes": report.notes,
            "with_findings": report.with_findings,
            "findings": report.findings,
            "quarantined": report.quarantined,
            "notes_per_second": round(report.notes / seconds, 1) if seconds else 0.0,
        },
        "faults": report.faults,
    }


def _annotate_spark(asked: Asked) -> tuple[int, dict[str, object]]:
    from abstractor.batch.engine import spark
    from abstractor.rulebook.load import load_rulebook

    began = time.monotonic()
    order = _order(asked, load_rulebook(asked.rules))
    with watching("annotate", quiet=asked.quiet) as watch:
        report = spark.run(
            asked.paths,
            asked.out,
            master=asked.master,
            workers=asked.workers,
            rules=asked.rules,
            columns=order.source.options.columns,
            encoding=asked.encoding,
            format_name=asked.format_name,
            plain=asked.plain,
            limits=asked.limits,
            fresh=asked.fresh,
            longest=asked.longest_note,
            watch=watch,
        )
    _tell(asked, order, report, time.monotonic() - began)
    return _code(report.totals), _figures(report, time.monotonic() - began)


def _merge(folder: Path, out: Path | None, paths: tuple[Path, ...], options: dict[str, Any]) -> None:
    from abstractor.batch.engine.merge import merge_shards
    from abstractor.exports.findings import FORMATS

    if paths:
        raise click.UsageError("--merge takes the folder of shards, and no PATH")
    if out is not None and out.suffix not in (*FORMATS, ".csv"):
        raise click.UsageError(
            "--merge makes one file (--out NAME.jsonl or NAME.parquet), or without --out a manifest of all parts"
        )
    content = merge_shards(folder, out, FORMATS, fresh=options["fresh"])
    if not options["quiet"]:
        click.echo(
            f"{content['notes']} notes, {content['notes_with_findings']} with findings, {content['findings']} findings of "
            f"{content['shards']} shards in {out or folder}; {content['quarantined']} notes set aside, "
            f"{content['unreadable']} rows unreadable",
            err=True,
        )
    code = FAULTS if content["unreadable"] else SET_ASIDE if content["quarantined"] else 0
    if code:
        sys.exit(code)


def _annotate_registry(db: str, options: dict[str, Any]) -> tuple[int, dict[str, object]]:
    with opened(db, real=True) as registry:
        from functools import partial

        from abstractor.batch.annotate import annotate_registry
        from abstractor.batch.engine.guard import Limits
        from abstractor.batch.engine.pool import read_notes_guarded
        from abstractor.batch.engine.work import Job, Mode
        from abstractor.rulebook.load import load_rulebook

        rulebook = load_rulebook(options["rules"])
        limits = Limits(options["note_seconds"], options["note_memory"])
        job = Job(rulebook.root, options["plain"], Mode.REGISTRY, rulebook.version)
        read = partial(read_notes_guarded, job, limits, options["workers"])
        with progress("annotate", quiet=options["quiet"]) as show:
            report = annotate_registry(registry, rulebook, read, progress=show)
    tell_faults(report.quarantined[:_MOST_FAULTS])
    more = len(report.quarantined) - _MOST_FAULTS
    if more > 0:
        listed = f", all in {options['summary']}" if options["summary"] else "; --summary FILE lists all"
        click.echo(f"abstractor: and {more} more{listed}", err=True)
    if not options["quiet"]:
        click.echo(
            f"{report.notes} notes annotated, {report.findings} findings; {report.suggestions} suggestions for {report.patients} "
            f"patients; {len(report.quarantined)} notes set aside",
            err=True,
        )
    figures = asdict(report)
    figures["faults"] = figures.pop("quarantined")
    return SET_ASIDE if report.quarantined else 0, {**figures, "quarantined": len(report.quarantined)}
