"""A patient's facts, written in the test, through the whole derivation."""

import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abstractor.checks.stated import split_drugs
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence
from abstractor.outcomes.baseline import baseline
from abstractor.outcomes.lines import load_drug_groups
from abstractor.outcomes.patient import ENDPOINTS, PatientOutcome, derive_patient
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import NoteContact, PatientRecord, assessments, combine, contacts

GROUPS = load_drug_groups(Path(__file__).resolve().parents[2] / "rules" / "lines.toml")
CUTOFF = datetime.date(2022, 6, 30)


def fact(field: str, value: str, date: str | None = None, end: str | None = None, **attributes: object) -> Fact:
    return Fact("p", field, value, date=date, end_date=end, attributes=attributes)


def absent(field: str, value: str) -> Fact:
    return Fact("p", field, value, Assertion.ABSENT)


BASE = (
    fact("histology", "small_cell"),
    fact("stage.valg", "extensive", "2021-01-04"),
    fact("diagnosis_date", "2021-01-04"),
    fact("therapy_line", "1", "2021-01-10", "2021-04-01", drugs=["carboplatin", "etoposide"]),
)


def visits(*days: str) -> tuple[Fact, ...]:
    return tuple(fact("visit", day, day) for day in days)


MONTHLY = visits(*(f"2021-{month:02d}-10" for month in range(1, 13)))


def derive(*facts: Fact, notes: tuple[NoteContact, ...] = (), **changes: object) -> PatientOutcome:
    protocol = Protocol.model_validate(changes)
    return derive_patient(PatientRecord("p", (*BASE, *facts), notes), protocol, CUTOFF, GROUPS)


def codes(outcome: PatientOutcome) -> dict[str, str]:
    return {one.code: one.text for one in outcome.faults}


# --- The course of an ordinary patient ---


def test_response_progression_and_death_give_all_endpoints() -> None:
    outcome = derive(
        *MONTHLY,
        fact("response", "PR", "2021-02-22"),
        fact("response", "PR", "2021-04-05"),
        fact("response", "PD", "2021-06-28"),
        fact("therapy_line", "2", "2021-07-10", None, drugs="lurbinectedin"),
        fact("death_date", "2021-12-24"),
    )
    rows = {name: (row.days, row.event) for name, row in outcome.endpoints.items()}
    assert not outcome.faults
    assert rows["os"] == (348, True)
    assert rows["pfs"] == rows["pfs_trial"] == (169, True)
    assert rows["ttnt"] == (181, True)
    assert rows["ttd"] == (81, True)
    assert rows["dor"] == (126, True)
    assert outcome.first_line is not None
    assert (outcome.first_line.best.value, outcome.first_line.confirmed.value) == ("PR", "PR")
    assert (outcome.platinum.days, outcome.platinum.category) == (88, "resistant")


def test_every_row_names_the_facts_it_rests_on() -> None:
    outcome = derive(*MONTHLY, fact("response", "PD", "2021-06-28"), fact("death_date", "2021-12-24"))
    assert outcome.endpoints["pfs"].evidence == ("response=PD@2021-06-28",)
    assert outcome.endpoints["os"].evidence == ("death_date=2021-12-24",)


def test_the_cutoff_hides_what_comes_later() -> None:
    outcome = derive(*MONTHLY, fact("response", "PD", "2022-08-01"), fact("death_date", "2022-09-01"))
    assert outcome.endpoints["os"].days == (CUTOFF - datetime.date(2021, 1, 10)).days
    assert outcome.endpoints["os"].event is False
    assert outcome.endpoints["pfs"].event is False


def test_brain_only_progression_is_an_event_with_its_site() -> None:
    outcome = derive(*MONTHLY, fact("response", "PD", "2021-06-28", site="CNS"))
    assert outcome.endpoints["pfs"].reason == "progression (cns)"
    assert outcome.endpoints["pfs_systemic"].event is False


