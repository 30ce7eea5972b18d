"""The token endpoint, what tells about tokens, and the documents that describe them (RFC 6749, 7009, 7517,
7523, 7662, 8414)."""

from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from pydantic import Field
from starlette.responses import Response

from api.rest.call import JSON, Call
from api.rest.operations import Routes
from auth import clients as authentication
from auth.assertions import PresentedAssertion, Proof
from auth.clients import METHODS, OAuthError, PresentedClient
from auth.jws import Refused
from auth.keys import ALGORITHM, MAX_LIFETIME
from auth.tokens import Unauthenticated, Verified, issue
from domain.access.actor import Scope
from domain.access.clients import Client, Credentials, issue_time, may_authenticate
from domain.kernel import Value
from domain.work import UnitOfWork

routes = Routes("authorisation")
log = structlog.get_logger("kaejon")

FORM = ("application/x-www-form-urlencoded",)
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
PUBLIC = {"Cache-Control": "public, max-age=300"}
ENDPOINTS = ("token", "revocation", "introspection")
"""Where a client authenticates."""
Presented = PresentedClient | PresentedAssertion


class ClientProof(Value):
    """How the client authenticates: by HTTP Basic, or by these fields; in one way only."""

    client_id: str | None = Field(default=None, max_length=256)
    client_secret: str | None = Field(default=None, max_length=256)
    client_assertion_type: str | None = Field(default=None, max_length=100)
    """RFC 7523: `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`."""
    client_assertion: str | None = Field(default=None, max_length=4096)
    """A JWT under one of the client's own keys (ES256): `iss` and `sub` its id, `aud` this service's issuer as
    one string, `exp` at most 300 s ahead, a `jti` that is used once."""


class TokenRequest(ClientProof):
    """RFC 6749 §4.4.2."""

    grant_type: str = Field(default="client_credentials", max_length=50)
    scope: str | None = Field(default=None, max_length=2000)
    """Narrows: scopes separated by spaces."""


class RevocationRequest(ClientProof):
    """RFC 7009 §2.1."""

    token: str = Field(max_length=4096)
    token_type_hint: str | None = Field(default=None, max_length=50)


class IntrospectionRequest(ClientProof):
    """RFC 7662 §2.1."""

    token: str = Field(max_length=4096)
    token_type_hint: str | None = Field(default=None, max_length=50)


class TokenAnswer(Value):
    access_token: str = Field(max_length=4096)
    token_type: str = Field(max_length=10)
    expires_in: int
    """Seconds."""
    scope: str = Field(max_length=2000)


class Introspection(Value):
    """RFC 7662 §2.2; of any token but a living one of the client's own, `active` alone."""

    active: bool
    scope: str | None = Field(default=None, max_length=2000)
    client_id: str | None = Field(default=None, max_length=64)
    sub: str | None = Field(default=None, max_length=64)
    aud: str | None = Field(default=None, max_length=300)
    iss: str | None = Field(default=None, max_length=300)
    iat: int | None = None
    exp: int | None = None
    jti: str | None = Field(default=None, max_length=64)
    token_type: str | None = Field(default=None, max_length=10)
    agency: str | None = Field(default=None, max_length=64)
    areas: list[str] | None = Field(default=None, max_length=100)


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
    form = await _form(call)
    authentication.require_grant(form)
    async with call.reading() as work:
        presented, _ = await _authenticated(call, form, work)
        # Again, under the lock that a narrowing waits for: what the token says was true when it was issued.
        entitled = await work.clients.entitled(presented.client_id, now=call.now)
        if entitled is None:
            raise authentication.unknown_client()
        client = _proven(call, presented, entitled.credentials)
    scopes = authentication.narrowed(form.get("scope"), client.scopes)
    issued_at = issue_time(call.now, entitled)
    expires = _expiry(client, call.now, issued_at)
    access_token = issue(
        keys=call.services.signing,
        issuer=call.services.issuer,
        audience=call.services.issuer,
        client_id=client.client_id,
        agency=client.agency,
        scopes=scopes,
        areas=client.areas,
        token_id=str(call.services.new_id()),
        now=issued_at,
        lifetime=expires - issued_at,
    )
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": max(1, expires - int(call.now.timestamp())),
        "scope": " ".join(scopes),
    }


def _expiry(client: Client, now: datetime, issued_at: int) -> int:
    """15 minutes at most by either clock, and a token does not outlive its client."""
    expires = min(issued_at, int(now.timestamp())) + MAX_LIFETIME
    if client.expires_at is not None:
        expires = min(expires, int(client.expires_at.timestamp()))
    return max(expires, issued_at + 1)


