"""The quality report: one HTML file that needs nothing else, and CSV tables beside it. Holds no words of notes, unless the worst rules' were asked for.

For others (`shareable`) it names no patient and no person.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from abstractor.evaluation.intervals import exact_interval
from abstractor.outcomes.figures.style import Picture
from abstractor.outcomes.report.blocks import (
    Block,
    Card,
    Cards,
    Cell,
    Column,
    Contents,
    Figures,
    Heading,
    Page,
    Paragraph,
    Quote,
    Table,
    Terms,
    table,
)
from abstractor.outcomes.report.html import render_html
from abstractor.outcomes.writing import write_table, write_text
from abstractor.quality.agreement import Estimate
from abstractor.quality.desk import Desk
from abstractor.quality.figures import Row, describe, share_picture
from abstractor.quality.gathering import Gathered, differences_by_kind
from abstractor.quality.matching import CAVEAT
from abstractor.quality.rule_answers import Period, worst_rules
from abstractor.quality.summary import FieldAudit
from abstractor.registry.judgements import RuleRecord

_WORST_RULES = 20
_TERMS = (
    ("Right", "The auditor agreed without reserve. The interval says where the share in the whole registry lies, 95 times in 100."),
    ("Passes", "Whether the field's errors are few enough, by its acceptance plan; a failed field is to be abstracted again where it failed."),
    ("F1", "Of all facts that either reader stated, weighted: how many both did. 100 % means that nobody missed or added one."),
    ("Interval", "Where the true figure lies, 95 times in 100. Of shares of facts it takes patients as the units: facts of one patient are missed together."),
    ("Alpha", "Like kappa, for any number of readers, with gaps; Fleiss' kappa is that of the patients whom the most readers read."),
    ("Kappa", "Agreement beyond what chance would give; 1 is full agreement. Where one answer is rare it falls though readers agree: then read PABAK and AC1."),
    ("Recall", "Of the facts the other reader found, the share that this one found too."),
    ("Facts in all", f"How many facts there may be, with those both missed. {CAVEAT}"),
)  # fmt: skip


def write_report(desk: Desk, found: Gathered, out: Path, *, shareable: bool = False) -> tuple[Path, ...]:
    """Writes `report.html` and the tables.

    Args:
        desk: for labels and targets.
        found: what is told.
        out: the folder.
        shareable: leaves out patients' ids and persons' names.

    Returns:
        The files.

    Raises:
        InputError: the folder can't be written.
    """
    files = [write_text(out / "report.html", render_html(report_page(desk, found, shareable=shareable)))]
    for name, rows in _tables(found, shareable).items():
        columns = list(dict.fromkeys(key for row in rows for key in row)) or ["empty"]
        files.append(write_table(out / f"{name}.csv", columns, rows))
    return tuple(files)


def report_page(desk: Desk, found: Gathered, *, shareable: bool = False) -> Page:
    """The report as blocks."""
    body: list[Block] = [
        *_audits(desk, found),
        *_agreement(desk, found),
        *_curves(found),
        *_open(desk, found, shareable),
        *_rules(found),
        *_behaviour(desk, found),
        Heading("What the words mean", "words"),
        Terms(_TERMS),
    ]
    contents = [(one.anchor, one.text) for one in body if isinstance(one, Heading) and one.anchor]
    return Page("Quality of the registry", (*_top(desk, found, shareable), Contents(tuple(contents)), *body))


def _top(desk: Desk, found: Gathered, shareable: bool) -> list[Block]:
    over = found.coverage
    failed = [
        _label(desk, one.field) for _, _, fields in found.audits for one in fields if one.acceptance.verdict == "failed"
    ]
    judged = sum(one.judged for _, _, fields in found.audits for one in fields)
    wrong = sum(one.major for _, _, fields in found.audits for one in fields)
    unclosed = [one for one in found.queries if one.state != "closed"]
    time = "none timed" if found.median_minutes is None else f"{found.median_minutes:.1f} min"
    blocks: list[Block] = [
        Paragraph(
            f"As of {found.made_at[:10]}." + (" No patient and no person is named." if shareable else ""), "note"
        ),
        Cards(
            (
                Card("Audited decisions", str(judged), f"{wrong} major errors", f"{len(found.audits)} samples"),
                Card(
                    "Second readings",
                    str(len(found.comparisons)),
                    f"{len(found.readings)} assigned",
                    "both readers closed",
                ),
                Card(
                    "Waiting",
                    str(len(found.queue.open)),
                    f"{len(unclosed)} open {'query' if len(unclosed) == 1 else 'queries'}",
                    "differences to be settled",
                ),
                Card("Time per patient", time, f"{len(found.minutes)} patients", "median, pauses left out"),
            )
        ),
        Paragraph(
            f"{over.closed} of {over.patients} patients closed; {over.notes_of_closed} of {over.notes} notes are theirs; "
            f"{over.undecided} of {over.suggested} suggestions wait for a decision."
        ),
    ]
    if failed:
        blocks.append(Paragraph(f"Failed its audit: {', '.join(dict.fromkeys(failed))}.", "alarm"))
    return blocks


def _audits(desk: Desk, found: Gathered) -> list[Block]:
    blocks: list[Block] = [Heading("Audits", "audits")]
    if not found.audits:
        return [*blocks, Paragraph("No sample has been drawn yet: `abstractor qa sample`.", "note")]
    for sample, audit, fields in found.audits:
        state = "locked" if audit.locked else f"{len(audit.open)} still open"
        blocks.append(Heading(f"Sample {sample.name}", level=3))
        blocks.append(
            Paragraph(
                f"{len(audit.items)} of {sample.frame_size} decisions, drawn {sample.drawn_at[:10]} with seed {sample.seed} in "
                f"{len(sample.strata)} strata; {state}.",
                "note",
            )
        )
        blocks += _pictured(
            share_picture(f"audit_{sample.name}", "Without an error that counts, by field", _rows(desk, fields))
        )
        blocks.append(_audit_table(desk, fields))
    return [*blocks, *_error_table(desk, found)]


def _rows(desk: Desk, fields: Iterable[FieldAudit]) -> list[Row]:
    """What a minor error is to the field's class, it is in the figure too."""
    made = []
    for one in fields:
        group = desk.rules.rules_of(one.field)
        made.append(
            Row(_label(desk, one.field), one.right if "minor" in group.counted else one.sound, 1 - group.error_limit)
        )
    return made


