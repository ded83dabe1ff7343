"""The worklist: whose work is next, claiming and giving back, patients that others are at."""

import pytest

from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.model.suggestion import Suggestion
from abstractor.registry.assignments import claim_next
from abstractor.registry.leases import claim, lease_events
from abstractor.registry.notes import add_notes
from abstractor.registry.suggestions import replace_suggestions
from abstractor.registry.worklist import worklist
from abstractor.review.people import ago, held_words, wall_time
from abstractor.tui.screens.review import ReviewScreen
from abstractor.tui.screens.worklist import WorklistScreen

DAY = "2024-03-01T"
MORNING = f"{DAY}08:00:00.000+00:00"


@pytest.fixture
def pool(registry):
    """TOUR-01, and P1 to P4 with one question each, in the registry for ten days."""
    for number in range(1, 5):
        patient_id = f"P{number}"
        add_notes(registry, [Note(f"N{number}", "x", patient_id)], "test", lambda: "2024-02-20T08:00:00.000+00:00")
        suggestion = Suggestion(patient_id, "histology", "histology", "small_cell", Assertion.PRESENT)
        replace_suggestions(registry, patient_id, [suggestion])
    return registry


def shown(hand) -> list[str]:
    return [row.patient_id for row in hand.screen.rows]


def at(time: str):
    return lambda: f"{DAY}{time}:00.000+00:00"


@pytest.mark.both_databases
async def test_a_claim_takes_the_oldest_of_the_pool(opened, pool):
    async with opened(patient=None, claim_count=2) as hand:
        assert "mine 0 | pool 5 | all 5" in hand.line("header")
        await hand.press("c")
        await hand.settle()
        assert "mine 2 | pool 3" in hand.line("header")
        assert "2 patients are yours now" in hand.line()
        assert shown(hand)[:2] == ["P1", "P2"]
        assert hand.screen.row.patient_id == "P1"
        line = hand.screen._line(0, 80).plain
        assert "10 d" in line
        assert "new, mine" in line
        assert line.rstrip().endswith("14 d")


async def test_an_overdue_patient_says_how_late_it_is(opened, pool):
    claim_next(pool, "ann", 1, lambda: "2024-02-10T08:00:00.000+00:00")
    async with opened(patient=None, due_days=14) as hand:
        assert hand.screen._line(0, 80).plain.rstrip().endswith("6 d late")


async def test_a_claim_from_an_empty_pool_says_so(opened, pool):
    claim_next(pool, "bob", 50)
    async with opened(patient=None) as hand:
        await hand.press("c")
        await hand.settle()
        assert "the pool is empty" in hand.line()


async def test_tab_shows_only_mine_then_only_the_pool_then_all(opened, pool):
    claim_next(pool, "ann", 1)
    async with opened(patient=None) as hand:
        await hand.press("tab")
        assert shown(hand) == ["P1"]
        assert "only mine (1)" in hand.line("header")
        await hand.press("tab")
        assert shown(hand) == ["P2", "P3", "P4", "TOUR-01"]
        await hand.press("tab")
        assert len(shown(hand)) == 5


async def test_with_nothing_assigned_the_list_says_how_to_get_work(opened, pool):
    async with opened(patient=None, claim_count=3) as hand:
        await hand.press("tab")
        assert hand.screen.list.empty.plain.strip() == "Nothing assigned. c claim 3 from pool (5)"


async def test_a_filter_takes_the_words_of_the_states(opened, pool):
    claim_next(pool, "bob", 1, at("08:00"))
    claim(pool, "P2", "bob", clock=at("08:00"))
    async with opened(patient=None) as hand:
        for words, wanted in (
            ("held", ["P2"]),
            ("for bob", ["P1", "P2"]),
            ("pool", ["P3", "P4", "TOUR-01"]),
            ("new p3", ["P3"]),
            ("all", ["P3", "P4", "TOUR-01", "P1", "P2"]),
        ):
            await hand.press("F", "f")
            await hand.type(words)
            await hand.press("enter")
            assert shown(hand) == wanted, words


@pytest.mark.both_databases
async def test_what_was_claimed_can_be_given_back(opened, pool):
    claim_next(pool, "ann", 2)
    async with opened(patient=None) as hand:
        await hand.press("b")
        await hand.settle()
        assert "P1 is back in the pool" in hand.line()
        assert [row.assigned for row in worklist(pool, "ann") if row.patient_id in {"P1", "P2"}] == ["ann", None]
        hand.screen.list.go(3)
        await hand.press("b")
        assert "is not your work" in hand.line()


async def test_opening_a_patient_of_the_pool_makes_it_ones_work(opened, pool):
    """In a registry of one person nobody needs to know of claiming."""
    async with opened(patient=None) as hand:
        await hand.press("enter")
        assert isinstance(hand.screen, ReviewScreen)
        assert hand.session.patient_id == "P1"
        await hand.press("q")
        await hand.settle()
        assert "mine 1" in hand.line("header")
        assert hand.screen.rows[0].assigned == "ann"
        assert hand.screen.rows[0].holder is None


async def test_looking_at_a_patient_takes_nothing(opened, pool):
    async with opened(patient=None) as hand:
        await hand.press("v")
        assert isinstance(hand.screen, ReviewScreen)
        assert hand.session.hold.read_only
    assert all(row.assigned is None and row.holder is None for row in worklist(pool, "ann"))


