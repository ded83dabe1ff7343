"""OMOP CDM 5.4: persons, episodes of disease and therapy, measurements, drugs, death; identified also the notes and what was found in them.

Ids are whole numbers within one export. What has no concept leaves with concept 0 and its source value. De-identified, everybody is diagnosed
on the anchor day: between any two dates of a patient lie as many days as there were, and no date is a real one.
"""

from collections.abc import Iterator
from importlib.metadata import version

from abstractor.exports.brat import mentions
from abstractor.exports.codes import read_codes
from abstractor.exports.folder import Folder
from abstractor.exports.omop_tables import OmopCodes, OmopTable
from abstractor.exports.source import Chart, Source
from abstractor.model.dates import stated_date
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion, Finding
from abstractor.outcomes.patient import PatientOutcome

_NOTES = ("NOTE", "NOTE_NLP")
_COUNTED = (Assertion.PRESENT, Assertion.ABSENT)
_TEMPORAL = {Assertion.HISTORICAL: "past", Assertion.HYPOTHETICAL: "future"}


def write_omop(source: Source, folder: Folder) -> None:
    """Writes a CSV a table; one patient at a time."""
    tables = _Tables(source, folder)
    for person_id, chart in enumerate(source.charts(), 1):
        tables.patient(person_id, chart)
    tables.tell()


