"""What reaches standard error: JSON lines, and in none of them what may identify a person or open a door."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CITIZEN_ID = "9100000000014"
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
CALLS = {
    "a message": "logging.getLogger('x').error('no %s', ID)",
    "a spaced id": "logging.getLogger('x').error('9 1000 00000 01 4, 9-1000-00000-01-4')",
    "a phone": "logging.getLogger('x').warning('call 089-999-9999 or +66899999999')",
    "a token": "logging.getLogger('x').warning('got ' + TOKEN)",
    "an exception": "broken(lambda: logging.getLogger('x').exception('it broke'))",
    "an exception given": "logging.getLogger('x').error('it broke', exc_info=ValueError(NAME + ID))",
    "an exception of structlog": "broken(lambda: structlog.get_logger('x').exception('it broke'))",
    "an exception as a value": "structlog.get_logger('x').error('it broke', error=ValueError(ID + TOKEN))",
    "a value": "structlog.get_logger('x').error('x', value=ID, other=[ID, {'a': TOKEN}], number=int(ID))",
    "a name of a field": "structlog.get_logger('x').error('x', last_name=NAME, client_secret='s3cret', citizen_id=NAME)",
    "uvicorn's own": "broken(lambda: logging.getLogger('uvicorn.error').error('Exception in ASGI application', exc_info=True))",
    "a task": "asyncio.run(forgotten())",
}
SCRIPT = f"""
import asyncio, gc, logging, structlog
from api import logs
logs.configure()
ID, TOKEN, NAME = {CITIZEN_ID!r}, {TOKEN!r}, "ใจดีมาก"
def broken(tell):
    try:
        raise ValueError(f"Key (citizen_id)=({{ID}}) of {{NAME}} with {{TOKEN}}")
    except ValueError:
        tell()
async def forgotten():
    async def fails():
        raise ValueError(NAME + ID)
    task = asyncio.ensure_future(fails())
    await asyncio.sleep(0)
    del task
    gc.collect()
"""


def lines_of(statement: str) -> list[dict[str, Any]]:
    script = SCRIPT + statement
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=240, check=True
    )
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


@pytest.mark.parametrize("name", CALLS)
def test_a_log_line_gives_nobody_away(name: str) -> None:
    lines = lines_of(CALLS[name])
    assert lines
    said = json.dumps(lines, ensure_ascii=False)
    secrets = (
        CITIZEN_ID,
        TOKEN,
        "ใจดีมาก",
        "s3cret",
        "089-999",
        "66899999999",
        "9-1000",
        "9 1000",
        "Traceback",
    )
    assert [secret for secret in secrets if secret in said] == []
    if "exception" in name or "task" in name or "uvicorn" in name:
        assert "it broke" in said or "exception" in said.lower()
    if "exc" in CALLS[name] and "value" not in name:
        assert lines[0]["error_type"] == "ValueError"


def test_what_is_harmless_stays_readable() -> None:
    (line,) = lines_of(
        "structlog.get_logger('x').info('loaded', rows=10024, ms=1.5, done=True, of=None, file='a.csv')"
    )
    assert line.items() >= {
        "event": "loaded", "rows": 10024, "ms": 1.5, "done": True, "of": None, "file": "a.csv", "level": "info",
    }.items()  # fmt: skip
