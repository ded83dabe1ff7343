"""`abstractor evaluate`: annotates the gold's notes and scores the findings against its facts."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from abstractor.api import Abstractor
from abstractor.evaluation import Counts, GoldNote, Scores, score
from abstractor.evaluation.intervals import f1_intervals
from abstractor.evaluation.reliability import Reliability, reliability, reliability_table
from abstractor.evaluation.scores import counts_in
from abstractor.files import whole_file
from abstractor.model.finding import Finding
from abstractor.model.note import Note
from abstractor.sources.reader import note_type_mapper
from abstractor.sources.reading import ReadOptions
from abstractor.workbench.corpus import read_gold

Pairs = Sequence[tuple[Note, GoldNote]]
GROUPS = ("note_type", "file")
"""What figures may be given by."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for beside the table."""

    json_file: Path | None = None
    errors_file: Path | None = None
    reliability_file: Path | None = None
    by: str | None = None


def run_evaluation(
    paths: Sequence[Path], rules: Path | None, wanted: Wanted, progress: Callable[[int, int | None], None]
) -> str:
    """Scores all files together.

    Returns:
        The tables of figures.

    Raises:
        InputError: a file or row is not in the gold format, or a file can't be written.
    """
    nlp = Abstractor.load(rules)
    options = ReadOptions(note_type=note_type_mapper(nlp.rulebook.note_types))
    files = {path.name: read_gold(path, options) for path in paths}
    rows = [pair for pairs in files.values() for pair in pairs]
    findings: list[Finding] = []
    for done, (note, _) in enumerate(rows, 1):
        findings.extend(nlp.annotate(note))
        progress(done, len(rows))
    absent = [name for name, spec in nlp.rulebook.fields.items() if spec.absent_counts]
    scores = score([gold for _, gold in rows], findings, absent)
    intervals = f1_intervals(scores.notes)
    groups = _groups(scores, files, wanted.by)
    believed = reliability(judged_facts((gold for _, gold in rows), findings, absent))
    told = [table(scores, intervals, len(rows))]
    if groups:
        told.append(_group_table(wanted.by or "", groups))
    if wanted.reliability_file is not None:
        from abstractor.workbench.figures import write_reliability

        write_reliability(wanted.reliability_file, believed)
        told.append(reliability_table(believed))
    if wanted.json_file is not None:
        figures = _figures(scores, intervals, groups, believed)
        with whole_file(wanted.json_file) as file:
            cast("IO[str]", file).write(json.dumps(figures, indent=1) + "\n")
    if wanted.errors_file is not None:
        from abstractor.workbench.errors import explain_errors, write_errors

        notes = {note.note_id: (note, gold) for note, gold in rows}
        write_errors(wanted.errors_file, explain_errors(scores, notes, nlp.explain, nlp.sentences))
    return "\n\n".join(told)


def judged_facts(
    gold: Iterable[GoldNote], findings: Iterable[Finding], absent_fields: Iterable[str]
) -> list[tuple[float, bool]]:
    """Confidence of each fact found that counts in the main figures (that of its surest mention), and whether the gold has it."""
    counted = frozenset(absent_fields)
    surest: dict[str, dict[tuple[str, str, str], float]] = defaultdict(dict)
    for one in findings:
        triple = (one.field, one.value, str(one.assertion))
        if counts_in(triple, counted):
            surest[one.note_id][triple] = max(one.confidence, surest[one.note_id].get(triple, 0.0))
    return [
        (confidence, triple in {fact.triple for fact in note.facts})
        for note in gold
        for triple, confidence in surest.get(note.note_id, {}).items()
    ]


def _groups(scores: Scores, files: Mapping[str, Pairs], by: str | None) -> dict[str, tuple[int, Counts]]:
    """Notes and counts of each group of notes."""
    groups: dict[str, tuple[int, Counts]] = {}
    for name, pairs in files.items():
        for note, _ in pairs if by else ():
            group = name if by == "file" else note.note_type
            notes, counts = groups.get(group, (0, Counts()))
            for one in scores.notes.get(note.note_id, {}).values():
                counts.add(one)
            groups[group] = notes + 1, counts
    return groups


def _figures(
    scores: Scores,
    intervals: Mapping[str, tuple[float, float]],
    groups: Mapping[str, tuple[int, Counts]],
    believed: Reliability,
) -> dict[str, object]:
    row = scores.row()
    return {
        **row,
        "f1_intervals": {name: list(limits) for name, limits in intervals.items()},
        "reliability": believed.row(),
        **({"groups": {name: {"notes": n, **counts.row()} for name, (n, counts) in groups.items()}} if groups else {}),
    }


def table(scores: Scores, intervals: Mapping[str, tuple[float, float]], notes: int) -> str:
    """The figures as text, a line a field."""
    row = scores.row()
    lines = [f"{'field':18} {'tp':>5} {'fp':>5} {'fn':>5}  {'prec':>6} {'recall':>6} {'F1':>6}  95 % interval"]
    lines += [_line(name, counts, intervals.get(name)) for name, counts in row["fields"].items()]
    lines.append(_line("all (micro)", row["micro"], intervals.get("micro")))
    lines += [_line(f"  {name}", counts) for name, counts in sorted(row["assertions"].items(), reverse=True)]
    lines.append(
        f"macro F1 {row['macro_f1']:.3f}; evidence overlaps in {row['evidence_overlap']:.3f} of hits; {notes} notes"
    )
    lines += [_line(f"({name})", counts) for name, counts in row["other_assertions"].items()]
    return "\n".join(lines)


def _group_table(by: str, groups: Mapping[str, tuple[int, Counts]]) -> str:
    lines = [f"{by:18} {'tp':>5} {'fp':>5} {'fn':>5}  {'prec':>6} {'recall':>6} {'F1':>6}  notes"]
    lines += [f"{_line(name[:18], counts.row())}  {notes}" for name, (notes, counts) in sorted(groups.items())]
    return "\n".join(lines)


def _line(name: str, counts: Mapping[str, float], interval: tuple[float, float] | None = None) -> str:
    figures = f"{counts['precision']:6.3f} {counts['recall']:6.3f} {counts['f1']:6.3f}"
    limits = f"  {interval[0]:.3f} to {interval[1]:.3f}" if interval else ""
    return f"{name:18} {counts['tp']:5.0f} {counts['fp']:5.0f} {counts['fn']:5.0f}  {figures}{limits}"
