"""Every command explains itself with an example, and is named where commands are listed."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from abstractor.cli.main import cli

PROJECT = Path(__file__).resolve().parents[2]


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


COMMANDS = [" ".join(path) for path in commands()]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_help_has_an_example_of_itself(command: str) -> None:
    result = CliRunner().invoke(cli, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"abstractor {command}" in result.output.split("Example")[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_says_what_it_does(command: str) -> None:
    found: click.Command = cli
    for name in command.split():
        assert isinstance(found, click.Group)
        found = found.commands[name]
    for option in found.params:
        if isinstance(option, click.Option):
            assert option.help, f"{command} {option.name}"


def test_the_commands_of_the_main_job_are_there() -> None:
    wanted = {
        "init", "demo", "ingest", "annotate", "review", "outcomes", "import facts", "export facts", "export findings",
        "evaluate", "rules check", "rules test", "upgrade",
    }  # fmt: skip
    assert wanted <= set(COMMANDS)


def test_the_overview_names_every_command() -> None:
    overview = CliRunner().invoke(cli, ["--help"]).output
    listed = {line.split()[0] for line in overview.split("Commands:")[1].splitlines() if line.strip()}
    assert {command.split()[0] for command in COMMANDS} <= listed


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_every_command(command: str) -> None:
    readme = PROJECT / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    if not text.strip():
        pytest.skip("there is no README yet")
    assert f"abstractor {command}" in text or f"`{command}" in text


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(cli, ["--version"])
    assert result.exit_code == 0
    assert version("abstractor") in result.output
