"""The `qa` commands of training mode: a copy with wrong suggestions, and whether they were noticed."""

from pathlib import Path

import click

from abstractor.cli.options import db_option, key_option, opened, quiet_option, rules_option, user_option
from abstractor.cli.qa_desk import desk_of


@click.command("training")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), required=True, help="Of what is planted.")
@click.option(
    "--share", type=click.FloatRange(0.0, 1.0, min_open=True), help="Of the suggestions (default: quality.toml)."
)
@click.option("--patient", "chosen", multiple=True, help="Only this patient; may be repeated.")
@db_option
@rules_option
@user_option
@quiet_option
def qa_training(
    file: Path,
    seed: int,
    share: float | None,
    chosen: tuple[str, ...],
    db: str,
    rules: Path | None,
    user: str | None,
    quiet: bool,
) -> None:
    """Writes a training copy to FILE: notes and suggestions without decisions, and some suggestions wrong on purpose.

    It is worked on like any registry; import, outcomes and exports refuse it.

    \b
    Example: abstractor qa training training.db --seed 7
             abstractor review --db training.db
             abstractor qa noticed training.db
    """  # noqa: D301  (click wants the control character)
    from abstractor.quality.training import make_training
    from abstractor.registry.notes import patients

    with desk_of(db, rules, user) as desk:
        names = chosen or tuple(patients(desk.registry))
        decoys = make_training(desk, file, names, share=share or desk.rules.training.decoy_share, seed=seed)
    if not quiet:
        click.echo(f"{file}: {len(names)} patients, {len(decoys)} suggestions wrong on purpose", err=True)


@click.command("noticed")
@click.argument("file")
@key_option
def qa_noticed(file: str) -> None:
    """Tells how many of the wrong suggestions of a training copy were not taken over: of the items, not of a person.

    Example: abstractor qa noticed training.db
    """
    from abstractor.quality.training import decoys_of, noticed
    from abstractor.registry.decisions import case_of

    with opened(file) as registry:
        decoys = decoys_of(registry)
        found = noticed(decoys, lambda patient_id: case_of(registry, patient_id).current.values())
    if found.value is None:
        click.echo(f"{len(decoys)} planted, none decided on yet")
        return
    click.echo(
        f"{len(decoys)} planted, {found.n} decided on, {found.value:.0%} of them noticed "
        f"(95 % interval {found.lower or 0:.0%} to {found.upper or 0:.0%})"
    )
