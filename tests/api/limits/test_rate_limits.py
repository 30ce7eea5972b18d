"""Rate limits as a client meets them: at both doors, before its rights are looked at."""

import re
from typing import Any

import httpx2

from api.keyring import Keyring
from tests.support import builders
from tests.support.api import PURPOSE, Api
from tests.support.calls import OPERATIONS, TABLE, everything
from tests.support.limits import HOUR, limited

SHAPE = re.compile(r'"(read|write|graphql|lookup)";r=([0-9]+);t=([0-9]+)')


def problem(answer: httpx2.Response) -> dict[str, Any]:
    assert answer.status_code == 429, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    shown: dict[str, Any] = answer.json()
    assert (shown["code"], shown["status"]) == ("rate-limited", 429)
    assert shown["type"].endswith("/errors/rate-limited")
    assert 0 < int(answer.headers["retry-after"]) <= HOUR
    return shown


async def test_every_answer_to_a_known_client_tells_what_is_left(dsn: str, keyring: Keyring) -> None:
    async with limited(dsn, keyring, read="10", write="7", graphql="5") as api:
        answers = [
            (await api.get("team", "/v1/areas?parent=42"), "read", 10, 9),
            (await api.get("team", "/v1/nothing"), None, 0, 0),
            (await api.get("team", "/v1/households/x"), "read", 10, 8),
            (await api.get("frontend", "/v1/areas"), "read", 10, 9),
            (await api.post("team", "/v1/households", {}), "write", 7, 6),
            (await api.post("frontend", "/v1/households", {}), "write", 7, 6),
            (await api.post("team", "/v1/households/search", {"name": "สม"}, headers=PURPOSE), "read", 10, 7),
            (await api.graphql("team", "{ me { clientId } }"), "graphql", 5, 4),
            (await api.graphql("team", "{ nonsense }"), "graphql", 5, 3),
            (await api.get("team", "/healthz"), None, 0, 0),
            (await api.get(None, "/v1/areas"), None, 0, 0),
        ]
    for answer, kind, limit, left in answers:
        if kind is None:
            assert "ratelimit" not in answer.headers
            continue
        assert answer.headers["ratelimit-policy"] == f'"{kind}";q={limit};w={HOUR}'
        state = SHAPE.fullmatch(answer.headers["ratelimit"])
        assert state is not None
        assert (state[1], int(state[2])) == (kind, left)
        assert 0 < int(state[3]) <= HOUR


async def test_beyond_its_limit_a_client_is_told_when_to_come_again(dsn: str, keyring: Keyring) -> None:
    async with limited(dsn, keyring, read="3", graphql="2") as api:
        for _ in range(3):
            assert (await api.get("team", "/v1/areas")).status_code == 200
        refused = await api.get("team", "/v1/areas")
        problem(refused)
        state = SHAPE.fullmatch(refused.headers["ratelimit"])
        assert state is not None
        assert (state[2], state[3]) == ("0", refused.headers["retry-after"])
        # Neither another class, nor another client, nor what needs no token.
        assert (await api.post("team", "/v1/households", builders.household())).status_code == 201
        assert (await api.get("frontend", "/v1/areas")).status_code == 200
        for path in ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/.well-known/jwks.json"):
            assert (await api.get(None, path)).status_code == 200
        for _ in range(2):
            assert (await api.graphql("team", "{ me { clientId } }")).status_code == 200
        answer = await api.graphql("team", "{ me { clientId } }")
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == SHAPE.fullmatch(answer.headers["ratelimit"])[3]  # type: ignore[index]
        (error,) = answer.json()["errors"]
        assert (error["extensions"]["code"], error["extensions"]["status"]) == ("rate-limited", 429)
        metrics = (await api.get(None, "/metrics")).text
        assert 'kaejon_rate_limited_total{class="read"} 1.0' in metrics
        assert 'kaejon_rate_limited_total{class="graphql"} 1.0' in metrics
        assert "kaejon_rate_limit_degraded 0.0" in metrics


