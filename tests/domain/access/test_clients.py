"""Who may make, see and change clients, and what a secret's life is."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from domain.access import clients
from domain.access.actor import Actor, Scope
from domain.access.clients import (
    Client,
    ClientDraft,
    ClientExists,
    ClientPatch,
    Credentials,
    Entitled,
    IssuedClient,
    MintedSecret,
    SecretRotation,
    may_authenticate,
)
from domain.access.policy import InsufficientScope, Reach
from domain.errors import Forbidden, Invalid, NotFound, VersionMismatch
from domain.kernel import Listing, Paging
from domain.reference.store import KnownAgency

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
DRAFT = ClientDraft(name="HIS", agency="PROV_MOPH-42", scopes=[Scope.HOUSEHOLDS_READ], areas=["4201"])


AGENCIES = {
    "PROV_MOPH-42": KnownAgency("PROV_MOPH-42", "42", True),
    "PROV_MOPH-41": KnownAgency("PROV_MOPH-41", "41", True),
    "TAO-420103": KnownAgency("TAO-420103", "420103", True),
    "NESDC": KnownAgency("NESDC", None, True),
    "MOI": KnownAgency("MOI", None, True),
    "CLOSED-42": KnownAgency("CLOSED-42", "42", False),
}
"""`MOI` is the administrator's own."""


class FakeClients:
    """The store in memory; the same rules of reach and version."""

    def __init__(self) -> None:
        self.rows: dict[str, Client] = {}
        self.hashes: dict[str, tuple[bytes, bytes | None, datetime | None]] = {}
        self.revoked: set[str] = set()
        self.not_before: dict[str, datetime] = {}
        self.spent: set[tuple[str, str]] = set()

    def _seen(self, reach: Reach, client_id: str) -> Client | None:
        row = self.rows.get(client_id)
        if row is None or not all(reach.actor.covers(area) for area in row.areas):
            return None
        return row if clients.reaches_agency(reach.actor, AGENCIES[row.agency]) else None

    def _put(self, client: Client, now: datetime) -> Client:
        stored = client.model_copy(update={"version": client.version + 1, "updated_at": now})
        self.rows[client.client_id] = stored
        return stored

    async def add(self, actor: Actor, client: Client, secret_hash: bytes) -> None:
        if client.client_id in self.rows:
            raise ClientExists
        self.rows[client.client_id], self.hashes[client.client_id] = client, (secret_hash, None, None)

    async def get(self, reach: Reach, client_id: str) -> Client | None:
        return self._seen(reach, client_id)

    async def page(self, reach: Reach, paging: Paging) -> Listing:
        after = paging.after[0] if paging.after else ""
        found = [self.rows[one] for one in sorted(self.rows) if one > after and self._seen(reach, one)]
        shown = found[: paging.limit]
        items = json.dumps([json.loads(one.model_dump_json()) for one in shown]).encode()
        return Listing(items, (shown[-1].client_id,) if len(found) > paging.limit else None)

    async def amend(
        self,
        reach: Reach,
        client: Client,
        changes: Mapping[str, Any],
        *,
        version: int,
        bar_tokens: bool,
        now: datetime,
    ) -> Client | None:
        if bar_tokens:
            self.not_before[client.client_id] = now
        row = self._seen(reach, client.client_id)
        return self._put(client, now) if row and row.version == version else None

    async def rotate(
        self,
        reach: Reach,
        client_id: str,
        secret_hash: bytes,
        *,
        overlap_until: datetime,
        bar_tokens: bool,
        now: datetime,
    ) -> Client | None:
        if bar_tokens:
            self.not_before[client_id] = now
        row = self._seen(reach, client_id)
        if row is None:
            return None
        self.hashes[client_id] = (secret_hash, self.hashes[client_id][0], overlap_until)
        return self._put(row, now)

    async def revoke(
        self, reach: Reach, client_id: str, secret_hash: bytes, *, now: datetime
    ) -> Client | None:
        row = self._seen(reach, client_id)
        if row is None:
            return None
        self.hashes[client_id] = (secret_hash, None, None)
        return self._put(row.model_copy(update={"enabled": False}), now)

    async def credentials(self, client_id: str, *, now: datetime) -> Credentials | None:
        if client_id not in self.rows:
            return None
        current, previous, until = self.hashes[client_id]
        return Credentials(self.rows[client_id], current, previous if until and until > now else None)

    async def entitled(self, client_id: str, *, now: datetime) -> Entitled | None:
        known = await self.credentials(client_id, now=now)
        return Entitled(known, now, self.not_before.get(client_id)) if known else None

    async def spend_assertion(self, client_id: str, jti: str, *, expires_at: datetime) -> bool:
        new = (client_id, jti) not in self.spent
        self.spent.add((client_id, jti))
        return new

    async def touch(self, client_id: str, *, now: datetime) -> None:
        self.rows[client_id] = self.rows[client_id].model_copy(update={"last_used_at": now})

    async def revoke_token(self, token: Actor, *, now: datetime) -> None:
        self.revoked.add(token.token_id)


