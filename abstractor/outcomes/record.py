"""What the outcomes stage starts from: a patient's confirmed facts and the dates of the notes, as dated events.

Reads facts, never notes' text. Partial dates are kept as they are where the imputation depends on other events (deaths,
lines, progressions); nothing is dropped without a fault that names it (`faults.py`).
"""

import datetime
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from abstractor.model.dates import exact_day, stated_date
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion

RESPONSES = ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE")
IMAGING, CLINICIAN = "imaging", "clinician"

_SOURCES: Mapping[str, str] = {
    "radiology": IMAGING,
    "imaging": IMAGING,
    "radiographic": IMAGING,
    "clinic": CLINICIAN,
    "clinician": CLINICIAN,
    "oncologist": CLINICIAN,
    "tumour_board": CLINICIAN,
    "discharge": CLINICIAN,
}
_TRUE = frozenset({"true", "yes", "1", "y"})


@dataclass(frozen=True, slots=True)
class NoteContact:
    """A note of the patient: its day and its type, for follow-up; never its text."""

    date: datetime.date
    note_type: str
    note_id: str = ""


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """A patient, as confirmed."""

    patient_id: str
    facts: tuple[Fact, ...]
    notes: tuple[NoteContact, ...] = ()

    def present(self, *fields: str) -> tuple[Fact, ...]:
        """The facts of these fields that hold."""
        return tuple(fact for fact in self.facts if fact.field in fields and fact.assertion is Assertion.PRESENT)

    def values(self, field: str) -> tuple[str, ...]:
        """The distinct present values of a field, in the order of the facts."""
        return tuple(dict.fromkeys(fact.value for fact in self.present(field)))


@dataclass(frozen=True, slots=True)
class Administration:
    """A drug given, on one day or over a span of them."""

    drug: str
    first: datetime.date
    last: datetime.date
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was judged of the disease on one day; several statements of a day are one assessment."""

    date: datetime.date
    value: str
    """One of `RESPONSES`."""
    imaging: bool = True
    """Rests on imaging."""
    clinician: bool = True
    """A treating clinician's conclusion."""
    clinician_date: datetime.date | None = None
    """When the clinician concluded it, where that is another day than the evidence's."""
    clinical_only: bool = False
    """Said to rest on the clinical course, without imaging."""
    recist: bool = False
    """Stated in RECIST terms."""
    site: str = ""
    """Scope, where it is not the whole disease: `cns`, ..."""
    pseudoprogression: bool = False
    flags: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def adequate(self) -> bool:
        """Says something of the course: NE does not."""
        return self.value != "NE"


@dataclass(frozen=True, slots=True)
class RadiotherapyCourse:
    """A course of radiotherapy."""

    site: str
    start: datetime.date
    end: datetime.date
    end_stated: bool
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contact:
    """A day on which the patient was seen, treated or imaged."""

    date: datetime.date
    firm: bool
    """False where only the date of a note says so (it may have been written later)."""


def evidence_id(fact: Fact) -> str:
    """The decision behind a fact; for imported facts without one, what it states."""
    return fact.action_id or f"{fact.field}={fact.value}" + (f"@{fact.date}" if fact.date else "")


def administrations(record: PatientRecord) -> tuple[Administration, ...]:
    """Dated drug facts, ascending. A fact of a day and an end day is a span."""
    found = []
    for fact in record.present("systemic_therapy"):
        first, last = exact_day(fact.date), exact_day(fact.end_date)
        if first is None:
            first = last
        if first is None:
            continue
        found.append(Administration(fact.value.strip().lower(), first, max(first, last or first), (evidence_id(fact),)))
    return tuple(sorted(found, key=lambda one: (one.first, one.last, one.drug)))


def response_facts(record: PatientRecord) -> tuple[Fact, ...]:
    """Present response facts with a date of any precision."""
    return tuple(fact for fact in record.present("response") if stated_date(fact.date) is not None)


def assessments(dated: Iterable[tuple[Fact, datetime.date, str]]) -> tuple[Assessment, ...]:
    """One assessment a day from response facts with their (imputed) days and imputation flags, ascending."""
    by_day: dict[datetime.date, list[Assessment]] = {}
    for fact, day, flag in dated:
        one = _assessment(fact, day, flag)
        if one is not None:
            by_day.setdefault(day, []).append(one)
    return tuple(_merge(day, same) for day, same in sorted(by_day.items()))


def _assessment(fact: Fact, day: datetime.date, flag: str) -> Assessment | None:
    value, flags = fact.value.strip().upper(), ((f"imputed:{flag}",) if flag else ())
    if value == "MIXED":
        # New or unequivocally growing lesions make a mixed response a progression; else nothing can be concluded.
        value = "PD" if _is_true(fact, "new_lesion") or _is_true(fact, "unequivocal") else "NE"
        flags = (*flags, "mixed")
    if value not in RESPONSES:
        return None
    kinds, clinician_date = _kinds(fact, day)
    return Assessment(
        date=day,
        value=value,
        imaging=IMAGING in kinds,
        clinician=CLINICIAN in kinds,
        clinician_date=clinician_date,
        clinical_only=_is_clinical(fact),
        recist=_is_true(fact, "recist"),
        site=str(fact.attributes.get("site") or "").lower(),
        pseudoprogression=_is_true(fact, "pseudoprogression"),
        flags=flags,
        evidence=(evidence_id(fact),),
    )


