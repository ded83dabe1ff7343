"""Typing a value: codes by type-ahead on code, label and synonym, dates with what is known of them, attributes each in its own entry.

A line under the entries says what will be saved, or what is wrong; nothing wrong can be saved. What is half typed is kept as it is typed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from abstractor.model.errors import AbstractorError, InputError
from abstractor.model.finding import Assertion
from abstractor.review.attributes import (
    NOT_TYPED,
    read_attributes,
    rest_of,
    type_attribute,
    write_attribute,
    write_attributes,
)
from abstractor.review.drafts import Draft
from abstractor.review.typed_dates import order_problem, typed_date
from abstractor.review.values import Reading, ValueReader
from abstractor.rulebook.schema import AttributeSpec, Code, FieldSpec
from abstractor.tui.actions import Keymap
from abstractor.tui.screens.dialogs import Dialog, Line1
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Bar, Line, LineList

_LISTED = 6
_DRAFT_EVERY = 1.0
_BARS = 3
"""Lines that are there besides entries and list: the question, the hint, and one to spare for the note behind."""
_VALUE, _DATE, _END, _MORE = "value", "date", "end", "more"


@dataclass(frozen=True, slots=True)
class Stated:
    """What a person has typed, brought into form."""

    value: str
    assertion: Assertion = Assertion.PRESENT
    date: str | None = None
    end_date: str | None = None
    attributes: Mapping[str, object] | None = None
    """None: those of the suggestion with this value."""


@dataclass(frozen=True)
class Form:
    """What the question needs to know, beside the field."""

    reader: ValueReader
    save: Callable[[Stated], None]
    """Writes the answer, and raises what the registry or a guard objects to."""
    standing: str = ""
    """The one value that stands or is suggested: meant as long as no other is typed."""
    year: int | None = None
    """Of the diagnosis, where it is known."""
    remarks: Callable[[Stated], Sequence[str]] = lambda _stated: ()
    """What follows from what is typed, or what an edit check would say: one line each."""
    borrowed: Callable[[Stated], str] = lambda _stated: ""
    """That the answer would rest on words that were read as another value. No reason to ask twice: a person may read them better."""
    quote: str = ""
    """The selected words that the value was read from."""
    place: tuple[str, str, int, int] | None = None
    """Where they stand: note, hash of its text, start and end."""
    keep: Callable[[Draft], None] | None = None
    draft: Draft | None = None
    """What was half typed when the terminal died: it is gone on with."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """The entries as they stand."""

    stated: Stated
    problem: str = ""
    at: str = _VALUE
    """The entry that the problem is in."""
    doubt: str = ""
    extra: Mapping[str, object] = field(default_factory=dict, hash=False)
    """Attributes that the value itself says, such as the prefix of a T."""


class EditScreen(Dialog[Stated]):
    """Asks for the value of a field."""

    DEFAULT_CSS = """
    EditScreen Horizontal { height: 1; }
    """

    def __init__(self, keymap: Keymap, palette: Palette, spec: FieldSpec, stated: Stated, form: Form) -> None:
        """Takes what to start from. A draft is gone on with; another value is replaced by the first letter typed."""
        super().__init__(keymap, palette, f"{spec.label} ({spec.name})   {spec.hint}", "")
        self.spec = spec
        self.form = form
        self.stated = stated
        self.codes: Sequence[Code] = ()
        self._all_codes = len(form.reader.codes(spec))
        absent = form.draft.absent if form.draft is not None else stated.assertion is Assertion.ABSENT
        self._absent = absent
        self._touched = False
        """Whether a code was chosen with the arrows: only then does it stand for what was typed."""
        self._kept: Draft | None = None
        self._at_first: Draft | None = None
        """The entries as they were at first."""
        self._asked: set[str] = set()
        """Needed entries that were asked for once and may stay empty now."""
        self._doubted: tuple[str, ...] = ()
        """The entries whose doubt was told: the same again is meant."""
        self._attributes: Mapping[str, AttributeSpec] = {one.name: one for one in spec.attributes}

    # Entries

    @property
    def _fields(self) -> tuple[str, ...]:
        if self.spec.kind == "date":
            return (_VALUE, *self._attributes)
        spans = self.spec.slot in {"episode", "value"}
        dates = (_DATE, _END) if spans else (_DATE,)
        return (_VALUE, *dates, *self._attributes, *((_MORE,) if self._has_more else ()))

    @property
    def _has_more(self) -> bool:
        """Whether there is a line for what the form does not name: where it names nothing, or the fact has more to say."""
        rest = rest_of(self.stated.attributes or {}, self.spec.attributes)
        loose = not self.spec.attributes and self.spec.slot in {"episode", "value"}
        return loose or any(key not in NOT_TYPED and value for key, value in rest.items())

    def asks(self) -> Iterable[Widget]:
        for name in self._fields:
            hint = self._attributes[name].hint if name in self._attributes else ""
            hint = self.form.standing if name == _VALUE else hint
            yield Horizontal(Bar(id=f"name-{name}"), Line1(self._start(name), placeholder=hint, id=name))
        yield Bar(id="quote")
        yield Bar(id="found")
        yield LineList(self._line, id="codes")
        yield Bar(id="remark")

    def _start(self, name: str) -> str:
        if self.form.draft is not None and name in self.form.draft.entries:
            return self.form.draft.entries[name]
        attributes = self.stated.attributes or {}
        if name in self._attributes:
            return write_attribute(attributes.get(name))
        starts = {
            _VALUE: self.stated.value,
            _DATE: self.stated.date,
            _END: self.stated.end_date,
            _MORE: write_attributes(rest_of(attributes, self.spec.attributes)),
        }
        return starts[name] or ""

    def _typed(self, name: str) -> str:
        return self.query_one(f"#{name}", Line1).value if name in self._fields else ""

    def _line(self, at: int, width: int) -> Line:
        code = self.codes[at]
        also = f"  ({', '.join(code.synonyms)})" if code.synonyms else ""
        name = "" if code.label == code.code else f"  {code.label}"
        return Line.of(
            (f"   {code.code:<{min(24, width // 3)}}", self.palette.heading), (f"{name}{also}", self.palette.plain)
        )

    def on_mount(self) -> None:
        super().on_mount()
        value = self.query_one(f"#{_VALUE}", Line1)
        value.focus()
        if self.form.draft is None:
            value.action_select_all()
        self._kept = self._at_first = self._as_draft()
        if self.form.keep is not None:
            self.set_interval(_DRAFT_EVERY, self._keep_draft)

    # Drafts

    def _as_draft(self) -> Draft:
        return Draft({name: self._typed(name) for name in self._fields}, self._absent, self.form.place)

    def _keep_draft(self) -> None:
        """Keeps what is typed, whenever it is another than was kept last; tried again each second until it is kept."""
        now = self._as_draft()
        if self.form.keep is None or now == self._kept:
            return
        keep = self.form.keep
        if self.attempt(lambda: keep(now)):
            self._kept = now

    # Drawing

    def draw(self) -> None:
        super().draw()
        plain, faint = self.palette.plain, self.palette.faint
        labels = {_VALUE: "value", _DATE: "from" if _END in self._fields else "date", _END: "until", _MORE: "more"}
        labels |= {name: one.label for name, one in self._attributes.items()}
        width = max(len(labels[name]) for name in self._fields) + 4
        for name in self._fields:
            bar = self.query_one(f"#name-{name}", Bar)
            bar.styles.width = width
            bar.show(Line.of((f" {labels[name]:>{width - 3}}: ", faint)), plain)
        quote = self.query_one("#quote", Bar)
        quote.display = bool(self.form.quote)
        words = self.form.quote.replace("\n", " ")
        quote.show(Line.of(('   from "', faint), (words, self.palette.heading), ('"', faint)), plain)
        self._narrow()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == _VALUE:
            self._touched = False
        if not self.stands:
            return
        self._narrow()
        if self._kept is not None:
            self._keep_draft()

    def _narrow(self) -> None:
        self.codes = self.form.reader.matching(self.spec, self._typed(_VALUE))
        listed = self.query_one("#codes", LineList)
        room = self.app.size.height - len(self._fields) - _BARS - bool(self.form.quote)
        listed.styles.height = max(0, min(_LISTED, len(self.codes), room - 1))
        listed.show(len(self.codes), listed.index if self._touched else 0, self.palette.plain)
        found = self.query_one("#found", Bar)
        found.display = bool(self.codes) and room > 1
        of = f" of {self._all_codes}" if self._all_codes else ""
        fits = "fits" if len(self.codes) == 1 else "fit"
        found.show(Line.of((f"   {len(self.codes)}{of} {fits}", self.palette.faint)), self.palette.plain)
        self._tell()

    def _tell(self) -> None:
        answer = self._answer()
        self._show_remark(answer)
        if answer.problem:
            self.say(answer.problem, alarm=bool(self._typed(answer.at)))
            return
        negate = f"   {self.keymap.shown('negate')} negates" if self.spec.absent_counts else ""
        self.say(f"enter saves: {_told(answer, self.spec)}   esc leaves{negate}")

    def _show_remark(self, answer: _Answer) -> None:
        said = [answer.doubt] if answer.doubt else []
        if not answer.problem:
            said += filter(None, (*self.form.remarks(answer.stated), self.form.borrowed(answer.stated)))
        remark = self.query_one("#remark", Bar)
        remark.display = bool(said)
        warned = answer.doubt or self.form.borrowed(answer.stated)
        style = self.palette.heading if warned else self.palette.plain
        remark.show(Line.of((f"   {'; '.join(said)}", style)), self.palette.plain)

    # Reading

    def _answer(self) -> _Answer:
        """What the entries say, with the first thing that is wrong."""
        attributes, problem, at, doubt = self._read_attributes()
        reading = self._read_value(attributes.get("edition"))
        start, end = (self._read_date(name) for name in (_DATE, _END))
        assertion = Assertion.ABSENT if self._absent else Assertion.PRESENT
        whole = {**reading.attributes, **attributes}
        stated = Stated(reading.value, assertion, start.value or None, end.value or None, self._whole(whole))
        problems = [
            (reading.problem, _VALUE),
            (start.problem, _DATE),
            (end.problem, _END),
            (order_problem(start.value, end.value), _END),
            (problem, at),
        ]
        wrong, place = next(((said, name) for said, name in problems if said), ("", _VALUE))
        return _Answer(stated, wrong, place, reading.doubt or doubt, reading.attributes)

    def _read_value(self, edition: object) -> Reading:
        typed = self._typed(_VALUE) or self.form.standing
        if self._touched and self.codes and self.spec.entry != "variant":
            typed = self.codes[self.query_one("#codes", LineList).index].code
        reader, year = self.form.reader, self.form.year
        reading = reader.read(self.spec, typed, year, edition)
        if (reading.problem or reading.doubt) and not self._touched:
            chosen = reader.half_typed(self.spec, typed, self.codes)
            if chosen is not None:
                return reader.read(self.spec, chosen, year, edition)
        return reading

    def _read_date(self, name: str) -> Reading:
        typed = self._typed(name).strip()
        if not typed:
            return Reading("")
        read = typed_date(typed)
        return Reading(read.date, read.problem)

    def _read_attributes(self) -> tuple[dict[str, object], str, str, str]:
        """The attributes that are typed, the first problem and its entry, and the first doubt."""
        read: dict[str, object] = {}
        problem, at, doubt = "", _VALUE, ""
        for name, spec in self._attributes.items():
            typed = type_attribute(spec, self._typed(name), self.form.reader.drugs)
            if typed.problem and not problem:
                problem, at = typed.problem, name
            doubt = doubt or typed.doubt
            if typed.value is not None:
                read[name] = typed.value
        if _MORE in self._fields:
            try:
                read |= read_attributes(self._typed(_MORE), self.stated.attributes or {})
            except InputError as error:
                problem, at = (problem, at) if problem else (str(error), _MORE)
        return read, problem, at, doubt

    def _whole(self, typed: Mapping[str, object]) -> Mapping[str, object] | None:
        """All attributes; None where there is no entry for any: then the value decides."""
        return typed if self._attributes or _MORE in self._fields else None

    # Keys

    def _choose(self, step: int) -> None:
        self._narrow()
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
        self._go(self._fields[(at + step) % len(self._fields)])

    def _go(self, name: str) -> None:
        entry = self.query_one(f"#{name}", Line1)
        if not entry.has_focus:
            entry.focus()
            entry.action_select_all()

    def do_negate(self) -> None:
        if self.spec.absent_counts:
            self._absent = not self._absent
            self._keep_draft()
            self._tell()
        else:
            self.say(f"{self.spec.label} takes no negative")

    def do_save(self) -> None:
        self._narrow()  # enter may come in one burst with the last letters
        if self._completed():
            return
        if self.form.standing and self.form.draft is None and self._as_draft() == self._at_first and not self._touched:
            self.say("nothing is changed; esc leaves", alarm=True)
            return
        answer = self._answer()
        if answer.problem:
            self._go(answer.at)
            self.say(answer.problem, alarm=True)
            return
        missing = next((name for name in self._needed() if name not in self._asked), None)
        if missing is not None:
            self._asked.add(missing)
            self._go(missing)
            self.say(f"{self._name_of(missing)}? enter again saves without", alarm=True)
            return
        typed = tuple(self._typed(name) for name in self._fields)
        if answer.doubt and self._doubted != typed:
            self._doubted = typed
            self.say(f"{answer.doubt}; enter again saves it", alarm=True)
            return
        if self.attempt(lambda: self.form.save(answer.stated)):
            self.dismiss(answer.stated)

    def _completed(self) -> bool:
        """A gene, or the word for its alteration, that was only begun is written out: enter then saves the whole."""
        if self.spec.entry != "variant" or not self.codes or (not self._answer().problem and not self._touched):
            return False
        code = self.codes[self.query_one("#codes", LineList).index].code
        value = self.query_one(f"#{_VALUE}", Line1)
        value.value = code if " " in code else f"{code} "
        value.cursor_position = len(value.value)
        return True

    def _needed(self) -> Iterable[str]:
        """Entries that are asked for before the fact is saved without them."""
        if self._absent:
            return
        if self.spec.dated and _DATE in self._fields and not self._typed(_DATE).strip():
            yield _DATE
        for name, one in self._attributes.items():
            if one.needed and not self._typed(name).strip():
                yield name

    def _name_of(self, name: str) -> str:
        return self._attributes[name].label if name in self._attributes else name

    def failed(self, error: AbstractorError) -> None:
        self.say(str(error), alarm=True)


def _told(answer: _Answer, spec: FieldSpec) -> str:
    """What will be saved, in one line."""
    stated = answer.stated
    told = [spec.label_of(stated.value)]
    if stated.assertion is Assertion.ABSENT:
        told.append("ABSENT")
    if stated.date or stated.end_date:
        told.append(f" {stated.date or ''}{' to ' + stated.end_date if stated.end_date else ''}")
    attributes = {**answer.extra, **(stated.attributes or {})}
    if attributes:
        told.append(f" {write_attributes(attributes)}")
    return " ".join(told)
