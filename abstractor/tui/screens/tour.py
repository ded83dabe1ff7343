"""The tour: the review screen itself on an invented patient, which waits at each step for one real key."""

from collections.abc import Callable, Iterable, Sequence

from textual.widget import Widget

from abstractor.model.decision import Decision
from abstractor.review.session import Session
from abstractor.tui.actions import Keymap
from abstractor.tui.screens.review import ReviewScreen
from abstractor.tui.themes import Palette
from abstractor.tui.tour import Step
from abstractor.tui.widgets.lines import Line, Panel
from abstractor.tui.wrap import wrap

_DECIDING = frozenset({"accept", "reject", "pick", "take", "undo"})
"""Actions that are done when something was committed; the others when they went through."""


class TourScreen(ReviewScreen):
    """The review screen with a few lines that say what to press. Only that key, and the one that leaves, do anything."""

    DEFAULT_CSS = """
    TourScreen #tour { height: 3; }
    TourScreen.flat #tour { height: 2; }
    """

    def __init__(
        self,
        keymap: Keymap,
        palette: Palette,
        session: Session,
        clock: Callable[[], float],
        steps: Sequence[Step],
    ) -> None:
        super().__init__(keymap, palette, session, clock)
        slots = {row.slot for row in session.rows}
        self.steps = [step for step in steps if not step.slot or step.slot in slots]
        self.step_at = 0

    @property
    def step(self) -> Step | None:
        """The step that waits; None once the last is done."""
        return self.steps[self.step_at] if self.step_at < len(self.steps) else None

    def contents(self) -> Iterable[Widget]:
        *panes, footer = super().contents()
        yield from panes
        yield Panel(id="tour")
        yield footer

    def on_mount(self) -> None:
        super().on_mount()
        self._begin()

    def draw(self) -> None:
        super().draw()
        panel = self.query_one("#tour", Panel)
        says = self._says()
        rows = wrap(says, max(20, self.app.size.width - 2))
        panel.show(
            [
                Line.of((f" {says[start:end]}", self.palette.selection))
                for start, end in zip(rows.starts, rows.ends, strict=True)
            ],
            self.palette.selection,
        )

    def _says(self) -> str:
        step = self.step
        if step is None:
            return "That was the tour."
        key = step.key or self.keymap.shown(step.action)
        left = self.keymap.all_shown("back").split()[-1]
        return f"{self.step_at + 1}/{len(self.steps)} ({left} ends)  {step.says.format(key=f'[{key}]')}"

    def _begin(self) -> None:
        """Brings the screen to where the step starts."""
        step = self.step
        if step is None:
            self.dismiss(None)
            return
        if step.slot:
            self.go_to(step.slot)
        if step.select is not None:
            note_id, words = step.select
            start = self.session.notes.text(note_id).index(words)
            self.open_note(note_id, start)
            self.doc.select(start, start + len(words))
        self.draw()

    def run_table_action(self, name: str) -> None:
        step = self.step
        if name == "back":
            self.dismiss(None)
        elif name == "quit":
            super().run_table_action(name)
        elif step is None or name != step.action or (step.key and self.pressed != step.key):
            wanted = step.key or self.keymap.shown(step.action) if step is not None else ""
            self.say(f"the tour waits for {wanted}" if wanted else "the tour is over")
        elif self.attempt(getattr(self, f"do_{name}")) and name not in _DECIDING:
            self._go_on()

    def committed(self, decision: Decision) -> None:
        super().committed(decision)
        self._go_on()

    def _go_on(self) -> None:
        self.step_at += 1
        step = self.step
        if step is not None:
            # after what the action itself still moves, and after its question has gone
            self.call_after_refresh(self._begin)

    def on_screen_resume(self) -> None:
        if self.step is None:
            self.dismiss(None)
