"""What the verifier of access tokens remembers, and what it asks every time."""

import hashlib

import pytest

from auth.keys import KeyState, SigningKey
from auth.tokens import Unauthenticated
from tests.support.tokens import CLAIMS, KEYS, NOW, Register, forged, issued, refused, verifier


def test_a_remembered_token_is_answered_without_its_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    by, token = verifier(), issued()
    first = by.verify(token, now=NOW)
    monkeypatch.setattr("auth.jws.verify", lambda *_, **__: pytest.fail("decoded again"))
    assert by.verify(token, now=NOW + 899) is first


def test_a_remembered_token_expires() -> None:
    by, token = verifier(), issued()
    by.verify(token, now=NOW + 899.9)
    assert refused(token, now=NOW + 900, by=by) == "expired"


def test_a_remembered_token_can_be_revoked() -> None:
    standing = Register()
    by, token = verifier(standing), issued()
    by.verify(token, now=NOW)
    standing.tokens.add("t-1")
    assert refused(token, by=by) == "revoked"
    standing.tokens.clear()
    standing.clients.add("c-1")
    assert refused(token, by=by) == "revoked"
    standing.clients.clear()
    assert by.verify(token, now=NOW), "barred for as long as it is, no longer"


def test_a_token_issued_before_its_client_was_narrowed_is_refused_remembered_or_not() -> None:
    standing = Register()
    by, token = verifier(standing), issued()
    by.verify(token, now=NOW)
    standing.not_before = NOW + 1
    assert refused(token, now=NOW + 1, by=by) == "revoked"
    assert refused(token, now=NOW + 1, by=verifier(standing)) == "revoked"
    # In the same second one is issued for the next: the clocks of two machines may differ anyway.
    assert by.verify(issued(now=NOW + 1), now=NOW)


def test_a_token_can_be_asked_about() -> None:
    by = verifier()
    for _ in range(2):
        found = by.examine(issued(now=NOW - 5), now=NOW)
        assert (found.issued_at, found.kid, found.actor) == (
            NOW - 5,
            KEYS.active.kid,
            by.verify(issued(now=NOW - 5), now=NOW),
        )
    with pytest.raises(Unauthenticated):
        by.examine(issued(), now=NOW + 900)


def test_a_remembered_token_goes_with_its_key() -> None:
    by, token = verifier(), issued()
    by.verify(token, now=NOW)
    rotated = KEYS.rotate(SigningKey.generate(KeyState.NEXT), now=NOW)
    by.use(rotated)
    assert by.verify(token, now=NOW + 1), "a retiring key still counts"
    by.use(rotated.without(KEYS.active.kid))
    assert refused(token, by=by) == "unknown-key"


def test_a_sibling_may_sign_with_the_next_key_first() -> None:
    rotated = KEYS.rotate(SigningKey.generate(KeyState.NEXT), now=NOW)
    assert verifier().verify(issued(keys=rotated), now=NOW)


def test_the_standing_is_asked_every_time() -> None:
    standing = Register()
    by, token = verifier(standing), issued()
    for _ in range(3):
        by.verify(token, now=NOW)
    assert standing.asked == 3


def test_a_refused_token_is_not_remembered() -> None:
    standing = Register()
    standing.tokens.add("t-1")
    by = verifier(standing)
    refused(issued(), by=by)
    refused(forged(claims=CLAIMS | {"aud": "x"}), by=by)
    assert not by._young
    assert not by._old


def test_a_standing_that_fails_lets_nobody_in() -> None:
    class Broken(Register):
        def allows(self, client_id: str, token_id: str, issued_at: int) -> bool:
            raise RuntimeError

    refused(issued(), by=verifier(Broken()))


def test_the_memory_is_bounded_and_keeps_what_is_used() -> None:
    by, used = verifier(capacity=10), issued(token_id="used")
    for number in range(50):
        by.verify(issued(token_id=f"t-{number}"), now=NOW)
        by.verify(used, now=NOW)
        assert len(by._young) + len(by._old) <= 20
    digest = hashlib.sha256(used.encode()).digest()
    assert digest in by._young or digest in by._old


def test_no_usable_token_lies_in_the_memory() -> None:
    by, token = verifier(), issued()
    by.verify(token, now=NOW)
    assert token not in repr(vars(by))
    assert token.encode() not in by._young
