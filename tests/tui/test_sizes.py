"""Every size of terminal and every theme: nothing breaks, nothing is wider than the screen, everything drawn can be read."""

import pytest
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style

from abstractor.review.config import THEMES
from abstractor.tui.screens.idle import IdleScreen
from abstractor.tui.screens.keyed import SMALLEST
from tests.tui.test_themes import ENOUGH, contrast

SIZES = [(20, 5), (60, 15), (60, 16), (72, 18), (80, 24), (139, 40), (141, 17), (200, 60)]

ROUNDS = ("", "?", "t", "e", "/", "G")
"""Keys that lead from the review to a screen or question; each is left by escape."""


def strips(app):
    return app.screen._compositor.render_strips()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_no_line_is_wider_than_the_screen_and_the_footer_is_there(opened, size):
    async with opened(size=size) as hand:
        for key in ROUNDS:
            if key:
                await hand.press({"?": "question_mark", "/": "slash"}.get(key, key))
            drawn = strips(hand.app)
            assert len(drawn) == size[1]
            assert all(cell_len(strip.text) == size[0] for strip in drawn)
            small = size[0] < SMALLEST[0] or size[1] < SMALLEST[1]
            if small:
                assert "Needs 60x16" in "".join(strip.text for strip in drawn) or size[0] < 30
            elif key in {"", "G"}:
                footer = hand.screen.query_one("#footer")
                assert footer.region.bottom == size[1]
                assert footer.line.plain.strip()
            if key not in {"", "G"}:
                await hand.press("escape")


async def test_growing_and_shrinking_keeps_the_row_and_breaks_nothing(opened):
    async with opened() as hand:
        await hand.go("ki67")
        for size in [*SIZES, *reversed(SIZES), (80, 24)]:
            await hand.pilot.resize_terminal(*size)
            await hand.pilot.pause()
        assert hand.slot == "ki67"
        assert "Ki-67" in hand.painted()


def front_and_back(style: Style) -> tuple[str, str] | None:
    front, back = style.color, style.bgcolor
    if not isinstance(front, Color) or not isinstance(back, Color) or front.triplet is None or back.triplet is None:
        return None
    return (back.triplet.hex, front.triplet.hex) if style.reverse else (front.triplet.hex, back.triplet.hex)


@pytest.mark.parametrize("theme", ["dark", "light", "high-contrast"])
async def test_everything_that_is_drawn_on_any_screen_can_be_read(opened, theme):
    """Rows of all states, cursor, bars, marks, selection, alarm, questions: what the compositor draws, with its colours."""
    async with opened(theme=theme, size=(160, 50)) as hand:
        await hand.press("1", "a", "r", "d", "d", "a")
        poor = {}
        for keys in [
            (),
            ("v",),
            ("escape", "a", "a"),
            ("slash", "l", "i"),
            ("enter",),
            ("e",),
            ("escape",),
            ("escape", "t"),
        ]:
            await hand.press(*keys)
            for strip in strips(hand.app):
                for segment in strip:
                    colours = front_and_back(segment.style) if segment.style and segment.text.strip() else None
                    if colours and contrast(*colours) < ENOUGH:
                        poor[segment.text.strip()] = (*colours, round(contrast(*colours), 2))
        assert not poor


def front_cells(app):
    """Cells of the palette's own widgets with their styles: (text, style). What is behind it is dimmed on purpose, and not to be read."""
    for y, strip in enumerate(strips(app)):
        x = 0
        for segment in strip:
            widget, _ = app.screen.get_widget_at(x, y)
            if widget is not app.screen and segment.style and segment.text.strip():
                yield segment.text.strip(), segment.style
            x += cell_len(segment.text)


@pytest.mark.parametrize("theme", ["dark", "light", "high-contrast"])
async def test_the_command_palette_can_be_read_in_every_theme(opened, theme):
    async with opened(theme=theme, size=(100, 30)) as hand:
        await hand.press("ctrl+p", *"row")
        await hand.pilot.pause(0.3)
        shown = list(front_cells(hand.app))
        assert any("row" in text for text, _ in shown)
        poor = {
            text: (*colours, round(contrast(*colours), 2))
            for text, style in shown
            if any(char.isalnum() for char in text)
            and (colours := front_and_back(style))
            and contrast(*colours) < ENOUGH
        }
        assert not poor


@pytest.mark.parametrize("theme", THEMES[1:])
async def test_a_theme_chosen_on_the_way_is_drawn_at_once_and_remembered(opened, theme):
    async with opened() as hand:
        hand.app.take_theme(theme)
        await hand.pilot.pause()
        assert hand.app.habits.theme == theme
        assert hand.screen.palette.name == theme
        background = hand.screen.palette.background
        if background:
            backs = {
                segment.style.bgcolor.name
                for strip in strips(hand.app)
                for segment in strip
                if segment.style and segment.style.bgcolor
            }
            assert background in backs


async def test_an_idle_screen_covers_the_patient_and_any_key_only_takes_the_cover_off(opened):
    now = [0.0]
    async with opened(monotonic=lambda: now[0], idle_minutes=10) as hand:
        hand.app.cover_when_idle()
        assert not isinstance(hand.screen, IdleScreen)
        now[0] = 601.0
        hand.app.cover_when_idle()
        await hand.pilot.pause()
        assert isinstance(hand.screen, IdleScreen)
        assert "TOUR-01" not in hand.painted()
        assert "Histology" not in hand.painted()
        await hand.press("1")
        assert not isinstance(hand.screen, IdleScreen)
        assert hand.decisions == ()
        assert hand.slot == "histology"


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_a_zoomed_pane_takes_the_whole_screen_whichever_it_is(opened, size):
    async with opened(size=size) as hand:
        for pane in ("rows", "note", "evidence"):
            await hand.press("z")
            box = hand.review.query_one(f"#{pane}-box")
            await hand.pilot.pause()
            assert (box.size.width, box.size.height) == (size[0], size[1] - 2)
            await hand.press("z", "tab")


async def test_what_comes_next_is_seen_before_the_cursor_is_there(opened):
    async with opened() as hand:
        for _ in range(8):
            await hand.press("j")
            rows = hand.review.rows
            assert rows.first + 2 <= rows.index <= rows.first + rows.size.height - 3 or rows.first == 0
