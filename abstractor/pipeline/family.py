"""Tells whether a stretch of a note is about a relative of the patient. The relatives and all other words stand in the rulebook."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from abstractor.pipeline.lexicon import Lexicon
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

_OF_DEATH = frozenset({"vital_status", "death_date"})
_RELATIVES = "sentences that name a relative"
"""Key in `NoteView.memo`."""
_NEAR = 60
"""Characters in front of a relative in which somebody may be said to speak to them."""


@dataclass(frozen=True)
class Family:
    """The words of `settings/person.toml`, with the relatives of the context rules."""

    blood: Expression
    """Relatives whose illness is told as theirs."""
    anybody: Expression
    """Anybody of the family, right in front of what is said of a death."""
    speaker_ahead: Expression
    story_behind: Expression
    patient: Expression
    """Words that come back to the patient."""
    woman: Expression
    man: Expression
    patient_after_woman: Expression
    patient_after_man: Expression

    @classmethod
    def from_rulebook(cls, rulebook: RuleBook) -> "Family":
        """Compiles the words."""
        words = Lexicon.of(rulebook, "person")
        others = [rule for rule in rulebook.context if rule.category == "other_experiencer"]
        blood = [term for rule in others if not rule.fields for term in rule.terms]
        anybody = [term for rule in others for term in rule.terms]
        return cls(
            blood=_one_of(blood, ""),
            anybody=_one_of(anybody, words.pattern("next_of_kin_behind").pattern),
            speaker_ahead=words.pattern("speaker_ahead"),
            story_behind=words.pattern("story_behind"),
            patient=words.pattern("patient"),
            woman=words.pattern("woman"),
            man=words.pattern("man"),
            patient_after_woman=words.pattern("patient_after_woman"),
            patient_after_man=words.pattern("patient_after_man"),
        )

    def tells_of(self, view: NoteView, offset: int, field: str) -> bool:
        """Whether the sentence has spoken of a relative and not come back to the patient before this offset, however many clauses lie between."""
        sentence = view.sentence_at(offset)
        ahead = view.text[sentence.start : offset]
        if field in _OF_DEATH and self.anybody.search(ahead):
            return True
        if not self._is_named(view, sentence):
            return False
        said = [match for match in self.blood.finditer(ahead) if self._is_their_story(ahead, match)]
        return bool(said) and not self._comes_back(ahead, said[-1])

    def _is_named(self, view: NoteView, sentence: Sentence) -> bool:
        """Whether the sentence names a relative at all, found out once a sentence."""
        known = view.memo.setdefault(_RELATIVES, {})
        assert isinstance(known, dict)
        if sentence.start not in known:
            known[sentence.start] = self.blood.search(view.text, sentence.start, sentence.end) is not None
        return bool(known[sentence.start])

    def _is_their_story(self, ahead: str, relative: re.Match[str]) -> bool:
        if self.speaker_ahead.search(ahead[max(0, relative.start() - _NEAR) : relative.start()]):
            return False
        return self.story_behind.match(ahead, relative.end()) is not None

    def _comes_back(self, ahead: str, relative: re.Match[str]) -> bool:
        if self.patient.search(ahead, relative.end()):
            return True
        if self.woman.fullmatch(relative[0]):
            return self.patient_after_woman.search(ahead, relative.end()) is not None
        return bool(self.man.fullmatch(relative[0]) and self.patient_after_man.search(ahead, relative.end()))


def _one_of(terms: Iterable[str], behind: str) -> Expression:
    words = "|".join(sorted(map(re.escape, terms), key=len, reverse=True)) or "(?!)"
    return compiled_expression(rf"\b(?:{words})\b{behind}", re.IGNORECASE)
