"""`abstractor review`: the screens, the line mode, the demonstration, and the settings of a person."""

import os
import sys
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abstractor.cli.options import acting, db_option, opened, rules_option, tell, user_option
from abstractor.model.errors import InputError

if TYPE_CHECKING:
    from abstractor.registry.engine import Registry
    from abstractor.review.config import ReviewConfig
    from abstractor.review.habits import Habits
    from abstractor.rulebook.book import RuleBook

_DEMO_USER = "demo"


@click.command()
@click.option("--patient", help="Open this patient at once.")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="A file of settings (TOML); default: review.toml where your system keeps settings.",
)
@db_option
@rules_option
@user_option
@click.option("--plain", is_flag=True, help="One row at a time as lines, for screen readers.")
@click.option("--demo", is_flag=True, help="The tour on an invented patient; needs no registry and keeps nothing.")
@click.option("--clipboard", type=click.Choice(["off", "osc52", "file"]), help="Where a copied selection goes.")
@click.option("--keys", "list_keys", is_flag=True, help="List all keys and actions, and end.")
@click.option("--write-config", is_flag=True, help="Write a file of all settings with their defaults, and end.")
def review(
    patient: str | None,
    config_file: Path | None,
    db: str,
    rules: Path | None,
    user: str | None,
    plain: bool,
    demo: bool,
    clipboard: str | None,
    list_keys: bool,
    write_config: bool,
) -> None:
    """Opens the terminal interface, in which an abstractor confirms, corrects, rejects and adds.

    \b
    Examples: abstractor review --db study.db --user mortiz
              abstractor review --demo
    """  # noqa: D301  (click wants the control character)
    _close_side_doors()
    if write_config:
        click.echo(f"written to {_write_defaults(config_file or _settings_file())}", err=True)
        return
    config = _settings(config_file)
    if list_keys:
        from abstractor.tui.actions import Keymap
        from abstractor.tui.listing import keys_text

        click.echo(keys_text(Keymap(config.keys)), nl=False)
        return
    config = replace(config, crash_log=config.crash_log or _log_folder(), clipboard=clipboard or config.clipboard)
    if not plain:
        _require_terminal()
    if demo:
        sys.exit(_run_demo(config, user or _DEMO_USER, plain=plain))
    from abstractor.rulebook.load import load_rulebook

    rulebook = load_rulebook(rules)
    with opened(db, at_screen=True) as registry:
        sys.exit(_run(registry, rulebook, acting(user, registry), patient, config, plain=plain))


def _run(
    registry: "Registry",
    rulebook: "RuleBook",
    user: str,
    patient: str | None,
    config: "ReviewConfig",
    *,
    plain: bool,
) -> int:
    """The screens, or a line at a time."""
    from abstractor.registry.notes import patients

    if patient is not None and patient not in patients(registry):
        raise InputError(f"patient {patient}: not in this registry; without --patient, all are listed")
    if plain:
        return _run_plain(registry, rulebook, user, patient, config)
    from abstractor.cli.beyond import beyond
    from abstractor.tui.app import run_review

    further = beyond(registry, rulebook, config, user)
    return run_review(registry, rulebook, user, patient_id=patient, config=config, habits=_habits(), beyond=further)


def _run_plain(
    registry: "Registry", rulebook: "RuleBook", user: str, patient: str | None, config: "ReviewConfig"
) -> int:
    from abstractor.registry.engine import utc_now
    from abstractor.tui.ending import keep_faults_quiet
    from abstractor.tui.plain import run_plain
    from abstractor.tui.terminal import fit_to_terminal

    keep_faults_quiet()
    fit_to_terminal(sys.stdout.encoding)
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # a stray byte in a pipe must not end the review
    return run_plain(
        registry, rulebook, user, patient_id=patient, clock=utc_now, lines=sys.stdin, out=sys.stdout, config=config
    )


def _run_demo(config: "ReviewConfig", user: str, *, plain: bool) -> int:
    """The invented patient in a registry that is gone afterwards."""
    from abstractor.rulebook.load import load_rulebook
    from abstractor.tui.tour import invented_registry

    rulebook = load_rulebook()
    with invented_registry(rulebook) as (registry, patient):
        if plain:
            return _run_plain(registry, rulebook, user, patient, config)
        from abstractor.cli.beyond import beyond
        from abstractor.tui.app import run_review

        further = beyond(registry, rulebook, config, user)
        return run_review(registry, rulebook, user, config=config, habits=_habits(), tour=True, beyond=further)


def _settings(named: Path | None) -> "ReviewConfig":
    """The settings of the file that was named, else of the person's own, if there is one.

    Raises:
        InputError: the file can't be read, or a setting or key of it is at fault; it names the file.
    """
    from abstractor.review.config import ReviewConfig, read_config
    from abstractor.tui.actions import Keymap

    path = named or _settings_file()
    if named is None and not path.exists():
        return ReviewConfig()
    config = read_config(path)
    try:
        Keymap(config.keys)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return config


def _settings_file() -> Path:
    from platformdirs import user_config_path

    return user_config_path("abstractor", appauthor=False) / "review.toml"


def _write_defaults(path: Path) -> Path:
    """Writes the file of defaults; one that is there is somebody's work and stays."""
    from abstractor.review.config import default_settings
    from abstractor.tui.listing import keys_toml

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(f"{default_settings()}\n{keys_toml()}")
    except FileExistsError:
        raise InputError(f"{path}: is there already; name another file with --config") from None
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror})") from None
    return path


def _habits() -> "Habits":
    """What is remembered of this person; never anything of a patient."""
    from platformdirs import user_state_path

    from abstractor.review.habits import Habits

    return Habits(user_state_path("abstractor", appauthor=False) / "review.json")


def _log_folder() -> Path:
    """Where a crash of the screens leaves its line; it never holds note text."""
    from platformdirs import user_log_path

    return user_log_path("abstractor", appauthor=False)


def _require_terminal() -> None:
    """Screens drawn into a pipe or a file would help nobody, and leave note text where nobody looks for it."""
    served = "TEXTUAL_DRIVER" in os.environ  # whoever names a driver has another way to keys and screen
    streams = (sys.stdin, sys.stdout, sys.stderr)
    if not served and not all(stream is not None and stream.isatty() for stream in streams):
        tell(
            "abstractor: the screens need a terminal for input, output and errors; add --plain to review through a pipe"
        )
        sys.exit(2)


def _close_side_doors() -> None:
    """Textual's tools for its developers log keys and draw pictures; what they would write is text of patients."""
    for name in [name for name in os.environ if name == "TEXTUAL" or name.startswith("TEXTUAL_")]:
        if name not in {"TEXTUAL_FPS", "TEXTUAL_DISABLE_KITTY_KEY", "TEXTUAL_COLOR_SYSTEM", "TEXTUAL_DRIVER"}:
            del os.environ[name]