async def _form(call: Call) -> dict[str, str]:
    form = authentication.parse_form(await call.raw_body(), call.header("content-type"))
    if call.request.scope["query_string"]:
        # RFC 6749 §2.3.1 and §3.2: a URL is logged on its way.
        raise OAuthError("invalid_request", "Send the parameters in the body, not in the URL.")
    return form


async def _authenticated(call: Call, form: dict[str, str], work: UnitOfWork) -> tuple[Presented, Client]:
    """The client of a request. An assertion is spent with it: it counts once, whatever comes of the request."""
    presented = authentication.presented_client(call.header("authorization"), form)
    await call.services.limits.present(call.request.scope, presented.client_id)
    known = await work.clients.credentials(presented.client_id, now=call.now)
    client, proof = _proof(call, presented, known)
    call.request.scope["client_id"] = client.client_id
    if proof is not None:
        expires_at = datetime.fromtimestamp(proof.expires_at, UTC)
        if not await work.clients.spend_assertion(client.client_id, proof.jti, expires_at=expires_at):
            _say_why(call, "replayed", client.client_id)
            raise authentication.unknown_client()
    await work.clients.touch(client.client_id, now=call.now)
    return presented, client


def _proof(call: Call, presented: Presented, known: Credentials | None) -> tuple[Client, Proof | None]:
    """The client whose proof is right, and which may get in from here and now. Raises OAuthError."""
    services = call.services
    try:
        proof = authentication.proven(
            presented,
            known,
            pepper=services.secrets.pepper,
            issuer=services.issuer,
            now=call.now.timestamp(),
        )
        if known is None or not may_authenticate(known.client, remote=call.remote, now=call.now):
            raise Refused("barred")
    except Refused as error:
        _say_why(call, error.reason, None if known is None else known.client.client_id)
        raise authentication.unknown_client() from None
    return known.client, proof


def _proven(call: Call, presented: Presented, known: Credentials) -> Client:
    return _proof(call, presented, known)[0]


def _say_why(call: Call, reason: str, client_id: str | None) -> None:
    """For those who run the service: the caller is told nothing. A name that no client has is not repeated."""
    request_id = call.request.scope.get("request_id", "")
    log.warning("client refused", reason=reason, client_id=client_id, request_id=request_id)


@routes.post(
    "/oauth/revoke", "revokeToken", "Revoke an access token",
    body=RevocationRequest, media=FORM, status=200, most=16_384, keyed=False,
)  # fmt: skip
async def revoke(call: Call) -> Response:
    """RFC 7009: 200 whatever the token was; only the client's own tokens are revoked, at once everywhere."""
    try:
        found = await _own_token(call)
    except OAuthError as error:
        return _refused(error)
    if found is not None:
        async with call.services.works.writing(found.actor) as work:
            await work.clients.revoke_token(found.actor, now=call.now)
        await call.services.standing.refresh()
    return Response(None, 200, NO_STORE)


@routes.post(
    "/oauth/introspect", "introspectToken", "Ask about an access token",
    body=IntrospectionRequest, media=FORM, answer=Introspection, status=200, most=16_384, keyed=False,
)  # fmt: skip
async def introspect(call: Call) -> Response:
    """RFC 7662, for the client's own tokens: any other is `{"active": false}`, as one that never was."""
    try:
        found = await _own_token(call)
    except OAuthError as error:
        return _refused(error)
    return _answer({"active": False} if found is None else _described(found, call.services.issuer))


def _described(found: Verified, issuer: str) -> dict[str, Any]:
    actor = found.actor
    return {
        "active": True,
        "scope": " ".join(scope for scope in Scope if scope in actor.scopes),
        "client_id": actor.client_id,
        "sub": actor.client_id,
        "aud": issuer,
        "iss": issuer,
        "iat": found.issued_at,
        "exp": actor.expires_at,
        "jti": actor.token_id,
        "token_type": "Bearer",
        "agency": actor.agency,
        "areas": list(actor.areas),
    }


async def _own_token(call: Call) -> Verified | None:
    """The token of the request if it counts and is the client's that asks. Raises OAuthError."""
    form = await _form(call)
    async with call.reading() as work:
        _, client = await _authenticated(call, form, work)
    if "token" not in form:
        raise OAuthError("invalid_request", "token is missing.")
    try:
        found = call.services.verifier.examine(form["token"], now=call.now.timestamp())
    except Unauthenticated:
        return None
    return found if found.actor.client_id == client.client_id else None


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
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "scopes_supported": [scope.value for scope in Scope],
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        **{f"{name}_endpoint_auth_methods_supported": METHODS for name in ENDPOINTS},
        **{f"{name}_endpoint_auth_signing_alg_values_supported": [ALGORITHM] for name in ENDPOINTS},
        "service_documentation": f"{issuer}/docs",
    }
    return Response(orjson.dumps(document), 200, PUBLIC, media_type=JSON)
