"""A registry in which every table holds something, and the same registry as an earlier program would have made it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from abstracted import fill, note_of, quoted
from sqlalchemy import MetaData, Table, func, insert, select

from abstractor.model.decision import Action, Decision
from abstractor.model.finding import Assertion, Finding
from abstractor.model.note import Note
from abstractor.registry import engine as engines
from abstractor.registry.chain import audited_tables, linked, reference
from abstractor.registry.decisions import record
from abstractor.registry.drafts import save_draft
from abstractor.registry.engine import Registry
from abstractor.registry.exportlog import log_export
from abstractor.registry.findings import pending, store_findings
from abstractor.registry.leases import claim
from abstractor.registry.notes import add_notes
from abstractor.registry.people_changes import add_person
from abstractor.registry.quality import (
    Difference,
    Message,
    Sample,
    SampleItem,
    Step,
    add_differences,
    add_sample,
    take_step,
)
from abstractor.registry.readings import Reading, ReadingLog, add_reading
from abstractor.registry.signatures import sign
from abstractor.registry.tables import Base
from abstractor.registry.tally import keep, tallies

AT = "2024-05-01T08:00:00.000+00:00"
HARD = "Stage\0 IV \x10 \u2028 é😀\r\n"
"""Characters that one database or the other finds hard."""

Content = dict[str, list[tuple[Any, ...]]]


def live_in(registry: Registry) -> Registry:
    """Puts at least one row into every table."""
    fill(registry)
    add_notes(registry, [Note("N-P3", HARD, "P3", "2024-03-01", "clinic"), Note("N9", HARD, "P9")], "test")
    _annotate(registry)
    undone = Decision("again", "P2", "stage.valg", Action.UNDO, "ann", AT, field="stage.valg", undoes="d4", reason=HARD)
    record(registry, undone, seen=10**9)
    _quality(registry)
    claim(registry, "P9", "ann", clock=lambda: AT)
    claim(registry, "P9", "max", take_over=True, reason=HARD, clock=lambda: _later(hours=1))
    claim(registry, "P3", "max", clock=lambda: AT)
    save_draft(registry, "ann", "P1", "histology", HARD, lambda: AT)
    log_export(
        registry, "e1", user="ann", profile="identified", format_name="facts", rows={"facts.csv": 3}, sha256="0" * 64
    )
    registry.attempt(lambda connection: keep(connection, tallies(connection)[1]))
    registry.login = "ann"
    add_person(registry, "ann", ["admin", "abstractor"], full_name="Dr Ann", clock=lambda: AT)
    sign(registry, "P1", "abstracted", "ann", clock=lambda: AT)
    return registry


def _annotate(registry: Registry) -> None:
    for note in pending(registry, "rules-1"):
        if note.note_id != "N-P2":
            continue
        words, cited = quoted("P2", "Limited stage"), note_of("P2")
        found = Finding(
            note_id=cited.note_id, patient_id="P2", note_date=cited.note_date, note_type=cited.note_type,
            field="stage.valg", value="limited", assertion=Assertion.PRESENT, start=words.start, end=words.end,
            text=words.text, rule="r1", rulebook="rules-1", confidence=0.9, attributes={"vaf": 0.125, "drugs": ["a"]},
        )  # fmt: skip
        store_findings(registry, note, [found], rulebook="rules-1", engine="test")


def _quality(registry: Registry) -> None:
    """A sample, a step, a second reading, a difference and a message."""
    item = SampleItem("s1", 1, "P1", "stage.valg", "d0", "stage.valg", HARD)
    strata = ({"name": HARD, "domain": "all", "size": 4, "drawn": 1},)
    add_sample(registry, Sample("s1", "facts", 7, {"size": 1}, 4, "f" * 64, strata, "max", AT), [item])
    told = Message("m1", "ann", "max", AT, "P1", "", "query", "q1", HARD)
    take_step(registry, Step("q1", "audit", "s1", "1", "right", "max", AT, {"comment": HARD}), seen=0, messages=[told])
    reading = add_reading(registry, Reading("r1", "P4", "ann", True, "", "max", AT))
    read = Decision("b1", "P4", "stage.valg", Action.EDIT, "ann", AT, "stage.valg", "extensive", reason=HARD)
    ReadingLog(registry, reading).record(read, seen=0)
    sides = ({"value": "limited", "evidence": [{"text": HARD}]}, None)
    add_differences(
        registry, [Difference("x1", "r1", "P4", "stage.valg", "stage.valg", "value", False, "max", "ann", *sides, AT)]
    )


def as_made_by(schema: str, today: Registry, name: str) -> None:
    """Makes the registry that a program of `schema` would have, of what a registry of today holds, as far as it knew of it.

    Args:
        schema: of the earlier program.
        today: where the rows come from.
        name: a path or URL where there is nothing yet.
    """
    older = engines._connect(engines.registry_url(name))
    engines._migrate(older.engine, schema)
    here = reflected(older)
    with today.read() as read, older.engine.begin() as written:
        for table in Base.metadata.sorted_tables:
            if table.name not in here.tables:
                continue
            shared = [column for column in table.columns if column.name in here.tables[table.name].columns]
            rows = [dict(row) for row in read.execute(select(*shared).order_by(*table.primary_key)).mappings()]
            if table.name == "audit":
                rows = _entries(rows, known=set(here.tables))
            if rows:
                written.execute(insert(table), rows)
        _continue_numbers(older, here, written)
    older.close()


def _entries(rows: Iterable[dict[str, Any]], known: set[str]) -> list[dict[str, Any]]:
    """The chain over the tables that the earlier program had."""
    return linked([row for row in rows if row["kind"] in known], 0, "", AT)


def _continue_numbers(older: Registry, here: MetaData, connection: Any) -> None:
    """A server numbers from where the rows end."""
    if connection.dialect.name != "postgresql":
        return
    for name in here.tables.keys() & Base.metadata.tables.keys():
        column = Base.metadata.tables[name].autoincrement_column
        if column is not None:
            last = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
            connection.execute(select(func.setval(func.pg_get_serial_sequence(name, column.name), last, False)))


def reflected(registry: Registry) -> MetaData:
    """The tables that are there."""
    found = MetaData()
    with registry.engine.connect() as connection:
        found.reflect(connection)
    return found


def content(registry: Registry, tables: MetaData) -> Content:
    """All rows of the tables, as they are stored, in the order of their keys; of the columns that `tables` knows."""
    with registry.engine.connect() as connection:
        return {
            table.name: _rows(connection, table) for table in tables.sorted_tables if table.name != "alembic_version"
        }


def _rows(connection: Any, table: Table) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]


def standing_rows(registry: Registry) -> list[tuple[str, str]]:
    """Table and key of every row that must be in the audit chain, by table and key."""
    with registry.engine.connect() as connection:
        return [
            (kind, reference(key))
            for kind in audited_tables()
            for key in connection.execute(
                select(*Base.metadata.tables[kind].primary_key).order_by(*Base.metadata.tables[kind].primary_key)
            )
        ]


def _later(**by: int) -> str:
    return (datetime.fromisoformat(AT) + timedelta(**by)).isoformat(timespec="milliseconds")
