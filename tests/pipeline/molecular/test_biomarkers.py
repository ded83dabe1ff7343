"""Ki-67, PD-L1, mutational burden, microsatellites, subtype. The wording is ours."""

from collections.abc import Callable

import pytest

Facts = Callable[[str], dict[str, str]]

STATEMENTS = {
    "Ki-67 80-90%": ["ki67 80-90"],
    "MIB-1 labelling index of ~95 %": ["ki67 95"],
    "Ki-67 >90 %": ["ki67 >90"],
    "proliferation fraction (Ki-67) is nearly 100%": ["ki67 100"],
    "a Ki-67 of 80 to 90%": ["ki67 80-90"],
    "85% Ki-67": ["ki67 85"],
    "Ki67: 90": ["ki67 90"],
    "PD-L1 TPS 28% (15% at diagnosis)": ["pd_l1 TPS 28", "pd_l1 TPS 15"],
    "PD-L1 (22C3) TPS <1%, CPS 5": ["pd_l1 TPS <1", "pd_l1 CPS 5"],
    "PD-L1: TPS 0 %, IC 5 %": ["pd_l1 TPS 0", "pd_l1 IC 5"],
    "PD-L1 TPS by 22C3 assay: 15%": ["pd_l1 TPS 15"],
    "PDL1 60%": ["pd_l1 60"],
    "high PD-L1 expression (95%)": ["pd_l1 95"],
    "PD-L1 was 1-49%": ["pd_l1 1-49"],
    "60% PD-L1 expression": ["pd_l1 60"],
    "PD-L1 negative": ["pd_l1 negative"],
    "PD-L1 0.": ["pd_l1 0"],
    "Ki-67 ............. 85%": ["ki67 85"],
    "Tumor Mutational Burden ...... 8 Muts/Mb": ["tmb 8"],
    "Combined Positive Score (CPS): 9": ["pd_l1 CPS 9"],
    "no PD-L1 expression": ["pd_l1 negative"],
    "PD-L1 negative, Ki-67 90%": ["pd_l1 negative", "ki67 90"],
    "TMB 11 Muts/Mb": ["tmb 11"],
    "TMB-High, 18 m/MB": ["tmb 18", "tmb high"],
    "bTMB 9": ["tmb 9"],
    "TMB: 6.2 mutations/Mb (low)": ["tmb 6.2", "tmb low"],
    "Tumor mutational burden is high": ["tmb high"],
    "MSS, TMB 4": ["msi stable", "tmb 4"],
    "Microsatellite status - MS-Stable": ["msi stable"],
    "Microsatellite Instability (MSI) from cfDNA: STABLE": ["msi stable"],
    "pMMR": ["msi stable"],
    "intact nuclear expression of MLH1, MSH2, MSH6 and PMS2": ["msi stable"],
    "MSI-H": ["msi high"],
    "mismatch repair deficient": ["msi high"],
    "MSI status was low": ["msi low"],
    "ASCL1-dominant": ["subtype ASCL1"],
    "SCLC-N subtype": ["subtype NEUROD1"],
    "molecular subtype: SCLC-P": ["subtype POU2F3"],
    "inflamed subtype": ["subtype inflamed"],
}

SILENCES = [
    "Continue the PD-L1 inhibitor.",
    "anti-PD-L1 antibody",
    "PD-L1 pending",
    "if PD-L1 above 50% consider monotherapy",
    "TMB cannot be determined",
    "TMB in the 85th percentile",
    "11 mutations were found",
    "threshold for TMB-high: 10 mut/Mb",
    "studied in tumors with TMB of more than ten",
    "MSS: no joint pain",
    "not a candidate for MSI-H directed therapy",
    "stable disease",
    "Ki-67 pending",
]


@pytest.mark.parametrize(("text", "expected"), STATEMENTS.items())
def test_a_statement_gives_its_values(facts: Facts, text: str, expected: list[str]) -> None:
    assert sorted(facts(text)) == sorted(expected)


@pytest.mark.parametrize("text", SILENCES)
def test_what_states_no_value_gives_none(facts: Facts, text: str) -> None:
    assert facts(text) == {}


def test_another_markers_score_is_not_pd_l1(facts: Facts) -> None:
    assert not [fact for fact in facts("DLL3 expression high (TPS 80%)") if fact.startswith("pd_l1")]


def test_a_denied_instability_is_absent(facts: Facts) -> None:
    assert facts("MSI-H not detected") == {"msi high": "absent"}
    assert facts("No evidence of deficient mismatch repair (dMMR).") == {"msi high": "absent"}
