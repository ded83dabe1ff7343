"""From many findings of one patient to one suggestion a fact."""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.finding import Assertion, Finding
from abstractor.model.suggestion import Suggestion
from abstractor.pipeline.suggest import suggest
from abstractor.rulebook.schema import FieldSpec

Suggest = Callable[..., tuple[Suggestion, ...]]


def said(field: str, value: str, note_date: str | None = "2024-03-01", **other: object) -> Finding:
    """One mention, in a note of its own unless it is named."""
    defaults: dict[str, object] = {
        "note_id": f"note of {note_date}",
        "note_type": "clinic",
        "assertion": Assertion.PRESENT,
        "start": 0,
        "end": 4,
        "text": "word",
        "confidence": 0.9,
    }
    return Finding(patient_id="P1", note_date=note_date, field=field, value=value, **{**defaults, **other})


@pytest.fixture
def put(fields: dict[str, FieldSpec]) -> Suggest:
    def suggested(*findings: Finding, **how: object) -> tuple[Suggestion, ...]:
        return suggest(findings, fields, sha256={}, **how)

    return suggested


def slots(suggestions: tuple[Suggestion, ...]) -> list[tuple[str, str]]:
    return [(one.slot, one.value) for one in suggestions]


# what is taken at all


def test_only_what_is_present_is_suggested_and_absence_where_the_registry_keeps_it(put: Suggest) -> None:
    for assertion in ("uncertain", "hypothetical", "historical", "other_experiencer"):
        assert put(said("metastasis", "liver", assertion=Assertion(assertion))) == ()
    assert slots(put(said("metastasis", "liver", assertion=Assertion.ABSENT))) == [("metastasis:liver:absent", "liver")]
    assert put(said("histology", "small_cell", assertion=Assertion.ABSENT)) == ()


def test_a_finding_of_an_unknown_field_is_left_out(put: Suggest) -> None:
    assert put(said("shoe_size", "44")) == ()


@pytest.mark.parametrize(
    ("prefix", "kept"), [("c", True), ("p", True), ("", True), ("y", False), ("yp", False), ("r", False)]
)
def test_a_stage_after_treatment_or_at_relapse_is_not_the_stage_at_diagnosis(
    put: Suggest, prefix: str, *, kept: bool
) -> None:
    assert bool(put(said("stage.t", "T2", attributes={"prefix": prefix}))) == kept


def test_suggestions_come_in_the_order_of_the_form(put: Suggest, fields: dict[str, FieldSpec]) -> None:
    found = put(said("vital_status", "alive"), said("stage.valg", "limited"), said("histology", "small_cell"))
    order = list(fields)
    assert [one.field for one in found] == sorted((one.field for one in found), key=order.index)


# one per patient


def test_equal_mentions_of_many_notes_are_one_suggestion_with_all_their_evidence(put: Suggest) -> None:
    (one,) = put(
        said("stage.valg", "limited", "2024-03-01"),
        said("stage.valg", "limited", "2024-04-01"),
        said("stage.valg", "limited", "2024-04-01", start=50, end=54),
    )
    assert (one.slot, one.value, len(one.evidence)) == ("stage.valg", "limited", 3)


def test_differing_values_of_one_question_stand_side_by_side(put: Suggest) -> None:
    assert Counter(slots(put(said("stage.valg", "limited"), said("stage.valg", "extensive")))) == Counter(
        [("stage.valg", "limited"), ("stage.valg", "extensive")]
    )


def test_the_trusted_source_is_offered_first(put: Suggest) -> None:
    found = put(
        said("histology", "combined_small_cell", "2024-05-01", note_type="clinic"),
        said("histology", "small_cell", "2024-03-01", note_type="pathology"),
    )
    assert [one.value for one in found] == ["small_cell", "combined_small_cell"]


def test_the_authors_summing_up_is_offered_before_the_body(put: Suggest) -> None:
    found = put(
        said("stage.valg", "limited", section="history"),
        said("stage.valg", "extensive", start=90, end=94, section="impression"),
    )
    assert [one.value for one in found] == ["extensive", "limited"]


def test_a_copied_sentence_is_offered_after_an_own_one(put: Suggest) -> None:
    copied = said("stage.valg", "limited", "2024-03-01", note_type="tumour_board")
    own = said("stage.valg", "extensive", "2024-05-01", note_type="clinic")
    found = put(copied, own, carried=lambda finding: finding is copied)
    assert [one.value for one in found] == ["extensive", "limited"]
    assert [one.evidence[0].carried_forward for one in found] == [False, True]


