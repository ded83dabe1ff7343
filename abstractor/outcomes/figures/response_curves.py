"""Kaplan–Meier figures from the landmark on, by what had happened until then: never of responders as such."""

from typing import Any

from abstractor.outcomes.definitions import TITLES
from abstractor.outcomes.figures.kaplan_meier import kaplan_meier_figure, kaplan_meier_text
from abstractor.outcomes.figures.style import Picture, format_p, make_picture, plural
from abstractor.outcomes.response_results import RESPONDED, ResponseResult


def landmark_picture(result: ResponseResult, *, month_days: float, conf_level: float) -> Picture | None:
    """The curves of who had responded by the landmark and who had not; None where one of the two is empty."""
    groups = [one for one in result.groups if one.curve.time.size]
    if len(groups) < 2:
        return None
    day = result.landmark_days
    labels = [f"response by day {day}" if one.group == RESPONDED else f"no response by day {day}" for one in groups]
    notes = [result.no_test] if result.no_test else []
    if result.test is not None:
        notes.append(f"log-rank p {format_p(result.test.p)}")
    notes.append(f"in neither group, as their time ended by day {day}: {plural(len(result.left_before), 'patient')}")
    how: dict[str, Any] = {
        "labels": labels,
        "y_title": f"{TITLES[result.endpoint]} from day {day}",
        "month_days": month_days,
        "conf_level": conf_level,
        "ratios": {result.ratio.group: result.ratio} if result.ratio is not None else {},
        "notes": notes,
    }
    return make_picture(
        f"landmark_{result.endpoint}",
        f"{TITLES[result.endpoint]} from day {day} of line 1, by response until then",
        kaplan_meier_figure(groups, **how),
        kaplan_meier_text(groups, **how),
    )
