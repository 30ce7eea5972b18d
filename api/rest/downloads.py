"""A stored file as an answer: streamed from the disk, opened on the way, never whole in memory."""

import asyncio
from collections.abc import AsyncIterator
from io import RawIOBase
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from api.rest.call import PERSONAL, Call

CHUNK = 1 << 20


async def downloaded(
    call: Call, file_id: UUID, key: str, *, size: int, sha256: str, media_type: str, name: str
) -> Response:
    """The file with its length, and its SHA-256 as ETag. Raises FileNotFoundError."""
    tag = f'"{sha256}"'
    headers = {**PERSONAL, "ETag": tag}
    given = call.header("if-none-match")
    if given is not None and (
        given.strip() == "*" or tag in [one.strip().removeprefix("W/") for one in given.split(",")]
    ):
        return Response(None, 304, headers)
    headers |= {
        "Content-Length": str(size),
        "Content-Disposition": f'attachment; filename="{name}"',
        "Accept-Ranges": "none",
    }
    if call.request.method == "HEAD":
        return Response(None, 200, headers, media_type=media_type)
    reader = await asyncio.to_thread(call.services.files.open, file_id, key)
    try:
        # Before the head of the answer: a file that does not open is an error, and not half a file.
        first = await asyncio.to_thread(reader.read, CHUNK)
    except BaseException:
        reader.close()
        raise
    return StreamingResponse(_chunks(reader, first or b""), 200, headers, media_type=media_type)


async def _chunks(reader: RawIOBase, chunk: bytes) -> AsyncIterator[bytes]:
    try:
        while chunk:
            yield chunk
            chunk = await asyncio.to_thread(reader.read, CHUNK) or b""
    finally:
        reader.close()
