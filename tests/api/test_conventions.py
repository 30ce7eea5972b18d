"""Contract 1 over REST, asked of every operation of the table: errors, parameters, versions, lists, headers."""

import re
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx2
import pytest

from api.errors import TITLES
from api.operations.catalogue import FAULTS, PROBLEMS
from auth.keys import SigningKeys
from auth.tokens import issue
from domain.registry import households
from tests.support import builders
from tests.support.api import ISSUER, PURPOSE, Api
from tests.support.calls import (
    EVERYTHING,
    OPERATIONS,
    PAGED,
    READS,
    RECIPES,
    TABLE,
    WITH_BODY,
    WITH_TOKEN,
    Scene,
    client,
    everything,
    headers_of,
    make_scene,
    path_of,
    perform,
)

UUIDS = re.compile(r"\{(household|person|problem|assignment|event|menu|campaign)_id\}")
PATHS = sorted({one.path for one in TABLE})
SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}
TRACES = re.compile(r"Traceback|\.py\b|asyncpg|SELECT|INSERT|UPDATE |Exception|pydantic|0x[0-9a-f]{6}", re.I)


@pytest.fixture(scope="module")
async def scene(api: Api) -> Scene:
    made = await make_scene(api)
    # A second of each, so that a list of one item has another page.
    again = await make_scene(api)
    for path, body in (
        (f"/v1/households/{made['household_id']}/analyses", builders.analysis()),
        ("/v1/clients", client()),
    ):
        assert (await everything(api, "POST", path, body)).status_code == 201
    assert again["household_id"] != made["household_id"]
    return made


async def problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Checks the shape of an error (RFC 9457, contract 1) and gives the document."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    shown: dict[str, Any] = answer.json()
    fixed = {"type", "title", "status", "detail", "instance", "code", "errors", "trace_id"}
    assert fixed <= set(shown) <= fixed | {"allowed", "scope"}
    assert shown["code"] == code
    assert shown["type"] == f"{ISSUER}/errors/{code}"
    assert (shown["status"], shown["title"]) == (status, TITLES[status])
    assert shown["detail"].endswith(".")
    assert shown["instance"] == urlsplit(str(answer.url)).path or "%" in str(answer.url)
    assert shown["trace_id"] == answer.headers["x-request-id"]
    for fault in shown["errors"]:
        assert set(fault) == {"pointer", "code", "detail"}
        assert fault["code"] in FAULTS
        assert re.fullmatch(r"(/.*)?|(query|header)/.*", fault["pointer"])
    assert TRACES.search(answer.text.replace(shown["instance"], "")) is None, answer.text
    assert SECURITY.items() <= dict(answer.headers).items()
    return shown


def faults_of(shown: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(one["pointer"], one["code"]) for one in shown["errors"]]


# -- paths, methods and bodies


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/v1/households/", "/v2/households", "/V1/areas", "/%00", "/v1/%ff"])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_unknown_path_is_a_problem(api: Api, path: str, method: str) -> None:
    await problem(await api.call("team", method, path), 404, "not-found")


@pytest.mark.parametrize("path", PATHS)
async def test_an_unknown_method_names_those_that_are_known(api: Api, scene: Scene, path: str) -> None:
    known = {one.method for one in TABLE if one.path == path}
    allowed = {*known, "HEAD"} if "GET" in known else known
    concrete = path_of(next(one for one in TABLE if one.path == path), scene)
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} - known:
        answer = await everything(api, method, concrete)
        await problem(answer, 405, "method-not-allowed")
        # DELETE of a problem is known, in order to be refused.
        assert set(answer.headers["allow"].split(", ")) == allowed, method


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/errors", "/errors/not-found", "/docs", "/openapi.json", "/graphql"])  # fmt: skip
async def test_an_unknown_method_of_a_page_is_a_problem_too(api: Api, path: str) -> None:
    answer = await api.call("team", "DELETE", path)
    assert answer.status_code == 405
    assert answer.headers["allow"]
    if path != "/graphql":
        await problem(answer, 405, "method-not-allowed")


