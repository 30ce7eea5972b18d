"""Every kind of background job, by the name that the queue knows it under."""

from collections.abc import Mapping

from domain.exchange.jobs import Task

TASKS: Mapping[str, Task] = {}
