"""What is measured of a client: throughput, processor time, latency, wake-ups, memory."""

import contextlib
import json
import os
import re
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.clients import Client
from tests.lab.server import VpnServer, within

_TICKS = os.sysconf("SC_CLK_TCK")
_PING_INTERVAL_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """TCP through the tunnel, one flow unless it was asked for more."""

    gbit_per_s: float  # of TCP payload
    client_s_per_gb: float  # processor seconds of the client's processes, user and system
    system_s_per_gb: float  # of the whole machine
    ping_ms: float  # median of echoes through the tunnel meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """A connected client that nobody uses."""

    wakeups_per_s: float
    rss_mb: dict[str, float]  # by process


class TransferFailed(Exception):
    """The tunnel did not carry it to its end."""


def transfer(client: Client, server: VpnServer, way: str, seconds: float, *, flows: int = 1) -> Transfer:
    """``way``: "up" or "down"."""
    command = ["iperf3", "--json", "--client", client.target, "--time", f"{seconds:g}", "--parallel", str(flows)]
    command += ["--reverse"] if way == "down" else []
    pings = f"ping -q -n -i {_PING_INTERVAL_S} -w {max(1, int(seconds))} {client.target}".split()
    processes = client.processes()
    before, system_before = processor_s(processes), _system_s()
    with subprocess.Popen(within(server.cli, *pings[:1], *pings[2:]), stdout=subprocess.PIPE, text=True) as ping:
        done = server.run(server.cli, *command, check=False, timeout_s=seconds + 30)
        after, system_after = processor_s(processes), _system_s()
        echoes = sorted(float(ms) for ms in re.findall(r"time=([\d.]+) ms", ping.communicate()[0]))
    result = json.loads(done.stdout)
    if "error" in result:
        raise TransferFailed(f"iperf3 through {client.name}: {result['error']}")
    received = result["end"]["sum_received"]
    gigabytes = received["bytes"] / 1e9
    return Transfer(
        gbit_per_s=received["bits_per_second"] / 1e9,
        client_s_per_gb=(after - before) / gigabytes,
        system_s_per_gb=(system_after - system_before) / gigabytes,
        ping_ms=echoes[len(echoes) // 2] if echoes else float("inf"),
    )


def idle(client: Client, seconds: float) -> Idle:
    """Look at it twice."""
    processes = client.processes()
    before = sum(map(wakeups, processes))
    time.sleep(seconds)
    after = sum(map(wakeups, processes))
    rss = {name: memory_mb(number)[0] for number, name in processes.items()}
    return Idle(wakeups_per_s=(after - before) / seconds, rss_mb=rss)


def processor_s(processes: Iterable[int]) -> float:
    """User and system seconds of all threads so far; the scheduler counts nanoseconds."""
    total = 0
    for process in processes:
        for task in Path(f"/proc/{process}/task").glob("*"):
            with contextlib.suppress(OSError):
                total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def _system_s() -> float:
    user, nice, system, _idle, _io, irq, softirq = map(int, Path("/proc/stat").read_text().split(None, 8)[1:8])
    return (user + nice + system + irq + softirq) / _TICKS


def wakeups(process: int) -> int:
    """How often its threads have waited for something and got it."""
    texts = [(task / "status").read_text() for task in Path(f"/proc/{process}/task").glob("*")]
    return sum(
        int(number) for text in texts for number in re.findall(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.MULTILINE)
    )


def memory_mb(process: int) -> tuple[float, float]:
    """Resident, and its share of it: what others use too is divided among them."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    kilobytes = {name: int(number) for name, number in re.findall(r"^(Rss|Pss):\s+(\d+) kB", text, re.MULTILINE)}
    return kilobytes["Rss"] / 1000, kilobytes["Pss"] / 1000