async def test_a_patient_that_another_is_at_says_who_since_when_and_what_to_do(opened, pool):
    claim(pool, "P1", "R.CHEN", clock=lambda: "2024-03-01T07:58:00.000+00:00")
    async with opened(patient=None) as hand:
        hand.screen.list.go(shown(hand).index("P1"))
        await hand.press("enter")
        assert isinstance(hand.screen, WorklistScreen)
        said = hand.line()
        assert f"R.CHEN holds P1 since {wall_time('2024-03-01T07:58:00+00:00')} (active 2 min ago)" in said
        assert "v read only  N next  ! take over" in said
        await hand.press("!")
        assert "R.CHEN holds P1" in hand.line()
        hand.screen.read()
        await hand.settle()
        assert "R.CHEN holds P1" in hand.line(), "the list was read meanwhile"
        assert isinstance(hand.screen, WorklistScreen)
        assert "held R.CHEN" in hand.painted()
    assert lease_events(pool, "P1") == ()


@pytest.mark.both_databases
async def test_next_goes_past_what_others_are_at_or_have_claimed(opened, pool):
    claim(pool, "P2", "bob", clock=at("08:00"))
    claim_next(pool, "kim", 1, at("08:00"))  # P1
    async with opened(patient=None) as hand:
        assert shown(hand) == ["P3", "P4", "TOUR-01", "P1", "P2"]
        await hand.press("G", "N")
        assert hand.screen.row.patient_id == "P3"
        await hand.press("N", "N", "N")
        assert hand.screen.row.patient_id == "P3"


async def test_somebody_idle_can_be_relieved_and_the_trace_says_so(opened, pool):
    claim(pool, "P1", "bob", minutes=60, clock=lambda: "2024-03-01T07:40:00.000+00:00")
    async with opened(patient=None) as hand:
        hand.screen.list.go(shown(hand).index("P1"))
        await hand.press("!")
        assert isinstance(hand.screen, ReviewScreen)
        assert not hand.session.hold.read_only
    kinds = [(one.kind, one.taken_by, one.taken_from) for one in lease_events(pool, "P1")]
    assert kinds == [("idle", "ann", "bob"), ("reassigned", "ann", "bob")]


async def test_a_supervisor_needs_not_wait(opened, pool):
    claim(pool, "P1", "bob", clock=lambda: "2024-03-01T08:00:00.000+00:00")
    async with opened(patient=None, supervisor=True) as hand:
        hand.screen.list.go(shown(hand).index("P1"))
        await hand.press("!")
        assert isinstance(hand.screen, ReviewScreen)
    assert [one.kind for one in lease_events(pool, "P1")] == ["supervisor", "reassigned"]


@pytest.mark.both_databases
async def test_a_patient_taken_over_meanwhile_takes_no_more_decisions_and_says_who_has_it(opened, registry):
    async with opened() as hand:
        claim(registry, "TOUR-01", "boss", take_over=True, supervisor=True, clock=at("08:01"))
        await hand.press("1")
        assert hand.decisions == ()
        assert "boss has taken it over" in hand.line()
        assert hand.session.hold.read_only
        assert "READ ONLY: boss" in hand.line("header")


async def test_what_another_decided_meanwhile_is_shown_beside_ones_own(opened, registry, book):
    from abstractor.model.decision import Action, Decision
    from abstractor.registry.decisions import record

    async with opened() as hand:
        row = next(row for row in hand.session.rows if not row.conflict and row.choices)
        theirs = Decision(
            "theirs", "TOUR-01", row.slot, Action.EDIT, "bob", "2024-03-01T08:00:00+00:00", row.spec.name, "unknown"
        )
        record(registry, theirs, seen=0)
        await hand.go(row.slot)
        await hand.press("a")
        assert f"bob decided unknown meanwhile, you {row.choices[0].value}" in hand.line()
        assert [one.action_id for one in hand.decisions] == ["theirs"]
        assert hand.session.row(row.slot).decision.value == "unknown"


async def test_a_program_that_nobody_sits_at_gives_no_sign_of_life(opened, registry):
    async with opened() as hand:
        claimed = hand.session.hold.lease
        hand.review._beat()
        assert hand.session.hold.lease.active_at == claimed.active_at
        assert hand.session.hold.lease.until > claimed.until
        await hand.press("j")
        hand.review._beat()
        assert hand.session.hold.lease.active_at > claimed.active_at


@pytest.mark.parametrize(
    ("then", "says"),
    [("08:00", "now"), ("07:59", "1 min ago"), ("06:30", "90 min ago"), ("05:00", "3 h ago")],
)
def test_how_long_ago_something_was(then, says):
    assert ago(f"{DAY}{then}:00+00:00", MORNING) == says


def test_who_holds_a_patient_in_words():
    words = held_words("P1", "bob", f"{DAY}07:00:00+00:00", f"{DAY}07:57:00+00:00", MORNING)
    assert words == f"bob holds P1 since {wall_time(f'{DAY}07:00:00+00:00')} (active 3 min ago)"


async def test_a_long_message_is_told_to_its_end(opened, pool):
    remedy = "change its permissions or use another --db"
    async with opened(patient=None, size=(80, 24)) as hand:
        hand.screen.say(f"/home/somebody/registries/study.db: can't be written (read-only file or folder); {remedy}")
        await hand.pilot.pause()
        assert remedy in " ".join(hand.painted().split())
