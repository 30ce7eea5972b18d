"""That a citizen id is a member's elsewhere costs a lookup of the client before it is told."""

from dataclasses import replace
from uuid import UUID

import pytest

from api.limits.lookups import BackgroundLookups
from api.limits.quotas import Quotas
from api.limits.rates import Rate
from domain.exchange.importing import line as lines
from domain.exchange.importing.performing import perform
from tests.support.api import Api
from tests.support.imports import as_csv, call, counts, imported, report, row, send
from tests.support.jobs import tools_of


@pytest.fixture
async def elsewhere(api: Api) -> list[dict[str, str]]:
    """Rows about three people of another province, and one about somebody new."""
    there = [row(area_code="410101", house_code="") for _ in range(3)]
    await imported(api, there, who="center", areas=["41", "42"])
    return [*({**one, "area_code": "420101"} for one in there), row()]


@pytest.mark.parametrize("mode", ["validate", "commit"])
async def test_nothing_is_told_before_it_is_paid_for(
    api: Api, elsewhere: list[dict[str, str]], mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "PAUSE_S", 0.01)
    sent = await send(api, as_csv(elsewhere), mode=mode)
    asked: list[int] = []
    shown: list[int] = []

    async def one_at_a_time(client_id: str, count: int) -> int:
        asked.append(count)
        shown.append(len(await report(api, sent.json())))
        return len(asked) % 2

    await perform(replace(tools_of(api), lookups=one_at_a_time), UUID(sent.json()["id"]))
    done = (await call(api, "GET", sent.headers["location"])).json()
    # The chunk is halved where something came between: the first two rows are told once they are paid for.
    assert asked == [2, 1, 1, 1, 1]
    assert shown == [0, 0, 0, 2, 2]
    assert counts(done) == {"created": 1, "rejected": 3}
    codes = [line["codes"][0]["code"] for line in await report(api, done) if line["codes"]]
    assert codes == ["already-a-member"] * 3


async def test_an_import_does_not_wait_for_ever(
    api: Api, elsewhere: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "PAUSE_S", 0.01)
    monkeypatch.setattr(lines, "MOST_WAITED_S", 0.03)
    sent = await send(api, as_csv(elsewhere))

    async def none_left(client_id: str, count: int) -> int:
        return 0

    await perform(replace(tools_of(api), lookups=none_left), UUID(sent.json()["id"]))
    done = (await call(api, "GET", sent.headers["location"])).json()
    assert (done["status"], done["error"]["code"], counts(done)) == ("failed", "lookup-limit", {})
    assert await report(api, done) == []


async def test_cancelled_while_it_waits_it_ends(
    api: Api, elsewhere: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "PAUSE_S", 0.01)
    sent = await send(api, as_csv(elsewhere))

    async def cancelled_meanwhile(client_id: str, count: int) -> int:
        await call(api, "POST", f"{sent.headers['location']}/cancel")
        return 0

    await perform(replace(tools_of(api), lookups=cancelled_meanwhile), UUID(sent.json()["id"]))
    assert (await call(api, "GET", sent.headers["location"])).json()["status"] == "cancelled"


async def test_what_is_registered_here_costs_nothing(api: Api) -> None:
    rows = [row() for _ in range(3)]
    await imported(api, rows)
    sent = await send(api, as_csv(rows))

    async def asked(client_id: str, count: int) -> int:
        raise AssertionError(count)

    await perform(replace(tools_of(api), lookups=asked), UUID(sent.json()["id"]))
    assert counts((await call(api, "GET", sent.headers["location"])).json()) == {"unchanged": 3}


async def test_they_are_counted_as_those_of_requests() -> None:
    quotas = Quotas(clock=lambda: 1_000.0)
    lookups = BackgroundLookups(quotas, Rate(5, 60))
    assert [await lookups("a", 3), await lookups("a", 30), await lookups("a", 1), await lookups("b", 1)] == [
        3,
        2,
        0,
        1,
    ]
    await quotas.close()