async def test_a_problem_is_never_deleted(api: Api, scene: Scene) -> None:
    answer = await everything(api, "DELETE", f"/v1/problems/{scene['problem_id']}")
    await problem(answer, 405, "problems-are-permanent")
    assert answer.headers["allow"] == "GET, HEAD, PATCH"


@pytest.mark.parametrize("id", WITH_BODY)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
async def test_a_body_of_another_kind_is_refused(api: Api, scene: Scene, id: str, kind: str) -> None:
    operation = OPERATIONS[id]
    headers = {**(await headers_of(api, operation, scene)), "Content-Type": kind}
    answer = await everything(api, operation.method, path_of(operation, scene), b"{}", headers=headers)
    await problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize("id", [one.id for one in TABLE if one.method == "PATCH"])
async def test_a_merge_patch_may_say_that_it_is_one(api: Api, scene: Scene, id: str) -> None:
    answer = await perform(
        api, id, scene, headers={**PURPOSE, "Content-Type": "application/merge-patch+json; charset=utf-8"}
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("id", WITH_BODY)
@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
async def test_a_body_beyond_its_limit_is_refused(api: Api, scene: Scene, id: str, chunked: bool) -> None:
    operation = OPERATIONS[id]
    piece = b" " * 65_536
    count = operation.most // len(piece) + 1

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield piece

    headers = {
        **PURPOSE,
        **(await headers_of(api, operation, scene)),
        "Authorization": f"Bearer {api.token('center', scopes=EVERYTHING, areas=['*'])}",
        "Content-Type": "application/json",
    }
    answer = await api.http.request(
        operation.method,
        path_of(operation, scene),
        content=pieces() if chunked else piece * count,
        headers=headers,
    )
    shown = await problem(answer, 413, "content-too-large")
    assert str(operation.most) in shown["detail"]


async def test_a_body_of_just_the_limit_is_read(api: Api) -> None:
    most = OPERATIONS["createHousehold"].most
    text = b'{"area_code": "420101"}'.ljust(most)
    assert (await everything(api, "POST", "/v1/households", text)).status_code == 201
    await problem(await everything(api, "POST", "/v1/households", text + b" "), 413, "content-too-large")


@pytest.mark.parametrize("length", ["-1", "x", "1e9", "99999999999999999999"])
async def test_a_length_that_is_none_is_refused(api: Api, length: str) -> None:
    headers = {"Content-Length": length}
    answer = await everything(api, "POST", "/v1/households", b"{}", headers=headers)
    await problem(answer, 413, "content-too-large")


async def test_an_endless_url_is_refused(api: Api) -> None:
    for path in (f"/v1/areas?q={'x' * 9_000}", f"/v1/areas/{'x' * 9_000}"):
        assert (await problem(await api.get("team", path), 414, "uri-too-long"))["errors"] == []


@pytest.mark.parametrize("id", [*READS])
async def test_head_answers_as_get_does(api: Api, scene: Scene, id: str) -> None:
    path = path_of(OPERATIONS[id], scene)
    token = {"Authorization": f"Bearer {api.token('center', scopes=EVERYTHING, areas=['*'])}", **PURPOSE}
    get, head = [await api.http.request(method, path, headers=token) for method in ("GET", "HEAD")]
    assert get.status_code == head.status_code == 200
    different = {name for name in get.headers if get.headers[name] != head.headers.get(name)}
    assert different <= {"x-request-id", "ratelimit"}


# -- the request's id


@pytest.mark.parametrize("path", ["/v1/areas", "/v1/nothing", "/healthz", "/v1/households/x"])
async def test_every_answer_carries_a_request_id(api: Api, path: str) -> None:
    given = await api.get("team", path, headers={"X-Request-Id": "abc-1.2_Z"})
    assert given.headers["x-request-id"] == "abc-1.2_Z"
    made = {(await api.get("team", path)).headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3
    for wrong in ("", "x" * 65, "a b", "a\tb", "<x>", '"'):
        answer = await api.get("team", path, headers={"X-Request-Id": wrong})
        assert answer.headers.get_list("x-request-id") == [answer.headers["x-request-id"]]
        assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])


