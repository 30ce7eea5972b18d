"""What a background process has freed goes back to the system."""

import ctypes

LARGE = 256 << 10
"""Bytes. Blocks of a file, row groups and arrays of columns are larger."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def give_back() -> bool:
    """Makes glibc return large blocks when they are freed; False where the C library is another.

    Left alone it raises both thresholds to the largest block it has seen freed, 32 and 64 MB at most, and keeps the rest:
    the memory of a process that makes one export after another would creep up for as long as the exports differ.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    # Each is set: either one alone would leave the other growing.
    return bool(mallopt(_M_MMAP_THRESHOLD, LARGE)) and bool(mallopt(_M_TRIM_THRESHOLD, LARGE))
