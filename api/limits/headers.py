"""RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11): lists of structured fields."""

from collections.abc import Sequence
from typing import NamedTuple

from api.limits.rates import Rate, RateClass


class Allowance(NamedTuple):
    """What is left of one limit."""

    kind: RateClass
    rate: Rate
    remaining: int
    """As far as this worker knows: others may have taken from it since."""
    resets_in: int
    """Whole seconds to the end of the window, at least 1."""


def limit_headers(allowances: Sequence[Allowance]) -> list[tuple[bytes, bytes]]:
    """One entry for each limit that the request was counted against."""
    state = [b"%b;r=%d;t=%d" % (one.rate.name, one.remaining, one.resets_in) for one in allowances]
    return [
        (b"ratelimit-policy", b", ".join([one.rate.policy for one in allowances])),
        (b"ratelimit", b", ".join(state)),
    ]
