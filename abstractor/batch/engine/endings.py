"""From finished parts to what was asked for: the parts as they are, one file, or a table of patients."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from abstractor.batch.engine.ledger import Ledger
from abstractor.batch.engine.parts import COHORT, Layout, RowFormat, describe, join_parts

if TYPE_CHECKING:
    from abstractor.batch.engine.cohort import CohortTable

_HALF = 1 << 63
"""SQLite's numbers have a sign, a hash has none."""

Ending = Callable[[Layout, Ledger, RowFormat], dict[str, object]]
"""Makes the output from the parts; gives what the manifest says of it."""


def leave_parts(_layout: Layout, _ledger: Ledger, _format: RowFormat) -> dict[str, object]:
    """The parts are the output."""
    return {}


def one_file(layout: Layout, ledger: Ledger, format_: RowFormat) -> dict[str, object]:
    """All rows in one file."""
    return join_parts(layout, ledger.parts(), format_)


def cohort(layout: Layout, ledger: Ledger, format_: RowFormat) -> dict[str, object]:
    """A row a patient who may belong in the registry."""
    return write_cohort_of([(layout, ledger)], format_, layout.out)


def write_cohort_of(runs: Iterable[tuple[Layout, Ledger]], format_: RowFormat, out: Path) -> dict[str, object]:
    """The table of patients over one run or several shards."""
    from abstractor.batch.engine.cohort import CohortTable, write_cohort

    table = CohortTable()
    for layout, ledger in runs:
        table.merge(_table(layout, ledger, format_))
    patients = write_cohort(table, out)
    path = out if out.suffix else out / COHORT
    return {"patients": patients, "patients_without": table.others, "reasons": table.reasons(), **describe(path)}


def ledger_key(patient_id: str) -> int:
    """A hash of a patient's id, as a ledger can hold it."""
    from abstractor.batch.engine.cohort import patient_key

    return patient_key(patient_id) - _HALF


def _table(layout: Layout, ledger: Ledger, format_: RowFormat) -> "CohortTable":
    from abstractor.batch.engine.cohort import CohortTable

    return CohortTable.of_counts(
        ((key + _HALF, notes) for key, notes in ledger.patients()), _evidence(layout, ledger, format_)
    )


def _evidence(layout: Layout, ledger: Ledger, format_: RowFormat) -> "Iterable[list[dict[str, object]]]":
    """The rows of each note."""
    from itertools import groupby

    for part in ledger.parts():
        for _, rows in groupby(format_.rows(layout.parts / part.name), key=lambda row: row["note_id"]):
            yield list(rows)
