"""`abstractor backup` and `abstractor restore`."""

import sys
from pathlib import Path

import click

from abstractor.cli.options import db_option, opened, quiet_option, tell


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--encrypted", is_flag=True, help="Encrypt the copy of a registry on a server, with your key.")
@db_option
@quiet_option
def backup(file: Path, encrypted: bool, db: str, quiet: bool) -> None:
    """Copies the registry as it is at one moment, while people write; FILE.json beside it says what it holds.

    The copy is a registry of one file, also of a registry on a server. It holds the notes: keep it as safe as the registry. An encrypted
    file's copy is encrypted with the same key; that of a server's registry where --encrypted asks for it.

    Example: abstractor backup backups/2024-05-01.db
    """
    from abstractor.registry.backup import back_up
    from abstractor.registry.cipher import key_to_encrypt_with

    key = key_to_encrypt_with() if encrypted else None
    with opened(db) as registry:
        made = back_up(registry, file, key=key)
    if not quiet:
        click.echo(
            f"{file}: {made.bytes / 1e6:.1f} MB, {made.rows['note']} note versions, {made.rows['decision']} decisions, "
            f"chain up to entry {made.sequence}; try it with `abstractor restore`",
            err=True,
        )


@click.command()
@click.argument("backup_file", metavar="BACKUP", type=click.Path(path_type=Path, dir_okay=False))
@db_option
@quiet_option
def restore(backup_file: Path, db: str, quiet: bool) -> None:
    """Makes a new registry from a backup, and checks it: the file by its hash, then as `abstractor verify` does.

    --db names where it goes; what is there already is never written over.

    Example: abstractor restore backups/2024-05-01.db --db restored.db
    """
    from abstractor.registry.backup import restore as bring_back
    from abstractor.registry.people import unasked
    from abstractor.registry.verify import Anchor, verify_chain, verify_notes

    made = bring_back(backup_file, db)
    with opened(db) as registry, unasked():
        anchors = [Anchor(made.sequence, made.hash, made.made_at)] if made.sequence else []
        faults = verify_chain(registry, anchors).faults + verify_notes(registry).faults
    if faults:
        tell(f"abstractor: {db} was restored, but does not verify: {faults[0]}; see `abstractor verify --db {db}`")
        sys.exit(1)
    if not quiet:
        click.echo(
            f"{db}: {made.rows['note']} note versions and {made.rows['decision']} decisions of {made.made_at[:19]}, whole",
            err=True,
        )
