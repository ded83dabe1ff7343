"""The trail of a patient as an auditor reads it: who, when, what, the old and the new value, why, from which words and rules."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.metadata import version
from typing import Any

from jinja2 import Environment, StrictUndefined

from abstractor.files import safe_cell
from abstractor.model.case import OVERRIDE_PREFIX
from abstractor.model.decision import Decision
from abstractor.registry.decisions import decisions_of
from abstractor.registry.engine import Registry
from abstractor.registry.signed import UNLOCKED
from abstractor.registry.trails import Entered, entered_of
from abstractor.review.history import history
from abstractor.rulebook.book import RuleBook

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Audit trail of patient {{ trail.patient_id }}</title>
<style>
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #111; background: #fff }
table { border-collapse: collapse; width: 100% }
th, td { border: 1px solid #bbb; padding: .3em .5em; text-align: left; vertical-align: top; overflow-wrap: break-word }
th { white-space: nowrap }
th { background: #eee } thead { display: table-header-group } tr { break-inside: avoid }
.words { font-style: italic } .small { color: #444; font-size: 85% }
</style></head><body>
<h1>Audit trail of patient {{ trail.patient_id }}</h1>
<p>{{ trail.lines | length }} steps, oldest first. Times are UTC. Written by Abstractor {{ trail.program }}. Each step is an entry of the
audit chain of the registry, named by its number and the beginning of its hash; <code>abstractor verify</code> shows that none was changed,
removed or exchanged.</p>
<table><thead><tr><th>Entry</th><th>When</th><th>Who</th><th>What</th><th>Item</th><th>Before</th><th>After</th><th>Why</th>
<th>From which words</th><th>Rules</th></tr></thead><tbody>
{% for line in trail.lines -%}
<tr><td>{{ line.entry }}<br><span class="small">{{ line.hash[:12] }}</span></td><td>{{ line.at[:19] }}</td><td>{{ line.who }}</td>
<td>{{ line.what }}</td><td>{{ line.item }}</td><td>{{ line.before }}</td><td>{{ line.after }}</td><td>{{ line.why }}</td>
<td>{% for place, words in line.quoted %}<span class="small">{{ place }}</span>{% if words %} <span class="words">{{ words }}</span>{% endif %}<br>{% endfor %}</td>
<td class="small">{{ line.rules }}</td></tr>
{% endfor %}</tbody></table>
</body></html>
"""


@dataclass(frozen=True, slots=True)
class TrailLine:
    """One step. Blank where a column does not apply."""

    entry: int
    """Number in the audit chain."""
    at: str
    """When it was done, by the clock of who did it; UTC, ISO 8601."""
    entered_at: str
    """When it entered the chain, by the registry's clock."""
    who: str
    what: str
    item: str
    before: str
    after: str
    why: str
    evidence: str
    """Note, place and words, one after the other."""
    rules: str
    """Rule and version of the rulebook."""
    source: str
    row_sha256: str
    hash: str
    quoted: tuple[tuple[str, str], ...] = ()
    """The same evidence, taken apart."""


@dataclass(frozen=True, slots=True)
class Trail:
    """All steps of a patient, oldest first."""

    patient_id: str
    program: str
    lines: tuple[TrailLine, ...]


def patient_trail(registry: Registry, patient_id: str, rulebook: RuleBook, *, with_text: bool = True) -> Trail:
    """Everything that was ever done with a patient.

    Args:
        registry: an open registry.
        patient_id: the patient.
        rulebook: for the labels of items and values; what it does not know stands as it is stored.
        with_text: whether words of notes may stand in it.

    Raises:
        RegistryError: no such patient.
    """
    entered = entered_of(registry, patient_id)
    decided = _before_and_after(decisions_of(registry, patient_id), rulebook)
    lines = tuple(_line(one, decided, rulebook, with_text=with_text) for one in entered)
    return Trail(patient_id, version("abstractor"), lines)


def _before_and_after(decisions: tuple[Decision, ...], rulebook: RuleBook) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for slot in {one.slot for one in decisions if one.slot and not one.slot.startswith(OVERRIDE_PREFIX)}:
        spec = rulebook.fields.get(_field(slot))
        for step in history(decisions, slot, spec.label_of if spec else str):
            if step.decision.slot == slot:
                found[step.decision.action_id] = (step.before, step.after)
    return found