def test_pseudoprogression_is_no_event() -> None:
    outcome = derive(*MONTHLY, fact("response", "PD", "2021-06-28", pseudoprogression=True))
    assert outcome.endpoints["pfs"].event is False


def test_clinical_progression_counts_in_the_real_world_but_not_in_the_trial() -> None:
    clinical = fact("response", "PD", "2021-03-10", evidence_type="clinical")
    outcome = derive(*MONTHLY, clinical)
    assert outcome.endpoints["pfs"].event is True
    assert outcome.endpoints["pfs_trial"].event is False
    assert outcome.endpoints["pfs_i"].event is False
    assert derive(*MONTHLY, clinical, clinical_progression_in_trial_pfs=True).endpoints["pfs_trial"].event is True


def test_progression_found_in_a_clinic_note_counts_in_the_trial_too() -> None:
    outcome = derive(
        *MONTHLY, fact("response", "SD", "2021-03-10"), fact("response", "PD", "2021-05-10", source="clinic")
    )
    assert outcome.endpoints["pfs_trial"].event is True
    assert outcome.endpoints["pfs_m"].event is True
    assert outcome.endpoints["pfs_i"].event is False


def test_a_clinic_note_that_cites_an_earlier_scan_counts_as_imaging_and_dates_the_clinician() -> None:
    quote = Evidence("n1", 0, 1, "x", note_date="2021-07-02", note_type="clinic")
    cited = Fact("p", "response", "PD", date="2021-06-28", evidence=(quote,))
    outcome = derive(*MONTHLY, cited)
    assert outcome.endpoints["pfs_i"].days == 169
    assert outcome.endpoints["pfs_m"].days == 173
    assert outcome.endpoints["pfs_i_and_m"].days == 173


def test_a_gap_between_visits_ends_follow_up_but_needs_visits_to_be_seen() -> None:
    progressed = fact("response", "PD", "2021-11-01")
    seen = derive(*visits("2021-01-10", "2021-03-10"), progressed)
    assert seen.endpoints["pfs"].reason == "censored: end of follow-up for progression (visit gap)"
    assert str(seen.endpoints["pfs"].stop) == "2021-04-01", "the end of treatment is a contact too"
    unseen = derive(progressed)
    assert unseen.endpoints["pfs"].event is True
    assert "visits_unknown" in unseen.endpoints["pfs"].flags


def test_notes_count_as_contacts_by_their_type() -> None:
    record = PatientRecord(
        "p",
        BASE,
        (
            NoteContact(datetime.date(2021, 5, 1), "radiology"),
            NoteContact(datetime.date(2021, 6, 1), "telephone"),
            NoteContact(datetime.date(2021, 7, 1), "tumour_board"),
        ),
    )
    days = [str(one.date) for one in contacts(record, Protocol().contact_note_types)]
    assert days == ["2021-01-10", "2021-04-01", "2021-05-01"]


def test_a_resection_known_to_the_year_is_adjuvant_when_a_note_before_line_1_states_it() -> None:
    def outcome(written: str) -> PatientOutcome:
        note = Evidence("n", 0, 5, "wedge", note_date=written)
        facts = (
            fact("histology", "small_cell"),
            fact("stage.valg", "limited", "2021-01-04"),
            Fact("p", "surgery", "wedge_resection", date="2021", evidence=(note,)),
            fact("therapy_line", "1", "2021-02-10", drugs=["carboplatin", "etoposide"]),
            fact("response", "CR", "2021-05-10"),
        )
        return derive_patient(PatientRecord("p", facts), Protocol(), CUTOFF, GROUPS)

    before, after = outcome("2021-02-01").first_line, outcome("2021-09-01").first_line
    assert before is not None
    assert after is not None
    assert (before.best.value, before.evaluable) == ("NE", False)
    assert (after.best.value, after.evaluable) == ("CR", True)


