"""How each rule does in a registry, as text, CSV and JSON: what it found, what reviewers made of it, and how precise that makes it."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from abstractor.evaluation.intervals import exact_interval
from abstractor.files import safe_cell
from abstractor.registry.judgements import RuleRecord

COLUMNS = (
    "rule", "field", "fired", "accepted", "picked", "edited", "replaced", "rejected", "pending", "precision", "lower", "upper", "notes_fired",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """A rule's record and its precision: suggestions whose value reviewers let stand, of those they judged."""

    record: RuleRecord
    precision: float | None
    """None where nothing was judged."""
    interval: tuple[float, float] | None
    """Exact (Clopper and Pearson), 95 %."""
    notes_fired: int | None = None
    """Findings in notes outside the registry; None where none were read."""

    def row(self) -> dict[str, object]:
        """Column name to value."""
        lower, upper = self.interval or (None, None)
        return {
            **asdict(self.record),
            "precision": self.precision,
            "lower": lower,
            "upper": upper,
            "notes_fired": self.notes_fired,
        }


def rule_figures(records: Iterable[RuleRecord], fired_elsewhere: dict[str, int] | None = None) -> list[RuleFigures]:
    """The figures of all rules, the worst first: by the upper limit of precision, so that one bad mark is no verdict; unjudged ones last."""
    known = {one.rule: one for one in records}
    for rule in fired_elsewhere or ():
        known.setdefault(rule, RuleRecord(rule))
    made = [
        RuleFigures(
            one,
            one.right / one.judged if one.judged else None,
            exact_interval(one.right, one.judged),
            None if fired_elsewhere is None else fired_elsewhere.get(one.rule, 0),
        )
        for one in known.values()
    ]
    return sorted(made, key=_worst_first)


def _worst_first(one: RuleFigures) -> tuple[float, float, int, str]:
    upper = one.interval[1] if one.interval else 2.0
    return upper, one.precision or 0.0, -one.record.fired, one.record.rule


def figures_text(figures: Sequence[RuleFigures]) -> str:
    """A table of 80 columns."""
    if not figures:
        return "no rule has fired yet"
    extra = figures[0].notes_fired is not None
    head = f"{'rule':26} {'fired':>5} {'acc':>4} {'pick':>4} {'edit':>4} {'repl':>4} {'rej':>4} {'pend':>4} {'prec':>5} {'95 %':>9}"
    lines = [head + ("  notes" if extra else "")]
    for one in figures:
        record = one.record
        counts = f"{record.accepted:4} {record.picked:4} {record.edited:4} {record.replaced:4} {record.rejected:4} {record.pending:4}"
        precision = f"{one.precision:5.2f}" if one.precision is not None else f"{'-':>5}"
        limits = f"{one.interval[0]:.2f}-{one.interval[1]:.2f}" if one.interval else "-"
        notes = f" {one.notes_fired:6}" if extra else ""
        lines.append(f"{_short(record.rule, 26):26} {record.fired:5} {counts} {precision} {limits:>9}{notes}")
    return "\n".join(lines)


def figures_csv(figures: Sequence[RuleFigures]) -> str:
    """A row a rule."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in figures:
        row = one.row()
        writer.writerow([safe_cell(row[name]) for name in COLUMNS])
    return out.getvalue()


def _short(name: str, length: int) -> str:
    return name if len(name) <= length else name[: length - 1] + "…"
