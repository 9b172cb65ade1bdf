"""The RPM packages, put by ``rpm`` into a bare system: they are whole, work, and leave no file of theirs.

The system is Debian's, for whose Python they were built; what they say to need is Fedora's, so that is not looked at.
"""

import subprocess
from collections.abc import Iterator

import pytest

from tests.lab.sandbox import CHECKOUT
from tests.lab.server import LAN, VpnServer
from tests.package.system import ENVIRONMENT, OFFICE, TYPED, System
from tsunagu import __version__

PACKAGES = sorted(map(str, CHECKOUT.glob("dist/*.rpm")))
NAMES = ("tsunagu", "tsunagu-helper")
ACCOUNTS = {f"etc/{name}" for name in ("group", "gshadow", "passwd", "shadow", "subgid", "subuid")}


class RpmSystem(System):
    """The list of what is installed lies where files are not compared."""

    def rpm(self, *words: str) -> str:
        """What it says: nothing, where all is well."""
        command = ["rpm", "--root", str(self.root), "--dbpath", "/tmp/rpm", "--nodeps", "--force-debian", *words]
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture
def system(server: VpnServer) -> Iterator[RpmSystem]:
    assert len(PACKAGES) == 2, "`make test-package` builds them"
    with RpmSystem(server.cli) as system:
        yield system


def test_installed_by_rpm_it_connects_and_installed_anew_the_tunnel_stays(server: VpnServer, system: RpmSystem) -> None:
    assert system.rpm("--install", *PACKAGES) == ""

    assert system.rpm("--verify", *NAMES) == ""
    for command in ("tsunagu", "tsunagu-tray", "tsunagu-window"):
        assert system.run(command, "--version") == f"tsunagu {__version__}\n"
    system.start_bus()
    system.start_helper()
    system.run("tsunagu", *OFFICE, "--fingerprint", server.fingerprint(), stdin=TYPED)
    system.run("tsunagu", "connect", "office", "--wait")
    assert server.ping(LAN)
    assert "no user tsunagu-tunnel" not in system.helper_log()

    assert system.rpm("--upgrade", "--replacepkgs", *PACKAGES) == ""

    assert server.ping(LAN)
    assert system.rpm("--verify", *NAMES) == ""
    system.stop_helper()


def test_removed_by_rpm_it_leaves_nothing_but_what_was_saved(system: RpmSystem) -> None:
    before = system.files()
    system.rpm("--install", *PACKAGES)
    system.start_bus()
    system.start_helper()
    system.run("tsunagu", *OFFICE, stdin=TYPED)
    system.stop_helper()
    running = system.files()

    system.rpm("--erase", *NAMES)

    after = system.files()
    changed = {path for path in before | after if before.get(path) != after.get(path)} - ACCOUNTS
    changed -= {path for path in changed if "tsunagu" not in path and after.get(path) == ""}  # folders of Fedora's
    saved = {path for path in changed if path.startswith("var/lib/tsunagu")}
    assert changed - saved == set()
    assert any(path.startswith("var/lib/tsunagu/connections/") for path in saved)
    assert "usr/bin/tsunagu" in running
