"""Extracts `systemic_therapy`: each anticancer drug named for this patient, or the class where no drug is named."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from abstractor.model.finding import Assertion
from abstractor.pipeline.course import CourseReader
from abstractor.pipeline.dates import date_treatment
from abstractor.pipeline.drugs import TRIAL, DrugFinder, DrugHit, drugs_of, without_supportive
from abstractor.pipeline.lexicon import Lexicon
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.sieve import Expression
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

FIELD = "systemic_therapy"
_NEAR = 200
"""A refused drug further from the word for its class than this many characters is not what is meant by it."""
_LIST_GAP = 60
"""Drugs further apart than this many characters are no list."""


@dataclass(frozen=True, slots=True)
class _DrugClass:
    """Words for a whole class, and the groups or classes of drugs that make them superfluous."""

    value: str
    covers: frozenset[str]
    regex: Expression
    named_by_its_own: bool = False
    """Whether only a drug of the class can be meant by it, though another stands right beside it."""

    def may_be(self, drug: DrugHit) -> bool:
        """Whether a drug right beside the words can be the one that is meant ("platinum/etoposide" names no platinum)."""
        own = bool({drug.group, drug.therapy_class} & self.covers) or drug.therapy_class == TRIAL
        return own or not self.named_by_its_own


@dataclass(frozen=True)
class _Therapies:
    finder: DrugFinder
    course: CourseReader
    classes: tuple[_DrugClass, ...]
    list_join: Expression
    list_break: Expression
    pair_join: Expression
    """What stands between the two halves of a pair of drugs."""
    """What stands behind a drug that is spoken of alone, though a comma joins it to others."""
    apposition: Expression
    """What stands between the word for a class and the name of the drug that is meant by it."""
    never_before: Expression
    never_after: Expression
    not_cancer: Expression
    general: Expression
    line: Expression
    line_numbers: dict[str, int]

    def __call__(self, view: NoteView) -> Iterable[Mention]:
        drugs = without_supportive(drugs_of(self.finder, view))
        named = [mention for group in self._lists(view, drugs) for mention in self._of_list(view, group)]
        return [*named, *self._classes(view, drugs, named)]

    def _lists(self, view: NoteView, drugs: list[DrugHit]) -> Iterator[list[DrugHit]]:
        """Drugs that stand in one list ("carboplatin AUC 5 / etoposide") share what is said of them."""
        group: list[DrugHit] = []
        for drug in drugs:
            if group and not self._joined(view, group[-1], drug):
                yield group
                group = []
            group.append(drug)
        if group:
            yield group

    def _joined(self, view: NoteView, one: DrugHit, other: DrugHit) -> bool:
        if other.start < one.end:
            return True
        if other.start - one.end > _LIST_GAP or view.sentence_at(one.start) != view.sentence_at(other.start):
            return False
        if view.text[one.end : other.start].strip() == "," and self.list_break.match(
            view.text[other.end :][:_LIST_GAP]
        ):
            return False
        return bool(self.list_join.fullmatch(view.text, one.end, other.start))

    def _of_list(self, view: NoteView, group: list[DrugHit]) -> Iterator[Mention]:
        start, end = group[0].start, max(drug.end for drug in group)
        sentence = view.sentence_at(start)
        if self._is_general(view, sentence):
            return
        assertion = self.course.assertion_of(view, start, end)
        if assertion is not Assertion.ABSENT and self._is_of_other_illness(view, sentence):
            return
        when, told = date_treatment(view, FIELD, start, end, assertion)
        attributes = {**self._attributes(view, start), **told}
        for drug in group:
            yield Mention(
                FIELD,
                drug.generic,
                drug.start,
                drug.end,
                rule=f"systemic_therapy.{drug.rule}",
                assertion=assertion,
                date=when,
                attributes={**attributes, "class": drug.therapy_class},
                confidence=0.75 if drug.rule in {"typo", "short"} else 0.9,
            )

    def _classes(self, view: NoteView, drugs: list[DrugHit], named: list[Mention]) -> Iterator[Mention]:
        known = {(drug.generic): {drug.group, drug.therapy_class} for drug in drugs}
        lists = [frozenset(drug.group for drug in group) for group in self._lists(view, drugs)]
        for one in self.classes:
            covering = [
                mention for mention in named if known[mention.value] & one.covers or self._is_meant(view, mention, one)
            ]
            covered = {mention.assertion for mention in covering}
            for match in one.regex.finditer(view.text):
                start, end = match.span()
                if view.is_masked(start, end) or self._is_no_treatment(view, start, end):
                    continue
                if self._has_name(view, [drug for drug in drugs if one.may_be(drug)], start, end):
                    continue
                assertion = self.course.assertion_of(view, start, end)
                if assertion is not Assertion.ABSENT and self._is_of_other_illness(view, view.sentence_at(start)):
                    continue
                is_heading = assertion is None and self.course.is_heading(view, start, end)
                refused = assertion is Assertion.ABSENT
                near = (
                    {other.assertion for other in covering if abs(other.start - start) <= _NEAR} if refused else covered
                )
                if is_heading or (
                    self._is_named(assertion, near) and not self._is_own_doublet(view, drugs, lists, one, (start, end))
                ):
                    continue
                when, told = date_treatment(view, FIELD, start, end, assertion)
                yield Mention(
                    FIELD,
                    one.value,
                    start,
                    end,
                    rule=f"systemic_therapy.class.{one.value.replace(' ', '_')}",
                    assertion=assertion,
                    date=when,
                    attributes={**told, "class": one.value},
                    confidence=0.7,
                )

    def _has_name(self, view: NoteView, drugs: list[DrugHit], start: int, end: int) -> bool:
        """Whether the drug itself stands in or right beside the words ("chemotherapy with topotecan", "PD-L1 inhibitor (X)")."""
        for drug in drugs:
            first, second = sorted(((start, end), (drug.start, drug.end)))
            if second[0] < first[1]:
                return True
            if second[0] - first[1] <= _LIST_GAP and self.apposition.fullmatch(view.text, first[1], second[0]):
                return True
        return False

    def _is_own_doublet(
        self, view: NoteView, drugs: list[DrugHit], lists: list[frozenset[str]], one: _DrugClass, span: tuple[int, int]
    ) -> bool:
        """Whether the class is told as one half of a pair ("platinum/etoposide") that no list of named drugs makes up."""
        for drug in drugs:
            first, second = sorted((span, (drug.start, drug.end)))
            joint = view.text[first[1] : max(first[1], second[0])]
            if self.pair_join.fullmatch(joint) and not {drug.group, drug.therapy_class} & one.covers:
                return bool(one.covers) and not any(drug.group in made and made & one.covers for made in lists)
        return False

    def _is_meant(self, view: NoteView, mention: Mention, one: _DrugClass) -> bool:
        """Whether the drug stands as the name of the class ("anti-PD-L1 (MPDL3280A)")."""
        before = view.text[max(0, mention.start - _LIST_GAP) : mention.start]
        return any(self.apposition.fullmatch(before, match.end()) for match in one.regex.finditer(before))

    def _is_named(self, assertion: Assertion | None, covered: set[Assertion | None]) -> bool:
        """Whether a drug of the class is named for this treatment: then the class is no fact (FIELDS, ruling 7)."""
        given = {None, Assertion.PRESENT}
        if assertion is Assertion.ABSENT:
            return Assertion.ABSENT in covered
        if assertion in given:
            return bool(covered & given)
        return bool(covered & {assertion, *given})

    def _is_no_treatment(self, view: NoteView, start: int, end: int) -> bool:
        sentence = view.sentence_at(start)
        before = view.text[max(sentence.start, start - 40) : start]
        after = view.text[end : min(len(view.text), end + 30)]
        return bool(
            self.never_before.search(before) or self.never_after.search(after) or self._is_general(view, sentence)
        )

    def _is_general(self, view: NoteView, sentence: Sentence) -> bool:
        """Whether the sentence is about nobody: about the drug, the disease, a trial."""
        return bool(self.general.search(view.text, sentence.start, sentence.end))

    def _is_of_other_illness(self, view: NoteView, sentence: Sentence) -> bool:
        """Whether the sentence is about another illness that such drugs treat."""
        return bool(self.not_cancer.search(view.text, sentence.start, sentence.end))

    def _attributes(self, view: NoteView, start: int) -> dict[str, object]:
        """The line of treatment, where it is said right before the drug."""
        sentence = view.sentence_at(start)
        found = list(self.line.finditer(view.text, max(sentence.start, start - 60), start))
        if not found:
            return {}
        number = self.line_numbers.get(found[-1]["line"].lower())
        return {"line": number} if number else {}


def build(rulebook: RuleBook) -> Extractor:
    """The extractor of `systemic_therapy`, its vocabulary indexed."""
    lexicon = Lexicon.of(rulebook, "therapy")
    classes = tuple(
        _DrugClass(
            str(row["value"]),
            _covered(row.get("covers")),
            lexicon.compiled(str(row["regex"])),
            row.get("named_by_its_own") is True,
        )
        for row in lexicon.rows("class")
    )
    return _Therapies(
        finder=DrugFinder.of(rulebook),
        course=CourseReader.of(rulebook),
        classes=classes,
        apposition=lexicon.pattern("apposition"),
        list_join=lexicon.pattern("list_join"),
        list_break=lexicon.pattern("list_break"),
        pair_join=lexicon.pattern("pair_join"),
        never_before=lexicon.pattern("class_never_before"),
        never_after=lexicon.pattern("class_never_after"),
        not_cancer=lexicon.pattern("not_cancer"),
        general=lexicon.pattern("general"),
        line=lexicon.pattern("line"),
        line_numbers=lexicon.numbers("line"),
    )


def _covered(value: object) -> frozenset[str]:
    return frozenset(str(one) for one in value) if isinstance(value, list) else frozenset()
