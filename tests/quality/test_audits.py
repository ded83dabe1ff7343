"""An audit, from the draw to the lock: nothing is overwritten, nobody audits their own work, and a locked audit stays as it is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from abstractor.model.decision import Decision
from abstractor.model.errors import InputError, RegistryError, StaleCase
from abstractor.quality.audit import Refused, Verdict
from abstractor.quality.audits import (
    Wanted,
    audit_of,
    draw_charts,
    draw_facts,
    history,
    judge,
    lock,
    reopen,
    undo,
    view_item,
)
from abstractor.quality.behaviour import behaviour
from abstractor.quality.conflicts import conflict_finder
from abstractor.quality.desk import Desk
from abstractor.quality.frame import held_decisions
from abstractor.quality.rule_answers import over_time, release_gate
from abstractor.quality.settings import read_quality_rules
from abstractor.quality.summary import audit_fields
from abstractor.registry.engine import Registry
from abstractor.registry.quality import items_of, sample_of, samples, take_step

Desks = Callable[[str], Desk]
REGISTRIES = ("sqlite", "postgresql")

ALL = Wanted(per_field=100)


def test_a_sample_is_stored_and_the_same_draw_is_not_taken_twice(desk: Desks) -> None:
    one = draw_facts(desk("qa"), "may", 7, Wanted(per_field=2), conflict_finder(desk("qa")))
    assert one.frame_size == 20
    assert len(items_of(desk("qa").registry, "may")) == sum(part["drawn"] for part in one.strata)
    with pytest.raises(RegistryError, match="was drawn already"):
        draw_facts(desk("qa"), "may", 8, Wanted(per_field=2))
    with pytest.raises(RegistryError, match="same draw as may"):
        draw_facts(desk("qa"), "june", 7, Wanted(per_field=2), conflict_finder(desk("qa")))
    draw_facts(desk("qa"), "june", 8, Wanted(per_field=2))
    assert [one.name for one in samples(desk("qa").registry)] == ["may", "june"]


def test_every_progression_and_death_is_in_the_sample(desk: Desks) -> None:
    draw_facts(desk("qa"), "may", 7, Wanted(per_field=1))
    drawn = [(one.patient_id, one.slot) for one in items_of(desk("qa").registry, "may")]
    for patient_id in ("P1", "P2", "P3", "P4"):
        assert (patient_id, "response@2024-06-01") in drawn
        assert (patient_id, "death_date") in drawn


def test_an_auditor_agrees_disagrees_and_takes_back(desk: Desks) -> None:
    qa = desk("qa")
    draw_facts(qa, "may", 7, ALL)
    judge(qa, "may", 1, Verdict.AGREE)
    audit = judge(qa, "may", 1, Verdict.MAJOR, error="TEMP", third={"value": "2024-07-01"}, comment="copied forward")
    assert audit.judged[1].verdict is Verdict.MAJOR
    assert audit.judged[1].third == {"value": "2024-07-01", "assertion": "present"}
    assert undo(qa, "may").judged[1].verdict is Verdict.AGREE
    assert 1 not in undo(qa, "may").judged
    with pytest.raises(Refused, match="nothing to undo"):
        undo(qa, "may")
    assert [what for _, _, what, _ in history([audit_of(qa, "may")])] == ["agree", "major", "undo", "undo"]


def test_nobody_audits_their_own_decision(desk: Desks) -> None:
    draw_facts(desk("qa"), "may", 7, ALL)
    own = next(one for one in items_of(desk("qa").registry, "may") if one.patient_id == "P1")
    with pytest.raises(Refused, match="your own decision"):
        judge(desk("ann"), "may", own.place, Verdict.AGREE)
    judge(desk("max"), "may", own.place, Verdict.AGREE)


def test_a_disagreement_needs_an_error_class_that_exists(desk: Desks) -> None:
    draw_facts(desk("qa"), "may", 7, ALL)
    for error in ("", "WRONG"):
        with pytest.raises(Refused, match="TEMP"):
            judge(desk("qa"), "may", 1, Verdict.MINOR, error=error)
    assert audit_of(desk("qa"), "may").judged == {}


def test_a_locked_audit_changes_only_after_it_is_reopened_with_a_reason(desk: Desks) -> None:
    qa = desk("qa")
    draw_facts(qa, "may", 7, ALL)
    with pytest.raises(Refused, match="20 items are not judged"):
        lock(qa, "may")
    for item in items_of(qa.registry, "may"):
        judge(qa, "may", item.place, Verdict.AGREE)
    assert lock(qa, "may").locked
    with pytest.raises(Refused, match="locked"):
        judge(qa, "may", 1, Verdict.AGREE)
    with pytest.raises(Refused, match="locked"):
        undo(qa, "may")
    with pytest.raises(Refused, match="locked"):
        lock(qa, "may")
    with pytest.raises(Refused, match="reason"):
        reopen(qa, "may", "  ")
    reopen(qa, "may", "wrong note")
    assert not judge(qa, "may", 1, Verdict.MINOR, error="SPAN").locked
    assert [one.content.get("reason") for one in audit_of(qa, "may").history if one.action == "reopen"] == [
        "wrong note"
    ]


def test_two_auditors_at_one_item_do_not_overwrite_each_other(desk: Desks) -> None:
    first, second = desk("qa"), desk("qb")
    draw_facts(first, "may", 7, ALL)
    seen = audit_of(second, "may").version
    judge(first, "may", 1, Verdict.AGREE)
    late = second.step("audit", "may", "1", "major", error="TEMP")
    with pytest.raises(StaleCase, match="qa was there"):
        take_step(second.registry, late, seen=seen)
    take_step(
        second.registry, second.step("audit", "may", "2", "agree"), seen=seen
    )  # another item is nobody's business


def test_a_judgement_that_comes_after_a_lock_it_has_not_seen_is_refused(desk: Desks) -> None:
    qa = desk("qa")
    draw_facts(qa, "may", 7, ALL)
    for item in items_of(qa.registry, "may"):
        judge(qa, "may", item.place, Verdict.AGREE)
    seen = audit_of(qa, "may").version
    lock(qa, "may")
    with pytest.raises(StaleCase):
        take_step(qa.registry, qa.step("audit", "may", "1", "major", error="TEMP"), seen=seen)


def test_the_same_step_after_a_lost_answer_is_one_step(desk: Desks) -> None:
    qa = desk("qa")
    draw_facts(qa, "may", 7, ALL)
    step = qa.step("audit", "may", "1", "agree")
    once, again = take_step(qa.registry, step, seen=0), take_step(qa.registry, step, seen=0)
    assert once == again
    assert len(audit_of(qa, "may").history) == 1


def test_what_was_drawn_is_judged_though_the_registry_has_another_value_by_now(
    desk: Desks, decide: Callable[..., Decision]
) -> None:
    qa = desk("qa")
    draw_facts(qa, "may", 7, ALL)
    item = next(one for one in items_of(qa.registry, "may") if (one.patient_id, one.slot) == ("P1", "stage.valg"))
    assert view_item(qa, item).stands
    decide("P1", "ann", "stage.valg", "extensive", "edit")
    view = view_item(qa, item)
    assert (view.stands, view.decision.value) == (False, "limited")


def test_an_audit_says_which_fields_pass(desk: Desks) -> None:
    qa = desk("qa")
    draw_facts(qa, "may", 7, ALL)
    for item in items_of(qa.registry, "may"):
        wrong = (item.patient_id, item.field) == ("P2", "stage.valg")
        judge(qa, "may", item.place, Verdict.MAJOR if wrong else Verdict.AGREE, error="HUM" if wrong else "")
    found = {one.field: one for one in audit_fields(qa, sample_of(qa.registry, "may"), audit_of(qa, "may"))}
    assert found["stage.valg"].right.value == 0.75
    assert found["stage.valg"].acceptance.verdict == "failed"
    assert found["death_date"].acceptance.verdict == "accepted"
    assert found["metastasis"].judged == 4
    assert found["metastasis"].precision.value is None  # nothing was stated: all four were rejections


def test_steps_and_samples_can_not_be_changed_or_deleted(desk: Desks, registry: Registry) -> None:
    draw_facts(desk("qa"), "may", 7, ALL)
    judge(desk("qa"), "may", 1, Verdict.AGREE)
    statements = [
        "UPDATE quality_event SET action = 'major'",
        "DELETE FROM quality_event",
        "UPDATE quality_sample SET seed = 1",
        "DELETE FROM quality_item",
    ]
    if registry.engine.dialect.name == "sqlite":
        statements.append("INSERT OR REPLACE INTO quality_event SELECT * FROM quality_event")
    else:
        statements.append("TRUNCATE quality_event")
    for statement in statements:
        with pytest.raises(RegistryError, match="can't be changed or deleted"), registry.write() as connection:
            connection.exec_driver_sql(statement)


def test_charts_of_a_new_abstractor_are_all_read_again(desk: Desks) -> None:
    sample = draw_charts(desk("qa"), "blind", 3, fraction=0.25)
    assert sample.kind == "charts"
    assert {one.patient_id for one in items_of(desk("qa").registry, "blind")} == {"P1", "P2", "P3", "P4"}
    with pytest.raises(Refused, match="charts"):
        audit_of(desk("qa"), "blind")


def test_rates_are_of_items_and_never_of_persons(desk: Desks) -> None:
    held = tuple(held_decisions(desk("qa").registry, desk("qa").rules))
    by_field = {one.group: one for one in behaviour(held, "field", 1.0)}
    assert by_field["response"].accepted.value == 1.0
    assert by_field["metastasis"].accepted.value == 0.0
    with pytest.raises(ValueError, match="never of persons"):
        behaviour(held, "abstractor", 1.0)


def test_rules_answer_by_month(desk: Desks) -> None:
    held = held_decisions(desk("qa").registry, desk("qa").rules)
    [may] = over_time(held)
    assert (may.group, may.judged) == ("2024-05", 20)
    assert may.right.value == pytest.approx(16 / 20)


@pytest.mark.parametrize(
    ("won", "lost", "compared", "opens"), [(5, 0, 500, True), (90, 3, 500, False), (0, 0, 50, False), (1, 2, 500, True)]
)
def test_a_rulebook_that_loses_what_people_confirmed_is_not_released(
    desk: Desks, won: int, lost: int, compared: int, opens: bool
) -> None:
    gate = release_gate(won, lost, compared, desk("qa").rules.release)
    assert gate.open is opens
    assert f"{lost} lost" in gate.text


def test_every_fault_of_the_settings_is_named(tmp_path: Path, desk: Desks) -> None:
    text = (desk("qa").book.root / "quality.toml").read_text(encoding="utf-8")
    wrong = text.replace("error_limit = 0.02", "error_limit = 2").replace("[targets]", "[targets]\nkapa = 1")
    (tmp_path / "quality.toml").write_text(wrong, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_quality_rules(tmp_path)
    assert "error_limit" in str(error.value)
    assert "kapa" in str(error.value)
