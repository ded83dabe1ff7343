"""What the line rules need to know of the drugs, from the rulebook's vocabulary and `lines.toml`."""

from abstractor.outcomes.lines import DrugGroups, load_drug_groups
from abstractor.rulebook.book import RuleBook


def drug_groups(rulebook: RuleBook) -> DrugGroups:
    """The groups of `lines.toml`, completed by the vocabulary.

    Raises:
        InputError: `lines.toml` can't be read.
    """
    return load_drug_groups(rulebook.root / "lines.toml").with_classes(
        {drug.generic: drug.group for drug in rulebook.drugs()}
    )
