"""Why the embedded PostgreSQL does not start; every message says what to do about it."""

from pathlib import Path


class EmbeddedUnavailable(Exception):
    """The embedded PostgreSQL cannot run here, or did not come up; the message names cause and remedy."""


class DataDirectoryInUse(Exception):
    """Another process owns the data directory; `pid` is None in the instant before it has written its id."""

    def __init__(self, directory: Path, pid: int | None) -> None:
        self.directory = directory
        self.pid = pid
        owner = "another process" if pid is None else f"process {pid}"
        super().__init__(
            f"the data directory {directory} is in use by {owner}: "
            "stop it first, or choose another directory with --data-dir"
        )
