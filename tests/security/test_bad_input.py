"""Hostile text in every place that takes text: refused or kept as text, never a failure, never repeated.

Tokens are tests/auth's, bodies and pages tests/api/conventions', GraphQL's documents test_bad_graphql.py's.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any, get_origin
from urllib.parse import quote

import httpx2
import pytest

from tests.support.api import ISSUER, Api
from tests.support.calls import (
    OPERATIONS,
    PAGED,
    RECIPES,
    TABLE,
    WITH_BODY,
    Scene,
    everything,
    headers_of,
    make_scene,
    path_of,
)
from tests.support.hostile import MARK, TEXTS

REFUSALS = {400, 401, 403, 404, 405, 409, 412, 413, 414, 415, 422, 428, 429, 431}
FILTERED = [one.id for one in TABLE if one.query is not None]
IN_URLS = [quote(text[:1_000]) for text in TEXTS]
"""The longest, escaped, is still longer than a URL may be."""


@pytest.fixture(scope="module")
async def scene(api: Api) -> Scene:
    return await make_scene(api)


def assert_refused_or_taken(answer: httpx2.Response, *, sent_in_path: bool = False) -> None:
    assert answer.status_code in REFUSALS or answer.is_success, (answer.status_code, answer.text)
    if answer.is_success:
        return
    shown = answer.json()
    # `instance` is the path of the request (RFC 9457).
    text = json.dumps(
        {name: one for name, one in shown.items() if name != "instance" or not sent_in_path},
        ensure_ascii=False,
    )
    assert MARK not in text
    assert MARK not in repr(answer.headers.multi_items())
    assert "set-cookie" not in answer.headers


# -- filters, orders and pages


@pytest.mark.parametrize("id", FILTERED)
async def test_no_filter_is_a_statement(api: Api, scene: Scene, id: str) -> None:
    operation = OPERATIONS[id]
    assert operation.query is not None
    path = path_of(operation, scene)
    usual = await everything(api, "GET", path)
    for name in operation.query.model_fields:
        for text in IN_URLS:
            answer = await everything(api, "GET", f"{path}?{name}={text}")
            assert_refused_or_taken(answer)
            if answer.is_success and OPERATIONS[id].many:
                # It was looked for as it stands, and is nowhere.
                assert answer.json()["items"] == [], (name, text)
    after = await everything(api, "GET", path)
    assert after.text == usual.text


@pytest.mark.parametrize("id", FILTERED)
async def test_no_name_of_a_parameter_is_a_statement(api: Api, scene: Scene, id: str) -> None:
    for text in IN_URLS:
        answer = await everything(api, "GET", f"{path_of(OPERATIONS[id], scene)}?{text}=1")
        assert answer.status_code in (414, 422)
        assert_refused_or_taken(answer)


async def test_wildcards_are_letters(api: Api, scene: Scene) -> None:
    """What LIKE and regular expressions would take for anything is looked for as it stands."""
    for text in ("%", "_", "%%", "_" * 6, "ส%", ".*", "^", "สม_รี", "\\", "\\%", "[ก-ฮ]"):
        found = await everything(api, "POST", "/v1/households/search", {"name": text})
        assert found.status_code in (200, 422), found.text
        assert found.status_code == 422 or found.json()["items"] == [], text
        for path in ("/v1/areas", "/v1/menus"):
            listed = await everything(api, "GET", f"{path}?q={quote(text)}")
            assert listed.status_code == 422 or listed.json()["items"] == [], (path, text)


@pytest.mark.parametrize("id", PAGED)
async def test_a_cursor_is_of_one_list_order_and_agency_and_nobody_s_to_change(
    api: Api, scene: Scene, id: str
) -> None:
    path = path_of(OPERATIONS[id], scene)
    first = await everything(api, "GET", f"{path}?limit=1")
    cursor = first.json()["next_cursor"]
    if cursor is None:
        from api.paging import Cursors

        cursor = Cursors(api.keyring.cursor_key).encode(f"{OPERATIONS[id].path} created_at SCJP_P-42", ("x",))
    sort = (
        "-created_at"
        if id
        not in (
            "listAreas",
            "listAgencies",
            "listIndicators",
            "listCampaigns",
            "listPersonAccessLog",
            "listHouseholdHistory",
        )
        else None
    )
    others = [
        cursor[:-1],
        cursor + "A",
        cursor[::-1],
        cursor.swapcase(),
        "A" * len(cursor),
        f"{cursor}\x00",
        f"{cursor}' --",
    ]
    for other in others:
        answer = await everything(api, "GET", f"{path}?cursor={quote(other)}")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "invalid-cursor"), other
        assert other not in answer.text
    if first.json()["next_cursor"] is None:
        return
    assert (await everything(api, "GET", f"{path}?cursor={cursor}")).status_code == 200
    other_agency = await everything(api, "GET", f"{path}?cursor={cursor}", agency="PROV_MOPH-42")
    assert other_agency.json()["errors"][0]["code"] == "invalid-cursor"
    if sort is not None:
        other_order = await everything(api, "GET", f"{path}?cursor={cursor}&sort={sort}")
        assert other_order.status_code == 422


# -- bodies


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a text, or anything else that is no object or list, stands in a body."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from places(one, (*path, name))
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from places(one, (*path, at))
    else:
        yield path


def with_text(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    made = copy.deepcopy(body)
    inner = made
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return made


@pytest.mark.parametrize("id", [id for id in WITH_BODY if RECIPES[id].body is not None])
async def test_no_text_of_a_body_is_more_than_text(api: Api, scene: Scene, id: str) -> None:
    operation, make = OPERATIONS[id], RECIPES[id].body
    assert make is not None
    whole = make(scene)
    for place in places(whole):
        # One text after the other, each in another place: every place meets several, and every text all kinds.
        for text in TEXTS[sum(map(len, map(str, place))) % 3 :: 3]:
            headers = await headers_of(api, operation, scene)
            path = path_of(operation, scene)
            answer = await everything(
                api, operation.method, path, with_text(make(scene), place, text), headers=headers
            )
            assert_refused_or_taken(answer)


@pytest.mark.parametrize("id", [id for id in WITH_BODY if RECIPES[id].body is not None])
async def test_no_name_in_a_body_breaks_a_pointer(api: Api, scene: Scene, id: str) -> None:
    operation, make = OPERATIONS[id], RECIPES[id].body
    assert make is not None
    for name in (*TEXTS, "", "a/b", "~", "~1", "0", "-", "__proto__", "constructor", "a" * 10_000):
        headers = await headers_of(api, operation, scene)
        body = {**make(scene), name: MARK}
        answer = await everything(api, operation.method, path_of(operation, scene), body, headers=headers)
        assert answer.status_code == 422, (name, answer.text)
        assert_refused_or_taken(answer)
        for fault in answer.json()["errors"]:
            assert len(fault["pointer"]) < 100
            assert "~" not in fault["pointer"]


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 5_000, "1." + "0" * 5_000, "-0", "1e-400", "9223372036854775808", "2147483648", "0x10", "1_000"])  # fmt: skip
async def test_a_number_beyond_all_measure_is_refused(api: Api, scene: Scene, number: str) -> None:
    household = f'{{"area_code": "420101", "annual_income_per_person": {number}}}'
    problem = f'{{"household_id": "{scene["household_id"]}", "dimension": "income", "fiscal_year": {number}}}'
    event = f'{{"external_id": "N", "household": {{"id": "{scene["household_id"]}"}}, "dimension": "income", "assistance_type": "livelihood", "provided_on": "2026-02-01", "value_baht": {number}}}'
    for path, text in (
        ("/v1/households", household),
        ("/v1/problems", problem),
        ("/v1/assistance-events", event),
    ):
        answer = await everything(api, "POST", path, text.encode())
        assert answer.status_code in (200, 201, 409, 422), answer.text
        assert answer.is_success or number not in answer.text or len(number) < 4


@pytest.mark.parametrize("text", [b"\\ud800", b"\\udfff\\ud800", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\\u0000", b"\x00"])  # fmt: skip
async def test_what_is_no_text_is_refused_wherever_it_stands(api: Api, text: bytes) -> None:
    for body in (
        b'{"area_code": "420101", "address": {"house_no": "' + text + b'"}}',
        b'{"area_code": "420101", "' + text + b'": 1}',
        b'{"area_code": "' + text + b'"}',
    ):
        assert (await everything(api, "POST", "/v1/households", body)).status_code == 422
    for path in (
        "/v1/areas?q=%ED%A0%80",
        "/v1/areas?q=%C0%AF",
        "/v1/areas?q=%00",
        "/v1/areas/%ED%A0%80",
        "/v1/areas/%C0%AF",
    ):
        assert (await everything(api, "GET", path)).status_code in (404, 422)


# -- headers

HEADERS = ("X-Request-Id", "X-Purpose", "If-None-Match", "If-Match", "Idempotency-Key", "Accept", "Content-Type", "Host", "X-Forwarded-Host", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "Origin", "Range", "Expect", "Cookie", "Accept-Language", "X-HTTP-Method-Override", "Authorization")  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
async def test_no_header_becomes_another(api: Api, name: str) -> None:
    for text in (*TEXTS[:-4], "x" * 300, "1" * 13):
        value = text.encode("utf-8")
        for method, path, body in (
            ("GET", "/v1/areas/420101", None),
            ("POST", "/v1/households", {"area_code": "x"}),
        ):
            answer = await everything(api, method, path, body, headers={name: value})  # type: ignore[dict-item]
            assert_refused_or_taken(answer)
            assert MARK not in repr(answer.headers.multi_items())
            assert MARK not in answer.text


@pytest.mark.parametrize("path", ["/v1/areas?limit=1", "/.well-known/oauth-authorization-server", "/openapi.json", "/v1/nothing", "/docs", "/graphql"])  # fmt: skip
async def test_the_host_that_is_named_is_not_believed(api: Api, scene: Scene, path: str) -> None:
    for name in ("Host", "X-Forwarded-Host", "Forwarded"):
        value = f"host={MARK}.test" if name == "Forwarded" else f"{MARK}.test"
        answer = await everything(api, "GET", path, headers={name: value, "Accept": "text/html"})
        assert MARK not in answer.text
        assert MARK not in repr(answer.headers.multi_items())
        assert ISSUER.startswith("http://kaejon")


# -- paths


@pytest.mark.parametrize("inner", ["..", "%2e%2e", "..%2f..%2f", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c..%5c", "%252e%252e%252f", "....//", "/etc/passwd", "%00", ";x=1", "..;/", "%c0%ae%c0%ae", "~root", "C:%5c"])  # fmt: skip
@pytest.mark.parametrize("root", ["/assets/", "/docs/", "/errors/", "/v1/codes/", "/v1/areas/", "/v1/menus/", "/v1/assistance-events/by-external-id/", "/.well-known/", "/"])  # fmt: skip
async def test_a_path_leads_nowhere_else(api: Api, root: str, inner: str) -> None:
    for tail in ("", "pyproject.toml", "/pyproject.toml", "keys.json"):
        url = httpx2.URL(ISSUER).copy_with(raw_path=f"{root}{inner}{tail}".encode())
        token = api.token("center", areas=["*"])
        answer = await api.http.get(url, headers={"Authorization": f"Bearer {token}"})
        if answer.is_success:
            # `..` of a path that means another one of ours, or the page itself: nothing of the machine.
            assert "[project]" not in answer.text
            assert "root:" not in answer.text
            continue
        assert answer.status_code in (404, 405, 422), (url, answer.status_code)


@pytest.mark.parametrize("id", [one.id for one in TABLE if "{" in one.path and one.policy is not None])
async def test_no_text_in_a_path_is_a_statement(api: Api, scene: Scene, id: str) -> None:
    operation = OPERATIONS[id]
    if operation.status == 405:
        return
    body = None if RECIPES[id].body is None else RECIPES[id].body(scene)  # type: ignore[misc]
    for text in TEXTS:
        path = operation.path.replace(":path}", "}")
        start, end = path.index("{"), path.index("}") + 1
        answer = await everything(
            api,
            operation.method,
            path[:start] + quote(text[:1_000], safe="") + path[end:],
            body,
            headers={"If-Match": '"1"'},
        )
        # An external id is its agency's own text, and one that was recorded above is found again.
        named = answer.status_code == 200 and id == "getAssistanceByExternalId"
        assert answer.status_code in (404, 405, 414, 422) or named, answer.text
        assert_refused_or_taken(answer, sent_in_path=True)


def test_every_text_is_looked_for_in_every_list() -> None:
    """The lists of this module are those of the table, and their filters are texts, or lists of them."""
    assert set(PAGED) <= set(FILTERED)
    assert all(
        get_origin(field.annotation) in (list, None) or field.annotation
        for one in TABLE
        if one.query
        for field in one.query.model_fields.values()
    )
