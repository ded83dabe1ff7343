"""The main job on the invented sample patients: read, annotate, confirm by a scripted abstractor who knows the gold, compute, compare.

The script works through the same session as the terminal interface: it sees the rows, and accepts, picks, edits, rejects or adds.
"""

import csv
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from abstractor.api import Abstractor
from abstractor.batch.annotate import annotate_registry, unguarded
from abstractor.batch.endpoints import compute_outcomes
from abstractor.batch.ingest import ingest
from abstractor.batch.progress import Progress, silent
from abstractor.model.dates import PartialDate
from abstractor.model.errors import InputError
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence
from abstractor.outcomes.protocol import load_protocol
from abstractor.registry.engine import Registry, create_registry, utc_now
from abstractor.registry.notes import patients
from abstractor.review.rows import Choice, Row
from abstractor.review.session import Session
from abstractor.rulebook.book import RuleBook
from abstractor.sources.reader import note_type_mapper
from abstractor.sources.reading import ReadOptions

ABSTRACTOR = "demo"
NEAR_DAYS = 21
"""A suggested event this near to the true one is the same event, dated wrongly."""


_ROUNDING = 0.011
"""Months."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One fact of a patient, as the one who wrote the notes knows it."""

    field: str
    value: str
    assertion: str
    date: str | None
    end_date: str | None
    attributes: Mapping[str, object]


@dataclass
class Key:
    """What the scripted abstractor knows of one patient."""

    facts: list[Truth] = field(default_factory=list)
    in_notes: set[tuple[str, str, str, str]] = field(default_factory=set)
    """(note, field, value, assertion) of the note-level gold."""
    quotes: dict[tuple[str, str, str], list[tuple[str, int, int]]] = field(default_factory=dict)
    """(field, value, assertion) to the places that state it."""


def samples() -> Path:
    """The folder of sample patients, inside the wheel or beside the package in a checkout."""
    inside = Path(__file__).resolve().parent / "corpus_samples"
    return inside if inside.is_dir() else Path(__file__).resolve().parents[1] / "corpus_samples"


