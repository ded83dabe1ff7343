"""Holds a study folder against the written-down rules of cBioPortal (`tests/exports/cbioportal_rules.toml`)."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RULES: dict[str, Any] = tomllib.loads((Path(__file__).parents[1] / "exports" / "cbioportal_rules.toml").read_text())
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SAMPLE_COLUMNS = ("SAMPLE_ID", "Sample_Id", "Tumor_Sample_Barcode")
_GENE_COLUMNS = ("Hugo_Symbol", "Site1_Hugo_Symbol", "Site2_Hugo_Symbol")
Meta = dict[str, str]
Row = dict[str, str]


def meta_of(path: Path) -> Meta:
    """The keys of a meta file or a case list; a line without a colon is a fault of the test's."""
    return dict(line.split(": ", 1) for line in path.read_text(encoding="utf-8").splitlines())


def faults(study: Path) -> list[str]:
    """Everything that the portal would refuse, file by file."""
    return list(_Study(study).faults())


class _Study:
    """The files of a study, read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metas = {path.name: meta_of(path) for path in sorted(folder.glob("meta_*.txt"))}
        self.lists = {path.stem: meta_of(path) for path in sorted(folder.glob("case_lists/*"))}
        self.tables = {path.name: _lines(path) for path in sorted(folder.glob("data_*.txt"))}
        clinical = self.rows("data_clinical_sample.txt")
        self.samples = [row["SAMPLE_ID"] for row in clinical]
        self.patients = {row["PATIENT_ID"] for row in clinical}

    def rows(self, name: str) -> list[Row]:
        lines = [line for line in self.tables[name] if not line.startswith("#")]
        return [dict(zip(lines[0].split("\t"), line.split("\t"), strict=False)) for line in lines[1:]]

    def faults(self) -> Iterator[str]:
        yield from self._metas()
        yield from self._ids()
        yield from self._case_lists()
        for name in self.tables:
            yield from (f"{name}: {fault}" for fault in self._table(name))

    def _metas(self) -> Iterator[str]:
        study = self.metas["meta_study.txt"]
        for key, longest in RULES["lengths"].items():
            if not 0 < len(study.get(key, "")) <= longest:
                yield f"meta_study.txt: {key}"
        identifier = study["cancer_study_identifier"]
        if not re.fullmatch(RULES["ids"]["study"], identifier):
            yield f"meta_study.txt: {identifier} is no identifier of a study"
        stable = Counter(one["stable_id"] for one in self.metas.values() if "stable_id" in one)
        yield from (f"two profiles are {one}" for one, times in stable.items() if times > 1)
        named = {one.get("data_filename") for one in self.metas.values()} - {None}
        yield from (
            f"{one}: a table without a meta file, or a meta file without its table"
            for one in named ^ self.tables.keys()
        )
        for name, one in self.metas.items():
            if one["cancer_study_identifier"] != identifier:
                yield f"{name}: another study"
            if name != "meta_study.txt":
                yield from (f"{name}: {fault}" for fault in _meta(one))

    def _ids(self) -> Iterator[str]:
        pattern, nothing = RULES["ids"]["pattern"], RULES["ids"]["no_ids"]
        for one in (*self.samples, *self.patients):
            if not re.fullmatch(pattern, one) or one.lower() in nothing:
                yield f"{one!r} is no id"
        yield from (
            f"{one}: longer than a sample's id" for one in self.samples if len(one) > RULES["ids"]["longest_sample"]
        )
        yield from (f"{one}: two samples" for one, times in Counter(self.samples).items() if times > 1)
        patients = Counter(row["PATIENT_ID"] for row in self.rows("data_clinical_patient.txt"))
        yield from (f"{one}: two patients" for one, times in patients.items() if times > 1)
        yield from (f"{one}: a patient without a sample, or the reverse" for one in patients.keys() ^ self.patients)

    def _case_lists(self) -> Iterator[str]:
        identifier = self.metas["meta_study.txt"]["cancer_study_identifier"]
        needed = {"cases_all"}
        if "meta_mutations.txt" in self.metas:
            needed.add("cases_sequenced")
        yield from (f"{one}: missing" for one in needed - self.lists.keys())
        for name, one in self.lists.items():
            if set(RULES["case_lists"]["keys"]) != one.keys():
                yield f"{name}: keys"
            if one["stable_id"] != f"{identifier}_{name.removeprefix('cases_')}":
                yield f"{name}: stable_id"
            if one["case_list_category"] not in RULES["case_lists"]["categories"]:
                yield f"{name}: category"
            ids = one["case_list_ids"].split("\t")
            if len(set(ids)) != len(ids) or not set(ids) <= set(self.samples):
                yield f"{name}: samples twice, or not of the study"
        sequenced = set(self.lists.get("cases_sequenced", {}).get("case_list_ids", "").split("\t"))
        profiled = ("data_mutations.txt", "data_gene_panel_matrix.txt")
        for name in profiled if "meta_mutations.txt" in self.metas else ():
            if not {_sample(row) for row in self.rows(name) if row.get("mutations") != "NA"} <= sequenced:
                yield f"{name}: a sample that is not in the list of the sequenced"

    def _table(self, name: str) -> Iterator[str]:
        meta = next((one for one in self.metas.values() if one.get("data_filename") == name), None)
        if meta is None or f"{meta['genetic_alteration_type']} {meta['datatype']}" not in RULES["kind"]:
            return  # told of the meta files
        kind = f"{meta['genetic_alteration_type']} {meta['datatype']}"
        rule = RULES["kind"][kind]
        lines = self.tables[name]
        heads = [line for line in lines if line.startswith("#")]
        columns = lines[len(heads)].split("\t")
        if len(set(columns)) != len(columns):
            yield "a column twice"
        if not set(rule["columns"]) <= set(columns) or columns[: len(rule.get("first", []))] != rule.get("first", []):
            yield "columns"
        if any(line.startswith("#") for line in lines[4 if kind.startswith("CLINICAL") else 0 :]):
            yield "a row that begins like a comment"
        if not lines[len(heads) + 1 :]:
            yield "no row"
        for line in lines[len(heads) + 1 :]:
            cells = line.split("\t")
            if len(cells) != len(columns):
                yield "a row of another width"
            if not any(cell.strip() for cell in cells) or not (rule["blanks"] or all(cell.strip() for cell in cells)):
                yield "a blank"
        if kind.startswith("CLINICAL") and "TIMELINE" not in kind:
            yield from _clinical(name, heads, columns, self.rows(name))
        else:
            yield from self._profile_rows(kind, self.rows(name))

    def _profile_rows(self, kind: str, rows: list[Row]) -> Iterator[str]:
        for row in rows:
            sample = _sample(row)
            if sample is not None and sample not in self.samples:
                yield f"{sample}: no sample of the study"
            if "PATIENT_ID" in row and row["PATIENT_ID"] not in self.patients:
                yield f"{row['PATIENT_ID']}: no patient of the study"
            yield from _CHECKS.get(kind, lambda _: iter(()))(row)
        unique = _UNIQUE.get(kind)
        if unique:
            times = Counter(tuple(_folded(column, row.get(column, "")) for column in unique) for row in rows)
            yield from (f"{one}: twice" for one, number in times.items() if number > 1)


def _lines(path: Path) -> list[str]:
    content = path.read_bytes().decode("utf-8")
    assert content.endswith("\n"), path.name
    assert "\r" not in content, path.name
    return content[:-1].split("\n")


def _meta(meta: Meta) -> Iterator[str]:
    kind = f"{meta['genetic_alteration_type']} {meta['datatype']}"
    rule = RULES["kind"].get(kind)
    if rule is None:
        yield f"{kind} is no kind of file"
        return
    allowed = {"cancer_study_identifier", "genetic_alteration_type", "datatype", "data_filename", *rule["keys"]}
    yield from (f"{key}: missing or unknown" for key in allowed ^ meta.keys())
    if meta.get("stable_id") != rule.get("stable_id", meta.get("stable_id")):
        yield f"{meta['stable_id']}: not the profile's id"


def _sample(row: Row) -> str | None:
    return next((row[column] for column in _SAMPLE_COLUMNS if column in row), None)


def _clinical(name: str, heads: list[str], columns: list[str], rows: list[Row]) -> Iterator[str]:
    described = [line[1:].split("\t") for line in heads]
    if len(described) != 4 or any(len(line) != len(columns) or not all(line) for line in described):
        yield "the four lines that describe the columns"
        return
    level = "p" if "patient" in name else "s"
    types = dict(zip(columns, described[2], strict=True))
    for column, datatype in types.items():
        known = RULES["attributes"].get(column, f"- {datatype}")
        if known.split()[0] not in (level, "-") or known.split()[-1] != datatype or column != column.upper():
            yield f"{column}: not of this level or type, or not in capitals"
    for row in rows:
        for column, cell in row.items():
            if types[column] == "NUMBER" and cell and not re.fullmatch(r"[<>]?-?\d+(\.\d+)?", cell):
                yield f"{column}: {cell} is no number"
            if _is_date(cell):
                yield f"{column}: {cell} looks like a date"
        if row.get("OS_STATUS", "") not in RULES["values"]["os_status"]:
            yield f"OS_STATUS: {row['OS_STATUS']}"
        if row.get("PFS_STATUS", "")[:2] not in ("", "0:", "1:"):
            yield f"PFS_STATUS: {row['PFS_STATUS']}"


def _is_date(cell: str) -> bool:
    parts = cell.split("-")
    return len(parts) == 2 and not re.search("[,.:;]", cell) and any(part.lower() in _MONTHS for part in parts)


def _folded(column: str, cell: str) -> str:
    """The portal looks genes up in capitals; ids are told apart by case."""
    return cell.upper() if column in _GENE_COLUMNS else cell


def _mutation(row: Row) -> Iterator[str]:
    change = row["HGVSp_Short"]
    if row["Hugo_Symbol"] in RULES["values"]["no_genes"] or row["Hugo_Symbol"][0].isdigit():
        yield f"{row['Hugo_Symbol']!r} is no gene"
    if row["Variant_Classification"] not in RULES["values"]["classes"]:
        yield f"{row['Variant_Classification']}: no class"
    if len(change) > RULES["values"]["longest_change"] or "p." in change[1:]:
        yield f"{change[:20]}: no change of one protein"
    if any(sign in change for sign in RULES["values"]["unheld_in_change"]):
        yield f"{change[:20]}: several changes"


def _copy(row: Row) -> Iterator[str]:
    if row["Value"] not in RULES["values"]["copies"]:
        yield f"{row['Value']}: no number of copies"


def _fusion(row: Row) -> Iterator[str]:
    if row["SV_Status"] not in RULES["values"]["sv_status"]:
        yield f"{row['SV_Status']}: no status"
    if all(row[column] in RULES["values"]["no_genes"] for column in _GENE_COLUMNS if column in row):
        yield "a fusion without a gene"


def _event(row: Row) -> Iterator[str]:
    if not re.fullmatch(r"-?\d+", row["START_DATE"]) or not re.fullmatch(r"(-?\d+)?", row["STOP_DATE"]):
        yield f"{row['START_DATE']} to {row['STOP_DATE']}: no days"


def _entity(row: Row) -> Iterator[str]:
    if not re.fullmatch(RULES["ids"]["pattern"], row["ENTITY_STABLE_ID"]):
        yield f"{row['ENTITY_STABLE_ID']}: no id"


_CHECKS = {
    "MUTATION_EXTENDED MAF": _mutation,
    "COPY_NUMBER_ALTERATION DISCRETE_LONG": _copy,
    "STRUCTURAL_VARIANT SV": _fusion,
    "CLINICAL TIMELINE": _event,
    "GENERIC_ASSAY CATEGORICAL": _entity,
}
_UNIQUE = {
    "COPY_NUMBER_ALTERATION DISCRETE_LONG": ("Sample_Id", "Hugo_Symbol"),
    "STRUCTURAL_VARIANT SV": ("Sample_Id", "Site1_Hugo_Symbol", "Site2_Hugo_Symbol", "Event_Info"),
    "GENERIC_ASSAY CATEGORICAL": ("ENTITY_STABLE_ID",),
    "GENE_PANEL_MATRIX GENE_PANEL_MATRIX": ("SAMPLE_ID",),
}
