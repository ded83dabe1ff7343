"""`abstractor verify`: whether the registry is what was written."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abstractor.cli.options import db_option, opened, quiet_option, rules_option, tell
from abstractor.cli.progress import progress

if TYPE_CHECKING:
    from abstractor.registry.engine import Registry
    from abstractor.registry.verify import Checked


@click.command()
@click.option(
    "--anchor",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Heads of the chain that --write-anchor kept: a chain that was cut or written anew is found by them.",
)
@click.option(
    "--write-anchor",
    "new_anchor",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Adds the head of a chain that is whole to this file; keep it where who can write the registry can't.",
)
@click.option("--chain-only", is_flag=True, help="Only the audit chain: seconds, also where there are many notes.")
@db_option
@rules_option
@quiet_option
def verify(
    anchor: Path | None, new_anchor: Path | None, chain_only: bool, db: str, rules: Path | None, quiet: bool
) -> None:
    """Checks the audit chain, every stored text, every quoted word and every derived value; exit 1 names the first fault.

    \b
    Examples: abstractor verify
              abstractor verify --anchor /secure/heads.jsonl --write-anchor /secure/heads.jsonl
    """  # noqa: D301  (click wants the control character)
    from abstractor.registry.anchors import add_anchor, read_anchors
    from abstractor.registry.cipher import changed_pages
    from abstractor.registry.people import within
    from abstractor.registry.verify import verify_chain, verify_notes

    anchors = read_anchors(anchor) if anchor else ()
    with opened(db) as registry, within(registry, "verify"):
        changed = [] if chain_only else changed_pages(registry)
        if changed:
            _refuse(db, changed)
        with progress("chain", quiet=quiet) as show:
            chain = verify_chain(registry, anchors, show)
        faults = list(chain.faults)
        said = [f"{chain.entries} entries of the audit chain, {len(anchors)} anchors"]
        if not chain_only:
            with progress("notes", quiet=quiet) as show:
                notes = verify_notes(registry, show)
            faults += notes.faults
            said.append(_told(notes))
            derived, line = _derived(registry, rules, quiet=quiet)
            faults += derived
            said.append(line)
    if faults:
        _refuse(db, faults)
    if new_anchor is not None:
        add_anchor(new_anchor, chain)
    if not quiet:
        click.echo("whole: " + "; ".join(said), err=True)


def _told(notes: "Checked") -> str:
    uncited = f" ({notes.uncited} imported ones cite no version)" if notes.uncited else ""
    return f"{notes.notes} note versions, {notes.quotes} quotes{uncited}"


def _derived(registry: "Registry", rules: Path | None, *, quiet: bool) -> tuple[list[str], str]:
    from abstractor.batch.recompute import recompute
    from abstractor.rulebook.load import load_rulebook

    with progress("derived", quiet=quiet) as show:
        again = recompute(registry, load_rulebook(rules), show)
    other = f", not of {again.other_rules} patients that other rules read" if again.other_rules else ""
    return again.faults, f"{again.values} derived values{other}"


def _refuse(db: str, faults: list[str]) -> None:
    more = f"; {len(faults) - 1} more faults" if len(faults) > 1 else ""
    tell(
        f"abstractor: {faults[0]}{more}\n"
        "abstractor: keep a copy of this registry as it is, restore the last backup that verifies to a new place (`abstractor restore`), "
        "and find out who could write the database past the program"
    )
    sys.exit(1)
