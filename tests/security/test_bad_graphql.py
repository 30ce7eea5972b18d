"""GraphQL asked for what would cost, loop, or tell: refused with a code, before anything runs.

The limits one by one are tests/api/graphql's; here they are asked over the whole application, with a token that may
do everything, and nothing of what was sent comes back.
"""

import json
from typing import Any

import httpx2
import pytest
from graphql import get_introspection_query

from tests.support.api import PURPOSE, Api
from tests.support.calls import EVERYTHING, Scene, make_scene
from tests.support.fields import QUERIES, ask
from tests.support.hostile import MARK, TEXTS

CODES = {
    "malformed-query", "invalid-query", "invalid-input", "unknown-operation", "query-too-deep", "query-too-long", "query-too-complex",
    "too-many-tokens", "too-many-aliases", "too-many-repeats", "too-many-fragments", "too-much-introspection", "not-found",
    "precondition-required", "outside-your-areas", "unknown-household", "personal-data",
}  # fmt: skip
BOMB = "".join(f"fragment F{n} on Household {{ ...F{n + 1} ... {{ ...F{n + 1} }} }} " for n in range(45))
HOSTILE = {
    "fragment cycle": "{ households { nodes { ...A } } } fragment A on Household { ...B } fragment B on Household { ...A }",
    "fragment of itself": "{ households { nodes { ...A } } } fragment A on Household { problems { household { ...A } } }",
    "cycle that is not used": "{ me { agency } } fragment A on Household { ...A }",
    "fragment bomb": "{ households { nodes { ...F0 } } } " + BOMB + "fragment F45 on Household { id }",
    "many fragments": "{ me { agency } } " + " ".join(f"fragment G{n} on Household {{ id }}" for n in range(60)),
    "directives": "{ me { agency " + "@include(if: true) " * 800 + "} }",
    "unknown directives": "{ me { agency " + "@a " * 900 + "} }",
    "repeated directive": "{ me @skip(if: false) @skip(if: false) { agency } }",
    "aliases": "{" + " ".join(f"a{n}: households {{ nodes {{ id }} }}" for n in range(40)) + "}",
    "aliases of costly lists": "{" + " ".join(f"a{n}: households(first: 200) {{ totalCount nodes {{ problems {{ id }} assignments {{ id }} }} }}" for n in range(25)) + "}",
    "one field a thousand times": "{ me { " + "agency " * 1_000 + "} }",
    "deep": "{ households { nodes " + "{ problems { household " * 200 + "{ id }" + " } }" * 200 + " } }",
    "braces": "{" * 50_000,
    "brackets": "query ($a: " + "[" * 20_000 + ") { me { agency } }",
    "list in list": "{ households(filter: {area: " + "[" * 900 + '"42"' + "]" * 900 + "}) { nodes { id } } }",
    "object in object": "mutation { createHousehold(input: " + "{a: " * 900 + "1" + "}" * 900 + ") { id } }",
    "introspection, deep": "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }",
    "introspection, often": "{" + " ".join(f"s{n}: __schema {{ types {{ name }} }}" for n in range(10)) + "}",
    "long": "{ me { agency } } #" + "x" * 150_000,
    "tokens": "{ me { agency } } " + "# \n" * 10 + " ".join(f"query Q{n} {{ me {{ agency }} }}" for n in range(500)),
    "block string": '{ household(id: """' + '\\"""' * 3_000 + '""") { id } }',
    "huge number": "{ households(first: " + "9" * 5_000 + ") { nodes { id } } }",
    "huge float": "{ households(first: 1e400) { nodes { id } } }",
    "subscription": "subscription { households { id } }",
    "two unnamed": "{ me { agency } } { me { agency } }",
    "definitions of types": "type Query { a: Int } { me { agency } }",
    "variables in a circle": "query ($a: Int = $b, $b: Int = $a) { households(first: $a) { nodes { id } } }",
    "many variables": "query (" + " ".join(f"$v{n}: Int" for n in range(1_500)) + ") { me { agency } }",
    "on another type": "{ household(id: \"x\") { ... on Client { clientId } } }",
    "escape": '{ household(id: "\\u0000\\uD800") { id } }',
    "byte order mark inside": "{ me \ufeff\x00 { agency } }",
}  # fmt: skip


@pytest.fixture(scope="module")
async def scene(api: Api) -> Scene:
    return await make_scene(api)


async def post(api: Api, body: Any) -> httpx2.Response:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode("utf-8", "surrogatepass")
    return await api.call("center", "POST", "/graphql", sent, headers=PURPOSE, scopes=EVERYTHING, areas=["*"])


def assert_refused(answer: httpx2.Response) -> None:
    assert answer.status_code in (200, 400, 413, 422), answer.text
    errors = answer.json()["errors"]
    assert {one["extensions"]["code"] for one in errors} <= CODES, errors
    assert MARK not in answer.text


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_document_is_refused(api: Api, kind: str) -> None:
    answer = await post(api, {"query": HOSTILE[kind]})
    assert_refused(answer)
    assert not any((answer.json().get("data") or {}).values())
    assert len(answer.text) < 20_000


