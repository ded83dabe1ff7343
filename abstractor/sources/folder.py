"""A folder of PATIENT/NOTE.txt files, with an optional notes.csv beside them."""

import csv
import io
import os.path
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.sources.decoding import decode, looks_binary
from abstractor.sources.reading import Fault, ReadOptions, note_from

LIST = "notes.csv"
_TEXT = {".txt", ".text"}


def read_folder(root: Path, options: ReadOptions) -> Iterator[Note | Fault]:
    """Files by path; what `notes.csv` says of a file goes before what its place says."""
    listed: dict[Path, dict[str, str]] = {}
    if (root / LIST).is_file():
        for item in _read_list(root, options):
            if isinstance(item, Fault):
                yield item
            else:
                listed[item[0]] = item[1]
    files = sorted(path for path in root.rglob("*") if path.is_file() and path != root / LIST)
    stems = Counter(path.stem for path in files if path.suffix.lower() in _TEXT)
    for path in files:
        place = path.relative_to(root).as_posix()
        if path.name.startswith("."):
            continue
        if path.suffix.lower() not in _TEXT and path not in listed:
            yield Fault(place, "not a text file (.txt); skipped")
            continue
        try:
            content = path.read_bytes()
        except OSError as error:
            yield Fault(place, f"can't be read ({error.strerror}); skipped")
            continue
        yield from _note(path.relative_to(root), content, listed.pop(path, {}), stems, options)
    for path in sorted(listed):
        yield Fault(f"{LIST}: {path.relative_to(root).as_posix()}", "no such file; skipped")


def _note(
    path: Path, content: bytes, row: dict[str, str], stems: Counter[str], options: ReadOptions
) -> Iterator[Note | Fault]:
    place = path.as_posix()
    if options.encoding is None and looks_binary(content):
        yield Fault(place, "binary, not text (if it is UTF-16 without its mark: --encoding utf-16-le); skipped")
        return
    try:
        text = decode(content, options.encoding)
    except InputError as error:
        yield Fault(place, f"{error}; skipped")
        return
    patient = path.parts[0] if len(path.parts) > 1 else ""
    # the same file name under two patients is two notes
    name = path.stem if stems[path.stem] < 2 else path.with_suffix("").as_posix()
    cells: dict[str, object] = {options.column("note_id"): name, options.column("patient_id"): patient}
    cells.update({key: value for key, value in row.items() if value})
    cells[options.column("text")] = text
    yield from note_from(cells, place, options)


def _read_list(root: Path, options: ReadOptions) -> Iterator[tuple[Path, dict[str, str]] | Fault]:
    try:
        text = decode((root / LIST).read_bytes(), options.encoding)
    except InputError as error:
        raise InputError(f"{root / LIST}: {error}") from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if reader.fieldnames is None or "path" not in reader.fieldnames:
        raise InputError(f"{root / LIST}: no column 'path'; it holds note_id,patient_id,note_date,note_type,path")
    inside = root.resolve()
    seen: set[Path] = set()
    for row in reader:
        place = f"{LIST}: row {reader.line_num}"
        name = row.get("path") or ""
        if not name or "\0" in name or not (root / name).resolve().is_relative_to(inside):
            yield Fault(place, "the path is missing or leads out of the folder; skipped")
            continue
        path = root / os.path.normpath(name)
        if path in seen:
            yield Fault(place, f"{path.relative_to(root).as_posix()} stands in an earlier row; this row is skipped")
            continue
        seen.add(path)
        yield path, {key: value for key, value in row.items() if key and key != "path" and isinstance(value, str)}
