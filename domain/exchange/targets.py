"""Where a webhook may be sent: public HTTPS endpoints, and what the operator has allowed beside them.

A receiver's URL comes from a client, and the service calls it from inside its own network: without these rules a
client could make it call its neighbours (server-side request forgery; Standard Webhooks 1.0.0, "SSRF"). A URL is
judged twice: as it is written, and by the addresses that its name has at the moment of each call.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PORTS = (443, 8443)
LONGEST_URL = 2000
"""Characters."""

_HOST = re.compile(r"(?=.{1,253}$)(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
# What a resolver may take for a number: `2130706433`, `0x7f.1`, `127.1` (WHATWG URL, "ends in a number").
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_OWN_NAMES = ("localhost", "local", "internal", "intranet", "private", "corp", "home", "lan", "arpa", "onion")  # fmt: skip

# IANA's special-purpose registries (RFC 6890 and its updates) as of 2025, without those that are globally reachable
# on purpose; written out, because what the standard library takes for global changes with its version.
_SPECIAL_4 = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)  # fmt: skip
# Only 2000::/3 is given out to the world; of it, what carries another address (6to4, Teredo) or is nobody's.
_GLOBAL_6 = "2000::/3"
_SPECIAL_6 = ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")

_REFUSED_4 = tuple(map(ipaddress.IPv4Network, _SPECIAL_4))
_GLOBAL = ipaddress.IPv6Network(_GLOBAL_6)
_REFUSED_6 = tuple(map(ipaddress.IPv6Network, _SPECIAL_6))


class TargetRefused(Exception):
    """A URL or address that is not called; the message says what to change, and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that is written well."""

    url: str
    scheme: str
    host: str
    """A name, or an address without brackets."""
    port: int
    address: Address | None
    """Where the host is an address."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the operator lets through beside public HTTPS endpoints (KAEJON_WEBHOOK_ALLOW)."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def parsed(cls, text: str) -> "Allowed":
        """From comma-separated CIDR blocks, addresses and host names. Raises ValueError."""
        networks: list[Network] = []
        hosts = set()
        for one in filter(None, (part.strip().lower() for part in text.split(","))):
            try:
                networks.append(ipaddress.ip_network(one))
            except ValueError:
                if not _HOST.fullmatch(one) or _NUMBER.fullmatch(one.rpartition(".")[2]):
                    raise ValueError("webhook_allow has networks (CIDR) and host names") from None
                hosts.add(one)
        return cls(tuple(networks), frozenset(hosts))

    def holds(self, address: Address) -> bool:
        return any(address.version == one.version and address in one for one in self.networks)


def parsed(url: str, allowed: Allowed) -> Target:
    """The URL's parts, if it may be called as far as can be told without its addresses. Raises TargetRefused."""
    if len(url) > LONGEST_URL:
        raise TargetRefused(f"A URL has at most {LONGEST_URL} characters.")
    # Spaces, control characters and backslashes are read differently by different programs.
    if not all("!" <= one <= "~" and one not in '\\"<>^`{|}' for one in url):
        raise TargetRefused(
            "Write the URL in ASCII without spaces; a name in its xn-- form, a path percent-encoded."
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise TargetRefused("This is not a URL.") from None
    if parts.scheme not in ("https", "http") or not url.lower().startswith(f"{parts.scheme}://"):
        raise TargetRefused("The URL begins with https://.")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise TargetRefused("The URL carries no user name or password; deliveries are signed.")
    if "#" in url:
        raise TargetRefused("The URL has no fragment.")
    host, address = _host(parts.hostname or "", bracketed="[" in parts.netloc)
    target = Target(url, parts.scheme, host, _port(parts.scheme, port), address)
    if address is not None:
        check(target, [address], allowed)
    elif host not in allowed.hosts:
        if "." not in host or host.rpartition(".")[2] in _OWN_NAMES:
            raise TargetRefused("The host is a name of a private network.")
        if not allowed.networks:
            _check_public(target)
    return target


def check(target: Target, addresses: Sequence[Address], allowed: Allowed) -> None:
    """Raises TargetRefused unless each of the addresses may be called: one bad one among them is enough."""
    if target.host in allowed.hosts:
        return
    if not addresses:
        raise TargetRefused("The host has no address.")
    for address in addresses:
        if allowed.holds(address):
            continue
        if not is_public(address):
            raise TargetRefused("The host has an address that is private, reserved or not called.")
        _check_public(target)


def _check_public(target: Target) -> None:
    if target.scheme != "https":
        raise TargetRefused("The URL begins with https://.")
    if target.port not in PORTS:
        raise TargetRefused(f"The port is one of {', '.join(map(str, PORTS))}.")


def is_public(address: Address) -> bool:
    """Whether the address is one of the public internet's own, and carries no other address inside it."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in one for one in _REFUSED_4)
    return address in _GLOBAL and not any(address in one for one in _REFUSED_6)


def _port(scheme: str, given: int | None) -> int:
    return given if given is not None else 443 if scheme == "https" else 80


def _host(host: str, *, bracketed: bool) -> tuple[str, Address | None]:
    if bracketed:
        try:
            # A zone (%eth0) names an interface of our own machine.
            six = ipaddress.IPv6Address(host) if "%" not in host else None
        except ValueError:
            six = None
        if six is None:
            raise TargetRefused("The address in brackets is not an IPv6 address.")
        return str(six), six
    if not _HOST.fullmatch(host):
        raise TargetRefused("The host is a name, or an address in its usual form.")
    if not _NUMBER.fullmatch(host.rpartition(".")[2]):
        return host, None
    try:
        four = ipaddress.IPv4Address(host)
    except ValueError:
        raise TargetRefused("An IPv4 address is written as four decimal numbers.") from None
    return host, four
