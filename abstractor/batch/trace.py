"""From a number of a report, a patient or a decision down to the decisions and to the quoted words of the notes.

The report's own tables say which patients and decisions a number rests on; the registry says what was decided and quotes the notes. A
quote is read from the stored note and held against the decision, so that a trace also shows whether both still agree.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from abstractor.files import plain_cell
from abstractor.model.decision import Decision
from abstractor.model.errors import InputError
from abstractor.model.suggestion import Evidence
from abstractor.registry.decisions import case_of, decisions_of
from abstractor.registry.engine import Registry
from abstractor.registry.notes import note_text, notes_of, patients

_BETWEEN = "; "
_SHORTEST = 8
"""Characters of a decision's id that are enough to name it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a trace, and what lies below it."""

    text: str
    below: "tuple[Line, ...]" = ()
    quote: str = ""
    """Words of a note; shown only where text may be."""


@dataclass(frozen=True, slots=True)
class ReportTables:
    """What a report's folder says of its numbers: rows as they stand in the tables."""

    folder: Path
    numbers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    members: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    trail: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    """By patient."""


def read_report(folder: Path) -> ReportTables:
    """Reads the tables of a report.

    Raises:
        InputError: it is no folder of an internal report, or a table can't be read.
    """
    tables = folder / "tables"
    if not (tables / "members.csv").is_file():
        raise InputError(
            f"{folder}: no report with a trace here; write one with `abstractor outcomes --out {folder.name or 'DIR'}` "
            "(a shareable report has none)"
        )
    members: dict[str, list[Mapping[str, str]]] = {}
    for row in _rows(tables / "members.csv"):
        members.setdefault(row["members"], []).append(row)
    trail: dict[str, list[Mapping[str, str]]] = {}
    for row in _rows(tables / "trail.csv"):
        trail.setdefault(row["patient_id"], []).append(row)
    return ReportTables(folder, {row["id"]: row for row in _rows(tables / "numbers.csv")}, members, trail)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield {name: plain_cell(cell or "") for name, cell in row.items() if name is not None}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: can't be read ({type(error).__name__}); write the report anew") from None


def trace(registry: Registry, name: str, report: ReportTables | None) -> Line:
    """The way down from an id.

    Args:
        registry: what the report was made from.
        name: of a number (`os.all.median`), of a step of a curve (`os.all@314`), of a group of patients (`os.all`), a patient (`SP01`), an
            endpoint of a patient (`SP01/os`), or a decision (its id, or the beginning of it).
        report: the tables of the report; None traces patients and decisions only.

    Raises:
        InputError: nothing has this id, or several decisions begin with it.
    """
    if report is not None:
        found = _of_number(registry, name, report)
        if found is not None:
            return found
    patient, _, endpoint = name.partition("/")
    known = patients(registry)
    if patient in known and (not endpoint or report is not None):
        return _of_patient(registry, patient, endpoint, report)
    decision = _decision(registry, name, known)
    if decision is not None:
        quotes = _Quotes(registry, decision.patient_id)
        history = [one for one in decisions_of(registry, decision.patient_id) if one.slot == decision.slot]
        return Line(
            f"decision {decision.action_id} of patient {decision.patient_id}, row {decision.slot}",
            tuple(_decided(one, quotes) for one in history),
        )
    where = "the registry" if report is None else f"{report.folder} and the registry"
    raise InputError(
        f"{name}: no number, patient or decision with this id in {where}; ids of numbers stand in tables/numbers.csv of a report, "
        "which is named with --report DIR"
    )


def _of_number(registry: Registry, name: str, report: ReportTables) -> Line | None:
    number = report.numbers.get(name)
    group, at, day = name.rpartition("@")
    group = number["members"] if number is not None else (group if at else name)
    rows = report.members.get(group)
    if number is not None and not rows:
        return Line(f"{name}: {number['what']} = {_value(number)}", (Line("no patient"),))
    if rows is None:
        return None
    if at and number is None:
        return _of_step(registry, name, group, day, rows, report)
    title = f"{name}: {rows[0]['title']}"
    if number is not None:
        title = f"{name}: {number['what']} = {_value(number)}"
    return Line(title, tuple(_member(registry, row, report) for row in rows))


def _value(number: Mapping[str, str]) -> str:
    if number["withheld"] == "1":
        return "withheld"
    lower, upper = _short(number["lower"]), _short(number["upper"])
    interval = f" ({lower} to {upper})" if number["lower"] or number["upper"] else ""
    return f"{_short(number['value'])}{interval} {number['unit']}"


def _short(cell: str) -> str:
    """A number of a table with six digits; NE where there is none."""
    return f"{float(cell):.6g}" if cell else "NE"


def _of_step(
    registry: Registry, name: str, group: str, day: str, rows: Sequence[Mapping[str, str]], report: ReportTables
) -> Line:
    """Who ended on a day of a curve; the others are counted."""
    if not day.isdecimal():
        raise InputError(f"{name}: the step of a curve is named by its day, as {group}@314")
    timed = [(int(row["day"]), row) for row in rows if row["day"]]
    here = [row for when, row in timed if when == int(day)]
    if not here:
        days = sorted({when for when, _ in timed})
        near = min(days, key=lambda one: abs(one - int(day)), default=None)
        raise InputError(
            f"{name}: nobody's time ends on day {day}" + ("" if near is None else f"; the nearest is {near}")
        )
    followed = sum(when >= int(day) for when, _ in timed)
    title = f"{name}: {rows[0]['title']}, day {day}: {followed} with a time of at least {day} days"
    return Line(title, tuple(_member(registry, row, report) for row in here))


