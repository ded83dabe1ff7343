"""Extracts `response`: how a note judges the course of the cancer, in RECIST words, plain words or measurements.

Every value stated of any lesion or of the whole is one mention (FIELDS, ruling 8). Changes of effusions, markers, symptoms
and other illnesses are none. The words stand in `rules/settings/response.toml`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from abstractor.model.finding import Assertion
from abstractor.pipeline.course import CourseReader
from abstractor.pipeline.lexicon import Lexicon, Phrase
from abstractor.pipeline.measurements import MeasurementReader
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.pipeline.wording import stems
from abstractor.rulebook.book import RuleBook

FIELD = "response"
_NOTHING = "none"
"""Value of phrases that only keep others from being read into their place."""
_ABBREVIATED = "response.abbreviated."
_NEAR = 45
_BEHIND = 50
_LONG = 1000
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


@dataclass(frozen=True, slots=True)
class _Cue:
    """Words near a judgement that say whether it holds."""

    status: Assertion | None
    """None: the judgement is nobody's."""
    side: str
    """`before`, `behind` (in its clause) or `sentence`."""
    regex: Expression
    value: str | None = None
    """For this value only."""
    with_words: Expression | None = None
    """Holds only where this stands in the sentence too."""

    @classmethod
    def of(cls, lexicon: Lexicon, row: Mapping[str, object]) -> "_Cue":
        words = lexicon.any_of(row.get("words")).pattern
        if isinstance(marks := row.get("marks"), str):
            words = f"(?:{words}|{re.escape(marks)})"
        reach = row["reach"] if isinstance(row.get("reach"), int) else 0
        side = str(row["side"])
        around = {
            "before": words + (rf"[^.;]{{0,{reach}}}$" if reach else r"[\s-]{0,3}$"),
            "behind": rf"^[^.;]{{0,{reach}}}?{words}",
        }
        status = str(row["assertion"])
        return cls(
            status=None if status == "silent" else Assertion(status),
            side=side,
            regex=compiled_expression(around.get(side, words), re.IGNORECASE),
            value=str(row["value"]) if "value" in row else None,
            with_words=lexicon.any_of(row["with_words"]) if "with_words" in row else None,
        )

    def holds(self, text: str, clause: tuple[int, int], sentence: Sentence, one: _Candidate) -> bool:
        if self.value not in (None, one.value):
            return False
        if self.side == "sentence":
            return bool(self.regex.search(text, sentence.start, sentence.end))
        stretch = text[clause[0] : one.start] if self.side == "before" else text[one.end : clause[1]]
        if not self.regex.search(stretch):
            return False
        return self.with_words is None or bool(self.with_words.search(text, sentence.start, sentence.end))


