"""Who may write which agencies, and what is refused before anything is stored."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.access.actor import Actor, Scope
from domain.access.policy import InsufficientScope
from domain.errors import Forbidden, Invalid, NotFound, VersionMismatch
from domain.kernel import Document, Listing, Paging
from domain.reference import agencies
from domain.reference.agency import Agency, AgencyDraft, AgencyFilter, AgencyLevel, AgencyPatch, KnownKind
from domain.reference.store import KnownAgency

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


class Reference:
    """As much of the reference data as these use cases ask for, in memory."""

    def __init__(self) -> None:
        self.stored: dict[str, Agency] = {}

    async def kinds(self) -> dict[str, KnownKind]:
        return {
            "MOPH": KnownKind("MOPH", AgencyLevel.NATIONAL, "ministry", "country"),
            "TAO": KnownKind("TAO", AgencyLevel.LOCAL, "local_government", "subdistrict"),
        }

    async def codes_of(self, list_name: str) -> frozenset[str]:
        return frozenset({"ministry", "local_government", "ngo"})

    async def area_exists(self, code: str) -> bool:
        return code.startswith("42")

    async def agencies(self, codes: list[str]) -> dict[str, KnownAgency]:
        return {code: KnownAgency(code, None, True) for code in codes if code in self.stored}

    async def page_of_agencies(self, where: AgencyFilter, paging: Paging) -> Listing:
        return Listing(b"[]")

    async def agency(self, code: str) -> Document | None:
        found = self.stored.get(code)
        return None if found is None else Document(found.model_dump_json().encode(), found.version)

    async def hold_agency(self, code: str) -> Agency | None:
        return self.stored.get(code)

    async def add_agency(self, reach: Any, agency: AgencyDraft, category: str, *, now: datetime) -> None:
        more = {"category": category, "origin": "operator", "source": "test", "version": 1}
        self.stored[agency.code] = Agency.model_validate({**agency.model_dump(), **more})

    async def amend_agency(self, reach: Any, agency: Agency, changes: Any, *, now: datetime) -> None:
        self.stored[agency.code] = agency.model_copy(update={"version": agency.version + 1})


class Work:
    def __init__(self) -> None:
        self.reference = Reference()


def admin(*areas: str, scope: Scope = Scope.CLIENTS_ADMIN) -> Actor:
    return Actor("admin", "NESDC", frozenset({scope}), areas, 2**31, "token")


@pytest.fixture
def work() -> Any:
    return Work()


def draft(code: str = "TAO-420103", **more: Any) -> AgencyDraft:
    return AgencyDraft(code=code, name_th="อบต.", **more)


async def test_an_administrator_adds_and_amends(work: Any) -> None:
    made = await agencies.add(work, admin("*"), draft(), now=NOW)
    assert made.version == 1
    patch = AgencyPatch.model_validate({"name_en": "TAO", "enabled": False})
    assert (await agencies.amend(work, admin("*"), "TAO-420103", patch, version=1, now=NOW)).version == 2
    assert not work.reference.stored["TAO-420103"].enabled


async def test_a_patch_that_changes_nothing_makes_no_version(work: Any) -> None:
    await agencies.add(work, admin("*"), draft(), now=NOW)
    patch = AgencyPatch.model_validate({"name_th": "อบต."})
    assert (await agencies.amend(work, admin("*"), "TAO-420103", patch, version=1, now=NOW)).version == 1


async def test_a_stale_version_and_an_unknown_code_are_refused(work: Any) -> None:
    await agencies.add(work, admin("*"), draft(), now=NOW)
    with pytest.raises(VersionMismatch):
        await agencies.amend(work, admin("*"), "TAO-420103", AgencyPatch(), version=2, now=NOW)
    with pytest.raises(NotFound):
        await agencies.amend(work, admin("*"), "NOBODY", AgencyPatch(), version=1, now=NOW)


async def test_an_administrator_of_an_area_writes_its_agencies_only(work: Any) -> None:
    await agencies.add(work, admin("4201"), draft(), now=NOW)
    for actor, given in ((admin("41"), draft("TAO-420104")), (admin("42"), draft("RELIEF", kind="ngo"))):
        with pytest.raises(Forbidden) as refused:
            await agencies.add(work, actor, given, now=NOW)
        assert refused.value.error_code == "outside-your-areas"
    with pytest.raises(Forbidden):
        await agencies.amend(work, admin("41"), "TAO-420103", AgencyPatch(), version=1, now=NOW)
    assert list(work.reference.stored) == ["TAO-420103"]


async def test_writing_needs_the_scope_and_reading_none(work: Any) -> None:
    reader = admin("42", scope=Scope.MENUS_READ)
    with pytest.raises(InsufficientScope):
        await agencies.add(work, reader, draft(), now=NOW)
    await agencies.add(work, admin("*"), draft(), now=NOW)
    assert (await agencies.read(work, reader, "TAO-420103")).version == 1


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        (draft("TAO-990101"), "/area_code"),
        (draft(parent_code="NOBODY"), "/parent_code"),
        (draft(parent_code="TAO-420103"), "/parent_code"),
        (draft(aliases=["อบต.", "9-0000-00000-01-2"]), "/aliases/1"),
    ],
)
async def test_a_fault_is_pointed_at_and_nothing_is_stored(
    work: Any, given: AgencyDraft, pointer: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await agencies.add(work, admin("*"), given, now=NOW)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]
    assert work.reference.stored == {}


async def test_a_list_knows_kinds_and_categories_and_nothing_else(work: Any) -> None:
    actor = admin(scope=Scope.MENUS_READ)
    await agencies.browse(work, actor, AgencyFilter(kind=["TAO", "ngo"]), Paging())
    with pytest.raises(Invalid) as refused:
        await agencies.browse(work, actor, AgencyFilter(kind=["TAO", "nonsense"]), Paging())
    assert refused.value.faults[0].pointer == "query/kind"
