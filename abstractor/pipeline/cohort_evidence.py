"""What in a note says that its patient may belong in the registry: a histology, or words that name the patient's own lung cancer.

It decides about one note alone; `abstractor.batch.engine.cohort` puts the notes of a patient together. What counts, and how much, stands
in `rules/cohort.toml`.
"""

from collections.abc import Iterator
from dataclasses import replace

from abstractor.model.finding import Assertion, Finding
from abstractor.model.note import Note
from abstractor.pipeline.edits import original
from abstractor.pipeline.nlp import Reader
from abstractor.pipeline.prepare import prepare
from abstractor.pipeline.rulings import LungPlace, Rulings
from abstractor.pipeline.view import NoteView
from abstractor.rulebook.book import RuleBook

_IMPLIED = {"lung_drugs": "drug", "lung_signs": "sign"}
"""Words that stand for a lung cancer which is not named, and the value of that."""

_AHEAD = 20
"""Characters in front of the words that name a cancer, in which its kind may stand."""
Row = dict[str, object]
"""A piece of evidence: text, numbers and None alone, so that it can be written to any file.

`note_id`, `patient_id`, `note_date`, `note_type`, `field`, `value`, `assertion`, `start`, `end`, `text`, `rule`, `confidence` and `rulebook` are
those of a finding; `reason` is why the patient is taken (None: this alone takes nobody); `strength` is the kind's place in
`rules/cohort.toml`, 1 being the strongest (0 without a reason); `source` the rank of the note's type, 0 being the most trusted.
"""


def evidence_rows(reader: Reader, note: Note) -> list[Row]:
    """The evidence of one note, each kind once, in the order of the text; nothing where the note names no lung cancer of the patient.

    `note.text[row["start"]:row["end"]] == row["text"]` for each. A histology that is denied comes along without a reason: it tells that
    small cell was thought of and excluded.
    """
    passes = reader.legible(note.text)
    read = replace(note, text=passes[-1].text) if passes else note
    # the kind of note does not matter: a chart that names no cancer may be read for other facts, but it is no evidence
    if not reader.plain and reader.rulings.is_out_of_question(prepare(read.text), note_type=""):
        return []
    view = reader.view(read)
    places = reader.rulings.lung_places(view)
    if not places:  # then nothing says that a histology is of the lung, and the rulings take none
        return []
    rows = [_histology(finding) for finding in _best(reader.read(note))]
    named = _firmest(reader.rulings, view, places)
    if rows:  # what the words "small cell" are worth was judged
        named.pop("small_cell", None)
    subject = reader.rulings.subject(view)
    for value, place in named.items():
        start, end = original(passes, place.start, place.end)
        rows.append(_named(note, place, value, (start, end), outweighed=subject.other > subject.lung))
    weighed = (_weighed(reader.rulebook, note, row) for row in rows)
    return sorted((row for row in weighed if row["confidence"] is not None), key=_order)


def _best(findings: list[Finding]) -> Iterator[Finding]:
    """Of each value and assertion of the histology, the finding that is to be believed most, the first of equals."""
    best: dict[tuple[str, Assertion], Finding] = {}
    for finding in findings:
        if finding.field != "histology" or finding.assertion is Assertion.OTHER_EXPERIENCER:
            continue
        known = best.get((finding.value, finding.assertion))
        if known is None or finding.confidence > known.confidence:
            best[finding.value, finding.assertion] = finding
    yield from best.values()


def _firmest(rulings: Rulings, view: NoteView, places: list[LungPlace]) -> dict[str, LungPlace]:
    """Of each value, the first place that states it as a fact, else the first one."""
    firmest: dict[str, LungPlace] = {}
    for place in places:
        value = _value(rulings, view, place)
        if value not in firmest or (place.firm and not firmest[value].firm):
            firmest[value] = place
    return firmest


def _value(rulings: Rulings, view: NoteView, place: LungPlace) -> str:
    """What the words say of the cancer, with those right ahead of them ("squamous cell" carcinoma of the lung)."""
    if place.words in _IMPLIED:
        return _IMPLIED[place.words]
    ahead = view.words(max(view.sentence_at(place.start).start, place.start - _AHEAD), place.start)
    words = rulings.clause_end.split(ahead)[-1] + view.words(place.start, place.end)
    if rulings.small_cell.search(words):
        return "small_cell"
    return "non_small_cell" if rulings.not_small.search(words) else "unspecified"


def _histology(finding: Finding) -> Row:
    row = finding.row()
    for name in ("section", "date", "date_precision", "date_source", "attributes"):
        del row[name]
    return row


def _named(note: Note, place: LungPlace, value: str, span: tuple[int, int], *, outweighed: bool) -> Row:
    start, end = span
    firm = place.firm and not outweighed
    return {
        "note_id": note.note_id,
        "patient_id": note.patient_id,
        "note_date": note.note_date,
        "note_type": note.note_type,
        "field": "lung_cancer",
        "value": value,
        "assertion": str(Assertion.PRESENT if firm else Assertion.UNCERTAIN),
        "start": start,
        "end": end,
        "text": note.text[start:end],
        "rule": f"cancers.{place.words}",
        "confidence": None,
        "outweighed": outweighed,
    }


def _weighed(rulebook: RuleBook, note: Note, row: Row) -> Row:
    """The row with its reason and strength; a naming that `rules/cohort.toml` does not list is left without confidence."""
    outweighed = row.pop("outweighed", False)
    trusted = rulebook.fields["histology"].source_priority
    row["rulebook"] = rulebook.version
    row["reason"], row["strength"] = None, 0
    row["source"] = trusted.index(note.note_type) if note.note_type in trusted else len(trusted)
    for strength, kind in enumerate(rulebook.cohort, 1):
        listed = not kind.values or row["value"] in kind.values
        if listed and (kind.field, kind.assertion, kind.outweighed) == (row["field"], row["assertion"], outweighed):
            row["reason"], row["strength"] = kind.reason, strength
            if row["confidence"] is None:
                row["confidence"] = kind.confidence or 0.5
            break
    return row


def _order(row: Row) -> tuple[object, ...]:
    return row["start"], row["end"], row["field"], row["value"], row["assertion"]
