"""Extracts `ecog` and `kps`: the performance status where a number is stated, never from how somebody is described."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from abstractor.model.finding import Assertion
from abstractor.pipeline.lexicon import Lexicon
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.sieve import Expression
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

_AHEAD = 60
"""Characters in front of a score in which a condition may stand."""


@dataclass(frozen=True)
class _Performance:
    trigger: Expression
    other_sentence: Expression
    condition_ahead: Expression
    alone: Expression
    sections: frozenset[str]
    """Those of which a line may hold the score and nothing else."""
    ecog: tuple[Expression, ...]
    kps: tuple[Expression, ...]
    words: Mapping[str, int]

    def __call__(self, view: NoteView) -> Iterable[Mention]:
        for sentence in view.sentences:
            yield from self._alone(view, sentence)
            if not self.trigger.search(view.text, sentence.start, sentence.end):
                continue
            if self.other_sentence.search(view.text, sentence.start, sentence.end):
                continue
            yield from self._scores(view, sentence, "ecog", self.ecog)
            yield from self._scores(view, sentence, "kps", self.kps)

    def _alone(self, view: NoteView, sentence: Sentence) -> Iterator[Mention]:
        if view.section_at(sentence.start) not in self.sections:
            return
        match = self.alone.fullmatch(view.text, sentence.start, sentence.end)
        if match is None:
            return
        for value in self._values("ecog", match["value"]):
            yield Mention("ecog", value, *match.span("value"), "performance.ecog", assertion=Assertion.PRESENT)

    def _scores(
        self, view: NoteView, sentence: Sentence, field: str, regexes: tuple[Expression, ...]
    ) -> Iterator[Mention]:
        taken: list[tuple[int, int]] = []
        for regex in regexes:
            for match in regex.finditer(view.text, sentence.start, sentence.end):
                place = match.span("value")
                if any(place[0] < end and start < place[1] for start, end in taken):
                    continue
                taken.append(place)
                ahead = view.text[max(sentence.start, match.start() - _AHEAD) : match.start()]
                planned = Assertion.HYPOTHETICAL if self.condition_ahead.search(ahead) else Assertion.PRESENT
                for value in self._values(field, match["value"]):
                    yield Mention(field, value, *match.span("evidence"), f"performance.{field}", assertion=planned)

    def _values(self, field: str, stated: str) -> tuple[str, ...]:
        """Both ends of a range; of Karnofsky, whole tens up to 100."""
        if field == "kps":
            numbers = [int(one) for one in re.findall(r"\d+", stated)]
            return tuple(dict.fromkeys(str(one) for one in numbers if one <= 100 and one % 10 == 0))
        word = self.words.get(stated.strip().lower())
        return (str(word),) if word is not None else tuple(dict.fromkeys(re.findall(r"[0-5]", stated)))


def build(rulebook: RuleBook) -> Extractor:
    """The extractor of both fields."""
    words = Lexicon.of(rulebook, "performance")

    def compiled(key: str) -> tuple[Expression, ...]:
        listed = [row["regex"] for row in words.rows(key)]
        return tuple(words.compiled(str(one)) for group in listed if isinstance(group, list) for one in group)

    return _Performance(
        trigger=words.pattern("trigger"),
        other_sentence=words.pattern("other_sentence"),
        condition_ahead=words.pattern("condition_ahead"),
        alone=words.pattern("alone"),
        sections=words.words("sections"),
        ecog=compiled("ecog"),
        kps=compiled("kps"),
        words=words.numbers("word"),
    )
