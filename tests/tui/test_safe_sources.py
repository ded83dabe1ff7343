"""Text of data may reach the screen only by `safe`, as a line: what would let it pass as a bare string or as markup is not in the code."""

import ast
from pathlib import Path

import pytest

TUI = Path(__file__).resolve().parents[2] / "abstractor" / "tui"
MODULES = sorted(TUI.rglob("*.py"))

WIDGETS = {"Static", "Label", "Markdown", "RichLog", "Log", "Button", "Toast", "Tooltip", "Link"}
"""Widgets that take a string for markup, or send it to the terminal as it is."""
CALLS = {"notify", "from_markup", "bell_with", "add_column", "add_row", "update"}
ATTRIBUTES = {"border_title", "border_subtitle", "tooltip", "title", "sub_title", "loading_message"}
RAW = {"print", "Text", "Content"}


def name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def is_safe(node: ast.expr) -> bool:
    """A literal that we wrote, or what `safe` gave."""
    return (isinstance(node, ast.Constant)) or (
        isinstance(node, ast.Call) and name_of(node.func) in {"safe", "safe_lines"}
    )


def faults(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = name_of(node.func)
            if called in WIDGETS:
                found.append(f"{node.lineno}: {called}")
            if called in CALLS | RAW and not (called == "update" and not _on_widget(node)):
                found += [f"{node.lineno}: {called}" for one in node.args if not is_safe(one)]
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if node.value is not None and not is_safe(node.value):
                found += [
                    f"{node.lineno}: {one.attr}"
                    for one in targets
                    if isinstance(one, ast.Attribute) and one.attr in ATTRIBUTES
                ]
    return found


def _on_widget(node: ast.Call) -> bool:
    """`update` is a method of dictionaries too; of a widget it is called on what a query found."""
    return isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(TUI)))
def test_no_bare_string_can_reach_a_widget(module):
    assert faults(module.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "Static(f'{patient}')",
        "Label(name)",
        "self.notify(f'{error}')",
        "self.app.notify(text)",
        "self.border_title = note.note_id",
        "self.query_one('#x').update(text)",
        "Text.from_markup(text)",
        "Text(text)",
        "Content(f'{text}')",
        "print(text)",
    ],
)
def test_each_of_the_ways_round_it_is_seen(source):
    assert faults(source)


@pytest.mark.parametrize("source", ["Text(safe(told))", "counts.update(more)", "self.title = 'Abstractor'"])
def test_what_is_harmless_is_left_alone(source):
    assert faults(source) == []