@pytest.mark.parametrize(
    ("field", "values", "kept"),
    [
        ("stage.group", ["III", "IIIA"], ["IIIA"]),
        ("stage.group", ["I", "IA", "IA2"], ["IA2"]),
        ("stage.group", ["III", "IIIA", "IIIB"], ["III", "IIIA", "IIIB"]),
        ("stage.group", ["III", "IVA"], ["III", "IVA"]),
        ("stage.group", ["I", "IV"], ["I", "IV"]),
        ("stage.t", ["T2", "T2a"], ["T2a"]),
        ("stage.t", ["T2", "T3"], ["T2", "T3"]),
        ("stage.m", ["M1", "M1c", "M1c1"], ["M1c1"]),
        ("diagnosis_date", ["2024", "2024-03", "2024-03-04"], ["2024-03-04"]),
        ("diagnosis_date", ["2024-03", "2024-03-04", "2024-03-05"], ["2024-03", "2024-03-04", "2024-03-05"]),
        ("death_date", ["2024-03-04", "2023"], ["2023", "2024-03-04"]),
        ("primary_site", ["right_lung", "right_upper_lobe"], ["right_upper_lobe"]),
    ],
)
def test_a_broader_value_supports_the_one_exact_value_it_can_mean(
    put: Suggest, field: str, values: list[str], kept: list[str]
) -> None:
    found = put(*(said(field, value, f"2024-03-0{day}") for day, value in enumerate(values, 1)))
    assert sorted(one.value for one in found) == kept
    assert sum(len(one.evidence) for one in found) == len(values)


def test_death_ends_the_question_whether_the_patient_is_alive(put: Suggest) -> None:
    alive, dead = said("vital_status", "alive", "2024-03-01"), said("vital_status", "dead", "2024-06-01")
    assert slots(put(alive, dead)) == [("vital_status", "dead")]
    assert slots(put(alive)) == [("vital_status", "alive")]


# one per value


def test_present_and_absent_are_two_questions(put: Suggest) -> None:
    found = put(said("metastasis", "liver"), said("metastasis", "liver", "2023-12-01", assertion=Assertion.ABSENT))
    assert {(one.slot, str(one.assertion)) for one in found} == {
        ("metastasis:liver", "present"),
        ("metastasis:liver:absent", "absent"),
    }


def test_the_date_of_a_value_is_the_earliest_that_was_stated(put: Suggest) -> None:
    (one,) = put(
        said("metastasis", "liver", date="2024-05-02"),
        said("metastasis", "liver", date="2024-03"),
        said("metastasis", "liver"),
    )
    assert one.date == "2024-03"


def test_an_unspecific_mutation_supports_the_specific_one_of_its_gene(put: Suggest) -> None:
    found = put(said("variant", "TP53 p.R175H"), said("variant", "TP53 mutation"), said("variant", "RB1 mutation"))
    assert [one.value for one in found] == ["RB1 mutation", "TP53 p.R175H"]
    assert len(found[1].evidence) == 2


def test_an_absent_specific_mutation_takes_no_support(put: Suggest) -> None:
    found = put(said("variant", "EGFR p.T790M", assertion=Assertion.ABSENT), said("variant", "EGFR mutation"))
    assert {(one.value, str(one.assertion)) for one in found} == {
        ("EGFR p.T790M", "absent"),
        ("EGFR mutation", "present"),
    }


# events


def test_mentions_within_the_window_are_one_event_and_later_ones_another(put: Suggest) -> None:
    found = put(
        said("response", "PR", date="2024-03-01"),
        said("response", "PR", date="2024-03-15"),
        said("response", "PR", date="2024-03-16"),
    )
    assert slots(found) == [("response@2024-03-01", "PR"), ("response@2024-03-16", "PR")]


def test_the_window_counts_from_the_first_mention_and_does_not_creep(put: Suggest) -> None:
    days = ["2024-03-01", "2024-03-10", "2024-03-19", "2024-03-28"]
    found = put(*(said("response", "SD", date=day) for day in days))
    assert [one.slot for one in found] == ["response@2024-03-01", "response@2024-03-19"]


def test_differing_values_of_one_event_are_a_conflict(put: Suggest) -> None:
    found = put(said("response", "PR", date="2024-03-01"), said("response", "SD", date="2024-03-05"))
    assert {one.slot for one in found} == {"response@2024-03-01"}
    assert {one.value for one in found} == {"PR", "SD"}


def test_an_event_without_a_date_of_its_own_has_its_notes_date(put: Suggest) -> None:
    assert slots(put(said("response", "PD", "2024-03-01T10:30:00"))) == [("response@2024-03-01", "PD")]
    assert slots(put(said("response", "PD", None))) == [("response@undated", "PD")]


