"""What a note says of its genes. The wording is ours; each line is a manner of writing met in letters, reports and charts."""

from collections.abc import Callable

import pytest

from abstractor.pipeline.mention import Mention
from abstractor.pipeline.variants import VariantReader

Facts = Callable[[str], dict[str, str]]


def _given(expected: str) -> dict[str, bool]:
    """`A p.X; -B mutation`: what follows a minus is absent."""
    pairs = [part.strip() for part in expected.split(";") if part.strip()]
    return {f"variant {one.lstrip('-')}": one.startswith("-") for one in pairs}


def _absent(found: dict[str, str]) -> dict[str, bool]:
    return {fact: assertion == "absent" for fact, assertion in found.items() if fact.startswith("variant ")}


STATEMENTS = {
    "TP53 p.R273H, VAF 45 %; RB1 WT": "TP53 p.R273H; -RB1 mutation",
    "TP53 and RB1 mutated, no MYC amplification.": "TP53 mutation; RB1 mutation; -MYC amplification",
    "TP53 mutation not detected": "-TP53 mutation",
    "TP53 Arg273His": "TP53 p.R273H",
    "TP53 R213X and RB1 R320X": "TP53 p.R213*; RB1 p.R320*",
    "TP53 splice site 375+1G>T (VAF 31%)": "TP53 c.375+1G>T",
    "TP53 p.G245fs*2 was seen; RB1 p.Gly245fs.": "TP53 p.G245fs*2; RB1 p.G245fs",
    "tp53 r248w, myc amp, rb1 wt": "TP53 p.R248W; MYC amplification; -RB1 mutation",
    "BRCA2 c.5946delT (p.S1982fs)": "BRCA2 p.S1982fs",
    "MYCL1 amp": "MYCL amplification",
    "RB1 loss exons 2-27; PTEN homozygous deletion": "RB1 loss; PTEN deletion",
    "Loss of RB1 and amplification of MYC were seen.": "RB1 loss; MYC amplification",
    "Truncating mutations in KMT2D and CREBBP.": "KMT2D mutation; CREBBP mutation",
    "Mutations in TP53 (p.R175H), RB1 (p.R320*), and KMT2D.": "TP53 p.R175H; RB1 p.R320*; KMT2D mutation",
    "EGFR ex19del, EGFR exon 20 insertion not seen": "EGFR exon 19 deletion; -EGFR exon 20 insertion",
    "METex14 skipping.": "MET exon 14 skipping",
    "EGFR G719X mutation": "EGFR p.G719X",
    "A T790M mutation appeared on osimertinib.": "EGFR p.T790M",
    "TP53 R248W, no prior T790M detected": "TP53 p.R248W; -EGFR p.T790M",
    "KIF5B-RET fusion detected.": "KIF5B-RET fusion",
    "EML4::ALK fusion, variant 1": "EML4-ALK fusion",
    "ALK rearrangement by FISH": "ALK fusion",
    "ALK positive. ROS1+ by FISH.": "ALK fusion; ROS1 fusion",
    "STK11/KEAP1 co-mutated": "STK11 mutation; KEAP1 mutation",
    "FGFR1 amplification and low-level CCNE1 gain": "FGFR1 amplification; CCNE1 gain",
    "BRAF non-V600E mutation": "-BRAF p.V600E; BRAF mutation",
    "HER2 amplified (FISH)": "ERBB2 amplification",
    "F1: TP53, RB1, MYC amp.": "TP53 mutation; RB1 mutation; MYC amplification",
    "NRAS G12C mutation with wild-type BRAF": "NRAS p.G12C; -BRAF mutation",
    "KRAS G12D mutation with no other actionable alterations": "KRAS p.G12D",
    "MET copy number 2.1 (no amplification)": "-MET amplification",
    "KCNB1 p.R312H": "KCNB1 p.R312H",
    "TP53+RB1 double loss": "TP53 loss; RB1 loss",
    "Neither staging nor MRI was done; co-mutations (STK11, KEAP1, CDKN2A deletion)": (
        "STK11 mutation; KEAP1 mutation; CDKN2A deletion"
    ),
    "NGS: RB1 splice, ATM VUS": "RB1 mutation; ATM mutation",
    "MYCL copy number gain, amplification (11 copies)": "MYCL amplification",
    "HER2 exon 20 insertion mutation (results for other markers pending)": "ERBB2 exon 20 insertion",
    "BRAFV600E mutation": "BRAF p.V600E",
}

