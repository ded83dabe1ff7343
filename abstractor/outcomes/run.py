"""The outcomes stage as one call: records in; tables, figures and the report out; a summary to print."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType

from abstractor.outcomes.cohort import Analysis, EndpointResult, analyse, exclusions, headline, warnings
from abstractor.outcomes.faults import Fault
from abstractor.outcomes.figures import Picture, survival_figure
from abstractor.outcomes.lines import DrugGroups
from abstractor.outcomes.proportions import Proportion
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.report import MAIN, format_share, render_report
from abstractor.outcomes.second_opinion import MOST_PATIENTS, SecondOpinion, ask_lifelines
from abstractor.outcomes.tables import write_tables
from abstractor.outcomes.writing import write_bytes, write_text

NO_PROVENANCE: Mapping[str, object] = MappingProxyType({})
SOFTWARE = ("abstractor", "numpy", "scipy", "matplotlib", "lifelines")


@dataclass(frozen=True, slots=True)
class Median:
    """A median in months with its interval; None is not reached."""

    endpoint: str
    n: int
    events: int
    months: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class OutcomesSummary:
    """What the command line prints when the outcomes are done."""

    patients: int
    analysed: int
    treated: int
    headline: str
    """`confirmed` or `unconfirmed`: which response rate leads."""
    orr: Proportion
    dcr: Proportion
    orr_unconfirmed: Proportion
    dcr_unconfirmed: Proportion
    medians: tuple[Median, ...]
    """OS, PFS and trial PFS."""
    excluded: tuple[Fault, ...]
    warnings: int
    report: Path
    table: Path
    files: tuple[Path, ...]
    opinion: SecondOpinion
    """The numbers computed again by lifelines."""

    def text(self) -> str:
        """What is printed, a line a figure."""
        return "\n".join(self.lines())

    def lines(self) -> tuple[str, ...]:
        """The figures, a line each."""
        found = [f"WARNING: {self.opinion.text()}"] if self.opinion.disagreements else []
        found += [
            f"{self.patients} patients, {self.analysed} analysed, {len(self.excluded)} not (named in the report)",
            f"ORR ({self.headline}) {format_share(self.orr)}",
            f"DCR ({self.headline}) {format_share(self.dcr)}",
        ]
        if self.headline == "confirmed":
            found.append(f"ORR (unconfirmed) {format_share(self.orr_unconfirmed)}")
        for one in self.medians:
            interval = f"{_months(one.lower)}–{_months(one.upper)}"
            found.append(
                f"{one.endpoint}: median {_months(one.months)} months ({interval}), {one.events} events in {one.n} patients"
            )
        if self.warnings:
            found.append(f"{self.warnings} faults in the data, listed in the report")
        if not self.opinion.disagreements:
            found.append(self.opinion.text())
        return (*found, f"report: {self.report}")


def _months(value: float | None) -> str:
    return "NE" if value is None else f"{value:.1f}"


def run_outcomes(
    records: Sequence[PatientRecord],
    out: Path,
    *,
    protocol: Protocol,
    cutoff: datetime.date,
    by: str | None = "stage_valg",
    groups: DrugGroups | None = None,
    provenance: Mapping[str, object] = NO_PROVENANCE,
    second_opinion_most: int = MOST_PATIENTS,
) -> OutcomesSummary:
    """Derives, computes, draws and writes.

    Args:
        records: one per patient.
        out: folder for `analysis.csv`, `tables/`, `figures/`, `report.html`; each file is written whole or not at all.
        protocol: the settings.
        cutoff: nothing later is used.
        by: column or gene to group by; None for no groups.
        groups: the drugs as the rules for lines see them (`lines.load_drug_rules`); without them every drug is an ordinary one.
        provenance: versions, registry, counts of unreviewed suggestions: printed in the report.
        second_opinion_most: with more analysed patients lifelines does not recompute the numbers; 0 switches it off.

    Raises:
        InputError: `by` can't be grouped by, or `out` can't be written.
    """
    analysis = analyse(records, protocol, cutoff, by=by, groups=groups)
    opinion = ask_lifelines(analysis, second_opinion_most)
    pictures = draw(analysis)
    files = list(write_tables(analysis, out, opinion))
    for picture in pictures:
        files.append(write_bytes(out / "figures" / f"{picture.name}.png", picture.png))
        files.append(write_bytes(out / "figures" / f"{picture.name}.svg", picture.svg))
    page = render_report(analysis, pictures, {**provenance, "software": software()}, opinion)
    report = write_text(out / "report.html", page)
    return _summary(analysis, report, (report, *files), opinion)


def draw(analysis: Analysis) -> tuple[Picture, ...]:
    """The figures of the main endpoints: over all, and by group."""
    found = []
    for name in MAIN:
        for by in (None, analysis.by) if analysis.by else (None,):
            picture = survival_figure(
                analysis.endpoint(name),
                month_days=analysis.protocol.month_days,
                conf_level=analysis.protocol.conf_level,
                by=by,
            )
            if picture is not None:
                found.append(picture)
    return tuple(found)


def software() -> str:
    """Versions of what computed and drew."""
    found = []
    for name in SOFTWARE:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} (not installed as a package)")
    return ", ".join(found)


def _summary(analysis: Analysis, report: Path, files: tuple[Path, ...], opinion: SecondOpinion) -> OutcomesSummary:
    leads = headline(analysis)
    prefix = "confirmed " if leads == "confirmed" else ""
    return OutcomesSummary(
        patients=len(analysis.patients),
        analysed=len(analysis.analysed),
        treated=len(analysis.treated),
        headline=leads,
        orr=analysis.rate(f"{prefix}ORR"),
        dcr=analysis.rate(f"{prefix}DCR"),
        orr_unconfirmed=analysis.rate("ORR"),
        dcr_unconfirmed=analysis.rate("DCR"),
        medians=tuple(_median(analysis, analysis.endpoint(name)) for name in MAIN),
        excluded=exclusions(analysis),
        warnings=len(warnings(analysis)),
        report=report,
        table=next(one for one in files if one.name == "analysis.csv"),
        files=files,
        opinion=opinion,
    )


def _median(analysis: Analysis, result: EndpointResult) -> Median:
    group = result.overall
    months = [
        None if days is None else analysis.protocol.months(days)
        for days in (group.median.estimate, group.median.lower, group.median.upper)
    ]
    return Median(result.endpoint, group.sample.n, group.sample.events, *months)
