"""Which of the offered media types a caller would rather have (RFC 9110 §12.5.1)."""

from collections.abc import Sequence


def preferred(accept: str | None, offers: Sequence[str]) -> str:
    """The offer with the highest quality, the first one on a tie or when none fits: a page is better than a 406."""
    ranges = [_range(part) for part in (accept or "*/*").lower().split(",")]
    return max(offers, key=lambda offer: _quality(offer, ranges))


def _range(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return kind, float(parameter[2:])
            except ValueError:
                return kind, 0.0
    return kind, 1.0


def _quality(offer: str, ranges: Sequence[tuple[str, float]]) -> float:
    # The most specific range that fits decides.
    for wanted in (offer, offer.partition("/")[0] + "/*", "*/*"):
        found = [quality for kind, quality in ranges if kind == wanted]
        if found:
            return max(found)
    return 0.0
