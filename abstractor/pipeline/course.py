"""Decides whether a treatment named in a note was given, is planned, or was refused, from the words around it.

The words are in `rules/settings/therapy.toml`. Where none of them is near, it says nothing, and ordinary context decides.
"""

import re
from dataclasses import dataclass

from abstractor.model.finding import Assertion
from abstractor.pipeline.dates import day_at
from abstractor.pipeline.lexicon import Lexicon
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

_STATUS = {"planned": Assertion.HYPOTHETICAL, "given": Assertion.PRESENT, "refused": Assertion.ABSENT}
_OPEN = {None, Assertion.HYPOTHETICAL}
_ISO = compiled_expression(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
_LOOK_BACK = 220
_LOOK_AHEAD = 90


@dataclass(frozen=True, slots=True)
class _Cue:
    status: Assertion
    regex: Expression
    reach: int
    firm: bool = False
    """Whether it outweighs what stands behind the treatment ("No chest radiotherapy was given")."""
    weak: bool = False
    """Whether it has a say only where no other word has one ("C4 carboplatin", which may be given or planned)."""


@dataclass(frozen=True)
class CourseReader:
    """The cues of given, planned and refused treatment, compiled."""

    before: tuple[_Cue, ...]
    look_alikes: tuple[Expression, ...]
    """Words that hold a cue and are none ("performance status declined", "three of four planned cycles")."""
    after: tuple[_Cue, ...]
    after_it: tuple[_Cue, ...]
    """Words that come back to the treatment after other words ("… but he refused it")."""
    next: tuple[_Cue, ...]
    """How the next sentence may come back to treatments that were only set out ("He said no to both.")."""
    below: tuple[_Cue, ...]
    """What may stand under a treatment that is a heading."""
    skip: Expression
    """What may stand between a treatment and the words about it: doses."""
    boundary: Expression
    between_stop: Expression
    """What words ahead of a treatment don't reach over."""
    other_illness: Expression
    this_illness: Expression
    next_treatment: Expression
    """Where words about another treatment of a list begin."""
    plan_sections: frozenset[str]
    settled_ahead: Expression
    settled_behind: Expression
    """What shows that the list went on to another treatment: this one was said to be done, or its own list has ended."""
    dated: Expression
    other_person: Expression
    back_to_patient: Expression

    @classmethod
    def of(cls, rulebook: RuleBook) -> "CourseReader":
        """Compiles `therapy.toml` and the names of other cancers in `illness.toml`."""
        lexicon = Lexicon.of(rulebook, "therapy")
        illness = Lexicon.of(rulebook, "illness")
        cues = [
            (
                str(row["side"]),
                _Cue(
                    _STATUS[str(row["status"])],
                    lexicon.compiled(str(regex)),
                    _whole(row.get("reach"), _LOOK_BACK),
                    firm=row.get("firm") is True,
                    weak=row.get("weak") is True,
                ),
            )
            for row in lexicon.rows("cue")
            if isinstance(listed := row["regex"], list) and str(row["status"]) in _STATUS
            for regex in listed
        ]
        return cls(
            before=tuple(cue for side, cue in cues if side == "before"),
            look_alikes=tuple(lexicon.compiled(str(row["regex"])) for row in lexicon.rows("look_alike")),
            after=tuple(cue for side, cue in cues if side == "after"),
            after_it=tuple(cue for side, cue in cues if side == "after_it"),
            next=tuple(cue for side, cue in cues if side == "next"),
            below=tuple(cue for side, cue in cues if side == "below"),
            skip=lexicon.pattern("dose_join"),
            boundary=lexicon.pattern("clause_end"),
            between_stop=lexicon.pattern("between_stop"),
            other_illness=illness.pattern("other_cancer"),
            this_illness=illness.pattern("lung_cancer"),
            next_treatment=lexicon.pattern("next_treatment"),
            plan_sections=lexicon.words("plan_sections"),
            settled_ahead=lexicon.pattern("settled_ahead"),
            settled_behind=lexicon.pattern("settled_behind"),
            dated=lexicon.pattern("dated"),
            other_person=lexicon.pattern("other_person"),
            back_to_patient=lexicon.pattern("back_to_patient"),
        )

    def assertion_of(self, view: NoteView, start: int, end: int) -> Assertion | None:
        """What the words around `start:end` say of the treatment named there; None where they say nothing."""
        sentence = view.sentence_at(start)
        if self.is_of_other_person(view, start):
            return Assertion.OTHER_EXPERIENCER
        if self.is_elsewhere(view, start, end):
            return Assertion.HISTORICAL
        ahead = self._ahead(view, sentence, start)
        if self.is_to_come(view, end) and not (ahead and ahead[0] is Assertion.PRESENT and ahead[1] <= _ADJACENT):
            return Assertion.HYPOTHETICAL
        if self.is_refused_below(view, start, end):
            return Assertion.ABSENT
        behind_it = view.text[end : max(end, min(sentence.end, end + _LOOK_AHEAD))]
        tail = self._of_its_own(view, start, behind_it)
        done_with = len(tail) < len(behind_it)
        whole, tail = tail, tail[self._skipped(tail) :]
        behind = self._behind(tail) or self._behind(whole, planned_only=True)
        if behind is Assertion.ABSENT:
            return behind
        status, distance, firm = ahead or (behind, 0, False)
        if behind is not None and distance > _ADJACENT and not firm:
            status = behind
        if status is None and done_with:
            return Assertion.HYPOTHETICAL if view.section_at(start) in self.plan_sections else Assertion.PRESENT
        return Assertion.ABSENT if status in _OPEN and self._is_refused_next(view, sentence) else status

    def is_heading(self, view: NoteView, start: int, end: int) -> bool:
        """Whether the treatment stands alone on its line, with nothing said of it: a heading states nothing."""
        line_start, line_end = view.text.rfind("\n", 0, start) + 1, view.text.find("\n", end)
        return (
            line_end >= 0
            and not view.text[line_start:start].strip(" \t*#-")
            and not view.text[end:line_end].strip(" :*\t")
        )

    def is_elsewhere(self, view: NoteView, start: int, end: int) -> bool:
        """Whether the sentence is about another cancer than the one of the lung."""
        sentence = view.sentence_at(start)
        words = view.words(sentence.start, max(sentence.end, end))
        key = f"elsewhere:{sentence.start}"
        if key not in view.memo:
            view.memo[key] = bool(self.other_illness.search(words)) and not self.this_illness.search(words)
        if not view.memo[key]:
            return False
        clause_start = max(
            (match.end() for match in self.boundary.finditer(words, 0, start - sentence.start)), default=0
        )
        stop = self.boundary.search(words, end - sentence.start)
        return bool(self.other_illness.search(words, clause_start, stop.start() if stop else len(words)))

    def is_of_other_person(self, view: NoteView, start: int) -> bool:
        """Whether the words ahead say that somebody else has it ("her husband is about to start …")."""
        sentence = view.sentence_at(start)
        said = list(self.other_person.finditer(view.text, max(sentence.start, start - _LOOK_BACK), start))
        return bool(said) and not self.back_to_patient.search(view.text, said[-1].end(), start)

    def is_to_come(self, view: NoteView, end: int) -> bool:
        """Whether a day after the note's own stands right behind the treatment ("C4 3/28" in a note of 3/7)."""
        today = view.note.day if view.note.day and _ISO.fullmatch(view.note.day) else ""
        match = self.dated.match(view.text, end, end + _DATED)
        stated = day_at(view, match.start("date"), match.end("date")) if match and today else None
        return stated is not None and stated.day is not None and str(stated) > today

    def is_refused_below(self, view: NoteView, start: int, end: int) -> bool:
        """Whether the treatment is a heading, and the line under it says "not indicated" or "none"."""
        if not self.is_heading(view, start, end):
            return False
        below = view.text[end : end + _LOOK_AHEAD].lstrip(" :*\t\n")
        return any(cue.status is Assertion.ABSENT and cue.regex.match(below) for cue in self.below)

    def _is_refused_next(self, view: NoteView, sentence: Sentence) -> bool:
        """Whether the sentence behind this one, in the same paragraph, refuses what was set out in it."""
        key = f"refused next:{sentence.start}"
        if key not in view.memo:
            behind = view.text[sentence.end : sentence.end + 2 * _LOOK_AHEAD]
            words = behind.lstrip(" \n")
            same_paragraph = "\n\n" not in behind[: len(behind) - len(words)]
            view.memo[key] = same_paragraph and any(cue.regex.match(words) for cue in self.next)
        return bool(view.memo[key])

    def _of_its_own(self, view: NoteView, start: int, tail: str) -> str:
        """The words behind a treatment up to those about the next one of a list."""
        other = self.next_treatment.search(tail)
        if other is None:
            return tail
        own = tail[: other.start()]
        ahead = view.text[max(0, start - _JOINED) : start]
        return own if self.settled_behind.search(own) or self.settled_ahead.search(ahead) else tail

    def _behind(self, tail: str, *, planned_only: bool = False) -> Assertion | None:
        for one in self.look_alikes:
            tail = one.sub(_blank, tail)
        stop = self.boundary.search(tail)
        near = tail[: stop.start()] if stop else tail
        if not planned_only and any(cue.regex.match(tail) for cue in self.after_it):
            return Assertion.ABSENT
        found = [
            (cue.status, match.end())
            for cue in self.after
            if (match := cue.regex.match(near)) and not (planned_only and cue.status is not Assertion.HYPOTHETICAL)
        ]
        return min(found, key=lambda one: (one[0] is not Assertion.ABSENT, one[1]))[0] if found else None

    def _ahead(self, view: NoteView, sentence: Sentence, start: int) -> tuple[Assertion, int, bool] | None:
        """The nearest word before a treatment that says what became of it, how many characters lie between, and whether it is firm."""
        nearest: tuple[bool, int, int, Assertion, bool] | None = None
        for begin, end, status, reach, firm, weak in self._cues_of(view, sentence):
            if begin >= start:
                break
            distance = max(0, start - end)
            if distance > reach or start - begin > _LOOK_BACK or self.between_stop.search(view.text[end:start]):
                continue
            candidate = (weak, _FAR if weak else distance, begin - end, status, firm)
            if nearest is None or candidate[:3] < nearest[:3]:
                nearest = candidate
        return (nearest[3], nearest[1], nearest[4]) if nearest else None

    def _cues_of(self, view: NoteView, sentence: Sentence) -> list[tuple[int, int, Assertion, int, bool, bool]]:
        """All such words of a sentence, in order: start, end, status, reach, firm, weak. Worked out once a sentence."""
        key = f"course:{sentence.start}"
        known = view.memo.get(key)
        if not isinstance(known, list):
            span = sentence.start, sentence.end
            others = [match.span() for one in self.look_alikes for match in one.finditer(view.text, *span)]
            known = sorted(
                (match.start(), match.end(), cue.status, cue.reach, cue.firm, cue.weak)
                for cue in self.before
                for match in cue.regex.finditer(view.text, *span)
                if not any(begin <= match.start() < end for begin, end in others)
            )
            view.memo[key] = known
        return known

    def _skipped(self, tail: str) -> int:
        """How many characters of doses stand at the head; not the comma behind them."""
        match = self.skip.match(tail)
        return len(match[0].rstrip(" ,\n")) if match else 0


_DATED = 60
"""A date this many characters behind a treatment, at most, is its date."""
_ADJACENT = 2
"""A word this close before a treatment outweighs the words behind it."""
_JOINED = 12
"""The word that joins two treatments stands within so many characters before the second."""
_FAR = 1000
"""A weak word counts as if it stood this far away."""


def _blank(match: re.Match[str]) -> str:
    """As many blanks as the match has characters."""
    return " " * len(match[0])


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) else default
