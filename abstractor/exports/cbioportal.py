"""A cBioPortal study: clinical tables, timelines, mutations, copies, fusions, reported alterations, panels, case lists. Days only, no dates.

Reports name alterations without coordinates or alleles: the MAF is the least one that the portal takes. What the MAF can't hold (what was
looked for and not found, variants of unknown significance) stands in the profile `reported_alterations`.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from abstractor.exports.alteration import Alteration, read_alteration
from abstractor.exports.codes import Entry, read_codes
from abstractor.exports.folder import Folder, Table, one_line
from abstractor.exports.leaving import Leaving, hashed_id, plain_id
from abstractor.exports.source import Chart, Source
from abstractor.model.errors import InputError
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion
from abstractor.outcomes.patient import PatientOutcome
from abstractor.outcomes.record import radiotherapy_courses
from abstractor.outcomes.timing import TimeToEvent

_SAMPLE_LENGTH = 63
_SAMPLE_ENDS = "-T1"
_BLANKS = frozenset({"na", "null"})
"""Ids of letters alone that the portal reads as "no value"."""
_NUMBER = re.compile(r"[<>]?-?\d+(\.\d+)?", re.ASCII)
_DATED = re.compile(
    r"(?:(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)-[^-]*|[^-]*-(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))",
    re.IGNORECASE,
)
"""What the portal takes for a date that a spreadsheet made of something else, and refuses."""


class Study(Entry):
    """`meta_study.txt`, and what is the same for every sample."""

    identifier: str
    name: str
    description: str
    type_of_cancer: str
    cancer_type: str


class Histology(Entry):
    oncotree: str
    detailed: str


class Attribute(Entry):
    """A clinical column that is one fact of a patient."""

    column: str
    field: str
    label: str
    description: str
    datatype: Literal["STRING", "NUMBER", "BOOLEAN"]
    priority: int
    values: dict[str, str] = Field(default_factory=dict)


class Classification(Entry):
    """A class of mutations, by what the alteration looks like."""

    regex: re.Pattern[str]
    name: str = Field(alias="class")
    examples: tuple[str, ...]


class CbioportalCodes(Entry):
    """`rules/exchange/cbioportal.toml`."""

    study: Study
    histology: dict[str, Histology]
    patient_attribute: tuple[Attribute, ...]
    sample_attribute: tuple[Attribute, ...]
    classification: tuple[Classification, ...]
    copies: dict[str, str]
    kinds: dict[str, str]

    def classify(self, alteration: str) -> str:
        """The `Variant_Classification` of an alteration without its gene."""
        return next((one.name for one in self.classification if one.regex.search(alteration)), "Unknown")


def _made(column: str, label: str, description: str, datatype: Literal["STRING", "NUMBER"], priority: int) -> Attribute:
    return Attribute(
        column=column, field="", label=label, description=description, datatype=datatype, priority=priority
    )


_PATIENT = (
    _made("AGE", "Age at diagnosis", "Age at diagnosis in years", "NUMBER", 1),
    _made("N_LINES", "Lines of therapy", "Number of lines of systemic therapy", "NUMBER", 1),
    _made("BEST_RESPONSE_L1", "Best response, line 1", "Best response to line 1, without confirmation", "STRING", 1),
    _made("OS_STATUS", "Overall survival status", "Overall survival status", "STRING", 3),
    _made("OS_MONTHS", "Overall survival (months)", "Months from diagnosis to death or last contact", "NUMBER", 3),
    _made("PFS_STATUS", "Progression-free status", "Real-world progression-free survival status", "STRING", 3),
    _made(
        "PFS_MONTHS",
        "Progression-free survival (months)",
        "Months from the first dose of line 1 (or as the protocol counts) to progression or death",
        "NUMBER",
        3,
    ),
)
_SAMPLE = (
    _made("CANCER_TYPE", "Cancer type", "Cancer type", "STRING", 1),
    _made("CANCER_TYPE_DETAILED", "Cancer type, detailed", "Cancer type in detail", "STRING", 1),
    _made("ONCOTREE_CODE", "OncoTree code", "OncoTree code", "STRING", 1),
)
_STATUS = {"OS": ("0:LIVING", "1:DECEASED"), "PFS": ("0:CENSORED", "1:PROGRESSED")}
_TIMELINE = ("PATIENT_ID", "START_DATE", "STOP_DATE", "EVENT_TYPE")
_TIMELINES = {
    "treatment": ("TREATMENT_TYPE", "SUBTYPE", "AGENT", "LINE"),
    "status": ("STATUS", "SOURCE"),
    "performance": ("ECOG",),
    "specimen": ("SAMPLE_ID", "SPECIMEN_TYPE"),
}
_MAF = ("Hugo_Symbol", "Tumor_Sample_Barcode", "Variant_Classification", "HGVSp_Short", "Mutation_Status", "t_vaf")
_CNA = ("Hugo_Symbol", "Sample_Id", "Value")
_SV = ("Sample_Id", "SV_Status", "Site1_Hugo_Symbol", "Site2_Hugo_Symbol", "Event_Info", "Class")


@dataclass
class _Molecular:
    """What is only known when all patients have been seen: it grows with what was reported, not with the notes."""

    sequenced: list[str] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)
    panels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Panel to its genes."""
    panel_of: dict[str, str] = field(default_factory=dict)
    reported: dict[str, dict[str, str]] = field(default_factory=dict)
    """`GENE_kind` to sample to what was said."""
    left_out: dict[str, int] = field(default_factory=dict)
    """What the study has no place for, counted."""

    def leave_out(self, what: str) -> None:
        """One more of it."""
        self.left_out[what] = self.left_out.get(what, 0) + 1