def test_no_disease_left_by_surgery_can_respond() -> None:
    resected = (
        *(one for one in BASE if one.field != "stage.valg"),
        fact("stage.valg", "limited", "2021-01-04"),
        fact("surgery", "lobectomy", "2021-01-05"),
        fact("response", "CR", "2021-03-10"),
        fact("response", "CR", "2021-05-10"),
    )
    outcome = derive_patient(PatientRecord("p", resected), Protocol(), CUTOFF, GROUPS)
    assert outcome.first_line is not None
    assert (outcome.first_line.best.value, outcome.first_line.evaluable) == ("NE", False)
    assert outcome.endpoints["pfs_trial"].days == 120


# --- Lines ---


def test_stated_lines_win_over_drugs() -> None:
    outcome = derive(fact("systemic_therapy", "topotecan", "2021-08-01"))
    assert [one.line.opened_by for one in outcome.lines] == ["stated"]


def test_lines_are_derived_from_drugs_where_none_is_stated() -> None:
    facts = (
        *(one for one in BASE if one.field != "therapy_line"),
        fact("systemic_therapy", "carboplatin", "2021-01-10", "2021-03-14"),
        fact("systemic_therapy", "etoposide", "2021-01-10", "2021-03-16"),
        fact("systemic_therapy", "atezolizumab", "2021-01-10", "2021-08-01"),
        fact("systemic_therapy", "topotecan", "2021-09-01"),
        fact("response", "PD", "2021-08-20"),
    )
    outcome = derive_patient(PatientRecord("p", facts), Protocol(), CUTOFF, GROUPS)
    assert [(one.line.number, str(one.line.start), str(one.line.stop)) for one in outcome.lines] == [
        (1, "2021-01-10", "2021-08-01"),
        (2, "2021-09-01", "2021-09-01"),
    ]
    assert outcome.lines[0].line.last_platinum == datetime.date(2021, 3, 14)
    assert outcome.platinum.days == 159


def test_treatment_beyond_progression_is_the_same_line() -> None:
    facts = (
        *(one for one in BASE if one.field != "therapy_line"),
        fact("systemic_therapy", "atezolizumab", "2021-01-10", "2021-08-01"),
        fact("systemic_therapy", "atezolizumab", "2021-08-22"),
        fact("response", "PD", "2021-08-10"),
    )
    outcome = derive_patient(PatientRecord("p", facts), Protocol(), CUTOFF, GROUPS)
    assert [one.line.flags for one in outcome.lines] == [("beyond_progression",)]


def test_a_month_only_progression_is_not_put_before_the_last_scan_without_it() -> None:
    outcome = derive(*MONTHLY, fact("response", "SD", "2021-06-20"), fact("response", "PD", "2021-06"))
    assert str(outcome.endpoints["pfs"].stop) == "2021-06-20"
    assert "imputed:D" in outcome.endpoints["pfs"].flags


def test_the_schemes_put_partial_dates_at_their_ends() -> None:
    record = PatientRecord("p", (*BASE, *MONTHLY[:2], fact("death_date", "2021-11")))
    days = [
        str(derive_patient(record, Protocol(), CUTOFF, GROUPS, scheme).endpoints["os"].stop)
        for scheme in ("lo", "mid", "hi")
    ]
    assert days == ["2021-11-01", "2021-11-15", "2021-11-30"]


@pytest.mark.parametrize(
    ("time_zero", "index"),
    [
        ("line_1_start", "2021-01-10"),
        ("diagnosis", "2021-01-04"),
        ("extensive_first", "2021-01-04"),
        ("radiotherapy_start", "2021-02-01"),
        ("molecular_report", "2021-02-15"),
    ],
)
def test_time_zero_can_be_chosen(time_zero: str, index: str) -> None:
    outcome = derive(
        *MONTHLY,
        fact("radiotherapy", "thoracic", "2021-02-01", "2021-03-01"),
        fact("molecular_report_date", "2021-02-15"),
        time_zero=time_zero,
    )
    assert str(outcome.index) == index
    assert str(outcome.endpoints["os"].start) == index


