"""Findings as files: one `.jsonl` or `.parquet`, or a folder of parts (INTERFACE.md "Findings out")."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

from abstractor.files import whole_file
from abstractor.model.errors import InputError
from abstractor.model.finding import Finding

_TEXT = (
    "note_id",
    "patient_id",
    "note_date",
    "note_type",
    "field",
    "value",
    "assertion",
    "text",
    "section",
    "date",
    "date_precision",
    "date_source",
    "attributes",
    "rule",
    "rulebook",
)
_BATCH = 5000
_PART = 50_000


def write_findings(findings: Iterable[Finding], out: Path) -> int:
    """Writes all findings; the ending of `out` says how.

    Returns:
        How many were written.
    """
    if out.suffix in WRITERS:
        return WRITERS[out.suffix](findings, out)
    if out.suffix and not out.is_dir():
        raise InputError(f"{out}: write to a name ending in {', '.join(WRITERS)}, or to a folder")
    stream = iter(findings)
    total = part = 0
    while chunk := list(islice(stream, _PART)):
        total += WRITERS[".jsonl"](chunk, out / f"part-{part:05d}.jsonl")
        part += 1
    if not part:
        WRITERS[".jsonl"]([], out / "part-00000.jsonl")
    for stale in sorted(out.glob("part-*.jsonl"))[max(part, 1) :]:
        stale.unlink()  # of an earlier, longer run
    return total


def _write_jsonl(findings: Iterable[Finding], out: Path) -> int:
    count = 0
    with whole_file(out) as file:
        lines = cast("IO[str]", file)
        for one in findings:
            lines.write(json.dumps(one.row(), ensure_ascii=False) + "\n")
            count += 1
    return count


def _write_parquet(findings: Iterable[Finding], out: Path) -> int:
    import pyarrow as arrow
    from pyarrow import parquet

    schema = arrow.schema(
        [
            *((name, arrow.string()) for name in _TEXT[:7]),
            ("start", arrow.int64()),
            ("end", arrow.int64()),
            *((name, arrow.string()) for name in _TEXT[7:]),
            ("confidence", arrow.float64()),
        ]
    )
    count = 0
    with whole_file(out, "wb") as file, parquet.ParquetWriter(file, schema) as writer:
        for rows in _batches(findings):
            writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    return count


def _batches(findings: Iterable[Finding]) -> Iterator[list[dict[str, Any]]]:
    stream = iter(findings)
    while chunk := list(islice(stream, _BATCH)):
        rows = [one.row() for one in chunk]
        for row in rows:
            row["attributes"] = json.dumps(row["attributes"], ensure_ascii=False)
        yield rows


WRITERS: dict[str, Callable[[Iterable[Finding], Path], int]] = {".jsonl": _write_jsonl, ".parquet": _write_parquet}
"""Ending of the output's name to what writes it."""
