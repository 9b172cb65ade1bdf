"""Ten tunnels at once: what each costs while nobody uses it, and what they carry together."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.measure import memory_mb, processor_s, wakeups
from tests.lab.server import LAN, VpnServer, within
from tests.lab.stack import Stack

TUNNELS = 10

_IDLE_S = 20.0
_FIRST_PORT = 5300


def measure_many_tunnels(seconds: float) -> dict[str, float]:
    """Prints what it finds and returns it; one TCP flow through each of them."""
    with VpnServer() as server, _traffic_servers(server), Stack(server) as stack:
        helper_mb = _pss_mb(server, "tsunagu_helper")
        for number in range(TUNNELS):
            stack.add(f"Tunnel {number}", interface=_nic(number), udp_acceleration=False)
            stack.connect(f"Tunnel {number}")
        workers = stack.workers()
        assert len(workers) == TUNNELS
        results = {
            "helper_mb_without": helper_mb,
            "helper_mb": _pss_mb(server, "tsunagu_helper"),
            "worker_mb": sum(memory_mb(worker)[1] for worker in workers) / TUNNELS,
        }
        before, started = sum(map(wakeups, workers)), time.monotonic()
        time.sleep(_IDLE_S)
        results["wakeups_per_s"] = (sum(map(wakeups, workers)) - before) / (time.monotonic() - started) / TUNNELS
        for way in ("up", "down"):
            results |= _carry(server, workers, way, seconds)
    print(f"\n{TUNNELS} tunnels at once, each:")
    print(f"  idle: {results['worker_mb']:.1f} MB (its share), {results['wakeups_per_s']:.2f} wake-ups/s")
    print(
        f"  the helper's share: {results['helper_mb_without']:.1f} MB without them, {results['helper_mb']:.1f} MB with"
    )
    for way in ("up", "down"):
        print(
            f"  {way}: {results[f'throughput_{way}']:.2f} Gbit/s together, the slowest {results[f'slowest_{way}']:.2f},"
            f" {results[f'cpu_per_gb_{way}']:.2f} s/GB"
        )
    return results


@contextmanager
def _traffic_servers(server: VpnServer) -> Iterator[None]:
    programs = [
        server.start_program_at(
            server.lan, f"iperf3-{number}", "iperf3", "--server", "--port", f"{_FIRST_PORT + number}"
        )
        for number in range(TUNNELS)
    ]
    yield
    for program in programs:
        server.end_program(program)


def _carry(server: VpnServer, workers: list[int], way: str, seconds: float) -> dict[str, float]:
    before = processor_s(workers)
    clients = []
    for number in range(TUNNELS):
        command = (
            f"iperf3 --json --client {LAN} --bind-dev {_nic(number)} --port {_FIRST_PORT + number} --time {seconds:g}"
        )
        words = [*command.split(), *(["--reverse"] if way == "down" else [])]
        clients.append(subprocess.Popen(within(server.cli, *words), stdout=subprocess.PIPE))
    ends = [json.loads(client.communicate(timeout=seconds + 60)[0])["end"]["sum_received"] for client in clients]
    gigabytes = sum(end["bytes"] for end in ends) / 1e9
    return {
        f"throughput_{way}": sum(end["bits_per_second"] for end in ends) / 1e9,
        f"slowest_{way}": min(end["bits_per_second"] for end in ends) / 1e9,
        f"cpu_per_gb_{way}": (processor_s(workers) - before) / gigabytes,
    }


def _nic(number: int) -> str:
    return f"tsunagu_{number}"


def _pss_mb(server: VpnServer, name: str) -> float:
    found = [number for number in server.processes_in(server.cli) if name in _command(number)]
    return sum(memory_mb(number)[1] for number in found)


def _command(number: int) -> str:
    return Path(f"/proc/{number}/cmdline").read_bytes().decode(errors="replace")
