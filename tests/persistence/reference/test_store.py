"""What the rules ask and the lists show, on the packaged reference data."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import pytest_asyncio
import uuid_utils.compat

from domain.access.actor import COUNTRY, Actor, Scope
from domain.access.policy import Operation, Reach, admit
from domain.errors import Conflict
from domain.kernel import Listing, Paging
from domain.reference.agency import Agency, AgencyDraft, AgencyFilter, AgencyLevel, completed
from domain.reference.area import Area, AreaFilter, AreaLevel
from domain.reference.campaign import CampaignDraft
from domain.reference.campaign_forms import Campaign, CampaignFilter
from domain.reference.indicator import Indicator, IndicatorFilter
from domain.reference.units import acting_unit
from persistence.bounds import Bounds, bind
from persistence.engine import Connection, Database
from persistence.reference.files import read_reference
from persistence.reference.store import PgReference

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


@pytest_asyncio.fixture
async def connection(module_dsn: str) -> AsyncIterator[Connection]:
    """In the service's role; what a test writes is rolled back."""
    database = await Database.open(module_dsn, size=1)
    async with database.reading() as found:
        transaction: Any = found.transaction()
        await transaction.start()
        # Bounds without any area: what is written here is nobody's.
        await bind(found, Bounds("{}", "off|"))
        yield found
        await transaction.rollback()
    await database.close()


@pytest.fixture
def store(connection: Connection) -> PgReference:
    return PgReference(connection, uuid_utils.compat.uuid7)


@pytest.fixture
def reach() -> Reach:
    administrator = Actor("admin", "NESDC", frozenset({Scope.CLIENTS_ADMIN}), (COUNTRY,), 2**31, "token")
    return admit(administrator, Operation.ADMINISTER)


def items(found: Listing) -> list[dict[str, Any]]:
    return list(orjson.loads(found.items))


def codes(found: Listing) -> list[str]:
    return [item["code"] for item in items(found)]


async def areas(store: PgReference, **where: Any) -> list[str]:
    return codes(await store.page_of_areas(AreaFilter(**where), Paging(200)))


async def agencies(store: PgReference, **where: Any) -> list[str]:
    return codes(await store.page_of_agencies(AgencyFilter(**where), Paging(200)))


async def indicators(store: PgReference, **where: Any) -> list[str]:
    found = await store.page_of_indicators(IndicatorFilter(**where), Paging(200))
    return [item["id"] for item in items(found)]


async def test_an_area_exists_while_its_code_is_in_use(store: PgReference) -> None:
    assert await store.area_exists("420103")
    assert not await store.area_exists("104701")
    assert not await store.area_exists("99")


async def test_agencies_and_indicators_are_known_by_their_codes(store: PgReference) -> None:
    known = await store.agencies(["PROV_MOPH-42", "MOPH", "TAO", "NOBODY"])
    assert {code: (one.area_code, one.enabled) for code, one in known.items()} == {
        "PROV_MOPH-42": ("42", True),
        "MOPH": (None, True),
        "TAO": (None, False),
    }
    found = await store.indicators(["bmn-31-1", "bmn-38-27", "bmn-38-99"])
    assert set(found) == {"bmn-31-1", "bmn-38-27"}
    assert (found["bmn-31-1"].successor, found["bmn-31-1"].unit) == ("bmn-38-2", "person")
    assert found["bmn-38-27"].lead_agencies


@pytest.mark.parametrize(
    ("fiscal_year", "edition", "members", "one"),
    [
        (2563, "31", 17, "bmn-31-22"),  # the year's own
        (2566, "38", 16, "bmn-38-27"),
        (2568, "38", 16, "bmn-38-27"),  # the latest before it
        (2560, "31", 17, "bmn-31-22"),  # none before it: the earliest
        (2569, "31", 17, "bmn-31-22"),  # an older set, asked in a later year
        (2569, "44", 0, None),
    ],
)
async def test_mpi_members(
    store: PgReference, fiscal_year: int, edition: str, members: int, one: str | None
) -> None:
    found = await store.mpi_members(fiscal_year, edition)
    assert len(found) == members
    assert one is None or one in found


async def test_the_latest_campaign_before_the_year_wins_over_the_next_one(
    store: PgReference, reach: Reach
) -> None:
    for year, member in ((2600, "bmn-38-27"), (2603, "bmn-38-28")):
        draft = CampaignDraft.model_validate(
            {
                "fiscal_year": year,
                "title_th": "ก",
                "indicator_edition": "38",
                "mpi_members": {"income": [member]},
            }
        )
        await store.add_campaign(reach, uuid_utils.compat.uuid7(), draft, now=NOW)
    assert await store.mpi_members(2602, "38") == {"bmn-38-27"}
    assert await store.mpi_members(2603, "38") == {"bmn-38-28"}


