"""How a number is printed, and whether it may be: everything a report shows of results goes through here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from abstractor.outcomes.cohort import Analysis
from abstractor.outcomes.disclosure import NOTHING_WITHHELD, Withheld
from abstractor.outcomes.figures.style import Picture
from abstractor.outcomes.further import Further
from abstractor.outcomes.numbers import Numbers, withheld_estimates
from abstractor.outcomes.proportions import Proportion
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.second_opinion import SecondOpinion
from abstractor.outcomes.survival import Landmark, Quantile
from abstractor.outcomes.uncertainty import Uncertainty

if TYPE_CHECKING:
    from abstractor.outcomes.table_one import TableOne

NOT_ESTIMABLE = "NE"
HELD_BACK = "withheld"
TOO_FEW = "too few patients or events"


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """All that a report is written from."""

    analysis: Analysis
    further: Further
    numbers: Numbers
    records: Mapping[str, PatientRecord]
    pictures: tuple[Picture, ...] = ()
    table_one: "TableOne | None" = None
    opinion: SecondOpinion | None = None
    uncertainty: Uncertainty | None = None
    provenance: Mapping[str, object] = field(default_factory=dict)
    shareable: bool = False
    """For others than the registry: no patient, no quoted word, no small count."""
    withheld: Withheld = NOTHING_WITHHELD


class Printer:
    """Prints the numbers of one run, or says that they are withheld."""

    def __init__(self, results: Results) -> None:
        self._least = results.analysis.protocol.small_cell
        self._withheld = results.withheld
        hidden = {*results.withheld.small, *results.withheld.with_others}
        self._estimates = withheld_estimates(results.numbers.numbers, hidden)
        self._protocol = results.analysis.protocol
        self.hides = results.shareable
        """Whether anything is withheld at all."""

    def count(self, name: str, value: float) -> str:
        """A count by its id."""
        if name in self._withheld.small:
            return f"<{self._least}"
        return HELD_BACK if name in self._withheld else f"{value:.0f}"

    def may_show(self, name: str) -> bool:
        """Whether an estimate may be printed."""
        return name not in self._estimates

    def reason(self, why: str) -> str:
        """Why there is no test or estimate; for others without the sizes it may name."""
        return TOO_FEW if self.hides and any(one.isdecimal() for one in why) else why

    def months(self, days: float | None) -> str:
        """Days as months with one decimal; NE for none."""
        return NOT_ESTIMABLE if days is None else f"{self._protocol.months(days):.1f}"

    def quantile(self, name: str, one: Quantile) -> tuple[str, tuple[str, ...]]:
        """The estimate, and its interval below."""
        if not self.may_show(name):
            return HELD_BACK, ()
        return self.months(one.estimate), (f"{self.months(one.lower)}–{self.months(one.upper)}",)

    def landmark(self, name: str, one: Landmark) -> tuple[str, tuple[str, ...]]:
        """A survival rate with interval and number at risk."""
        if not self.may_show(name):
            return HELD_BACK, ()
        if one.beyond_last or one.survival is None:
            return NOT_ESTIMABLE, ()
        at_risk = f"n {self.count(f'{name}.at-risk', one.at_risk)}"
        if one.lower is None or one.upper is None or one.survival >= 1.0:
            return f"{one.survival * 100:.1f} %", (at_risk,)
        return f"{one.survival * 100:.1f} %", (f"{per_cent(one.lower, one.upper)}, {at_risk}",)

    def share(self, name: str, one: Proportion) -> tuple[str, tuple[str, ...]]:
        """x/n = per cent, with both intervals."""
        x, n = self.count(f"{name}.x", one.x), self.count(f"{name}.n", one.n)
        if not self.may_show(f"{name}.share"):
            return (HELD_BACK if HELD_BACK in (x, n) else f"{x}/{n}"), ()
        if one.estimate is None:
            return f"{x}/{n}", ()
        wilson = f"Wilson {per_cent(one.wilson_lower, one.wilson_upper)}"
        return f"{x}/{n} = {one.estimate * 100:.1f} %", (per_cent(one.lower, one.upper), wilson)


def per_cent(lower: float | None, upper: float | None) -> str:
    """An interval of shares in per cent."""
    return "" if lower is None or upper is None else f"{lower * 100:.1f}–{upper * 100:.1f}"


def ratio(estimate: float, lower: float, upper: float) -> str:
    """A ratio with its interval."""
    return f"{estimate:.2f} ({lower:.2f}–{upper:.2f})"


def p_value(p: float | None) -> str:
    """A p value as a table prints it."""
    if p is None:
        return ""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def format_share(one: Proportion) -> str:
    """x/n, per cent, and the exact interval."""
    if one.estimate is None or one.lower is None or one.upper is None:
        return f"{one.x}/{one.n}"
    return f"{one.x}/{one.n} = {one.estimate * 100:.1f} % ({one.lower * 100:.1f}–{one.upper * 100:.1f})"
