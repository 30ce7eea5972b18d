"""How often the garbage collector looks, and threads take turns, while files are imported."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_RARELY = (1_000_000, 10, 10)
_TURNS_S = 0.001
"""One thread decides while another has the database wait for its next statement: it is to wait as short as that."""
_usual: list[tuple[tuple[int, int, int], float]] = []
"""As it was, once for every import under way."""


@contextmanager
def at_pace() -> Iterator[None]:
    """A chunk is hundreds of thousands of objects that all live until its end: at the usual pace the collector goes
    through them again and again, for a third of the time. What would be left to it is undone by hand (persons.py). It
    counts what was made and not freed: more than all the chunks under way are together, so that it looks only where
    something is left over."""
    _usual.append((gc.get_threshold(), sys.getswitchinterval()))
    gc.set_threshold(*_RARELY)
    sys.setswitchinterval(_TURNS_S)
    try:
        yield
    finally:
        thresholds, interval = _usual.pop()
        if not _usual:
            gc.set_threshold(*thresholds)
            sys.setswitchinterval(interval)