def test_delayed_entry_needs_a_molecular_report() -> None:
    sequenced = derive(*MONTHLY, fact("molecular_report_date", "2021-02-15"), delayed_entry="molecular_report")
    assert sequenced.endpoints["os"].entry_days == 36
    assert "never under observation" in derive(*MONTHLY, delayed_entry="molecular_report").endpoints["os"].reason


# --- Faults ---


def test_two_deaths_shut_out_of_what_needs_the_death() -> None:
    outcome = derive(*MONTHLY[:3], fact("death_date", "2021-11-02"), fact("vital_status", "dead", "2021-11-20"))
    assert codes(outcome)["two_deaths"] == "two deaths: 2021-11-02 and 2021-11-20"
    assert outcome.endpoints["os"].event is None
    assert outcome.endpoints["pfs"].event is None


def test_a_month_and_a_day_in_it_are_one_death() -> None:
    outcome = derive(*MONTHLY[:3], fact("death_date", "2021-11"), fact("vital_status", "dead", "2021-11-20"))
    assert str(outcome.endpoints["os"].stop) == "2021-11-20"


def test_death_before_the_diagnosis_shuts_out() -> None:
    outcome = derive(fact("death_date", "2020-11-02"))
    assert "before the diagnosis" in codes(outcome)["death_before_diagnosis"]
    assert outcome.excluded


def test_death_before_the_index_shuts_out_of_survival() -> None:
    facts = tuple(one for one in BASE if one.field != "diagnosis_date")
    outcome = derive_patient(PatientRecord("p", (*facts, fact("death_date", "2021-01-02"))), Protocol(), CUTOFF, GROUPS)
    assert outcome.endpoints["os"].event is None
    assert outcome.endpoints["os"].reason.startswith("excluded")


def test_a_visit_after_death_goes_to_review_but_a_late_note_is_only_told() -> None:
    contradicted = derive(*MONTHLY, fact("death_date", "2021-11-02"))
    assert contradicted.endpoints["os"].event is None
    assert "in contact on 2021-12-10" in codes(contradicted)["alive_after_death"]
    late = NoteContact(datetime.date(2021, 11, 9), "discharge")
    told = derive(*MONTHLY[:10], fact("death_date", "2021-11-02"), notes=(late,))
    assert told.endpoints["os"].event is True
    assert "note_after_death" in codes(told)


def test_dead_without_a_date_is_excluded_from_survival() -> None:
    outcome = derive(*MONTHLY, fact("vital_status", "dead"))
    assert outcome.endpoints["os"].reason == "excluded: dead, but no date of death"


def test_a_response_before_treatment_is_named_and_not_used() -> None:
    outcome = derive(fact("response", "PR", "2021-01-05"))
    assert "response_before_treatment" in codes(outcome)
    assert outcome.first_line is not None
    assert outcome.first_line.best.value == "NE"


def test_lines_out_of_order_shut_out_and_overlapping_ones_are_cut() -> None:
    wrong = derive(fact("therapy_line", "2", "2020-12-01"))
    assert wrong.excluded == "line 2 starts 2020-12-01, not after line 1 (2021-01-10)"
    overlapping = derive(*MONTHLY, fact("therapy_line", "2", "2021-03-15"))
    assert "overlapping_lines" in codes(overlapping)
    assert str(overlapping.lines[0].line.stop) == "2021-03-14"


def test_line_one_missing_shuts_out() -> None:
    facts = (BASE[0], fact("therapy_line", "2", "2021-03-15"))
    outcome = derive_patient(PatientRecord("p", facts), Protocol(), CUTOFF, GROUPS)
    assert outcome.excluded == "line 2 is stated but line 1 is not"


def test_undated_and_unreadable_facts_are_named() -> None:
    outcome = derive(fact("response", "PR"), fact("response", "better", "2021-03-01"), fact("visit", "soon"))
    assert {"undated_response", "bad_response", "bad_date"} <= set(codes(outcome))


