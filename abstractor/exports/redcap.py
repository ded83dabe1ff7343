"""A REDCap project: the data dictionary and the data, raw codes, repeating instruments. `sources.redcap` has the names and reads it back."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from abstractor.exports.folder import Folder
from abstractor.exports.leaving import Leaving, Profile
from abstractor.exports.source import Chart, Source
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion
from abstractor.rulebook.schema import FieldSpec
from abstractor.sources.redcap import (
    DAY,
    END_DAY,
    ENDINGS,
    INSTANCE,
    INSTRUMENT,
    OTHER,
    OTHER_FIELD,
    PATIENT_FORM,
    RECORD,
    form_of,
    variable,
)

DICTIONARY = (
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
)
_COMPLETE = "2"
_PARTIAL = "YYYY, YYYY-MM or YYYY-MM-DD"
_LABELS = {
    "assertion": "whether it holds",
    "date": "date",
    "end_date": "end",
    "attributes": "more (JSON)",
    "source": "source",
    "decided_by": "decided by",
    "decided_at": "decided at (UTC)",
    "note_id": "note",
    "start": "evidence from character",
    "end": "evidence to character",
}
_DATES = frozenset({"date", "end_date"})
_TELLING = frozenset({"decided_by", "decided_at", "note_id", "start", "end"})
"""What says who, and where in which note: it leaves identified only."""
_CODED = frozenset({"integer", "number", "yes", "code", "drugs"})
"""Kinds of attributes that hold no free text."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the project; `column` is what of a fact it holds."""

    name: str
    form: str
    label: str
    column: str = ""
    kind: str = "text"
    choices: str = ""
    note: str = ""
    validation: str = ""
    identifies: bool = False
    header: str = ""
    lowest: float | None = None
    highest: float | None = None

    def row(self) -> dict[str, str]:
        """A row of the dictionary."""
        cells = dict.fromkeys(DICTIONARY, "")
        told = (self.name, self.form, self.header, self.kind, self.label, self.choices, self.note, self.validation)
        cells.update(zip(DICTIONARY, told, strict=False))
        cells["Text Validation Min"] = "" if self.lowest is None else f"{self.lowest:g}"
        cells["Text Validation Max"] = "" if self.highest is None else f"{self.highest:g}"
        cells["Identifier?"] = "y" if self.identifies else ""
        return cells


def write_redcap(source: Source, folder: Folder) -> None:
    """Writes `dictionary.csv` and `data.csv`; one patient at a time."""
    variables = project(source.rulebook.fields, source.leaving)
    dictionary = folder.table("dictionary.csv", DICTIONARY)
    for one in variables:
        dictionary.write(one.row())
    forms = list(dict.fromkeys(one.form for one in variables))
    columns = [
        RECORD,
        INSTRUMENT,
        INSTANCE,
        *(one.name for one in variables[1:]),
        *(f"{one}_complete" for one in forms),
    ]
    data = folder.table("data.csv", columns)
    for chart in source.charts():
        for row in rows(chart, source.rulebook.fields, source.leaving):
            data.write(row)


def project(fields: Mapping[str, FieldSpec], leaving: Leaving) -> tuple[Variable, ...]:
    """The variables of the project, in the order of the form; the first is the record's id.

    Raises:
        ValueError: two questions would have the same name in REDCap.
    """
    once = [spec for spec in fields.values() if spec.slot == "patient"]
    often = [spec for spec in fields.values() if spec.slot != "patient"]
    found = [Variable(RECORD, PATIENT_FORM, "Record", identifies=leaving.identified)]
    if leaving.deidentified:
        label = f"Age at diagnosis in years ({leaving.settings.pooled_age} stands for all from then on)"
        found.append(Variable("age", PATIENT_FORM, label, validation="integer"))
    group = ""
    for spec in (*once, *often):
        if not _leaves(spec, leaving):
            continue
        header = spec.group.replace("_", " ").title() if spec.slot != "patient" or spec.group != group else ""
        group = spec.group
        found += _variables(spec, leaving, header)
    found.append(Variable(OTHER_FIELD, OTHER, "Question"))
    found += _parts(OTHER, OTHER, "Answer", Variable(OTHER, OTHER, "Answer", "value"), leaving)
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise ValueError("two questions of the registry have the same name in REDCap")
    return tuple(found)


def _leaves(spec: FieldSpec, leaving: Leaving) -> bool:
    """A birth date is no day from diagnosis: the age says it."""
    return not (leaving.deidentified and spec.name == "birth_date")


def _variables(spec: FieldSpec, leaving: Leaving, header: str) -> list[Variable]:
    name, form = variable(spec.name), form_of(spec)
    if spec.kind == "code":
        choices = " | ".join(f"{code.code}, {code.label.replace('|', '/')}" for code in spec.codes)
        value = Variable(name, form, spec.label, "value", "radio", choices, header=header)
    elif spec.kind == "date":
        value = Variable(name, form, spec.label, "value", note=spec.hint or _PARTIAL, identifies=True, header=header)
    else:
        value = Variable(name, form, spec.label, "value", note=spec.hint, header=header)
    return _parts(name, form, spec.label, value, leaving, is_date=spec.kind == "date")


