"""Endpoints from the registry: confirmed facts to report, tables and figures, with the count of what nobody has reviewed."""

from datetime import date
from pathlib import Path

from abstractor.batch.drug_groups import drug_groups
from abstractor.batch.records import records, unreviewed
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.run import OutcomesSummary, run_outcomes
from abstractor.registry.engine import Registry
from abstractor.rulebook.book import RuleBook


def compute_outcomes(
    registry: Registry, rulebook: RuleBook, out: Path, *, protocol: Protocol, cutoff: date, by: str | None
) -> OutcomesSummary:
    """Reads every patient of the registry and writes the outcomes into `out`.

    Raises:
        InputError: `by` can't be grouped by, or `out` can't be written.
    """
    left = unreviewed(registry)
    return run_outcomes(
        records(registry),
        out,
        protocol=protocol,
        cutoff=cutoff,
        by=by,
        groups=drug_groups(rulebook),
        provenance={
            "registry": registry.name,
            "rulebook": rulebook.version,
            "notes": left.notes,
            "suggestions not yet reviewed": left.suggestions,
            "patients with suggestions not yet reviewed": left.patients,
        },
    )
