"""The rulebook: every fault is named with file and line, all at once; the version follows the content."""

import shutil
from pathlib import Path

import pytest

from abstractor.model.errors import RulebookError
from abstractor.rulebook.load import default_rules, load_rulebook


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the rules that may be broken."""
    return Path(shutil.copytree(default_rules(), tmp_path / "rules"))


def faults(rules: Path) -> list[str]:
    with pytest.raises(RulebookError) as caught:
        load_rulebook(rules)
    return caught.value.faults


def test_the_rules_of_the_program_are_sound() -> None:
    book = load_rulebook()
    assert len(book.version) == 16
    assert "histology" in book.fields


def test_the_version_changes_with_any_byte(rules: Path) -> None:
    before = load_rulebook(rules).version
    with (rules / "masks.toml").open("a", encoding="utf-8") as file:
        file.write("# a word more\n")
    assert load_rulebook(rules).version != before


def test_the_version_does_not_depend_on_the_place(rules: Path) -> None:
    assert load_rulebook(rules).version == load_rulebook().version


def test_all_faults_are_told_at_once_with_file_and_line(rules: Path) -> None:
    (rules / "targets" / "bad.toml").write_text(
        '[[target]]\nid = "x"\nfield = "nosuch"\nvalue = "1"\nregex = ["("]\ncolour = "red"\n\n'
        '[[target]]\nid = "y"\nfield = "nosuch"\nvalue = "1"\nregex = ["("]\n\n'
        '[[target]]\nid = "ecog-named"\nfield = "ecog"\nvalue = "9"\nterms = ["nine"]\n',
        encoding="utf-8",
    )
    told = "\n".join(faults(rules))
    assert "targets/bad.toml:6: unknown key 'colour'" in told
    assert "targets/bad.toml:8: target 'y': unknown field 'nosuch'" in told
    assert "no regular expression" in told
    assert "'9' is no value of ecog" in told
    assert "target ecog-named' stands at" in told


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("masks.toml", "[[mask]\n", "masks.toml:1: not TOML"),
        ("masks.toml", "[[musk]]\nid = 'x'\n", "unknown table or key 'musk'"),
        ("extra.toml", "a = 1\n", "no such rule file"),
        ("vocab/sites.csv", "value,nouns,colour\nliver,liver,red\n", "vocab/sites.csv:2: colour"),
        ("vocab/other.csv", "a\n1\n", "no such vocabulary"),
        ("settings/tnm.toml", "t = '[\n", "settings/tnm.toml"),
        ("note_types.toml", '[[note_type]]\nname = "poem"\n', "unknown note type 'poem'"),
    ],
)
def test_a_broken_file_is_named(rules: Path, name: str, content: str, says: str) -> None:
    (rules / name).write_text(content, encoding="utf-8")
    assert any(says in fault for fault in faults(rules)), faults(rules)


def test_a_missing_file_is_named(rules: Path) -> None:
    (rules / "context.toml").unlink()
    assert any("context.toml: this file is missing" in fault for fault in faults(rules))


def test_a_file_that_is_not_utf8_is_named(rules: Path) -> None:
    (rules / "masks.toml").write_bytes(b"# \xff\n")
    assert any("masks.toml:1: not UTF-8" in fault for fault in faults(rules))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert "no such folder" in faults(tmp_path / "nowhere")[0]
