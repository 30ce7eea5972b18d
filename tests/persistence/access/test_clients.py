"""Clients on PostgreSQL: reach, versions, secrets, revocation and the audit rows, in the service's role."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
import uuid_utils.compat as uuid7

from auth.keys import KeyState, SigningKey
from domain.access.actor import COUNTRY, Actor, Scope
from domain.access.clients import Client, ClientDraft, ClientExists, Entitled, issue_time, new_client
from domain.access.policy import Reach
from domain.access.public_keys import KeySet
from domain.kernel import Paging
from persistence.access.clients import PgClients
from persistence.bounds import EVERYTHING, bind
from persistence.engine import Connection, Database

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
HEALTH, OWN = "PROV_MOPH-42", "NESDC"
HASH, OTHER, THIRD = b"h" * 32, b"o" * 32, b"t" * 32


def actor(*areas: str) -> Actor:
    scopes = frozenset({Scope.CLIENTS_ADMIN})
    return Actor("admin-1", OWN, scopes, areas or (COUNTRY,), 2_000_000_000, "token-1", None, "request-1")


def reach(*areas: str) -> Reach:
    who = actor(*areas)
    return Reach(who, who.prefixes, None, False)


def client(areas: Sequence[str] = ("4201",), **changes: Any) -> Client:
    draft = ClientDraft(name="HIS", agency=HEALTH, scopes=[Scope.HOUSEHOLDS_READ], areas=list(areas))
    return new_client(str(uuid7.uuid7()), draft, now=NOW).model_copy(update=changes)


@pytest_asyncio.fixture(scope="module")
async def shared(module_dsn: str) -> AsyncIterator[Database]:
    opened = await Database.open(module_dsn, size=4)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def connection(shared: Database) -> AsyncIterator[Connection]:
    """Writes are rolled back."""
    async with shared.reading() as found:
        transaction = found.transaction()
        await transaction.start()
        await bind(found, EVERYTHING)
        yield found
        await transaction.rollback()


@pytest_asyncio.fixture
async def store(connection: Connection) -> PgClients:
    return PgClients(connection, uuid7.uuid7)


async def audits(connection: Connection, client_id: str) -> list[tuple[str, dict[str, Any]]]:
    rows = await connection.fetch(
        "SELECT operation, changes FROM audit WHERE resource = $1 ORDER BY id", client_id
    )
    return [(row["operation"], json.loads(row["changes"])) for row in rows]


async def test_what_was_added_is_found_as_it_was(store: PgClients) -> None:
    made = client(expires_at=NOW + timedelta(days=9))
    await store.add(actor(), made, HASH)
    assert await store.get(reach(), made.client_id) == made
    found = await store.credentials(made.client_id, now=NOW)
    assert found is not None
    assert (found.client, found.secret_hash, found.previous_secret_hash) == (made, HASH, None)
    assert await store.credentials("nobody", now=NOW) is None


async def test_an_id_is_taken_once(store: PgClients, connection: Connection) -> None:
    made = client()
    await store.add(actor(), made, HASH)
    with pytest.raises(ClientExists):
        async with connection.transaction():
            await store.add(actor(), made, OTHER)
    found = await store.credentials(made.client_id, now=NOW)
    assert found is not None
    assert found.secret_hash == HASH


@pytest.mark.parametrize(
    ("areas", "agency", "within", "reached"),
    [
        (["4201"], HEALTH, ["42"], True),
        (["4201", "4202"], HEALTH, ["42"], True),
        (["4201", "41"], HEALTH, ["42"], False),
        (["42"], HEALTH, ["4201"], False),
        (["*"], HEALTH, ["42"], False),
        (["*"], HEALTH, ["*"], True),
        ([], HEALTH, ["42"], True),
        ([], HEALTH, ["41", "42"], True),
        (["42"], OWN, [], False),
        ([], OWN, [], True),
        (["42"], OWN, ["42"], True),
        (["41"], OWN, ["42"], False),
        ([], HEALTH, [], False),
        ([], HEALTH, ["41"], False),
        ([], HEALTH, ["4201"], False),
        (["41"], HEALTH, ["41"], False),
        ([], "MOPH", ["42"], False),
        (["42"], "MOPH", ["42"], False),
        (["42"], "MOPH", ["*"], True),
        ([], "GONE-42", ["42"], False),
        ([], "GONE-42", ["*"], True),
    ],
)
async def test_a_client_is_reached_when_all_its_areas_and_its_agency_are(
    store: PgClients, areas: list[str], agency: str, within: list[str], reached: bool
) -> None:
    """An agency is by the areas that it acts in, or by being the administrator's own."""
    made = client(areas, agency=agency)
    await store.add(actor(), made, HASH)
    who = replace(actor(), areas=tuple(within))
    seen = Reach(who, who.prefixes, None, False)
    assert (await store.get(seen, made.client_id) is not None) == reached
    page = await store.page(seen, Paging(200, None, "created_at", None))
    assert (made.client_id in page.items.decode()) == reached
    later = NOW + timedelta(seconds=1)
    amended = await store.amend(
        seen,
        made.model_copy(update={"enabled": False}),
        {"enabled": False},
        version=1,
        bar_tokens=False,
        now=later,
    )
    assert (amended is not None) == reached
    rotated = await store.rotate(
        seen, made.client_id, OTHER, overlap_until=later, bar_tokens=False, now=later
    )
    assert (rotated is not None) == reached
    assert (await store.revoke(seen, made.client_id, OTHER, now=later) is not None) == reached


