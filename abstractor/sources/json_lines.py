"""JSON lines as a stream: each line by itself, so that a bad one spoils no other."""

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, AnyStr

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.sources.columns import require
from abstractor.sources.decoding import decode, encoding_of, is_wide
from abstractor.sources.reading import Fault, Place, ReadOptions, Row, notes_of
from abstractor.sources.streams import broken_off, opened_bytes

_ROOM = 100_000
"""Bytes that a line may have beside its text."""
_HEAD = 4096
_STEP = 1 << 16


def read_jsonl(path: Path, options: ReadOptions) -> Iterator[Note | Fault]:
    """A JSON object a line. A gold file is a notes file too: what it holds besides is left alone."""
    return notes_of(json_rows(path, options), options)


def json_rows(path: Path, options: ReadOptions) -> Iterator[Row | Fault]:
    """The objects of a file of JSON lines, plain or compressed.

    Raises:
        InputError: the file is empty, in no known encoding, or its first object has neither id nor text.
    """
    needed = options.names
    any_line = any_object = False
    for line in json_line_texts(path, options):
        if isinstance(line, Fault):
            any_line = True
            yield line
            continue
        place, text = line
        if not any_line and text.strip() == "[":
            raise InputError(f"{path}: a JSON list; write one object a line, without brackets and commas around them")
        any_line = True
        cells = _object(text, needed)
        if isinstance(cells, str):
            yield Fault(place, f"{cells}; skipped")
            continue
        if not any_object and not {options.column("note_id"), options.column("text")} & cells.keys():
            require(path, list(cells), options)
        any_object = True
        yield place, cells
    if not any_line:
        raise InputError(f"{path}: the file is empty")


def json_line_texts(path: Path, options: ReadOptions) -> Iterator[tuple[Place, str] | Fault]:
    """The lines of a file, decoded, blank ones left out; a line that is too long or not in the encoding is a fault.

    Raises:
        InputError: the file is in no known encoding.
    """
    number = 0
    with opened_bytes(path, options.meter) as stream:
        try:
            encoding = encoding_of(stream.peek(_HEAD), options.encoding)
            for number, line in enumerate(_cut(stream, encoding, 2 * options.longest + _ROOM), 1):
                if line is None or not line.isspace():
                    yield _decoded(line, Place(path.name, number), options)
        except (InputError, UnicodeError, OSError) as error:
            if not number:
                raise InputError(f"{path}: {broken_off(error)}") from None
            yield Fault(Place(path.name, number + 1), f"{broken_off(error)}; the rest of this file is skipped")


def _cut(stream: "io.BufferedReader[Any]", encoding: str, longest: int) -> Iterator[bytes | str | None]:
    """Lines as bytes, or as text where they can only be told once decoded; None for one that is too long to be kept."""
    if not is_wide(encoding):
        return _bounded(stream.readline, b"\n", longest)
    # half surrogates pass: they spoil their own note only, and are told there
    text = io.TextIOWrapper(stream, encoding, errors="surrogatepass", newline="\n")
    return _bounded(text.readline, "\n", longest)


def _bounded(readline: Callable[[int], AnyStr], end: AnyStr, longest: int) -> Iterator[AnyStr | None]:
    while line := readline(longest):
        if len(line) < longest or line.endswith(end):
            yield line
        else:
            while (rest := readline(_STEP)) and not rest.endswith(end):
                pass  # to the end of the line, and nothing of it kept
            yield None


def _decoded(line: bytes | str | None, place: Place, options: ReadOptions) -> tuple[Place, str] | Fault:
    if line is None:
        return Fault(
            place, f"longer than a note may be ({options.longest:,} characters); skipped: is a line end missing?"
        )
    if isinstance(line, str):
        return place, line.removeprefix("\ufeff")
    try:
        return place, decode(line, options.encoding or "utf-8").removeprefix("\ufeff")
    except InputError as error:
        return Fault(place, f"{error}; skipped")


class _Doubled(dict[str, Any]):
    """An object that gives a key twice; JSON does not say which of the two counts."""

    keys_given_twice: tuple[str, ...] = ()


def _from_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    cells = dict(pairs)
    if len(cells) == len(pairs):
        return cells
    doubled = _Doubled(cells)
    doubled.keys_given_twice = tuple(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
    return doubled


_PARSER = json.JSONDecoder(object_pairs_hook=_from_pairs)


def _object(line: str, needed: Sequence[str]) -> dict[str, Any] | str:
    """The object of a line; or why there is none."""
    try:
        cells = _PARSER.decode(line)
    except (ValueError, RecursionError) as error:
        cut = "" if line.endswith("\n") else "; the line has no end: is the file cut short?"
        return f"not JSON ({_reason(error)}){cut}"
    if not isinstance(cells, dict):
        return "not a JSON object"
    if isinstance(cells, _Doubled) and (twice := [key for key in cells.keys_given_twice if key in needed]):
        return f"{twice[0]} stands twice in the object"
    return cells


def _reason(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    return "nested too deep" if isinstance(error, RecursionError) else "a number too long to read"