def _field(slot: str) -> str:
    return slot.partition("@")[0].partition(":")[0]


def _line(one: Entered, decided: Mapping[str, tuple[str, str]], rulebook: RuleBook, *, with_text: bool) -> TrailLine:
    row = one.row
    if one.kind == "reading_decision":
        row = {**row, **row["content"]}
    before, after = (
        decided.get(str(row.get("action_id", "")), ("", "")) if one.kind == "decision" else _told(one.kind, row)
    )
    quoted = tuple(_quote(each, with_text=with_text) for each in row.get("evidence") or ())
    return TrailLine(
        entry=one.sequence,
        at=_first(row, "decided_at", "signed_at", "happened_at", "done_at", "drawn_at", "assigned_at", "queued_at")
        or one.entered_at,
        entered_at=one.entered_at,
        who=one.who or _first(row, "decided_by"),
        what=_what(one.kind, row),
        item=_item(row, rulebook),
        before=before,
        after=after,
        why=str(row.get("reason") or ""),
        evidence=" | ".join(f"{place} {words}".rstrip() for place, words in quoted),
        rules=" ".join(part for part in (str(row.get("rule") or ""), str(row.get("rulebook") or "")) if part),
        source=str(row.get("source") or ""),
        row_sha256=one.row_sha256,
        hash=one.hash,
        quoted=quoted,
    )


def _first(row: Mapping[str, Any], *names: str) -> str:
    return next((str(row[name]) for name in names if row.get(name)), "")


def _what(kind: str, row: Mapping[str, Any]) -> str:
    if kind == "decision":
        return str(row["action"]).replace("_", " ")
    if kind == "reading_decision":
        return f"second reading: {str(row['action']).replace('_', ' ')}"
    if kind == "signature":
        return "unlocked" if row["meaning"] == UNLOCKED else f"signed as {row['meaning']}"
    step = _first(row, "kind", "action", "stratum")
    return f"{kind.replace('_', ' ')}: {step}" if step else kind.replace("_", " ")


def _item(row: Mapping[str, Any], rulebook: RuleBook) -> str:
    slot = str(row.get("slot") or row.get("subject") or "")
    spec = rulebook.fields.get(_field(slot))
    return f"{spec.label} ({slot})" if spec is not None else slot


def _told(kind: str, row: Mapping[str, Any]) -> tuple[str, str]:
    """Of what is no decision of the registry: what there was before and after it, in words."""
    if kind == "lease_event":
        return str(row["taken_from"]), str(row["taken_by"])
    if kind == "signature":
        return "", f"{row['printed_name']}; of content {row['sha256'][:12]}"
    if kind == "reading_decision":
        return "", " ".join(part for part in (str(row.get("value") or ""), str(row.get("date") or "")) if part)
    if kind == "quality_difference":
        return _value(row.get("first")), _value(row.get("second"))
    content = row.get("content")
    said = content if isinstance(content, Mapping) else {}
    return "", "; ".join(
        f"{name}: {value}" for name, value in said.items() if isinstance(value, str | int | float) and value != ""
    )


def _value(side: Any) -> str:
    return "--" if not side else str(side.get("value") or "--")


def _quote(one: Mapping[str, Any], *, with_text: bool) -> tuple[str, str]:
    date = f" {one['note_date'][:10]}" if one.get("note_date") else ""
    version_ = f" text {one['note_sha256'][:12]}" if one.get("note_sha256") else ""
    place = f"note {one['note_id']} {one.get('note_type') or ''}{date} [{one['start']}:{one['end']}]{version_}"
    return place, f"“{' '.join(one['text'].split())}”" if with_text and one.get("text") else ""


def trail_csv(trail: Trail) -> str:
    """A line a step, with the names of `TrailLine` as columns and the patient before them; no cell is taken for a formula."""
    names = [one.name for one in fields(TrailLine) if one.name != "quoted"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["patient_id", *names])
    for line in trail.lines:
        writer.writerow([safe_cell(trail.patient_id), *(safe_cell(getattr(line, name)) for name in names)])
    return out.getvalue()


def trail_html(trail: Trail) -> str:
    """A page that needs nothing else and fetches nothing; all text is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(_PAGE).render(trail=trail)
