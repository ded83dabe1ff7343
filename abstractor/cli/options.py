"""What the commands share: their common options, how they open a registry and read columns, and how an error becomes one line."""

import getpass
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from abstractor.model.errors import AbstractorError, InputError
from abstractor.tui.safe import safe_lines

if TYPE_CHECKING:
    from abstractor.registry.engine import Registry
    from abstractor.rulebook.book import RuleBook

Command = TypeVar("Command", bound=Callable[..., Any])


class ErrorGroup(click.Group):
    """Turns our own errors into one line and exit code 1; a crash into one line that holds nothing of a note."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """In the order of the work, not of the alphabet."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AbstractorError as error:
            tell(f"abstractor: {error}")
            ctx.exit(1)
        except BrokenPipeError:
            ctx.exit(1)
        except MemoryError:
            click.echo("abstractor: out of memory; give it fewer or smaller files at a time", err=True)
            ctx.exit(1)


def tell(text: str) -> None:
    """A line or more on standard error. Names of files, ids and values come from data: no terminal may obey them."""
    click.echo(safe_lines(text), err=True)


def db_option(command: Command) -> Command:
    """--db, and --key-fd for where it is encrypted."""
    return click.option(
        "--db",
        envvar="ABSTRACTOR_DB",
        default="abstractor.db",
        show_default=True,
        metavar="URL",
        help="The registry: a path, or an SQLAlchemy URL (also ABSTRACTOR_DB).",
    )(key_option(command))


class Descriptor(click.ParamType[int]):
    """The number of a descriptor. What is refused is not repeated: it may be the key, given in the wrong place."""

    name = "descriptor"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if not str(value).isdecimal():
            self.fail("takes the number of a descriptor, e.g. 3; never the key itself", param, ctx)
        return int(value)


def key_option(command: Command) -> Command:
    """The descriptor is read at once: later its number could be that of a file of ours."""
    return click.option(
        "--key-fd",
        envvar="ABSTRACTOR_KEY_FD",
        type=Descriptor(),
        metavar="N",
        expose_value=False,
        callback=_take_key,
        help="Of an encrypted registry: the number of the descriptor that gives its key (see `abstractor key`).",
    )(command)


def _take_key(ctx: click.Context, _param: click.Parameter, number: int | None) -> None:
    if number is not None and not ctx.resilient_parsing:
        from abstractor.registry.keys import take_from_descriptor

        take_from_descriptor(number)


def rules_option(command: Command) -> Command:
    return click.option(
        "--rules",
        type=click.Path(path_type=Path),
        help="A folder of rules, instead of those that came with the program.",
    )(command)


def user_option(command: Command) -> Command:
    return click.option("--user", help="Who is acting; default: the login name.")(command)


def quiet_option(command: Command) -> Command:
    return click.option("--quiet", is_flag=True, help="No progress and no summary.")(command)


def acting(user: str | None, registry: "Registry | None" = None) -> str:
    """Who is acting: in a registry with people the person of this login, else who they say, else the login."""
    if registry is not None:
        from abstractor.registry.people import acting_person

        person = acting_person(registry, user)
        if person is not None:
            return person
    try:
        return user or getpass.getuser()
    except (KeyError, OSError):
        raise InputError("no login name on this system; say who you are with --user") from None


def opened(db: str, *, at_screen: bool = False, real: bool = False) -> "Any":
    """An open registry, closed at the end of the block; a person at the screen is not made to wait half a minute for others.

    `real` refuses a training copy: it holds wrong suggestions, which must reach nothing.
    """
    from contextlib import closing

    from abstractor.registry.engine import PATIENCE, SHORT_PATIENCE, open_registry
    from abstractor.registry.quality import is_training

    registry: Registry = open_registry(db, SHORT_PATIENCE if at_screen else PATIENCE)
    if real and is_training(registry):
        registry.close()
        raise InputError(f"{registry.name}: is a training copy with wrong suggestions; use the real registry")
    return closing(registry)


def read_options(columns: Iterable[str], encoding: str | None, rulebook: "RuleBook") -> "Any":
    from abstractor.sources.codes import note_type_codes
    from abstractor.sources.reader import note_type_mapper
    from abstractor.sources.reading import COLUMNS, ReadOptions

    renamed: dict[str, str] = {}
    for column in columns:
        ours, equals, theirs = column.partition("=")
        if not equals or ours not in COLUMNS or not theirs:
            raise click.BadParameter(
                f"{column!r}; write OURS=THEIRS, ours being one of {', '.join(COLUMNS)}", param_hint="--column"
            )
        renamed[ours] = theirs
    return ReadOptions(
        columns=renamed,
        encoding=encoding,
        note_type=note_type_mapper(rulebook.note_types),
        codes=note_type_codes(rulebook.note_types),
    )


def tell_faults(faults: Iterable[str]) -> None:
    for fault in faults:
        tell(f"abstractor: {fault}")
