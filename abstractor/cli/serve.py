"""`abstractor serve`: the review in a browser on the same machine."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from abstractor.cli.options import acting, db_option, opened, rules_option, user_option
from abstractor.model.errors import InputError

if TYPE_CHECKING:
    from abstractor.registry.keys import Key

_LOCAL = frozenset({"127.0.0.1", "localhost"})


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: a free one.")
@click.option("--host", default="127.0.0.1", hidden=True, help="Only this machine; another is refused.")
@click.option("--patient", help="Open this patient at once.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="A file of review settings (TOML).")
@db_option
@rules_option
@user_option
def serve(
    port: int,
    host: str,
    patient: str | None,
    config_file: Path | None,
    db: str,
    rules: Path | None,
    user: str | None,
) -> None:
    """Shows the review in a browser of this machine, for one person. Needs the extra: pip install 'abstractor[serve]'.

    It prints an address that is good once, and serves until ctrl+c. Only 127.0.0.1 is served; to work from elsewhere, use
    `abstractor review` over SSH, or forward the port. Name a registry with a password by ABSTRACTOR_DB: arguments can be seen by others.

    Example: abstractor serve --db study.db --user mortiz
    """
    if host not in _LOCAL:
        raise InputError(
            f"{host}: only 127.0.0.1 is served, for there is no encryption here. From another machine: "
            "ssh -L 8000:127.0.0.1:8000 THIS-MACHINE, here: abstractor serve --port 8000; or abstractor review over SSH"
        )
    try:
        import aiohttp  # noqa: F401
        import textual_serve  # noqa: F401
    except ImportError:
        raise InputError("abstractor serve needs two libraries more: pip install 'abstractor[serve]'") from None
    from abstractor.serve.run import review_launch, run

    who, key = _refuse_what_review_would(db, patient, config_file, user)
    options = ["--user", who]
    for name, value in (("--patient", patient), ("--config", config_file), ("--rules", rules)):
        options += [name, str(value)] if value is not None else []
    click.echo(
        f"Serving the review of {who} on this machine only; ctrl+c ends it. Open once, in one browser:", err=True
    )
    run(review_launch(db, options, key=key), port, show_address=click.echo, tell=_tell)


def _refuse_what_review_would(
    db: str, patient: str | None, config_file: Path | None, user: str | None
) -> tuple[str, "Key | None"]:
    """Here and at once, rather than in a browser that stays empty; who is acting and the registry's key, where nothing is refused."""
    from abstractor.registry.notes import patients
    from abstractor.review.config import read_config

    if config_file is not None:
        read_config(config_file)
    with opened(db, at_screen=True) as registry:
        if patient is not None and patient not in patients(registry):
            raise InputError(f"patient {patient}: not in this registry; without --patient, all are listed")
        return acting(user, registry), registry.key


def _tell(line: str) -> None:
    click.echo(f"abstractor serve: {line}", err=True)
