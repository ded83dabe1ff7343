"""Copied words in a file of their owner, for terminals whose clipboard can't be reached. It is replaced by the next copy."""

import os
from pathlib import Path

from platformdirs import user_runtime_path

from abstractor.model.errors import InputError

_NAME = "copied.txt"


def copied_file() -> Path:
    """Where copied words go: the folder of this login, which the system empties when the login ends, where it has one."""
    return user_runtime_path("abstractor", appauthor=False) / _NAME


def write_copied(text: str, path: Path | None = None) -> Path:
    """Writes copied words, to the letter, into a file that only its owner can read.

    Raises:
        InputError: the file can't be written.
    """
    path = path or copied_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.unlink(missing_ok=True)
        with os.fdopen(
            os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8", newline=""
        ) as file:
            file.write(text)
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror})") from None
    return path
