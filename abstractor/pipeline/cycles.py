"""Extracts `therapy_cycles`: how many cycles of systemic therapy were received, and which are only planned."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from abstractor.model.finding import Assertion
from abstractor.pipeline.course import CourseReader
from abstractor.pipeline.dates import date_treatment
from abstractor.pipeline.drugs import DrugFinder, DrugHit, drugs_of, without_supportive
from abstractor.pipeline.lexicon import Lexicon
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.sieve import Expression
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

FIELD = "therapy_cycles"
_MOST = 40
"""No course has more cycles."""
_PASSED = {"therapy_cycles.c", "therapy_cycles.ordinal", "therapy_cycles.range"}
"""Rules whose number may be one of a course that went on ("sepsis after C3")."""
_DOSES = {"therapy_cycles.nth_dose", "therapy_cycles.dose_number"}
"""Rules whose number is one of a dose, mostly of maintenance, which is counted anew."""
_TIMES = "therapy_cycles.times_behind"
"""A course told as a whole ("cis/etop x2"), to which a later cycle with a number does not belong."""
_GIVEN = {None, Assertion.PRESENT}
_BESIDE = 30
"""Characters beside a cycle that are read for whether it is under way."""
_BEFORE = 120
"""How far before a sentence, in characters, a drug may be named that the sentence speaks of."""


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to speak of cycles."""

    id: str
    regex: Expression
    ordinal: bool
    near: bool
    """Only where words of chemotherapy are in the sentence, and none of the spine."""
    drug: str | None
    """`before` or `after`: only right behind, or right ahead of, a drug; `sentence`: only where one is in the sentence, `around`: in it or in the one before."""
    unless: Expression | None
    """Silent where the sentence holds this."""
    hints: tuple[str, ...]
    """Parts of words in lower case; a sentence without any of them is not searched."""