ABSENCES = {
    "EGFR, ALK and ROS1 negative.": "-EGFR mutation; -ALK fusion; -ROS1 fusion",
    "EGFR/KRAS wild type, ALK and ROS1 fusion negative": "-EGFR mutation; -KRAS mutation; -ALK fusion; -ROS1 fusion",
    "Negative for EGFR, ALK, BRAF V600E.": "-EGFR mutation; -ALK fusion; -BRAF p.V600E",
    "no EGFR mutation, ALK rearrangement or ROS1 fusion": "-EGFR mutation; -ALK fusion; -ROS1 fusion",
    "EGFR mutation, ALK fusion and RET fusion were not detected.": "-EGFR mutation; -ALK fusion; -RET fusion",
    "5 genes with no reportable alterations: ALK, EGFR, KRAS": "-ALK mutation; -EGFR mutation; -KRAS mutation",
    "NTRK1/2/3 fusions: NOT DETECTED": "-NTRK1 fusion; -NTRK2 fusion; -NTRK3 fusion",
    "EGFR L858R, T790M and C797S not detected.": "-EGFR p.L858R; -EGFR p.T790M; -EGFR p.C797S",
    "Neither EGFR nor KRAS was mutated.": "-EGFR mutation; -KRAS mutation",
    "Pertinent negatives: EGFR, ALK": "-EGFR mutation; -ALK fusion",
    "TP53 mutated, EGFR wild-type": "TP53 mutation; -EGFR mutation",
    "EGFR exon 19 deletion, T790M negative": "EGFR exon 19 deletion; -EGFR p.T790M",
    "No mutation in EGFR.": "-EGFR mutation",
    "3 genes with no reportable alterations:\n EGFR, ALK, KRAS": "-EGFR mutation; -ALK mutation; -KRAS mutation",
    "NOT DETECTED among guideline genes: EGFR L858R, ALK fusion.": "-EGFR p.L858R; -ALK fusion",
    "No clinically relevant variant in: BRAF, EGFR.": "-BRAF mutation; -EGFR mutation",
    "EGFR   exon 18-21     wild type": "-EGFR mutation",
    "KRAS (codons 12, 13, 61)   no mutation detected": "-KRAS mutation",
    "MYC gain, not amplified": "MYC gain; -MYC amplification",
    "Retained L858R (no small cell transformation), T790M absent.": "EGFR p.L858R; -EGFR p.T790M",
}

SILENCES = [
    "eGFR 58 mL/min",
    "EGFR and ALK testing pending. KRAS not tested.",
    "NGS: QNS, TP53 and RB1 could not be assessed.",
    "Started a KRAS G12C inhibitor.",
    "EGFR TKI was stopped; anti-EGFR antibody next; BRAF/MEK inhibitors later.",
    "RB1 loss of expression by IHC; p53 overexpressed, Rb lost.",
    "DLL3 positive, ASCL1 positive.",
    "She met the criteria and the kit was sent.",
    "TP53 mutations are common in small cell lung cancer.",
    "KRAS mutations account for about 25 % of adenocarcinomas.",
    "Resistance mechanisms (e.g., MET amplification) should be sought.",
    "No family history of BRCA2 mutation.",
    "p53 (IHC): mutant pattern",
    "KEAP1 encodes a negative regulator of NRF2.",
    "Stage T2N1M0, C1D8, vertebra T12, vitamin B12, H1N1 vaccine.",
]


@pytest.mark.parametrize(("text", "expected"), [*STATEMENTS.items(), *ABSENCES.items()])
def test_a_statement_gives_its_variants(facts: Facts, text: str, expected: str) -> None:
    assert _absent(facts(text)) == _given(expected)


@pytest.mark.parametrize("text", SILENCES)
def test_what_states_no_variant_gives_none(facts: Facts, text: str) -> None:
    assert [fact for fact in facts(text) if fact.startswith("variant ")] == []


def test_a_measured_fraction_says_that_it_was_found_else_context_decides(facts: Facts) -> None:
    assert facts("TP53 p.R273H (VAF 45%)") == {"variant TP53 p.R273H": "present"}
    assert facts("TP53 p.R273H") == {"variant TP53 p.R273H": "open"}


def test_a_doubtful_result_is_uncertain(facts: Facts) -> None:
    assert facts("MYC amplification (equivocal)") == {"variant MYC amplification": "uncertain"}


