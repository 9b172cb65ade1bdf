"""systemd-resolved as on a desktop, but not installed: unpacked, with a bus and a namespace of the lab's."""

import shutil
import socket
import subprocess
from pathlib import Path

from tests.lab.sandbox import CHECKOUT
from tests.lab.server import SERVER, VpnServer, within
from tests.lab.stack import Stack
from tests.lab.waiting import wait_for

_UNPACKED = CHECKOUT / "build/unpacked"
FOLDERS = (Path("/"), _UNPACKED, _UNPACKED / "usr")
POLICY = next(
    (
        path
        for folder in FOLDERS
        if (path := folder / "usr/share/dbus-1/system.d/org.freedesktop.resolve1.conf").exists()
    ),
    _UNPACKED / "usr/share/dbus-1/system.d/org.freedesktop.resolve1.conf",
)
SERVER_NAME = "vpn.example.org"
RESOLV_CONF = Path("/etc/resolv.conf")
RESOLVED, RESOLVED_PATH = "org.freedesktop.resolve1", "/org/freedesktop/resolve1"


def start_resolved(stack: Stack, outside: str) -> None:
    """Start it in the client's namespace, where ``outside`` is the DNS server of the physical network."""
    program = next(path for folder in FOLDERS if (path := folder / "lib/systemd/systemd-resolved").exists())
    state = Path("/run/systemd/resolve")
    state.mkdir(parents=True, exist_ok=True)
    shutil.chown(state, "systemd-resolve", "systemd-resolve")
    stack.start_program("resolved", program)
    wait_for(lambda: stack.owned(RESOLVED), 20, f"systemd-resolved: {stack.log('resolved')}")
    link_dns(stack, outside)


def link_dns(stack: Stack, outside: str) -> None:
    """Have it ask this one on the physical network."""
    index = int(stack.server.run(stack.server.cli, "cat", "/sys/class/net/veth-cli/ifindex").stdout)
    servers = [[int(socket.AF_INET), socket.inet_aton(outside)]]
    stack.call(RESOLVED_PATH, f"{RESOLVED}.Manager", "SetLinkDNS", "ia(iay)", index, servers, destination=RESOLVED)


def start_dns(
    server: VpnServer, name: str, namespace: str, address: str, answer: str, vpn_server: str = SERVER
) -> None:
    """A DNS server with this answer to all but the VPN server's name; it writes each question into its log."""
    options = (
        f"--no-daemon --conf-file=/dev/null --no-hosts --no-resolv --user=root --log-queries --address=/#/{answer}"
        f" --address=/{SERVER_NAME}/{vpn_server}"
        f" --listen-address={address} --bind-interfaces --pid-file"
    )
    server.start_program_at(namespace, name, "dnsmasq", *options.split())
    wait_for(lambda: f"{address}:53" in server.run(namespace, "ss", "-Hlun").stdout, 10, f"the DNS server {name}")


def lookup(server: VpnServer, name: str) -> str:
    """The address that programs on the client's machine find for a name; "" for none."""
    command = within(server.cli, "getent", "ahostsv4", name)
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
    return found.split()[0] if found else ""
