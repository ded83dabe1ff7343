"""Checks of molecular results (E12, E18, E26)."""

import re
from collections.abc import Iterator

from abstractor.checks.book import CheckRule
from abstractor.checks.facts import PatientFacts, number_in
from abstractor.checks.problem import Hit, hit
from abstractor.model.fact import Fact

_CODING = re.compile(r"c\.(\d+)[ACGT]>[ACGT]")
_PROTEIN = re.compile(r"p\.\(?[A-Z*](?:[a-z]{2})?(\d+)")


def driver(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E12: an alteration that belongs to carcinoma transformed from another."""
    histology = patient.one("histology")
    if histology is not None and histology.value in rule.words["transformed"]:
        return
    about = (histology,) if histology is not None else ()
    for one in patient.present("variant"):
        if not one.attributes.get("vus") and any(re.fullmatch(form, one.value) for form in rule.words["drivers"]):
            yield hit("driver", (one, *about), variant=one.value)


def variants(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E18: gene symbols that nobody approved, and codons that differ between DNA and protein."""
    for one in patient.facts:
        if one.field != "variant":
            continue
        for gene in _genes(one) if patient.known.genes else ():
            if gene not in patient.known.genes:
                yield hit("gene", (one,), gene=gene, variant=one.value)
        coding = str(one.attributes.get("hgvs_c") or "")
        at, protein = _CODING.fullmatch(coding), _PROTEIN.search(one.value)
        if at and protein and -(-int(at[1]) // 3) != int(protein[1]):
            yield hit("codon", (one,), coding=coding, codon=-(-int(at[1]) // 3), variant=one.value)


def _genes(fact: Fact) -> list[str]:
    """The gene, or both partners of a fusion; a symbol may itself have a hyphen (HLA-A), then the whole counts too."""
    symbol, _, alteration = fact.value.partition(" ")
    return symbol.split("-") if alteration == "fusion" and "-" in symbol else [symbol]


def expression(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E26: a share of cells above all cells; CPS is no share."""
    one = patient.one("pd_l1")
    if one is None or one.value.startswith("CPS"):
        return
    share = number_in(one.value.removeprefix("TPS ").removeprefix("IC "))
    if share is not None and share > rule.limit("most"):
        yield hit("share", (one,), value=one.value, most=rule.days("most"))
