"""The rulebook: every fault is named with file and line, all at once; the version follows the content."""

import shutil
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from abstractor.api import Abstractor
from abstractor.cli.main import cli
from abstractor.cli.stage_settings import faults_of_settings
from abstractor.model.errors import RulebookError
from abstractor.rulebook.field_faults import field_faults
from abstractor.rulebook.load import default_rules, find_missing_settings, find_setting_faults, load_rulebook
from abstractor.rulebook.schema import FieldSpec


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
        '[[target]]\nid = "valg-limited"\nfield = "ecog"\nvalue = "9"\nterms = ["nine"]\n',
        encoding="utf-8",
    )
    told = "\n".join(faults(rules))
    assert "targets/bad.toml:6: unknown key 'colour'" in told
    assert "targets/bad.toml:8: target 'y': unknown field 'nosuch'" in told
    assert "no regular expression" in told
    assert "'9' is no value of ecog" in told
    assert "target valg-limited' stands at" in told


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


WEIGHT_LOSS = """
[[field]]
name = "weight_loss"
label = "Weight loss"
group = "diagnosis"
kind = "integer"
slot = "event"
pattern = '\\d{1,2}'
lowest = 1
highest = 60
usual = [2, 30]
source_priority = ["clinic"]
attributes = [{ name = "months", label = "over months", kind = "number" }]
"""


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("lowest = 1", "lowest = 90", "lowest 90 lies above highest 60"),
        ("usual = [2, 30]", "usual = [30, 2]", "usual [30, 2] is no range within lowest and highest"),
        ("usual = [2, 30]", "usual = [2, 70]", "usual [2, 70] is no range within lowest and highest"),
        ("pattern = '\\d{1,2}'", "", "a number needs a pattern"),
        ('kind = "integer"', 'kind = "code"', "there are no codes"),
        ('"clinic"', '"clinik"', "unknown note type 'clinik'"),
        ('slot = "event"', 'slot = "patient"\nwindow_days = 3', "window_days is for slot"),
        ('slot = "event"', 'slot = "event"\nentry = "tnm"', 'entry "tnm" is for a field whose name ends with'),
        (
            'slot = "event"',
            'slot = "event"\ncodes = [{ code = "a", label = "A", broader = "b" }]',
            "as the broader one",
        ),
        ('slot = "event"', 'slot = "event"\nfinal = ["b"]\ncodes = [{ code = "a", label = "A" }]', "final names 'b'"),
        ('kind = "number" }', 'kind = "code" }', "attribute 'months': codes go with"),
        ('kind = "number" }', 'kind = "yes", highest = 4 }', "units and limits are for numbers"),
        ('kind = "number" }', 'kind = "words", pattern = "(" }', "pattern is no regular expression"),
        ('kind = "number" }', 'kind = "number", lowest = 2, highest = 1 }', "attribute 'months': lowest 2 lies above"),
        ("[{ name", '[{ name = "months", label = "m", kind = "date" }, { name', "attribute 'months' stands twice"),
    ],
)
def test_a_faulty_field_is_told_by_name(before: str, after: str, says: str) -> None:
    assert before in WEIGHT_LOSS
    [entry] = tomllib.loads(WEIGHT_LOSS.replace(before, after))["field"]
    told = list(field_faults(FieldSpec.model_validate(entry)))
    assert any(one.startswith("field 'weight_loss': ") and says in one for one in told), told


def test_a_sound_field_has_no_faults() -> None:
    [entry] = tomllib.loads(WEIGHT_LOSS)["field"]
    assert list(field_faults(FieldSpec.model_validate(entry))) == []


def test_a_fault_of_a_field_is_told_with_its_line(rules: Path) -> None:
    fields = rules / "fields.toml"
    line = len(fields.read_text(encoding="utf-8").splitlines()) + 2
    with fields.open("a", encoding="utf-8") as file:
        file.write(WEIGHT_LOSS.replace("lowest = 1", "lowest = 90"))
    assert f"fields.toml:{line}: field 'weight_loss': lowest 90 lies above highest 60" in faults(rules)


def test_a_field_that_cannot_be_read_is_the_only_fault_that_is_told_of_it(rules: Path) -> None:
    fields = rules / "fields.toml"
    whole = fields.read_text(encoding="utf-8")
    fields.write_text(
        whole.replace('name = "histology"\n', 'name = "histology"\ncolour = "red"\n', 1), encoding="utf-8"
    )
    [fault] = faults(rules)
    assert "unknown key 'colour'" in fault


def test_a_pattern_that_is_none_is_told_though_rules_state_values_of_the_field(rules: Path) -> None:
    fields = rules / "fields.toml"
    whole = fields.read_text(encoding="utf-8")
    start = whole.index("pattern = ", whole.index('name = "pack_years"'))
    end = whole.index("\n", start)
    fields.write_text(f"{whole[:start]}pattern = '('{whole[end:]}", encoding="utf-8")
    [fault] = faults(rules)
    assert "pattern is no regular expression" in fault


def test_a_missing_file_is_named(rules: Path) -> None:
    (rules / "context.toml").unlink()
    assert any("context.toml: this file is missing" in fault for fault in faults(rules))


def test_a_file_that_is_not_utf8_is_named(rules: Path) -> None:
    (rules / "masks.toml").write_bytes(b"# \xff\n")
    assert any("masks.toml:1: not UTF-8" in fault for fault in faults(rules))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert "no such folder" in faults(tmp_path / "nowhere")[0]