class FakeReference:
    async def agencies(self, codes: Sequence[str]) -> Mapping[str, KnownAgency]:
        return {code: AGENCIES[code] for code in codes if code in AGENCIES}


class FakeWork:
    def __init__(self) -> None:
        self.clients, self.reference, self._last = FakeClients(), FakeReference(), 0

    def new_id(self) -> UUID:
        self._last += 1
        return UUID(int=self._last)


class Counting:
    """Secrets that are numbered."""

    def __init__(self) -> None:
        self.made = 0

    def mint(self) -> MintedSecret:
        self.made += 1
        return MintedSecret(f"kjs_{self.made}", bytes([self.made]) * 32)


def admin(*areas: str, scopes: Sequence[str] = (Scope.CLIENTS_ADMIN,)) -> Actor:
    return Actor("admin", "MOI", frozenset(scopes), areas or ("*",), 0, "t")


@pytest.fixture
def work() -> FakeWork:
    return FakeWork()


@pytest.fixture
def secrets() -> Counting:
    return Counting()


async def make(work: Any, secrets: Counting, actor: Actor | None = None, **changes: Any) -> IssuedClient:
    draft = DRAFT.model_copy(update=changes)
    return await clients.create(work, actor or admin(), draft, now=NOW, secrets=secrets)


async def test_a_new_client_has_the_agreed_fields_and_its_secret_once(work: Any, secrets: Counting) -> None:
    made = await make(work, secrets)
    shown = json.loads(made.model_dump_json())
    assert shown.pop("client_secret") == "kjs_1"
    assert shown.pop("previous_secret_expires_at") is None
    assert shown == {
        "client_id": str(UUID(int=1)),
        "name": "HIS",
        "agency": "PROV_MOPH-42",
        "scopes": ["households:read"],
        "areas": ["4201"],
        "enabled": True,
        "expires_at": None,
        "last_used_at": None,
        "allowed_networks": [],
        "jwks": None,
        "created_at": "2026-11-21T09:00:00Z",
        "updated_at": "2026-11-21T09:00:00Z",
        "version": 1,
    }
    document = await clients.read(work, admin(), made.client_id)
    assert json.loads(document.text) == shown
    assert b"kjs_" not in document.text + (await clients.browse(work, admin(), Paging())).items
    assert "kjs_1" not in repr(made)
    assert work.clients.hashes[made.client_id][0] == bytes([1]) * 32


async def test_only_administrators_come_near_clients(work: Any, secrets: Counting) -> None:
    made = await make(work, secrets)
    other = admin(scopes=[scope for scope in Scope if scope != Scope.CLIENTS_ADMIN])
    attempts = [
        clients.create(work, other, DRAFT, now=NOW, secrets=secrets),
        clients.browse(work, other, Paging()),
        clients.read(work, other, made.client_id),
        clients.amend(work, other, made.client_id, ClientPatch(enabled=False), version=1, now=NOW),
        clients.rotate(work, other, made.client_id, SecretRotation(), now=NOW, secrets=secrets),
        clients.revoke(work, other, made.client_id, now=NOW, secrets=secrets),
    ]
    for attempt in attempts:
        with pytest.raises(InsufficientScope):
            await attempt
    assert work.clients.rows[made.client_id].version == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scopes", ["everything"]),
        ("scopes", ["households:*"]),
        ("scopes", "households:read"),
        ("areas", ["4"]),
        ("areas", ["421"]),
        ("areas", ["๔๒"]),
        ("areas", ["42\n"]),
        ("areas", ["**"]),
        ("areas", [42]),
        ("areas", ["*", "42"]),
        ("areas", [f"4201{n:04}" for n in range(101)]),
        ("agency", "a b"),
        ("name", ""),
        ("name", "x" * 201),
        ("expires_at", "2027-01-01T00:00:00"),
        ("client_secret", "mine"),
        ("enabled", True),
    ],
)
def test_a_draft_outside_the_grammar_is_refused(field: str, value: object) -> None:
    given: dict[str, object] = {"name": "HIS", "agency": "MOPH", "scopes": [], "areas": []}
    with pytest.raises(ValidationError):
        ClientDraft.model_validate(given | {field: value})


