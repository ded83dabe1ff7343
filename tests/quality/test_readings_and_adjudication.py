"""A blind second reading stays apart from the registry; what differs is settled by a third person who knows no name."""

from collections.abc import Callable, Mapping

import pytest

from abstractor.model.decision import Action, Decision
from abstractor.model.errors import RegistryError, StaleCase
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.quality.adjudication import (
    adjudicate,
    as_question,
    overturned,
    questions,
    queue_audit,
    queue_of,
    queue_reading,
    reopen_difference,
)
from abstractor.quality.audit import Refused, Verdict
from abstractor.quality.audits import Wanted, draw_charts, draw_facts, judge, lock
from abstractor.quality.comparing import Kind, compare_facts, found
from abstractor.quality.desk import Desk
from abstractor.quality.mail import answer, ask, close_query, letters, queries, read_letter
from abstractor.quality.second_readings import assign, assign_sample, both_records, compare, is_finished, open_reading
from abstractor.quality.settings import QualityRules
from abstractor.registry.decisions import case_of, decisions_of
from abstractor.registry.quality import items_of
from abstractor.registry.readings import Reading, ReadingLog
from abstractor.registry.suggestions import replace_suggestions
from abstractor.review.config import ReviewConfig
from abstractor.rulebook.schema import FieldSpec

Desks = Callable[[str], Desk]
REGISTRIES = ("sqlite", "postgresql")

OPEN = ReviewConfig(close_open=True)


def read_again(desk: Desks, *, suggesting: bool = False, closed: bool = True) -> Reading:
    """Max reads P1 again: another stage, the progression nine days later, no death, and a metastasis of the bone."""
    reading = assign(desk("qa"), "P1", "max", suggesting=suggesting)
    session = open_reading(desk("max"), reading, OPEN)
    session.add("stage.valg", "extensive")
    session.add("response", "PR", date="2024-03-01")
    session.add("response", "PD", date="2024-06-10")
    session.add("metastasis", "bone")
    if closed:
        session.log.record(
            Decision(desk("max").new_id(), "P1", "", Action.CLOSE, "max", desk("max").clock()),
            seen=session.case.version,
        )
    return reading


def test_the_second_reader_sees_no_decision_of_the_first_and_writes_none_to_the_registry(desk: Desks) -> None:
    before = decisions_of(desk("qa").registry, "P1")
    reading = assign(desk("qa"), "P1", "max", suggesting=False)
    session = open_reading(desk("max"), reading, OPEN)
    assert session.case.current == {}
    assert all(row.decision is None and not row.choices for row in session.rows)
    session.add("stage.valg", "extensive")
    assert decisions_of(desk("qa").registry, "P1") == before
    assert session.case.current["stage.valg"].value == "extensive"
    session.undo()
    assert "stage.valg" not in session.case.current


@pytest.mark.parametrize("suggesting", [True, False])
def test_suggestions_are_shown_or_hidden_as_the_arm_says(desk: Desks, suggesting: bool) -> None:
    offered = Suggestion("P1", "stage.valg", "stage.valg", "limited", Assertion.PRESENT, confidence=0.9)
    replace_suggestions(desk("qa").registry, "P1", [offered])
    session = open_reading(desk("max"), assign(desk("qa"), "P1", "max", suggesting=suggesting), OPEN)
    assert bool(session.row("stage.valg").choices) is suggesting


def test_the_second_reader_is_somebody_else(desk: Desks) -> None:
    with pytest.raises(RegistryError, match="somebody else"):
        assign(desk("qa"), "P1", "ann", suggesting=True)
    reading = assign(desk("qa"), "P1", "max", suggesting=True)
    with pytest.raises(Refused, match="max's"):
        open_reading(desk("jo"), reading)
    foreign = Decision("x", "P1", "stage.valg", Action.ADD, "jo", "2024-05-01T08:00:00+00:00", value="limited")
    with pytest.raises(RegistryError, match="nothing was saved"):
        ReadingLog(desk("qa").registry, reading).record(foreign, seen=0)


