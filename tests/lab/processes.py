"""Background programs of a test: each with a log, each ended by its id together with what it has started."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

PATIENCE_S = 3.0  # between SIGTERM and SIGKILL


class Processes:
    """Starts programs as ``user`` (None: as we are) and forgets none of them."""

    def __init__(self, log_folder: Path, user: int | None = None) -> None:
        self._log_folder = log_folder
        self._user = user
        self._running: list[subprocess.Popen[bytes]] = []
        log_folder.mkdir(parents=True, exist_ok=True)

    def start(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        user: int | None = None,
        pass_fds: Sequence[int] = (),
    ) -> "subprocess.Popen[bytes]":
        """Run a program in the background; what it writes is appended to the log of that name."""
        with (self._log_folder / name).open("ab") as log:
            process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=pass_fds,
                **self.identity(user),
            )
        self._running.append(process)
        return process

    def log(self, name: str) -> str:
        """What the program of that name has written so far."""
        return (self._log_folder / name).read_text(errors="replace")

    def identity(self, user: int | None) -> dict[str, Any]:
        """Arguments for ``subprocess`` that make a program run as that user, by default the one of all."""
        user = self._user if user is None else user
        return {} if user is None else {"user": user, "group": user, "extra_groups": []}

    def end(self, process: "subprocess.Popen[bytes]", patience_s: float = PATIENCE_S) -> None:
        """End it and all that came from it; killed, where it takes longer than that."""
        offspring = list(_descendants(process.pid))
        process.terminate()
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._running.remove(process)
        for number, began in offspring:
            _end(number, began)

    def end_all(self) -> None:
        """End all, the last one first."""
        for process in reversed(self._running[:]):
            self.end(process)


def _descendants(number: int) -> Iterator[tuple[int, str]]:
    """Children, their children and so on, each with the time it began: an id alone may be another's by the time."""
    for task in Path(f"/proc/{number}/task").glob("*"):
        try:
            children = (task / "children").read_text().split()
        except OSError:
            continue
        for child in children:
            yield int(child), _began(int(child))
            yield from _descendants(int(child))


def _began(number: int) -> str:
    """The 22nd field of proc(5)'s stat; "" when there is no such process, or only its zombie."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def _end(number: int, began: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    sent = False
    while began and _began(number) == began:
        if not sent or time.monotonic() > deadline:
            os.kill(number, signal.SIGKILL if sent else signal.SIGTERM)
            sent = True
        time.sleep(0.02)
