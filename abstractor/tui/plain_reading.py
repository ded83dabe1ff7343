"""Reading notes without a screen: some lines at a time, the words a row rests on, and the words that were searched."""

from abstractor.model.suggestion import Evidence
from abstractor.review.find import find_in
from abstractor.review.notes import Notes
from abstractor.review.refused import Refused
from abstractor.tui.actions import Keymap
from abstractor.tui.evidence import context_of
from abstractor.tui.plain_talk import Talk
from abstractor.tui.wrap import wrap

_LINE = 100
"""Characters of a note that are read as one line."""


class PlainReading:
    """Where somebody is in the notes of a patient."""

    def __init__(self, notes: Notes, talk: Talk, keymap: Keymap, count: int) -> None:
        """At the first line of the first note.

        Args:
            notes: of the patient.
            talk: where it is read out.
            keymap: names the keys.
            count: lines that are read at a time.
        """
        self._notes = notes
        self._talk = talk
        self._keymap = keymap
        self._count = count
        self._note_at = 0
        self._line_at = 0
        self._matches: list[tuple[str, int, int]] = []
        self._match_at = 0

    @property
    def found(self) -> bool:
        """Whether the last search found anything."""
        return bool(self._matches)

    def step_note(self, step: int) -> None:
        """To a note further on or back.

        Raises:
            Refused: there is none.
        """
        if not 0 <= self._note_at + step < len(self._notes.all):
            raise Refused("no further note")
        self._note_at, self._line_at = self._note_at + step, 0
        note = self._notes.all[self._note_at]
        day = (note.note_date or "undated")[:10]
        at = f"note {self._note_at + 1} of {len(self._notes.all)}"
        self._talk.tell(f"{at}: {note.note_type} {day}, {note.note_id}; {self._keymap.shown('note_down')} reads on")

    def read_on(self, pages: int) -> None:
        """Reads some lines of the note, from where the reading was plus so many pages.

        Raises:
            Refused: there is no note, or no line left.
        """
        if not self._notes.all:
            raise Refused("no note")
        text = self._notes.text(self._notes.all[self._note_at].note_id)
        lines = wrap(text, _LINE)
        start = max(0, self._line_at + pages * self._count)
        if start >= len(lines):
            raise Refused("end of the note")
        self._line_at = min(start + self._count, len(lines))
        for begin, end in zip(lines.starts[start : self._line_at], lines.ends[start : self._line_at], strict=True):
            self._talk.tell(text[begin:end])

    def stand_at(self, note_id: str, offset: int) -> None:
        """Reading on begins at the line of an offset."""
        at = next((number for number, note in enumerate(self._notes.all) if note.note_id == note_id), None)
        if at is not None:
            self._note_at = at
            self._line_at = wrap(self._notes.text(note_id), _LINE).line_at(offset)

    def find(self, wanted: str) -> None:
        """Searches the note, or all notes where a slash stands before the words.

        Raises:
            Refused: no words are given.
            InputError: they are an expression that can't be read, or takes too long.
        """
        if not wanted:
            raise Refused("write what to find behind the key")
        if wanted.startswith("/"):
            self._matches = self._notes.search(wanted[1:])
        elif self._notes.all:
            note_id = self._notes.all[self._note_at].note_id
            self._matches = [(note_id, *span) for span in find_in(self._notes.text(note_id), wanted)]
        self._match_at = 0
        self._talk.tell(f"{len(self._matches)} matches")
        if self._matches:
            self._tell_match()

    def step_match(self, step: int) -> None:
        """To another match, round and round.

        Raises:
            Refused: nothing was found.
        """
        if not self._matches:
            raise Refused(f"nothing searched; {self._keymap.shown('find')} finds")
        self._match_at = (self._match_at + step) % len(self._matches)
        self._tell_match()

    def match(self) -> Evidence:
        """The current match, as evidence.

        Raises:
            Refused: nothing was found.
        """
        if not self._matches:
            raise Refused(f"find words first, with {self._keymap.shown('find')}")
        return self._notes.quote(*self._matches[self._match_at])

    def tell_evidence(self, one: Evidence) -> None:
        """The words that something rests on, with what stands around them."""
        where = f"{one.note_type} {(one.note_date or 'undated')[:10]}"
        if self._notes.stands(one):
            self._talk.tell(f"  {where}: {''.join(context_of(self._notes.text(one.note_id), one))}")
        else:
            self._talk.tell(f"  {where}: evidence moved, the note has changed")

    def _tell_match(self) -> None:
        note_id, start, end = self._matches[self._match_at]
        text = self._notes.text(note_id)
        words = " ".join(text[max(0, start - 40) : end + 40].split())
        self._talk.tell(f"  match {self._match_at + 1} of {len(self._matches)}, {note_id}: {words}")
        self.stand_at(note_id, start)
