"""Signing on the screen: what is signed is shown, one meaning each role, and nothing is decided past a signature."""

import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from abstracted import fill
from quiet_screen import until_quiet
from registry_copies import copied

from abstractor.model.decision import Action
from abstractor.quality.at_screen import QualityWork
from abstractor.registry import people
from abstractor.registry.decisions import case_of, decisions_of, record
from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.people import unasked
from abstractor.registry.people_changes import add_person, break_glass, revoke
from abstractor.registry.policy import set_idle_limit
from abstractor.registry.signatures import sign, signatures
from abstractor.registry.verify import verify_chain
from abstractor.review.config import ReviewConfig
from abstractor.rulebook.book import RuleBook
from abstractor.tui.app import ReviewApp
from abstractor.tui.going import Beyond
from abstractor.tui.plain import run_plain
from abstractor.tui.screens.idle import IdleScreen
from abstractor.tui.screens.inbox import InboxScreen
from abstractor.tui.screens.review import ReviewScreen
from abstractor.tui.screens.signing import SignScreen
from abstractor.tui.screens.worklist import WorklistScreen
from tests.tui.conftest import Clock, Hand

ROLES = {
    "ann": "abstractor", "max": "abstractor", "second": "second_reader", "judge": "adjudicator", "pi": "pi", "dm": "data_manager",
    "stat": "statistician", "author": "rule_author", "admin": "admin", "auditor": "auditor",
}  # fmt: skip
READERS = {"ann", "max", "second", "judge", "pi", "dm", "auditor"}
"""Who may see patients."""
WORDS = "Limited stage small cell"
"""Of the notes of all patients."""

Staffed = Callable[..., AbstractAsyncContextManager[Hand]]


