"""The command line: one short function a command; each imports its stage when it is called, so that `--help` answers at once.

Results go to files or standard output, everything else to standard error. Exit codes: 0 done, 1 the input or the data is at fault,
2 wrong usage, 3 done, but some notes were set aside.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from abstractor.cli.annotate import annotate
from abstractor.cli.backup import backup, restore
from abstractor.cli.checks import checks
from abstractor.cli.encryption import decrypt, encrypt, key, rekey
from abstractor.cli.export import export, import_redcap
from abstractor.cli.options import (
    ErrorGroup,
    acting,
    db_option,
    opened,
    quiet_option,
    read_options,
    rules_option,
    tell,
    tell_faults,
    user_option,
)
from abstractor.cli.outcomes import outcomes, trace
from abstractor.cli.progress import progress
from abstractor.cli.qa import qa
from abstractor.cli.release import rules_release
from abstractor.cli.review import review
from abstractor.cli.rules import rules
from abstractor.cli.serve import serve
from abstractor.cli.stats import derive, stats
from abstractor.cli.streams import open_standard_streams
from abstractor.cli.trail import trail
from abstractor.cli.users import sign, signatures, unlock, user
from abstractor.cli.verify import verify

if TYPE_CHECKING:
    from abstractor.batch.ingest import IngestReport
    from abstractor.registry.keys import Key

_MOST_NAMED = 20
"""Patients that one line names."""


@click.group(cls=ErrorGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="abstractor")
def cli() -> None:
    """Finds facts about small-cell lung cancer in medical notes, lets people confirm them, and computes the endpoints.

    \b
    A first round:  abstractor init
                    abstractor ingest NOTES/
                    abstractor annotate
                    abstractor review
                    abstractor outcomes --out report/
    """  # noqa: D301  (click wants the control character)


@cli.command()
@click.option(
    "--encrypted", is_flag=True, help="Encrypt the file; `abstractor key new` makes a key. Needs abstractor[cipher]."
)
@db_option
def init(encrypted: bool, db: str) -> None:
    """Creates an empty registry.

    Example: abstractor init --db study.db
    """
    from abstractor.registry.engine import create_registry

    registry = create_registry(db, _key_to_encrypt_with() if encrypted else None)
    registry.close()
    click.echo(f"created {registry.name}", err=True)


def _key_to_encrypt_with() -> "Key":
    from abstractor.registry.cipher import key_to_encrypt_with

    return key_to_encrypt_with()


@cli.command()
@click.option(
    "--keep", type=click.Path(path_type=Path), help="Work in this folder and keep it (default: a new temporary one)."
)
@quiet_option
def demo(keep: Path | None, quiet: bool) -> None:
    """Does the main job on the invented sample patients, and sets the figures beside the truth worked out by hand.

    Notes are read, annotated, confirmed by a scripted abstractor who knows the gold, and the endpoints computed.

    Example: abstractor demo --keep /tmp/demo
    """
    import tempfile

    from abstractor.demo import run_demo

    folder = keep or Path(tempfile.mkdtemp(prefix="abstractor-demo-"))
    with progress("annotate", quiet=quiet) as show:
        click.echo(run_demo(folder, progress=show))


@cli.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="OURS=THEIRS",
    help="A column's name in your file, e.g. text=NOTE_TEXT.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["folder", "csv", "jsonl", "parquet", "omop", "fhir"]),
    help="Default: told from the file.",
)
@click.option("--encoding", help="Default: UTF-8, or what a byte order mark says.")
@click.option(
    "--patients",
    "patient_list",
    type=click.Path(path_type=Path),
    help="Only notes of the patients in this file (column patient_id), e.g. what annotate --only-cohort wrote.",
)
@db_option
@rules_option
@quiet_option
def ingest(
    paths: tuple[Path, ...],
    columns: tuple[str, ...],
    format_name: str | None,
    encoding: str | None,
    patient_list: Path | None,
    db: str,
    rules: Path | None,
    quiet: bool,
) -> None:
    """Reads notes into the registry: folders of PATIENT/NOTE.txt, CSV, JSONL, Parquet, an OMOP NOTE table, FHIR NDJSON or bundles.

    The same note twice is one note; the same id with another text is a new version, and what was decided on the old one is asked
    again. What can't be read is reported and skipped; then the exit code is 1, and the rest is in the registry.

    \b
    Examples: abstractor ingest notes.csv --column text=NOTE_TEXT --column note_id=NOTE_ID
              abstractor ingest dump/ --patients cohort.csv
    """  # noqa: D301  (click wants the control character)
    from abstractor.batch.ingest import ingest as read_in
    from abstractor.rulebook.load import load_rulebook
    from abstractor.sources.patients import read_patients

    options = read_options(columns, encoding, load_rulebook(rules))
    patients = None if patient_list is None else read_patients(patient_list)
    with opened(db, real=True) as registry, progress("ingest", quiet=quiet) as show:
        report = read_in(registry, paths, options, format_name=format_name, patients=patients, progress=show)
    tell_faults(report.faults)
    _tell_list(report, patients, quiet=quiet)
    if not quiet:
        again = f", {report.rechecks} decisions to look at again" if report.rechecks else ""
        click.echo(
            f"{report.added} notes added, {report.known} known already, {report.versions} new versions{again}, "
            f"{len(report.faults)} faults",
            err=True,
        )
    if report.faults:
        sys.exit(1)


def _tell_list(report: "IngestReport", patients: frozenset[str] | None, *, quiet: bool) -> None:
    """What became of a list of patients: whose notes were left out, and of whom there are none."""
    if patients is None:
        return
    if report.without_notes:
        named = ", ".join(report.without_notes[:_MOST_NAMED])
        more = f" and {len(report.without_notes) - _MOST_NAMED} more" if len(report.without_notes) > _MOST_NAMED else ""
        tell(f"abstractor: {len(report.without_notes)} listed patients have no note here: {named}{more}")
    if not quiet:
        found = len(patients) - len(report.without_notes)
        click.echo(
            f"{found} of {len(patients)} listed patients; {report.left_out} notes of other patients left out", err=True
        )


cli.add_command(annotate)
cli.add_command(review)
cli.add_command(serve)
cli.add_command(checks)
cli.add_command(outcomes)
cli.add_command(trace)
cli.add_command(trail)
cli.add_command(verify)
cli.add_command(backup)
cli.add_command(restore)
cli.add_command(encrypt)
cli.add_command(decrypt)
cli.add_command(rekey)
cli.add_command(key)
cli.add_command(user)
cli.add_command(sign)
cli.add_command(unlock)
cli.add_command(signatures)


@cli.group("import", cls=ErrorGroup)
def import_() -> None:
    """Takes in what was abstracted elsewhere."""


@import_.command("facts")
@click.argument("file", type=click.Path(path_type=Path))
@db_option
@rules_option
@user_option
@quiet_option
def import_facts(file: Path, db: str, rules: Path | None, user: str | None, quiet: bool) -> None:
    """Takes facts into the registry, as decisions of source `import`.

    Columns: patient_id, field, value; and, if you have them, assertion, date, end_date, attributes (JSON), source, decided_by,
    decided_at, note_id, start, end. Bad rows are named and skipped; the same file twice is taken once.

    Example: abstractor import facts facts.csv
    """
    from abstractor.batch.facts import import_facts as take
    from abstractor.rulebook.load import load_rulebook

    rulebook = load_rulebook(rules)
    with opened(db, real=True) as registry:
        report = take(registry, file, rulebook.fields, acting(user, registry))
    tell_faults(report.faults)
    if not quiet:
        click.echo(
            f"{report.written} facts imported, {report.known} known already, {len(report.faults)} rows at fault",
            err=True,
        )
    if report.faults:
        sys.exit(1)


import_.add_command(import_redcap)
cli.add_command(export)


@cli.command()
@click.argument("gold", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="GOLD.jsonl...")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Figures as JSON.")
@click.option(
    "--errors",
    "errors_file",
    type=click.Path(path_type=Path),
    help="Every miss and false alarm with its likely cause: .jsonl, .txt or .html. It holds note text.",
)
@click.option(
    "--reliability",
    "reliability_file",
    type=click.Path(path_type=Path),
    help="A figure (.svg or .png) and a table of how far the confidence can be believed.",
)
@click.option("--by", type=click.Choice(["note_type", "file"]), help="Figures also by this.")
@rules_option
@quiet_option
def evaluate(
    gold: tuple[Path, ...],
    json_file: Path | None,
    errors_file: Path | None,
    reliability_file: Path | None,
    by: str | None,
    rules: Path | None,
    quiet: bool,
) -> None:
    """Precision, recall and F1 by field against annotated notes; intervals of F1 from drawing the notes anew.

    Example: abstractor evaluate gold.jsonl --json figures.json --errors errors.html
    """
    from abstractor.cli.evaluate import Wanted, run_evaluation

    wanted = Wanted(json_file, errors_file, reliability_file, by)
    with progress("annotate", quiet=quiet) as show:
        click.echo(run_evaluation(gold, rules, wanted, show))


cli.add_command(qa)
rules.add_command(rules_release)
cli.add_command(rules)
cli.add_command(stats)
cli.add_command(derive)


@cli.command()
@db_option
def upgrade(db: str) -> None:
    """Brings a registry made by an older program to this program's schema; an SQLite file is copied first.

    Example: abstractor upgrade --db study.db
    """
    from abstractor.registry.engine import upgrade_registry
    from abstractor.registry.worklist import count_all

    before, after = upgrade_registry(db)
    with opened(db) as registry:
        count_all(registry)
    click.echo(
        f"schema {before} is up to date" if before == after else f"schema {before} upgraded to {after}", err=True
    )


def main() -> None:
    """The entry of the `abstractor` command. New files are for their owner only; a crash prints no values, for they may be note text."""
    os.umask(0o077)
    _leave_no_core()
    open_standard_streams()
    sys.excepthook = _crash
    cli(prog_name="abstractor")


def _leave_no_core() -> None:
    """What a killed process or one of its children held is not written to the disk."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _crash(kind: type[BaseException], _error: BaseException, trace: Any) -> None:
    """Where it broke, without what it held."""
    import traceback

    frames = [frame for frame in traceback.extract_tb(trace) if "abstractor" in frame.filename][-3:]
    places = ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    click.echo(
        f"abstractor: a fault of the program ({kind.__name__} at {places}); please report it with this line", err=True
    )


if __name__ == "__main__":
    main()
