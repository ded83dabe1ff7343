"""Decides what a note asserts of a mention: medspaCy's ConText with the rulebook's words, clause by clause. It finds no mentions itself."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from spacy.language import Language
from spacy.tokens import Doc, Span

from abstractor.model.finding import Assertion
from abstractor.pipeline.clauses import clause_around, compile_borders
from abstractor.pipeline.language import blank_language, context_component
from abstractor.pipeline.mention import Mention
from abstractor.pipeline.view import NoteView
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import ContextRule, SectionRule

_FAR = 10_000


@dataclass(frozen=True, slots=True)
class _Modifier:
    """A modifier's effect on one mention."""

    category: str
    distance: int
    """Words between the modifier and the mention."""
    settles: bool = False
    """It says behind the mention that it was proved ("suspected metastases were confirmed")."""


@dataclass(frozen=True)
class Asserter:
    """ConText and the sections' own assertions; build it once for a rulebook."""

    language: Language
    context: Callable[[Doc], Doc]
    borders: re.Pattern[str]
    relatives: re.Pattern[str]
    """Blood relatives as somebody's history, not as those who speak."""
    next_of_kin: re.Pattern[str]
    """Anybody of the family, right in front of what is said of a death."""
    patient: re.Pattern[str]
    sections: dict[str, SectionRule] = field(default_factory=dict)

    @classmethod
    def from_rulebook(cls, rulebook: RuleBook) -> "Asserter":
        """Compiles the context rules; takes about a second."""
        language = blank_language()
        words = rulebook.settings.get("person", {}).get("patient", ())
        words = words if isinstance(words, list) else ()
        rules = tuple(rule for rule in rulebook.context if rule.category != "terminate")
        return cls(
            language,
            context_component(language, rules),
            compile_borders(rulebook.context),
            _one_of(
                _kin(rulebook, for_all=True),
                r"(?<!with )(?<!to )(?<!per )(?<!from )(?<!by )\b(?:{})\b(?=[ \t]*(?:[-:,(]|has|had|with|died|deceased|was|at))",
            ),
            _one_of(
                _kin(rulebook, for_all=False),
                r"\b(?:{})(?:[ \t,]+(?:who|also|has|had|was|is|just|recently|then|both))*[ \t]*$",
            ),
            _one_of(str(word) for word in words),
            {rule.name: rule for rule in rulebook.sections},
        )

    def assertion_of(self, view: NoteView, mention: Mention) -> Assertion:
        """What the note asserts of one mention."""
        [settled] = self.settle(view, [mention])
        assert settled.assertion is not None
        return settled.assertion

    def settle(self, view: NoteView, mentions: Sequence[Mention]) -> list[Mention]:
        """The same mentions in the same order, each with its assertion."""
        open_ones: dict[tuple[int, int], list[int]] = {}
        for index, mention in enumerate(mentions):
            if mention.assertion is None:
                open_ones.setdefault(self._clause(view, mention), []).append(index)
        effects: dict[int, list[_Modifier]] = {}
        for clause, indexes in open_ones.items():
            effects.update(
                zip(indexes, self._modifiers(view, clause, [mentions[index] for index in indexes]), strict=True)
            )
        return [
            replace(mention, assertion=self._verdict(view, mention, effects.get(index, [])))
            for index, mention in enumerate(mentions)
        ]

    def _clause(self, view: NoteView, mention: Mention) -> tuple[int, int]:
        sentence = view.sentence_at(mention.start)
        stretch = mention.scope or (sentence.start, max(sentence.end, mention.end))
        return clause_around(view, self.borders, stretch, (mention.start, mention.end))

    def _modifiers(self, view: NoteView, clause: tuple[int, int], mentions: list[Mention]) -> list[list[_Modifier]]:
        doc = self.language.make_doc(view.text[clause[0] : clause[1]])
        if not len(doc):
            return [[] for _ in mentions]
        for token in doc:
            token.is_sent_start = token.i == 0
        spans = [_span(doc, mention, clause[0]) for mention in mentions]
        doc.spans[SPANS] = spans
        self.context(doc)
        found: list[list[_Modifier]] = [[] for _ in mentions]
        for target, modifier in doc._.context_graph.edges:
            for index, span in enumerate(spans):
                if span == target:
                    found[index].extend(_effects(modifier, target, mentions[index].field))
        return found

    def _verdict(self, view: NoteView, mention: Mention, effects: list[_Modifier]) -> Assertion:
        section = self.sections.get(view.section_at(mention.start) or "")
        default = section.assertion if section else None
        if default is not None and section is not None and section.fields and mention.field not in section.fields:
            default = None
        if mention.assertion is None and self._of_relative(view, mention):
            return Assertion.OTHER_EXPERIENCER
        if mention.assertion is not None:
            return default if default is Assertion.OTHER_EXPERIENCER else mention.assertion
        return _weigh(effects, default)

    def _of_relative(self, view: NoteView, mention: Mention) -> bool:
        """Whether the sentence has spoken of a relative and not come back to the patient since, however many clauses lie between."""
        sentence = view.sentence_at(mention.start)
        ahead = view.text[sentence.start : mention.start]
        said = [match.end() for match in self.relatives.finditer(ahead)]
        if said and not self.patient.search(ahead, said[-1]):
            return True
        return mention.field in _OF_DEATH and self.next_of_kin.search(ahead) is not None


