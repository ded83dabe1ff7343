"""The `qa` commands: draw samples, audit them, hand out second readings, tell how it stands, report."""

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abstractor.cli.options import ErrorGroup, db_option, quiet_option, rules_option, user_option
from abstractor.cli.qa_adjudicate import adjudicate_group
from abstractor.cli.qa_desk import desk_of
from abstractor.cli.qa_mail import qa_inbox, query_group
from abstractor.cli.qa_training import qa_noticed, qa_training

if TYPE_CHECKING:
    from abstractor.quality.audit import Audit
    from abstractor.quality.audits import ItemInView
    from abstractor.quality.curves import CurveAgreement
    from abstractor.quality.desk import Desk

_HELP = "a agree | m CODE [VALUE [DATE]] minor | M CODE [VALUE [DATE]] major, without VALUE: does not hold | u undo | s skip | q quit"


@click.group(cls=ErrorGroup)
def qa() -> None:
    """Quality: samples, audits, second readings, adjudication, and the report.

    \b
    A round:  abstractor qa sample may --seed 7
              abstractor qa audit may
              abstractor qa lock may
              abstractor qa report --out quality/
    """  # noqa: D301  (click wants the control character)


@qa.command("sample")
@click.argument("name")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), required=True, help="The same seed draws the same sample.")
@click.option("--per-field", type=click.IntRange(1), help="So many decisions of each field.")
@click.option(
    "--half-width", type=click.FloatRange(0.001, 0.5), help="As many as a 95 % interval of this half-width takes."
)
@click.option("--allowed", type=click.IntRange(0), help="Acceptance plan that allows so many errors (default: 0).")
@click.option(
    "--by", multiple=True, type=click.Choice(["rule", "abstractor", "confidence", "speed", "note_type"]), help="Strata."
)
@click.option("--field", "fields", multiple=True, help="Only this field; may be repeated.")
@click.option(
    "--per-abstractor", type=click.IntRange(0), default=0, help="At least so many decisions of every abstractor."
)
@click.option("--no-targeted", is_flag=True, help="Leave progressions, deaths and conflicts to the draw.")
@click.option("--charts", is_flag=True, help="Draw whole patients for a second reading instead.")
@click.option("--fraction", type=click.FloatRange(0.0, 1.0, min_open=True), help="Of charts: the share to draw.")
@click.option("--reader", "readers", multiple=True, help="Of charts: who reads them; may be repeated.")
@click.option("--hide-suggestions", is_flag=True, help="Of charts: the second reader sees no suggestion.")
@db_option
@rules_option
@user_option
def qa_sample(
    name: str,
    seed: int,
    per_field: int | None,
    half_width: float | None,
    allowed: int | None,
    by: tuple[str, ...],
    fields: tuple[str, ...],
    per_abstractor: int,
    no_targeted: bool,
    charts: bool,
    fraction: float | None,
    readers: tuple[str, ...],
    hide_suggestions: bool,
    db: str,
    rules: Path | None,
    user: str | None,
) -> None:
    """Draws a sample of decisions to be audited (or, with --charts, of patients to be read a second time).

    The size is that of the field's acceptance plan unless you say otherwise. Progressions, deaths and charts with conflicts are taken in full.

    \b
    Examples: abstractor qa sample may --seed 7 --half-width 0.03
              abstractor qa sample blind --seed 7 --charts --reader anna --reader jo --hide-suggestions
    """  # noqa: D301  (click wants the control character)
    from abstractor.quality.audits import Wanted, draw_charts, draw_facts
    from abstractor.quality.conflicts import conflict_finder
    from abstractor.quality.second_readings import assign_sample

    if sum(one is not None for one in (per_field, half_width, allowed)) > 1:
        raise click.UsageError("choose one of --per-field, --half-width and --allowed")
    if readers and not charts:
        raise click.UsageError("--reader goes with --charts")
    with desk_of(db, rules, user) as desk:
        if charts:
            sample = draw_charts(desk, name, seed, fraction)
            given = assign_sample(desk, name, readers, suggesting=not hide_suggestions) if readers else ()
            told = f", {len(given)} given to {len(set(readers))} readers" if readers else ""
        else:
            wanted = Wanted(per_field, half_width, allowed, by or None, per_abstractor, fields, not no_targeted)
            sample, told = draw_facts(desk, name, seed, wanted, conflict_finder(desk)), ""
    drawn = sum(int(one["drawn"]) for one in sample.strata)
    what = "patients" if charts else "decisions"
    click.echo(f"{name}: {drawn} of {sample.frame_size} {what}, {len(sample.strata)} strata, seed {seed}{told}")


