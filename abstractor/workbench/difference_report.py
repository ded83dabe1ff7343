"""The difference of two rulebooks as text of 80 columns, as JSON, and as one page. What it makes holds note text."""

from collections import Counter
from collections.abc import Iterable, Mapping
from textwrap import wrap

from abstractor.model.finding import Finding
from abstractor.workbench.difference import Change, Difference, Kind, Outcome, Verdict
from abstractor.workbench.pages import render
from abstractor.workbench.quotes import bracketed

COLUMNS = ("added", "gone", "changed", "won", "lost")
MOST_SHOWN = 20
"""Changes told on a terminal; JSON and the page hold all of them."""
_WIDTH = 80
_SIGNS = {Kind.ADDED: "+", Kind.GONE: "-", Kind.CHANGED: "~"}


def difference_text(difference: Difference, most: int | None = MOST_SHOWN) -> str:
    """The tables and the first changes.

    Args:
        difference: of two rulebooks.
        most: how many changes are told; None tells all.
    """
    lines = [_headline(difference)]
    if not difference.changes:
        return lines[0]
    lines += ["", *_table("field", difference.fields), "", *_table("rule", difference.rules)]
    if difference.verdicts:
        lines += ["", "against what people have stated:"]
        for one in difference.verdicts[:most]:
            lines += ["", *_verdict_lines(one)]
    shown = difference.changes[:most]
    lines += ["", "in the notes (+ added, - gone, ~ changed; evidence in [[ ]]):"]
    for change in shown:
        lines += ["", *_change_lines(change)]
    left = max(len(difference.changes) - len(shown), 0)
    if left:
        lines += ["", f"and {left} more; --all tells them, --html and --json hold them all"]
    return "\n".join(lines)


def difference_row(difference: Difference) -> dict[str, object]:
    """For JSON."""
    return {
        "old": difference.old,
        "new": difference.new,
        "notes": difference.notes,
        "statements": difference.statements,
        "totals": _counts(_total(difference.fields.values())),
        "fields": {name: _counts(one) for name, one in difference.fields.items()},
        "rules": {name: _counts(one) for name, one in difference.rules.items()},
        "changes": [
            {
                "kind": str(one.kind),
                "what": one.what or None,
                "note_id": one.note_id,
                "field": one.field,
                "old": one.old.row() if one.old else None,
                "new": one.new.row() if one.new else None,
                "sentence": bracketed(one.sentence),
            }
            for one in difference.changes
        ],
        "verdicts": [
            {
                "outcome": str(one.outcome),
                "source": one.statement.source,
                "holds": one.statement.holds,
                "note_id": one.statement.note_id,
                "field": one.statement.field,
                "value": one.statement.value,
                "assertion": one.statement.assertion,
                "rule": one.found.rule,
                "sentence": bracketed(one.sentence),
            }
            for one in difference.verdicts
        ],
    }


def difference_page(difference: Difference) -> str:
    """One HTML page with all changes."""
    fields = difference.fields
    return render(
        "difference.html.j2",
        difference=difference,
        headline=_headline(difference),
        columns=COLUMNS,
        tables={"field": fields, "rule": difference.rules},
        totals=_counts(_total(fields.values())),
        changes={name: [one for one in difference.changes if one.field == name] for name in fields},
        verdicts={str(kind): [one for one in difference.verdicts if one.outcome is kind] for kind in Outcome},
        told=_told,
        why=_why,
    )


def _headline(difference: Difference) -> str:
    versions = f"{difference.old} (old) and {difference.new} (new)"
    notes = f"{difference.notes} note{'s' if difference.notes != 1 else ''}"
    if not difference.changes:
        same = "the same rules" if difference.old == difference.new else versions
        return f"{same}: nothing changes in {notes}"
    won = sum(one.outcome is Outcome.WON for one in difference.verdicts)
    judged = f"; against {difference.statements} statements by people {won} won, {len(difference.verdicts) - won} lost"
    count = f"{len(difference.changes)} change{'s' if len(difference.changes) != 1 else ''}"
    return f"{versions}:\n{count} in {notes}{judged if difference.statements else ''}"


def _total(groups: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in groups:
        total.update(one)
    return total


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts.get(name, 0) for name in COLUMNS}


def _table(head: str, groups: Mapping[str, Counter[str]]) -> list[str]:
    lines = [f"{head:34}" + "".join(f"{name:>8}" for name in COLUMNS)]
    rows = [*groups.items(), *([("all", _total(groups.values()))] if len(groups) > 1 else [])]
    return lines + [
        f"{name:34}" + "".join(f"{counts[column] or '.':>8}" for column in COLUMNS) for name, counts in rows
    ]


def _change_lines(change: Change) -> list[str]:
    lines = [f"{_SIGNS[change.kind]} {change.field}  note {change.note_id}"]
    for name, finding in (("old", change.old), ("new", change.new)):
        if finding is not None:
            lines += wrap(f"{name} {_told(finding)}", _WIDTH, initial_indent="    ", subsequent_indent="        ")
    return [*lines, *_quoted(bracketed(change.sentence))]


def _verdict_lines(verdict: Verdict) -> list[str]:
    stated = verdict.statement
    head = f"{verdict.outcome.upper()} {stated.field} {stated.value} {stated.assertion}  note {stated.note_id}"
    return [head, f"    {_why(verdict)}, rule {verdict.found.rule}", *_quoted(bracketed(verdict.sentence))]


def _quoted(sentence: str) -> list[str]:
    return wrap(sentence, _WIDTH, initial_indent="    | ", subsequent_indent="    | ")


def _why(verdict: Verdict) -> str:
    """What was won or lost, in words."""
    stated = verdict.statement
    by = "the gold" if stated.source == "gold" else "a reviewer"
    if stated.holds:
        word = "now found" if verdict.outcome is Outcome.WON else "no longer found"
        return f"stated by {by}, {word}"
    word = "no longer found" if verdict.outcome is Outcome.WON else "now found"
    return f"{'not in the gold' if stated.source == 'gold' else 'rejected by a reviewer'}, {word}"


def _told(finding: Finding) -> str:
    """A finding in words: value, assertion, date, details, rule."""
    date = f", {finding.date} ({finding.date_source})" if finding.date else ""
    details = "".join(f", {key} {value}" for key, value in finding.attributes.items())
    return f"{finding.value} {finding.assertion}{date}{details}; rule {finding.rule}"
