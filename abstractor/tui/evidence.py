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
from abstractor.tui.wrap import wrap

_AROUND = 34
"""Characters of context on each side of a quote."""

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

    def lines(self, row: Row, problems: Sequence[tuple[Problem, str]] = ()) -> list[Line]:
        """Everything known about a row, from the top; what the edit checks say of it, with the word that let it pass, comes first."""
        lines: list[Line] = []
        for problem, word in problems:
            lines += self._problem(problem, word)
        if row.changed:
            lines += self._told(f"^ {row.changed}: your decision stands until you decide again", self.palette.heading)
        for number, choice in enumerate(row.choices, 1):
            lines += self._choice(number, choice, row)
        if not row.choices:
            lines += self._without_choice(row)
        lines += [Line.of((" + to be decided with: ", self.palette.faint), *self._quote(one)) for one in row.added]
        for one in row.comments:
            lines += self._told(f"c {one.decided_by}: {one.reason}", self.palette.plain)
        for told in _background(row):
            lines += self._told(told, self.palette.faint)
        return lines

    def _problem(self, problem: Problem, word: str) -> list[Line]:
        told = f"{problem.severity.value} {problem.check} {problem.message}"
        if word:
            return self._told(f'{told}   right as reported: "{word}"', self.palette.faint)
        return self._told(told, self.palette.alarm if problem.severity is Severity.FATAL else self.palette.heading)

    def _told(self, text: str, style: Style) -> list[Line]:
        """A sentence, in as many lines as the pane needs; none for nothing."""
        if not text:
            return []
        rows = wrap(text, max(8, self.width - 2))
        return [Line.of((f" {text[start:end]}", style)) for start, end in zip(rows.starts, rows.ends, strict=True)]

    def _choice(self, number: int, choice: Choice, row: Row) -> list[Line]:
        palette = self.palette
        when = f" {choice.date}" if choice.date else ""
        when += f" to {choice.end_date}" if choice.end_date else ""
        more = tell_attributes(choice.attributes)
        head: Parts = (
            (f" {number} ", palette.heading),
            (choice.told(row.spec.label_of), palette.state(row.state)),
            (when, palette.plain),
        )
        if self.wide:
            return [*self._choice_in_full(head, choice), *self._told(more, palette.plain)]
        best = next(iter(choice.evidence), None)
        source = f"{best.note_type} {_day(best)} " if best is not None else ""
        told = f"  {source}{_count(choice)}"
        if row.conflict:
            room = self.width - sum(cell_len(safe(part)) for part, _ in head) - len(told) - 1
            return [Line.of(*head, (f"{told} ", palette.faint), *(self._quote(best, room) if best is not None else ()))]
        # how often, and in how many notes, stands in the title
        sure = f"  {source}conf {choice.confidence:.2f}{_origin(choice)}"
        used = sum(cell_len(safe(part)) for part, _ in head) + len(sure) + 2
        inline = f"  {more}" if more and used + cell_len(safe(more)) <= self.width else ""
        lines = [Line.of(*head, (f"{sure}{inline}", palette.faint))]
        lines += self._told(more, palette.plain) if more and not inline else []
        lines += [
            Line.of(("   ", palette.plain), *self._quote(one, self.width - 4)) for one in choice.evidence[:_SHOWN]
        ]
        return lines

    def _choice_in_full(self, head: Parts, choice: Choice) -> list[Line]:
        faint = self.palette.faint
        lines = [Line.of(*head), Line.of((f"   conf {choice.confidence:.2f}  {_count(choice)}", faint))]
        for one in choice.evidence:
            again = "  copied forward" if one.carried_forward else ""
            lines.append(Line.of((f"   {one.note_type} {_day(one)}  ch {one.start}-{one.end}{again}", faint)))
            lines += self._quote_in_full(one)
        return lines

    def _without_choice(self, row: Row) -> list[Line]:
        palette = self.palette
        lines: list[Line] = []
        if row.state is State.MISSING:
            lines += self._told("Nothing was found for this required field.", palette.plain)
            lines += self._told("/ finds, = takes the selection, e types a value, 0 not documented", palette.faint)
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


def _background(row: Row) -> list[str]:
    """What else is good to know: whose word is offered first, which rule found it."""
    told = []
    if row.conflict and row.spec.source_priority:
        last = "the latest note" if row.spec.latest_wins else "the earliest note"
        told.append(f"offered first: {' > '.join(row.spec.source_priority)}; then {last}")
    rules = list(dict.fromkeys(choice.rule for choice in row.choices if choice.rule))
    if rules:
        told.append(f"rule {', '.join(rules)}  rulebook {row.choices[0].rulebook[:8]}")
    return told
