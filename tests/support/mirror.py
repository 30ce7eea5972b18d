"""A partner's copy that follows the change feed, by what its documentation says and nothing else."""

from dataclasses import dataclass, field
from typing import Any

from tests.support.api import Api
from tests.support.calls import everything
from tests.support.feed import followed

PATHS = {
    "household": "/v1/households",
    "problem": "/v1/problems",
    "assignment": "/v1/assignments",
    "assistance_event": "/v1/assistance-events",
}
Resource = tuple[str, str]


@dataclass
class Mirror:
    """What one client holds; `claims` are its token's."""

    api: Api
    claims: dict[str, Any]
    cursor: str
    held: dict[Resource, dict[str, Any]] = field(default_factory=dict)
    tombstones: int = 0
    entered: int = 0

    async def catch_up(self, *, limit: int = 50) -> None:
        """Follows the feed to its end."""
        items, self.cursor = await followed(self.api, self.cursor, claims=self.claims, limit=limit)
        for item in items:
            await self._take(item)

    async def _take(self, item: dict[str, Any]) -> None:
        kind, id = item["type"], item["resource_id"]
        if item["tombstone"]:
            self.tombstones += 1
            self._let_go(kind, id)
        elif kind in PATHS:
            await self._fetch(kind, id)
            if (kind, item["action"]) == ("household", "entered"):
                self.entered += 1
                for part in ("problem", "assignment", "assistance_event"):
                    for found in await self.listed(part, household_id=id):
                        # Lists go on showing what was voided; a copy has let go of it.
                        if found["status"] != "voided":
                            self.held[part, found["id"]] = found

    def _let_go(self, kind: str, id: str) -> None:
        self.held.pop((kind, id), None)
        if kind == "household":
            self.held = {key: one for key, one in self.held.items() if one.get("household_id") != id}

    async def _fetch(self, kind: str, id: str) -> None:
        answer = await everything(self.api, "GET", f"{PATHS[kind]}/{id}", **self.claims)
        if answer.status_code == 200:
            self.held[kind, id] = answer.json()
        else:
            # Gone by now, or not to be seen any more: the item that says so is still to come.
            assert answer.status_code in (308, 404), answer.text
            self.held.pop((kind, id), None)

    async def listed(self, kind: str, **query: str) -> list[dict[str, Any]]:
        """All of a kind that the service lists."""
        found: list[dict[str, Any]] = []
        given, after = "".join(f"&{name}={value}" for name, value in query.items()), ""
        while True:
            path = f"{PATHS[kind]}?limit=200{given}{after}"
            page = (await everything(self.api, "GET", path, **self.claims)).json()
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            after = f"&cursor={page['next_cursor']}"

    async def stored(self) -> dict[Resource, dict[str, Any]]:
        """What the service would list to this client now, without what a tombstone takes."""
        return {
            (kind, one["id"]): one
            for kind in PATHS
            for one in await self.listed(kind)
            if one.get("status") != "voided" and one.get("merged_into") is None
        }
