"""mCODE STU4 (FHIR R4): a bundle a patient, one a line, every resource with its Provenance. Each is checked by the models of `fhir.resources`.

De-identified, days count from the anchor, as in OMOP; who decided and in which note it stands leave identified only.
"""

import datetime
import uuid
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, Literal

from pydantic import Field

from abstractor.exports.alteration import read_alteration
from abstractor.exports.codes import Entry, read_codes
from abstractor.exports.folder import Folder
from abstractor.exports.source import Chart, Source
from abstractor.model.dates import stated_date
from abstractor.model.errors import InputError
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion

FILE = "bundles.ndjson"
_OURS = uuid.UUID("6c1fd3a4-6a0e-4c5e-9d0b-0f4c6a6b1d57")
"""Names of identified exports, so that the same decision is the same resource in each."""
_LINE_ENDS = {sign: f"\\u{sign:04x}" for sign in (0x85, 0x2028, 0x2029)}
_WHY_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

Resource = dict[str, Any]


class ConditionCode(Entry):
    profile: str
    code: str
    text: str


class ProcedureCode(Entry):
    profile: str
    code: str = ""
    words: str = ""
    """Set behind the kind of it."""


class ObservationCode(Entry):
    """How a field becomes an observation."""

    text: str
    code: str = ""
    profile: str = ""
    kind: Literal["code", "integer", "quantity"] = "code"
    category: str = ""
    method: str = ""
    edition: bool = False
    prefixed: dict[str, str] = Field(default_factory=dict)
    whole_days: bool = False

    def coded(self, fact: Fact) -> str:
        """What is observed: of a TNM category by its prefix, which says who classified."""
        return self.prefixed.get(str(fact.attributes.get("prefix") or "")[-1:], self.code)


class McodeCodes(Entry):
    """`rules/exchange/mcode.toml`."""

    base: str
    system: dict[str, str]
    condition: dict[str, ConditionCode]
    procedure: dict[str, ProcedureCode]
    observation: dict[str, ObservationCode]
    value: dict[str, dict[str, str]]
    edition: dict[str, str]
    component: dict[str, str]

    def concept(self, code: str, text: str = "") -> dict[str, Any]:
        """A CodeableConcept of `SYSTEM CODE`, of words, or of both."""
        found: dict[str, Any] = {}
        if code:
            system, _, value = code.partition(" ")
            found["coding"] = [{"system": self.system[system], "code": value}]
        if text:
            found["text"] = text
        return found


def write_mcode(source: Source, folder: Folder) -> None:
    """Writes `bundles.ndjson`, one patient at a time.

    Raises:
        InputError: the library with the models is not installed.
    """
    try:
        from fhir.resources.R4B.bundle import Bundle
    except ModuleNotFoundError:
        raise InputError("mcode: needs the models of FHIR; install abstractor[fhir]") from None
    codes = read_codes(source.rulebook.root, "mcode", McodeCodes)
    names = _OURS if source.leaving.identified else uuid.uuid4()
    made_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    out = folder.open(FILE)
    left_out: dict[str, int] = {}
    for chart in source.charts():
        bundle = _Bundle(source, codes, chart, names, made_at, left_out).bundle()
        out.write(_line(Bundle.model_validate(bundle).model_dump_json(exclude_none=True)))
        folder.count(FILE)
    lines = [f"{source.leaving.count(number)} {what}\n" for what, number in sorted(left_out.items())]
    folder.text("LEFT_OUT.txt", "".join(lines) or "nothing\n", rows=len(lines))


def _line(json: str) -> str:
    """A line that is one for every reader: some end one at other signs than a line feed too."""
    return json.translate(_LINE_ENDS) + "\n"


