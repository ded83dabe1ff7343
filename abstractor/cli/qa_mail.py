"""The `qa` commands by which people ask and answer: the inbox, and queries."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from abstractor.cli.options import ErrorGroup, db_option, rules_option, user_option
from abstractor.cli.qa_desk import desk_of

if TYPE_CHECKING:
    from abstractor.quality.mail import Query


@click.command("inbox")
@click.option("--all", "everything", is_flag=True, help="Also what was read.")
@db_option
@rules_option
@user_option
def qa_inbox(everything: bool, db: str, rules: Path | None, user: str | None) -> None:
    """Shows what was sent to you, and marks it as read.

    Example: abstractor qa inbox --user anna
    """
    from abstractor.quality.mail import letters, read_letter

    with desk_of(db, rules, user) as desk:
        for one in letters(desk, unread_only=not everything):
            click.echo(f"{one.sent_at[:16]} {one.kind} from {one.sender}, patient {one.patient_id}: {one.text}")
            if one.read_at is None:
                read_letter(desk, one.message)


@click.group("query", cls=ErrorGroup)
def query_group() -> None:
    """Asks somebody about a value, answers, and closes what is settled."""


@query_group.command("ask")
@click.argument("patient")
@click.argument("question")
@click.argument("text")
@click.option("--to", required=True, help="Who is to answer.")
@db_option
@rules_option
@user_option
def query_ask(patient: str, question: str, text: str, to: str, db: str, rules: Path | None, user: str | None) -> None:
    """Opens a query about a QUESTION (a field, or a row such as response@2024-03-01) of a patient.

    Example: abstractor qa query ask S001 stage.valg "Which CT is this from?" --to anna
    """
    from abstractor.quality.mail import ask

    with desk_of(db, rules, user) as desk:
        click.echo(_told(ask(desk, patient, question, to, text)))


@query_group.command("list")
@click.option("--all", "everything", is_flag=True, help="Also closed ones.")
@db_option
@rules_option
@user_option
def query_list(everything: bool, db: str, rules: Path | None, user: str | None) -> None:
    """Shows the queries, each with what was said.

    Example: abstractor qa query list
    """
    from abstractor.quality.mail import open_to, queries

    with desk_of(db, rules, user) as desk:
        for one in open_to(desk, queries(desk, unclosed=not everything)):
            click.echo(_told(one))
            for at, who, said in one.thread:
                click.echo(f"    {at[:16]} {who}: {said}")


@query_group.command("answer")
@click.argument("query")
@click.argument("text")
@db_option
@rules_option
@user_option
def query_answer(query: str, text: str, db: str, rules: Path | None, user: str | None) -> None:
    """Answers a query; the first characters of its id are enough.

    Example: abstractor qa query answer 3f0c "CT of 2 March, page 2."
    """
    from abstractor.quality.mail import answer, find_query

    with desk_of(db, rules, user) as desk:
        click.echo(_told(answer(desk, find_query(desk, query).query, text)))


@query_group.command("close")
@click.argument("query")
@click.option("--text", default="closed", help="A last word.")
@db_option
@rules_option
@user_option
def query_close(query: str, text: str, db: str, rules: Path | None, user: str | None) -> None:
    """Closes a query; only who asked may.

    Example: abstractor qa query close 3f0c
    """
    from abstractor.quality.mail import close_query, find_query

    with desk_of(db, rules, user) as desk:
        click.echo(_told(close_query(desk, find_query(desk, query).query, text)))


def _told(one: "Query") -> str:
    return f"{one.query[:8]} {one.state:8} patient {one.patient_id}, {one.slot}: {one.asked_by} asked {one.asked_of}"
