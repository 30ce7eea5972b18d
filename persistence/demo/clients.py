"""Who calls in the demo: the ten clients of contract 11, without secrets."""

from typing import NamedTuple

from domain.access.actor import COUNTRY, Scope

S = Scope
_LOEI, _DISTRICT, _SUBDISTRICT, _NEXT_DOOR = "42", "4201", "420103", "41"

_CENTRE = (
    S.HOUSEHOLDS_READ, S.HOUSEHOLDS_WRITE, S.PERSONS_PII,
    S.PROBLEMS_READ, S.PROBLEMS_WRITE, S.PROBLEMS_RESOLVE, S.MENUS_READ, S.MENUS_WRITE, S.MEETINGS_WRITE,
    S.ASSIGNMENTS_READ, S.ASSIGNMENTS_WRITE, S.ASSIGNMENTS_RESPOND, S.VISITS_WRITE, S.TEAMS_WRITE,
    S.ASSISTANCE_READ, S.ASSISTANCE_WRITE, S.REPORTS_READ, S.REPORTS_WRITE, S.EXPORTS_READ, S.CHANGES_READ,
)  # fmt: skip
"""Every registry, casework, meeting, assistance, report and export scope; the feed goes with the export."""
_TEAM = (
    S.HOUSEHOLDS_READ, S.HOUSEHOLDS_WRITE, S.PERSONS_PII, S.PROBLEMS_READ, S.PROBLEMS_WRITE, S.PROBLEMS_RESOLVE,
    S.MENUS_READ, S.ASSIGNMENTS_READ, S.ASSISTANCE_READ, S.VISITS_WRITE,
)  # fmt: skip
_AGENCY = (
    S.HOUSEHOLDS_READ_ASSIGNED, S.PROBLEMS_READ, S.MENUS_READ, S.ASSIGNMENTS_READ, S.ASSIGNMENTS_RESPOND,
    S.ASSISTANCE_READ, S.ASSISTANCE_WRITE, S.CHANGES_READ, S.WEBHOOKS_WRITE,
)  # fmt: skip
"""What it is assigned to, its own answers and its own help; masked (domain §10)."""
_FRONTEND = (
    S.HOUSEHOLDS_READ, S.PROBLEMS_READ, S.MENUS_READ, S.ASSIGNMENTS_READ, S.ASSISTANCE_READ, S.CHANGES_READ,
    S.REPORTS_READ, S.PROJECTS_READ,
)  # fmt: skip


class DemoClient(NamedTuple):
    name: str
    """As it stands in demo-clients.json."""
    title: str
    agency: str
    scopes: tuple[Scope, ...]
    areas: tuple[str, ...]


def demo_clients() -> tuple[DemoClient, ...]:
    """In the contract's order; every agency is one of the reference data."""
    return (
        DemoClient(
            "admin", "Administration", "NESDC", (S.CLIENTS_ADMIN, S.AUDIT_READ, S.MENUS_READ), (COUNTRY,)
        ),
        DemoClient("center", "ศจพ. จังหวัดเลย", f"SCJP_P-{_LOEI}", _CENTRE, (_LOEI,)),
        DemoClient("team", "ทีมปฏิบัติการ อำเภอเมืองเลย", f"SCJP_D-{_DISTRICT}", _TEAM, (_DISTRICT,)),
        DemoClient("health", "สสจ. เลย", f"PROV_MOPH-{_LOEI}", _AGENCY, (_LOEI,)),
        DemoClient("social", "พมจ. เลย", f"PROV_MSDHS-{_LOEI}", _AGENCY, (_LOEI,)),
        DemoClient("local", "อบต. ในอำเภอเมืองเลย", f"TAO-{_SUBDISTRICT}", _AGENCY, (_SUBDISTRICT,)),
        DemoClient("frontend", "Front end", f"PROV_OFFICE-{_LOEI}", _FRONTEND, (_LOEI,)),
        DemoClient(
            "reporting",
            "Reports and projects",
            f"PROV_CDD-{_LOEI}",
            (S.REPORTS_READ, S.REPORTS_WRITE, S.PROJECTS_READ, S.PROJECTS_WRITE),
            (_LOEI,),
        ),
        DemoClient("importer", "Imports", f"PROV_DOPA-{_LOEI}", (S.IMPORTS_WRITE,), (_LOEI,)),
        DemoClient("neighbour", "สสจ. อุดรธานี", f"PROV_MOPH-{_NEXT_DOOR}", _AGENCY, (_NEXT_DOOR,)),
    )
