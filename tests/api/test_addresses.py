"""Who calls: a peer is believed about others only where it is a proxy of ours."""

from typing import Any

import pytest

from api.addresses import Callers, networks
from api.settings import Settings
from tests.support.pages import edged_app

OURS = Callers(networks("10.0.0.0/8, 192.0.2.7, 2001:db8:1::/48"))


def scope(peer: str | None, *chains: str, **more: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", chain.encode("latin-1")) for chain in chains]
    headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
    return {"client": None if peer is None else (peer, 1), "headers": headers}


@pytest.mark.parametrize(
    ("peer", "chains", "expected"),
    [
        ("203.0.113.9", (), "203.0.113.9"),
        # An unknown peer may say what it likes.
        ("203.0.113.9", ("198.51.100.1",), "203.0.113.9"),
        ("203.0.113.9", ("10.0.0.1",), "203.0.113.9"),
        ("10.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        # What stands before the right-most stranger was said by that stranger.
        ("10.0.0.1", ("1.1.1.1, 198.51.100.1",), "198.51.100.1"),
        ("10.0.0.1", ("1.1.1.1, 198.51.100.1, 10.0.0.2, 192.0.2.7",), "198.51.100.1"),
        ("10.0.0.1", ("1.1.1.1", "198.51.100.1", "10.0.0.2"), "198.51.100.1"),
        ("10.0.0.1", ("garbage, 198.51.100.1",), "198.51.100.1"),
        ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.1:4711",), "198.51.100.1"),
        ("10.0.0.1", ("[2001:db8:2::1]:443",), "2001:db8:2::1"),
        ("10.0.0.1", ("2001:DB8:2:0::1",), "2001:db8:2::1"),
        ("2001:db8:1::5", ("198.51.100.1",), "198.51.100.1"),
        ("::ffff:10.0.0.1", ("::ffff:198.51.100.1",), "198.51.100.1"),
        ("::ffff:203.0.113.9", ("1.1.1.1",), "203.0.113.9"),
        # Malformed where it matters: the peer.
        ("10.0.0.1", ("198.51.100.1, garbage",), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.1,",), "10.0.0.1"),
        ("10.0.0.1", ("unknown",), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.1.5",), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.1:port",), "10.0.0.1"),
        ("10.0.0.1", ("[2001:db8:2::1",), "2001:db8:2::1"),
        ("10.0.0.1", ("fe80::1%eth0",), "10.0.0.1"),
        ("10.0.0.1", ("๑๙๘.51.100.1".encode().decode("latin-1"),), "10.0.0.1"),
        ("10.0.0.1", ("0198.051.100.001",), "10.0.0.1"),
        ("10.0.0.1", ("3325256705",), "10.0.0.1"),
    ],
)
def test_the_caller_is_the_right_most_that_is_no_proxy_of_ours(
    peer: str, chains: tuple[str, ...], expected: str
) -> None:
    assert OURS.address_of(scope(peer, *chains)) == expected


def test_without_proxies_nobody_is_believed() -> None:
    nobody = Callers()
    assert nobody.address_of(scope("10.0.0.1", "198.51.100.1")) == "10.0.0.1"
    assert nobody.address_of(scope("::ffff:10.0.0.1", "198.51.100.1")) == "10.0.0.1"
    assert nobody.address_of(scope("::1")) == "::1"
    assert nobody.address_of(scope(None)) == OURS.address_of(scope(None)) == ""


def test_a_long_chain_is_looked_at_from_its_end_only() -> None:
    chain = ", ".join(["198.51.100.1"] + ["10.0.0.2"] * 5000)
    assert OURS.address_of(scope("10.0.0.1", chain)) == "10.0.0.2"


@pytest.mark.parametrize(
    ("base", "peer", "proto", "expected"),
    [
        ("http://kaejon.test", "10.0.0.1", "https", False),
        ("https://kaejon.test", "203.0.113.9", None, True),
        # From a stranger the header says nothing.
        ("https://kaejon.test", "203.0.113.9", "http", True),
        ("https://kaejon.test", "10.0.0.1", "https", True),
        ("https://kaejon.test", "10.0.0.1", "http", False),
        ("https://kaejon.test", "10.0.0.1", "http, https", True),
    ],
)
async def test_browsers_are_held_to_https_where_it_is_served(
    base: str, peer: str, proto: str | None, expected: bool
) -> None:
    http = edged_app(base=base, callers=OURS, client=(peer, 1))
    headers = {} if proto is None else {"X-Forwarded-Proto": proto}
    for path in ("/healthz", "/nothing"):
        answer = await http.get(path, headers=headers)
        assert ("strict-transport-security" in answer.headers) is expected


@pytest.mark.parametrize("origin", ["*", "null", "https://*.go.th", "https://a.go.th/", "a.go.th", "ftp://a.go.th", "https://a.go.th:x", "https://A.go.th"])  # fmt: skip
def test_an_origin_is_exact(origin: str) -> None:
    with pytest.raises(ValueError, match="exact origins"):
        Settings(cors_origins=f"https://b.go.th,{origin}")


@pytest.mark.parametrize("setting", [{"trusted_proxies": "10.0.0.0/33"}, {"trusted_proxies": "10.0.0.1/8"}, {"trusted_proxies": "proxy"}, {"rate_limit_read": "many"}])  # fmt: skip
def test_a_setting_that_cannot_be_read_is_told_at_the_start(setting: dict[str, str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each in its own words
        Settings(**setting)  # type: ignore[arg-type]