async def test_codes(store: PgReference) -> None:
    assert await store.code_exists("menu_kind", "livelihood")
    assert not await store.code_exists("menu_kind", "LIVELIHOOD")
    assert "casework" in await store.codes_of("purposes")
    assert await store.codes_of("nothing") == frozenset()
    lists = {item["list"]: item for item in items(await store.code_lists())}
    assert lists["dimension"]["count"] == 5
    assert lists["dimension"]["codes"] == ["health", "living", "education", "income", "access"]
    found = await store.page_of_codes("problem_status", Paging(2))
    assert codes(found) == ["identified", "analysed"]
    assert codes(await store.page_of_codes("problem_status", Paging(2, found.last)))[0] == "assigned"


async def test_the_routing_is_that_of_the_files(store: PgReference) -> None:
    routing = await store.routing()
    reference = read_reference()
    assert routing.acts_at == {kind.code: kind.acts_at for kind in reference.agency_kinds}
    assert sum(map(len, routing.through.values())) == len(reference.acts_through)
    assert acting_unit("MOPH", "42010301", routing, {"PROV_MOPH-42"}.__contains__).code == "PROV_MOPH-42"


async def test_areas_by_parent_and_level(store: PgReference) -> None:
    assert len(await areas(store, level=["province"])) == 77
    districts = await areas(store, parent=["42"])
    assert len(districts) == 14
    assert districts[0] == "4201"
    assert await areas(store, parent=["99"]) == []
    assert "104701" not in await areas(store, parent=["1047"])
    assert "104701" in await areas(store, parent=["1047"], include_abolished=True)


@pytest.mark.parametrize("text", ["เลย", "เล", "Loe", "loei", "42", "๔๒"])
async def test_areas_are_found_by_the_beginning_of_a_name_or_the_code(store: PgReference, text: str) -> None:
    assert "42" in await areas(store, q=text, level=[AreaLevel.PROVINCE])


@pytest.mark.parametrize("text", ["%", "_", "มืองเลย", "oei"])
async def test_areas_are_not_found_by_the_middle_of_a_name(store: PgReference, text: str) -> None:
    assert await areas(store, q=text) == []


async def test_a_vowel_alone_finds_the_names_that_are_written_with_it(store: PgReference) -> None:
    found = await areas(store, q="เ", level=[AreaLevel.PROVINCE])
    assert "42" in found
    assert len(found) < 20


async def test_agencies_by_kind_category_area_and_words(store: PgReference) -> None:
    assert await agencies(store, kind=["PROV_MOPH"], area=["42"]) == ["PROV_MOPH-42"]
    assert len(await agencies(store, kind=["ministry"])) == 18
    assert await agencies(store, kind=["MOPH"]) == ["MOPH"]
    inside = await agencies(store, kind=["TAO"], area=["4201"])
    assert inside
    assert all(code.startswith("TAO-4201") for code in inside)
    assert "TAO" in await agencies(store, kind=["TAO"], enabled=False)
    assert await agencies(store, q="เลย สาธารณสุข", enabled=True, area=["42"], kind=["office"]) == [
        "PROV_MOPH-42"
    ]
    assert "PROV_MOPH-42" in await agencies(store, q="loei HEALTH")
    assert await agencies(store, q="เ", kind=["TAO"], area=["10"]) == []


async def test_an_indicator_is_found_by_those_who_answer_for_it(store: PgReference) -> None:
    assert len(await indicators(store, framework=["bmn"], edition=["38"])) == 38
    assert (await indicators(store))[:3] == ["bmn-31-1", "bmn-31-2", "bmn-31-3"]
    assert "bmn-38-27" in await indicators(store, dimension=["income"], edition=["38"])
    body = (await store.indicators(["bmn-38-27"]))["bmn-38-27"].lead_agencies[0]
    assert "bmn-38-27" in await indicators(store, agency=[body])
    assert await indicators(store, agency=[f"{body}-42"]) == await indicators(store, agency=[body])
    assert await indicators(store, agency=["NOBODY"]) == []


async def test_pages_of_agencies_are_all_of_them_once(store: PgReference) -> None:
    seen: list[str] = []
    after = None
    while True:
        found = await store.page_of_agencies(AgencyFilter(area=["42"]), Paging(150, after, count="exact"))
        seen += codes(found)
        after = found.last
        if after is None:
            break
    assert seen == sorted(set(seen))
    assert len(seen) == found.total


async def test_the_dimensions_stand_in_the_order_of_a_mask(store: PgReference) -> None:
    found = items(await store.dimensions())
    assert [one["code"] for one in found] == ["health", "living", "education", "income", "access"]
    assert [one["sequence"] for one in found] == [1, 2, 3, 4, 5]