@dataclass(frozen=True)
class _Abbreviations:
    """Abbreviated judgements ("PR", "SD"): they count only between words of certain kinds."""

    regex: Expression
    before: Expression
    behind: Expression
    not_before: Expression
    not_behind: Expression

    @classmethod
    def of(cls, lexicon: Lexicon) -> "_Abbreviations":
        table = lexicon.table("abbreviation")
        words = {key: lexicon.any_of(table.get(key)).pattern for key in table}
        return cls(
            regex=compiled_expression(rf"(?<![/+-]){words['words']}(?![+])"),
            before=compiled_expression(
                rf"(?:{words['before']}[ :=,-]*|[->:=(,;/→\"] ?|\d[/.]\d{{2,4}}[ :,-]*|^\W*(?:\d{{1,2}}[.)]\s*)?)$",
                re.IGNORECASE,
            ),
            behind=compiled_expression(rf"^(?: ?{words['behind']}| ?(?:[(,;.)/→>]|->)|\s*$)", re.IGNORECASE),
            not_before=compiled_expression(
                rf"(?:{words['not_before']} ?[/(,-]? ?|(?<![/.\d])\d{{1,4}} ?[/(]?|±|\bAM )$", re.IGNORECASE
            ),
            not_behind=compiled_expression(
                rf"^(?:[-/]?L?-?1\b| ?{words['not_behind']}|[+]|-ve| ?=? ?\d+(?:\.\d+)? ?(?:ms|mg|mm|cm)\b)",
                re.IGNORECASE,
            ),
        )

    def found(self, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        for match in self.regex.finditer(text, start, end):
            begin, stop = match.span()
            head, tail = text[max(start, begin - _NEAR) : begin], text[stop : min(end, stop + 30)]
            if self.not_behind.search(tail) or self.not_before.search(head):
                continue
            if self.before.search(head) and self.behind.search(tail):
                yield begin, stop


@dataclass(frozen=True)
class _Subjects:
    """What a word of change is said of."""

    tumour: Expression
    other: Expression
    other_behind: Expression
    """Straight behind the words."""
    none_before: Expression
    """"No evidence of", straight before the words."""
    sized: Expression
    not_sized: Expression


@dataclass(frozen=True)
class _Phrases:
    """The phrases in the order of their rank, found by the beginnings of their words."""

    all: tuple[Phrase, ...]
    by_stem: Mapping[str, tuple[int, ...]]
    always: tuple[int, ...]
    """Those of whose words nothing can be said."""

    @classmethod
    def of(cls, phrases: tuple[Phrase, ...]) -> "_Phrases":
        by_stem: dict[str, list[int]] = {}
        always: list[int] = []
        for index, phrase in enumerate(phrases):
            if not phrase.hints:
                always.append(index)
                continue
            for stem in min(phrase.hints, key=len):
                by_stem.setdefault(stem, []).append(index)
        return cls(phrases, {stem: tuple(indexes) for stem, indexes in by_stem.items()}, tuple(always))

    def worth_a_search(self, sentence: str) -> Iterator[Phrase]:
        """The phrases whose words a sentence may hold."""
        there = stems(sentence)
        near = {index for stem in there & self.by_stem.keys() for index in self.by_stem[stem]}
        missing: dict[frozenset[str], bool] = {}
        for index in sorted(near.union(self.always)):
            phrase = self.all[index]
            for wanted in phrase.hints:
                if wanted not in missing:
                    missing[wanted] = there.isdisjoint(wanted)
                if missing[wanted]:
                    break
            else:
                yield phrase


@dataclass(frozen=True)
class _Responses:
    phrases: _Phrases
    abbreviations: _Abbreviations
    course: CourseReader
    measurements: MeasurementReader
    subjects: _Subjects
    cues: tuple[_Cue, ...]
    clause_end: Expression
    goes_on: Expression
    """How a negation goes on ("no recurrence or progression")."""
    change_words: frozenset[str]
    """Phrases whose own words name the tumour: other subjects in them are a veto."""
    other_illness: Expression

    def __call__(self, view: NoteView) -> Iterable[Mention]:
        return [
            one
            for sentence in view.sentences
            for piece in _pieces(view.text, sentence)
            for one in self._of_sentence(view, piece)
        ]

    def _of_sentence(self, view: NoteView, sentence: Sentence) -> Iterator[Mention]:
        text, start, end = view.text, sentence.start, sentence.end
        found = [*self._phrases(text, start, end)]
        found += self._abbreviated(text, start, end, found)
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
        for phrase in self.phrases.worth_a_search(text[start:end]):
            for match in phrase.regex.finditer(text, start, end):
                begin, stop = _trimmed(match)
                if any(begin < other_end and other_start < stop for other_start, other_end in taken):
                    continue
                clause = self._clause(text, start, end, begin, stop)
                if phrase.unless and phrase.unless.search(text[clause[0] : clause[1]]):
                    continue
                if self._is_of_nothing(text, clause, phrase, begin):
                    continue
                if phrase.value != _NOTHING and self._is_of_something_else(text, clause, phrase, begin, stop):
                    continue
                taken.append((begin, stop))
                yield _Candidate(phrase.id, phrase.value, begin, min(stop, begin + _SPAN), phrase.assertion, 0.85)

    def _is_of_nothing(self, text: str, clause: tuple[int, int], phrase: Phrase, start: int) -> bool:
        """Whether the lesion in the phrase is said not to be there ("patent without tumour involvement, unchanged")."""
        if phrase.id not in self.change_words or phrase.value == "PD":
            return False
        return bool(self.subjects.none_before.search(text[clause[0] : start]))

    def _is_of_something_else(self, text: str, clause: tuple[int, int], phrase: Phrase, start: int, end: int) -> bool:
        if phrase.id in self.change_words and self.subjects.other.search(text, start, end):
            return True
        if self.subjects.other_behind.search(text[end : end + _BEHIND]):
            return True
        head = text[max(clause[0], start - _NEAR) : start]
        others = list(self.subjects.other.finditer(head))
        if not others:
            return False
        if phrase.id in self.change_words and not head[others[-1].end() :].strip():
            return True
        if self.subjects.tumour.search(text, start, end):
            return False
        return not self.subjects.tumour.search(head, others[-1].end())

    def _abbreviated(self, text: str, start: int, end: int, found: list[_Candidate]) -> Iterator[_Candidate]:
        for begin, stop in self.abbreviations.found(text, start, end):
            if not any(begin < one.end and one.start < stop for one in found):
                value = text[begin:stop]
                yield _Candidate(_ABBREVIATED + value, value, begin, stop, None, 0.7)

    def _measured(self, text: str, start: int, end: int) -> Iterator[_Candidate]:
        for one in self.measurements.comparisons(text, start, end):
            value = self.measurements.judged(one)
            clause = self._clause(text, start, end, one.start, one.end)
            words = text[max(clause[0], one.start - 2 * _NEAR) : min(clause[1], one.end + _NEAR)]
            of_tumour = self.subjects.tumour.search(words) or self.subjects.sized.search(words)
            if value and of_tumour and not self.subjects.not_sized.search(words):
                yield _Candidate(one.rule, value, one.start, one.end, Assertion.PRESENT, 0.7)

    def _scope(self, text: str, start: int, end: int, one: _Candidate) -> tuple[int, int]:
        """Where words may stand that modify the judgement: its clause; for an abbreviation, its member of a list."""
        first, last = self._clause(text, start, end, one.start, one.end)
        if not one.phrase.startswith(_ABBREVIATED):
            return first, last
        comma = text.find(",", one.end, last)
        return max(first, text.rfind(",", first, one.start) + 1), comma if comma >= 0 else last

    def _clause(self, text: str, start: int, end: int, begin: int, stop: int) -> tuple[int, int]:
        first = max((match.end() for match in self.clause_end.finditer(text, start, begin)), default=start)
        last = self.clause_end.search(text, stop, end)
        return first, last.start() if last else end

    def _assertion(
        self, view: NoteView, sentence: Sentence, one: _Candidate, denied: list[_Candidate]
    ) -> "Assertion | object | None":
        """Present, absent, … from the words around; None where they say nothing; `_SILENT` for what is nobody's judgement."""
        text = view.text
        clause = self._scope(text, sentence.start, sentence.end, one)
        near = max(clause[0], one.start - _NEAR), min(clause[1], one.end + _NEAR)
        if self.other_illness.search(text, *near) and not self.subjects.tumour.search(text, one.start, one.end):
            return _SILENT
        if self.course.is_elsewhere(view, one.start, one.end):
            return Assertion.HISTORICAL
        for cue in self.cues:
            if one.assertion is not None and cue.status is Assertion.UNCERTAIN:
                continue
            if cue.holds(text, clause, sentence, one):
                return _SILENT if cue.status is None else cue.status
        if one.assertion is not None:
            return one.assertion
        if one.value == "PD" and any(self._continues(text, other, one) for other in denied):
            return Assertion.ABSENT
        return None

    def _continues(self, text: str, denied: _Candidate, one: _Candidate) -> bool:
        """Whether the negation goes on ("no recurrence or progression")."""
        between = text[denied.end : one.start]
        return denied.end <= one.start and bool(self.goes_on.fullmatch(between))


_SILENT = object()
"""What somebody fears or what is true in general is no judgement of this patient's cancer."""


def _pieces(text: str, sentence: Sentence) -> Iterator[Sentence]:
    """A sentence, cut at blanks where it is longer than anybody writes (a note without a full stop): keeps the time in bounds."""
    start = sentence.start
    while sentence.end - start > _LONG:
        blank = text.rfind(" ", start, start + _LONG)
        stop = blank if blank > start else start + _LONG
        yield Sentence(start, stop)
        start = stop
    yield Sentence(start, sentence.end)


def _trimmed(match: re.Match[str]) -> tuple[int, int]:
    written = match[0]
    start = match.start() + len(written) - len(written.lstrip())
    return start, match.end() - (len(written) - len(written.rstrip(" \n\t,;:")))


def build(rulebook: RuleBook) -> Extractor:
    """The extractor of `response`."""
    lexicon = Lexicon.of(rulebook, "response")
    lists = lexicon.table("lists")
    words = {name: lexicon.any_of(lists.get(name)) for name in ("tumour", "not_tumour", "sized", "not_sized")}
    behind = lexicon.any_of([*_listed(lists, "not_tumour"), *_listed(lists, "not_tumour_behind")]).pattern
    breaks = lexicon.any_of(lists.get("clause_end")).pattern
    after_comma = lexicon.any_of(lists.get("behind_comma")).pattern
    goes_on = lexicon.any_of(lists.get("goes_on")).pattern
    return _Responses(
        phrases=_Phrases.of(lexicon.phrases("phrase")),
        abbreviations=_Abbreviations.of(lexicon),
        course=CourseReader.of(rulebook),
        measurements=MeasurementReader.of(rulebook),
        subjects=_Subjects(
            tumour=words["tumour"],
            other=words["not_tumour"],
            other_behind=compiled_expression(
                rf"^ (?:(?:of|in|to|from) (?:the |her |his |their |a |any ){{0,2}}(?:\w+ ){{0,3}}?)?{behind}",
                re.IGNORECASE,
            ),
            none_before=compiled_expression(lexicon.any_of(lists.get("nothing_of")).pattern + r"\s*$", re.IGNORECASE),
            sized=words["sized"],
            not_sized=words["not_sized"],
        ),
        cues=tuple(_Cue.of(lexicon, row) for row in lexicon.rows("cue")),
        clause_end=compiled_expression(rf";|\.\s|{breaks}|,(?=\s{after_comma})", re.IGNORECASE),
        goes_on=compiled_expression(rf"[^.;]{{0,60}}?{goes_on}[^.;]{{0,30}}?", re.IGNORECASE),
        change_words=lexicon.words("change_words"),
        other_illness=Lexicon.of(rulebook, "illness").pattern("not_cancer"),
    )


def _listed(lists: Mapping[str, object], name: str) -> list[object]:
    listed = lists.get(name, [])
    return listed if isinstance(listed, list) else []