@qa.command("audit")
@click.argument("sample")
@click.option("--list", "listed", is_flag=True, help="Only tell what is judged and what is open.")
@db_option
@rules_option
@user_option
def qa_audit(sample: str, listed: bool, db: str, rules: Path | None, user: str | None) -> None:
    """Goes through a sample, a line at a time: agree, or disagree with the class of the error and the right value.

    Example: abstractor qa audit may
    """
    from abstractor.quality.audits import audit_of

    with desk_of(db, rules, user) as desk:
        audit = audit_of(desk, sample)
        if listed:
            for item in audit.items:
                judged = audit.judged.get(item.place)
                state = "open" if judged is None else f"{judged.verdict} {judged.error}".strip()
                click.echo(f"{item.place:5} {item.patient_id:12} {item.field:20} {state}")
            click.echo(_state(audit))
            return
        _audit_loop(desk, sample)


def _state(audit: "Audit") -> str:
    return f"{len(audit.items) - len(audit.open)} of {len(audit.items)} judged{', locked' if audit.locked else ''}"


def _audit_loop(desk: "Desk", sample: str) -> None:
    from abstractor.model.errors import AbstractorError
    from abstractor.quality.audit import Refused
    from abstractor.quality.audits import audit_of, view_item

    click.echo(_HELP)
    skipped: set[int] = set()
    while True:
        audit = audit_of(desk, sample)
        waiting = [one for one in audit.open if one.place not in skipped]
        if not waiting:
            click.echo(_state(audit))
            return
        try:
            click.echo(_item_text(view_item(desk, waiting[0]), len(waiting)))
        except Refused as error:
            click.echo(str(error))
            skipped.add(waiting[0].place)
            continue
        line = sys.stdin.readline()
        words = _words(line)
        if not line or words[:1] == ["q"]:
            click.echo(_state(audit))
            return
        if words[:1] == ["s"]:
            skipped.add(waiting[0].place)
            continue
        try:
            _do(desk, sample, waiting[0].place, words)
        except AbstractorError as error:
            click.echo(str(error))
            if "your own decision" in str(error):
                skipped.add(waiting[0].place)


def _words(line: str) -> list[str]:
    """A value of several words stands in quotes."""
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _item_text(view: "ItemInView", waiting: int) -> str:
    decision = view.decision
    said = " ".join(part for part in (decision.value, decision.date or "", decision.end_date or "") if part)
    lines = [
        f"\n{view.item.place} ({waiting} to go)  {view.item.patient_id}  {decision.field}: {decision.action} {said}".rstrip()
    ]
    lines += [
        f"    {one.note_date or ''} {one.note_type}: {' '.join(one.text.split())}" for one in decision.evidence[:3]
    ]
    if not view.stands:
        lines.append("    (decided anew since it was drawn; the decision above is the one to judge)")
    return "\n".join(lines)


def _do(desk: "Desk", sample: str, place: int, words: list[str]) -> None:
    from abstractor.quality.audit import Refused, Verdict
    from abstractor.quality.audits import judge, undo

    match words:
        case ["a"]:
            judge(desk, sample, place, Verdict.AGREE)
        case ["m" | "M" as how, code, *rest]:
            third = dict(zip(("value", "date"), rest, strict=False))
            verdict = Verdict.MINOR if how == "m" else Verdict.MAJOR
            judge(desk, sample, place, verdict, error=code, third=third or None)
        case ["u"]:
            undo(desk, sample)
        case _:
            raise Refused(_HELP)


@qa.command("lock")
@click.argument("sample")
@db_option
@rules_option
@user_option
def qa_lock(sample: str, db: str, rules: Path | None, user: str | None) -> None:
    """Finishes an audit, and tells which fields pass.

    Example: abstractor qa lock may
    """
    from abstractor.quality.audits import lock
    from abstractor.quality.summary import audit_fields
    from abstractor.registry.quality import sample_of

    with desk_of(db, rules, user) as desk:
        audit = lock(desk, sample)
        for one in audit_fields(desk, sample_of(desk.registry, sample), audit):
            click.echo(f"{one.field:22} {one.acceptance.text}")


