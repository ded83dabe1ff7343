"""The outcomes screen: the numbers of `abstractor outcomes` as a curve and a table, computed beside the screen, small groups hidden."""

import csv
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from registry_copies import copied

from abstractor.batch.curves import outcomes_source
from abstractor.batch.endpoints import compute_outcomes
from abstractor.model.decision import Action, Decision
from abstractor.model.errors import InputError
from abstractor.outcomes.protocol import load_protocol
from abstractor.registry.decisions import record_all
from abstractor.registry.engine import Registry, open_registry
from abstractor.review.curves import Arm, Ask, Curves, OutcomesView, Share, Stopped, read_ask
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.load import load_rulebook
from abstractor.tui.app import ReviewApp
from abstractor.tui.going import Beyond
from abstractor.tui.screens.outcomes import OutcomesScreen
from abstractor.tui.screens.review import ReviewScreen
from abstractor.tui.themes import PALETTES
from abstractor.tui.widgets.plot import MOST_TICKS, SurvivalPlot, columns_of, steps

CUTOFF = date(2024, 1, 1)
PATIENTS = 40


def imported(patient: str, field: str, value: str, day: date | None = None, end: date | None = None) -> Decision:
    text = day.isoformat() if day else None
    return Decision(
        action_id=f"{patient}-{field}-{value}-{text}",
        patient_id=patient,
        slot=f"{field}:{value}@{text}",
        action=Action.IMPORT,
        decided_by="import",
        decided_at="2024-02-01T08:00:00.000+00:00",
        field=field,
        value=value,
        date=text,
        end_date=end.isoformat() if end else None,
        source="import",
    )


def a_patient(number: int) -> Iterator[Decision]:
    """An invented course: every third patient has limited disease, and lives longer; every fifth is alive."""
    patient = f"X{number:03d}"
    start = date(2021, 1, 1) + timedelta(days=11 * number)
    limited = number % 3 == 0
    died = start + timedelta(days=(400 if limited else 200) + 7 * number)
    yield imported(patient, "histology", "small_cell")
    yield imported(patient, "diagnosis_date", (start - timedelta(days=14)).isoformat())
    yield imported(patient, "stage.valg", "limited" if limited else "extensive")
    yield imported(patient, "therapy_line", "1", start, start + timedelta(days=84))
    yield imported(patient, "response", "PR" if number % 2 else "SD", start + timedelta(days=56))
    if number % 4:
        yield imported(patient, "response", "PD", start + timedelta(days=100 + 3 * number))
    if number % 5:
        yield imported(patient, "death_date", died.isoformat(), died)
    else:
        yield imported(patient, "last_contact_date", min(died, CUTOFF).isoformat(), min(died, CUTOFF))


@pytest.fixture(scope="module")
def rules() -> RuleBook:
    return load_rulebook()


@pytest.fixture(scope="module")
def study(empty_registry_file, tmp_path_factory) -> Iterator[Registry]:
    made = open_registry(str(copied(empty_registry_file, tmp_path_factory.mktemp("study") / "study.db")))
    record_all(made, [one for number in range(PATIENTS) for one in a_patient(number)])
    yield made
    made.close()


@pytest.fixture(scope="module")
def ask(study, rules) -> Callable[..., OutcomesView]:
    def answer(
        question: Ask | None = None, least: int = 11, stopped: Callable[[], bool] = lambda: False
    ) -> OutcomesView:
        protocol = load_protocol(rules.root / "protocol.toml")
        source = outcomes_source(
            study, rules, protocol, cutoff=lambda: CUTOFF, clock=lambda: "2024-02-02T10:00:00.000+00:00", least=least
        )
        return source(question or Ask(), stopped)

    return answer


@pytest.fixture(scope="module")
def view(ask) -> OutcomesView:
    return ask()


# The numbers


