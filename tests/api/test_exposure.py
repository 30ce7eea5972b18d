"""What may be kept and who may ask from a browser: caches, and pages of other origins."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from api.keyring import Keyring
from api.settings import Settings
from tests.support.api import PURPOSE, Api
from tests.support.calls import OPERATIONS, TABLE, Scene, everything, make_scene, path_of, perform

PAGE = "https://app.example.go.th"
PUBLIC = {"getJwks", "getAuthorizationServerMetadata"}
NON_PUBLIC = [one.id for one in TABLE if one.id not in PUBLIC]


@pytest.fixture(scope="module")
async def scene(api: Api) -> Scene:
    return await make_scene(api)


def kept_nowhere(answer: httpx2.Response) -> None:
    told = answer.headers["cache-control"]
    if answer.is_error or not told.startswith("private, "):
        assert told == "no-store", (answer.status_code, told)
    varies = {one.strip() for one in answer.headers.get("vary", "").split(",")}
    if answer.content and not answer.request.url.path.startswith("/oauth/"):
        assert "Authorization" in varies, answer.status_code


@pytest.mark.parametrize("id", NON_PUBLIC)
async def test_no_answer_that_is_not_public_is_kept(api: Api, scene: Scene, id: str) -> None:
    """Refused in every way, and answered: 401, 403, 404, 405, 412 to 422, 304 and 2xx."""
    operation = OPERATIONS[id]
    path = path_of(operation, scene)
    answers = [
        await api.call(None, operation.method, path),
        await perform(api, id, scene, scopes=[]),
        await perform(api, id, scene, areas=["99"]),
        await perform(api, id, scene, query="?colour=red"),
        await perform(api, id, scene, headers={"X-Purpose": "no-such"}),
        await everything(api, operation.method, path, b"{", headers={"If-Match": '"1"'}),
        await everything(api, operation.method, path, b"{}", headers={"Content-Type": "text/plain"}),
        await everything(api, operation.method, path, b"{}", headers={"Content-Encoding": "gzip"}),
        await everything(api, "BREW", path),
        await everything(api, operation.method, f"{path}?{'x' * 9000}"),
    ]
    if operation.method == "GET":
        found = await perform(api, id, scene)
        answers.append(found)
        if "etag" in found.headers:
            same = {**PURPOSE, "If-None-Match": found.headers["etag"]}
            answers.append(await everything(api, "GET", path, headers=same))
            assert answers[-1].status_code == 304
    for answer in answers:
        kept_nowhere(answer)
    assert {401, 405, 414} <= {one.status_code for one in answers} or id in ("issueToken", "revokeToken", "introspectToken")  # fmt: skip


async def test_graphql_is_kept_nowhere_either(api: Api) -> None:
    for answer in (
        await api.graphql("team", "{ me { clientId } }"),
        await api.graphql(None, "{ me { clientId } }"),
        await api.graphql("team", "{ nonsense }"),
        await api.call("team", "POST", "/graphql", b"{}", headers={"Content-Encoding": "gzip"}),
        await api.call("team", "PUT", "/graphql"),
    ):
        assert answer.headers["cache-control"] == "no-store"
        assert "Authorization" in answer.headers["vary"]


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "identity, gzip", "x"])
async def test_a_compressed_body_is_refused(api: Api, coding: str) -> None:
    for path in ("/v1/households", "/graphql"):
        answer = await everything(api, "POST", path, b"{}", headers={"Content-Encoding": coding})
        assert answer.status_code == 415
    form = {"Content-Encoding": coding, "Content-Type": "application/x-www-form-urlencoded"}
    answer = await api.http.post("/oauth/token", content=b"grant_type=client_credentials", headers=form)
    assert answer.status_code == 415


@pytest.mark.parametrize("charset", ["tis-620", "windows-874", "utf-16", '"latin1"', ""])
async def test_another_character_set_is_refused(api: Api, charset: str) -> None:
    kind = {"Content-Type": f"application/json; charset={charset}"}
    for path in ("/v1/households", "/graphql"):
        answer = await everything(api, "POST", path, b"{}", headers=kind)
        assert answer.status_code == 415, path
    for kept in ("utf-8", "UTF-8", '"utf-8"'):
        kind = {"Content-Type": f"application/json ; Charset={kept}"}
        assert (await everything(api, "POST", "/v1/households", b"{}", headers=kind)).status_code == 422


# -- pages of other origins


@pytest.fixture(scope="module")
async def crossed(module_dsn: str, keyring: Keyring) -> AsyncIterator[Api]:
    settings = Settings(cors_origins=f"{PAGE}, https://other.example.go.th:8443")
    async with Api.open(module_dsn, keyring, settings) as opened:
        yield opened


ASKED = {
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization, content-type, if-match, x-purpose, idempotency-key",
}


async def test_a_page_of_a_named_origin_may_ask(crossed: Api) -> None:
    asked = await crossed.http.options("/v1/households", headers={"Origin": PAGE, **ASKED})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == PAGE
    assert "PATCH" in asked.headers["access-control-allow-methods"]
    assert asked.headers["x-content-type-options"] == "nosniff"
    for path, status in (("/v1/areas/42", 200), ("/v1/areas/99", 404), ("/v1/households", 403)):
        answer = await crossed.get("importer", path, headers={"Origin": PAGE})
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in answer.headers["vary"]
        shown = {one.strip() for one in answer.headers["access-control-expose-headers"].split(",")}
        assert {"ETag", "Link", "Location", "RateLimit", "Retry-After", "X-Request-Id"} <= shown


@pytest.mark.parametrize("origin", ["https://evil.example", "http://app.example.go.th", f"{PAGE}.evil.example", f"{PAGE}:443", "null", "*"])  # fmt: skip
async def test_a_page_of_another_origin_may_not(crossed: Api, origin: str) -> None:
    asked = await crossed.http.options("/v1/households", headers={"Origin": origin, **ASKED})
    assert asked.status_code == 400
    answer = await crossed.get("team", "/v1/areas/42", headers={"Origin": origin})
    for one in (asked, answer):
        assert "access-control-allow-origin" not in one.headers


async def test_without_the_setting_no_page_may(api: Api) -> None:
    asked = await api.http.options("/v1/areas", headers={"Origin": PAGE, **ASKED})
    assert asked.status_code == 405
    answer = await api.get("team", "/v1/areas", headers={"Origin": PAGE})
    for one in (asked, answer):
        assert not [name for name in one.headers if name.startswith("access-control-")]
