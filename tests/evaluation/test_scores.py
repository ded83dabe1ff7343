"""Precision, recall and F1 over sets of facts, against figures worked out by hand."""

import pytest

from abstractor.evaluation import GoldNote, score
from abstractor.model.finding import Assertion, Finding


def finding(
    field: str, value: str, assertion: str = "present", start: int = 0, end: int = 5, note_id: str = "n1"
) -> Finding:
    return Finding(note_id, note_id, None, "other", field, value, Assertion(assertion), start, end, "x" * (end - start))


GOLD = GoldNote.from_row(
    {
        "note_id": "n1",
        "facts": [
            {"field": "metastasis", "value": "liver", "assertion": "present", "spans": [[0, 10]]},
            {"field": "metastasis", "value": "bone", "assertion": "absent", "spans": [[20, 24]]},
            {"field": "ecog", "value": "1", "assertion": "present", "spans": [[30, 36]]},
            {"field": "histology", "value": "combined_small_cell", "assertion": "absent", "spans": []},
            {"field": "response", "value": "PD", "assertion": "hypothetical", "spans": [[40, 44]]},
        ],
    }
)


def test_present_facts_and_absent_ones_of_the_marked_fields_count() -> None:
    found = [
        finding("metastasis", "liver", start=4, end=6),
        finding("metastasis", "bone", "absent", 50, 55),
        finding("ecog", "2"),
    ]
    row = score([GOLD], found, ["metastasis"]).row()
    assert row["micro"] == {
        "tp": 2,
        "fp": 1,
        "fn": 1,
        "precision": pytest.approx(2 / 3),
        "recall": pytest.approx(2 / 3),
        "f1": pytest.approx(2 / 3),
    }
    assert row["fields"]["ecog"]["f1"] == 0.0
    assert row["macro_f1"] == pytest.approx(0.5)
    assert row["evidence_overlap"] == pytest.approx(0.5)


def test_the_same_fact_twice_is_one_hit() -> None:
    found = [finding("ecog", "1", start=30, end=36), finding("ecog", "1", start=60, end=66)]
    scores = score([GOLD], found, [])
    assert (scores.fields["ecog"].tp, scores.fields["ecog"].fp) == (1, 0)


def test_other_assertions_are_reported_apart() -> None:
    row = score([GOLD], [finding("response", "PD", "hypothetical")], ["metastasis"]).row()
    assert row["other_assertions"]["hypothetical"]["tp"] == 1
    assert row["other_assertions"]["absent"]["fn"] == 1
    assert "response" not in row["fields"]


def test_errors_name_note_place_and_rule() -> None:
    errors = {
        (one.kind, one.field, one.value): one
        for one in score([GOLD], [finding("ecog", "2", start=7, end=9)], []).errors
    }
    assert errors["false", "ecog", "2"].start == 7
    assert errors["missed", "ecog", "1"].end == 36


def test_findings_of_notes_without_gold_are_not_judged() -> None:
    assert score([GOLD], [finding("ecog", "2", note_id="other")], []).micro.fp == 0


def test_nothing_to_judge_divides_by_nothing() -> None:
    assert score([], [], []).row()["micro"]["f1"] == 0.0
