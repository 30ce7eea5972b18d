"""The composition root of a worker: everything is made here once, and handed down."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import uuid_utils
import uuid_utils.compat
from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api import logs
from api.answering import answer_error
from api.contract.openapi import openapi_document
from api.edge import Edge
from api.errors import HttpError
from api.graphql.app import graphql_app
from api.housekeeping import kept_tidy
from api.keyring import Keyring, read_keyring
from api.operations import docs, errors, health
from api.operations.metrics import Metrics
from api.operations.metrics import routes as metric_routes
from api.paging import Cursors
from api.rest.serving import PathApp
from api.rest.table import ROUTES, by_path
from api.wiring import Services, utc_now
from auth.clients import ClientSecrets
from auth.tokens import TokenVerifier
from persistence.access.standing import PgStanding, watched
from persistence.cipher import BlindIndex, FieldCipher
from persistence.engine import Database
from persistence.exchange.idempotency import MOST_FORGOTTEN
from persistence.migrate import head
from persistence.sealing import Sealing
from persistence.work import WorkFactory

new_id = uuid_utils.compat.uuid7


def request_id() -> str:
    return str(uuid_utils.uuid7())


def sealing_of(keyring: Keyring) -> Sealing:
    cipher = FieldCipher(keyring.field_keys, current=keyring.current_field_key, entropy=os.urandom)
    return Sealing(cipher, BlindIndex(keyring.index_key))


class Worker:
    """What one process serves with; `application` is the ASGI application around it."""

    def __init__(self, *, dsn: str, keyring: Keyring, issuer: str, pool_size: int = 10) -> None:
        self._dsn, self._keyring, self._issuer, self._pool_size = dsn, keyring, issuer, pool_size
        self.database: Database | None = None

    async def start(self, stack: AsyncExitStack) -> Services:
        """Connects and begins to watch what is barred; `stack` undoes it."""
        database = self.database = await Database.open(self._dsn, size=self._pool_size)
        stack.push_async_callback(database.close)
        standing = await stack.enter_async_context(watched(PgStanding(database)))
        keyring = self._keyring
        works = WorkFactory(database, sealing_of(keyring), new_id)
        async with works.reading() as work:
            purposes = await work.reference.codes_of("purposes")
        await stack.enter_async_context(kept_tidy(self._tidy(works, standing)))
        return Services(
            works=works,
            verifier=TokenVerifier(
                keys=keyring.signing, issuer=self._issuer, audience=self._issuer, standing=standing
            ),
            signing=keyring.signing,
            secrets=ClientSecrets(pepper=keyring.client_pepper, entropy=os.urandom),
            standing=standing,
            cursors=Cursors(keyring.cursor_key),
            issuer=self._issuer,
            purposes=purposes,
            new_id=new_id,
        )

    def _tidy(self, works: WorkFactory, standing: PgStanding) -> Callable[[], Awaitable[None]]:
        async def tidy() -> None:
            async with works.reading() as work:
                forgotten = MOST_FORGOTTEN
                # A few thousand at a time: no long statement stands in anybody's way.
                while forgotten == MOST_FORGOTTEN:
                    forgotten = await work.idempotency.forget_old(now=utc_now())
            await standing.forget_expired()

        return tidy

    async def ready(self) -> str | None:
        """None when the database answers at the schema this code knows, else what is wrong."""
        if self.database is None:
            return "starting"
        try:
            async with self.database.reading() as connection:
                at = await connection.fetchval("SELECT version_num FROM alembic_version")
        except Exception as error:
            return f"the database cannot be reached ({type(error).__name__})"
        return None if at == head() else f"the schema is at {at}, this code needs {head()}"


def create_app(worker: Worker, *, issuer: str, most: int = 1000) -> FastAPI:
    """The application: REST, GraphQL and operations behind one edge; `most` requests under way at once."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            services = await worker.start(stack)
            app.router.routes.extend(_routes(services, metrics, worker.ready))
            # What is made by now lives as long as the process: no collection needs to look at it again.
            gc.collect()
            gc.freeze()
            yield

    def edged(app: ASGIApp) -> ASGIApp:
        return Edge(
            app, request_ids=request_id, metrics=metrics, log_line=logs.request_line, base=issuer, most=most
        )

    app = Application(
        edged, title="Kaejon", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None
    )
    app.router.redirect_slashes = False
    app.router.default = _Unknown(issuer)
    return app


class Application(FastAPI):
    """FastAPI with one layer around its router: the edge answers every error itself."""

    def __init__(self, edged: Callable[[ASGIApp], ASGIApp], **settings: Any) -> None:
        self._edged = edged
        super().__init__(**settings)

    def build_middleware_stack(self) -> ASGIApp:
        return self._edged(self.router)


class _Unknown:
    """What no route matches."""

    def __init__(self, base: str) -> None:
        self._base = base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        error = HttpError(404, "not-found", "There is no such path; see /docs.")
        request_id = scope.get("request_id", "")
        response = answer_error(error, path=scope["path"], request_id=request_id, base=self._base)
        await response(scope, receive, send)


def _routes(services: Services, metrics: Metrics, ready: health.Ready) -> list[Route]:
    document = orjson.dumps(openapi_document(ROUTES, server=services.issuer))
    return [
        *(Route(path, endpoint=PathApp(operations, services)) for path, operations in by_path().items()),
        Route("/graphql", endpoint=docs.GraphiqlForBrowsers(graphql_app(services))),
        *health.routes(ready, base=services.issuer),
        *metric_routes(metrics),
        *errors.routes(base=services.issuer),
        *docs.routes(lambda: document),
    ]


def from_environment() -> FastAPI:
    """For uvicorn's worker processes: the parent has put what they need into their environment."""
    logs.configure()
    _end_with_supervisor()
    issuer = os.environ["KAEJON_SERVING_ISSUER"]
    worker = Worker(
        dsn=os.environ["KAEJON_SERVING_DSN"],
        keyring=_keyring_of_environment(),
        issuer=issuer,
        pool_size=int(os.environ.get("KAEJON_SERVING_POOL", "10")),
    )
    return create_app(worker, issuer=issuer, most=int(os.environ.get("KAEJON_SERVING_MOST", "1000")))


def _end_with_supervisor() -> None:
    """A worker whose supervisor was killed ends too: it would hold the port, with no database behind it."""
    supervisor = multiprocessing.parent_process()
    if supervisor is None:
        return

    def wait() -> None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="supervisor", daemon=True).start()


def _keyring_of_environment() -> Keyring:
    text = os.environ.get("KAEJON_KEYS")
    if text:
        return Keyring.from_json(text, source="KAEJON_KEYS")
    return read_keyring(Path(os.environ["KAEJON_SERVING_KEYS"]))
