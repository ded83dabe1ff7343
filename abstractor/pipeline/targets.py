"""Finds what the target rules of the rulebook say: words and token patterns through medspaCy, regular expressions on its own."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from abstractor.pipeline.language import Matcher, Renewed, target_matcher
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.normalise import NORMALISERS
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import TargetRule

_ALLOWED = "sentences that rules may read"
"""Key in `NoteView.memo`."""
EVIDENCE = "evidence"
"""The group of a regular expression that is the evidence, where it is not the whole match."""


@dataclass(frozen=True)
class _Target:
    """A target rule, compiled."""

    rule: TargetRule
    expressions: tuple[Expression, ...]
    before: Expression | None
    after: Expression | None
    silencer: Expression | None
    condition: Expression | None


def build(rulebook: RuleBook) -> Extractor:
    """An extractor for all target rules."""
    worded = [rule for rule in rulebook.targets if rule.terms or rule.pattern]
    matcher = Renewed(lambda language: target_matcher(language, worded))
    targets = {rule.id: _compiled(rule) for rule in rulebook.targets}
    hint = _hint(worded)
    by_regex = tuple(target for target in targets.values() if target.expressions)

    def extract(view: NoteView) -> Iterable[Mention]:
        by_words = _by_words(view, matcher, targets, hint) if hint.search(view.text) else ()
        return _longest([*by_words, *_by_regex(view, by_regex)])

    return extract


def _compiled(rule: TargetRule) -> _Target:
    flags = re.NOFLAG if rule.case_sensitive else re.IGNORECASE

    def maybe(expression: str | None, template: str = "{}") -> Expression | None:
        return compiled_expression(template.format(expression), flags) if expression else None

    return _Target(
        rule,
        tuple(compiled_expression(expression, flags) for expression in rule.regex),
        maybe(rule.unless_before, r"(?:{})\s*$"),
        maybe(rule.unless_after, r"\s*(?:{})"),
        maybe(rule.unless_sentence),
        maybe(rule.needs_sentence),
    )


def _hint(rules: list[TargetRule]) -> Expression:
    """What a sentence must hold for the matcher to find anything: the first word of some term."""
    if any(rule.pattern for rule in rules):
        return compiled_expression("")
    words = {re.split(r"\W", term.strip(), maxsplit=1)[0] for rule in rules for term in rule.terms}
    return compiled_expression("|".join(sorted(map(re.escape, words))) or "(?!)", re.IGNORECASE)


def _by_words(
    view: NoteView, renewed: Renewed[Matcher], targets: dict[str, _Target], hint: Expression
) -> Iterator[Mention]:
    for sentence in view.sentences:
        if not hint.search(view.text, sentence.start, sentence.end):
            continue
        language, matcher = renewed.current()
        doc = language.make_doc(view.text[sentence.start : sentence.end])
        for span in matcher(doc):
            target = targets[span.label_]
            start, end = sentence.start + span.start_char, sentence.start + span.end_char
            if target.rule.case_sensitive and view.text[start:end] not in target.rule.terms:
                continue
            yield from _mention(view, target, sentence, (start, end), view.text[start:end])


def _by_regex(view: NoteView, targets: tuple[_Target, ...]) -> Iterator[Mention]:
    for target in targets:
        for expression in target.expressions:
            if not expression.search(view.text):
                continue
            for sentence in view.sentences:
                for match in expression.finditer(view.text, sentence.start, sentence.end):
                    group = EVIDENCE if EVIDENCE in expression.groupindex and match[EVIDENCE] else 0
                    yield from _mention(view, target, sentence, match.span(group), match)


def _mention(
    view: NoteView, target: _Target, sentence: Sentence, span: tuple[int, int], found: re.Match[str] | str
) -> Iterator[Mention]:
    rule = target.rule
    if span[1] <= span[0] or not _allowed(view, target, sentence, span):
        return
    value = rule.value if rule.normaliser is None else NORMALISERS[rule.normaliser](found)
    for one in (value,) if isinstance(value, str) else value or ():
        yield Mention(
            rule.field,
            one,
            span[0],
            span[1],
            rule.id,
            assertion=rule.assertion,
            attributes=dict(rule.attributes),
            confidence=rule.confidence,
        )


def _allowed(view: NoteView, target: _Target, sentence: Sentence, span: tuple[int, int]) -> bool:
    rule = target.rule
    if rule.note_types and view.note.note_type not in rule.note_types:
        return False
    if rule.sections or rule.not_sections:
        section = view.section_at(span[0])
        if section in rule.not_sections or (rule.sections and section not in rule.sections):
            return False
    if target.before and target.before.search(view.text[max(sentence.start, span[0] - 80) : span[0]]):
        return False
    if target.after and target.after.match(view.text[span[1] : min(sentence.end, span[1] + 80)]):
        return False
    return not (target.silencer or target.condition) or _sentence_allows(view, target, sentence)


def _sentence_allows(view: NoteView, target: _Target, sentence: Sentence) -> bool:
    """Whether the sentence holds what the rule needs and nothing that silences it; found out once a sentence."""
    known = view.memo.setdefault(_ALLOWED, {})
    assert isinstance(known, dict)
    key = target.rule.id, sentence.start
    if key not in known:
        words = view.words(sentence.start, sentence.end)
        silenced = target.silencer is not None and target.silencer.search(words) is not None
        known[key] = not silenced and (target.condition is None or target.condition.search(words) is not None)
    return bool(known[key])


def _longest(mentions: list[Mention]) -> list[Mention]:
    """Of mentions of one field that overlap, the longest stays; mentions of one span and rule all stay."""
    kept: list[Mention] = []
    for one in sorted(mentions, key=lambda mention: (mention.field, mention.start, -mention.end)):
        last = kept[-1] if kept else None
        if last and last.field == one.field and one.start < last.end and (one.start, one.end) != (last.start, last.end):
            if one.end - one.start > last.end - last.start:
                kept[-1] = one
            continue
        kept.append(one)
    return kept
