"""What every client of Kaejon does: get a token, send a request, send it again when that is safe.

Standard library only: copy it, or read it and write your own.
"""

import argparse
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ATTEMPTS = 5
LATER = (429, 503)
"""Worth another attempt, after as many seconds as Retry-After says."""


class Refused(Exception):
    """An answer that another attempt will not change; `problem` is its RFC 9457 document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(
            f"{status} {problem.get('code', problem.get('error', ''))}: {problem.get('detail', '')}"
        )
        self.status, self.problem = status, problem


class Answer(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str]


class Client:
    """One client of one agency."""

    def __init__(self, url: str, client_id: str, secret: str, *, scope: str = "", purpose: str = "") -> None:
        self._url, self._id, self._secret, self._scope, self._purpose = url, client_id, secret, scope, purpose
        self._token, self._until = "", 0.0

    def get(self, path: str, **query: Any) -> Answer:
        text = urllib.parse.urlencode({k: v for k, v in query.items() if v is not None}, doseq=True)
        return self._call("GET", f"{path}?{text}" if text else path)

    def post(self, path: str, body: Any) -> Answer:
        """The key is made once and sent with every attempt, so that the write happens once."""
        return self._call("POST", path, body, {"Idempotency-Key": str(uuid.uuid4())})

    def items(self, path: str, **query: Any) -> Iterator[Any]:
        """Every item of a list, page after page."""
        cursor = None
        while True:
            page = self.get(path, **query, cursor=cursor).body
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def graphql(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._call("POST", "/graphql", {"query": query, "variables": variables}).body
        if answer.get("errors"):
            first = answer["errors"][0]
            raise Refused(200, {"code": first.get("extensions", {}).get("code"), "detail": first["message"]})
        return answer

    def _call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        sent = {
            "Authorization": f"Bearer {self._access_token()}",
            "Accept": "application/json",
            **(headers or {}),
        }
        if self._purpose:
            sent["X-Purpose"] = self._purpose
        data = None
        if body is not None:
            sent["Content-Type"], data = "application/json", json.dumps(body).encode()
        return send(urllib.request.Request(self._url + path, data, sent, method=method))  # noqa: S310 - the operator's URL

    def _access_token(self) -> str:
        """A token lives some minutes: it is kept, and renewed a little before its end."""
        if time.monotonic() > self._until:
            basic = b64encode(f"{self._id}:{self._secret}".encode()).decode()
            form = {"grant_type": "client_credentials"} | ({"scope": self._scope} if self._scope else {})
            headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
            data = urllib.parse.urlencode(form).encode()
            request = urllib.request.Request(f"{self._url}/oauth/token", data, headers)  # noqa: S310 - the operator's URL
            issued = send(request).body
            self._token, self._until = issued["access_token"], time.monotonic() + issued["expires_in"] - 30
        return self._token


def send(request: urllib.request.Request) -> Answer:
    """The answer to a request. Raises Refused, or OSError when the service stays away."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the operator's URL
                return Answer(answer.status, json.load(answer), dict(answer.headers))
        except urllib.error.HTTPError as error:
            problem = _problem(error)
            running = problem.get("code") == "idempotency-in-progress"
            if attempt == ATTEMPTS or not (error.code in LATER or running):
                raise Refused(error.code, problem) from None
            time.sleep(float(error.headers.get("Retry-After", attempt)))
        except OSError:
            # The request may have arrived or not: its key, or its external_id, makes the repetition harmless.
            if attempt == ATTEMPTS:
                raise
            time.sleep(attempt)
    raise AssertionError("not reached")


def _problem(error: urllib.error.HTTPError) -> dict[str, Any]:
    with error:
        try:
            found = json.loads(error.read())
        except ValueError:
            found = None
    return found if isinstance(found, dict) else {"detail": error.reason}


def arguments(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the service is")
    parser.add_argument(
        "--clients", type=Path, default=Path("data/demo-clients.json"), help="the file of client credentials"
    )
    return parser


def credentials(file: Path, name: str) -> dict[str, Any]:
    """A client of demo-clients.json: client_id, client_secret, agency, scopes, areas."""
    clients = json.loads(file.read_text("utf-8"))["clients"]
    found: dict[str, Any] = next(one for one in clients if one["name"] == name)
    return found
