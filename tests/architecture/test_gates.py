"""Whatever reads or writes a registry asks who is at work, in the registry's own package: no screen and no command can forget it.

A function of `abstractor/registry` that opens a transaction must ask, or stand below with the reason why not.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "abstractor" / "registry"

OPENS = frozenset({"read", "write", "attempt"})
ASKS = frozenset({"require", "require_one", "require_self", "require_person", "require_power", "within", "holds", "at_work", "changer"})  # fmt: skip

NOT_ASKED = {
    "people": "the asking itself",
    "policy": "the asking itself",
    "engine": "opening, creating and upgrading: who owns the tables does that",
    "backup": "asks once for all of a backup; a restore must work in an emergency",
    "drafts.save_draft": "keeps what was typed under a name; only who has it reads it",
    "drafts.drop_draft": "the same",
    "places.keep_place": "the same",
    "places.forget_place": "the same",
    "keys": "no tables",
    "encryption": "whoever can write the file, with the key",
    "cipher": "whoever can write the file, with the key",
    "activity.last_sequence": "a number",
    "leases.release": "ends one's own lease, and nobody else's",
    "assignments.give_back": "gives back one's own work, and nobody else's",
    "readings.ReadingLog.case_of": "asks by `decisions_of`",
    "quality.mark_training": "only of an empty registry",
    "worklist.keep_counts": "counts that the list has read already",
    "worklist.count_all": "keeps counts, and tells nothing: an upgrade needs it, whoever does it",
    "assignments.claim_next": "asks where it assigns",
    "verify._left_out": "within `verify_chain`, which asks",
}
"""Module, or module and function, to why nobody is asked."""


def functions(tree: ast.AST, words: tuple[str, ...]) -> Iterator[tuple[str, ast.FunctionDef]]:
    """All functions that stand at the top of a module or of a class, with their names."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from functions(node, (*words, node.name))
        elif isinstance(node, ast.FunctionDef):
            yield ".".join((*words, node.name)), node


def called(function: ast.FunctionDef) -> set[str]:
    return {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
    }


def opens_transaction(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr in OPENS and "registry" in ast.unparse(node.value)
        for node in ast.walk(function)
    )


def asking_helpers(tree: ast.AST) -> set[str]:
    """Functions of a module that ask, also by calling one that does."""
    known = dict(functions(tree, ()))
    found = {name for name, function in known.items() if called(function) & ASKS}
    while more := {name for name, one in known.items() if name not in found and called(one) & found}:
        found |= more
    return found


def test_every_function_that_opens_a_transaction_asks_who_is_at_work() -> None:
    silent = set()
    for path in sorted(PACKAGE.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        asking = asking_helpers(tree)
        for name, function in functions(tree, (path.stem,)):
            if opens_transaction(function) and name.removeprefix(f"{path.stem}.") not in asking:
                silent.add(name)
    assert {one for one in silent if one not in NOT_ASKED and one.partition(".")[0] not in NOT_ASKED} == set()
