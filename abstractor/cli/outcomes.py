"""`abstractor outcomes`: the endpoints of the registry as a report; `abstractor trace`: from its numbers back to the notes."""

from datetime import UTC, date, datetime
from pathlib import Path

import click

from abstractor.cli.options import db_option, opened, quiet_option, rules_option


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for report.html, analysis.csv, tables and figures.",
)
@click.option(
    "--by",
    default="stage_valg",
    show_default=True,
    help="A baseline column or a gene to compare groups by; `none` for no groups.",
)
@click.option("--cutoff", type=click.DateTime(["%Y-%m-%d"]), help="Data cutoff; default: the protocol's, else today.")
@click.option(
    "--protocol", "protocol_file", type=click.Path(path_type=Path), help="A file of protocol settings (TOML)."
)
@click.option(
    "--profile",
    type=click.Choice(["internal", "shareable"]),
    default="internal",
    show_default=True,
    help="`shareable`: no patient, no quoted words, no small counts; of the tables only numbers.csv.",
)
@click.option("--pdf", is_flag=True, help="Also report.pdf.")
@click.option(
    "--error-rates",
    type=click.Path(path_type=Path),
    help="Measured precision and recall of responses (what `evaluate --json` writes), for the uncertainty of abstraction.",
)
@db_option
@rules_option
@quiet_option
def outcomes(
    out: Path,
    by: str,
    cutoff: datetime | None,
    protocol_file: Path | None,
    profile: str,
    pdf: bool,
    error_rates: Path | None,
    db: str,
    rules: Path | None,
    quiet: bool,
) -> None:
    """Computes ORR, DCR, PFS and OS from what was confirmed, with tables, figures and a report.

    \b
    Examples: abstractor outcomes --out report --cutoff 2025-06-30 --by histology
              abstractor outcomes --out for-others --profile shareable --pdf
    """  # noqa: D301  (click wants the control character)
    from abstractor.batch.endpoints import compute_outcomes
    from abstractor.outcomes.error_rates import read_error_rates
    from abstractor.outcomes.protocol import load_protocol
    from abstractor.outcomes.run import Extras
    from abstractor.rulebook.load import load_rulebook

    rulebook = load_rulebook(rules)
    protocol = load_protocol(protocol_file or rulebook.root / "protocol.toml")
    rates = read_error_rates(error_rates) if error_rates else None
    last_day = cutoff.date() if cutoff else protocol.data_cutoff or _today()
    with opened(db, real=True) as registry:
        summary = compute_outcomes(
            registry,
            rulebook,
            out,
            protocol=protocol,
            cutoff=last_day,
            by=None if by == "none" else by,
            extras=Extras(shareable=profile == "shareable", pdf=pdf, rates=rates),
        )
    if not quiet:
        click.echo("\n".join(summary.lines()), err=True)


@click.command()
@click.argument("id_", metavar="ID")
@click.option(
    "--report",
    "folder",
    type=click.Path(path_type=Path),
    help="The folder of an internal report: needed for its numbers and for endpoints.",
)
@click.option("--no-text", is_flag=True, help="Note, place and decision, without the words of the notes.")
@db_option
def trace(id_: str, folder: Path | None, no_text: bool, db: str) -> None:
    """From a number of a report, a patient or a decision down to the decisions and the quoted words of the notes.

    ID is a number (os.all.median, orr-confirmed.all.all.share; tables/numbers.csv lists them), a step of a curve (os.all@314), a patient (SP01), an
    endpoint of a patient (SP01/os), or a decision. What is printed holds words of notes, unless --no-text.

    \b
    Examples: abstractor trace os.all.median --report report
              abstractor trace os.limited@656 --report report --no-text
              abstractor trace SP01/pfs --report report
    """  # noqa: D301
    from abstractor.batch.trace import read_report, trace, trace_text

    tables = read_report(folder) if folder else None
    with opened(db, real=True) as registry:
        click.echo(trace_text(trace(registry, id_, tables), with_text=not no_text))


def _today() -> date:
    return datetime.now(UTC).date()
