"""A partner's line to the service: what is not answered is sent again, as it was."""

import asyncio
from collections import Counter
from typing import Any

import httpx2

from tests.support.waiting import PATIENCE_S

PAUSE_S = 0.1
_AGAIN = {"idempotency-in-progress", "overloaded", "rate-limited"}


class Line:
    """One client's; it gets tokens by itself."""

    def __init__(self, url: str, client: dict[str, Any]) -> None:
        self.name = str(client["name"])
        self._client = client
        self._http = httpx2.AsyncClient(base_url=url, trust_env=False, timeout=20)
        self._token = ""
        self.statuses: Counter[int] = Counter()
        self.broken = 0
        """Connections that broke, or were refused."""

    async def close(self) -> None:
        await self._http.aclose()

    async def send(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str
    ) -> httpx2.Response:
        """The first answer that says something: not a broken connection, a 401 or a 5xx."""
        sent = dict(headers)
        if key is not None:
            sent["Idempotency-Key"] = key
        while True:
            try:
                answer = await self._once(method, path, body, sent)
            except httpx2.TransportError:
                self.broken += 1
                await asyncio.sleep(PAUSE_S)
                continue
            self.statuses[answer.status_code] += 1
            if answer.status_code == 401:
                self._token = ""
            elif answer.status_code >= 500 or answer.status_code == 429 or self._waits(answer):
                await asyncio.sleep(PAUSE_S)
            else:
                return answer

    def _waits(self, answer: httpx2.Response) -> bool:
        return answer.status_code == 409 and answer.json().get("code") in _AGAIN

    async def _once(self, method: str, path: str, body: Any, sent: dict[str, str]) -> httpx2.Response:
        if not self._token:
            await self._sign_in()
        headers = {"Authorization": f"Bearer {self._token}", "X-Purpose": "casework", **sent}
        return await self._http.request(method, path, json=body, headers=headers)

    async def _sign_in(self) -> None:
        answer = await self._http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(self._client["client_id"], self._client["client_secret"]),
        )
        if answer.status_code >= 500:
            raise httpx2.ConnectError("no token now")
        assert answer.status_code == 200, answer.text
        self._token = answer.json()["access_token"]

    async def everything(self, path: str) -> dict[str, dict[str, Any]]:
        """All items of a list, page by page, by id."""
        found: dict[str, dict[str, Any]] = {}
        cursor = ""
        async with asyncio.timeout(5 * PATIENCE_S):
            while True:
                more = f"&cursor={cursor}" if cursor else ""
                answer = await self.send("GET", f"{path}?limit=200{more}")
                assert answer.status_code == 200, answer.text
                page = answer.json()
                found.update((item["id"], item) for item in page["items"])
                cursor = page["next_cursor"]
                if cursor is None:
                    return found
