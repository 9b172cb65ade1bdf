"""A network namespace for one test: a thread moves into a new one, and the kernel removes it with the thread."""

import asyncio
import ctypes
import os
import threading
from collections.abc import Callable, Coroutine

import pytest

_CLONE_NEWNET = 0x40000000  # linux/sched.h


def in_new_namespace(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    """Run the test in a network namespace where nothing is but an idle loopback."""

    def run() -> None:
        if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
            pytest.skip("needs root and /dev/net/tun")
        outcome: list[BaseException] = []

        def inside() -> None:
            try:
                if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "unshare")
                asyncio.run(test())
            except BaseException as error:  # noqa: BLE001  # raised again in the test's own thread
                outcome.append(error)

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        if outcome:
            raise outcome[0]

    run.__name__, run.__doc__ = test.__name__, test.__doc__  # wraps() would make pytest await it
    return run
