"""Table 1: who the patients are at time zero, by group, with what is not known counted; computed by the library tableone.

No p values unless asked for: groups that were not randomised differ, and the size of a p value says mostly how many they are.
"""

import warnings
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from abstractor.model.errors import InputError
from abstractor.outcomes.cohort import Analysis
from abstractor.outcomes.definitions import column_title
from abstractor.outcomes.disclosure import Count, Withheld, withhold

if TYPE_CHECKING:  # pandas takes long to load
    import pandas as pd

OVERALL, UNKNOWN, WITHHELD = "all", "not known", "withheld"
CONTINUOUS = ("age_at_index", "pack_years")
"""Columns told as median and quartiles; every other one as counts."""
DEFAULT = (
    "age_at_index", "sex", "ecog", "smoking_status", "pack_years", "stage_valg", "histology", "n_metastatic_sites",
    "brain_metastases", "liver_metastases",
)  # fmt: skip
ID = "patient_id"

_TITLES = {
    "age_at_index": "age, years",
    "stage_valg": "stage (VALG)",
    "n_metastatic_sites": "metastatic sites",
    "pack_years": "pack-years",
}


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row; `level` is "" where the variable has a single one."""

    variable: str
    level: str
    cells: tuple[str, ...]
    """All patients first, then the groups; then the p value where it was asked for."""
    ids: tuple[str, ...] = ()
    """Of the count behind each cell, as in `TableOne.counts`."""


@dataclass(frozen=True, slots=True)
class TableOne:
    """The table as text, with the patients behind every count."""

    header: tuple[str, ...]
    """`variable`, `level`, then one of each cell of a row."""
    rows: tuple[TableRow, ...]
    note: str
    counts: tuple[Count, ...] = field(default=(), repr=False)

    def hide(self, withheld: Withheld, least: int) -> "TableOne":
        """The same table without the counts that are withheld, and the medians of so few."""
        rows = tuple(replace(row, cells=_hide(row, withheld, least)) for row in self.rows)
        note = f"{self.note} Counts below {least}, and what would give them away, are withheld."
        return replace(self, rows=rows, note=note, counts=())

    def records(self) -> list[dict[str, str]]:
        """Rows for a CSV: variable, level, and a column a group."""
        return [dict(zip(self.header, (row.variable, row.level, *row.cells), strict=True)) for row in self.rows]

    def text(self) -> str:
        """The table for a terminal."""
        titles = self.header[2:]
        lines = [("", *titles)]
        previous = ""
        for row in self.rows:
            if row.level and row.variable != previous:
                lines.append((row.variable, *[""] * len(titles)))
            lines.append((f"  {row.level}" if row.level else row.variable, *row.cells))
            previous = row.variable
        widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
        return (
            "\n".join(
                "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
                for line in lines
            )
            + f"\n\n{self.note}\n"
        )


def baseline_table(analysis: Analysis, *, least: int = 0, p_values: bool = False) -> TableOne | None:
    """Table 1 of the analysed patients by the grouping of the analysis, with the genes of the protocol that have a result.

    None where nobody is analysed.
    """
    rows = [{ID: one.patient_id, **one.baseline.columns} for one in analysis.analysed]
    if not rows:
        return None
    tested = [gene for gene in analysis.protocol.genes if any(row.get(gene) is not None for row in rows)]
    return table_one(rows, by=analysis.by, columns=(*DEFAULT, *tested), least=least, p_values=p_values)


def table_one(
    rows: "pd.DataFrame | Sequence[Mapping[str, object]]",
    *,
    by: str | None,
    columns: Sequence[str] = DEFAULT,
    continuous: Sequence[str] = CONTINUOUS,
    p_values: bool = False,
    least: int = 0,
) -> TableOne:
    """Describes patients over all and by group.

    Args:
        rows: one per patient, with `patient_id`; missing values are None or nan.
        by: column of the groups; None for no groups. Patients without a value are a group `not known`.
        columns: the variables, in order; that of the groups is left out.
        continuous: those of them told as median and quartiles.
        p_values: adds a column of p values as tableone chooses the tests.
        least: counts above 0 and below this are withheld, with as many others as it takes.

    Raises:
        InputError: a column is not there, a patient comes twice, or there is nobody.
    """
    data, groups = _prepare(rows, by, columns, continuous)
    variables = [name for name in columns if name != by]
    numbers = [name for name in variables if data[name].dtype.kind in "if"]
    found = _compute(data, by, variables, numbers, p_values)
    counts = _Counts(data, by, groups)
    table = TableOne(
        header=("variable", "level", OVERALL, *groups, *(["p"] if p_values and len(groups) > 1 else [])),
        rows=tuple(_rows(found, counts, variables, numbers)),
        note="Counts with per cent of all patients of the column, those not known included; median [quartiles] of the known.",
        counts=tuple(counts.found.values()),
    )
    return table.hide(withhold(table.counts, least), least) if least else table


def _prepare(
    rows: "pd.DataFrame | Sequence[Mapping[str, object]]",
    by: str | None,
    columns: Sequence[str],
    continuous: Sequence[str],
) -> "tuple[pd.DataFrame, list[str]]":
    """Numbers as numbers and everything else as words, `not known` among them; and the groups in their order."""
    import pandas as pd

    data = pd.DataFrame(rows).reset_index(drop=True)
    wanted = [ID, *dict.fromkeys([*columns, *([by] if by else [])])]
    lacking = [name for name in wanted if name not in data.columns]
    if lacking:
        raise InputError(
            f"Table 1: no column {', '.join(lacking)}; there are {', '.join(map(str, data.columns)) or 'none'}"
        )
    doubled = data[ID][data[ID].duplicated()]
    if len(doubled):
        raise InputError(f"Table 1: patient {doubled.iloc[0]} comes twice; merge the rows")
    data = data[wanted].copy()
    for name in wanted[1:]:
        numbers = pd.to_numeric(data[name], errors="coerce") if name in continuous and name != by else None
        if numbers is not None and bool(numbers.notna().any()):
            data[name] = numbers
        else:
            data[name] = [_word(value) for value in data[name]]
    groups = _ordered(data[by].unique()) if by else []
    return data, groups


def _word(value: object) -> str:
    """A value as it is printed."""
    if value is None or value != value or value == "":
        return UNKNOWN
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).replace("_", " ")


def _ordered(levels: Iterable[str]) -> list[str]:
    """Limited before extensive, numbers by size, words by name, what is not known last."""

    def rank(level: str) -> tuple[bool, bool, float, str]:
        return level == UNKNOWN, level != "limited", float(level) if level.isdecimal() else 0.0, level

    return sorted(levels, key=rank)


_MISSING = "missing: "
_Computed = dict[tuple[str, str], dict[Hashable, object]]


def _compute(
    data: "pd.DataFrame", by: str | None, variables: Sequence[str], numbers: Sequence[str], p_values: bool
) -> _Computed:
    """The library's table: (variable, level) to group to cell, `Overall` among the groups."""
    from tableone import TableOne as Library

    with_flags = data.copy()
    flags = []
    for name in numbers:  # the library counts missing numbers over all groups only
        if bool(data[name].isna().any()):
            with_flags[_MISSING + name] = ["yes" if missing else "no" for missing in data[name].isna()]
            flags.append(_MISSING + name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the median of a group without any number
        computed: pd.DataFrame = Library(
            with_flags,
            columns=[*variables, *flags],
            categorical=[name for name in (*variables, *flags) if name not in numbers],
            continuous=list(numbers),
            nonnormal=list(numbers),
            groupby=by,
            pval=p_values and by is not None and data[by].nunique() > 1,
            label_suffix=False,
        ).tableone
    if by is not None:
        computed.columns = computed.columns.droplevel(0)
    lines = computed.to_dict("index")
    return {(str(key[0]), str(key[1])): line for key, line in lines.items() if isinstance(key, tuple)}


class _Counts:
    """The patients behind each cell."""

    def __init__(self, data: "pd.DataFrame", by: str | None, groups: Sequence[str]) -> None:
        self._data, self.groups = data, (OVERALL, *groups)
        self._inside = {OVERALL: data[ID].notna(), **{group: data[by] == group for group in groups}}
        self.found: dict[str, Count] = {}

    def everybody(self) -> tuple[str, ...]:
        """Ids of the sizes of the groups."""
        return tuple(self._add(f"table1.n.{group}", self._inside[group]) for group in self.groups)

    def level(self, name: str, level: str) -> tuple[str, ...]:
        """Ids of the counts of a level."""
        has = self._data[name] == level
        return tuple(self._add(f"table1.{name}.{level}.{group}", self._inside[group] & has) for group in self.groups)

    def known(self, name: str, *, known: bool) -> tuple[str, ...]:
        """Ids of the counts of those who have, or have not, a number."""
        has = self._data[name].notna() == known
        word = "known" if known else UNKNOWN
        return tuple(self._add(f"table1.{name}.{word}.{group}", self._inside[group] & has) for group in self.groups)

    def levels(self, name: str) -> list[str]:
        """The levels of a variable in their order."""
        return _ordered(self._data[name].unique())

    def has_gaps(self, name: str) -> bool:
        """Whether a number is not known of everybody."""
        return bool(self._data[name].isna().any())

    def _add(self, name: str, members: "pd.Series[bool]") -> str:
        self.found[name] = Count(name, frozenset(map(str, self._data[ID][members])))
        return name


def _rows(found: _Computed, counts: _Counts, variables: Sequence[str], numbers: Sequence[str]) -> Iterable[TableRow]:
    columns = ["Overall", *counts.groups[1:]]
    p_values = {key: line["P-Value"] for (key, _), line in found.items() if line.get("P-Value")}

    def row(name: str, key: str, level: str, ids: tuple[str, ...], shown: str, *, first: bool) -> TableRow:
        cells = [_cell(found[(key, level)][column]) for column in columns]
        if p_values:
            cells.append(_cell(p_values.get(key, "")) if first else "")
        return TableRow(_title(name) if name else "patients", shown, tuple(cells), ids)

    yield row("", "n", "", counts.everybody(), "", first=False)
    for name in variables:
        if name in numbers:
            gaps = counts.has_gaps(name)
            yield row(name, name, "", counts.known(name, known=True), "median [quartiles]" if gaps else "", first=True)
            if gaps:
                ids = counts.known(name, known=False)
                yield row(name, _MISSING + name, "yes", ids, UNKNOWN, first=False)
            continue
        for place, level in enumerate(counts.levels(name)):
            yield row(name, name, level, counts.level(name, level), level, first=place == 0)


def _title(name: str) -> str:
    return _TITLES.get(name, column_title(name))


def _cell(value: object) -> str:
    text = str(value).replace(",", ", ")
    return "–" if "nan" in text else text


def _hide(row: TableRow, withheld: Withheld, least: int) -> tuple[str, ...]:
    counted = not row.level.startswith("median") and not any("[" in cell for cell in row.cells)
    cells = []
    for place, cell in enumerate(row.cells):
        name = row.ids[place] if place < len(row.ids) else ""
        if name in withheld.small:
            cells.append(f"<{least}" if counted else WITHHELD)
        else:
            cells.append(WITHHELD if name in withheld.with_others else cell)
    return tuple(cells)
