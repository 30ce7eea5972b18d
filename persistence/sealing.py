"""The two keys that personal identifiers are stored under."""

from dataclasses import dataclass

from persistence.cipher import BlindIndex, FieldCipher


@dataclass(frozen=True, slots=True)
class Sealing:
    """How a citizen id or phone is hidden at rest, and how a citizen id is found again."""

    cipher: FieldCipher
    index: BlindIndex
