"""Signing keys: ES256 pairs that come as `next`, sign as `active`, and leave as `retiring`.

A key is published before it signs, so that every verifier knows it by then; and it stays known after its
last signature for as long as a token may live. One algorithm a key (RFC 8725 §3.1). Where they are kept is
not known here: `SigningSupply` holds those that this process has been told of.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ALGORITHM = "ES256"
"""ECDSA on P-256 with SHA-256 (RFC 7518 §3.4)."""
MAX_LIFETIME = 900
"""Seconds a token may live (contract 2)."""
LEEWAY = 60
"""Seconds that the clocks of two of our machines may differ."""
LAG = 60
"""Seconds that a process may go on signing with a key that another has turned; one second in practice."""
_COORDINATE = 32  # bytes of x and y on P-256


class KeyState(StrEnum):
    NEXT = "next"
    """Published, and accepted: a sibling process may have made it active a moment earlier."""
    ACTIVE = "active"
    """The one that signs."""
    RETIRING = "retiring"
    """Signs no more; its tokens are still alive."""


class BadKey(ValueError):
    """A key or a set of keys that cannot be used; the message never holds key material."""


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """One ES256 pair. `kid` is its RFC 7638 thumbprint, so it cannot name another key."""

    kid: str
    state: KeyState
    private: ec.EllipticCurvePrivateKey = field(repr=False)
    published_at: int = 0
    """Unix seconds, as the others; 0 where it is not known, which counts as long ago."""
    active_since: int | None = None
    retiring_since: int | None = None

    @classmethod
    def generate(cls, state: KeyState, *, now: int = 0) -> "SigningKey":
        """A new pair from the operating system's randomness, published `now`."""
        active_since = None if state is KeyState.NEXT else now
        private = ec.generate_private_key(ec.SECP256R1())
        return replace(cls.of(private, state), published_at=now, active_since=active_since)

    @classmethod
    def of(
        cls, private: ec.EllipticCurvePrivateKey, state: KeyState, *, retiring_since: int | None = None
    ) -> "SigningKey":
        return cls(thumbprint(private.public_key()), state, private, retiring_since=retiring_since)

    @classmethod
    def from_pem(cls, pem: str, state: KeyState, *, retiring_since: int | None = None) -> "SigningKey":
        """From unencrypted PKCS #8. Raises BadKey for anything but a P-256 private key."""
        try:
            private = serialization.load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError):
            private = None
        # Raised outside the handler: the parser's own exception may quote what it could not parse.
        if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
            raise BadKey("a signing key has to be an unencrypted P-256 private key in PEM")
        return cls.of(private, state, retiring_since=retiring_since)

    def private_pem(self) -> str:
        """PKCS #8, to be sealed before it is kept anywhere."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def public_jwk(self) -> dict[str, str]:
        """The public half as an RFC 7517 key."""
        return {
            **_members(self.private.public_key()),
            "alg": ALGORITHM,
            "use": "sig",
            "kid": self.kid,
        }


@dataclass(frozen=True, eq=False)
class SigningKeys:
    """The whole set: one active key, at most one next, any number retiring. Raises BadKey otherwise."""

    keys: tuple[SigningKey, ...]

    def __post_init__(self) -> None:
        states = [key.state for key in self.keys]
        if states.count(KeyState.ACTIVE) != 1 or states.count(KeyState.NEXT) > 1:
            raise BadKey("signing keys are one active, at most one next, and any number retiring")
        if len({key.kid for key in self.keys}) != len(self.keys):
            raise BadKey("the same signing key stands twice")

    @classmethod
    def generate(cls, *, now: int = 0) -> "SigningKeys":
        """An active key and the one after it."""
        states = (KeyState.ACTIVE, KeyState.NEXT)
        return cls(tuple(SigningKey.generate(state, now=now) for state in states))

    @cached_property
    def active(self) -> SigningKey:
        return next(key for key in self.keys if key.state is KeyState.ACTIVE)

    @cached_property
    def upcoming(self) -> SigningKey | None:
        return next((key for key in self.keys if key.state is KeyState.NEXT), None)

    @cached_property
    def by_kid(self) -> Mapping[str, SigningKey]:
        """Every key whose signature counts; all that are in the set."""
        return MappingProxyType({key.kid: key for key in self.keys})

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """RFC 7517 key set, public halves only."""
        return {"keys": [key.public_jwk() for key in self.keys]}

    def rotate(self, fresh: SigningKey, *, now: int) -> "SigningKeys":
        """The set after one turn: next → active → retiring, with `fresh` as next.

        Retiring keys whose last token has died leave the set. Without a next key `fresh` signs at once.
        """
        if fresh.state is not KeyState.NEXT:
            raise BadKey("a fresh key joins as next")
        turned = [self._turned(key, now) for key in self.alive(now=now).keys]
        if not any(key.state is KeyState.ACTIVE for key in turned):
            turned.append(replace(fresh, state=KeyState.ACTIVE, active_since=now))
        else:
            turned.append(fresh)
        return SigningKeys(tuple(turned))

    def alive(self, *, now: int) -> "SigningKeys":
        """The set without the keys that no living token is signed with."""
        return SigningKeys(tuple(key for key in self.keys if not _spent(key, now)))

    def without(self, kid: str) -> "SigningKeys":
        """The set without one key, at once: every token it has signed is refused from then on.

        For a key that has leaked. Raises BadKey for an unknown or the active key: rotate first.
        """
        if kid not in self.by_kid or kid == self.active.kid:
            raise BadKey("only a known key that does not sign can be taken out; rotate first")
        return SigningKeys(tuple(key for key in self.keys if key.kid != kid))

    @staticmethod
    def _turned(key: SigningKey, now: int) -> SigningKey:
        if key.state is KeyState.NEXT:
            return replace(key, state=KeyState.ACTIVE, active_since=now)
        if key.state is KeyState.ACTIVE:
            return replace(key, state=KeyState.RETIRING, retiring_since=now)
        return key


class SigningSupply:
    """The set as this process knows it now; it changes while requests are served, whole every time."""

    def __init__(self, keys: SigningKeys) -> None:
        self._keys = keys
        self._told: list[Callable[[SigningKeys], None]] = []

    @property
    def keys(self) -> SigningKeys:
        return self._keys

    @property
    def active(self) -> SigningKey:
        return self._keys.active

    @property
    def by_kid(self) -> Mapping[str, SigningKey]:
        return self._keys.by_kid

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        return self._keys.jwks()

    def tell(self, changed: Callable[[SigningKeys], None]) -> None:
        """Calls `changed` with every later set, before this supply gives it out."""
        self._told.append(changed)

    def use(self, keys: SigningKeys) -> None:
        """From now on these. A verifier knows a key before it is signed with."""
        for changed in self._told:
            changed(keys)
        self._keys = keys


def thumbprint(public: ec.EllipticCurvePublicKey) -> str:
    """RFC 7638: SHA-256 over the required members in lexical order, base64url."""
    canonical = json.dumps(_members(public), separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _members(public: ec.EllipticCurvePublicKey) -> dict[str, str]:
    numbers = public.public_numbers()
    return {
        "crv": "P-256",
        "kty": "EC",
        # Always 32 bytes, leading zeros included (RFC 7518 §6.2.1.2).
        "x": _base64url(numbers.x.to_bytes(_COORDINATE, "big")),
        "y": _base64url(numbers.y.to_bytes(_COORDINATE, "big")),
    }


def _spent(key: SigningKey, now: int) -> bool:
    if key.state is not KeyState.RETIRING:
        return False
    return key.retiring_since is None or key.retiring_since + MAX_LIFETIME + LEEWAY + LAG <= now


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
