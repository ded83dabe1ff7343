"""Typing a value: codes by type-ahead on code, label and synonym, dates with what is known of them, checked while typing.

It shows what will be saved before it is saved, and keeps a draft of what is half typed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from abstractor.model.errors import AbstractorError
from abstractor.model.finding import Assertion
from abstractor.review.attributes import read_attributes, write_attributes
from abstractor.review.values import codes_for, date_problem, matching_codes, order_problem, settle, value_problem
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import Code, FieldSpec
from abstractor.tui.actions import Keymap
from abstractor.tui.screens.dialogs import Dialog, Line1
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Bar, Line, LineList

_LISTED = 6
_DRAFT_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Stated:
    """What a person has typed, brought into form."""

    value: str
    assertion: Assertion = Assertion.PRESENT
    date: str | None = None
    end_date: str | None = None
    attributes: Mapping[str, object] | None = None
    """None: those of the suggestion with this value."""


class EditScreen(Dialog[Stated]):
    """Asks for the value of a field. `save` writes it and raises what the registry or a guard objects to."""

    DEFAULT_CSS = """
    EditScreen Horizontal { height: 1; }
    EditScreen .name { width: 9; }
    """

    def __init__(
        self,
        keymap: Keymap,
        palette: Palette,
        book: RuleBook,
        spec: FieldSpec,
        stated: Stated,
        save: Callable[[Stated], None],
        *,
        quote: str = "",
        draft: Callable[[str], None] | None = None,
        drafted: bool = False,
    ) -> None:
        """Takes what to start from, and the selected words the value was read from, if any.

        A draft is gone on with; any other value to start from is replaced by the first letter typed.
        """
        super().__init__(keymap, palette, f"{spec.label} ({spec.name})   {spec.hint}", "")
        self.book = book
        self.spec = spec
        self.stated = stated
        self.quote = quote
        self.codes: Sequence[Code] = ()
        self._all_codes = codes_for(book, spec)
        self._save = save
        self._draft = draft
        self._drafted = drafted
        self._kept = stated.value
        self._absent = stated.assertion is Assertion.ABSENT
        self._touched = False
        """Whether a code was chosen with the arrows: only then does it stand for what was typed."""

    @property
    def _fields(self) -> tuple[str, ...]:
        if self.spec.kind == "date":
            return ("value",)
        return ("value", "date", "end", "more") if self.spec.slot in {"episode", "value"} else ("value", "date")

    def asks(self) -> Iterable[Widget]:
        more = write_attributes(self.stated.attributes or {})
        starts = {"value": self.stated.value, "date": self.stated.date, "end": self.stated.end_date, "more": more}
        for name in self._fields:
            yield Horizontal(Bar(id=f"name-{name}"), Line1(starts[name] or "", id=name))
        yield Bar(id="quote")
        yield LineList(self._line, id="codes")

    def _line(self, at: int, _width: int) -> Line:
        code = self.codes[at]
        also = f"  ({', '.join(code.synonyms)})" if code.synonyms else ""
        name = "" if code.label == code.code else f"  {code.label}"
        return Line.of((f"   {code.code:<24}", self.palette.heading), (f"{name}{also}", self.palette.plain))

    def on_mount(self) -> None:
        super().on_mount()
        value = self.query_one("#value", Line1)
        value.focus()
        if not self._drafted:
            value.action_select_all()
        if self._draft is not None:
            self.set_interval(_DRAFT_EVERY, self._keep_draft)

    def _keep_draft(self) -> None:
        typed = self.query_one("#value", Line1).value
        if self._draft is not None and typed != self._kept:
            self._kept = typed
            keep = self._draft
            self.attempt(lambda: keep(typed))

    def draw(self) -> None:
        super().draw()
        plain, faint = self.palette.plain, self.palette.faint
        labels = {"value": "value", "date": "date" if len(self._fields) < 3 else "from", "end": "until", "more": "more"}
        for name in self._fields:
            bar = self.query_one(f"#name-{name}", Bar)
            bar.styles.width = 9
            bar.show(Line.of((f" {labels[name]:>6}: ", faint)), plain)
        quote = self.query_one("#quote", Bar)
        quote.display = bool(self.quote)
        quote.show(
            Line.of(('   from "', faint), (self.quote.replace("\n", " "), self.palette.heading), ('"', faint)), plain
        )
        self._narrow()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "value":
            self._touched = False
        self._narrow()

    def _narrow(self) -> None:
        typed = self.query_one("#value", Line1).value
        self.codes = matching_codes(self._all_codes, typed)
        if self.spec.codes and not self.codes:
            self.codes = ()
        found = self.query_one("#codes", LineList)
        found.styles.height = min(_LISTED, len(self.codes))
        found.show(len(self.codes), found.index if self._touched else 0, self.palette.plain)
        self._tell()

    def _tell(self) -> None:
        now = self._now()
        problem = self._problem(now)
        if problem:
            self.say(problem, alarm=bool(self.query_one("#value", Line1).value))
            return
        holds = " ABSENT" if self._absent else ""
        when = f"  {now.date or ''}{' to ' + now.end_date if now.end_date else ''}" if now.date or now.end_date else ""
        negate = f"   {self.keymap.shown('negate')} negates" if self.spec.absent_counts else ""
        self.say(f"enter saves: {now.value}{holds}{when}   esc leaves{negate}")

    def _problem(self, now: Stated) -> str:
        problem = value_problem(self.spec, now.value)
        for date in (now.date, now.end_date):
            problem = problem or (date_problem(date) if date else "")
        return problem or order_problem(now.date, now.end_date)

    def _now(self) -> Stated:
        typed = self.query_one("#value", Line1).value
        value = settle(self.book, self.spec, typed)
        listed = self.query_one("#codes", LineList)
        if self.codes and (self._touched or (self.spec.codes and value_problem(self.spec, value))):
            value = self.codes[listed.index].code if typed.strip() or self._touched else value
        first, last = (
            self.query_one(f"#{name}", Line1).value.strip() or None if name in self._fields else None
            for name in ("date", "end")
        )
        assertion = Assertion.ABSENT if self._absent else Assertion.PRESENT
        return Stated(value, assertion, first, last)

    def _attributes(self) -> Mapping[str, object] | None:
        """What stands under `more`; None where the field has none: then the value decides.

        Raises:
            InputError: it can't be read.
        """
        if "more" not in self._fields:
            return None
        return read_attributes(self.query_one("#more", Line1).value, self.stated.attributes or {})

    def _choose(self, step: int) -> None:
        if self.codes:
            self.query_one("#codes", LineList).move(step)
            self._touched = True
            self._tell()

    def do_choice_down(self) -> None:
        self._choose(1)

    def do_choice_up(self) -> None:
        self._choose(-1)

    def do_next_field(self) -> None:
        self._step_field(1)

    def do_previous_field(self) -> None:
        self._step_field(-1)

    def _step_field(self, step: int) -> None:
        at = next((number for number, name in enumerate(self._fields) if self.query_one(f"#{name}").has_focus), 0)
        self.query_one(f"#{self._fields[(at + step) % len(self._fields)]}", Line1).focus()

    def do_negate(self) -> None:
        if self.spec.absent_counts:
            self._absent = not self._absent
            self._tell()
        else:
            self.say(f"{self.spec.label} takes no negative")

    def do_save(self) -> None:
        now = self._now()
        problem = self._problem(now)
        if problem:
            self.say(problem, alarm=True)
        elif self.attempt(lambda: self._save(replace(now, attributes=self._attributes()))):
            self.dismiss(now)

    def failed(self, error: AbstractorError) -> None:
        self.say(str(error), alarm=True)
