"""Exports through GraphQL: asked for, looked at and cancelled there, as over REST."""

from domain.access.actor import Scope
from tests.support import exports
from tests.support.api import Api
from tests.support.calls import but
from tests.support.doors import GraphqlDoor

SHOWN = " { id type area format status errorCode unmasked feedPosition output { type url count size sha256 part } deleted { type id } }"


async def test_an_export_is_asked_for_made_and_read(api: Api) -> None:
    await exports.known(api, "center")
    door = GraphqlDoor(api)
    asked = (
        await door.mutation("center", "createExport", {"type": "households", "format": "csv", "area": "42"})
    ).good
    assert (asked["status"], asked["unmasked"], asked["output"]) == ("queued", True, [])
    await exports.make(api, asked["id"])
    found = (await door.query("center", "export", {"id": asked["id"]}, select=SHOWN)).good
    rest = (await api.get("center", f"/v1/exports/{asked['id']}")).json()
    assert found == {name: rest[name] for name in found}
    assert found["output"][0]["url"] == f"/v1/exports/{asked['id']}/files/1"
    feed = await door.query(
        "center", "changes", {"after": found["feed_position"]}, select=" { more }", scopes=exports.SCOPES
    )
    assert feed.code is None
    listed = await door.query("center", "exports", {}, select=" { nodes { id } }")
    assert [one["id"] for one in listed.good["nodes"]][-1] == asked["id"]


async def test_its_refusals_are_those_of_rest(api: Api) -> None:
    await exports.known(api, "center")
    door = GraphqlDoor(api)
    refused = await door.mutation("center", "createExport", {"type": "households"}, purpose=None)
    assert refused.code == "purpose-required"
    outside = await door.mutation("center", "createExport", {"type": "problems", "area": "41"})
    assert (outside.code, outside.faults) == ("outside-your-areas", (("/area", "outside-your-areas"),))
    without = await door.mutation(
        "center", "createExport", {"type": "problems"}, scopes=but(Scope.PROBLEMS_READ)
    )
    assert (without.code, without.more["scope"]) == ("insufficient-scope", "problems:read")


async def test_one_is_cancelled_and_another_client_s_is_absent(api: Api) -> None:
    await exports.known(api, "center")
    door = GraphqlDoor(api)
    asked = (await door.mutation("center", "createExport", {"type": "problems"})).good
    other = await door.mutation("center", "cancelExport", {"id": asked["id"]}, client_id="another")
    assert other.code == "not-found"
    assert (await door.mutation("center", "cancelExport", {"id": asked["id"]})).good["status"] == "cancelled"
    ended = await exports.export(api, "center", {"type": "problems"})
    assert (await door.mutation("center", "cancelExport", {"id": ended["id"]})).code == "illegal-transition"
