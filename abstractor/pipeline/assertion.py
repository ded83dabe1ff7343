"""Decides what a note asserts of a mention: medspaCy's ConText with the rulebook's words, clause by clause. It finds no mentions itself."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from spacy.tokens import Doc, Span

from abstractor.model.finding import Assertion
from abstractor.pipeline.clauses import clause_around, compile_borders
from abstractor.pipeline.family import Family
from abstractor.pipeline.language import Renewed, context_component
from abstractor.pipeline.mention import Mention
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.view import NoteView
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import ContextRule, SectionRule

_FAR = 10_000
_BLANKS = compiled_expression(r"\s+")


@dataclass(frozen=True, slots=True)
class _Modifier:
    """A modifier's effect on one mention."""

    category: str
    distance: int
    """Words between the modifier and the mention."""
    settles: bool = False
    """It says behind the mention that it was proved ("suspected metastases were confirmed")."""
    rule: str = ""
    """Id of the context rule."""


@dataclass(frozen=True)
class Asserter:
    """ConText and the sections' own assertions; build it once for a rulebook."""

    context: Renewed[Callable[[Doc], Doc]]
    borders: Expression
    family: Family
    sections: dict[str, SectionRule] = field(default_factory=dict)

    @classmethod
    def from_rulebook(cls, rulebook: RuleBook) -> "Asserter":
        """Compiles the context rules; takes about a second."""
        rules = tuple(rule for rule in rulebook.context if rule.category != "terminate")
        return cls(
            Renewed(lambda language: context_component(language, rules)),
            compile_borders(rulebook.context),
            Family.from_rulebook(rulebook),
            {rule.name: rule for rule in rulebook.sections},
        )

    def assertion_of(self, view: NoteView, mention: Mention) -> Assertion:
        """What the note asserts of one mention."""
        [settled] = self.settle(view, [mention])
        assert settled.assertion is not None
        return settled.assertion

    def modifying(self, view: NoteView, mention: Mention) -> list[tuple[str, str]]:
        """Category and id of the context rules that reach a mention, the nearest first: why it is asserted as it is."""
        clause = self._clause(view, mention)
        [effects] = self._modifiers(view, clause, [mention], [clause[1]])
        return [(one.category, one.rule) for one in sorted(effects, key=lambda one: one.distance)]

    def settle(self, view: NoteView, mentions: Sequence[Mention]) -> list[Mention]:
        """The same mentions in the same order, each with its assertion."""
        open_ones: dict[tuple[int, int], list[int]] = {}
        limits: dict[int, int] = {}
        for index, mention in enumerate(mentions):
            if mention.assertion is None:
                clause = self._clause(view, mention)
                limits[index] = clause[1]
                open_ones.setdefault(self._shared(view, mention, clause), []).append(index)
        effects: dict[int, list[_Modifier]] = {}
        for clause, indexes in open_ones.items():
            effects.update(
                zip(
                    indexes,
                    self._modifiers(
                        view, clause, [mentions[index] for index in indexes], [limits[index] for index in indexes]
                    ),
                    strict=True,
                )
            )
        return [
            replace(mention, assertion=self._verdict(view, mention, effects.get(index, [])))
            for index, mention in enumerate(mentions)
        ]

    def _shared(self, view: NoteView, mention: Mention, clause: tuple[int, int]) -> tuple[int, int]:
        """The clause of the sentence, for a mention whose own one begins there and ends early: many such are judged in one go."""
        if mention.scope is None:
            return clause
        whole = self._clause(view, replace(mention, scope=None))
        return whole if whole[0] == clause[0] and whole[1] > clause[1] else clause

    def _clause(self, view: NoteView, mention: Mention) -> tuple[int, int]:
        sentence = view.sentence_at(mention.start)
        whole = (sentence.start, max(sentence.end, mention.end))
        scope = mention.scope or whole
        span = mention.start, mention.end
        if scope[0] != whole[0] or scope[1] > whole[1]:
            return clause_around(view, self.borders, scope, span)
        start, end = clause_around(view, self.borders, whole, span)
        return start, min(end, scope[1])

    def _modifiers(
        self, view: NoteView, clause: tuple[int, int], mentions: list[Mention], limits: Sequence[int]
    ) -> list[list[_Modifier]]:
        """For each mention, what modifies it within the clause; nothing that reaches beyond the mention's limit does."""
        words = view.text[clause[0] : clause[1]]
        if not words.strip():
            return [[] for _ in mentions]
        language, context = self.context.current()
        doc = language.make_doc(f"{_narrowed(words)} {END}")
        for token in doc:
            token.is_sent_start = token.i == 0
        place = _narrowing(words)
        length = len(doc.text)
        spans = [_span(doc, length, place, mention, clause[0]) for mention in mentions]
        ends = [_span_end(doc, place, limit, clause) for limit in limits]
        places: dict[tuple[int, int, int], list[int]] = {}
        for index, span in enumerate(spans):
            places.setdefault((span.start, span.end, span.label), []).append(index)
        doc.spans[SPANS] = [spans[indexes[0]] for indexes in places.values()]
        context(doc)
        found: list[list[_Modifier]] = [[] for _ in mentions]
        for target, modifier in doc._.context_graph.edges:
            for index in places.get((target.start, target.end, target.label), ()):
                if modifier.modifier_span[1] <= ends[index]:
                    found[index].extend(_effects(modifier, target, mentions[index].field))
        return found

    def _verdict(self, view: NoteView, mention: Mention, effects: list[_Modifier]) -> Assertion:
        section = self.sections.get(view.section_at(mention.start) or "")
        default = section.assertion if section else None
        if default is not None and section is not None and section.fields and mention.field not in section.fields:
            default = None
        if self.family.tells_of(view, mention.start, mention.field):
            return Assertion.OTHER_EXPERIENCER
        if mention.assertion is not None:
            return default if default is Assertion.OTHER_EXPERIENCER else mention.assertion
        return _weigh(effects, default)


