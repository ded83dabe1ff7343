"""Copied-forward text: which lines of a note stood in an earlier note of the same patient (DOMAIN §3.2)."""

import hashlib
import re
from collections.abc import Callable, Iterable

from abstractor.model.finding import Finding
from abstractor.model.note import Note

_SHORTEST = 25
"""Shorter lines ("Stable.", "ECOG 1") are alike by chance."""


def carried_forward(notes: Iterable[Note]) -> Callable[[Finding], bool]:
    """Tells of a finding whether its line was copied from an earlier note.

    Args:
        notes: all notes of one patient; those without a date are never the earlier ones.
    """
    first_seen: dict[bytes, tuple[str, str]] = {}
    texts = {note.note_id: note for note in notes}
    for note in sorted(texts.values(), key=lambda one: (one.note_date or "9999", one.note_id)):
        for line in note.text.split("\n"):
            key = _key(line)
            if key and note.note_date:
                first_seen.setdefault(key, (note.note_date, note.note_id))

    def carried(finding: Finding) -> bool:
        note = texts.get(finding.note_id)
        if note is None or not note.note_date:
            return False
        start = note.text.rfind("\n", 0, finding.start) + 1
        end = note.text.find("\n", finding.end)
        key = _key(note.text[start : end if end >= 0 else len(note.text)].split("\n")[0])
        first = first_seen.get(key) if key else None
        return first is not None and first[0] < note.note_date and first[1] != note.note_id

    return carried


def _key(line: str) -> bytes | None:
    """A line without regard to case and white space; None for one too short to tell."""
    plain = re.sub(r"\s+", " ", line).strip().lower()
    return (
        hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if len(plain) >= _SHORTEST
        else None
    )
