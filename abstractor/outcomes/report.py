"""The report: one HTML file that needs nothing else, printing the results, the settings behind them, and who is not in them.

Lays out what `cohort` computed; all text is escaped, and figures are embedded.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from abstractor.outcomes.cohort import ALL, Analysis, exclusions, warnings
from abstractor.outcomes.definitions import (
    MEASURES,
    TITLES,
    endpoint_definitions,
    response_definition,
    statistics_definition,
)
from abstractor.outcomes.figures import Picture, format_p
from abstractor.outcomes.proportions import Proportion
from abstractor.outcomes.survival import Landmark, Quantile

MAIN = ("os", "pfs", "pfs_trial")
"""The endpoints with a figure."""


def render_report(analysis: Analysis, pictures: Sequence[Picture], provenance: Mapping[str, object]) -> str:
    """The whole page as text.

    Args:
        analysis: all results.
        pictures: embedded as PNG, in order.
        provenance: whatever the caller knows of the run (versions, registry, unreviewed suggestions); printed as it is.
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
    environment.filters["landmark"] = format_landmark
    environment.filters["share"] = format_share
    environment.filters["p"] = format_p
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
        pictures=pictures,
        excluded=exclusions(analysis),
        warnings=warnings(analysis),
        provenance=_flatten(provenance),
    )


def _months(analysis: Analysis, days: float | None) -> str:
    return "NE" if days is None else f"{analysis.protocol.months(days):.1f}"


def _quantile(analysis: Analysis, one: Quantile) -> str:
    return f"{_months(analysis, one.estimate)} ({_months(analysis, one.lower)}–{_months(analysis, one.upper)})"


def format_landmark(one: Landmark) -> str:
    """A survival rate with its interval and the number at risk; NE behind the last observation."""
    if one.beyond_last or one.survival is None:
        return "NE"
    interval = ""
    if one.lower is not None and one.upper is not None and one.survival < 1.0:
        interval = f" ({one.lower * 100:.1f}–{one.upper * 100:.1f})"
    return f"{one.survival * 100:.1f} %{interval}, n = {one.at_risk}"


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


def _rates_by_measure(analysis: Analysis) -> list[tuple[str, str, str, Proportion]]:
    return [(one.measure, one.denominator, one.group, one.value) for one in analysis.rates]


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
