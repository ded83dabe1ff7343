"""Questions that wait for an answer: a line of text, a yes, a reason, a field. They decide nothing themselves."""

from collections.abc import Iterable, Sequence

from textual import events
from textual.widget import Widget
from textual.widgets import Input

from abstractor.review.session import REASONS
from abstractor.rulebook.schema import FieldSpec
from abstractor.tui.actions import DIALOG, Keymap
from abstractor.tui.safe import safe
from abstractor.tui.screens.keyed import Answer, KeyedScreen
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Bar, Line, LineList


class Dialog(KeyedScreen[Answer]):
    """A box over the screen that asked. `None` is the answer of who leaves."""

    KIND = DIALOG
    DEFAULT_CSS = """
    Dialog { background: transparent; align: center bottom; }
    Dialog #all { height: auto; max-height: 100%; background: $background; }
    Dialog Input, Dialog Input:focus { border: none; height: 1; padding: 0 1; background: $surface; color: $foreground; }
    Dialog Input > .input--placeholder, Dialog Input > .input--suggestion { color: $foreground; text-style: italic; }
    Dialog Input > .input--selection { background: $foreground; color: $background; }
    Dialog LineList { height: auto; }
    """

    def __init__(self, keymap: Keymap, palette: Palette, title: str, hint: str = "") -> None:
        super().__init__(keymap, palette)
        self._modal = True
        self.heading = title
        self.hint = hint

    def contents(self) -> Iterable[Widget]:
        yield Bar(id="question")
        yield from self.asks()
        yield Bar(id="hint")

    def asks(self) -> Iterable[Widget]:
        """What stands between the question and the hint."""
        return ()

    def on_mount(self) -> None:
        self.draw()

    def on_key(self, event: events.Key) -> None:
        """Keys typed ahead, before the field had taken the keyboard, belong to the field."""
        focused = self.focused
        field = focused if isinstance(focused, Line1) else next(iter(self.query(Line1)), None)
        if self.app.screen is self and field is not None and event.is_printable and event.character:
            event.stop()
            event.prevent_default()
            field.replace(event.character, *field.selection)
            return
        super().on_key(event)

    def draw(self) -> None:
        self.query_one("#question", Bar).show(Line.of((f" {self.heading}", self.palette.bar_key)), self.palette.bar)
        self.say(self.hint)

    def say(self, text: str, *, alarm: bool = False) -> None:
        style = self.palette.alarm if alarm else self.palette.faint
        self.query_one("#hint", Bar).show(Line.of((f" {text}", style)), self.palette.plain)

    def do_leave(self) -> None:
        self.dismiss(None)


class Line1(Input):
    """A field of one line, whose text is safe whatever is put into it."""

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(value, id=id, select_on_focus=False, highlighter=None)
        self.placeholder = placeholder

    def validate_value(self, value: str) -> str:
        """Whatever is put here, from a note or pasted: what is shown is what is saved, and no terminal obeys it."""
        return safe(value)


class LinePrompt(Dialog[str]):
    """Asks for a line: what to find, a filter, a comment, a reason."""

    def __init__(self, keymap: Keymap, palette: Palette, title: str, value: str = "", hint: str = "") -> None:
        super().__init__(keymap, palette, title, hint)
        self.value = value

    def asks(self) -> Iterable[Widget]:
        yield Line1(self.value, id="line")

    def on_mount(self) -> None:
        super().on_mount()
        line = self.query_one("#line", Line1)
        line.focus()
        line.action_select_all()

    def do_save(self) -> None:
        self.dismiss(self.query_one("#line", Line1).value)


class Confirm(Dialog[bool]):
    """Asks for a yes, after a list of what it is about."""

    def __init__(
        self, keymap: Keymap, palette: Palette, title: str, lines: Sequence[str], hint: str, *, allowed: bool = True
    ) -> None:
        super().__init__(keymap, palette, title, hint)
        self.lines = lines
        self.allowed = allowed

    def asks(self) -> Iterable[Widget]:
        yield LineList(lambda at, _width: Line.of((f"   {self.lines[at]}", self.palette.plain)), id="about")

    def draw(self) -> None:
        super().draw()
        about = self.query_one("#about", LineList)
        about.styles.height = min(len(self.lines), 12)
        about.show(len(self.lines), about.index, self.palette.plain)

    def do_choice_down(self) -> None:
        self.query_one("#about", LineList).move(1)

    def do_choice_up(self) -> None:
        self.query_one("#about", LineList).move(-1)

    def do_save(self) -> None:
        if self.allowed:
            self.dismiss(True)
        else:
            self.say(self.hint, alarm=True)


class Reasons(Dialog[str]):
    """Asks why something is rejected: one digit."""

    def __init__(self, keymap: Keymap, palette: Palette) -> None:
        choices = "   ".join(f"{number} {reason}" for number, reason in enumerate(REASONS, 1))
        super().__init__(keymap, palette, "Reject, because", choices)

    def on_key(self, event: events.Key) -> None:
        if event.character and event.character in "123456":
            event.stop()
            self.dismiss(REASONS[int(event.character) - 1])
            return
        super().on_key(event)


class FieldPicker(Dialog[str]):
    """Asks which field a new fact belongs to; typing narrows the list."""

    def __init__(
        self, keymap: Keymap, palette: Palette, fields: Sequence[FieldSpec], begun: frozenset[str] = frozenset()
    ) -> None:
        """Takes the fields; those that a fact was half typed for come first."""
        super().__init__(
            keymap, palette, "New fact: which field?", "type to narrow   up/down choose   enter go on   esc leave"
        )
        self.begun = begun
        self.fields = tuple(sorted(fields, key=lambda spec: spec.name not in begun))
        self.found: Sequence[FieldSpec] = self.fields

    def asks(self) -> Iterable[Widget]:
        yield Line1(id="typed")
        yield LineList(self._line, id="fields")

    def _line(self, at: int, _width: int) -> Line:
        spec = self.found[at]
        return Line.of(
            (f"   {spec.label:<32} ", self.palette.plain),
            (f"{spec.group:<10} {spec.name}", self.palette.faint),
            ("   half typed" if spec.name in self.begun else "", self.palette.heading),
        )

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#typed", Line1).focus()

    def draw(self) -> None:
        super().draw()
        found = self.query_one("#fields", LineList)
        found.styles.height = 8
        found.show(len(self.found), found.index, self.palette.plain, Line.of(("   no such field", self.palette.faint)))

    def on_input_changed(self, _event: Input.Changed) -> None:
        self._narrow()

    def _narrow(self) -> None:
        """Lists the fields that fit what is typed, those that begin so first; the cursor stays where the list does."""
        typed = self.query_one("#typed", Line1).value.casefold().strip()
        named = [spec for spec in self.fields if typed in f"{spec.label} {spec.name}".casefold()]
        found = sorted(named, key=lambda spec: not spec.label.casefold().startswith(typed)) if typed else named
        if [spec.name for spec in found] != [spec.name for spec in self.found]:
            self.found = found
            self.draw()
            self.query_one("#fields", LineList).go(0)

    def do_choice_down(self) -> None:
        self.query_one("#fields", LineList).move(1)

    def do_choice_up(self) -> None:
        self.query_one("#fields", LineList).move(-1)

    def do_save(self) -> None:
        self._narrow()  # enter may come in one burst with the last letters
        if self.found:
            self.dismiss(self.found[self.query_one("#fields", LineList).index].name)