END = "\N{PILCROW SIGN}"
"""Stands behind the last word of a clause, so that a token pattern can ask for the end."""
SPANS = "abstractor"
"""Name of the span group that holds the mentions of a clause."""


def _narrowed(words: str) -> str:
    """One blank for each run of blanks, so that a term of two words is found across a broken line or a doubled blank."""
    return _BLANKS.sub(" ", words)


def _narrowing(words: str) -> Callable[[int], int]:
    """From an offset into a clause to the offset into the same clause narrowed."""
    runs = [match.span() for match in _BLANKS.finditer(words) if match.end() > match.start() + 1]
    starts = [start for start, _ in runs]
    gone = [0, *accumulate(end - start - 1 for start, end in runs)]

    def place(offset: int) -> int:
        index = bisect_left(starts, offset)  # runs that begin before it
        if index and runs[index - 1][1] > offset:
            return runs[index - 1][0] - gone[index - 1] + 1
        return offset - gone[index]

    return place


def _span(doc: Doc, length: int, place: Callable[[int], int], mention: Mention, offset: int) -> Span:
    """The mention's tokens; `length` is that of the document's text, which spaCy would put together anew for every mention."""
    start, end = (place(max(0, one - offset)) for one in (mention.start, max(mention.end, offset + 1)))
    found = doc.char_span(start, min(end, length), label=mention.field.upper(), alignment_mode="expand")
    return found if found is not None and len(found) else Span(doc, 0, 1, label=mention.field.upper())


def _span_end(doc: Doc, place: Callable[[int], int], limit: int, clause: tuple[int, int]) -> int:
    """The token behind the last one that lies before a limit of the note's text."""
    if limit >= clause[1]:
        return len(doc)
    span = doc.char_span(0, max(place(limit - clause[0]), 1), alignment_mode="expand")
    return span.end if span is not None else len(doc)


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
            yield _Modifier(rule.category, max(distance, 0), settles, rule.id)


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
