"""How a client proves itself at the token endpoint, and what it may ask for there. Pure: no I/O.

RFC 6749 §2.3 (client authentication), §3.2 and §3.3 (parameters, scope), §4.4 (client credentials),
§5.2 (errors). A secret has 256 random bits, so a peppered HMAC is enough: there is nothing to guess that
a slow hash would slow down.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from auth import assertions
from auth.assertions import ASSERTION_TYPE, PresentedAssertion
from auth.jws import Refused
from domain.access.actor import Scope
from domain.access.clients import Credentials, MintedSecret

SECRET_PREFIX = "kjs_"  # noqa: S105 - not a secret: what secret scanners recognise ours by
GRANT = "client_credentials"
METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
"""How a client may authenticate; all of them where it has keys."""
MAX_FORM = 16_384
"""Bytes of a request body; a token of 4 KB has ample room."""
MAX_PARAMETERS = 20
MAX_SECRET = 256
"""Characters of a client id or secret that are looked at."""

_VISIBLE = re.compile(r"[\x20-\x7e]+")
# Visible ASCII, and whole escapes: a stray % is refused, a character that need not be raw is not.
_ESCAPED = re.compile(r"(?:[\x21-\x24\x26-\x7e]|%[0-9A-Fa-f]{2})*")
_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_FORM = "application/x-www-form-urlencoded"


class OAuthError(Exception):
    """An answer of RFC 6749 §5.2; `status` 401 goes with `WWW-Authenticate: Basic`."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description, self.status = error, description, status

    def as_dict(self) -> dict[str, str]:
        return {"error": self.error, "error_description": self.description}


def unknown_client() -> OAuthError:
    """One answer for every proof that fails: unknown client, wrong secret, bad assertion, wrong network."""
    return _invalid_client("The client is unknown, or its secret or assertion is wrong.")


def _invalid_client(description: str) -> OAuthError:
    return OAuthError("invalid_client", description, status=401)


def _invalid_request(description: str) -> OAuthError:
    return OAuthError("invalid_request", description)


@dataclass(frozen=True, slots=True)
class ClientSecrets:
    """Makes and hashes client secrets; `pepper` is a key that the database never sees."""

    pepper: bytes = field(repr=False)
    entropy: Callable[[int], bytes] = field(repr=False)
    """`secrets.token_bytes`, or what a test counts with."""

    def mint(self) -> MintedSecret:
        """A new secret with its hash; the text is shown once and kept nowhere."""
        text = generate_secret(self.entropy)
        return MintedSecret(text, hash_secret(text, self.pepper))

    def hashed(self, secret: str) -> bytes:
        """The hash of a secret somebody brought along."""
        return hash_secret(secret, self.pepper)


def generate_secret(entropy: Callable[[int], bytes]) -> str:
    """256 random bits, url-safe, so that it reads the same form-encoded (RFC 6749 §2.3.1) and plain."""
    return SECRET_PREFIX + base64.urlsafe_b64encode(entropy(32)).rstrip(b"=").decode()


def hash_secret(secret: str, pepper: bytes) -> bytes:
    """HMAC-SHA-256, 32 bytes."""
    return hmac.digest(pepper, secret.encode(), "sha256")


def secret_matches(secret: str, pepper: bytes, current: bytes | None, previous: bytes | None = None) -> bool:
    """Whether the secret is the client's, in a time that tells nothing.

    For an unknown client both hashes are None; the work is the same, and the answer is False.
    """
    given, decoy = hash_secret(secret, pepper), bytes(32)
    is_current = hmac.compare_digest(given, current or decoy) & (current is not None)
    is_previous = hmac.compare_digest(given, previous or decoy) & (previous is not None)
    return is_current | is_previous


def proven(
    presented: "PresentedClient | PresentedAssertion",
    known: Credentials | None,
    *,
    pepper: bytes,
    issuer: str,
    now: float,
) -> assertions.Proof | None:
    """Checks the proof of a client; of an assertion the caller still has to spend the `jti`. Raises Refused.

    An unknown client costs what a known one does.
    """
    if isinstance(presented, PresentedAssertion):
        keys = known.client.jwks.keys if known is not None and known.client.jwks is not None else []
        return assertions.proven(presented, [key.model_dump() for key in keys], issuer=issuer, now=now)
    current, previous = (known.secret_hash, known.previous_secret_hash) if known else (None, None)
    if not secret_matches(presented.client_secret, pepper, current, previous):
        raise Refused("secret")
    return None


@dataclass(frozen=True, slots=True)
class PresentedClient:
    """Who somebody says to be, and the proof. Nothing of it is checked yet."""

    client_id: str
    client_secret: str = field(repr=False)


