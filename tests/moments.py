"""Bounds on the time that a piece of a test takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

BUSY = 12  # how much slower a machine shared with others may be; a blow-up is far beyond


@contextmanager
def a_moment(seconds: float) -> Iterator[None]:
    """Fail if the block takes far more CPU ``seconds`` than it does on a quiet machine."""
    start = process_time()
    yield
    assert process_time() - start < seconds * BUSY
