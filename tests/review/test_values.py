"""What is typed or selected becomes the value a person meant, or is handed back with what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.review.picker import Picker
from abstractor.review.typed_dates import date_problem, order_problem, read_date
from abstractor.review.values import ValueReader, value_problem
from abstractor.rulebook.load import value_fits


@pytest.mark.parametrize(
    ("field", "selected", "value"),
    [
        ("stage.valg", "disease in extensive stage", "extensive"),
        ("stage.valg", "LS", "limited"),
        ("primary_site", "arising in the RUL", "right_upper_lobe"),
        ("primary_site", "the left main bronchus", "left_main_bronchus"),
        ("histology", "combined small cell carcinoma", "combined_small_cell"),
        ("smoking_status", "Never smoker", "never"),
        ("pack_years", "about 45 pack-years", "45"),
        ("stage.t", "cT2aN2M0", "T2a"),
        ("stage.n", "N2 disease", "N2"),
        ("ihc", "TTF-1 positive", "TTF-1 positive"),
        ("systemic_therapy", "received Zepzelca", "lurbinectedin"),
        ("systemic_therapy", "Carbo AUC 5", "carboplatin"),
        ("diagnosis_date", "biopsy of 4 March 2021", "2021-03-04"),
        ("death_date", "Died Mar 2022.", "2022-03"),
        ("vital_status", "she is dead", "dead"),
        ("metastasis", "hepatic", "liver"),
    ],
)
def test_selected_words_are_read_as_the_value_they_state(book, field, selected, value):
    assert ValueReader(book).read_selected(book.fields[field], selected) == value


@pytest.mark.parametrize(
    ("field", "typed", "value"),
    [
        ("pd_l1", "cps 8", "CPS 8"),
        ("pd_l1", "tps 2%", "TPS 2"),
        ("pd_l1", "Tps Negative", "TPS negative"),
        ("ki67", "80-90%", "80-90"),
        ("tmb", "High", "high"),
    ],
)
def test_large_letters_and_per_cent_need_not_be_typed_as_they_are_stored(book, field, typed, value):
    reading = ValueReader(book).read(book.fields[field], typed)
    assert (reading.value, reading.problem) == (value, "")


@pytest.mark.parametrize(("field", "typed"), [("pd_l1", "eps 8"), ("pd_l1", "140%"), ("tmb", "9.2%")])
def test_what_no_spelling_makes_fit_is_refused(book, field, typed):
    assert ValueReader(book).read(book.fields[field], typed).problem


@pytest.mark.parametrize(
    ("field", "selected"),
    [
        ("stage.valg", "limited or extensive stage"),
        ("metastasis", "liver and bone"),
        ("diagnosis_date", "05/06/2021"),
        ("diagnosis_date", "30 February 2021"),
        ("ecog", ""),
    ],
)
def test_words_with_two_readings_or_none_are_left_to_the_person(book, field, selected):
    assert ValueReader(book).read_selected(book.fields[field], selected) is None


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2021-03-04", "2021-03-04"),
        ("on 04-Mar-2021 at", "2021-03-04"),
        ("March 4th, 2021", "2021-03-04"),
        ("25/12/2020", "2020-12-25"),
        ("12/25/2020", "2020-12-25"),
        ("07/07/2020", "2020-07-07"),
        ("June 2019", "2019-06"),
        ("06/2019", "2019-06"),
        ("since 2018", "2018"),
    ],
)
def test_dates_are_read_as_precisely_as_they_are_written(written, iso):
    assert read_date(written) == iso


def test_typing_finds_codes_by_code_label_and_synonym_the_closest_first(book):
    codes = book.fields["primary_site"].codes
    picker = Picker.of(codes)
    assert picker.matching("LUL")[0].code == "left_upper_lobe"
    assert picker.matching("right m")[0].code == "right_middle_lobe"
    assert picker.matching("lingula")[0].code == "left_upper_lobe"
    assert picker.matching("toe") == ()
    assert picker.matching("") == codes


def test_a_label_or_synonym_is_settled_as_its_code(book):
    reader = ValueReader(book)
    assert reader.read(book.fields["metastasis"], " osseous ").value == "bone"
    assert reader.read(book.fields["vital_status"], "Dead").value == "dead"
    assert reader.read(book.fields["death_date"], "4 May 2022").value == "2022-05-04"


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("stage.valg", "medium", "code"),
        ("pack_years", "many", "number"),
        ("diagnosis_date", "2021-13", "day"),
        ("diagnosis_date", "spring", "2021-03"),
        ("ki67", "", "needed"),
    ],
)
def test_a_value_that_does_not_fit_says_how_to_write_it(book, field, value, word):
    assert word in value_problem(book.fields[field], value)


def test_an_end_before_its_start_is_a_problem_as_far_as_the_dates_are_known():
    assert order_problem("2021-05", "2021-04")
    assert not order_problem("2021-05-20", "2021-05")
    assert not order_problem("2021", None)


@given(st.dates())
def test_every_day_reads_back_as_itself(day):
    assert not date_problem(day.isoformat())
    assert read_date(f"seen {day.isoformat()}.") == day.isoformat()


@given(st.text(max_size=80))
def test_whatever_is_selected_the_value_read_from_it_fits_the_field(book, selected):
    reader = ValueReader(book)
    for spec in book.fields.values():
        value = reader.read_selected(spec, selected)
        assert value is None or (not date_problem(value) if spec.kind == "date" else value_fits(spec, value))
