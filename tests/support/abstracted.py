"""A small invented registry at work, for the screens of quality: four closed patients, two abstractors, one note each."""

from itertools import count

from abstractor.model.decision import Action, Decision
from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.registry.decisions import record_all
from abstractor.registry.engine import Registry
from abstractor.registry.notes import add_notes
from abstractor.registry.suggestions import replace_suggestions

READERS = {"P1": "ann", "P2": "ann", "P3": "max", "P4": "max"}
"""Patient and first reader."""
TEXT = (
    "CLINIC NOTE\n\nLimited stage small cell lung cancer.\nPartial response on CT of 2024-03-01.\nNo liver lesions.\n"
)
WORDS = {"stage.valg": "Limited stage", "response": "Partial response", "metastasis": "liver"}


def note_of(patient_id: str) -> Note:
    return Note(f"N-{patient_id}", TEXT, patient_id, "2024-03-01", "clinic")


def quoted(patient_id: str, words: str) -> Evidence:
    note, start = note_of(patient_id), TEXT.index(words)
    return Evidence(
        note.note_id, start, start + len(words), words, note.sha256, note.note_date, note.note_type, None, "r1", 0.95
    )


def fill(registry: Registry) -> Registry:
    """Notes, suggestions, and what the first readers decided: a stage, a response, a metastasis rejected; closed."""
    add_notes(registry, [note_of(patient_id) for patient_id in READERS], "test")
    ids = count()
    made: list[Decision] = []
    for patient_id, by in READERS.items():
        offered = [
            Suggestion(
                patient_id,
                "stage.valg",
                "stage.valg",
                "limited",
                Assertion.PRESENT,
                evidence=(quoted(patient_id, "Limited stage"),),
                confidence=0.95,
            )
        ]
        replace_suggestions(registry, patient_id, offered)

        def decided(
            slot: str, value: str, action: str, date: str | None = None, *, who: str = by, whose: str = patient_id
        ) -> Decision:
            field = slot.split(":")[0].split("@")[0]
            number = next(ids)
            return Decision(
                f"d{number}",
                whose,
                slot,
                Action(action),
                who,
                f"2024-04-01T08:{number:02d}:00.000+00:00",
                field=field,
                value=value,
                date=date,
                evidence=(quoted(whose, WORDS[field]),) if field else (),
                rule="r1",
            )

        made += [
            decided("stage.valg", "limited", "accept"),
            decided("response@2024-03-01", "PR", "edit", "2024-03-01"),
            decided("metastasis:liver", "liver", "reject"),
            decided("", "", "close"),
        ]
    record_all(registry, made)
    return registry
