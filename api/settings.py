"""Settings from the environment (`KAEJON_…`) and the command line."""

import re
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.addresses import Network, networks
from api.limits.quotas import PATIENCE_S
from api.limits.rates import DEFAULTS, Rate, RateClass, rates_of
from domain.access.log import DEFAULT_DAYS, LEAST_DAYS
from domain.exchange import changes
from domain.exchange.targets import Allowed

_ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.\-]*[a-z0-9])?(:[0-9]{1,5})?")


class Settings(BaseSettings):
    """Every setting has a default that works on a bare machine."""

    model_config = SettingsConfigDict(env_prefix="KAEJON_", extra="ignore", use_attribute_docstrings=True)

    database_url: str | None = Field(default=None, repr=False)
    """An outside PostgreSQL 15+; absent: the embedded one in the data directory."""
    owner_database_url: str | None = Field(default=None, repr=False)
    """The login that migrates, where it is not the one that serves."""
    data_dir: Path = Path("data")
    files_dir: Path | None = None
    """Uploads and exports, sealed; default: `files` in the data directory. Every process needs the same one."""
    background: int = Field(default=1, ge=0, le=16)
    """Processes beside the server that run imports, exports and webhooks; 0 where `kaejon worker` runs elsewhere."""
    public_url: str | None = None
    """The base of the service's own URLs and the issuer of its tokens; default: http://HOST:PORT."""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    pool_size: int = Field(default=10, ge=1, le=100)
    """Database connections of each worker."""
    admin_client_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$")
    admin_client_secret: str | None = Field(default=None, repr=False, pattern=r"^[\x20-\x7e]{6,256}$")
    """The first admin client of an empty database."""
    trusted_proxies: str = ""
    """Comma-separated networks (CIDR) of our own proxies; only they are believed X-Forwarded-For."""
    cors_origins: str = ""
    """Comma-separated exact origins that a browser's pages may call from; none by default, never `*`."""
    redis_url: str | None = Field(
        default=None, repr=False, pattern=r"^(rediss?|valkeys?|unix|redis\+unix|valkey\+unix)://"
    )
    """Counts rate limits in Redis or Valkey (redis://, rediss://, unix://) in place of PostgreSQL."""
    rate_limit_read: str = DEFAULTS[RateClass.READ]
    """Requests/seconds of one client, over all workers; so the others."""
    rate_limit_write: str = DEFAULTS[RateClass.WRITE]
    rate_limit_graphql: str = DEFAULTS[RateClass.GRAPHQL]
    rate_limit_token: str = DEFAULTS[RateClass.TOKEN]
    """Of one client id from one address at /oauth/*."""
    rate_limit_address: str = DEFAULTS[RateClass.ADDRESS]
    """Of one address at /oauth/*, whatever client ids it presents."""
    rate_limit_lookup: str = DEFAULTS[RateClass.LOOKUP]
    """Of searches by citizen id."""
    rate_limit_patience: float = Field(default=PATIENCE_S, gt=0, le=10)
    """Seconds that a request waits for the store of the limits, before its worker counts alone."""
    body_deadline: float = Field(default=30.0, gt=0)
    """Seconds within which a body has arrived."""
    header_deadline: float = Field(default=15.0, gt=0)
    """Seconds within which a request's head has arrived, from the connection or its first byte on."""
    access_log_days: int = Field(default=DEFAULT_DAYS, ge=LEAST_DAYS)
    """How long the log of unmasked reads is kept."""
    feed_days: int = Field(default=changes.DEFAULT_DAYS, ge=changes.LEAST_DAYS, le=3650)
    """How long the changes of the feed are kept."""
    feed_waiting: int = Field(default=200, ge=0)
    """Calls that may wait for changes in one worker."""
    export_hours: int = Field(default=72, ge=1, le=8760)
    """How long the files of an export are kept."""
    export_most: int = Field(default=5, ge=1)
    """Exports that one client may have under way."""
    signing_key_days: int = Field(default=30, ge=0, le=3650)
    """After so many days the next signing key takes over by itself; 0: only by `kaejon keys rotate`."""
    import_bytes: int = Field(default=2 * 1024**3, ge=1024)
    """Bytes of a file that is sent to be imported."""
    webhook_allow: str = ""
    """Comma-separated networks (CIDR) and host names that webhooks may be sent to although they are private, and over
    http: for development, or a receiver in the same network. Nothing by default."""
    limit_concurrency: int = Field(default=1000, ge=1)
    """Requests under way in one worker before further ones get 503."""

    @model_validator(mode="after")
    def _readable(self) -> Self:
        """What is written as one text is read at once, so that a mistake is told at the start."""
        _ = self.rates, self.proxies, self.origins, self.webhook_targets
        return self

    @property
    def rates(self) -> dict[RateClass, Rate]:
        """Raises ValueError."""
        return rates_of({kind: getattr(self, f"rate_limit_{kind}") for kind in RateClass})

    @property
    def files(self) -> Path:
        return self.files_dir or self.data_dir / "files"

    @property
    def proxies(self) -> tuple[Network, ...]:
        """Raises ValueError."""
        return networks(self.trusted_proxies)

    @property
    def origins(self) -> tuple[str, ...]:
        """Raises ValueError: `*` and anything but scheme, host and port is refused."""
        found = tuple(one.strip() for one in self.cors_origins.split(",") if one.strip())
        if not all(_ORIGIN.fullmatch(one) for one in found):
            raise ValueError("cors_origins are exact origins, e.g. https://app.example.go.th")
        return found

    @property
    def webhook_targets(self) -> Allowed:
        """Raises ValueError."""
        return Allowed.parsed(self.webhook_allow)

    @property
    def issuer(self) -> str:
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - compared, not bound
        host = f"[{host}]" if ":" in host else host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")