@pytest.mark.parametrize("body", [[{"query": "{ me { agency } }"}], [{"query": "{ me { agency } }"}] * 1_000, [], [[]], [1, {"query": 1}]])  # fmt: skip
async def test_there_is_no_batching(api: Api, body: Any) -> None:
    answer = await post(api, body)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert [one["code"] for one in error["extensions"]["errors"]] == ["batching"]


@pytest.mark.parametrize(
    "variables",
    [MARK, [MARK], {"n": MARK}, {"n": 2**31}, {"n": -(2**31) - 1}, {"n": 10**400}, {"n": 1.5}, {"n": True}, {"n": [1]}, {"n": {"a": 1}}, {"n": 201}, {"n": 0}, {"n": -1}, {"n": 1e300}, {"n": f"{MARK}\ud800"}],
)  # fmt: skip
async def test_a_variable_of_another_type_is_refused(api: Api, variables: Any) -> None:
    query = "query ($n: Int!) { households(first: $n) { nodes { id } } }"
    assert_refused(await post(api, {"query": query, "variables": variables}))


@pytest.mark.parametrize(
    "body",
    [
        {"query": None}, {"query": 1}, {"query": ["{ me { agency } }"]}, {}, {"query": "{ me { agency } }", MARK: 1}, {"query": "{ me { agency } }", "operationName": 1},
        {"query": "{ me { agency } }", "operationName": MARK}, {"query": "{ me { agency } }", "extensions": [MARK]}, {"query": "{ me { agency } }", "variables": "x"},
        {"id": MARK}, {"query": "", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": MARK}}}, {"query": "\ud800"}, {"query": "\x00"},
    ],
)  # fmt: skip
async def test_a_body_that_is_no_request_is_refused(api: Api, body: Any) -> None:
    answer = await post(api, body)
    assert answer.status_code in (200, 400)
    shown = answer.text if MARK not in body else answer.text.replace(MARK, "", 1)
    assert MARK not in shown, "but the harmless name of an unknown member"
    assert answer.json()["errors"]


@pytest.mark.parametrize("field", QUERIES)
async def test_no_text_of_an_argument_is_more_than_text(api: Api, scene: Scene, field: str) -> None:
    arguments = dict(QUERIES[field][1](scene))
    if not arguments or not all(isinstance(one, str) for one in arguments.values()):
        return
    (name,) = arguments
    for text in TEXTS:
        answer = await ask(api, field, {**scene, **dict.fromkeys(scene, text)})
        assert answer.code in ("not-found", "invalid-input", None), answer.response.text
        assert answer.code is None or MARK not in answer.response.text, name


@pytest.mark.parametrize(
    "field", ["households", "problems", "assignments", "assistanceEvents", "menus", "areas", "agencies"]
)
async def test_no_cursor_or_filter_is_a_statement(api: Api, field: str) -> None:
    for text in TEXTS:
        query = f"query ($t: String) {{ {field}(after: $t) {{ nodes {{ __typename }} }} }}"
        answer = await post(api, {"query": query, "variables": {"t": text}})
        assert answer.json()["errors"][0]["extensions"]["errors"][0]["code"] in (
            "invalid-cursor",
            "malformed-text",
        )
        assert MARK not in answer.text


async def test_a_cursor_of_another_agency_list_or_order_is_refused(api: Api, scene: Scene) -> None:
    await make_scene(api)
    first = "{ households(first: 1) { pageInfo { endCursor } } }"
    cursor = (await post(api, {"query": first})).json()["data"]["households"]["pageInfo"]["endCursor"]
    told = [
        await api.graphql(
            "center",
            query,
            {"c": cursor},
            scopes=[s for s in EVERYTHING if s != "persons:pii"],
            areas=["*"],
            **claims,
        )
        for query, claims in (
            ("query ($c: String) { households(after: $c) { nodes { id } } }", {"agency": "PROV_MOPH-42"}),
            ("query ($c: String) { problems(after: $c) { nodes { id } } }", {}),
            ("query ($c: String) { households(after: $c, sort: CREATED_AT_DESC) { nodes { id } } }", {}),
            ("query ($c: String) { households(after: $c) { nodes { id } } }", {}),
        )
    ]
    codes = [
        one.json().get("errors", [{"extensions": {"code": None}}])[0]["extensions"]["code"] for one in told
    ]
    assert codes[:2] == ["invalid-input"] * 2
    assert codes[3] is None


async def test_a_suggestion_names_what_introspection_names_anyway(api: Api) -> None:
    """`Did you mean` is harmless because the whole schema may be read by whoever has a token."""
    schema = (await post(api, {"query": get_introspection_query()})).json()["data"]["__schema"]
    names = {field["name"] for kind in schema["types"] for field in kind["fields"] or ()}
    answer = await post(api, {"query": '{ household(id: "x") { membrs { id } secretHash } }'})
    for error in answer.json()["errors"]:
        _, _, suggested = error["message"].partition("Did you mean")
        assert {word.strip("'? ,.") for word in suggested.split() if word.startswith("'")} <= names
    assert not {
        name
        for name in names
        if ("hash" in name.lower() and name != "sha256")
        or "sealed" in name.lower()
        or "blind" in name.lower()
    }
