"""The hidden folder beside the output, in which a run works; a run that was ended leaves it, and the next run removes it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from abstractor.batch.engine.places import alone
from abstractor.model.errors import InputError

_ENDINGS = {".jsonl", ".parquet", ".csv"}


@contextmanager
def workplace(out: Path, *, fresh: bool) -> Iterator[Path]:
    """An empty folder, for its owner only, on the disk of the output; gone at the end.

    Args:
        out: the folder that the run is to write.
        fresh: whether `out` may stand there already, to be replaced at the end.

    Raises:
        InputError: `out` stands there, is no folder's name, or can't be written; or another run is writing it.
    """
    if out.suffix in _ENDINGS and not out.is_dir():
        raise InputError(f"{out}: Spark writes a folder of Parquet files; name it without {out.suffix}")
    if out.exists() and not fresh and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: stands there already; --fresh replaces it, or name another --out")
    work = out.absolute().with_name(f".{out.name}.spark")
    lock = work.with_name(f"{work.name}.lock")
    try:
        work.parent.mkdir(parents=True, exist_ok=True)
        with alone(lock, out):
            try:
                shutil.rmtree(work, ignore_errors=True)
                work.mkdir(mode=0o700)
                yield work
            finally:
                shutil.rmtree(work, ignore_errors=True)
                with suppress(OSError):
                    lock.unlink()
    except OSError as error:
        raise InputError(f"{out}: can't be written ({error.strerror or type(error).__name__})") from None
