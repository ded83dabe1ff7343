"""A dump in shards, for machines that share nothing but a folder: each takes the notes of its shard, by a hash of their ids."""

import hashlib
import re
from dataclasses import dataclass

from abstractor.model.errors import InputError


@dataclass(frozen=True)
class Shard:
    """One of `of` shards; numbers from 1."""

    number: int
    of: int

    @classmethod
    def parse(cls, said: str) -> "Shard":
        """`2/8`.

        Raises:
            InputError: it is none.
        """
        numbers = re.fullmatch(r"(\d{1,5})/(\d{1,5})", said)
        if numbers is None or not 1 <= int(numbers[1]) <= int(numbers[2]):
            raise InputError(f"shard {said!r}: write I/N, e.g. 2/8 for the second of eight")
        return cls(int(numbers[1]), int(numbers[2]))

    @classmethod
    def of_folder(cls, name: str) -> "Shard | None":
        """The shard whose output stands in a folder of this name."""
        numbers = re.fullmatch(r"shard-(\d{4,5})-of-(\d{4,5})", name)
        return cls(int(numbers[1]), int(numbers[2])) if numbers else None

    @property
    def folder(self) -> str:
        return f"shard-{self.number:04d}-of-{self.of:04d}"

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, note_id: str) -> bool:
        """Whether a note is of this shard: the same on every machine, and no matter in which file it stands."""
        digest = hashlib.blake2b(note_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.of == self.number - 1
