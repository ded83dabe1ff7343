"""Idle stretches are left out of the reading, and evidence still stands where it stood."""

from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.note import Note
from abstractor.pipeline.compaction import compact
from abstractor.pipeline.nlp import Reader

_PARTS = st.sampled_from(
    [" " * 40, "\n" * 9, "-" * 70, " \n" * 6, "\t" * 30, "Q" * 400, "SCLC", "liver", ". ", " ", "\n", "_" * 17]
)


@given(st.lists(_PARTS, max_size=14).map("".join))
def test_every_character_kept_is_found_again_in_the_original(text: str) -> None:
    short = compact(text)
    for offset, character in enumerate(short.text):
        start, end = short.original(offset, offset + 1)
        assert text[start:end] == character


@given(st.lists(_PARTS, max_size=14).map("".join))
def test_what_is_short_already_stays_as_it_is(text: str) -> None:
    once = compact(text).text
    assert compact(once).text == once


def test_words_are_never_left_out() -> None:
    text = "TP53" + " " * 300 + "p.R175H\n\n\n\n\n\n\nliver" + "." * 90 + "metastases"
    assert compact(text).text.split() == ["TP53", "p.R175H", "liver" + "." * 16 + "metastases"]


def test_evidence_behind_a_wide_gap_stands_where_it_stood(reader: Reader) -> None:
    gap = " " * 5000
    text = f"Diagnosis:{gap}extensive-stage small cell lung cancer\n{'_' * 200}\nTreatment:{gap}etoposide and carboplatin, 4 cycles."
    findings = reader.read(Note(note_id="gap", text=text))
    assert {"small_cell", "extensive", "etoposide", "carboplatin"} <= {finding.value for finding in findings}
    assert all(text[finding.start : finding.end] == finding.text for finding in findings)


def test_a_gap_changes_nothing_but_places(reader: Reader) -> None:
    plain = "SCLC of the left upper lobe." + " " * 16 + "Partial response after 4 cycles of carboplatin and etoposide."
    wide = plain.replace(" " * 16, " " * 900)
    told = [
        [(one.field, one.value, one.assertion, one.text) for one in reader.read(Note(note_id="a", text=text))]
        for text in (plain, wide)
    ]
    assert told[0] == told[1]
