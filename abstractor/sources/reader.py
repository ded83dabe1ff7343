"""Any source of notes by its path: which reader it needs is told by its name, else by its first bytes."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from abstractor.model.errors import InputError
from abstractor.model.note import NOTE_TYPES, Note
from abstractor.rulebook.schema import NoteTypeRule
from abstractor.sources.csv_rows import read_csv
from abstractor.sources.fhir import read_fhir
from abstractor.sources.folder import read_folder
from abstractor.sources.json_lines import read_jsonl
from abstractor.sources.omop import read_omop
from abstractor.sources.parquet_rows import read_parquet
from abstractor.sources.parts import is_parts, parts_of
from abstractor.sources.reading import Fault, Meter, Reader, ReadOptions
from abstractor.sources.standards import standard_of
from abstractor.sources.streams import opened_bytes

READERS: dict[str, Reader] = {
    "folder": read_folder,
    "csv": read_csv,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
    "omop": read_omop,
    "fhir": read_fhir,
}
"""Name of a format (`--format`) to its reader."""

_BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_PACKED = {".gz", ".zst"}
_NOT_NOTES = {
    b"PK\x03\x04": "a ZIP archive or a workbook; unpack it, or save it as CSV",
    b"BZh": "compressed with bzip2; unpack it first",
    b"\xfd7zXZ": "compressed with xz; unpack it first",
    b"%PDF": "a PDF; export the notes as text",
    b"{\\rtf": "one RTF document; put it into a folder as PATIENT/NOTE.txt",
}
"""First bytes of what is handed in by mistake."""


def read_notes(
    path: Path, options: ReadOptions, format_name: str | None = None, *, meter: Meter | None = None
) -> Iterator[Note | Fault]:
    """Notes and faults of a file or folder, in the order of the source; the files of a folder in the order of their names.

    Args:
        path: a file, or a folder of text files or of parts (CSV, JSONL, Parquet; also as Spark and Delta write them).
        options: how to read.
        format_name: a key of `READERS`; None to tell it from the file.
        meter: counts the bytes read, of the total that `source_bytes` gives.

    Raises:
        InputError: the path does not exist, or its format can't be told; or it can't be read (any further).
    """
    if meter is not None:
        options = replace(options, meter=meter)
    try:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
        chosen = format_name or _told(path, options)
        if chosen == "folder" and not path.is_dir():
            raise InputError(f"{path}: is no folder; leave --format out, or name another")
        if chosen == "parts":
            yield from _read_parts(path, options)
        else:
            yield from READERS[chosen](path, options)
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror or type(error).__name__})") from None


def source_bytes(path: Path) -> int:
    """How many bytes `read_notes` will read of a file or folder, for progress: about right is enough; 0 where it can't be told."""
    try:
        if not path.is_dir():
            return path.stat().st_size
    except OSError:
        return 0
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                total += (Path(folder) / name).stat().st_size
    return total


def _read_parts(root: Path, options: ReadOptions) -> Iterator[Note | Fault]:
    for part in parts_of(root):
        if isinstance(part, Fault):
            yield part
        else:
            yield from _part(root, part, options)


def _part(root: Path, path: Path, options: ReadOptions) -> Iterator[Note | Fault]:
    """One of the files that a cluster wrote; empty ones are usual, and a bad one leaves the others alone."""
    try:
        if path.stat().st_size:
            yield from READERS[_told(path, options)](path, options)
    except InputError as error:
        yield Fault(path.relative_to(root).as_posix(), str(error).removeprefix(f"{path}: "))
    except OSError as error:
        place = path.relative_to(root).as_posix()
        yield Fault(place, f"can't be read ({error.strerror or type(error).__name__}); skipped")


def _told(path: Path, options: ReadOptions) -> str:
    """The format of a file or folder; who names columns does not mean a standard's."""
    return (None if options.columns else standard_of(path)) or _format(path)


def _format(path: Path) -> str:
    if path.is_dir():
        return "parts" if is_parts(path) else "folder"
    if (said := format_by_name(path)) is not None:
        return said
    with opened_bytes(path, Meter()) as file:
        head = file.peek(4096)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") and not head.startswith(b"{\\rtf"):
        return "jsonl"
    if not head.strip():
        raise InputError(f"{path}: the file is empty")
    for magic, what in _NOT_NOTES.items():
        if head.startswith(magic):
            raise InputError(f"{path}: {what}")
    if b"\n" in head and any(mark in head.split(b"\n")[0] for mark in (b",", b"\t", b";")):
        return "csv"
    raise InputError(f"{path}: the format can't be told; name it with --format ({', '.join(READERS)})")


def format_by_name(path: Path) -> str | None:
    """The format that the ending of a file says, `.gz` and `.zst` aside; None where it says none."""
    ending = path.suffix.lower()
    if ending in _PACKED:
        ending = Path(path.stem).suffix.lower()
    return _BY_SUFFIX.get(ending)


def note_type_mapper(rules: tuple[NoteTypeRule, ...]) -> Callable[[str], str]:
    """From a hospital's word for a note type to the registry's, by the table in `rules/note_types.toml`; else `other`."""
    words = {word: rule.name for rule in reversed(rules) for word in rule.words}
    patterns = [(re.compile("|".join(rule.regex)), rule.name) for rule in rules if rule.regex]

    @lru_cache(maxsize=4096)
    def mapped(said: str) -> str:
        plain = re.sub(r"[\W_]+", " ", said.lower()).strip()
        if plain.replace(" ", "_") in NOTE_TYPES:
            return plain.replace(" ", "_")
        if plain in words:
            return words[plain]
        return next((name for pattern, name in patterns if pattern.search(plain)), "other")

    return mapped
