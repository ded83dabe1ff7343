"""How the course of the cancer is judged."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

Said = Callable[..., set[tuple[str, str]]]
FIELD = "response"
PHRASES = Path(__file__).resolve().parents[3] / ".." / "shared" / "gold" / "response_phrases.tsv"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Restaging shows a complete response.", "CR"),
        ("She remains in remission.", "CR"),
        ("No evidence of disease on CT.", "CR"),
        ("NED.", "CR"),
        ("CT shows a partial response.", "PR"),
        ("Marked interval decrease in the hilar mass.", "PR"),
        ("Her tumour responded well to carboplatin.", "PR"),
        ("The liver metastases have shrunk.", "PR"),
        ("Stable disease.", "SD"),
        ("The mass is unchanged.", "SD"),
        ("No significant change in the size of the mass.", "SD"),
        ("CT shows progressive disease.", "PD"),
        ("The disease has progressed on topotecan.", "PD"),
        ("New liver metastases.", "PD"),
        ("Enlarging mediastinal nodes.", "PD"),
        ("Relapse in the brain.", "PD"),
        ("Platinum-refractory disease.", "PD"),
        ("Failed lurbinectedin.", "PD"),
        ("There is a mixed response.", "mixed"),
        ("Too early to assess response.", "NE"),
        ("RLL mass 2.0 cm (previously 4.0 cm).", "PR"),
        ("Best response: PR.", "PR"),
        ("PD per RECIST 1.1.", "PD"),
    ],
)
def test_plain_words_recist_words_and_sizes(said: Said, text: str, value: str) -> None:
    assert said(FIELD, text) == {(value, "present")}


def test_every_value_of_any_lesion_is_listed(said: Said) -> None:
    text = "The liver lesions are smaller, but there are new bone metastases."
    assert said(FIELD, text) == {("PR", "present"), ("PD", "present")}


@pytest.mark.parametrize(
    "text",
    [
        "No evidence of progression.",
        "No new lesions.",
        "Has not progressed.",
        "No evidence of recurrent disease.",
        "No recurrence or relapse.",
    ],
)
def test_no_progression_is_progression_denied_and_no_stability(said: Said, text: str) -> None:
    assert said(FIELD, text) == {("PD", "absent")}


@pytest.mark.parametrize(
    "text",
    [
        "Continue atezolizumab until progression.",
        "At progression consider topotecan.",
        "Evaluate for progression.",
        "We hope for a partial response.",
        "Discussed the risk of recurrence.",
        "If he progresses, hospice.",
    ],
)
def test_what_may_come_is_hypothetical(said: Said, text: str) -> None:
    assert {assertion for _, assertion in said(FIELD, text)} == {"hypothetical"}


@pytest.mark.parametrize(
    "text", ["Possible progression.", "Suspicious for recurrence.", "Recurrence cannot be excluded."]
)
def test_a_hedge_is_uncertain(said: Said, text: str) -> None:
    assert said(FIELD, text) == {("PD", "uncertain")}


@pytest.mark.parametrize(
    "text",
    [
        "Median progression-free survival was 5 months.",
        "The pleural effusion has decreased.",
        "Pneumonia resolved.",
        "Stable COPD.",
        "Vital signs stable.",
        "Microsatellite stable.",
        "Progressive weakness and worsening anaemia.",
        "PR interval 180 ms.",
        "T-score -2.5 SD.",
        "Metoprolol CR 50 mg.",
        "Anti-PD-1 therapy.",
        "LDH fell from 820 to 310.",
        "Depression in remission.",
        "Responded to antibiotics.",
        "Infrarenal aneurysm 3.4 cm, previously 3.3 cm.",
        "He worries about relapse.",
    ],
)
def test_other_subjects_are_silent(said: Said, text: str) -> None:
    assert said(FIELD, text) == set()


def test_a_clinician_telling_of_progression_states_it(said: Said) -> None:
    assert said(FIELD, "Discussed with his wife that CT shows progression.") == {("PD", "present")}


def test_decline_from_progression_is_no_denial(said: Said) -> None:
    assert said(FIELD, "Clinical decline from progressive disease.") == {("PD", "present")}


def test_a_new_clause_ends_the_negation(said: Said) -> None:
    assert ("PD", "present") in said(FIELD, "No new lesions, interval growth of the hilar mass.")


def test_remission_of_another_cancer_is_historical(said: Said) -> None:
    assert said(FIELD, "Lymphoma 2003, in remission.") == {("CR", "historical")}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("CT shows tumour shrinkage.", "PR"),
        ("The nodule showed spontaneous regression.", "PR"),
        ("Adrenal metastasis: smaller.", "PR"),
        ("The deposit has decreased to 9 mm.", "PR"),
        ("CT 27/10/22 - PR.", "PR"),
        ("The primary did not change.", "SD"),
        ("Hilar mass 3.1 cm, about the same.", "SD"),
        ("The tumour continued to grow.", "PD"),
        ("Progressive intracranial and extracranial disease.", "PD"),
        ("1. PD.", "PD"),
        ("Response could not be evaluated.", "NE"),
    ],
)
def test_wordings_are_read_in_any_order_of_their_parts(said: Said, text: str, value: str) -> None:
    assert said(FIELD, text) == {(value, "present")}


@pytest.mark.parametrize(
    "text",
    [
        "Tumour markers have decreased.",
        "Thyroid nodule unchanged.",
        "Good biochemical response.",
        "Tumor cells exhibit enlarged nuclei.",
        "Patent without tumour involvement, unchanged.",
        "A second, smaller lesion is seen in the cerebellum.",
        "In hospital from 09.11.2021 to 17.11.2021 with a hilar mass.",
        "Psoriasis has progressed.",
        "Ejection fraction unchanged.",
        "The mass arose from the lower lobe.",
    ],
)
def test_what_is_no_tumour_or_no_change_is_silent(said: Said, text: str) -> None:
    assert {value for value, assertion in said(FIELD, text) if assertion == "present"} == set()


FRAMES = [
    "Seen with her daughter. {} Bloods were satisfactory.\n\nPlan: see in 3 weeks.",
    "FINDINGS:\nLungs: emphysema.\nIMPRESSION:\n1. {}\n2. Small left effusion.",
    "- Extensive stage small cell lung cancer\n- {}\n- PS 1",
    "He had carboplatin and etoposide, four cycles. {} We talked about this at length.",
]


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("Partial response.", {("PR", "present")}),
        ("Stable disease.", {("SD", "present")}),
        ("PD per RECIST 1.1.", {("PD", "present")}),
        ("No evidence of disease progression.", {("PD", "absent")}),
        ("The hilar mass has shrunk, but there is a new liver lesion.", {("PR", "present"), ("PD", "present")}),
        ("Complete metabolic response at all sites.", {("CR", "present")}),
    ],
)
def test_a_judgement_is_the_same_wherever_it_stands(said: Said, frame: str, text: str, facts: set[object]) -> None:
    assert said(FIELD, frame.format(text)) == facts


def test_a_sentence_without_an_end_is_read_all_the_same(said: Said) -> None:
    filler = "and further notes on diet and sleep " * 60
    assert ("PD", "present") in said(FIELD, f"{filler} CT shows progressive disease {filler}")


@pytest.mark.skipif(not PHRASES.is_file(), reason="the shared development material is not beside the project")
def test_most_of_the_development_phrases_are_judged_as_labelled(said: Said) -> None:
    """By FIELDS, "no evidence of progression" is progression denied, a hedge is uncertain, and NE need not be said."""

    def agrees(phrase: str, label: str) -> bool:
        facts = said(FIELD, phrase)
        present = {value for value, assertion in facts if assertion == "present"}
        if label == "SD" and ("PD", "absent") in facts:
            return present <= {"SD"}
        if label == "PD" and ("PD", "uncertain") in facts:
            return not present
        if label == "MIXED":
            return "mixed" in present or {"PR", "PD"} <= present
        return present <= {"NE"} if label in {"NE", "NONE"} else present == {label}

    with PHRASES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    right = sum(agrees(row["phrase"], row["expected_label"]) for row in rows)
    assert right >= 0.92 * len(rows)
