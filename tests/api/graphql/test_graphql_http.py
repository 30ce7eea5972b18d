"""GraphQL over HTTP: media types, statuses, and what is refused before a query is looked at."""

import pytest

from api.graphql.app import negotiated
from tests.api.graphql.fakes import Door

NEW, OLD = "application/graphql-response+json", "application/json"
ME = {"query": "{ me { agency } }"}


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, OLD),
        ("*/*", OLD),
        (OLD, OLD),
        (NEW, NEW),
        (f"{NEW}, {OLD};q=0.9", NEW),
        (f"{OLD}, {NEW};q=0.1", OLD),
        (f"{NEW};q=0, {OLD};q=0.2", OLD),
        ("application/*;q=x, application/graphql-response+json", NEW),
        ("image/png", OLD),
    ],
)
async def test_the_answer_has_the_type_that_was_asked_for(door: Door, accept: str | None, media: str) -> None:
    response = await door.post(ME, accept=accept)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{media}; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert "Accept" in response.headers["vary"]


@pytest.mark.parametrize(
    "query",
    [
        "{",
        "{ nothing }",
        "{ household { id } }",
        "query ($n: Int!) { households(first: $n) { nodes { id } } }",
    ],
)
async def test_a_request_error_is_400_in_the_new_type_and_200_in_the_old(door: Door, query: str) -> None:
    for media, status in ((NEW, 400), (OLD, 200)):
        response = await door.post({"query": query}, accept=media)
        assert response.status_code == status
        assert "data" not in response.json()
        assert response.json()["errors"]


async def test_a_field_error_is_200_in_both(door: Door) -> None:
    for media in (NEW, OLD):
        response = await door.post({"query": '{ household(id: "x") { id } }'}, accept=media)
        assert response.status_code == 200
        assert response.json()["data"] == {"household": None}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed-json"),
        (b"{", "malformed-json"),
        (b"\xff", "malformed-json"),
        (b'{"query": "{me{agency}}", "query": "{me{agency}}"}', "duplicate-key"),
        (b"[" * 100_000 + b"]" * 100_000, "too-deep"),
        (b'[{"query": "{me{agency}}"}]', "batching"),
        (b'{"query": "\\ud800"}', "malformed-text"),
        (b'{"query": "{me{agency}}", "variables": {"a": "\\udfff"}}', "malformed-text"),
        (b"{}", "required"),
        (b'{"query": 1}', "wrong-type"),
        (b'{"query": null}', "wrong-type"),
        (b'{"query": "{me{agency}}", "variables": []}', "wrong-type"),
        (b'{"query": "{me{agency}}", "variables": "{}"}', "wrong-type"),
        (b'{"query": "{me{agency}}", "operationName": 7}', "wrong-type"),
        (b'{"query": "{me{agency}}", "extensions": 7}', "wrong-type"),
        (b'{"query": "{me{agency}}", "hash": 7}', "unknown-field"),
        (b"7", "wrong-type"),
    ],
)
async def test_a_body_that_is_no_request_is_400(door: Door, body: bytes, code: str) -> None:
    response = await door.post(body)
    assert response.status_code == 400
    error = response.json()["errors"][0]
    assert error["extensions"]["code"] == "invalid-input"
    assert error["extensions"]["errors"][0]["code"] == code


@pytest.mark.parametrize("null", ["variables", "operationName", "extensions"])
async def test_null_is_as_good_as_absent(door: Door, null: str) -> None:
    assert (await door.post({**ME, null: None})).status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=tis-620", ""]
)
async def test_another_content_type_is_415(door: Door, kind: str) -> None:
    response = await door.post(ME, Content_Type=kind)
    assert response.status_code == 415
    assert response.json()["errors"][0]["extensions"]["code"] == "unsupported-media-type"


async def test_without_a_token_it_is_401_with_a_challenge(door: Door) -> None:
    for token in (None, "forged"):
        response = await door.post(ME, token=token)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
        assert response.json()["errors"][0]["extensions"]["code"] == "unauthenticated"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_only_post_is_known(door: Door, method: str) -> None:
    response = await door.http.request(method, "/graphql", params={"query": "{ me { agency } }"})
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


def test_no_wish_is_json() -> None:
    assert negotiated("") == OLD
