"""How reference data is answered: it may be kept for a while, and asked for again by its ETag."""

import hashlib
import re

from starlette.responses import Response

from api.rest.call import Call
from domain.errors import NotFound

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")
_REUSED = "private, max-age=300"
_ASKED_AGAIN = "private, no-cache"


def code_of(call: Call, name: str) -> str:
    """A code in the path; what is no code names nothing."""
    text = str(call.request.path_params[name])
    if not _CODE.fullmatch(text):
        raise NotFound
    return text


def lasting(call: Call, response: Response) -> Response:
    """What only a newer file changes: good for five minutes, then told apart by what it says."""
    tag = f'W/"{hashlib.sha256(response.body).hexdigest()[:24]}"'
    response.headers.update({"Cache-Control": _REUSED, "Vary": "Authorization", "ETag": tag})
    given = [one.strip() for one in (call.header("if-none-match") or "").split(",")]
    if tag in given or "*" in given:
        kept = ("cache-control", "vary", "etag", "link")
        return Response(
            None, 304, {name: response.headers[name] for name in kept if name in response.headers}
        )
    return response


def amendable(response: Response) -> Response:
    """What administrators amend: kept, but asked for again each time, so that If-Match names the version in force."""
    response.headers.update({"Cache-Control": _ASKED_AGAIN, "Vary": "Authorization"})
    return response
