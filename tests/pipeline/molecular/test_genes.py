"""Names of genes: symbols, older names, families written short, and words that only look like genes."""

import pytest

from abstractor.pipeline.genes import GeneLexicon, Trust
from abstractor.rulebook.book import RuleBook


@pytest.fixture(scope="module")
def lexicon(rulebook: RuleBook) -> GeneLexicon:
    return GeneLexicon.from_rulebook(rulebook)


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("TP53", ["TP53"]),
        ("MYCL1 amp", ["MYCL"]),
        ("L-MYC and N-myc", ["MYCL", "MYCN"]),
        ("c-MYC", ["MYC"]),
        ("MLL2", ["KMT2D"]),
        ("LKB1", ["STK11"]),
        ("BRG1", ["SMARCA4"]),
        ("HER2/neu", ["ERBB2"]),
        ("HER-2", ["ERBB2"]),
        ("K-ras", ["KRAS"]),
        ("Epidermal Growth Factor Receptor", ["EGFR"]),
        ("NTRK1/2/3", ["NTRK1", "NTRK2", "NTRK3"]),
        ("FGFR1-3", ["FGFR1", "FGFR2", "FGFR3"]),
        ("CDKN2A/B", ["CDKN2A", "CDKN2B"]),
        ("BRCA1/2", ["BRCA1", "BRCA2"]),
        ("BRAFV600E", ["BRAF"]),
        ("METex14", ["MET"]),
        ("EML4-ALK", ["EML4", "ALK"]),
    ],
)
def test_names_give_the_approved_symbol(lexicon: GeneLexicon, text: str, symbols: list[str]) -> None:
    assert [symbol for gene in lexicon.find(text) for symbol in gene.symbols] == symbols


@pytest.mark.parametrize("text", ["eGFR 58", "he met her", "a test kit", "at rest", "the set", "Her son", "catheter"])
def test_words_of_everyday_are_no_genes(lexicon: GeneLexicon, text: str) -> None:
    assert lexicon.find(text) == []


def test_a_symbol_that_is_also_a_word_is_trusted_less(lexicon: GeneLexicon) -> None:
    assert [gene.trust for gene in lexicon.find("MET TP53 PRIM2 KCNB1")] == [
        Trust.AMBIGUOUS,
        Trust.SAFE,
        Trust.SAFE,
        Trust.RARE,
    ]
