"""Stage groups and limited or extensive disease, worked out from the T, N and M that the notes state.

What comes out is a suggestion beside the stated ones, marked `derived`: where nothing is stated it fills the gap, where something else is
stated the two stand side by side as a conflict. It never changes or hides what a note says.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from abstractor.model.dates import PartialDate
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Suggestion
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.slots import slot_key
from abstractor.rulebook.stages import Edition, edition_in, editions_of

GROUP, VALG = "stage.group", "stage.valg"
_CATEGORIES = ("stage.t", "stage.n", "stage.m")
_CONFIDENCE = 0.6
_SMALL_CELL = "small_cell"


def derived_stages(found: Sequence[Suggestion], rulebook: RuleBook) -> tuple[Suggestion, ...]:
    """The stage group after the TNM tables of `settings/staging.toml`, and limited or extensive after M.

    Nothing is derived where a category is in conflict, where the tables leave a choice, or where the same is stated already.
    """
    editions = editions_of(rulebook)
    if not editions:
        return ()
    stated = {name: _one(found, name) for name in _CATEGORIES}
    derived: list[Suggestion] = []
    group = _group(stated, _in_use(editions, _year(found)))
    if group is not None:
        by, value = group
        derived.extend(_beside(found, GROUP, value, f"TNM, {by}", [one for one in stated.values() if one], rulebook))
    extent = _extent(found, stated["stage.m"])
    if extent is not None:
        source, value = extent
        derived.extend(_beside(found, VALG, value, "limited without, extensive with spread (M)", [source], rulebook))
    return tuple(derived)


def _one(found: Iterable[Suggestion], field: str) -> Suggestion | None:
    """The one value of a field; None where there is none, or several."""
    said = [one for one in found if one.field == field and one.assertion is Assertion.PRESENT]
    return said[0] if len(said) == 1 else None


def _year(found: Iterable[Suggestion]) -> int | None:
    """The year of the diagnosis, where one is suggested."""
    stated = _one(found, "diagnosis_date")
    return PartialDate.parse(stated.value).first.year if stated else None


def _in_use(editions: tuple[Edition, ...], year: int | None) -> tuple[Edition, ...]:
    """The edition that was in use in a year; all of them where the year is not known."""
    if year is None:
        return editions
    used = edition_in(editions, year)
    return (used,) if used is not None else ()


def _group(stated: Mapping[str, Suggestion | None], editions: tuple[Edition, ...]) -> tuple[str, str] | None:
    """The edition(s) and the one group they give; None where they differ or leave a choice."""
    t, n, m = (one.value if (one := stated[name]) else "" for name in _CATEGORIES)
    each = [edition.groups(t, n, m) for edition in editions]
    groups = frozenset().union(*each)
    if not all(each) or len(groups) != 1:
        return None
    by = f"edition {editions[0].number}" if len(editions) == 1 else "any edition"
    return by, next(iter(groups))


def _extent(found: Sequence[Suggestion], m: Suggestion | None) -> tuple[Suggestion, str] | None:
    """Extensive with spread, limited without, of a small cell cancer."""
    if m is None or not any(one.field == "histology" and one.value.endswith(_SMALL_CELL) for one in found):
        return None
    if m.value.startswith("M1"):
        return m, "extensive"
    return (m, "limited") if m.value == "M0" else None


def _beside(
    found: Sequence[Suggestion], field: str, value: str, rule: str, sources: Sequence[Suggestion], rulebook: RuleBook
) -> Iterator[Suggestion]:
    """The derived value, unless a stated one says the same or as much as it."""
    spec = rulebook.fields.get(field)
    stated = [one.value for one in found if one.field == field]
    if spec is None or not value or any(one.startswith(value) or value.startswith(one) for one in stated):
        return
    yield Suggestion(
        patient_id=sources[0].patient_id,
        slot=slot_key(spec, value, Assertion.PRESENT, None),
        field=field,
        value=value,
        assertion=Assertion.PRESENT,
        attributes={"rule": rule},
        confidence=min([_CONFIDENCE, *(one.confidence for one in sources)]),
        evidence=tuple(one.evidence[0] for one in sources if one.evidence),
        origin="derived",
        rulebook=rulebook.version,
    )