class _Bundle:
    """The resources of one patient."""

    def __init__(
        self,
        source: Source,
        codes: McodeCodes,
        chart: Chart,
        names: uuid.UUID,
        made_at: str,
        left_out: dict[str, int],
    ) -> None:
        self.source, self.codes, self.chart = source, codes, chart
        self.names, self.made_at, self.left_out = names, made_at, left_out
        self.patient = self._id("patient")
        self.cancer = self._id("cancer")

    def bundle(self) -> Resource:
        """The Bundle of profile `mcode-patient-bundle`, with exactly one patient."""
        entries = [self._entry(self._patient()), *self._entries()]
        return {
            "resourceType": "Bundle",
            "id": self._id("bundle"),
            "meta": {"profile": [f"{self.codes.base}mcode-patient-bundle"]},
            "type": "collection",
            "entry": entries,
        }

    def _entries(self) -> Iterator[dict[str, Any]]:
        stated = [*self.chart.record.present("histology"), *self.chart.record.present("diagnosis_date")]
        yield from self._told(self._primary(), stated)
        for fact in self.chart.facts:
            resource = self._resource(fact)
            if resource is not None:
                yield from self._told(resource, [fact])

    def _resource(self, fact: Fact) -> Resource | None:
        """What a fact becomes; None for what is part of another resource, or has none."""
        present = fact.assertion is Assertion.PRESENT
        if fact.field == "metastasis" and present:
            return self._secondary(fact)
        if fact.field in self.codes.observation and (present or (fact.field == "variant" and _is_absent(fact))):
            return self._observation(fact, self.codes.observation[fact.field])
        if fact.field == "systemic_therapy" and present:
            return self._drug(fact)
        if fact.field in ("radiotherapy", "surgery") and present:
            return self._procedure(fact)
        return None

    # --- patient and cancer ---

    def _patient(self) -> Resource:
        chart, leaving = self.chart, self.source.leaving
        found: Resource = {
            "resourceType": "Patient",
            "id": self.patient,
            "meta": self._profile("mcode-cancer-patient"),
            "identifier": [{"system": "urn:abstractor:patient", "value": chart.patient_id}],
            "name": [_absent("masked")],
            "gender": chart.value("sex") or "unknown",
        }
        born = chart.value("birth_date")
        if not leaving.deidentified and stated_date(born):
            found["birthDate"] = chart.calendar.date(born)
        died = next(iter(chart.record.values("death_date")), None)
        if died and chart.calendar.date(died):
            found["deceasedDateTime"] = chart.calendar.date(died)
        elif died or chart.value("vital_status") in ("dead", "alive"):
            found["deceasedBoolean"] = bool(died) or chart.value("vital_status") == "dead"
        return found

    def _primary(self) -> Resource:
        code = self.codes.condition["primary"]
        found = self._condition(self.cancer, code, self.chart.value("diagnosis_date"))
        site = self.chart.value("primary_site")
        if site:
            found["bodySite"] = [{"text": site.replace("_", " ")}]
        histology = self.chart.value("histology")
        found["code"] = self.codes.concept(code.code, f"{code.text} ({histology})" if histology else code.text)
        staged = [
            {"assessment": [{"reference": f"urn:uuid:{self._id(fact.slot)}"}]}
            for fact in self.chart.record.present("stage.valg", "stage.group")
        ]
        if staged:
            found["stage"] = staged
        return found

    def _secondary(self, fact: Fact) -> Resource:
        found = self._condition(self._id(fact.slot), self.codes.condition["secondary"], fact.date)
        found["bodySite"] = [{"text": fact.value.replace("_", " ")}]
        return found

    def _condition(self, name: str, code: ConditionCode, onset: str | None) -> Resource:
        found: Resource = {
            "resourceType": "Condition",
            "id": name,
            "meta": self._profile(code.profile),
            "clinicalStatus": self.codes.concept("CLINICAL active"),
            "verificationStatus": self.codes.concept("VERIFICATION confirmed"),
            "category": [self.codes.concept("CONDITION problem-list-item")],
            "code": self.codes.concept(code.code, code.text),
            "subject": self._reference(self.patient),
        }
        day = self.chart.calendar.date(onset)
        if day:
            found["onsetDateTime"] = day
        return found

    # --- observations ---

    def _observation(self, fact: Fact, code: ObservationCode) -> Resource:
        found: Resource = {
            "resourceType": "Observation",
            "id": self._id(fact.slot),
            "status": "final",
            "code": self.codes.concept(code.coded(fact), code.text),
            "subject": self._reference(self.patient),
            "focus": [self._reference(self.cancer)],
            **self._value(fact, code),
        }
        if code.profile:
            found["meta"] = self._profile(code.profile)
        if code.category:
            found["category"] = [self.codes.concept(f"CATEGORY {code.category}")]
        day = self.chart.calendar.date(self.chart.dated(fact))
        if day:
            found |= _effective(day, code)
        if code.method or code.edition:
            method = code.method or self.codes.edition.get(self._edition(fact), "")
            found["method"] = self.codes.concept(method, "" if method else "TNM, edition not stated")
        return found

    def _value(self, fact: Fact, code: ObservationCode) -> Resource:
        if fact.field == "variant":
            return self._variant(fact)
        if code.kind == "integer":
            return self._integer(fact)
        if code.kind == "quantity" and fact.value.replace(".", "", 1).isdecimal():
            return {"valueQuantity": {"value": float(fact.value)}}
        text = f"{fact.attributes.get('prefix') or ''}{fact.value}"
        return {
            "valueCodeableConcept": self.codes.concept(self.codes.value.get(fact.field, {}).get(fact.value, ""), text)
        }

    def _integer(self, fact: Fact) -> Resource:
        """A profile with whole numbers takes no words for a value: they are a note then."""
        if fact.value.isdecimal():
            return {"valueInteger": int(fact.value)}
        return {"dataAbsentReason": self.codes.concept("ABSENT as-text"), "note": [{"text": fact.value}]}

    def _variant(self, fact: Fact) -> Resource:
        read = read_alteration(fact.value)
        genes = read.genes if read else (fact.value.partition(" ")[0],)
        change = read.told_change if read else None
        part = self.codes.component
        components: list[Resource] = [
            {"code": self.codes.concept(part["gene"]), "valueCodeableConcept": {"text": gene}} for gene in genes if gene
        ]
        if change and change.startswith("p."):
            value = self.codes.concept(f"HGVS {change}", change)
            components.append({"code": self.codes.concept(part["protein"]), "valueCodeableConcept": value})
        fraction = fact.attributes.get("vaf")
        if isinstance(fraction, int | float):
            quantity = {"value": float(fraction), "system": self.codes.system["UCUM"], "code": "1"}
            components.append({"code": self.codes.concept(part["fraction"]), "valueQuantity": quantity})
        said = fact.value + (" (unknown significance)" if fact.attributes.get("vus") else "")
        code = self.codes.value["variant"][str(fact.assertion)]
        return {"valueCodeableConcept": self.codes.concept(code, said), "component": components}

    def _edition(self, fact: Fact) -> str:
        """As stated; else the one in force at diagnosis: the 9th from 2025 on, the 8th from 2017 on."""
        stated = str(fact.attributes.get("edition") or "")
        diagnosed = self.chart.calendar.zero
        if stated or diagnosed is None:
            return stated
        return "9" if diagnosed.year >= 2025 else "8" if diagnosed.year >= 2017 else ""

    # --- therapy ---

    def _drug(self, fact: Fact) -> Resource | None:
        start, end = self.chart.calendar.date(fact.date), self.chart.calendar.date(fact.end_date)
        if start is None and end is None:
            self._leave_out("drugs without a date that may leave")
            return None
        found: Resource = {
            "resourceType": "MedicationAdministration",
            "id": self._id(fact.slot),
            "meta": self._profile("mcode-cancer-related-medication-administration"),
            "status": "completed" if end else "unknown",
            "medicationCodeableConcept": {"text": fact.value},
            "subject": self._reference(self.patient),
            "reasonReference": [self._reference(self.cancer)],
        }
        found["effectivePeriod"] = self._period(start, end)
        return found

    def _procedure(self, fact: Fact) -> Resource:
        code = self.codes.procedure[fact.field]
        start, end = self.chart.calendar.date(fact.date), self.chart.calendar.date(fact.end_date)
        told = [
            f"{fact.attributes[name]} {unit}"
            for name, unit in (("dose_gy", "Gy"), ("fractions", "fractions"))
            if fact.attributes.get(name)
        ]
        found: Resource = {
            "resourceType": "Procedure",
            "id": self._id(fact.slot),
            "meta": self._profile(code.profile),
            "status": "completed" if fact.field == "surgery" or fact.end_date else "unknown",
            "code": self.codes.concept(code.code, f"{fact.value.replace('_', ' ')} {code.words}".strip()),
            "subject": self._reference(self.patient),
            "reasonReference": [self._reference(self.cancer)],
            # what is completed must say when, be it that nobody knows
            "performedPeriod": self._period(start, end) if start or end else _absent("unknown"),
        }
        if told:
            found["note"] = [{"text": ", ".join(told)}]
        return found

    def _period(self, start: str | None, end: str | None) -> Mapping[str, str]:
        """From when to when; an end before its start is none, and a part of a date that the other has not can't be compared."""
        if start and end:
            known = min(len(start), len(end))
            if end[:known] < start[:known]:
                self._leave_out("ends before their start")
                end = None
            elif end[:known] == start[:known]:
                start, end = start[:known], end[:known]
        return {name: day for name, day in (("start", start), ("end", end)) if day}

    # --- where it comes from ---

    def _told(self, resource: Resource, facts: list[Fact]) -> Iterator[dict[str, Any]]:
        """A resource, and the Provenance of the facts it rests on."""
        yield self._entry(resource)
        for fact in facts:
            yield self._entry(self._provenance(resource, fact))

    def _provenance(self, resource: Resource, fact: Fact) -> Resource:
        leaving = self.source.leaving
        who = leaving.person(fact.decided_by) if not leaving.deidentified else ""
        program = f"abstractor {version('abstractor')}, rulebook {self.source.rulebook.version}"
        found: Resource = {
            "resourceType": "Provenance",
            "id": self._id(f"provenance:{resource['id']}:{fact.slot}"),
            "target": [self._reference(resource["id"])],
            "recorded": self.made_at if leaving.deidentified else _instant(fact.decided_at, self.made_at),
            "agent": [
                {"type": self.codes.concept("AGENT verifier"), "who": {"display": who or "an abstractor"}},
                {"type": self.codes.concept("AGENT assembler"), "who": {"display": program}},
            ],
        }
        if leaving.identified and fact.evidence:
            found["entity"] = [
                {
                    "role": "source",
                    "what": {
                        "identifier": {"system": "urn:abstractor:note", "value": words.note_id},
                        "display": f"characters {words.start} to {words.end}",
                    },
                }
                for words in fact.evidence
            ]
        return found

    # --- small parts ---

    def _entry(self, resource: Resource) -> dict[str, Any]:
        return {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource}

    def _reference(self, name: str) -> dict[str, str]:
        return {"reference": f"urn:uuid:{name}"}

    def _profile(self, name: str) -> dict[str, list[str]]:
        return {"profile": [self.codes.base + name]}

    def _id(self, what: str) -> str:
        return str(uuid.uuid5(self.names, f"{self.chart.record.patient_id}\x1f{what}"))

    def _leave_out(self, what: str) -> None:
        self.left_out[what] = self.left_out.get(what, 0) + 1


def _is_absent(fact: Fact) -> bool:
    return fact.assertion is Assertion.ABSENT


def _effective(day: str, code: ObservationCode) -> Resource:
    """When it was; a partial date as a period where the profile takes whole days only."""
    if code.whole_days and len(day) < len("2024-01-01"):
        return {"effectivePeriod": {"start": day, "end": day}}
    return {"effectiveDateTime": day}


def _absent(reason: str) -> Resource:
    """In place of a value: why there is none."""
    return {"extension": [{"url": _WHY_ABSENT, "valueCode": reason}]}


def _instant(stated: str, otherwise: str) -> str:
    """An instant with seconds and zone, as FHIR wants it; an import may have less."""
    try:
        moment = datetime.datetime.fromisoformat(stated)
    except ValueError:
        return otherwise
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).isoformat()
