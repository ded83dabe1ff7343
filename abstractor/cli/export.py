"""`abstractor export`: what the registry holds, in the formats of other systems; `abstractor import redcap`: back from one of them."""

import hashlib
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import click

from abstractor.cli.options import (
    ErrorGroup,
    acting,
    db_option,
    opened,
    quiet_option,
    rules_option,
    tell_faults,
    user_option,
)

if TYPE_CHECKING:
    from abstractor.exports.source import Source
    from abstractor.registry.engine import Registry

PROFILES = ("identified", "limited", "deidentified")
FORMATS = {
    "omop": "OMOP CDM 5.4: a CSV a table. NOTE and NOTE_NLP, which hold words of notes, only identified.",
    "mcode": "mCODE STU4: a FHIR R4 bundle a patient, one a line, with Provenance. Needs abstractor[fhir].",
    "cbioportal": "A cBioPortal study: clinical tables, timelines, alterations, panels, case lists. No dates, whatever the profile.",
    "redcap": "A REDCap project: dictionary.csv and data.csv with repeating instruments; `import redcap` takes it back.",
    "naaccr": "NAACCR XML (v26): the items that exist. Lines, responses and progression have none.",
    "brat": "brat standoff: every note with what was found in it and what was confirmed. Only --profile identified.",
}


