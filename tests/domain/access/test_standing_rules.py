"""Rules about what tokens keep: narrowing, the time of issue, networks, public keys."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.access.clients import (
    Client,
    ClientDraft,
    Credentials,
    Entitled,
    issue_time,
    may_authenticate,
    narrows,
    new_client,
)
from domain.access.networks import Networks, parsed, within
from domain.access.public_keys import KeySet

NOW = datetime(2026, 11, 21, 9, 0, 0, 400_000, tzinfo=UTC)
# RFC 7517 appendix A.1, and its thumbprint by RFC 7638.
POINT = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
}


def client(**changes: Any) -> Client:
    draft = ClientDraft.model_validate(
        {
            "name": "HIS",
            "agency": "A",
            "scopes": ["menus:read", "problems:read"],
            "areas": ["4201"],
            **changes,
        }
    )
    return new_client("c-1", draft, now=NOW)


@pytest.mark.parametrize(
    ("before", "after", "narrower"),
    [
        ({}, {}, False),
        ({}, {"scopes": ["menus:read"]}, True),
        ({}, {"scopes": ["menus:read", "households:read"]}, True),
        ({}, {"scopes": ["menus:read", "problems:read", "households:read"]}, False),
        ({}, {"areas": ["42"]}, False),
        ({}, {"areas": ["*"]}, False),
        ({}, {"areas": ["420101"]}, True),
        ({}, {"areas": []}, True),
        ({"areas": ["*"]}, {"areas": ["42"]}, True),
        ({"areas": []}, {"areas": ["42"]}, False),
        ({"areas": ["42", "4201"]}, {"areas": ["42"]}, False),
        ({}, {"jwks": {"keys": [POINT]}}, False),
        ({"jwks": {"keys": [POINT]}}, {"jwks": None}, True),
        ({"jwks": {"keys": [POINT]}}, {"jwks": {"keys": [POINT, {**POINT, "kid": "b"}]}}, False),
        ({"jwks": {"keys": [POINT]}}, {"jwks": {"keys": [{**POINT, "kid": "b"}]}}, True),
        ({}, {"allowed_networks": ["10.0.0.0/8"]}, False),
        ({}, {"name": "other", "expires_at": NOW + timedelta(days=1)}, False),
    ],
)
def test_a_change_narrows_when_it_takes_something_away(
    before: dict[str, Any], after: dict[str, Any], narrower: bool
) -> None:
    assert narrows(client(**before), client(**{**before, **after})) == narrower


@pytest.mark.parametrize(
    ("clock", "not_before", "issued"),
    [
        (timedelta(0), None, 0),
        (timedelta(seconds=5), None, 0),
        (timedelta(seconds=-5), None, -5),
        (timedelta(hours=-1), None, -60),
        (timedelta(0), timedelta(milliseconds=600), 1),
        (timedelta(0), timedelta(milliseconds=-400), 0),
        (timedelta(seconds=-5), timedelta(milliseconds=-4400), -4),
    ],
)
def test_a_token_is_dated_by_the_earlier_clock_and_not_before_a_narrowing(
    clock: timedelta, not_before: timedelta | None, issued: int
) -> None:
    at = None if not_before is None else NOW + not_before
    found = issue_time(NOW, Entitled(Credentials(client(), b"", None), NOW + clock, at))
    assert found == int(NOW.timestamp()) + issued


@pytest.mark.parametrize(
    ("networks", "remote", "may"),
    [([], "", True), (["10.0.0.0/8"], "10.0.0.1", True), (["10.0.0.0/8"], "11.0.0.1", False), (["10.0.0.0/8"], "", False)],
)  # fmt: skip
def test_a_client_gets_in_from_its_networks(networks: list[str], remote: str, may: bool) -> None:
    assert may_authenticate(client(allowed_networks=networks), remote=remote, now=NOW) == may


def test_networks_are_canonical_distinct_and_in_order() -> None:
    networks = TypeAdapter(Networks).validate_python(
        ["2001:DB8:0::/48", "::ffff:10.0.0.0/104", "10.0.0.0/255.0.0.0", "9.9.9.9", "::1"]
    )
    assert networks == ["9.9.9.9/32", "10.0.0.0/8", "::1/128", "2001:db8::/48"]
    assert TypeAdapter(Networks).validate_python(networks) == networks
    for bad in (
        "10.0.0.1/8",
        "10.0.0.0/-1",
        "1.2.3",
        "::ffff:10.0.0.1/104",
        "10.0.0.0/8/8",
        "٠.٠.٠.٠",
        "0x7f.1",
    ):
        with pytest.raises(ValidationError):
            TypeAdapter(Networks).validate_python([bad])


@pytest.mark.parametrize(
    "remote", ["", "unix:", "10.0.0.256", "10.0.0.1, 1.1.1.1", "10.0.0.1:80", "\x00", "ก"]
)
def test_what_is_no_address_is_nowhere(remote: str) -> None:
    assert not within(parsed(["0.0.0.0/0", "::/0"]), remote)


def test_a_key_is_named_by_its_thumbprint_unless_it_has_a_name() -> None:
    found = KeySet.model_validate({"keys": [POINT, {**POINT, "kid": "1"}]})
    assert [key.kid for key in found.keys] == ["cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s", "1"]
