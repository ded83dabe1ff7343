"""Finds the names of anticancer drugs: generic and brand names, short forms, misspellings, regimens and trial codes.

Says which words name which drug, never whether it was given: that is `therapy.py`. Supportive drugs are known so that they
are not mistaken for anything else.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from rapidfuzz.distance import OSA

from abstractor.pipeline.lexicon import Lexicon
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.view import NoteView
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import Drug, Regimen

_TOKEN = compiled_expression(r"[^\W_]+")
_GAP = compiled_expression(r"[\s/-]{0,2}")
_MOST_REMEMBERED = 20_000
"""Unknown words whose guesses are kept."""
_TYPO_LENGTH = 7
"""Shorter names are never matched with a misspelling."""

PLATINUM = "platinum"
SUPPORTIVE = "supportive"
TRIAL = "trial"
"""Class of a drug that is known by its code alone."""


@dataclass(frozen=True, slots=True)
class DrugHit:
    """A drug named at one place of a note; a regimen gives one hit a drug, all at the same place."""

    generic: str
    group: str
    therapy_class: str
    start: int
    end: int
    rule: str
    """How it was recognised: name, short, typo, regimen, code."""


@dataclass(frozen=True, slots=True)
class _Name:
    """One way to write one drug."""

    tokens: tuple[str, ...]
    drug: Drug
    short: bool
    exact: str | None
    """The spelling that must be met to the letter; None: any case."""


@dataclass(frozen=True)
class DrugFinder:
    """The vocabulary, indexed for one pass over the tokens of a sentence."""

    names: dict[str, tuple[_Name, ...]]
    """First token to the names that begin with it, the longest first."""
    typos: dict[str, tuple[str, ...]]
    """A name with one letter left out to the names it may stand for."""
    never_typos: frozenset[str]
    regimens: tuple[tuple[Expression, Regimen, tuple[Drug, ...]], ...]
    any_regimen: Expression
    code: Expression
    among_drugs: Expression
    short_never_before: Expression
    regimen_before: Expression
    regimen_after: Expression
    regimen_never: Expression
    guesses: dict[str, str | None] = field(default_factory=dict)
    """Token to the name it misspells, remembered; bounded by `_guess`."""

    @classmethod
    def of(cls, rulebook: RuleBook) -> "DrugFinder":
        """Indexes drugs.csv and regimens.csv."""
        lexicon = Lexicon.of(rulebook, "therapy")
        names: dict[str, list[_Name]] = {}
        by_generic = {drug.generic: drug for drug in rulebook.drugs()}
        for drug in by_generic.values():
            for name in _names(drug):
                names.setdefault(name.tokens[0], []).append(name)
        single = {
            name.tokens[0] for listed in names.values() for name in listed if len(name.tokens) == 1 and not name.short
        }
        typos: dict[str, list[str]] = {}
        for word in sorted(single):
            if len(word) >= _TYPO_LENGTH:
                for key in _without_one(word):
                    typos.setdefault(key, []).append(word)
        regimens = [
            (compiled_expression(rf"(?<![\w/-]){re.escape(regimen.code)}(?![\w])"), regimen, drugs)
            for regimen in rulebook.regimens()
            if (drugs := tuple(by_generic[name] for name in regimen.drugs if name in by_generic))
        ]
        return cls(
            names={first: tuple(sorted(listed, key=lambda one: -len(one.tokens))) for first, listed in names.items()},
            typos={key: tuple(words) for key, words in typos.items()},
            never_typos=lexicon.words("never_typos"),
            regimens=tuple(sorted(regimens, key=lambda one: -len(one[1].code))),
            any_regimen=compiled_expression("|".join(pattern.pattern for pattern, _, _ in regimens) or "(?!)"),
            code=lexicon.pattern("trial_code"),
            among_drugs=lexicon.pattern("among_drugs"),
            short_never_before=lexicon.pattern("short_never_before"),
            regimen_before=lexicon.pattern("regimen_before"),
            regimen_after=lexicon.pattern("regimen_after"),
            regimen_never=lexicon.pattern("regimen_never"),
        )

    def in_text(self, text: str, offset: int = 0) -> list[DrugHit]:
        """The drugs named in a stretch of text, in order; `offset` is added to all positions."""
        tokens = [(match[0], match.start(), match.end()) for match in _TOKEN.finditer(text)]
        sure: list[DrugHit] = []
        short: list[DrugHit] = []
        index = 0
        while index < len(tokens):
            found, length = self._name_at(text, tokens, index)
            if found is None:
                index += 1
                continue
            start, end = tokens[index][1], tokens[index + length - 1][2]
            name, rule = found
            hit = DrugHit(name.drug.generic, name.drug.group, name.drug.therapy_class, start, end, rule)
            (short if name.short else sure).append(hit)
            index += length
        sure.extend(self._codes(text))
        sure.extend(self._regimens(text, [*sure, *short]))
        sure.extend(self._confirmed(text, short, sure))
        sure.sort(key=lambda one: (one.start, one.end))
        return [
            DrugHit(one.generic, one.group, one.therapy_class, one.start + offset, one.end + offset, one.rule)
            for one in sure
        ]

    def _name_at(
        self, text: str, tokens: list[tuple[str, int, int]], index: int
    ) -> tuple[tuple[_Name, str] | None, int]:
        word = tokens[index][0].lower()
        rule = "name"
        names = self.names.get(word)
        if names is None and len(word) >= _TYPO_LENGTH:
            guess = self._guess(word)
            if guess is not None:
                names, rule = self.names[guess], "typo"
        for name in names or ():
            length = len(name.tokens)
            part = tokens[index : index + length]
            if len(part) < length or (length > 1 and not _same(text, part, name.tokens)):
                continue
            if name.exact is not None and text[part[0][1] : part[-1][2]] != name.exact:
                continue
            return (name, rule), length
        return None, 1

    def _guess(self, word: str) -> str | None:
        if word not in self.guesses:
            if len(self.guesses) > _MOST_REMEMBERED:
                self.guesses.clear()
            self.guesses[word] = None if word in self.never_typos else self._misspelt(word)
        return self.guesses[word]

    def _misspelt(self, word: str) -> str | None:
        candidates = {name for key in (word, *_without_one(word)) for name in self.typos.get(key, ())}
        near = sorted(name for name in candidates if OSA.distance(word, name, score_cutoff=1) <= 1)
        return near[0] if near else None

    def _codes(self, text: str) -> Iterator[DrugHit]:
        for match in self.code.finditer(text):
            yield DrugHit(" ".join(match[0].lower().split()), TRIAL, TRIAL, match.start(), match.end(), "code")

    def _regimens(self, text: str, named: list[DrugHit]) -> Iterator[DrugHit]:
        taken: list[tuple[int, int]] = []
        for pattern, regimen, drugs in self.regimens if self.any_regimen.search(text) else ():
            for match in pattern.finditer(text):
                start, end = match.span()
                if any(start < other_end and other_start < end for other_start, other_end in taken):
                    continue
                if not (regimen.safe or self._is_regimen(text, start, end, named)):
                    continue
                taken.append((start, end))
                for drug in drugs:
                    yield DrugHit(drug.generic, drug.group, drug.therapy_class, start, end, "regimen")

    def _is_regimen(self, text: str, start: int, end: int, named: list[DrugHit]) -> bool:
        if self.regimen_never.search(text):
            return False
        beside = any(0 <= one.start - end <= 3 or 0 <= start - one.end <= 3 for one in named)
        return beside or bool(
            self.regimen_before.search(text[max(0, start - 40) : start])
            or self.regimen_after.match(text[end : end + 40])
        )

    def _confirmed(self, text: str, short: list[DrugHit], sure: list[DrugHit]) -> Iterator[DrugHit]:
        """Short forms that stand among drugs, cycles or doses."""
        for hit in short:
            others = [one for one in (*short, *sure) if one is not hit]
            beside = any(0 <= one.start - hit.end <= 5 or 0 <= hit.start - one.end <= 5 for one in others)
            if self.short_never_before.search(text[max(0, hit.start - 4) : hit.start]):
                continue
            near = text[max(0, hit.start - 40) : hit.end + 40]
            if beside or self.among_drugs.search(near):
                yield DrugHit(hit.generic, hit.group, hit.therapy_class, hit.start, hit.end, "short")


def drugs_of(finder: DrugFinder, view: NoteView) -> tuple[DrugHit, ...]:
    """The drugs named in a note, worked out once a note."""
    known = view.memo.get("drugs")
    if not isinstance(known, tuple):
        known = tuple(
            hit
            for sentence in view.sentences
            for hit in finder.in_text(view.words(sentence.start, sentence.end), sentence.start)
        )
        view.memo["drugs"] = known
    return known


def without_supportive(hits: Iterable[DrugHit]) -> list[DrugHit]:
    """Drugs against cancer only."""
    return [hit for hit in hits if hit.therapy_class != SUPPORTIVE]


def _names(drug: Drug) -> Iterator[_Name]:
    for spelling in dict.fromkeys((drug.generic, *drug.brands, *drug.synonyms)):
        if tokens := tuple(_TOKEN.findall(spelling.lower())):
            yield _Name(tokens, drug, short=False, exact=None)
    for spelling in drug.abbreviations:
        tokens = tuple(_TOKEN.findall(spelling.lower()))
        if tokens:
            yield _Name(tokens, drug, short=True, exact=None if spelling.islower() else spelling)


def _same(text: str, part: list[tuple[str, int, int]], tokens: tuple[str, ...]) -> bool:
    words_agree = all(found[0].lower() == wanted for found, wanted in zip(part, tokens, strict=True))
    return words_agree and all(_GAP.fullmatch(text, before[2], after[1]) for before, after in pairwise(part))


def _without_one(word: str) -> list[str]:
    return [word, *(word[:index] + word[index + 1 :] for index in range(len(word)))]
