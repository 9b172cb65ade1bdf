"""A real FreeRADIUS beside the lab's VPN server: what a hub asks about its users' plain passwords."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.processes import Processes
from tests.lab.server import HUB, VpnServer, within
from tests.lab.waiting import wait_for

RADIUS_USER, RADIUS_PASSWORD = "rin", "pässwörd of RADIUS"

_PORT = 1812
_SECRET = "shared-by-hub-and-radius"
_SITE = """\
name = radiusd
prefix = /usr
libdir = /usr/lib/freeradius
logdir = {folder}
run_dir = {folder}
security {{ reject_delay = 0 }}
client hub {{
    ipaddr = 127.0.0.1
    secret = {secret}
}}
modules {{
    files {{ usersfile = {folder}/users }}
    pap {{ }}
}}
server lab {{
    listen {{
        type = auth
        ipaddr = 127.0.0.1
        port = {port}
    }}
    authorize {{
        files
        pap
    }}
    authenticate {{
        Auth-Type PAP {{
            pap
        }}
    }}
}}
"""


class Radius:
    """The running server; ``log`` has its packets, with the passwords in the clear."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def log(self) -> str:
        """All it has seen and done."""
        return self._processes.log("radius")


@contextmanager
def radius(server: VpnServer) -> Iterator[Radius]:
    """Run one in the server's namespace, and have the hub ask it about ``RADIUS_USER``."""
    folder = Path(tempfile.mkdtemp(prefix="radius.", dir=server.folder))
    (folder / "radiusd.conf").write_text(_SITE.format(folder=folder, secret=_SECRET, port=_PORT))
    (folder / "dictionary").write_text("$INCLUDE /usr/share/freeradius/dictionary\n")
    (folder / "users").write_text(f'{RADIUS_USER} Cleartext-Password := "{RADIUS_PASSWORD}"\n')
    processes = Processes(folder / "log")
    try:
        processes.start("radius", within(server.srv, "freeradius", "-X", "-d", str(folder)), os.environ)
        running = Radius(processes)
        wait_for(lambda: "Ready to process requests" in running.log(), 20, "RADIUS")
        server.vpncmd(
            f"Hub {HUB}",
            f"RadiusServerSet 127.0.0.1:{_PORT} /SECRET:{_SECRET} /RETRY_INTERVAL:1000",
            f"UserCreate {RADIUS_USER} /GROUP:none /REALNAME:none /NOTE:none",
            f"UserRadiusSet {RADIUS_USER} /ALIAS:none",
        )
        yield running
    finally:
        server.vpncmd(f"Hub {HUB}", f"UserDelete {RADIUS_USER}", "RadiusServerDelete")
        processes.end_all()