# -- errors explain themselves


async def test_every_kind_of_error_names_a_page_that_explains_it(api: Api, scene: Scene) -> None:
    path = f"/v1/households/{scene['household_id']}"
    at = {"If-Match": (await everything(api, "GET", path)).headers["etag"]}
    home = builders.household()
    taken = builders.household(members=[builders.member(citizen_id=scene["citizen_id"])])
    event = builders.event(scene["household_id"], external_id=scene["external_id"], value_baht="2.00")
    unknown = builders.event("", household={"citizen_id": builders.citizen_id()})
    keyed = {"Idempotency-Key": "conventions-1"}
    await everything(api, "POST", "/v1/households", home, headers=keyed)
    provoked = {
        "not-found": await api.get("neighbour", path),
        "unauthenticated": await api.get(None, path),
        "insufficient-scope": await api.get("importer", path),
        "purpose-required": await api.get("team", path),
        "outside-your-areas": await api.post("team", "/v1/households", builders.household(area_code="420201")),
        "invalid-input": await api.post("team", "/v1/households", {}),
        "unknown-household": await everything(api, "POST", "/v1/assistance-events", unknown),
        "external-id-conflict": await everything(api, "POST", "/v1/assistance-events", event),
        "already-a-member": await everything(api, "POST", "/v1/households", taken),
        "illegal-transition": await everything(api, "PATCH", path, {"case_status": "planned"}, headers=at),
        "precondition-required": await everything(api, "PATCH", path, {"has_land": True}),
        "version-mismatch": await everything(api, "PATCH", path, {"has_land": True}, headers={"If-Match": '"99"'}),
        "idempotency-key-reused": await everything(api, "POST", "/v1/households", builders.household(), headers=keyed),
        "method-not-allowed": await everything(api, "PUT", path),
        "unsupported-media-type": await everything(api, "POST", "/v1/households", b"{}", headers={"Content-Type": "text/plain"}),
        "content-too-large": await everything(api, "POST", "/v1/households", b" " * 1_100_000),
        "uri-too-long": await api.get("team", f"/v1/areas?q={'x' * 9_000}"),
        "problems-are-permanent": await everything(api, "DELETE", f"/v1/problems/{scene['problem_id']}"),
    }  # fmt: skip
    for code, answer in provoked.items():
        shown = await problem(answer, PROBLEMS[code].status, code)
        page = await api.http.get(urlsplit(shown["type"]).path, headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert code in page.text
        spoken = await api.http.get(urlsplit(shown["type"]).path, headers={"Accept": "application/json"})
        assert (spoken.json()["type"], spoken.json()["status"]) == (shown["type"], shown["status"])


async def test_an_unexpected_failure_tells_nothing_of_itself(
    api: Api, scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = f"SELECT {scene['citizen_id']} FROM citizen_identity"

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError(secret)

    monkeypatch.setattr(households, "read", broken)
    path = f"/v1/households/{scene['household_id']}"
    await problem(await everything(api, "GET", path), 500, "internal-error")
    query = f'{{ household(id: "{scene["household_id"]}") {{ id }} }}'
    answer = await api.graphql("team", query, headers=PURPOSE)
    assert answer.json()["errors"][0]["extensions"]["code"] == "internal-error"
    assert secret not in answer.text
    assert scene["citizen_id"] not in "".join(capsys.readouterr())


# -- parameters and fields


@pytest.mark.parametrize("id", [one.id for one in TABLE if one.policy is not None or one.method == "GET"])
async def test_an_unknown_parameter_is_refused_not_ignored(api: Api, scene: Scene, id: str) -> None:
    if id == "deleteProblem":
        return
    answer = await perform(api, id, scene, query="?colour=red")
    shown = await problem(answer, 422, "invalid-input")
    assert faults_of(shown) == [("query/colour", "unknown-parameter")]


async def test_the_name_of_an_unknown_parameter_is_not_repeated_where_it_may_harm(api: Api) -> None:
    for name in ("%3Cscript%3E", "x" * 50, "%E0%B8%81", "a.b", ""):
        shown = await problem(await api.get("team", f"/v1/areas?{name}=1"), 422, "invalid-input")
        assert faults_of(shown) == [("query/?", "unknown-parameter")]


@pytest.mark.parametrize("id", [one.id for one in TABLE if one.query is not None])
async def test_a_query_that_is_no_utf_8_is_refused(api: Api, scene: Scene, id: str) -> None:
    shown = await problem(await perform(api, id, scene, query="?limit=%ff"), 422, "invalid-input")
    assert faults_of(shown) == [("query/", "malformed-query")]


@pytest.mark.parametrize("id", WITH_BODY)
async def test_an_unknown_field_is_refused_not_ignored(api: Api, scene: Scene, id: str) -> None:
    operation, recipe = OPERATIONS[id], RECIPES[id]
    assert recipe.body is not None
    body = {**recipe.body(scene), "colour": "red"}
    headers = await headers_of(api, operation, scene)
    answer = await everything(api, operation.method, path_of(operation, scene), body, headers=headers)
    shown = await problem(answer, 422, "invalid-input")
    assert ("/colour", "unknown-field") in faults_of(shown)


@pytest.mark.parametrize("id", WITH_BODY)
@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "malformed-json"),
        (b"{", "malformed-json"),
        (b"[]", "wrong-type"),
        (b"null", "wrong-type"),
        (b'"x"', "wrong-type"),
        (b'{"a": 1, "a": 1}', "duplicate-key"),
        (b"[" * 100_000, "too-deep"),
        (b'{"\xff": 1}', "malformed-json"),
        (b'{"a": "\\ud800"}', "malformed-json"),
        (b'\xef\xbb\xbf{"a": 1}', "malformed-json"),
        (b'{"a": NaN}', "malformed-json"),
        (b'{"a": Infinity}', "malformed-json"),
    ],
)
async def test_a_malformed_body_is_refused_everywhere(
    api: Api, scene: Scene, id: str, text: bytes, code: str
) -> None:
    if id == "rotateClientSecret" and not text:
        return  # whose body may be left out
    operation = OPERATIONS[id]
    headers = await headers_of(api, operation, scene)
    answer = await everything(api, operation.method, path_of(operation, scene), text, headers=headers)
    shown = await problem(answer, 422, "invalid-input")
    assert faults_of(shown) == [("", code)]


