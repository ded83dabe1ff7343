"""Spellings of sequence changes: the examples in the rules, and the normaliser's table of the clinical specification."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.pipeline.variant_grammar import Grammar, coding

RULES = Path(__file__).resolve().parents[3] / "rules" / "settings" / "variants.toml"
SETTINGS = tomllib.loads(RULES.read_text(encoding="utf-8"))
FORMS = SETTINGS["form"]
THREE = {letter: names[0] for letter, names in SETTINGS["amino_acids"].items()}


@pytest.mark.parametrize(
    ("form", "text"), [(form["id"], text) for form in FORMS for text in form["examples"]], ids=lambda one: str(one)
)
def test_every_example_of_a_form_is_matched_whole(grammar: Grammar, form: str, text: str) -> None:
    spelling = next(one for one in grammar.spellings if one.id == form)
    found = spelling.expression.search(f"the {text} was")
    assert found is not None
    assert found.group().strip() == text


@pytest.mark.parametrize(
    ("form", "text"), [(form["id"], text) for form in FORMS for text in form.get("counterexamples", ())]
)
def test_no_counterexample_of_a_form_is_matched(grammar: Grammar, form: str, text: str) -> None:
    spelling = next(one for one in grammar.spellings if one.id == form)
    assert spelling.expression.search(f"the {text} was") is None


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("p.R273H", "p.R273H"),
        ("p.Arg273His", "p.R273H"),
        ("p.(Arg273His)", "p.R273H"),
        ("R273H", "p.R273H"),
        ("Arg273His", "p.R273H"),
        ("R213X", "p.R213*"),
        ("R213*", "p.R213*"),
        ("p.Arg213Ter", "p.R213*"),
        ("R213stop", "p.R213*"),
        ("p.G245fs*2", "p.G245fs"),
        ("p.Gly245fs", "p.G245fs"),
        ("p.E746_A750del", "p.E746_A750del"),
        ("p.Glu746_Ala750del", "p.E746_A750del"),
        ("p.Val443AspfsTer83", "p.V443fs"),
        ("p.Y772_A775dup", "p.Y772_A775dup"),
        ("p.G776delinsVC", "p.G776delinsVC"),
    ],
)
def test_protein_changes_have_one_form(grammar: Grammar, written: str, canonical: str) -> None:
    assert grammar.protein(written) == canonical


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("c.818G>A", "c.818G>A"),
        ("c.524G > A", "c.524G>A"),
        ("c.375+1G>T", "c.375+1G>T"),
        ("375+1G>T", "c.375+1G>T"),
        ("c.2235_2249del", "c.2235_2249del"),
        ("c.2838+5G-->A", "c.2838+5G>A"),
        ("c.G1714A", "c.1714G>A"),
        ("IVS2+1", None),
    ],
)
def test_coding_changes_have_one_form(written: str, canonical: str | None) -> None:
    assert coding(written) == canonical


AMINO_ACIDS = st.sampled_from(sorted(THREE))


@given(first=AMINO_ACIDS, place=st.integers(10, 9999), second=AMINO_ACIDS, brackets=st.booleans())
def test_one_and_three_letters_mean_the_same(
    grammar: Grammar, first: str, place: int, second: str, brackets: bool
) -> None:
    short = f"{first}{place}{second}"
    long = f"{THREE[first]}{place}{THREE[second]}"
    assert grammar.protein(f"p.({long})" if brackets else f"p.{long}") == f"p.{short}"
    assert grammar.protein(short) == f"p.{short}"


@given(st.text(alphabet="pc.ARNDgly0123456789_>*()[]+-/ delinsdupfsX?", max_size=40))
def test_a_canonical_form_is_its_own_canonical_form(grammar: Grammar, text: str) -> None:
    for change in grammar.find(text):
        assert text[change.start : change.end].strip() == text[change.start : change.end]
        if change.hgvs_p is not None:
            assert grammar.protein(change.hgvs_p) == change.hgvs_p
