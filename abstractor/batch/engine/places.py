"""Where a run may write: apart from what it reads, and alone."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from abstractor.model.errors import InputError


def require_apart(paths: Iterable[Path], out: Path) -> None:
    """Sees to it that a run does not read what it writes, nor replace what it reads, by whatever name or link.

    Raises:
        InputError: `out` is one of the paths, lies in one, or holds one.
    """
    target = out.resolve()
    for path in paths:
        source = path.resolve()
        if target == source or _same_file(path, out):
            raise InputError(f"{out}: is what the notes are read from; write to another --out")
        if target.is_relative_to(source):
            raise InputError(f"{out}: lies in {path}, where the notes are read from; write to another --out")
        if source.is_relative_to(target):
            raise InputError(f"{out}: holds {path}, where the notes are read from; write to another --out")


def _same_file(path: Path, out: Path) -> bool:
    """Whether two names are links to one file."""
    try:
        return path.samefile(out)
    except OSError:  # one of them is not there
        return False


@contextmanager
def alone(lock: Path, out: Path) -> Iterator[None]:
    """Holds a lock that ends with this process, however it ends; on Windows there is none, and the ledger's own has to do.

    Args:
        lock: its file, in a folder that is there; it is left behind, since to remove it would let in two.
        out: what is written, for the message.

    Raises:
        InputError: another run holds it.
        OSError: the file can't be made.
    """
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        _lock(descriptor, out)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, out: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(f"{out}: another run is writing there; wait for its end, or name another --out") from None
