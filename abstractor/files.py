"""Files that appear whole or not at all: written beside their place, synced, then renamed; readable by their owner only."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from abstractor.model.errors import InputError

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@contextmanager
def whole_file(path: Path, mode: str = "w") -> Iterator[IO[str] | IO[bytes]]:
    """Opens a file for writing that replaces `path` only when the block ends well; `mode` is `w` (UTF-8, LF) or `wb`.

    Raises:
        InputError: the place can't be written, or the disk is full; what stood there before still does.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        text = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
        with os.fdopen(descriptor, mode, **text) as file:  # type: ignore[call-overload]
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror or type(error).__name__})") from None
    finally:
        with suppress(OSError):  # where the folder itself is at fault, there is no draft
            draft.unlink()


def safe_cell(value: object) -> str:
    """A CSV cell that a spreadsheet takes as text: what would be a formula gets an apostrophe; None is blank.

    What looks like such a cell already gets one more, so that `import facts` can take back exactly what was put in front.
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) and not _is_number(text) else text


def plain_cell(cell: str) -> str:
    """What `safe_cell` was given."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