def test_the_numbers_are_those_of_the_report(study, rules, view, tmp_path):
    protocol = load_protocol(rules.root / "protocol.toml")
    compute_outcomes(study, rules, tmp_path / "report", protocol=protocol, cutoff=CUTOFF, by="stage_valg")

    def table(name: str) -> list[dict[str, str]]:
        with (tmp_path / "report" / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def number(text: str) -> float | None:
        return float(text) if text else None

    survival = {row["id"]: row for row in table("survival")}
    curves = table("curves")
    for one in view.curves:
        for arm in (one.overall, *one.arms):
            row = survival[f"{one.endpoint}.{arm.name}.median"]
            assert (str(arm.n), str(arm.events)) == (row["n"], row["events"])
            for mine, name in ((arm.median, "estimate"), (arm.lower, "lower"), (arm.upper, "upper")):
                assert mine == pytest.approx(number(row[name])) if row[name] else mine is None
            drawn = [row for row in curves if row["endpoint"] == one.endpoint and row["group"] == arm.name]
            assert dict(arm.steps)[0.0] == 1.0
            wanted = [float(row["survival"]) for row in drawn]
            assert [share for _, share in arm.steps][-len(wanted) :] == pytest.approx(wanted)
    rates = {(row["measure"], row["denominator"], row["group"]): row for row in table("response_rates")}
    for share in view.shares:
        row = rates[share.measure, "all", share.group]
        assert (str(share.x), str(share.n)) == (row["x"], row["n"])
        assert [share.estimate, share.lower, share.upper] == pytest.approx(
            [float(row[name]) for name in ("estimate", "lower", "upper")]
        )


def test_both_endpoints_and_all_rates_are_there(view):
    assert [one.endpoint for one in view.curves] == ["os", "pfs"]
    assert {one.measure for one in view.shares} == {"ORR", "confirmed ORR", "DCR", "confirmed DCR"}
    assert view.patients == view.analysed == PATIENTS


def test_numbers_at_risk_fall_from_everybody_to_nobody_behind_the_last(view):
    for one in view.curves:
        for arm in one.arms:
            assert arm.at_risk[0] == arm.n
            assert list(arm.at_risk) == sorted(arm.at_risk, reverse=True)


def test_a_group_that_is_too_small_shows_nothing_but_its_name(ask):
    few = ask(least=20)
    [limited] = [one for one in few.curves[0].arms if one.hidden]
    assert limited == Arm("limited", hidden=True)
    assert few.curves[0].p is None
    assert all(one == Share(one.measure, "limited", hidden=True) for one in few.shares if one.group == "limited")


def test_only_those_who_answer_the_question_are_counted(ask):
    limited = ask(read_ask("stage_valg=limited by=none"))
    assert limited.patients == sum(number % 3 == 0 for number in range(PATIENTS))
    assert limited.curves[0].arms == ()
    assert limited.curves[0].overall.median == pytest.approx(
        next(one for one in ask().curves[0].arms if one.name == "limited").median
    )


def test_a_question_is_read_back_from_its_own_words():
    question = Ask("TP53", (("histology", "small_cell"), ("stage_valg", "limited")))
    assert read_ask(question.text) == question
    assert read_ask("") == Ask()
    assert read_ask("by=none").by is None
    with pytest.raises(InputError, match="name=value"):
        read_ask("limited")


def test_an_unknown_column_is_refused_with_the_choices(ask):
    with pytest.raises(InputError, match="stage_valg"):
        ask(Ask("shoe_size"))
    with pytest.raises(InputError, match="stage_valg"):
        ask(read_ask("shoe_size=44"))


def test_a_computation_that_nobody_waits_for_is_given_up(ask):
    looks = []

    def enough() -> bool:
        looks.append(1)
        return len(looks) > 5

    with pytest.raises(Stopped):
        ask(stopped=enough)
    assert len(looks) == 6


# The screen


def an_app(registry, book, source, **settings) -> ReviewApp:
    from abstractor.review.config import ReviewConfig

    config = ReviewConfig(**({"dwell_ms": 0} | settings))
    return ReviewApp(registry, book, "ann", config=config, beyond=Beyond(outcomes=source))


class Shown:
    """The outcomes screen on a source that answers at once."""

    def __init__(self, pilot, asked):
        self.pilot = pilot
        self.asked = asked

    @property
    def screen(self) -> OutcomesScreen:
        return self.pilot.app.screen

    async def press(self, *keys):
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()
        await self.pilot.app.workers.wait_for_complete()
        await self.pilot.pause()
        await self.pilot.pause()

    def painted(self) -> str:
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())