def test_the_same_decision_of_a_reading_twice_is_one(desk: Desks) -> None:
    reading = assign(desk("qa"), "P1", "max", suggesting=True)
    log = ReadingLog(desk("qa").registry, reading)
    quoted = Evidence("N-P1", 0, 7, "Limited")
    decision = Decision(
        "x", "P1", "stage.valg", Action.ADD, "max", "2024-05-01T08:00:00+00:00", value="limited", evidence=(quoted,),
        attributes={"drugs": ["carboplatin"]},
    )  # fmt: skip
    assert log.record(decision, seen=0) == log.record(decision, seen=0)
    assert log.decisions_of("P1") == (log.record(decision, seen=0),)
    assert log.decisions_of("P2") == ()


def test_patients_are_dealt_out_and_nobody_gets_their_own(desk: Desks) -> None:
    draw_charts(desk("qa"), "blind", 3)
    given = assign_sample(desk("qa"), "blind", ["ann", "max"], suggesting=False)
    assert {one.patient_id: one.reader for one in given} == {"P1": "max", "P2": "max", "P3": "ann", "P4": "ann"}
    assert assign_sample(desk("qa"), "blind", ["ann", "max"], suggesting=False) == ()
    assert len(items_of(desk("qa").registry, "blind")) == 4


def test_two_readings_are_compared_only_when_both_are_closed(desk: Desks) -> None:
    reading = read_again(desk, closed=False)
    assert not is_finished(desk("qa"), reading)
    with pytest.raises(Refused, match="not closed the second reading"):
        compare(desk("qa"), reading)


def test_the_comparison_says_what_differs_and_how_badly(desk: Desks) -> None:
    pairs = {one.slot: one for one in compare(desk("qa"), read_again(desk)).pairs}
    told = {slot: (one.kind, one.minor, one.days) for slot, one in pairs.items()}
    assert told == {
        "stage.valg": (Kind.VALUE, False, None),
        "response@2024-03-01": (Kind.SAME, False, 0),
        "response@2024-06-01": (Kind.DATE, False, 9),
        "death_date": (Kind.FIRST_ONLY, False, None),
        "metastasis:bone": (Kind.SECOND_ONLY, False, None),
    }
    counts = found(list(pairs.values()))
    assert (counts.both, counts.first_only, counts.second_only) == (2, 2, 2)


def test_tolerances_are_those_of_the_settings(fields: Mapping[str, FieldSpec], rules: QualityRules) -> None:
    def one(field: str, value: str, date: str | None = None, **attributes: object) -> Fact:
        return Fact("P1", field, value, date=date, attributes=attributes, slot=field)

    def kinds(first: Fact, second: Fact) -> list[tuple[Kind, bool]]:
        return [(pair.kind, pair.minor) for pair in compare_facts([first], [second], fields, rules)]

    assert kinds(one("death_date", "2024-12-01"), one("death_date", "2024-12-06")) == [(Kind.DATE, True)]
    assert kinds(one("death_date", "2024-12-01"), one("death_date", "2025-01-06")) == [(Kind.DATE, False)]
    assert kinds(one("death_date", "2024-12"), one("death_date", "2024-12-06")) == [(Kind.DATE, True)]
    assert kinds(one("stage.t", "T2"), one("stage.t", "T2a")) == [(Kind.VALUE, True)]
    assert kinds(one("primary_site", "right_lung"), one("primary_site", "right_hilum")) == [(Kind.VALUE, True)]
    assert kinds(one("response", "PR", "2024-01-01"), one("response", "SD", "2024-01-03")) == [(Kind.VALUE, False)]
    assert kinds(one("response", "PD", "2024-01-01"), one("response", "PD", "2024-03-01")) == [
        (Kind.FIRST_ONLY, False),
        (Kind.SECOND_ONLY, False),
    ]
    assert kinds(one("therapy_line", "1", "2024-01-01", drugs=["a", "b"]), one("therapy_line", "1", "2024-01-01", drugs=["b", "a"])) == [
        (Kind.SAME, False)
    ]  # fmt: skip
    assert kinds(one("therapy_line", "1", "2024-01-01", drugs=["a"]), one("therapy_line", "1", "2024-01-01", drugs=["b"])) == [
        (Kind.ATTRIBUTES, False)
    ]  # fmt: skip


