"""The audit of a sample in the interface: item by item with its words, agreed or not, undone, finished, reopened; all of it committed."""

from dataclasses import replace

import pytest

from abstractor.model.decision import Action, Decision
from abstractor.quality.at_screen import QualityWork
from abstractor.quality.audits import Wanted, audit_of, draw_facts
from abstractor.quality.desk import open_desk
from abstractor.quality.second_readings import assign
from abstractor.registry.decisions import decisions_of
from abstractor.registry.quality import sample_of
from abstractor.registry.suggestions import suggestions_of
from abstractor.tui.screens.audit import AuditScreen
from abstractor.tui.screens.audit_figures import AuditFiguresScreen
from abstractor.tui.screens.edit import EditScreen
from abstractor.tui.screens.quality import QualityScreen

OPEN = ("g", "q", "enter")
ITEMS = 12
NOON = "2024-05-01T12:00:00.000+00:00"


@pytest.fixture
def desk(abstracted, book):
    made = open_desk(abstracted, book, "quinn", lambda: "2024-05-01T08:00:00.000+00:00")
    draw_facts(made, "may", 7, Wanted(per_field=10))
    return made


def judged(desk):
    return audit_of(desk, "may").judged


async def test_the_desk_lists_the_audit_and_enter_opens_its_first_item_with_the_words_it_rests_on(at_work, desk):
    async with at_work("quinn", "g", "q") as hand:
        assert isinstance(hand.screen, QualityScreen)
        assert "may" in hand.painted()
        assert f"0 of {ITEMS} done" in hand.painted()
        await hand.press("enter")
        assert isinstance(hand.screen, AuditScreen)
        words = hand.screen.spans[0].text
        assert words in hand.screen.doc.text
        assert f"item 1 of {ITEMS}" in hand.line("evidence-title")
        assert words in hand.painted()


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 50)])
async def test_what_was_decided_and_where_it_stands_is_on_the_screen_at_every_size(at_work, desk, size):
    async with at_work("quinn", *OPEN, size=size) as hand:
        for number in range(ITEMS):
            decided = hand.screen.decision
            evidence = "\n".join(line.plain for line in hand.screen.query_one("#evidence").lines)
            assert {"accept": "accepted", "edit": "edited to", "reject": "rejected"}[decided.action] in evidence
            assert decided.evidence[0].text in evidence
            assert hand.screen.item.place == number + 1
            await hand.press("j")


@pytest.mark.both_databases
async def test_agreeing_commits_and_goes_on(at_work, desk):
    async with at_work("quinn", *OPEN) as hand:
        await hand.press("a")
        assert judged(desk)[1].verdict == "agree"
        assert judged(desk)[1].auditor == "quinn"
        assert hand.screen.item.place == 2
        assert f"1/{ITEMS} judged" in hand.line("header")


@pytest.mark.parametrize(("digit", "verdict"), [("1", "major"), ("2", "minor")])
async def test_a_disagreement_asks_how_bad_it_is_and_which_error(at_work, desk, digit, verdict):
    async with at_work("quinn", *OPEN, "r", digit) as hand:
        assert judged(desk) == {}
        await hand.type("tem")
        await hand.press("enter")
        assert (judged(desk)[1].verdict, judged(desk)[1].error) == (verdict, "TEMP")
        await hand.press("k")
        assert f"you: {verdict} TEMP wrong date" in hand.painted()


async def test_leaving_any_of_the_questions_judges_nothing(at_work, desk):
    async with at_work("quinn", *OPEN, "r", "escape", "r", "1", "escape", "e", "escape", "c", "escape", "a") as hand:
        assert list(judged(desk)) == [1]
        assert hand.screen.item.place == 2


async def test_an_answer_that_is_not_offered_is_none(at_work, desk):
    async with at_work("quinn", *OPEN, "r", "7") as hand:
        await hand.press("1")
        await hand.type("zzz")
        await hand.press("enter")
        assert judged(desk) == {}
        assert "nothing like that" in hand.painted()


