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
    "DLL3 (SP347)   + in 90% of tumor cells": "DLL3 +",
    "DLL3 was 90%, SLFN11 0%": "DLL3 +, SLFN11 -",
    "Negative CK20 makes a Merkel cell tumour unlikely.": "CK20 -",
    "strongly positive for CD56 and synaptophysin and negative for chromogranin": "CD56 +, synaptophysin +, chromogranin -",
    "No CD56 expression is seen.": "CD56 -",
    "TTF-1/napsin A positive": "TTF-1 +, napsin A +",
    "ASCL1 positive, NEUROD1 negative by IHC": "ASCL1 +, NEUROD1 -",
    "LCA and S100 are non-reactive.": "CD45 -, S100 -",
    "HepPar-1 and GATA3 negative, CK7 positive": "CK7 +",
}

TABLE = """\
  synaptophysin  +        chromogranin  +
  TTF-1          +        CK7           weak +
  CK20           -        HepPar-1      -
  Rb             lost     p53           overexpressed
"""

SILENCES = [
    "Serum NSE 34 ng/mL, chromogranin A 300 ng/mL.",
    "TTF-1 pending; SLFN11 send-out, pending.",
    "Stains for CK7 and TTF-1 are performed on both blocks.",
    "A DLL3-targeted bispecific was offered.",
    "DLL3 is expressed in most small cell carcinomas.",
    "CK was 200 U/L.",
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
    expected = "synaptophysin +, chromogranin +, TTF-1 +, CK7 +, CK20 -, Rb lost, p53 overexpressed"
    assert set(facts(TABLE)) == _given(expected)


def test_a_stain_is_always_present_whatever_its_result(facts: Facts) -> None:
    assert set(facts("CD56 positive, TTF-1 negative").values()) == {"present"}


@pytest.mark.parametrize("text", SILENCES)
def test_what_states_no_stain_gives_none(facts: Facts, text: str) -> None:
    assert [fact for fact in facts(text) if fact.startswith("ihc ")] == []
