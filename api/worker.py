"""The background process: runs jobs, delivers webhooks, clears away what has run its time.

`kaejon serve` starts it beside itself, `kaejon worker` runs it alone; any number may run. It serves nothing.
"""

import asyncio
import logging
import os
import signal as signals
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from uuid import UUID

import asyncpg
import structlog
from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.jobs import Job

from api import logs, memory, signing
from api.adoption import Adoption, KeyringWatch, adopting
from api.app import digest_of_keys, keyring_of_environment, keys_of, new_id, sealing_of
from api.keyring import Keyring
from api.limits.counters import counters
from api.limits.lookups import BackgroundLookups
from api.limits.rates import RateClass
from api.patience import OUTAGE
from api.settings import Settings
from api.tasks import SWEEPS, TASKS
from api.webhooks.relay import relay_and_send
from api.wiring import utc_now
from auth.keys import SigningSupply
from domain.exchange.jobs import Task, Tools
from persistence.access.quota import PgQuota
from persistence.access.signing import PgSigning
from persistence.engine import Database
from persistence.files import Files
from persistence.jobs import AtWork, alone_at, enqueue_missing, queue_of
from persistence.work import WorkFactory

log = structlog.get_logger("kaejon")

AT_ONCE = 2
"""Jobs that one process runs side by side: each has its memory."""
HEARTBEAT_S, STALLED_S = 2.0, 10.0
SWEEP_S = 60.0
LOOK_S = 3.0
"""Seconds between two looks for jobs that were lost."""
GRACE_S = 10.0
"""Seconds that jobs get after SIGTERM; what is not done by then is begun again by the next process."""
MOST_ATTEMPTS = 3
"""Of a job that fails for another reason than that the database cannot be reached."""

_OUTAGE = (*OUTAGE, AtWork, asyncpg.TransactionRollbackError, asyncpg.LockNotAvailableError)


class _Retry(BaseRetryStrategy):
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """For ever while the database is away; a few times otherwise."""
        if isinstance(exception, _OUTAGE) or job.attempts + 1 < MOST_ATTEMPTS:
            return RetryDecision(retry_in={"seconds": 2})
        return None


def registered(queue: App, tools: Tools, database: Database, tasks: Mapping[str, Task]) -> App:
    """The queue, knowing how to do `tasks`."""
    for name, task in tasks.items():
        queue.task(name=name, retry=_Retry(), pass_context=True)(_performing(name, task, tools, database))
    return queue


def _performing(name: str, task: Task, tools: Tools, database: Database) -> Callable[..., Awaitable[None]]:
    async def performing(context: JobContext, *, id: str) -> None:
        row_id = UUID(id)
        async with alone_at(database, name, row_id):
            try:
                await task.perform(tools, row_id)
            except _OUTAGE:
                raise
            except Exception:
                # Never the error's text: it may quote a row.
                log.error("a job failed", task=name, id=id, exc_info=True)
                assert context.job is not None
                if context.job.attempts + 1 < MOST_ATTEMPTS:
                    raise JobFailed from None
                await task.give_up(tools, row_id)

    return performing


class JobFailed(Exception):
    """Stands for an exception whose text must not reach the queue's log."""


async def rescued(queue: App, works: WorkFactory, tasks: Mapping[str, Task]) -> None:
    """Puts back what a dead process was at, and asks again for what the queue has lost."""
    for job in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S):
        await queue.job_manager.retry_job(job)
    for name, task in tasks.items():
        async with works.writing() as work:
            await enqueue_missing(work.connection, name, await task.unfinished(work))


