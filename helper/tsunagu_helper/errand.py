"""Has one worker, without a NIC, do something that ends with one message."""

import asyncio
from typing import TypeVar

from tsunagu.control import Examine, Examined, PasswordChanged, Start
from tsunagu.errors import TunnelError
from tsunagu_helper.surroundings import WorkerMessage, WorkerStarter

CHANGE_S = 100  # less than whoever asked for it waits
EXAMINE_S = 15

Result = TypeVar("Result", bound=WorkerMessage)


async def change_password(start: Start, start_worker: WorkerStarter) -> None:
    """Return when the server knows the user by the new password.

    Raises:
        TunnelError: it does not; what the server said, or what went wrong.
    """
    late = f"the password was not changed within {CHANGE_S} s"
    await _run(start, start_worker, PasswordChanged, CHANGE_S, TunnelError(3, late))


async def examine(start_worker: WorkerStarter) -> Examined:
    """How workers are confined.

    Raises:
        TunnelError: none could be started, or it did not answer.
    """
    late = TunnelError(23, f"the worker did not answer within {EXAMINE_S} s")
    return await _run(Examine(), start_worker, Examined, EXAMINE_S, late)


async def _run(
    start: Start | Examine, start_worker: WorkerStarter, wanted: type[Result], limit_s: float, late: TunnelError
) -> Result:
    ended = asyncio.Event()
    result: Result | None = None
    reason = late

    def on_message(message: WorkerMessage) -> None:
        nonlocal result
        if isinstance(message, wanted):
            result = message

    def on_end(error: TunnelError, _certificate: str) -> None:
        nonlocal reason
        reason = error
        ended.set()

    try:
        worker = start_worker(None, start, on_message=on_message, on_end=on_end)
    except OSError as error:
        raise TunnelError(23, f"the worker could not be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(limit_s):
            await ended.wait()
    except TimeoutError:
        pass
    finally:
        if not ended.is_set():
            worker.stop()
    if result is None:
        raise reason
    return result
