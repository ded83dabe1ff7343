"""The cBioPortal study, held against its format: files, headers, ids, whole days; and against what is true of the patients."""

import re
from pathlib import Path

import pytest
from exported_study import FULL, Study

from abstractor.exports.cbioportal import CbioportalCodes
from abstractor.exports.codes import read_codes


def table(path: Path) -> list[dict[str, str]]:
    lines = [line for line in path.read_text().split("\n") if line and not line.startswith("#")]
    names = lines[0].split("\t")
    rows = [line.split("\t") for line in lines[1:]]
    assert all(len(row) == len(names) for row in rows), path.name
    return [dict(zip(names, row, strict=True)) for row in rows]


def meta(path: Path) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in path.read_text().splitlines())


@pytest.fixture
def written(study: Study) -> Path:
    return study.export("cbioportal", "identified")


def of_full(written: Path, name: str) -> list[dict[str, str]]:
    return [row for row in table(written / name) if row.get("PATIENT_ID", FULL) == FULL]


def test_survival_counts_from_the_diagnosis_and_progression_from_the_first_dose(written: Path) -> None:
    (row,) = of_full(written, "data_clinical_patient.txt")
    assert (row["OS_STATUS"], row["OS_MONTHS"]) == ("1:DECEASED", "8.67")  # 2024-01-10 to 2024-09-30, 264 days
    assert (row["PFS_STATUS"], row["PFS_MONTHS"]) == ("1:PROGRESSED", "5.19")  # 2024-01-25 to 2024-07-01, 158 days
    assert (row["AGE"], row["SEX"], row["STAGE_VALG"], row["N_LINES"]) == ("73", "Male", "Extensive", "1")
    assert row["BEST_RESPONSE_L1"] == "PR"


def test_clinical_tables_describe_every_column_in_four_lines(written: Path) -> None:
    for level in ("patient", "sample"):
        lines = (written / f"data_clinical_{level}.txt").read_text().splitlines()
        heads = [line[1:].split("\t") for line in lines[:4]]
        names = lines[4].split("\t")
        assert all(line.startswith("#") for line in lines[:4])
        assert {len(head) for head in heads} == {len(names)}
        assert all(cell for head in heads for cell in head)
        assert set(heads[2]) <= {"STRING", "NUMBER", "BOOLEAN"}
        assert all(cell.isdecimal() for cell in heads[3])
        assert all(name == name.upper() for name in names)


def test_every_id_is_made_of_letters_digits_point_hyphen_and_underscore(written: Path) -> None:
    samples = table(written / "data_clinical_sample.txt")
    patients = {row["PATIENT_ID"] for row in table(written / "data_clinical_patient.txt")}
    assert len(samples) == 3
    assert {row["PATIENT_ID"] for row in samples} == patients
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,63}", row["SAMPLE_ID"] + row["PATIENT_ID"]) for row in samples)
    assert len({row["SAMPLE_ID"] for row in samples}) == 3


def test_every_meta_file_names_a_table_that_is_there_and_every_table_has_one(written: Path) -> None:
    metas = [meta(path) for path in written.glob("meta_*.txt")]
    named = {one["data_filename"] for one in metas if "data_filename" in one}
    assert named == {path.name for path in written.glob("data_*.txt")}
    assert {one["cancer_study_identifier"] for one in metas} == {"sclc_registry"}
    study = meta(written / "meta_study.txt")
    assert {"type_of_cancer", "name", "description"} <= study.keys()


def test_timelines_have_whole_days_from_the_diagnosis_and_a_stop_column_that_may_be_blank(written: Path) -> None:
    for path in written.glob("data_timeline_*.txt"):
        assert path.read_text().split("\n")[0].startswith("PATIENT_ID\tSTART_DATE\tSTOP_DATE\tEVENT_TYPE")
        assert all(re.fullmatch(r"-?\d+", row["START_DATE"]) for row in table(path))
        assert all(re.fullmatch(r"(-?\d+)?", row["STOP_DATE"]) for row in table(path))
    drugs = of_full(written, "data_timeline_treatment.txt")
    assert [(row["START_DATE"], row["STOP_DATE"], row["AGENT"]) for row in drugs] == [
        ("15", "106", "carboplatin"),
        ("15", "106", "etoposide"),
    ]
    status = of_full(written, "data_timeline_status.txt")
    assert [(row["START_DATE"], row["STATUS"]) for row in status] == [
        ("0", "Diagnosis"),
        ("60", "PR"),
        ("173", "PD"),
        ("264", "Deceased"),
    ]


def test_mutations_copies_and_fusions_stand_where_the_portal_looks_for_them(written: Path) -> None:
    mutations = {row["Hugo_Symbol"]: row for row in table(written / "data_mutations.txt")}
    assert mutations.keys() == {"TP53", "RB1", "NOTCH1", "BRCA2"}
    assert (mutations["TP53"]["Variant_Classification"], mutations["TP53"]["HGVSp_Short"]) == (
        "Missense_Mutation",
        "p.R175H",
    )
    assert mutations["TP53"]["t_vaf"] == "0.4"
    assert mutations["RB1"]["Variant_Classification"] == "Unknown"  # whether bases were lost or gained is not said
    assert mutations["BRCA2"]["Mutation_Status"] == "GERMLINE"
    assert [(row["Hugo_Symbol"], row["Value"]) for row in table(written / "data_cna.txt")] == [
        ("MYC", "2"),
        ("PTEN", "0"),
    ]
    (fusion,) = table(written / "data_sv.txt")
    assert (fusion["Site1_Hugo_Symbol"], fusion["Site2_Hugo_Symbol"], fusion["SV_Status"]) == (
        "KIF5B",
        "RET",
        "SOMATIC",
    )


def test_what_was_looked_for_and_not_found_is_told_beside_what_was(written: Path) -> None:
    said = {row["ENTITY_STABLE_ID"]: row["A-1-T1"] for row in table(written / "data_reported_alterations.txt")}
    assert said == {
        "BRCA2_mutation": "Found",
        "EGFR_mutation": "Not found",
        "MYC_amplification": "Found",
        "NOTCH1_mutation": "Unknown significance",
        "PTEN_loss": "Not found",
        "RB1_mutation": "Found",
        "RET_fusion": "Found",
        "TP53_mutation": "Found",
    }


def test_a_sample_is_covered_for_the_genes_that_a_report_speaks_of_and_for_no_others(written: Path) -> None:
    (row,) = table(written / "data_gene_panel_matrix.txt")
    assert row["mutations"] == row["cna"] == row["structural_variants"]
    panel = meta(written / "gene_panels" / f"data_gene_panel_{row['mutations']}.txt")
    assert panel["stable_id"] == row["mutations"]
    assert panel["gene_list"].split("\t") == ["BRCA2", "EGFR", "KIF5B", "MYC", "NOTCH1", "PTEN", "RB1", "RET", "TP53"]


def test_case_lists_hold_all_samples_and_those_that_were_sequenced(written: Path) -> None:
    everybody, sequenced = (meta(written / "case_lists" / f"cases_{name}.txt") for name in ("all", "sequenced"))
    assert everybody["stable_id"] == "sclc_registry_all"
    assert len(everybody["case_list_ids"].split("\t")) == 3
    assert sequenced["case_list_ids"].split("\t") == ["A-1-T1"]


def test_every_example_of_a_class_of_mutations_is_of_that_class(study: Study) -> None:
    codes = read_codes(study.rulebook.root, "cbioportal", CbioportalCodes)
    for one in codes.classification:
        assert {example: codes.classify(example) for example in one.examples} == dict.fromkeys(one.examples, one.name)
