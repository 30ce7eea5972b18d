"""Kills parts of a running service at random instants, and says what it killed when."""

import asyncio
import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.service import Service, children, postmaster

VICTIMS = ("server worker", "background", "postgres", "postgres backend")


@dataclass(frozen=True)
class Kill:
    number: int
    at_s: float
    """Seconds since the simulation began."""
    victim: str
    pid: int


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def pids(service: Service, victim: str) -> list[int]:
    own = children(service.process.pid)
    match victim:
        case "background":
            return [pid for pid in own if b"api.worker" in _command(pid)]
        case "server worker":
            return [pid for pid in own if b"spawn_main" in _command(pid)]
        case "postgres":
            return [postmaster(service.data_dir)]
        case _:
            server = postmaster(service.data_dir)
            return [
                pid
                for pid in children(server)
                if b"kaejon kaejon" in _command(pid) or b"kaejon_service" in _command(pid)
            ]


async def kill_now_and_then(
    service: Service, times: int, chance: random.Random, *, pause: tuple[float, float] = (0.3, 1.5)
) -> list[Kill]:
    """`times` kills, each kind of victim at least once in four."""
    began, kills = time.monotonic(), []
    order: list[str] = []
    while len(kills) < times:
        await asyncio.sleep(chance.uniform(*pause))
        if not order:
            order = chance.sample(VICTIMS, len(VICTIMS))
        victim = order.pop()
        found: list[int] = []
        while not found:
            with suppress(OSError, ValueError, IndexError):
                found = pids(service, victim)
            if not found:
                await asyncio.sleep(0.05)
        pid = chance.choice(found)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            kills.append(Kill(len(kills) + 1, round(time.monotonic() - began, 2), victim, pid))
    return kills


def report(kills: list[Kill]) -> str:
    return "\n".join(f"{one.number:3} {one.at_s:8.2f} s  {one.victim} (pid {one.pid})" for one in kills)