@pytest.mark.parametrize("id", [one.id for one in TABLE if UUIDS.search(one.path)])
@pytest.mark.parametrize(
    "name", ["42", "x", "{01890000-0000-7000-8000-000000000000}", "01890000000070008000000000000000", "0189000๐-0000-7000-8000-000000000000", "01890000-0000-7000-8000-000000000000%00"],
)  # fmt: skip
async def test_what_is_no_uuid_names_nothing(api: Api, scene: Scene, id: str, name: str) -> None:
    operation, recipe = OPERATIONS[id], RECIPES[id]
    if id == "deleteProblem":
        return
    path = UUIDS.sub(lambda _: quote(name, safe="%"), operation.path)
    body = None if recipe.body is None else recipe.body(scene)
    answer = await everything(api, operation.method, path, body, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert answer.json()["errors"] == []


@pytest.mark.parametrize("name", ["%00", "a%20b", "x" * 65, "ก", "%2e%2e%2fareas"])
@pytest.mark.parametrize("path", ["/v1/areas/", "/v1/agencies/", "/v1/indicators/", "/v1/codes/", "/v1/clients/", "/v1/assistance-events/by-external-id/"])  # fmt: skip
async def test_what_is_no_code_names_nothing(api: Api, path: str, name: str) -> None:
    answer = await everything(api, "GET", path + name)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), answer.text


# -- versions

VERSIONED = [
    one.id
    for one in TABLE
    if one.method == "GET" and not one.many and one.answer is not None and "version" in one.answer.model_fields
]  # fmt: skip


