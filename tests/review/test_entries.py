"""What is typed into an entry becomes what a registrar meant, or says what is wrong or strange about it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.review.attributes import type_attribute, write_attribute
from abstractor.review.drafts import Draft, read_draft, write_draft
from abstractor.review.entered_drugs import DrugReader
from abstractor.review.picker import Picker
from abstractor.review.typed_dates import typed_date
from abstractor.review.values import ValueReader
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.load import load_rulebook, value_fits
from abstractor.rulebook.schema import AttributeSpec, Code
from abstractor.rulebook.stages import edition_in, editions_of

RULES = Path(__file__).resolve().parents[2] / "rules"


@pytest.fixture(scope="module")
def rules() -> RuleBook:
    return load_rulebook(RULES)


@pytest.fixture(scope="module")
def reader(rules: RuleBook) -> ValueReader:
    return ValueReader(rules)


def attribute(rules: RuleBook, field: str, name: str) -> AttributeSpec:
    return next(one for one in rules.fields[field].attributes if one.name == name)


# Dates


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("2024", "2024"),
        ("2024-05", "2024-05"),
        ("2024-05-13", "2024-05-13"),
        ("13.5.2024", "2024-05-13"),
        ("May 2024", "2024-05"),
        ("may2024", "2024-05"),
        ("5/2024", "2024-05"),
        ("13 May 2024", "2024-05-13"),
        ("13may2024", "2024-05-13"),
        ("May 13, 2024", "2024-05-13"),
        ("5/13/2024", "2024-05-13"),
        ("2024/5/13", "2024-05-13"),
        ("4.4.2024", "2024-04-04"),
        ("29 Feb 2024", "2024-02-29"),
    ],
)
def test_a_date_is_stored_as_precisely_as_it_is_typed(typed: str, stored: str) -> None:
    assert typed_date(typed).date == stored


@pytest.mark.parametrize("typed", ["3/4/2024", "3.4.2024", "03-04-2024"])
def test_a_day_that_could_be_the_month_is_handed_back_with_both_readings(typed: str) -> None:
    read = typed_date(typed)
    assert read.date == ""
    assert "2024-04-03 or 2024-03-04" in read.problem


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("2023-02-29", "no such day"),
        ("31 April 2024", "no such day"),
        ("2024-13", "no such month"),
        ("13/2024", "no such month"),
        ("soon", "write 2021"),
        ("2024-05-13 or so", "write 2021"),
        ("", "write 2021"),
    ],
)
def test_what_is_no_date_says_why(typed: str, says: str) -> None:
    assert says in typed_date(typed).problem


# T, N and M


@pytest.mark.parametrize(
    ("field", "typed", "value", "prefix"),
    [
        ("stage.t", "t2a", "T2a", None),
        ("stage.t", "2A", "T2a", None),
        ("stage.t", "pT2a", "T2a", "p"),
        ("stage.t", "cT4 N3 M1c", "T4", "c"),
        ("stage.n", "cT4 N3 M1c", "N3", None),
        ("stage.m", "cT4cN3cM1c1", "M1c1", "c"),
        ("stage.n", "n2b", "N2b", None),
        ("stage.m", "0", "M0", None),
        ("stage.t", "tis", "Tis", None),
        ("stage.t", "TX", "TX", None),
        ("stage.t", "ypT1mi", "T1mi", "yp"),
    ],
)
def test_a_category_is_read_alone_or_out_of_a_whole_tnm(
    reader: ValueReader, field: str, typed: str, value: str, prefix: str | None
) -> None:
    read = reader.read(reader.book.fields[field], typed)
    assert (read.value, read.problem, read.attributes.get("prefix")) == (value, "", prefix)


@pytest.mark.parametrize(
    ("field", "typed"), [("stage.t", "T5"), ("stage.t", "T2d"), ("stage.n", "N4"), ("stage.m", "M2"), ("stage.t", "N2")]
)
def test_a_category_that_no_edition_has_is_refused(reader: ValueReader, field: str, typed: str) -> None:
    assert reader.read(reader.book.fields[field], typed).problem


def test_a_category_of_a_later_edition_is_doubted_by_the_year_and_refused_by_the_edition(reader: ValueReader) -> None:
    m = reader.book.fields["stage.m"]
    assert "edition 8, which was in use in 2021" in reader.read(m, "M1c1", 2021).doubt
    assert reader.read(m, "M1c1", 2021).problem == ""
    assert "not in edition 8" in reader.read(m, "M1c1", None, "8").problem
    assert reader.read(m, "M1c1", 2025) == reader.read(m, "M1c1", None, "9")
    assert reader.read(m, "M1c1", 2025).doubt == ""
    assert reader.read(m, "M1b", 2016).doubt == ""


def test_the_group_that_follows_from_t_n_and_m_is_that_of_the_edition(reader: ValueReader) -> None:
    assert reader.groups(2021, None, "T1a", "N1", "M0") == "IIB (edition 8)"
    assert reader.groups(2025, None, "T1a", "N1", "M0") == "IIA (edition 9)"
    assert reader.groups(2021, "9", "T1a", "N1", "M0") == "IIA (edition 9)"
    assert reader.groups(2025, None, "T2a", "N2", "M0") == "IIIA or IIIB (edition 9)"
    assert reader.groups(2021, None, "TX", "N3", "M1c") == "IVB (edition 8)"
    assert reader.groups(None, None, "T1a", "N1", "M0") == ""
    assert reader.groups(2021, None, "T1a", "", "M0") == ""


def test_editions_follow_the_year_of_the_diagnosis(rules: RuleBook) -> None:
    editions = editions_of(rules)
    found = {year: edition_in(editions, year) for year in (2010, 2017, 2018, 2024, 2025, 2030)}
    assert {year: one.number for year, one in found.items() if one is not None} == {
        2010: "7",
        2017: "7",
        2018: "8",
        2024: "8",
        2025: "9",
        2030: "9",
    }
    assert edition_in(editions, None) is None


# Variants


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("tp53 r175h", "TP53 p.R175H"),
        ("TP53 p.Arg175His", "TP53 p.R175H"),
        ("egfr ex19del", "EGFR exon 19 deletion"),
        ("rb1 lost", "RB1 loss"),
        ("HER2 amplified", "ERBB2 amplification"),
        ("eml4::alk rearranged", "EML4-ALK fusion"),
        ("EGFR g719x", "EGFR p.G719X"),
        ("RB1 p.S82fs*9", "RB1 p.S82fs*9"),
        ("rb1 c.1421+1g>a", "RB1 c.1421+1G>A"),
        ("MET exon 14 skipping", "MET exon 14 skipping"),
    ],
)
def test_a_variant_is_stored_in_the_registrys_form(reader: ValueReader, typed: str, value: str) -> None:
    read = reader.read(reader.book.fields["variant"], typed)
    assert (read.value, read.problem, read.doubt) == (value, "", "")


@pytest.mark.parametrize("typed", ["TP53", "TP53 p.B17H", "TP53 p.R175", "p.R175H TP53", "TP53 c.ABC"])
def test_a_change_that_can_not_be_is_refused(reader: ValueReader, typed: str) -> None:
    assert reader.read(reader.book.fields["variant"], typed).problem


def test_an_unknown_gene_or_word_is_asked_for_twice_and_near_names_are_told(reader: ValueReader) -> None:
    variant = reader.book.fields["variant"]
    assert "TP53" in reader.read(variant, "TPP53 R175H").doubt
    assert "no gene symbol" in reader.read(variant, "QQQQ7 loss").doubt
    assert "amplification" in reader.read(variant, "TP53 funny").doubt


def test_genes_are_offered_first_and_then_the_words_for_an_alteration(reader: ValueReader) -> None:
    variant = reader.book.fields["variant"]
    assert reader.matching(variant, "tp5")[0].code == "TP53"
    assert [code.code for code in reader.matching(variant, "tp53 lo")] == ["TP53 loss"]
    assert reader.matching(variant, "") == ()


# Drugs, stains, numbers


def test_brands_and_short_names_are_stored_as_the_generic_name(reader: ValueReader) -> None:
    therapy = reader.book.fields["systemic_therapy"]
    assert reader.read(therapy, "Tecentriq").value == "atezolizumab"
    assert reader.read(therapy, "CDDP").value == "cisplatin"
    assert reader.read(therapy, "chemotherapy").doubt == ""


def test_a_drug_in_no_list_is_asked_for_twice_with_what_is_near(reader: ValueReader) -> None:
    read = reader.read(reader.book.fields["systemic_therapy"], "carboplatn")
    assert (read.problem, "carboplatin" in read.doubt) == ("", True)
    assert reader.read(reader.book.fields["systemic_therapy"], "ABC-1234").value == "abc-1234"


def test_drugs_of_a_line_are_typed_as_a_list_or_as_a_regimen(rules: RuleBook) -> None:
    drugs = DrugReader(rules)
    assert drugs.several("carbo + etoposide and Tecentriq") == (["carboplatin", "etoposide", "atezolizumab"], "")
    assert drugs.several("CbE, durvalumab") == (["carboplatin", "etoposide", "durvalumab"], "")
    assert "quixo" in drugs.several("carboplatin, quixo")[1]


def test_the_beginning_of_a_name_stands_for_the_one_drug_that_begins_so(rules: RuleBook) -> None:
    drugs = DrugReader(rules)
    assert drugs.several("atez, lurb, topot") == (["atezolizumab", "lurbinectedin", "topotecan"], "")
    assert drugs.one("ate")[1]


def test_a_stain_is_typed_by_the_beginnings_of_its_words(reader: ValueReader) -> None:
    ihc = reader.book.fields["ihc"]
    assert reader.matching(ihc, "ttf1 pos")[0].code == "TTF-1 positive"
    assert reader.matching(ihc, "syn neg")[0].code == "synaptophysin negative"
    assert all(value_fits(ihc, code.code) for code in reader.codes(ihc))


@pytest.mark.parametrize(
    ("field", "typed", "problem", "doubt"),
    [
        ("pack_years", "40", False, False),
        ("pack_years", "180", False, True),
        ("pack_years", "500", True, False),
        ("ki67", "80-90", False, False),
        ("ki67", "120", True, False),
        ("pd_l1", "TPS 5", False, False),
        ("pd_l1", "TPS 500", True, False),
        ("therapy_cycles", "40", False, True),
        ("kps", "110", True, False),
        ("therapy_line", "0", True, False),
    ],
)
def test_a_number_beyond_its_limits_is_refused_and_an_unusual_one_doubted(
    reader: ValueReader, field: str, typed: str, problem: bool, doubt: bool
) -> None:
    read = reader.read(reader.book.fields[field], typed)
    assert (bool(read.problem), bool(read.doubt)) == (problem, doubt)


@pytest.mark.parametrize(
    ("field", "name", "typed", "value"),
    [
        ("radiotherapy", "dose_gy", "45", 45),
        ("radiotherapy", "dose_gy", "45 Gy", 45),
        ("radiotherapy", "dose_gy", "4500cGy", 45),
        ("radiotherapy", "dose_gy", "50,4 gy", 50.4),
        ("radiotherapy", "fractions", "30", 30),
        ("radiotherapy", "twice_daily", "y", True),
        ("radiotherapy", "twice_daily", "n", None),
        ("variant", "vaf", "34%", 0.34),
        ("variant", "vaf", "0.34", 0.34),
        ("therapy_line", "drugs", "CE", ["carboplatin", "etoposide"]),
        ("therapy_line", "last_platinum", "4 May 2022", "2022-05-04"),
        ("stage.t", "edition", "8", "8"),
        ("stage.t", "prefix", "yp", "yp"),
        ("response", "change_percent", "-45%", -45),
        ("radiotherapy", "dose_gy", "", None),
    ],
)
def test_an_attribute_is_stored_in_its_own_unit_and_kind(
    rules: RuleBook, field: str, name: str, typed: str, value: object
) -> None:
    read = type_attribute(attribute(rules, field, name), typed, DrugReader(rules))
    assert (read.value, read.problem) == (value, "")


@pytest.mark.parametrize(
    ("field", "name", "typed", "says"),
    [
        ("radiotherapy", "dose_gy", "4500", "can't be"),
        ("radiotherapy", "dose_gy", "45 mg", "in Gy or cGy"),
        ("radiotherapy", "dose_gy", "high", "45 Gy"),
        ("radiotherapy", "fractions", "2.5", "a number"),
        ("radiotherapy", "fractions", "99", "1 to 60"),
        ("variant", "vaf", "34", "0 to 1"),
        ("stage.t", "edition", "6", "7, 8, 9"),
        ("stage.t", "prefix", "q", "c, p"),
        ("therapy_line", "last_platinum", "3/4/2022", "2022-04-03 or 2022-03-04"),
        ("response", "new_lesion", "perhaps", "y or n"),
    ],
)
def test_an_attribute_that_can_not_be_says_why(rules: RuleBook, field: str, name: str, typed: str, says: str) -> None:
    assert says in type_attribute(attribute(rules, field, name), typed, DrugReader(rules)).problem


@pytest.mark.parametrize(
    ("lowest", "highest", "told"), [(1, 60, "1 to 60"), (1, None, "at least 1"), (None, 60, "at most 60")]
)
def test_the_limits_of_a_number_are_told_as_they_are(lowest: float | None, highest: float | None, told: str) -> None:
    spec = AttributeSpec(name="share", label="share", kind="number", lowest=lowest, highest=highest)
    beyond = "70" if highest is not None else "-3"
    assert type_attribute(spec, beyond, DrugReader(load_rulebook())).problem == f"share {beyond} can't be: {told}"


def test_a_dose_in_the_wrong_unit_is_told_by_its_size(rules: RuleBook) -> None:
    dose = attribute(rules, "radiotherapy", "dose_gy")
    assert "unusual" in type_attribute(dose, "80", DrugReader(rules)).doubt


@pytest.mark.parametrize("field", ["radiotherapy", "therapy_line", "variant", "response"])
def test_a_stored_attribute_is_shown_as_it_can_be_typed(rules: RuleBook, field: str) -> None:
    stored = {"dose_gy": 50.4, "fractions": 30, "twice_daily": True, "drugs": ["carboplatin", "etoposide"], "cycles": 4}
    stored |= {"vaf": 0.34, "vus": True, "change_percent": -45, "last_platinum": "2022-05-04", "line": 2}
    for one in rules.fields[field].attributes:
        if one.name in stored:
            assert type_attribute(one, write_attribute(stored[one.name]), DrugReader(rules)).value == stored[one.name]


# Choosing


def test_what_begins_as_typed_goes_before_what_only_holds_it_or_resembles_it() -> None:
    codes = [
        Code(code="abc", label="something else"),
        Code(code="x1", label="the abc of it"),
        Code(code="x2", label="another", synonyms=("abcess",)),
        Code(code="x3", label="dabcy"),
        Code(code="abcd", label="more"),
    ]
    picker = Picker.of(codes)
    assert [code.code for code in picker.matching("abc")] == ["abc", "abcd", "x2", "x1", "x3"]


def test_a_slip_of_the_pen_finds_the_code_where_nothing_else_fits(rules: RuleBook) -> None:
    picker = Picker.of(rules.fields["primary_site"].codes)
    assert picker.matching("rihgt hilum")[0].code == "right_hilum"
    assert {code.code for code in picker.matching("uper")} == {"right_upper_lobe", "left_upper_lobe"}
    assert picker.matching("lobe left low")[0].code == "left_lower_lobe"


@given(st.text(max_size=30))
def test_whatever_is_typed_every_entry_answers(typed: str) -> None:
    reader = ValueReader(load_rules())
    for spec in reader.book.fields.values():
        read = reader.read(spec, typed, 2021)
        assert read.problem or value_fits(spec, read.value) or spec.kind == "date"
        reader.matching(spec, typed)


_LOADED: list[RuleBook] = []


def load_rules() -> RuleBook:
    """The rulebook, read once: Hypothesis takes no fixture of a module."""
    if not _LOADED:
        _LOADED.append(load_rulebook(RULES))
    return _LOADED[0]


# Drafts


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=4), st.booleans())
def test_a_draft_comes_back_as_it_was_kept(entries: dict[str, str], absent: bool) -> None:
    draft = Draft(entries, absent, ("n1", "ab" * 32, 3, 9))
    assert read_draft(write_draft(draft)) == draft


@pytest.mark.parametrize("text", ["combi", "{", "12", '{"entries": 3}', "null"])
def test_words_that_are_no_kept_draft_are_the_value(text: str) -> None:
    assert read_draft(text) == Draft({"value": text})