def run_demo(folder: Path, *, progress: Progress = silent) -> str:
    """Does everything in a folder of its own.

    Returns:
        What happened, and the figures beside the truth.

    Raises:
        InputError: the folder holds a registry already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "demo.db").exists():
        raise InputError(f"{folder / 'demo.db'}: a demo ran here already; name an empty folder with --keep")
    nlp = Abstractor.load()
    registry = create_registry(str(folder / "demo.db"))
    try:
        options = ReadOptions(note_type=note_type_mapper(nlp.rulebook.note_types))
        read = ingest(registry, [samples() / "notes"], options)
        done = annotate_registry(registry, nlp.rulebook, unguarded(nlp.annotate_for_registry), progress=progress)
        decided = _abstract_all(registry, nlp.rulebook)
        told = _outcomes(registry, nlp.rulebook, folder / "report")
    finally:
        registry.close()
    work = ", ".join(f"{count} {name}" for name, count in sorted(decided.items()))
    return "\n".join(
        [
            f"{read.added} notes of {done.patients} invented patients read, {len(read.faults)} faults",
            f"{done.findings} findings in {done.with_findings} notes; {done.suggestions} suggestions; "
            f"{len(done.quarantined)} notes set aside",
            *done.quarantined[:5],
            f"the scripted abstractor: {work}",
            *told,
            f"registry: {folder / 'demo.db'}",
            f"report:   {folder / 'report' / 'report.html'}",
        ]
    )


def _abstract_all(registry: Registry, rulebook: RuleBook) -> Counter[str]:
    keys = read_keys(samples())
    decided: Counter[str] = Counter()
    for patient_id in patients(registry):
        session = Session(registry, rulebook, patient_id, ABSTRACTOR, utc_now)
        session.hold.claim()
        decided.update(abstract(session, keys.get(patient_id, Key())))
        session.hold.release()
    return decided


def read_keys(root: Path) -> dict[str, Key]:
    """What is true of each sample patient: `facts.csv` for the patient, `gold.jsonl` for the notes."""
    keys: dict[str, Key] = {}
    with (root / "facts.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            attributes = json.loads(row["attributes"]) if row["attributes"] else {}
            truth = Truth(
                row["field"], row["value"], row["assertion"], row["date"] or None, row["end_date"] or None, attributes
            )
            keys.setdefault(row["patient_id"], Key()).facts.append(truth)
    for line in (root / "gold.jsonl").read_text(encoding="utf-8").split("\n"):
        if line:
            _take_note(json.loads(line), keys)
    return keys


def _take_note(note: dict[str, Any], keys: dict[str, Key]) -> None:
    key = keys.setdefault(note["patient_id"], Key())
    for fact in note["facts"]:
        triple = (fact["field"], fact["value"], fact["assertion"])
        key.in_notes.add((note["note_id"], *triple))
        key.quotes.setdefault(triple, []).extend((note["note_id"], start, end) for start, end in fact["spans"])


def abstract(session: Session, key: Key) -> Counter[str]:
    """Decides every row of a patient, then adds what was not suggested."""
    decided: Counter[str] = Counter()
    waiting = list(key.facts)
    asked = {truth.field for truth in key.facts}
    for row in session.blocking:
        decided[_decide(session, row, waiting, key, asked)] += 1
    for truth in waiting:
        evidence = _evidence(session, key, truth)
        session.add(
            truth.field,
            truth.value,
            assertion=Assertion(truth.assertion),
            date=truth.date,
            end_date=truth.end_date,
            evidence=evidence,
            attributes=truth.attributes,
        )
        decided["added"] += 1
    for row in session.blocking:
        session.not_documented(row.slot)
        decided["not documented"] += 1
    session.close()
    return decided


def _decide(session: Session, row: Row, waiting: list[Truth], key: Key, asked: set[str]) -> str:
    """One row: right as offered, right but for details, or wrong."""
    truth = _true_of(row, waiting)
    if truth is not None:
        waiting.remove(truth)
        return _settle(session, row, truth)
    for number, choice in enumerate(row.choices, 1):
        if row.spec.name not in asked and _stands_in_notes(row, choice, key):
            session.pick(row.slot, number)
            return "picked" if row.conflict else "accepted"
    if not row.choices:
        session.not_documented(row.slot)
        return "not documented"
    if row.spec.name in _NOTE_LEVEL and any(_stands_in_notes(row, choice, key) for choice in row.choices):
        number = next(n for n, choice in enumerate(row.choices, 1) if _stands_in_notes(row, choice, key))
        session.pick(row.slot, number)
        return "picked" if row.conflict else "accepted"
    session.reject(row.slot)
    return "rejected"


_NOTE_LEVEL = frozenset({"systemic_therapy", "therapy_cycles", "ihc", "ecog", "kps", "metastasis"})
"""Fields of which the patient's truth lists only a part: for the rest, what the notes' gold says is right."""


def _true_of(row: Row, waiting: list[Truth]) -> Truth | None:
    """The true fact that answers the row, if any: the same question, of events the nearest one."""
    same = [truth for truth in waiting if truth.field == row.spec.name and _same_question(row, truth)]
    if not same:
        return None
    offered = {choice.value for choice in row.choices}
    return min(same, key=lambda truth: (truth.value not in offered, _apart(row, truth)))


def _same_question(row: Row, truth: Truth) -> bool:
    if row.spec.slot == "patient":
        return True
    choice = row.choices[0] if row.choices else None
    if choice is None or str(choice.assertion) != truth.assertion:
        return False
    if row.spec.slot in {"value", "episode"} and choice.value != truth.value:
        return False
    return row.spec.slot == "value" or truth.date is None or _apart(row, truth) <= NEAR_DAYS


def _apart(row: Row, truth: Truth) -> int:
    """Days between what is offered and what is true; 0 where either is undated."""
    offered = next((choice.date for choice in row.choices if choice.date), None)
    if offered is None or truth.date is None:
        return 0
    return abs((PartialDate.parse(offered).first - PartialDate.parse(truth.date).first).days)


def _settle(session: Session, row: Row, truth: Truth) -> str:
    for number, choice in enumerate(row.choices, 1):
        if (
            choice.value == truth.value
            and str(choice.assertion) == truth.assertion
            and _dates_right(row, choice, truth)
        ):
            session.pick(row.slot, number)
            return "picked" if row.conflict else "accepted"
    session.edit(
        row.slot,
        truth.value,
        assertion=Assertion(truth.assertion),
        date=truth.date,
        end_date=truth.end_date,
        attributes=truth.attributes,
    )
    return "edited"


def _dates_right(row: Row, choice: Choice, truth: Truth) -> bool:
    if row.spec.slot == "patient":
        return True  # the value itself says it
    if row.spec.name == "therapy_line":
        same = choice.date == truth.date and (choice.end_date or choice.date) == (truth.end_date or truth.date)
        return same and set(_words(choice.attributes.get("drugs"))) == set(_words(truth.attributes.get("drugs")))
    if row.spec.name in {"response", "radiotherapy"}:
        return choice.date == truth.date
    return True


def _words(drugs: object) -> list[str]:
    return [str(drug) for drug in drugs] if isinstance(drugs, list | tuple) else []


def _stands_in_notes(row: Row, choice: Choice, key: Key) -> bool:
    triple = (row.spec.name, choice.value, str(choice.assertion))
    return any((one.note_id, *triple) in key.in_notes for one in choice.evidence)


def _evidence(session: Session, key: Key, truth: Truth) -> tuple[Evidence, ...]:
    """The gold's words for a fact, where a note states it."""
    places = key.quotes.get((truth.field, truth.value, truth.assertion), [])
    return tuple(session.notes.quote(*place) for place in places[:1])


