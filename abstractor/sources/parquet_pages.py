"""How large the pages of a Parquet file are before any is unpacked: a page is unpacked whole, and a few bytes may hold a gigabyte.

pyarrow tells the sizes of columns but not of pages, and where the file is damaged its answer may end the program. So the footer and the
headers of the pages are read here: structs in Thrift's compact protocol, of which a few numbers are needed.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

_TRUE, _FALSE, _BYTE, _INTEGERS, _DOUBLE, _BINARY, _LISTS, _STRUCT = 1, 2, 3, (4, 5, 6), 7, 8, (9, 10), 12
_DICTIONARY_PAGE = 2
_DEEPEST = 12
_FOOTER_BYTES = 500_000_000
_LONGEST = 10_000_000
"""Bytes of a value in a header."""
Struct = dict[int, Any]


@dataclass(frozen=True)
class Chunk:
    """A column in a row group: where its pages lie."""

    column: str
    """The name of the column; of one that holds others, too."""
    start: int
    packed: int
    """Bytes on disk."""


@dataclass(frozen=True)
class Group:
    """A row group."""

    rows: int
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True)
class PageSizes:
    """Bytes of a column in a row group when unpacked."""

    dictionary: int
    largest: int
    """Of one page."""
    data: int
    """Of all pages but the dictionary together."""


def row_groups(file: BinaryIO) -> list[Group]:
    """The row groups of a Parquet file, by its footer.

    Raises:
        ValueError: the footer is damaged.
    """
    end = file.seek(-8, io.SEEK_END)
    length = int.from_bytes(file.read(4), "little")
    if not 0 < length <= min(end, _FOOTER_BYTES):
        raise ValueError(length)
    file.seek(end - length)
    try:
        footer = _struct(io.BytesIO(file.read(length)))
        return [_group(group) for group in footer.get(4, [])]
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(end) from error


def page_sizes(file: BinaryIO, chunk: Chunk) -> PageSizes:
    """The sizes that the pages of a column say they have.

    Raises:
        ValueError: the headers of the pages are damaged.
    """
    dictionary = largest = data = 0
    for kind, size in _pages(file, chunk):
        largest = max(largest, size)
        if kind == _DICTIONARY_PAGE:
            dictionary = size
        else:
            data += size
    return PageSizes(dictionary, largest, data)


def _group(group: Struct) -> Group:
    return Group(_size(group, 3), tuple(_chunk(chunk[3]) for chunk in group[1]))


def _chunk(column: Struct) -> Chunk:
    starts = [_size(column, place) for place in (9, 11) if place in column]
    return Chunk(column[3][0].decode("utf-8"), min(start for start in starts if start), _size(column, 7))


def _pages(file: BinaryIO, chunk: Chunk) -> Iterator[tuple[int, int]]:
    """Kind and unpacked size of each page."""
    at = chunk.start
    while at < chunk.start + chunk.packed:
        file.seek(at)
        try:
            header = _struct(file)
        except LookupError:
            raise ValueError(at) from None
        yield _size(header, 1), _size(header, 2)
        at = file.tell() + _size(header, 3)


def _size(fields: Struct, number: int) -> int:
    value = fields.get(number)
    if not isinstance(value, int) or value < 0:
        raise ValueError(number)
    return value


def _struct(file: BinaryIO, depth: int = 0) -> Struct:
    """The fields of a struct by their number."""
    if depth > _DEEPEST:
        raise ValueError(depth)
    fields: Struct = {}
    number = 0
    while (head := _byte(file)) != 0:
        kind = head & 0x0F
        number = number + (head >> 4) if head >> 4 else _signed(file)
        fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else _value(file, kind, depth)
    return fields


def _value(file: BinaryIO, kind: int, depth: int) -> Any:
    if kind in _INTEGERS:
        return _signed(file)
    if kind == _BINARY:
        return _bytes(file, _varint(file))
    if kind == _STRUCT:
        return _struct(file, depth + 1)
    if kind in _LISTS:
        head = _byte(file)
        count = head >> 4 if head >> 4 < 15 else _varint(file)
        return [_value(file, head & 0x0F, depth + 1) for _ in range(count)]
    if kind in (_TRUE, _FALSE, _BYTE):  # a truth in a list takes a byte
        return _byte(file)
    if kind == _DOUBLE:
        return _bytes(file, 8)
    raise ValueError(kind)


def _byte(file: BinaryIO) -> int:
    return file.read(1)[0]


def _bytes(file: BinaryIO, count: int) -> bytes:
    content = file.read(min(count, _LONGEST))
    if len(content) < count:
        raise ValueError(count)
    return content


def _varint(file: BinaryIO) -> int:
    value = shift = 0
    while shift < 64:
        byte = _byte(file)
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
        shift += 7
    raise ValueError(shift)


def _signed(file: BinaryIO) -> int:
    """Signed numbers are folded: 0, -1, 1, -2, …"""
    value = _varint(file)
    return (value >> 1) ^ -(value & 1)
