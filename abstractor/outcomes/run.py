"""The outcomes stage as one call: records in; tables, figures and the report out; a summary to print."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType

from abstractor.model.errors import InputError
from abstractor.outcomes.cohort import Analysis, EndpointResult, analyse, exclusions, headline, warnings
from abstractor.outcomes.disclosure import NOTHING_WITHHELD, Withheld, withhold
from abstractor.outcomes.error_rates import ErrorRates
from abstractor.outcomes.faults import Fault
from abstractor.outcomes.figures.alteration_kinds import AlterationKinds
from abstractor.outcomes.figures.gallery import CURVES, draw_gallery, shared_consort
from abstractor.outcomes.figures.style import Picture
from abstractor.outcomes.further import Further, compute_further
from abstractor.outcomes.lines import DrugGroups
from abstractor.outcomes.numbers import forest_id, number_all, slug
from abstractor.outcomes.proportions import Proportion
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.report.further_results import factor_title
from abstractor.outcomes.report.html import render_html
from abstractor.outcomes.report.main_results import MAIN
from abstractor.outcomes.report.page import report_page
from abstractor.outcomes.report.pdf import render_pdf, require_pdf
from abstractor.outcomes.report.shown import TOO_FEW, Results, format_share
from abstractor.outcomes.second_opinion import MOST_PATIENTS, SecondOpinion, ask_lifelines
from abstractor.outcomes.shared_curves import share_curves
from abstractor.outcomes.subgroup_results import Forest
from abstractor.outcomes.table_one import baseline_table
from abstractor.outcomes.tables import write_shareable_tables, write_tables
from abstractor.outcomes.uncertainty import Facts, compute_uncertainty
from abstractor.outcomes.writing import write_bytes, write_text

NO_PROVENANCE: Mapping[str, object] = MappingProxyType({})
SOFTWARE = ("abstractor", "numpy", "scipy", "matplotlib", "tableone", "lifelines")


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

    shareable: bool

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
    """`analysis.csv`; of a shareable report, the table of its numbers."""
    files: tuple[Path, ...]
    opinion: SecondOpinion
    """The numbers computed again by lifelines."""
    leftovers: tuple[Path, ...] = ()
    """Files of an earlier report in the same folder that this one does not have: nobody should take them for its own."""

    def text(self) -> str:
        """What is printed, a line a figure."""
        return "\n".join(self.lines())

    def lines(self) -> tuple[str, ...]:
        """The figures, a line each; of a shareable report, none."""
        if self.shareable:
            told = "shareable report: no patients, no words of notes, small counts withheld"
            return (told, *self._left_over(), f"report: {self.report}")
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
        return (*found, *self._left_over(), f"report: {self.report}")

    def _left_over(self) -> tuple[str, ...]:
        if not self.leftovers:
            return ()
        names = ", ".join(sorted({one.name for one in self.leftovers})[:3])
        more = ", …" if len(self.leftovers) > 3 else ""
        return (
            f"WARNING: {len(self.leftovers)} files of an earlier report are still in the folder ({names}{more}); delete them",
        )


def _months(value: float | None) -> str:
    return "NE" if value is None else f"{value:.1f}"


@dataclass(frozen=True, slots=True)
class Extras:
    """What may be asked for beside the results."""

    shareable: bool = False
    """A report for others: no patients, no words of notes, no small counts; of the tables only those without patients."""
    pdf: bool = False
    """`report.pdf` beside `report.html`."""
    facts: tuple[Facts, ...] = ()
    """Other sets of facts of the same patients, for the uncertainty of abstraction."""
    alterations: AlterationKinds = field(default_factory=AlterationKinds)
    """What kind of alteration a variant is, for the oncoprint."""
    rates: ErrorRates | None = None
    """Of errors of abstraction; without them they are measured from the machine's facts, where those are given."""


PLAIN = Extras()


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
    extras: Extras = PLAIN,
) -> OutcomesSummary:
    """Derives, computes, draws and writes.

    Args:
        records: one per patient.
        out: folder for `analysis.csv`, `tables/`, `figures/`, `report.html`; each file is written whole or not at all.
        protocol: the settings.
        cutoff: nothing later is used.
        by: column or gene to group by; None for no groups.
        groups: the drugs as the rules for lines see them (`lines.drug_groups`); without them every drug is an ordinary one.
        provenance: versions, registry, counts of unreviewed suggestions: printed in the report.
        second_opinion_most: with more analysed patients lifelines does not recompute the numbers; 0 switches it off.
        extras: a shareable report, a PDF, other sets of facts.

    Raises:
        InputError: `by` or a subgroup of the protocol is no column to group by, `out` can't be written or holds the report of another
            profile, or a PDF is asked for and can't be made.
    """
    if extras.pdf:
        require_pdf()
    _refuse_mixture(out, shareable=extras.shareable)
    analysis = analyse(records, protocol, cutoff, by=by, groups=groups)
    opinion = ask_lifelines(analysis, second_opinion_most)
    results = _results(analysis, records, provenance, opinion, extras, groups or DrugGroups())
    files = list(write_shareable_tables(results, out) if extras.shareable else write_tables(results, out, opinion))
    for picture in results.pictures:
        files.append(write_bytes(out / "figures" / f"{picture.name}.png", picture.png))
        files.append(write_bytes(out / "figures" / f"{picture.name}.svg", picture.svg))
        files.append(write_text(out / "figures" / f"{picture.name}.txt", picture.text))
    page = report_page(results)
    report = write_text(out / "report.html", render_html(page))
    files.append(report)
    if extras.pdf:
        files.append(write_bytes(out / "report.pdf", render_pdf(page)))
    summary = _summary(analysis, report, tuple(files), opinion, shareable=extras.shareable)
    return replace(summary, leftovers=_leftovers(out, files))


