"""The filter line, the finder and the settings say what they do not understand."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.case import Case
from abstractor.model.errors import InputError
from abstractor.review.config import ReviewConfig, config_of, read_config
from abstractor.review.filters import filter_rows, parse_filter
from abstractor.review.find import find_in
from abstractor.review.rows import build_rows


@pytest.mark.parametrize(
    ("line", "slots"),
    [
        ("", ["ki67", "stage.t", "stage.n"]),
        ("conf<0.8", ["stage.t"]),
        ("conf>=0.8 item:stage", ["stage.n"]),
        ("state:!", ["stage.n"]),
        ("t2", ["stage.t"]),
        ("note:path", []),
    ],
)
def test_all_parts_of_a_filter_must_hold(book, suggest, line, slots):
    offers = [
        suggest("ki67", "90"),
        suggest("stage.t", "T2", confidence=0.4),
        suggest("stage.n", "N2"),
        suggest("stage.n", "N3"),
    ]
    rows = build_rows(offers, Case("p1"), {})
    assert [row.slot for row in filter_rows(rows, line)] == slots


@pytest.mark.parametrize("line", ["colour:red", "item:"])
def test_a_filter_that_is_not_understood_is_said(line):
    with pytest.raises(InputError):
        filter_rows([], line)


def test_words_are_found_in_any_case_and_a_backslash_begins_an_expression():
    assert find_in("Liver, liver.", "LIVER") == ((0, 5), (7, 12))
    assert find_in("T2a N2 M0", r"\[TNM]\d") == ((0, 2), (4, 6), (7, 9))
    assert find_in("a.b axb", "a.b") == ((0, 3),)
    assert find_in("anything", "") == ()


@pytest.mark.parametrize("bad", ["\\(", "\\[a"])
def test_a_broken_expression_is_an_input_error(bad):
    with pytest.raises(InputError, match="not a regular expression"):
        find_in("text", bad)


def test_an_expression_that_runs_away_is_given_up():
    with pytest.raises(InputError, match="too long"):
        find_in("a" * 40 + "!", r"\(a|aa|a?a?)+$")


@given(st.text(max_size=200), st.text(min_size=1, max_size=5))
def test_every_match_is_what_was_looked_for(text, wanted):
    if wanted.startswith("\\"):
        return
    for start, end in find_in(text, wanted):
        assert 0 <= start < end <= len(text)


def test_settings_come_from_a_file_and_unknown_ones_are_named(tmp_path: Path):
    path = tmp_path / "review.toml"
    path.write_text('dwell_ms = 100\ntheme = "light"\n[keys]\naccept = "y"\n', encoding="utf-8")
    config = read_config(path)
    assert (config.dwell_ms, config.theme, config.keys["accept"]) == (100, "light", "y")
    path.write_text("dwel_ms = 100\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"review\.toml.*dwel_ms"):
        read_config(path)


@pytest.mark.parametrize(
    "content",
    [
        {"dwell_ms": 2000},
        {"dwell_ms": "100"},
        {"theme": "pink"},
        {"low_confidence": 3},
        {"keys": [1]},
        {"bulk_accept": 1},
    ],
)
def test_a_setting_out_of_range_is_refused(content):
    with pytest.raises(InputError):
        config_of(content)


def test_every_setting_has_a_default():
    assert config_of({}) == ReviewConfig()


@pytest.mark.parametrize("word", ["left_upper", "lingula"])
def test_a_value_is_found_by_its_code_and_by_its_label(book, suggest, word):
    rows = build_rows([suggest("primary_site", "left_upper_lobe"), suggest("ki67", "90")], Case("p1"), book.fields)
    assert [row.slot for row in filter_rows(rows, word)] == ["primary_site"]


@pytest.mark.parametrize("line", ["conf<x", "conf=0.9", "conf<80%", "conf:0.8"])
def test_a_confidence_that_cannot_be_read_is_refused_and_not_taken_for_a_word(line):
    with pytest.raises(InputError, match=r"write conf<0\.8"):
        parse_filter(line)