def queued(desk: Desks) -> None:
    assert queue_reading(desk("qa"), read_again(desk), seed=4) == 4


def test_the_adjudicator_sees_no_name_and_the_readers_see_no_question(desk: Desks) -> None:
    queued(desk)
    shown = questions(desk("pi"))
    assert len(shown) == 4
    assert not {"ann", "max"} & set(repr(shown).replace("'", " ").split())
    assert questions(desk("ann")) == questions(desk("max")) == ()


def test_sides_are_random_and_come_out_the_same_again(desk: Desks) -> None:
    queued(desk)
    assert queue_reading(desk("qa"), queue_reading_of(desk), seed=99) == 0  # queued already: the stored sides stay
    stage = next(one for one in queue_of(desk("qa")).differences if one.field == "stage.valg")
    sides = [side.value for side in as_question(stage).sides]
    assert sides == (["extensive", "limited"] if stage.swapped else ["limited", "extensive"])


def queue_reading_of(desk: Desks) -> Reading:
    from abstractor.registry.readings import readings

    return readings(desk("qa").registry)[0]


def settle_field(desk: Desks, field: str, value: str | None, who: str = "pi", **how: object) -> Decision:
    """Chooses the side that states a value."""
    one = next(one for one in questions(desk(who)) if one.field == field)
    choice = next(side.label for side in one.sides if side.value == value)
    return adjudicate(desk(who), one.difference, choice, error="HUM", **how)  # type: ignore[arg-type]


def test_the_outcome_is_the_registrys_value_credited_to_the_adjudicator_with_both_originals_kept(desk: Desks) -> None:
    queued(desk)
    settle_field(desk, "stage.valg", "extensive", comment="see the CT")
    registry = desk("qa").registry
    held = case_of(registry, "P1").current["stage.valg"]
    assert (held.value, held.decided_by, held.source) == ("extensive", "pi", "adjudication")
    assert [one.value for one in decisions_of(registry, "P1") if one.slot == "stage.valg"] == ["limited", "extensive"]
    assert ReadingLog(registry, queue_reading_of(desk)).case_of("P1").current["stage.valg"].value == "extensive"
    assert case_of(registry, "P1").closed


@pytest.mark.parametrize(
    ("field", "value", "slot", "action"),
    [
        ("response", "PD", "response@2024-06-01", Action.EDIT),
        ("death_date", None, "death_date", Action.REJECT),
        ("metastasis", "bone", "metastasis:bone", Action.ADD),
        ("metastasis", None, "metastasis:bone", Action.REJECT),
    ],
)
def test_whatever_side_is_chosen_the_registry_says_it(
    desk: Desks, field: str, value: str | None, slot: str, action: Action
) -> None:
    queued(desk)
    assert settle_field(desk, field, value).action is action
    assert case_of(desk("qa").registry, "P1").current[slot].action is action


def test_what_can_not_be_resolved_is_no_fact_and_says_so(desk: Desks) -> None:
    queued(desk)
    stage = next(one for one in questions(desk("pi")) if one.field == "stage.valg")
    decision = adjudicate(desk("pi"), stage.difference, "unresolvable", error="MISS-DOC")
    assert decision.attributes == {"null_flavor": "CONF"}
    assert "stage.valg" not in {fact.field for fact in case_of(desk("qa").registry, "P1").facts}


def test_a_third_value_must_fit_the_field(desk: Desks) -> None:
    queued(desk)
    stage = next(one for one in questions(desk("pi")) if one.field == "death_date")
    with pytest.raises(Refused):
        adjudicate(desk("pi"), stage.difference, "third", error="TEMP", third={"value": "in spring"})
    assert (
        adjudicate(desk("pi"), stage.difference, "third", error="TEMP", third={"value": "2024-12-03"}).value
        == "2024-12-03"
    )


