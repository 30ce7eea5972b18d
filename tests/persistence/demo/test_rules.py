"""What the demo names is in the reference data, and its bodies pass the rules that requests go through."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from domain.access.actor import Scope
from domain.assistance.event import EventDraft
from domain.assistance.events import event_faults
from domain.casework.analyses import faults as analysis_faults
from domain.casework.assignment import AssignmentDraft
from domain.casework.assignments import agency_faults
from domain.casework.problem import AnalysisDraft, ProblemDraft
from domain.casework.problems import indicator_faults
from domain.reference.store import KnownAgency, KnownIndicator
from domain.registry.household import HouseholdDraft
from domain.registry.indicators import IndicatorResults
from domain.registry.rules import household_faults, place_parents
from persistence.assistance.events import PgEvents
from persistence.demo import drafts, files
from persistence.demo.calendar import AS_OF, EDITION, FISCAL_YEAR
from persistence.demo.clients import demo_clients
from persistence.demo.generator import generate
from persistence.demo.records import Household
from persistence.demo.remedies import AILMENTS, JOINT, UNMEASURED
from persistence.demo.rows import content_hash
from persistence.demo.survey import DIMENSION, INCOME_LINE, MEMBERS, VULNERABLE_LINE
from persistence.reference.files import read_reference
from persistence.reference.rows import Reference


@pytest.fixture(scope="module")
def reference() -> Reference:
    return read_reference()


@pytest.fixture(scope="module")
def agencies(reference: Reference) -> Mapping[str, KnownAgency]:
    return {one.code: KnownAgency(one.code, one.area_code, one.enabled) for one in reference.agencies}


@pytest.fixture(scope="module")
def indicators(reference: Reference) -> Mapping[str, KnownIndicator]:
    return {
        one.id: KnownIndicator(
            one.id, one.dimension, one.unit, one.edition, one.lead_agencies, one.joint_agencies
        )
        for one in reference.indicators
    }


@pytest.fixture(scope="module")
def demo() -> list[Household]:
    return [*generate(1500), *generate(500, areas=["*"])]


def test_households_could_be_registered(demo: list[Household], reference: Reference) -> None:
    areas = {area.code for area in reference.areas}
    for one in demo:
        body = HouseholdDraft.model_validate_json(json.dumps(drafts.household(one)))
        assert household_faults(body, today=AS_OF) == []
        assert areas & set(place_parents(body.area_code))


def test_surveys_could_be_put(demo: list[Household], indicators: Mapping[str, KnownIndicator]) -> None:
    for one in demo:
        if (body := drafts.results(one)) is None:
            continue
        found = IndicatorResults.model_validate_json(json.dumps(body))
        about = [(answer.indicator_id, answer.person_id) for answer in found.results]
        assert len(about) == len(set(about))
        for answer in found.results:
            indicator = indicators[answer.indicator_id]
            assert indicator.edition == EDITION
            assert (indicator.unit == "household") == (answer.person_id is None)
            assert indicator.dimension == DIMENSION[answer.indicator_id]


def test_casework_could_be_posted(
    demo: list[Household],
    reference: Reference,
    agencies: Mapping[str, KnownAgency],
    indicators: Mapping[str, KnownIndicator],
) -> None:
    menus = {menu.code for menu in reference.menus}
    for one in demo:
        for body in drafts.problems(one):
            problem = ProblemDraft.model_validate_json(json.dumps(body))
            if problem.indicator_id is not None:
                indicator = indicators[problem.indicator_id]
                assert indicator_faults(indicator, problem.dimension) == []
        for body in drafts.analyses(one):
            assert analysis_faults(AnalysisDraft.model_validate_json(json.dumps(body)), AS_OF) == []
        for body, made in zip(drafts.assignments(one), one.assignments, strict=True):
            assignment = AssignmentDraft.model_validate_json(json.dumps(body))
            assert agency_faults(agencies.get(assignment.agency), one.area_code) == []
            assert assignment.menu_code in menus
            assert assignment.due_on is not None
            assert assignment.due_on >= made.created_at.date()


def test_events_could_be_posted(
    demo: list[Household], reference: Reference, agencies: Mapping[str, KnownAgency]
) -> None:
    menus = {menu.code for menu in reference.menus}
    keys = set()
    for one in demo[:1500]:
        known = {problem.id for problem in one.problems}
        for event in one.events:
            body = EventDraft.model_validate_json(json.dumps(drafts.event(one, event)))
            assert event_faults(body, on=AS_OF) == []
            assert set(body.problem_ids) <= known
            assert set(body.beneficiaries) <= {person.id for person in one.members}
            assert body.menu_code is None or body.menu_code in menus
            assert agency_faults(agencies.get(event.agency), one.area_code) == []
            assert body.problem_ids or body.assignment_id or body.reason_no_problem
            keys.add((event.agency, body.external_id))
    assert len(keys) == sum(len(one.events) for one in demo[:1500])


def test_posting_a_demo_event_again_is_a_duplicate(demo: list[Household]) -> None:
    # The content of an event that names its household by id needs neither connection nor keys.
    store = PgEvents(None, None, None)  # type: ignore[arg-type]
    for one in demo:
        for event in one.events:
            body = EventDraft.model_validate_json(json.dumps(drafts.event(one, event)))
            assert content_hash(one, event) == store.content_hash(body)


def test_the_survey_is_that_of_the_campaign(reference: Reference) -> None:
    campaign = next(one for one in reference.campaigns if one.fiscal_year == FISCAL_YEAR)
    assert {name: sorted(listed) for name, listed in MEMBERS.items()} == {
        name: sorted(listed) for name, listed in campaign.mpi_members.by_dimension().items()
    }
    thresholds = {one.code: (one.operator, one.amount) for one in campaign.thresholds}
    assert thresholds["bmn_income"] == ("<", INCOME_LINE)
    assert thresholds["vulnerable"] == ("<=", VULNERABLE_LINE)


def test_remedies_are_menus_of_the_ailment_with_an_agency_of_the_menu(reference: Reference) -> None:
    menus = {menu.code: menu for menu in reference.menus}
    through = {(line.code, line.unit_kind) for line in reference.acts_through}
    for name, ailment in (AILMENTS | UNMEASURED).items():
        for remedy in ailment.remedies:
            menu = menus[remedy.menu]
            assert name in menu.indicators or menu.dimension in (name, DIMENSION.get(name))
    for remedy in (
        *JOINT,
        *(one for ailment in (AILMENTS | UNMEASURED).values() for one in ailment.remedies),
    ):
        named = {*menus[remedy.menu].lead_agencies, *menus[remedy.menu].joint_agencies}
        assert remedy.kind in named or any((one, remedy.kind) in through for one in named)


def test_the_ten_clients_are_those_of_the_contract(agencies: Mapping[str, KnownAgency]) -> None:
    clients = {client.name: client for client in demo_clients()}
    assert " ".join(clients) == "admin center team health social local frontend reporting importer neighbour"
    for client in clients.values():
        assert agencies[client.agency].enabled
        assert client.areas
        assert len(client.scopes) == len(set(client.scopes))
    pii = {name for name, client in clients.items() if Scope.PERSONS_PII in client.scopes}
    assert pii == {"center", "team"}
    assert all(scope.endswith(":read") for scope in clients["frontend"].scopes)
    assert clients["health"].scopes == clients["neighbour"].scopes
    assert clients["neighbour"].areas == ("41",)


def test_files_hold_a_request_a_line(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    out = tmp_path / "demo"
    counts = files.write(out, 40, areas=["42"], progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (40, 40)
    assert {path.name for path in out.iterdir()} == set(files.FILES)
    households = (out / "households.ndjson").read_text().splitlines()
    assert len([HouseholdDraft.model_validate_json(line) for line in households]) == 40
    listed = (out / "ids.csv").read_text().splitlines()
    assert len(listed) == 41
    events = [json.loads(line) for line in (out / "assistance-events.ndjson").read_text().splitlines()]
    assert len(events) == counts["assistance-events.ndjson"]
    assert all(EventDraft.model_validate_json(json.dumps(line["body"])) for line in events)