@pytest.fixture
def opened_on(registry, book):
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def open_app(view: OutcomesView, size=(80, 24), **settings):
        asked: list[Ask] = []

        def source(question: Ask, _stopped) -> OutcomesView:
            asked.append(question)
            if question.by == "shoe_size":
                raise InputError("unknown field to group by: shoe_size; choose one of stage_valg")
            return replace(view, ask=question)

        app = an_app(registry, book, source, **settings)
        async with app.run_test(size=size) as pilot:
            shown = Shown(pilot, asked)
            await shown.press("g", "o")
            yield shown

    return open_app


@pytest.mark.parametrize("size", [(80, 24), (160, 50), (60, 16)])
async def test_curve_legend_and_numbers_at_risk_are_on_the_screen(opened_on, view, size):
    async with opened_on(view, size) as shown:
        painted = shown.painted()
        assert "overall survival" in painted
        assert "1.00|" in painted
        assert "# limited n=14" in painted
        assert ". extensive n=26" in painted
        assert "At risk" in painted
        assert "as of 2024-02-02 10:00 UTC" in painted or size[0] == 60
        assert painted.isascii()


async def test_a_curve_steps_down_and_never_slants(view):
    for arm in view.curves[0].arms:
        months, shares = steps(arm)
        corners = list(zip(months, shares, strict=True))
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(corners))


async def test_the_other_endpoint_is_one_key_away(opened_on, view):
    async with opened_on(view) as shown:
        await shown.press("e")
        assert "progression-free survival" in shown.painted()
        await shown.press("e")
        assert "overall survival" in shown.painted()


async def test_tab_shows_the_numbers_and_tab_the_curve_again(opened_on, view):
    async with opened_on(view, (160, 50)) as shown:
        await shown.press("tab")
        painted = shown.painted()
        arm = view.curves[0].arms[0]
        assert f"n {arm.n:>5}  events {arm.events:>5}  median {arm.median:>6.1f}" in painted
        assert "confirmed ORR" in painted
        assert "only confirmed facts" in painted
        assert "log-rank p" in painted
        await shown.press("tab")
        assert "1.00|" in shown.painted()


async def test_a_hidden_group_is_named_and_not_drawn(opened_on, ask):
    async with opened_on(ask(least=20)) as shown:
        painted = shown.painted()
        assert "under 20 patients, not shown: limited" in painted
        assert "limited n=" not in painted
        await shown.press("tab")
        assert "under 20 patients, not shown" in shown.painted()
        assert "14" not in shown.painted()


async def test_with_too_few_patients_nothing_is_shown_and_it_says_why(opened_on, ask):
    async with opened_on(ask(least=100)) as shown:
        assert "Fewer than 100 patients" in shown.painted()
        assert "1.00|" not in shown.painted()
        await shown.press("tab", "e", "j", "enter")
        assert "Fewer than 100 patients" in shown.painted()


async def test_the_cohort_is_asked_for_in_a_line(opened_on, view):
    async with opened_on(view) as shown:
        await shown.press("f", "ctrl+a", "ctrl+k")
        await shown.press(*("space" if char == " " else char for char in "stage_valg=limited by=none"), "enter")
        assert shown.asked[-1] == Ask(None, (("stage_valg", "limited"),))
        assert "stage_valg=limited" in shown.painted()
        await shown.press("F")
        assert shown.asked[-1] == Ask()


