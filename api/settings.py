"""Settings from the environment (`KAEJON_…`) and the command line."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting has a default that works on a bare machine."""

    model_config = SettingsConfigDict(env_prefix="KAEJON_", extra="ignore", use_attribute_docstrings=True)

    database_url: str | None = Field(default=None, repr=False)
    """An outside PostgreSQL 15+; absent: the embedded one in the data directory."""
    owner_database_url: str | None = Field(default=None, repr=False)
    """The login that migrates, where it is not the one that serves."""
    data_dir: Path = Path("data")
    public_url: str | None = None
    """The base of the service's own URLs and the issuer of its tokens; default: http://HOST:PORT."""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    pool_size: int = Field(default=10, ge=1, le=100)
    """Database connections of each worker."""
    admin_client_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$")
    admin_client_secret: str | None = Field(default=None, repr=False, pattern=r"^[\x20-\x7e]{1,256}$")
    """The first admin client of an empty database."""
    limit_concurrency: int = Field(default=1000, ge=1)
    """Requests under way in one worker before further ones get 503."""

    @property
    def issuer(self) -> str:
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - compared, not bound
        host = f"[{host}]" if ":" in host else host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")