@pytest.fixture(scope="session")
def staffed_file(empty_registry_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four closed patients of ann and max, and one person in each role."""
    path = copied(empty_registry_file, tmp_path_factory.mktemp("signing") / "r.db")
    made = fill(open_registry(str(path)))
    made.login = "admin"
    for name in ("admin", *(one for one in ROLES if one != "admin")):
        add_person(made, name, [ROLES[name]], full_name=f"Dr {name.title()}")
    made.close()
    return path


@pytest.fixture
def registry(staffed_file: Path, tmp_path: Path) -> Iterator[Registry]:
    made = open_registry(str(copied(staffed_file, tmp_path / "r.db")))
    yield made
    made.close()


@pytest.fixture
def staffed(registry: Registry, book: RuleBook) -> Staffed:
    """Opens the interface as the person of a login, with the quality desk."""

    @asynccontextmanager
    async def open_app(
        user: str, *keys: str, patient: str | None = None, size: tuple[int, int] = (100, 30), **more: object
    ) -> AsyncIterator[Hand]:
        registry.login = user
        config, clock = ReviewConfig(dwell_ms=0, **more.pop("settings", {})), more.pop("clock", None) or Clock()
        work = QualityWork(registry, book, user, config, clock)
        monotonic = more.pop("monotonic", lambda: 0.0)
        app = ReviewApp(
            registry, book, user, patient_id=patient, config=config, clock=clock, monotonic=monotonic,
            beyond=Beyond(desk=work, quality=work),
        )  # fmt: skip
        async with app.run_test(size=size) as pilot:
            await app.workers.wait_for_complete()
            await until_quiet()
            hand = Hand(pilot, registry)
            await hand.press(*keys)
            await hand.settle()
            yield hand

    return open_app


def signed_by(registry: Registry, who: str, patient_id: str, meaning: str) -> None:
    before, registry.login = registry.login, who
    sign(registry, patient_id, meaning, who)
    registry.login = before


def again(registry: Registry, patient_id: str, *actions: str) -> None:
    """Reopens or closes a patient, as whoever is at work."""
    for action in actions:
        last = decisions_of(registry, patient_id)[-1]
        step = replace(
            last, action_id=f"again-{last.sequence}", slot="", action=Action(action), decided_by=registry.login or "",
            reason="why", undoes=None, sequence=0,
        )  # fmt: skip
        record(registry, step, seen=last.sequence)


def standing(registry: Registry, patient_id: str) -> list[tuple[str, str]]:
    with unasked():
        return [(one.meaning, one.signed_by) for one in signatures(registry, patient_id) if one.stands]


async def test_an_abstractor_sees_what_is_signed_and_signs_it_with_enter(staffed: Staffed, registry: Registry) -> None:
    async with staffed("ann", "S", patient="P1") as hand:
        assert isinstance(hand.screen, SignScreen)
        shown = hand.painted()
        for words in (
            "Sign P1",
            "facts",
            "problems that nobody has let pass",
            "E25",
            "nobody has signed it",
            "I abstracted this patient",
        ):
            assert words in shown
        await hand.press("enter")
        assert "signed as abstracted by Dr Ann" in hand.line()
        assert "# SIGNED ABSTRACTED by ann" in hand.line("header")
    assert standing(registry, "P1") == [("abstracted", "ann")]


async def test_leaving_the_question_signs_nothing(staffed: Staffed, registry: Registry) -> None:
    async with staffed("ann", "S", "escape", patient="P1") as hand:
        assert isinstance(hand.screen, ReviewScreen)
    assert standing(registry, "P1") == []


async def test_where_a_name_may_mean_several_things_the_meaning_is_chosen_first(
    staffed: Staffed, registry: Registry
) -> None:
    signed_by(registry, "ann", "P1", "abstracted")
    async with staffed("pi", "S", "enter", patient="P1") as hand:
        assert isinstance(hand.screen, SignScreen)  # enter alone signs nothing
        assert "abstracted by Dr Ann (ann)" in hand.painted()
        assert list(hand.screen.meanings) == ["reviewed", "approved", "locked"]
        await hand.press("2", "enter")
        assert "signed as approved" in hand.line()
    assert standing(registry, "P1") == [("abstracted", "ann"), ("approved", "pi")]


async def test_nobody_reviews_what_they_abstracted_and_nothing_is_offered_that_would_be_refused(
    staffed: Staffed, registry: Registry
) -> None:
    async with staffed("second", "S", patient="P1") as hand:
        assert "no signature that you could give now" in hand.line()  # it is not signed as abstracted
    signed_by(registry, "ann", "P1", "abstracted")
    async with staffed("max", patient="P1") as hand:
        assert " S sign" not in hand.line()
        await hand.press("S")
        assert "no signature that you could give now" in hand.line()


async def test_what_changed_meanwhile_is_not_signed_unseen(staffed: Staffed, registry: Registry) -> None:
    async with staffed("ann", "S", patient="P1") as hand:
        other = open_registry(str(registry.engine.url.database))
        other.login = "max"
        again(other, "P1", "reopen", "close")
        other.close()
        await hand.press("enter")
        assert "was changed meanwhile; not signed" in hand.line()
    assert standing(registry, "P1") == []


KEYS_THAT_DECIDE = ("a", "r", "d", "1", "0", "e", "R", "A", "c", "u", "U", "i", "O")


async def test_a_key_that_decides_on_a_signed_patient_is_refused_with_the_remedy(
    staffed: Staffed, registry: Registry
) -> None:
    registry.login = "ann"
    signed_by(registry, "ann", "P1", "abstracted")
    before = case_of(registry, "P1")
    async with staffed("ann", patient="P1") as hand:
        for key in KEYS_THAT_DECIDE:
            await hand.press("j" if hand.review.at == 0 else "k", key)
            assert "# SIGNED ABSTRACTED by ann: L unlocks it" in hand.line(), key
    assert case_of(registry, "P1") == before


async def test_what_is_half_typed_is_kept_when_somebody_signs_meanwhile(staffed: Staffed, registry: Registry) -> None:
    async with staffed("ann", "O", *"why", "enter", "e", *"small", patient="P1") as hand:
        await hand.settle()
        typed = hand.session.drafts.all()
        assert typed
        again(registry, "P1", "close")
        signed_by(registry, "ann", "P1", "abstracted")
        await hand.press("enter")
        assert "signed as abstracted" in hand.painted()
        assert hand.session.drafts.all() == typed
    assert case_of(registry, "P1").closed


async def test_who_may_unlock_does_so_with_a_reason_and_all_signatures_are_void(
    staffed: Staffed, registry: Registry
) -> None:
    signed_by(registry, "ann", "P1", "abstracted")
    signed_by(registry, "pi", "P1", "locked")
    async with staffed("dm", patient="P1") as hand:
        assert "# LOCKED by pi: L unlocks it" in hand.line("header")
        await hand.press("L", "enter")
        assert "needs a reason" in hand.line()
        await hand.press("L", *"amended", "enter")
        assert "unlocked" in hand.line()
        assert "CLOSED" in hand.line("header")
        await hand.press("g", "h")
        told = hand.painted()
        assert "signed as locked" in told
        assert "unlocked: signatures void, because: amended" in told
    assert standing(registry, "P1") == []


async def test_an_abstractor_does_not_unlock_what_is_locked(staffed: Staffed, registry: Registry) -> None:
    signed_by(registry, "ann", "P1", "abstracted")
    signed_by(registry, "pi", "P1", "locked")
    async with staffed("ann", patient="P1") as hand:
        assert " L unlock" not in hand.line()
        await hand.press("L")
        assert "# LOCKED by pi: Data manager unlocks it" in hand.line()
    assert len(standing(registry, "P1")) == 2


async def test_the_worklist_tells_signed_and_locked_by_glyph_and_word(staffed: Staffed, registry: Registry) -> None:
    for patient_id, who in (("P1", "ann"), ("P3", "max")):
        signed_by(registry, who, patient_id, "abstracted")
    signed_by(registry, "pi", "P3", "locked")
    async with staffed("auditor") as hand:
        rows = {line.split()[0]: line for line in hand.painted().replace(">", " ").splitlines() if " P" in line}
        assert "# signed abstracted" in rows["P1"]
        assert "# locked" in rows["P3"]
        assert "closed" in rows["P2"]
        await hand.press("f", *"locked", "enter")
        assert [row.patient_id for row in hand.screen.rows] == ["P3"]


async def test_a_pi_signs_the_closed_patients_of_the_list_each_for_itself(staffed: Staffed, registry: Registry) -> None:
    for patient_id, who in (("P1", "ann"), ("P2", "ann"), ("P3", "max")):
        signed_by(registry, who, patient_id, "abstracted")
    async with staffed("pi", "S") as hand:
        assert isinstance(hand.screen, SignScreen)
        assert "3 as approved" in hand.painted()
        await hand.press("2", "enter")
        await hand.settle()
        await hand.settle()
        assert "3 signed as approved" in hand.line()
    assert [len(standing(registry, one)) for one in ("P1", "P2", "P3", "P4")] == [2, 2, 2, 0]
    with unasked():
        assert verify_chain(registry).faults == []


# Who reads only


@pytest.mark.parametrize("who", ROLES)
async def test_every_role_sees_what_is_theirs_and_no_word_of_a_note_else(
    staffed: Staffed, registry: Registry, who: str
) -> None:
    async with staffed(who) as hand:
        assert isinstance(hand.screen, WorklistScreen)
        listed = hand.painted()
        assert ("P1" in listed) == (who in READERS)
        if who not in READERS:
            assert "may not see the list of patients" in listed
        for keys in (("enter",), ("g", "h"), ("t",), ("g", "o"), ("g", "s"), ("g", "q"), ("?",)):
            await hand.press("w", *keys)
            await hand.settle()
            shown = hand.painted()
            assert hand.app.return_code is None
            if who not in READERS:
                assert WORDS not in shown
                assert "P1" not in shown
        await hand.press("q", "w")


@pytest.mark.parametrize("who", sorted(READERS))
async def test_who_may_read_opens_a_patient_and_only_abstractors_decide(
    staffed: Staffed, registry: Registry, who: str
) -> None:
    registry.login = "ann"
    again(registry, "P1", "reopen")
    async with staffed(who, "enter", patient="P1") as hand:
        assert isinstance(hand.screen, ReviewScreen)
        assert WORDS in hand.painted()
        before = len(decisions_of(registry, "P1"))
        await hand.press("0")
        decides = ROLES[who] == "abstractor"
        assert (len(decisions_of(registry, "P1")) > before) == decides
        if not decides:
            assert "READ ONLY" in hand.line("header")
            assert "not documented" not in hand.line()


def test_who_may_not_decide_reads_line_by_line_too(registry: Registry, book: RuleBook) -> None:
    registry.login = "auditor"
    again = io.StringIO()
    code = run_plain(registry, book, "auditor", patient_id="P1", clock=Clock(), lines=io.StringIO(" \na\n"), out=again)
    assert code == 0
    assert "read only: auditor may not decide on a patient (Auditor)" in again.getvalue()
    assert WORDS in again.getvalue()


async def test_help_and_palette_offer_only_what_a_role_allows(staffed: Staffed) -> None:
    async with staffed("auditor", patient="P1") as hand:
        offered = {command.title for command in hand.app.get_system_commands(hand.screen)}
        await hand.press("?")
        helped = "\n".join(line.plain for line in hand.screen.lines)
    for told in (helped, "\n".join(offered)):
        assert "take the suggested value" not in told
        assert "everything that was ever done with this row" in told


async def test_a_key_that_is_not_for_a_role_names_the_role(staffed: Staffed) -> None:
    async with staffed("stat", "g", "o") as hand:
        assert "not for Statistician: survival and response" in hand.line()


async def test_who_loses_their_role_while_at_work_sees_no_list_any_more(staffed: Staffed, registry: Registry) -> None:
    async with staffed("auditor") as hand:
        assert "P1" in hand.painted()
        registry.login = "admin"
        revoke(registry, "auditor", "auditor")
        registry.login = "auditor"
        await hand.press("ctrl+l")
        await hand.settle()
        await hand.settle()
        assert "P1" not in hand.painted()
        assert "may not see the list of patients" in hand.painted()


# Nobody there, and broken glass


async def test_the_registrys_limit_shortens_the_persons_own_and_never_the_other_way(
    staffed: Staffed, registry: Registry
) -> None:
    registry.login = "admin"
    set_idle_limit(registry, 5)
    now = [0.0]
    for own, covers_at in ((0, 5), (60, 5), (2, 2)):
        now[0] = 0.0
        async with staffed("ann", patient="P1", monotonic=lambda: now[0], settings={"idle_minutes": own}) as hand:
            now[0] = 60.0 * covers_at - 1
            hand.app.cover_when_idle()
            await hand.pilot.pause()
            assert not isinstance(hand.screen, IdleScreen)
            now[0] += 1
            hand.app.cover_when_idle()
            await hand.pilot.pause()
            assert isinstance(hand.screen, IdleScreen)
            assert WORDS not in hand.painted()
            assert "signed ann" in hand.painted()
            await hand.press("a")  # takes the cover off, and decides nothing
            assert isinstance(hand.screen, ReviewScreen)
            assert WORDS in hand.painted()


async def test_who_is_somebody_else_ends_the_program_at_the_cover(staffed: Staffed) -> None:
    now = [0.0]
    async with staffed("ann", patient="P1", monotonic=lambda: now[0]) as hand:
        now[0] = 60.0 * 60
        hand.app.cover_when_idle()
        await hand.pilot.pause()
        await hand.press("ctrl+q")
        assert hand.app.return_code == 0


async def test_broken_glass_stands_over_every_screen_and_ends_by_itself(
    staffed: Staffed, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(people, "utc_now", clock)
    async with staffed("admin", clock=clock) as hand:
        assert "GLASS" not in hand.painted()
        registry.login = "admin"
        break_glass(registry, "the disk failed", clock)
        await hand.press("ctrl+l")
        await hand.settle()
        await hand.settle()
        assert "! GLASS BROKEN by admin" in hand.painted()
        assert "P1" in hand.painted()
        await hand.press("v")
        await hand.settle()
        assert WORDS in hand.painted()
        assert "! GLASS BROKEN by admin" in hand.painted()
        clock.second += 3600
        hand.app.read_standing()  # as it does every few seconds
        await hand.settle()
        await hand.settle()
        assert "GLASS" not in hand.painted()
        assert "P1" not in hand.painted()


@pytest.mark.parametrize("who", ["admin", "pi"])
async def test_the_admin_and_the_pi_are_told_in_their_inbox_that_the_glass_was_broken(
    staffed: Staffed, registry: Registry, who: str
) -> None:
    registry.login = "admin"
    break_glass(registry, "the disk failed")
    async with staffed(who, "g", "q", "enter") as hand:
        assert isinstance(hand.screen, InboxScreen)
        assert "break glass by admin" in hand.painted()
        assert "the disk failed" in hand.painted()
        await hand.press("j", "enter")
        assert "about no patient" in hand.line()
