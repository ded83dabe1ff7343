"""The sections on how it was done: a methods paragraph to build on, definitions, settings, second opinion, software and rulebook."""

import json
from collections.abc import Mapping

from abstractor.outcomes.definitions import TIME_ZERO, TITLES, endpoint_definitions
from abstractor.outcomes.report.blocks import Block, Cell, Column, Heading, Paragraph, Settings, Terms, table
from abstractor.outcomes.report.shown import Printer, Results
from abstractor.outcomes.second_opinion import AGREE, BY_DEFINITION, DIFFERS, NOT_COMPARED, SecondOpinion

MOST_SHOWN = 50
"""Disagreements listed in the report; the rest is in the table."""


def methods(results: Results, say: Printer) -> list[Block]:
    """A paragraph in the words of a paper, with the numbers in force."""
    analysis, protocol = results.analysis, results.analysis.protocol
    provenance = results.provenance
    reviewed = "Facts were proposed by rules from the notes and confirmed, corrected or added by abstractors; only confirmed facts were analysed."
    versions = [str(provenance[name]) for name in ("software",) if name in provenance]
    rulebook = f" (rulebook {provenance['rulebook']})" if "rulebook" in provenance else ""
    delayed = (
        (
            f" Where groups of {analysis.by} were compared"
            if analysis.by in protocol.genes
            else " In the screen of genes"
        )
        + ", patients were at risk from their first molecular report on (delayed entry), as only who lived to be sequenced can be in such a group."
    )
    text = (
        f"{reviewed.replace('rules', f'rules{rulebook}', 1)} The data cutoff was {analysis.cutoff}; times run from "
        f"{TIME_ZERO[protocol.time_zero]}. Best response was {'confirmed and unconfirmed' if protocol.confirm_response == 'both' else protocol.confirm_response}"
        f", stable disease counted from day {protocol.sd_min_days}, rates have Clopper–Pearson intervals. Survival was estimated by Kaplan–Meier "
        f"with {protocol.conf_type} intervals ({100 * protocol.conf_level:g} %), follow-up by reverse Kaplan–Meier, groups compared by the log-rank test and "
        "Cox models (Efron ties) with the score test of proportional hazards, and by restricted means; progression with death competing by "
        f"Aalen–Johansen; response by a landmark at day {protocol.response_landmark_days} and as a time-dependent covariate.{delayed} "
        f"Groups below {protocol.min_group_patients} patients or {protocol.min_group_events} events were not tested. Nothing was imputed but the days of partial "
        f"dates. {f'Software: {versions[0]}.' if versions else ''}"
    )
    return [Heading("Methods", "methods"), Paragraph(text.strip()), *definitions(results)]


def definitions(results: Results) -> list[Block]:
    """What each endpoint means, with the protocol's numbers."""
    items = [
        (f"{TITLES[name]} ({name})", text) for name, text in endpoint_definitions(results.analysis.protocol).items()
    ]
    return [Heading("Definitions", "definitions"), Terms(tuple(items))]


def settings(results: Results) -> list[Block]:
    """All settings, and what the caller knows of the run."""
    found = results.analysis.protocol.model_dump(mode="json")
    found["data_cutoff"] = str(results.analysis.cutoff)
    items = tuple((name, _setting(value)) for name, value in found.items())
    shared = ("rulebook", "software")  # counts of what waits are of few patients, and the registry is a place
    known = {name: value for name, value in results.provenance.items() if not results.shareable or name in shared}
    rows = [[Cell(name), Cell(value)] for name, value in _flatten(known)]
    return [Heading("Settings and versions", "settings"), Settings(items), table([Column(""), Column("")], rows)]


def _setting(value: object) -> str:
    if value is None:
        return "no limit"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _flatten(provenance: Mapping[str, object]) -> list[tuple[str, str]]:
    return [
        (
            name,
            json.dumps(value, ensure_ascii=False, default=str)
            if isinstance(value, dict | list | tuple)
            else str(value),
        )
        for name, value in provenance.items()
    ]


def second_opinion(results: Results) -> list[Block]:
    """What lifelines makes of the same times."""
    blocks: list[Block] = [Heading("Second opinion", "check")]
    opinion = results.opinion
    if opinion is None:
        return [*blocks, Paragraph("Not asked for.")]
    text = opinion.text()
    if not opinion.skipped:
        text += (
            " Curves, numbers at risk, quartiles, limits, landmarks, follow-up, tests and models come from our own code, which agrees with "
            "R's survival package; here the same numbers are taken from an independent program. Agreement is a relative difference of at "
            "most 1e-6, of Cox models 1e-5."
        )
    blocks.append(Paragraph(text))
    if opinion.checks and not results.shareable:
        rows = [[Cell(verdict), Cell(why), Cell(str(count))] for verdict, why, count in _verdicts(opinion)]
        blocks.append(table([Column("Verdict"), Column("Why"), Column("Numbers", right=True)], rows))
    if opinion.disagreements and not results.shareable:
        blocks.append(_disagreements(opinion))
    return blocks


def _verdicts(opinion: SecondOpinion) -> list[tuple[str, str, int]]:
    return [
        (verdict, why, count)
        for verdict in (DIFFERS, AGREE, BY_DEFINITION, NOT_COMPARED)
        for why, count in opinion.reasons(verdict).items()
    ]


def _disagreements(opinion: SecondOpinion) -> Block:
    columns = [
        Column("Endpoint"), Column("Group"), Column("Statistic"), Column("Day", right=True), Column("Ours", right=True),
        Column("lifelines", right=True),
    ]  # fmt: skip
    rows = [
        [
            Cell(one.endpoint), Cell(one.group), Cell(one.statistic), Cell("" if one.day is None else f"{one.day:g}"),
            Cell(str(one.ours)), Cell(str(one.lifelines)),
        ]
        for one in opinion.disagreements[:MOST_SHOWN]
    ]  # fmt: skip
    return table(columns, rows)
