"""A note as it stands in the record: never changed, never trimmed; all offsets count its code points."""

import hashlib
from dataclasses import dataclass

NOTE_TYPES = (
    "clinic",
    "radiology",
    "pathology",
    "molecular",
    "discharge",
    "tumour_board",
    "radiotherapy",
    "nursing",
    "telephone",
    "death",
    "other",
)


def text_hash(text: str) -> str:
    """SHA-256 of the text, hexadecimal. Lone surrogates (from bad decoding) are hashed as they are."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Note:
    """One version of one note."""

    note_id: str
    text: str
    patient_id: str = ""
    """Blank means that nothing is known of the patient: then the note is its own patient."""
    note_date: str | None = None
    """ISO date or date and time of the service; None where the dump has none."""
    note_type: str = "other"
    """One of `NOTE_TYPES`."""

    def __post_init__(self) -> None:
        if not self.patient_id:
            object.__setattr__(self, "patient_id", self.note_id)

    @property
    def sha256(self) -> str:
        return text_hash(self.text)

    @property
    def day(self) -> str | None:
        """The date part of `note_date`."""
        return self.note_date[:10] if self.note_date else None
