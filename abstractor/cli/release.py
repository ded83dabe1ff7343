"""`abstractor rules release`: a rulebook goes out only after it was held against what people confirmed."""

import sys
from pathlib import Path

import click

from abstractor.cli.options import acting, db_option, opened, quiet_option, user_option
from abstractor.cli.progress import progress


@click.command("release")
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--old", type=click.Path(path_type=Path), help="The rules in use; default: those that came with the program."
)
@db_option
@user_option
@quiet_option
def rules_release(new: Path, old: Path | None, db: str, user: str | None, quiet: bool) -> None:
    """Says whether a folder of rules may be released, by what it wins and loses of the facts confirmed in the registry; notes the verdict there.

    The limits are in `quality.toml` of the rules in use. Exit code 1: it may not be released.

    Example: abstractor rules release my-rules
    """
    from abstractor.api import Abstractor
    from abstractor.quality.desk import open_desk
    from abstractor.quality.rule_answers import record_release, release_gate
    from abstractor.registry.people import within
    from abstractor.workbench.comparison import compare_rules
    from abstractor.workbench.confirmed import confirmed, registry_notes
    from abstractor.workbench.difference import Outcome

    before, after = Abstractor.load(old), Abstractor.load(new)
    with opened(db) as registry, within(registry, "release_rules"), progress("compare", quiet=quiet) as show:
        notes = ((note, None) for note in registry_notes(registry))
        found = compare_rules(before, after, notes, confirmed(registry), progress=show)
        won = sum(one.outcome is Outcome.WON for one in found.verdicts)
        lost = len(found.verdicts) - won
        desk = open_desk(registry, before.rulebook, acting(user, registry))
        gate = release_gate(won, lost, found.statements, desk.rules.release)
        figures = {"won": won, "lost": lost, "statements": found.statements, "notes": found.notes}
        record_release(desk, found.new, found.old, gate, figures)
    click.echo(f"rulebook {found.new} after {found.old}: {gate.text}")
    if not gate.open:
        sys.exit(1)
