"""Background jobs in the test's own process: all that wait, until none is left."""

from collections.abc import Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from api.app import new_id, sealing_of
from api.tasks import TASKS
from api.wiring import utc_now
from api.worker import registered
from domain.exchange.jobs import Task, Tools, unlimited
from persistence.files import Files
from persistence.jobs import queue_of
from persistence.work import WorkFactory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from procrastinate import App

    from tests.support.api import Api


def tools_of(api: "Api") -> Tools:
    """What a job of this application works with."""
    database = api.worker.database
    assert database is not None
    works = WorkFactory(database, sealing_of(api.keyring), new_id)
    return Tools(works, Files(Path(api.worker.settings.files)), new_id, utc_now, unlimited)


@asynccontextmanager
async def queue(api: "Api", tasks: Mapping[str, Task] = TASKS) -> "AsyncIterator[App]":
    """The application's queue, with those that know how to do its jobs."""
    database = api.worker.database
    assert database is not None
    known = registered(queue_of(api.worker.dsn), tools_of(api), database, tasks)
    async with known.open_async():
        yield known


async def run_jobs(api: "Api", tasks: Mapping[str, Task] = TASKS) -> None:
    """Runs everything that waits, one after the other, and what that asks for in its turn."""
    async with queue(api, tasks) as known:
        await known.run_worker_async(wait=False, install_signal_handlers=False, delete_jobs="always")