def _audit_table(desk: Desk, fields: Iterable[FieldAudit]) -> Table:
    columns = [
        Column("Field"), Column("Class"), Column("Audited", right=True), Column("Minor", right=True), Column("Major", right=True),
        Column("Right"), Column("Of what was stated"), Column("Passes"),
    ]  # fmt: skip
    rows = [
        [
            Cell(_label(desk, one.field), strong=True),
            Cell(one.group),
            Cell(f"{one.judged} of {one.drawn}", note=f"{one.frame} in all"),
            Cell(str(one.minor)),
            Cell(str(one.major)),
            _cell(one.right),
            _cell(one.precision),
            Cell(one.acceptance.verdict, note=one.acceptance.text.removeprefix(f"{one.acceptance.verdict}: ")),
        ]
        for one in fields
    ]
    return table(columns, rows, small=True)


def _error_table(desk: Desk, found: Gathered) -> list[Block]:
    if not found.errors:
        return []
    labels = {one.code: one.label for one in desk.rules.errors}
    rows = [
        [Cell(code, strong=True), Cell(labels.get(code, "")), Cell(_label(desk, field)), Cell(str(count))]
        for (field, code), count in sorted(found.errors.items(), key=lambda one: (-one[1], one[0]))
    ]
    columns = [Column("Error"), Column("Meaning"), Column("Field"), Column("Times", right=True)]
    return [Heading("What went wrong", level=3), table(columns, rows, small=True)]