class Background:
    """One such process."""

    def __init__(
        self, *, dsn: str, keyring: Keyring, settings: Settings, issuer: str, keys_file: Path | None = None
    ) -> None:
        self._dsn, self._keyring, self._settings, self._issuer = dsn, keyring, settings, issuer
        self._keys_file = keys_file
        self._stop = asyncio.Event()

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> None:
        """Until `stop`; a database that goes away, or is not there yet, is waited for."""
        await self._again_and_again(self._run)

    async def _run(self) -> None:
        async with AsyncExitStack() as stack:
            database = await Database.open(self._dsn, size=8, application="kaejon worker")
            stack.push_async_callback(database.close)
            sealing = sealing_of(self._keyring)
            watch = KeyringWatch(self._keys_file, self._keyring, lambda newer: sealing.use(keys_of(newer)))
            sealing.watch(watch.look)
            store = PgSigning(database, sealing)
            supply = SigningSupply(await signing.first(store, self._keyring.signing, now=utc_now()))
            await stack.enter_async_context(
                adopting(
                    Adoption(
                        worker_id=new_id(), watch=watch, supply=supply, store=store, digest_of=digest_of_keys
                    )
                )
            )
            works = WorkFactory(database, sealing, new_id)
            settings = self._settings
            quotas = await stack.enter_async_context(counters(settings, PgQuota(database.alone)))
            lookups = BackgroundLookups(quotas, settings.rates[RateClass.LOOKUP])
            tools = Tools(works, Files(settings.files), new_id, utc_now, lookups)
            loops: list[Callable[[], Awaitable[None]]] = [
                lambda: self._jobs(tools, database, works),
                lambda: self._rescue(works),
                lambda: self._webhooks(works),
                lambda: self._sweep(tools),
            ]
            log.info("the worker runs")
            async with asyncio.TaskGroup() as group:
                for loop in loops:
                    group.create_task(self._again_and_again(loop))

    async def _again_and_again(self, loop: Callable[[], Awaitable[None]]) -> None:
        """Runs it until the end, whatever becomes of the database; one line for an outage."""
        told = False
        while not self._stop.is_set():
            try:
                await loop()
                told = False
            except Exception as error:
                if not told:
                    log.warning("the worker waits for the database", error_type=type(error).__name__)
                told = True
            await self._pause(1.0)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _jobs(self, tools: Tools, database: Database, works: WorkFactory) -> None:
        """Returns at the end, and also when the database was restarted."""
        queue = registered(queue_of(self._dsn), tools, database, TASKS)
        async with queue.open_async():
            running = asyncio.create_task(
                queue.run_worker_async(
                    concurrency=AT_ONCE,
                    install_signal_handlers=False,
                    update_heartbeat_interval=HEARTBEAT_S,
                    stalled_worker_timeout=STALLED_S,
                    fetch_job_polling_interval=2.0,
                    shutdown_graceful_timeout=GRACE_S,
                    delete_jobs="always",
                )
            )
            stopping = asyncio.create_task(self._stop.wait())
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            # Cancelled, it finishes what it is at, within the grace.
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def _webhooks(self, works: WorkFactory) -> None:
        await relay_and_send(
            works, allowed=self._settings.webhook_targets, source=self._issuer, stop=self._stop, now=utc_now
        )

    async def _sweep(self, tools: Tools) -> None:
        while not self._stop.is_set():
            for sweep in SWEEPS:
                await sweep(tools)
            await self._pause(SWEEP_S)

    async def _rescue(self, works: WorkFactory) -> None:
        queue = queue_of(self._dsn)
        async with queue.open_async():
            while not self._stop.is_set():
                await rescued(queue, works, TASKS)
                await self._pause(LOOK_S)


def main() -> None:
    """With what the parent has put into the environment."""
    memory.give_back()
    logs.configure(logging.INFO)
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    background = Background(
        dsn=os.environ["KAEJON_SERVING_DSN"],
        keyring=keyring_of_environment(),
        settings=Settings(),
        issuer=os.environ["KAEJON_SERVING_ISSUER"],
        keys_file=None if os.environ.get("KAEJON_KEYS") else Path(os.environ["KAEJON_SERVING_KEYS"]),
    )
    asyncio.run(_until_told(background))


async def _until_told(background: Background) -> None:
    loop = asyncio.get_running_loop()
    if os.environ.get("KAEJON_SERVING_LEASH"):
        threading.Thread(target=_on_the_leash, args=(loop, background), daemon=True).start()
    for number in (signals.SIGTERM, signals.SIGINT):
        loop.add_signal_handler(number, background.stop)
    await background.run()


def _on_the_leash(loop: asyncio.AbstractEventLoop, background: Background) -> None:
    """Standard input is a pipe that the parent holds: it closes when the parent ends, however it ends."""
    # Not sys.stdin: its lock would be held when the interpreter ends.
    while os.read(0, 64):
        pass
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(background.stop)


if __name__ == "__main__":
    main()
