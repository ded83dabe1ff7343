"""Reads texts with the molecular and pathological extractors alone: no context, no dates, no rulings."""

from collections.abc import Callable

import pytest

from abstractor.model.note import Note
from abstractor.pipeline import biomarkers, ihc, variants
from abstractor.pipeline.mention import Mention
from abstractor.pipeline.prepare import prepare
from abstractor.pipeline.sections import compile_headings, find_sections
from abstractor.pipeline.sentences import find_sentences
from abstractor.pipeline.variant_grammar import Grammar
from abstractor.pipeline.variants import VariantReader
from abstractor.pipeline.view import NoteView
from abstractor.rulebook.book import RuleBook

Read = Callable[[str], list[Mention]]


@pytest.fixture(scope="session")
def view_of(rulebook: RuleBook) -> Callable[[str], NoteView]:
    headings = compile_headings(rulebook.sections)

    def view(text: str) -> NoteView:
        clean = prepare(text)
        sections = find_sections(clean, headings)
        return NoteView(Note("1", text), clean, find_sentences(clean, sections), sections)

    return view


@pytest.fixture(scope="session")
def read(rulebook: RuleBook, view_of: Callable[[str], NoteView]) -> Read:
    """All mentions of a text."""
    extractors = [variants.build(rulebook), ihc.build(rulebook), biomarkers.build(rulebook)]

    def mentions(text: str) -> list[Mention]:
        view = view_of(text)
        return [mention for extract in extractors for mention in extract(view)]

    return mentions


@pytest.fixture(scope="session")
def facts(read: Read) -> Callable[[str], dict[str, str]]:
    """`field value` to its assertion ("open" where context is to decide)."""

    def of(text: str) -> dict[str, str]:
        return {f"{one.field} {one.value}": str(one.assertion or "open") for one in read(text)}

    return of


@pytest.fixture(scope="session")
def grammar(rulebook: RuleBook) -> Grammar:
    return Grammar.from_rulebook(rulebook)


@pytest.fixture(scope="session")
def variant_reader(rulebook: RuleBook) -> VariantReader:
    return VariantReader.from_rulebook(rulebook)
