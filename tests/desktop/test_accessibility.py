"""What a screen reader is told of every window: each part that can be used has a name for people and a fitting role."""

import base64
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.desktop.window_rig import ADDRESS, Rig, window_rig
from tests.fakes import make_certificate
from tsunagu.errors import TunnelError
from tsunagu.model import AuthType, State
from tsunagu_helper.errand import Trial

WINDOWS = ("frame", "window", "dialog", "alert")
USABLE = {
    "check box", "combo box", "label", "link", "list", "list item", "menu", "menu item", "page tab", "password text",
    "push button", "spin button", "switch", "text", "toggle button",
}  # fmt: skip
THE_TOOLKITS_OWN = {("scroll pane", ""), ("list", "GtkListView"), ("list item", "")}  # what rows drop down from
NO_NAME_FOR_PEOPLE = re.compile(r"\s*|(Gtk|Adw)[A-Z]\w*|.*(^|\W)_\w.*|.*\(_\w\).*|(.+) \3", re.DOTALL)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with window_rig() as rig:
        office = rig.helper.add("Office", auth=AuthType.ANONYMOUS)
        certificate = base64.b64encode(make_certificate().der).decode()
        office.session = replace(office.session, certificate=certificate)
        office.show(state=State.UP, addresses=[ADDRESS])
        rig.helper.add("Home")
        yield rig


async def the_list(rig: Rig) -> None:
    await rig.open()
    await rig.said("Office: Connected")


async def the_menu_of_a_connection(rig: Rig) -> None:
    await the_list(rig)
    await rig.choose("Menu of Office")
    await rig.said("Change Password")


async def the_status(rig: Rig) -> None:
    await rig.open("--details", "Office", title="^Office: Status$")
    await rig.said("Session name: SID-ALICE-1")


async def the_security_policy(rig: Rig) -> None:
    await the_status(rig)
    await rig.do(rig.desktop.press, "Security Policy")
    await rig.front("^Security Policy$")


async def the_servers_certificate(rig: Rig) -> None:
    await the_status(rig)
    await rig.do(rig.desktop.press, "Server Certificate")
    await rig.front("^Server Certificate$")


async def the_settings(rig: Rig) -> None:
    await rig.open("--settings", "Home", title="^Properties of Home$")
    await rig.said("Virtual hub")


async def the_advanced_settings(rig: Rig) -> None:
    await the_settings(rig)
    await rig.choose("Advanced")
    await rig.said("Further networks")


async def a_new_connection(rig: Rig) -> None:
    await the_list(rig)
    await rig.keys("ctrl+n")
    await rig.front("^New Connection$")
    await rig.said("Virtual hub")


async def the_preferences(rig: Rig) -> None:
    await rig.open("--preferences", title="^Preferences$")
    await rig.said("Icon")


async def the_hubs(rig: Rig) -> None:
    await the_settings(rig)
    await rig.choose("Virtual hubs of the server")
    await rig.said("STAFF")


async def the_result_of_a_test(rig: Rig) -> None:
    await rig.open("--settings", "Office", title="^Properties of Office$")
    await rig.do(rig.desktop.press, "Test Log-in")
    await rig.said("The log-in works")


async def the_question_about_a_certificate(rig: Rig) -> None:
    certificate = base64.b64encode(make_certificate().der).decode()
    rig.helper.trial = Trial(error=TunnelError(85), certificate=certificate)
    await rig.open("--settings", "Office", title="^Properties of Office$")
    await rig.do(rig.desktop.press, "Test Log-in")
    await rig.said("Is this the right server?")


async def the_change_of_a_password(rig: Rig) -> None:
    await rig.open()
    await rig.choose("Menu of Home")
    await rig.said("Change Password")
    await rig.keys("h")
    await rig.front("^Change Password$")


async def a_new_name(rig: Rig) -> None:
    await rig.open()
    await rig.choose("Home: Offline")
    await rig.keys("F2")
    await rig.said("New name")


async def the_progress(rig: Rig) -> None:
    rig.helper.on_connect = lambda connection: connection.show(phase="authenticating")
    await rig.open()
    await rig.do(rig.desktop.press, "Connect Home")
    await rig.said("Authenticating the user")


async def the_error(rig: Rig) -> None:
    home = [*rig.helper.connections.values()][1]
    await rig.open()
    await rig.said("Home: Offline")
    home.show(state=State.CONNECTING)
    await rig.said("Home: Connecting")
    home.show(state=State.WAITING, error=TunnelError(1), retry_at=time.time() + 100, attempt=2)
    await rig.said("Could not connect to Home")


EVERY = (
    the_list, the_menu_of_a_connection, the_status, the_security_policy, the_servers_certificate, the_settings,
    the_advanced_settings, a_new_connection, the_preferences, the_hubs, the_result_of_a_test,
    the_question_about_a_certificate, the_change_of_a_password, a_new_name, the_progress, the_error,
)  # fmt: skip


def unfit(part: dict[str, Any]) -> bool:
    """A person who hears of it cannot tell what it is."""
    if part["window"] is None:
        return part["role"] not in WINDOWS or bool(NO_NAME_FOR_PEOPLE.fullmatch(part["name"]))
    if "focusable" not in part["states"] or (part["role"], part["name"]) in THE_TOOLKITS_OWN:
        return False
    return part["role"] not in USABLE or bool(NO_NAME_FOR_PEOPLE.fullmatch(part["name"]))


@pytest.mark.parametrize("show", EVERY, ids=lambda show: show.__name__)
async def test_every_part_of_a_window_that_can_be_used_has_a_role_and_a_name(
    rig: Rig, show: Callable[[Rig], Awaitable[None]]
) -> None:
    await show(rig)

    parts = await rig.do(rig.desktop.parts)

    assert [(part["role"], part["name"]) for part in parts if unfit(part)] == []


async def test_a_connection_is_made_used_deleted_and_had_back_by_keys_alone(rig: Rig) -> None:
    await rig.open()
    await rig.said("Home: Offline")

    await rig.keys("ctrl+n")
    await rig.front("^New Connection$")
    await rig.type("Factory")
    await rig.keys("Tab")
    await rig.type("203.0.113.80")
    await rig.keys("Tab", "Tab", "Tab")
    await rig.type("LINE1")
    await rig.keys("Tab", "Tab", "Tab")
    await rig.type("mika")
    await rig.keys("ctrl+s")
    await rig.said("Factory: Offline")
    await rig.front()
    await rig.keys("Home", "Return")  # the first of the list
    await rig.said("Factory: Connected")
    await rig.keys("alt+Return")
    await rig.front("^Factory: Status$")
    await rig.said("Session name: SID-ALICE-1")
    await rig.keys("ctrl+w")
    await rig.front()
    await rig.keys("Tab", "space")  # its button
    await rig.said("Factory: Offline")
    await rig.keys("Delete")
    await rig.gone("Factory: Offline")
    await rig.keys("ctrl+z")
    await rig.said("Factory: Offline")
    await rig.keys("Return")

    await rig.said("Factory: Connected")
    assert rig.helper.calls == ["Connect Factory", "Disconnect Factory", "Connect Factory"]


async def test_what_is_next_in_the_list_has_the_focus_when_one_is_deleted(rig: Rig) -> None:
    rig.helper.add("Abroad")
    await rig.open()
    await rig.said("Home: Offline")

    await rig.keys("Home", "Delete")
    await rig.gone("Abroad: Offline")
    await rig.keys("Return")

    await rig.said("Home: Connected")
    assert rig.helper.calls == ["Connect Home"]
