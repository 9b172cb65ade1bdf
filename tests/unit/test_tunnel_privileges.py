"""The worker as a process: it gives up everything before it listens, or does not start."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes import FakeServerThread
from tests.unit.test_worker import start_at
from tsunagu.control import MAX_MESSAGE, Established, ReportStatistics, Stop, decode, encode

NOBODY = 61337
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up being root")


@dataclass
class Process:
    process: "subprocess.Popen[bytes]"
    control: socket.socket

    def hear(self) -> object:
        return decode(self.control.recv(MAX_MESSAGE))


@contextmanager
def worker_process(source: Path, uid: int = NOBODY) -> Iterator[Process]:
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    nic, tap = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    fds = theirs.fileno(), tap.fileno()
    arguments = f"--tap-fd {fds[1]} --control-fd {fds[0]} --uid {uid} --gid {uid}"
    with control, nic:
        with theirs, tap:
            process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-B", "-m", "tsunagu_tunnel", *arguments.split()],
                pass_fds=fds,
                stderr=subprocess.PIPE,
                cwd="/",
                env={"PYTHONPATH": f"{source}/helper:{source}/shared"},
            )
        control.settimeout(30)
        with process:
            try:
                yield Process(process, control)
            finally:
                control.close()
                process.wait(10)


@pytest.fixture
def hidden(tmp_path: Path) -> Path:
    """The worker's code where only root can read it."""
    for part in ("helper/tsunagu_tunnel", "shared/tsunagu"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    tmp_path.chmod(0o700)
    return tmp_path


def test_a_session_stands_with_no_right_left_and_code_that_cannot_be_read(hidden: Path) -> None:
    with FakeServerThread() as server, worker_process(hidden) as worker:
        worker.control.send(encode(start_at(server)))
        while not isinstance(worker.hear(), Established):
            pass
        worker.control.send(encode(ReportStatistics()))
        worker.hear()

        status = Path(f"/proc/{worker.process.pid}/status").read_text()
        limits = Path(f"/proc/{worker.process.pid}/limits").read_text()
        worker.control.send(encode(Stop()))

        assert worker.process.wait(5) == 0
    fields = dict(line.split(":", 1) for line in status.splitlines())
    assert fields["Uid"].split() == fields["Gid"].split() == [str(NOBODY)] * 4
    assert fields["Groups"].strip() == ""
    assert {fields[f"Cap{name}"].strip() for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert fields["NoNewPrivs"].strip() == "1"
    assert "Max core file size        0                    0" in limits


def test_a_worker_does_not_run_as_root() -> None:
    with worker_process(ROOT, uid=0) as worker:
        assert worker.process.wait(5) == 2
        assert worker.process.stderr is not None
        assert b"must not run as root" in worker.process.stderr.read()


def test_a_worker_that_is_left_alone_leaves() -> None:
    with worker_process(ROOT) as worker:
        worker.control.close()

        assert worker.process.wait(5) == 0
