"""Small cells: which counts of patients a report for others may show, so that none that is withheld can be worked out from the rest.

A count is a set of patients. Withheld are the small ones, and then every further one with which a small set (a listed one, or what a
listed set has beyond another inside it) would become a sum or difference of those shown. Two analysis sets may differ by few: that tells
of how many something is not known, not what. This is exact for counts that
can be solved for; it does not bound how narrowly a withheld count can be guessed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from abstractor.outcomes.survival import Floats

_NOTHING_LEFT = 1e-7
"""A squared length that is 0 but for rounding."""


@dataclass(frozen=True, slots=True)
class Count:
    """A number of patients that a report wants to show."""

    id: str
    patients: frozenset[str]
    size: bool = False
    """Everybody in an analysis or a group of it, not those with some property."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """Ids of the counts not to be shown."""

    small: frozenset[str]
    """Below the limit themselves."""
    with_others: frozenset[str]
    """Not small, but they would give a small one away."""

    def __contains__(self, count: str) -> bool:
        return count in self.small or count in self.with_others


NOTHING_WITHHELD = Withheld(frozenset(), frozenset())


def withhold(counts: Sequence[Count], least: int) -> Withheld:
    """Chooses what to withhold.

    Args:
        counts: in the order of their importance: of two that give a small one away together, the later goes.
        least: the smallest count to be shown; 0 patients may be shown always.
    """
    sets = _as_bits(counts)
    small = {one for one in sets if 0 < one.bit_count() < least}
    sizes = {bits for one, bits in zip(counts, sets, strict=True) if one.size}
    sensitive = _Sensitive(sets, small | _small_differences(sets, sizes, least), max(sets, default=0).bit_length())
    hidden = {one for one in dict.fromkeys(sets) if one in small or not sensitive.may_show(one)}
    return Withheld(
        small=frozenset(one.id for one, bits in zip(counts, sets, strict=True) if bits in small),
        with_others=frozenset(
            one.id for one, bits in zip(counts, sets, strict=True) if bits in hidden and bits not in small
        ),
    )


def _as_bits(counts: Iterable[Count]) -> list[int]:
    place: dict[str, int] = {}
    found = []
    for one in counts:
        bits = 0
        for patient in sorted(one.patients):
            bits |= 1 << place.setdefault(patient, len(place))
        found.append(bits)
    return found


def _small_differences(sets: Sequence[int], sizes: set[int], least: int) -> set[int]:
    """What a set has beyond another that lies in it, where that is few; not between two analysis sets."""
    distinct = sorted(set(sets), key=int.bit_count)
    found = set()
    for place, inner in enumerate(distinct):
        for outer in distinct[place + 1 :]:
            if inner in sizes and outer in sizes:
                continue
            if inner & outer == inner and 0 < (outer ^ inner).bit_count() < least:
                found.add(outer ^ inner)
    return found


class _Sensitive:
    """Sets that must stay unknown, less what the shown ones tell of them."""

    def __init__(self, sets: Sequence[int], hidden: Iterable[int], width: int) -> None:
        hidden = list(hidden)
        self._width = width
        every = _rows([*dict.fromkeys(sets), *hidden], width)
        # Patients who are in the same sets all along are told apart by nothing: one column does for them, weighed by its root.
        _, first, size = np.unique(every, axis=1, return_index=True, return_counts=True)
        self._columns, self._weights = first, np.sqrt(size)
        self._left = self._vectors(hidden)
        self._basis = np.zeros((0, first.size))

    def _vectors(self, sets: Sequence[int]) -> Floats:
        vectors: Floats = _rows(sets, self._width)[:, self._columns] * self._weights
        return vectors

    def may_show(self, bits: int) -> bool:
        """Shows a set, unless a sensitive one could then be solved for."""
        (vector,) = self._vectors([bits])
        for _ in range(2):  # once more, for the digits the first pass loses
            vector = vector - self._basis.T @ (self._basis @ vector)
        length = float(vector @ vector)
        if length < _NOTHING_LEFT:
            return True  # it follows from what is shown already
        direction = vector / np.sqrt(length)
        along = self._left @ direction
        after = np.einsum("ij,ij->i", self._left, self._left) - along**2
        if bool(np.any(after < _NOTHING_LEFT)):
            return False
        self._left = self._left - np.outer(along, direction)
        self._basis = np.vstack([self._basis, direction])
        return True


def _rows(sets: Sequence[int], width: int) -> Floats:
    """0 and 1, a row a set and a column a patient."""
    size = max((width + 7) // 8, 1)
    packed = np.frombuffer(b"".join(one.to_bytes(size, "little") for one in sets), dtype=np.uint8)
    bits: Floats = np.unpackbits(packed.reshape(len(sets), size), axis=1, bitorder="little").astype(float)
    return bits
