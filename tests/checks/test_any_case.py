"""Whatever was decided, in whatever order: no check fails, the same facts give the same problems, and a corrected value silences."""

import datetime

from hypothesis import given
from hypothesis import strategies as st

from abstractor.checks.book import load_checks
from abstractor.checks.facts import NoteDay, facts_of, known_of
from abstractor.checks.problem import Problem, Severity
from abstractor.checks.run import find_problems, standing, word_for
from abstractor.model.case import Case, fold
from abstractor.model.decision import Action, Decision
from abstractor.model.finding import Assertion
from abstractor.rulebook.load import load_rulebook
from abstractor.rulebook.slots import slot_key

BOOK = load_rulebook()
KNOWN = known_of(BOOK)
RULES = load_checks(BOOK.root)
TODAY = datetime.date(2025, 6, 30)

VALUES = (
    "small_cell", "dead", "alive", "limited", "extensive", "T2a", "N2a", "M1c1", "M0", "IIIC", "IV", "1", "2", "5", "75", "CR", "PR",
    "SD", "PD", "brain", "pci", "thoracic", "never", "EGFR p.L858R", "NOT-A fusion", "TPS 200", "2024-01-05", "2024-02", "2023",
    "2024-02-31", "", "{x}", "0000-00-00", "9999-12-31",
)  # fmt: skip
DATES = (None, "2024", "2024-02", "2024-02-05", "2019-05-05", "2024-13-01", "", "yesterday", "0001-01-01", "9999-12-31")
ATTRIBUTES: tuple[dict[str, object], ...] = (
    {},
    {"drugs": ["carboplatin", "nonsense"], "cycles": "many"},
    {"drugs": "cisplatin+etoposide", "cycles": 9},
    {"dose_gy": 0, "fractions": 0},
    {"dose_gy": "sixty", "fractions": None, "twice_daily": True},
    {"prefix": "yp", "date_precision": "year", "quit_date": "1900", "hgvs_c": "c.1A>G"},
)

Stated = tuple[str, str, Assertion, str | None, str | None, dict[str, object]]
Noted = tuple[str | None, str, str]

stated = st.tuples(
    st.sampled_from(sorted(BOOK.fields)),
    st.sampled_from(VALUES) | st.text(max_size=8),
    st.sampled_from(list(Assertion)),
    st.sampled_from(DATES),
    st.sampled_from(DATES),
    st.sampled_from(ATTRIBUTES),
)
noted = st.tuples(st.sampled_from(DATES), st.sampled_from(("clinic", "death", "other")), st.sampled_from("ab"))


def decision(number: int, one: Stated, action: Action = Action.ADD) -> Decision:
    field, value, assertion, date, end, attributes = one
    slot = slot_key(BOOK.fields[field], value, assertion, date)
    return Decision(
        f"d{number}", "P-1", slot, action, "ann", "2025-01-01T00:00:00+00:00", field, value, assertion, date, end,
        attributes, sequence=number,
    )  # fmt: skip


def problems(case: Case, *notes: NoteDay) -> tuple[Problem, ...]:
    facts = facts_of(case, notes, KNOWN, TODAY, cutoff=TODAY)
    return find_problems(facts, RULES)


@given(st.lists(stated, max_size=14), st.lists(noted, max_size=4))
def test_no_check_fails_on_any_case(facts: list[Stated], notes: list[Noted]) -> None:
    days = [NoteDay(f"n{number}", *one) for number, one in enumerate(notes)]
    for one in problems(fold("P-1", [decision(number, one) for number, one in enumerate(facts)]), *days):
        assert one.message
        assert one.key


@given(st.lists(stated, max_size=10, unique_by=lambda one: slot_key(BOOK.fields[one[0]], one[1], one[2], one[3])))
def test_the_order_of_decisions_does_not_matter(facts: list[Stated]) -> None:
    made = [decision(number, one) for number, one in enumerate(facts)]
    assert problems(fold("P-1", made)) == problems(fold("P-1", reversed(made)))


def stage(number: int, field: str, value: str) -> Decision:
    return decision(number, (field, value, Assertion.PRESENT, None, None, {}))


def limited_with_m1() -> list[Decision]:
    return [stage(1, "stage.valg", "limited"), stage(2, "stage.m", "M1b"), stage(3, "histology", "small_cell")]


def e14(case: Case) -> list[Problem]:
    return [one for one in problems(case) if one.check == "E14"]


def passed(problem: Problem, word: str = "second reading agreed") -> Decision:
    return Decision("o1", "P-1", problem.slot, Action.OVERRIDE, "ann", "2025-01-02T00:00:00+00:00", reason=word)


def undone(of: str) -> Decision:
    return Decision("u1", "P-1", "", Action.UNDO, "ann", "2025-01-03T00:00:00+00:00", undoes=of)


def test_a_corrected_value_silences_the_check() -> None:
    assert e14(fold("P-1", limited_with_m1()))
    assert not e14(fold("P-1", [*limited_with_m1(), stage(4, "stage.valg", "extensive")]))


def test_a_word_lets_a_warning_pass_and_an_undo_brings_it_back() -> None:
    found = e14(fold("P-1", limited_with_m1()))
    case = fold("P-1", [*limited_with_m1(), passed(found[0])])
    assert e14(case) == found
    assert word_for(found[0], case) == "second reading agreed"
    assert not standing(e14(case), case)
    again = fold("P-1", [*limited_with_m1(), passed(found[0]), undone("o1")])
    assert standing(e14(again), again) == tuple(found)


def test_the_word_is_void_when_a_value_concerned_changes_and_holds_when_another_does() -> None:
    found = e14(fold("P-1", limited_with_m1()))
    elsewhere = fold("P-1", [*limited_with_m1(), passed(found[0]), stage(5, "ki67", "90")])
    assert not standing(e14(elsewhere), elsewhere)
    changed = fold("P-1", [*limited_with_m1(), passed(found[0]), stage(5, "stage.m", "M1c")])
    assert [one.message for one in standing(e14(changed), changed)] == ["limited stage, but M1c"]


def test_a_word_is_no_fact_and_no_decision_on_a_row() -> None:
    found = e14(fold("P-1", limited_with_m1()))
    before, after = fold("P-1", limited_with_m1()), fold("P-1", [*limited_with_m1(), passed(found[0])])
    assert before.facts == after.facts
    assert before.current == after.current


def test_no_word_lets_a_fatal_problem_pass() -> None:
    made = [
        stage(1, "vital_status", "alive"),
        stage(2, "death_date", "2024-01-01"),
        stage(3, "histology", "small_cell"),
    ]
    found = next(one for one in problems(fold("P-1", made)) if one.check == "E05")
    assert found.severity is Severity.FATAL
    case = fold("P-1", [*made, passed(found)])
    assert found in standing(problems(case), case)
