"""The administrator's own programs, run as root when a connection comes up or goes away.

Whoever can write such a program is root, so none is run that somebody else could have put there or changed.  They run
beside the helper, those of one connection in turn: one that hangs is ended, one that fails is told, and neither keeps a
connection from anything.
"""

import asyncio
import contextlib
import os
import re
import signal
import stat
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from tsunagu.errors import VpnError
from tsunagu_helper.history import one_line
from tsunagu_helper.log_lines import Allowance, LogLines
from tsunagu_helper.program import SYSTEMD, as_unit

HOOK_S = 30  # for one program
LEAVE_S = 2  # for all that still run when the helper leaves
KILL_S = 2  # for a killed one to be gone
MAX_WAITING = 20  # occasions of one connection
LOG_LINES, LOG_LINES_PER_S = 200, 1.0  # of one program
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_NOT_MEANT = re.compile(r"\..*|.*(~|\.bak|\.orig|\.dpkg-\w+|\.rpm\w+)")  # editors and package managers leave these

Told = Callable[[VpnError], None]


class Hooks:
    """The programs in ``directory``, by their names' order."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._queues: dict[str, list[asyncio.Task[None]]] = {}  # of each connection; the first one runs

    def run(self, connection_id: str, environment: Mapping[str, str], told: Told) -> asyncio.Task[None] | None:
        """Begin to run them all, when those that the connection has begun before have ended; to be waited for."""
        queue = self._queues.setdefault(connection_id, [])
        if len(queue) >= MAX_WAITING:
            told(VpnError("The hooks still run for what happened before, so they are not run for this"))
            return None
        turn = self._in_turn(queue[-1] if queue else None, environment, told)
        queue.append(asyncio.create_task(turn, name=f"hooks of {connection_id}"))
        queue[-1].add_done_callback(queue.remove)
        return queue[-1]

    async def finish(self) -> None:
        """Let what runs end, in bounded time."""
        if tasks := [task for queue in self._queues.values() for task in queue]:
            _, late = await asyncio.wait(tasks, timeout=LEAVE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _in_turn(self, before: asyncio.Task[None] | None, environment: Mapping[str, str], told: Told) -> None:
        if before:
            await asyncio.wait([before])
        programs, problems = hooks_in(self._directory)
        for problem in problems:
            told(problem)
        for program in programs:
            try:
                await _run(program, environment)
            except VpnError as error:
                told(error)


def hooks_in(directory: Path) -> tuple[list[Path], list[VpnError]]:
    """The programs to run, in order, and a sentence for each that is not."""
    programs, problems = [], []
    try:
        if not os.path.lexists(directory):
            return [], []
        _check_way(directory)
        found = sorted(path for path in directory.iterdir() if not _NOT_MEANT.fullmatch(path.name))
    except VpnError as error:
        return [], [error]
    except OSError as error:
        return [], [VpnError(f"No hooks are run, because {directory} cannot be read: {error.strerror}")]
    for path in found:
        try:
            facts = path.lstat()
            if stat.S_ISLNK(facts.st_mode):
                raise VpnError(
                    f"The hook {path} is not run, because it is a symbolic link; put the program itself there"
                )
            if stat.S_ISREG(facts.st_mode) and facts.st_mode & 0o111:
                _check_writers(path, facts)
                programs.append(path)
        except VpnError as error:
            problems.append(error)
        except OSError as error:
            problems.append(VpnError(f"The hook {path} is not run: {error.strerror}"))
    return programs, problems


def _check_way(directory: Path) -> None:
    """Nobody but root can have made this directory another one."""
    for path in [*reversed(directory.parents), directory]:
        facts = path.lstat()
        if not stat.S_ISDIR(facts.st_mode):
            raise VpnError(f"No hooks are run, because {path} is not a directory itself")
        # in a sticky directory nobody can replace what is another's
        if not (path != directory and facts.st_mode & stat.S_ISVTX and facts.st_uid == 0):
            _check_writers(path, facts)


def _check_writers(path: Path, facts: os.stat_result) -> None:
    if facts.st_uid not in (0, os.geteuid()) or facts.st_mode & 0o022:
        raise VpnError(
            f"{path} is not used for hooks, because others than root can write it; "
            f"as root: chown root {path} && chmod go-w {path}"
        )


def command(program: Path, environment: Mapping[str, str]) -> list[str]:
    """How to start it: where systemd is, as a unit of its own, or it would have no more rights than the helper."""
    if not SYSTEMD.is_dir():
        return [str(program)]
    limits = (f"RuntimeMaxSec={HOOK_S + 1}", f"TimeoutStopSec={KILL_S}", "UMask=0022")
    return as_unit([str(program)], f"Tsunagu hook {program.name}", limits, environment)


async def _run(program: Path, environment: Mapping[str, str]) -> None:
    """Run one to its end.

    Raises:
        VpnError: that was no good end.
    """
    variables = {"PATH": PATH, "LANG": "C.UTF-8", **environment}
    try:
        process = _start(command(program, variables), variables)
    except OSError as error:
        raise VpnError(f"The hook {program} could not be started: {error.strerror}") from error
    status = await _end_of(process, f"hook {one_line(program.name)}")
    if status is None:
        raise VpnError(f"The hook {program} was ended, because it took more than {HOOK_S} seconds")
    if status:
        raise VpnError(
            f"The hook {program} failed with exit status {status}; 'journalctl -u tsunagu-helper' shows what it wrote"
        )


def _start(words: list[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a process group of its own, which ends with it
        cwd="/",
        umask=0o022,
        env=environment,
    )


async def _end_of(process: "subprocess.Popen[bytes]", whose: str) -> int | None:
    """Log what it writes until it ends; its status, None: it took too long.  Nothing of its group is left."""
    loop = asyncio.get_running_loop()
    lines = LogLines(whose, Allowance(LOG_LINES, LOG_LINES_PER_S, loop.time))
    has_ended = asyncio.Event()
    pidfd = os.pidfd_open(process.pid)
    assert process.stdout is not None
    output = process.stdout.fileno()
    os.set_blocking(output, False)

    def read() -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(output, 65536)
            lines.feed(data)
            if not data:
                loop.remove_reader(output)

    def ended() -> None:
        loop.remove_reader(pidfd)
        has_ended.set()

    loop.add_reader(output, read)
    loop.add_reader(pidfd, ended)
    is_late = False
    try:
        async with asyncio.timeout(HOOK_S):
            await has_ended.wait()
    except TimeoutError:
        is_late = True
    finally:
        with contextlib.suppress(ProcessLookupError):  # not reaped yet, so the number is still its own
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):  # it may hang in the kernel
            await asyncio.wait_for(has_ended.wait(), KILL_S)
        read()  # its last words
        lines.finish()
        loop.remove_reader(output)
        loop.remove_reader(pidfd)
        os.close(pidfd)
        process.stdout.close()
        status = process.poll()
    return None if is_late else status
