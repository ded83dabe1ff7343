"""Every example and counterexample in `rules/` is a test."""

import functools

import pytest

from abstractor.pipeline.examples import RuleExample, rule_examples, run_example
from abstractor.pipeline.masks import compile_masks, find_masked
from abstractor.pipeline.nlp import Reader
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.load import load_rulebook
from abstractor.rulebook.schema import Example


@functools.cache
def book() -> RuleBook:
    return load_rulebook()


@functools.cache
def reader() -> Reader:
    return Reader.from_rulebook(book())


@pytest.mark.parametrize("example", rule_examples(book()), ids=lambda example: example.name)
def test_a_rule_does_what_its_example_says(example: RuleExample) -> None:
    result = run_example(example, reader().read)
    assert result.passed, result.says


def test_every_target_rule_has_an_example() -> None:
    assert [rule.id for rule in book().targets if not rule.examples] == []


@pytest.mark.parametrize("rule", book().masks, ids=lambda rule: rule.id)
def test_a_mask_covers_its_examples(rule: object) -> None:
    for example in rule.examples:  # type: ignore[attr-defined]
        text = example.text if isinstance(example, Example) else str(example)
        masks = compile_masks((rule,))  # type: ignore[arg-type]
        assert find_masked(text, masks), text


@pytest.mark.parametrize(
    "title",
    sorted({(title, rule.name) for rule in book().sections for title in rule.titles}),
    ids=lambda title: title[0],
)
def test_a_title_belongs_to_one_section(title: tuple[str, str]) -> None:
    owners = {rule.name for rule in book().sections if title[0] in rule.titles}
    assert owners == {title[1]}
