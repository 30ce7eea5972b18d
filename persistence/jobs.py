"""Background jobs: what is asked for in a transaction is done after it, once it is committed.

A job says which row to work on, and nothing else: what the interface shows of it stands in the domain's own
tables. The queue (procrastinate's) has a schema of its own, is local to one database, and may be emptied.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from urllib.parse import urlsplit
from uuid import UUID

from procrastinate import App, PsycopgConnector

from persistence.engine import SERVICE_ROLE, Connection, Database

SCHEMA = "jobs"
QUEUE = "default"

_ENQUEUE = f"""SELECT {SCHEMA}.procrastinate_defer_jobs_v1(ARRAY[
  ROW('{QUEUE}', $1::text, 0, $1::text || ' ' || $2::uuid, NULL, jsonb_build_object('id', $2::uuid), NULL)
  ::{SCHEMA}.procrastinate_job_to_defer_v1])"""

# Of what should be at work, what nothing is at work on: after a queue was lost, or a job gave up its place.
_MISSING = f"""SELECT wanted.id FROM unnest($2::uuid[]) AS wanted(id) WHERE NOT EXISTS (
  SELECT FROM {SCHEMA}.procrastinate_jobs j
  WHERE j.lock = $1::text || ' ' || wanted.id AND j.status IN ('todo', 'doing'))"""


def statements() -> str:
    """The queue's tables and functions as one script, for a migration."""
    script = (resources.files("procrastinate.sql") / "schema.sql").read_text(encoding="utf-8")
    # Its functions name their tables without a schema: each looks in its own, whoever calls.
    return f"""CREATE SCHEMA {SCHEMA};
SET LOCAL search_path = {SCHEMA};
{script}
DO $$ DECLARE one regprocedure; BEGIN
  FOR one IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = '{SCHEMA}'::regnamespace LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = {SCHEMA}, pg_catalog', one);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', one);
  END LOOP; END $$;
SET LOCAL search_path = public;"""


def grants() -> list[str]:
    """The rights of the service's role on the queue."""
    return [
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {SERVICE_ROLE}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO {SERVICE_ROLE}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {SCHEMA} TO {SERVICE_ROLE}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {SCHEMA} TO {SERVICE_ROLE}",
    ]


class AtWork(Exception):
    """Another process is at work on the row."""


async def enqueue(connection: Connection, task: str, row_id: UUID) -> None:
    """Asks for `task` on one row, in the transaction under way. Of two jobs for one row only one runs at a time."""
    await connection.execute(_ENQUEUE, task, row_id)


async def enqueue_missing(connection: Connection, task: str, row_ids: Sequence[UUID]) -> int:
    """Asks for `task` on those of the rows that no job waits for or is at work on; how many."""
    missing = await connection.fetch(_MISSING, task, list(row_ids))
    for row in missing:
        await enqueue(connection, task, row["id"])
    return len(missing)


def queue_of(dsn: str) -> App:
    """The queue as the service's role, for what runs jobs."""
    options = f"-c search_path={SCHEMA}"
    if urlsplit(dsn).username != SERVICE_ROLE:
        options += f" -c role={SERVICE_ROLE}"
    # Its `kwargs` are those of each connection; the pool is small: one listens, one fetches, one reports.
    return App(connector=PsycopgConnector(conninfo=dsn, kwargs={"options": options}, min_size=1, max_size=4))


@asynccontextmanager
async def alone_at(database: Database, task: str, row_id: UUID) -> AsyncIterator[None]:
    """Whatever the queue believes, only one process works on a row at a time; the lock goes with its connection.

    Raises AtWork while another does: it may have been thought dead.
    """
    connection = await database.alone(deadline=False)
    try:
        if not await connection.fetchval(
            "SELECT pg_try_advisory_lock(hashtextextended($1, 1))", f"{task} {row_id}"
        ):
            raise AtWork
        yield
    finally:
        connection.terminate()