_OF_DEATH = frozenset({"vital_status", "death_date"})
SPANS = "abstractor"
"""Name of the span group that holds the mentions of a clause."""


def _kin(rulebook: RuleBook, *, for_all: bool) -> list[str]:
    """The terms for relatives: those of rules for all fields alone, or of all rules."""
    return [
        term
        for rule in rulebook.context
        if rule.category == "other_experiencer" and not (for_all and rule.fields)
        for term in rule.terms
    ]


def _one_of(terms: Iterable[str], template: str = r"\b(?:{})\b") -> re.Pattern[str]:
    words = "|".join(sorted(map(re.escape, terms), key=len, reverse=True)) or "(?!)"
    return re.compile(template.replace("{}", words), re.IGNORECASE)


def _span(doc: Doc, mention: Mention, offset: int) -> Span:
    start, end = max(0, mention.start - offset), max(1, mention.end - offset)
    found = doc.char_span(start, min(end, len(doc.text)), label=mention.field.upper(), alignment_mode="expand")
    return found if found is not None and len(found) else Span(doc, 0, 1, label=mention.field.upper())


def _effects(modifier: object, target: Span, field_name: str) -> Iterable[_Modifier]:
    """What a matched modifier means for one mention: a term may stand in several rules, for other fields and directions."""
    start, end = modifier.modifier_span  # type: ignore[attr-defined]
    ahead = start >= target.start  # the modifier stands behind the mention
    distance = start - target.end if ahead else target.start - end
    rules: tuple[ContextRule, ...] = modifier.rule.metadata["rules"]  # type: ignore[attr-defined]
    for rule in rules:
        if (rule.fields and field_name not in rule.fields) or field_name in rule.not_fields:
            continue
        if rule.direction == ("forward" if ahead else "backward"):
            continue
        if rule.max_words is None or distance <= rule.max_words:
            settles = rule.category == "affirm" and rule.direction == "backward"
            yield _Modifier(rule.category, max(distance, 0), settles)


def _weigh(effects: list[_Modifier], default: Assertion | None) -> Assertion:
    nearest = {one.category: _FAR for one in effects}
    for one in effects:
        nearest[one.category] = min(nearest[one.category], one.distance)
    done = nearest.get("affirm", _FAR)
    for category in ("other_experiencer", "historical"):
        if category in nearest:
            return Assertion(category)
    doubts = [(nearest[name], name) for name in ("absent", "hypothetical") if nearest.get(name, _FAR) < done]
    if doubts:
        return Assertion(min(doubts)[1])
    if nearest.get("uncertain", _FAR) < done and not any(one.settles for one in effects):
        return Assertion.UNCERTAIN
    if default is not None and (done == _FAR or default is Assertion.OTHER_EXPERIENCER):
        return default
    return Assertion.PRESENT
