"""Networks that a client may call from: CIDR blocks of IPv4 and IPv6 (RFC 4632, RFC 4291)."""

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
MOST_NETWORKS = 20
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


def _canonical(text: str) -> str:
    return str(_network(text))


def _network(text: str) -> Network:
    try:
        found = ipaddress.ip_network(text, strict=True)
        if isinstance(found, ipaddress.IPv6Network) and found.subnet_of(_MAPPED):
            # IPv4 in the clothes of IPv6 (RFC 4291 §2.5.5.2), as a listening socket may show it.
            return ipaddress.IPv4Network((int(found.network_address) & 0xFFFFFFFF, found.prefixlen - 96))
    except ValueError:
        raise PydanticCustomError(
            "not-a-network", "Give an address or a CIDR block without bits beyond its length."
        ) from None
    return found


def _network_list(networks: list[str]) -> list[str]:
    parsed = {_network(one) for one in networks}
    return [
        str(one) for one in sorted(parsed, key=lambda one: (one.version, one.network_address, one.prefixlen))
    ]


# No zone of an interface: it means nothing on another machine.
Cidr = Annotated[str, Field(pattern=r"^[0-9A-Fa-f:.]{2,45}(?:/[0-9.]{1,15})?$"), AfterValidator(_canonical)]
"""`203.0.113.0/24`, `2001:db8::/32`; an address alone is a network of one."""
Networks = Annotated[list[Cidr], Field(max_length=MOST_NETWORKS), AfterValidator(_network_list)]
"""At most 20, each once, IPv4 first."""


def parsed(networks: Iterable[str]) -> tuple[Network, ...]:
    """Networks that `Networks` has accepted."""
    return tuple(ipaddress.ip_network(one) for one in networks)


def within(networks: Sequence[Network], remote: str) -> bool:
    """Whether the address of a caller lies in one of them; what is no address lies nowhere."""
    address = _address(remote)
    return address is not None and any(address in network for network in networks)


@lru_cache(maxsize=4096)
def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address):
        return found.ipv4_mapped or ipaddress.IPv6Address(int(found))
    return found
