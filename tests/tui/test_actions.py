"""The table of actions: every id has a key, stands in help and in the documentation, and does what it says."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from abstractor.model.errors import InputError, RegistryError
from abstractor.model.note import Note
from abstractor.registry.leases import claim
from abstractor.registry.notes import add_notes
from abstractor.tui.actions import ACTIONS, BY_ID, REVIEW, Keymap, key_name
from abstractor.tui.messages import PatientWanted
from abstractor.tui.screens.dialogs import Confirm, Reasons
from abstractor.tui.screens.edit import EditScreen
from abstractor.tui.screens.help import HelpScreen, help_lines
from abstractor.tui.screens.history import HistoryScreen
from abstractor.tui.screens.quality import QualityScreen
from abstractor.tui.screens.reader import ReaderScreen
from abstractor.tui.screens.review import ReviewScreen
from abstractor.tui.screens.statistics import StatisticsScreen
from abstractor.tui.screens.timeline import TimelineScreen
from abstractor.tui.screens.tour import TourScreen
from abstractor.tui.screens.worklist import WorklistScreen
from abstractor.tui.themes import PALETTES

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "review.md"

Exercise = Callable[..., Awaitable[None]]
EXERCISES: dict[str, Exercise] = {}
OF_QUALITY = {action.id for action in ACTIONS if action.where == "quality"}
"""Exercised where there is such work: `test_quality_actions.py`, and one by one in the tests of audits, adjudication and the inbox."""


def exercise(*ids: str) -> Callable[[Exercise], Exercise]:
    def take(function: Exercise) -> Exercise:
        EXERCISES.update(dict.fromkeys(ids, function))
        return function

    return take


@exercise("help")
async def _(hand, _registry):
    await hand.press("?")
    assert isinstance(hand.screen, HelpScreen)
    assert "take the suggested value" in "\n".join(line.plain for line in hand.screen.lines)
    await hand.press("q")
    assert isinstance(hand.screen, ReviewScreen)


@exercise("palette")
async def _(hand, _registry):
    await hand.press("ctrl+p")
    assert type(hand.screen).__name__ == "CommandPalette"
    await hand.type("theme light")
    await hand.pilot.pause(0.3)
    await hand.press("enter")
    await hand.pilot.pause(0.1)
    assert hand.app.palette.name == "light"


@exercise("quit")
async def _(hand, _registry):
    await hand.press("ctrl+q")
    assert hand.app.return_code == 0


@exercise("back")
async def _(hand, _registry):
    await hand.press("q")
    assert isinstance(hand.screen, WorklistScreen)
    await hand.press("q", "escape")
    assert isinstance(hand.screen, WorklistScreen)
    assert "ctrl+q quits" in hand.line()


@exercise("leave")
async def _(hand, _registry):
    await hand.press("f", "escape")
    assert isinstance(hand.screen, ReviewScreen)


@exercise("copy")
async def _(hand, _registry):
    await hand.press("ctrl+c")
    assert "ctrl+q quits" in hand.line()


@exercise("repaint")
async def _(hand, registry):
    add_notes(registry, [Note("new", "A new note.", "TOUR-01", "2024-01-01")], "test")
    await hand.press("ctrl+l")
    assert len(hand.session.notes.all) == 11


@exercise("suspend")
async def _(hand, _registry):
    """Where a test runs nobody could bring it back; tests/terminal has a shell that does."""
    await hand.press("ctrl+z")
    assert "no shell" in hand.line()


@exercise("next_pane", "previous_pane")
async def _(hand, _registry):
    await hand.press("tab")
    assert "note" in hand.line()
    await hand.press("shift+tab", "shift+tab")
    assert "evidence" in hand.line()


@exercise("zoom")
async def _(hand, _registry):
    height = hand.review.doc.size.height
    await hand.press("tab", "z")
    assert hand.review.doc.size.height > height
    await hand.press("z")
    assert hand.review.doc.size.height == height


@exercise("worklist")
async def _(hand, _registry):
    await hand.press("w")
    assert isinstance(hand.screen, WorklistScreen)


@exercise("timeline", "go_there")
async def _(hand, _registry):
    await hand.press("t")
    assert isinstance(hand.screen, TimelineScreen)
    dates = [one.first for one in hand.screen.timeline.events]
    assert dates == sorted(dates)
    await hand.press("j", "j")
    wanted = hand.screen.event
    await hand.press("enter")
    assert hand.slot == wanted.slot
    assert hand.review.note_id == wanted.note_id


@exercise("time_earlier", "time_later", "zoom_in", "zoom_out", "notes_too")
async def _(hand, _registry):
    await hand.press("t")
    whole = hand.screen.window
    await hand.press("+", "l")
    assert hand.screen.window.days < whole.days
    assert hand.screen.window.first > whole.first
    await hand.press("h", "h", "-")
    assert hand.screen.window == whole
    facts = hand.screen.list.count
    await hand.press("n")
    assert hand.screen.list.count > facts


@exercise("quality")
async def _(hand, _registry):
    await hand.press("g", "q")
    assert isinstance(hand.screen, QualityScreen)
    await hand.press("q")
    assert isinstance(hand.screen, ReviewScreen)


@exercise("statistics")
async def _(hand, _registry):
    await hand.press("1", "g", "s")
    await hand.settle()
    assert isinstance(hand.screen, StatisticsScreen)
    assert hand.screen.reading.now.decided == 1


@exercise("outcomes", "table", "endpoint", "cohort", "all_patients")
async def _(hand, _registry):
    await hand.press("g", "o")
    assert type(hand.screen).__name__ == "OutcomesScreen"
    await hand.press("tab", "e", "F")
    assert "abstractor outcomes" in hand.painted()  # no numbers were passed in; tests/tui/test_outcomes.py has them
    await hand.press("f")
    assert "by=stage_valg" in hand.painted()
    await hand.press("escape", "q")
    assert not isinstance(hand.screen, ReaderScreen)


@exercise("tour")
async def _(hand, _registry):
    await hand.press("?", "T")
    await hand.pilot.pause()
    assert isinstance(hand.screen, TourScreen)


@exercise("history")
async def _(hand, _registry):
    await hand.press("1", "u", "g", "h")
    assert isinstance(hand.screen, HistoryScreen)
    told = [line.plain for line in hand.screen.lines]
    assert "-> Combined small cell carcinoma" in told[0]
    assert any("taken back" in line for line in told)
    assert any("undo" in line for line in told)


@exercise("top", "bottom")
async def _(hand, _registry):
    await hand.press("G")
    assert hand.slot == "metastasis:adrenal"  # what the rules are least sure of is asked last
    await hand.press("g", "g")
    assert hand.slot == "histology"
    await hand.press("end", "home")
    assert hand.slot == "histology"


@exercise("down", "up")
async def _(hand, _registry):
    await hand.press("j")
    assert hand.slot == "diagnosis_date"
    assert hand.review.span.text == "Collected 2023-02-13"
    await hand.press("down", "k", "up")
    assert hand.slot == "histology"


@exercise("half_down", "half_up", "page_down", "page_up")
async def _(hand, _registry):
    await hand.press("ctrl+d")
    assert hand.review.at == 3
    await hand.press("pagedown")
    assert hand.review.at == 9
    await hand.press("pageup", "ctrl+u")
    assert hand.review.at == 0


@exercise("open")
async def _(hand, _registry):
    await hand.press("w", "enter")
    assert hand.session.hold.lease.mine


@exercise("look")
async def _(hand, _registry):
    await hand.press("w", "v", "1")
    assert hand.session.hold.read_only
    assert hand.decisions == ()


@exercise("claim", "give_back", "view")
async def _(hand, registry):
    add_notes(
        registry, [Note("m1", "Nothing much.", "OTHER", "2024-01-01")], "test", lambda: "2024-02-01T08:00:00.000+00:00"
    )
    hand.app.open_patient(PatientWanted("OTHER"))
    await hand.press("w")
    await hand.settle()
    await hand.press("c")
    await hand.settle()
    assert "mine 2" in hand.line("header")
    await hand.press("b")
    await hand.settle()
    assert "mine 1" in hand.line("header")
    await hand.press("tab")
    assert len(hand.screen.rows) == 1


@exercise("accept")
async def _(hand, _registry):
    await hand.go("ki67")
    await hand.press("a")
    assert hand.state("ki67") == "+"


@exercise("reject")
async def _(hand, _registry):
    await hand.go("ki67")
    await hand.press("r")
    assert hand.state("ki67") == "x"


@exercise("defer")
async def _(hand, _registry):
    await hand.press("d")
    assert hand.state("histology") == "z"


@exercise("pick")
async def _(hand, _registry):
    await hand.press("2")
    assert hand.decisions[-1].value == "small_cell"


@exercise("not_documented")
async def _(hand, _registry):
    await hand.go("vital_status")
    await hand.press("0")
    assert hand.state("vital_status") == "0"


@exercise("edit", "save")
async def _(hand, _registry):
    await hand.go("ki67")
    await hand.press("e")
    await hand.type("85")
    await hand.press("enter")
    assert hand.decisions[-1].value == "85"


@exercise("next_field", "previous_field")
async def _(hand, _registry):
    await hand.go("systemic_therapy:topotecan@2023-10-05")
    await hand.press("e")
    await hand.type("topotecan")
    await hand.press("tab", "tab")
    await hand.type("2023-12")
    await hand.press("shift+tab", "enter")
    assert (hand.decisions[-1].date, hand.decisions[-1].end_date) == ("2023-10-05", "2023-12")


@exercise("choice_down", "choice_up")
async def _(hand, _registry):
    await hand.go("primary_site")
    await hand.press("e", "down", "down", "up", "enter")
    assert hand.decisions[-1].value == "right_middle_lobe"


@exercise("negate")
async def _(hand, _registry):
    await hand.go("metastasis:liver")
    await hand.press("e")
    await hand.type("liver")
    await hand.press("ctrl+n")
    assert "ABSENT" in hand.line("hint")


@exercise("reject_why")
async def _(hand, _registry):
    await hand.press("R")
    assert isinstance(hand.screen, Reasons)
    await hand.press("5")
    assert hand.decisions[-1].reason == "wrong value"


@exercise("accept_alike")
async def _(hand, _registry):
    await hand.go("ki67")
    await hand.press("A")
    assert isinstance(hand.screen, Confirm)
    await hand.press("enter")
    assert hand.state("ki67") == "+"


@exercise("comment")
async def _(hand, _registry):
    await hand.press("c")
    await hand.type("why")
    await hand.press("enter")
    assert "why" in hand.painted() or hand.session.row("histology").comments


@exercise("undo", "redo")
async def _(hand, _registry):
    await hand.press("1", "u")
    assert hand.state("histology") == "!"
    await hand.press("U")
    assert hand.state("histology") == "~"


@exercise("next_note", "previous_note")
async def _(hand, _registry):
    await hand.press("n")
    assert hand.review.note_id == "T04"
    await hand.press("p", "p")
    assert hand.review.note_id == "T02"


@exercise("next_evidence", "previous_evidence")
async def _(hand, _registry):
    await hand.press(".")
    assert hand.review.span.text == "Small cell carcinoma."
    await hand.press(".")
    assert hand.review.note_id == "T05"
    await hand.press(",", ",")
    assert hand.review.span.text == "combined small cell carcinoma"


@exercise("note_down", "note_up")
async def _(hand, _registry):
    await hand.press("b")
    assert hand.review.doc.top == 0
    await hand.press("space")
    assert hand.review.doc.top > 0
    assert hand.slot == "histology"


@exercise("next_section", "previous_section")
async def _(hand, _registry):
    await hand.press("b", "b", "}")
    assert hand.review.doc.text[hand.review.doc.first_offset :].startswith("SPECIMEN")
    await hand.press("}")
    assert hand.review.doc.text[hand.review.doc.first_offset :].startswith("FINAL DIAGNOSIS")
    await hand.press("{")
    assert hand.review.doc.text[hand.review.doc.first_offset :].startswith("SPECIMEN")


@exercise("find", "next_match", "previous_match")
async def _(hand, _registry):
    await hand.press("/")
    await hand.type("//liver"[1:])
    await hand.press("enter")
    await hand.settle()
    notes = [one[0] for one in hand.review.matches]
    assert notes == sorted(notes)
    assert "T10" in notes
    assert hand.line().startswith(" match ")
    first = hand.review.match_at
    await hand.press("]")
    assert hand.review.match_at == (first + 1) % len(notes)
    await hand.press("[")
    assert hand.review.match_at == first


@exercise("select", "select_word", "select_back", "select_right", "select_left", "select_swap", "select_none")
async def _(hand, _registry):
    doc = hand.review.doc
    chosen = lambda: doc.text[slice(*doc.selected)]  # noqa: E731
    await hand.press("v")
    assert chosen() == "combined small cell carcinoma"
    await hand.press("l")
    assert chosen() == "combined small cell carcinoma\n"
    await hand.press("h", "w")
    assert chosen() == "combined small cell carcinoma\nwith"
    await hand.press("b", "o", "w")
    assert chosen().startswith("d small cell carcinoma")
    await hand.press("escape")
    assert doc.selected is None
    assert hand.review.kinds == (REVIEW,)


@exercise("select_down", "select_up", "select_sentence")
async def _(hand, _registry):
    doc = hand.review.doc
    await hand.press("v", "j")
    assert "\n" in doc.text[slice(*doc.selected)]
    await hand.press("k", "s")
    assert doc.text[slice(*doc.selected)].startswith("ADDENDUM 2023-02-20: a second block")
    assert doc.text[slice(*doc.selected)].endswith("with adenocarcinoma.")
    assert hand.slot == "histology"


@exercise("take")
async def _(hand, _registry):
    await hand.press("v", "=")
    assert isinstance(hand.screen, EditScreen)
    assert "enter saves: Combined small cell carcinoma" in hand.line("hint")


@exercise("attach")
async def _(hand, _registry):
    await hand.press("v", "w", "+")
    assert len(hand.session.row("histology").added) == 1


@exercise("new_fact")
async def _(hand, _registry):
    await hand.press("i")
    await hand.type("kps")
    await hand.press("enter")
    await hand.type("80")
    await hand.press("enter")
    assert hand.decisions == ()  # asked for the date once; it may stay open
    await hand.press("enter")
    assert hand.decisions[-1].field == "kps"


@exercise("copy_selection")
async def _(hand, _registry):
    await hand.press("v", "y")
    assert "switched off" in hand.line()
    assert not hand.app.clipboard


@exercise("next_patient", "previous_patient")
async def _(hand, registry):
    add_notes(registry, [Note("m1", "Nothing much.", "OTHER")], "test")
    await hand.press("N")
    await hand.settle()
    assert isinstance(hand.screen, WorklistScreen)
    await hand.press("enter", "P")
    assert hand.session.patient_id == "OTHER"


@exercise("close")
async def _(hand, _registry):
    await hand.press("enter")
    assert hand.slot == "diagnosis_date"
    await hand.press("G", "enter")
    assert isinstance(hand.screen, Confirm)


@exercise("problems", "override", "override_all", "to_row")
async def _(hand, _registry):
    await hand.press("g", "e")
    assert "Nothing speaks against" in hand.painted()
    await hand.press("q")
    hand.session.pick("histology", 1)
    hand.session.accept("stage.m")
    hand.session.edit("stage.valg", "limited")
    await hand.press("g", "e", "o")
    assert "Right as reported" in hand.line("question")
    await hand.press("escape", "O", "escape", ".")
    assert hand.slot in {"stage.m", "stage.valg"}


@exercise("reopen")
async def _(hand, _registry):
    await hand.press("O")
    assert "not closed" in hand.line()


@exercise("take_over")
async def _(hand, registry):
    await hand.press("w")
    claim(registry, "TOUR-01", "bob", clock=lambda: "2024-03-01T08:00:00.000+00:00")
    await hand.press("enter", "!")
    assert "bob holds TOUR-01" in hand.line()


@exercise("sign", "unlock")
async def _(hand, _registry):
    await hand.press("S")
    assert "not closed yet" in hand.line()
    await hand.press("L")
    assert "the patient is not signed" in hand.line()


@exercise("sign_all")
async def _(hand, _registry):
    await hand.press("w", "S")
    assert "no closed patient" in hand.line()


@exercise("export_unsaved")
async def _(hand, _registry):
    await hand.press("x")
    assert "everything is saved" in hand.line()


@exercise("filter", "unfilter")
async def _(hand, _registry):
    await hand.press("f")
    await hand.type("item:stage")
    await hand.press("enter")
    assert {row.spec.group for row in hand.review.listed} == {"stage"}
    await hand.press("F")
    assert len(hand.review.listed) == 26


@exercise("order")
async def _(hand, _registry):
    await hand.press("o")
    assert hand.session.order == "confidence"
    assert hand.session.rows[1].confidence <= hand.session.rows[2].confidence


@exercise("find_patient")
async def _(hand, registry):
    add_notes(registry, [Note(f"m{n}", "Nothing much.", f"ZZ-{n}") for n in range(5)], "test")
    await hand.press("w")
    await hand.settle()
    await hand.press("/")
    await hand.type("zz-3")
    await hand.press("enter")
    assert hand.screen.row.patient_id == "ZZ-3"


@pytest.mark.parametrize("name", [name for name in BY_ID if name not in OF_QUALITY])
async def test_every_action_does_what_the_table_says(opened, registry, name):
    async with opened() as hand:
        await EXERCISES[name](hand, registry)


def test_every_action_of_the_table_is_exercised():
    assert set(EXERCISES) | OF_QUALITY == set(BY_ID)


def test_every_action_has_a_key_and_stands_in_help_and_in_the_documentation():
    keymap = Keymap()
    kinds = tuple(dict.fromkeys(kind for action in ACTIONS for kind in action.screens))
    helped = "\n".join(line.plain for line in help_lines(keymap, PALETTES["dark"], kinds))
    documented = DOCUMENT.read_text(encoding="utf-8")
    for action in ACTIONS:
        assert keymap.keys[action.id]
        assert action.says in helped
        assert f"| `{action.id}` |" in documented


def test_a_changed_key_that_does_two_things_is_refused_with_both_names():
    with pytest.raises(InputError, match=r"'r'.*accept.*reject|'r'.*reject.*accept"):
        Keymap({"accept": "r"})
    with pytest.raises(InputError, match="did you mean 'accept'"):
        Keymap({"acept": "y"})
    with pytest.raises(InputError, match="also starts"):
        Keymap({"accept": "g"})


async def test_a_changed_key_works_and_shows_in_the_footer(opened):
    async with opened(keys={"accept": "y", "copy_selection": "ctrl+y"}) as hand:
        await hand.go("ki67")
        assert "y accept" in hand.line()
        await hand.press("a")
        assert hand.decisions == ()
        await hand.press("y")
        assert hand.state("ki67") == "+"


async def test_the_first_key_of_two_shows_its_choices_after_a_moment(opened):
    async with opened() as hand:
        await hand.press("g")
        await hand.pilot.pause(0.6)
        assert "g h history" in hand.line()
        await hand.press("x")
        assert "does nothing" in hand.line()
        assert hand.decisions == ()


def test_letters_are_commands_and_digits_are_choices():
    for action in ACTIONS:
        keys = Keymap().keys[action.id]
        assert all(not key.isdigit() for key in keys) or action.id in {
            "pick",
            "not_documented",
            "choose",
            "unresolvable",
        }
        assert not any(key.startswith(("alt+", "ctrl+shift+", "f1")) for key in keys)


def test_keys_are_named_as_the_table_writes_them():
    assert key_name("question_mark", "?") == "?"
    assert key_name("A", "A") == "A"
    assert key_name("space", " ") == "space"
    assert key_name("ctrl+d", "\x04") == "ctrl+d"


async def test_what_some_terminals_send_for_enter_and_backspace_means_enter_and_backspace(opened):
    async with opened() as hand:
        await hand.go("ki67")
        await hand.press("e")
        await hand.type("857")
        await hand.press("ctrl+h", "ctrl+j")
        assert hand.decisions[-1].value == "85"


async def test_a_key_that_somebody_has_given_an_action_is_meant_itself(opened):
    async with opened(keys={"accept": "ctrl+j"}) as hand:
        await hand.go("ki67")
        await hand.press("ctrl+j")
        assert hand.state("ki67") == "+"


async def test_the_palette_offers_no_screenshot(opened):
    async with opened() as hand:
        titles = [command.title.lower() for command in hand.app.get_system_commands(hand.screen)]
        assert titles
        assert not any("screenshot" in title for title in titles)


async def test_what_can_not_be_saved_is_written_to_a_file_on_request(opened, registry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with opened() as hand:

        def refuse(*_args, **_more):
            raise RegistryError("the disk is full")

        monkeypatch.setattr("abstractor.registry.decisions.record", refuse)
        await hand.press("1", "x")
        assert "written to" in hand.line()
        [path] = tmp_path.glob("abstractor-unsaved-*.jsonl")
        assert "combined_small_cell" in path.read_text()