async def test_the_right_value_is_kept_with_the_disagreement_and_the_registry_stays_as_it_is(at_work, desk, abstracted):
    async with at_work("quinn", *OPEN) as hand:
        while hand.screen.item.field != "response":
            await hand.press("j")
        place, patient_id = hand.screen.item.place, hand.screen.item.patient_id
        before = decisions_of(abstracted, patient_id)
        await hand.press("e")
        assert isinstance(hand.screen, EditScreen)
        await hand.type("SD")
        await hand.press("enter", "1")
        await hand.type("scope")
        await hand.press("enter")
        found = judged(desk)[place]
        assert (found.verdict, found.error, found.third["value"]) == ("major", "SCOPE", "SD")
        assert found.third["date"] == "2024-03-01"
        assert decisions_of(abstracted, patient_id) == before
        hand.screen.go_to(str(place))
        await hand.settle()
        assert "right: Stable disease" in hand.painted()


async def test_the_right_value_can_be_added_to_a_disagreement_afterwards(at_work, desk):
    async with at_work("quinn", *OPEN, "r", "2", "N", "O", "R", "enter") as hand:
        hand.screen.go_to("1")
        await hand.press("e")
        await hand.settle()
        spec = hand.screen.spec
        await hand.type(spec.codes[1].code if spec.codes else "liver")
        await hand.press("enter")
        found = judged(desk)[1]
        assert (found.verdict, found.error) == ("minor", "NORM")
        assert found.third is not None


async def test_a_comment_is_saved_with_the_judgement_or_added_to_it(at_work, desk):
    async with at_work("quinn", *OPEN, "c") as hand:
        await hand.type("scan of March")
        await hand.press("enter")
        assert judged(desk) == {}
        assert "saved with your answer" in hand.painted()
        await hand.press("a")
        assert judged(desk)[1].comment == "scan of March"
        await hand.press("k", "c")
        await hand.type("seen twice")
        await hand.press("enter")
        assert (judged(desk)[1].comment, judged(desk)[1].verdict) == ("seen twice", "agree")


@pytest.mark.both_databases
async def test_undo_takes_back_the_last_judgement_and_goes_to_it(at_work, desk):
    async with at_work("quinn", *OPEN, "a", "a", "u") as hand:
        assert list(judged(desk)) == [1]
        assert hand.screen.item.place == 2
        assert "undone" in hand.line()
        await hand.press("u", "u")
        assert judged(desk) == {}
        assert "nothing to undo" in hand.line()


async def test_nothing_is_judged_that_was_not_on_the_screen_for_a_moment(at_work, desk):
    async with at_work("quinn", *OPEN, dwell_ms=250) as hand:
        await hand.press("a")
        assert judged(desk) == {}
        assert "not yet shown" in hand.line()


async def test_nobody_audits_a_decision_of_their_own(at_work, desk):
    async with at_work("ann", *OPEN) as hand:
        hand.screen.go_to(next(str(one.place) for one in hand.screen.opened.audit.items if one.patient_id == "P1"))
        await hand.press("a")
        assert judged(desk) == {}
        assert "somebody else must audit it" in hand.line()


async def test_what_somebody_else_has_judged_meanwhile_is_shown_and_not_overwritten(at_work, desk, abstracted, book):
    from abstractor.quality.audit import Verdict
    from abstractor.quality.audits import judge

    async with at_work("quinn", *OPEN) as hand:
        judge(open_desk(abstracted, book, "zoe"), "may", 1, Verdict.MINOR, error="HUM")
        await hand.press("a")
        assert judged(desk)[1].auditor == "quinn" or "zoe was there" in hand.line()
        assert hand.screen.opened.audit.judged[1].auditor == judged(desk)[1].auditor


@pytest.mark.both_databases
async def test_the_last_judgement_offers_to_finish_and_a_finished_audit_says_what_it_found(at_work, desk):
    async with at_work("quinn", *OPEN, *["a"] * ITEMS) as hand:
        assert "finishes the audit" in hand.line()
        await hand.press("enter")
        assert not audit_of(desk, "may").locked
        await hand.press("enter")
        await hand.settle()
        assert audit_of(desk, "may").locked
        assert isinstance(hand.screen, AuditFiguresScreen)
        told = hand.painted()
        assert "100.0 %" in told
        assert "accepted: all 4 audited" in told
        await hand.press("q")
        assert "LOCKED" in hand.line("header")


