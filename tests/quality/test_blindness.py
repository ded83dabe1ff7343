"""Who knows the first reading does not read the patient blind, and who reads it does not judge the first reading."""

from collections.abc import Callable

import pytest

from abstractor.model.decision import Action, Decision
from abstractor.model.errors import RegistryError
from abstractor.quality.adjudication import adjudicate, questions, queue_reading, send_to_meeting
from abstractor.quality.at_screen import QualityWork
from abstractor.quality.audit import Refused, Verdict
from abstractor.quality.audits import Wanted, audit_of, draw_charts, draw_facts, judge, view_item
from abstractor.quality.desk import Desk
from abstractor.quality.mail import ask, letters, open_to, queries
from abstractor.quality.second_readings import assign, assign_sample
from abstractor.registry.activity import item_counts
from abstractor.registry.quality import SampleItem, take_step
from abstractor.registry.readings import Reading, ReadingLog, read_twice

pytestmark = pytest.mark.both_databases

Desks = Callable[[str], Desk]


def an_item(desk: Desk, patient_id: str) -> SampleItem:
    """The first item of a patient in a sample of everything."""
    draw_facts(desk, "may", 1, Wanted(per_field=100))
    return next(one for one in audit_of(desk, "may").items if one.patient_id == patient_id)


def given(desk: Desks, patient_id: str, reader: str) -> Reading:
    return assign(desk("qa"), patient_id, reader, suggesting=False)


def close(desk: Desks, reading: Reading) -> None:
    """The second reader states one stage and closes."""
    log, mine = ReadingLog(desk("qa").registry, reading), desk(reading.reader)
    for slot, action, value in (("stage.valg", Action.ADD, "extensive"), ("", Action.CLOSE, "")):
        decision = Decision(mine.new_id(), reading.patient_id, slot, action, mine.user, mine.clock(), slot, value=value)
        log.record(decision, seen=0)


def audited(desk: Desks) -> None:
    judge(desk("jo"), "may", an_item(desk("qa"), "P1").place, Verdict.AGREE)


def settled(desk: Desks) -> None:
    reading = given(desk, "P1", "max")
    close(desk, reading)
    queue_reading(desk("qa"), reading)
    one = questions(desk("jo"))[0]
    send_to_meeting(desk("jo"), one.difference, "hard")


def was_written_to(desk: Desks) -> None:
    ask(desk("ann"), "P1", "stage.valg", "jo", "limited, do you think?")


@pytest.mark.parametrize(
    ("come_to_know", "told"),
    [(audited, "has audited it"), (settled, "both sides of a difference"), (was_written_to, "was written to about it")],
)
def test_who_came_to_know_the_first_reading_is_not_given_the_patient(
    desk: Desks, come_to_know: Callable[[Desks], None], told: str
) -> None:
    come_to_know(desk)
    with pytest.raises(RegistryError, match=told):
        given(desk, "P1", "jo")
    given(desk, "P2", "jo")


def test_where_nobody_may_read_a_patient_each_is_named_with_the_reason(desk: Desks) -> None:
    audited(desk)
    draw_charts(desk("qa"), "blind", 3)
    with pytest.raises(
        Refused, match=r"P1: none of these may read it blind \(jo has audited it.*; ann has decided on it"
    ):
        assign_sample(desk("qa"), "blind", ["jo", "ann"], suggesting=False)


@pytest.mark.parametrize("closed", [False, True])
def test_the_second_reader_does_not_audit_the_patient_neither_before_nor_after(desk: Desks, closed: bool) -> None:
    item = an_item(desk("qa"), "P1")
    reading = given(desk, "P1", "jo")
    if closed:
        close(desk, reading)
    with pytest.raises(Refused, match="second reader of this patient"):
        judge(desk("jo"), "may", item.place, Verdict.AGREE)
    with pytest.raises(Refused, match="second reader of this patient"):
        view_item(desk("jo"), item)
    judge(desk("pi"), "may", item.place, Verdict.AGREE)


def test_the_registry_refuses_such_a_judgement_whoever_asks(desk: Desks) -> None:
    item = an_item(desk("qa"), "P1")
    given(desk, "P1", "jo")
    with pytest.raises(RegistryError, match="jo is the second reader"):
        take_step(desk("qa").registry, desk("jo").step("audit", "may", str(item.place), "agree"), seen=0)
    assert audit_of(desk("qa"), "may").judged == {}


def test_a_second_reader_settles_no_difference_of_another_reading_of_the_patient(desk: Desks) -> None:
    given(desk, "P1", "jo")
    reading = given(desk, "P1", "max")
    close(desk, reading)
    queue_reading(desk("qa"), reading)
    assert questions(desk("jo")) == ()
    one = questions(desk("pi"))[0]
    for act in (
        lambda: adjudicate(desk("jo"), one.difference, "A", error="HUM"),
        lambda: send_to_meeting(desk("jo"), one.difference),
    ):
        with pytest.raises(Refused, match="read this patient a second time"):
            act()


def test_an_audit_shows_the_second_reader_nothing_of_the_patient_until_the_reading_is_closed(desk: Desks) -> None:
    item = an_item(desk("qa"), "P1")
    reading = given(desk, "P1", "jo")
    work = QualityWork(desk("qa").registry, desk("qa").book, "jo", clock=desk("qa").clock)
    opened = work.audit("may")
    assert item.place in opened.hidden
    assert {one.patient_id for one in opened.decisions.values()} == {"P2", "P3", "P4"}
    assert "P1" not in {one.patient_id for one in opened.waiting}
    with pytest.raises(Refused, match="second reader"):
        work.judge(opened, item.place, "agree")
    close(desk, reading)
    assert work.audit("may").decisions[item.action_id].patient_id == "P1"


def test_letters_and_questions_about_the_patient_are_kept_back_until_the_reading_is_closed(desk: Desks) -> None:
    reading = given(desk, "P1", "jo")
    ask(desk("ann"), "P1", "stage.valg", "jo", "limited, do you think?")
    assert letters(desk("jo")) == ()
    assert open_to(desk("jo"), queries(desk("jo"))) == ()
    with pytest.raises(Refused, match="you read it blind"):
        ask(desk("jo"), "P1", "stage.valg", "ann", "what did you take?")
    close(desk, reading)
    assert [one.text for one in letters(desk("jo"))] == ["limited, do you think?"]
    assert len(open_to(desk("jo"), queries(desk("jo")))) == 1


def test_what_everybody_made_of_the_items_leaves_out_who_is_read_blind(desk: Desks) -> None:
    registry = desk("qa").registry
    whole = item_counts(registry, "jo")["stage.valg"][Action.ACCEPT]
    reading = given(desk, "P1", "jo")
    assert item_counts(registry, "jo")["stage.valg"][Action.ACCEPT] == whole - 1
    assert item_counts(registry, "pi")["stage.valg"][Action.ACCEPT] == whole
    close(desk, reading)
    assert item_counts(registry, "jo")["stage.valg"][Action.ACCEPT] == whole
    assert read_twice(registry, "jo") == {"P1"}