class _Tables:
    """The tables while they are written."""

    def __init__(self, source: Source, folder: Folder) -> None:
        self.source, self.folder = source, folder
        self.codes = read_codes(source.rulebook.root, "omop", OmopCodes)
        names = [name for name in self.codes.tables if source.leaving.identified or name not in _NOTES]
        self.tables = {name: OmopTable(folder, name, self.codes.tables[name]) for name in names}
        self.system = f"abstractor {version('abstractor')}"
        self.left_out: dict[str, int] = {}

    def patient(self, person_id: int, chart: Chart) -> None:
        outcome = self.source.outcome(chart)
        self._person(person_id, chart)
        self._period(person_id, chart)
        condition, disease = self._disease(person_id, chart)
        for fact in chart.facts:
            if fact.field in self.codes.measurement and fact.assertion in _COUNTED:
                self._measurement(person_id, chart, fact, condition, disease)
        self._therapy(person_id, chart, outcome, disease)
        self._death(person_id, chart)
        if self.source.leaving.identified:
            self._notes(person_id, chart)

    def tell(self) -> None:
        """What has no place in the model, in words."""
        counted = self.source.leaving.count
        lines = [f"{counted(number)} {what}" for what, number in sorted(self.left_out.items())]
        self.folder.text("LEFT_OUT.txt", "".join(f"{line}\n" for line in lines) or "nothing\n", rows=len(lines))

    def _leave_out(self, what: str) -> None:
        self.left_out[what] = self.left_out.get(what, 0) + 1

    # --- the person ---

    def _person(self, person_id: int, chart: Chart) -> None:
        sex = chart.value("sex") or ""
        born = stated_date(chart.value("birth_date"))
        row: dict[str, object] = {
            "person_id": person_id,
            "gender_concept_id": self.codes.gender.get(sex, 0),
            "gender_source_value": sex,
            "race_concept_id": 0,
            "ethnicity_concept_id": 0,
            "person_source_value": chart.patient_id,
        }
        if self.source.leaving.deidentified:
            age = self.source.leaving.age(chart.age)
            row["year_of_birth"] = chart.calendar.anchor.year - age if age is not None else 0
        elif born:
            row |= {"year_of_birth": born.year, "month_of_birth": born.month, "day_of_birth": born.day}
        else:
            row["year_of_birth"] = 0
        if not row["year_of_birth"]:
            self._leave_out("persons without a year of birth: year_of_birth is 0")
        self.tables["PERSON"].write(row)

    def _period(self, person_id: int, chart: Chart) -> None:
        stated = [one for fact in chart.facts for one in (fact.date, fact.end_date) if fact.field != "birth_date"]
        stated += [note.note_date[:10] for note in chart.notes if note.note_date]
        days = sorted(day for one in stated if (day := chart.calendar.first_day(one)))
        if not days:
            self._leave_out("persons without any date: no observation period")
            return
        self.tables["OBSERVATION_PERIOD"].add(
            {
                "person_id": person_id,
                "observation_period_start_date": days[0],
                "observation_period_end_date": days[-1],
                "period_type_concept_id": self.codes.type_concept,
            }
        )

    def _disease(self, person_id: int, chart: Chart) -> tuple[int | None, int | None]:
        """The condition and the episode of the disease, where the diagnosis is dated."""
        start = chart.calendar.first_day(chart.calendar.zero.isoformat() if chart.calendar.zero else None)
        if start is None:
            self._leave_out("persons without a date of diagnosis: no condition, no episodes of disease")
            return None, None
        condition = self.tables["CONDITION_OCCURRENCE"].add(
            {
                "person_id": person_id,
                "condition_concept_id": self.codes.condition.concept,
                "condition_start_date": start,
                "condition_type_concept_id": self.codes.type_concept,
                "condition_source_value": self.codes.condition.source,
            }
        )
        disease = self._episode(person_id, self.codes.episode.disease, start, source_value="small cell lung cancer")
        self._link(disease, condition, self.codes.event_field.condition)
        return condition, disease

    def _episode(
        self,
        person_id: int,
        concept: int,
        start: str,
        *,
        end: str | None = None,
        parent: int | None = None,
        number: int | None = None,
        source_value: str = "",
    ) -> int:
        if end and end < start:
            self._leave_out("ends of episodes before their start")
            end = None
        return self.tables["EPISODE"].add(
            {
                "person_id": person_id,
                "episode_concept_id": concept,
                "episode_start_date": start,
                "episode_end_date": end,
                "episode_parent_id": parent,
                "episode_number": number,
                "episode_object_concept_id": 0,
                "episode_type_concept_id": self.codes.episode_type_concept,
                "episode_source_value": source_value,
            }
        )

    def _link(self, episode: int, event: int, field: int) -> None:
        self.tables["EPISODE_EVENT"].write(
            {"episode_id": episode, "event_id": event, "episode_event_field_concept_id": field}
        )

    # --- what was measured ---

    def _measurement(
        self, person_id: int, chart: Chart, fact: Fact, condition: int | None, disease: int | None
    ) -> None:
        day = chart.calendar.first_day(chart.dated(fact))
        if day is None and chart.calendar.zero:
            day = chart.calendar.first_day(chart.calendar.zero.isoformat())
        if day is None:
            self._leave_out("measurements without any date")
            return
        code = self.codes.measurement[fact.field]
        absent = fact.assertion is Assertion.ABSENT
        measured = self.tables["MEASUREMENT"].add(
            {
                "person_id": person_id,
                "measurement_concept_id": code.concept,
                "measurement_date": day,
                "measurement_type_concept_id": self.codes.type_concept,
                "value_as_number": _number(fact.value) if code.number else None,
                "value_as_concept_id": self.codes.absent_concept if absent else self._present(fact),
                "measurement_source_value": code.source or fact.field,
                "value_source_value": f"{fact.value} absent" if absent else fact.value,
                "measurement_event_id": condition,
                "meas_event_field_concept_id": self.codes.event_field.condition if condition else None,
            }
        )
        if fact.field == "response" and fact.value == "PD":
            progression = self._episode(
                person_id, self.codes.episode.progression, day, parent=disease, source_value="PD"
            )
            self._link(progression, measured, self.codes.event_field.measurement)

    def _present(self, fact: Fact) -> int | None:
        """That something is there is the value where it might be said that it is not."""
        return self.codes.present_concept if fact.field in ("metastasis", "variant") else None

    # --- what was given ---

    def _therapy(self, person_id: int, chart: Chart, outcome: PatientOutcome, disease: int | None) -> None:
        lines = []
        for one in outcome.lines:
            start = chart.calendar.first_day(one.line.start.isoformat())
            end = chart.calendar.first_day(one.line.stop.isoformat()) if one.line.stop_known else None
            if start is not None:
                drugs = "+".join(one.line.drugs)
                episode = self._episode(
                    person_id,
                    self.codes.episode.regimen,
                    start,
                    end=end,
                    parent=disease,
                    number=one.line.number,
                    source_value=drugs,
                )
                lines.append((episode, start, end or start, one.line.drugs))
        for fact in chart.record.present("systemic_therapy"):
            self._drug(person_id, chart, fact, lines)
        for field, concept in (
            ("radiotherapy", self.codes.episode.radiotherapy),
            ("surgery", self.codes.episode.surgery),
        ):
            for fact in chart.record.present(field):
                self._procedure(person_id, chart, fact, concept, disease)

    def _procedure(self, person_id: int, chart: Chart, fact: Fact, concept: int, disease: int | None) -> None:
        start = chart.calendar.first_day(fact.date)
        if start is None:
            self._leave_out(f"{fact.field} without a date")
            return
        end = chart.calendar.first_day(fact.end_date)
        self._episode(person_id, concept, start, end=end, parent=disease, source_value=fact.value)

    def _drug(
        self, person_id: int, chart: Chart, fact: Fact, lines: list[tuple[int, str, str, tuple[str, ...]]]
    ) -> None:
        start = chart.calendar.first_day(fact.date)
        if start is None:
            self._leave_out("drugs without a date")
            return
        end = chart.calendar.first_day(fact.end_date)
        if end and end < start:
            self._leave_out("ends before their start: verbatim_end_date alone has them")
        exposure = self.tables["DRUG_EXPOSURE"].add(
            {
                "person_id": person_id,
                "drug_concept_id": 0,
                "drug_exposure_start_date": start,
                "drug_exposure_end_date": end if end and end >= start else start,
                "verbatim_end_date": end,
                "drug_type_concept_id": self.codes.type_concept,
                "drug_source_value": fact.value,
            }
        )
        for episode, first, last, drugs in lines:
            if fact.value in drugs and first <= start <= last:
                self._link(episode, exposure, self.codes.event_field.drug)

    def _death(self, person_id: int, chart: Chart) -> None:
        stated = [fact.value for fact in chart.record.present("death_date")]
        stated += [fact.date for fact in chart.record.present("vital_status") if fact.value == "dead" and fact.date]
        day = next((found for one in stated if (found := chart.calendar.first_day(one))), None)
        if day is not None:
            self.tables["DEATH"].write(
                {"person_id": person_id, "death_date": day, "death_type_concept_id": self.codes.type_concept}
            )
        elif chart.value("vital_status") == "dead":
            self._leave_out("deaths without a date")

    # --- the notes ---

    def _notes(self, person_id: int, chart: Chart) -> None:
        numbers: dict[str, int] = {}
        texts: dict[str, str] = {}
        for stored in chart.notes:
            if not stored.note_date:
                self._leave_out("notes without a date")
                continue
            note = self.source.note(stored)
            if not note.text:
                self._leave_out("notes without text")
                continue
            texts[note.note_id] = note.text
            numbers[note.note_id] = self.tables["NOTE"].add(
                {
                    "person_id": person_id,
                    "note_date": stored.note_date[:10],
                    "note_type_concept_id": self.codes.note_type_concept,
                    "note_class_concept_id": 0,
                    "note_title": stored.note_type,
                    "note_text": note.text,
                    "encoding_concept_id": self.codes.encoding_concept,
                    "language_concept_id": self.codes.language_concept,
                    "note_source_value": note.note_id,
                }
            )
        for row in self._found(chart, numbers, texts):
            self.tables["NOTE_NLP"].add(row)

    def _found(self, chart: Chart, numbers: dict[str, int], texts: dict[str, str]) -> Iterator[dict[str, object]]:
        """What the machine found, and whether a person confirmed it; and what people found that it had not."""
        machine = {
            (one.note_id, one.field, one.value, str(one.assertion), one.start, one.end): one
            for one in self.source.findings(chart)
        }
        readings = self.source.readings(chart)
        for note_id, here in mentions(self.source, chart).items():
            if note_id not in numbers:
                continue
            reading = readings.get(note_id)
            for one in here:
                finding = machine.get((note_id, *one.key))
                said = [f"field={one.field}", f"value={one.value}", f"assertion={one.assertion}"]
                said += _modifiers(finding) if finding else []
                said += [
                    f"origin={'machine' if one.machine else 'person'}",
                    f"confirmed={'yes' if one.confirmed else 'no'}",
                ]
                yield {
                    "note_id": numbers[note_id],
                    "section_concept_id": 0,
                    "snippet": self._snippet(texts[note_id], one.start, one.end),
                    "offset": str(one.start),
                    "lexical_variant": texts[note_id][one.start : one.end],
                    "note_nlp_concept_id": 0,
                    "nlp_system": self.system if one.machine else f"{self.system} (marked by a person)",
                    "nlp_date": ((reading.read_at if reading else None) or self.source.cutoff.isoformat())[:10],
                    "term_exists": "Y" if one.assertion is Assertion.PRESENT else "N",
                    "term_temporal": _TEMPORAL.get(one.assertion, "current"),
                    "term_modifiers": ";".join(said),
                }

    def _snippet(self, text: str, start: int, end: int) -> str:
        """Words with what stands around them; the words themselves are never cut before what follows them."""
        before = min(self.codes.around, max(0, self.codes.snippet - (end - start)))
        return text[max(0, start - before) : end + self.codes.around][: self.codes.snippet]


def _modifiers(finding: Finding) -> list[str]:
    return [
        f"subject={'other' if finding.assertion is Assertion.OTHER_EXPERIENCER else 'patient'}",
        f"certainty={finding.confidence:.2f}",
        f"section={finding.section or ''}",
        f"rule={finding.rule}",
        f"rulebook={finding.rulebook}",
    ]


def _number(value: str) -> float | None:
    try:
        return float(value.lstrip("<>≥≤ "))
    except ValueError:
        return None
