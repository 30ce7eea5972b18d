"""The packaged reference data holds what its sources say, and a bad file is refused by name and line."""

import tomllib
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from domain.access.actor import Scope
from domain.assistance.event import AssistanceType, EventStatus, OnUnknown, Outcome
from domain.casework.assignment import Role
from domain.casework.conditions import Facts
from domain.casework.matching import IndicatorDuty, match_menus
from domain.casework.problem import ProblemDimension, Solvability
from domain.casework.states import AssignmentStatus, ProblemStatus
from domain.reference.units import Routing
from domain.registry.household import (
    CaseStatus,
    Classification,
    CloseOutcome,
    DataSource,
    Group,
    Relationship,
    Stage,
)
from domain.registry.person import NoIdReason, Sex, VitalStatus, WelfareCard
from persistence.reference.files import FILES, read_reference
from persistence.reference.rows import Reference
from persistence.reference.sheets import ReferenceFileError, packaged


@pytest.fixture(scope="module")
def reference() -> Reference:
    return read_reference()


def edited(tmp_path: Path, name: str, old: str, new: str) -> dict[str, Path]:
    """A copy of a packaged file with one text replaced, as an operator would bring it."""
    text = packaged(name).read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / name
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return {name: path}


def test_counts(reference: Reference) -> None:
    editions = Counter((indicator.framework, indicator.edition) for indicator in reference.indicators)
    assert editions == {("bmn", "38"): 38, ("bmn", "31"): 31, ("village", "44"): 44}
    assert len(reference.agency_kinds) == 94
    assert Counter(menu.derivation for menu in reference.menus) == {
        "seed_explicit": 31,
        "indicator_inferred": 16,
    }
    assert [campaign.fiscal_year for campaign in reference.campaigns] == [2563, 2565, 2566, 2569, 2570]


def test_every_row_names_its_source(reference: Reference) -> None:
    for rows in reference:
        assert all(row.source for row in rows)


def test_areas_are_those_in_use_and_the_abolished_with_their_successors(reference: Reference) -> None:
    levels = Counter(area.level for area in reference.areas if area.abolished_on is None)
    assert levels == {"province": 77, "district": 928, "subdistrict": 7436}
    by_code = {area.code: area for area in reference.areas}
    assert (by_code["42"].name_th, by_code["42"].name_en) == ("เลย", "Loei")
    assert by_code["420103"].parent_code == "4201"
    assert by_code["100205"].superseded_by == "102901"
    assert by_code["104701"].successors == ("104702", "104703")
    assert by_code["104701"].superseded_by is None


def test_parents_of_areas_and_agencies_come_first(reference: Reference) -> None:
    for rows in (reference.areas, reference.agencies):
        seen: set[str] = set()
        if rows is reference.agencies:
            seen = {agency.code for agency in reference.agencies if agency.area_code is None}
        for row in rows:
            assert row.parent_code is None or row.parent_code in seen, row
            seen.add(row.code)


def test_the_mpi_members_are_17_of_the_older_and_16_of_the_newer_set(reference: Reference) -> None:
    members = {campaign.fiscal_year: campaign.mpi_members for campaign in reference.campaigns}
    older = members[2563].by_dimension()
    assert older["income"] == ["bmn-31-20", "bmn-31-21", "bmn-31-22"]
    assert sum(map(len, older.values())) == 17
    for year in (2565, 2566, 2569, 2570):
        newer = members[year].by_dimension()
        assert newer["access"] == ["bmn-38-34", "bmn-38-35"]
        assert sum(map(len, newer.values())) == 16


def test_members_of_a_campaign_are_the_members_of_its_indicators(reference: Reference) -> None:
    for campaign in reference.campaigns:
        named = {member for members in campaign.mpi_members.by_dimension().values() for member in members}
        flagged = {
            i.id for i in reference.indicators if i.mpi_member and i.edition == campaign.indicator_edition
        }
        assert named == flagged


def test_spot_facts_of_indicators(reference: Reference) -> None:
    by_id = {indicator.id: indicator for indicator in reference.indicators}
    assert by_id["bmn-38-27"].lead_agencies == ("MOL",)
    assert (by_id["bmn-38-27"].age_min, by_id["bmn-38-27"].age_max) == (15, 59)
    assert (by_id["bmn-31-22"].successor, by_id["bmn-31-22"].dimension) == ("bmn-38-29", "income")
    assert by_id["bmn-31-23"].dimension is None
    assert by_id["bmn-38-37"].sensitive
    assert by_id["village-44-14"].lead_agencies == ("MOAC",)