def test_a_copied_sentence_never_opens_an_event(put: Suggest) -> None:
    own, copied = said("response", "PD", "2024-03-01"), said("response", "PD", "2024-06-01")
    found = put(own, copied, carried=lambda finding: finding is copied)
    assert [one.slot for one in found] == ["response@2024-03-01"]


def test_a_copied_sentence_with_a_stated_date_supports_the_event_of_that_date(put: Suggest) -> None:
    own = said("response", "PD", "2024-03-01")
    copied = said("response", "PD", "2024-06-01", date="2024-03-01")
    (one,) = put(own, copied, carried=lambda finding: finding is copied)
    assert (one.slot, len(one.evidence)) == ("response@2024-03-01", 2)


def test_a_decided_event_keeps_its_key_when_an_earlier_mention_turns_up(put: Suggest) -> None:
    found = put(
        said("response", "PR", date="2024-02-25"),
        said("response", "PR", date="2024-03-01"),
        decided_slots=["response@2024-03-01"],
    )
    assert [one.slot for one in found] == ["response@2024-03-01"]
    assert len(found[0].evidence) == 2


def test_a_decision_far_away_draws_nothing(put: Suggest) -> None:
    found = put(said("response", "PR", date="2024-03-01"), decided_slots=["response@2024-06-01", "ecog@2024-03-01"])
    assert [one.slot for one in found] == ["response@2024-03-01"]


# episodes


def test_a_drug_given_in_winter_and_again_in_autumn_is_two_episodes(put: Suggest) -> None:
    found = put(
        *(said("systemic_therapy", "carboplatin", date=day) for day in ("2024-01-22", "2024-02-12", "2024-11-04"))
    )
    assert [(one.slot, one.end_date) for one in found] == [
        ("systemic_therapy:carboplatin@2024-01-22", "2024-02-12"),
        ("systemic_therapy:carboplatin@2024-11-04", None),
    ]


def test_an_episode_goes_on_from_dose_to_dose(put: Suggest) -> None:
    """Each within 90 days of the one before, though the last is far from the first."""
    days = ["2024-01-01", "2024-03-15", "2024-06-01", "2024-08-20"]
    (one,) = put(*(said("systemic_therapy", "atezolizumab", date=day) for day in days))
    assert (one.date, one.end_date) == ("2024-01-01", "2024-08-20")


def test_an_undated_mention_supports_the_episode_begun_by_then(put: Suggest) -> None:
    found = put(
        said("systemic_therapy", "carboplatin", "2024-01-22", date="2024-01-22"),
        said("systemic_therapy", "carboplatin", "2024-11-04", date="2024-11-04"),
        said("systemic_therapy", "carboplatin", "2024-05-01"),
        said("systemic_therapy", "carboplatin", "2024-12-01"),
    )
    assert [{each.note_date for each in one.evidence} for one in found] == [
        {"2024-01-22", "2024-05-01"},
        {"2024-11-04", "2024-12-01"},
    ]


def test_a_drug_never_dated_is_one_undated_question(put: Suggest) -> None:
    found = put(
        said("systemic_therapy", "carboplatin", "2024-01-01"), said("systemic_therapy", "carboplatin", "2024-09-01")
    )
    assert [(one.slot, one.date) for one in found] == [("systemic_therapy:carboplatin@undated", None)]


def test_that_a_drug_was_never_given_needs_no_date(put: Suggest) -> None:
    found = put(
        *(
            said("systemic_therapy", "cisplatin", day, date=day, assertion=Assertion.ABSENT)
            for day in ("2024-01-01", "2024-09-01")
        )
    )
    assert [one.slot for one in found] == ["systemic_therapy:cisplatin:absent"]


def test_a_decided_episode_keeps_its_key(put: Suggest) -> None:
    found = put(
        said("systemic_therapy", "carboplatin", date="2024-01-15"),
        said("systemic_therapy", "carboplatin", date="2024-02-12"),
        decided_slots=["systemic_therapy:carboplatin@2024-01-22"],
    )
    assert [one.slot for one in found] == ["systemic_therapy:carboplatin@2024-01-22"]


# how sure


def test_several_notes_make_it_surer_and_copies_do_not(put: Suggest) -> None:
    one, other = (
        said("stage.valg", "limited", "2024-03-01", confidence=0.6),
        said("stage.valg", "limited", "2024-04-01", confidence=0.6),
    )
    alone, both = put(one)[0].confidence, put(one, other)[0].confidence
    copied = put(one, other, carried=lambda finding: finding is other)[0].confidence
    assert (alone, both, copied) == (0.6, 0.84, 0.6)
    assert put(one, carried=lambda _: True)[0].confidence == 0.3