EXAMPLE = (
    '[[example]]\nrule = "response"\nfield = "response"\nvalue = "PD"\ntext = "Clear [[progression]] in clinic 12."\n'
)


def test_an_example_is_read_with_its_defaults(rules: Path) -> None:
    (rules / "examples" / "mine.toml").write_text(EXAMPLE, encoding="utf-8")
    [mine] = [one for one in load_rulebook(rules).examples if "clinic 12" in one.text]
    assert (mine.rule, mine.value, str(mine.assertion), mine.silent, mine.note_type) == (
        "response",
        "PD",
        "present",
        False,
        "clinic",
    )


def test_an_example_changes_nothing_that_is_found_and_so_not_the_version(rules: Path) -> None:
    before = load_rulebook(rules).version
    (rules / "examples" / "mine.toml").write_text(EXAMPLE, encoding="utf-8")
    assert load_rulebook(rules).version == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('rule = "response"', 'rule = "nosuch"'), "examples/mine.toml:1: example of 'nosuch': there is no such rule"),
        (('field = "response"', 'field = "mood"'), "examples/mine.toml:1: example of 'response': unknown field 'mood'"),
        (('"PD"', '"worse"'), "'worse' is no value of response"),
        (("[[progression]]", "progression"), "put the one place that is the evidence between [[ and ]]"),
        (("[[progression]]", "[[progression]] [[here]]"), "put the one place that is the evidence"),
        (('"PD"', '"PD"\nsilent = true'), "a silent example has no [[evidence]]"),
        (('"PD"', '"PD"\nassertion = "perhaps"'), "examples/mine.toml:5: assertion"),
        (('"PD"', '"PD"\nnote_type = "poem"'), "unknown note type 'poem'"),
        (('"PD"', '"PD"\nnote_date = "4.5.2021"'), "note_date '4.5.2021' is no day"),
        (('"PD"', '"PD"\ncolour = "red"'), "examples/mine.toml:5: unknown key 'colour'"),
    ],
)
def test_a_faulty_example_is_named_with_its_line(rules: Path, change: tuple[str, str], says: str) -> None:
    (rules / "examples" / "mine.toml").write_text(EXAMPLE.replace(*change), encoding="utf-8")
    assert any(says in fault for fault in faults(rules)), faults(rules)


def test_an_example_that_stands_twice_is_a_fault(rules: Path) -> None:
    (rules / "examples" / "mine.toml").write_text(EXAMPLE + "\n" + EXAMPLE, encoding="utf-8")
    assert any("stands at examples/mine.toml:1 already" in fault for fault in faults(rules))


def test_the_settings_of_the_program_are_sound() -> None:
    book = load_rulebook()
    assert find_missing_settings(book) == []
    assert find_setting_faults(book) == []


def broken_settings(rules: Path, name: str, old: str, new: str) -> list[str]:
    """The faults that compiling tells of a copy of the rules in which one settings file was changed."""
    path = rules / "settings" / name
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RulebookError) as caught:
        Abstractor.load(rules).check()
    return caught.value.faults


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("death.toml", "verb = '(?:", "verb = '((?:", "verb is no regular expression"),
        ("ihc.toml", "[markers]", "[merkers]", "settings/ihc.toml: the key 'markers' is missing"),
        ("death.toml", "said = '", "sayd = '", "settings/death.toml: the key 'said' is missing"),
        ("response.toml", "\nnum = ", "\nnumb = ", "settings/response.toml: there is no macro 'num'"),
    ],
)
def test_a_fault_of_the_settings_is_found_by_compiling_them(
    rules: Path, name: str, old: str, new: str, says: str
) -> None:
    [told] = broken_settings(rules, name, old, new)
    assert says in told


def test_a_broken_expression_in_the_settings_is_placed(rules: Path) -> None:
    lines = (rules / "settings" / "death.toml").read_text(encoding="utf-8").split("\n")
    line = next(number for number, row in enumerate(lines, 1) if row.startswith("said ="))
    [told] = broken_settings(rules, "death.toml", "said = '", "said = '(")
    assert told.startswith(f"settings/death.toml:{line}: said is no regular expression")


def test_rules_check_tells_a_fault_of_the_settings_and_fails(rules: Path) -> None:
    path = rules / "settings" / "death.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("said = '", "said = '(", 1), encoding="utf-8")
    result = CliRunner().invoke(cli, ["rules", "check", "--rules", str(rules)])
    assert result.exit_code == 1
    assert "said is no regular expression" in result.stdout
    assert "1 faults" in result.stderr


def test_rules_check_warns_of_a_rule_without_an_example(rules: Path) -> None:
    with (rules / "context.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[context]]\nid = "mine"\ncategory = "absent"\ndirection = "forward"\nterms = ["nary a"]\n')
    result = CliRunner().invoke(cli, ["rules", "check", "--rules", str(rules)])
    assert result.exit_code == 0
    assert "warning: context rule 'mine' has no example in examples/" in result.stderr


@pytest.mark.parametrize("name", [
    "edits.toml", "quality.toml", "timeline.toml", "authors.toml", "protocol.toml", "lines.toml", "alterations.toml",
    "exchange/omop.toml", "exchange/profiles.toml",
])  # fmt: skip
def test_the_settings_of_the_other_stages_are_checked_too(rules: Path, name: str) -> None:
    with (rules / name).open("a", encoding="utf-8") as file:
        file.write("\nnonsense = [\n")
    [fault] = faults_of_settings(rules)
    assert fault.startswith(f"{name}: ")


def test_the_settings_of_the_program_have_no_faults() -> None:
    assert list(faults_of_settings(default_rules())) == []
