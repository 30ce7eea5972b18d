"""Every POST of the table under an Idempotency-Key: the first answer again, and nothing done twice."""

import asyncio
from typing import Any

import pytest

from tests.support.access import logged
from tests.support.api import PURPOSE, Api
from tests.support.calls import OPERATIONS, RECIPES, TABLE, Scene, everything, make_scene, path_of
from tests.support.idempotency import counts, fresh_api, known

POSTS = [one.id for one in TABLE if one.method == "POST" and one.keyed]
READING = {"issueToken", "revokeToken", "introspectToken", "searchHouseholds", "checkAssistance"}
"""POSTs that make no record: tokens, and reads whose parameters do not belong in a URL. A key changes nothing."""

api = fresh_api


def request_of(id: str, scene: Scene) -> tuple[str, Any]:
    body = RECIPES[id].body
    path = path_of(OPERATIONS[id], scene) + RECIPES[id].query
    return path, None if body is None else body(scene)


def test_no_post_is_left_out() -> None:
    assert {one.id for one in TABLE if one.method == "POST" and not one.keyed} == READING


@pytest.mark.parametrize("id", POSTS)
async def test_a_post_is_done_once_and_answered_again(api: Api, id: str) -> None:
    scene = await make_scene(api)
    path, body = request_of(id, scene)
    headers = {**PURPOSE, "Idempotency-Key": f"key of {id}"}
    answers = await asyncio.gather(*(everything(api, "POST", path, body, headers=headers) for _ in range(8)))
    done = [one for one in answers if one.status_code == OPERATIONS[id].status]
    assert done, answers[0].text
    assert {one.status_code for one in answers if one not in done} <= {409}
    assert {one.json()["code"] for one in answers if one not in done} <= {"idempotency-in-progress"}
    first = next(one for one in done if "idempotency-replayed" not in one.headers)
    # It is masked, whoever asks: what leaves unmasked leaves its line.
    assert await logged(api, first.headers["x-request-id"]) == []
    before = await counts(api)
    again = await everything(api, "POST", path, body, headers=headers)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (first.status_code, "true")
    assert again.headers.get("location") == first.headers.get("location")
    assert known(again.json()) == known(first.json())
    assert await counts(api) == before
    other = await everything(api, "POST", path, {"other": 1}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