def _outcomes(registry: Registry, rulebook: RuleBook, out: Path) -> list[str]:
    truth = json.loads((samples() / "patients.json").read_text(encoding="utf-8"))
    summary = compute_outcomes(
        registry,
        rulebook,
        out,
        protocol=load_protocol(rulebook.root / "protocol.toml"),
        cutoff=date.fromisoformat(truth["data_cutoff"]),
        by="stage_valg",
    )
    return [*summary.lines(), "", *compare(out / "analysis.csv", truth["patients"])]


def compare(analysis: Path, truth: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The endpoints beside the ones worked out by hand, patient by patient; a difference is marked."""
    with analysis.open(encoding="utf-8", newline="") as file:
        computed = {row["patient_id"]: row for row in csv.DictReader(file)}
    lines = [f"{'patient':8} {'OS months':>22} {'PFS months':>22} {'best response':>16}   computed | by hand"]
    differing = 0
    for patient_id, true in sorted(truth.items()):
        row = computed.get(patient_id, {})
        pairs = [(_months(row, end), _true_months(true.get(name))) for end, name in (("os", "os"), ("pfs", "rwpfs"))]
        pairs.append(
            (row.get("confirmed_best_response") or "-", (true.get("best_response_line1") or {}).get("confirmed") or "-")
        )
        same = all(_same(ours, theirs) for ours, theirs in pairs)
        differing += not same
        cells = [f"{ours} | {theirs}" for ours, theirs in pairs]
        lines.append(f"{patient_id:8} {cells[0]:>22} {cells[1]:>22} {cells[2]:>16}{'' if same else '   <- differs'}")
    lines.append(f"{len(truth) - differing} of {len(truth)} patients as worked out by hand")
    return lines


def _same(ours: str, theirs: str) -> bool:
    """Alike as printed; the last digit may be rounded otherwise where the truth was rounded before."""
    try:
        close = abs(float(ours.rstrip("+")) - float(theirs.rstrip("+"))) < _ROUNDING
        return close and ours.endswith("+") == theirs.endswith("+")
    except ValueError:
        return ours == theirs


def _months(row: Mapping[str, str], endpoint: str) -> str:
    months = row.get(f"{endpoint}_months") or ""
    return f"{float(months):.2f}{'' if row.get(f'{endpoint}_event') == '1' else '+'}" if months else "-"


def _true_months(true: Mapping[str, Any] | None) -> str:
    if not true or true.get("months") is None:
        return "-"
    return f"{float(true['months']):.2f}{'' if true['event'] else '+'}"
