"""The sections about patients: who is left out, what is wrong or missing in the data, each patient's times, and the way down to the notes.

Nothing here goes into a shareable report but counts.
"""

from collections.abc import Iterable, Sequence

from abstractor.model.fact import Fact
from abstractor.outcomes.baseline import COLUMNS
from abstractor.outcomes.cohort import exclusions
from abstractor.outcomes.definitions import TITLES, column_title
from abstractor.outcomes.numbers import CENSORED, EVENT, Group, left_out_reason, slug
from abstractor.outcomes.patient import PatientOutcome
from abstractor.outcomes.report.blocks import Block, Cell, Column, Folded, Heading, Paragraph, Quote, table
from abstractor.outcomes.report.main_results import MAIN
from abstractor.outcomes.report.shown import Printer, Results
from abstractor.outcomes.trail import RESPONSE, Step, decided_facts, trail

MOST_TRACED = 300
"""Patients with which the report itself holds the way down to the notes; beyond, `abstractor trace` has it."""
_MOST_QUOTES = 3


def patient_anchor(patient_id: str) -> str:
    """Where a patient stands in the report."""
    return f"patient-{slug(patient_id)}"


def left_out(results: Results, say: Printer) -> list[Block]:
    """Who is not analysed, by name, and why."""
    blocks: list[Block] = [Heading("Not analysed", "left-out")]
    found = exclusions(results.analysis)
    if not found:
        return [*blocks, Paragraph("Nobody was left out.")]
    if results.shareable:
        reasons = sorted({left_out_reason(one) for one in results.analysis.patients if one.excluded})
        by_reason = {
            one: sum(left_out_reason(patient) == one for patient in results.analysis.patients if patient.excluded)
            for one in reasons
        }
        rows = [[Cell(one), Cell(say.count(f"left-out.{slug(one)}.n", n))] for one, n in by_reason.items()]
        return [*blocks, table([Column("Why"), Column("Patients", right=True)], rows)]
    rows = [[Cell(one.patient_id), Cell(one.text)] for one in found]
    return [*blocks, table([Column("Patient"), Column("Why")], rows)]


def faults(results: Results) -> list[Block]:
    """What is wrong in the data, patient by patient."""
    blocks: list[Block] = [Heading("Faults in the data", "faults")]
    found = results.analysis.faults
    if not found:
        return [*blocks, Paragraph("None found.")]
    if results.shareable:
        return [*blocks, Paragraph("Faults are named, patient by patient, in the internal report.")]
    text = "Excluded: shut out of what the fault touches. Warning: told, and computed with as the text says."
    rows = [[Cell(one.patient_id), Cell(one.severity), Cell(one.scope), Cell(one.text)] for one in found]
    columns = [Column("Patient"), Column(""), Column("Touches"), Column("What")]
    return [*blocks, Paragraph(text, "note"), table(columns, rows)]


def missing(results: Results) -> list[Block]:
    """How many analysed patients lack each baseline value."""
    analysis = results.analysis
    n = len(analysis.analysed)
    if results.shareable or not n:
        return []
    rows = []
    for name in (*(one for one in COLUMNS if not one.endswith("_source")), *analysis.protocol.genes):
        unknown = [one.patient_id for one in analysis.analysed if one.baseline.columns.get(name) is None]
        if unknown:
            rows.append([Cell(column_title(name)), Cell(str(len(unknown))), Cell(f"{100 * len(unknown) / n:.0f} %")])
    blocks: list[Block] = [Heading("Missing data", "missing")]
    if not rows:
        return [*blocks, Paragraph("None: every baseline value of every analysed patient is known.")]
    text = f"Of {n} analysed patients. A gene is missing where it was not looked for. Nothing was imputed but days of partial dates."
    columns = [Column("Value"), Column("Unknown", right=True), Column("Share", right=True)]
    return [*blocks, Paragraph(text, "note"), table(columns, rows)]


def patients(results: Results, say: Printer) -> list[Block]:
    """A row a patient."""
    if results.shareable:
        return []
    blocks: list[Block] = [Heading("Patients", "patients")]
    everybody = results.analysis.patients
    if not everybody:
        return [*blocks, Paragraph("None.")]
    columns = [Column("Patient"), Column("Stage"), Column("Line 1"), Column("Best response (confirmed)")]
    columns += [Column(TITLES[name]) for name in MAIN]
    rows = [_patient_row(results, one, say) for one in everybody]
    text = "+: censored. Which decisions each time rests on is below, in tables/trail.csv, and told by abstractor trace PATIENT."
    return [*blocks, table(columns, rows, small=True), Paragraph(text, "note")]


