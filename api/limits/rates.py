"""The classes of routes, and how often each may be asked for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

_SHAPE = re.compile(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,4})")


class RateClass(StrEnum):
    """What is counted apart: a client that imports all night can still read."""

    READ = "read"
    WRITE = "write"
    GRAPHQL = "graphql"
    TOKEN = "token"  # noqa: S105 - a name
    """Calls of /oauth/*, by the client id presented from one address."""
    ADDRESS = "address"
    """Calls of /oauth/*, by address alone: whoever tries many client ids."""
    LOOKUP = "lookup"
    """Searches by citizen id, assistance by citizen id that is not recorded, and every citizen id of a registration that
    is refused because one is taken."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`requests` in each fixed window of `seconds`."""

    requests: int
    seconds: int
    name: bytes = field(default=b"", compare=False)
    """As a structured field's string, quoted."""
    policy: bytes = field(default=b"", compare=False)
    """The entry of RateLimit-Policy."""

    @classmethod
    def parsed(cls, text: str) -> "Rate":
        """From `requests/seconds`, e.g. 300/60. Raises ValueError."""
        match = _SHAPE.fullmatch(text.strip())
        if match is None:
            raise ValueError("a rate is requests/seconds, e.g. 300/60")
        return cls(int(match[1]), int(match[2]))


Rates = Mapping[RateClass, Rate]

DEFAULTS: Mapping[RateClass, str] = {
    RateClass.READ: "600000/60",
    RateClass.WRITE: "300000/60",
    RateClass.GRAPHQL: "60000/60",
    RateClass.TOKEN: "600/60",
    RateClass.ADDRESS: "6000/60",
    RateClass.LOOKUP: "300/60",
}
"""Generous to machines: a limit protects the others from a client that has gone wild."""


def rates_of(texts: Mapping[RateClass, str] = DEFAULTS) -> dict[RateClass, Rate]:
    """The rates with their policies. Raises ValueError."""
    found = {}
    for kind, text in {**DEFAULTS, **texts}.items():
        rate = Rate.parsed(text)
        name = f'"{kind}"'.encode()
        policy = b"%b;q=%d;w=%d" % (name, rate.requests, rate.seconds)
        found[kind] = Rate(rate.requests, rate.seconds, name, policy)
    return found
