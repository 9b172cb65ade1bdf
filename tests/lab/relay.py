"""A long, narrow or lossy line between two network namespaces, as the kernels of many test machines have no netem.

``with bad_line(server, delay_s=0.05, loss=0.01, rate=20e6) as address:`` is a second way to the lab's server, for TCP
and UDP alike.  ``python -m tests.lab.relay`` is its program: two TAPs, each moved to its place, and what is between.
"""

import argparse
import fcntl
import functools
import math
import os
import select
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from tests.lab.server import VpnServer
from tests.lab.waiting import wait_for

FAR, NEAR = "10.98.0.1", "10.98.0.2"  # the server's and the client's addresses on it

_TUNSETIFF = 0x400454CA  # linux/if_tun.h, as the next
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000


@dataclass
class Line:
    """One direction.  Frames go in, and come out later, or never; ``now`` is seconds."""

    delay_s: float = 0
    loss: float = 0  # of all frames, 0 to 1, each for itself
    rate: float = math.inf  # bit/s
    queue_s: float = 0.1  # what would wait longer for the line to be free is dropped
    random: Random = field(default_factory=lambda: Random(1))

    def __post_init__(self) -> None:
        self._free_at = -math.inf
        self._underway: deque[tuple[float, bytes]] = deque()

    def put(self, frame: bytes, now: float) -> None:
        """A frame wants to travel."""
        starts = max(now, self._free_at)
        if starts - now > self.queue_s:
            return
        self._free_at = starts + 8 * len(frame) / self.rate
        if self.random.random() >= self.loss:
            self._underway.append((self._free_at + self.delay_s, frame))

    def take(self, now: float) -> list[bytes]:
        """What has arrived."""
        arrived = []
        while self._underway and self._underway[0][0] <= now:
            arrived.append(self._underway.popleft()[1])
        return arrived

    def next_arrival(self) -> float:
        """When ``take`` will have more."""
        return self._underway[0][0] if self._underway else math.inf


@contextmanager
def bad_line(server: VpnServer, *, delay_s: float = 0, loss: float = 0, rate: float = math.inf) -> Iterator[str]:
    """The server's address at the far end of such a line, each way of which is like that."""
    program = server.start_program(
        "relay",
        *(sys.executable, "-m", "tests.lab.relay", server.srv, server.cli),
        *(f"--delay={delay_s}", f"--loss={loss}", f"--rate={rate}"),
    )
    try:
        for namespace in server.srv, server.cli:
            wait_for(functools.partial(_is_up, server, namespace), 10, f"the line; {server.log('relay')}")
        yield FAR
    finally:
        server.end_program(program)


def _is_up(server: VpnServer, namespace: str) -> bool:
    return "LOWER_UP" in server.run(namespace, "ip", "link", "show", "line", check=False).stdout


def main() -> None:
    """Relay until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("far")
    parser.add_argument("near")
    for name, usual in (("--delay", 0), ("--loss", 0), ("--rate", math.inf)):
        parser.add_argument(name, type=float, default=usual)
    options = parser.parse_args()
    taps = [_tap(namespace, address) for namespace, address in ((options.far, FAR), (options.near, NEAR))]
    lines = [
        Line(delay_s=options.delay, loss=options.loss, rate=options.rate, random=Random(number)) for number in (1, 2)
    ]
    while True:
        wait_s = min(line.next_arrival() for line in lines) - time.monotonic()
        ready, _, _ = select.select(taps, [], [], None if wait_s == math.inf else max(wait_s, 0))
        now = time.monotonic()
        for tap in ready:
            line = lines[taps.index(tap)]
            for frame in _read(tap):
                line.put(frame, now)
        for line, tap in zip(lines, reversed(taps), strict=True):
            for frame in line.take(now):
                os.write(tap, frame)


def _tap(namespace: str, address: str) -> int:
    """In that namespace, up, with that address; it goes with this process."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    name = f"relay-{namespace}"
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
    for command in (
        f"link set {name} netns {namespace} name line",
        f"-n {namespace} address add {address}/24 dev line",
        f"-n {namespace} link set line up txqueuelen 1000",
    ):
        subprocess.run(["ip", *command.split()], check=True)
    return fd


def _read(tap: int) -> Iterator[bytes]:
    for _ in range(64):
        try:
            yield os.read(tap, 2000)
        except BlockingIOError:
            return


if __name__ == "__main__":
    main()
