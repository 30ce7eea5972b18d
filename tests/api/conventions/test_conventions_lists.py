"""Contract 1 over REST, asked of every operation of the table: versions and lists."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.api import PURPOSE, Api
from tests.support.calls import OPERATIONS, PAGED, RECIPES, TABLE, Scene, everything, path_of, versioned_path
from tests.support.refusals import faults_of, problem

# -- versions

VERSIONED = [
    one.id
    for one in TABLE
    if one.method == "GET" and not one.many and one.answer is not None and "version" in one.answer.model_fields
]  # fmt: skip


def test_what_can_be_patched_has_a_version() -> None:
    # A membership is part of its household, whose version it is patched at.
    patched = {one.path.partition("/members/")[0] for one in TABLE if one.method == "PATCH"}
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
    whole = versioned_path(operation, scene)
    await problem(await everything(api, "PATCH", path, body), 428, "precondition-required")
    for stale in ('"99999"', '"0"', '"x"', "1", '"99998", "99999"', '""', '"-1"', "W/*", ","):
        answer = await everything(api, "PATCH", path, body, headers={"If-Match": stale})
        await problem(answer, 412, "version-mismatch")
    before = await everything(api, "GET", whole)
    tag = before.headers["etag"]
    weak = await everything(api, "PATCH", path, body, headers={"If-Match": f"W/{tag}"})
    await problem(weak, 412, "version-mismatch")
    changed = await everything(api, "PATCH", path, body, headers={"If-Match": tag})
    assert changed.status_code == 200
    after = await everything(api, "GET", whole)
    assert after.json() == changed.json()
    assert after.headers["etag"] == changed.headers["etag"]
    for given in (f'"99998", W/"1", {after.headers["etag"]}', "*", " * "):
        tag = (await everything(api, "GET", whole)).headers["etag"]
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
