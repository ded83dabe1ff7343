"""The check of evidence (E30), and of copied notes (part of E21)."""

from collections.abc import Iterator
from itertools import groupby

from abstractor.checks.book import CheckRule
from abstractor.checks.facts import NoteDay, PatientFacts
from abstractor.checks.problem import Hit, hit


def words(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E30: values without words, whose words do not stand in the note any more, or whose words were read as something else."""
    for one in patient.facts:
        if one.slot in patient.moved:
            # the value may stay as it is: the key follows the words
            beside = " ".join(f"{span.note_id}:{span.start}-{span.end}" for span in one.evidence)
            yield hit("moved", (one,), beside=beside, what=patient.name(one))
        elif not one.evidence and one.source != "import" and one.field in patient.known.in_notes:
            seen = patient.dated("visit", "last_contact_date")
            if not seen or f"{one.field} {one.value}" not in rule.words["by_contact"]:
                yield hit("none", (one,), what=patient.name(one))
        elif one.slot in patient.read_as:
            yield hit("otherwise", (one,), what=patient.name(one), read=patient.read_as[one.slot])


def copies(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """Several notes in a row with the same text, each of a day of its own."""
    dated = [note for note in patient.notes if note.date and note.sha256]
    for digest, same in groupby(dated, key=lambda note: note.sha256):
        found = list(same)
        if len(found) >= rule.limit("copies") and len({_day(note) for note in found}) > 1:
            told = {"count": len(found), "first": _day(found[0]), "last": _day(found[-1])}
            yield hit("copies", (), beside=f"{digest} {len(found)}", **told)


def _day(note: NoteDay) -> str:
    return (note.date or "")[:10]
