"""What the tests of the pipeline share: the rulebook that comes with the program, compiled once."""

import pytest

from abstractor.pipeline.nlp import Reader
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.load import load_rulebook


@pytest.fixture(scope="session")
def rulebook() -> RuleBook:
    return load_rulebook()


@pytest.fixture(scope="session")
def reader(rulebook: RuleBook) -> Reader:
    return Reader.from_rulebook(rulebook)
