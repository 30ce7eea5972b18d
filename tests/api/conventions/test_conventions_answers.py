"""Contract 1 over REST, asked of every operation of the table: request ids, errors, headers and challenges."""

import re
import time
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from api.operations.catalogue import PROBLEMS
from auth.keys import SigningKeys
from auth.tokens import issue
from domain.registry import households
from tests.support import builders
from tests.support.api import ISSUER, PURPOSE, Api
from tests.support.calls import OPERATIONS, TABLE, WITH_TOKEN, Scene, client, everything, perform
from tests.support.refusals import SECURITY, faults_of, problem

# -- the request's id


@pytest.mark.parametrize("path", ["/v1/areas", "/v1/nothing", "/healthz", "/v1/households/x"])
async def test_every_answer_carries_a_request_id(api: Api, path: str) -> None:
    given = await api.get("team", path, headers={"X-Request-Id": "abc-1.2_Z"})
    assert given.headers["x-request-id"] == "abc-1.2_Z"
    made = {(await api.get("team", path)).headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3
    for wrong in ("", "x" * 65, "a b", "a\tb", "<x>", '"'):
        answer = await api.get("team", path, headers={"X-Request-Id": wrong})
        assert answer.headers.get_list("x-request-id") == [answer.headers["x-request-id"]]
        assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])


# -- errors explain themselves


async def test_every_kind_of_error_names_a_page_that_explains_it(api: Api, scene: Scene) -> None:
    path = f"/v1/households/{scene['household_id']}"
    at = {"If-Match": (await everything(api, "GET", path)).headers["etag"]}
    home = builders.household()
    taken = builders.household(members=[builders.member(citizen_id=scene["citizen_id"])])
    event = builders.event(scene["household_id"], external_id=scene["external_id"], value_baht="2.00")
    unknown = builders.event("", household={"citizen_id": builders.citizen_id()})
    keyed = {"Idempotency-Key": "conventions-1"}
    await everything(api, "POST", "/v1/households", home, headers=keyed)
    provoked = {
        "not-found": await api.get("neighbour", path),
        "unauthenticated": await api.get(None, path),
        "insufficient-scope": await api.get("importer", path),
        "purpose-required": await api.get("team", path),
        "outside-your-areas": await api.post("team", "/v1/households", builders.household(area_code="420201")),
        "invalid-input": await api.post("team", "/v1/households", {}),
        "unknown-household": await everything(api, "POST", "/v1/assistance-events", unknown),
        "external-id-conflict": await everything(api, "POST", "/v1/assistance-events", event),
        "already-a-member": await everything(api, "POST", "/v1/households", taken),
        "illegal-transition": await everything(api, "PATCH", path, {"case_status": "planned"}, headers=at),
        "precondition-required": await everything(api, "PATCH", path, {"has_land": True}),
        "version-mismatch": await everything(api, "PATCH", path, {"has_land": True}, headers={"If-Match": '"99"'}),
        "idempotency-key-reused": await everything(api, "POST", "/v1/households", builders.household(), headers=keyed),
        "method-not-allowed": await everything(api, "PUT", path),
        "unsupported-media-type": await everything(api, "POST", "/v1/households", b"{}", headers={"Content-Type": "text/plain"}),
        "content-too-large": await everything(api, "POST", "/v1/households", b" " * 1_100_000),
        "uri-too-long": await api.get("team", f"/v1/areas?q={'x' * 9_000}"),
        "problems-are-permanent": await everything(api, "DELETE", f"/v1/problems/{scene['problem_id']}"),
    }  # fmt: skip
    for code, answer in provoked.items():
        shown = await problem(answer, PROBLEMS[code].status, code)
        page = await api.http.get(urlsplit(shown["type"]).path, headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert code in page.text
        spoken = await api.http.get(urlsplit(shown["type"]).path, headers={"Accept": "application/json"})
        assert (spoken.json()["type"], spoken.json()["status"]) == (shown["type"], shown["status"])


async def test_an_unexpected_failure_tells_nothing_of_itself(
    api: Api, scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = f"SELECT {scene['citizen_id']} FROM citizen_identity"

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError(secret)

    monkeypatch.setattr(households, "read", broken)
    path = f"/v1/households/{scene['household_id']}"
    await problem(await everything(api, "GET", path), 500, "internal-error")
    query = f'{{ household(id: "{scene["household_id"]}") {{ id }} }}'
    answer = await api.graphql("team", query, headers=PURPOSE)
    assert answer.json()["errors"][0]["extensions"]["code"] == "internal-error"
    assert secret not in answer.text
    assert scene["citizen_id"] not in "".join(capsys.readouterr())


# -- headers


@pytest.mark.parametrize("path", ["/v1/areas", "/v1/nothing", "/healthz", "/metrics", "/docs", "/openapi.json", "/errors", "/.well-known/jwks.json", "/graphql"])  # fmt: skip
async def test_every_answer_tells_browsers_to_be_careful(api: Api, path: str) -> None:
    answer = await api.get("team", path, headers={"Accept": "text/html"})
    assert SECURITY.items() <= dict(answer.headers).items()
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers
    assert len(answer.headers.get_list("content-security-policy")) == 1


REFERENCE = [one.id for one in TABLE if one.method == "GET" and one.policy is not None and not one.policy.scopes]  # fmt: skip


@pytest.mark.parametrize("id", [id for id in WITH_TOKEN if id not in ("deleteProblem", "revokeClient")])
async def test_nothing_but_reference_data_is_kept_in_a_cache(api: Api, scene: Scene, id: str) -> None:
    answer = await perform(api, id, scene)
    kept = answer.headers["cache-control"]
    if id in REFERENCE and id != "getMyAccess":
        assert kept.startswith("private, ")
        assert "Authorization" in answer.headers["vary"]
    else:
        assert kept == "no-store"
    if OPERATIONS[id].answer is not None:
        assert answer.headers["content-type"] == "application/json"


async def test_a_replayed_answer_is_not_kept_either(api: Api) -> None:
    headers = {"Idempotency-Key": "conventions-2"}
    body = builders.household()
    for _ in range(2):
        answer = await everything(api, "POST", "/v1/households", body, headers=headers)
        assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("key", ["", "x" * 256, "\t", "a\x7fb"])
async def test_an_idempotency_key_has_1_to_255_characters(api: Api, key: str) -> None:
    answer = await everything(
        api, "POST", "/v1/households", builders.household(), headers={"Idempotency-Key": key}
    )
    shown = await problem(answer, 422, "invalid-input")
    assert faults_of(shown) == [("header/Idempotency-Key", "wrong-format")]


# -- whoever is not known


def forged(api: Api, **changes: Any) -> str:
    """A token with something amiss."""
    claims = {
        "keys": api.keyring.signing,
        "issuer": ISSUER,
        "audience": ISSUER,
        "client_id": "demo-team",
        "agency": "SCJP_D-4201",
        "scopes": ["households:read"],
        "areas": ["42"],
        "token_id": "t-1",
        "now": int(time.time()),
        **changes,
    }
    return issue(**claims)


async def revoked(api: Api) -> str:
    """A token that /oauth/token gave to a client that is no more."""
    made = (await everything(api, "POST", "/v1/clients", client())).json()
    basic = httpx2.BasicAuth(made["client_id"], made["client_secret"])
    given = await api.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=basic)
    token: str = given.json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await api.http.get("/v1/me/access", headers=headers)).status_code == 200
    assert (await everything(api, "DELETE", f"/v1/clients/{made['client_id']}")).status_code == 204
    return token