def _refuse_mixture(out: Path, *, shareable: bool) -> None:
    """A shareable report must not land among the tables of patients."""
    if shareable and ((out / "analysis.csv").exists() or (out / "tables" / "members.csv").exists()):
        raise InputError(
            f"{out}: holds an internal report with patients; name another folder for the shareable one with --out"
        )


def _leftovers(out: Path, files: Sequence[Path]) -> tuple[Path, ...]:
    """Figures, tables and papers in the folder that were not written now."""
    there = [one for folder in ("figures", "tables") for one in sorted((out / folder).glob("*")) if one.is_file()]
    written = {one.resolve() for one in files}
    return tuple(one for one in (*there, *out.glob("report.pdf")) if one.resolve() not in written)


def _results(
    analysis: Analysis,
    records: Sequence[PatientRecord],
    provenance: Mapping[str, object],
    opinion: SecondOpinion,
    extras: Extras,
    groups: DrugGroups,
) -> Results:
    further = compute_further(analysis)
    numbers = number_all(analysis, further)
    table = baseline_table(analysis)
    withheld = NOTHING_WITHHELD
    if extras.shareable:
        least = analysis.protocol.small_cell
        withheld = withhold((*numbers.counts(), *(table.counts if table else ())), least)
        table = table.hide(withheld, least) if table else None
    return Results(
        analysis=analysis,
        further=further,
        numbers=numbers,
        records={one.patient_id: one for one in records},
        pictures=_pictures(analysis, records, further, withheld, extras),
        table_one=table,
        opinion=opinion,
        uncertainty=compute_uncertainty(analysis, records, extras.facts, groups, extras.rates),
        provenance={**provenance, "software": software()},
        shareable=extras.shareable,
        withheld=withheld,
    )


def _pictures(
    analysis: Analysis, records: Sequence[PatientRecord], further: Further, withheld: Withheld, extras: Extras
) -> tuple[Picture, ...]:
    """All figures; for others, only the flow, curves of groups of which patients and events are shown, and forest plots."""
    drawn = share_curves(analysis, analysis.protocol.small_cell) if extras.shareable else analysis
    found = draw_gallery(
        drawn,
        records,
        extras.alterations,
        forests=[_for_others(one) if extras.shareable else one for one in further.forests if _has_ratio(one)],
        causes=() if extras.shareable else further.causes,
        responses=() if extras.shareable else further.responses,
        factor_title=factor_title,
        shareable=extras.shareable,
    )
    if not extras.shareable:
        return found
    shown = {
        f"km_{name}{suffix}"
        for name in CURVES
        for suffix, groups in (
            ("", [analysis.endpoint(name).overall]),
            (f"_by_{analysis.by}", analysis.endpoint(name).groups),
        )
        if not any(f"{name}.{slug(one.group)}.{part}" in withheld for one in groups for part in ("n", "events"))
    }
    forests = {f"forest_{one.endpoint}" for one in further.forests if _forest_shown(one, withheld)}
    flow = shared_consort(analysis, lambda name: name not in withheld)
    return (flow, *(one for one in found if one.name in shown | forests))


def _has_ratio(forest: Forest) -> bool:
    return any(one.ratio is not None for factor in forest.factors for one in factor.levels)


def _for_others(forest: Forest) -> Forest:
    """Without the sizes of groups that the reasons name."""
    factors = tuple(
        replace(
            factor,
            levels=tuple(replace(one, why_not=one.why_not and TOO_FEW) for one in factor.levels),
        )
        for factor in forest.factors
    )
    return replace(forest, factors=factors, why_not=forest.why_not and TOO_FEW)


def _forest_shown(forest: Forest, withheld: Withheld) -> bool:
    levels = [(factor.name, one.level) for factor in forest.factors for one in factor.levels]
    return not any(f"{forest_id(forest.endpoint, name, level)}.n" in withheld for name, level in levels)


def software() -> str:
    """Versions of what computed and drew."""
    found = []
    for name in SOFTWARE:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} (not installed as a package)")
    return ", ".join(found)


def _summary(
    analysis: Analysis, report: Path, files: tuple[Path, ...], opinion: SecondOpinion, *, shareable: bool
) -> OutcomesSummary:
    leads = headline(analysis)
    prefix = "confirmed " if leads == "confirmed" else ""
    return OutcomesSummary(
        shareable=shareable,
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
        table=files[0],
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
