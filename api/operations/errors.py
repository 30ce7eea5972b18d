"""`/errors/{code}`: the page that the `type` of an error names, as HTML or, where asked for, as JSON."""

from html import escape

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.answering import answer_error
from api.errors import CODES_PATH, TITLES, HttpError
from api.operations import files
from api.operations.accept import preferred
from api.operations.catalogue import FAULTS, PROBLEMS

HTML, JSON = "text/html", "application/json"
POLICY = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
}
CACHED = {**files.BRIEFLY, "Vary": "Accept"}


def routes(*, base: str) -> list[Route]:
    """The index and a page for each code; `base` is what `type` starts with. The style is an asset of `files`."""

    async def index(request: Request) -> Response:
        request.scope["operation"] = "listErrors"
        if _wants_json(request):
            listed = [explanation(code, base=base) for code in PROBLEMS]
            return JSONResponse({"items": listed, "faults": FAULTS}, headers=CACHED)
        return _html("Errors", _index())

    async def one(request: Request) -> Response:
        request.scope["operation"] = "getError"
        code = request.path_params["code"]
        if code not in PROBLEMS and code not in FAULTS:
            error = HttpError(404, "not-found", f"There is no such code; see {CODES_PATH}.")
            request_id = str(request.scope.get("request_id", ""))
            return answer_error(error, path=CODES_PATH, request_id=request_id, base=base)
        if _wants_json(request):
            return JSONResponse(explanation(code, base=base), headers=CACHED)
        return _html(code, _page(code))

    return [
        Route(CODES_PATH, index, methods=["GET"]),
        Route(f"{CODES_PATH}/{{code}}", one, methods=["GET"]),
    ]


def explanation(code: str, *, base: str) -> dict[str, str | int | None]:
    """A known code for machines; `fault` is what it means in an entry of `errors`."""
    known = PROBLEMS.get(code)
    return {
        "type": f"{base}{CODES_PATH}/{code}",
        "code": code,
        "status": known.status if known else None,
        "title": TITLES[known.status] if known else None,
        "meaning": known.meaning if known else None,
        "remedy": known.remedy if known else None,
        "fault": FAULTS.get(code),
    }


def _wants_json(request: Request) -> bool:
    kinds = (HTML, JSON, "application/problem+json")
    return preferred(request.headers.get("accept"), kinds) != HTML


def _html(title: str, body: str) -> Response:
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Kaejon: {escape(title)}</title>"
        f'<link rel="icon" href="data:,"><link rel="stylesheet" href="{files.url_of("pages.css")}">'
        f'</head><body><main class="text">{body}</main></body></html>\n'
    )
    return Response(text, 200, {**POLICY, **CACHED}, media_type=HTML)


def _page(code: str) -> str:
    parts = [f"<h1><code>{code}</code></h1>"]
    if known := PROBLEMS.get(code):
        parts.append(f"<p>{known.status} {escape(TITLES[known.status])}</p>")
        parts.append(f"<h2>What it means</h2><p>{escape(known.meaning)}</p>")
        parts.append(f"<h2>What to do</h2><p>{escape(known.remedy)}</p>")
    if fault := FAULTS.get(code):
        parts.append(f"<h2>In an entry of <code>errors</code></h2><p>{escape(fault)}</p>")
    parts.append(f'<p><a href="{CODES_PATH}">All codes</a></p>')
    return "".join(parts)


def _index() -> str:
    problems = "".join(
        f'<tr><td>{one.status}</td><td><a href="{CODES_PATH}/{code}"><code>{code}</code></a></td>'
        f"<td>{escape(one.meaning)}</td></tr>"
        for code, one in PROBLEMS.items()
    )
    faults = "".join(
        f'<tr><td><a href="{CODES_PATH}/{code}"><code>{code}</code></a></td><td>{escape(meaning)}</td></tr>'
        for code, meaning in FAULTS.items()
    )
    return (
        "<h1>Errors</h1><p>Errors are <code>application/problem+json</code> (RFC 9457).</p>"
        f"<h2>Of a request: <code>code</code></h2><table>{problems}</table>"
        f"<h2>Of one place in it: <code>errors[].code</code></h2><table>{faults}</table>"
    )
