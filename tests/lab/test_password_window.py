"""The password window with the real helper and a real server: who logs in, and when it goes by itself."""

from collections.abc import Callable, Iterator

import pytest

from tests.lab.screens import VirtualScreen
from tests.lab.server import PASSWORD, USER
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.model import State
from tsunagu_tray.tray_model import Kind


@pytest.fixture
def screen(stack: Stack) -> Iterator[VirtualScreen]:
    with VirtualScreen() as screen:
        screen.start_tray({"DBUS_SYSTEM_BUS_ADDRESS": stack.bus.address})
        yield screen
        assert "Traceback" not in screen.tray_log(), screen.tray_log()


def asked(stack: Stack, screen: VirtualScreen) -> None:
    """A click, and the window."""
    screen.click_icon(Kind.OFFLINE)
    stack.wait_for_state(State.NEEDS_SECRET)
    screen.activate("^Tsunagu$", 30)


@pytest.mark.parametrize("save", [True, False])
def test_a_wrong_user_name_is_put_right_where_the_password_is_asked(
    stack: Stack, screen: VirtualScreen, save: bool
) -> None:
    stack.add(password=None, user="nobody")
    asked(stack, screen)

    screen.type(PASSWORD)
    screen.key("alt+u")
    screen.type(USER)
    screen.key(*([] if save else ["alt+n"]), "Return")
    stack.wait_for_state(State.UP)

    wait_for(lambda: bool(stack.status()["password_kept"]) is save, 20, "the password to be kept or not")
    assert stack.json("show", NAME)["username"] == (USER if save else "nobody")
    stack.disconnect()


@pytest.mark.parametrize(
    "deed",
    [
        lambda stack: stack.done("disconnect", NAME),
        lambda stack: stack.done("remove", NAME),
        lambda stack: stack.done("password", NAME, "--stdin", stdin=f"{PASSWORD}\n"),
        lambda stack: stack.kill_helper(),
    ],
    ids=["disconnected", "removed", "answered elsewhere", "helper killed"],
)
def test_the_window_vanishes_when_nobody_needs_its_answer_any_more(
    stack: Stack, screen: VirtualScreen, deed: Callable[[Stack], object]
) -> None:
    stack.add(password=None)
    asked(stack, screen)

    deed(stack)

    wait_for(lambda: not screen.windows("^Tsunagu$"), 20, "the end of the window")
    if not stack.helper_answers():
        stack.start_helper()
