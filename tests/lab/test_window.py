"""The windows with the real helper and a real server."""

from collections.abc import Iterator

import pytest

from tests.lab.screens import VirtualScreen
from tests.lab.server import FILE_SHA256, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.model import State


@pytest.fixture
def screen() -> Iterator[VirtualScreen]:
    with VirtualScreen() as screen:
        yield screen


def test_a_double_click_in_the_list_connects_and_the_details_follow_the_session(
    server: VpnServer, stack: Stack, screen: VirtualScreen
) -> None:
    stack.add()
    bus = {"DBUS_SYSTEM_BUS_ADDRESS": stack.bus.address}
    screen.start("window", "python", "-m", "tsunagu_tray.windows.application", environment=bus)
    screen.activate("^Tsunagu$", 20)

    screen.double_click(*screen.place_of(f"{NAME}: Offline"))
    stack.wait_for_state(State.UP)

    [address] = wait_for(lambda: stack.status()["addresses"], 20, "an address")
    screen.wait_until_said(f"{NAME}: Connected · {address.partition('/')[0]}")
    screen.activate("^Tsunagu$")
    screen.key("alt+Return")
    screen.activate(f"^{NAME}: Status$", 20)
    screen.wait_until_said(f"Session name: {stack.status()['session_name']}")
    screen.wait_until_said(f"Addresses: {address}")

    assert server.fetch() == FILE_SHA256
    screen.wait_until_said("Received: 3.")
    screen.press("Disconnect")
    stack.wait_for_state(State.IDLE)
    screen.wait_until_said("The connection is offline")
    assert "Traceback" not in screen.log("window")
