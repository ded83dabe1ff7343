"""Files as streams of bytes: unpacked on the way where they are compressed (gzip, Zstandard), counted, and never held whole."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from abstractor.model.errors import InputError
from abstractor.sources.reading import Meter

_BUFFER = 1 << 18
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BOMB_BYTES = 1 << 28
"""Up to this much may come out of any compressed file."""
_BOMB_RATIO = 300
"""Beyond it, this many times its size at most: notes shrink to a third or a tenth, the same note over and over to a hundredth."""


@contextmanager
def opened_bytes(path: Path, meter: Meter) -> Iterator["io.BufferedReader[Any]"]:
    """A file for reading, unpacked if its first bytes say that it is compressed, whatever its name.

    Reading from it raises InputError where a compressed file is cut short, damaged, or swells beyond all measure.
    """
    with path.open("rb", buffering=0) as file, io.BufferedReader(_Counted(file, meter), _BUFFER) as raw:
        magic = raw.peek(4)[:4]
        if magic.startswith(_GZIP):
            with gzip.GzipFile(fileobj=raw) as unpacked, _unpacked(unpacked, meter) as stream:
                yield stream
        elif magic == _ZSTD:
            import pyarrow

            with pyarrow.CompressedInputStream(raw, "zstd") as unpacked, _unpacked(unpacked, meter) as stream:
                yield stream
        else:
            yield raw


class _Counted(io.RawIOBase):
    """Passes bytes on and counts them."""

    def __init__(self, file: Any, meter: Meter) -> None:
        self._file, self._meter = file, meter

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._file.readinto(buffer)
        self._meter.bytes_read += count
        return count


def _unpacked(stream: Any, meter: Meter) -> "io.BufferedReader[Any]":
    return io.BufferedReader(_Unpacked(stream, meter), _BUFFER)


class _Unpacked(io.RawIOBase):
    """What a decompressor gives, its many errors made one, with an eye on how much comes out of how little."""

    def __init__(self, stream: Any, meter: Meter) -> None:
        # one step of gzip is what is there: what stands before the cut of a file is then not lost with the cut
        self._read = stream.read1 if isinstance(stream, gzip.GzipFile) else stream.read
        self._meter, self._packed_before, self._count = meter, meter.bytes_read, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            content = self._read(len(buffer))
        except EOFError:
            raise InputError("the compressed file is cut short; export or copy it again") from None
        except (OSError, zlib.error) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            if "runcated" in str(error):
                raise InputError("the compressed file is cut short; export or copy it again") from None
            raise InputError(
                "the compressed file is damaged, and what was read of it so far may be wrong; copy it again and start over"
            ) from None
        self._count += len(content)
        packed = self._meter.bytes_read - self._packed_before + _BUFFER
        if self._count > _BOMB_BYTES and self._count > _BOMB_RATIO * packed:
            raise InputError(
                f"unpacks to more than {_BOMB_RATIO} times its size, as no notes do; "
                "if it is meant so, unpack it first and read that"
            )
        buffer[: len(content)] = content
        return len(content)


def broken_off(error: InputError | UnicodeError | OSError) -> str:
    """Why a file can't be read any further, in words without its text."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, OSError):
        return f"can't be read any further ({error.strerror or type(error).__name__})"
    return (
        f"not {getattr(error, 'encoding', 'text').upper()} from here on, or cut short; say what it is with --encoding"
    )
