"""What an expression cannot match without. Truth: the expressions themselves, run by Python on texts made up for them."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abstractor.pipeline.literals import BLANKS, conditions, fold, planned, relaxed

EXPRESSIONS = [
    r"\b(?:small|large)[\s-]+cell\b",
    r"lung (?:cancer|ca\b)s?",
    r"(?<!\w)(?:PR|SD|PD)(?!\w)",
    r"\d+(?:\.\d+)?\s?Gy",
    r"(?:a|b)?foo\w*bar",
    r"stage\s*(?:I{1,3}|IV)[abc]?",
    r"died|death|(?:passed\s+away)|\bdec'd",
    r"(?P<gene>TP53|RB1)[ ,]{1,3}(?:p\.)?[A-Z]\d{1,4}[A-Z*]",
    r"(?-i:ER)[ -](?:positive|negative)|HER2",
    r"[^.;]{0,20}?\bno\b[^.;]{0,5}(?:change|growth)|;stable",
    r"(?:(?:left|right)[ \t]+){0,3}(?:lungs?|hilum)(?![ \t]+to\b)",
    r"(?i:kras|nras)\b.{0,4}?(?:wild[- ]type|wt)|\bqqq",
]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (r"\bdied\b", {"died"}),
        (r"(?:lung|bronchial)\s+cancer", {"cancer"}),
        (r"colou?rs?", {"color", "colour", "colors", "colours"}),
        (r"(?:\d{1,2}\s)?cycles", {"cycles"}),
        (r"K(?:RAS|ras)", {"kras"}),
    ],
)
def test_the_longest_certain_words_are_taken(expression: str, words: set[str]) -> None:
    assert conditions(expression, re.IGNORECASE)[0].words == words


@pytest.mark.parametrize("expression", [r"\w+", r"x*", r"(?:lung)?", r"(?:lung|\w+)", r"[^a]", r"\d+", "a"])
def test_nothing_is_certain_of_an_expression_that_needs_no_word(expression: str) -> None:
    assert conditions(expression, re.IGNORECASE) == ()


def test_how_far_before_the_word_a_match_may_begin() -> None:
    [one] = conditions(r"(?:the |his )?liver", re.IGNORECASE)
    assert one.words == {"liver", "the liver", "his liver"}
    assert one.lead == 0
    [other] = conditions(r"\d{1,3} ?mg", re.IGNORECASE)
    assert other.lead == 3


@pytest.mark.parametrize("expression", EXPRESSIONS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_match_holds_a_word_of_each_condition_near_where_it_says(expression: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(re.compile(expression, re.IGNORECASE)))
    folded = fold(text)
    for match in re.finditer(expression, text, re.IGNORECASE) if folded is not None else ():
        assert folded is not None
        for need in conditions(expression, re.IGNORECASE):
            places = [folded.find(word, match.start(), match.end()) for word in need.words]
            found = [place for place in places if place >= 0]
            assert found
            assert need.lead is None or min(found) - match.start() <= need.lead


@pytest.mark.parametrize("expression", EXPRESSIONS)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_relaxed_expression_matches_whatever_the_kind_of_blanks(expression: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(re.compile(expression, re.IGNORECASE | re.ASCII)))
    loose = relaxed(expression, re.IGNORECASE)
    if loose is not None and re.search(expression, text, re.IGNORECASE):
        assert loose.search(text.translate(BLANKS))


def test_an_expression_that_asks_for_the_end_of_a_line_is_not_relaxed() -> None:
    assert relaxed(r"liver\n") is None
    assert relaxed(r"liver[^ ]lung") is None


def test_local_flags_hold_for_the_alternatives_that_are_taken_apart() -> None:
    plan = planned(r"(?-i:\s?She|\s?HE) was", re.IGNORECASE)
    assert plan.rest is None or not plan.rest.search("SHE WAS")


@pytest.mark.parametrize("text", ["٣ cycles", "\u2003wide", "a\x1cb"])
def test_nothing_certain_is_said_of_a_text_with_strange_figures_or_blanks(text: str) -> None:
    assert fold(text) is None or fold(text) == text.lower()
    assert fold("٣ cycles") is None


@given(st.text())
def test_folding_keeps_the_length(text: str) -> None:
    folded = fold(text)
    assert folded is None or len(folded) == len(text)


def test_letters_that_python_takes_for_one_another_fold_to_one() -> None:
    for odd, plain in (("\u212a", "k"), ("\u017f", "s"), ("\u0131", "i")):
        assert re.fullmatch(plain, odd, re.IGNORECASE)
        assert fold(odd) == plain
