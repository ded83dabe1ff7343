"""What screens that are one list share: moving in it."""

from typing import Generic, TypeVar

from abstractor.tui.screens.keyed import KeyedScreen
from abstractor.tui.widgets.lines import LineList

Answer = TypeVar("Answer")


class ListedScreen(KeyedScreen[Answer], Generic[Answer]):
    """A screen around one list: the one with the id `lines`, unless it says another."""

    @property
    def list(self) -> LineList:
        return self.query_one("#lines", LineList)

    def do_down(self) -> None:
        self.list.move(1)

    def do_up(self) -> None:
        self.list.move(-1)

    def do_half_down(self) -> None:
        self.list.move(self.list.page // 2)

    def do_half_up(self) -> None:
        self.list.move(-(self.list.page // 2))

    def do_page_down(self) -> None:
        self.list.move(self.list.page)

    def do_page_up(self) -> None:
        self.list.move(-self.list.page)

    def do_top(self) -> None:
        self.list.go(0)