# whatever the notes say


@st.composite
def mentions(draw: st.DrawFn, fields: dict[str, FieldSpec]) -> Finding:
    spec = draw(st.sampled_from([spec for spec in fields.values() if spec.in_notes]))
    values = [code.code for code in spec.codes] or [
        "2024",
        "2024-03",
        "2024-03-04",
        "T2",
        "T2a",
        "TP53 mutation",
        "TP53 p.R175H",
    ]
    days = st.sampled_from([None, "2023", "2024-01", "2024-03", "2024-03-01", "2024-03-10", "2024-04-01", "2024-12-01"])
    return said(
        spec.name,
        draw(st.sampled_from(values)),
        draw(st.sampled_from([None, "2024-01-05", "2024-03-01T10:00:00", "2024-03-12", "2025-01-01"])),
        note_id=draw(st.sampled_from("ABCD")),
        date=draw(days),
        assertion=draw(st.sampled_from([Assertion.PRESENT, Assertion.PRESENT, Assertion.ABSENT, Assertion.UNCERTAIN])),
        start=draw(st.integers(0, 5)),
    )


@given(data=st.data())
def test_no_question_is_put_twice_with_one_value_and_evidence_is_never_made_up(
    data: st.DataObject, fields: dict[str, FieldSpec]
) -> None:
    findings = data.draw(st.lists(mentions(fields), max_size=15))
    copied = data.draw(st.sets(st.sampled_from("ABCD")))
    first = suggest(findings, fields, sha256={}, carried=lambda finding: finding.note_id in copied)
    keys = [(one.slot, one.value, one.assertion) for one in first]
    assert len(set(keys)) == len(keys)  # as the registry demands
    places = {(one.field, one.note_id, one.start) for one in findings}
    assert all((one.field, each.note_id, each.start) in places for one in first for each in one.evidence)
    assert all(one.evidence for one in first)
    # any order of the notes gives the same
    again = suggest(findings[::-1], fields, sha256={}, carried=lambda finding: finding.note_id in copied)
    assert sorted(keys) == sorted((one.slot, one.value, one.assertion) for one in again)
    # what was decided keeps its question
    anchored = suggest(
        findings,
        fields,
        sha256={},
        carried=lambda finding: finding.note_id in copied,
        decided_slots=[one.slot for one in first],
    )
    assert {one.slot for one in anchored} == {one.slot for one in first}


def test_radiotherapy_without_a_site_supports_the_course_it_stands_near(put: Suggest) -> None:
    """ "Completed RT" of the clinic note is no second course beside the thoracic one of the report."""
    (one,) = put(
        said("radiotherapy", "thoracic", "2024-03-08", date="2024-03-08"),
        said("radiotherapy", "unspecified", "2024-05-02", date="2024-04"),
        said("radiotherapy", "unspecified", "2024-09-02"),
    )
    assert (one.value, len(one.evidence)) == ("thoracic", 3)


def test_radiotherapy_of_another_year_without_a_site_stays_a_question(put: Suggest) -> None:
    found = put(
        said("radiotherapy", "thoracic", "2024-03-08", date="2024-03-08"),
        said("radiotherapy", "unspecified", "2024-03-09", date="2021-01-10"),
    )
    assert {one.value for one in found} == {"thoracic", "unspecified"}


def test_of_one_scan_progression_is_offered_before_what_is_stable(put: Suggest) -> None:
    """RECIST 1.1: progression of any lesion is progression of the patient; lesions that stay the same do not undo it."""
    found = put(
        said("response", "SD", "2024-03-08", date="2024-03-08"),
        said("response", "PD", "2024-03-08", date="2024-03-08", start=40, end=44),
    )
    assert [one.value for one in found] == ["PD", "SD"]


def test_a_course_told_with_its_ends_begins_and_stops_on_them(put: Suggest) -> None:
    """ "VMAT 3 June to 12 July" in the report, dated by its end; the clinic note of August supports it."""
    (one,) = put(
        said(
            "radiotherapy",
            "thoracic",
            "2024-07-15",
            date="2024-07-12",
            attributes={"started": "2024-06-03", "stopped": "2024-07-12"},
        ),
        said("radiotherapy", "thoracic", "2024-08-19"),
    )
    assert (one.date, one.end_date, len(one.evidence)) == ("2024-06-03", "2024-07-12", 2)
