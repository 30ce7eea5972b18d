"""A process with large blocks gives its memory back (api/memory.py)."""

import subprocess
import sys

from tests.support.server import ROOT

# A hundred blocks of a megabyte; the last one stays, and the heap below it cannot shrink.
_WORK = """
from pathlib import Path
from api.memory import give_back
give_back()
def resident():
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) // 1024
bytearray(8 << 20)
before, blocks = resident(), [bytearray(1 << 20) for _ in range(100)]
for block in blocks:
    block[::1024] = b"x" * 1024
del blocks[:-1], block
print(resident() - before)
"""


def test_large_blocks_that_were_freed_are_the_systems_again() -> None:
    done = subprocess.run([sys.executable, "-c", _WORK], cwd=ROOT, capture_output=True, text=True, check=True)
    # Megabytes; left alone, all hundred stay.
    assert int(done.stdout) < 10
