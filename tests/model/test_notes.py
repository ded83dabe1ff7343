"""A note is its text, to the letter."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.finding import Assertion, Finding
from abstractor.model.note import Note, text_hash


def test_a_note_without_patient_is_its_own_patient() -> None:
    assert Note("N1", "seen today").patient_id == "N1"
    assert Note("N1", "seen today", "P1").patient_id == "P1"


def test_the_day_of_a_note_is_the_date_part() -> None:
    assert Note("N1", "x", note_date="2024-03-04T10:30:00").day == "2024-03-04"
    assert Note("N1", "x").day is None


@given(st.text())
def test_the_hash_is_that_of_the_utf8_bytes(text: str) -> None:
    assert text_hash(text) == hashlib.sha256(text.encode()).hexdigest()


@given(st.text(st.characters(), max_size=20), st.text(st.characters(), max_size=20))
def test_texts_differ_exactly_where_their_hashes_do_even_with_half_surrogates(one: str, other: str) -> None:
    assert (text_hash(one) == text_hash(other)) == (one == other)


def test_half_a_surrogate_pair_has_a_hash_of_its_own() -> None:
    assert len({text_hash("a\ud800"), text_hash("a\udc00"), text_hash("a?"), text_hash("a")}) == 4


def test_a_composed_and_a_decomposed_letter_are_two_texts() -> None:
    assert text_hash("é") != text_hash("e\u0301")


def test_a_findings_row_holds_plain_values_under_the_published_columns() -> None:
    finding = Finding("N1", "P1", None, "clinic", "ecog", "1", Assertion.PRESENT, 0, 6, "ECOG 1", attributes={"a": 1})
    assert list(finding.row()) == [
        "note_id", "patient_id", "note_date", "note_type", "field", "value", "assertion", "start", "end", "text",
        "section", "date", "date_precision", "date_source", "attributes", "rule", "rulebook", "confidence",
    ]  # fmt: skip
    assert type(finding.row()["assertion"]) is str
    assert type(finding.row()["attributes"]) is dict
