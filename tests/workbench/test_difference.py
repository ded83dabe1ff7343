"""What one rulebook finds and another does not, and which of it agrees with what people stated."""

from collections.abc import Callable

from abstractor.evaluation import GoldFact, GoldNote
from abstractor.model.finding import Finding
from abstractor.model.note import Note
from abstractor.workbench.difference import Difference, Kind, Outcome, Statement, compare, gold_statements, judge
from abstractor.workbench.difference_report import difference_page, difference_row, difference_text

NOTE = Note("n1", "Small cell cancer. Liver metastasis <seen>. Brain clear.", "p1", "2024-01-02", "clinic")
SENTENCES = [(0, 18), (19, 43), (44, 56)]
MakeFinding = Callable[..., Finding]


def test_facts_are_added_gone_or_changed(found_in: MakeFinding) -> None:
    liver = found_in(NOTE, "Liver metastasis", "metastasis", "liver")
    doubted = found_in(NOTE, "Liver metastasis", "metastasis", "liver", "uncertain")
    brain = found_in(NOTE, "Brain", "metastasis", "brain", "absent")
    cell = found_in(NOTE, "Small cell", "histology", "small_cell")
    changes = compare(NOTE, [cell, liver], [doubted, brain], SENTENCES)
    assert [(one.kind, one.field, one.what) for one in changes] == [
        (Kind.GONE, "histology", ""),
        (Kind.CHANGED, "metastasis", "assertion"),
        (Kind.ADDED, "metastasis", ""),
    ]
    assert "".join(part.text for part in changes[1].sentence) == "Liver metastasis <seen>."


def test_the_same_findings_are_no_change_whichever_rule_found_them(found_in: MakeFinding) -> None:
    one = found_in(NOTE, "Brain", "metastasis", "brain", "absent")
    assert (
        compare(NOTE, [one], [found_in(NOTE, "Brain", "metastasis", "brain", "absent", confidence=0.3)], SENTENCES)
        == []
    )


def test_another_date_of_the_same_fact_is_a_change(found_in: MakeFinding) -> None:
    old = found_in(NOTE, "Brain", "metastasis", "brain")
    new = found_in(NOTE, "Brain", "metastasis", "brain", date="2024-01", date_source="stated")
    [change] = compare(NOTE, [old], [new], SENTENCES)
    assert (change.kind, change.what) == (Kind.CHANGED, "date")


def test_won_is_a_confirmed_fact_found_and_a_rejected_one_no_longer_found(found_in: MakeFinding) -> None:
    liver = found_in(NOTE, "Liver metastasis", "metastasis", "liver")
    brain = found_in(NOTE, "Brain", "metastasis", "brain")
    stated = [
        Statement("n1", "metastasis", "liver", "present", True, ((19, 35),), "decision", "p1 liver"),
        Statement("n1", "metastasis", "brain", "present", False, ((44, 49),), "decision", "p1 brain"),
    ]
    texts = {"n1": (NOTE, SENTENCES)}
    better = judge(texts, {"n1": [brain]}, {"n1": [liver]}, stated)
    worse = judge(texts, {"n1": [liver]}, {"n1": [brain]}, stated)
    assert [one.outcome for one in better] == [Outcome.WON] * 2
    assert [one.outcome for one in worse] == [Outcome.LOST] * 2
    assert judge(texts, {"n1": [liver]}, {"n1": [liver]}, stated) == []


def test_a_fact_quoted_from_two_notes_is_found_if_one_of_them_gives_it(found_in: MakeFinding) -> None:
    liver = found_in(NOTE, "Liver metastasis", "metastasis", "liver")
    stated = [
        Statement(note, "metastasis", "liver", "present", True, ((19, 35),), "decision", "p1 liver")
        for note in ("n1", "n2")
    ]
    texts = {"n1": (NOTE, SENTENCES), "n2": (NOTE, SENTENCES)}
    assert judge(texts, {"n1": [liver], "n2": [liver]}, {"n1": [], "n2": [liver]}, stated) == []


def test_gold_states_its_facts_and_refuses_what_else_is_found(found_in: MakeFinding) -> None:
    gold = GoldNote("n1", (GoldFact("metastasis", "liver", "present"), GoldFact("response", "PD", "hypothetical")))
    found = [found_in(NOTE, "Brain", "metastasis", "brain"), found_in(NOTE, "Liver metastasis", "metastasis", "liver")]
    stated = {(one.value, one.holds) for one in gold_statements(gold, found, frozenset())}
    assert stated == {("liver", True), ("brain", False)}


def difference(found_in: MakeFinding) -> Difference:
    old = [found_in(NOTE, "Brain", "metastasis", "brain")]
    new = [found_in(NOTE, "Liver metastasis", "metastasis", "liver")]
    changes = tuple(compare(NOTE, old, new, SENTENCES))
    stated = [Statement("n1", "metastasis", "liver", "present")]
    return Difference(
        "aaaa", "bbbb", 1, changes, tuple(judge({"n1": (NOTE, SENTENCES)}, {"n1": old}, {"n1": new}, stated)), 1
    )


def test_the_text_fits_a_terminal_and_counts_by_field_and_rule(found_in: MakeFinding) -> None:
    told = difference_text(difference(found_in))
    assert max(map(len, told.splitlines())) <= 80
    assert "WON metastasis liver present  note n1" in told
    assert "[[Liver metastasis]] <seen>." in told
    row = difference_row(difference(found_in))
    assert row["totals"] == {"added": 1, "gone": 1, "changed": 0, "won": 1, "lost": 0}


def test_the_page_escapes_the_notes_marks_the_words_and_reaches_nowhere(found_in: MakeFinding) -> None:
    page = difference_page(difference(found_in))
    assert "&lt;seen&gt;" in page
    assert "<seen>" not in page
    assert '<mark class="new" title="new">Liver metastasis</mark>' in page
    assert "http" not in page.replace("http-equiv", "")
    assert "src=" not in page
