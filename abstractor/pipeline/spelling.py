"""Reads long words in spite of a wrong letter: "chemotherpy", "metastises", "smal cell". Evidence stays as it was typed.

Only the words of `rules/settings/spelling.toml` are put right, and only where what is written is no word of its own: no drug, no word of the
context rules, none of the words that are listed as never meant. Names of genes, stages and words that deny have no long words here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rapidfuzz.distance import OSA

from abstractor.pipeline.edits import Edit, Edited, edited
from abstractor.pipeline.lexicon import Lexicon
from abstractor.pipeline.sieve import Gate
from abstractor.rulebook.book import RuleBook

NAME = "spelling"
_SHORTEST = 7
"""Shorter words are too close to other words."""
_TWICE = 10
"""From this length on two letters may be wrong."""
_LONGEST = 24
_ROOT = 6
"""Words with this many letters in common are forms of one word."""
_WORD = re.compile(rf"(?<![\w@.\\])[A-Za-z]{{{_SHORTEST},{_LONGEST}}}(?![\w@])")
_MIXED = re.compile(r"(?<![\w@.\\-])(?=[A-Za-z]*[015][A-Za-z015]*(?![\w@-]))(?=(?:[015]*[A-Za-z]){2})[A-Za-z015]{4,24}")
_SCANNED = re.compile(r"(?i:[a-z][015]|[015][a-z])")
"""A letter beside such a digit."""
_LETTERS = (str.maketrans("015", "ols"), str.maketrans("015", "ois"))
"""What a scanner takes for digits."""
_MOST_REMEMBERED = 20_000


@dataclass(frozen=True)
class Speller:
    """The words that matter, ready to look up."""

    known: dict[str, tuple[str, ...]]
    """First letter to the words that begin with it, in the order of the file."""
    words: frozenset[str]
    """Words that stand as they are: the known ones and those of their own."""
    short: frozenset[str]
    """Words that are put right only where a digit stands for one of their letters."""
    phrases: dict[str, str]
    phrase: re.Pattern[str]
    gate: Gate
    """Tells whether any of the phrases may be there."""
    guesses: dict[str, str | None] = field(default_factory=dict)
    """Word to what it misspells, remembered; bounded."""

    @classmethod
    def from_rulebook(cls, rulebook: RuleBook) -> "Speller":
        """Collects the words of the settings, and those that are never misspellings."""
        lexicon = Lexicon.of(rulebook, NAME)
        listed = lexicon.table("words").get("known", [])
        ordered = [str(word).lower() for word in listed] if isinstance(listed, list) else []
        known: dict[str, tuple[str, ...]] = {}
        for word in ordered:
            known[word[0]] = (*known.get(word[0], ()), word)
        phrases = {str(written).lower(): str(meant) for written, meant in lexicon.table("misspelt").items()}
        written = "|".join(r"\s".join(map(re.escape, one.split())) for one in sorted(phrases, key=len, reverse=True))
        expression = rf"(?<![\w-])(?:{written or '(?!)'})(?!\w)"
        return cls(
            known,
            frozenset(ordered) | lexicon.words("never") | _own_words(rulebook),
            lexicon.words("short"),
            phrases,
            re.compile(expression, re.IGNORECASE),
            Gate({"phrase": (expression, re.IGNORECASE)}),
        )

    def corrected(self, text: str) -> Edited:
        """The text with its misspelt words put right; the very text where there are none."""
        return edited(text, self._apart(text))

    def is_word(self, word: str) -> bool:
        """Whether a word, in lower case, is one that matters, or a name known to the rules."""
        return word in self.words

    def _apart(self, text: str) -> Iterator[Edit]:
        done = 0
        for start, end, meant in sorted(self._edits(text)):
            if start >= done:
                yield start, end, _cased(meant, text[start:end])
                done = end

    def _edits(self, text: str) -> Iterator[Edit]:
        for match in self.phrase.finditer(text) if self.gate.open_to(text) else ():
            yield *match.span(), self.phrases[" ".join(match[0].lower().split())]
        for match in _MIXED.finditer(text) if _SCANNED.search(text) else ():
            meant = self._without_digits(match[0].lower())
            if meant is not None:
                yield *match.span(), meant
        written = set(map(str.lower, _WORD.findall(text))) - self.words
        if not any(self.meant(word) for word in written):
            return
        for match in _WORD.finditer(text):
            lowered = match[0].lower()
            meant = self.meant(lowered) if lowered in written else None
            if meant is not None:
                yield *match.span(), meant

    def meant(self, word: str) -> str | None:
        """The known word that a word (lower case, none of its own) misspells; None where it is nothing like one, or like several."""
        if word not in self.guesses:
            if len(self.guesses) >= _MOST_REMEMBERED:
                self.guesses.clear()
            self.guesses[word] = self._nearest(word)
        return self.guesses[word]

    def _nearest(self, word: str) -> str | None:
        joined = word.replace("rn", "m")  # what a scanner makes of an m
        if joined != word and joined in self.known.get(joined[0], ()):
            return joined
        most = 2 if len(word) >= _TWICE else 1
        near: list[tuple[int, str]] = []
        for one in self.known.get(word[0], ()):
            if abs(len(one) - len(word)) > most:
                continue
            distance = OSA.distance(word, one, score_cutoff=most)
            if distance <= most and _is_slip(word, one, distance):
                near.append((distance, one))
        best = min((distance for distance, _ in near), default=0)
        first = [one for distance, one in near if distance == best]
        return first[0] if len({one[:_ROOT] for one in first}) == 1 else None

    def _without_digits(self, word: str) -> str | None:
        for letters in _LETTERS:
            plain = word.translate(letters)
            if plain in self.short or plain in self.known.get(plain[0], ()):
                return plain
        return None


def _is_slip(word: str, known: str, distance: int) -> bool:
    """Whether the difference is a slip, and no other ending or beginning that makes another word of it."""
    longer = max(len(word), len(known))
    alike = next((index for index, (one, other) in enumerate(zip(word, known, strict=False)) if one != other), None)
    if alike is None or alike >= longer - distance - (distance > 1):
        return False
    return len(known) >= _SHORTEST and (distance == 1 or (word[:2] == known[:2] and len(known) >= _TWICE))


def _cased(meant: str, written: str) -> str:
    if written.isupper():
        return meant.upper()
    return meant[0].upper() + meant[1:] if written[0].isupper() else meant


def _own_words(rulebook: RuleBook) -> frozenset[str]:
    """Names of drugs, and the words of the context rules."""
    drugs = (name for drug in rulebook.drugs() for name in (drug.generic, *drug.brands, *drug.synonyms))
    terms = (term for rule in rulebook.context for term in rule.terms)
    return frozenset(word for text in (*drugs, *terms) for word in re.findall(r"[a-z]+", text.lower()))