REPORT = """\
GENOMIC FINDINGS
  TP53   p.Y220C     VAF 62.1%
  RB1    p.R445*     58%
  PTEN   Loss
  MYCL   Amplification   CN 12
  EGFR   Not detected

Pertinent negatives: ALK, KRAS

VARIANTS OF UNKNOWN SIGNIFICANCE
  ATM p.V2424G      NOTCH1 p.R912W

THERAPIES WITH CLINICAL BENEFIT
  KRAS G12C: sotorasib. EGFR L858R: osimertinib.

GENES ASSAYED
  ABL1 ALK APC BRAF EGFR FGFR1 amplification FGFR2
"""


def test_a_report_is_read_by_its_parts(facts: Facts) -> None:
    assert _absent(facts(REPORT)) == _given(
        "TP53 p.Y220C; RB1 p.R445*; PTEN loss; MYCL amplification; -EGFR mutation; -ALK fusion; -KRAS mutation; "
        "ATM p.V2424G; NOTCH1 p.R912W"
    )


def test_fractions_copies_and_unknown_significance_are_attributes(read: Callable[[str], list[Mention]]) -> None:
    attributes = {one.value: dict(one.attributes) for one in read(REPORT)}
    assert attributes["TP53 p.Y220C"] == {"vaf": 0.621}
    assert attributes["RB1 p.R445*"] == {"vaf": 0.58}
    assert attributes["MYCL amplification"] == {"copy_number": 12.0}
    assert attributes["ATM p.V2424G"] == {"vus": True}


def test_the_evidence_is_gene_and_change(read: Callable[[str], list[Mention]]) -> None:
    text = "Sequencing found TP53 p.R175H and an intact RB1."
    [mention] = [one for one in read(text) if one.value == "TP53 p.R175H"]
    assert text[mention.start : mention.end] == "TP53 p.R175H"


def test_any_text_gives_its_changes_with_their_genes(variant_reader: VariantReader) -> None:
    text = "We saw BRAF c.1799T>A (p.Val600Glu) and 5382insC of BRCA1; one carried rs1061170."
    found = [(one.text, one.gene, one.hgvs_p, one.hgvs_c, one.kind) for one in variant_reader.find(text)]
    assert found == [
        ("c.1799T>A", "BRAF", None, "c.1799T>A", "coding"),
        ("p.Val600Glu", "BRAF", "p.V600E", None, "protein"),
        ("5382insC", "BRCA1", None, "c.5382insC", "nucleotide"),
        ("rs1061170", "BRCA1", None, None, "dbsnp"),
    ]


def test_a_text_about_one_gene_need_not_name_it_beside_each_change(variant_reader: VariantReader) -> None:
    text = (
        "Mutations of OTOG cause deafness. OTOG was sequenced in two families of which the parents are first cousins and in ninety "
        "further persons with impaired hearing from the same region, all of them examined by audiometry and imaging in one hospital "
        "over the course of six years by the same two physicians. The affected had c.5508delC."
    )
    assert [(one.gene, one.hgvs_c) for one in variant_reader.find(text)] == [("OTOG", "c.5508delC")]


def test_bases_around_a_long_number_are_a_change_of_dna(variant_reader: VariantReader) -> None:
    [mitochondrial] = variant_reader.find("the A3243G mutation of mitochondrial DNA")
    assert (mitochondrial.hgvs_p, mitochondrial.hgvs_c, mitochondrial.kind) == (None, "c.3243A>G", "nucleotide")
    [protein] = variant_reader.find("progression on crizotinib with ALK G1269A")
    assert (protein.gene, protein.hgvs_p) == ("ALK", "p.G1269A")


def test_what_is_put_in_for_something_stands_last(variant_reader: VariantReader) -> None:
    [change] = variant_reader.find("substitution of cysteine for arginine at codon 207")
    assert change.hgvs_p == "p.R207C"
    [change] = variant_reader.find("substitution of arginine by cysteine at codon 207")
    assert change.hgvs_p == "p.R207C"


def test_a_title_in_mid_sentence_ends_what_was_not_found(facts: Facts) -> None:
    text = "CNV   EGFR amp plasma CN 3.4; MYC not amplified\nNOT DETECTED   T790M, C797S\nTMB 7   MSI-H not detected\nRB1 p.R445*"
    found = _absent(facts(text))
    assert found["variant EGFR p.T790M"]
    assert found["variant EGFR p.C797S"]
    assert not found["variant EGFR amplification"]
    assert not found["variant RB1 p.R445*"]