def test_units_of_kinds_at_their_areas(reference: Reference) -> None:
    agencies = {agency.code: agency for agency in reference.agencies}
    assert len(agencies) == len(reference.agencies)
    health = agencies["PROV_MOPH-42"]
    assert (health.name_th, health.abbreviation) == ("สำนักงานสาธารณสุขจังหวัดเลย", "สสจ.เลย")
    assert (health.kind, health.area_code, health.parent_code) == ("PROV_MOPH", "42", "MOPH")
    assert agencies["TAO-420103"].name_th == "องค์การบริหารส่วนตำบลนาอ้อ"
    assert agencies["TEAM_OPS-420103"].parent_code == "SCJP_D-4201"
    assert agencies["MOPH"].enabled
    assert not agencies["TAO"].enabled


def test_named_units_stand_only_where_they_are(reference: Reference) -> None:
    codes = {agency.code for agency in reference.agencies if agency.area_code}
    assert {code for code in codes if code.startswith(("PROV_ARMY-", "PROV_MDU-"))} == {
        "PROV_ARMY-42",
        "PROV_MDU-42",
    }
    assert {code for code in codes if code.startswith("RAJABHAT-")} == {"RAJABHAT-42", "RAJABHAT-84"}


def test_units_stand_in_76_provinces_and_none_in_bangkok(reference: Reference) -> None:
    units = [agency for agency in reference.agencies if agency.area_code]
    assert sum(unit.kind == "PROV_MOPH" for unit in units) == 76
    assert sum(unit.kind == "DIST" for unit in units) == 878
    assert not [unit for unit in units if unit.area_code and unit.area_code.startswith("10")]


def test_every_national_body_has_a_line_that_says_who_acts(reference: Reference) -> None:
    routed = {line.code for line in reference.acts_through}
    assert {kind.code for kind in reference.agency_kinds if kind.acts_at == "country"} <= routed


def test_every_agency_of_every_menu_and_indicator_is_found_in_loei(reference: Reference) -> None:
    routing = Routing.of({kind.code: kind.acts_at for kind in reference.agency_kinds}, reference.acts_through)
    codes = {agency.code for agency in reference.agencies}
    acting: set[str] = set()
    for indicator in (i for i in reference.indicators if i.edition == "38"):
        duty = IndicatorDuty(
            id=indicator.id,
            lead_agencies=indicator.lead_agencies,
            joint_agencies=indicator.joint_agencies,
        )
        assert indicator.dimension is not None
        facts = Facts(
            area_code="420103",
            dimension=ProblemDimension(indicator.dimension),
            indicator_id=indicator.id,
        )
        matches = match_menus(
            facts,
            reference.menus,
            on=date(2026, 11, 21),
            indicator=duty,
            routing=routing,
            exists=codes.__contains__,
        )
        assert matches
        acting.update(agency.code for match in matches for agency in match.agencies)
    assert {
        "PROV_MOPH-42",
        "PROV_MSDHS-42",
        "DIST_CDD-4201",
        "DIST-4201",
        "TAO-420103",
        "NBTC",
        "ONWR",
    } <= acting
    assert not acting & {"MOPH", "MSDHS", "MOI", "MOE", "MOL", "MOAC", "LAO", "CDD"}
    enabled = {agency.code for agency in reference.agencies if agency.enabled}
    # Groups that nobody can list in advance: an administrator registers the real ones.
    assert acting - enabled == {"SAVINGS_GROUP", "VILLAGE_COM", "FOUNDATION"}


def test_menu_conditions_are_data(reference: Reference) -> None:
    menus = {menu.code: menu for menu in reference.menus}
    assert [rule.model_dump(mode="json", exclude_defaults=True) for rule in menus["INC-13"].conditions] == [
        {"rule": "classification", "any_of": ["developable"]},
        {"rule": "health", "any_of": ["limited"], "or_age_min": 60},
        {"rule": "able_to_work"},
    ]
    assert [rule.rule for rule in menus["ACC-02"].conditions] == ["age", "income"]
    assert menus["ACC-08"].dimension == "other"
    assert menus["LIV-02"].lead_agencies == ["TAO"]


