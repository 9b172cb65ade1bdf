"""``make demo``: the main job, shown.  Each step is looked at; one that is not seen ends it with status 1.

Runs in the sandbox, so that nothing of it can stay on the machine.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from itertools import groupby
from pathlib import Path

from PIL import Image

from tests.documents import shown
from tests.lab.processes import Processes
from tests.lab.screens import PresentScreen, Screen, VirtualScreen
from tests.lab.server import FILE, FILE_SHA256, LAN, PASSWORD, SERVER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.bus_names import SERVICE
from tsunagu.model import State
from tsunagu_tray.tray_model import Kind

PICTURES = Path("build/demo")
SAVED_PICTURES = Path("docs/img")
TAKEN = {  # what the documents may show, and how much of it from the top, px
    "offline": 180,
    "password": 640,
    "certificate": 640,
    "connected": 180,
    "menu": 640,
    "reconnecting": 180,
}
PLAY = Path("/run/play")
BEGIN = time.monotonic()


def main() -> None:
    """Tell the story; status 1 when a part of it could not be seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="stay up to play with")
    parser.add_argument("--save-pictures", action="store_true", help=f"also to {SAVED_PICTURES}, for the README")
    options = parser.parse_args()
    shutil.rmtree(PICTURES, ignore_errors=True)
    before = traces()
    try:
        show(keep=options.keep)
        wait_for(lambda: traces() == before, 30, f"{traces() - before} to go")
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # whatever it was, nobody has seen the main job
        say(f"FAILED: {type(error).__name__}: {error}")
        sys.exit(1)
    say("All is taken down: no process, network namespace, NIC, route or file is left.")
    if options.save_pictures:
        save_pictures()
    if PICTURES.exists():
        say(f"Pictures: {', '.join(str(picture) for picture in sorted(PICTURES.glob('*.png')))}")


def show(*, keep: bool) -> None:
    """Everything from bringing up to taking down."""
    present = PresentScreen()
    screen: Screen = present if present.is_reachable() else VirtualScreen()
    with ExitStack() as up:
        server = up.enter_context(VpnServer())
        say(f"A real SoftEther VPN Server runs in a network namespace ({server.srv}), with a LAN behind its hub.")
        stack = up.enter_context(Stack(server, screen.user))
        say(f"Tsunagu's helper runs as root in another ({server.cli}), on a system bus of its own.")
        up.enter_context(screen)
        say(f"The desktop is {'a virtual one' if screen.is_ours else 'the present one'}; its user is {screen.user}.")
        demonstration = Demonstration(server, stack, screen)
        try:
            demonstration.tell(keep=keep)
        except BaseException:
            demonstration.picture("failed")
            print(f"-- helper:\n{stack.helper_log()}\n-- tray:\n{screen.tray_log()}", file=sys.stderr)
            raise
        say("Taking all down")


