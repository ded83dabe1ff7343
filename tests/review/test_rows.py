"""What a row says, worked out from suggestions and decisions alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.case import Case, fold
from abstractor.model.decision import Action, Decision
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence
from abstractor.review.ordering import alike, next_open, open_rows, order_rows
from abstractor.review.rows import Row, State, Verb, build_rows
from abstractor.rulebook.book import RuleBook


def decided(slot: str, action: Action, value: str = "", number: int = 1, **more: object) -> Decision:
    name = slot.split("@")[0].split(":")[0]
    return Decision(
        f"a{number}", "p1", slot, action, "ann", "2024-03-01T08:00:00+00:00", name, value, sequence=number, **more
    )


def rows_of(book: RuleBook, suggestions: list, *decisions: Decision) -> dict[str, Row]:
    return {row.slot: row for row in build_rows(suggestions, fold("p1", decisions), book.fields)}


def test_one_value_is_suggested_and_two_values_are_a_conflict(book, suggest):
    rows = rows_of(
        book,
        [suggest("ki67", "90"), suggest("stage.valg", "limited"), suggest("stage.valg", "extensive")],
    )
    assert rows["ki67"].state is State.SUGGESTED
    assert rows["stage.valg"].state is State.CONFLICT
    assert [choice.value for choice in rows["stage.valg"].choices] == ["limited", "extensive"]


def test_the_same_value_twice_is_no_conflict_but_one_row_with_both_pieces_of_evidence(book, suggest):
    one, two = Evidence("n1", 0, 2, "90"), Evidence("n2", 5, 7, "90")
    row = rows_of(book, [suggest("ki67", "90", one), suggest("ki67", "90", two)])["ki67"]
    assert row.state is State.SUGGESTED
    assert row.evidence == (one, two)


def test_present_and_absent_of_one_organ_are_two_questions(book, suggest):
    rows = rows_of(book, [suggest("metastasis", "brain"), suggest("metastasis", "brain", assertion=Assertion.ABSENT)])
    assert rows["metastasis:brain"].state is State.SUGGESTED
    assert rows["metastasis:brain:absent"].shown == "Brain ABSENT"


def test_required_fields_without_a_suggestion_are_rows_that_wait(book):
    rows = rows_of(book, [])
    wanted = {spec.name for spec in book.fields.values() if spec.required}
    assert set(rows) == wanted
    assert all(row.state is State.MISSING and row.open for row in rows.values())


def test_a_conflict_can_be_picked_from_and_never_accepted(book, suggest):
    row = rows_of(book, [suggest("stage.valg", "limited"), suggest("stage.valg", "extensive")])["stage.valg"]
    assert Verb.PICK in row.verbs
    assert Verb.ACCEPT not in row.verbs


def test_a_rejected_required_item_comes_back_as_missing_until_it_is_answered(book, suggest):
    offers = [suggest("histology", "small_cell")]
    rejected = decided("histology", Action.REJECT, "small_cell", 1, offered="small_cell")
    row = rows_of(book, offers, rejected)["histology"]
    assert row.state is State.MISSING
    assert row.open
    answered = rows_of(book, offers, rejected, decided("histology", Action.NOT_DOCUMENTED, "", 2, offered="small_cell"))
    assert answered["histology"].state is State.NOT_DOCUMENTED
    assert not answered["histology"].open


@pytest.mark.parametrize(
    ("action", "state"),
    [
        (Action.ACCEPT, State.ACCEPTED),
        (Action.PICK, State.CHANGED),
        (Action.EDIT, State.CHANGED),
        (Action.ADD, State.ADDED),
        (Action.IMPORT, State.ADDED),
        (Action.REJECT, State.REJECTED),
        (Action.DEFER, State.DEFERRED),
        (Action.NOT_DOCUMENTED, State.NOT_DOCUMENTED),
    ],
)
def test_every_decision_has_its_state(book, suggest, action, state):
    row = rows_of(book, [suggest("ki67", "90")], decided("ki67", action, "90", offered="90"))["ki67"]
    assert row.state is state
    assert row.open is (action is Action.DEFER)


def test_a_decided_row_comes_back_when_another_value_turns_up_and_its_decision_stands(book, suggest):
    accepted = decided("ki67", Action.ACCEPT, "90", offered="90")
    row = rows_of(book, [suggest("ki67", "90"), suggest("ki67", "70")], accepted)["ki67"]
    assert row.open
    assert row.changed == "now also 70"
    assert row.shown == "90"
    assert [choice.value for choice in row.choices] == ["90", "70"]


def test_what_was_offered_and_passed_over_does_not_come_back(book, suggest):
    picked = decided("stage.valg", Action.PICK, "limited", offered="limited | extensive")
    row = rows_of(book, [suggest("stage.valg", "limited"), suggest("stage.valg", "extensive")], picked)["stage.valg"]
    assert not row.open


def test_a_row_whose_note_has_changed_waits_to_be_confirmed_again(book, suggest):
    accepted = decided("ki67", Action.ACCEPT, "90", 1, offered="90")
    asked = decided("ki67", Action.RECHECK, "", 2)
    row = rows_of(book, [suggest("ki67", "90")], accepted, asked)["ki67"]
    assert row.open
    assert Verb.ACCEPT in row.verbs


def test_a_field_that_the_rulebook_has_lost_still_shows_its_fact(book):
    row = rows_of(book, [], decided("gone_field", Action.IMPORT, "7"))["gone_field"]
    assert (row.spec.label, row.shown) == ("gone_field", "7")


def test_one_kind_of_question_stays_together_with_conflicts_first(book, suggest):
    offers = [
        suggest("response", "PR", date="2024-05-01"),
        suggest("response", "PD", date="2024-02-01"),
        suggest("stage.t", "T2"),
        suggest("stage.valg", "limited"),
        suggest("stage.group", "IV"),
        suggest("stage.group", "IIIB"),
        suggest("systemic_therapy", "carboplatin", date="2024-03-01"),
        suggest("histology", "small_cell"),
    ]
    rows = order_rows(build_rows(offers, Case("p1"), book.fields), book.fields)
    stage = [row.slot for row in rows if row.spec.group == "stage"]
    assert stage == ["stage.group", "stage.valg", "stage.t"]
    groups = [row.spec.group for row in rows]
    assert [group for number, group in enumerate(groups) if group not in groups[:number]] == [
        "diagnosis",
        "stage",
        "treatment",
        "course",
    ]
    assert [row.slot for row in rows if row.spec.name == "response"] == ["response@2024-02-01", "response@2024-05-01"]


def test_a_decision_moves_no_row(book, suggest):
    offers = [suggest("stage.valg", "limited"), suggest("stage.valg", "extensive"), suggest("stage.t", "T2")]
    before = order_rows(build_rows(offers, Case("p1"), book.fields), book.fields)
    picked = fold("p1", [decided("stage.valg", Action.PICK, "limited", offered="limited | extensive")])
    after = order_rows(build_rows(offers, picked, book.fields), book.fields)
    assert [row.slot for row in before] == [row.slot for row in after]


def test_deferred_rows_come_back_only_at_the_end(book, suggest):
    names = ["stage.t", "stage.n", "ki67"]
    offers = [suggest("ki67", "90"), suggest("stage.t", "T2"), suggest("stage.n", "N2")]
    fields = {name: book.fields[name] for name in names}
    deferred = decided("stage.t", Action.DEFER, offered="T2")
    rows = order_rows(build_rows(offers, fold("p1", [deferred]), fields), fields)
    assert [row.slot for row in rows] == ["stage.t", "stage.n", "ki67"]
    assert next_open(rows, "ki67").slot == "stage.n"
    done = [
        decided(name, Action.ACCEPT, "x", number, offered="90 | N2") for number, name in ((2, "ki67"), (3, "stage.n"))
    ]
    rows = order_rows(build_rows(offers, fold("p1", [deferred, *done]), fields), fields)
    assert next_open(rows, "ki67").slot == "stage.t"


def test_alike_are_rows_that_ask_the_same_and_nothing_that_is_decided_or_in_conflict(book, suggest):
    offers = [suggest("ecog", "1", date=f"2024-0{month}-01") for month in range(1, 5)]
    offers.append(suggest("ecog", "2", date="2024-03-01"))
    done = decided("ecog@2024-02-01", Action.ACCEPT, "1", offered="1")
    rows = build_rows(offers, fold("p1", [done]), {"ecog": book.fields["ecog"]})
    first = next(row for row in rows if row.slot == "ecog@2024-01-01")
    assert {row.slot for row in alike(rows, first)} == {"ecog@2024-01-01", "ecog@2024-04-01"}


SLOTS = ["ki67", "stage.t", "stage.n", "histology"]
ACTIONS = [one for one in Action if one not in {Action.UNDO, Action.REDO, Action.CLOSE, Action.REOPEN}]


@given(st.lists(st.tuples(st.sampled_from(SLOTS), st.sampled_from(ACTIONS)), max_size=12))
def test_whatever_was_decided_every_row_has_a_state_and_what_is_open_can_be_closed_with_one_key(book, steps):
    decisions = [decided(slot, action, "v", number, offered="v") for number, (slot, action) in enumerate(steps, 1)]
    for row in build_rows([], fold("p1", decisions), book.fields):
        assert row.state in State
        assert row.verbs & {Verb.ACCEPT, Verb.PICK, Verb.REJECT, Verb.DEFER, Verb.NOT_DOCUMENTED}


@given(st.permutations(range(6)))
def test_the_next_open_row_is_never_the_one_just_decided_and_none_is_forgotten(book, order):
    fields = list(book.fields.values())[2:8]
    rows = [Row(fields[number].name, fields[number]) for number in order]
    seen, slot = set(), None
    for _ in rows:
        row = next_open(rows, slot)
        assert row.slot != slot
        seen.add(row.slot)
        slot = row.slot
    assert seen == {row.slot for row in open_rows(rows)}


def test_what_is_hardly_believed_is_asked_last_and_never_left_out(book, suggest):
    unsure = [replace(one, confidence=0.2) for one in (suggest("stage.valg", "limited"), suggest("ki67", "90"))]
    rows = build_rows([*unsure, suggest("metastasis", "brain")], Case("p1"), book.fields)
    ordered = order_rows(rows, book.fields, doubted=0.5)
    assert {row.slot for row in ordered} == {row.slot for row in rows}
    assert {row.slot for row in ordered[-2:]} == {"stage.valg", "ki67"}
    assert ordered[-3].slot != "stage.valg"
    assert any(row.state is State.MISSING for row in ordered[:-2])


def test_a_decision_does_not_move_a_doubted_row(book, suggest):
    unsure = [replace(suggest("ki67", "90"), confidence=0.2), suggest("metastasis", "brain")]
    before = order_rows(build_rows(unsure, Case("p1"), book.fields), book.fields, doubted=0.5)
    case = fold("p1", [decided("ki67", Action.ACCEPT, "90", offered="90")])
    after = order_rows(build_rows(unsure, case, book.fields), book.fields, doubted=0.5)
    assert [row.slot for row in before] == [row.slot for row in after]


def test_a_code_is_shown_by_its_label_and_kept_as_its_code(book, suggest):
    offers = [suggest("primary_site", "left_upper_lobe"), suggest("primary_site", "mediastinum")]
    row = rows_of(book, offers)["primary_site"]
    assert row.shown == "Left upper lobe (with lingula) | Mediastinum"
    assert row.offered == "left_upper_lobe | mediastinum"
    accepted = decided("primary_site", Action.ACCEPT, "left_upper_lobe", offered="left_upper_lobe")
    row = rows_of(book, offers, accepted)["primary_site"]
    assert row.shown == "Left upper lobe (with lingula)"
    assert row.changed == "now also Mediastinum"
