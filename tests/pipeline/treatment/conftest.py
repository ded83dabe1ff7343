"""What these tests share: a short way to ask what a sentence says of one field."""

from collections.abc import Callable, Mapping

import pytest

from abstractor.model.note import Note
from abstractor.pipeline import cycles, radiotherapy, response, surgery, therapy
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.nlp import Reader
from abstractor.rulebook.book import RuleBook

Said = Callable[..., set[tuple[str, str]]]
Extract = Callable[..., list[Mention]]


@pytest.fixture(scope="session")
def extractors(rulebook: RuleBook) -> Mapping[str, Extractor]:
    return {
        "systemic_therapy": therapy.build(rulebook),
        "therapy_cycles": cycles.build(rulebook),
        "radiotherapy": radiotherapy.build(rulebook),
        "surgery": surgery.build(rulebook),
        "response": response.build(rulebook),
    }


@pytest.fixture(scope="session")
def extract(reader: Reader, extractors: Mapping[str, Extractor]) -> Extract:
    """Mentions of one field in a text, their assertions settled."""

    def mentions(field: str, text: str, day: str | None = None) -> list[Mention]:
        view = reader.view(Note("n1", text, note_date=day, note_type="clinic"))
        return reader.asserter.settle(view, list(extractors[field](view)))

    return mentions


@pytest.fixture(scope="session")
def said(extract: Extract) -> Said:
    """The facts of one field in a text: (value, assertion)."""

    def facts(field: str, text: str, day: str | None = None) -> set[tuple[str, str]]:
        return {(one.value, str(one.assertion)) for one in extract(field, text, day)}

    return facts
