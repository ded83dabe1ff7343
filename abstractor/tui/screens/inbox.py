"""The inbox: what was settled about one's own work, and questions to answer or to close. `enter` goes to the row that a line is about."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from abstractor.registry.quality import Message
from abstractor.review.refused import Refused
from abstractor.tui.actions import INBOX, READER, Keymap
from abstractor.tui.messages import PatientWanted
from abstractor.tui.screens.dialogs import LinePrompt
from abstractor.tui.screens.reader import ReaderScreen
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Line
from abstractor.tui.wrap import fit, wrap

if TYPE_CHECKING:
    from abstractor.quality.at_screen import QualityWork
    from abstractor.quality.mail import Query


class InboxScreen(ReaderScreen):
    """Open questions first, then all messages, newest first. A line of either leads to its row."""

    def __init__(self, keymap: Keymap, palette: Palette, work: "QualityWork") -> None:
        super().__init__(keymap, palette, f"INBOX   {work.user}", "")
        self.work = work
        self.letters: Sequence[Message] = ()
        self.asked: Sequence[Query] = ()
        self._about: list[Message | Query | None] = []
        """What each line is about."""

    @property
    def kinds(self) -> tuple[str, ...]:
        return (INBOX, READER)

    def on_mount(self) -> None:
        self.reread()

    def reread(self) -> None:
        """Reads what there is, and draws it."""
        if self.attempt(self._read):
            self.draw()

    def _read(self) -> None:
        self.letters = self.work.letters()
        self.asked = self.work.queries()
        unread = sum(one.read_at is None for one in self.letters)
        waiting = sum(self.work.waits(one) for one in self.asked)
        told = [f"{unread} unread"] * bool(unread) + [f"{waiting} to answer or close"] * bool(waiting)
        self.heading = f"INBOX   {self.work.user}   {', '.join(told) or 'nothing new'}"
        self.empty = "No message and no question."

    # Lines

    def build(self) -> Sequence[Line]:
        lines: list[Line] = []
        self._about = []
        if self.asked:
            self._heading(lines, "QUESTIONS")
        for query in self.asked:
            self._add(lines, query, self._query_lines(query))
        if self.letters:
            self._heading(lines, "MESSAGES")
        for letter in self.letters:
            self._add(lines, letter, self._letter_lines(letter))
        return lines

    def _heading(self, lines: list[Line], text: str) -> None:
        lines.append(Line.of((f" {text}", self.palette.faint)))
        self._about.append(None)

    def _add(self, lines: list[Line], about: "Message | Query", told: Sequence[Line]) -> None:
        lines.extend(told)
        self._about.extend([about] * len(told))

    def _query_lines(self, query: "Query") -> list[Line]:
        palette, mine = self.palette, self.work.waits(query)
        who = f"to {query.asked_of}" if query.asked_by == self.work.user else f"from {query.asked_by}"
        about = f"{fit(query.patient_id, 12)} {self._label(query.slot)}"
        head = f" {'*' if mine else ' '} {query.asked_at[:10]}  {about}   {who}   {query.state}"
        lines = [Line.of((head, palette.heading if mine else palette.plain))]
        for _, name, text in query.thread:
            lines += self._wrapped(f"{name}: {text}")
        return lines

    def _letter_lines(self, letter: Message) -> list[Line]:
        palette, new = self.palette, letter.read_at is None
        head = f" {'*' if new else ' '} {letter.sent_at[:10]}  {fit(letter.patient_id, 12)} {letter.kind.replace('_', ' ')} by {letter.sender}"
        if letter.kind in {"query", "answer"}:  # other messages name what they are about themselves
            head += f" about {self._label(letter.slot)}"
        return [Line.of((head, palette.heading if new else palette.plain)), *self._wrapped(letter.text)]

    def _label(self, slot: str) -> str:
        """What a question is about, in the words of the form."""
        field = slot.partition("@")[0].partition(":")[0]
        spec = self.work.book.fields.get(field)
        return spec.label if spec is not None else field

    def _wrapped(self, text: str) -> list[Line]:
        flat = " ".join(text.split())
        rows = wrap(flat, max(20, self.app.size.width - 7))
        return [
            Line.of((f"      {flat[start:end]}", self.palette.plain))
            for start, end in zip(rows.starts, rows.ends, strict=True)
        ]

    @property
    def about(self) -> "Message | Query | None":
        """What the line under the cursor is about."""
        return self._about[self.list.index] if self.list.index < len(self._about) else None

    FOOTER = (("go_there", "to the row"), ("mark_read", "read"), ("answer", "answer"), ("close_query", "close"))

    # Actions

    def _require(self) -> "Message | Query":
        about = self.about
        if about is None:
            raise Refused("nothing here to do that with")
        return about

    def _query(self) -> "Query":
        """The question under the cursor, or that the message is about."""
        about = self._require()
        wanted = about.about if isinstance(about, Message) else about.query
        for one in self.asked:
            if one.query == wanted:
                return one
        raise Refused("this is no open question")

    def do_go_there(self) -> None:
        about = self._require()
        if isinstance(about, Message) and about.read_at is None:
            self.work.mark(about)
        if not about.patient_id:
            raise Refused("this message is about no patient")
        self.post_message(PatientWanted(about.patient_id, slot=about.slot))

    def do_mark_read(self) -> None:
        about = self._require()
        if not isinstance(about, Message):
            raise Refused("a question stays until it is answered and closed")
        self.work.mark(about, unread=about.read_at is not None)
        self.reread()

    def do_answer(self) -> None:
        query = self._query()
        self._ask_words(f"Answer {query.asked_by}", lambda text: self.work.answer(query.query, text), query)

    def do_close_query(self) -> None:
        query = self._query()
        self.work.close_query(query.query)
        self._done(query, "closed")

    def _ask_words(self, title: str, act: "Callable[[str], object]", query: "Query") -> None:
        def took(text: str | None) -> None:
            if text is not None and self.attempt(lambda: _ignored(act(text))):
                self._done(query, "sent")

        self.app.push_screen(LinePrompt(self.keymap, self.palette, title), took)

    def _done(self, query: "Query", word: str) -> None:
        """A question that was dealt with: the message that brought it is read."""
        for letter in self.work.letters():
            if letter.about == query.query and letter.read_at is None:
                self.work.mark(letter)
        self.reread()
        self.say(word)

    def do_repaint(self) -> None:
        super().do_repaint()
        self.reread()


def _ignored(_result: object) -> None:
    """Takes what an action hands back."""
