"""Three invented patients: one with nearly everything, one who is over 90, and one of whom little is known."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from abstractor.exports.leaving import Profile
from abstractor.exports.run import ExportSummary, Wanted
from abstractor.exports.run import export as run_export
from abstractor.model.decision import Action, Decision
from abstractor.model.finding import Assertion, Finding
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence
from abstractor.outcomes.protocol import Protocol
from abstractor.registry.decisions import record_all
from abstractor.registry.engine import Registry
from abstractor.registry.findings import store_findings
from abstractor.registry.notes import add_notes, notes_of
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import FieldSpec
from abstractor.rulebook.slots import slot_key

CUTOFF = datetime.date(2025, 6, 30)
TEXT = "Staging CT.\r\nSmall cell\ncarcinoma, metastases in the liver. No brain\nmetastases.\n"
FULL, OLD, BARE = "A-1", "B 2", "=C"
P, A = Assertion.PRESENT, Assertion.ABSENT

Said = tuple[str, str, str, Assertion, str | None, str | None, dict[str, object]]
SAID: tuple[Said, ...] = (
    (FULL, "birth_date", "1950-02-01", P, "1950-02-01", None, {}),
    (FULL, "sex", "male", P, None, None, {}),
    (FULL, "histology", "combined_small_cell", P, None, None, {}),
    (FULL, "diagnosis_date", "2024-01-10", P, "2024-01-10", None, {}),
    (FULL, "primary_site", "right_upper_lobe", P, None, None, {}),
    (FULL, "smoking_status", "former", P, None, None, {}),
    (FULL, "pack_years", "40", P, None, None, {}),
    (FULL, "stage.valg", "extensive", P, "2024-01-20", None, {}),
    (FULL, "stage.t", "T2a", P, "2024-01-20", None, {"prefix": "c"}),
    (FULL, "stage.group", "IVB", P, "2024-01-20", None, {}),
    (FULL, "ecog", "1", P, "2024-01-20", None, {}),
    (FULL, "metastasis", "liver", P, "2024-01-12", None, {}),
    (FULL, "metastasis", "bone", P, "2024-07-01", None, {}),
    (FULL, "metastasis", "brain", A, "2024-01-12", None, {}),
    (FULL, "variant", "TP53 p.R175H", P, None, None, {"vaf": 0.4}),
    (FULL, "variant", "RB1 p.S82fs*9", P, None, None, {}),
    (FULL, "variant", "MYC amplification", P, None, None, {}),
    (FULL, "variant", "PTEN loss", A, None, None, {}),
    (FULL, "variant", "KIF5B-RET fusion", P, None, None, {}),
    (FULL, "variant", "NOTCH1 p.P2109S", P, None, None, {"vus": True}),
    (FULL, "variant", "EGFR mutation", A, None, None, {}),
    (FULL, "variant", "BRCA2 p.K2950N", P, None, None, {"germline": True}),
    (FULL, "molecular_report_date", "2024-02-01", P, "2024-02-01", None, {}),
    (FULL, "therapy_line", "1", P, "2024-01-25", "2024-04-25", {"drugs": ["carboplatin", "etoposide"], "cycles": 4}),
    (FULL, "systemic_therapy", "carboplatin", P, "2024-01-25", "2024-04-25", {"note": "by Dr Who"}),
    (FULL, "systemic_therapy", "topotecan", A, None, None, {}),
    (FULL, "response", "PR", P, "2024-03-10", None, {}),
    (FULL, "response", "PD", P, "2024-07-01", None, {}),
    (FULL, "vital_status", "dead", P, None, None, {}),
    (FULL, "death_date", "2024-09-30", P, "2024-09-30", None, {}),
    (OLD, "birth_date", "1931-05-05", P, "1931-05-05", None, {}),
    (OLD, "sex", "female", P, None, None, {}),
    (OLD, "histology", "small_cell", P, None, None, {}),
    (OLD, "diagnosis_date", "2023-06-01", P, "2023-06-01", None, {}),
    (OLD, "stage.valg", "limited", P, None, None, {}),
    (OLD, "radiotherapy", "thoracic", P, "2023-07-01", "2023-08-01", {"dose_gy": 45.0, "fractions": 30}),
    (OLD, "vital_status", "alive", P, "2024-06-01", None, {}),
    (OLD, "last_contact_date", "2024-06-01", P, "2024-06-01", None, {}),
    (BARE, "diagnosis_date", "2022-03", P, "2022-03", None, {}),
)
"""Patient, field, value, assertion, date, end, attributes."""


@dataclass(frozen=True)
class Study:
    """A registry with the three patients, and what is needed to export it."""

    registry: Registry
    rulebook: RuleBook
    folder: Path

    def export(self, format_name: str, profile: str = "deidentified", key: Path | None = None) -> Path:
        self.summary(format_name, profile, key)
        return self.folder / format_name

    def summary(self, format_name: str, profile: str = "deidentified", key: Path | None = None) -> ExportSummary:
        return run_export(
            self.registry,
            self.rulebook,
            self.folder / format_name,
            Wanted(format_name, Profile(profile), key),
            protocol=Protocol(),
            cutoff=CUTOFF,
            user="mortiz",
            clock=lambda: "2025-07-01T08:00:00.000+00:00",
        )


def abstracted(registry: Registry, rulebook: RuleBook, folder: Path) -> Study:
    """Puts the three patients into a registry."""
    note = Note("N-1", TEXT, FULL, "2024-01-12", "radiology")
    add_notes(registry, [note, Note("N-2", "Seen today.", OLD, None, "clinic"), Note("N-3", "Seen.", BARE)], "test")
    stored = notes_of(registry, FULL)[0]
    store_findings(registry, stored, _found(note), rulebook="book", engine="test")
    decisions = [decided_as(rulebook.fields, number, said, stored.sha256) for number, said in enumerate(SAID)]
    record_all(registry, decisions + _not_standing())
    return Study(registry, rulebook, folder)


def _found(note: Note) -> list[Finding]:
    """What the machine saw: the liver, rightly; a small cell carcinoma over the end of a line; no metastasis in the brain."""
    found = []
    for field, value, assertion, words in (
        ("histology", "small_cell", P, "Small cell\ncarcinoma"),
        ("metastasis", "liver", P, "metastases in the liver"),
        ("metastasis", "brain", A, "No brain\nmetastases"),
    ):
        start = note.text.index(words)
        found.append(
            Finding(
                note_id=note.note_id,
                patient_id=note.patient_id,
                note_date=note.note_date,
                note_type=note.note_type,
                field=field,
                value=value,
                assertion=assertion,
                start=start,
                end=start + len(words),
                text=words,
                section="impression",
                rule="r1",
                rulebook="book",
                confidence=0.9,
            )
        )
    return found


def decided_as(fields: Mapping[str, FieldSpec], number: int, said: Said, sha256: str) -> Decision:
    patient_id, field, value, assertion, date, end_date, attributes = said
    evidence: tuple[Evidence, ...] = ()
    if (field, value, assertion) == ("metastasis", "liver", P):
        start = TEXT.index("metastases in the liver")
        words = "metastases in the liver"
        evidence = (Evidence("N-1", start, start + len(words), words, sha256, "2024-01-12", "radiology"),)
    return Decision(
        action_id=f"a{number}",
        patient_id=patient_id,
        slot=slot_key(fields[field], value, assertion, date),
        action=Action.ADD,
        decided_by="dr.jones",
        decided_at="2024-12-01T08:00:00+00:00",
        field=field,
        value=value,
        assertion=assertion,
        date=date,
        end_date=end_date,
        attributes=attributes,
        evidence=evidence,
    )


def _not_standing() -> list[Decision]:
    """Rejected, put off, and taken back: none of it may ever leave."""
    made = {"patient_id": FULL, "decided_by": "dr.jones", "decided_at": "2024-12-02T08:00:00+00:00"}
    return [
        Decision(
            action_id="x1", slot="metastasis:kidney", action=Action.REJECT, field="metastasis", value="kidney", **made
        ),  # type: ignore[arg-type]
        Decision(action_id="x2", slot="kps@2024-01-20", action=Action.DEFER, field="kps", value="77", **made),  # type: ignore[arg-type]
        Decision(action_id="x3", slot="ki67", action=Action.ADD, field="ki67", value="99", **made),  # type: ignore[arg-type]
        Decision(action_id="x4", slot="ki67", action=Action.UNDO, undoes="x3", **made),  # type: ignore[arg-type]
    ]
