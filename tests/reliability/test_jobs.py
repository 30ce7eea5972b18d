"""Background jobs: each is done once it is committed, whatever dies meanwhile."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest

from api.app import new_id
from api.worker import rescued
from domain.exchange.jobs import Task, Tools
from domain.work import UnitOfWork
from persistence.jobs import AtWork, alone_at, enqueue, enqueue_missing
from tests.support.api import Api
from tests.support.jobs import queue, run_jobs, tools_of
from tests.support.waiting import eventually_so


class Kind:
    """One kind of job that notes what happens to it."""

    def __init__(self, failures: Sequence[Exception] = ()) -> None:
        self.failures = list(failures)
        self.begun: list[UUID] = []
        self.done: list[UUID] = []
        self.given_up: list[UUID] = []
        self.wanted: list[UUID] = []

    async def perform(self, tools: Tools, row_id: UUID) -> None:
        self.begun.append(row_id)
        if self.failures:
            raise self.failures.pop(0)
        self.done.append(row_id)

    async def give_up(self, tools: Tools, row_id: UUID) -> None:
        self.given_up.append(row_id)

    async def unfinished(self, work: UnitOfWork) -> Sequence[UUID]:
        return self.wanted

    @property
    def task(self) -> Task:
        return Task(self.perform, self.give_up, self.unfinished)


async def asked(api: Api, row_id: UUID, *, committed: bool = True) -> None:
    works = tools_of(api).works
    try:
        async with works.writing() as work:
            await enqueue(work.connection, "kind", row_id)  # type: ignore[attr-defined]  # the store's connection
            if not committed:
                raise LookupError
    except LookupError:
        pass


async def until_done(api: Api, kind: Kind, count: int = 1) -> None:
    """A job that is tried again waits two seconds for it."""
    async with asyncio.timeout(60):
        while len(kind.done) + len(kind.given_up) < count:
            await run_jobs(api, {"kind": kind.task})
            await asyncio.sleep(0.1)


async def test_a_job_is_done_once_its_transaction_is_committed(api: Api) -> None:
    kind, row_id = Kind(), new_id()
    await asked(api, row_id)
    await asked(api, new_id(), committed=False)
    await run_jobs(api, {"kind": kind.task})
    assert (kind.done, kind.begun) == ([row_id], [row_id])


async def test_an_outage_is_outlived(api: Api) -> None:
    kind, row_id = Kind([ConnectionResetError(), OSError(), AtWork(), ConnectionResetError()]), new_id()
    await asked(api, row_id)
    await until_done(api, kind)
    assert (kind.done, kind.given_up, len(kind.begun)) == ([row_id], [], 5)


async def test_what_fails_again_and_again_is_given_up(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    kind, row_id = Kind([ValueError("a name: สมชาย")] * 5), new_id()
    await asked(api, row_id)
    await until_done(api, kind)
    assert (kind.done, kind.given_up, len(kind.begun)) == ([], [row_id], 3)
    assert "สมชาย" not in caplog.text


async def test_what_the_queue_lost_is_asked_for_again_and_once(api: Api) -> None:
    kind, row_id = Kind(), new_id()
    kind.wanted.append(row_id)
    tasks = {"kind": kind.task}
    async with queue(api, tasks) as known:
        for _ in range(3):
            await rescued(known, tools_of(api).works, tasks)  # type: ignore[arg-type]  # WorkFactory itself
    await run_jobs(api, tasks)
    assert kind.begun == [row_id]


async def test_a_dead_process_s_job_is_put_back(api: Api) -> None:
    kind, row_id = Kind(), new_id()
    tasks = {"kind": kind.task}
    await asked(api, row_id)
    async with queue(api, tasks) as known:
        manager = known.job_manager
        dead = await manager.register_worker()
        job = await manager.fetch_job(None, dead)
        assert job is not None
        await run_jobs(api, tasks)
        assert kind.begun == []
        # It has not been heard of for longer than a living one is silent.
        await manager.prune_stalled_workers(-1)
        await rescued(known, tools_of(api).works, tasks)  # type: ignore[arg-type]
    await run_jobs(api, tasks)
    assert kind.done == [row_id]


async def test_one_process_at_a_time_works_on_a_row(api: Api) -> None:
    database, row_id = api.worker.database, new_id()
    assert database is not None
    async with alone_at(database, "kind", row_id):
        with pytest.raises(AtWork):
            async with alone_at(database, "kind", row_id):
                pass
        async with alone_at(database, "kind", new_id()), alone_at(database, "other", row_id):
            pass
    async with alone_at(database, "kind", row_id):
        pass


async def test_a_lock_goes_with_its_connection(api: Api, module_dsn: str) -> None:
    database, row_id = api.worker.database, new_id()
    assert database is not None
    owner = await asyncpg.connect(module_dsn)
    async with alone_at(database, "kind", row_id):
        ended = await owner.fetchval(
            """SELECT count(pg_terminate_backend(pid)) FROM pg_locks
               WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
        )
        assert ended >= 1

        async def free() -> bool:
            try:
                async with alone_at(database, "kind", row_id):
                    return True
            except AtWork:
                return False

        assert await eventually_so(free)
    await owner.close()


async def test_only_missing_jobs_are_asked_for(api: Api) -> None:
    waiting, missing = new_id(), new_id()
    await asked(api, waiting)
    async with tools_of(api).works.writing() as work:
        assert await enqueue_missing(work.connection, "kind", [waiting, missing]) == 1  # type: ignore[attr-defined]
    kind = Kind()
    await run_jobs(api, {"kind": kind.task})
    assert sorted(kind.done) == sorted([waiting, missing])