def write_cbioportal(source: Source, folder: Folder) -> None:
    """Writes the study; one patient at a time.

    Raises:
        InputError: there is no patient; a study without a sample can't be loaded.
    """
    _Study(source, folder).write()


class _Study:
    """The files of a study while they are written."""

    def __init__(self, source: Source, folder: Folder) -> None:
        self.source, self.folder = source, folder
        self.codes = read_codes(source.rulebook.root, "cbioportal", CbioportalCodes)
        self.seen = _Molecular()
        self.patients = self._clinical("patient", (*_PATIENT, *self.codes.patient_attribute), ("PATIENT_ID",))
        self.samples = self._clinical("sample", (*_SAMPLE, *self.codes.sample_attribute), ("PATIENT_ID", "SAMPLE_ID"))
        self.timelines = {
            name: folder.table(f"data_timeline_{name}.txt", (*_TIMELINE, *columns), tabs=True)
            for name, columns in _TIMELINES.items()
        }
        self.mutations = folder.table("data_mutations.txt", _MAF, tabs=True)
        self.copies = folder.table("data_cna.txt", _CNA, tabs=True)
        self.fusions = folder.table("data_sv.txt", _SV, tabs=True)

    def write(self) -> None:
        for chart in self.source.charts():
            self._patient(chart)
        if not self.seen.samples:
            raise InputError("cbioportal: the registry has no patient, and a study needs one; ingest notes first")
        self._metas()
        self._panels()
        self._reported()
        self._case_lists()
        told = [f"{self.source.leaving.count(n)} {what}\n" for what, n in sorted(self.seen.left_out.items())]
        self.folder.text("LEFT_OUT.txt", "".join(told) or "nothing\n", rows=len(told))

    def _clinical(self, level: str, attributes: tuple[Attribute, ...], ids: tuple[str, ...]) -> Table:
        """A clinical table: four lines that describe its columns, then the columns."""
        columns = [(name, f"{name.split('_')[0].title()} identifier", name, "STRING", "1") for name in ids]
        columns += [(one.label, one.description, one.column, one.datatype, str(one.priority)) for one in attributes]
        return _ClinicalTable(self.folder, f"data_clinical_{level}.txt", columns)

    def _patient(self, chart: Chart) -> None:
        patient = _portal_id(chart.patient_id)
        sample = patient + _SAMPLE_ENDS
        outcome = self.source.outcome(chart)
        survival = self.source.outcome(chart, from_diagnosis=True).endpoints["os"]
        self.patients.write(
            {
                "PATIENT_ID": patient,
                "AGE": _age(chart.age, self.source.leaving),
                "N_LINES": len(outcome.lines),
                "BEST_RESPONSE_L1": outcome.lines[0].best.value if outcome.lines else None,
                **self._survival("OS", survival, dead=chart.value("vital_status") == "dead"),
                **self._survival("PFS", outcome.endpoints["pfs"]),
                **self._attributes(chart, self.codes.patient_attribute),
            }
        )
        self.samples.write(
            {"PATIENT_ID": patient, "SAMPLE_ID": sample, **self._cancer(chart)}
            | self._attributes(chart, self.codes.sample_attribute)
        )
        self.seen.samples.append(sample)
        self._timeline(chart, patient, sample, outcome, survival)
        self._alterations(chart, sample)

    def _survival(self, name: str, row: TimeToEvent, *, dead: bool = False) -> dict[str, object]:
        """Status and months; who is dead without a usable date has the status alone, and is in no curve."""
        if row.event is None or row.days is None:
            return {f"{name}_STATUS": _STATUS[name][1] if dead else None}
        months = round(self.source.protocol.months(row.days), 2)
        return {f"{name}_STATUS": _STATUS[name][row.event], f"{name}_MONTHS": months}

    def _attributes(self, chart: Chart, attributes: tuple[Attribute, ...]) -> dict[str, object]:
        """The columns that are facts; a number that is none is left out, and nothing looks like a date of a spreadsheet."""
        found: dict[str, object] = {}
        for one in attributes:
            value = chart.value(one.field)
            shown = one_line(one.values.get(value, value) if value is not None else None)
            if one.datatype == "NUMBER" and shown and not _NUMBER.fullmatch(shown):
                self.seen.leave_out(f"values of {one.column} that are no number")
                shown = ""
            found[one.column] = shown.replace("-", " - ") if _DATED.fullmatch(shown) else shown
        return found

    def _cancer(self, chart: Chart) -> dict[str, object]:
        histology = self.codes.histology.get(chart.value("histology") or "")
        return {
            "CANCER_TYPE": self.codes.study.cancer_type,
            "CANCER_TYPE_DETAILED": histology.detailed if histology else None,
            "ONCOTREE_CODE": histology.oncotree if histology else None,
        }

    # --- timelines: only what is known to the day ---

    def _timeline(
        self, chart: Chart, patient: str, sample: str, outcome: PatientOutcome, survival: TimeToEvent
    ) -> None:
        for name, start, stop, cells in (
            *_treatments(chart, outcome),
            *_statuses(chart, survival, told=self.source.leaving.identified),
            *_specimens(chart, sample),
        ):
            if start is not None:
                stop = stop if stop is not None and stop >= start else None
                place = {"PATIENT_ID": patient, "START_DATE": start, "STOP_DATE": stop}
                self.timelines[name].write({**place, "EVENT_TYPE": _EVENTS[name], **cells})

    # --- alterations ---

    def _alterations(self, chart: Chart, sample: str) -> None:
        facts = [
            fact
            for fact in chart.facts
            if fact.field == "variant" and fact.assertion in (Assertion.PRESENT, Assertion.ABSENT)
        ]
        if not facts and chart.value("molecular_report_date") is None:
            return
        self.seen.sequenced.append(sample)
        read = [(fact, read_alteration(fact.value)) for fact in facts]
        told = [(fact, alteration) for fact, alteration in read if alteration is not None]
        for _ in range(len(read) - len(told)):
            self.seen.leave_out("alterations whose gene is no symbol")
        self._cover(sample, {gene for _, alteration in told for gene in alteration.genes})
        copies: dict[str, str] = {}
        fusions: set[tuple[str, ...]] = set()
        for fact, alteration in told:
            self._alteration(fact, alteration, sample, copies, fusions)
        for gene, value in copies.items():
            self.copies.write({"Hugo_Symbol": gene, "Sample_Id": sample, "Value": value})

    def _alteration(
        self, fact: Fact, alteration: Alteration, sample: str, copies: dict[str, str], fusions: set[tuple[str, ...]]
    ) -> None:
        """Into the table of its kind; `copies` and `fusions` are those of the sample so far, of which each is one row."""
        present = fact.assertion is Assertion.PRESENT
        kind = self.codes.kinds.get(alteration.word, "mutation")
        self._report(f"{alteration.gene}_{kind}", sample, fact)
        if kind == "fusion":
            if present and (*alteration.genes, fact.value.upper()) not in fusions:
                fusions.add((*alteration.genes, fact.value.upper()))
                self._fusion(alteration, fact, sample)
        elif alteration.word in self.codes.copies:
            if present or alteration.gene not in copies:
                copies[alteration.gene] = self.codes.copies[alteration.word] if present else "0"
        elif present:
            self._mutation(alteration, fact, sample)

    def _mutation(self, alteration: Alteration, fact: Fact, sample: str) -> None:
        change = alteration.told_change
        if alteration.is_unheld:
            self.seen.leave_out("protein changes that one cell can't hold (the mutation is told without them)")
        self.mutations.write(
            {
                "Hugo_Symbol": alteration.gene,
                "Tumor_Sample_Barcode": sample,
                "Variant_Classification": self.codes.classify(change) if change else "Unknown",
                "HGVSp_Short": change,
                "Mutation_Status": "GERMLINE" if fact.attributes.get("germline") else None,
                "t_vaf": fact.attributes.get("vaf"),
            }
        )

    def _fusion(self, alteration: Alteration, fact: Fact, sample: str) -> None:
        self.fusions.write(
            {
                "Sample_Id": sample,
                "SV_Status": "GERMLINE" if fact.attributes.get("germline") else "SOMATIC",
                "Site1_Hugo_Symbol": alteration.genes[0] if len(alteration.genes) > 1 else None,
                "Site2_Hugo_Symbol": alteration.gene,
                "Event_Info": fact.value,
                "Class": "FUSION",
            }
        )

    def _report(self, entity: str, sample: str, fact: Fact) -> None:
        """What was said of a gene; that something was found outweighs that something else was not."""
        said = self.seen.reported.setdefault(entity, {})
        if fact.assertion is Assertion.ABSENT:
            said.setdefault(sample, "Not found")
        elif fact.attributes.get("vus") in (True, "true", "yes"):
            said[sample] = "Unknown significance" if said.get(sample) != "Found" else "Found"
        else:
            said[sample] = "Found"

    def _cover(self, sample: str, spoken_of: set[str]) -> None:
        """The genes of which something was said are the ones known to be covered: a panel by its genes."""
        if not spoken_of:
            self.seen.panel_of[sample] = "NA"
            return
        genes = tuple(sorted(spoken_of))
        panel = f"abstracted_{hashlib.sha256(' '.join(genes).encode()).hexdigest()[:10]}"
        self.seen.panels[panel] = genes
        self.seen.panel_of[sample] = panel

    # --- what stands around the tables ---

    def _metas(self) -> None:
        study = self.codes.study
        self._meta(
            "meta_study.txt",
            type_of_cancer=study.type_of_cancer,
            name=study.name,
            description=study.description,
            add_global_case_list="false",
        )
        for level in ("patient", "sample"):
            self._data_meta(f"clinical_{level}", "CLINICAL", f"{level.upper()}_ATTRIBUTES")
        for name in _TIMELINES:
            self._drop_or(f"timeline_{name}", "CLINICAL", "TIMELINE")
        self._drop_or(
            "mutations", "MUTATION_EXTENDED", "MAF", **_profile("mutations", "Mutations", "As reported, no coordinates")
        )
        self._drop_or(
            "cna",
            "COPY_NUMBER_ALTERATION",
            "DISCRETE_LONG",
            **_profile("cna", "Copy number", "As reported: amplification 2, gain 1, loss -2, not found 0"),
        )
        self._drop_or(
            "sv", "STRUCTURAL_VARIANT", "SV", **_profile("structural_variants", "Fusions", "Fusions as reported")
        )

    def _drop_or(self, name: str, alteration: str, datatype: str, **more: str) -> None:
        """A table without a row is refused by the portal: it is taken back, and gets no meta file."""
        if self.folder.rows(f"data_{name}.txt"):
            self._data_meta(name, alteration, datatype, **more)
        else:
            self.folder.remove(f"data_{name}.txt")

    def _data_meta(self, name: str, alteration: str, datatype: str, **more: str) -> None:
        self._meta(
            f"meta_{name}.txt",
            genetic_alteration_type=alteration,
            datatype=datatype,
            data_filename=f"data_{name}.txt",
            **more,
        )

    def _meta(self, file: str, **lines: str) -> None:
        content = {"cancer_study_identifier": self.codes.study.identifier, **lines}
        self.folder.text(file, "".join(f"{key}: {value}\n" for key, value in content.items()))

    def _panels(self) -> None:
        for panel, genes in sorted(self.seen.panels.items()):
            lines = {
                "stable_id": panel,
                "description": "Genes of which a report says something",
                "gene_list": "\t".join(genes),
            }
            self.folder.text(
                f"gene_panels/data_gene_panel_{panel}.txt", "".join(f"{k}: {v}\n" for k, v in lines.items())
            )
        profiles = [
            stable
            for name, stable in (("mutations", "mutations"), ("cna", "cna"), ("sv", "structural_variants"))
            if (self.folder.path / f"meta_{name}.txt").exists()
        ]
        if not profiles or not self.seen.panel_of:
            return
        table = self.folder.table("data_gene_panel_matrix.txt", ("SAMPLE_ID", *profiles), tabs=True)
        for sample, panel in self.seen.panel_of.items():
            table.write({"SAMPLE_ID": sample} | dict.fromkeys(profiles, panel))
        self._data_meta("gene_panel_matrix", "GENE_PANEL_MATRIX", "GENE_PANEL_MATRIX")

    def _reported(self) -> None:
        if not self.seen.reported:
            return
        samples = self.seen.sequenced
        name = "reported_alterations"
        table = self.folder.table(f"data_{name}.txt", ("ENTITY_STABLE_ID", "NAME", "DESCRIPTION", *samples), tabs=True)
        for entity, said in sorted(self.seen.reported.items()):
            gene, _, kind = entity.rpartition("_")
            told = {
                "ENTITY_STABLE_ID": entity,
                "NAME": f"{gene} {kind}",
                "DESCRIPTION": f"{kind} of {gene}, as reported",
            }
            table.write(told | {sample: said.get(sample, "NA") for sample in samples})
        self._data_meta(
            name,
            "GENERIC_ASSAY",
            "CATEGORICAL",
            generic_assay_type="REPORTED_ALTERATIONS",
            generic_entity_meta_properties="NAME,DESCRIPTION",
            patient_level="false",
            **_profile(
                name, "Reported alterations", "What reports say was found, is of unknown significance, or was not found"
            ),
        )

    def _case_lists(self) -> None:
        lists = {"all": ("All samples", "all_cases_in_study", self.seen.samples)}
        if (self.folder.path / "meta_mutations.txt").exists():
            lists["sequenced"] = ("Samples with mutation data", "all_cases_with_mutation_data", self.seen.sequenced)
        if (self.folder.path / "meta_cna.txt").exists():
            lists["cna"] = ("Samples with copy number data", "all_cases_with_cna_data", self.seen.sequenced)
        if (self.folder.path / "meta_sv.txt").exists():
            lists["sv"] = ("Samples with fusion data", "all_cases_with_sv_data", self.seen.sequenced)
        if {"sequenced", "cna"} <= lists.keys():
            title = "Samples with mutation and copy number data"
            lists["cnaseq"] = (title, "all_cases_with_mutation_and_cna_data", self.seen.sequenced)
        for name, (title, category, samples) in lists.items():
            if samples:
                self._meta(
                    f"case_lists/cases_{name}.txt",
                    stable_id=f"{self.codes.study.identifier}_{name}",
                    case_list_name=title,
                    case_list_description=f"{title} ({self.source.leaving.count(len(samples))})",
                    case_list_category=category,
                    case_list_ids="\t".join(samples),
                )