def _member(registry: Registry, row: Mapping[str, str], report: ReportTables) -> Line:
    day = f", day {row['day']}" if row["day"] else ""
    text = f"patient {row['patient_id']}: {row['role']}{day}"
    if not row["trail"]:
        return Line(text)
    return Line(text, tuple(_steps(registry, row["patient_id"], row["trail"], report)))


def _steps(registry: Registry, patient_id: str, endpoint: str, report: ReportTables) -> Iterator[Line]:
    quotes = _Quotes(registry, patient_id)
    decided = {one.action_id: one for one in decisions_of(registry, patient_id)}
    holding = {one.action_id for one in case_of(registry, patient_id).current.values()}
    for row in report.trail.get(patient_id, ()):
        if row["endpoint"] != endpoint:
            continue
        below = [
            _decided(decided[one], quotes, changed=one not in holding)
            if one in decided
            else Line(f"{one}: no decision of this registry")
            for one in row["decisions"].split(_BETWEEN)
            if one
        ]
        below += [Line(f"note {one}: its date is the contact") for one in row["notes"].split(_BETWEEN) if one]
        yield Line(f"{row['step']}: {row['date']} {row['text']}".replace("  ", " ").rstrip(), tuple(below))


def _of_patient(registry: Registry, patient_id: str, endpoint: str, report: ReportTables | None) -> Line:
    if report is None:
        quotes = _Quotes(registry, patient_id)
        standing = sorted(case_of(registry, patient_id).current.items())
        return Line(f"patient {patient_id}", tuple(_decided(one, quotes) for _, one in standing))
    endpoints = list(dict.fromkeys(row["endpoint"] for row in report.trail.get(patient_id, ())))
    if endpoint and endpoint not in endpoints:
        raise InputError(f"{patient_id}/{endpoint}: no such endpoint; there are {', '.join(endpoints) or 'none'}")
    below = (Line(one, tuple(_steps(registry, patient_id, one, report))) for one in endpoints if endpoint in ("", one))
    return Line(f"patient {patient_id}", tuple(below))


def _decision(registry: Registry, name: str, known: Iterable[str]) -> Decision | None:
    if len(name) < _SHORTEST:
        return None
    found = [
        one for patient_id in known for one in decisions_of(registry, patient_id) if one.action_id.startswith(name)
    ]
    exact = [one for one in found if one.action_id == name]
    if len(found) > 1 and not exact:
        raise InputError(f"{name}: {len(found)} decisions begin with this; write more of the id")
    return next(iter(exact or found), None)


class _Quotes:
    """The stored words behind a patient's decisions."""

    def __init__(self, registry: Registry, patient_id: str) -> None:
        self._registry = registry
        self._notes = {one.note_id: one for one in notes_of(registry, patient_id)}
        self._texts: dict[str, str] = {}

    def line(self, one: Evidence) -> Line:
        """Where the words stand, and whether they still do."""
        when = f" of {one.note_date[:10]}" if one.note_date else ""
        head = f"note {one.note_id}{when} ({one.note_type}) [{one.start}:{one.end}]"
        if one.note_id not in self._notes:
            return Line(f"{head}: this note is not in the registry any more", quote=one.text)
        if self._text(one.note_id)[one.start : one.end] == one.text:
            return Line(head, quote=one.text)
        return Line(
            f"{head}: decided on an older version of the note; these words stand elsewhere in it now or not at all",
            quote=one.text,
        )

    def _text(self, note_id: str) -> str:
        if note_id not in self._texts:
            self._texts[note_id] = note_text(self._registry, note_id)
        return self._texts[note_id]


def _decided(one: Decision, quotes: _Quotes, *, changed: bool = False) -> Line:
    dates = "–".join(day for day in (one.date, one.end_date) if day)
    stated = f"{one.field or one.slot} = {one.value}" if one.value else one.slot
    asserted = "" if str(one.assertion) == "present" else f" ({one.assertion})"
    text = f"{stated}{asserted}{f' {dates}' if dates else ''}: {one.action} by {one.decided_by}, {one.decided_at[:19]}, {one.action_id}"
    if changed:
        text += "; decided otherwise since the report"
    below = tuple(quotes.line(each) for each in one.evidence)
    if not below and one.value:
        below = (Line("no words of a note"),)
    return Line(text, below)


def trace_text(found: Line, *, with_text: bool) -> str:
    """As indented lines; without text, places stand and words do not."""
    return "\n".join(_indented(found, 0, with_text=with_text))


def _indented(line: Line, depth: int, *, with_text: bool) -> Iterator[str]:
    words = " ".join(line.quote.split())
    yield "  " * depth + line.text + (f" “{words}”" if with_text and words else "")
    for one in line.below:
        yield from _indented(one, depth + 1, with_text=with_text)