async def test_what_can_not_be_asked_is_told_and_the_old_answer_stays(opened_on, view):
    async with opened_on(view) as shown:
        await shown.press("f", "ctrl+a", "ctrl+k")
        await shown.press(*"by=shoe_size", "enter")
        assert "unknown field to group by" in shown.painted()
        assert "1.00|" in shown.painted()
        assert shown.screen.ask == Ask()


async def test_the_curve_is_drawn_again_in_the_colours_of_another_theme(opened_on, view):
    async with opened_on(view, theme="dark") as shown:
        for name in PALETTES:
            shown.pilot.app.take_theme(name)
            await shown.press()
            assert shown.screen.query_one(SurvivalPlot).style_of_text == PALETTES[name].plain
            assert "1.00|" in shown.painted()


def many_censored(count: int) -> Curves:
    times = tuple((float(one), 1.0) for one in range(1, count + 1))
    arm = Arm("all", count, 0, ((0.0, 1.0), (float(count), 1.0)), times, at_risk=(count, 0))
    return Curves("os", "Overall survival", arm, (), (0.0, float(count)))


@pytest.mark.parametrize(("count", "ticks"), [(MOST_TICKS, True), (MOST_TICKS + 1, False)])
async def test_ticks_of_censoring_are_left_out_where_they_would_hide_the_curve(opened_on, view, count, ticks):
    async with opened_on(replace(view, curves=(many_censored(count),))) as shown:
        assert ("+ censored" in shown.painted()) is ticks


async def test_of_many_groups_three_are_drawn_and_all_are_in_the_table(opened_on, view):
    one = view.curves[0].arms[0]
    arms = tuple(replace(one, name=f"group{number}") for number in range(5))
    async with opened_on(replace(view, curves=(replace(view.curves[0], arms=arms),)), (160, 50)) as shown:
        painted = shown.painted()
        assert "3 of 5 curves; the table has all" in painted
        assert "group3" not in painted
        await shown.press("tab")
        assert "group4" in shown.painted()


async def test_names_of_groups_reach_the_screen_with_nothing_that_a_terminal_obeys(opened_on, view):
    bad = replace(view.curves[0].arms[0], name="\x1b]0;x\x07[b]")
    async with opened_on(replace(view, curves=(replace(view.curves[0], arms=(bad,)),))) as shown:
        painted = shown.painted()
        assert "\x1b" not in painted
        assert "[b]" in painted


async def test_leaving_gives_up_what_is_being_computed(registry, book):
    begun, given_up = threading.Event(), threading.Event()

    def slow(_question, stopped) -> OutcomesView:
        begun.set()
        while not stopped():
            threading.Event().wait(0.01)
        given_up.set()
        raise Stopped

    app = an_app(registry, book, slow)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("g", "o")
        await pilot.pause()
        assert begun.wait(30)
        assert "computing" in app.screen.empty
        await pilot.press("q")
        await pilot.pause()
        assert given_up.wait(30)
        assert not isinstance(app.screen, OutcomesScreen)


async def test_without_a_source_it_says_where_the_outcomes_are(opened):
    async with opened() as hand:
        await hand.press("g", "o")
        assert "abstractor outcomes" in hand.painted()
        await hand.press("q")
        assert isinstance(hand.screen, ReviewScreen)


def test_labels_of_the_axis_begin_under_its_foot_and_end_at_the_edge():
    places = columns_of((0.0, 6.0, 12.0), 80)
    assert places[0] == 5
    assert places[-1] == 79


def test_the_command_line_passes_the_outcomes_of_its_registry(study, rules):
    from abstractor.cli.beyond import beyond
    from abstractor.review.config import ReviewConfig

    source = beyond(study, rules, ReviewConfig(smallest_group=5), "ann").outcomes
    assert source is not None
    found = source(Ask(), lambda: False)
    assert found.patients == PATIENTS
    assert found.least == 5
    assert found.cutoff == datetime.now(UTC).date().isoformat()
