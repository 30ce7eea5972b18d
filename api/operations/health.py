"""`/healthz`: the process answers. `/readyz`: it can do its work, too."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.answering import answer_error
from api.errors import HttpError

Ready = Callable[[], Awaitable[str | None]]
"""None, or what is amiss in words that may be shown to anybody."""
PATIENCE_S = 3.0
NO_STORE = {"Cache-Control": "no-store"}


def routes(ready: Ready, *, base: str) -> list[Route]:
    """`ready` looks at the database and its schema; it is given three seconds."""

    async def healthz(request: Request) -> Response:
        request.scope["operation"] = "getHealth"
        return JSONResponse({"status": "ok"}, headers=NO_STORE)

    async def readyz(request: Request) -> Response:
        request.scope["operation"] = "getReadiness"
        amiss = await _asked(ready)
        if amiss is None:
            return JSONResponse({"status": "ready"}, headers=NO_STORE)
        error = HttpError(503, "not-ready", amiss, headers={"Retry-After": "2"})
        request_id = str(request.scope.get("request_id", ""))
        return answer_error(error, path=request.scope["path"], request_id=request_id, base=base)

    return [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]


async def _asked(ready: Ready) -> str | None:
    task = asyncio.ensure_future(ready())
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    try:
        # Not a timeout around it: whoever hangs in a driver takes its time to let go, too.
        done, _ = await asyncio.wait({task}, timeout=PATIENCE_S)
        return task.result() if done else f"The database did not answer within {PATIENCE_S:.0f} s."
    except Exception:
        # Whatever it is, the answer is no; a driver's message may name hosts and users.
        return "The database cannot be reached."
    finally:
        task.cancel()
