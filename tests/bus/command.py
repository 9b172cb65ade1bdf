"""The command ``tsunagu`` as a process, on a private bus."""

import asyncio
import os
import pty
import sys
import time

from tests.fakes_bus import PrivateBus


class Result:
    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


class Run:
    """Runs ``tsunagu`` as a process of its own."""

    def __init__(self, bus: PrivateBus) -> None:
        self._environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": bus.address, "LC_ALL": "C.UTF-8"}

    async def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> Result:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tsunagu_tray.cli", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment | environment,
        )
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 20)
        assert process.returncode is not None
        assert "Traceback" not in err.decode()
        return Result(process.returncode, out.decode(), err.decode())

    async def in_terminal(self, *arguments: str, says: dict[str, str], **environment: str) -> tuple[int, str]:
        """In a terminal: to each prompt that contains a key the value is typed.  The status, and all that was shown."""
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tsunagu_tray.cli", *arguments),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=self._environment | environment,
        )
        os.close(theirs)
        shown = ""
        left = dict(says)
        os.set_blocking(ours, False)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                data = os.read(ours, 4096)
            except BlockingIOError:
                await asyncio.sleep(0.02)
                continue
            except OSError:
                break  # how the other end of a terminal closes
            shown += data.decode()
            for prompt in [prompt for prompt in left if prompt in shown]:
                os.write(ours, left.pop(prompt).encode() + b"\n")
        os.close(ours)
        status = await asyncio.wait_for(process.wait(), 30)
        assert "Traceback" not in shown, shown
        return status, shown
