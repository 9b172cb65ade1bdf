"""Two people on one machine, each with a tray in a session of their own."""

import pwd
from functools import partial

from tests.lab.desktop import Desktop, gdbus_call
from tests.lab.server import HUB, PASSWORD, SERVER, USER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.model import State

TRAY_ITEM = ("org.tsunagu.Tray", "/StatusNotifierItem")
TOOLTIP = ("org.freedesktop.DBus.Properties.Get", "org.kde.StatusNotifierItem", "ToolTip")


def session(person: str) -> Desktop:
    return Desktop("none", "dunst", user=pwd.getpwnam(person).pw_uid)


def tooltip(desktop: Desktop) -> str:
    return desktop.run(*gdbus_call(*TRAY_ITEM, *TOOLTIP))


def start_trays(stack: Stack, **desktops: Desktop) -> None:
    """In the sessions of these people."""
    for person, desktop in desktops.items():
        environment = {"DBUS_SYSTEM_BUS_ADDRESS": stack.bus.address, "XDG_SESSION_ID": person}
        desktop.start("tray", "python", "-m", "tsunagu_tray", environment=environment)
        wait_for(partial(desktop.has_name, "org.tsunagu.Tray"), 30, "the tray")


def test_each_tray_has_its_persons_connections_and_everybodys(server: VpnServer, stack: Stack) -> None:
    stack.add()
    add = ("add", "Shared", "--server", f"{SERVER}:443", "--hub", HUB, "--user", USER, "--password-stdin")
    added = stack.cli(*add, "--fingerprint", server.fingerprint(), user="root", stdin=f"{PASSWORD}\n")
    assert added.returncode == 0, added.stderr
    with session("mika") as hers, session("jun") as his:
        start_trays(stack, mika=hers, jun=his)

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


def test_a_question_waits_for_its_persons_turn_at_the_screen(stack: Stack) -> None:
    stack.add()
    stack.add("Home", password=None)
    stack.start_logind()
    for person in ("mika", "jun"):
        stack.logind("Switch", "s", person)
    with session("mika") as hers, session("jun") as his:
        start_trays(stack, mika=hers, jun=his)
        stack.connect()
        stack.done("connect", "Home")

        wait_for(lambda: "somebody else is at the screen" in stack.done("log", "Home"), 30, "the history to say why")
        assert stack.state("Home") is State.NEEDS_SECRET
        assert not [told for told in hers.notifications() if "password" in told.summary]

        stack.logind("Switch", "s", "mika")
        hers.wait_for_notification("Home needs your password")
        hers.run(*gdbus_call(*TRAY_ITEM, "org.kde.StatusNotifierItem.Activate", "0", "0"))
        hers.activate("^Tsunagu$")
        stack.logind("Switch", "s", "jun")
        wait_for(lambda: not hers.windows("^Tsunagu$"), 30, "the window to close")
        assert stack.state(NAME) is State.UP
        assert not his.windows("^Tsunagu$")

        stack.logind("Switch", "s", "mika")
        hers.activate("^Tsunagu$")  # it comes back by itself
        hers.type(PASSWORD)
        hers.key("Return")
        stack.wait_for_state(State.UP, "Home")

        wait_for(lambda: tooltip(hers).count("Connected") == 2, 30, "both in mika's tooltip")
        assert not [told for told in his.notifications() if "Home" in told.summary]
        assert stack.status()["established_count"] == 1