def test_what_can_be_patched_has_a_version() -> None:
    patched = {one.path for one in TABLE if one.method == "PATCH"}
    assert patched <= {OPERATIONS[id].path for id in VERSIONED}
    assert len(patched) >= 7


@pytest.mark.parametrize("id", VERSIONED)
async def test_whoever_has_this_version_gets_304(api: Api, scene: Scene, id: str) -> None:
    path = path_of(OPERATIONS[id], scene)
    read = await everything(api, "GET", path)
    tag = read.headers["etag"]
    assert re.fullmatch(rf'"{read.json()["version"]}(\.u)?"', tag)
    for given in (tag, f"W/{tag}", f'"0", {tag}', "*"):
        again = await everything(api, "GET", path, headers={"If-None-Match": given})
        assert (again.status_code, again.content) == (304, b""), given
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == read.headers["cache-control"]
        assert again.headers["vary"] == read.headers["vary"]
    for given in ('"0"', tag.strip('"'), '"x"', ""):
        answer = await everything(api, "GET", path, headers={"If-None-Match": given})
        assert answer.status_code == 200, given


@pytest.mark.parametrize("id", ["getHousehold", "getPerson"])
async def test_a_masked_and_an_unmasked_reading_are_not_taken_for_each_other(
    api: Api, scene: Scene, id: str
) -> None:
    path = path_of(OPERATIONS[id], scene)
    masked = (await api.get("frontend", path)).headers["etag"]
    unmasked = await api.get("team", path, headers={**PURPOSE, "If-None-Match": masked})
    assert unmasked.status_code == 200
    assert unmasked.headers["etag"] != masked
    assert "X-Purpose" in unmasked.headers["vary"]


@pytest.mark.parametrize("id", [one.id for one in TABLE if one.method == "PATCH"])
async def test_a_patch_needs_the_version_in_force(api: Api, scene: Scene, id: str) -> None:
    operation, recipe = OPERATIONS[id], RECIPES[id]
    assert recipe.body is not None
    path, body = path_of(operation, scene), recipe.body(scene)
    await problem(await everything(api, "PATCH", path, body), 428, "precondition-required")
    for stale in ('"99999"', '"0"', '"x"', "1", '"99998", "99999"', '""', '"-1"', "W/*", ","):
        answer = await everything(api, "PATCH", path, body, headers={"If-Match": stale})
        await problem(answer, 412, "version-mismatch")
    before = await everything(api, "GET", path)
    tag = before.headers["etag"]
    weak = await everything(api, "PATCH", path, body, headers={"If-Match": f"W/{tag}"})
    await problem(weak, 412, "version-mismatch")
    changed = await everything(api, "PATCH", path, body, headers={"If-Match": tag})
    assert changed.status_code == 200
    after = await everything(api, "GET", path)
    assert after.json() == changed.json()
    assert after.headers["etag"] == changed.headers["etag"]
    for given in (f'"99998", W/"1", {after.headers["etag"]}', "*", " * "):
        tag = (await everything(api, "GET", path)).headers["etag"]
        named = given.replace(after.headers["etag"], tag)
        again = await everything(api, "PATCH", path, recipe.body(scene), headers={"If-Match": named})
        assert again.status_code == 200, again.text


# -- lists


@pytest.mark.parametrize("id", PAGED)
async def test_a_page_links_to_the_next(api: Api, scene: Scene, id: str) -> None:
    path = path_of(OPERATIONS[id], scene)
    first = await everything(api, "GET", f"{path}?limit=1&count=exact")
    assert set(first.json()) == {"items", "next_cursor", "total"}
    assert len(first.json()["items"]) == 1
    assert first.json()["total"] > 1
    cursor = first.json()["next_cursor"]
    link = urlsplit(first.links["next"]["url"])
    assert link.path == path
    assert parse_qs(link.query) == {"limit": ["1"], "count": ["exact"], "cursor": [cursor]}
    second = await everything(api, "GET", first.links["next"]["url"])
    assert second.json()["items"] != first.json()["items"]
    assert second.json()["total"] == first.json()["total"]
    last = await everything(api, "GET", f"{path}?limit=200")
    if last.json()["next_cursor"] is None:
        assert "link" not in last.headers
        assert len(last.json()["items"]) == first.json()["total"]


