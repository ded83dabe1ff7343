"""What holds for every text: nothing crashes, evidence is the note's own words, values fit their fields, nothing is printed."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abstractor.model.finding import Finding
from abstractor.model.note import NOTE_TYPES, Note
from abstractor.pipeline.nlp import MOST_SPANS, Reader
from abstractor.pipeline.prepare import prepare
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.load import value_fits

PIECES = (
    "Small cell lung cancer",
    "ES-SCLC",
    "RUL mass",
    "liver",
    "bone",
    "metastases",
    "no",
    "mets to",
    "cT3 N2 M1c",
    "stage IV",
    "IIIB",
    "ECOG 1-2",
    "40 pack-years",
    "never smoker",
    "died on",
    "3/4/22",
    "14.11.2023",
    "March 2024",
    "diagnosed",
    "biopsy",
    "TP53 R248Q",
    "Ki-67 90%",
    "carboplatin",
    "etoposide",
    "PCI",
    "progression",
    "stable disease",
    "Plan:",
    "FINDINGS:",
    "Family History:",
    "mother",
    "?",
    ";",
    ", but ",
    "\n",
    "\n\n",
    "\t",
    "\r\n",
    "\x00",
    "\ud800",
    "\u00a0",
    "\u2013",
    "\u0130",
    "(",
    ")",
    "[",
    "]",
    ".",
    ":",
    "-",
    "5.8 cm",
    "->",
    "\U0001f600",
)
TEXTS = st.one_of(
    st.text(max_size=300), st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=40).map(" ".join)
)


def check(findings: list[Finding], note: Note, book: RuleBook) -> None:
    for one in findings:
        assert 0 <= one.start < one.end <= len(note.text)
        assert note.text[one.start : one.end] == one.text
        assert value_fits(book.fields[one.field], one.value), (one.field, one.value)
        assert one.rulebook == book.version
        assert (one.date is None) == (one.date_precision is None) == (one.date_source is None)
    assert findings == sorted(findings, key=lambda one: (one.start, one.end, one.field, one.value, str(one.assertion)))
    facts = [(one.field, one.value, one.assertion) for one in findings]
    assert all(facts.count(fact) <= MOST_SPANS for fact in facts)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=150
)
@given(
    text=TEXTS,
    note_type=st.sampled_from(NOTE_TYPES),
    note_date=st.sampled_from([None, "2024-02-29", "2021-01-01T10:00:00", "nonsense"]),
)
def test_any_text_gives_findings_whose_evidence_is_the_text(
    reader: Reader, rulebook: RuleBook, text: str, note_type: str, note_date: str | None
) -> None:
    note = Note(note_id="1", text="SCLC of the lung. " + text, note_type=note_type, note_date=note_date)
    check(reader.read(note), note, rulebook)


@settings(deadline=None)
@given(text=st.text())
def test_preparing_keeps_every_offset(text: str) -> None:
    assert len(prepare(text)) == len(text)
    assert len(prepare(text).lower()) == len(text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=TEXTS)
def test_sentences_and_sections_lie_in_order_and_within_the_text(reader: Reader, text: str) -> None:
    view = reader.view(Note(note_id="1", text=text))
    ends = [0]
    for sentence in view.sentences:
        assert ends[-1] <= sentence.start < sentence.end <= len(text)
        ends.append(sentence.end)
    assert view.sections[0].title_start == 0
    assert view.sections[-1].end == len(text)
    assert all(one.end == other.title_start for one, other in zip(view.sections, view.sections[1:], strict=False))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n ",
        "\x00",
        "a" * 100_000,
        "no " * 20_000,
        "liver, " * 8_000,
        "1/2/3 " * 5_000,
        "(" * 20_000,
        "\n" * 50_000,
    ],
)
def test_odd_texts_are_read(reader: Reader, rulebook: RuleBook, text: str) -> None:
    note = Note(note_id="1", text=text)
    check(reader.read(note), note, rulebook)


def test_no_word_of_a_note_is_printed(reader: Reader, capfd: pytest.CaptureFixture[str]) -> None:
    text = "Zyxwvutia presented with SCLC of the left lung and liver metastases. No bone metastases. Plan: carboplatin."
    assert reader.read(Note(note_id="1", text=text))
    assert capfd.readouterr() == ("", "")


def test_the_python_interface_reads_a_note(reader: Reader) -> None:
    from abstractor import Abstractor

    nlp = Abstractor(reader.rulebook)
    text = "ES-SCLC with liver metastases, ECOG 1. TP53 p.Arg273His was found."
    found = {(one.field, one.value) for one in nlp.annotate(Note(note_id="1", text=text))}
    assert {("histology", "small_cell"), ("stage.valg", "extensive"), ("metastasis", "liver"), ("ecog", "1")} <= found
    [variant] = nlp.variants("TP53 p.Arg273His")
    assert (variant.gene, variant.hgvs_p) == ("TP53", "p.R273H")
    doc = nlp.spacy(text)
    assert [one.text for one in doc._.findings] == [one.text for one in nlp.annotate(Note(note_id="doc", text=text))]
    assert "metastasis" in {entity.label_ for entity in doc.ents}


def test_the_light_path_imports_no_language_machinery() -> None:
    import subprocess
    import sys

    code = "import sys, abstractor; print([name for name in ('spacy', 'medspacy', 'pandas') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )
    assert done.stdout.strip() == "[]"
