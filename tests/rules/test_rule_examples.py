"""Every example and counterexample in `rules/` is a test, and no rule goes without."""

import functools
from dataclasses import replace

import pytest

from abstractor.pipeline.examples import RuleExample, find_unproved, rule_examples, run_example
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
    result = run_example(example, reader().read_for_registry)
    assert result.passed, result.says


def test_every_rule_settings_file_and_vocabulary_is_proved_by_examples() -> None:
    assert find_unproved(book()) == []


def test_what_no_example_proves_is_named() -> None:
    bare = replace(book(), examples=())
    told = "\n".join(find_unproved(bare))
    assert "context rule 'absent-before' has no example" in told
    assert "settings 'response' has 0 examples and 0 counterexamples" in told
    assert "vocabulary 'drugs'" in told


def test_a_counterexample_alone_does_not_prove_a_settings_file() -> None:
    silent = replace(book(), examples=tuple(one for one in book().examples if one.silent))
    assert any(told.startswith("settings 'response' has 0 examples") for told in find_unproved(silent))


def test_an_example_fails_where_nothing_finds_it_and_says_so() -> None:
    example = RuleExample(
        "response", "response", "Seen in clinic.", 0, 4, "PD", "present", "clinic", None, any_rule=True
    )
    result = run_example(example, lambda _note: [])
    assert not result.passed
    assert str(result) == 'response: "Seen in clinic." asks for response PD present; found: nothing was found'


def test_a_counterexample_asks_that_nothing_be_present_and_lets_other_assertions_be() -> None:
    silent = RuleExample(
        "response", "response", "No progression.", None, None, "", "present", "clinic", None, any_rule=True
    )
    assert run_example(silent, reader().read_for_registry).passed
    said = replace(silent, text="Progression in the liver.")
    assert not run_example(said, reader().read_for_registry).passed
    assert run_example(replace(said, value="CR"), reader().read_for_registry).passed


def test_a_text_that_stands_alone_is_the_whole_note() -> None:
    other = RuleExample(
        "cancers", "metastasis", "Colon carcinoma with liver metastases.", None, None, "", "present", "clinic", None
    )
    assert run_example(replace(other, any_rule=True, alone=True), reader().read_for_registry).passed


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
