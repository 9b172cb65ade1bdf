"""``python -m tests.lab.compare_bad_lines [SECONDS]``: TCP carriers and UDP acceleration on lines that are not good.

Run it in the sandbox.  Prints a table: throughput of four TCP flows, and how long a ping took beside them.
"""

import json
import re
import subprocess
import sys
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


def main(seconds: str = "8") -> None:
    """Compare."""
    print(f"{'line':30} {'way':17} {'up':>7} {'down':>7} Mbit/s   ping {'median':>7} {'95 %':>7} {'worst':>7} ms, lost")
    with VpnServer() as server:
        listening = subprocess.Popen(within(server.lan, "iperf3", "-s"), stdout=subprocess.DEVNULL)
        try:
            for line, (delay_s, loss, rate) in LINES.items():
                for way, (carriers, udp) in WAYS.items():
                    with bad_line(server, delay_s=delay_s, loss=loss, rate=rate) as address, Stack(server) as stack:
                        stack.add("line", host=address, carriers=carriers, udp_acceleration=udp)
                        measure(server, stack, f"{line:30} {way:17}", carriers, seconds)
        finally:
            listening.kill()
            listening.wait()


def measure(server: VpnServer, stack: Stack, title: str, carriers: int, seconds: str) -> None:
    """One row."""
    stack.connect("line")
    wait_for(lambda: stack.status("line")["carriers"] == carriers, 40, "all carriers")
    if "UDP" in title:
        wait_for(lambda: stack.status("line")["udp_acceleration"] == "in use", 60, "UDP acceleration")
        name = stack.status("line")["session_name"]
        wait_for(lambda: server.session(name)["UDP Acceleration is Active"] == "Yes", 60, "the server's")
    speeds, times, lost = [], [], 0
    for way in (), ("-R",):
        count = int(float(seconds) * 10)
        ping = subprocess.Popen(
            within(server.cli, "ping", "-i0.1", f"-c{count}", "-W5", LAN), stdout=subprocess.PIPE, text=True
        )
        done = server.run(
            server.cli,
            "iperf3",
            "-J",
            "-c",
            LAN,
            "-t",
            seconds,
            "-P4",
            *way,
            check=False,
            timeout_s=float(seconds) + 60,
        )
        speeds.append(json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"] / 1e6)
        came = [float(ms) for ms in re.findall(r"time=([\d.]+)", ping.communicate()[0])]
        times += came
        lost += count - len(came)
    print(
        f"{title} {speeds[0]:7.1f} {speeds[1]:7.1f} {'':13} {median(times):7.0f} {quantiles(times, n=20)[-1]:7.0f}"
        f" {max(times):7.0f}     {lost}",
        flush=True,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