def test_scopes_and_areas_are_sets_in_a_settled_order() -> None:
    draft = ClientDraft.model_validate(
        {
            "name": "n",
            "agency": "MOPH",
            "scopes": ["persons:pii", "households:read", "persons:pii"],
            "areas": ["43", "42", "43"],
        }
    )
    assert (draft.scopes, draft.areas) == ([Scope.HOUSEHOLDS_READ, Scope.PERSONS_PII], ["42", "43"])


async def test_an_unknown_or_closed_agency_and_a_past_expiry_are_faults(work: Any, secrets: Counting) -> None:
    for agency in ("NOBODY", "CLOSED-42"):
        with pytest.raises(Invalid) as caught:
            await make(work, secrets, agency=agency, expires_at=NOW)
        assert {(fault.pointer, fault.code) for fault in caught.value.faults} == {
            ("/agency", "unknown-agency"),
            ("/expires_at", "past-date"),
        }
    assert not work.clients.rows
    assert secrets.made == 0


async def test_an_administrator_gives_no_more_area_than_it_has(work: Any, secrets: Counting) -> None:
    for areas in (["*"], ["43"], ["42", "43"]):
        with pytest.raises(Forbidden) as caught:
            await make(work, secrets, admin("42"), areas=areas)
        assert caught.value.error_code == "outside-your-areas"
        assert caught.value.faults[-1].pointer == f"/areas/{len(areas) - 1}"
    await make(work, secrets, admin("42"), areas=["42", "420101"])
    await make(work, secrets, admin("42"), areas=[])


@pytest.mark.parametrize(
    ("areas", "agency", "reached"),
    [
        (["*"], "PROV_MOPH-41", True),
        (["*"], "NESDC", True),
        (["42"], "PROV_MOPH-42", True),
        (["41", "42"], "PROV_MOPH-42", True),
        (["42"], "TAO-420103", True),
        (["4201"], "TAO-420103", True),
        (["42"], "MOI", True),
        ([], "MOI", True),
        (["41"], "PROV_MOPH-42", False),
        (["4201"], "PROV_MOPH-42", False),
        (["4202"], "TAO-420103", False),
        (["42"], "NESDC", False),
        ([], "PROV_MOPH-42", False),
    ],
)
async def test_an_administrator_makes_clients_of_its_own_agency_and_of_those_of_its_areas(
    work: Any, secrets: Counting, areas: list[str], agency: str, reached: bool
) -> None:
    actor = Actor("admin", "MOI", frozenset({Scope.CLIENTS_ADMIN}), tuple(areas), 0, "t")
    assert clients.reaches_agency(actor, AGENCIES[agency]) == reached
    if reached:
        assert (await make(work, secrets, actor, agency=agency, areas=[])).agency == agency
        return
    for given, pointers in (([], ["/agency"]), (["43"], ["/areas/0", "/agency"])):
        with pytest.raises(Forbidden) as caught:
            await make(work, secrets, actor, agency=agency, areas=given)
        assert caught.value.error_code == "outside-your-areas"
        assert [fault.pointer for fault in caught.value.faults] == pointers
        assert {fault.code for fault in caught.value.faults} == {"outside-your-areas"}
    assert (work.clients.rows, secrets.made) == ({}, 0)