def test_treated_without_a_dated_dose_is_named() -> None:
    record = PatientRecord("p", (BASE[0], fact("systemic_therapy", "etoposide")))
    outcome = derive_patient(record, Protocol(), CUTOFF, GROUPS)
    assert "without a dated dose" in outcome.excluded


def test_without_small_cell_histology_or_stage_a_patient_is_not_analysed() -> None:
    record = PatientRecord("p", (fact("therapy_line", "1", "2021-01-10"),))
    assert derive_patient(record, Protocol(), CUTOFF, GROUPS).excluded == "no confirmed small-cell histology"
    assert derive_patient(record, Protocol(require_histology=False), CUTOFF, GROUPS).excluded == ""


def test_transformed_cancer_is_analysed_only_if_the_protocol_says_so() -> None:
    transformed = fact("histology", "transformed_small_cell")
    assert "transformed" in derive(transformed).excluded
    assert derive(transformed, include_transformed=True).excluded == ""


# --- Baseline ---


def columns(*facts: Fact) -> dict[str, object]:
    return dict(baseline(PatientRecord("p", facts), datetime.date(2021, 1, 10), Protocol()).columns)


def test_stage_is_the_stated_one_nearest_the_diagnosis() -> None:
    found = columns(
        fact("diagnosis_date", "2021-01-04"),
        fact("stage.valg", "limited", "2021-01-06"),
        fact("stage.valg", "extensive", "2021-09-01"),
    )
    assert (found["stage_valg"], found["stage_valg_source"]) == ("limited", "stated")


def test_stage_is_derived_from_tnm_where_none_is_stated() -> None:
    assert columns(fact("stage.m", "M1c"))["stage_valg"] == "extensive"
    assert columns(fact("stage.group", "IIIB"))["stage_valg"] == "limited"
    assert columns(fact("stage.m", "M0"))["stage_valg_source"] == "derived"
    assert columns(fact("metastasis", "liver", "2021-01-05"))["stage_valg"] == "extensive"
    assert columns(fact("metastasis", "liver", "2021-09-05"))["stage_valg"] is None
    assert columns(fact("stage.m", "M1c", prefix="y"))["stage_valg"] is None


def test_stages_that_contradict_each_other_are_told() -> None:
    record = PatientRecord("p", (fact("stage.valg", "limited"), fact("stage.m", "M1b")))
    found = baseline(record, datetime.date(2021, 1, 10), Protocol())
    assert found.columns["stage_valg"] == "limited"
    assert found.conflicts[0][0] == "stage_valg"


def test_performance_is_the_last_before_treatment_and_of_a_range_the_worse() -> None:
    found = columns(fact("ecog", "0", "2020-12-01"), fact("ecog", "1", "2021-01-08"), fact("ecog", "2", "2021-01-08"))
    assert found["ecog"] == 2
    assert columns(fact("ecog", "3", "2021-05-01"))["ecog"] is None


def test_genes_are_altered_wild_type_or_not_tested() -> None:
    found = columns(
        fact("variant", "TP53 p.R175H"), fact("variant", "RB1 p.S10F", vus=True), absent("variant", "MYC amplification")
    )
    assert (found["TP53"], found["RB1"], found["MYC"], found["PTEN"]) == ("altered", "wild_type", "wild_type", None)


def test_age_and_spread() -> None:
    found = columns(
        fact("birth_date", "1951-06-01"),
        fact("metastasis", "liver", "2021-01-05"),
        fact("metastasis", "bone"),
        fact("metastasis", "distant"),
        absent("metastasis", "brain"),
    )
    assert found["age_at_index"] == 69
    assert (found["n_metastatic_sites"], found["liver_metastases"], found["brain_metastases"]) == (2, "yes", "no")


# --- Small parts ---