@pytest.mark.both_databases
async def test_a_locked_audit_takes_nothing_until_it_is_reopened_with_a_reason(at_work, desk):
    async with at_work("quinn", *OPEN, *["a"] * ITEMS, "enter", "enter", "q") as hand:
        await hand.press("k", "r")
        assert "locked" in hand.line()
        await hand.press("O", "enter")
        assert audit_of(desk, "may").locked
        assert "reason" in hand.line()
        await hand.press("O")
        await hand.type("wrong note")
        await hand.press("enter")
        audit = audit_of(desk, "may")
        assert not audit.locked
        assert audit.history[-1].content["reason"] == "wrong note"
        await hand.press("r", "1", "H", "U", "M", "enter")
        assert "major" in {one.verdict for one in judged(desk).values()}


async def test_a_locked_audit_stays_on_the_desk_but_waits_for_nobody(at_work, desk):
    async with at_work("quinn", *OPEN, *["a"] * ITEMS, "enter", "enter", "q", "q") as hand:
        assert f"locked, {ITEMS} judged" in hand.painted()
        assert "nothing waits" in hand.painted()
        await hand.press("q")
        await hand.settle()
        assert "QA 0" in hand.line("header")


async def test_the_figures_say_what_is_still_open(at_work, desk):
    async with at_work("quinn", *OPEN, "a", "f") as hand:
        assert "not finished" in hand.painted()
        assert "1/4" in hand.painted()


async def test_notes_can_be_searched_and_help_names_the_keys(at_work, desk):
    async with at_work("quinn", *OPEN, "/") as hand:
        await hand.type("liver")
        await hand.press("enter")
        assert "match 1/1" in hand.line()
        await hand.press("?")
        told = "\n".join(line.plain for line in hand.screen.lines)
        assert "the decision is right" in told
        assert "none of the values is right" not in told


async def test_a_sample_with_a_decision_that_is_not_there_says_so(at_work, desk, abstracted):
    assert sample_of(abstracted, "may").frame_size == ITEMS
    async with at_work("quinn", *OPEN) as hand:
        hand.screen.opened.decisions.clear()
        await hand.press("j")
        assert "not in this registry" in hand.painted()


async def test_a_patient_that_is_still_to_be_read_blind_is_hidden_in_the_list(at_work, desk, abstracted, book):
    patient = audit_of(desk, "may").items[0].patient_id
    assign(open_desk(abstracted, book, "pi"), patient, "bea", suggesting=False)
    async with at_work("bea", "g", "q") as hand:
        hand.screen.list.go(next(at for at, one in enumerate(hand.screen.items) if one.kind == "audit"))
        await hand.press("enter")
        hand.screen.go_to("1")
        await hand.settle()
        assert "Somebody else must" in "\n".join(line.plain for line in hand.screen.query_one("#evidence").lines)
        assert "hidden: you read it blind" in hand.screen.item_line("1", 76)[1].plain
        assert hand.screen.decision is None
        await hand.press("a")
        assert "second reader of this patient" in hand.line()
    assert judged(desk) == {}


async def test_a_change_of_size_leaves_what_was_decided_in_its_pane(at_work, desk):
    async with at_work("quinn", *OPEN) as hand:
        await hand.pilot.resize_terminal(160, 50)
        await hand.settle()
        evidence = "\n".join(line.plain for line in hand.screen.query_one("#evidence").lines)
        assert "conf " not in evidence
        assert evidence.split()[0] in {"accepted", "edited", "rejected"}


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_an_interval_is_never_cut(at_work, desk, size):
    async with at_work("quinn", *OPEN, "a", "a", "f", size=size) as hand:
        await hand.settle()
        shares = [one for one in hand.painted().splitlines() if " % (" in one and "interval" not in one]
        assert shares
        assert all(one.rstrip().endswith(")") for one in shares)


def test_what_was_refused_is_shown_with_the_words_that_the_rules_offer(desk, abstracted):
    work = QualityWork(abstracted, desk.book, "quinn")
    offered = next(one for one in suggestions_of(abstracted, "P1") if one.evidence)
    refused = Decision("x", "P1", offered.slot, Action.REJECT, "ann", NOON, offered.field, offered.value)
    assert work.words_of(refused) == offered.evidence
    assert work.words_of(replace(refused, value="something else")) == ()
