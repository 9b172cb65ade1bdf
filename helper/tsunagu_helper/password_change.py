"""Has one worker, without a NIC, change the password that a server knows a user by."""

import asyncio

from tsunagu.control import PasswordChanged, Start
from tsunagu.errors import TunnelError
from tsunagu_helper.surroundings import WorkerMessage, WorkerStarter

CHANGE_S = 100  # less than whoever asked for it waits


async def change_password(start: Start, start_worker: WorkerStarter) -> None:
    """Return when the server knows the new one.

    Raises:
        TunnelError: it does not; what the server said, or what went wrong.
    """
    ended, is_changed = asyncio.Event(), False
    reason = TunnelError(3, f"the password was not changed within {CHANGE_S} s")

    def on_message(message: WorkerMessage) -> None:
        nonlocal is_changed
        is_changed |= isinstance(message, PasswordChanged)

    def on_end(error: TunnelError, _certificate: str) -> None:
        nonlocal reason
        reason = error
        ended.set()

    try:
        worker = start_worker(None, start, on_message=on_message, on_end=on_end)
    except OSError as error:
        raise TunnelError(23, f"the worker could not be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(CHANGE_S):
            await ended.wait()
    except TimeoutError:
        pass
    finally:
        if not ended.is_set():
            worker.stop()
    if not is_changed:
        raise reason
