"""A question to the person in front of the screen: a window program that is asked on stdin and answers on stdout."""

import asyncio
import json
import logging
from asyncio.subprocess import DEVNULL, PIPE, Process
from typing import Any

from tsunagu_tray.programs import our_program

log = logging.getLogger(__name__)

MAX_ANSWER = 65536  # octets
CLOSE_TIMEOUT_S = 3.0


async def ask(window: str, question: dict[str, Any]) -> dict[str, Any] | None:
    """Open ``tsunagu_tray.windows.<window>`` with the question; its answer, or None if the person cancelled.

    The answer may be a secret: it comes by the pipe, never by arguments, environment or log.  When the caller is
    cancelled, stdin closes, and so does the window.
    """
    program = our_program(f"tsunagu_tray.windows.{window}")
    process = await asyncio.create_subprocess_exec(*program, stdin=PIPE, stdout=PIPE, limit=MAX_ANSWER)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(question).encode() + b"\n")
        line = await process.stdout.readline()
        answer = json.loads(line) if line.strip() else None
    except (ValueError, OSError):  # OSError: it has gone before it read the question
        log.warning("The window %r gave no proper answer", window)
        answer = None
    finally:
        await asyncio.shield(finish(process))
    if process.returncode:
        log.warning("The window %r ended with status %s", window, process.returncode)
    return answer if isinstance(answer, dict) else None


async def open_window(*arguments: str) -> None:
    """Start the application of the windows that stay.  It is no child of ours: it outlives us, and we do not wait."""
    program = our_program("tsunagu_tray.windows.application", *arguments)
    starter = await asyncio.create_subprocess_exec("setsid", "--fork", *program, stdin=DEVNULL)
    await starter.wait()


async def finish(process: Process) -> None:
    """The end of its stdin tells the window to close; one that does not is killed."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), CLOSE_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
