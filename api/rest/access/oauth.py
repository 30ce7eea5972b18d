"""The token endpoint and the documents that describe it (RFC 6749, 7009, 7517, 8414)."""

from typing import Any

import orjson
from pydantic import Field
from starlette.responses import Response

from api.rest.call import JSON, Call
from api.rest.operations import Routes
from auth import clients as authentication
from auth.clients import OAuthError
from auth.keys import MAX_LIFETIME
from auth.tokens import Unauthenticated, issue
from domain.access.actor import Actor, Scope
from domain.access.clients import Client, may_authenticate
from domain.kernel import Value

routes = Routes("authorisation")

FORM = ("application/x-www-form-urlencoded",)
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
PUBLIC = {"Cache-Control": "public, max-age=300"}


class TokenRequest(Value):
    """RFC 6749 §4.4.2; the client authenticates by HTTP Basic or in the form, never both."""

    grant_type: str = Field(default="client_credentials", max_length=50)
    scope: str | None = Field(default=None, max_length=2000)
    """Narrows: scopes separated by spaces."""
    client_id: str | None = Field(default=None, max_length=256)
    client_secret: str | None = Field(default=None, max_length=256)


class RevocationRequest(Value):
    """RFC 7009 §2.1."""

    token: str = Field(max_length=4096)
    token_type_hint: str | None = Field(default=None, max_length=50)
    client_id: str | None = Field(default=None, max_length=256)
    client_secret: str | None = Field(default=None, max_length=256)


class TokenAnswer(Value):
    access_token: str = Field(max_length=4096)
    token_type: str = Field(max_length=10)
    expires_in: int
    """Seconds."""
    scope: str = Field(max_length=2000)


@routes.post(
    "/oauth/token", "issueToken", "Issue an access token",
    body=TokenRequest, media=FORM, answer=TokenAnswer, status=200, most=16_384, keyed=False,
)  # fmt: skip
async def token(call: Call) -> Response:
    """Client credentials. Errors are RFC 6749 §5.2: `{error, error_description}`."""
    try:
        return _answer(await _issued(call))
    except OAuthError as error:
        return _refused(error)


async def _issued(call: Call) -> dict[str, Any]:
    form = authentication.parse_form(await call.raw_body(), call.header("content-type"))
    authentication.require_grant(form)
    client = await _authenticated(call, form)
    scopes = authentication.narrowed(form.get("scope"), client.scopes)
    now = int(call.now.timestamp())
    access_token = issue(
        keys=call.services.signing,
        issuer=call.services.issuer,
        audience=call.services.issuer,
        client_id=client.client_id,
        agency=client.agency,
        scopes=scopes,
        areas=client.areas,
        token_id=str(call.services.new_id()),
        now=now,
        lifetime=_lifetime(client, now),
    )
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": _lifetime(client, now),
        "scope": " ".join(scopes),
    }


def _lifetime(client: Client, now: int) -> int:
    """A token does not outlive its client."""
    if client.expires_at is None:
        return MAX_LIFETIME
    return max(1, min(MAX_LIFETIME, int(client.expires_at.timestamp()) - now))


async def _authenticated(call: Call, form: dict[str, str]) -> Client:
    presented = authentication.presented_client(call.header("authorization"), form)
    async with call.reading() as work:
        known = await work.clients.credentials(presented.client_id, now=call.now)
        matches = authentication.secret_matches(
            presented.client_secret,
            call.services.secrets.pepper,
            known.secret_hash if known else None,
            known.previous_secret_hash if known else None,
        )
        if known is None or not matches or not may_authenticate(known.client, now=call.now):
            raise OAuthError("invalid_client", "The client is unknown, or its secret is wrong.", status=401)
        await work.clients.touch(presented.client_id, now=call.now)
    return known.client


@routes.post(
    "/oauth/revoke", "revokeToken", "Revoke an access token",
    body=RevocationRequest, media=FORM, status=200, most=16_384, keyed=False,
)  # fmt: skip
async def revoke(call: Call) -> Response:
    """RFC 7009: 200 whatever the token was; only the client's own tokens are revoked."""
    try:
        form = authentication.parse_form(await call.raw_body(), call.header("content-type"))
        client = await _authenticated(call, form)
        if "token" not in form:
            raise OAuthError("invalid_request", "token is missing.")
        actor = _known_token(call, form["token"])
        if actor is not None and actor.client_id == client.client_id:
            async with call.writing() as work:
                await work.clients.revoke_token(actor, now=call.now)
            await call.services.standing.refresh()
        return Response(None, 200, NO_STORE)
    except OAuthError as error:
        return _refused(error)


def _known_token(call: Call, token: str) -> Actor | None:
    try:
        return call.services.verifier.verify(token, now=call.now.timestamp())
    except Unauthenticated:
        return None


def _answer(document: dict[str, Any]) -> Response:
    return Response(orjson.dumps(document), 200, NO_STORE, media_type=JSON)


def _refused(error: OAuthError) -> Response:
    headers = {**NO_STORE, "WWW-Authenticate": 'Basic realm="kaejon"'} if error.status == 401 else NO_STORE
    return Response(orjson.dumps(error.as_dict()), error.status, headers, media_type=JSON)


@routes.get("/.well-known/jwks.json", "getJwks", "The keys that tokens are signed with")
async def jwks(call: Call) -> Response:
    """RFC 7517: the public halves, the next key included before it signs."""
    call.no_query()
    return Response(
        orjson.dumps(call.services.signing.jwks()), 200, PUBLIC, media_type="application/jwk-set+json"
    )


@routes.get(
    "/.well-known/oauth-authorization-server",
    "getAuthorizationServerMetadata",
    "Authorisation server metadata",
)
async def metadata(call: Call) -> Response:
    """RFC 8414."""
    call.no_query()
    issuer = call.services.issuer
    document = {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/oauth/token",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "scopes_supported": [scope.value for scope in Scope],
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "service_documentation": f"{issuer}/docs",
    }
    return Response(orjson.dumps(document), 200, PUBLIC, media_type=JSON)
