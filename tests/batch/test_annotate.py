"""Notes through a reader into the registry: whatever a note provokes, the others are done; whenever it stops, it goes on."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from abstractor.batch import annotate as batch
from abstractor.batch.annotate import annotate_registry, unguarded
from abstractor.model.decision import Action, Decision
from abstractor.model.errors import RegistryError
from abstractor.model.finding import Finding
from abstractor.model.note import Note
from abstractor.registry.decisions import case_of, decisions_of, record, record_all
from abstractor.registry.engine import Registry
from abstractor.registry.findings import findings_of
from abstractor.registry.notes import add_notes
from abstractor.registry.suggestions import suggestions_of
from abstractor.rulebook.book import RuleBook

CANARY = "Xanthippe"
Found = Callable[..., Finding]
Reader = Callable[[Note], list[Finding]]

NOTES = [
    Note("N1", "Limited stage disease.", "P1", "2024-03-01", "clinic"),
    Note("N2", "Still limited stage, partial response.", "P1", "2024-05-01", "clinic"),
    Note("N3", f"{CANARY} was seen. Limited stage.", "P2", "2024-03-01", "clinic"),
    Note("N4", "Nothing to tell.", "P3", "2024-03-01", "clinic"),
]


@pytest.fixture
def read(found_in: Found) -> Reader:
    """A reader who knows two phrases."""

    def annotate(note: Note) -> list[Finding]:
        found = []
        for words, field, value in (("imited stage", "stage.valg", "limited"), ("partial response", "response", "PR")):
            if words in note.text:
                found.append(found_in(note, words, field, value))
        return found

    return annotate


@pytest.fixture
def noted(registry: Registry) -> Registry:
    add_notes(registry, NOTES, "test")
    return registry


def accept(registry: Registry, slot: str, value: str, **other: object) -> Decision:
    case = case_of(registry, "P1")
    values: dict[str, object] = {"field": slot.split("@")[0], "value": value, **other}
    said = Decision(f"a{case.version}", "P1", slot, Action.ACCEPT, "mortiz", "2024-06-01T08:00:00+00:00", **values)
    return record(registry, said, seen=case.version)


def all_suggestions(registry: Registry) -> list[object]:
    return [suggestions_of(registry, patient_id) for patient_id in ("P1", "P2", "P3")]


def test_every_note_is_read_once_and_every_patient_gets_its_suggestions(
    noted: Registry, rulebook: RuleBook, read: Reader
) -> None:
    report = annotate_registry(noted, rulebook, unguarded(read))
    assert (report.notes, report.with_findings, report.findings) == (4, 3, 4)
    assert (report.patients, report.suggestions, report.quarantined) == (3, 3, [])
    assert [(one.slot, len(one.evidence)) for one in suggestions_of(noted, "P1")] == [
        ("stage.valg", 2),
        ("response@2024-05-01", 1),
    ]
    again = annotate_registry(noted, rulebook, unguarded(read))
    assert (again.notes, again.patients) == (0, 0)


def test_evidence_quotes_the_stored_text_and_knows_its_hash(noted: Registry, rulebook: RuleBook, read: Reader) -> None:
    annotate_registry(noted, rulebook, unguarded(read))
    texts = {note.note_id: note for note in NOTES}
    for patient_id in ("P1", "P2"):
        for one in suggestions_of(noted, patient_id):
            for each in one.evidence:
                assert texts[each.note_id].text[each.start : each.end] == each.text
                assert texts[each.note_id].sha256 == each.note_sha256


@pytest.mark.parametrize(
    "crash",
    [
        ValueError,
        KeyError,
        RecursionError,
        MemoryError,
        AssertionError,
        StopIteration,
        TimeoutError,
        ZeroDivisionError,
        UnicodeError,
        RuntimeError,
        TypeError,
    ],
)
def test_a_note_that_fails_is_set_aside_by_name_without_its_words(
    noted: Registry, rulebook: RuleBook, read: Reader, crash: type[Exception]
) -> None:
    def annotate(note: Note) -> list[Finding]:
        if CANARY in note.text:
            raise crash(note.text)
        return read(note)

    report = annotate_registry(noted, rulebook, unguarded(annotate))
    assert report.quarantined == [f"note N3: set aside ({crash.__name__} while annotating)"]
    assert (report.notes, len(suggestions_of(noted, "P1"))) == (4, 2)
    with noted.read() as connection:
        dump = str(connection.exec_driver_sql("SELECT * FROM annotation").fetchall())
    assert CANARY not in dump


def test_a_note_that_was_set_aside_is_tried_and_told_again_until_it_can_be_read(
    noted: Registry, rulebook: RuleBook, read: Reader
) -> None:
    def annotate(note: Note) -> list[Finding]:
        if note.note_id == "N3":
            raise ValueError
        return read(note)

    annotate_registry(noted, rulebook, unguarded(annotate))
    assert len(annotate_registry(noted, rulebook, unguarded(annotate)).quarantined) == 1
    mended = annotate_registry(noted, rulebook, unguarded(read))
    assert (mended.notes, mended.quarantined) == (1, [])
    assert len(suggestions_of(noted, "P2")) == 1


def test_a_full_disk_or_lost_database_is_no_notes_fault(noted: Registry, rulebook: RuleBook, read: Reader) -> None:
    with noted.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def wordy(note: Note) -> list[Finding]:
        return read(note) * 500

    with pytest.raises(RegistryError, match="disk is full"):
        annotate_registry(noted, rulebook, unguarded(wordy))


@pytest.mark.parametrize("notes_before_the_stop", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("where", ["reading", "proposing"])
def test_a_run_that_was_stopped_and_resumed_equals_one_that_was_not(
    noted: Registry,
    rulebook: RuleBook,
    read: Reader,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    notes_before_the_stop: int,
) -> None:
    """As a kill would: what is committed is committed, and nothing is cleared up."""
    done = 0

    def stopped(step: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object) -> object:
            nonlocal done
            if done == notes_before_the_stop:
                raise KeyboardInterrupt
            done += 1
            return step(*arguments)

        return run

    with monkeypatch.context() as patch:
        if where == "proposing":
            patch.setattr(batch, "propose", stopped(batch.propose))
        with suppress(KeyboardInterrupt):
            annotate_registry(noted, rulebook, unguarded(stopped(read) if where == "reading" else read))  # type: ignore[arg-type]
    annotate_registry(noted, rulebook, unguarded(read))
    resumed = all_suggestions(noted)
    with noted.write() as connection:
        for table in ("finding", "annotation", "suggestion"):
            connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
    annotate_registry(noted, rulebook, unguarded(read))
    assert all_suggestions(noted) == resumed
    assert [len(one) for one in resumed] == [2, 1, 0]  # type: ignore[arg-type]


def test_findings_that_can_not_be_put_together_keep_the_old_suggestions_and_are_told(
    noted: Registry, rulebook: RuleBook, read: Reader, make_rulebook: Callable[[str], RuleBook], found_in: Found
) -> None:
    annotate_registry(noted, rulebook, unguarded(read))

    def nonsense(note: Note) -> list[Finding]:
        return [found_in(note, "t", "response", "PR", date="2024-99")]

    report = annotate_registry(noted, make_rulebook("rules-2"), unguarded(nonsense))
    lines = [f"patient {patient}: suggestions not renewed (ValueError)" for patient in ("P1", "P2", "P3")]
    assert report.quarantined == lines
    assert (report.notes, report.patients) == (4, 3)
    assert len(suggestions_of(noted, "P1")) == 2


def test_other_rules_renew_the_suggestions_and_touch_no_decision(
    noted: Registry, rulebook: RuleBook, make_rulebook: Callable[[str], RuleBook], read: Reader
) -> None:
    annotate_registry(noted, rulebook, unguarded(read))
    accept(noted, "stage.valg", "limited")
    accept(noted, "response@2024-05-01", "PR", date="2024-05-01")
    before = decisions_of(noted, "P1")
    report = annotate_registry(noted, make_rulebook("rules-2"), unguarded(lambda _note: []))
    assert report.notes == 4
    assert suggestions_of(noted, "P1") == ()
    assert decisions_of(noted, "P1") == before
    assert [fact.value for fact in case_of(noted, "P1").facts] == ["PR", "limited"]
    back = annotate_registry(noted, rulebook, unguarded(read))
    assert back.notes == 4
    assert len(suggestions_of(noted, "P1")) == 2


def test_a_decided_event_keeps_its_slot_when_a_nearby_mention_turns_up(
    noted: Registry, rulebook: RuleBook, read: Reader
) -> None:
    annotate_registry(noted, rulebook, unguarded(read))
    accept(noted, "response@2024-05-01", "PR", date="2024-05-01")
    add_notes(noted, [Note("N0", "CT: partial response.", "P1", "2024-04-28", "radiology")], "test")
    annotate_registry(noted, rulebook, unguarded(read))
    responses = [one for one in suggestions_of(noted, "P1") if one.field == "response"]
    assert [(one.slot, len(one.evidence)) for one in responses] == [("response@2024-05-01", 2)]


def test_a_new_note_alone_is_read_when_it_comes(noted: Registry, rulebook: RuleBook, read: Reader) -> None:
    annotate_registry(noted, rulebook, unguarded(read))
    add_notes(noted, [Note("N5", "Limited stage.", "P3", "2024-06-01")], "test")
    report = annotate_registry(noted, rulebook, unguarded(read))
    assert (report.notes, report.patients) == (1, 1)
    assert [one.slot for one in suggestions_of(noted, "P3")] == ["stage.valg"]


def test_an_imported_event_draws_the_suggestions_near_it(noted: Registry, rulebook: RuleBook, read: Reader) -> None:
    annotate_registry(noted, rulebook, unguarded(read))
    imported = Decision(
        "i1",
        "P1",
        "response@2024-05-04",
        Action.IMPORT,
        "x",
        "2024-06-01T08:00:00+00:00",
        "response",
        "PR",
        source="import",
    )
    record_all(noted, [imported])
    annotate_registry(noted, rulebook, unguarded(read))
    assert "response@2024-05-04" in [one.slot for one in suggestions_of(noted, "P1")]


def test_lines_of_therapy_are_derived_from_the_drugs_and_marked_so(
    registry: Registry, rulebook: RuleBook, found_in: Found
) -> None:
    days = ["2024-01-22", "2024-02-12", "2024-11-04"]
    add_notes(registry, [Note(f"N{day}", "Given: carboplatin, etoposide.", "P1", day) for day in days], "test")

    def annotate(note: Note) -> list[Finding]:
        drugs = ("carboplatin", "etoposide")
        return [found_in(note, drug, "systemic_therapy", drug, date=note.note_date) for drug in drugs]

    annotate_registry(registry, rulebook, unguarded(annotate))
    lines = [one for one in suggestions_of(registry, "P1") if one.field == "therapy_line"]
    assert lines
    assert (lines[0].slot, lines[0].date, lines[0].origin) == ("therapy_line:1", "2024-01-22", "derived")
    assert set(lines[0].attributes["drugs"]) == {"carboplatin", "etoposide"}  # type: ignore[call-overload]
    assert lines[0].attributes["rule"]
    assert lines[0].evidence


def test_the_first_molecular_report_with_a_result_dates_the_report(
    registry: Registry, rulebook: RuleBook, found_in: Found
) -> None:
    notes = [
        Note("N1", "TP53 mutation known.", "P1", "2024-01-05", "clinic"),
        Note("N2", "TP53 mutation.", "P1", "2024-02-01T10:00:00", "molecular"),
        Note("N3", "TP53 mutation again.", "P1", "2024-06-01", "molecular"),
    ]
    add_notes(registry, notes, "test")
    annotate_registry(
        registry, rulebook, unguarded(lambda note: [found_in(note, "TP53 mutation", "variant", "TP53 mutation")])
    )
    (report,) = (one for one in suggestions_of(registry, "P1") if one.field == "molecular_report_date")
    assert (report.value, report.origin, [one.note_id for one in report.evidence]) == ("2024-02-01", "derived", ["N2"])


def test_the_registry_holds_what_the_reader_found(noted: Registry, rulebook: RuleBook, read: Reader) -> None:
    annotate_registry(noted, rulebook, unguarded(read))
    stored = [finding for patient in ("P1", "P2", "P3") for finding in findings_of(noted, patient)]
    assert stored == [finding for note in NOTES for finding in read(note)]
