"""Finished shards of one dump, put together: under one manifest where they stand, or as one file in the order of the dump."""

import heapq
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, cast

from abstractor.batch.engine.endings import write_cohort_of
from abstractor.batch.engine.ledger import Fault, Ledger
from abstractor.batch.engine.parts import (
    MANIFEST,
    Layout,
    PartFile,
    RowFormat,
    describe,
    require_parts,
    told,
    write_manifest,
    write_quarantine,
)
from abstractor.batch.engine.places import require_apart
from abstractor.batch.engine.shards import Shard
from abstractor.batch.engine.work import Mode
from abstractor.model.errors import InputError

_SUMS = ("notes", "notes_with_findings", "findings", "quarantined", "unreadable", "duplicates")
_OF_ONE_RUN = ("rulebook", "engine", "mode", "plain", "format", "items", "input")
"""What must be the same in the manifests of all shards."""


@dataclass(frozen=True)
class _Finished:
    shard: Shard
    layout: Layout
    ledger: Ledger
    manifest: Mapping[str, Any]


def merge_shards(
    folder: Path, out: Path | None, formats: Mapping[str, RowFormat], *, fresh: bool = False
) -> dict[str, Any]:
    """Puts the shards in `folder` together.

    Args:
        folder: the `--out` of the shards.
        out: one file, in the order of the dump; None: the parts stay in their folders, and a manifest in `folder` lists them all.
        formats: by the ending of a file's name.
        fresh: replaces an `out` that stands there.

    Returns:
        The manifest.

    Raises:
        InputError: shards are missing or unfinished, or do not belong together; or `out` stands there.
    """
    with ExitStack() as stack:
        finished = _finished(folder, stack)
        _require_one_run(folder, finished)
        cohort = finished[0].manifest["mode"] == Mode.COHORT
        layout = Layout(folder, hidden=cohort) if out is None else Layout(out, single=True)
        if out is not None:
            require_apart([one.layout.out for one in finished], out)
            if not fresh and (out.exists() or layout.ledger.exists()):
                raise InputError(f"{out}: exists already, or was begun by a run of its own; replace it with --fresh")
            stack.enter_context(layout.held(fresh=True))
        content = _combined(finished)
        format_ = formats["." + str(finished[0].manifest["format"])]
        if cohort:
            content |= write_cohort_of(((one.layout, one.ledger) for one in finished), format_, layout.out)
        elif out is not None:
            content |= _one_file(finished, out, format_, formats)
        with told(layout.out):
            write_quarantine(layout.quarantine, _faults(finished), always=out is None)
            write_manifest(layout.manifest, content)
        return content


def _finished(folder: Path, stack: ExitStack) -> list[_Finished]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of shards")
    found = [shard for path in sorted(folder.iterdir()) if (shard := Shard.of_folder(path.name))]
    if not found:
        raise InputError(f"{folder}: no shards there; run `annotate PATH --out {folder} --shard I/N` first")
    of = {shard.of for shard in found}
    if len(of) > 1:
        told_ = ", ".join(map(str, sorted(of)))
        raise InputError(f"{folder}: shards of different divisions ({told_}); keep one of them")
    missing = sorted(set(range(1, found[0].of + 1)) - {shard.number for shard in found})
    if missing:
        raise InputError(f"{folder}: {_listed(missing)} of {found[0].of} shards missing; run them first")
    return [_opened(folder, shard, stack) for shard in found]


def _opened(folder: Path, shard: Shard, stack: ExitStack) -> _Finished:
    place = folder / shard.folder
    try:
        manifest = json.loads((place / MANIFEST).read_bytes())
    except (OSError, ValueError):
        raise InputError(f"{place}: not finished; run --shard {shard} again, it goes on where it stopped") from None
    layout = Layout(place, hidden=manifest.get("mode") == Mode.COHORT)
    ledger = stack.enter_context(Ledger.look(layout.ledger))
    require_parts(layout.parts, ledger.parts())
    return _Finished(shard, layout, ledger, manifest)


def _require_one_run(folder: Path, finished: Sequence[_Finished]) -> None:
    first = finished[0]
    for other in finished[1:]:
        for name in _OF_ONE_RUN:
            if first.manifest.get(name) != other.manifest.get(name):
                raise InputError(
                    f"{folder}: shards {first.shard} and {other.shard} do not belong together: {name} is "
                    f"{first.manifest.get(name)} and {other.manifest.get(name)}"
                )


def _combined(finished: Sequence[_Finished]) -> dict[str, Any]:
    first = finished[0].manifest
    return {
        **first,
        "shard": None,
        "shards": len(finished),
        **{name: sum(one.manifest[name] for one in finished) for name in _SUMS},
        "parts": [
            {**part, "name": f"{one.shard.folder}/{part['name']}"} for one in finished for part in one.manifest["parts"]
        ],
    }


def _one_file(
    finished: Sequence[_Finished], out: Path, format_: RowFormat, formats: Mapping[str, RowFormat]
) -> dict[str, Any]:
    file = PartFile(out.parent, out.name, formats[out.suffix])
    try:
        for _, rows in heapq.merge(*(_in_order(one, format_) for one in finished), key=lambda pair: pair[0]):
            file.write(rows)
        file.close()
    finally:
        file.drop()
    return describe(out)


def _in_order(one: _Finished, format_: RowFormat) -> Iterator[tuple[tuple[int, int], list[dict[str, Any]]]]:
    """The rows of each note, and its place in the dump."""
    rows = (row for part in one.ledger.parts() for row in format_.rows(one.layout.parts / part.name))
    notes = groupby(rows, key=lambda row: row["note_id"])
    for (note_id, *place), (found_id, found) in zip(one.ledger.order(), notes, strict=True):
        if note_id != found_id:
            raise InputError(f"{one.layout.out}: ledger and parts differ; run --shard {one.shard} with --fresh")
        yield cast("tuple[int, int]", tuple(place)), list(found)


def _faults(finished: Sequence[_Finished]) -> Iterator[Fault]:
    return heapq.merge(*(one.ledger.faults() for one in finished), key=lambda fault: fault.item)


def _listed(numbers: Sequence[int]) -> str:
    told_ = ", ".join(map(str, numbers[:10]))
    return told_ + (f" and {len(numbers) - 10} more" if len(numbers) > 10 else "")