async def test_of_two_amendments_of_one_version_one_is_stored(
    store: PgClients, connection: Connection
) -> None:
    made = client()
    await store.add(actor(), made, HASH)
    first = await store.amend(
        reach(), made.model_copy(update={"name": "A"}), {"name": "A"}, version=1, bar_tokens=False, now=NOW
    )
    assert first is not None
    assert (first.name, first.version) == ("A", 2)
    second = made.model_copy(update={"name": "B"})
    assert await store.amend(reach(), second, {"name": "B"}, version=1, bar_tokens=False, now=NOW) is None
    assert await audits(connection, made.client_id) == [
        ("client.created", {"agency": "PROV_MOPH-42", "scopes": ["households:read"], "areas": ["4201"]}),
        ("client.updated", {"name": None}),
    ]


async def test_a_rotation_keeps_the_last_secret_until_its_end(store: PgClients) -> None:
    made, until = client(), NOW + timedelta(hours=1)
    await store.add(actor(), made, HASH)
    await store.rotate(reach(), made.client_id, OTHER, overlap_until=until, bar_tokens=False, now=NOW)
    for at, previous in ((NOW, HASH), (until - timedelta(seconds=1), HASH), (until, None)):
        found = await store.credentials(made.client_id, now=at)
        assert found is not None
        assert (found.secret_hash, found.previous_secret_hash) == (OTHER, previous)
    await store.rotate(reach(), made.client_id, THIRD, overlap_until=until, bar_tokens=False, now=NOW)
    found = await store.credentials(made.client_id, now=NOW)
    assert found is not None
    assert (found.secret_hash, found.previous_secret_hash) == (THIRD, OTHER), "the first is gone"


async def test_a_revoked_client_has_neither_secret(store: PgClients) -> None:
    made = client()
    await store.add(actor(), made, HASH)
    await store.rotate(
        reach(), made.client_id, OTHER, overlap_until=NOW + timedelta(hours=1), bar_tokens=False, now=NOW
    )
    revoked = await store.revoke(reach(), made.client_id, THIRD, now=NOW)
    assert revoked is not None
    assert (revoked.enabled, revoked.version) == (False, 3)
    found = await store.credentials(made.client_id, now=NOW)
    assert found is not None
    assert (found.secret_hash, found.previous_secret_hash) == (THIRD, None)


async def test_use_is_noted_once_a_minute_and_makes_no_version(store: PgClients) -> None:
    made = client()
    await store.add(actor(), made, HASH)
    for seconds, noted in ((0, 0), (30, 0), (61, 61)):
        await store.touch(made.client_id, now=NOW + timedelta(seconds=seconds))
        found = await store.get(reach(), made.client_id)
        assert found is not None
        assert (found.last_used_at, found.version) == (NOW + timedelta(seconds=noted), 1)


async def test_a_token_is_barred_once_and_swept_when_it_has_expired(
    store: PgClients, connection: Connection
) -> None:
    ends = int((NOW + timedelta(minutes=10)).timestamp())
    who = Actor("c-1", "NESDC", frozenset(), (), ends, "barred-1", None, "")
    for _ in range(2):
        await store.revoke_token(who, now=NOW)
    count = "SELECT count(*) FROM revoked_token WHERE token_id = $1"
    assert await connection.fetchval(count, "barred-1") == 1
    assert len(await audits(connection, "barred-1")) == 1
    later = Actor("c-1", "NESDC", frozenset(), (), ends + 1200, "barred-2", None, "")
    await store.revoke_token(later, now=NOW + timedelta(minutes=15))
    assert await connection.fetchval(count, "barred-1") == 0
    assert await connection.fetchval(count, "barred-2") == 1