def _patient_row(results: Results, one: PatientOutcome, say: Printer) -> list[Cell]:
    columns = one.baseline.columns
    stage = str(columns["stage_valg"] or "unknown") + (
        " (derived)" if columns["stage_valg_source"] == "derived" else ""
    )
    link = patient_anchor(one.patient_id) if _has_trace(results) else ""
    head = [Cell(one.patient_id, link=link), Cell(stage)]
    if one.excluded:
        return [*head, Cell("", note=f"not analysed: {one.excluded}"), *[Cell("")] * (1 + len(MAIN))]
    first = one.first_line
    if first is None:
        cells = [Cell(""), Cell("")]
    else:
        evaluable = () if first.evaluable else ("not evaluable",)
        cells = [
            Cell(" + ".join(first.line.drugs), (f"from {first.line.start}",)),
            Cell(f"{first.best.value} ({first.confirmed.value})", evaluable),
        ]
    for name in MAIN:
        row = one.endpoints[name]
        flags = f" [{', '.join(row.flags)}]" if row.flags else ""
        time = ""
        if row.event is not None:
            time = f"{say.months(row.days)} mo{'' if row.event else '+'} ({row.days} d), {row.stop}"
        cells.append(Cell(time, note=row.reason + flags))
    return [*head, *cells]


def _has_trace(results: Results) -> bool:
    return not results.shareable and len(results.analysis.patients) <= MOST_TRACED


def trace(results: Results) -> list[Block]:
    """From numbers to patients, and from patients to decisions and quoted words; folded."""
    if results.shareable or not results.analysis.patients:
        return []
    blocks: list[Block] = [Heading("From a number to the words of the notes", "trace")]
    if not _has_trace(results):
        text = f"More than {MOST_TRACED} patients: ask abstractor trace ID --report DIR, or see tables/members.csv and tables/trail.csv."
        return [*blocks, Paragraph(text)]
    blocks.append(
        Paragraph(
            "A number's id is the id of its row followed by that of its column, as os.all.median. Its patients are listed here, each "
            "patient's decisions and the quoted words below; abstractor trace ID tells the same of every number, also of a "
            "step of a curve (os.all@314), a patient (PATIENT, PATIENT/os) or a decision.",
            "note",
        )
    )
    shown = [
        one for one in results.numbers.groups if one.trail and one.id.split(".")[0] in {*MAIN, "orr-confirmed", "orr"}
    ]
    blocks += [Folded(f"{one.id}: {one.title}", tuple(_members(one)), f"number-{slug(one.id)}") for one in shown]
    for outcome in results.analysis.patients:
        parts = tuple(_patient_trail(results, outcome))
        blocks.append(Folded(f"Patient {outcome.patient_id}", parts, patient_anchor(outcome.patient_id)))
    return blocks


def _members(group: Group) -> Iterable[Block]:
    by_day: dict[int, dict[str, list[str]]] = {}
    counted: dict[str, list[str]] = {}
    for one in group.members:
        if one.day is not None and one.role in (EVENT, CENSORED):
            by_day.setdefault(one.day, {}).setdefault(one.role, []).append(one.patient)
        else:
            counted.setdefault(one.role, []).append(one.patient)
    if counted:
        yield table(
            [Column(""), Column("Patients")], [[Cell(role), Cell(", ".join(who))] for role, who in counted.items()]
        )
    if by_day:
        at_risk = len(group.members)
        rows = []
        for day, roles in sorted(by_day.items()):
            told = [Cell(", ".join(roles.get(role, ()))) for role in (EVENT, CENSORED)]
            rows.append([Cell(str(day)), Cell(str(at_risk)), *told, Cell(f"{group.id}@{day}")])
            at_risk -= sum(map(len, roles.values()))
        yield table(
            [
                Column("Day", right=True),
                Column("Followed", right=True),
                Column("Event"),
                Column("Censored"),
                Column("id"),
            ],
            rows,
        )


def _patient_trail(results: Results, outcome: PatientOutcome) -> Iterable[Block]:
    record = results.records.get(outcome.patient_id)
    if record is None:
        return
    if outcome.excluded:
        yield Paragraph(f"Not analysed: {outcome.excluded}", "note")
    for endpoint in (RESPONSE, *MAIN):
        yield Heading("Response to line 1" if endpoint == RESPONSE else TITLES[endpoint], level=4)
        for step in trail(record, outcome, endpoint):
            yield Paragraph(step_words(step))
            yield from _quotes(decided_facts(record, step.decisions))


def step_words(step: Step) -> str:
    """A step in a line."""
    day = f"{step.day} " if step.day else ""
    notes = f" (notes {', '.join(step.notes)})" if step.notes else ""
    return f"{step.what}: {day}{step.text}{notes}"


def _quotes(facts: Sequence[Fact]) -> Iterable[Block]:
    for fact in facts:
        when = f" {fact.date}" if fact.date else ""
        who = f"{fact.source or 'decided'} by {fact.decided_by}" if fact.decided_by else (fact.source or "stated")
        head = f"{fact.field} = {fact.value}{when} · {who}{f' {fact.decided_at[:10]}' if fact.decided_at else ''} · {fact.action_id}"
        if not fact.evidence:
            yield Quote("", f"{head} · no words of a note")
        for one in fact.evidence[:_MOST_QUOTES]:
            yield Quote(one.text, f"{head} · note {one.note_id} [{one.start}:{one.end}]")
