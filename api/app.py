"""The composition root of a worker: everything is made here once, and handed down."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import uuid_utils
import uuid_utils.compat
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api import logs, signing
from api.addresses import Callers
from api.adoption import Adoption, KeyringWatch, adopting
from api.answering import answer_error
from api.contract.openapi import openapi_document
from api.edge import Edge
from api.errors import HttpError
from api.feed import Feed
from api.graphql.app import graphql_app
from api.housekeeping import kept_sealed, kept_tidy
from api.keyring import Keyring, read_keyring
from api.limits.counters import counters
from api.limits.gate import RateLimits
from api.operations import docs, errors, health
from api.operations.metrics import Metrics
from api.operations.metrics import routes as metric_routes
from api.paging import Cursors
from api.patience import once_there
from api.rest.serving import PathApp
from api.rest.table import ROUTES, by_path
from api.settings import Settings
from api.webhooks.guard import Guard
from api.wiring import Services, utc_now
from auth.clients import ClientSecrets
from auth.keys import SigningKeys, SigningSupply
from auth.tokens import TokenVerifier
from domain.exchange.export import Allowance
from persistence.access.ledger import Sealer
from persistence.access.quota import PgQuota
from persistence.access.signing import PgSigning, digest_of
from persistence.access.standing import PgStanding, watched
from persistence.cipher import BlindIndex, FieldCipher
from persistence.engine import Database
from persistence.exchange.idempotency import MOST_FORGOTTEN
from persistence.files import Files
from persistence.migrate import head
from persistence.sealing import Keys, Sealing
from persistence.work import WorkFactory

new_id = uuid_utils.compat.uuid7
CORS_SENT = (
    "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-Purpose", "X-Request-Id",
)  # fmt: skip
CORS_SHOWN = (
    "ETag", "Idempotency-Replayed", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After",
    "WWW-Authenticate", "X-Request-Id",
)  # fmt: skip
"""What a page of another origin may send and see, beside what browsers allow anyway."""


def request_id() -> str:
    return str(uuid_utils.uuid7())


def sealing_of(keyring: Keyring) -> Sealing:
    keys = keys_of(keyring)
    return Sealing(keys.cipher, keys.index, keys.content)


def keys_of(keyring: Keyring) -> Keys:
    return Keys(
        FieldCipher(keyring.field_keys, current=keyring.current_field_key, entropy=os.urandom),
        BlindIndex(keyring.index_keys, current=keyring.current_index_key),
        BlindIndex({1: keyring.content_key}, current=1),
    )


def digest_of_keys(keys: SigningKeys) -> bytes:
    return digest_of((key.kid, key.state.value) for key in keys.keys)


class Worker:
    """What one process serves with; `application` is the ASGI application around it."""

    def __init__(
        self,
        *,
        dsn: str,
        keyring: Keyring,
        issuer: str,
        pool_size: int = 10,
        keys_file: Path | None = None,
        settings: Settings | None = None,
    ) -> None:
        """`keys_file` is where the keyring came from, and where a newer one is looked for."""
        self._dsn, self._keyring, self._issuer, self._pool_size = dsn, keyring, issuer, pool_size
        self._keys_file = keys_file
        self.settings = settings or Settings()
        self.database: Database | None = None
        self.metrics = Metrics()

    @property
    def dsn(self) -> str:
        return self._dsn

    async def start(self, stack: AsyncExitStack) -> Services:
        """Connects and begins to watch what is barred; `stack` undoes it."""
        database = self.database = await Database.open(self._dsn, size=self._pool_size)
        stack.push_async_callback(database.close)
        standing = await stack.enter_async_context(watched(PgStanding(database)))
        keyring = self._keyring
        sealing = sealing_of(keyring)
        works = WorkFactory(database, sealing, new_id)
        store = PgSigning(database, sealing)
        supply = SigningSupply(await signing.first(store, keyring.signing, now=utc_now()))
        verifier = TokenVerifier(
            keys=supply.keys, issuer=self._issuer, audience=self._issuer, standing=standing
        )
        supply.tell(verifier.use)
        watch = KeyringWatch(self._keys_file, keyring, lambda newer: sealing.use(keys_of(newer)))
        sealing.watch(watch.look)
        await stack.enter_async_context(
            adopting(
                Adoption(
                    worker_id=new_id(), watch=watch, supply=supply, store=store, digest_of=digest_of_keys
                )
            )
        )
        async with works.reading() as work:
            purposes = await work.reference.codes_of("purposes")
        await stack.enter_async_context(kept_tidy(self._tidy(works, standing, store)))
        limits = await self._limits(database, stack)
        sealer = Sealer(database, keyring.audit_key, now=utc_now)
        await stack.enter_async_context(kept_sealed(sealer, self.metrics.access_log_sealed))
        cursors = Cursors(keyring.cursor_key)
        feed = Feed(cursors, works.reading, most=self.settings.feed_waiting)
        stack.push_async_callback(feed.close)
        return Services(
            works=works,
            verifier=verifier,
            signing=supply,
            secrets=ClientSecrets(pepper=keyring.client_pepper, entropy=os.urandom),
            standing=standing,
            cursors=cursors,
            issuer=self._issuer,
            purposes=purposes,
            new_id=new_id,
            files=Files(self.settings.files),
            exports=Allowance(
                most=self.settings.export_most, kept=timedelta(hours=self.settings.export_hours)
            ),
            feed=feed,
            import_bytes=self.settings.import_bytes,
            limits=limits,
            targets=Guard(self.settings.webhook_targets),
        )

    async def _limits(self, database: Database, stack: AsyncExitStack) -> RateLimits:
        """Counted in the database, or in Redis where there is one; old windows are swept in the database."""
        rates, counted = self.settings.rates, PgQuota(database.alone)
        quotas = await stack.enter_async_context(counters(self.settings, counted, gauges=self.metrics))
        longest = timedelta(seconds=2 * max(rate.seconds for rate in rates.values()))

        async def swept() -> None:
            quotas.forget_ended()
            await counted.forget_old(utc_now() - longest)

        await stack.enter_async_context(kept_tidy(swept))
        return RateLimits(quotas, rates, refused=self.metrics.rate_limited)

    def _tidy(
        self, works: WorkFactory, standing: PgStanding, store: PgSigning
    ) -> Callable[[], Awaitable[None]]:
        async def tidy() -> None:
            async with works.reading() as work:
                forgotten = MOST_FORGOTTEN
                # A few thousand at a time: no long statement stands in anybody's way.
                while forgotten == MOST_FORGOTTEN:
                    forgotten = await work.idempotency.forget_old(now=utc_now())
            await standing.forget_expired()
            await signing.keep_to_schedule(store, days=self.settings.signing_key_days, now=utc_now())

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


# A span holds the URL with its query. Asked for in words, or each request looks for its settings in the environment.
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


def create_app(worker: Worker, *, issuer: str, most: int = 1000) -> FastAPI:
    """The application: REST, GraphQL and operations behind one edge; `most` requests under way at once."""
    metrics = worker.metrics

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            services = await once_there(worker.start, stack)
            app.router.routes.extend(_routes(services, metrics, worker.ready))
            # What is made by now lives as long as the process: no collection needs to look at it again.
            gc.collect()
            gc.freeze()
            yield

    def edged(app: ASGIApp) -> ASGIApp:
        return Edge(
            crossed(app, worker.settings.origins),
            request_ids=request_id,
            metrics=metrics,
            log_line=logs.request_line,
            base=issuer,
            most=most,
            callers=Callers(worker.settings.proxies),
            body_deadline_s=worker.settings.body_deadline,
        )

    app = Application(
        edged,
        title="Kaejon",
        telemetry=_NO_TELEMETRY,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.router.redirect_slashes = False
    app.router.default = _Unknown(issuer)
    return app


def crossed(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """`app` for pages of those origins as well; without any, nothing is said of other origins at all."""
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
        allow_headers=CORS_SENT,
        expose_headers=CORS_SHOWN,
        # A token is sent by the page itself; cookies there are none.
        allow_credentials=False,
    )


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
    def document() -> bytes:
        return orjson.dumps(openapi_document(ROUTES, server=services.issuer))

    return [
        *(Route(path, endpoint=PathApp(operations, services)) for path, operations in by_path().items()),
        Route("/graphql", endpoint=docs.GraphiqlForBrowsers(graphql_app(services))),
        *health.routes(ready, base=services.issuer),
        *metric_routes(metrics),
        *errors.routes(base=services.issuer),
        *docs.routes(document),
    ]


def from_environment() -> FastAPI:
    """For uvicorn's worker processes: the parent has put what they need into their environment."""
    logs.configure()
    _end_with_supervisor()
    issuer = os.environ["KAEJON_SERVING_ISSUER"]
    worker = Worker(
        dsn=os.environ["KAEJON_SERVING_DSN"],
        keyring=keyring_of_environment(),
        issuer=issuer,
        pool_size=int(os.environ.get("KAEJON_SERVING_POOL", "10")),
        keys_file=None if os.environ.get("KAEJON_KEYS") else Path(os.environ["KAEJON_SERVING_KEYS"]),
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


def keyring_of_environment() -> Keyring:
    text = os.environ.get("KAEJON_KEYS")
    if text:
        return Keyring.from_json(text, source="KAEJON_KEYS")
    return read_keyring(Path(os.environ["KAEJON_SERVING_KEYS"]))
