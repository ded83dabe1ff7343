"""Runs the examples that stand in the rules: each must give, or must not give, what its rule says. The rules are their own tests."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from abstractor.model.finding import Assertion, Finding
from abstractor.model.note import Note
from abstractor.rulebook.book import MEASURED, RuleBook
from abstractor.rulebook.schema import Example, TargetRule, TextExample

Annotate = Callable[[Note], list[Finding]]
_MARK = re.compile(r"\[\[(?P<words>.*?)\]\]", re.DOTALL)
_CONTEXT = "Small cell lung cancer.\n\n"
"""Put in front of an example that names no cancer itself: facts are only taken from notes about a lung cancer."""
_LEAST_EXAMPLES, _LEAST_COUNTEREXAMPLES = 4, 2
"""Of a settings file or a vocabulary."""


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
    any_rule: bool = False
    """Whatever finds it, or wrongly finds it, counts: the example is not of one target rule."""
    alone: bool = False
    """The text is the whole note."""

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

    def __str__(self) -> str:
        """One line: the rule, its text, what it asks for, what was found."""
        one = self.example
        fact = " ".join(filter(None, (one.field, one.value)))
        asked = f"no {fact}" if one.start is None else f"{fact} {one.assertion}"
        text = " ".join(one.text.split())
        return f'{one.rule}: "{text}" asks for {asked}; {"passed" if self.passed else f"found: {self.says}"}'


def rule_examples(rulebook: RuleBook) -> list[RuleExample]:
    """All examples and counterexamples: those of the target rules, and those of `rules/examples/`."""
    of_targets = [example for rule in rulebook.targets for example in _of_rule(rule)]
    return [*of_targets, *(_standing(example) for example in rulebook.examples)]


def find_unproved(rulebook: RuleBook) -> list[str]:
    """The rules that too few examples prove, one line each.

    Every target and context rule needs an example, every settings file and vocabulary some examples and counterexamples.
    """
    examples = Counter(example.rule for example in rulebook.examples if not example.silent)
    silent = Counter(example.rule for example in rulebook.examples if example.silent)
    told = [f"target rule {rule.id!r} has no example" for rule in rulebook.targets if not rule.examples]
    told += [
        f"context rule {rule.id!r} has no example in examples/"
        for rule in rulebook.context
        if not examples[rule.id] + silent[rule.id]
    ]
    for kind, names in (("settings", rulebook.settings), ("vocabulary", rulebook.vocabularies)):
        told += [
            f"{kind} {name!r} has {examples[name]} examples and {silent[name]} counterexamples in examples/; "
            f"it needs {_LEAST_EXAMPLES} and {_LEAST_COUNTEREXAMPLES}"
            for name in names
            if name != MEASURED and (examples[name] < _LEAST_EXAMPLES or silent[name] < _LEAST_COUNTEREXAMPLES)
        ]
    return told


def run_examples(rulebook: RuleBook, annotate: Annotate) -> list[ExampleResult]:
    """Runs every example through the whole pipeline."""
    return [run_example(example, annotate) for example in rule_examples(rulebook)]


def run_example(example: RuleExample, annotate: Annotate) -> ExampleResult:
    """Runs one example, in a note about a lung cancer."""
    context = "" if example.alone else _CONTEXT
    shift = len(context)
    note = Note(
        note_id="example", text=context + example.text, note_type=example.note_type, note_date=example.note_date
    )
    found = [one for one in annotate(note) if one.field == example.field and one.start >= shift]
    if example.start is None:
        wrong = [one for one in found if _breaks_silence(one, example)]
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


def _breaks_silence(finding: Finding, example: RuleExample) -> bool:
    if not example.any_rule:
        return finding.rule == example.rule
    return finding.assertion is Assertion.PRESENT and example.value in {"", finding.value}


def _told(findings: Iterable[Finding]) -> Iterator[str]:
    for one in findings:
        yield f"{one.field} {one.value} {one.assertion} by {one.rule}"


def _of_rule(rule: TargetRule) -> Iterator[RuleExample]:
    for raw in rule.examples:
        yield _example(rule, raw if isinstance(raw, Example) else Example(text=raw), silent=False)
    for raw in rule.counterexamples:
        yield _example(rule, raw if isinstance(raw, Example) else Example(text=raw), silent=True)


def _standing(example: TextExample) -> RuleExample:
    mark = _MARK.search(example.text)
    return RuleExample(
        rule=example.rule,
        field=example.field,
        text=_MARK.sub(lambda found: found["words"], example.text),
        start=mark.start() if mark and not example.silent else None,
        end=mark.start() + len(mark["words"]) if mark and not example.silent else None,
        value=example.value or "",
        assertion=str(example.assertion),
        note_type=example.note_type,
        note_date=example.note_date,
        any_rule=True,
        alone=example.alone,
    )


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
