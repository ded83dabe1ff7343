"""Any source of notes by its path: which reader it needs is told by its name, else by its first bytes."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from abstractor.model.errors import InputError
from abstractor.model.note import NOTE_TYPES, Note
from abstractor.rulebook.schema import NoteTypeRule
from abstractor.sources.folder import LIST, read_folder
from abstractor.sources.reading import Fault, Reader, ReadOptions
from abstractor.sources.tables import read_csv, read_jsonl, read_parquet

READERS: dict[str, Reader] = {
    "folder": read_folder,
    "csv": read_csv,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
}
"""Name of a format (`--format`) to its reader."""

_BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}


def read_notes(path: Path, options: ReadOptions, format_name: str | None = None) -> Iterator[Note | Fault]:
    """Notes and faults of a file or folder, in the order of the source.

    Raises:
        InputError: the path does not exist, or its format can't be told.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    chosen = format_name or _format(path)
    if chosen == "folder" and not path.is_dir():
        raise InputError(f"{path}: is no folder; leave --format out, or name another")
    try:
        if chosen == "parts":
            for part in _parts(path):
                yield from _part(part, options)
        else:
            yield from READERS[chosen](path, options)
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror or type(error).__name__})") from None


def _part(path: Path, options: ReadOptions) -> Iterator[Note | Fault]:
    """One of the files that a cluster wrote; empty ones are usual, and a bad one leaves the others alone."""
    if not path.stat().st_size:
        return
    try:
        yield from READERS[_format(path)](path, options)
    except InputError as error:
        yield Fault(path.name, str(error))


def _format(path: Path) -> str:
    if path.is_dir():
        if not (path / LIST).is_file() and _parts(path) and not any(path.rglob("*.txt")):
            return "parts"
        return "folder"
    if path.suffix.lower() in _BY_SUFFIX:
        return _BY_SUFFIX[path.suffix.lower()]
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{"):
        return "jsonl"
    if not head.strip():
        raise InputError(f"{path}: the file is empty")
    if b"\n" in head and any(mark in head.split(b"\n")[0] for mark in (b",", b"\t", b";")):
        return "csv"
    raise InputError(f"{path}: the format can't be told; name it with --format ({', '.join(READERS)})")


def _parts(path: Path) -> list[Path]:
    return sorted(part for part in path.iterdir() if part.suffix.lower() in _BY_SUFFIX and part.is_file())


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
