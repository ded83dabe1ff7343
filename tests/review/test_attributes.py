"""Attributes are typed as they are shown, and what was not touched stays what it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.errors import InputError
from abstractor.review.attributes import read_attributes, tell_attributes, write_attributes


def test_a_line_and_a_dose_are_written_on_one_line():
    assert write_attributes({"dose_gy": 45, "fractions": "30"}) == "dose_gy=45; fractions=30"
    assert (
        write_attributes({"drugs": ["carboplatin", "etoposide"], "rule": "L1", "flags": []})
        == "drugs=carboplatin,etoposide"
    )


def test_how_it_was_worked_out_is_told_and_not_typed():
    assert tell_attributes({"drugs": ["a", "b"], "rule": "L1", "flags": ["overlap"]}) == "drugs a, b, flags overlap"
    assert write_attributes({"flags": ["overlap"]}) == ""


def test_what_was_typed_becomes_attributes_and_a_number_left_alone_stays_a_number():
    assert read_attributes("dose_gy=45; fractions=15", {"dose_gy": 45, "fractions": 30}) == {
        "dose_gy": 45,
        "fractions": "15",
    }
    assert read_attributes("drugs = cisplatin, etoposide", {}) == {"drugs": ["cisplatin", "etoposide"]}
    assert read_attributes("drugs=cisplatin", {"drugs": ["carboplatin"]}) == {"drugs": ["cisplatin"]}
    assert read_attributes("", {"dose_gy": 45}) == {}


@pytest.mark.parametrize("typed", ["45 Gy", "dose=", "=3", "a b=c"])
def test_what_is_no_attribute_is_refused(typed):
    with pytest.raises(InputError, match="name=value"):
        read_attributes(typed, {})


WORDS = st.text(st.characters(categories=["Ll", "Nd"]), min_size=1, max_size=8)


@given(
    st.dictionaries(WORDS, st.one_of(WORDS, st.integers(1, 99), st.lists(WORDS, min_size=1, max_size=3)), max_size=4)
)
def test_what_is_written_reads_back_as_it_was(attributes):
    kept = {key: value for key, value in attributes.items() if key not in {"rule", "flags", "class", "cue"}}
    assert read_attributes(write_attributes(kept), kept) == kept
