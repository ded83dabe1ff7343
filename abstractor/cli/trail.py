"""`abstractor trail`: everything that was ever done with one patient, as a document for an auditor."""

from pathlib import Path

import click

from abstractor.cli.options import db_option, opened, rules_option


@click.command()
@click.argument("patient")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A .html or .csv file; without it, the table goes to standard output as CSV.",
)
@click.option("--no-text", is_flag=True, help="Note and place of the evidence, without its words.")
@db_option
@rules_option
def trail(patient: str, out: Path | None, no_text: bool, db: str, rules: Path | None) -> None:
    """What was done with a patient: who, when, what, the old and the new value, why, from which words and by which rules.

    Every line bears the number and hash of its entry in the audit chain. It holds words of notes, unless --no-text.

    Example: abstractor trail SP01 --out SP01.html
    """
    from typing import IO, cast

    from abstractor.batch.trail import patient_trail, trail_csv, trail_html
    from abstractor.files import whole_file
    from abstractor.rulebook.load import load_rulebook

    if out is not None and out.suffix not in {".html", ".csv"}:
        raise click.BadParameter(f"{out.name}: name a .html or a .csv file", param_hint="--out")
    book = load_rulebook(rules)
    with opened(db) as registry:
        found = patient_trail(registry, patient, book, with_text=not no_text)
    written = trail_html(found) if out is not None and out.suffix == ".html" else trail_csv(found)
    if out is None:
        click.echo(written, nl=False)
        return
    with whole_file(out) as file:
        cast("IO[str]", file).write(written)
    click.echo(f"{out}: {len(found.lines)} lines", err=True)
