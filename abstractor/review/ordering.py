"""The order of the rows, and which of them comes next. Pure.

One kind of question at a time: groups in the order of the form, what is in conflict first within a group. What is hardly believed is asked
after everything else, and never left out.
"""

from collections.abc import Iterable, Mapping, Sequence

from abstractor.review.rows import Row, State
from abstractor.rulebook.schema import FieldSpec


def order_rows(
    rows: Iterable[Row],
    fields: Mapping[str, FieldSpec],
    by: str = "item",
    doubted: float = 0.0,
    first: Sequence[str] = (),
) -> tuple[Row, ...]:
    """Sorts rows; where they stand does not depend on what was decided, so no row moves under the cursor.

    Args:
        rows: rows of one patient.
        fields: the registry's questions, in the order of the form.
        by: `item`; `confidence` (the least certain first); `note` (by the place of the first evidence).
        doubted: in the order of items, questions all of whose suggestions are less sure than this come last.
        first: fields or groups that come before all others, in this order.
    """
    place = {name: number for number, name in enumerate(fields)}
    groups = _group_places(fields)

    def item(row: Row) -> tuple[object, ...]:
        return (
            _wanted_first(row, first),
            groups.get(row.spec.group, len(place)),
            not row.conflict,
            place.get(row.spec.name, len(place)),
            row.date or "9999",
            row.slot,
        )

    if by == "confidence":
        return tuple(sorted(rows, key=lambda row: (not row.conflict, row.confidence, item(row))))
    if by == "note":
        return tuple(sorted(rows, key=lambda row: (_first_place(row), item(row))))
    return tuple(sorted(rows, key=lambda row: (_doubted(row, doubted), item(row))))


def _wanted_first(row: Row, first: Sequence[str]) -> int:
    return next((number for number, name in enumerate(first) if name in {row.spec.name, row.spec.group}), len(first))


def _doubted(row: Row, limit: float) -> bool:
    """Whether nothing that was found for a row is believed; what stands by a person's word does not move it."""
    found = [choice.confidence for choice in row.choices if choice.origin != "standing"]
    return bool(found) and max(found) < limit


def _group_places(fields: Mapping[str, FieldSpec]) -> dict[str, int]:
    """A group stands where its last field stands: the course of the illness, which frames treatment, comes after it."""
    return {spec.group: number for number, spec in enumerate(fields.values())}


def _first_place(row: Row) -> tuple[object, ...]:
    first = next(iter(row.evidence), None)
    return ("9999", "", 0) if first is None else (first.note_date or "9999", first.note_id, first.start)


def next_open(rows: Sequence[Row], slot: str | None) -> Row | None:
    """The row to go to after a decision on `slot`: the next undecided one, from the top again at the end.

    Deferred rows come back only when nothing else is open.
    """
    at = next((number for number, row in enumerate(rows) if row.slot == slot), -1)
    behind = [*rows[at + 1 :], *rows[: at + 1]]
    waiting = [row for row in behind if row.open and row.slot != slot]
    return next((row for row in waiting if row.state is not State.DEFERRED), waiting[0] if waiting else None)


def open_rows(rows: Iterable[Row]) -> tuple[Row, ...]:
    """What keeps a patient from being closed."""
    return tuple(row for row in rows if row.open)


def alike(rows: Iterable[Row], row: Row) -> tuple[Row, ...]:
    """The undecided rows that suggest the same single value for the same field, this one among them."""
    if len(row.choices) != 1:
        return ()
    wanted = (row.spec.name, row.choices[0].value, row.choices[0].assertion)
    return tuple(
        one
        for one in rows
        if one.state is State.SUGGESTED and (one.spec.name, one.choices[0].value, one.choices[0].assertion) == wanted
    )
