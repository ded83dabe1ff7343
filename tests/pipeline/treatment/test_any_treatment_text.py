"""Whatever the text: nothing is raised, offsets lie inside it, values are ones the registry takes."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.note import Note
from abstractor.pipeline.mention import Extractor
from abstractor.pipeline.nlp import Reader
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.load import value_fits

WORDS = [
    "carboplatin", "etoposide", "EP", "CE", "x 4", "4 x", "cycles", "cycle 3", "C4D1", "C4", "3/28", "45 Gy", "/", "30 fx", "PCI", "RT",
    "to T8", "SRS", "brain", "lobectomy", "inoperable", "PR", "PD", "SD", "CR", "progression", "no evidence of", "stable", "mass", "new",
    "lesions", "decreased", "from", "4.2", "cm", "to", "2.1 cm", "(previously", ")", "->", "until", "declined", "planned", "P:", "Plan:",
    "\n", ". ", ";", ",", "and", "chemotherapy", "topotecn", "é", "\ud800", "\x00", "AMG 757", "99999999999 Gy", "0 cm", "9/9/99",
]  # fmt: skip


def _check(reader: Reader, extractors: Mapping[str, Extractor], rulebook: RuleBook, text: str) -> None:
    view = reader.view(Note("n1", text, note_date="2024-02-30"))
    for field, extractor in extractors.items():
        for mention in extractor(view):
            assert mention.field == field
            assert 0 <= mention.start < mention.end <= len(text)
            assert value_fits(rulebook.fields[field], mention.value)


@given(st.text(max_size=300))
def test_any_text_is_read_without_a_fault(
    reader: Reader, extractors: Mapping[str, Extractor], rulebook: RuleBook, text: str
) -> None:
    _check(reader, extractors, rulebook, text)


@given(st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join))
def test_any_jumble_of_our_words_is_read_without_a_fault(
    reader: Reader, extractors: Mapping[str, Extractor], rulebook: RuleBook, text: str
) -> None:
    _check(reader, extractors, rulebook, text)
