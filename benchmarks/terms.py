"""What a matcher of literal terms is given so that it has as many rules as our rulebook, and the counting of both.

Literals: every name of a drug, gene or organ, every regimen that means nothing else, and the terms of the target rules. Names that the rulebook takes
only beside other words ("MET", "SET", "cis") are left out: a matcher without conditions would take them everywhere, and be slower for it. For what
our rulebook states as wordings and regular expressions (stages, responses, scores, variants), the words that the examples in the rules mark as evidence.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rivals.measure import Terms

from abstractor.rulebook.book import RuleBook

_MARKED = re.compile(r"\[\[(.+?)\]\]", re.DOTALL)
_NO_RULES = frozenset({"gene_symbols", "spelling", "confidence", "staging"})
"""Settings files that hold no wordings: word lists, measured figures, tables."""
_PARTS = frozenset({"macros", "lists", "words", "numbers", "hints", "id", "value"})
"""Keys of settings files whose strings are parts of rules, and no rules."""


@dataclass(frozen=True)
class RuleCount:
    """How many rules of each kind a rulebook has."""

    names: int
    """Names and terms that are looked for as they are, conditions or not."""
    patterns: int
    """Wordings and regular expressions."""
    context: int
    """Terms that negate, hedge, date back …"""
    headings: int

    @property
    def targets(self) -> int:
        return self.names + self.patterns


def counted(rulebook: RuleBook) -> RuleCount:
    """The rules of a rulebook; what is listed twice counts once."""
    names = {name.lower() for listed in _names(rulebook, every=True).values() for name in listed}
    patterns = sum(len(rule.regex) for rule in rulebook.targets) + sum(
        len(list(_strings(tables))) for name, tables in rulebook.settings.items() if name not in _NO_RULES
    )
    context = len({term.lower() for rule in rulebook.context for term in rule.terms})
    return RuleCount(len(names), patterns, context, len({title for rule in rulebook.sections for title in rule.titles}))


def literal_terms(rulebook: RuleBook) -> Terms:
    """Label to literals: our names, and the marked evidence of the examples; each literal once, in lower case."""
    labelled: dict[str, list[str]] = {**_names(rulebook, every=False)}
    for rule in rulebook.targets:
        for example in (*rule.examples, *rule.counterexamples):
            labelled.setdefault(rule.field, []).extend(_evidence(example if isinstance(example, str) else example.text))
    for text in rulebook.examples:
        labelled.setdefault(text.field, []).extend(_evidence(text.text))
    taken: set[str] = set()
    found: Terms = {}
    for label, words in labelled.items():
        own = sorted({" ".join(word.lower().split()) for word in words} - taken - {""})
        taken.update(own)
        if own:
            found[label] = own
    return found


def cut(terms: Terms, size: int) -> Terms:
    """So many of the terms, the same share of each label."""
    total = sum(map(len, terms.values()))
    kept = {label: listed[: max(1, round(len(listed) * size / total))] for label, listed in terms.items()}
    flat = [(label, term) for label, listed in kept.items() for term in listed][:size]
    return {label: [term for other, term in flat if other == label] for label in {label for label, _ in flat}}


def _names(rulebook: RuleBook, *, every: bool) -> dict[str, list[str]]:
    labelled: dict[str, list[str]] = {}
    for drug in rulebook.drugs():
        short = drug.abbreviations if every else ()
        labelled.setdefault("drug", []).extend((drug.generic, *drug.brands, *drug.synonyms, *short))
    for gene in rulebook.genes():
        symbol = (gene.symbol,) if every or gene.symbol not in gene.ambiguous else ()
        labelled.setdefault("gene", []).extend(
            (*symbol, *gene.aliases, *gene.names, *(gene.ambiguous if every else ()))
        )
    for site in rulebook.sites():
        labelled.setdefault("site", []).extend((*site.nouns, *site.adjectives, *site.regional))
    labelled["regimen"] = [regimen.code for regimen in rulebook.regimens() if every or regimen.safe]
    for rule in rulebook.targets:
        labelled.setdefault(rule.field, []).extend(rule.terms)
    return labelled


def _evidence(text: str) -> list[str]:
    return _MARKED.findall(text)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in _PARTS or (key == "words" and isinstance(inner, list)):
                yield from _strings(inner)
    elif isinstance(value, Iterable):
        for inner in value:
            yield from _strings(inner)