_EVENTS = {"treatment": "TREATMENT", "status": "STATUS", "performance": "PERFORMANCE", "specimen": "SPECIMEN"}
_Event = tuple[str, int | None, int | None, Mapping[str, object]]
"""Timeline, first and last day from diagnosis, and its own columns."""


def _treatments(chart: Chart, outcome: PatientOutcome) -> Iterator[_Event]:
    day = chart.calendar.day
    for one in outcome.lines:
        line = one.line
        stop = day(line.stop.isoformat()) if line.stop_known else None
        for drug in line.drugs:
            cells = {"TREATMENT_TYPE": "Systemic Therapy", "AGENT": drug, "LINE": line.number}
            yield "treatment", day(line.start.isoformat()), stop, cells
    for course in radiotherapy_courses(chart.record):
        stop = day(course.end.isoformat()) if course.end_stated else None
        cells = {"TREATMENT_TYPE": "Radiation Therapy", "SUBTYPE": course.site}
        yield "treatment", day(course.start.isoformat()), stop, cells
    for fact in chart.record.present("surgery"):
        yield "treatment", day(fact.date), None, {"TREATMENT_TYPE": "Surgery", "SUBTYPE": fact.value}


def _statuses(chart: Chart, survival: TimeToEvent, *, told: bool) -> Iterator[_Event]:
    """`told`: whether the kinds of notes may leave, which are words of the hospital."""
    day = chart.calendar.day
    yield "status", 0 if chart.calendar.zero else None, None, {"STATUS": "Diagnosis"}
    for fact in chart.record.present("response"):
        kinds = sorted({one.note_type for one in fact.evidence} if told else ())
        yield "status", day(fact.date), None, {"STATUS": fact.value, "SOURCE": " ".join(kinds)}
    for fact in chart.record.present("ecog"):
        yield "performance", day(fact.date), None, {"ECOG": fact.value}
    if survival.event and survival.stop:  # without it the portal shows a dead patient without a death
        yield "status", day(survival.stop.isoformat()), None, {"STATUS": "Deceased"}


