"""Every command that opens a registry refuses one that a newer program wrote, on both databases, and writes nothing."""

from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from abstractor.cli.main import cli
from abstractor.registry.engine import registry_url

RULES = str(Path(__file__).resolve().parents[2] / "rules")
ELSEWHERE = {("init",), ("restore",), ("encrypt",), ("decrypt",), ("rekey",)}
"""They refuse a place where a registry is, of whatever schema; or ask for a key before they open anything."""
MORE = {("review",): ["--plain"], ("rules", "diff"): [RULES]}
"""What a command wants to be told though it need not be."""
GIVEN = {"--seed": "1", "choice": "A", "role": "admin", "--error": "HUM", "new": RULES}
"""What a parameter that must be given is given; a word, or a path, where nothing stands here."""


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        elif any(parameter.name == "db" for parameter in command.params):
            yield (*path, name), command


OPENING = {path: command for path, command in commands(cli) if path not in ELSEWHERE}


def typed(path: tuple[str, ...], folder: Path) -> list[str]:
    """The command with as little as it takes."""
    words = [*path, *MORE.get(path, ())]
    for parameter in OPENING[path].params:
        name = parameter.opts[0]
        if not parameter.required:
            continue
        given = GIVEN.get(name, "word")
        if isinstance(parameter.type, click.Path) and name not in GIVEN:
            given = str(folder / ("there" if parameter.type.exists else name.strip("-")))
        words += [name, given] if name.startswith("-") else [given]
    return words


def test_a_newer_registry_is_refused_by_every_command(registry_name: str, tmp_path: Path) -> None:
    engine = create_engine(registry_url(registry_name))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    (tmp_path / "there").mkdir()
    (tmp_path / "file").write_text("record_id,patient_id,field,value\n")
    before = sorted(tmp_path.iterdir())
    answers = {path: CliRunner().invoke(cli, [*typed(path, tmp_path), "--db", registry_name]) for path in OPENING}
    assert {path: said.output for path, said in answers.items() if "newer Abstractor" not in said.output} == {}
    assert [path for path, said in answers.items() if said.exit_code == 0] == []
    assert sorted(tmp_path.iterdir()) == before