@pytest.mark.parametrize(
    "beyond", [{"areas": ["*"]}, {"agency": "PROV_MOPH-41", "areas": []}, {"agency": "NESDC", "areas": []}]
)
async def test_a_client_beyond_an_administrator_is_absent_to_it(
    work: Any, secrets: Counting, beyond: dict[str, Any]
) -> None:
    wide, near, local = await make(work, secrets, **beyond), await make(work, secrets), admin("42")
    attempts = [
        clients.read(work, local, wide.client_id),
        clients.amend(work, local, wide.client_id, ClientPatch(areas=[]), version=1, now=NOW),
        clients.rotate(work, local, wide.client_id, SecretRotation(), now=NOW, secrets=secrets),
        clients.revoke(work, local, wide.client_id, now=NOW, secrets=secrets),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            await attempt
    listed = json.loads((await clients.browse(work, local, Paging())).items)
    assert [one["client_id"] for one in listed] == [near.client_id]


async def test_pages_follow_each_other(work: Any, secrets: Counting) -> None:
    made = [(await make(work, secrets)).client_id for _ in range(5)]
    seen, after = [], None
    while True:
        page = await clients.browse(work, admin(), Paging(limit=2, after=after))
        seen += [one["client_id"] for one in json.loads(page.items)]
        if page.last is None:
            break
        after = page.last
    assert seen == made


async def test_a_patch_changes_what_it_names(work: Any, secrets: Counting) -> None:
    made = await make(work, secrets, expires_at=LATER)
    patch = ClientPatch.model_validate({"name": "New", "expires_at": None})
    document = await clients.amend(work, admin(), made.client_id, patch, version=1, now=LATER)
    after = json.loads(document.text)
    assert (after["name"], after["expires_at"], after["areas"]) == ("New", None, ["4201"])
    assert (after["version"], document.version, after["updated_at"]) == (2, 2, "2026-11-21T10:00:00Z")


async def test_an_empty_patch_or_one_that_says_the_same_changes_nothing(work: Any, secrets: Counting) -> None:
    made = await make(work, secrets)
    for patch in (ClientPatch(), ClientPatch(name="HIS", scopes=[Scope.HOUSEHOLDS_READ], areas=["4201"])):
        assert (await clients.amend(work, admin(), made.client_id, patch, version=1, now=LATER)).version == 1


async def test_a_stale_version_changes_nothing(work: Any, secrets: Counting) -> None:
    made = await make(work, secrets)
    for version in (0, 2):
        with pytest.raises(VersionMismatch):
            await clients.amend(
                work, admin(), made.client_id, ClientPatch(name="x"), version=version, now=NOW
            )
    assert work.clients.rows[made.client_id].name == "HIS"


async def test_a_patch_keeps_the_rules_of_a_draft(work: Any, secrets: Counting) -> None:
    made = await make(work, secrets)
    with pytest.raises(Forbidden):
        await clients.amend(work, admin("42"), made.client_id, ClientPatch(areas=["*"]), version=1, now=NOW)
    with pytest.raises(Invalid):
        await clients.amend(work, admin(), made.client_id, ClientPatch(expires_at=NOW), version=1, now=NOW)
    for body in ({"name": None}, {"agency": "MOPH"}, {"scopes": ["x:y"]}, {"enabled": None}, {"version": 3}):
        with pytest.raises(ValidationError):
            ClientPatch.model_validate(body)


async def test_the_old_secret_works_until_the_overlap_ends(work: Any, secrets: Counting) -> None:
    made = await make(work, secrets)
    rotated = await clients.rotate(
        work, admin(), made.client_id, SecretRotation(overlap_seconds=3600), now=NOW, secrets=secrets
    )
    assert (rotated.client_secret, rotated.previous_secret_expires_at) == ("kjs_2", LATER)
    assert rotated.version == 2
    during = await work.clients.credentials(made.client_id, now=NOW)
    assert (during.secret_hash, during.previous_secret_hash) == (bytes([2]) * 32, bytes([1]) * 32)
    after = await work.clients.credentials(made.client_id, now=LATER)
    assert after.previous_secret_hash is None
    assert "hash" not in repr(after)


@pytest.mark.parametrize("seconds", [-1, 7 * 86_400 + 1, None, "x"])
def test_an_overlap_has_bounds(seconds: object) -> None:
    with pytest.raises(ValidationError):
        SecretRotation.model_validate({"overlap_seconds": seconds})


async def test_a_revoked_client_is_disabled_and_its_secrets_are_dead(work: Any, secrets: Counting) -> None:
    made = await make(work, secrets)
    await clients.rotate(work, admin(), made.client_id, SecretRotation(), now=NOW, secrets=secrets)
    await clients.revoke(work, admin(), made.client_id, now=NOW, secrets=secrets)
    await clients.amend(work, admin(), made.client_id, ClientPatch(enabled=True), version=3, now=NOW)
    held = await work.clients.credentials(made.client_id, now=NOW)
    assert held.client.enabled
    assert {held.secret_hash, held.previous_secret_hash}.isdisjoint({bytes([1]) * 32, bytes([2]) * 32})


async def test_an_absent_client_is_not_found(work: Any, secrets: Counting) -> None:
    for attempt in (
        clients.read(work, admin(), "x"),
        clients.rotate(work, admin(), "x", SecretRotation(), now=NOW, secrets=secrets),
        clients.revoke(work, admin(), "x", now=NOW, secrets=secrets),
        clients.amend(work, admin(), "x", ClientPatch(), version=1, now=NOW),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_a_disabled_or_expired_client_gets_no_token(work: Any, secrets: Counting) -> None:
    client = Client.model_validate(
        (await make(work, secrets, expires_at=LATER)).model_dump(include=set(Client.model_fields))
    )
    assert may_authenticate(client, remote="10.1.2.3", now=NOW)
    assert not may_authenticate(client, remote="10.1.2.3", now=LATER)
    assert not may_authenticate(client.model_copy(update={"enabled": False}), remote="", now=NOW)
