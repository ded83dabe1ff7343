"""The TNM tables of `settings/staging.toml`: which edition was in use, what it knows, and which groups its categories give. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from abstractor.rulebook.book import RuleBook


@dataclass(frozen=True)
class Edition:
    """One edition of the classification."""

    number: str
    """`7`, `8`, `9`."""
    until: int | None
    """The last year of diagnosis in which it was in use; None: it still is."""
    nodes: tuple[str, ...]
    """The N categories, in the order of the columns."""
    rows: Mapping[str, tuple[str, ...]]
    """The groups without spread: T to one group a column."""
    spread: Mapping[str, str]
    """The groups with spread, by M."""

    def knows(self, category: str) -> bool:
        """Whether a category can be written in this edition: `M1c1` can't before the ninth.

        A category without its letter (`T2`) and those that say nothing (`TX`, `T0`) can be in every edition.
        """
        if category[1:] in {"X", "0", "is"}:
            return True
        known: Iterator[str] = iter((*self.rows, *self.nodes, *self.spread))
        return any(one.startswith(category) for one in known) or category in _ALWAYS

    def groups(self, t: str, n: str, m: str) -> frozenset[str]:
        """All groups that categories can mean: a category without its letter can be each that begins with it; none where it is open.

        Without spread only M0 says so: with MX, or no M at all, the group is open.
        """
        if m.startswith("M1"):
            return frozenset({self.spread[m]}) if m in self.spread else frozenset()
        if not (t and n) or m != "M0":
            return frozenset()
        rows = [row for name, row in self.rows.items() if name.startswith(t) or (t == "T1mi" and name == "T1a")]
        places = [at for at, name in enumerate(self.nodes) if name.startswith(n) or n.startswith(name)]
        return frozenset(row[at] for row in rows for at in places if at < len(row))


_ALWAYS = frozenset({"T1mi"})
"""Written in every edition since the seventh, and grouped with T1a."""


def editions_of(book: RuleBook) -> tuple[Edition, ...]:
    """The editions of a rulebook, the oldest first; none where it has no tables."""
    tables = book.settings.get("staging", {})
    last = tables.get("last_year")
    found = []
    for name, table in tables.items():
        if name == "last_year" or not isinstance(table, dict):
            continue
        nodes, spread = table.get("nodes"), table.get("spread")
        until = last.get(name) if isinstance(last, dict) else None
        found.append(
            Edition(
                number=name.removeprefix("edition_"),
                until=int(until) if until is not None else None,
                nodes=tuple(map(str, nodes)) if isinstance(nodes, list) else (),
                rows={t: tuple(map(str, row)) for t, row in table.items() if t != "nodes" and isinstance(row, list)},
                spread={str(m): str(group) for m, group in spread.items()} if isinstance(spread, dict) else {},
            )
        )
    return tuple(sorted(found, key=lambda one: one.number))


def edition_in(editions: tuple[Edition, ...], year: int | None) -> Edition | None:
    """The edition in use in a year of diagnosis; None where the year is not known."""
    if year is None:
        return None
    return next((one for one in editions if one.until is None or year <= one.until), None)
