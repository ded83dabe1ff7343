"""Extracts `response`: how a note judges the course of the cancer, in RECIST words, plain words or measurements.

Every value stated of any lesion or of the whole is one mention (FIELDS, ruling 8). Changes of effusions, markers, symptoms
and other illnesses are none.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from abstractor.model.finding import Assertion
from abstractor.pipeline.course import CourseReader
from abstractor.pipeline.lexicon import Lexicon, Phrase
from abstractor.pipeline.measurements import MeasurementReader
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

FIELD = "response"
_NOTHING = "none"
"""Value of phrases that only keep others from being read into their place."""
_ABBREVIATED = "response.abbreviated."
_NEAR = 45
_SPAN = 90
"""A longer stretch is no phrase that supports a value; it is cut."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    phrase: str
    value: str
    start: int
    end: int
    assertion: Assertion | None
    confidence: float


@dataclass(frozen=True)
class _Responses:
    phrases: tuple[Phrase, ...]
    course: CourseReader
    measurements: MeasurementReader
    cues: dict[str, re.Pattern[str]]
    change_words: frozenset[str]
    """Rules whose own words name the tumour: other subjects in them are a veto."""
    other_illness: re.Pattern[str]

    def __call__(self, view: NoteView) -> Iterable[Mention]:
        return [one for sentence in view.sentences for one in self._of_sentence(view, sentence)]

    def _of_sentence(self, view: NoteView, sentence: Sentence) -> Iterator[Mention]:
        text, start, end = view.text, sentence.start, sentence.end
        if not self.cues["trigger"].search(text, start, end):
            return
        found = [*self._phrases(text, start, end)]
        found += self._abbreviations(text, start, end, found)
        found = [one for one in found if one.value != _NOTHING]
        if not found:
            found = list(self._measured(text, start, end))
        denied = [one for one in found if one.assertion is Assertion.ABSENT]
        for one in found:
            assertion = self._assertion(view, sentence, one, denied)
            if assertion is _SILENT:
                continue
            yield Mention(
                FIELD,
                one.value,
                one.start,
                one.end,
                rule=one.phrase,
                assertion=assertion if isinstance(assertion, Assertion) else None,
                confidence=one.confidence,
                scope=self._scope(text, start, end, one),
            )

    def _phrases(self, text: str, start: int, end: int) -> Iterator[_Candidate]:
        taken: list[tuple[int, int]] = []
        lowered = text[start:end].lower()
        for phrase in self.phrases:
            if not phrase.may_match(lowered):
                continue
            for match in phrase.regex.finditer(text, start, end):
                begin, stop = _trimmed(match)
                if any(begin < other_end and other_start < stop for other_start, other_end in taken):
                    continue
                clause = self._clause(text, start, end, begin, stop)
                if phrase.unless and phrase.unless.search(text[clause[0] : clause[1]]):
                    continue
                if phrase.value != _NOTHING and self._is_of_something_else(text, clause, phrase, begin, stop):
                    continue
                taken.append((begin, stop))
                yield _Candidate(phrase.id, phrase.value, begin, min(stop, begin + _SPAN), phrase.assertion, 0.85)

    def _is_of_something_else(self, text: str, clause: tuple[int, int], phrase: Phrase, start: int, end: int) -> bool:
        if phrase.id in self.change_words and self.cues["benign"].search(text, start, end):
            return True
        if self.cues["object_veto"].search(text[end : end + 50]):
            return True
        head = text[max(clause[0], start - _NEAR) : start]
        vetoes = list(self.cues["subject_veto"].finditer(head))
        if not vetoes or self.cues["malignant"].search(text, start, end):
            return False
        return not self.cues["malignant"].search(head, vetoes[-1].end())

    def _abbreviations(self, text: str, start: int, end: int, found: list[_Candidate]) -> Iterator[_Candidate]:
        for match in self.cues["abbreviation"].finditer(text, start, end):
            begin, stop = match.span()
            if any(begin < one.end and one.start < stop for one in found):
                continue
            head, tail = text[max(start, begin - _NEAR) : begin], text[stop : min(end, stop + 30)]
            if self.cues["abbreviation_veto"].search(tail) or self.cues["abbreviation_veto_before"].search(head):
                continue
            if self.cues["abbreviation_before"].search(head) and self.cues["abbreviation_after"].search(tail):
                yield _Candidate(_ABBREVIATED + match[0], match[0], begin, stop, None, 0.7)

    def _measured(self, text: str, start: int, end: int) -> Iterator[_Candidate]:
        for one in self.measurements.comparisons(text, start, end):
            value = self.measurements.judged(one)
            clause = self._clause(text, start, end, one.start, one.end)
            words = text[max(clause[0], one.start - 2 * _NEAR) : min(clause[1], one.end + _NEAR)]
            of_tumour = self.cues["malignant"].search(words) or self.cues["size_change"].search(words)
            if value and of_tumour and not self.cues["measure_veto"].search(words):
                yield _Candidate(one.rule, value, one.start, one.end, None, 0.7)

    def _scope(self, text: str, start: int, end: int, one: _Candidate) -> tuple[int, int]:
        """Where words may stand that modify the judgement: its clause; for an abbreviation, its member of a list."""
        first, last = self._clause(text, start, end, one.start, one.end)
        if not one.phrase.startswith(_ABBREVIATED):
            return first, last
        comma = text.find(",", one.end, last)
        return max(first, text.rfind(",", first, one.start) + 1), comma if comma >= 0 else last

    def _clause(self, text: str, start: int, end: int, begin: int, stop: int) -> tuple[int, int]:
        first = max((match.end() for match in self.cues["clause_end"].finditer(text, start, begin)), default=start)
        last = self.cues["clause_end"].search(text, stop, end)
        return first, last.start() if last else end

    def _assertion(
        self, view: NoteView, sentence: Sentence, one: _Candidate, denied: list[_Candidate]
    ) -> "Assertion | object | None":
        """Present, absent, … from the words around; None where they say nothing; `_SILENT` for what is nobody's judgement."""
        text = view.text
        clause = self._clause(text, sentence.start, sentence.end, one.start, one.end)
        head, tail = text[clause[0] : one.start], text[one.end : clause[1]]
        near = max(clause[0], one.start - _NEAR), min(clause[1], one.end + _NEAR)
        if self.other_illness.search(text, *near) and not self.cues["malignant"].search(text, one.start, one.end):
            return _SILENT
        if self.course.is_elsewhere(view, one.start, one.end):
            return Assertion.HISTORICAL
        if self.cues["speech"].search(head) or self.cues["general"].search(text, sentence.start, sentence.end):
            return _SILENT
        if self.cues["hypothetical_before"].search(head) or self.cues["hypothetical_after"].search(tail):
            return Assertion.HYPOTHETICAL
        adjacent = self.cues["hypothetical_adjacent"].search(head)
        if one.value == "PD" and adjacent and self.cues["hypothetical_with"].search(text, one.end, sentence.end):
            return Assertion.HYPOTHETICAL
        if one.assertion is not None:
            return one.assertion
        if self.cues["uncertain_before"].search(head) or self.cues["uncertain_after"].search(tail):
            return Assertion.UNCERTAIN
        if one.value == "PD" and any(self._continues(text, other, one) for other in denied):
            return Assertion.ABSENT
        return None

    def _continues(self, text: str, denied: _Candidate, one: _Candidate) -> bool:
        """Whether the negation goes on ("no recurrence or progression")."""
        between = text[denied.end : one.start]
        return denied.end <= one.start and bool(self.cues["denial_goes_on"].fullmatch(between))