class Demonstration:
    """The story, a method a chapter."""

    def __init__(self, server: VpnServer, stack: Stack, screen: Screen) -> None:
        self.server = server
        self.stack = stack
        self.screen = screen
        self._pictures = 0

    def tell(self, *, keep: bool) -> None:
        """All of it."""
        self.offline()
        self.connect()
        self.use()
        self.lose_the_link()
        if keep:
            self.stay()  # afterwards nobody knows what has been played
        else:
            self.disconnect()

    def offline(self) -> None:
        """The tray appears."""
        self.stack.add(password=None, trusted=False)
        say(f'{self.screen.user} has added the connection "{NAME}": hub LAB on {SERVER}, no password saved yet.')
        self.screen.start_tray({"DBUS_SYSTEM_BUS_ADDRESS": self.stack.bus.address})
        self.screen.wait_for_icon(Kind.OFFLINE, 15)
        say("The icon is on the panel: Offline.")
        self.picture("offline")

    def connect(self) -> None:
        """The click."""
        states = StateLog(self.stack)
        say(f"{self.screen.user} clicks the icon.")
        self.screen.click_icon(Kind.OFFLINE)
        self.stack.wait_for_state(State.NEEDS_SECRET)
        say("Tsunagu asks for the password, which it has not been told yet.")
        self.answer("password", PASSWORD, "Return")
        self.stack.wait_for_state(State.NEEDS_TRUST)
        say(f"The server is new: is this its certificate? Its administrator says {self.server.fingerprint()[:16]}…")
        self.answer("certificate", "", "alt+a")
        self.stack.wait_for_state(State.UP)
        self.screen.wait_for_icon(Kind.CONNECTED, 10)
        self.screen.wait_for_notification(f"Connected to {NAME}", 10)
        seen = states.close()
        if not in_order([State.CONNECTING, State.UP], seen):
            raise AssertionError(f"the states were {seen}")
        say(f"Connected; a notification says so. Its states were {', '.join(state.value for state in seen)}.")

    def use(self) -> None:
        """What it is for."""
        [address] = wait_for(lambda: self.stack.status()["addresses"], 30, "an address")
        say(f"The address from DHCP behind the hub: {address} on {self.stack.status()['interface']}.")
        self.picture("connected")
        if isinstance(self.screen, VirtualScreen):
            self.screen.show_menu(Kind.CONNECTED, self.next_picture("menu"))
        self.check(self.server.ping(LAN), f"ping {LAN} through the tunnel")
        begin = time.monotonic()
        right = self.server.fetch() == FILE_SHA256
        took = f"{len(FILE) / 1e6:.0f} MB in {time.monotonic() - begin:.1f} s"
        self.check(right, f"a file fetched from the LAN behind the hub, {took}, its SHA-256 right")

    def lose_the_link(self) -> None:
        """And get it back."""
        say("Now the server's link is cut.")
        self.server.link_down()
        self.screen.wait_for_icon(Kind.CONNECTING, 60)
        self.screen.wait_for_notification(f"{NAME} has been disconnected", 10)
        say("Tsunagu has noticed, says so, and tries again by itself.")
        self.picture("reconnecting")
        self.server.link_up()
        say("The link is back.")
        self.screen.wait_for_icon(Kind.CONNECTED, 40)
        count = self.stack.status()["established_count"]
        self.check(count == 2 and self.server.ping(LAN), "connected again, without anyone; ping through the tunnel")

    def disconnect(self) -> None:
        """The second click."""
        say(f"{self.screen.user} clicks the icon again.")
        self.screen.click_icon(Kind.CONNECTED)
        self.screen.wait_for_icon(Kind.OFFLINE, 15)
        self.stack.wait_for_state(State.IDLE)
        self.check(not self.stack.leftovers(), "Offline; NIC, address and routes are gone")

    # -- parts --------------------------------------------------------------------------------------------------------

    def answer(self, question: str, text: str, key: str) -> None:
        """In Tsunagu's window, by keyboard; on a desktop with a person at it, by the command line."""
        if isinstance(self.screen, VirtualScreen):
            self.screen.activate("Tsunagu")
            self.picture(question)
            if text:
                self.screen.type(text)
            self.screen.key(key)
        elif question == "password":
            self.stack.done("password", NAME, "--stdin", stdin=f"{text}\n")
        else:
            self.stack.done("trust", NAME, "--fingerprint", self.server.fingerprint())

    def check(self, seen: bool, what: str) -> None:
        """Say it if it is so."""
        if not seen:
            raise AssertionError(f"not seen: {what}")
        say(what[0].upper() + what[1:] + ".")

    def picture(self, name: str) -> None:
        """Of the screen."""
        self.screen.picture(self.next_picture(name))

    def next_picture(self, name: str) -> Path:
        """Where it goes; numbered, for the order of the story."""
        self._pictures += 1
        return PICTURES / f"{self._pictures}-{name}.png"

    def stay(self) -> None:
        """Until Enter or Ctrl-C."""
        PLAY.mkdir()
        settings = " ".join(f"'{name}={value}'" for name, value in self.stack.environment.items())
        mika = f"setpriv --reuid={self.screen.user} --regid={self.screen.user} --init-groups"
        scripts = {
            "tsunagu": f'exec ip netns exec {self.server.cli} {mika} env {settings} python -m tsunagu_tray.cli "$@"',
            "shell": f"exec ip netns exec {self.server.cli} env {settings} bash",
            "cut": f"exec ip -n {self.server.srv} link set veth-srv down",
            "mend": f"exec ip -n {self.server.srv} link set veth-srv up",
        }
        enter = "sudo nsenter --all --target $(pgrep --newest --full '^[^ ]*python[^ ]* -m tests.lab.sandbox')"
        say("It stays up. In another terminal:")
        for name, script in scripts.items():
            (PLAY / name).write_text(f"#!/bin/sh\ncd {Path.cwd()}\n{script}\n")
            (PLAY / name).chmod(0o755)
            print(f"    {enter} {PLAY}/{name}{' status' if name == 'tsunagu' else ''}")
        print("Enter or Ctrl-C ends it.", flush=True)
        with suppress(KeyboardInterrupt):
            if sys.stdin.isatty():
                sys.stdin.readline()
            else:
                signal.pause()


class StateLog:
    """The states that the helper has told anyone of, from now on; its signals are not for all, but root may spy."""

    def __init__(self, stack: Stack) -> None:
        self._log = Processes(stack.folder / "logs")
        command = ["dbus-monitor", "--address", stack.bus.address, f"type='signal',sender='{SERVICE}'"]
        self._log.start("states", command, os.environ)
        wait_for(lambda: "NameLost" in self._log.log("states"), 30, "dbus-monitor to listen")

    def close(self) -> list[State]:
        """Those seen; each was told to the tray and to others."""
        self._log.end_all()
        told = re.findall(r'string "State"\s+variant\s+string "([a-z-]+)"', self._log.log("states"))
        return [State(word) for word, _ in groupby(told)]


def save_pictures() -> None:
    """Those that the documents show."""
    for name, height in TAKEN.items():
        if (saved := (SAVED_PICTURES / f"{name}.png").resolve()) in shown(SAVED_PICTURES):
            [taken] = PICTURES.glob(f"*-{name}.png")
            with Image.open(taken) as picture:
                picture.crop((0, 0, picture.width, height)).save(saved, optimize=True)


def in_order(wanted: list[State], seen: list[State]) -> bool:
    """Whether all that is wanted was seen, in that order."""
    rest = iter(seen)
    return all(state in rest for state in wanted)


def traces() -> set[str]:
    """What lives on this machine, that is, in this sandbox: processes, namespaces, NICs, routes, temporary files."""
    found = {f"process {path.name}" for path in Path("/proc").iterdir() if path.name.isdecimal() and _lives(path)}
    for command in ("ip netns", "ip -br link", "ip route", "ip rule"):
        found.update(subprocess.run(command.split(), capture_output=True, text=True, check=True).stdout.splitlines())
    return found | {str(path) for path in Path("/tmp").iterdir() if not path.name.startswith(".")}


def _lives(process: Path) -> bool:
    try:
        return process.joinpath("stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def say(text: str) -> None:
    """One line of the story."""
    print(f"[{time.monotonic() - BEGIN:5.1f} s] {text}", flush=True)


if __name__ == "__main__":
    main()
