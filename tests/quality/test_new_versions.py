"""A note has a new version: second readers look again at what rests on it, as first readers do, and the note's own changes are no differences."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from abstractor.model.decision import Action, Decision
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence
from abstractor.quality.adjudication import queue_reading
from abstractor.quality.at_screen import QualityWork
from abstractor.quality.audit import Refused
from abstractor.quality.desk import Desk
from abstractor.quality.second_readings import assign, compare, is_finished, open_reading
from abstractor.registry.decisions import case_of, record
from abstractor.registry.notes import Ingested, add_notes
from abstractor.registry.readings import Reading, ReadingLog
from abstractor.review.config import ReviewConfig

pytestmark = pytest.mark.both_databases

Desks = Callable[[str], Desk]
NOTE = Note("N-P1", "Limited stage. PR on CT.", "P1", "2024-03-01", "clinic")
"""As it stands in the registry of `conftest.py`."""


@pytest.fixture
def reading(desk: Desks) -> Reading:
    """Jo reads P1 a second time, and has stated a stage on the words of its note."""
    made = assign(desk("qa"), "P1", "jo", suggesting=False)
    state(desk, made, "stage.valg", Action.ADD, "extensive")
    return made


def state(desk: Desks, reading: Reading, slot: str, action: Action, value: str = "") -> None:
    note, mine = NOTE, desk("jo")
    quoted = (Evidence(note.note_id, 0, 7, "Limited", note.sha256),) if value else ()
    decision = Decision(mine.new_id(), "P1", slot, action, "jo", mine.clock(), slot, value, evidence=quoted)
    ReadingLog(mine.registry, reading).record(decision, seen=0)


def arrives(desk: Desks, text: str) -> Ingested:
    """The note of P1 comes in again, with another text."""
    return add_notes(desk("qa").registry, [replace(NOTE, text=text)], "test", desk("qa").clock)


def first(desk: Desks, slot: str, action: Action, value: str = "") -> None:
    """The first reader does something."""
    mine = desk("ann")
    decision = Decision(mine.new_id(), "P1", slot, action, "ann", mine.clock(), slot, value)
    record(mine.registry, decision, seen=10**9)


def test_what_rests_on_it_is_marked_to_be_looked_at_again_and_stands(desk: Desks, reading: Reading) -> None:
    report = arrives(desk, "Extensive stage. PR on CT.")
    case = ReadingLog(desk("qa").registry, reading).case_of("P1")
    assert case.recheck == {"stage.valg"}
    assert case.current["stage.valg"].value == "extensive"
    assert report.rechecks == 6  # five of the first reader's, one of the second's
    session = open_reading(desk("jo"), reading, ReviewConfig(close_open=True))
    assert session.row("stage.valg").changed == "a note it rests on has a new version"
    assert session.row("stage.valg") in session.blocking
    session.not_documented("stage.valg")
    assert session.case.recheck == frozenset()


def test_the_desk_says_how_many(desk: Desks, reading: Reading) -> None:
    arrives(desk, "Extensive stage. PR on CT.")
    [item] = QualityWork(desk("qa").registry, desk("qa").book, "jo").items("jo")
    assert item.state == "1 decided, 1 to look at again, no suggestions"


def test_the_same_text_again_asks_nothing(desk: Desks, reading: Reading) -> None:
    assert arrives(desk, NOTE.text).rechecks == 0
    assert not ReadingLog(desk("qa").registry, reading).case_of("P1").recheck


def test_two_closed_readings_rest_on_the_same_words_and_are_compared_as_they_are(desk: Desks, reading: Reading) -> None:
    state(desk, reading, "", Action.CLOSE)
    before = compare(desk("qa"), reading).pairs
    arrives(desk, "Extensive stage. PR on CT.")
    assert is_finished(desk("qa"), reading)
    assert compare(desk("qa"), reading).pairs == before


def test_a_second_reader_who_saw_the_new_version_waits_for_the_first_one_to_look_again(
    desk: Desks, reading: Reading
) -> None:
    arrives(desk, "Extensive stage. PR on CT.")
    state(desk, reading, "stage.valg", Action.EDIT, "extensive")
    state(desk, reading, "", Action.CLOSE)
    with pytest.raises(Refused, match="the first reader has not looked again at 5 decisions"):
        compare(desk("qa"), reading)
    first(desk, "", Action.REOPEN)
    for slot, held in sorted(case_of(desk("qa").registry, "P1").current.items()):
        first(desk, slot, held.action, "extensive" if slot == "stage.valg" else held.value)
    first(desk, "", Action.CLOSE)
    kinds = {one.field: str(one.kind) for one in compare(desk("qa"), reading).pairs}
    assert kinds["stage.valg"] == "same"


def test_a_closed_second_reading_is_opened_again_where_the_first_one_is_not_closed(
    desk: Desks, reading: Reading
) -> None:
    first(desk, "", Action.REOPEN)
    state(desk, reading, "", Action.CLOSE)
    arrives(desk, "Extensive stage. PR on CT.")
    case = ReadingLog(desk("qa").registry, reading).case_of("P1")
    assert not case.closed
    assert case.recheck == {"stage.valg"}


def test_what_is_before_the_adjudicator_stays_closed_for_good(desk: Desks, reading: Reading) -> None:
    state(desk, reading, "", Action.CLOSE)
    assert queue_reading(desk("qa"), reading)
    first(desk, "", Action.REOPEN)
    arrives(desk, "Extensive stage. PR on CT.")
    case = ReadingLog(desk("qa").registry, reading).case_of("P1")
    assert case.closed
    assert not case.recheck
