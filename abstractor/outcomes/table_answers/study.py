"""The rows of a table as the analysis takes them: checked, grouped, followed from the landmark. A row that is at fault is refused by its number."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from abstractor.model.errors import InputError
from abstractor.outcomes.delayed_entry import first_reliable_time, start_at
from abstractor.outcomes.survival import Floats, Mask, Sample, sample
from abstractor.outcomes.table_answers.question import Question
from abstractor.outcomes.time_table import TimeTable

Json = dict[str, Any]
ALL = "all"
REACHED, NOT_REACHED = "reached", "not reached"
MOST_GROUPS = 100  # more is a column of names or numbers, given by mistake
FLAGS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "FALSE": 0, "TRUE": 1, "false": 0, "true": 1, "False": 0, "True": 1}


@dataclass(slots=True)
class Study:
    """The checked rows, and what there is to say about them."""

    table: TimeTable
    time: Floats
    event: Mask
    """Of any cause."""
    entry: Floats | None
    ours: Mask
    """The event in question."""
    labels: list[str] | None
    kept: Mask
    """Which rows of the table are in the analysis (a landmark leaves some out)."""
    notes: list[str] = field(default_factory=list)

    @property
    def pooled(self) -> Sample:
        return sample(self.time, self.ours, self.entry)

    def group(self, label: str, *, any_cause: bool = False) -> Sample:
        inside = self.inside(label)
        event = self.event if any_cause else self.ours
        return sample(self.time[inside], event[inside], None if self.entry is None else self.entry[inside])

    def inside(self, label: str) -> Mask:
        if self.labels is None:
            return np.ones(self.time.size, dtype=bool)
        chosen: Mask = np.asarray(self.labels) == label
        return chosen

    @property
    def names(self) -> list[str]:
        return [ALL] if self.labels is None else sorted(set(self.labels))

    def cells(self, column: str) -> list[str]:
        labels = self.table.labels(column)
        return [label for label, kept in zip(labels, self.kept, strict=True) if kept]


def make_study(table: TimeTable, asked: Question) -> Study:
    time = table.numbers(asked.time, "time")
    table.refuse(np.isnan(time), "the time is missing", "complete the row or exclude it (--where)")
    table.refuse(np.isinf(time), "the time is not finite", "correct the row")
    table.refuse(time < 0, "the time is negative", "the event lies before time zero: correct the dates")
    event, ours = _events(table, asked)
    entry = table.numbers(asked.entry, "entry time") if asked.entry else None
    if entry is not None:
        table.refuse(~np.isfinite(entry), "the entry time is missing", "give 0 to who was there from the start")
        table.refuse(
            entry >= time,
            "the entry is not before the exit",
            "who leaves by the day of entry was never at risk: exclude the row and count it in the report",
        )
    labels = group_labels(table, asked.by) if asked.by else None
    study = Study(table, time, event, entry, ours, labels, np.ones(table.n, dtype=bool))
    return _from_landmark(study, asked) if asked.reached else study


def group_labels(table: TimeTable, by: str) -> list[str]:
    table.refuse(
        table.missing(by), f"the group (column {by}) is missing", f"complete the row or exclude it (--where '{by}!=')"
    )
    labels = table.labels(by)
    count = len(set(labels))
    if count > MOST_GROUPS:
        raise InputError(f"{table.path}: {by} has {count} values (at most {MOST_GROUPS}): is it a column of groups?")
    return labels


def _events(table: TimeTable, asked: Question) -> tuple[Mask, Mask]:
    """Who had an event of any cause, and who the one in question."""
    cells = table.cells[asked.event]
    table.refuse(table.missing(asked.event), "the event is missing", "complete the row or exclude it (--where)")
    if asked.cause:
        event = np.array([FLAGS.get(cell) != 0 for cell in cells])
        ours = event & np.array([cell in (asked.cause, f"{asked.cause}.0") for cell in cells])
        if not ours.any():
            raise InputError(
                f"{table.path}: nobody has event code {asked.cause}; --cause names a code of {asked.event}"
            )
        return event, ours
    codes = set(cells)
    odd = np.array([cell not in FLAGS for cell in cells]) if codes - set(FLAGS) else np.zeros(table.n, dtype=bool)
    remedy = (
        "recode it (1/2 to 0/1); if the codes are events that compete, name the one in question with --cause"
        if codes <= {"1", "2", "1.0", "2.0"}
        else "recode it; if the codes are events that compete, name the one in question with --cause"
    )
    table.refuse(odd, f"the event (column {asked.event}) is neither 0 nor 1", remedy)
    event = np.fromiter((FLAGS[cell] for cell in cells), dtype=bool, count=table.n)
    return event, event


def _from_landmark(study: Study, asked: Question) -> Study:
    """Those still followed at the landmark, by what had happened by then, with times from it."""
    day = asked.landmark or 0.0
    happened = study.table.numbers(asked.reached, f"time of {asked.reached}")
    study.table.refuse(happened < 0, f"the time of {asked.reached} is negative", "correct the dates")
    kept = study.time > day
    if not kept.any():
        raise InputError(f"{study.table.path}: nobody is followed beyond the landmark {day:g}; choose an earlier one")
    left = int((~kept).sum())
    note = f"landmark {day:g}: times count from it; {left} of {study.time.size} left before or on it and are out"
    reached = (happened <= day)[kept]  # nan, never, is not
    return Study(
        study.table,
        study.time[kept] - day,
        study.event[kept],
        None if study.entry is None else np.maximum(study.entry[kept], day) - day,
        study.ours[kept],
        [REACHED if one else NOT_REACHED for one in reached],
        kept,
        [note],
    )


def shown_curve(study: Study, name: str, asked: Question) -> tuple[Sample, float | None, Sample]:
    """A group, when its curve starts (None: at once), and the sample of the curve."""
    data = study.group(name)
    start = first_reliable_time(data, asked.start_at_risk) if asked.start_at_risk else None
    return data, start, start_at(data, start)[0] if start else data


def stratify(study: Study, asked: Question) -> tuple[list[str] | None, Mask]:
    """The stratum of each row, and where it is known; rows without one are told."""
    complete = np.ones(study.time.size, dtype=bool)
    if not asked.strata:
        return None, complete
    columns = [study.cells(name) for name in asked.strata]
    for name in asked.strata:
        complete &= ~study.table.missing(name)[study.kept]
    tell_left_out(study, complete, asked.strata, "the stratified analysis")
    return [" / ".join(cells) for cells in zip(*columns, strict=True)], complete


def tell_left_out(study: Study, complete: Mask, columns: Sequence[str], where: str) -> None:
    rows = study.table.row[study.kept][~complete]
    if rows.size:
        named = ", ".join(map(str, rows[:10])) + (f" and {rows.size - 10} more" if rows.size > 10 else "")
        note = (
            f"{rows.size} without {' or '.join(columns)} left out of {where}: row{'s' if rows.size > 1 else ''} {named}"
        )
        if note not in study.notes:
            study.notes.append(note)


def number(value: float | None) -> float | None:
    """As JSON has it: what is not a finite number is null."""
    return None if value is None or not math.isfinite(value) else float(value)
