"""What is asked of a table: the columns, the groups and the options, and what of it can't go together."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from abstractor.model.errors import InputError
from abstractor.outcomes.cox import Ties
from abstractor.outcomes.landmarks import refuse_immortal_time
from abstractor.outcomes.proportional_hazards import Transform
from abstractor.outcomes.survival import ConfType
from abstractor.outcomes.time_table import Condition


@dataclass(frozen=True, slots=True)
class Question:
    """What to compute, by names of columns; times in the unit of the table."""

    time: str = ""
    event: str = ""
    entry: str = ""
    by: str = ""
    strata: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    """Terms of the Cox model, `a:b` for a product; none: the grouping."""
    factors: tuple[str, ...] = ()
    """Columns of numbers that are to be taken as groups."""
    references: tuple[tuple[str, str], ...] = ()
    """Column and level that the others are compared with in the Cox model; else the first level in order."""
    times: tuple[float, ...] = ()
    tau: float | None = None
    conf_type: ConfType = "log-log"
    conf_level: float = 0.95
    rho: float = 0.0
    ties: Ties = "efron"
    transform: Transform = "km"
    cause: str = ""
    """The code of the event in question where others compete with it."""
    response: str = ""
    landmark: float | None = None
    reached: str = ""
    """Column of the time at which something happened, empty for never; with `landmark` it makes the groups."""
    start_at_risk: int = 0
    """Curves begin when so many are at risk."""
    pairwise: bool = False
    screen: tuple[str, ...] = ()
    """Columns of 0/1, each compared alone, with p values corrected for their number."""
    named_before: tuple[str, ...] = ()
    """Those of the screened columns that were chosen before the data were seen."""
    curve: bool = False
    known_at_start: bool = False
    """The one who asks vouches that groups and covariates were known at time zero."""
    conditions: tuple[Condition, ...] = ()


def check_question(asked: Question) -> None:
    if bool(asked.time) != bool(asked.event) or not (asked.time or asked.response):
        raise InputError("give both --time and --event (or --response alone)")
    if (asked.landmark is None) != (not asked.reached):
        raise InputError("a landmark analysis needs both --landmark and --reached")
    if asked.reached and (asked.by or asked.cause):
        raise InputError("--reached makes the groups; leave out --by and --cause")
    if asked.cause and (asked.tau is not None or asked.start_at_risk):
        raise InputError("--rmst and --start-at-risk are of survival curves; with --cause there are none")
    if not asked.known_at_start:
        for column in (
            asked.by,
            *asked.strata,
            *asked.screen,
            *(part for term in asked.covariates for part in term.split(":")),
        ):
            refuse_immortal_time(
                column,
                "ask for a landmark analysis with --landmark T --reached COLUMN (the time it happened), "
                "or vouch with --known-at-start that it was known at time zero",
            )


def needed_columns(asked: Question) -> list[str]:
    parts = [part for term in asked.covariates for part in term.split(":")]
    for column, _ in asked.references:
        if column not in {asked.by, *parts}:
            raise InputError(
                f"reference {column}: neither the grouping nor a covariate; name it in --by or --covariates"
            )
    named = [
        asked.time,
        asked.event,
        asked.entry,
        asked.by,
        asked.response,
        asked.reached,
        *asked.strata,
        *parts,
        *asked.screen,
    ]
    return [name for name in named if name]


def settings_of(asked: Question) -> dict[str, Any]:
    return {
        "conf_type": asked.conf_type,
        "conf_level": asked.conf_level,
        "ties": asked.ties,
        "rho": asked.rho,
        "transform": asked.transform,
        "strata": list(asked.strata),
        "cause": asked.cause or None,
        "landmark": asked.landmark,
        "software": {name: version(name) for name in ("abstractor", "numpy", "scipy")},
    }