async def test_what_leaves_is_what_is_described(store: PgReference) -> None:
    for model, found in (
        (Area, await store.area("104701")),
        (Agency, await store.agency("PROV_MOPH-42")),
        (Indicator, await store.indicator("bmn-38-27")),
    ):
        assert found is not None
        assert orjson.loads(model.model_validate_json(found.text).model_dump_json()) == orjson.loads(
            found.text
        )
    years = items(await store.page_of_campaigns(CampaignFilter(), Paging(200)))
    assert [Campaign.model_validate_json(orjson.dumps(one)).fiscal_year for one in years] == [
        2563, 2565, 2566, 2569, 2570,
    ]  # fmt: skip
    assert len(items(await store.page_of_campaigns(CampaignFilter(fiscal_year=[2569]), Paging()))) == 1


async def test_nothing_is_found_under_a_code_that_nobody_has(store: PgReference) -> None:
    assert await store.area("99") is None
    assert await store.agency("NOBODY") is None
    assert await store.indicator("bmn-38-99") is None
    assert await store.campaign(uuid_utils.compat.uuid7()) is None
    assert await store.hold_agency("NOBODY") is None


async def test_a_draft_is_completed_from_the_kinds_that_are_stored(store: PgReference, reach: Reach) -> None:
    draft = AgencyDraft(code="SUBD_MUN-420104", name_th="เทศบาลตำบล")
    categories = await store.codes_of("agency_category")
    agency, category, faults = completed(draft, await store.kinds(), categories)
    assert (agency.level, category, faults) == (AgencyLevel.LOCAL, "local_government", [])
    await store.add_agency(reach, agency, category, now=NOW)


MUNICIPALITY = AgencyDraft(
    code="SUBD_MUN-420103",
    name_th="เทศบาลตำบลนาอาน",
    kind="SUBD_MUN",
    area_code="420103",
    level=AgencyLevel.LOCAL,
)


async def test_an_agency_is_added_amended_and_audited(
    store: PgReference, connection: Connection, reach: Reach
) -> None:
    await store.add_agency(reach, MUNICIPALITY, "local_government", now=NOW)
    held = await store.hold_agency(MUNICIPALITY.code)
    assert held is not None
    assert (held.origin, held.version, held.category) == ("operator", 1, "local_government")
    assert held.code in await agencies(store, q="นาอาน", kind=["SUBD_MUN"])
    amended = held.model_copy(update={"name_th": "เทศบาลตำบลใหม่"})
    await store.amend_agency(reach, amended, {"name_th": amended.name_th}, now=NOW)
    found = await store.agency(MUNICIPALITY.code)
    assert found is not None
    assert (found.version, orjson.loads(found.text)["name_th"]) == (2, "เทศบาลตำบลใหม่")
    assert held.code in await agencies(store, q="ใหม่", kind=["SUBD_MUN"])
    rows = await connection.fetch(
        "SELECT operation, area_code FROM audit WHERE resource = $1 ORDER BY id", held.code
    )
    assert [tuple(row) for row in rows] == [("agency.created", "420103"), ("agency.updated", "420103")]


async def test_a_code_or_year_that_is_taken_is_a_conflict(
    store: PgReference, connection: Connection, reach: Reach
) -> None:
    taken = MUNICIPALITY.model_copy(update={"code": "PROV_MOPH-42"})
    with pytest.raises(Conflict) as refused:
        async with connection.transaction():
            await store.add_agency(reach, taken, "office", now=NOW)
    assert refused.value.error_code == "agency-exists"
    year = CampaignDraft(fiscal_year=2569, title_th="ซ้ำ", indicator_edition="38")
    with pytest.raises(Conflict) as refused:
        async with connection.transaction():
            await store.add_campaign(reach, uuid_utils.compat.uuid7(), year, now=NOW)
    assert refused.value.error_code == "campaign-exists"


async def test_a_campaign_is_amended_under_a_new_version(
    store: PgReference, connection: Connection, reach: Reach
) -> None:
    campaign_id = await connection.fetchval("SELECT id FROM campaign WHERE fiscal_year = 2569")
    held = await store.hold_campaign(campaign_id)
    assert held is not None
    draft = CampaignDraft(fiscal_year=2569, title_th="ใหม่", indicator_edition="38")
    await store.amend_campaign(reach, held, draft, now=NOW)
    found = await store.campaign(campaign_id)
    assert found is not None
    assert (found.version, orjson.loads(found.text)["title_th"]) == (2, "ใหม่")
    assert await connection.fetchval("SELECT origin FROM campaign WHERE id = $1", campaign_id) == "operator"
    assert await connection.fetchval("SELECT count(*) FROM change WHERE resource_id = $1", campaign_id) == 1
