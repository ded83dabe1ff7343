"""Whether a file or folder is of one of the standards, as far as that is plain from how it begins."""

from pathlib import Path

from abstractor.model.errors import InputError
from abstractor.sources import fhir, omop
from abstractor.sources.reading import Meter
from abstractor.sources.streams import opened_bytes

_HEAD = 4096


def standard_of(path: Path) -> str | None:
    """`omop`, `fhir`, or None for anything else; a file that can't be read is anything else."""
    try:
        return _of_folder(path) if path.is_dir() else _of_file(path)
    except (InputError, OSError):
        return None


def _of_folder(path: Path) -> str | None:
    children = sorted(one for one in path.iterdir() if not one.name.startswith((".", "_")))
    if any(one.suffix.lower() == ".txt" for one in children):
        return None
    tables = [one for one in omop.table_files(path) if isinstance(one, Path)]
    if tables:
        return "omop" if _of_file(tables[0]) == "omop" else None
    first = next((one for one in children if one.name.lower().endswith(fhir.SUFFIXES)), None)
    return "fhir" if first is not None and _of_file(first) == "fhir" else None


def _of_file(path: Path) -> str | None:
    with opened_bytes(path, Meter()) as file:
        head = file.peek(_HEAD)[:_HEAD]
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"{", b"[")):
        return "fhir" if b'"resourceType"' in head else None
    return "omop" if omop.is_note_table(omop.header(path, None)) else None
