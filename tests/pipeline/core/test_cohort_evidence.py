"""What a note says for taking its patient into the registry: the patient's own lung cancer, how sure, and in which words."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.note import Note
from abstractor.pipeline.cohort_evidence import Row, evidence_rows
from abstractor.pipeline.nlp import Reader
from abstractor.rulebook.book import RuleBook

SAMPLES = Path(__file__).resolve().parents[3] / "corpus_samples" / "gold.jsonl"
Said = tuple[object, object, object, object]


def note(text: str, note_type: str = "clinic") -> Note:
    return Note("N1", text, "P1", "2024-03-01", note_type)


def said(rows: list[Row]) -> set[Said]:
    return {(row["reason"], row["field"], row["value"], row["assertion"]) for row in rows}


@pytest.fixture(scope="module")
def samples() -> list[Note]:
    rows = [json.loads(line) for line in SAMPLES.read_text(encoding="utf-8").splitlines()]
    return [
        Note(row["note_id"], row["text"], row["patient_id"], row["note_date"], row["note_type"]) for row in rows[::19]
    ]


@pytest.mark.parametrize(
    ("text", "note_type", "expected"),
    [
        (
            "Final diagnosis: Small cell carcinoma of the left upper lobe.",
            "pathology",
            {("histology", "histology", "small_cell", "present")},
        ),
        (
            "Diagnosis: adenocarcinoma of the lung, right lower lobe, stage IIIA.",
            "clinic",
            {("lung_cancer", "lung_cancer", "non_small_cell", "present")},
        ),
        (
            "Seen in clinic. Squamous cell carcinoma of the lung, on radiotherapy.",
            "clinic",
            {("lung_cancer", "lung_cancer", "non_small_cell", "present")},
        ),
        (
            "Indication: known lung cancer. Heart size is normal.",
            "radiology",
            {("lung_cancer", "lung_cancer", "unspecified", "present")},
        ),
        (
            "A 4 cm mass at the left hilum, suspicious for lung cancer. Biopsy advised.",
            "radiology",
            {("lung_cancer", "lung_cancer", "unspecified", "uncertain")},
        ),
        (
            "He goes on with osimertinib 80 mg daily and feels well.",
            "telephone",
            {("lung_cancer", "lung_cancer", "drug", "uncertain")},
        ),
    ],
)
def test_the_patients_own_lung_cancer_is_evidence(
    reader: Reader, text: str, note_type: str, expected: set[Said]
) -> None:
    assert said(evidence_rows(reader, note(text, note_type))) == expected


@pytest.mark.parametrize(
    "text",
    [
        "High blood pressure, well controlled. Return in six months.",
        "Family history: mother died of lung cancer at 61. The patient has asthma.",
        "His brother has small cell lung cancer. He himself is well.",
        "There is no evidence of lung cancer.",
        "Small cell carcinoma of the urinary bladder, treated with cystectomy.",
        "Small cell lung cancer accounts for about 15% of lung cancers.",
        "Chest radiograph: no prior thoracic malignancy. The tumour markers were normal.",
        " \n",
    ],
)
def test_what_is_of_others_denied_or_elsewhere_is_none(reader: Reader, text: str) -> None:
    assert not [row for row in evidence_rows(reader, note(text)) if row["reason"]]


def test_small_cell_that_is_denied_finds_nobody_but_is_told(reader: Reader) -> None:
    rows = evidence_rows(reader, note("Adenocarcinoma of the lung. No evidence of small cell carcinoma.", "pathology"))
    assert said(rows) == {
        ("lung_cancer", "lung_cancer", "non_small_cell", "present"),
        (None, "histology", "small_cell", "absent"),
    }


def test_a_lung_cancer_named_beside_another_cancer_is_weak_evidence(reader: Reader) -> None:
    text = (
        "Diagnosis: breast cancer, stage II.\nBreast cancer was found in 2023; the breast carcinoma was resected.\n"
        "TTF-1 is negative, which speaks against lung adenocarcinoma."
    )
    [row] = evidence_rows(reader, note(text, "pathology"))
    assert (row["assertion"], row["confidence"]) == ("uncertain", 0.2)
    [sure] = evidence_rows(reader, note("Diagnosis: lung adenocarcinoma."))
    assert int(str(row["strength"])) > int(str(sure["strength"]))


def test_kinds_of_evidence_that_the_rules_leave_out_find_nobody(rulebook: RuleBook, reader: Reader) -> None:
    few = tuple(kind for kind in rulebook.cohort if kind.field == "histology")
    strict = replace(reader, rulebook=replace(rulebook, cohort=few))
    assert evidence_rows(strict, note("Indication: known lung cancer.")) == []
    assert said(evidence_rows(strict, note("Final diagnosis: small cell lung cancer.", "pathology"))) == {
        ("histology", "histology", "small_cell", "present")
    }


def test_the_evidence_is_quoted_to_the_letter_and_goes_in_the_order_of_the_text(
    reader: Reader, samples: list[Note]
) -> None:
    found = 0
    for one in samples:
        damaged = replace(one, text="<p>" + one.text.replace("\n", "\r\n") + "&nbsp;</p>")
        for source in (one, damaged):
            rows = evidence_rows(reader, source)
            spans = [(int(str(row["start"])), int(str(row["end"]))) for row in rows]
            assert [row["text"] for row in rows] == [source.text[start:end] for start, end in spans]
            assert spans == sorted(spans)
            found += bool(rows)
    assert found > len(samples)


def test_the_long_way_finds_the_same(rulebook: RuleBook, reader: Reader, samples: list[Note]) -> None:
    plain = replace(reader, plain=True)
    for one in samples:
        assert evidence_rows(plain, one) == evidence_rows(reader, one)


@given(
    st.lists(
        st.sampled_from(
            ["small cell", "non-small cell", "lung cancer", "no", "\n\n", "breast cancer", ".", "pemetrexed"]
        ),
        max_size=12,
    )
)
def test_any_words_give_rows_that_can_be_written(reader: Reader, words: list[str]) -> None:
    for row in evidence_rows(reader, note(" ".join(words))):
        assert json.loads(json.dumps(row)) == row
        assert (row["reason"] is None) == (row["strength"] == 0)