def _agreement(desk: Desk, found: Gathered) -> list[Block]:
    blocks: list[Block] = [Heading("Agreement of two readers", "agreement")]
    if not found.comparisons:
        return [*blocks, Paragraph("No second reading is finished yet.", "note")]
    targets = desk.rules.targets
    rows = [Row(_label(desk, one.field), one.f1, targets.f1) for one in found.agreement]
    blocks += _pictured(share_picture("agreement", "F1 of the two readings, by field", rows))
    columns = [
        Column("Field"), Column("Patients", right=True), Column("Both / first / second only"), Column("F1"), Column("Recall, first reader"),
        Column("Recall, second reader"), Column("Facts in all"), Column("Same answer"), Column("Kappa"), Column("PABAK · AC1"), Column("Dates"),
    ]  # fmt: skip
    made = []
    for one in found.agreement:
        dates = tuple(f"±{days} d {describe(share)}" for days, share in one.dates)
        bias = (
            ""
            if one.bias is None
            else f"bias {one.bias.bias:+.1f} d, limits {one.bias.low:+.1f} to {one.bias.high:+.1f} d"
        )
        made.append([
            Cell(_label(desk, one.field), strong=True),
            Cell(str(one.patients)),
            Cell(f"{one.found.both} / {one.found.first_only} / {one.found.second_only}"),
            _cell(one.f1),
            _cell(one.first_recall),
            _cell(one.second_recall),
            Cell("" if one.total.value is None else f"{one.total.value:.0f}", below=_limits(one.total, "{:.0f}")),
            _cell(one.percent),
            _coefficient(one.kappa, targets.kappa if one.group == "critical" else None),
            Cell(" · ".join("–" if each.value is None else f"{each.value:.2f}" for each in (one.pabak, one.ac1))),
            Cell("", below=dates, note=bias),
        ])  # fmt: skip
    blocks.append(table(columns, made, small=True))
    blocks += _many(desk, found)
    kinds = [
        [Cell(_label(desk, field), strong=True), Cell(kind), Cell(str(count))]
        for (field, kind), count in sorted(differences_by_kind(found.comparisons).items())
    ]
    if kinds:
        blocks.append(Heading("Where they differ", level=3))
        blocks.append(table([Column("Field"), Column("Difference"), Column("Times", right=True)], kinds, small=True))
    return blocks


def _many(desk: Desk, found: Gathered) -> list[Block]:
    if not found.many:
        return []
    rows = [
        [Cell(_label(desk, one.field), strong=True), Cell(str(one.patients)), Cell(str(one.most_readers)), _coefficient(one.alpha, None),
         _coefficient(one.fleiss, None)]
        for one in found.many
    ]  # fmt: skip
    columns = [
        Column("Field"), Column("Patients", right=True), Column("Readers, at most", right=True), Column("Krippendorff’s alpha"), Column("Fleiss’ kappa"),
    ]  # fmt: skip
    return [Heading("More than two readers", level=3), table(columns, rows, small=True)]


def _drift(found: Gathered) -> list[Block]:
    if not found.drift:
        return []
    rows = [
        [Cell(one.rule, strong=True), Cell(one.since), Cell(f"{one.before[0]} of {one.before[1]}"), Cell(f"{one.after[0]} of {one.after[1]}"),
         Cell(f"{one.p:.3f}")]
        for one in found.drift
    ]  # fmt: skip
    columns = [Column("Rule"), Column("Since"), Column("Let stand before"), Column("Let stand since"), Column("p")]
    text = "Let stand less often in the newest month than before, more than chance explains (Fisher, Holm): has the source changed, or the rule?"
    return [Heading("Rules that got worse", level=3), Paragraph(text, "note"), table(columns, rows, small=True)]


def _curves(found: Gathered) -> list[Block]:
    if not found.curves:
        return []
    rows = [
        [
            Cell(one.endpoint.upper(), strong=True),
            Cell(str(one.patients), note=f"{one.only_one} in one reading only" if one.only_one else ""),
            Cell(_days(one.first_median)),
            Cell(_days(one.second_median)),
            Cell(_days(one.median_difference.value), below=_limits(one.median_difference, "{:.0f}")),
            _coefficient(one.hazard_ratio, None),
        ]
        for one in found.curves
    ]
    columns = [
        Column("Endpoint"), Column("Patients", right=True), Column("Median, first"), Column("Median, second"), Column("Difference, days"),
        Column("Hazard ratio"),
    ]  # fmt: skip
    text = "The same patients' endpoints from both readings; a hazard ratio near 1 and a small difference mean that it does not matter who read."
    return [Heading("Survival from both readings", "curves"), Paragraph(text, "note"), table(columns, rows)]


def _days(days: float | None) -> str:
    return "NE" if days is None else f"{days:.0f} d"