async def test_the_next_page_keeps_the_filters(api: Api, scene: Scene) -> None:
    assert scene["household_id"]
    given = "limit=1&area=42&area=41&sort=-updated_at&source=tpmap"
    first = await everything(api, "GET", f"/v1/households?{given}")
    kept = parse_qs(urlsplit(first.links["next"]["url"]).query)
    assert kept.pop("cursor") == [first.json()["next_cursor"]]
    assert kept == {"limit": ["1"], "area": ["42", "41"], "sort": ["-updated_at"], "source": ["tpmap"]}


@pytest.mark.parametrize("id", PAGED)
async def test_a_total_is_counted_when_asked_for(api: Api, scene: Scene, id: str) -> None:
    path = path_of(OPERATIONS[id], scene)
    without = (await everything(api, "GET", f"{path}?limit=1")).json()
    assert "total" not in without
    estimated = (await everything(api, "GET", f"{path}?limit=1&count=estimated")).json()
    assert isinstance(estimated["total"], int)
    assert estimated["total"] >= 0


@pytest.mark.parametrize("id", PAGED)
@pytest.mark.parametrize(
    ("query", "place", "codes"),
    [
        ("limit=0", "query/limit", {"out-of-range"}),
        ("limit=201", "query/limit", {"out-of-range"}),
        ("limit=-1", "query/limit", {"out-of-range"}),
        ("limit=99999999999999999999", "query/limit", {"out-of-range", "wrong-type"}),
        ("limit=x", "query/limit", {"wrong-type"}),
        ("limit=1.5", "query/limit", {"wrong-type"}),
        ("limit=", "query/limit", {"wrong-type"}),
        ("limit=1&limit=2", "query/limit", {"repeated-parameter"}),
        ("sort=colour", "query/sort", {"unknown-value"}),
        ("count=roughly", "query/count", {"unknown-value"}),
        ("cursor=x", "query/cursor", {"invalid-cursor"}),
        ("cursor=", "query/cursor", {"invalid-cursor"}),
        ("cursor=%E0%B8%81", "query/cursor", {"invalid-cursor"}),
        (f"cursor={'A' * 1000}", "query/cursor", {"invalid-cursor", "too-long"}),
    ],
)
async def test_a_page_that_cannot_be_is_refused(
    api: Api, scene: Scene, id: str, query: str, place: str, codes: set[str]
) -> None:
    path = path_of(OPERATIONS[id], scene)
    shown = await problem(await everything(api, "GET", f"{path}?{query}"), 422, "invalid-input")
    assert [(where, code in codes) for where, code in faults_of(shown)] == [(place, True)]


@pytest.mark.parametrize("id", PAGED)
async def test_a_cursor_of_another_list_is_refused(api: Api, scene: Scene, id: str) -> None:
    other = "listProblems" if id != "listProblems" else "listMenus"
    cursor = (await everything(api, "GET", f"{path_of(OPERATIONS[other], scene)}?limit=1")).json()[
        "next_cursor"
    ]
    answer = await everything(api, "GET", f"{path_of(OPERATIONS[id], scene)}?cursor={cursor}")
    shown = await problem(answer, 422, "invalid-input")
    assert faults_of(shown) == [("query/cursor", "invalid-cursor")]


# -- headers


@pytest.mark.parametrize("path", ["/v1/areas", "/v1/nothing", "/healthz", "/metrics", "/docs", "/openapi.json", "/errors", "/.well-known/jwks.json", "/graphql"])  # fmt: skip
async def test_every_answer_tells_browsers_to_be_careful(api: Api, path: str) -> None:
    answer = await api.get("team", path, headers={"Accept": "text/html"})
    assert SECURITY.items() <= dict(answer.headers).items()
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers
    assert len(answer.headers.get_list("content-security-policy")) == 1


REFERENCE = [one.id for one in TABLE if one.method == "GET" and one.policy is not None and not one.policy.scopes]  # fmt: skip