def test_statements_of_one_day_make_one_assessment() -> None:
    assert combine(["PR", "PD"]) == "PD"
    assert combine(["SD", "PR"]) == "PR"
    assert combine(["NE", "SD"]) == "SD"
    assert combine(["NE"]) == "NE"
    day = datetime.date(2021, 3, 1)
    (one,) = assessments([(fact("response", "mixed"), day, ""), (fact("response", "SD"), day, "")])
    assert (one.value, one.flags) == ("SD", ("mixed",))
    (grown,) = assessments([(fact("response", "mixed", new_lesion=True), day, "")])
    assert grown.value == "PD"


def test_drugs_are_read_from_lists_and_text() -> None:
    expected = ("carboplatin", "etoposide")
    for stated in (
        ["Carboplatin", "etoposide"],
        "carboplatin+etoposide",
        "carboplatin, etoposide",
        "carboplatin and etoposide",
    ):
        assert split_drugs(stated) == expected
    assert split_drugs(None) == ()


DATES = st.one_of(
    st.none(),
    st.dates(datetime.date(2019, 1, 1), datetime.date(2023, 12, 31)).map(str),
    st.sampled_from(["2021", "2021-03", "0001-01-01", "9999-12-31", "2021-13-01", "soon", ""]),
)
VALUES = {
    "response": ["CR", "PR", "SD", "PD", "mixed", "NE", "?"],
    "systemic_therapy": ["carboplatin", "etoposide", "atezolizumab", "lurbinectedin", "trilaciclib", "chemotherapy"],
    "therapy_line": ["1", "2", "3", "x"],
    "death_date": ["2021-11", "2021", "2021-11-02", "2018-01-01", "later"],
    "vital_status": ["dead", "alive"],
    "visit": ["2021-02-02", "2021-12-12", ""],
    "radiotherapy": ["thoracic", "pci"],
    "surgery": ["lobectomy"],
    "stage.valg": ["limited", "extensive"],
    "diagnosis_date": ["2021-01-02", "2021", "2022-01"],
    "molecular_report_date": ["2021-02-02"],
    "metastasis": ["liver", "distant"],
}
FACTS = st.lists(
    st.sampled_from(sorted(VALUES)).flatmap(
        lambda field: st.builds(
            lambda value, date, end: Fact("p", field, value, date=date, end_date=end),
            st.sampled_from(VALUES[field]),
            DATES,
            DATES,
        )
    ),
    max_size=14,
)
NOTES = st.lists(
    st.builds(
        NoteContact,
        st.dates(datetime.date(2020, 1, 1), datetime.date(2022, 12, 31)),
        st.sampled_from(["clinic", "radiology", "telephone", "death"]),
    ),
    max_size=4,
)
ZEROS = st.sampled_from(["line_1_start", "diagnosis", "extensive_first", "radiotherapy_start", "molecular_report"])
BASES = st.sampled_from(["clinician", "imaging", "recist", "pfs_i", "pfs_m", "pfs_i_or_m", "pfs_i_and_m"])


@given(FACTS, NOTES, ZEROS, BASES, st.sampled_from(["follow", "censor", "event"]))
@settings(max_examples=300, deadline=None)
def test_no_record_breaks_the_derivation_and_every_row_holds(
    facts: list[Fact], notes: list[NoteContact], time_zero: str, basis: str, change: str
) -> None:
    settings_ = {"time_zero": time_zero, "progression_basis": basis, "line_change_before_rwp": change}
    protocol = Protocol.model_validate(settings_)
    outcome = derive_patient(PatientRecord("p", tuple(facts), tuple(notes)), protocol, CUTOFF, GROUPS)
    assert set(outcome.endpoints) == set(ENDPOINTS)
    numbers = [one.line.number for one in outcome.lines]
    assert numbers == sorted(set(numbers))
    for row in outcome.endpoints.values():
        assert row.reason
        if row.event is None:
            assert row.days is None
            continue
        assert row.start is not None
        assert row.stop is not None
        assert row.days is not None
        assert row.start <= row.stop <= CUTOFF
        assert row.days == (row.stop - row.start).days or (row.days == 1 and not row.event and row.start == row.stop)
