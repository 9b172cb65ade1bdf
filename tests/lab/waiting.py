"""Waiting for a state, with a deadline: what tests of real programs do instead of sleeping."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

INTERVAL_S = 0.05


def wait_for(look: Callable[[], T | None], timeout_s: float, what: str) -> T:
    """Ask again until the answer is a true one, and return that.

    Raises:
        TimeoutError: it did not come in time; the message says what was waited for.
    """
    deadline = time.monotonic() + timeout_s
    while not (answer := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s} s in vain for {what}")
        time.sleep(INTERVAL_S)
    return answer


async def eventually(look: Callable[[], T | None], timeout_s: float, what: str) -> T:
    """``wait_for`` in an event loop: ``look`` must not block.

    Raises:
        TimeoutError: it did not come in time.
    """
    deadline = time.monotonic() + timeout_s
    while not (answer := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s} s in vain for {what}")
        await asyncio.sleep(INTERVAL_S)
    return answer
