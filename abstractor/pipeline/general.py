"""Finds sentences that speak of a disease, of its patients at large or of the literature, which state nothing of this patient (ruling 1)."""

from dataclasses import dataclass

from abstractor.pipeline.lexicon import Lexicon
from abstractor.pipeline.sieve import Expression
from abstractor.pipeline.view import Sentence
from abstractor.rulebook.book import RuleBook


@dataclass(frozen=True)
class GeneralStatements:
    """The words of `settings/general.toml`."""

    general: Expression
    specific: Expression
    """A sentence with such a word is about somebody, whatever else stands in it."""

    @classmethod
    def from_rulebook(cls, rulebook: RuleBook) -> "GeneralStatements":
        """Compiles the words."""
        words = Lexicon.of(rulebook, "general")
        return cls(words.pattern("general"), words.pattern("specific"))

    def find(self, text: str, sentences: tuple[Sentence, ...]) -> tuple[tuple[int, int], ...]:
        """The stretches of such sentences, in order."""
        return tuple(
            (one.start, one.end)
            for one in sentences
            if self.general.search(text, one.start, one.end) and not self.specific.search(text, one.start, one.end)
        )
