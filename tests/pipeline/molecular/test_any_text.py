"""Whatever the text: nothing is raised, offsets lie inside it, values are ones the registry takes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.pipeline.mention import Mention
from abstractor.pipeline.variants import VariantReader
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.load import value_fits

Read = Callable[[str], list[Mention]]

WORDS = [
    "TP53", "RB1", "EGFR", "ALK", "p53", "p.R273H", "R273H", "c.818G>A", "mutation", "mutations in", "amplification", "loss of",
    "negative", "positive", "not detected", "no", "wild type", "fusion", "-", "::", ",", ";", "and", "or", "/", "(", ")", "\n", ". ",
    "synaptophysin", "CK20", "Rb lost", "+", "Ki-67", "90%", "PD-L1", "TPS", "<1%", "TMB", "11", "Muts/Mb", "MSI-H", "exon 19 deletion",
    "VUS", "pending", "subtype", "SCLC-A", "VAF 12%", "é", "\ud800", "\x00", "│",
]  # fmt: skip


def _check(read: Read, rulebook: RuleBook, text: str) -> None:
    for mention in read(text):
        assert 0 <= mention.start < mention.end <= len(text)
        assert value_fits(rulebook.fields[mention.field], mention.value)


@given(st.text(max_size=300))
def test_any_text_is_read_without_a_fault(read: Read, rulebook: RuleBook, text: str) -> None:
    _check(read, rulebook, text)


@given(st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join))
def test_any_jumble_of_our_words_is_read_without_a_fault(
    read: Read, rulebook: RuleBook, variant_reader: VariantReader, text: str
) -> None:
    _check(read, rulebook, text)
    for mention in variant_reader.find(text):
        assert text[mention.start : mention.end] == mention.text


def test_reading_twice_gives_the_same(read: Read) -> None:
    text = "TP53 p.R273H, RB1 loss, EGFR wild type. CD56 positive. Ki-67 90%."
    assert read(text) == read(text)


CORPORA = Path(__file__).resolve().parents[4] / "shared" / "corpora" / "variants"


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the annotated corpora are not beside the project")
@pytest.mark.parametrize(
    ("name", "kinds", "least"),
    [("SETH", {"SNP", "RS"}, 0.85), ("tmvar", {"ProteinMutation", "DNAMutation", "SNP"}, 0.85)],
)
def test_published_corpora_are_read_as_they_were_annotated(
    variant_reader: VariantReader, name: str, kinds: set[str], least: float
) -> None:
    hits = found = wanted = 0
    for entry in json.loads((CORPORA / f"{name}-train.json").read_text(encoding="utf-8"))["documents"]:
        document = entry["document"]
        gold = {(one["begin"], one["end"]) for one in document["entities"] if one["type"] in kinds}
        ours = {(one.start, one.end) for one in variant_reader.find(document["text"])}
        hits, found, wanted = hits + len(gold & ours), found + len(ours), wanted + len(gold)
    assert 2 * hits / (found + wanted) >= least