_SILENT = object()
"""What somebody fears or what is true in general is no judgement of this patient's cancer."""


def _trimmed(match: re.Match[str]) -> tuple[int, int]:
    written = match[0]
    start = match.start() + len(written) - len(written.lstrip())
    return start, match.end() - (len(written) - len(written.rstrip(" \n\t,;:")))


def build(rulebook: RuleBook) -> Extractor:
    """The extractor of `response`."""
    lexicon = Lexicon.of(rulebook, "response")
    names = (
        "trigger",
        "benign",
        "malignant",
        "clause_end",
        "subject_veto",
        "object_veto",
        "abbreviation",
        "abbreviation_before",
        "abbreviation_after",
        "abbreviation_veto",
        "abbreviation_veto_before",
        "hypothetical_before",
        "hypothetical_adjacent",
        "hypothetical_with",
        "hypothetical_after",
        "uncertain_before",
        "uncertain_after",
        "speech",
        "general",
        "measure_veto",
        "size_change",
        "denial_goes_on",
    )
    return _Responses(
        phrases=lexicon.phrases("phrase"),
        course=CourseReader.of(rulebook),
        measurements=MeasurementReader.of(rulebook),
        cues={name: lexicon.pattern(name) for name in names},
        change_words=lexicon.words("change_words"),
        other_illness=Lexicon.of(rulebook, "illness").pattern("not_cancer"),
    )