KINDS = ("none", "garbage", "expired", "other issuer", "other audience", "other keys", "revoked", "basic", "empty", "from the future", "unsigned", "cut", "not ascii")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
async def test_whoever_is_not_known_is_challenged(api: Api, kind: str) -> None:
    now = int(time.time())
    good = forged(api)
    sent = {
        "none": None,
        "garbage": "Bearer garbage",
        "expired": f"Bearer {forged(api, now=now - 1000, lifetime=900)}",
        "other issuer": f"Bearer {forged(api, issuer='http://other.test')}",
        "other audience": f"Bearer {forged(api, audience='http://other.test')}",
        "other keys": f"Bearer {forged(api, keys=SigningKeys.generate())}",
        "revoked": f"Bearer {await revoked(api)}" if kind == "revoked" else "",
        "basic": "Basic ZGVtbzpkZW1v",
        "empty": "Bearer ",
        "from the future": f"Bearer {forged(api, now=now + 3600)}",
        "unsigned": f"Bearer {good.rpartition('.')[0]}.",
        "cut": f"Bearer {good[:-1]}",
        "not ascii": f"Bearer {good}é".encode("latin-1"),
    }[kind]
    headers: dict[str, Any] = {} if sent is None else {"Authorization": sent}
    for path in ("/v1/me/access", "/v1/households", "/v1/areas", "/v1/households/x"):
        answer = await api.http.get(path, headers=headers)
        shown = await problem(answer, 401, "unauthenticated")
        assert shown["errors"] == []
        assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    answer = await api.http.post("/graphql", json={"query": "{ me { clientId } }"}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    assert answer.json()["errors"][0]["extensions"]["code"] == "unauthenticated"
