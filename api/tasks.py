"""Every kind of background job, by the name that the queue knows it under."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from domain.exchange import exports, imports
from domain.exchange.importing import performing
from domain.exchange.jobs import Task, Tools

TASKS: Mapping[str, Task] = {"export": exports.EXPORT, "import": performing.IMPORT}
SWEEPS: Sequence[Callable[[Tools], Awaitable[object]]] = (exports.sweep, imports.sweep)
"""What clears away what has run its time."""