@pytest.mark.parametrize("id", [id for id in WITH_TOKEN if id not in ("deleteProblem", "revokeClient")])
async def test_nothing_but_reference_data_is_kept_in_a_cache(api: Api, scene: Scene, id: str) -> None:
    answer = await perform(api, id, scene)
    kept = answer.headers["cache-control"]
    if id in REFERENCE and id != "getMyAccess":
        assert kept.startswith("private, ")
        assert "Authorization" in answer.headers["vary"]
    else:
        assert kept == "no-store"
    if OPERATIONS[id].answer is not None:
        assert answer.headers["content-type"] == "application/json"


async def test_a_replayed_answer_is_not_kept_either(api: Api) -> None:
    headers = {"Idempotency-Key": "conventions-2"}
    body = builders.household()
    for _ in range(2):
        answer = await everything(api, "POST", "/v1/households", body, headers=headers)
        assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("key", ["", "x" * 256, "\t", "a\x7fb"])
async def test_an_idempotency_key_has_1_to_255_characters(api: Api, key: str) -> None:
    answer = await everything(
        api, "POST", "/v1/households", builders.household(), headers={"Idempotency-Key": key}
    )
    shown = await problem(answer, 422, "invalid-input")
    assert faults_of(shown) == [("header/Idempotency-Key", "wrong-format")]


# -- whoever is not known


def forged(api: Api, **changes: Any) -> str:
    """A token with something amiss."""
    claims = {
        "keys": api.keyring.signing,
        "issuer": ISSUER,
        "audience": ISSUER,
        "client_id": "demo-team",
        "agency": "SCJP_D-4201",
        "scopes": ["households:read"],
        "areas": ["42"],
        "token_id": "t-1",
        "now": int(time.time()),
        **changes,
    }
    return issue(**claims)


async def revoked(api: Api) -> str:
    """A token that /oauth/token gave to a client that is no more."""
    made = (await everything(api, "POST", "/v1/clients", client())).json()
    basic = httpx2.BasicAuth(made["client_id"], made["client_secret"])
    given = await api.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=basic)
    token: str = given.json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await api.http.get("/v1/me/access", headers=headers)).status_code == 200
    assert (await everything(api, "DELETE", f"/v1/clients/{made['client_id']}")).status_code == 204
    return token


KINDS = ("none", "garbage", "expired", "other issuer", "other audience", "other keys", "revoked", "basic", "empty", "from the future", "unsigned", "cut", "not ascii")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
async def test_whoever_is_not_known_is_challenged(api: Api, kind: str) -> None:
    now = int(time.time())
    good = forged(api)
    sent = {
        "none": None,
        "garbage": "Bearer garbage",
        "expired": f"Bearer {forged(api, now=now - 1000, lifetime=900)}",
        "other issuer": f"Bearer {forged(api, issuer='http://other.test')}",
        "other audience": f"Bearer {forged(api, audience='http://other.test')}",
        "other keys": f"Bearer {forged(api, keys=SigningKeys.generate())}",
        "revoked": f"Bearer {await revoked(api)}" if kind == "revoked" else "",
        "basic": "Basic ZGVtbzpkZW1v",
        "empty": "Bearer ",
        "from the future": f"Bearer {forged(api, now=now + 3600)}",
        "unsigned": f"Bearer {good.rpartition('.')[0]}.",
        "cut": f"Bearer {good[:-1]}",
        "not ascii": f"Bearer {good}é".encode("latin-1"),
    }[kind]
    headers: dict[str, Any] = {} if sent is None else {"Authorization": sent}
    for path in ("/v1/me/access", "/v1/households", "/v1/areas", "/v1/households/x"):
        answer = await api.http.get(path, headers=headers)
        shown = await problem(answer, 401, "unauthenticated")
        assert shown["errors"] == []
        assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    answer = await api.http.post("/graphql", json={"query": "{ me { clientId } }"}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    assert answer.json()["errors"][0]["extensions"]["code"] == "unauthenticated"
