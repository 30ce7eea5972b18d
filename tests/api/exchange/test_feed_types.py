"""Whoever could be told of nothing is refused, and not left to walk empty pages for ever."""

import pytest

from domain.exchange.changes import ANY_TYPE, HEARD_WITH, READ_BY, ChangeType
from tests.support.api import Api
from tests.support.calls import campaign, everything, told
from tests.support.doors import GraphqlDoor
from tests.support.feed import asked, followed, now

FOLLOWER = "changes:read"


async def by_graphql(api: Api, types: list[str] | None, scopes: list[str]) -> tuple[str | None, str | None]:
    arguments = {} if types is None else {"types": types}
    answer = await GraphqlDoor(api).query("center", "changes", arguments, scopes=scopes, areas=["*"])
    return answer.code, answer.more.get("scope")


@pytest.mark.parametrize("beside", [[], ["households:write", "webhooks:write", "persons:pii"]])
async def test_whoever_may_read_nothing_that_changes_is_refused(api: Api, beside: list[str]) -> None:
    scopes = [FOLLOWER, *beside]
    refused = await asked(api, claims={"scopes": scopes}, after="latest")
    assert told(refused) == (403, "insufficient-scope")
    assert refused.json()["scope"] == " ".join(ANY_TYPE)
    assert await by_graphql(api, None, scopes) == ("insufficient-scope", " ".join(ANY_TYPE))


@pytest.mark.parametrize("scope", sorted(ANY_TYPE))
async def test_one_scope_of_any_type_suffices(api: Api, scope: str) -> None:
    scopes = [FOLLOWER, scope]
    assert told(await asked(api, claims={"scopes": scopes})) == (200, None)
    assert (await by_graphql(api, None, scopes))[0] is None


@pytest.mark.parametrize("type", [one for one in ChangeType if HEARD_WITH[one]])
async def test_a_type_that_the_caller_may_not_see_is_refused_by_name(api: Api, type: ChangeType) -> None:
    lacking = [FOLLOWER, "menus:read" if type is not ChangeType.MENU else "problems:read"]
    named = " ".join(HEARD_WITH[type])
    refused = await asked(api, claims={"scopes": lacking}, types=[type, "campaign"])
    assert told(refused) == (403, "insufficient-scope")
    assert refused.json()["scope"] == named
    assert await by_graphql(api, [type], lacking) == ("insufficient-scope", named)
    # Any of the scopes that it names opens it.
    for scope in HEARD_WITH[type]:
        assert told(await asked(api, claims={"scopes": [FOLLOWER, scope]}, types=[type])) == (200, None)


async def test_campaigns_are_everybody_s_who_names_them(api: Api) -> None:
    start = await now(api)
    made = await everything(api, "POST", "/v1/campaigns", campaign())
    assert made.status_code == 201, made.text
    items, _ = await followed(api, start, claims={"scopes": [FOLLOWER]}, types=["campaign"])
    assert [one["resource_id"] for one in items] == [made.json()["id"]]


def test_what_is_heard_with_is_what_is_read_with() -> None:
    for one in ChangeType:
        assert set(READ_BY[one].scopes) <= set(HEARD_WITH[one])
    assert [one for one in ChangeType if not HEARD_WITH[one]] == [ChangeType.CAMPAIGN]