def profile_option(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What may leave; the default differs by format."""
    return click.option(
        "--profile",
        type=click.Choice(PROFILES),
        default=default,
        show_default=True,
        help="identified: as it is; limited: dates, but no ids and no words; deidentified: days from diagnosis, ages from 90 pooled.",
    )


@click.group(cls=ErrorGroup)
def export() -> None:
    """Writes what the registry holds: only what people confirmed; each export is logged.

    \b
    Examples: abstractor export cbioportal --out study
              abstractor export redcap --profile identified --out redcap
    """  # noqa: D301  (click wants the control character)


@export.command("facts")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder; the file is facts.csv.")
@profile_option("identified")
@db_option
@rules_option
@user_option
def export_facts(out: Path, profile: str, db: str, rules: Path | None, user: str | None) -> None:
    """Confirmed facts, with who decided them; `import facts` takes them back.

    Example: abstractor export facts --out export
    """
    from abstractor.exports.facts import fact_lines, facts_header, leaving_facts
    from abstractor.files import whole_file
    from abstractor.registry.people import within

    file_name = out / "facts.csv"
    count = 0
    with opened(db, real=True) as registry, within(registry, f"export_{profile}"):
        source = _source(registry, rules, profile)
        dates = frozenset(name for name, spec in source.rulebook.fields.items() if spec.kind == "date")
        with whole_file(file_name) as opened_file:
            file = cast("IO[str]", opened_file)
            file.write(facts_header())
            for chart in source.charts():
                facts = list(leaving_facts(chart, source.leaving, dates))
                file.write(fact_lines(facts))
                count += len(facts)
        _log_file(registry, file_name, count, "facts", profile, acting(user, registry))
    click.echo(f"{count} facts in {file_name}", err=True)


@export.command("findings")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder; the file is findings.jsonl.")
@db_option
@rules_option
@user_option
def export_findings(out: Path, db: str, rules: Path | None, user: str | None) -> None:
    """What the rules found in every note of the registry, with the words: always identified.

    Example: abstractor export findings --out export
    """
    from abstractor.exports.findings import write_findings
    from abstractor.registry.people import within

    file_name = out / "findings.jsonl"
    with opened(db, real=True) as registry, within(registry, "export_identified"):
        source = _source(registry, rules, "identified")
        found = (finding for chart in source.charts() for finding in source.findings(chart))
        count = write_findings(found, file_name)
        _log_file(registry, file_name, count, "findings", "identified", acting(user, registry))
    click.echo(f"{count} findings in {file_name}", err=True)


def _log_file(registry: "Registry", path: Path, rows: int, format_name: str, profile: str, user: str) -> None:
    """Logs an export of one file; what can't be logged does not leave."""
    from abstractor.exports.folder import Written
    from abstractor.exports.run import whole_hash
    from abstractor.model.errors import AbstractorError
    from abstractor.registry.exportlog import log_export

    with path.open("rb") as file:
        written = Written(path.name, rows, hashlib.file_digest(file, "sha256").hexdigest())
    try:
        log_export(
            registry,
            uuid.uuid4().hex,
            user=user,
            profile=profile,
            format_name=format_name,
            rows={written.name: rows},
            sha256=whole_hash((written,)),
        )
    except AbstractorError:
        path.unlink()
        raise


def _source(registry: "Registry", rules: Path | None, profile: str) -> "Source":
    from abstractor.exports.leaving import Leaving, Profile, load_profiles
    from abstractor.exports.source import source_of
    from abstractor.outcomes.protocol import load_protocol
    from abstractor.rulebook.load import load_rulebook

    rulebook = load_rulebook(rules)
    protocol = load_protocol(rulebook.root / "protocol.toml")
    leaving = Leaving(Profile(profile), load_profiles(rulebook.root))
    return source_of(registry, rulebook, leaving, protocol, protocol.data_cutoff or _today())


def _today() -> date:
    return datetime.now(UTC).date()


def _command(format_name: str, says: str) -> click.Command:
    """The command of a format: all of them take the same options."""

    @click.option(
        "--out",
        type=click.Path(path_type=Path),
        required=True,
        help="A folder of its own: an earlier export there is replaced.",
    )
    @profile_option("deidentified")
    @click.option(
        "--key",
        type=click.Path(path_type=Path),
        help="Write here who is who: random ids are made for each export, and else nobody will know.",
    )
    @click.option(
        "--cutoff",
        type=click.DateTime(["%Y-%m-%d"]),
        help="Data cutoff of endpoints; default: the protocol's, else today.",
    )
    @click.option(
        "--protocol", "protocol_file", type=click.Path(path_type=Path), help="A file of protocol settings (TOML)."
    )
    @db_option
    @rules_option
    @user_option
    @quiet_option
    def command(
        out: Path,
        profile: str,
        key: Path | None,
        cutoff: datetime | None,
        protocol_file: Path | None,
        db: str,
        rules: Path | None,
        user: str | None,
        quiet: bool,
    ) -> None:
        from abstractor.exports.leaving import Profile
        from abstractor.exports.run import Wanted
        from abstractor.exports.run import export as write
        from abstractor.outcomes.protocol import load_protocol
        from abstractor.rulebook.load import load_rulebook

        rulebook = load_rulebook(rules)
        protocol = load_protocol(protocol_file or rulebook.root / "protocol.toml")
        with opened(db, real=True) as registry:
            summary = write(
                registry,
                rulebook,
                out,
                Wanted(format_name, Profile(profile), key),
                protocol=protocol,
                cutoff=cutoff.date() if cutoff else protocol.data_cutoff or _today(),
                user=acting(user, registry),
            )
        if not quiet:
            click.echo(f"{format_name}, {profile}: {len(summary.files)} files in {out}", err=True)
            for name, rows in summary.files:
                if rows:
                    click.echo(f"{rows:>8}  {name}", err=True)

    example = " --profile identified" if format_name == "brat" else ""
    return click.command(
        format_name, help=f"{says}\n\nExample: abstractor export {format_name}{example} --out {format_name}"
    )(command)


for _name, _says in FORMATS.items():
    export.add_command(_command(_name, _says))


@click.command("redcap")
@click.argument("file", type=click.Path(path_type=Path))
@db_option
@rules_option
@user_option
@quiet_option
def import_redcap(file: Path, db: str, rules: Path | None, user: str | None, quiet: bool) -> None:
    """Takes data of a REDCap project of ours into the registry, as decisions of source `import`.

    FILE is REDCap's export of the data as CSV, with raw codes. The dictionary is that of `export redcap` (identified or limited). Bad
    rows are named and skipped; the same file twice is taken once.

    Example: abstractor import redcap data.csv
    """
    from abstractor.batch.facts import import_rows
    from abstractor.rulebook.load import load_rulebook
    from abstractor.sources.redcap import read_redcap

    rulebook = load_rulebook(rules)
    read = read_redcap(file, rulebook.fields)
    with opened(db, real=True) as registry:
        report = import_rows(registry, file.name, read.rows, rulebook.fields, acting(user, registry))
    faults = [f"{file.name}: column {name} is none of ours; left out" for name in read.unknown] + report.faults
    tell_faults(faults)
    if not quiet:
        told = f"{report.written} facts imported, {report.known} known already, {len(faults)} faults"
        click.echo(told, err=True)
    if faults:
        sys.exit(1)
