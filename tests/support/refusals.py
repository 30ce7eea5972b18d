"""The shape of an error (RFC 9457), checked wherever a test is refused something."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2

from api.errors import TITLES
from api.operations.catalogue import FAULTS
from tests.support.api import ISSUER

SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}
TRACES = re.compile(r"Traceback|\.py\b|asyncpg|SELECT|INSERT|UPDATE |Exception|pydantic|0x[0-9a-f]{6}", re.I)


async def problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Checks the shape of an error (RFC 9457, contract 1) and gives the document."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    shown: dict[str, Any] = answer.json()
    fixed = {"type", "title", "status", "detail", "instance", "code", "errors", "trace_id"}
    assert fixed <= set(shown) <= fixed | {"allowed", "scope"}
    assert shown["code"] == code
    assert shown["type"] == f"{ISSUER}/errors/{code}"
    assert (shown["status"], shown["title"]) == (status, TITLES[status])
    assert shown["detail"].endswith(".")
    assert shown["instance"] == urlsplit(str(answer.url)).path or "%" in str(answer.url)
    assert shown["trace_id"] == answer.headers["x-request-id"]
    for fault in shown["errors"]:
        assert set(fault) == {"pointer", "code", "detail"}
        assert fault["code"] in FAULTS
        assert re.fullmatch(r"(/.*)?|(query|header)/.*", fault["pointer"])
    assert TRACES.search(answer.text.replace(shown["instance"], "")) is None, answer.text
    assert SECURITY.items() <= dict(answer.headers).items()
    return shown


def faults_of(shown: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(one["pointer"], one["code"]) for one in shown["errors"]]
