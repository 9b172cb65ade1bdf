"""TCP carriers and UDP acceleration on lines that are not good: four TCP flows, and echoes beside them."""

import json
import re
import subprocess
from statistics import median, quantiles

from tests.lab.relay import bad_line
from tests.lab.server import LAN, VpnServer, within
from tests.lab.stack import Stack
from tests.lab.waiting import wait_for

LINES = {  # name: delay one way (s), loss, rate (bit/s)
    "40 ms, 50 Mbit/s": (0.02, 0.0, 50e6),
    "40 ms, 50 Mbit/s, 0.5 % loss": (0.02, 0.005, 50e6),
    "40 ms, 50 Mbit/s, 2 % loss": (0.02, 0.02, 50e6),
}
WAYS = {"TCP, 1 carrier": (1, False), "TCP, 8 carriers": (8, False), "UDP acceleration": (1, True)}

_NAME = "line"


def compare_bad_lines(seconds: float) -> dict[str, dict[str, dict[str, float]]]:
    """Prints a table and returns it: by line, then by way."""
    print(f"\n{'line':30} {'way':17} {'up':>7} {'down':>7} Mbit/s   ping {'median':>7} {'95 %':>7} ms, lost")
    results: dict[str, dict[str, dict[str, float]]] = {}
    with VpnServer() as server:
        listening = server.start_program_at(server.lan, "iperf3-bad-line", "iperf3", "--server")
        for line, (delay_s, loss, rate) in LINES.items():
            for way, (carriers, udp) in WAYS.items():
                with bad_line(server, delay_s=delay_s, loss=loss, rate=rate) as address, Stack(server) as stack:
                    stack.add(_NAME, host=address, carriers=carriers, udp_acceleration=udp)
                    _connect(server, stack, carriers, udp=udp)
                    row = _measure(server, seconds)
                results.setdefault(line, {})[way] = row
                up, down, middle, worst, lost = row.values()
                print(
                    f"{line:30} {way:17} {up:7.1f} {down:7.1f} {'':13} {middle:7.0f} {worst:7.0f} {lost:7.0f}",
                    flush=True,
                )
        server.end_program(listening)
    return results


def _connect(server: VpnServer, stack: Stack, carriers: int, *, udp: bool) -> None:
    stack.connect(_NAME)
    wait_for(lambda: stack.status(_NAME)["carriers"] == carriers, 40, "all carriers")
    if udp:
        wait_for(lambda: stack.status(_NAME)["udp_acceleration"] == "in use", 60, "UDP acceleration")
        name = stack.status(_NAME)["session_name"]
        wait_for(lambda: server.session(name)["UDP Acceleration is Active"] == "Yes", 60, "the server's")


def _measure(server: VpnServer, seconds: float) -> dict[str, float]:
    speeds, times, lost = [], [], 0
    for way in (), ("--reverse",):
        count = int(seconds * 10)
        pings = within(server.cli, "ping", "-i0.1", f"-c{count}", "-W5", LAN)
        with subprocess.Popen(pings, stdout=subprocess.PIPE, text=True) as ping:
            iperf = ("iperf3", "--json", "--client", LAN, "--time", f"{seconds:g}", "--parallel", "4", *way)
            done = server.run(server.cli, *iperf, timeout_s=seconds + 60)
            came = [float(ms) for ms in re.findall(r"time=([\d.]+)", ping.communicate()[0])]
        speeds.append(json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"] / 1e6)
        times += came
        lost += count - len(came)
    return {
        "up_mbit_per_s": speeds[0],
        "down_mbit_per_s": speeds[1],
        "ping_ms": median(times),
        "ping_ms_95": quantiles(times, n=20)[-1],
        "pings_lost": float(lost),
    }