def test_targets_and_thresholds_of_2566(reference: Reference) -> None:
    campaign = next(campaign for campaign in reference.campaigns if campaign.fiscal_year == 2566)
    stated = {
        target.code: (target.percent, target.due_on) for target in campaign.targets if not target.derived
    }
    assert stated == {
        "FY66-REC75": (75, date(2023, 3, 31)),
        "FY66-RESULT50": (50, date(2023, 9, 30)),
        "FY67-RESULT100": (100, date(2023, 12, 31)),
    }
    limits = {limit.code: (str(limit.amount), limit.operator, limit.unit) for limit in campaign.thresholds}
    assert limits["vulnerable"] == ("100000.00", "<=", "baht/person/year")
    assert limits["welfare_card"] == ("100000.00", "<=", "baht/household/year")
    assert [group.code for group in campaign.target_groups] == ["1", "1a", "1b", "2", "3", "3a", "3b", "4"]
    assert campaign.target_groups[0].persons == 655_365


def test_the_running_year_is_a_template_with_the_dates_moved(reference: Reference) -> None:
    campaign = reference.campaigns[-1]
    assert campaign.derived
    assert all(target.derived for target in campaign.targets)
    assert [phase.ends_on for phase in campaign.phases if phase.code == "FY70-M3"] == [date(2027, 5, 30)]


LISTS = {
    "scopes": Scope,
    "case_status": CaseStatus,
    "close_outcome": CloseOutcome,
    "household_classification": Classification,
    "stage": Stage,
    "data_source": DataSource,
    "relationship": Relationship,
    "target_group": Group,
    "sex": Sex,
    "vital_status": VitalStatus,
    "welfare_card": WelfareCard,
    "no_id_reason": NoIdReason,
    "problem_dimension": ProblemDimension,
    "problem_status": ProblemStatus,
    "solvability": Solvability,
    "assignment_status": AssignmentStatus,
    "assignment_role": Role,
    "assistance_type": AssistanceType,
    "event_status": EventStatus,
    "receipt_outcome": Outcome,
    "on_unknown": OnUnknown,
}


@pytest.mark.parametrize("name", LISTS)
def test_a_code_list_has_the_values_of_its_enum(reference: Reference, name: str) -> None:
    assert {entry.code for entry in reference.codes if entry.list == name} == {
        member.value for member in LISTS[name]
    }


def test_the_purposes_and_the_exact_labels_of_the_seeds(reference: Reference) -> None:
    labels = {(entry.list, entry.code): entry.name_th for entry in reference.codes}
    assert {"casework", "audit", "data_subject_request", "research_approved"} <= {
        code for name, code in labels if name == "purposes"
    }
    assert labels["problem_status", "resolved"] == "ปัญหาคลี่คลายแล้ว"
    assert labels["problem_status", "declined"] == "ไม่ขอรับความช่วยเหลือ"


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "said"),
    [
        ("indicators.csv", "bmn-31-2,", "bmn-31-1,", 3, "id"),
        ("indicators.csv", ",MOPH,AIHD|", ",MOHP,AIHD|", 33, "MOHP"),
        ("indicators.csv", "bmn-38-3,", "bmn-38-99,", 3, "bmn-38-99"),
        ("indicators.csv", "id,framework", "id,frame", 1, "framework"),
        ("indicators.csv", ",health,,,person,0,0,true,true,", ",,,,person,0,0,true,true,", 2, "dimension"),
        ("agency_kinds.csv", "central_agency,OPM,", "central_agency,OPN,", 20, "OPN"),
        ("agency_kinds.csv", "province,provinces,จังหวัด", "province,districts,จังหวัด", 36, "instantiate"),
        ("agency_kinds.csv", "กระทรวงสาธารณสุข,Ministry", ",Ministry", 4, "name_th"),
        ("acts_through.csv", "MOPH,2,HPH", "MOPH,1,HPH", 3, "twice"),
        ("acts_through.csv", "MOPH,1,PROV_MOPH", "MOPH,1,PROV_NONE", 2, "PROV_NONE"),
        ("codes.csv", "problem_status,analysed", "problem_status,identified", 3, "twice"),
        ("codes.csv", "problem_status,analysed", "problem_status,Analysed", 3, "lower case"),
        ("dimensions.csv", "health,1", "wealth,1", 1, "order"),
        ("menus.toml", 'lead_agencies = ["PROV_AGRIEXT"]', 'lead_agencies = ["PROV_AGRI"]', 6, "PROV_AGRI"),
        ("menus.toml", '"bmn-38-29", "bmn-38-6"', '"bmn-38-39"', 6, "bmn-38-39"),
        ("menus.toml", 'code = "INC-02"', 'code = "INC-01"', 29, "twice"),
        ("menus.toml", 'rule = "land"', 'rule = "soil"', 29, "conditions"),
        ("menus.toml", "ladder_step = 1", "ladder_step = 9", 6, "ladder_step"),
        ("menus.toml", 'kind = "self_reliance"', 'kind = "magic"', 6, "magic"),
        ("menus.toml", "[[menus]]", "[[menus]", 6, "TOML"),
        ("campaigns.toml", "fiscal_year = 2565", "fiscal_year = 2563", 142, "twice"),
        ("campaigns.toml", '"bmn-31-22"', '"bmn-31-23"', 7, "bmn-31-23"),
        ("campaigns.toml", 'responsible = ["PROV_CDD"]', 'responsible = ["PROV_CCD"]', 7, "PROV_CCD"),
        ("campaigns.toml", "percent = 80", "percent = 180", 7, "percent"),
    ],
)
def test_a_bad_file_is_refused_by_name_and_line(
    tmp_path: Path, name: str, old: str, new: str, line: int, said: str
) -> None:
    with pytest.raises(ReferenceFileError) as caught:
        read_reference(edited(tmp_path, name, old, new))
    assert (caught.value.file, caught.value.line) == (name, line)
    assert said in caught.value.detail


