"""Endpoints from the registry: confirmed facts to report, tables and figures, with the count of what nobody has reviewed."""

from dataclasses import replace
from datetime import date
from pathlib import Path

from abstractor.batch.records import records, unreviewed
from abstractor.batch.scenarios import scenarios
from abstractor.outcomes.figures.alteration_kinds import load_alteration_kinds
from abstractor.outcomes.lines import drug_groups
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.run import PLAIN, Extras, OutcomesSummary, run_outcomes
from abstractor.registry.engine import Registry
from abstractor.rulebook.book import RuleBook


def compute_outcomes(
    registry: Registry,
    rulebook: RuleBook,
    out: Path,
    *,
    protocol: Protocol,
    cutoff: date,
    by: str | None,
    extras: Extras = PLAIN,
) -> OutcomesSummary:
    """Reads every patient of the registry and writes the outcomes into `out`.

    Args:
        registry: an open registry.
        rulebook: for the drugs, and its version in the report.
        out: the folder.
        protocol: the settings.
        cutoff: nothing later is used.
        by: column or gene to group by.
        extras: what is asked for beside the results; the other sets of facts are added here.

    Raises:
        InputError: `by` can't be grouped by, or `out` can't be written.
    """
    left = unreviewed(registry)
    confirmed = records(registry)
    return run_outcomes(
        confirmed,
        out,
        protocol=protocol,
        cutoff=cutoff,
        by=by,
        groups=drug_groups(rulebook),
        extras=replace(extras, facts=scenarios(registry, confirmed), alterations=load_alteration_kinds(rulebook.root)),
        provenance={
            "registry": registry.name,
            "rulebook": rulebook.version,
            "notes": left.notes,
            "suggestions not yet reviewed": left.suggestions,
            "patients with suggestions not yet reviewed": left.patients,
        },
    )
