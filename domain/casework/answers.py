"""The answers of casework: found or not, and the reach in which a write is read back."""

from dataclasses import replace

from domain.access.policy import Reach
from domain.errors import NotFound
from domain.kernel import Document


def found(document: Document | None) -> Document:
    """The document; NotFound where there is none within reach."""
    if document is None:
        raise NotFound
    return document


def beyond_its_own_effect(reach: Reach) -> Reach:
    """The reach to read back what has just been written within `reach`.

    A write may end the assignment by which its caller sees the household (an agency returns it); the answer
    to that write is still the caller's.
    """
    return replace(reach, assigned_to=None)
