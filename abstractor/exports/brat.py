"""brat standoff: each note as `.txt` (to the letter), and `.ann` with what the machine found in it and what people confirmed."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from abstractor.exports.folder import Folder
from abstractor.exports.leaving import plain_id
from abstractor.exports.source import Chart, Source
from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.rulebook.book import RuleBook

_LINES = re.compile(r"[^\r\n]+")


class Mention:
    """Words of a note with what they state, and who says so."""

    def __init__(self, field: str, value: str, assertion: Assertion, start: int, end: int) -> None:
        self.field, self.value, self.assertion, self.start, self.end = field, value, assertion, start, end
        self.machine = False
        self.confirmed = False

    @property
    def key(self) -> tuple[str, str, str, int, int]:
        return (self.field, self.value, str(self.assertion), self.start, self.end)


def write_brat(source: Source, folder: Folder) -> None:
    """Writes `PATIENT/NOTE.txt` and `.ann`, and `annotation.conf`; one note at a time."""
    folder.text("annotation.conf", configuration(source.rulebook))
    for chart in source.charts():
        found = mentions(source, chart)
        for stored in chart.notes:
            note = source.note(stored)
            lines = tuple(annotations(note, found.get(note.note_id, ())))
            place = str(PurePosixPath(_safe(chart.patient_id)) / _safe(note.note_id))
            folder.text(f"{place}.txt", note.text)
            folder.text(f"{place}.ann", "".join(f"{line}\n" for line in lines), rows=len(lines))


def mentions(source: Source, chart: Chart) -> dict[str, list[Mention]]:
    """By note: what was found, and what standing decisions rest on; the same words with the same meaning are one."""
    found: dict[str, dict[tuple[str, str, str, int, int], Mention]] = {}
    for one in source.findings(chart):
        mention = Mention(one.field, one.value, one.assertion, one.start, one.end)
        found.setdefault(one.note_id, {}).setdefault(mention.key, mention).machine = True
    known = {stored.note_id: stored.sha256 for stored in chart.notes}
    for fact in chart.facts:
        for words in fact.evidence:
            if words.note_sha256 and known.get(words.note_id) != words.note_sha256:
                continue  # decided on an older version of the note: its offsets are none of this text
            mention = Mention(fact.field, fact.value, fact.assertion, words.start, words.end)
            found.setdefault(words.note_id, {}).setdefault(mention.key, mention).confirmed = True
    return {
        note_id: sorted(here.values(), key=lambda one: (one.start, one.end, one.field, one.value))
        for note_id, here in found.items()
    }


def annotations(note: Note, mentions: Iterable[Mention]) -> Iterator[str]:
    """The lines of `.ann`: a text-bound annotation, its value as a note, its assertion and origin as attributes."""
    attribute = 0
    for number, one in enumerate(mentions, 1):
        fragments = fragments_of(note.text, one.start, one.end)
        if not fragments:
            continue
        words = " ".join(note.text[start:end] for start, end in fragments)
        places = ";".join(f"{start} {end}" for start, end in fragments)
        yield f"T{number}\t{_type(one.field)} {places}\t{words}"
        yield f"#{number}\tAnnotatorNotes T{number}\t{one.value}"
        for name, value in (("Assertion", str(one.assertion)), ("Origin", "machine" if one.machine else "person")):
            attribute += 1
            yield f"A{attribute}\t{name} T{number} {value}"
        if one.confirmed:
            attribute += 1
            yield f"A{attribute}\tConfirmed T{number}"


def fragments_of(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """A span as brat wants it: a piece a line, without the ends of lines between them."""
    return [(start + match.start(), start + match.end()) for match in _LINES.finditer(text[start:end])]


def configuration(rulebook: RuleBook) -> str:
    """`annotation.conf`: the types of annotations and their attributes."""
    types = "\n".join(_type(name) for name, spec in rulebook.fields.items() if spec.in_notes or spec.slot != "event")
    assertions = "|".join(str(one) for one in Assertion)
    return (
        f"[entities]\n{types}\n\n[relations]\n\n[events]\n\n[attributes]\n"
        f"Assertion\tArg:<ENTITY>, Value:{assertions}\nOrigin\tArg:<ENTITY>, Value:machine|person\nConfirmed\tArg:<ENTITY>\n"
    )


def _type(field: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", field)


def _safe(name: str) -> str:
    """A name of a file: of an id, which may be anything."""
    shown = plain_id(name)
    return f"_{shown}" if shown.startswith(".") else shown
