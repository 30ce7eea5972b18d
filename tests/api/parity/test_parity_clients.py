"""Which clients are an administrator's, through REST and through GraphQL: by their areas and by their agency."""

from typing import Any

import pytest

from domain.access.actor import Scope
from tests.support.doors import AnyDoor

HEALTH = "PROV_MOPH-42"
BEYOND = ("outside-your-areas", (("/agency", "outside-your-areas"),))
ABSENT = ("not-found", ())


def admin_of(*areas: str, agency: str = "PROV_MOPH-41") -> dict[str, Any]:
    """An administrator of a health office, bound to areas: another province's unless told."""
    return {"scopes": [Scope.CLIENTS_ADMIN], "areas": list(areas), "agency": agency}


def draft(agency: str, *areas: str) -> dict[str, Any]:
    return {"name": "ระบบ", "agency": agency, "areas": list(areas), "scopes": ["assistance:read"]}


async def made(door: AnyDoor, agency: str, *areas: str) -> str:
    """The id of a new client, by the country's administrator."""
    found = (await door.create_client("admin", draft(agency, *areas))).good
    assert (found["agency"], found["version"]) == (agency, 1)
    return str(found["client_id"])


async def listed(door: AnyDoor, **bound: Any) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = (await door.clients("admin", limit=200, cursor=cursor, **bound)).good
        found += [one["client_id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize(
    ("agency", "bound"),
    [
        (HEALTH, admin_of("41")),
        (HEALTH, admin_of("4201")),
        (HEALTH, admin_of()),
        ("TAO-420103", admin_of("4202")),
        ("MOPH", admin_of("41")),
        ("MOPH", admin_of("42", agency=HEALTH)),
    ],
)
async def test_a_client_of_an_agency_beyond_the_administrator_is_not_made_and_not_touched(
    door: AnyDoor, agency: str, bound: dict[str, Any]
) -> None:
    before = await listed(door)
    assert (await door.create_client("admin", draft(agency), **bound)).refusal == BEYOND
    assert await listed(door) == before
    client = await made(door, agency)
    # GraphQL answers a query for what is absent with null.
    assert (await door.client("admin", client, **bound)).data is None
    for answer in (
        await door.patch_client("admin", client, {"enabled": False}, version=1, **bound),
        await door.patch_client("admin", client, {"areas": []}, version=9, **bound),
        await door.rotate_client("admin", client, **bound),
        await door.revoke_client("admin", client, **bound),
    ):
        assert answer.refusal == ABSENT
    assert client not in await listed(door, **bound)
    untouched = (await door.client("admin", client)).good
    assert (untouched["enabled"], untouched["version"]) == (True, 1)


@pytest.mark.parametrize(
    ("agency", "areas", "bound"),
    [
        (HEALTH, ["42"], admin_of("42")),
        (HEALTH, [], admin_of("41", "42")),
        ("TAO-420103", ["420103"], admin_of("4201")),
        (HEALTH, ["41"], admin_of("41", agency=HEALTH)),
        ("MOPH", ["41"], admin_of("41", agency="MOPH")),
        ("MOPH", ["*"], admin_of("*")),
    ],
)
async def test_a_client_of_its_own_agency_or_of_one_of_its_areas_is_the_administrators(
    door: AnyDoor, agency: str, areas: list[str], bound: dict[str, Any]
) -> None:
    client = (await door.create_client("admin", draft(agency, *areas), **bound)).good["client_id"]
    assert (await door.client("admin", client, **bound)).good["agency"] == agency
    assert client in await listed(door, **bound)
    patched = await door.patch_client("admin", client, {"name": "ระบบใหม่"}, version=1, **bound)
    assert patched.good["version"] == 2
    assert (await door.rotate_client("admin", client, **bound)).good["version"] == 3
    assert (await door.revoke_client("admin", client, **bound)).code is None
    assert (await door.client("admin", client, **bound)).good["enabled"] is False


async def test_areas_and_agency_are_both_asked_for(door: AnyDoor) -> None:
    """Its own agency does not open areas that it has not, nor an area of its own another's agency."""
    bound = admin_of("41")
    wide = await door.create_client("admin", draft("PROV_MOPH-41", "42"), **bound)
    assert wide.refusal == ("outside-your-areas", (("/areas/0", "outside-your-areas"),))
    both = await door.create_client("admin", draft(HEALTH, "41", "42"), **bound)
    assert [place for place, _ in both.faults] == ["/areas/1", "/agency"]
    for agency, area in (("PROV_MOPH-41", "42"), (HEALTH, "41")):
        client = await made(door, agency, area)
        assert (await door.rotate_client("admin", client, **bound)).refusal == ABSENT
        assert client not in await listed(door, **bound)
