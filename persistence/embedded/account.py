"""Which operating-system account the server runs as: PostgreSQL refuses to run as root."""

import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from persistence.embedded.errors import EmbeddedUnavailable


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """Whether the server runs as the account of this process, with nothing to drop or hand over."""
        return self.uid == os.geteuid()

    def own(self, path: Path) -> None:
        """Hand a path of ours to the account; it is not followed if it is a link."""
        if not self.is_ours:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def barrier(self, path: Path) -> Path | None:
        """The topmost of a path and its ancestors that the account may not pass through, by mode bits."""
        path = path.resolve()  # a link in reach may lead through what is not
        for each in reversed((path, *path.parents)):
            status = each.stat()
            bit = 0o100 if status.st_uid == self.uid else 0o010 if status.st_gid == self.gid else 0o001
            if not status.st_mode & bit:
                return each
        return None


def possible_accounts() -> Iterator[Account]:
    """Those that a new cluster of ours can belong to, best first: our own, for root `postgres` and `nobody`."""
    if os.geteuid() != 0:
        yield Account(os.geteuid(), os.getegid())
        return
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        yield Account(entry.pw_uid, entry.pw_gid)


def server_account(cluster: Path) -> Account:
    """Our own account; as root that of an existing cluster, else `postgres`, else `nobody`, taken by number.

    Raises EmbeddedUnavailable when an existing cluster belongs to an account that we cannot become.
    """
    found = cluster.stat() if cluster.exists() else None
    if os.geteuid() != 0:
        if found is not None and found.st_uid != os.geteuid():
            raise EmbeddedUnavailable(
                f"{cluster} belongs to user id {found.st_uid}, and this process runs as {os.geteuid()}: "
                "run as the user who made it, or choose another directory with --data-dir"
            )
        return Account(os.geteuid(), os.getegid())
    if found is not None and found.st_uid != 0:
        return Account(found.st_uid, found.st_gid)
    for account in possible_accounts():
        return account
    raise EmbeddedUnavailable(
        "PostgreSQL does not run as root, and this system has neither a user 'postgres' nor 'nobody': "
        "run as an ordinary user, or set KAEJON_DATABASE_URL"
    )