@dataclass(frozen=True)
class _Cycles:
    finder: DrugFinder
    course: CourseReader
    forms: tuple[_Form, ...]
    numbers: dict[str, int]
    cues: dict[str, Expression]
    plan_sections: frozenset[str]
    reason_sections: frozenset[str]
    """Sections that say why a scan was done: what it came after has been."""

    def __call__(self, view: NoteView) -> Iterable[Mention]:
        drugs = without_supportive(drugs_of(self.finder, view))
        found = [one for sentence in view.sentences for one in self._of_sentence(view, sentence, drugs)]
        return self._highest(view, found)

    def _of_sentence(self, view: NoteView, sentence: Sentence, drugs: list[DrugHit]) -> Iterator[Mention]:
        taken: list[tuple[int, int]] = []
        lowered = view.text[sentence.start : sentence.end].lower()
        here = [drug for drug in drugs if sentence.start <= drug.start < sentence.end]
        for form in self.forms:
            if (form.drug and not here and form.drug != "around") or not any(hint in lowered for hint in form.hints):
                continue
            if form.unless and form.unless.search(view.text, sentence.start, sentence.end):
                continue
            for match in form.regex.finditer(view.text, sentence.start, sentence.end):
                start, end = match.span()
                if any(start < other_end and other_start < end for other_start, other_end in taken):
                    continue
                if not self._holds(view, sentence, form, match, here):
                    continue
                mentions = list(self._of_match(view, sentence, form, match))
                if mentions:
                    taken.append((start, end))
                yield from mentions

    def _holds(
        self, view: NoteView, sentence: Sentence, form: _Form, match: re.Match[str], drugs: list[DrugHit]
    ) -> bool:
        start, end = match.span()
        if form.drug == "before" and not any(0 <= start - drug.end <= 1 for drug in drugs):
            return False
        if form.drug == "after" and not any(0 <= drug.start - end <= 1 for drug in drugs):
            return False
        if form.drug == "around" and not drugs:
            around = max(0, sentence.start - _BEFORE), sentence.end
            return bool(self.cues["systemic_near"].search(view.text, *around)) or self._drug_before(view, sentence)
        if form.near:
            of_spine = self.cues["spine"].search(view.text[end : end + 20])
            if of_spine or self.cues["bones"].search(view.text, sentence.start, sentence.end):
                return False
            around = max(0, sentence.start - 80), min(len(view.text), sentence.end + 40)
            return bool(drugs) or bool(self.cues["chemo_near"].search(view.text, *around))
        return True

    def _drug_before(self, view: NoteView, sentence: Sentence) -> bool:
        """Whether the last words before the sentence name a drug."""
        start = sentence.start - _BEFORE
        hits = without_supportive(drugs_of(self.finder, view))
        return any(start <= drug.start < sentence.start for drug in hits)

    def _of_match(self, view: NoteView, sentence: Sentence, form: _Form, match: re.Match[str]) -> Iterator[Mention]:
        number = self._number(match["n"] or (match["low"] if "low" in match.re.groupindex else None))
        if number is None:
            return
        start, end = match.span()
        start += len(match[0]) - len(match[0].lstrip(" ,("))
        head = view.text[max(sentence.start, start - 160) : start]
        if not form.ordinal and (
            self.cues["no_total"].search(head) or self.cues["no_total_after"].search(view.text[end : end + 14])
        ):
            return
        assertion = self._assertion(view, sentence, form, head, start, end)
        kind = "ordinal" if form.ordinal else "count"
        when, _ = date_treatment(view, FIELD, start, end, assertion)
        yield Mention(
            FIELD,
            str(number),
            start,
            end,
            rule=f"therapy_cycles.{form.id}",
            assertion=assertion,
            date=when,
            attributes={"counted": kind},
        )
        of = self._number(match["of"]) if "of" in match.re.groupindex else None
        if of is not None and of != number:
            yield Mention(
                FIELD,
                str(of),
                match.start("of"),
                end,
                rule="therapy_cycles.planned_total",
                assertion=Assertion.HYPOTHETICAL,
                attributes={"counted": "total"},
            )

    def _assertion(
        self, view: NoteView, sentence: Sentence, form: _Form, head: str, start: int, end: int
    ) -> Assertion | None:
        if self.course.is_elsewhere(view, start, end):
            return Assertion.HISTORICAL
        if self.course.is_of_other_person(view, start):
            return Assertion.OTHER_EXPERIENCER
        if self.course.is_to_come(view, end):
            return Assertion.HYPOTHETICAL
        tail = view.text[end : max(end, min(sentence.end, end + 60))]
        cues = self.cues
        if cues["refused_after"].search(tail):
            return Assertion.ABSENT
        if cues["after_before"].search(head):
            if view.section_at(start) in self.reason_sections:
                return Assertion.PRESENT
            planned = cues["planned_anywhere"].search(head) or cues["assessed_after"].search(tail)
            to_scan = cues["scan_before"].search(head) and not cues["shown_after"].search(tail)
            return Assertion.HYPOTHETICAL if planned or to_scan or self._in_plan(view, start) else Assertion.PRESENT
        if cues["planned_before"].search(head):
            return Assertion.PRESENT if cues["fulfilled"].search(tail) else Assertion.HYPOTHETICAL
        if cues["planned_after"].search(tail):
            return Assertion.HYPOTHETICAL
        if form.ordinal and cues["maybe_before"].search(head) and cues["planned_anywhere"].search(head):
            return Assertion.HYPOTHETICAL
        if cues["given_before"].search(head) or cues["given_after"].search(tail):
            return Assertion.PRESENT
        return self.course.assertion_of(view, start, end)

    def _now(self, view: NoteView, one: Mention) -> bool:
        """Whether the words beside a cycle say that it is the one under way."""
        sentence = view.sentence_at(one.start)
        around = max(sentence.start, one.start - _BESIDE), min(sentence.end, one.end + _BESIDE)
        return self.cues["current"].search(view.text, *around) is not None

    def _in_plan(self, view: NoteView, start: int) -> bool:
        return view.section_at(start) in self.plan_sections

    def _number(self, written: str | None) -> int | None:
        if written is None:
            return None
        digits = re.match(r"\d+", written)
        number = int(digits[0]) if digits else self.numbers.get(written.lower())
        return number if number is not None and 0 < number <= _MOST else None

    def _highest(self, view: NoteView, found: list[Mention]) -> list[Mention]:
        """Of cycles told one by one, only the last one reached is how many were received (FIELDS, ruling 22)."""

        def told_one_by_one(one: Mention) -> bool:
            planned = one.assertion is None and self._in_plan(view, one.start)
            return one.attributes["counted"] == "ordinal" and one.assertion in _GIVEN and not planned

        def counts(one: Mention) -> bool:
            planned = one.assertion is None and self._in_plan(view, one.start)
            return one.attributes["counted"] == "count" and one.assertion in _GIVEN and not planned

        told = [one for one in found if told_one_by_one(one)]
        counted = max((int(one.value) for one in found if counts(one)), default=0)
        last = {int(one.value) for course in _courses(told) for one in course[-1:]}
        reached = max(last, default=0)
        kept = [
            one
            for one in found
            if (
                int(one.value) in last
                and not (
                    one.rule in _PASSED and int(one.value) < counted and len(last) == 1 and not self._now(view, one)
                )
                if told_one_by_one(one)
                else True
            )
            and not (counts(one) and int(one.value) == reached - 1 and one.rule != _TIMES)
        ]
        return sorted((replace(one, attributes={}) for one in kept), key=lambda one: one.start)


