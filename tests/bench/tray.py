"""``make bench-tray``: memory and idle wake-ups of the tray program, with and without a connection up."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from tests.bench.measure import memory_mb, wakeups
from tests.desktop.window_rig import ADDRESS
from tests.fakes_bus import PrivateBus, fake_helper
from tests.lab.desktop import Desktop
from tsunagu.model import State
from tsunagu_tray.images import COLOURS
from tsunagu_tray.tray_model import Kind

SETTLE_S = 15.0  # after a change; by then its notification has gone


async def measure(panel: str, seconds: float) -> None:
    """One line for each state."""
    bus = PrivateBus()
    try:
        with Desktop(panel=panel) as desktop:  # type: ignore[arg-type]  # one of the options
            async with fake_helper(bus) as helper:
                environment = {
                    "DBUS_SYSTEM_BUS_ADDRESS": bus.address,
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                }
                tray = desktop.start("tray", sys.executable, "-m", "tsunagu_tray", environment=environment)
                await asyncio.to_thread(desktop.find_icon, [COLOURS[Kind.OFFLINE]])
                await look(panel, "no connection", tray.pid, seconds)
                office = helper.add("Office")
                office.show(state=State.UP, addresses=[ADDRESS])
                await asyncio.to_thread(desktop.find_icon, [COLOURS[Kind.CONNECTED]])
                await look(panel, "one connection up", tray.pid, seconds)
    finally:
        bus.close()


async def look(panel: str, state: str, process: int, seconds: float) -> None:
    """At rest."""
    await asyncio.sleep(SETTLE_S)
    processes = [process, *children(process)]
    before = sum(map(wakeups, processes))
    await asyncio.sleep(seconds)
    woken = sum(map(wakeups, processes)) - before
    memory = " + ".join("{:.1f} ({:.1f})".format(*memory_mb(each)) for each in processes)
    print(f"{panel:8}{state:20}{memory} MB resident (its share); {woken} wake-ups in {seconds:g} s", flush=True)


def children(process: int) -> list[int]:
    """Such as the one that serves old trays."""
    return [*map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())]


def main() -> None:
    """Each panel in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("panels", nargs="*", default=["xfce", "trayer"])
    options = parser.parse_args()
    for panel in options.panels:
        asyncio.run(measure(panel, options.seconds))


if __name__ == "__main__":
    main()