def parse_form(body: bytes, content_type: str | None) -> dict[str, str]:
    """The parameters of a form, strictly read. Raises OAuthError `invalid_request`.

    A parameter without a value counts as absent, a repeated one is an error, an unknown one is kept for
    the caller to ignore (RFC 6749 §3.2).
    """
    media_type, _, charset = (content_type or "").partition(";")
    if media_type.strip().lower() != _FORM or charset.strip().lower() not in ("", "charset=utf-8"):
        raise _invalid_request(f"Send the parameters as {_FORM} in UTF-8.")
    if len(body) > MAX_FORM:
        raise _invalid_request("The request is too long.")
    pairs = [pair for pair in body.split(b"&") if pair]
    if len(pairs) > MAX_PARAMETERS:
        raise _invalid_request("There are too many parameters.")
    form: dict[str, str] = {}
    for pair in pairs:
        name, _, value = (_decoded(part) for part in pair.partition(b"="))
        if name is None or value is None:
            raise _invalid_request("The parameters are not well-formed.")
        if name in form:
            raise _invalid_request("A parameter is repeated.")
        form[name] = value
    return {name: value for name, value in form.items() if value}


def _decoded(part: bytes) -> str | None:
    """One form-urlencoded name or value (RFC 6749 appendix B); None unless well-formed visible text."""
    try:
        text = part.decode("ascii")
        plain = _unescaped(text) if _ESCAPED.fullmatch(text) else None
    except UnicodeDecodeError:
        return None
    return plain if plain is not None and plain.isprintable() else None


def _unescaped(text: str) -> str:
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), text.replace("+", " ").encode())
    return raw.decode("utf-8")


def presented_client(
    authorization: str | None, form: Mapping[str, str]
) -> PresentedClient | PresentedAssertion:
    """The client of a request, by one of METHODS, never two.

    Raises OAuthError: `invalid_request` for two methods at once, else `invalid_client`.
    """
    asserted = "client_assertion" in form or "client_assertion_type" in form
    if authorization is not None:
        if "client_secret" in form or asserted:
            raise _invalid_request("Authenticate in one way only.")
        presented = _from_basic(authorization)
        if form.get("client_id", presented.client_id) != presented.client_id:
            raise _invalid_request("The request names two clients.")
        return presented
    if asserted:
        if "client_secret" in form:
            raise _invalid_request("Authenticate in one way only.")
        return _from_assertion(form)
    client_id, client_secret = form.get("client_id"), form.get("client_secret")
    if client_id is None or client_secret is None:
        raise _invalid_client("The request does not authenticate a client.")
    return _bounded(client_id, client_secret)


def _from_assertion(form: Mapping[str, str]) -> PresentedAssertion:
    if form.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in form:
        raise _invalid_client(f"Send a client_assertion with the client_assertion_type {ASSERTION_TYPE}.")
    try:
        presented = assertions.presented(form["client_assertion"])
    except Refused:
        raise unknown_client() from None
    # RFC 7521 §4.2: it may be left out, and must not name another.
    if form.get("client_id", presented.client_id) != presented.client_id:
        raise unknown_client()
    return presented


def _from_basic(authorization: str) -> PresentedClient:
    scheme, _, encoded = authorization.partition(" ")
    encoded = encoded.strip(" ")
    if scheme.lower() != "basic" or len(encoded) > 8 * MAX_SECRET:
        raise _invalid_client("Use HTTP Basic with the client id and secret.")
    try:
        pair = base64.b64decode(encoded.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        pair = b""
    user, colon, password = pair.partition(b":")
    client_id, client_secret = _decoded(user), _decoded(password)
    if not colon or not client_id or not client_secret:
        raise _invalid_client("The Basic credentials are not well-formed.")
    return _bounded(client_id, client_secret)


def _bounded(client_id: str, client_secret: str) -> PresentedClient:
    for text in (client_id, client_secret):
        # RFC 6749 appendix A.1 and A.2: visible ASCII.
        if len(text) > MAX_SECRET or not _VISIBLE.fullmatch(text):
            raise unknown_client()
    return PresentedClient(client_id, client_secret)


def require_grant(form: Mapping[str, str]) -> None:
    """The one grant there is. Raises OAuthError `invalid_request` or `unsupported_grant_type`."""
    grant = form.get("grant_type")
    if grant is None:
        raise _invalid_request("grant_type is missing.")
    if grant != GRANT:
        raise OAuthError("unsupported_grant_type", f"The grant type is {GRANT}.")


def narrowed(requested: str | None, granted: Sequence[str]) -> tuple[Scope, ...]:
    """The scopes of the token: those asked for, or all that the client has (RFC 6749 §3.3).

    In the order of the enum. Raises OAuthError `invalid_scope` for a malformed or unknown scope, and for
    one that the client does not have.
    """
    held = set(granted)
    if requested is None:
        return tuple(scope for scope in Scope if scope in held)
    asked = requested.split(" ")
    if not all(_SCOPE_TOKEN.fullmatch(one) for one in asked):
        raise OAuthError("invalid_scope", "Scopes are separated by single spaces.")
    known = {scope.value for scope in Scope}
    if not set(asked) <= known & held:
        raise OAuthError("invalid_scope", "A requested scope is unknown, or not one of this client.")
    return tuple(scope for scope in Scope if scope in asked)