@qa.command("reopen")
@click.argument("sample")
@click.option("--reason", required=True, help="Why; it is kept.")
@db_option
@rules_option
@user_option
def qa_reopen(sample: str, reason: str, db: str, rules: Path | None, user: str | None) -> None:
    """Opens a locked audit again.

    Example: abstractor qa reopen may --reason "item 12 was judged on the wrong note"
    """
    from abstractor.quality.audits import reopen

    with desk_of(db, rules, user) as desk:
        click.echo(_state(reopen(desk, sample, reason)))


@qa.command("status")
@db_option
@rules_option
@user_option
def qa_status(db: str, rules: Path | None, user: str | None) -> None:
    """What is drawn, judged, read and settled, and what waits for you.

    Example: abstractor qa status
    """
    from abstractor.quality.adjudication import questions, queue_of
    from abstractor.quality.audits import FACTS, audit_of
    from abstractor.quality.mail import letters, queries
    from abstractor.quality.second_readings import is_finished
    from abstractor.registry.quality import samples
    from abstractor.registry.readings import readings

    with desk_of(db, rules, user) as desk:
        for one in samples(desk.registry):
            told = (
                _state(audit_of(desk, one.name))
                if one.kind == FACTS
                else f"{sum(s['drawn'] for s in one.strata)} charts"
            )
            click.echo(f"sample {one.name}: {told}")
        assigned = readings(desk.registry)
        click.echo(f"second readings: {sum(is_finished(desk, one) for one in assigned)} of {len(assigned)} finished")
        queue = queue_of(desk)
        click.echo(
            f"differences: {len(queue.open)} of {len(queue.differences)} to be settled, {len(questions(desk))} of them by you"
        )
        click.echo(f"queries: {len(queries(desk, unclosed=True))} open")
        click.echo(f"your inbox: {len(letters(desk, unread_only=True))} unread")


@qa.command("report")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for report.html and the tables.")
@click.option("--shareable", is_flag=True, help="No patient's id and no person's name.")
@click.option("--sentences", is_flag=True, help="What the worst rules misread, with words of notes.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the bootstrap intervals.")
@click.option("--curves", is_flag=True, help="Also compare OS and PFS from both readings.")
@click.option("--cutoff", type=click.DateTime(["%Y-%m-%d"]), help="Data cutoff of the curves; default: today.")
@db_option
@rules_option
@user_option
@quiet_option
def qa_report(
    out: Path, shareable: bool, sentences: bool, seed: int, curves: bool, cutoff: datetime | None,
    db: str, rules: Path | None, user: str | None, quiet: bool,
) -> None:  # fmt: skip
    """Writes the quality report: audits, agreement, recall, what waits, time per patient. It holds no words of notes without --sentences.

    Example: abstractor qa report --out quality --shareable
    """
    from abstractor.quality.gathering import gather
    from abstractor.quality.report import write_report

    if sentences and shareable:
        raise click.UsageError("--sentences holds words of notes: it does not go with --shareable")
    with desk_of(db, rules, user) as desk:
        compared = _curves(desk, cutoff or datetime.now(UTC), seed) if curves else ()
        files = write_report(
            desk, gather(desk, seed=seed, curves=compared, with_words=sentences), out, shareable=shareable
        )
    if not quiet:
        click.echo(f"{len(files)} files in {out}", err=True)


def _curves(desk: "Desk", cutoff: datetime, seed: int) -> "tuple[CurveAgreement, ...]":
    """OS and PFS of the patients that were read twice."""
    from abstractor.outcomes.lines import drug_groups
    from abstractor.outcomes.protocol import load_protocol
    from abstractor.quality.curves import agree_curves
    from abstractor.quality.second_readings import both_records

    first, second = both_records(desk)
    protocol = load_protocol(desk.book.root / "protocol.toml")
    groups = drug_groups(desk.book)
    found = (
        agree_curves(first, second, name, protocol=protocol, cutoff=cutoff.date(), groups=groups, seed=seed)
        for name in ("os", "pfs")
    )
    return tuple(one for one in found if one is not None)


qa.add_command(adjudicate_group)
qa.add_command(qa_inbox)
qa.add_command(query_group)
qa.add_command(qa_training)
qa.add_command(qa_noticed)