async def test_the_checks_come_in_their_order(dsn: str, keyring: Keyring) -> None:
    """URL, method, token, limit, scope, purpose and parameters."""
    async with limited(dsn, keyring, read="1", write="1", graphql="1") as api:
        long, wrong = {"X-Purpose": "no-such"}, "?colour=red"

        async def told(name: str | None, method: str, path: str, **more: Any) -> int:
            return (await api.call(name, method, path, **more)).status_code

        assert await told(None, "BREW", f"/v1/households?{'x' * 9000}") == 414
        assert await told(None, "BREW", "/v1/households") == 405
        assert await told(None, "GET", f"/v1/households{wrong}", headers=long) == 401
        assert await told("importer", "GET", f"/v1/households{wrong}", headers=long) == 403
        assert await told("importer", "GET", f"/v1/households{wrong}", headers=long) == 429
        assert await told("team", "GET", f"/v1/households{wrong}", headers=long) == 422
        assert await told("importer", "POST", "/v1/households", body=b"{") == 403
        assert await told("importer", "POST", "/v1/households", body=b"{") == 429
        plain = {"Content-Type": "text/plain"}
        assert await told(None, "POST", "/graphql", headers=plain) == 401
        assert await told("team", "POST", "/graphql", headers=plain) == 415
        assert await told("team", "POST", "/graphql", headers=plain) == 429
        assert await told("team", "PUT", "/graphql", headers=plain) == 405


async def test_a_replayed_answer_counts_as_well(dsn: str, keyring: Keyring) -> None:
    async with limited(dsn, keyring, write="2") as api:
        body, key = builders.household(), {"Idempotency-Key": "again"}
        answers = [await api.post("team", "/v1/households", body, headers=key) for _ in range(3)]
        assert [one.status_code for one in answers] == [201, 201, 429]
        assert answers[1].headers["idempotency-replayed"] == "true"


async def test_a_client_reads_its_limits(dsn: str, keyring: Keyring) -> None:
    async with limited(dsn, keyring, read="9", lookup="3") as api:
        told = (await api.get("team", "/v1/me/access")).json()["rate_limit"]
        assert (told["requests"], told["window_seconds"]) == (9, HOUR)
        classes = {one["name"]: (one["requests"], one["window_seconds"]) for one in told["classes"]}
        assert set(classes) == {"read", "write", "graphql", "lookup"}
        assert classes["lookup"] == (3, HOUR)
        query = "{ me { rateLimit { requests windowSeconds classes { name requests } } } }"
        answer = (await api.graphql("team", query)).json()["data"]["me"]["rateLimit"]
        assert (answer["requests"], answer["windowSeconds"], len(answer["classes"])) == (9, HOUR, 4)


async def test_lookups_by_citizen_id_have_a_limit_of_their_own(dsn: str, keyring: Keyring) -> None:
    async with limited(dsn, keyring, lookup="3") as api:
        search = "/v1/households/search"
        query = "query($id: CitizenIdText) { searchHouseholds(input: {citizenId: $id}) { nodes { id } } }"
        query = query.replace("CitizenIdText", "String")

        async def found(door: str) -> httpx2.Response:
            if door == "rest":
                return await api.post("team", search, {"citizen_id": builders.citizen_id()}, headers=PURPOSE)
            return await api.graphql("team", query, {"id": builders.citizen_id()}, headers=PURPOSE)

        first = await found("rest")
        assert first.status_code == 200
        assert [one[0] for one in SHAPE.findall(first.headers["ratelimit"])] == ["read", "lookup"]
        second = await found("graphql")
        assert "errors" not in second.json(), second.text
        assert SHAPE.findall(second.headers["ratelimit"])[1][:2] == ("lookup", "1")
        assert (await found("rest")).status_code == 200
        problem(await found("rest"))
        (error,) = (await found("graphql")).json()["errors"]
        assert error["extensions"]["code"] == "rate-limited"
        # By another road the same client goes on, and other clients look for whom they like.
        assert (await api.post("team", search, {"name": "สม"}, headers=PURPOSE)).status_code == 200
        answer = await api.post("center", search, {"citizen_id": builders.citizen_id()}, headers=PURPOSE)
        assert answer.status_code == 200


