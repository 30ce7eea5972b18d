"""The token endpoint as a client meets it: proofs, forms, tokens, and clients made for a test."""

import base64
import json
import re
import secrets
import time
from typing import Any
from urllib.parse import urlencode

import httpx2

from auth import jws
from auth.assertions import ASSERTION_TYPE
from auth.keys import KeyState, SigningKey
from tests.support.api import ISSUER, Api

FORM = "application/x-www-form-urlencoded"
NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
AGENCY = "PROV_MOPH-42"
HELD = ["households:read", "assistance:read"]


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


async def form(
    api: Api, path: str, headers: dict[str, str] | None = None, /, **fields: str
) -> httpx2.Response:
    content = urlencode({"grant_type": "client_credentials", **fields} if path == "/oauth/token" else fields)
    sent = {"Content-Type": FORM, **(headers or {})}
    return await api.http.post(path, content=content, headers=sent)


async def created(api: Api, **changes: Any) -> dict[str, Any]:
    draft = {"name": "HIS", "agency": AGENCY, "scopes": HELD, "areas": ["4201"], **changes}
    answer = await api.post("admin", "/v1/clients", draft)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def token_of(api: Api, client: dict[str, Any], **fields: str) -> str:
    answer = await form(api, "/oauth/token", basic(client["client_id"], client["client_secret"]), **fields)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def me(api: Api, token: str) -> httpx2.Response:
    return await api.get(None, "/v1/me/access", headers={"Authorization": f"Bearer {token}"})


def part(token: str, place: int) -> dict[str, Any]:
    segment = token.split(".")[place]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return found


def refused(answer: httpx2.Response, error: str) -> None:
    """RFC 6749 §5.2 to the letter."""
    assert (answer.status_code, answer.json()["error"]) == (401 if error == "invalid_client" else 400, error)
    assert set(answer.json()) == {"error", "error_description"}
    # §5.2: %x20-21 / %x23-5B / %x5D-7E
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", answer.json()["error_description"])
    assert answer.headers["content-type"] == "application/json"
    assert {name: answer.headers[name] for name in NO_STORE} == NO_STORE
    challenge = answer.headers.get("www-authenticate", "")
    assert challenge.startswith("Basic realm=") == (error == "invalid_client")


async def patched(api: Api, client: dict[str, Any], version: int, /, **changes: Any) -> httpx2.Response:
    headers = {"If-Match": f'"{version}"', "Content-Type": "application/merge-patch+json"}
    return await api.call(
        "admin", "PATCH", f"/v1/clients/{client['client_id']}", json.dumps(changes), headers=headers
    )


class ClientKey:
    """A client's own pair, and the assertions that it signs."""

    def __init__(self, kid: str | None = None) -> None:
        self.pair = SigningKey.generate(KeyState.ACTIVE)
        self.kid = kid or self.pair.kid

    @property
    def jwk(self) -> dict[str, str]:
        return {**self.pair.public_jwk(), "kid": self.kid}

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.jwk]}

    def assertion(self, client_id: str, **changes: Any) -> str:
        """A good one; `changes` replace claims, None takes one out."""
        now = int(time.time())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": ISSUER,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
            **changes,
        }
        given = {name: value for name, value in claims.items() if value is not None}
        return jws.signed(given, self.pair.private, kind="JWT", kid=self.kid)


def asserting(assertion: str, **more: str) -> dict[str, str]:
    """The fields of a form that authenticate by an assertion."""
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, **more}