def _specimens(chart: Chart, sample: str) -> Iterator[_Event]:
    for fact in chart.record.present("molecular_report_date"):
        cells = {"SAMPLE_ID": sample, "SPECIMEN_TYPE": "Molecular report"}
        yield "specimen", chart.calendar.day(fact.value), None, cells


class _ClinicalTable(Table):
    """A table with the four lines that describe its columns."""

    def __init__(self, folder: Folder, name: str, columns: list[tuple[str, str, str, str, str]]) -> None:
        super().__init__(folder, name, [one[2] for one in columns], tabs=True, safe=False)
        labels, descriptions, names, types, priorities = zip(*columns, strict=True)
        self._file.seek(0)
        self._file.truncate()
        for line in (labels, descriptions, types, priorities):
            self._file.write("#" + "\t".join(one_line(cell) for cell in line) + "\n")
        self._file.write("\t".join(names) + "\n")


def _age(age: int | None, leaving: Leaving) -> str | int | None:
    return f">{leaving.settings.pooled_age - 1}" if leaving.is_pooled(age) else age


def _portal_id(name: str) -> str:
    """An id as the portal takes it: no word for "nothing", no date, room for the end of the sample's (one sample a patient)."""
    plain = plain_id(name)
    if plain.lower() in _BLANKS or _DATED.fullmatch(plain) or len(plain) > _SAMPLE_LENGTH - len(_SAMPLE_ENDS):
        return hashed_id(name, _SAMPLE_LENGTH - len(_SAMPLE_ENDS))
    return plain


def _profile(stable_id: str, name: str, description: str) -> dict[str, str]:
    return {
        "stable_id": stable_id,
        "show_profile_in_analysis_tab": "true",
        "profile_name": name,
        "profile_description": description,
    }
