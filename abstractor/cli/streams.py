"""Standard streams that are there, whoever started the program and closed them: a scheduler, or `2>&-` in a shell."""

import os
import sys


def open_standard_streams() -> None:
    """What was closed leads nowhere from now on; else the next file opened would take its number, and get what is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    nowhere = {"encoding": "utf-8", "errors": "backslashreplace", "closefd": False}
    sys.stdin = sys.stdin or open(0, **nowhere)  # type: ignore[call-overload]  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", **nowhere)  # type: ignore[call-overload]  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", **nowhere)  # type: ignore[call-overload]  # noqa: SIM115
