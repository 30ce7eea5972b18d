"""What "the same content" means must not change: a retry of what was recorded long ago is still a duplicate."""

import hashlib
from typing import Any

import orjson
import pytest

from api.app import new_id
from domain.assistance.event import EventDraft
from persistence.assistance.events import PgEvents
from persistence.sealing import Sealing
from tests.support import builders

ID = "01890000-0000-7000-8000-000000000000"
FULL: dict[str, Any] = {
    "assignment_id": ID,
    "problem_ids": [ID],
    "beneficiaries": [ID],
    "reason_no_problem": "เร่งด่วน",
    "menu_code": "INC-01",
    "plan_activity_id": ID,
    "quantity": 2.125,
    "unit": "ถุง",
    "budget_source": "งบ",
    "project_code": "P-1",
    "evidence": [{"uri": "https://x.example/1", "sha256": "a" * 64, "caption": "ภาพ"}],
    "obstacle": "ฝน",
    "suggestion": "เพิ่ม",
}
CONTENTS: list[dict[str, Any]] = [
    {},
    FULL,
    {"value_baht": 1e3},
    {"value_baht": "0"},
    {"value_baht": 9999999999.99},
    {"value_baht": None, "quantity": "3"},
    {"household": {"house_code": "42010100001"}},
    {"household": {"citizen_id": builders.citizen_id(5)}, "on_unknown": "register"},
]


@pytest.mark.parametrize("changes", CONTENTS, ids=range(len(CONTENTS)))
def test_it_is_the_hash_of_the_event_as_json(changes: dict[str, Any], sealing: Sealing) -> None:
    body = builders.event(ID, **{"external_id": "H-1", **changes})
    draft = EventDraft.model_validate_json(orjson.dumps(body), strict=True)
    content = draft.model_dump(mode="json", exclude={"on_unknown"})
    if draft.household.citizen_id is not None:
        content["household"]["citizen_id"] = sealing.content.of(draft.household.citizen_id).hex()
    expected = hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()
    store = PgEvents(None, sealing, new_id)  # type: ignore[arg-type]  # it asks nothing of its connection
    assert store.content_hash(draft) == expected
