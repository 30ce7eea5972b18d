"""Where a request comes from: the socket's peer, or what a proxy of ours says of it (X-Forwarded-For)."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
MOST_HOPS = 20
"""Entries that are looked at; a longer chain is nobody's."""


def networks(text: str) -> tuple[Network, ...]:
    """Comma-separated CIDRs or single addresses. Raises ValueError."""
    return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())


class Callers:
    """Tells the caller's address. Only a peer inside `trusted` is believed what it says of others."""

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        self._trusted = tuple(trusted)

    def address_of(self, scope: Any) -> str:
        """The IP address as text, "" where there is none (a Unix socket).

        The right-most entry of X-Forwarded-For that is no proxy of ours; a chain with anything malformed on
        the way there says nothing, and the peer stands.
        """
        client = scope.get("client")
        peer: str = client[0] if client else ""
        if not self._trusted:
            # The hot path: only a dual-stack socket writes IPv4 in the other family's way.
            return peer[7:] if peer.startswith("::ffff:") and "." in peer else peer
        found = _parsed(peer)
        if found is None:
            return peer
        if not self._is_trusted(found):
            return str(found)
        return str(self._told(found, scope["headers"]))

    def came_by_http(self, scope: Any) -> bool:
        """Whether a trusted proxy says that its own caller used plain HTTP (X-Forwarded-Proto)."""
        client = scope.get("client")
        peer = _parsed(client[0]) if client and self._trusted else None
        if peer is None or not self._is_trusted(peer):
            return False
        told = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
        return bool(told) and told[-1].rpartition(b",")[2].strip().lower() == b"http"

    def _told(self, peer: Address, headers: Iterable[tuple[bytes, bytes]]) -> Address:
        chain = b",".join(value for name, value in headers if name == b"x-forwarded-for")
        if not chain:
            return peer
        nearest = peer
        for entry in reversed(chain.decode("latin-1").split(",")[-MOST_HOPS:]):
            found = _parsed(_without_port(entry.strip()))
            if found is None:
                return peer
            nearest = found
            if not self._is_trusted(found):
                return found
        # Nobody but our own proxies is on the way: the farthest of them asks.
        return nearest

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _without_port(entry: str) -> str:
    """`203.0.113.7:1234` and `[2001:db8::1]:1234` without the port that some proxies add."""
    if entry.startswith("["):
        host, _, port = entry[1:].partition("]")
        return host if port == "" or (port[0] == ":" and _is_port(port[1:])) else ""
    if entry.count(":") == 1:
        host, _, port = entry.partition(":")
        return host if _is_port(port) else ""
    return entry


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5


def _parsed(text: str) -> Address | None:
    if len(text) > 45 or "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
