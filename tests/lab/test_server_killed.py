"""The server is killed while windows are open: each says what has happened and goes on, and nothing is left over."""

from collections.abc import Iterator

import pytest

from tests.lab.screens import VirtualScreen
from tests.lab.server import PASSWORD, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.model import State

PROMPT = "org.tsunagu.Tray"
OVER = (
    "The log-in does not",
    "Could not connect",
    "has been disconnected",
    "Without an answer",
    "Is this the right server?",
)


@pytest.fixture
def screen(own_stack: Stack) -> Iterator[VirtualScreen]:
    with VirtualScreen() as screen:
        screen.start_tray({"DBUS_SYSTEM_BUS_ADDRESS": own_stack.bus.address})
        yield screen
        for program in ("tray", "window"):
            assert "Traceback" not in screen.log(program), screen.log(program)


def test_every_window_outlives_the_server(own_server: VpnServer, own_stack: Stack, screen: VirtualScreen) -> None:
    stack, server = own_stack, own_server

    def open_window(*arguments: str, title: str) -> None:
        application = ("python", "-m", "tsunagu_tray.windows.application", *arguments)
        screen.start("window", *application, environment={"DBUS_SYSTEM_BUS_ADDRESS": stack.bus.address})
        screen.activate(title)

    def all_is_well(*names: str) -> None:
        server.start()
        for name in names:
            stack.wait_for_state(State.UP, name, 60)
            screen.wait_until_said(f"{name}: Connected", 30)
        wait_for(lambda: not any(words in told for told in screen.said() for words in OVER), 20, "windows to close")

    stack.add()
    stack.add("Home", password=None)
    stack.add("Factory", trusted=False)
    stack.add("Lab")
    stack.connect()
    open_window(title="^Tsunagu$")
    open_window("--settings", "Lab", title="^Properties of Lab$")
    open_window("--details", NAME, title=f"^{NAME}: Status$")
    screen.wait_until_said(f"Session name: {stack.status()['session_name']}")

    # The list, a status, the question for a password; an attempt and a trial that are under way
    screen.press("Connect Home")
    screen.wait_until_said("Without an answer")
    server.freeze()
    screen.press("Connect Lab")
    screen.wait_until_said("Connecting to Lab")
    screen.press("Test Log-in")
    screen.wait_until_said("Trying to log in")
    server.kill()
    screen.wait_until_said("The log-in does not work")
    screen.wait_until_said("Could not connect to Lab")
    screen.wait_until_said(f"Could not connect to {NAME}", 60)  # first it says that it has been disconnected
    screen.wait_until_said(f"{NAME}: Connecting · Waiting to try again")
    screen.wait_until_said("Session status: Retrying")
    screen.activate("^Properties of Lab$")
    screen.key("Escape")  # what came of the trial
    screen.activate_of(PROMPT)
    screen.type(PASSWORD)
    screen.key("Return")
    screen.wait_until_said("Could not connect to Home")
    all_is_well(NAME, "Home", "Lab")
    screen.wait_until_said(f"Session name: {stack.status()['session_name']}")

    # The question about a certificate; the change of a password that is under way
    screen.activate("^Tsunagu$")
    screen.click(*screen.place_of(f"Menu of {NAME}"))
    screen.wait_until_said("Change Password")
    screen.key("h")
    screen.activate("^Change Password$")
    for word in (PASSWORD, "another", "another"):
        screen.type(word)
        screen.key("Tab")
    screen.press("Connect Factory")
    screen.wait_until_said("Is this the right server?")
    server.freeze()
    screen.press("Change")
    screen.wait_until_said("Asking the server")
    server.kill()
    screen.wait_until_said("The connection was cut (error 3)")
    screen.press("Trust Always")
    screen.wait_until_said("Could not connect to Factory")
    screen.activate("^Change Password$")
    screen.key("Escape")
    all_is_well(NAME, "Factory", "Lab")
