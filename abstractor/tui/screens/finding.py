"""Finding words in the notes and selecting them: by keyboard, from matches, with the mouse. Nothing here writes a decision."""

from textual import work
from textual.worker import get_current_worker

from abstractor.model.errors import AbstractorError
from abstractor.model.suggestion import Evidence
from abstractor.registry.search import MOST
from abstractor.review.clipboard import copied_file
from abstractor.review.find import find_in
from abstractor.tui.messages import NotesSearched
from abstractor.tui.screens.dialogs import LinePrompt
from abstractor.tui.screens.reading import ReadingScreen
from abstractor.tui.widgets.lines import Bar
from abstractor.tui.widgets.note import DocView


class FindingScreen(ReadingScreen):
    """A patient on the screen whose notes can be searched and selected from."""

    searching: str | None = None
    """What all notes are being searched for."""
    _match_told = ""
    """What the footer said of the match that was come to last."""

    # Finding

    def do_find(self) -> None:
        hint = r"/word in all notes   \expression   enter finds   esc leaves"
        self.app.push_screen(LinePrompt(self.keymap, self.palette, "Find in this note", hint=hint), self._find)

    def _find(self, wanted: str | None) -> None:
        if not wanted:
            return
        self.end_search()
        if wanted.startswith("/"):
            self.searching = wanted[1:]
            self.say(f"searching {len(self.session.notes.all)} notes ...   esc ends the search")
            self._search_all(wanted[1:])
            return

        def here() -> None:
            note_id = self.note_id or ""
            self._found(wanted, [(note_id, *span) for span in find_in(self.doc.text, wanted)])

        self.attempt(here)

    def end_search(self) -> bool:
        """Gives up a search in all notes; whether one was under way."""
        was, self.searching = self.searching, None
        self.workers.cancel_group(self, "search")
        return was is not None

    @work(thread=True, exclusive=True, exit_on_error=False, group="search")
    def _search_all(self, wanted: str) -> None:
        worker = get_current_worker()
        told = NotesSearched(wanted, [])
        try:
            told.hits = self.session.notes.search(wanted, lambda: worker.is_cancelled)
        except AbstractorError as error:
            told.problem = str(error)
        if not worker.is_cancelled:
            self.post_message(told)

    def on_notes_searched(self, message: NotesSearched) -> None:
        if message.wanted != self.searching:
            return  # it was ended when its answer was on the way
        self.searching = None
        if message.problem:
            self.say(message.problem, alarm=True)
        else:
            self._found(message.wanted, message.hits)

    def _found(self, wanted: str, hits: list[tuple[str, int, int]]) -> None:
        self.matches = hits
        if not hits:
            self._show_matches()
            self.say(f"no match for {wanted!r}")
            return
        order = {note.note_id: at for at, note in enumerate(self.session.notes.all)}
        here = (self.note_at, self.doc.first_offset)
        ahead = (number for number, (note_id, start, _) in enumerate(hits) if (order.get(note_id, 0), start) >= here)
        self.match_at = next(ahead, 0)
        self._show_match()

    def _show_match(self) -> None:
        note_id, start, end = self.matches[self.match_at]
        self.open_note(note_id)
        self._show_matches()
        self.doc.show_offset(start)
        self.doc.select(start, end)
        self.draw()
        notes = len({one[0] for one in self.matches})
        more = "+" if len(self.matches) >= MOST else ""
        self._match_told = (
            f"match {self.match_at + 1}/{len(self.matches)}{more}"
            + (f" in {notes} notes" if notes > 1 else "")
            + f"   {self.keymap.shown('take')} takes it   {self.keymap.shown('next_match')} next"
        )
        self.say(self._match_told)

    def do_next_match(self) -> None:
        self._step_match(1)

    def do_previous_match(self) -> None:
        self._step_match(-1)

    def _step_match(self, step: int) -> None:
        if not self.matches:
            self.say(f"no match to go to; {self.keymap.shown('find')} finds")
            return
        self.match_at = (self.match_at + step) % len(self.matches)
        self._show_match()

    # Selecting

    def do_select(self) -> None:
        doc = self.doc
        if not doc.text:
            self.say("no note to select from")
            return
        self.selecting = True
        if doc.selected is None:
            doc.select(*self._first_selected())
        self.draw()

    def _first_selected(self) -> tuple[int, int]:
        """Where a selection starts: the match that was come to, the current evidence, else the first word in view."""
        doc, span = self.doc, self.span
        match = self.matches[self.match_at] if self.matches else None
        if match is not None and match[0] == self.note_id and doc.in_view(*match[1:]):
            return match[1:]
        if span is not None and span.note_id == self.note_id and self.session.notes.stands(span):
            return span.start, span.end
        return doc.word_at(doc.first_word())

    def on_doc_view_selected(self, _message: DocView.Selected) -> None:
        match = self.matches[self.match_at][1:] if self.matches else None
        left = self._match_told and self.doc.selected not in (None, match)
        if not self._told or (left and self.query_one("#footer", Bar).line.plain == f" {self._match_told}"):
            self.say("")

    def do_select_right(self) -> None:
        self.doc.move_head("right")

    def do_select_left(self) -> None:
        self.doc.move_head("left")

    def do_select_down(self) -> None:
        self.doc.move_head("down")

    def do_select_up(self) -> None:
        self.doc.move_head("up")

    def do_select_word(self) -> None:
        self.doc.move_head("word")

    def do_select_back(self) -> None:
        self.doc.move_head("back")

    def do_select_sentence(self) -> None:
        self.doc.move_head("sentence")

    def do_select_swap(self) -> None:
        self.doc.move_head("swap")

    def do_select_none(self) -> None:
        self.selecting = False
        self.doc.unselect()
        self.draw()

    def do_copy_selection(self) -> None:
        selected = self.doc.selected
        if selected is None:
            self.say("nothing is selected")
        elif self.session.config.clipboard != "off":
            self.app.copy_to_clipboard(self.doc.text[slice(*selected)])
            where = "clipboard" if self.session.config.clipboard == "osc52" else f"file {copied_file()}"
            self.say(f"sent to the {where}")
        else:
            self.say("copying is switched off: the clipboard is a way out for patients' data")

    def do_copy(self) -> None:
        if self.doc.selected is not None:
            self.do_copy_selection()
        else:
            super().do_copy()

    def selected_evidence(self) -> Evidence | None:
        """The selection as evidence; None without one."""
        selected = self.doc.selected
        if selected is None or self.note_id is None:
            return None
        return self.session.notes.quote(self.note_id, *selected)