def _parts(
    name: str, form: str, label: str, value: Variable, leaving: Leaving, *, is_date: bool = False
) -> list[Variable]:
    """The value and what belongs to it, as far as it may leave."""
    found = [] if is_date and leaving.deidentified else [value]
    asked = " | ".join(f"{one}, {one.replace('_', ' ')}" for one in Assertion)
    for column, said in _LABELS.items():
        if column in _TELLING and not leaving.identified:
            continue
        told = f"{label}: {said}"
        if column == "assertion":
            found.append(Variable(name + ENDINGS[column], form, told, column, "radio", asked))
        elif column in _DATES and leaving.deidentified:
            ending = DAY if column == "date" else END_DAY
            days = f"{told}, days from diagnosis"
            found.append(Variable(name + ending, form, days, column, validation="integer"))
        elif column in _DATES:
            found.append(Variable(name + ENDINGS[column], form, told, column, note=_PARTIAL, identifies=True))
        elif column == "attributes":
            free = leaving.identified
            found.append(Variable(name + ENDINGS[column], form, told, column, "notes", identifies=free))
        else:
            kind = "integer" if column in ("start", "end") else ""
            identifies = column in ("decided_by", "note_id")
            found.append(Variable(name + ENDINGS[column], form, told, column, validation=kind, identifies=identifies))
    return found


def rows(chart: Chart, fields: Mapping[str, FieldSpec], leaving: Leaving) -> Iterator[dict[str, object]]:
    """The rows of a patient: the patient's own, then one a fact of every repeating instrument."""
    own: dict[str, object] = {RECORD: chart.patient_id, f"{PATIENT_FORM}_complete": _COMPLETE}
    if leaving.deidentified:
        own["age"] = leaving.age(chart.age)
    repeated: list[tuple[str, dict[str, object]]] = []
    answered: set[str] = set()
    for fact in sorted(chart.facts, key=lambda one: (one.field, one.date or "", one.slot)):
        spec = fields.get(fact.field)
        if spec is None or (spec.slot == "patient" and fact.field in answered):
            repeated.append((OTHER, {OTHER_FIELD: fact.field, **_cells(OTHER, fact, chart, leaving)}))
        elif not _leaves(spec, leaving):
            continue
        elif spec.slot == "patient":
            answered.add(fact.field)
            own.update(_cells(variable(fact.field), fact, chart, leaving, is_date=spec.kind == "date", spec=spec))
        else:
            cells = _cells(variable(fact.field), fact, chart, leaving, is_date=spec.kind == "date", spec=spec)
            repeated.append((form_of(spec), cells))
    yield own
    instances: dict[str, int] = {}
    for form, cells in repeated:
        instances[form] = instances.get(form, 0) + 1
        place = {RECORD: chart.patient_id, INSTRUMENT: form, INSTANCE: instances[form]}
        yield {**place, **cells, f"{form}_complete": _COMPLETE}


def _cells(
    name: str,
    fact: Fact,
    chart: Chart,
    leaving: Leaving,
    *,
    is_date: bool = False,
    spec: FieldSpec | None = None,
) -> dict[str, object]:
    first = fact.evidence[0] if fact.evidence else None
    found: dict[str, object] = {
        "value": fact.value,
        "assertion": str(fact.assertion),
        "date": fact.date,
        "end_date": fact.end_date,
        "attributes": _attributes(fact, leaving, spec),
        "source": fact.source,
    }
    if leaving.identified:
        found |= {"decided_by": fact.decided_by, "decided_at": fact.decided_at}
        if first:
            found |= {"note_id": first.note_id, "start": first.start, "end": first.end}
    if leaving.deidentified:
        return _days(name, found, fact, chart, is_date=is_date)
    return {name + ENDINGS[column]: cell for column, cell in found.items()}


def _days(name: str, found: Mapping[str, object], fact: Fact, chart: Chart, *, is_date: bool) -> dict[str, object]:
    """Days from the diagnosis where there were dates; what a question about a date says is its day."""
    cells: dict[str, object] = {name + ENDINGS[one]: cell for one, cell in found.items() if one not in _DATES}
    if is_date or name == OTHER:
        cells.pop(name)
    cells[name + DAY] = chart.calendar.day(fact.value if is_date else fact.date)
    cells[name + END_DAY] = chart.calendar.day(fact.end_date)
    return cells


def _attributes(fact: Fact, leaving: Leaving, spec: FieldSpec | None) -> str:
    """As JSON; but identified, only those that hold no free text (and no dates, where dates do not leave)."""
    shown = dict(fact.attributes)
    if not leaving.identified:
        kinds = _CODED | {"date"} if leaving.profile is Profile.LIMITED else _CODED
        known = {one.name for one in spec.attributes if one.kind in kinds} if spec else set()
        shown = {key: value for key, value in shown.items() if key in known}
    return json.dumps(shown, sort_keys=True, ensure_ascii=False) if shown else ""
