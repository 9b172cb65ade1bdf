"""Has one worker, without a NIC, do something that ends with one message."""

import asyncio
from dataclasses import dataclass, replace
from typing import TypeVar

from tsunagu.control import Errand, Established, Examine, Examined, HubsListed, PasswordChanged, Start
from tsunagu.errors import TunnelError
from tsunagu.model import Secret, Session
from tsunagu_helper.surroundings import WorkerMessage, WorkerStarter

ERRAND_S = 100  # less than whoever asked for it waits
EXAMINE_S = 15

Result = TypeVar("Result", bound=WorkerMessage)


class ErrandFailed(TunnelError):
    """What the server said, or what went wrong; ``certificate`` (DER in base64) where it is about the server's."""

    def __init__(self, code: int, detail: str, certificate: str = "") -> None:
        super().__init__(code, detail)
        self.certificate = certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of trying a log-in: a session that has ended again, or an error."""

    session: Session | None = None
    error: TunnelError | None = None
    certificate: str = ""  # that the server showed, DER in base64


async def try_log_in(start: Start, start_worker: WorkerStarter) -> Trial:
    """Whatever comes of it."""
    try:
        established = await _run(replace(start, errand=Errand.TRIAL), start_worker, Established)
    except ErrandFailed as failed:
        return Trial(error=failed, certificate=failed.certificate)
    return Trial(session=established.session, certificate=established.session.certificate)


async def list_hubs(start: Start, start_worker: WorkerStarter) -> tuple[str, ...]:
    """The hubs that the server names to everybody.

    Raises:
        ErrandFailed: it names none.
    """
    return (await _run(replace(start, errand=Errand.HUBS), start_worker, HubsListed)).hubs


async def change_password(start: Start, new: Secret, start_worker: WorkerStarter) -> None:
    """Return when the server knows the user by the new password.

    Raises:
        ErrandFailed: it does not.
    """
    await _run(replace(start, errand=Errand.PASSWORD, new_password=new), start_worker, PasswordChanged)


async def examine(start_worker: WorkerStarter) -> Examined:
    """How workers are confined.

    Raises:
        ErrandFailed: none could be started, or it did not answer.
    """
    return await _run(Examine(), start_worker, Examined, EXAMINE_S)


async def _run(
    start: Start | Examine, start_worker: WorkerStarter, wanted: type[Result], limit_s: float = ERRAND_S
) -> Result:
    ended = asyncio.Event()
    result: Result | None = None
    late = 23 if isinstance(start, Examine) else 3
    failure = ErrandFailed(late, f"no answer within {limit_s:.0f} s")

    def on_message(message: WorkerMessage) -> None:
        nonlocal result
        if isinstance(message, wanted):
            result = message

    def on_end(error: TunnelError, certificate: str) -> None:
        nonlocal failure
        failure = ErrandFailed(error.code, error.detail, certificate)
        ended.set()

    try:
        worker = start_worker(None, start, on_message=on_message, on_end=on_end)
    except OSError as error:
        raise ErrandFailed(23, f"the worker could not be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(limit_s):
            await ended.wait()
    except TimeoutError:
        pass
    finally:
        if not ended.is_set():
            worker.stop()
    if result is None:
        raise failure
    return result