def _open(desk: Desk, found: Gathered, shareable: bool) -> list[Block]:
    waiting = max(found.waiting, default=0)
    blocks: list[Block] = [
        Heading("Differences and queries", "open"),
        Paragraph(
            f"{len(found.queue.outcomes)} of {len(found.queue.differences)} differences are settled; {len(found.queue.open)} wait, "
            f"the longest for {waiting} days."
        ),
    ]
    if found.overturned:
        rows = [
            [Cell(_label(desk, field), strong=True), Cell(f"{lost} of {settled}"), Cell(_interval(lost, settled))]
            for field, (lost, settled) in sorted(found.overturned.items())
        ]
        columns = [Column("Field"), Column("First reading not upheld"), Column("95 % interval")]
        blocks.append(table(columns, rows, small=True))
    unclosed = [one for one in found.queries if one.state != "closed"]
    blocks.append(Paragraph(f"{len(unclosed)} queries are open, {len(found.queries) - len(unclosed)} closed."))
    if unclosed and not shareable:
        rows = [
            [
                Cell(one.patient_id),
                Cell(one.slot),
                Cell(one.state),
                Cell(one.asked_at[:10]),
                Cell(f"{one.asked_by} to {one.asked_of}"),
            ]
            for one in unclosed
        ]
        columns = [Column("Patient"), Column("Question"), Column("State"), Column("Asked"), Column("By")]
        blocks.append(table(columns, rows, small=True))
    return blocks


def _interval(hits: int, n: int) -> str:
    limits = exact_interval(hits, n)
    return "" if limits is None else f"{limits[0]:.0%} to {limits[1]:.0%}"


def _rules(found: Gathered) -> list[Block]:
    worst = worst_rules(found.rules.values())
    rows = [
        [
            Cell(one.rule, strong=True), Cell(one.field), Cell(str(one.fired)), Cell(str(one.accepted + one.picked)), Cell(str(one.edited)),
            Cell(str(one.replaced + one.rejected)), Cell(f"{one.right / one.judged:.0%}", below=(_interval(one.right, one.judged),)),
        ]
        for one in worst[:_WORST_RULES]
    ]  # fmt: skip
    columns = [
        Column("Rule"), Column("Field"), Column("Fired", right=True), Column("Accepted", right=True), Column("Edited", right=True),
        Column("Refused", right=True), Column("Right"),
    ]  # fmt: skip
    blocks: list[Block] = [
        Heading("Rules", "rules"),
        Paragraph(
            "The worst first, by the upper limit of what is right; what they misread: `abstractor qa report --sentences`.",
            "note",
        ),
    ]
    blocks.append(table(columns, rows, small=True))
    blocks += _drift(found)
    blocks += [Quote(one.text, f"{one.rule}: {one.field} {one.value}, note {one.note_id}") for one in found.words]
    for title, periods in (("Over time", found.months), ("By source", found.sources), ("By rulebook", found.rulebooks)):
        if periods:
            blocks += [Heading(title, level=3), _periods(periods)]
    return [*blocks, *_silent(found), *_retired(found)]


def _silent(found: Gathered) -> list[Block]:
    """A rule that is in force and finds nothing is no fault by itself, but somebody should know of it."""
    if not found.quiet.in_force:
        return []
    text = (
        f"In force, of {found.listed} rules that the rulebook has by name, and nothing found in the notes that are here: what they look for is not in "
        "these notes, or the rule does not work."
    )
    rows = [[Cell(one.rule, strong=True), Cell(str(one.judged)), Cell(str(one.right))] for one in found.quiet.in_force]
    columns = [Column("Rule"), Column("Judged earlier", right=True), Column("Let stand", right=True)]
    return [
        Heading("Rules in force that found nothing", level=3),
        Paragraph(text, "note"),
        table(columns, rows, small=True),
    ]


def _retired(found: Gathered) -> list[Block]:
    if not found.quiet.retired:
        return []
    text = "No longer in the rulebook. Their record is kept, for what they once suggested stands under their name."
    rows = [
        [
            Cell(one.rule, strong=True), Cell(one.field), Cell(str(one.accepted + one.picked)), Cell(str(one.edited)),
            Cell(str(one.replaced + one.rejected)), Cell(f"{one.right / one.judged:.0%}" if one.judged else "–"),
        ]
        for one in found.quiet.retired
    ]  # fmt: skip
    columns = [
        Column("Rule"), Column("Field"), Column("Accepted", right=True), Column("Edited", right=True), Column("Refused", right=True),
        Column("Right"),
    ]  # fmt: skip
    return [Heading("Retired rules", level=3), Paragraph(text, "note"), table(columns, rows, small=True)]


def _periods(periods: Iterable[Period]) -> Table:
    rows = [[Cell(one.group, strong=True), Cell(str(one.judged)), _cell(one.right)] for one in periods]
    return table([Column(""), Column("Judged", right=True), Column("Value let stand")], rows, small=True)


