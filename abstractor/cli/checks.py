"""`abstractor checks`: what the edit checks find in the whole registry."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path

import click

from abstractor.cli.options import db_option, opened, quiet_option, rules_option

_WORST_FIRST = "FWI"


@click.command()
@click.option(
    "--severity",
    type=click.Choice(list(_WORST_FIRST)),
    default="I",
    help="Only these and worse: F fatal, W warnings, I everything (default).",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="`json` is an object a line.",
)
@click.option(
    "--cutoff",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Data cutoff: nothing may be dated later, and who was not seen for long before it is told.",
)
@click.option("--passed", is_flag=True, help="Also the warnings that somebody has let pass with a word.")
@db_option
@rules_option
@quiet_option
def checks(
    severity: str, form: str, cutoff: datetime | None, passed: bool, db: str, rules: Path | None, quiet: bool
) -> None:
    """Lists what can't be right in the registry, patient by patient; counts go to standard error.

    The exit code is 1 where something fatal stands. docs/edits.md says what each check means.

    \b
    Examples: abstractor checks --cutoff 2025-06-30
              abstractor checks --severity F --format csv > fatal.csv
    """  # noqa: D301  (click wants the control character)
    from abstractor.batch.problems import check_registry, write_problems
    from abstractor.rulebook.load import load_rulebook

    rulebook = load_rulebook(rules)
    wanted = _WORST_FIRST[: _WORST_FIRST.index(severity) + 1]
    with opened(db) as registry:
        found = check_registry(
            registry, rulebook, today=_today(), cutoff=cutoff.date() if cutoff else None, passed=passed
        )
        tally = write_problems((one for one in found if one.problem.severity.value in wanted), sys.stdout, form)
    if not quiet:
        click.echo("\n".join(tally.lines()), err=True)
    if tally.fatal:
        sys.exit(1)


def _today() -> date:
    return datetime.now(UTC).date()
