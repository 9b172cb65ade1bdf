"""``make bench``: all clients, interleaved, several times; prints the table, writes build/bench.json and the picture.

Interleaved, because machines get faster and slower by the minute: only what was measured side by side is compared.
"""

import argparse
import json
import os
import platform
import ssl
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.bad_lines import compare_bad_lines
from tests.bench.clients import Client, Official, OpenVpn, SoftEtherClient, Tsunagu
from tests.bench.many_tunnels import measure_many_tunnels
from tests.bench.measure import TransferFailed, idle, transfer
from tests.bench.plot import plot
from tests.bench.report import OFFICIAL, OURS, medians, ratios, table
from tests.lab.server import VpnServer

_KINDS: dict[str, Callable[[str, VpnServer], Client]] = {
    OFFICIAL: Official,
    OURS: Tsunagu,
    "Tsunagu, plain Python": lambda name, server: Tsunagu(name, server, plain=True),
    "OpenVPN, UDP": lambda name, server: OpenVpn(name, server, protocol="udp"),
    "OpenVPN, TCP": lambda name, server: OpenVpn(name, server, protocol="tcp"),
}
_MORE: dict[str, Callable[[str, VpnServer], Client]] = {
    "official client, 8 connections": lambda name, server: Official(name, server, carriers=8),
    "Tsunagu, 8 connections": lambda name, server: Tsunagu(name, server, carriers=8),
    "official client, UDP acceleration": lambda name, server: Official(name, server, udp=True),
    "Tsunagu, UDP acceleration": lambda name, server: Tsunagu(name, server, udp=True),
}
_CONNECTS = 3  # of each client in each repetition
_IDLE_S = 8.0

Samples = dict[str, dict[str, list[float]]]


def main() -> None:
    """Measure, print, save."""
    options = _options()
    samples: Samples = defaultdict(lambda: defaultdict(list))
    with VpnServer() as server, _traffic_servers(server):
        for repetition in range(options.repetitions):
            kinds = _KINDS | (_MORE if repetition == 0 else {})
            for name, kind in kinds.items():
                if options.only and name not in options.only:
                    continue
                print(f"{repetition + 1}/{options.repetitions} {name}", file=sys.stderr, flush=True)
                with _up(kind(name, server)) as client:
                    _measure(client, server, samples[name], options.seconds)
    middle = medians(samples)
    print(table(middle))
    compared = ratios(middle)
    results: dict[str, object] = {
        "ratios_to_official": compared,
        "medians": middle,
        "samples": samples,
        "machine": _machine(),
    }
    if options.many_tunnels:
        results["many_tunnels"] = measure_many_tunnels(options.seconds)
    if options.bad_lines:
        results["bad_lines"] = compare_bad_lines(options.seconds * 2)
    _save(results)
    plot({name: middle[name] for name in _KINDS if name in middle}, Path("build/bench.png"))
    print("\nOurs divided by the official client's:")
    for name, ratio in compared.items():
        print(f"  {name:16} {ratio:.2f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="of each transfer")
    parser.add_argument("--only", action="append", metavar="CLIENT")
    parser.add_argument("--no-many-tunnels", dest="many_tunnels", action="store_false")
    parser.add_argument("--no-bad-lines", dest="bad_lines", action="store_false")
    return parser.parse_args()


@contextmanager
def _traffic_servers(server: VpnServer) -> Iterator[None]:
    """iperf3 behind the hub, and on the OpenVPN server's own machine."""
    programs = [
        server.start_program_at(namespace, f"iperf3-{namespace}", "iperf3", "--server")
        for namespace in (server.lan, server.srv)
    ]
    yield
    for program in programs:
        server.end_program(program)


@contextmanager
def _up(client: Client) -> Iterator[Client]:
    try:
        client.up()
        yield client
    finally:
        client.down()


def _measure(client: Client, server: VpnServer, samples: dict[str, list[float]], seconds: float) -> None:
    for way in ("up", "down"):
        try:
            moved = transfer(client, server, way, seconds)
        except TransferFailed as failure:  # OpenVPN's TCP connections now and then do not survive being filled
            print(failure, file=sys.stderr, flush=True)
            continue
        samples[f"throughput_{way}"].append(moved.gbit_per_s)
        samples[f"cpu_per_gb_{way}"].append(moved.client_s_per_gb)
        samples[f"system_per_gb_{way}"].append(moved.system_s_per_gb)
        samples[f"ping_ms_{way}"].append(moved.ping_ms)
    rest = idle(client, _IDLE_S)
    samples["wakeups_per_s"].append(rest.wakeups_per_s)
    samples["rss_mb"].append(sum(rest.rss_mb.values()))
    for process, megabytes in rest.rss_mb.items():
        samples[f"rss_mb_{process}"].append(megabytes)
    if isinstance(client, SoftEtherClient):
        for _ in range(_CONNECTS):
            client.disconnect()
            samples["connect_time"].append(client.connect())


def _machine() -> dict[str, str]:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return {
        "processor": f"{os.cpu_count()} x {model}",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
    }


def _save(results: dict[str, object]) -> None:
    folder = Path("build")
    folder.mkdir(exist_ok=True)
    new = folder / "bench.json.new"
    new.write_text(json.dumps(results, indent=1) + "\n")
    new.replace(folder / "bench.json")


if __name__ == "__main__":
    main()
