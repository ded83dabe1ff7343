"""How long work reports that it goes on: through a callback, so that nothing here knows of terminals."""

from collections.abc import Callable

Progress = Callable[[int, int | None], None]
"""Called with what is done so far and the total, if it is known."""


def silent(_done: int, _total: int | None) -> None:
    """The progress of those who do not want to know."""
