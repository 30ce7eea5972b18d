"""Public keys that a client proves itself with (RFC 7517): EC on P-256 alone, for ES256."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from domain.kernel import Value

MOST_KEYS = 5
"""One that is in use and one that follows it, for a system in two places, and one to spare (assumed)."""
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""RFC 7518 §6.2.2, §6.3.2 and §6.4.1."""
# SEC 2 §2.4.2: y² = x³ - 3x + b over the field of p elements.
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B

Coordinate = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{43}$")]
"""32 bytes in base64url without padding."""


class PublicKey(Value):
    """An EC key on P-256, its public members alone; a private key is refused."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: Coordinate
    y: Coordinate
    kid: Annotated[str, Field(pattern=r"^[!-~]{0,128}$")] = ""
    """What the header of an assertion names it by; absent or empty: its RFC 7638 thumbprint."""
    alg: Literal["ES256"] = "ES256"
    use: Annotated[str, Field(pattern=r"^sig$")] = "sig"

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        if not _PRIVATE.isdisjoint(given):
            raise PydanticCustomError(
                "private-key",
                "This is a private key: replace it, and send the public members of the new one.",
            )
        return {**given, "kid": _thumbprint(given)} if given.get("kid", "") == "" else given

    @model_validator(mode="after")
    def _sound(self) -> "PublicKey":
        x, y = _number(self.x), _number(self.y)
        if x is None or y is None or (y * y - x * x * x + 3 * x - _B) % _P:
            raise PydanticCustomError("not-on-curve", "The coordinates are not those of a point on P-256.")
        return self


class KeySet(Value):
    """RFC 7517 §5: at most 5 keys, each with a `kid` of its own."""

    keys: Annotated[list[PublicKey], Field(min_length=1, max_length=MOST_KEYS)]

    @model_validator(mode="after")
    def _distinct(self) -> "KeySet":
        if len({key.kid for key in self.keys}) != len(self.keys):
            raise PydanticCustomError("repeated-key", "Two keys have the same kid.")
        return self


def _thumbprint(members: Mapping[str, Any]) -> str:
    """RFC 7638: SHA-256 over the required members in lexical order, base64url."""
    required = {name: str(members.get(name)) for name in ("crv", "kty", "x", "y")}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(canonical.encode("utf-8", "replace")).digest())


def _number(coordinate: str) -> int | None:
    """None for a spelling that is not the canonical one, and for what is no element of the field."""
    raw = base64.urlsafe_b64decode(coordinate + "=")
    number = int.from_bytes(raw, "big")
    return number if _base64url(raw) == coordinate and number < _P else None


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
