"""What was decided elsewhere is taken patient by patient: all that is new about one, or nothing."""

import threading
from collections.abc import Callable

import pytest

from abstractor.model.decision import Decision
from abstractor.model.errors import RegistryError
from abstractor.registry.decisions import case_of, decisions_of, import_all, record
from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.signatures import sign, unlock
from abstractor.registry.verify import verify_chain

Decide = Callable[..., Decision]


@pytest.fixture
def brought(decide: Decide) -> list[Decision]:
    """Two facts of each of three patients."""
    return [
        decide(patient_id, slot=slot, action="import", source="import", decided_by="kbauer")
        for patient_id in ("P1", "P2", "P3")
        for slot in ("stage.valg", "histology")
    ]


@pytest.fixture
def signed(with_decision: Registry, decide: Decide) -> Registry:
    """P1 is closed and signed."""
    record(with_decision, decide(action="close", slot=""), seen=1)
    sign(with_decision, "P1", "abstracted", "mortiz")
    return with_decision


def versions(registry: Registry) -> dict[str, int]:
    return {patient_id: case_of(registry, patient_id).version for patient_id in ("P1", "P2", "P3")}


def test_everything_is_taken_once_in_the_order_it_was_given(registry: Registry, brought: list[Decision]) -> None:
    done = import_all(registry, [*brought, brought[0]], versions(registry))
    assert (done.written, done.refused) == (6, {})
    assert [one.action_id for one in decisions_of(registry, "P2")] == [brought[2].action_id, brought[3].action_id]
    again = import_all(registry, brought, versions(registry))
    assert (again.written, again.refused) == (0, {})
    assert verify_chain(registry).faults == []


def test_nothing_about_a_signed_patient_is_taken_and_all_about_the_others(
    signed: Registry, brought: list[Decision]
) -> None:
    before = decisions_of(signed, "P1")
    done = import_all(signed, brought, versions(signed))
    assert done.written == 4
    assert set(done.refused) == {brought[0].action_id, brought[1].action_id}
    assert "signed as abstracted by mortiz; not saved" in done.refused[brought[0].action_id]
    assert "`abstractor unlock P1 --reason WHY`" in done.refused[brought[0].action_id]
    assert decisions_of(signed, "P1") == before
    assert verify_chain(signed).faults == []


def test_after_the_unlocking_the_rest_is_taken(signed: Registry, brought: list[Decision]) -> None:
    import_all(signed, brought, versions(signed))
    unlock(signed, "P1", "mortiz", "facts of the other hospital came")
    done = import_all(signed, brought, versions(signed))
    assert (done.written, done.refused) == (2, {})


def test_what_stood_before_the_signature_is_not_refused(
    with_decision: Registry, decide: Decide, brought: list[Decision]
) -> None:
    import_all(with_decision, brought, versions(with_decision))
    record(with_decision, decide(action="close", slot=""), seen=10**6)
    sign(with_decision, "P1", "abstracted", "mortiz")
    again = import_all(with_decision, brought, versions(with_decision))
    assert (again.written, again.refused) == (0, {})


def test_nothing_is_taken_past_a_decision_that_was_made_after_the_file_was_compared(
    with_note: Registry, decide: Decide, brought: list[Decision]
) -> None:
    seen = versions(with_note)
    record(with_note, decide(value="extensive"), seen=0)
    done = import_all(with_note, brought, seen)
    assert done.written == 4
    assert "somebody has decided on it meanwhile" in done.refused[brought[1].action_id]
    assert case_of(with_note, "P1").current["stage.valg"].value == "extensive"


def test_what_is_suggested_is_due_anew_for_the_patients_that_were_imported(
    with_note: Registry, decide: Decide, brought: list[Decision]
) -> None:
    with with_note.write() as connection:
        connection.exec_driver_sql("UPDATE patient SET suggestions_due = (1 = 0)")
    import_all(with_note, brought[:2], versions(with_note))
    with with_note.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM patient WHERE suggestions_due").scalar() == 1


def test_only_an_import_may_bring_a_patient(registry: Registry, decide: Decide) -> None:
    with pytest.raises(RegistryError, match="patient P1: not in this registry"):
        import_all(registry, [decide("P1")], {"P1": 0})


def test_the_same_file_imported_twice_at_once_is_taken_once(registry_name: str, decide: Decide) -> None:
    """In two orders: each import holds what the other one wants next, unless both take the patients in one order."""
    several = [decide(f"P{number:03d}", action="import", source="import") for number in range(400)]
    opened = [open_registry(registry_name) for _ in range(2)]
    written: list[int] = []
    seen = {one.patient_id: 10**6 for one in several}

    def take(registry: Registry, decisions: list[Decision]) -> None:
        written.append(import_all(registry, decisions, seen).written)

    orders = (several, several[::-1])
    threads = [threading.Thread(target=take, args=pair) for pair in zip(opened, orders, strict=True)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(written) == 400
    assert verify_chain(opened[0]).entries == 400
    assert verify_chain(opened[0]).faults == []
    for one_registry in opened:
        one_registry.close()
