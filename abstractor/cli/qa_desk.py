"""How the `qa` commands come to a desk."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from abstractor.cli.options import acting, opened

if TYPE_CHECKING:
    from abstractor.quality.desk import Desk


@contextmanager
def desk_of(db: str, rules: Path | None, user: str | None) -> "Iterator[Desk]":
    """An open registry with one person at it."""
    from abstractor.quality.desk import open_desk
    from abstractor.rulebook.load import load_rulebook

    with opened(db) as registry:
        yield open_desk(registry, load_rulebook(rules), acting(user, registry))
