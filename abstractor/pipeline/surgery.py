"""Extracts `surgery`: operations on this cancer. Biopsies and operations for other reasons are none."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from abstractor.model.finding import Assertion
from abstractor.pipeline.course import CourseReader
from abstractor.pipeline.dates import date_treatment
from abstractor.pipeline.lexicon import Lexicon, Phrase
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.sieve import Expression
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

FIELD = "surgery"
_OTHER = "other_resection"
_GIVEN = {None, Assertion.PRESENT}
_BEHIND = 80
"""So many characters behind an operation are read for whether it was done."""


@dataclass(frozen=True)
class _Surgeries:
    course: CourseReader
    phrases: tuple[Phrase, ...]
    not_cancer: Expression
    no_treatment_before: Expression
    no_treatment_after: Expression
    elsewhere: Expression
    cancer_near: Expression
    postoperative: Expression
    heading: Expression
    not_done_after: Expression

    def __call__(self, view: NoteView) -> Iterable[Mention]:
        found = [one for sentence in view.sentences for one in self._of_sentence(view, sentence)]
        return self._specific(found)

    def _of_sentence(self, view: NoteView, sentence: Sentence) -> Iterator[Mention]:
        taken: list[tuple[int, int]] = []
        lowered = view.text[sentence.start : sentence.end].lower()
        for phrase in self.phrases:
            if not phrase.may_match(lowered):
                continue
            for match in phrase.regex.finditer(view.text, sentence.start, sentence.end):
                start, end = match.span()
                end = start + len(match[0].rstrip())
                if any(start < other_end and other_start < end for other_start, other_end in taken):
                    continue
                if self._is_no_treatment(view, sentence, phrase, start, end):
                    continue
                taken.append((start, end))
                assertion = phrase.assertion or self._assertion(view, sentence, start, end)
                when, _ = date_treatment(view, FIELD, start, end, assertion)
                rule = f"surgery.{phrase.value}"
                yield Mention(FIELD, phrase.value, start, end, rule=rule, assertion=assertion, date=when)
        yield from self._of_others(view, sentence)
        for match in self.heading.finditer(view.text, sentence.start, sentence.end):
            if self.course.is_refused_below(view, *match.span()):
                yield Mention(FIELD, _OTHER, *match.span(), "surgery.heading", assertion=Assertion.ABSENT)
        after = None if taken else self.postoperative.search(view.text, sentence.start, sentence.end)
        if after is not None:
            span = after.span()
            yield Mention(FIELD, _OTHER, *span, "surgery.postoperative", assertion=Assertion.PRESENT, confidence=0.6)

    def _assertion(self, view: NoteView, sentence: Sentence, start: int, end: int) -> Assertion | None:
        if self.not_done_after.search(view.text[end : max(end, min(sentence.end, end + _BEHIND))]):
            return Assertion.ABSENT
        return self.course.assertion_of(view, start, end)

    def _of_others(self, view: NoteView, sentence: Sentence) -> Iterator[Mention]:
        """Operations whose name shows that the cancer was another one."""
        for match in self.elsewhere.finditer(view.text, sentence.start, sentence.end):
            if self.cancer_near.search(view.text, max(0, sentence.start - 120), sentence.end):
                yield Mention(
                    FIELD,
                    _OTHER,
                    match.start(),
                    match.end(),
                    rule="surgery.other_cancer",
                    assertion=Assertion.HISTORICAL,
                )

    def _is_no_treatment(self, view: NoteView, sentence: Sentence, phrase: Phrase, start: int, end: int) -> bool:
        whole = view.words(sentence.start, sentence.end)
        if phrase.unless and phrase.unless.search(whole):
            return True
        if phrase.needs and not phrase.needs.search(whole):
            return True
        if self.not_cancer.search(whole):
            return True
        return bool(
            self.no_treatment_after.search(view.text[end : end + 20])
            or self.no_treatment_before.search(view.text[max(sentence.start, start - 20) : start])
        )

    def _specific(self, found: list[Mention]) -> list[Mention]:
        """A resection without its kind is the operation named elsewhere in the note."""
        named = any(one.value != _OTHER and one.assertion in _GIVEN for one in found)
        return [one for one in found if not (named and one.value == _OTHER and one.assertion in _GIVEN)]


def build(rulebook: RuleBook) -> Extractor:
    """The extractor of `surgery`."""
    lexicon = Lexicon.of(rulebook, "surgery")
    return _Surgeries(
        course=CourseReader.of(rulebook),
        phrases=lexicon.phrases("surgery"),
        not_cancer=lexicon.pattern("not_cancer"),
        no_treatment_before=lexicon.pattern("no_treatment_before"),
        no_treatment_after=lexicon.pattern("no_treatment_after"),
        elsewhere=lexicon.pattern("other_illness_procedure"),
        cancer_near=lexicon.pattern("cancer_near"),
        postoperative=lexicon.pattern("postoperative"),
        heading=lexicon.pattern("heading"),
        not_done_after=lexicon.pattern("not_done_after"),
    )