def _is_true(fact: Fact, attribute: str) -> bool:
    return str(fact.attributes.get(attribute, "")).strip().lower() in _TRUE


def _is_clinical(fact: Fact) -> bool:
    return str(fact.attributes.get("evidence_type") or "").strip().lower() == "clinical"


def _kinds(fact: Fact, day: datetime.date) -> tuple[frozenset[str], datetime.date | None]:
    """Whether a response rests on imaging, on a clinician, or both; both where nothing says."""
    if _is_clinical(fact):
        return frozenset({CLINICIAN}), None
    stated = str(fact.attributes.get("source") or "").strip().lower()
    if stated in _SOURCES:
        return frozenset({_SOURCES[stated]}), None
    from_notes = [(_SOURCES.get(one.note_type), exact_day(one.note_date)) for one in fact.evidence]
    kinds = {kind for kind, _ in from_notes if kind}
    if not kinds:
        return frozenset({IMAGING, CLINICIAN}), None
    seen = [note_day for kind, note_day in from_notes if kind == CLINICIAN and note_day is not None and note_day >= day]
    if seen and min(seen) != day:
        kinds.add(IMAGING)  # a clinic note that dates the finding to an earlier day cites a scan of that day
    return frozenset(kinds), min(seen, default=None)


def _merge(day: datetime.date, same: list[Assessment]) -> Assessment:
    value = combine([one.value for one in same])
    telling = [one for one in same if one.value == value] or same
    clinician_dates = [one.clinician_date for one in telling if one.clinician_date]
    sites = {one.site for one in telling}
    return Assessment(
        date=day,
        value=value,
        imaging=any(one.imaging for one in telling),
        clinician=any(one.clinician for one in telling),
        clinician_date=min(clinician_dates, default=None),
        clinical_only=all(one.clinical_only for one in telling),
        recist=any(one.recist for one in telling),
        site=sites.pop() if len(sites) == 1 else "",
        pseudoprogression=value == "PD" and all(one.pseudoprogression for one in telling),
        flags=tuple(dict.fromkeys(flag for one in same for flag in one.flags)),
        evidence=tuple(dict.fromkeys(ref for one in same for ref in one.evidence)),
    )


def combine(values: list[str]) -> str:
    """The assessment of a day from the statements of it.

    Progression anywhere is progression; smaller here and unchanged there is PR; NE says nothing beside a judgement.
    """
    said = set(values) - {"NE"}
    if not said:
        return "NE"
    if "PD" in said:
        return "PD"
    if len(said) == 1:
        return said.pop()
    return "PR" if said & {"CR", "PR"} else "SD"


def radiotherapy_courses(record: PatientRecord) -> tuple[RadiotherapyCourse, ...]:
    """Radiotherapy facts known to the day, ascending; a fact without an end day ends on its day."""
    found = []
    for fact in record.present("radiotherapy"):
        start, end = exact_day(fact.date), exact_day(fact.end_date)
        if start is None:
            start = end
        if start is not None:
            ends = max(start, end or start)
            found.append(RadiotherapyCourse(fact.value, start, ends, end is not None, (evidence_id(fact),)))
    return tuple(sorted(found, key=lambda one: (one.start, one.site)))


def contacts(record: PatientRecord, contact_note_types: Iterable[str]) -> tuple[Contact, ...]:
    """All days of contact, ascending, each once; a day that a fact proves is firm."""
    firm: set[datetime.date] = set()
    for fact in record.present("visit", "last_contact_date"):
        day = exact_day(fact.value) or exact_day(fact.date)
        if day is not None:
            firm.add(day)
    for fact in record.present("surgery", "response", "vital_status"):
        day = exact_day(fact.date)
        if day is not None and fact.value != "dead":
            firm.add(day)
    for fact in record.present("therapy_line"):
        firm.update(day for day in (exact_day(fact.date), exact_day(fact.end_date)) if day is not None)
    for given in administrations(record):
        firm.update((given.first, given.last))
    for course in radiotherapy_courses(record):
        firm.update((course.start, course.end))
    types = frozenset(contact_note_types)
    noted = {note.date for note in record.notes if note.note_type in types}
    return tuple(Contact(day, firm=day in firm) for day in sorted(firm | noted))


def has_visits(record: PatientRecord) -> bool:
    """Whether visits were abstracted at all: without them a gap between visits can't be told from a gap in the data."""
    return bool(record.notes or record.present("visit"))


CHANGE = "change_percent"
"""Attribute of a response fact: the change of the sum of diameters from baseline, where it was measured."""


def change_percent(fact: Fact) -> float | None:
    """The measured change in per cent; None where there is none, or it is no number from -100 up."""
    try:
        value = float(str(fact.attributes[CHANGE]))
    except (KeyError, ValueError):
        return None
    return value if -100.0 <= value < math.inf else None
