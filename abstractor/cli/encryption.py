"""`abstractor encrypt`, `decrypt`, `rekey` and `key`: registries that can be read only with a key, and the keys."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from abstractor.cli.options import Descriptor, ErrorGroup, db_option, key_option, quiet_option
from abstractor.model.errors import InputError

if TYPE_CHECKING:
    from abstractor.registry.encryption import Rewritten
    from abstractor.registry.keys import Key

_file_option = click.option(
    "--file", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this new file, for its owner only."
)
_name_option = click.option("--name", help="Of the keyring's entry (default: ABSTRACTOR_KEY_NAME, else registry).")


@click.command()
@db_option
@quiet_option
def encrypt(db: str, quiet: bool) -> None:
    """Encrypts a registry that is in clear, with the key that --key-fd, ABSTRACTOR_KEY_COMMAND or the keyring gives.

    Everybody leaves the registry first. It is written anew, compared row by row, and takes the place of the old file. Nothing is left of
    that under its name; but the disk may keep its blocks for a while, and copies and backups made before stay in clear: delete those.

    \b
    Example: abstractor key new
             abstractor encrypt --db study.db
    """  # noqa: D301  (click wants the control character)
    from abstractor.registry.cipher import key_to_encrypt_with
    from abstractor.registry.encryption import encrypt as write_anew

    key = key_to_encrypt_with()
    done = write_anew(db, key)
    _tell(quiet, f"{db}: encrypted with the key from {key.source}", done)
    if not quiet:
        click.echo(
            "Who loses the key loses the registry: keep a copy of it elsewhere (`abstractor key copy --file`). "
            "Backups and copies made before are still in clear",
            err=True,
        )


@click.command()
@db_option
@quiet_option
def decrypt(db: str, quiet: bool) -> None:
    """Writes an encrypted registry in clear: from then on whoever gets the file can read the notes.

    Example: abstractor decrypt --db study.db
    """
    from abstractor.registry.encryption import decrypt as write_anew

    done = write_anew(db)
    _tell(quiet, f"{db}: in clear", done)


@click.command()
@click.option(
    "--new-key-fd", type=Descriptor(), metavar="N", help="The number of the descriptor that gives the new key."
)
@click.option("--new-key-name", help="The keyring's entry with the new key.")
@db_option
@quiet_option
def rekey(new_key_fd: int | None, new_key_name: str | None, db: str, quiet: bool) -> None:
    """Encrypts a registry with another key; its old one is given as ever.

    Backups made before keep the old key: keep it as long as them.

    \b
    Example: abstractor key new --name year2
             abstractor rekey --db study.db --new-key-name year2
             export ABSTRACTOR_KEY_NAME=year2
    """  # noqa: D301  (click wants the control character)
    from abstractor.registry.encryption import rekey as write_anew

    new = _new_key(new_key_fd, new_key_name)
    done = write_anew(db, new)
    _tell(quiet, f"{db}: encrypted with the key from {new.source}; backups made before keep the old one", done)


def _new_key(descriptor: int | None, entry: str | None) -> "Key":
    from abstractor.registry.keys import key_from_descriptor, key_from_keyring

    if (descriptor is None) == (entry is None):
        raise click.UsageError("say where the new key comes from: --new-key-fd or --new-key-name")
    if descriptor is not None:
        return key_from_descriptor(descriptor)
    key = key_from_keyring(entry)
    if key is None:
        raise InputError(f"entry {entry!r} of the keyring: there is none; `abstractor key new --name` makes it")
    return key


@click.group(cls=ErrorGroup)
def key() -> None:
    """Keys of encrypted registries. They are never arguments or shown: a key comes from, in this order,

    \b
    --key-fd N (ABSTRACTOR_KEY_FD)  a descriptor:  abstractor review --key-fd 3 3< key.txt
    ABSTRACTOR_KEY_COMMAND          the first line that a program says, run without a shell:  pass show abstractor
    the credential abstractor-key   of a service of systemd (LoadCredential=, LoadCredentialEncrypted=)
    the keyring of the system       entry `registry`, or the one that ABSTRACTOR_KEY_NAME names

    Example: abstractor key new
    """  # noqa: D301  (click wants the control character; a table follows)


@key.command()
@_name_option
@_file_option
def new(name: str | None, file: Path | None) -> None:
    """Makes a key of 256 random bits and puts it into the keyring, or into a new file; it is not shown.

    \b
    Examples: abstractor key new
              abstractor key new --file /media/stick/abstractor.key
    """  # noqa: D301  (click wants the control character)
    from abstractor.registry.keys import new_key

    _put(new_key(), name, file)


@key.command()
@_name_option
@_file_option
@key_option
def copy(name: str | None, file: Path | None) -> None:
    """Copies the key that is in use to a new file, to be kept in a safe, or into the keyring of this machine.

    Example: abstractor key copy --file /media/stick/abstractor.key
    """
    from abstractor.registry.keys import key_at_hand

    in_use = key_at_hand()
    if in_use is None:
        raise InputError("no key was given: see `abstractor key --help` for where one can come from")
    _put(in_use, name, file)


def _put(made: "Key", name: str | None, file: Path | None) -> None:
    from abstractor.registry.keys import put_into_keyring, write_key

    if file is not None:
        write_key(made, file)
        click.echo(f"the key is in {file}, for its owner only", err=True)
    else:
        click.echo(f"the key is in the keyring, as {put_into_keyring(made, name)!r}", err=True)


def _tell(quiet: bool, what: str, done: "Rewritten") -> None:
    if not quiet:
        click.echo(f"{what}; {done.rows} rows are the same, {done.entries} entries of the audit chain verify", err=True)
