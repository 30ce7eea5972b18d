"""Which documents an Idempotency-Key protects: fragments, skipped fields, and what makes another request."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from api.keyring import Keyring
from tests.support.api import PURPOSE, Api
from tests.support.calls import EVERYTHING

MENU = {"code": "F-1", "titleTh": "เมนู", "kind": "livelihood", "dimension": "INCOME", "leadAgencies": ["PROV_MOPH"], "areas": ["42"]}  # fmt: skip
INPUT = "$input: CreateMenuInput!"
ADD = f"mutation ({INPUT}) {{ createMenu(input: $input) {{ code }} }}"


@pytest.fixture
async def api(dsn: str, keyring: Keyring) -> AsyncIterator[Api]:
    """On a database of each test's own: keys and menus of one are no other's."""
    async with Api.open(dsn, keyring) as opened:
        yield opened


async def sent(
    api: Api, query: str, key: str, code: str = "F-1", **variables: Any
) -> tuple[httpx2.Response, list[str]]:
    """The answer, and the codes of its errors."""
    answer = await api.graphql(
        "center", query, {"input": {**MENU, "code": code}, **variables},
        headers={**PURPOSE, "Idempotency-Key": key}, scopes=EVERYTHING, areas=["*"],
    )  # fmt: skip
    return answer, [one["extensions"]["code"] for one in answer.json().get("errors", [])]


async def menus(api: Api) -> list[str]:
    answer = await api.call("center", "GET", "/v1/menus?q=เมนู", scopes=EVERYTHING, areas=["*"])
    return [one["code"] for one in answer.json()["items"] if one["title_th"] == "เมนู"]


async def added_under(api: Api, query: str, key: str, code: str = "F-1", **variables: Any) -> None:
    """It writes, and is answered again."""
    first, told = await sent(api, query, key, code, **variables)
    assert (first.status_code, told) == (200, []), first.text
    assert first.json()["data"]["createMenu"] == {"code": code}
    again, _ = await sent(api, query, key, code, **variables)
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")


SKIPPED = {
    "skip": f"mutation ({INPUT}) {{ createMenu(input: $input) @skip(if: true) {{ code }} }}",
    "include": f"mutation ({INPUT}, $wanted: Boolean!) {{ createMenu(input: $input) @include(if: $wanted) {{ code }} }}",
    "default": f"mutation ({INPUT}, $not: Boolean = true) {{ createMenu(input: $input) @skip(if: $not) {{ code }} }}",
    "spread": f"""mutation ({INPUT}) {{ ...add @skip(if: true) }}
      fragment add on Mutation {{ createMenu(input: $input) {{ code }} }}""",
    "inline": f"mutation ({INPUT}) {{ ... @include(if: false) {{ createMenu(input: $input) {{ code }} }} }}",
    "beside": f"mutation ({INPUT}) {{ is: __typename createMenu(input: $input) @skip(if: true) {{ code }} }}",
}


@pytest.mark.parametrize("how", SKIPPED)
async def test_a_skipped_mutation_leaves_its_key_free(api: Api, how: str) -> None:
    given = {"wanted": False} if how == "include" else {}
    for _ in range(2):
        answer, told = await sent(api, SKIPPED[how], "skipped", **given)
        assert (answer.status_code, told) == (200, []), answer.text
        assert answer.json()["data"] == ({"is": "Mutation"} if how == "beside" else {})
        assert "idempotency-replayed" not in answer.headers
    assert await menus(api) == []
    await added_under(api, ADD, "skipped")
    assert await menus(api) == ["F-1"]
    # Now it stands for what was written.
    other, told = await sent(api, SKIPPED[how], "skipped", **given)
    assert (other.status_code, told) == (422, ["idempotency-key-reused"])


WRITTEN = {
    "skip": f"mutation ({INPUT}) {{ createMenu(input: $input) @skip(if: false) {{ code }} }}",
    "spread": f"""mutation ({INPUT}) {{ ...add }}
      fragment add on Mutation {{ createMenu(input: $input) {{ code }} }}""",
    "within": f"""fragment outer on Mutation {{ ... on Mutation {{ ...add }} __typename }}
      fragment add on Mutation {{ createMenu(input: $input) {{ code }} }}
      mutation ({INPUT}) {{ ...outer }}""",
    "inline": f"mutation ({INPUT}) {{ ... on Mutation {{ createMenu(input: $input) {{ code }} }} }}",
    "twice": f"""mutation ({INPUT}) {{ ...add createMenu(input: $input) {{ code }} }}
      fragment add on Mutation {{ createMenu(input: $input) {{ code }} }}""",
    "beside": f"mutation ({INPUT}) {{ __typename createMenu(input: $input) {{ code }} }}",
}


@pytest.mark.parametrize("how", WRITTEN)
async def test_a_mutation_may_stand_in_a_fragment(api: Api, how: str) -> None:
    await added_under(api, WRITTEN[how], "fragment")
    assert await menus(api) == ["F-1"]


SEVERAL = {
    "spread and field": f"""mutation ({INPUT}) {{ ...add two: createMenu(input: $input) {{ code }} }}
      fragment add on Mutation {{ createMenu(input: $input) {{ code }} }}""",
    "one or the other": f"""mutation ({INPUT}, $one: Boolean!) {{
      one: createMenu(input: $input) @include(if: $one) {{ code }}
      two: createMenu(input: $input) @skip(if: $one) {{ code }} }}""",
    "query": "query { ...who } fragment who on Query { me { clientId } }",
    "nothing": "mutation { ...none } fragment none on Mutation { __typename }",
    "cycle": f"""mutation ({INPUT}) {{ ...a one: createMenu(input: $input) {{ code }} }}
      fragment a on Mutation {{ ...b two: createMenu(input: $input) {{ code }} }} fragment b on Mutation {{ ...a }}""",
}


@pytest.mark.parametrize("how", SEVERAL)
async def test_several_fields_are_refused_wherever_they_stand(api: Api, how: str) -> None:
    answer, told = await sent(api, SEVERAL[how], "several", one=True)
    assert (answer.status_code, told) == (400, ["idempotency-needs-one-mutation"])
    assert await menus(api) == []


CYCLE = f"""mutation ({INPUT}) {{ ...a }}
  fragment a on Mutation {{ ...b createMenu(input: $input) {{ code }} }} fragment b on Mutation {{ ...a }}"""
ELSEWHERE = f"mutation ({INPUT}) {{ ... on Query {{ createMenu(input: $input) {{ code }} }} }}"


@pytest.mark.parametrize("query", [CYCLE, ELSEWHERE], ids=["cycle", "elsewhere"])
async def test_a_fragment_that_is_not_valid_is_refused_in_its_own_words(api: Api, query: str) -> None:
    _, told = await sent(api, query, "invalid")
    assert told
    assert set(told) == {"invalid-query"}
    await added_under(api, ADD, "invalid")


async def test_a_value_that_becomes_a_variable_is_another_request(api: Api) -> None:
    spelt = """mutation { createMenu(input: {code: "F-1", titleTh: "เมนู", kind: "livelihood", dimension: INCOME,
      leadAgencies: ["PROV_MOPH"], areas: ["42"]}) { code } }"""
    first = await api.graphql(
        "center", spelt, {}, headers={**PURPOSE, "Idempotency-Key": "spelt"}, scopes=EVERYTHING, areas=["*"]
    )
    assert first.json()["data"] == {"createMenu": {"code": "F-1"}}, first.text
    answer, told = await sent(api, ADD, "spelt")
    assert (answer.status_code, told) == (422, ["idempotency-key-reused"])
    # Byte by byte it is the same.
    again = await api.graphql(
        "center", spelt, {}, headers={**PURPOSE, "Idempotency-Key": "spelt"}, scopes=EVERYTHING, areas=["*"]
    )
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    assert await menus(api) == ["F-1"]
