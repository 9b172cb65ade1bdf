"""The tray's side of ``tsunagu_tray.xembed``: starts that process, tells it what to show, hears what was chosen."""

import asyncio
import base64
import json
import logging
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from typing import Any

from PIL import Image

from tsunagu_tray.menu_tree import Line
from tsunagu_tray.programs import our_program
from tsunagu_tray.xembed import NO_DISPLAY, line_to_plain

log = logging.getLogger(__name__)

RESTART_S = 10.0  # after its crash
PATIENCE_S = 2.0  # for its end


class XembedProcess:
    """An icon in an XEmbed tray, as soon as and whenever there is one, from ``start`` to ``stop``."""

    def __init__(self, choose: Callable[[int], None], on_present: Callable[[bool], None]) -> None:
        self._choose = choose
        self._on_present = on_present
        self._shown: dict[str, Any] = {}
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def is_wanted(self) -> bool:
        """Whether it has been started and not stopped."""
        return self._task is not None

    def start(self) -> None:
        """Look for a tray from now on."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep_running())

    def stop(self) -> None:
        """Take the icon away."""
        if self._task is not None:
            self._task.cancel()
            self._ending.add(self._task)
            self._task.add_done_callback(self._ending.discard)
            self._task = None

    async def ended(self) -> None:
        """Return when no process is left that was told to stop."""
        if self._ending:
            await asyncio.wait(self._ending)

    def show_image(self, image: Image.Image) -> None:
        """Another picture."""
        self._show(image=[*image.size, base64.b64encode(image.tobytes()).decode()])

    def show_title(self, title: str) -> None:
        """Another tooltip."""
        self._show(title=title)

    def show_menu(self, lines: tuple[Line, ...]) -> None:
        """Another menu."""
        self._show(menu=[line_to_plain(line) for line in lines])

    def _show(self, **values: Any) -> None:
        self._shown |= values
        if self._process is not None:
            self._send(self._process, values)

    def _send(self, process: Process, values: dict[str, Any]) -> None:
        assert process.stdin is not None
        if not process.stdin.is_closing():
            process.stdin.write(json.dumps(values).encode() + b"\n")

    async def _keep_running(self) -> None:
        while await self._run() != NO_DISPLAY:
            log.warning("The icon's process has ended by itself")
            self._on_present(False)
            await asyncio.sleep(RESTART_S)
        self._on_present(False)

    async def _run(self) -> int:
        """One life of the process; its exit status."""
        # pystray hands pictures to GTK in files: those belong where nobody else looks.
        private = {"TMPDIR": os.environ["XDG_RUNTIME_DIR"]} if "XDG_RUNTIME_DIR" in os.environ else {}
        environment = os.environ | private | {"GDK_GL": "disable"}  # an icon needs no OpenGL, which takes 50 MB
        command = our_program("tsunagu_tray.xembed")
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env=environment)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            self._process = process
            self._send(process, self._shown)
            async for line in process.stdout:
                self._hear(json.loads(line))
            return await process.wait()
        finally:
            self._process = None
            process.stdin.close()
            await _end(process)

    def _hear(self, message: dict[str, Any]) -> None:
        if "present" in message:
            self._on_present(message["present"])
        if "activated" in message:
            self._choose(message["activated"])


async def _end(process: Process) -> None:
    """Its input has ended, so it does too; if it hangs, it is killed."""
    try:
        await asyncio.wait_for(process.wait(), PATIENCE_S)
    except TimeoutError:
        process.kill()
        await process.wait()
