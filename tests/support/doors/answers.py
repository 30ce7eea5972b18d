"""What either door answers, and what both are made of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import httpx2

from tests.support.api import Api

Body: TypeAlias = Mapping[str, Any]
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")


@dataclass(frozen=True, slots=True)
class Answer:
    """What either door answered: data in snake_case, or a code with its faults."""

    data: Any
    code: str | None
    faults: tuple[tuple[str, str], ...]
    """(pointer, code) of each; pointers as REST spells them."""
    more: Mapping[str, Any]
    """Further members of an error: `allowed`, `scope`."""
    response: httpx2.Response

    @property
    def items(self) -> list[Any]:
        found: list[Any] = self.good["items"]
        return found

    @property
    def good(self) -> Any:
        """The data of an answer that has to be one."""
        assert self.code is None, self.response.text
        return self.data

    @property
    def refusal(self) -> tuple[str | None, tuple[tuple[str, str], ...]]:
        return self.code, self.faults


def plain(value: Any) -> Any:
    """The same value with every time as an aware one in UTC."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, str) and _TIME.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC)
    return value


class Door:
    """What both doors do; every verb takes the name of the client that calls."""

    name = "door"

    def __init__(self, api: Api) -> None:
        self.api = api

    @staticmethod
    def _headers(more: dict[str, Any]) -> dict[str, str]:
        """X-Purpose is sent unless a scenario leaves it out with `purpose=None`."""
        purpose = more.pop("purpose", "casework")
        return {**more.pop("headers", {}), **({} if purpose is None else {"X-Purpose": purpose})}
