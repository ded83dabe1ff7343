"""The report: one HTML file that needs nothing else, printing the results, the settings behind them, and who is not in them.

Lays out what `cohort` computed; all text is escaped, and figures are embedded.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from abstractor.outcomes.cohort import ALL, Analysis, EndpointResult, exclusions, headline
from abstractor.outcomes.definitions import (
    MEASURES,
    TIME_ZERO,
    TITLES,
    column_title,
    endpoint_definitions,
    response_definition,
    statistics_definition,
)
from abstractor.outcomes.figures import Picture, format_p
from abstractor.outcomes.proportions import Proportion
from abstractor.outcomes.second_opinion import AGREE, BY_DEFINITION, DIFFERS, NOT_COMPARED, SecondOpinion
from abstractor.outcomes.survival import Landmark, Quantile

MAIN = ("os", "pfs", "pfs_trial")
"""The endpoints with a figure."""
UNREVIEWED = ("suggestions not yet reviewed", "patients with suggestions not yet reviewed")
"""Provenance that is said at the top: how many suggestions nobody has looked at, and of how many patients."""
MOST_SHOWN = 50
"""Disagreements listed in the report; the rest is in the table."""


@dataclass(frozen=True, slots=True)
class Card:
    """One key result at the top of the page."""

    name: str
    value: str
    interval: str
    of: str


def render_report(
    analysis: Analysis,
    pictures: Sequence[Picture],
    provenance: Mapping[str, object],
    opinion: SecondOpinion | None = None,
) -> str:
    """The whole page as text.

    Args:
        analysis: all results.
        pictures: embedded as PNG, in order.
        provenance: whatever the caller knows of the run (versions, registry, unreviewed suggestions); printed as it is.
        opinion: the numbers computed again; None where that was not asked for.
    """
    folder = Path(__file__).parent / "templates"
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["months"] = lambda days: _months(analysis, days)
    environment.filters["quantile"] = lambda one: _quantile(analysis, one)
    environment.filters["rate"] = format_landmark
    environment.filters["fraction"] = _fraction
    environment.filters["exact"] = lambda one: _per_cent(one.lower, one.upper)
    environment.filters["wilson"] = lambda one: _per_cent(one.wilson_lower, one.wilson_upper)
    environment.filters["comparison"] = format_comparison
    environment.filters["data_uri"] = _data_uri
    return environment.get_template("report.html.j2").render(
        analysis=analysis,
        all=ALL,
        titles=TITLES,
        measures=MEASURES,
        definitions=endpoint_definitions(analysis.protocol),
        response_text=response_definition(analysis.protocol),
        statistics_text=statistics_definition(analysis.protocol),
        settings=_settings(analysis),
        rates=_rates_by_measure(analysis),
        main=MAIN,
        main_results=[one for one in analysis.endpoints if one.endpoint in MAIN],
        other_results=[one for one in analysis.endpoints if one.endpoint not in MAIN],
        by_title=column_title(analysis.by) if analysis.by else "",
        time_zero=TIME_ZERO[analysis.protocol.time_zero],
        cards=_cards(analysis),
        unreviewed=_unreviewed(provenance),
        nothing_waits=provenance.get(UNREVIEWED[0]) == 0,
        pictures=pictures,
        excluded=exclusions(analysis),
        opinion=opinion,
        verdicts=_verdicts(opinion) if opinion else [],
        most_shown=MOST_SHOWN,
        provenance=_flatten(provenance),
    )


def _months(analysis: Analysis, days: float | None) -> str:
    return "NE" if days is None else f"{analysis.protocol.months(days):.1f}"


def _quantile(analysis: Analysis, one: Quantile) -> str:
    return f"{_months(analysis, one.estimate)} ({_months(analysis, one.lower)}–{_months(analysis, one.upper)})"


def format_landmark(one: Landmark) -> tuple[str, str]:
    """A survival rate, and its interval with the number at risk; NE behind the last observation."""
    if one.beyond_last or one.survival is None:
        return "NE", ""
    at_risk = f"n {one.at_risk}"
    if one.lower is None or one.upper is None or one.survival >= 1.0:
        return f"{one.survival * 100:.1f} %", at_risk
    return f"{one.survival * 100:.1f} %", f"{_per_cent(one.lower, one.upper)}, {at_risk}"


def _per_cent(lower: float | None, upper: float | None) -> str:
    return "" if lower is None or upper is None else f"{lower * 100:.1f}–{upper * 100:.1f}"


def _fraction(one: Proportion) -> str:
    return f"{one.x}/{one.n}" + ("" if one.estimate is None else f" = {one.estimate * 100:.1f} %")


def format_comparison(result: EndpointResult) -> str:
    """The test and the hazard ratios of the groups, or why there are none."""
    if result.test is None:
        return result.no_test
    ratios = [
        f"HR {one.group} against {one.reference} {one.estimate:.2f} ({one.lower:.2f}–{one.upper:.2f})"
        for one in result.hazard_ratios
    ]
    check = [f"proportional hazards p {format_p(result.hazards_test.p)}"] if result.hazards_test is not None else []
    return "; ".join(
        [f"log-rank p {format_p(result.test.p)}", *(ratios or ["no hazard ratio: the model did not converge"]), *check]
    )


def _cards(analysis: Analysis) -> list[Card]:
    leads = headline(analysis)
    prefix = "confirmed " if leads == "confirmed" else ""
    found = []
    for measure in ("ORR", "DCR"):
        rate = analysis.rate(prefix + measure)
        value = "–" if rate.estimate is None else f"{rate.estimate * 100:.1f} %"
        interval = _per_cent(rate.lower, rate.upper)
        found.append(Card(f"{measure}, {leads}", value, interval, f"{rate.x} of {rate.n} patients"))
    for name, title in (("pfs", "Median PFS"), ("os", "Median OS")):
        group = analysis.endpoint(name).overall
        middle = group.median
        value = _months(analysis, middle.estimate)
        found.append(
            Card(
                title,
                value if middle.estimate is None else f"{value} months",
                f"{_months(analysis, middle.lower)}–{_months(analysis, middle.upper)}",
                f"{group.sample.events} events in {group.sample.n} patients",
            )
        )
    return found


def _unreviewed(provenance: Mapping[str, object]) -> str:
    suggestions, patients = (provenance.get(name) for name in UNREVIEWED)
    if not suggestions:  # nothing to warn of, or the caller does not know
        return ""
    return f"{suggestions} suggestions" + (f" of {patients} patients" if patients else "") + " are not yet reviewed."


def _verdicts(opinion: SecondOpinion) -> list[tuple[str, str, int]]:
    return [
        (verdict, why, count)
        for verdict in (DIFFERS, AGREE, BY_DEFINITION, NOT_COMPARED)
        for why, count in opinion.reasons(verdict).items()
    ]


def format_share(one: Proportion) -> str:
    """x/n, per cent, and the exact interval."""
    if one.estimate is None or one.lower is None or one.upper is None:
        return f"{one.x}/{one.n}"
    return f"{one.x}/{one.n} = {one.estimate * 100:.1f} % ({one.lower * 100:.1f}–{one.upper * 100:.1f})"


def _data_uri(picture: Picture) -> str:
    return "data:image/png;base64," + base64.b64encode(picture.png).decode("ascii")


def _settings(analysis: Analysis) -> list[tuple[str, str]]:
    found = analysis.protocol.model_dump(mode="json")
    found["data_cutoff"] = str(analysis.cutoff)
    return [
        (name, "no limit" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value))
        for name, value in found.items()
    ]


def _rates_by_measure(analysis: Analysis) -> dict[str, dict[str, dict[str, Proportion]]]:
    """Denominator to group to measure to rate."""
    found: dict[str, dict[str, dict[str, Proportion]]] = {}
    for one in analysis.rates:
        found.setdefault(one.denominator, {}).setdefault(one.group, {})[one.measure] = one.value
    return found


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
