"""Signing keys: thumbprints, the three states, and what the public sees."""

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from auth.keys import LAG, LEEWAY, MAX_LIFETIME, BadKey, KeyState, SigningKey, SigningKeys, thumbprint

NOW = 1_800_000_000
ALIVE = MAX_LIFETIME + LEEWAY + LAG


def fresh() -> SigningKey:
    return SigningKey.generate(KeyState.NEXT)


def pem_of(private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def test_a_thumbprint_is_the_one_computed_by_hand() -> None:
    # The P-256 key of RFC 7517 appendix A.1; its thumbprint by the recipe of RFC 7638 §3.1.
    x = int.from_bytes(
        bytes.fromhex("30a0424cd21c2944838a2d75c92b37e76ea20d9f00893a3b4eee8a3c0aafec3e"), "big"
    )
    y = int.from_bytes(
        bytes.fromhex("e04b65e92456d9888b52b379bdfbd51ee869ef1f0fc65b6659695b6cce081723"), "big"
    )
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    assert thumbprint(public) == "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"


def test_coordinates_keep_their_leading_zeros() -> None:
    # One coordinate in 256 begins with a zero byte, so several of these do.
    for scalar in range(1, 1000):
        private = ec.derive_private_key(scalar, ec.SECP256R1())
        jwk = SigningKey.of(private, KeyState.ACTIVE).public_jwk()
        assert len(jwk["x"]) == len(jwk["y"]) == 43


def test_the_public_set_holds_no_private_member() -> None:
    published = SigningKeys.generate().jwks()
    assert len(published["keys"]) == 2
    for key in published["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "alg", "use", "kid"}
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")


def test_rotation_turns_next_to_active_and_active_to_retiring() -> None:
    before, newcomer = SigningKeys.generate(), fresh()
    after = before.rotate(newcomer, now=NOW)
    assert [(key.kid, key.state) for key in after.keys] == [
        (before.keys[0].kid, KeyState.RETIRING),
        (before.keys[1].kid, KeyState.ACTIVE),
        (newcomer.kid, KeyState.NEXT),
    ]
    assert after.active.kid == before.keys[1].kid
    assert before.active.kid == before.keys[0].kid, "the old set is as it was"


def test_a_retiring_key_stays_as_long_as_its_last_token() -> None:
    first = SigningKeys.generate()
    old = first.active.kid
    once = first.rotate(fresh(), now=NOW)
    assert old in once.rotate(fresh(), now=NOW + ALIVE - 1).by_kid
    assert old not in once.rotate(fresh(), now=NOW + ALIVE).by_kid


def test_without_a_next_key_the_fresh_one_signs() -> None:
    newcomer = fresh()
    after = SigningKeys((SigningKey.generate(KeyState.ACTIVE),)).rotate(newcomer, now=NOW)
    assert after.active.kid == newcomer.kid


def test_a_leaked_key_goes_at_once_but_never_the_signer() -> None:
    keys = SigningKeys.generate()
    leaked = keys.active.kid
    with pytest.raises(BadKey):
        keys.without(leaked)
    with pytest.raises(BadKey):
        keys.without("unknown")
    assert leaked not in keys.rotate(fresh(), now=NOW).without(leaked).by_kid


@pytest.mark.parametrize(
    "states",
    [[], ["next"], ["active", "active"], ["active", "next", "next"], ["retiring"]],
    ids=lambda states: "+".join(states) or "none",
)
def test_a_set_without_exactly_one_signer_is_refused(states: list[str]) -> None:
    with pytest.raises(BadKey):
        SigningKeys(tuple(SigningKey.generate(KeyState(state)) for state in states))


def test_the_same_key_twice_is_refused() -> None:
    key = SigningKey.generate(KeyState.ACTIVE)
    with pytest.raises(BadKey):
        SigningKeys((key, SigningKey.of(key.private, KeyState.RETIRING)))


def test_a_key_joins_as_next_only() -> None:
    with pytest.raises(BadKey):
        SigningKeys.generate().rotate(SigningKey.generate(KeyState.ACTIVE), now=NOW)


def test_a_key_survives_its_pem() -> None:
    key = SigningKey.generate(KeyState.ACTIVE)
    again = SigningKey.from_pem(key.private_pem(), KeyState.RETIRING, retiring_since=NOW)
    assert (again.kid, again.state, again.retiring_since) == (key.kid, KeyState.RETIRING, NOW)


def test_other_keys_are_refused_and_never_quoted() -> None:
    public = SigningKey.generate(KeyState.ACTIVE).private.public_key()
    others = [
        "",
        "not a key",
        pem_of(ec.generate_private_key(ec.SECP384R1())),
        pem_of(rsa.generate_private_key(65537, 2048)),
        public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode(),
    ]
    for pem in others:
        with pytest.raises(BadKey) as caught:
            SigningKey.from_pem(pem, KeyState.ACTIVE)
        assert not pem or pem not in str(caught.value)
        assert caught.value.__context__ is None


def test_repr_shows_no_key_material() -> None:
    keys = SigningKeys.generate()
    secret = keys.active.private.private_numbers().private_value
    shown = repr(keys)
    assert keys.active.kid in shown
    assert str(secret) not in shown
    assert "private" not in shown
    assert "private" not in json.dumps(keys.jwks())