def test_a_reader_can_not_adjudicate_and_nothing_is_settled_twice(desk: Desks) -> None:
    queued(desk)
    stage = next(one for one in questions(desk("pi")) if one.field == "stage.valg")
    with pytest.raises(Refused, match="one of the two readers"):
        adjudicate(desk("max"), stage.difference, "A", error="HUM")
    with pytest.raises(Refused, match="error class"):
        adjudicate(desk("pi"), stage.difference, "A")
    adjudicate(desk("pi"), stage.difference, "A", error="HUM")
    with pytest.raises(StaleCase, match="pi has settled"):
        adjudicate(desk("jo"), stage.difference, "B", error="HUM")
    assert len(questions(desk("jo"))) == 3
    reopen_difference(desk("pi"), stage.difference, "another CT turned up")
    assert len(questions(desk("jo"))) == 4
    adjudicate(desk("jo"), stage.difference, "B", error="HUM")


def test_adjudication_changes_no_comparison_and_counts_what_was_not_upheld(desk: Desks) -> None:
    queued(desk)
    before = compare(desk("qa"), queue_reading_of(desk)).pairs
    settle_field(desk, "stage.valg", "extensive")
    settle_field(desk, "death_date", "2024-12-01")
    assert compare(desk("qa"), queue_reading_of(desk)).pairs == before
    assert overturned(queue_of(desk("qa"))) == {"stage.valg": (1, 1), "death_date": (0, 1)}


def test_both_readers_find_the_outcome_in_their_inbox(desk: Desks) -> None:
    queued(desk)
    settle_field(desk, "stage.valg", "extensive", comment="see the CT")
    for reader in ("ann", "max"):
        [letter] = letters(desk(reader), unread_only=True)
        assert "Extensive stage (HUM: slip, guideline misread or unclear); see the CT" in letter.text
        read_letter(desk(reader), letter.message)
        assert letters(desk(reader), unread_only=True) == ()
        read_letter(desk("pi"), letter.message, unread=True)  # somebody else's letter stays as it is
        assert letters(desk(reader))[0].read_at is not None


def test_a_query_is_opened_answered_and_closed_by_who_asked(desk: Desks) -> None:
    one = ask(desk("qa"), "P1", "stage.valg", "ann", "Why limited?")
    assert [letter.text for letter in letters(desk("ann"))] == ["Why limited?"]
    assert answer(desk("ann"), one.query, "Page 2.").state == "answered"
    assert [letter.text for letter in letters(desk("qa"))] == ["Page 2."]
    with pytest.raises(Refused, match="only who asked"):
        close_query(desk("ann"), one.query)
    assert close_query(desk("qa"), one.query).state == "closed"
    assert queries(desk("qa"), unclosed=True) == ()
    assert [said for _, _, said in queries(desk("qa"))[0].thread] == ["Why limited?", "Page 2.", "closed"]
    with pytest.raises(Refused, match="closed"):
        answer(desk("ann"), one.query, "But still.")


def test_major_errors_of_a_locked_audit_go_to_the_adjudicator_too(desk: Desks) -> None:
    qa = desk("qa")
    draw_facts(qa, "may", 7, Wanted(per_field=100, fields=("stage.valg",)))
    with pytest.raises(Refused, match="lock"):
        queue_audit(qa, "may")
    for item in items_of(qa.registry, "may"):
        wrong = item.patient_id == "P1"
        third = {"value": "extensive"} if wrong else None
        judge(
            qa, "may", item.place, Verdict.MAJOR if wrong else Verdict.AGREE, error="HUM" if wrong else "", third=third
        )
    lock(qa, "may")
    assert queue_audit(qa, "may") == 1
    assert questions(desk("qa")) == questions(desk("ann")) == ()
    settle_field(desk, "stage.valg", "extensive")
    assert case_of(qa.registry, "P1").current["stage.valg"].decided_by == "pi"


def test_endpoints_can_be_computed_from_either_reading(desk: Desks) -> None:
    read_again(desk)
    first, second = both_records(desk("qa"))
    assert [one.values("death_date") for one in (*first, *second)] == [("2024-12-01",), ()]
