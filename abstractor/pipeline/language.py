"""The one place that builds spaCy and medspaCy objects: an empty language, a target matcher, ConText. No rule is written here."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import spacy
from loguru import logger
from medspacy.context import ConText, ConTextRule
from medspacy.target_matcher import TargetMatcher
from medspacy.target_matcher import TargetRule as MatcherRule
from spacy.language import Language

from abstractor.rulebook.schema import ContextRule, TargetRule

_INFIX = re.compile(r"[^\w\s]|(?<=\d)(?=[A-Za-z])|_")
_DIRECTIONS = {"forward": "FORWARD", "backward": "BACKWARD", "both": "BIDIRECTIONAL"}
_NEVER = "\N{OBJECT REPLACEMENT CHARACTER}never"
_LONGEST = 50_000_000
"""Characters; the default of spaCy is a million."""


def silence() -> None:
    """Stops the logging of parts that would print every word of a note (PyRuSH, through loguru)."""
    logger.remove()
    logger.disable("PyRuSH")


def blank_language() -> Language:
    """An English language whose tokens are runs of letters, runs of digits and single marks; it has no components."""
    silence()
    language = spacy.blank("en")
    language.max_length = _LONGEST
    tokenizer: Any = type(language.tokenizer)  # spaCy ships no types for it
    language.tokenizer = tokenizer(
        language.vocab,
        infix_finditer=_INFIX.finditer,
        prefix_search=re.compile(r"^[^\w\s]").search,
        suffix_search=re.compile(r"[^\w\s]$").search,
    )
    return language


_MOST_STRINGS = 20_000
"""New words after which a language is made anew; some 10 MB."""

Component = TypeVar("Component")
Matcher = TargetMatcher
"""What finds the target rules' words in a document."""


class Renewed(Generic[Component]):
    """A language with what was built for it, made anew now and then: a language keeps every word it ever saw, so that memory would grow
    over millions of notes. What it finds does not depend on what it has seen.
    """

    def __init__(self, build: Callable[[Language], Component], most: int = _MOST_STRINGS) -> None:
        self._build = build
        self._most = most
        self._made = self._make()

    def current(self) -> tuple[Language, Component]:
        """The language and the component; take both anew for every text."""
        if len(self._made[0].vocab.strings) > self._full:
            self._made = self._make()
        return self._made

    def _make(self) -> tuple[Language, Component]:
        language = blank_language()
        made = language, self._build(language)
        self._full = len(language.vocab.strings) + self._most
        return made


def context_component(language: Language, rules: Iterable[ContextRule], group: str = "abstractor") -> ConText:
    """ConText with the rulebook's words alone. A term that stands in several rules is one modifier that knows them all."""
    context = ConText(language, rules=None, span_attrs=None, input_span_type="group", span_group_name=group)
    terms: dict[str, list[ContextRule]] = {}
    patterns: list[ConTextRule] = []
    for rule in rules:
        for term in rule.terms:
            terms.setdefault(" ".join(term.lower().split()), []).append(rule)
        patterns.extend(
            _context_rule(rule.id, (rule,), [dict(token) for token in pattern]) for pattern in rule.patterns
        )
    context.add([ConTextRule(_NEVER, _NEVER), ConTextRule(_NEVER, _NEVER, pattern=[{"ORTH": _NEVER}])])
    context.add([*(_context_rule(term, tuple(sharing)) for term, sharing in terms.items()), *patterns])
    return context


def _context_rule(
    literal: str, rules: tuple[ContextRule, ...], pattern: list[dict[str, object]] | None = None
) -> ConTextRule:
    meant = [rule for rule in rules if rule.category != "pseudo"]
    directions = {_DIRECTIONS[rule.direction] for rule in meant}
    direction = "PSEUDO" if not meant else directions.pop() if len(directions) == 1 else "BIDIRECTIONAL"
    # A category of its own for each modifier: ConText would let one end the scope of the next of the same category, even where
    # the two are meant for different fields.
    return ConTextRule(
        literal, f"modifier {literal}", direction=direction, pattern=pattern, metadata={"rules": tuple(meant)}
    )


def target_matcher(language: Language, rules: Iterable[TargetRule]) -> TargetMatcher:
    """The matcher of medspaCy for `terms` and `pattern`; each rule's id is the label of its spans."""
    matcher = TargetMatcher(language, result_type=None, prune=False)
    # spaCy warns, on every document, of a matcher without patterns: this one matches no text
    matcher.add([MatcherRule(_NEVER, _NEVER), MatcherRule(_NEVER, _NEVER, pattern=[{"ORTH": _NEVER}])])
    for rule in rules:
        matcher.add([MatcherRule(term, rule.id) for term in rule.terms])
        if rule.pattern:
            pattern: list[dict[str, Any]] = [dict(token) for token in rule.pattern]
            matcher.add([MatcherRule(rule.id, rule.id, pattern=pattern)])
    return matcher
