"""What follows from an attempt: again later, over, or given up."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.actor import Actor
from domain.exchange.delivery import (
    DELAYS,
    JITTER,
    LONGEST_HOLD,
    DeliveryFault,
    DeliveryStatus,
    Endpoint,
    Message,
    Outcome,
    body_of,
    judged,
)
from domain.exchange.webhooks import may_hear, view_for

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FAILED = Outcome(500, DeliveryFault.STATUS)
CLIENT = Actor("c", "PROV_MOPH-42", frozenset({"households:read", "webhooks:write"}), ("42",), 0, "")


def test_the_schedule_is_the_standards() -> None:
    at, waits = timedelta(0), []
    for attempts in range(1, 10):
        verdict = judged(FAILED, attempts, now=NOW, chance=0)
        assert verdict.status is DeliveryStatus.PENDING
        assert verdict.next_attempt_at is not None
        at += verdict.next_attempt_at - NOW
        waits.append(str(at))
    assert waits == [
        "0:00:05", "0:05:05", "0:35:05", "2:35:05", "7:35:05", "17:35:05", "1 day, 7:35:05", "2 days, 3:35:05", "3 days, 3:35:05",
    ]  # fmt: skip
    assert judged(FAILED, 10, now=NOW, chance=0).status is DeliveryStatus.FAILED


@given(st.integers(1, 9), st.floats(0, 1, exclude_max=True))
def test_the_jitter_only_adds_and_only_a_tenth(attempts: int, chance: float) -> None:
    at = judged(FAILED, attempts, now=NOW, chance=chance).next_attempt_at
    assert at is not None
    assert DELAYS[attempts - 1] <= (at - NOW).total_seconds() <= DELAYS[attempts - 1] * (1 + JITTER) + 0.001


def test_a_success_is_over() -> None:
    assert judged(Outcome(200, None), 3, now=NOW, chance=0).status is DeliveryStatus.DELIVERED


def test_gone_is_over_and_ends_the_webhook() -> None:
    verdict = judged(Outcome(410, DeliveryFault.GONE), 1, now=NOW, chance=0)
    assert (verdict.status, verdict.gone) == (DeliveryStatus.FAILED, True)


@pytest.mark.parametrize(
    ("status", "after", "waits", "holds"),
    [
        (429, 60, 60, 60),
        (503, 60, 60, 60),
        (503, 1, 5, 1),
        (500, 60, 60, None),
        (429, 10**7, 86_400, 86_400),
        (429, None, 5, None),
    ],
)
def test_retry_after_is_honoured_within_bounds(
    status: int, after: int | None, waits: int, holds: int | None
) -> None:
    said = None if after is None else timedelta(seconds=after)
    verdict = judged(Outcome(status, DeliveryFault.STATUS, said), 1, now=NOW, chance=0)
    assert verdict.next_attempt_at == NOW + timedelta(seconds=waits)
    assert verdict.held_until == (None if holds is None else NOW + timedelta(seconds=holds))
    assert LONGEST_HOLD.total_seconds() == 86_400


def test_the_body_is_the_same_at_every_attempt() -> None:
    item = {"type": "household", "action": "left", "resource_id": "r", "occurred_at": "t", "tombstone": True}
    endpoint = Endpoint(UUID(int=1), "https://example.org/", (), CLIENT)
    first = Message(endpoint, 1, UUID(int=2), item, "42", 0, NOW)
    again = Message(endpoint, 9, UUID(int=2), dict(item), "42", 5, NOW + timedelta(days=1))
    assert body_of(first, source="https://k") == body_of(again, source="https://k")
    event = json.loads(body_of(first, source="https://k"))
    assert (event["id"], event["type"], event["data"]) == (
        "msg_00000000000000000000000000000002", "th.kaejon.household.left", item,
    )  # fmt: skip
    assert "." not in first.message_id, "the parts that are signed are separated by full stops"


@pytest.mark.parametrize(
    ("type", "area", "hears"),
    [
        ("household", "420101", True),
        ("household", "410101", False),
        ("problem", "420101", False),
        ("campaign", "", True),
        ("menu", "", False),
        ("client", "", False),
        ("webhook", "", True),
    ],
)
def test_what_was_queued_is_judged_again_by_what_the_client_may_see_now(
    type: str, area: str, hears: bool
) -> None:
    assert may_hear(CLIENT, type, area) is hears


def test_a_filter_narrows_the_view_and_never_widens_it() -> None:
    assert [str(one) for one in view_for(CLIENT).types] == ["household", "person", "campaign"]
    from domain.exchange.changes import ChangeType

    seen = view_for(CLIENT, [ChangeType.PROBLEM, ChangeType.HOUSEHOLD])
    assert [str(one) for one in seen.types] == ["household"]
    assert view_for(CLIENT, [ChangeType.PROBLEM]).types == []
