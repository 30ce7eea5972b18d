"""Import files, and an import run to its end in the test's own process."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from api.bootstrap import OPERATOR
from api.tasks import TASKS
from domain.access.actor import Scope
from domain.exchange.importing.job import ImportStatus
from persistence.bounds import EVERYTHING, bind
from tests.support import builders
from tests.support.api import PURPOSE, Api
from tests.support.exports import known
from tests.support.jobs import run_jobs, tools_of

FIELDS = ("record_id", "citizen_id", "house_code", "area_code", "house_no", "moo", "prefix", "first_name", "last_name",
          "relationship", "sex", "birth_date", "occupation")  # fmt: skip
SCOPES = (
    "imports:write",
    "assistance:write",
    "households:read",
    "households:write",
    "persons:pii",
    "changes:read",
)


def row(**changes: Any) -> dict[str, str]:
    """One person, head of a household of its own, as a row of the own columns."""
    id = builders.citizen_id()
    usual = {
        "record_id": f"R-{id[-6:]}", "citizen_id": id, "house_code": f"4201{id[5:12]}", "area_code": "420101",
        "house_no": "12/3", "moo": "4", "prefix": "นาย", "first_name": "สมชาย", "last_name": f"ใจดี{id[8:12]}",
        "relationship": "head", "sex": "male", "birth_date": "1960-05-01", "occupation": "ทำนา",
    }  # fmt: skip
    return {**usual, **changes}


def as_csv(rows: Sequence[Mapping[str, str]], fields: Sequence[str] | None = None) -> bytes:
    out = io.StringIO()
    names = list(fields or dict.fromkeys(name for one in rows for name in one))
    writer = csv.DictWriter(out, names, extrasaction="ignore", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


async def send(
    api: Api, file: bytes, *, who: str = "importer", path: str | None = None, headers: Mapping[str, str] | None = None,
    scopes: Sequence[str] = SCOPES, areas: Sequence[str] = ("42",), **query: str,
) -> Any:  # fmt: skip
    """The answer to the posting of a file."""
    await known(api, who, scopes=list(scopes), areas=list(areas))
    asked = {"kind": "thaiqm", "mode": "commit", **query}
    path = path or "/v1/imports?" + "&".join(f"{name}={value}" for name, value in asked.items())
    given = {"Content-Type": "text/csv", **(headers or {})}
    return await call(api, "POST", path, file, who=who, headers=given, scopes=scopes, areas=areas)


async def call(
    api: Api, method: str, path: str, body: Any = None, *, who: str = "importer", headers: Mapping[str, str] | None = None,
    scopes: Sequence[str] = SCOPES, areas: Sequence[str] = ("42",),
) -> Any:  # fmt: skip
    return await api.call(
        who,
        method,
        path,
        body,
        headers={**PURPOSE, **(headers or {})},
        scopes=list(scopes),
        areas=list(areas),
    )


async def imported(api: Api, rows: Sequence[Mapping[str, str]] | bytes, **given: Any) -> dict[str, Any]:
    """The import of these rows when it is over."""
    answer = await send(api, rows if isinstance(rows, bytes) else as_csv(rows), **given)
    assert answer.status_code == 202, answer.text
    await run_jobs(api)
    who = {name: given[name] for name in ("who", "scopes", "areas") if name in given}
    found = await call(api, "GET", answer.headers["location"], **who)
    assert found.status_code == 200, found.text
    return dict(found.json())


async def report(api: Api, done: Mapping[str, Any], **given: Any) -> list[dict[str, Any]]:
    """All rows of the report."""
    answer = await call(api, "GET", f"/v1/imports/{done['id']}/rows?limit=200", **given)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def counts(done: Mapping[str, Any]) -> dict[str, int]:
    """Those that are not nought."""
    return {name: count for name, count in done["counts"].items() if count}


async def cancelled(api: Api) -> str:
    """An import that was cancelled before it began; its id."""
    given = {"who": "center", "scopes": [*Scope], "areas": ["*"]}
    answer = await send(api, as_csv([row()]), mode="validate", **given)
    assert answer.status_code == 202, answer.text
    id = str(answer.json()["id"])
    assert (await call(api, "POST", f"/v1/imports/{id}/cancel", **given)).status_code == 200
    return id


async def validated(api: Api) -> str:
    """A validation that has ended; its id."""
    answer = await send(api, as_csv([row()]), mode="validate", who="center", scopes=[*Scope], areas=["*"])
    assert answer.status_code == 202, answer.text
    id = UUID(answer.json()["id"])
    async with tools_of(api).works.writing() as work:
        await work.imports.finish(id, ImportStatus.SUCCEEDED, now=datetime.now(UTC))
    return str(id)


async def reported(api: Api, rows: Sequence[Mapping[str, str]]) -> str:
    """A validation of these rows that its own job has made, whatever waits besides; its id."""
    answer = await send(api, as_csv(rows), mode="validate", who="center", scopes=[*Scope], areas=["*"])
    assert answer.status_code == 202, answer.text
    id = UUID(answer.json()["id"])
    await TASKS["import"].perform(tools_of(api), id)
    return str(id)


async def disagreement(api: Api, household: Mapping[str, Any], field: str = "house_no") -> str:
    """A conflict about the household, as an import would leave it; its id."""
    database = api.worker.database
    assert database is not None
    async with tools_of(api).works.writing(OPERATOR) as work:
        id = work.new_id()
        await bind(work.connection, EVERYTHING)  # type: ignore[attr-defined]  # our own
        await work.connection.execute(  # type: ignore[attr-defined]
            """INSERT INTO conflict (household_id, id, area_code, field, stored, stored_source, given, given_source,
                 given_hash, status, created_at) VALUES ($1, $2, $3, $4, '"1"', 'team', '"2"', 'thaiqm', '\\x00', 'open', now())""",
            UUID(household["id"]), id, household["area_code"], field,
        )  # fmt: skip
    return str(id)


async def household_of(api: Api, citizen_id: str) -> dict[str, Any]:
    answer = await call(api, "POST", "/v1/households/search", {"citizen_id": citizen_id})
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["items"]
    return dict(found)
