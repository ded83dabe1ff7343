"""A study keeps what cBioPortal's validator asks: by the written-down rules always, by the validator itself where it is at hand."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from exported_study import Study
from hostile_study import hostile
from portal_rules import faults

from abstractor.exports.alteration import read_alteration
from abstractor.model.errors import InputError
from abstractor.registry.engine import Registry
from abstractor.rulebook.book import RuleBook

VALIDATOR = "ABSTRACTOR_CBIOPORTAL_VALIDATOR"
PROFILES = ("identified", "deidentified")


@pytest.fixture
def odd(registry: Registry, make_rulebook: Callable[[str], RuleBook], tmp_path: Path) -> Study:
    return hostile(registry, make_rulebook("book"), tmp_path)


@pytest.fixture
def odd_without_variants(registry: Registry, make_rulebook: Callable[[str], RuleBook], tmp_path: Path) -> Study:
    return hostile(registry, make_rulebook("book"), tmp_path, variants=False)


@pytest.fixture(params=["study", "odd", "odd_without_variants"])
def any_study(request: pytest.FixtureRequest) -> Study:
    found: Study = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("profile", PROFILES)
def test_every_study_keeps_the_rules_of_the_portal(any_study: Study, profile: str) -> None:
    assert faults(any_study.export("cbioportal", profile)) == []


@pytest.mark.parametrize("profile", PROFILES)
def test_the_validator_of_the_portal_finds_no_error(any_study: Study, profile: str) -> None:
    """Needs scripts/importer of the repository cBioPortal/cbioportal-core, whose licence is no part of this project."""
    script = os.environ.get(VALIDATOR)
    if not script:
        pytest.skip(
            f"{VALIDATOR} is not set: clone github.com/cBioPortal/cbioportal-core, give scripts/importer/validateData.py"
        )
    written = any_study.export("cbioportal", profile)
    done = subprocess.run(
        [os.environ.get(f"{VALIDATOR}_PYTHON", sys.executable), script, "-s", str(written), "-n"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert re.findall(r"(?m)^(?:ERROR|CRITICAL).*", done.stdout) == []
    assert done.returncode in (0, 3), done.stderr  # 3: with warnings


@pytest.mark.parametrize(
    ("name", "before", "after", "fault"),
    [
        ("data_clinical_sample.txt", "A-1-T1", "A 1-T1", "is no id"),
        ("data_clinical_sample.txt", "A-1-T1", "B" * 64, "longer than a sample's id"),
        ("data_clinical_sample.txt", "right_upper_lobe", "12-Jan", "looks like a date"),
        ("data_clinical_patient.txt", "\t40\t", "\tforty\t", "forty is no number"),
        ("data_clinical_patient.txt", "1:DECEASED", "DEAD", "OS_STATUS: DEAD"),
        ("data_clinical_patient.txt", "AGE\t", "Age\t", "not in capitals"),
        ("data_clinical_patient.txt", "#STRING\tNUMBER", "#STRING\tSTRING", "AGE: not of this level or type"),
        ("data_timeline_treatment.txt", "\t15\t", "\t2024-01-25\t", "no days"),
        ("data_timeline_treatment.txt", "START_DATE\tSTOP_DATE", "STOP_DATE\tSTART_DATE", "columns"),
        ("data_mutations.txt", "p.R175H", "p.R175H;p.G12D", "several changes"),
        ("data_mutations.txt", "Missense_Mutation", "Missense", "Missense: no class"),
        ("data_mutations.txt", "TP53", "#TP53", "begins like a comment"),
        ("data_mutations.txt", "TP53\tA-1-T1", "TP53\tA-2-T1", "A-2-T1: no sample of the study"),
        ("data_cna.txt", "\t2\n", "\tmany\n", "many: no number of copies"),
        ("data_cna.txt", "PTEN", "myc", "twice"),
        ("data_sv.txt", "KIF5B\tRET", "\t", "a fusion without a gene"),
        ("data_sv.txt", "SOMATIC", "FOUND", "FOUND: no status"),
        ("data_gene_panel_matrix.txt", "A-1-T1", "B-2-T1", "no sample of the study"),
        ("data_reported_alterations.txt", "MYC_amplification", "MYC é", "no id"),
        ("meta_mutations.txt", "stable_id: mutations", "stable_id: mutation", "not the profile's id"),
        ("meta_cna.txt", "DISCRETE_LONG", "LONG", "is no kind of file"),
        ("meta_study.txt", "sclc_registry", "SCLC registry", "no identifier of a study"),
        ("case_lists/cases_sequenced.txt", "A-1-T1", "A-9-T1", "not of the study"),
    ],
)
def test_what_the_portal_would_refuse_is_found(study: Study, name: str, before: str, after: str, fault: str) -> None:
    written = study.export("cbioportal", "identified")
    content = (written / name).read_text()
    assert before in content
    (written / name).write_text(content.replace(before, after, 1))
    assert any(fault in one for one in faults(written)), faults(written)


def test_what_the_study_has_no_place_for_is_counted(odd: Study) -> None:
    told = (odd.export("cbioportal", "identified") / "LEFT_OUT.txt").read_text().splitlines()
    assert "27 values of PACK_YEARS that are no number" in told
    assert any("alterations whose gene is no symbol" in line for line in told)
    assert any("protein changes that one cell can't hold" in line for line in told)


def test_patients_whose_ids_differ_stay_apart(odd: Study) -> None:
    written = odd.export("cbioportal", "identified")
    rows = (written / "data_clinical_patient.txt").read_text().splitlines()[5:]
    assert len({row.split("\t")[0] for row in rows}) == len(rows) == 27


def test_an_empty_registry_is_no_study(
    registry: Registry, make_rulebook: Callable[[str], RuleBook], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="the registry has no patient"):
        Study(registry, make_rulebook("book"), tmp_path).export("cbioportal", "identified")
    assert not (tmp_path / "cbioportal").exists()


@pytest.mark.parametrize(
    ("value", "genes", "change"),
    [
        ("TP53 p.R175H", ("TP53",), "p.R175H"),
        ("TP53 mutation", ("TP53",), None),
        ("TP53", ("TP53",), None),
        ("TP53 p.[R175H;G12D]", ("TP53",), None),
        ("HLA-A p.R1H", ("HLA-A",), "p.R1H"),
        ("KIF5B-RET fusion", ("KIF5B", "RET"), "fusion"),
        ("RET fusion", ("RET",), "fusion"),
        ("BCR--ABL1 fusion", ("BCR", "ABL1"), "fusion"),
        ("EGFR exon 19 deletion", ("EGFR",), "exon 19 deletion"),
    ],
)
def test_an_alteration_is_its_genes_and_what_is_said_of_them(
    value: str, genes: tuple[str, ...], change: str | None
) -> None:
    found = read_alteration(value)
    assert found is not None
    assert (found.genes, found.told_change) == (genes, change)


@pytest.mark.parametrize(
    "value", ["", " ", "NA p.R1H", "Unknown mutation", "9G8 p.R1H", "É p.R1H", "- fusion", '"TP53" p.R1H']
)
def test_what_is_no_symbol_is_no_gene(value: str) -> None:
    assert read_alteration(value) is None
