"""Two people on one machine, each with a tray in a session of their own."""

import pwd
from functools import partial

from tests.lab.desktop import Desktop, gdbus_call
from tests.lab.server import HUB, PASSWORD, SERVER, USER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.model import State

TOOLTIP = ("org.freedesktop.DBus.Properties.Get", "org.kde.StatusNotifierItem", "ToolTip")


def session(person: str) -> Desktop:
    return Desktop("none", "dunst", user=pwd.getpwnam(person).pw_uid)


def tooltip(desktop: Desktop) -> str:
    return desktop.run(*gdbus_call("org.tsunagu.Tray", "/StatusNotifierItem", *TOOLTIP))


def test_each_tray_has_its_persons_connections_and_everybodys(server: VpnServer, stack: Stack) -> None:
    stack.add()
    add = ("add", "Shared", "--server", f"{SERVER}:443", "--hub", HUB, "--user", USER, "--password-stdin")
    added = stack.cli(*add, "--fingerprint", server.fingerprint(), user="root", stdin=f"{PASSWORD}\n")
    assert added.returncode == 0, added.stderr
    with session("mika") as hers, session("jun") as his:
        for desktop in (hers, his):
            bus = {"DBUS_SYSTEM_BUS_ADDRESS": stack.bus.address}
            desktop.start("tray", "python", "-m", "tsunagu_tray", environment=bus)
            wait_for(partial(desktop.has_name, "org.tsunagu.Tray"), 30, "the tray")

        wait_for(lambda: f"{NAME}: Offline\\nShared: Offline" in tooltip(hers), 30, "both in mika's tooltip")
        wait_for(lambda: "'Shared: Offline'" in tooltip(his), 30, "everybody's alone in jun's tooltip")
        stack.connect(NAME)
        hers.wait_for_notification(f"Connected to {NAME}")
        stack.connect("Shared")

        hers.wait_for_notification("Connected to Shared")
        his.wait_for_notification("Connected to Shared")
        assert stack.state(NAME) is State.UP
        assert not [told for told in his.notifications() if NAME in told.summary]
        assert NAME not in tooltip(his)