async def test_a_change_that_is_rolled_back_leaves_no_audit_row(database: Database) -> None:
    made = client()
    with contextlib.suppress(RuntimeError):
        async with database.writing() as connection:
            await bind(connection, EVERYTHING)
            await PgClients(connection, uuid7.uuid7).add(actor(), made, HASH)
            raise RuntimeError
    async with database.writing() as connection:
        await bind(connection, EVERYTHING)
        assert await PgClients(connection, uuid7.uuid7).get(reach(), made.client_id) is None
        assert await audits(connection, made.client_id) == []


async def test_ten_amendments_at_once_make_one_version(database: Database) -> None:
    made = client()
    async with database.writing() as connection:
        await bind(connection, EVERYTHING)
        await PgClients(connection, uuid7.uuid7).add(actor(), made, HASH)

    async def amend(number: int) -> bool:
        changed = made.model_copy(update={"name": str(number)})
        async with database.writing() as connection:
            await bind(connection, EVERYTHING)
            store = PgClients(connection, uuid7.uuid7)
            amended = await store.amend(reach(), changed, {"name": "x"}, version=1, bar_tokens=False, now=NOW)
            return amended is not None

    assert sum(await asyncio.gather(*(amend(number) for number in range(10)))) == 1


async def test_keys_and_networks_are_kept_and_audited_by_their_names(
    store: PgClients, connection: Connection
) -> None:
    keys = KeySet.model_validate({"keys": [SigningKey.generate(KeyState.ACTIVE).public_jwk()]})
    made = client(jwks=keys, allowed_networks=["10.0.0.0/8"])
    await store.add(actor(), made, HASH)
    assert await store.get(reach(), made.client_id) == made
    page = json.loads((await store.page(reach(), Paging(200, None, "created_at", None))).items)
    assert [one["jwks"] for one in page if one["client_id"] == made.client_id] == [keys.model_dump()]
    bare = made.model_copy(update={"jwks": None})
    found = await store.amend(reach(), bare, {"jwks": None}, version=1, bar_tokens=True, now=NOW)
    assert found is not None
    assert found.jwks is None
    back = {"jwks": keys}
    await store.amend(reach(), made, back, version=2, bar_tokens=False, now=NOW)
    assert [changes for _, changes in await audits(connection, made.client_id)][1:] == [
        {"jwks": None},
        {"jwks": [keys.keys[0].kid]},
    ]


async def test_an_assertion_is_spent_once(store: PgClients) -> None:
    for client_id, jti, new in (("c", "j", True), ("c", "j", False), ("d", "j", True), ("c", "k", True)):
        assert await store.spend_assertion(client_id, jti, expires_at=NOW) == new


async def test_tokens_issued_before_a_narrowing_are_of_an_earlier_second_than_it_bars(
    database: Database,
) -> None:
    """However the reading of the rights and the narrowing meet: whoever read the old ones is barred."""
    made = client(scopes=["households:read"])
    async with database.writing() as connection:
        await bind(connection, EVERYTHING)
        await PgClients(connection, uuid7.uuid7).add(actor(), made, HASH)
    seen: list[Entitled] = []

    async def read() -> None:
        for _ in range(40):
            async with database.reading() as connection:
                found = await PgClients(connection, uuid7.uuid7).entitled(made.client_id, now=NOW)
                assert found is not None
                seen.append(found)

    async def narrow() -> None:
        async with database.writing() as connection:
            await bind(connection, EVERYTHING)
            less = made.model_copy(update={"scopes": []})
            changed = await PgClients(connection, uuid7.uuid7).amend(
                reach(), less, {"scopes": []}, version=1, bar_tokens=True, now=NOW
            )
            assert changed is not None
            # Others wait for the lock, and find the new rights.
            await asyncio.sleep(0.05)

    await asyncio.gather(read(), narrow(), read())
    await read()
    not_before = seen[-1].tokens_not_before
    assert not_before is not None
    assert not_before.microsecond == 0
    for one in seen:
        # By the database's clock alone; the service's own is never later in `issue_time`.
        issued = issue_time(one.clock, one)
        had_all = one.credentials.client.scopes == ["households:read"]
        assert (issued < int(not_before.timestamp())) == had_all


async def test_a_leaked_secret_bars_tokens_and_an_overlap_does_not(store: PgClients) -> None:
    made = client()
    await store.add(actor(), made, HASH)
    for bar in (False, True):
        await store.rotate(reach(), made.client_id, OTHER, overlap_until=NOW, bar_tokens=bar, now=NOW)
        found = await store.entitled(made.client_id, now=NOW)
        assert found is not None
        assert (found.tokens_not_before is not None) == bar
    assert await store.entitled("nobody", now=NOW) is None
