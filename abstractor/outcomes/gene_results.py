"""Each gene's alterations and the outcome: at risk from the molecular report on, tested only where enough patients are altered.

The p values are corrected for their number, and who was never at risk after the report is named.
"""

from dataclasses import dataclass

from abstractor.outcomes.cohort import Analysis, from_report, usable_sample
from abstractor.outcomes.delayed_entry import EntryTest, check_entry
from abstractor.outcomes.multiplicity import Limits, Screened, screen_markers
from abstractor.outcomes.survival import Sample, why_no_test

MOST_FOR_ENTRY_TEST = 20_000  # it takes the square of the patients


@dataclass(frozen=True, slots=True, eq=False)
class GeneScreen:
    """One endpoint by the alterations of each gene."""

    endpoint: str
    genes: tuple[Screened, ...]
    patients: tuple[str, ...]
    """At risk from their molecular report on."""
    altered: dict[str, tuple[str, ...]]
    """Gene to its altered patients among those."""
    known: dict[str, tuple[str, ...]]
    """Gene to those of them in whom it was looked for."""
    never_at_risk: tuple[str, ...]
    """Tested patients with a time, but without a molecular report or with one only after the end."""
    untested: int
    """Analysed patients in whom no gene of the protocol was looked for."""
    stratified: bool
    """By limited and extensive stage; not where the stage of somebody is unknown."""
    entry: EntryTest | None
    """Is the outcome independent of when the report came?"""
    no_entry_test: str

    @property
    def tested(self) -> int:
        return sum(one.test is not None for one in self.genes)


def gene_results(analysis: Analysis) -> tuple[GeneScreen, ...]:
    """Of overall and progression-free survival."""
    return tuple(_screen(analysis, endpoint) for endpoint in ("os", "pfs"))


def _screen(analysis: Analysis, endpoint: str) -> GeneScreen:
    protocol = analysis.protocol
    known = [
        one for one in analysis.analysed if any(one.baseline.columns.get(gene) is not None for gene in protocol.genes)
    ]
    rows = {one.patient_id: row for one in known if (row := one.endpoints[endpoint]).primary}
    late, never = from_report(known, rows)
    here = [one for one in known if one.patient_id in late]
    data = usable_sample([late[one.patient_id] for one in here])
    status = {gene: [_is_altered(one.baseline.columns.get(gene)) for one in here] for gene in protocol.genes}
    stages = [one.baseline.columns.get("stage_valg") for one in here]
    stratified = bool(stages) and all(stages)
    entry, why = _entry_test(data, protocol.min_group_patients, protocol.min_group_events)
    return GeneScreen(
        endpoint=endpoint,
        genes=screen_markers(
            data,
            status,
            named_before=protocol.genes_named_before,
            strata=[str(one) for one in stages] if stratified else None,
            limits=Limits(
                prevalence=protocol.gene_min_prevalence,
                altered=protocol.gene_min_altered,
                group_patients=protocol.min_group_patients,
                group_events=protocol.min_group_events,
            ),
            conf_level=protocol.conf_level,
        ),
        patients=tuple(one.patient_id for one in here),
        altered={
            gene: tuple(one.patient_id for one, yes in zip(here, flags, strict=True) if yes)
            for gene, flags in status.items()
        },
        known={
            gene: tuple(one.patient_id for one, yes in zip(here, flags, strict=True) if yes is not None)
            for gene, flags in status.items()
        },
        never_at_risk=never,
        untested=len(analysis.analysed) - len(known),
        stratified=stratified,
        entry=entry,
        no_entry_test=why,
    )


def _is_altered(cell: object) -> bool | None:
    return None if cell is None else cell == "altered"


def _entry_test(data: Sample, least_patients: int, least_events: int) -> tuple[EntryTest | None, str]:
    why = why_no_test({"all": (data.n, data.events), "": (data.n, data.events)}, least_patients, least_events)
    if why:
        return None, f"no test: {data.n} patients, {data.events} events (at least {least_patients} and {least_events})"
    if data.n > MOST_FOR_ENTRY_TEST:
        return None, f"no test: more than {MOST_FOR_ENTRY_TEST} patients"
    found = check_entry(data)
    return found, "" if found is not None else "no test: entries do not differ within any risk set"
