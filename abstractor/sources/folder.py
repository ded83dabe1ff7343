"""A folder of PATIENT/NOTE.txt files, with an optional notes.csv beside them."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.sources.csv_rows import csv_rows
from abstractor.sources.decoding import decode, looks_binary
from abstractor.sources.reading import Fault, ReadOptions, note_from

LIST = "notes.csv"
_TEXT = {".txt", ".text"}


def read_folder(root: Path, options: ReadOptions) -> Iterator[Note | Fault]:
    """Files by path; what `notes.csv` says of a file goes before what its place says. Links to folders are not followed."""
    listed: dict[Path, dict[str, str]] = {}
    if (root / LIST).is_file():
        for item in _read_list(root, options):
            if isinstance(item, Fault):
                yield item
            else:
                listed[item[0]] = item[1]
    stems = Counter(Path(path.name).stem for path in _walk(root) if isinstance(path, Path) and _is_text(path))
    for path in _walk(root):
        if isinstance(path, Fault):
            yield path
        else:
            yield from _file(root, path, listed.pop(path, None), stems, options)
    for path in sorted(listed):
        yield Fault(f"{LIST}: {path.relative_to(root).as_posix()}", "no such file; skipped")


def _is_text(path: Path) -> bool:
    return path.suffix.lower() in _TEXT


def _walk(root: Path) -> Iterator[Path | Fault]:
    """Every file below a folder in the order of the paths' parts, and what can't be looked into; never more than a folder's names at once."""
    waiting = [root]
    while waiting:
        path = waiting.pop()
        try:
            if path.is_symlink() and path != root and not path.is_file():
                yield Fault(_place(path, root), "a link to a folder or to nothing; not followed: name what it leads to")
            elif path.is_dir():
                waiting.extend(sorted(path.iterdir(), reverse=True))
            elif path.is_file():
                yield path
            else:
                yield Fault(_place(path, root), "no file (a device or a pipe), or gone meanwhile; skipped")
        except OSError as error:
            yield Fault(_place(path, root), f"can't be opened ({_reason(error)}); skipped")


def _place(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path != root else path.name


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _file(
    root: Path, path: Path, row: Mapping[str, str] | None, stems: Counter[str], options: ReadOptions
) -> Iterator[Note | Fault]:
    place = _place(path, root)
    if path.name.startswith(".") or path == root / LIST:
        return
    if not _is_text(path) and row is None:
        yield Fault(place, "not a text file (.txt); skipped")
        return
    most = 4 * options.longest  # bytes of one character
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        yield Fault(place, f"can't be read ({_reason(error)}); skipped")
        return
    options.meter.bytes_read += len(content)
    if len(content) > most:
        yield Fault(place, f"longer than a note may be ({options.longest:,} characters); skipped: split it")
    else:
        yield from _note(path.relative_to(root), content, row or {}, stems, options)


def _note(
    path: Path, content: bytes, row: Mapping[str, str], stems: Counter[str], options: ReadOptions
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
    inside = root.resolve()
    seen: set[Path] = set()
    for item in csv_rows(root / LIST, options, _require_path, "path"):
        if isinstance(item, Fault):
            yield item
            continue
        place, row = item
        name = str(row["path"])
        if not name or "\0" in name or not _inside(root / name, inside):
            yield Fault(place, "the path is missing or leads out of the folder; skipped")
            continue
        path = root / os.path.normpath(name)
        if path in seen:
            yield Fault(place, f"{_place(path, root)} stands in an earlier row; this row is skipped")
            continue
        seen.add(path)
        yield path, {key: str(value) for key, value in row.items() if key and key != "path"}


def _inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError, ValueError):  # a link that leads to itself, a name too long for the system
        return False


def _require_path(path: Path, names: Sequence[str], _options: ReadOptions) -> None:
    if "path" not in names:
        raise InputError(f"{path}: no column 'path'; it holds note_id,patient_id,note_date,note_type,path")
