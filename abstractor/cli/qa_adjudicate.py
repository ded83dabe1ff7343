"""The `qa adjudicate` commands: what two readers see differently, queued, told and settled."""

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from abstractor.cli.options import ErrorGroup, db_option, rules_option, user_option
from abstractor.cli.qa_desk import desk_of

if TYPE_CHECKING:
    from abstractor.quality.adjudication import Question


@click.group("adjudicate", cls=ErrorGroup)
def adjudicate_group() -> None:
    """Settles what two readers see differently; their names stay hidden."""


@adjudicate_group.command("queue")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the sides.")
@click.option("--minor", is_flag=True, help="Also differences within the tolerance.")
@db_option
@rules_option
@user_option
def adjudicate_queue(seed: int, minor: bool, db: str, rules: Path | None, user: str | None) -> None:
    """Puts the differences of all finished second readings, and the major errors of locked audits, into the queue.

    Example: abstractor qa adjudicate queue
    """
    from abstractor.quality.adjudication import queue_audit, queue_reading
    from abstractor.quality.audits import FACTS, audit_of
    from abstractor.quality.second_readings import finished
    from abstractor.registry.quality import samples
    from abstractor.registry.readings import readings

    with desk_of(db, rules, user) as desk:
        done = finished(desk, readings(desk.registry))
        new = sum(queue_reading(desk, one.reading, seed=seed, minor=minor) for one in done)
        locked = [one.name for one in samples(desk.registry) if one.kind == FACTS and audit_of(desk, one.name).locked]
        new += sum(queue_audit(desk, name, seed=seed, minor=minor) for name in locked)
    click.echo(f"{new} new differences from {len(done)} second readings and {len(locked)} audits")


@adjudicate_group.command("list")
@db_option
@rules_option
@user_option
def adjudicate_list(db: str, rules: Path | None, user: str | None) -> None:
    """What waits for you, the two sides in random order.

    Example: abstractor qa adjudicate list
    """
    from abstractor.quality.adjudication import questions

    with desk_of(db, rules, user) as desk:
        for one in questions(desk):
            click.echo(_question_text(one))


def _question_text(one: "Question") -> str:
    lines = [f"{one.difference}  patient {one.patient_id}  {one.field} ({one.kind})"]
    for side in one.sides:
        said = " ".join(part for part in (side.value, side.date, side.end_date) if part) or "nothing"
        quoted = "; ".join(" ".join(part.text.split()) for part in side.evidence[:2])
        lines.append(f"    {side.label}: {said}" + (f"   “{quoted}”" if quoted else ""))
    return "\n".join(lines)


@adjudicate_group.command("settle")
@click.argument("difference")
@click.argument("choice", type=click.Choice(["A", "B", "third", "unresolvable"]))
@click.option("--error", required=True, help="Class of the error, e.g. TEMP.")
@click.option("--value", help="Of a third value.")
@click.option("--date", "day", help="Of a third value.")
@click.option("--comment", default="", help="Told to the readers.")
@db_option
@rules_option
@user_option
def adjudicate_settle(
    difference: str, choice: str, error: str, value: str | None, day: str | None, comment: str,
    db: str, rules: Path | None, user: str | None,
) -> None:  # fmt: skip
    """Settles one difference: the outcome becomes the registry's value, credited to you.

    Example: abstractor qa adjudicate settle 3f0c… A --error TEMP
    """
    from abstractor.quality.adjudication import Choice, adjudicate

    if (choice == "third") != (value is not None):
        raise click.UsageError("--value goes with the choice `third`, and with no other")
    chosen: Choice = next(one for one in get_args(Choice) if one == choice)
    third = {"value": value, "date": day} if value is not None else None
    with desk_of(db, rules, user) as desk:
        decision = adjudicate(desk, difference, chosen, error=error, third=third, comment=comment)
    click.echo(f"{decision.patient_id} {decision.field}: {decision.action} {decision.value}".rstrip())
