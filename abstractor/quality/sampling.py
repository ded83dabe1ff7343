"""Drawing what is looked at again: stratified, from a seed, the same every time, with the weights that estimates need.

What is drawn are units, decisions or whole charts, known by their key and traits. Nothing here reads a registry.
"""

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

CERTAIN = "all"
"""The first part of the stratum of what is taken without drawing."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that may be drawn."""

    key: str
    domain: str
    """What a size is wanted for: the field of a decision; "" for charts."""
    traits: Mapping[str, str] = field(default_factory=dict, hash=False)
    certain: str = ""
    """Why it is taken whatever is drawn; "" leaves it to the draw."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of the frame that was drawn from on its own."""

    name: str
    domain: str
    size: int
    drawn: int

    @property
    def weight(self) -> float:
        """How many units of the frame each drawn one stands for."""
        return self.size / self.drawn if self.drawn else 0.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sample and the frame it stands for."""

    units: tuple[tuple[str, str], ...]
    """Key and stratum, in the order in which they are to be looked at: not by patient, so that no field is always last."""
    strata: tuple[Stratum, ...]
    frame_size: int
    frame_hash: str
    """Of all keys and traits: tells whether a later draw has the same frame."""


def draw(
    units: Iterable[Unit],
    *,
    seed: int,
    by: Sequence[str],
    sizes: Mapping[str, int],
    least_per_stratum: int = 1,
    least_of: Mapping[str, int] | None = None,
) -> Drawn:
    """Draws within each domain, in proportion to its strata.

    Args:
        units: the frame, in any order.
        seed: the same frame and seed give the same sample.
        by: the traits that make strata within a domain.
        sizes: how many of each domain; a domain not named is not drawn from.
        least_per_stratum: so that no stratum stays unseen.
        least_of: least number for every value of a trait (`{"abstractor": 30}`), made up where the draw would give fewer. Such a trait
            makes strata, named in `by` or not: only then do the weights tell what was done.
    """
    frame = sorted(units, key=lambda one: one.key)
    by = (*by, *(trait for trait in least_of or () if trait not in by))
    strata = _strata(frame, by)
    wanted = _allocate(strata, sizes, least_per_stratum)
    for trait, least in (least_of or {}).items():
        _raise_to(least, trait, strata, wanted)
    chosen: list[tuple[str, str]] = []
    for name, members in strata.items():
        pick = random.Random(f"{seed}|{name}")  # noqa: S311  (a sample that can be drawn again, no secret)
        chosen += [(one.key, name) for one in pick.sample(members, wanted[name])]
    random.Random(f"{seed}|order").shuffle(chosen)  # noqa: S311
    made = tuple(Stratum(name, _domain(members), len(members), wanted[name]) for name, members in strata.items())
    return Drawn(tuple(chosen), made, len(frame), _fingerprint(frame))


def _strata(frame: Sequence[Unit], by: Sequence[str]) -> dict[str, list[Unit]]:
    found: dict[str, list[Unit]] = defaultdict(list)
    for one in frame:
        parts = [one.domain, *(one.traits.get(trait, "") for trait in by)]
        if one.certain:
            parts = [CERTAIN, one.certain, *parts]
        found[" | ".join(parts)].append(one)
    return dict(sorted(found.items()))


def _domain(members: Sequence[Unit]) -> str:
    return members[0].domain


def _allocate(strata: Mapping[str, Sequence[Unit]], sizes: Mapping[str, int], least: int) -> dict[str, int]:
    """All of what is certain; the rest by largest remainders within each domain, and never fewer than `least`."""
    wanted = {name: len(members) for name, members in strata.items() if members[0].certain}
    domains: dict[str, dict[str, int]] = defaultdict(dict)
    for name, members in strata.items():
        if not members[0].certain:
            domains[_domain(members)][name] = len(members)
    for domain, room in domains.items():
        wanted |= _shared_out(min(sizes.get(domain, 0), sum(room.values())), room, least)
    return wanted


def _shared_out(size: int, room: Mapping[str, int], least: int) -> dict[str, int]:
    if not size:
        return dict.fromkeys(room, 0)
    whole = sum(room.values())
    exact = {name: Fraction(size * count, whole) for name, count in room.items()}
    given = {name: int(share) for name, share in exact.items()}
    by_rest = sorted(room, key=lambda name: (given[name] - exact[name], name))
    for name in by_rest[: size - sum(given.values())]:
        given[name] += 1
    return {name: max(count, min(least, room[name])) for name, count in given.items()}


def _raise_to(least: int, trait: str, strata: Mapping[str, Sequence[Unit]], wanted: dict[str, int]) -> None:
    """Draws more where a value of a trait would have fewer than `least`: round and round its strata, the largest first."""
    places: dict[str, list[str]] = defaultdict(list)
    for name, members in strata.items():
        places[members[0].traits.get(trait, "")].append(name)
    for names in places.values():
        missing = least - sum(wanted[name] for name in names)
        names.sort(key=lambda name: (-len(strata[name]), name))
        while missing > 0 and (open_ones := [name for name in names if wanted[name] < len(strata[name])]):
            for name in open_ones[:missing]:
                wanted[name] += 1
                missing -= 1


def _fingerprint(frame: Sequence[Unit]) -> str:
    digest = hashlib.sha256()
    for one in frame:
        digest.update(
            repr((one.key, one.domain, sorted(one.traits.items()), one.certain)).encode("utf-8", "surrogatepass")
        )
    return digest.hexdigest()


def first_of_newcomers(charts: Iterable[tuple[str, str, str]], count: int, known: Iterable[str] = ()) -> frozenset[str]:
    """The first charts of every abstractor who is new.

    Args:
        charts: patient, abstractor, time of closing (or of the first decision).
        count: how many of each.
        known: abstractors whose work was audited before.
    """
    taken: Counter[str] = Counter()
    experienced = frozenset(known)
    found = set()
    for patient_id, abstractor, _ in sorted(charts, key=lambda one: (one[2], one[0])):
        if abstractor not in experienced and taken[abstractor] < count:
            taken[abstractor] += 1
            found.add(patient_id)
    return frozenset(found)
