"""`scripts/bench`: the service against a floor measured in the same run; only the ratios mean anything.

The floor is an asyncpg loop that runs the same statements without HTTP, on the core that the service has in
its turns. The database and the load client share the other core. Turns alternate, so that the machine's
drift meets both.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from api.app import sealing_of
from api.keyring import Keyring, write_keyring
from auth.keys import SigningKeys
from persistence.demo.load import load
from persistence.embedded import EmbeddedPostgres
from persistence.migrate import upgrade
from persistence.reference.load import load_reference
from tests.bench import batches, exports, feed, imports
from tests.bench.load import calls_per_second, requests_per_second
from tests.bench.subject import Subject
from tests.conftest import renamed

WORK = {
    "get": ("GET household, nested", 200, 0.50),
    "list": ("list, 100 a page", 200, 0.65),
    "post": ("POST event", 201, 0.65),
}
GROWTH = 1.2
GUARDED = 0.10
"""Of a GET, for the wall and all authorisation together."""
RESULTS = Path(__file__).with_name("RESULTS.md")


def pin(core: int) -> None:
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


async def generated(dsn: str, households: int, keyring: Keyring) -> str:
    name = f"bench_{households}"
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    target = renamed(dsn, name)
    await upgrade(target)
    await load_reference(target, now=datetime.now(UTC))
    sealing, started = sealing_of(keyring), time.perf_counter()
    await load(
        target,
        households,
        areas=["42"],
        cipher=sealing.cipher,
        blind_index=sealing.index,
        progress=lambda *_: None,
    )
    print(f"{households} households generated and loaded in {time.perf_counter() - started:.0f} s")
    connection = await asyncpg.connect(target)
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await connection.close()
    return target


async def measured(
    subject: Subject, what: str, *, lanes: int, seconds: float, turns: int
) -> dict[str, float]:
    """Medians of the turns' figures, and of the turns' ratios."""
    _, expected, _ = WORK[what]
    source = subject.requests(what)
    floors, served = [], []
    one, close = await subject.floor(what, lanes)

    async def floor_turn(length: float) -> float:
        pin(0)
        return await calls_per_second(one, lanes=lanes, seconds=length)

    async def served_turn(length: float) -> float:
        pin(1)
        return await requests_per_second(
            "127.0.0.1", subject.port, source, expected=expected, lanes=lanes, seconds=length
        )

    await floor_turn(1)
    await served_turn(1)
    for _ in range(turns):
        floors.append(await floor_turn(seconds))
        served.append(await served_turn(seconds))
    await close()
    ratios = [ours / floor for ours, floor in zip(served, floors, strict=True)]
    return {
        "floor": statistics.median(floors),
        "served": statistics.median(served),
        "ratio": statistics.median(ratios),
        "least": min(ratios),
        "most": max(ratios),
    }


async def guarded(subject: Subject, *, seconds: float, turns: int) -> dict[str, float]:
    """One GET, and what the wall and all authorisation take of it: seconds, by part.

    Everything with one request under way, so that each part is time that the caller waits: with several, the
    database works beside the service, and a sum of both is nobody's time. The wall: the statement within the
    bounds against the bare one, as the owner, without areas. Authorisation: the token from the verifier's
    memory, the policy, the bounds, in this process on the service's core.
    """
    walled, close_walled = await subject.floor("get", 1)
    bare, close_bare = await subject.floor("bare", 1)
    source = subject.requests("get")
    walls, gets = [], []

    async def alone(one: Any, length: float) -> float:
        pin(0)
        return 1 / await calls_per_second(one, lanes=1, seconds=length)

    for length in (1.0, *[seconds] * turns):
        fast = await alone(bare, length)
        walls.append(await alone(walled, length) - fast)
        pin(1)
        gets.append(
            1
            / await requests_per_second(
                "127.0.0.1", subject.port, source, expected=WORK["get"][1], lanes=1, seconds=length
            )
        )
    await close_walled()
    await close_bare()
    return {
        "get": statistics.median(gets[1:]),
        "wall": statistics.median(walls[1:]),
        "authorisation": subject.authorising(),
    }


async def run(arguments: argparse.Namespace) -> int:
    results: dict[tuple[int, str], dict[str, float]] = {}
    memory: dict[int, tuple[float, float]] = {}
    guards: dict[int, dict[str, float]] = {}
    exported: dict[int, dict[str, Any]] = {}
    batched: dict[int, dict[str, float]] = {}
    followed: dict[int, dict[str, dict[str, float]]] = {}
    directory = Path(tempfile.mkdtemp(prefix="kaejon-bench-"))
    directory.chmod(0o711)
    # Signing keys in the document: the subject takes them over, and the load is signed with them.
    keyring = replace(Keyring.generate(), signing=SigningKeys.generate())
    write_keyring(directory / "keys.json", keyring, replacing=False)
    server = EmbeddedPostgres(directory / "pg", options={"shared_buffers": "1GB"})
    # Children inherit it: the server and the client on one core, the service on the other.
    pin(1)
    dsn = server.start()
    try:
        for households in arguments.households:
            target = await generated(dsn, households, keyring)
            subject = await Subject.start(target, keyring, directory / "keys.json", core=0)
            try:
                warm = 0.0
                for what in WORK:
                    results[households, what] = await measured(
                        subject, what, lanes=arguments.lanes, seconds=arguments.seconds, turns=arguments.turns
                    )
                    warm = warm or subject.memory_mb
                    print(
                        households,
                        what,
                        {k: round(v, 3) for k, v in results[households, what].items()},
                        flush=True,
                    )
                guards[households] = await guarded(subject, seconds=arguments.seconds, turns=arguments.turns)
                followed[households] = await feed.measured(
                    subject, pin, lanes=arguments.lanes, seconds=arguments.seconds / 2, turns=arguments.turns
                )
                print(households, "feed", followed[households], flush=True)
                batched[households] = await batches.measured(
                    subject, pin, seconds=arguments.seconds, turns=arguments.turns
                )
                print(households, "batch", batched[households], flush=True)
                memory[households] = (warm, subject.memory_mb)
            finally:
                subject.stop()
            exported[households] = exports.measured(
                target, directory / "keys.json", turns=arguments.turns, core=0
            )
            print(households, "export", exported[households], flush=True)
        imported = imports.measured(dsn, arguments.import_rows, core=0)
        print("import", imported, flush=True)
    finally:
        server.stop()
    shares = {size: (one["wall"] + one["authorisation"]) / one["get"] for size, one in guards.items()}
    report = rendered(arguments, results, memory) + rendered_guards(guards, shares)
    report += feed.rendered(followed) + batches.rendered(batched)
    report += exports.rendered(exported) + imports.rendered(imported)
    print(report)
    if arguments.write:
        RESULTS.write_text(report, encoding="utf-8")
    reached = (
        all_reached(arguments.households, results)
        and max(shares.values()) <= GUARDED
        and feed.reached(followed)
        and batches.reached(batched)
        and exports.reached(exported)
        and imports.reached(imported)
    )
    return 0 if reached else 1


def growth(sizes: list[int], results: dict[Any, Any], what: str) -> float:
    """How much longer one takes in the largest database than in the smallest, by its share of the floor there."""
    return float(results[sizes[0], what]["served"] / results[sizes[-1], what]["served"])


def all_reached(sizes: list[int], results: dict[Any, Any]) -> bool:
    reached = all(
        results[size, what]["ratio"] >= goal for size in sizes for what, (_, _, goal) in WORK.items()
    )
    return reached and all(growth(sizes, results, what) <= GROWTH for what in WORK)


def rendered(
    arguments: argparse.Namespace, results: dict[Any, Any], memory: dict[int, tuple[float, float]]
) -> str:
    sizes = arguments.households
    lines = [
        "# Speed, as ratios",
        "",
        f"`scripts/bench --households {' '.join(map(str, sizes))} --seconds {arguments.seconds:g}"
        f" --turns {arguments.turns} --lanes {arguments.lanes} --import-rows {arguments.import_rows} --write`,",
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}.",
        "One worker; authorisation, area scope and masking on. Floor: asyncpg running the same statement without HTTP",
        "in the same run. The machine is shared and noisy: read the ratios (median, least and most of the turns).",
        "",
        "| work | households | of floor | least – most | goal | floor/s | served/s |",
        "|---|---|---|---|---|---|---|",
    ]
    for what, (label, _, goal) in WORK.items():
        for size in sizes:
            one = results[size, what]
            lines.append(
                f"| {label} | {size:,} | **{one['ratio']:.0%}** | {one['least']:.0%} – {one['most']:.0%} | ≥ {goal:.0%} |"
                f" {one['floor']:,.0f} | {one['served']:,.0f} |"
            )
    lines += ["", f"| work | time at {sizes[-1]:,} ÷ time at {sizes[0]:,} | goal |", "|---|---|---|"]
    lines += [
        f"| {label} | {growth(sizes, results, what):.2f} | ≤ {GROWTH} |"
        for what, (label, _, _) in WORK.items()
    ]
    lines += ["", "| households | worker's memory after the first work | at the end |", "|---|---|---|"]
    lines += [f"| {size:,} | {first:.0f} MB | {last:.0f} MB |" for size, (first, last) in memory.items()]
    return "\n".join(lines) + "\n"


def rendered_guards(guards: dict[int, dict[str, float]], shares: dict[int, float]) -> str:
    lines = [
        "",
        "| households | a GET, one at a time, µs | the wall, µs | authorisation, µs | together | goal |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {size:,} | {parts['get'] * 1e6:.1f} | {parts['wall'] * 1e6:.1f} | {parts['authorisation'] * 1e6:.1f} | **{shares[size]:.1%}** |"
        f" ≤ {GUARDED:.0%} |"
        for size, parts in guards.items()
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--households", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a turn")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--import-rows", type=int, default=50_000, help="rows of the imported file")
    parser.add_argument("--lanes", type=int, default=8, help="requests under way")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    # The loop that the service runs on, so that the floor has no slower one.
    return uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
