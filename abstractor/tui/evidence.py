"""The evidence pane: what speaks for each value, in which note, in which words. Pure: no widget, no registry.

The registry's rule that ranks values is quoted here, never applied silently.
"""

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style

from abstractor.checks.problem import Problem, Severity
from abstractor.model.suggestion import Evidence
from abstractor.review.attributes import tell_attributes
from abstractor.review.rows import Choice, Row, State
from abstractor.tui.safe import safe
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Line
from abstractor.tui.wrap import fit, wrap

_AROUND = 34
"""Characters of context on each side of a quote."""

_LEAST_VALUE, _LEAST_QUOTE = 18, 28
"""Cells that the value and the words of a conflict have at least, where they share a line."""

_SHOWN = 3
"""Pieces of evidence shown where there is no column for all."""

Parts = tuple[tuple[str, Style], ...]


@dataclass(frozen=True)
class Pane:
    """Where evidence is drawn, and where its words come from."""

    palette: Palette
    width: int
    wide: bool
    """A column of its own, with room for every piece."""
    text_of: Callable[[str], str]
    """The text of a note by its id."""
    stands: Callable[[Evidence], bool]
    """Whether the words are still where they were found."""
    brief: str = ""
    """The few events that frame the case."""
    author_of: Callable[[str], str] = lambda _text: ""
    """Who wrote a note, from its text; "" where it does not say."""

    def lines(self, row: Row, problems: Sequence[tuple[Problem, str]] = ()) -> list[Line]:
        """Everything known about a row, from the top; what the edit checks say of it, with the word that let it pass, comes first."""
        lines: list[Line] = []
        for problem, word in problems:
            lines += self._problem(problem, word)
        if row.changed:
            lines += self.told(f"^ {row.changed}: your decision stands until you decide again", self.palette.heading)
        told = any(problem.part == "otherwise" for problem, _word in problems)
        if row.read_as and row.decision is not None and not told:
            typed = row.spec.label_of(row.decision.value)
            lines += self.told(f'" {typed} was typed; its words were read as {row.read_as}', self.palette.heading)
        for number, choice in enumerate(row.choices, 1):
            lines += self._choice(number, choice, row)
        if not row.choices:
            lines += self._without_choice(row)
        lines += [Line.of((" + to be decided with: ", self.palette.faint), *self._quote(one)) for one in row.added]
        for one in row.comments:
            lines += self.told(f"c {one.decided_by}: {one.reason}", self.palette.plain)
        return lines + self._background(row)

    def _background(self, row: Row) -> list[Line]:
        """What else is good to know: whose word is offered first, what frames the case, which rule found the value."""
        rules = list(dict.fromkeys(choice.rule for choice in row.choices if choice.rule))
        rule = f"rule {', '.join(rules)}  rulebook {row.choices[0].rulebook[:8]}" if rules else ""
        told = [_ranking(row), f"timeline: {self.brief}" if self.brief else "", rule]
        faint = self.palette.faint
        return [line for one in told for line in self.told(one, faint)]

    def _problem(self, problem: Problem, word: str) -> list[Line]:
        told = f"{problem.severity.value} {problem.check} {problem.message}"
        if word:
            return self.told(f'{told}   right as reported: "{word}"', self.palette.faint)
        return self.told(told, self.palette.alarm if problem.severity is Severity.FATAL else self.palette.heading)

    def told(self, text: str, style: Style) -> list[Line]:
        """A sentence, in as many lines as the pane needs; none for nothing."""
        if not text:
            return []
        rows = wrap(text, max(8, self.width - 2))
        return [Line.of((f" {text[start:end]}", style)) for start, end in zip(rows.starts, rows.ends, strict=True)]

    def quotes(self, evidence: Sequence[Evidence], label: str = "") -> list[Line]:
        """Where each piece stands and its words; `label` stands before each."""
        faint = self.palette.faint
        lines: list[Line] = []
        for one in evidence:
            place = f" {label} {one.note_type} {_day(one)}".replace("  ", " ")
            if self.wide:
                again = "  copied forward" if one.carried_forward else ""
                lines.append(Line.of((f"{place}  ch {one.start}-{one.end}{again}", faint)))
                lines += self._quote_in_full(one)
            else:
                lines.append(Line.of((f"{place} ", faint), *self._quote(one, self.width - cell_len(safe(place)) - 2)))
        return lines

    def _choice(self, number: int, choice: Choice, row: Row) -> list[Line]:
        palette = self.palette
        when = f" {choice.date}" if choice.date else ""
        when += f" to {choice.end_date}" if choice.end_date else ""
        # the drugs of a line are part of its value as it is shown
        more = tell_attributes({name: told for name, told in choice.attributes.items() if name != "drugs"})
        head: Parts = (
            (f" {number} ", palette.heading),
            (choice.told(row.spec.label_of), palette.state(row.state)),
            (when, palette.plain),
        )
        if self.wide:
            return [*self._choice_in_full(head, choice), *self.told(more, palette.plain)]
        best = next(iter(choice.evidence), None)
        source = f"{best.note_type} {_day(best)} " if best is not None else ""
        told = f"  {source}{_count(choice)}"
        if row.conflict:
            return [self._choice_on_a_line(head, told, best)]
        # how often, and in how many notes, stands in the title
        sure = f"  {source} conf {choice.confidence:.2f}{_origin(choice)}"
        room = self.width - sum(cell_len(safe(part)) for part, _ in head)
        told = f"{sure}  {more}".rstrip()
        fits = cell_len(safe(told)) <= room
        lines = [Line.of(*head, (told, palette.faint))] if fits else [Line.of(*head), *self.told(told, palette.faint)]
        quotes = dict.fromkeys(self._quote(one, self.width - 4) for one in choice.evidence)  # copied text is shown once
        lines += [Line.of(("   ", palette.plain), *quote) for quote in list(quotes)[:_SHOWN]]
        return lines

    def _choice_on_a_line(self, head: Parts, told: str, best: Evidence | None) -> Line:
        """A value of a conflict, its source and its words; a long label and a date that the source says too give way to the words."""
        (number, number_style), (value, value_style), (when, when_style) = head
        if best is not None and when.strip() == _day(best):
            when = ""
        taken = cell_len(number) + len(when) + len(told) + 1
        value = fit(safe(value), min(cell_len(safe(value)), max(_LEAST_VALUE, self.width - taken - _LEAST_QUOTE)))
        quote = self._quote(best, self.width - taken - cell_len(value)) if best is not None else ()
        return Line.of(
            (number, number_style), (value, value_style), (when, when_style), (f"{told} ", self.palette.faint), *quote
        )

    def _choice_in_full(self, head: Parts, choice: Choice) -> list[Line]:
        faint = self.palette.faint
        lines = self._head_in_full(head)
        lines.append(Line.of((f"   conf {choice.confidence:.2f}  {_count(choice)}", faint)))
        for one in choice.evidence:
            lines.append(Line.of((f"   {one.note_type} {_day(one)}  ch {one.start}-{one.end}", faint)))
            lines += self._whose(one)
            lines += self._quote_in_full(one)
        return lines

    def _whose(self, one: Evidence) -> list[Line]:
        """Who wrote the note, and whether the words were copied from an earlier one."""
        author = self.author_of(self.text_of(one.note_id))
        told = [f"by {author}" if author else "", "copied forward" if one.carried_forward else ""]
        return [Line.of((f"   {said}", self.palette.faint)) for said in told if said]

    def _head_in_full(self, head: Parts) -> list[Line]:
        """Number, value and day; what is longer than the column goes on below the value."""
        if sum(cell_len(safe(part)) for part, _ in head) <= self.width:
            return [Line.of(*head)]
        (number, number_style), (value, value_style), (when, when_style) = head
        rows = wrap(value, max(8, self.width - cell_len(number)))
        lines = [
            Line.of((number if at == 0 else " " * cell_len(number), number_style), (value[start:end], value_style))
            for at, (start, end) in enumerate(zip(rows.starts, rows.ends, strict=True))
        ]
        return [*lines, Line.of((f"  {when}", when_style))] if when else lines

    def _without_choice(self, row: Row) -> list[Line]:
        palette = self.palette
        lines: list[Line] = []
        if row.state is State.MISSING:
            lines += self.told("Nothing was found for this required field.", palette.plain)
            lines += self.told("/ finds, = takes the selection, e types a value, 0 not documented", palette.faint)
        elif row.decision is not None:
            held = row.decision
            lines.append(
                Line.of(
                    (f" {row.spec.label_of(held.value)} {held.date or ''}", palette.state(row.state)),
                    (f"  {held.action} by {held.decided_by}", palette.faint),
                )
            )
        for one in row.evidence[: None if self.wide else _SHOWN]:
            lines += self._quote_in_full(one) if self.wide else [Line.of(("   ", palette.plain), *self._quote(one))]
        return lines

    def _quote(self, one: Evidence, room: int = 0) -> Parts:
        """A quote on one line; where `room` is given, the words before give way so that the evidence itself is seen."""
        palette = self.palette
        if not self.stands(one):
            return ((f'evidence moved; hash differs: "{_flat(one.text)}"', palette.alarm),)
        before, words, after = context_of(self.text_of(one.note_id), one)
        if room:
            spare = max(0, room - 2 - cell_len(safe(words)))
            kept = min(len(before), max(spare // 2, spare - cell_len(safe(after))))
            before = _from_a_word(before, len(before) - kept)
        return (
            ('"', palette.faint),
            (before, palette.plain),
            (words, palette.evidence),
            (after, palette.plain),
            ('"', palette.faint),
        )

    def _quote_in_full(self, one: Evidence) -> list[Line]:
        """A quote in as many lines as a narrow column needs."""
        palette = self.palette
        if not self.stands(one):
            return [Line.of(("   evidence moved; hash differs", palette.alarm))]
        before, words, after = context_of(self.text_of(one.note_id), one)
        whole = before + words + after
        begin, end = len(before), len(before) + len(words)
        rows = wrap(whole, max(8, self.width - 5))
        lines = []
        for start, stop in zip(rows.starts, rows.ends, strict=True):
            cuts = sorted({start, stop, *(edge for edge in (begin, end) if start < edge < stop)})
            parts = [
                (whole[low:high], palette.evidence if begin <= low < end else palette.plain)
                for low, high in itertools.pairwise(cuts)
            ]
            lines.append(Line.of(("   ", palette.plain), *parts))
        return lines


def context_of(text: str, one: Evidence, around: int = _AROUND) -> tuple[str, str, str]:
    """Words before, of and after a piece of evidence, with white space drawn together."""
    low, high = max(0, one.start - around), min(len(text), one.end + around)
    before, after = text[low : one.start], text[one.end : high]
    if low and (blank := re.search(r"\s", before)):
        before = before[blank.end() :]
    if high < len(text) and (word := re.search(r"\s\S*$", after)):
        after = after[: word.start()]
    return _flat(before).lstrip(), _flat(text[one.start : one.end]), _flat(after).rstrip()


def _from_a_word(text: str, cut: int) -> str:
    """What is left from `cut` on, without the rest of a word that was cut in two."""
    rest = text[cut:]
    if cut <= 0 or not rest or text[cut - 1].isspace():
        return rest.lstrip() if cut > 0 else rest
    _, blank, whole = rest.partition(" ")
    return whole if blank else ""


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _day(one: Evidence) -> str:
    return (one.note_date or "undated")[:10]


def _count(choice: Choice) -> str:
    notes = len({one.note_id for one in choice.evidence})
    where = f"x{len(choice.evidence)}" + (f" in {notes} notes" if notes > 1 else "")
    return (where if choice.evidence else "no evidence") + _origin(choice)


def _origin(choice: Choice) -> str:
    return {"standing": " decided before", "derived": " derived"}.get(choice.origin, "")


def _ranking(row: Row) -> str:
    """Of a conflict, by what its values are ordered; nothing is chosen by it."""
    if not row.conflict:
        return ""
    sources = f"{' > '.join(row.spec.source_priority)} > other; then " if row.spec.source_priority else ""
    return f"offered first: own words over copied ones; {sources}what more notes say"