async def test_references_that_name_nobody_count_as_lookups(dsn: str, keyring: Keyring) -> None:
    async with limited(dsn, keyring, lookup="3") as api:
        home = (await everything(api, "POST", "/v1/households", builders.household())).json()
        known = home["members"][0]["person"]["citizen_id"]

        async def posted(citizen_id: str) -> tuple[int, str | None]:
            event = builders.event("", household={"citizen_id": citizen_id})
            answer = await everything(api, "POST", "/v1/assistance-events", event)
            return answer.status_code, answer.json().get("code")

        for _ in range(5):
            assert (await posted(known))[0] == 201
        for _ in range(3):
            assert await posted(builders.citizen_id()) == (422, "unknown-household")
        # Now a hit is told from a miss no more.
        assert await posted(builders.citizen_id()) == (429, "rate-limited")
        assert await posted(known) == (429, "rate-limited")
        by_id = builders.event(home["id"])
        assert (await everything(api, "POST", "/v1/assistance-events", by_id)).status_code == 201


async def asked(api: Api, client_id: str, secret: str, path: str = "/oauth/token") -> int:
    form = {"grant_type": "client_credentials"} if path == "/oauth/token" else {"token": "x"}
    answer = await api.http.post(path, data=form, auth=httpx2.BasicAuth(client_id, secret))
    if answer.status_code == 429:
        problem(answer)
    return answer.status_code


async def test_tokens_are_limited_before_a_secret_is_looked_at(dsn: str, keyring: Keyring) -> None:
    async with limited(dsn, keyring, token="7", address="1000") as api:
        draft = {"name": "ระบบ", "agency": "PROV_MOPH-42", "areas": ["42"], "scopes": ["households:read"]}
        made = [(await everything(api, "POST", "/v1/clients", draft)).json() for _ in range(2)]
        (one, good), (two, other) = [(client["client_id"], client["client_secret"]) for client in made]
        assert await asked(api, one, good) == 200
        # A failure counts as five calls.
        assert await asked(api, one, "wrong") == 401
        assert await asked(api, one, good) == 200
        assert await asked(api, one, good) == 429
        assert await asked(api, one, good, "/oauth/revoke") == 429
        assert await asked(api, two, other) == 200
        # Nobody at another address is kept out by it.
        elsewhere = httpx2.ASGITransport(app=api.http._transport.app, client=("198.51.100.7", 1))  # type: ignore[attr-defined]
        async with httpx2.AsyncClient(transport=elsewhere, base_url=api.http.base_url) as http:
            answer = await http.post(
                "/oauth/token", data={"grant_type": "client_credentials"}, auth=httpx2.BasicAuth(one, good)
            )
        assert answer.status_code == 200


async def test_an_address_that_tries_many_clients_is_limited(dsn: str, keyring: Keyring) -> None:
    async with limited(dsn, keyring, address="12") as api:
        told = [await asked(api, f"client-{number}", "x") for number in range(5)]
        assert told == [401, 401, 401, 429, 429]


async def test_what_somebody_unknown_typed_is_not_kept(dsn: str, keyring: Keyring, database: Any) -> None:
    typed = builders.citizen_id()
    async with limited(dsn, keyring) as api:
        await asked(api, typed, "x")
    async with database.reading() as connection:
        rows = await connection.fetch("SELECT key FROM quota WHERE class IN ('token', 'address')")
    assert len(rows) == 2
    assert all(re.fullmatch(r"[0-9a-f]{32}", row["key"]) for row in rows)


def test_every_operation_with_a_token_has_a_class() -> None:
    read = {one.id for one in TABLE if one.policy is not None and one.rate_class == "read"}
    assert {one.id for one in TABLE if one.method == "GET" and one.policy} <= read
    assert read - {one.id for one in TABLE if one.method == "GET"} == {"searchHouseholds"}
    assert OPERATIONS["createHousehold"].rate_class == "write"
