"""Contract 1 over REST, asked of every operation of the table: paths, methods, bodies, parameters and fields."""

import re
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from tests.support.api import PURPOSE, Api
from tests.support.calls import (
    EVERYTHING,
    OPERATIONS,
    READS,
    RECIPES,
    TABLE,
    WITH_BODY,
    Scene,
    everything,
    headers_of,
    path_of,
    perform,
)
from tests.support.refusals import faults_of, problem

UUIDS = re.compile(r"\{(household|person|problem|assignment|event|menu|campaign)_id\}")
PATHS = sorted({one.path for one in TABLE})


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
    if id in ("rotateClientSecret", "rotateWebhookSecret") and not text:
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
