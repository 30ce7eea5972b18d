"""A copy of what one client may see, in an SQLite file of its own: an export, then the feed."""

import asyncio
import gzip
import json
import sqlite3
from pathlib import Path
from typing import Any

from tests.support.partners.line import Line
from tests.support.waiting import PATIENCE_S

PATHS = {
    "household": "/v1/households",
    "problem": "/v1/problems",
    "assignment": "/v1/assignments",
    "assistance_event": "/v1/assistance-events",
}
_EXPORTED = {
    "household": "households",
    "problem": "problems",
    "assignment": "assignments",
    "assistance_event": "assistance_events",
}


class Mirror:
    """Rows by type and id; the place in the feed is stored with the rows that it has brought."""

    def __init__(self, line: Line, file: Path, area: str) -> None:
        self.line, self._area = line, area
        self._db = sqlite3.connect(file)
        self._db.execute(
            "CREATE TABLE row (type TEXT, id TEXT, household_id TEXT, json TEXT, PRIMARY KEY (type, id))"
        )
        self._db.execute("CREATE TABLE place (next TEXT)")
        self.items = 0
        self.tombstones = 0

    # -- the beginning

    async def copy(self) -> None:
        """Everything there is, by exports; the feed goes on from where the first of them was taken."""
        places = []
        for kind, name in _EXPORTED.items():
            manifest = await self._exported(name)
            for part in manifest["output"]:
                if part["type"] == name:
                    await self._load(kind, part)
            places.append(manifest["feed_position"])
        self._db.execute("INSERT INTO place VALUES (?)", (places[0],))
        self._db.commit()

    async def _exported(self, name: str) -> dict[str, Any]:
        body = {"type": name, "area": self._area, "format": "ndjson"}
        answer = await self.line.send("POST", "/v1/exports", body, key=f"export {self._area} {name}")
        assert answer.status_code == 202, answer.text
        path = f"/v1/exports/{answer.json()['id']}"
        async with asyncio.timeout(5 * PATIENCE_S):
            while True:
                manifest: dict[str, Any] = (await self.line.send("GET", path)).json()
                if manifest["status"] == "succeeded":
                    return manifest
                assert manifest["status"] in ("queued", "running"), manifest
                await asyncio.sleep(0.1)

    async def _load(self, kind: str, part: dict[str, Any]) -> None:
        path = part["url"][part["url"].index("/v1/") :]
        answer = await self.line.send("GET", path)
        assert answer.status_code == 200, answer.text
        text = (
            answer.content if not answer.content.startswith(b"\x1f\x8b") else gzip.decompress(answer.content)
        )
        lines = text.splitlines()
        assert len(lines) == part["count"]
        for line in lines:
            self._put(kind, json.loads(line))

    # -- the feed

    async def follow(self, stop: asyncio.Event) -> None:
        """Until it is told to stop and nothing new is there."""
        while True:
            ending = stop.is_set()
            count = await self.step(wait=0 if ending else 2)
            if ending and not count:
                return

    async def step(self, *, wait: int) -> int:
        """One page of the feed, taken over whole or not at all; how many items it had."""
        place = self._db.execute("SELECT next FROM place").fetchone()[0]
        answer = await self.line.send("GET", f"/v1/changes?limit=200&wait={wait}&after={place}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        await self.take(page["items"])
        self._db.execute("UPDATE place SET next = ?", (page["next"],))
        self._db.commit()
        return len(page["items"])

    async def take(self, items: list[dict[str, Any]]) -> None:
        """Reads anew what the items name, and lets go what they say has gone."""
        wanted: dict[tuple[str, str], None] = {}
        for item in items:
            self.items += 1
            if item.get("tombstone"):
                self.tombstones += 1
                self._drop(item)
                wanted = {one: None for one in wanted if one != (item["type"], item["resource_id"])}
                continue
            if item["type"] in PATHS:
                wanted[item["type"], item["resource_id"]] = None
            if item["household_id"]:
                # Members and results are shown with their household.
                wanted["household", item["household_id"]] = None
        for kind, id in wanted:
            await self.read(kind, id)
        self._db.commit()

    async def read(self, kind: str, id: str) -> None:
        answer = await self.line.send("GET", f"{PATHS[kind]}/{id}")
        if answer.status_code == 200:
            self._put(kind, answer.json())
        else:
            # It has gone out of view meanwhile: its tombstone comes later in the feed.
            assert answer.status_code in (404, 308), answer.text
            self._db.execute("DELETE FROM row WHERE type = ? AND id = ?", (kind, id))

    def _put(self, kind: str, row: dict[str, Any]) -> None:
        home = row["id"] if kind == "household" else row["household_id"]
        if kind == "assistance_event" and row["status"] == "voided":
            self._db.execute("DELETE FROM row WHERE type = ? AND id = ?", (kind, row["id"]))
            return
        text = json.dumps(row, sort_keys=True)
        self._db.execute("INSERT OR REPLACE INTO row VALUES (?, ?, ?, ?)", (kind, row["id"], home, text))

    def _drop(self, item: dict[str, Any]) -> None:
        if item["type"] == "household":
            self._db.execute("DELETE FROM row WHERE household_id = ?", (item["resource_id"],))
        else:
            self._db.execute("DELETE FROM row WHERE type = ? AND id = ?", (item["type"], item["resource_id"]))

    # -- the end

    def rows(self, kind: str) -> dict[str, str]:
        """By id, as JSON with sorted keys."""
        return dict(self._db.execute("SELECT id, json FROM row WHERE type = ?", (kind,)).fetchall())

    async def differences(self) -> list[str]:
        """What the service shows and the copy does not, or the other way, or otherwise; read as lists."""
        found = []
        for kind, path in PATHS.items():
            shown = {
                id: json.dumps(row, sort_keys=True)
                for id, row in (await self.line.everything(path)).items()
                if not (kind == "assistance_event" and row["status"] == "voided")
            }
            held = self.rows(kind)
            found += [f"{kind} {id} is missing" for id in sorted(shown.keys() - held.keys())]
            found += [f"{kind} {id} should have gone" for id in sorted(held.keys() - shown.keys())]
            found += [
                f"{kind} {id} differs: {shown[id]} / {held[id]}"
                for id in sorted(shown.keys() & held.keys())
                if shown[id] != held[id]
            ]
        return found

    def count(self) -> dict[str, int]:
        return dict(self._db.execute("SELECT type, count(*) FROM row GROUP BY type").fetchall())

    def close(self) -> None:
        self._db.close()