def test_a_newer_file_takes_the_place_of_the_packaged_one(tmp_path: Path) -> None:
    newer = read_reference(edited(tmp_path, "menus.toml", "Home vegetable garden", "Kitchen garden"))
    assert newer.menus[0].title_en == "Kitchen garden"


def test_a_file_of_another_name_is_not_guessed_at(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=r"menu\.toml"):
        read_reference({"menu.toml": tmp_path / "menu.toml"})


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_bytes(packaged("codes.csv").read_text(encoding="utf-8").encode("cp874", "replace"))
    with pytest.raises(ReferenceFileError, match="UTF-8"):
        read_reference({"codes.csv": path})


AREAS = "code,name_th,name_en,abolished_on,successors,source\n"


def test_an_operators_areas_may_hold_villages_and_bring_their_own_units(tmp_path: Path) -> None:
    path = tmp_path / "areas.csv"
    rows = "42,เลย,Loei,,,x\n4201,เมืองเลย,,,,x\n420103,นาอ้อ,,,,x\n42010305,บ้านนาอ้อ,,,,x\n50990063,ชุมชน,,,,x\n"
    path.write_text("\ufeff" + AREAS + rows, encoding="utf-8")
    found = read_reference({"areas.csv": path})
    assert [(area.code, area.level, area.parent_code) for area in found.areas[-2:]] == [
        ("42010305", "village", "420103"),
        ("50990063", "village", None),
    ]
    units = {agency.code for agency in found.agencies if agency.area_code}
    assert "TAO-420103" in units
    assert "PROV_MOPH-41" not in units


@pytest.mark.parametrize(
    ("rows", "line", "said"),
    [
        ("42,เลย,,,,x\n42,เลย,,,,x\n", 3, "twice"),
        ("42,เลย,,,,x\n4301,โนน,,,,x\n", 3, "43"),
        ("๔๒,เลย,,,,x\n", 2, "digits"),
        ("42,เลย,,2006-01-01,43,x\n", 2, "43"),
        ("42,เลย,,,x\n", 2, "cells"),
    ],
)
def test_bad_areas_are_refused_by_line(tmp_path: Path, rows: str, line: int, said: str) -> None:
    path = tmp_path / "areas.csv"
    path.write_text(AREAS + rows, encoding="utf-8")
    with pytest.raises(ReferenceFileError) as caught:
        read_reference({"areas.csv": path})
    assert caught.value.line == line
    assert said in caught.value.detail


def test_the_package_carries_every_file_but_the_areas() -> None:
    for name in FILES:
        assert packaged(name).is_file() is (name != "areas.csv")
    assert tomllib.loads(packaged("menus.toml").read_text(encoding="utf-8"))["menus"]