def _courses(told: list[Mention]) -> list[list[Mention]]:
    """Cycles told one by one, by course, each in the order of their numbers.

    Doses are counted apart from cycles. A course begins anew where the first cycle is told again after later ones, and the second one
    behind it.
    """
    courses: list[list[Mention]] = []
    for doses in (False, True):
        family = sorted((one for one in told if (one.rule in _DOSES) is doses), key=lambda one: one.start)
        runs: list[list[Mention]] = []
        for one, following in zip_longest(family, family[1:]):
            again = bool(runs) and one.value == "1" and following is not None and following.value == "2"
            if not runs or (again and int(runs[-1][-1].value) > 1):
                runs.append([])
            runs[-1].append(one)
        courses.extend(sorted(run, key=lambda one: int(one.value)) for run in runs)
    return courses


def build(rulebook: RuleBook) -> Extractor:
    """The extractor of `therapy_cycles`."""
    lexicon = Lexicon.of(rulebook, "cycles")
    names = (
        "no_total",
        "no_total_after",
        "planned_before",
        "maybe_before",
        "fulfilled",
        "given_before",
        "after_before",
        "planned_anywhere",
        "planned_after",
        "given_after",
        "scan_before",
        "shown_after",
        "assessed_after",
        "current",
        "refused_after",
        "spine",
        "bones",
        "chemo_near",
        "systemic_near",
    )
    forms = tuple(
        _Form(
            id=str(row["id"]),
            regex=lexicon.compiled(str(row["regex"])),
            ordinal=row["kind"] == "ordinal",
            near=bool(row.get("near", False)),
            drug=str(row["drug"]) if "drug" in row else None,
            unless=lexicon.compiled(str(row["unless_sentence"])) if "unless_sentence" in row else None,
            hints=tuple(map(str, hints)) if isinstance(hints := row.get("hints"), list) else ("",),
        )
        for row in lexicon.rows("cycle")
    )
    return _Cycles(
        finder=DrugFinder.of(rulebook),
        course=CourseReader.of(rulebook),
        forms=forms,
        numbers=lexicon.numbers("count"),
        cues={name: lexicon.pattern(name) for name in names},
        plan_sections=lexicon.words("plan_sections"),
        reason_sections=lexicon.words("reason_sections"),
    )