def _behaviour(desk: Desk, found: Gathered) -> list[Block]:
    blocks: list[Block] = [
        Heading("How suggestions are taken", "behaviour"),
        Paragraph(
            f"Rates of items, not of persons: what is believed without looking is first a fault of the screen. {found.runs} fast runs "
            "(thirty acceptances in a row, each under a second).",
            "note",
        ),
    ]
    for trait, groups in found.behaviour:
        rows = [
            [
                Cell(_label(desk, one.group) if trait == "field" else one.group, strong=True),
                Cell(str(one.offered)),
                _cell(one.accepted),
                Cell("" if one.seconds is None else f"{one.seconds:.1f}"),
                _cell(one.fast),
            ]
            for one in groups
        ]
        columns = [
            Column(trait.capitalize()), Column("Decided", right=True), Column("Taken as it was"), Column("Seconds (median)", right=True),
            Column("Faster than a glance"),
        ]  # fmt: skip
        if rows:
            blocks.append(table(columns, rows, small=True))
    return blocks


def _cell(one: Estimate) -> Cell:
    if one.value is None:
        return Cell("–")
    return Cell(f"{one.value:.1%}", below=_limits(one, "{:.0%}"))


def _coefficient(one: Estimate, wanted: float | None) -> Cell:
    if one.value is None:
        return Cell("–")
    note = f"below {wanted:g}" if wanted is not None and one.value < wanted else ""
    return Cell(f"{one.value:.2f}", below=_limits(one, "{:.2f}"), note=note)


def _limits(one: Estimate, form: str) -> tuple[str, ...]:
    if one.lower is None or one.upper is None:
        return ()
    return (f"{form.format(one.lower)} to {form.format(one.upper)}",)


def _pictured(picture: Picture | None) -> list[Block]:
    return [] if picture is None else [Figures((picture,))]


def _label(desk: Desk, name: str) -> str:
    spec = desk.book.fields.get(name)
    return spec.label if spec is not None else name


def _estimate(name: str, one: Estimate) -> dict[str, object]:
    return {name: one.value, f"{name}_lower": one.lower, f"{name}_upper": one.upper, f"{name}_n": one.n}


def _never(found: Gathered) -> list[RuleRecord]:
    """Rules in force that neither found anything nor were ever judged."""
    return [one for one in found.quiet.in_force if one.rule not in found.rules]


def _state_of(found: Gathered, rule: str) -> str:
    if rule in {one.rule for one in found.quiet.retired}:
        return "retired"
    return "in force, found nothing" if rule in {one.rule for one in found.quiet.in_force} else "in force"


def _tables(found: Gathered, shareable: bool) -> Mapping[str, list[dict[str, object]]]:
    tables: dict[str, list[dict[str, object]]] = {
        "audits": [
            {
                "sample": sample.name, "field": one.field, "class": one.group, "frame": one.frame, "drawn": one.drawn, "judged": one.judged,
                "minor": one.minor, "major": one.major, **_estimate("right", one.right), "method": one.right.method,
                **_estimate("sound", one.sound), **_estimate("precision", one.precision), "verdict": one.acceptance.verdict,
                "in_words": one.acceptance.text,
            }
            for sample, _, fields in found.audits
            for one in fields
        ],
        "agreement": [
            {
                "field": one.field, "class": one.group, "patients": one.patients, **asdict(one.found), **_estimate("f1", one.f1),
                **_estimate("recall_first", one.first_recall), **_estimate("recall_second", one.second_recall),
                **_estimate("facts_in_all", one.total), **_estimate("percent", one.percent), **_estimate("kappa", one.kappa),
                **_estimate("pabak", one.pabak), **_estimate("ac1", one.ac1),
                **{f"within_{days}_days": share.value for days, share in one.dates},
            }
            for one in found.agreement
        ],
        "rules": [asdict(one) | {"state": _state_of(found, one.rule)} for one in (*found.rules.values(), *_never(found))],
    }  # fmt: skip
    if not shareable:
        tables["differences"] = [
            {
                "patient_id": one.patient_id, "field": one.field, "slot": one.slot, "kind": one.kind, "queued_at": one.queued_at,
                "outcome": found.queue.outcomes[one.difference].content["choice"] if one.difference in found.queue.outcomes else "",
                "error": found.queue.outcomes[one.difference].content["error"] if one.difference in found.queue.outcomes else "",
            }
            for one in found.queue.differences
        ]  # fmt: skip
        tables["queries"] = [
            {
                "patient_id": one.patient_id,
                "slot": one.slot,
                "state": one.state,
                "asked_at": one.asked_at,
                "turns": len(one.thread),
            }
            for one in found.queries
        ]
    return tables
