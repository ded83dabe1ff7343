"""What machines do to a note changes neither what is found in it nor where it stands."""

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abstractor.model.note import Note
from abstractor.pipeline.nlp import Reader

NOTE = """ONCOLOGY CLINIC
DIAGNOSIS: Small cell lung cancer of the right upper lobe, extensive stage, diagnosed 03/14/2023.

HISTORY: Brought in with cough. MRI showed brain metastases, CT showed liver metastases but no bone metastases.
He was given carboplatin, etoposide and atezolizumab, 4 cycles, then whole brain radiation, 30 Gy in 10 fractions.
CT of August 2023: partial response. CT of November 2023: progression in the liver.

PATHOLOGY: Synaptophysin positive, TTF-1 positive, p40 negative, Ki-67 90%. PD-L1 TPS 5%.

MOLECULAR: TP53 p.R175H and RB1 loss. EGFR wild type.

EXAM: ECOG 1. Former smoker, 40 pack years.

PLAN: Lurbinectedin is recommended.
"""

Facts = set[tuple[str, str, str]]


def facts(reader: Reader, text: str) -> Facts:
    findings = reader.read(Note("note", text, note_type="clinic", note_date="2023-12-01"))
    assert all(text[one.start : one.end] == one.text for one in findings)
    return {(one.field, one.value, str(one.assertion)) for one in findings}


def wrapped(text: str, width: int = 78) -> str:
    words = re.compile(rf"(.{{1,{width}}})(?: +|$)", re.MULTILINE)
    return words.sub(lambda match: match[1] + "\n", text)


def as_page(text: str) -> str:
    lines = text.replace("&", "&amp;").replace("<", "&lt;").split("\n")
    return "<html><body>" + "<br>\n".join(lines) + "</body></html>"


UNHARMED: dict[str, Callable[[str], str]] = {
    "returns and line feeds": lambda text: text.replace("\n", "\r\n"),
    "returns alone": lambda text: text.replace("\n", "\r"),
    "no-break blanks": lambda text: text.replace(" ", "\u00a0"),
    "thin blanks": lambda text: text.replace(" ", "\u2009"),
    "doubled blanks": lambda text: text.replace(" ", "  "),
    "blanks at the ends of lines": lambda text: text.replace("\n", "   \n"),
    "typographic dashes": lambda text: text.replace("-", "\u2011"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "invisible characters": lambda text: text.replace(" ", " \u200b"),
    "soft hyphens": lambda text: re.sub(r"([a-z]{4})(?=[a-z]{4})", "\\1\u00ad", text),
    "ligatures": lambda text: text.replace("fi", "\ufb01").replace("fl", "\ufb02"),
    "accents apart": lambda text: unicodedata.normalize("NFD", text),
    "a page of the web": as_page,
    "breaks without line ends": lambda text: text.replace("\n", "<br/>"),
    "entities": lambda text: text.replace(", ", ",&nbsp;"),
    "rich text": lambda text: "{\\rtf1\\ansi\\deff0 " + text.replace("\n", "\\par\n") + "}",
    "line ends written out": lambda text: text.replace("\n", "\\n"),
    "hard wraps": wrapped,
    "another indentation": lambda text: re.sub(r"(?m)^(?=\S)", "    ", text),
}


@pytest.mark.parametrize("damage", UNHARMED)
def test_what_a_machine_did_to_a_note_changes_no_fact(reader: Reader, damage: str) -> None:
    assert facts(reader, UNHARMED[damage](NOTE)) == facts(reader, NOTE)


def test_capitals_change_no_fact(reader: Reader) -> None:
    assert facts(reader, NOTE.upper()) == facts(reader, NOTE)


def test_a_change_of_a_gene_is_read_in_capitals(reader: Reader) -> None:
    text = "SMALL CELL LUNG CANCER. NGS: TP53 P.ARG175HIS AND RB1 P.GLN444TER."
    assert {("variant", "TP53 p.R175H", "present"), ("variant", "RB1 p.Q444*", "present")} <= facts(reader, text)


def test_most_facts_outlive_the_loss_of_all_line_ends(reader: Reader) -> None:
    whole = facts(reader, NOTE)
    assert len(facts(reader, re.sub(r"\s+", " ", NOTE)) & whole) >= 0.85 * len(whole)


def test_a_word_broken_at_the_end_of_a_line_is_one_word(reader: Reader) -> None:
    text = "Small cell lung cancer. The scan showed several liver metas-\n   tases, and a car-\ncinoma of the lung."
    findings = reader.read(Note("note", text))
    assert "metas-\n   tases" in next(one.text for one in findings if one.value == "liver")


def test_a_compound_at_the_end_of_a_line_stays_a_compound(reader: Reader) -> None:
    assert ("histology", "small_cell", "present") in facts(
        reader, "The biopsy of the lung showed a small-\ncell carcinoma."
    )
    assert not {
        one
        for one in facts(reader, "The biopsy of the lung showed a non-\nsmall-cell carcinoma.")
        if one[0] == "histology"
    }


def test_signs_of_greater_and_less_are_no_markup(reader: Reader) -> None:
    text = "SCLC. Platelets <50 and INR >1.5; tumour <b 3 cm; R&D ward."
    assert reader.legible(text) == []


ODD = st.sampled_from(
    ["SCLC ", "small cell lung cancer ", "liver metastases", "metas-\n", "tases ", "<br>", "<p>", "&lt;", "&nbsp;", "{\\rtf1 ", "\\par ", "\\n",
     "\r", "\r\n", "\n", "  ", "\u00ad", "\u200b", "\ufb01", "\ufeff", "é", "e\u0301", "🙂", "\U0001f468\u200d\U0001f469", "שלום ", "肺癌 ",
     "metastises ", "smal cell ", "ce11 ", "TP53 P.ARG175HIS ", "p.R175H ", "Q" * 200, "-" * 40, "\n" * 8, "\t", "no ", "ECOG 1. ", "(", "\x00",
     "\ud800", "cT2N1M0 ", "İ", "ß", "Kleinzelliges Karzinom mit Lebermetastasen. ", "cáncer de pulmón "]
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(ODD, max_size=25).map("".join))
def test_evidence_is_never_shifted(reader: Reader, text: str) -> None:
    findings = reader.read(Note("note", text))
    assert all(text[one.start : one.end] == one.text and one.start < one.end for one in findings)


@given(st.lists(ODD, max_size=25).map("".join))
def test_every_pass_leads_back_into_the_note(reader: Reader, text: str) -> None:
    length = len(text)
    for one in reader.legible(text):
        places = [one.original(index, index + 1) for index in range(len(one.text))]
        assert all(0 <= start <= end <= length for start, end in places)
        assert [start for start, _ in places] == sorted(start for start, _ in places)
        length = len(one.text)
