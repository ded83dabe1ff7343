"""Immunohistochemistry in the manners pathologists write it. The wording is ours."""

from collections.abc import Callable

import pytest

Facts = Callable[[str], dict[str, str]]

STATEMENTS = {
    "Tumor cells are positive for synaptophysin, chromogranin A (focal) and INSM1; negative for TTF-1, p40 and CK5/6.": (
        "synaptophysin +, chromogranin +, INSM1 +, TTF-1 -, p40 -, CK5/6 -"
    ),
    "Syn+/CgA+/CD56+, TTF1-, p40-": "synaptophysin +, chromogranin +, CD56 +, TTF-1 -, p40 -",
    "CD56 and synaptophysin positive, chromogranin weakly positive, CK20 negative": (
        "CD56 +, synaptophysin +, chromogranin +, CK20 -"
    ),
    "The tumour expresses synaptophysin and CD56 but not TTF-1.": "synaptophysin +, CD56 +, TTF-1 -",
    "Synaptophysin, chromogranin and CD56 are positive; CD45 is negative.": (
        "synaptophysin +, chromogranin +, CD56 +, CD45 -"
    ),
    "There is loss of Rb expression. p53 is overexpressed.": "Rb lost, p53 overexpressed",
    "Rb lost, p53 shows a null pattern": "Rb lost, p53 lost",
    "The cells lack CK7, CK20 and napsin A.": "CK7 -, CK20 -, napsin A -",
    "Positive: TTF-1, CD56. Negative: p63, CDX2.": "TTF-1 +, CD56 +, p63 -, CDX2 -",
    "CD56 (strong), synaptophysin (patchy), TTF-1 (-), CK7 (+)": "CD56 +, synaptophysin +, TTF-1 -, CK7 +",
    "Dot-like AE1/AE3 staining. Pan-cytokeratin positive.": "cytokeratin +",
    "DLL3 (clone SP347): + in about 75% of the cells": "DLL3 +",
    "DLL3 was 90%, SLFN11 0%": "DLL3 +, SLFN11 -",
    "Negative CK20 makes a Merkel cell tumour unlikely.": "CK20 -",
    "strongly positive for CD56 and synaptophysin and negative for chromogranin": "CD56 +, synaptophysin +, chromogranin -",
    "No CD56 expression is seen.": "CD56 -",
    "TTF-1/napsin A positive": "TTF-1 +, napsin A +",
    "ASCL1 positive, NEUROD1 negative by IHC": "ASCL1 +, NEUROD1 -",
    "LCA and S100 are non-reactive.": "CD45 -, S100 -",
    "HepPar-1 and GATA3 negative, CK7 positive": "CK7 +",
    "Stains for synaptophysin and CD56 are positive.": "synaptophysin +, CD56 +",
    "No neuroendocrine differentiation is seen with chromogranin stains.": "chromogranin -",
    "The tumour cells are positive for TTF-1, and chromogranin\nis negative in all of them.": "TTF-1 +, chromogranin -",
    "Rb absent, TTF-1: 0": "Rb lost, TTF-1 -",
    "Synaptophysin is positive in 90% of tumour cells, CD56 is negative in most cells.": "synaptophysin +, CD56 -",
    "CK(+), P53 (90%+, mutant type expression)": "cytokeratin +, p53 overexpressed",
}

TABLE = """\
  INSM1          +        CD56          focal +
  p63            -        GATA3         -
  napsin A       -        synaptophysin ++
  p53            overexpressed     Rb   lost
"""

SILENCES = [
    "Serum NSE 34 ng/mL, chromogranin A 300 ng/mL.",
    "TTF-1 pending; SLFN11 send-out, pending.",
    "Stains for CK7 and TTF-1 are performed on both blocks.",
    "A DLL3-targeted bispecific was offered.",
    "DLL3 is expressed in most small cell carcinomas.",
    "CK was 200 U/L.",
    "ASCL1 is positive in 70 % of cases.",
    "Excludes other CK20-positive primaries.",
    "Mutant p53 and loss of RB1 by sequencing",
    "p53 mutation",
]

WORDS = {"+": "positive", "-": "negative"}


def _given(expected: str) -> set[str]:
    facts = set()
    for part in expected.split(", "):
        marker, said = part.rsplit(" ", 1)
        facts.add(f"ihc {marker} {WORDS.get(said, said)}")
    return facts


@pytest.mark.parametrize(("text", "expected"), STATEMENTS.items())
def test_a_statement_gives_its_stains(facts: Facts, text: str, expected: str) -> None:
    assert {fact for fact in facts(text) if fact.startswith("ihc ")} == _given(expected)


def test_columns_are_read_across(facts: Facts) -> None:
    expected = "INSM1 +, CD56 +, p63 -, napsin A -, synaptophysin +, p53 overexpressed, Rb lost"
    assert set(facts(TABLE)) == _given(expected)


LEADERS = """\
IHC panel:
 Synaptophysin ..... positive, diffuse
 p40 ............... negative
 CD45              negative                    Rb               lost
"""


def test_leading_dots_and_wide_columns_are_no_obstacle(facts: Facts) -> None:
    assert set(facts(LEADERS)) == _given("synaptophysin +, p40 -, CD45 -, Rb lost")


def test_a_stain_is_always_present_whatever_its_result(facts: Facts) -> None:
    assert set(facts("CD56 positive, TTF-1 negative").values()) == {"present"}


@pytest.mark.parametrize("text", SILENCES)
def test_what_states_no_stain_gives_none(facts: Facts, text: str) -> None:
    assert [fact for fact in facts(text) if fact.startswith("ihc ")] == []
