"""The notes of the patient under review: read, searched and quoted."""

from collections.abc import Callable, Iterable
from functools import lru_cache

from abstractor.model.suggestion import Evidence
from abstractor.registry.notes import StoredNote, note_text, notes_of
from abstractor.registry.search import search_notes
from abstractor.review.find import split_wanted
from abstractor.review.refused import Refused
from abstractor.review.work import Work

_KEPT_TEXTS = 8


class Notes:
    """The latest version of each note of one patient. A text is read when it is wanted, and a few are kept."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._text = lru_cache(maxsize=_KEPT_TEXTS)(lambda note_id, _digest: note_text(work.registry, note_id))
        self.all: tuple[StoredNote, ...] = ()
        """By date, the undated last; without their texts."""

    def read(self) -> None:
        """Reads anew which notes there are."""
        self.all = notes_of(self._work.registry, self._work.patient_id)

    def get(self, note_id: str) -> StoredNote | None:
        """A note by its id; None where there is no such note (any more)."""
        return next((note for note in self.all if note.note_id == note_id), None)

    def text(self, note_id: str) -> str:
        """The latest text of a note, to the letter."""
        note = self.get(note_id)
        return self._text(note_id, note.sha256 if note is not None else "")

    def stands(self, evidence: Evidence) -> bool:
        """Whether the quoted words still stand where they were found."""
        note = self.get(evidence.note_id)
        if note is None:
            return False
        if evidence.note_sha256 and evidence.note_sha256 == note.sha256:
            return True
        return self.text(evidence.note_id)[evidence.start : evidence.end] == evidence.text

    def standing(self, spans: Iterable[Evidence]) -> tuple[Evidence, ...]:
        """Those of the quoted words that still stand where they were found."""
        return tuple(one for one in spans if self.stands(one))

    def search(self, wanted: str, cancelled: Callable[[], bool] = lambda: False) -> list[tuple[str, int, int]]:
        """Where words occur in all notes of the patient; a leading backslash makes a regular expression."""
        pattern, is_expression = split_wanted(wanted)
        if not pattern:
            return []
        return search_notes(self._work.registry, self._work.patient_id, pattern, is_expression, cancelled)

    def quote(self, note_id: str, start: int, end: int) -> Evidence:
        """Selected words of a note, as evidence.

        Raises:
            Refused: nothing but white space is selected.
        """
        text = self.text(note_id)
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        note = self.get(note_id)
        if start == end or note is None:
            raise Refused("nothing is selected; `v` starts a selection")
        return Evidence(
            note_id, start, end, text[start:end], note.sha256, note.note_date, note.note_type, confidence=1.0
        )
