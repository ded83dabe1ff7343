"""What reviewers made of each rule, counted from the decisions that hold."""

from dataclasses import replace

from abstractor.batch.reviewed import reweigh_registry
from abstractor.model.decision import Action, Decision
from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.registry.decisions import decisions_of, record_all
from abstractor.registry.engine import Registry
from abstractor.registry.judgements import RuleRecord, rule_records
from abstractor.registry.notes import add_notes
from abstractor.registry.suggestions import replace_suggestions, suggestions_of
from abstractor.workbench.record_report import figures_csv, figures_text, rule_figures

VALUES = tuple(str(number) for number in range(8))


def suggestion(value: str, rule: str = "r1", confidence: float = 0.9) -> Suggestion:
    words = Evidence("n1", 0, 5, "words", rule=rule, confidence=confidence)
    return Suggestion("p1", f"ecog:{value}", "ecog", value, Assertion.PRESENT, confidence=confidence, evidence=(words,))


def decision(offered: str, action: Action, number: int, **more: object) -> Decision:
    fixed = {"field": "ecog", "value": offered, "offered": offered, "rule": "r1"}
    return Decision(
        f"a{number}", "p1", f"ecog:{offered}", action, "ann", "2024-01-01T00:00:00+00:00", **{**fixed, **more}
    )


def reviewed(registry: Registry) -> RuleRecord:
    add_notes(registry, [Note("n1", "words of a note", "p1")], "test")
    replace_suggestions(registry, "p1", [suggestion(value) for value in VALUES])
    record_all(
        registry,
        [
            decision("0", Action.ACCEPT, 1),
            decision("1", Action.PICK, 2),
            decision("2", Action.EDIT, 3, rule="", date="2024", evidence=(Evidence("n1", 0, 5, "words", rule="r1"),)),
            decision("3", Action.EDIT, 4, value="9", rule="", evidence=(Evidence("n1", 0, 5, "words", rule="r1"),)),
            decision("4", Action.REJECT, 5),
            decision("5", Action.DEFER, 6),
            decision("6", Action.ACCEPT, 7),
            decision("6", Action.UNDO, 8, undoes="a7"),
        ],
    )
    return rule_records(registry)["r1"]


def test_each_kind_of_decision_is_counted_and_what_was_undone_is_not(registry: Registry) -> None:
    record = reviewed(registry)
    assert (record.accepted, record.picked, record.edited, record.replaced, record.rejected) == (1, 1, 1, 1, 1)
    assert record.pending == 3  # put off, undone, never looked at
    assert (record.right, record.judged) == (3, 5)


def test_a_rejected_conflict_counts_against_every_rule_that_was_offered(registry: Registry) -> None:
    add_notes(registry, [Note("n1", "words of a note", "p1")], "test")
    both = [suggestion("0"), suggestion("1", "r2")]
    replace_suggestions(registry, "p1", [replace(one, slot="ecog") for one in both])
    refused = Decision(
        "a1", "p1", "ecog", Action.REJECT, "ann", "2024-01-01T00:00:00+00:00", field="ecog", offered="0 | 1"
    )
    record_all(registry, [refused])
    assert {name: one.rejected for name, one in rule_records(registry).items()} == {"r1": 1, "r2": 1}


def test_the_confidence_of_what_is_suggested_moves_by_what_was_judged_and_no_decision_does(registry: Registry) -> None:
    reviewed(registry)
    before = decisions_of(registry, "p1")
    assert reweigh_registry(registry) == len(VALUES)
    now = {one.confidence for one in suggestions_of(registry, "p1")}
    assert now == {round((0.9 * 20 + 3) / 25, 3)}
    assert decisions_of(registry, "p1") == before
    assert reweigh_registry(registry) == 0  # once is as good as twice


def test_a_registry_without_judgements_leaves_confidences_alone(registry: Registry) -> None:
    add_notes(registry, [Note("n1", "words of a note", "p1")], "test")
    replace_suggestions(registry, "p1", [suggestion("0")])
    assert reweigh_registry(registry) == 0


def test_the_worst_rules_come_first_and_one_bad_mark_is_no_verdict() -> None:
    bad, unlucky = RuleRecord("bad", "ecog", 40, accepted=10, rejected=10), RuleRecord("unlucky", "ecog", 2, rejected=1)
    good, new = RuleRecord("good", "ecog", 40, accepted=20), RuleRecord("new", "ecog", 3, pending=3)
    figures = rule_figures([new, good, unlucky, bad])
    assert [one.record.rule for one in figures] == ["bad", "unlucky", "good", "new"]
    told = figures_text(figures)
    assert max(map(len, told.splitlines())) <= 80
    assert "0.50" in told
    assert figures_csv(figures).splitlines()[0].startswith("rule,field,fired,accepted")


def test_rules_that_fire_elsewhere_are_counted_beside() -> None:
    figures = rule_figures([RuleRecord("r1", "ecog", 2)], {"r1": 5, "r9": 1})
    assert {one.record.rule: one.notes_fired for one in figures} == {"r1": 5, "r9": 1}
