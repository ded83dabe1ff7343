"""Expressions that can run for ever are found, and sound ones are left in peace."""

import re

import pytest

from abstractor.rulebook.backtracking import suspect
from abstractor.rulebook.probe import Trial, Verdict, probe


@pytest.mark.parametrize(
    "expression",
    [
        r"(a+)+b",
        r"(\w+\s?)*$",
        r"(a|a)*b",
        r"(a|aa)+b",
        r"(?:\s*\w+,?)*;",
        r"(?:[a-z]+ (?:and )?)+x",
        r"(?=(a+)+b)c",
        r"(?:x+x+)+y",
    ],
)
def test_two_ways_round_a_loop_are_suspicious_and_prove_endless(expression: str) -> None:
    found = suspect(expression, re.IGNORECASE)
    assert any(one.exponential for one in found)
    assert probe([Trial(expression, re.IGNORECASE, tuple(found))]) == [Verdict.ENDLESS]


def test_three_repeats_in_a_row_that_take_the_same_are_suspicious() -> None:
    [one, *_] = suspect(r"x[ \t]*(?:of)?[ \t]*(?:the)?[ \t]*lung")
    assert (one.exponential, one.prefix[0], one.pump.strip()) == (False, "x", "")


@pytest.mark.parametrize(
    "expression",
    [
        r"(?: (?:any|a|the))*x",
        r"(?:\d{3},)+x",
        r"(?:\w+[ -])+x",
        r"^(?:[^,]*,)*x",
        r'"[^"]*"',
        r"(ab|ac)*d",
        r"\w+(?:-\w+)*[ ,]+x",
        r"\b(?:LS|LD)[ -]*SCLC\b",
        r"[ \t]*(?:foo)?[ \t]*x",
    ],
)
def test_repeats_that_share_nothing_are_no_suspicion(expression: str) -> None:
    assert suspect(expression, re.IGNORECASE) == []


def test_a_suspicion_that_no_text_bears_out_is_no_fault() -> None:
    expression = r"(\w+\s?)*"  # it always matches: nothing is ever tried again
    assert probe([Trial(expression, 0, tuple(suspect(expression)))]) == [Verdict.BOUNDED]


def test_what_is_no_expression_is_refused() -> None:
    with pytest.raises(re.error):
        suspect("(")
