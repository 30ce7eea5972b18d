"""Bodies written by hand, by schema: those that a rule beyond the schema would refuse otherwise."""

from typing import Any

BODIES: dict[str, Any] = {
    "HouseholdDraft": {
        "house_code": "42010100001",
        "address": {"house_no": "99/1", "moo": 3, "village_name": "บ้านแฮ่", "postcode": "42000"},
        "area_code": "42010103",
        "location": {"latitude": 17.4861, "longitude": 101.7223},
        "annual_income_per_person": "24000.00",
        "has_land": False,
        "sources": [{"system": "tpmap", "record_id": "TPMAP-4201-000017", "seen_on": "2026-01-10"}],
        "members": [
            {
                "relationship": "head",
                "person": {
                    "citizen_id": "9420101000014",
                    "prefix": "นาง",
                    "first_name": "สมหญิง",
                    "last_name": "ใจดี",
                    "sex": "female",
                    "birth_date": "1958-04-12",
                    "welfare_card": "has_card",
                },
            },
            {
                "relationship": "grandchild",
                "person": {"first_name": "ต้นกล้า", "sex": "male", "no_id_reason": "not_known"},
            },
        ],
    },
    "HouseholdPatch": {"case_status": "verified", "has_land": True},
    "HouseholdSearch": {"citizen_id": "9420101000014"},
    "IndicatorResults": {
        "fiscal_year": 2569,
        "edition": "38",
        "results": [
            {"indicator_id": "bmn-38-6", "result": "fail"},
            {"indicator_id": "bmn-38-8", "result": "pass"},
        ],
    },
    "PersonPatch": {"occupation": "รับจ้างทั่วไป", "annual_income": "24000.00", "phone": None},
    "EventDraft": {
        "external_id": "HDC-2026-000123",
        "household": {"house_code": "42010100001"},
        "dimension": "health",
        "assistance_type": "health_service",
        "description": "เยี่ยมบ้านและให้ยาความดัน",
        "provided_on": "2026-01-14",
        "value_baht": "1500.00",
        "reason_no_problem": "พบระหว่างเยี่ยมบ้าน",
        "on_unknown": "register",
    },
    "ProblemDraft": {
        "household_id": "0199b2c4-7c00-7000-8000-0000c6fd26b0",
        "dimension": "health",
        "indicator_id": "bmn-38-6",
        "fiscal_year": 2569,
        "need": "การรักษาต่อเนื่องที่บ้าน",
        "solvability": "external_resource",
    },
    "ProblemPatch": {"need": "การรักษาต่อเนื่องที่บ้าน เดือนละครั้ง"},
    "ProblemTransition": {"to": "resolved", "reason": "ได้รับการรักษาต่อเนื่องแล้ว", "occurred_on": "2026-03-01"},
    "AnalysisDraft": {
        "attitude": "อยากมีอาชีพเสริม",
        "skills": "ทอผ้า",
        "resources": "ที่ดินหนึ่งไร่",
        "way_out": "รวมกลุ่มทอผ้าขาย",
        "analysed_on": "2026-01-12",
        "analysts": ["ทีมปฏิบัติการตำบลกุดป่อง"],
    },
    "AssignmentDraft": {
        "problem_ids": ["0199b2c4-7c00-7000-8000-00005f0c57f3"],
        "agency": "PROV_MOPH-42",
        "role": "lead",
        "due_on": "2026-03-31",
        "instructions": "เยี่ยมบ้านเดือนละครั้ง",
    },
    "AssignmentTransition": {"to": "accepted"},
    "MenuDraft": {
        "code": "LOEI-HEALTH-01",
        "title_th": "ดูแลสุขภาพที่บ้าน",
        "title_en": "Home health care",
        "kind": "self_reliance",
        "dimension": "health",
        "indicators": ["bmn-38-6"],
        "conditions": [{"rule": "health", "any_of": ["bedridden", "unable"]}],
        "household_action": "ดูแลสุขภาพตามคำแนะนำ",
        "support_action": "ทีมหมอครอบครัวเยี่ยมบ้านเดือนละครั้ง",
        "ladder_step": 1,
        "stage_goal": "survive",
        "lead_agencies": ["PROV_MOPH"],
        "areas": ["42"],
    },
    "MenuPatch": {"capacity": 200, "enabled": True},
    "AgencyDraft": {
        "code": "SUBD_MUN-420103",
        "name_th": "เทศบาลตำบลนาอาน",
        "name_en": "Na An Subdistrict Municipality",
        "abbreviation": "ทต.นาอาน",
    },
    "AgencyPatch": {"aliases": ["เทศบาลนาอาน"], "enabled": True},
    "CampaignDraft": {
        "fiscal_year": 2570,
        "title_th": "แผนงานประจำปี 2570",
        "indicator_edition": "38",
        "mpi_members": {"health": ["bmn-38-6"], "living": ["bmn-38-8"]},
        "phases": [
            {"code": "FY70-M1", "title_th": "สำรวจข้อมูล", "starts_on": "2026-10-01", "ends_on": "2026-12-31"}
        ],
        "targets": [
            {
                "code": "FY70-KPI-A",
                "title_th": "บันทึกครบ",
                "measure": "recorded",
                "percent": 80,
                "due_on": "2027-06-30",
            }
        ],
    },
    "CampaignPatch": {"title_en": "Programme of 2570", "mpi_members": {"income": ["bmn-38-22"]}},
    "AccessGrantDraft": {
        "household_id": "0199b2c4-7c00-7000-8000-0000a1b2c3d4",
        "reason": "แจ้งเหตุด่วนทางโทรศัพท์ ต้องตรวจสอบที่อยู่",
    },
    "ClientDraft": {
        "name": "HDC Loei",
        "agency": "PROV_MOPH-42",
        "scopes": ["households:read.assigned", "assignments:read", "assignments:respond", "assistance:write"],
        "areas": ["42"],
    },
    "ClientPatch": {"areas": ["4201"], "expires_at": "2027-09-30T17:00:00Z"},
    "SecretRotation": {"overlap_seconds": 86400},
    "TokenRequest": {"grant_type": "client_credentials", "scope": "assistance:write"},
    "RevocationRequest": {"token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.c2ln"},
}
