"""Code lists: every vocabulary that the API speaks, with Thai and English names (contract 3)."""

from typing import Annotated

from pydantic import Field

from domain.kernel import Code, Line, Value

Written = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/\-]*$")]
"""A code of any list; a scope has a colon, a unit has slashes (`baht/person/year`)."""


class CodeEntry(Value):
    """One code of a list."""

    code: Written
    """As it stands on the wire."""
    name_th: Line
    name_en: Line | None


class CodeList(Value):
    """A list of codes, read at /v1/codes/{list}."""

    list: Code
    count: Annotated[int, Field(ge=1)]
    """How many codes it has."""
    codes: Annotated[tuple[Written, ...], Field(max_length=1000)]
    """All of them, in the order of the list."""
