"""Opaque keyset cursors, signed: bound to the list, its order and the client's agency."""

import base64
import binascii
import hashlib
import hmac

import orjson

from domain.errors import Invalid

_TAG = 12
_MOST = 400


class Cursors:
    """Makes and reads cursors under the service's own key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def encode(self, scope: str, last: tuple[str, ...]) -> str:
        """`scope` names whose cursor it is: list, order and agency."""
        text = orjson.dumps(last)
        return base64.urlsafe_b64encode(self._tag(scope, text) + text).rstrip(b"=").decode()

    def decode(self, scope: str, cursor: str) -> tuple[str, ...]:
        """Raises Invalid for a cursor that this service did not make for this scope."""
        try:
            if len(cursor) > _MOST:
                raise ValueError
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            # One spelling each: loose bits, padding and the other alphabet decode to the same bytes.
            if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != cursor:
                raise ValueError
            tag, text = raw[:_TAG], raw[_TAG:]
            if not hmac.compare_digest(tag, self._tag(scope, text)):
                raise ValueError
            return tuple(orjson.loads(text))
        except (ValueError, binascii.Error):
            raise Invalid.at(
                "query/cursor", "invalid-cursor", "The cursor is not of this list; start again without one."
            ) from None

    def _tag(self, scope: str, text: bytes) -> bytes:
        return hmac.digest(self._key, scope.encode() + b"\0" + text, hashlib.sha256)[:_TAG]
