"""Runs the examples that stand in the rules: each must give, or must not give, what its rule says. The rules are their own tests."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from abstractor.model.finding import Finding
from abstractor.model.note import Note
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import Example, TargetRule

Annotate = Callable[[Note], list[Finding]]
_MARK = re.compile(r"\[\[(?P<words>.*?)\]\]", re.DOTALL)
_CONTEXT = "Small cell lung cancer.\n\n"
"""Put in front of an example that names no cancer itself: facts are only taken from notes about a lung cancer."""


@dataclass(frozen=True, slots=True)
class RuleExample:
    """One example of one rule, ready to run."""

    rule: str
    field: str
    text: str
    """Without the marks."""
    start: int | None
    """Where the marked words begin; None: the rule must stay silent."""
    end: int | None
    value: str
    assertion: str
    note_type: str
    note_date: str | None

    @property
    def name(self) -> str:
        """For reports and test ids."""
        kind = "silent" if self.start is None else self.value or "any"
        return f"{self.rule}-{kind}-{' '.join(self.text.split())[:40]}"


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """How an example came out."""

    example: RuleExample
    passed: bool
    says: str
    """What was found instead; "" where it passed."""


def rule_examples(rulebook: RuleBook) -> list[RuleExample]:
    """All examples and counterexamples of the target rules."""
    return [example for rule in rulebook.targets for example in _of_rule(rule)]


def run_examples(rulebook: RuleBook, annotate: Annotate) -> list[ExampleResult]:
    """Runs every example through the whole pipeline."""
    return [run_example(example, annotate) for example in rule_examples(rulebook)]


def run_example(example: RuleExample, annotate: Annotate) -> ExampleResult:
    """Runs one example, in a note about a lung cancer."""
    shift = len(_CONTEXT)
    note = Note(
        note_id="example", text=_CONTEXT + example.text, note_type=example.note_type, note_date=example.note_date
    )
    found = [one for one in annotate(note) if one.field == example.field and one.start >= shift]
    if example.start is None:
        wrong = [one for one in found if one.rule == example.rule]
        return ExampleResult(example, not wrong, "; ".join(_told(wrong)))
    hits = [
        one
        for one in found
        if one.start < (example.end or 0) + shift
        and example.start + shift < one.end
        and (not example.value or one.value == example.value)
        and str(one.assertion) == example.assertion
    ]
    return ExampleResult(example, bool(hits), "" if hits else "; ".join(_told(found)) or "nothing was found")


def _told(findings: Iterable[Finding]) -> Iterator[str]:
    for one in findings:
        yield f"{one.field} {one.value} {one.assertion} by {one.rule}"


def _of_rule(rule: TargetRule) -> Iterator[RuleExample]:
    for raw in rule.examples:
        yield _example(rule, raw if isinstance(raw, Example) else Example(text=raw), silent=False)
    for raw in rule.counterexamples:
        yield _example(rule, raw if isinstance(raw, Example) else Example(text=raw), silent=True)


def _example(rule: TargetRule, example: Example, *, silent: bool) -> RuleExample:
    mark = _MARK.search(example.text)
    assertion = example.assertion
    if rule.assertion is not None and "assertion" not in example.model_fields_set:
        assertion = rule.assertion
    return RuleExample(
        rule=rule.id,
        field=rule.field,
        text=_MARK.sub(lambda found: found["words"], example.text),
        start=mark.start() if mark and not silent else None,
        end=mark.start() + len(mark["words"]) if mark and not silent else None,
        value=example.value or rule.value or "",
        assertion=str(assertion),
        note_type=example.note_type,
        note_date=example.note_date,
    )
