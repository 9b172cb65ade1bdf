"""The whole tray program on a virtual desktop with a scripted helper: clicked, asked, restarted around."""

import asyncio
import base64
import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.x509 import load_pem_x509_certificate

from tests.fakes_bus import FakeConnection, FakeHelper, PrivateBus, fake_helper, until
from tests.identity import make_identity, rsa_key
from tests.lab.desktop import Desktop, gdbus_call
from tests.lab.notification_monitor import Notification
from tests.lab.smart_card import CERTIFICATE, KEY, MODULE, PIN, make_card
from tests.lab.waiting import wait_for
from tsunagu.errors import TunnelError
from tsunagu.model import State
from tsunagu_dbus import to_variants
from tsunagu_tray.images import COLOURS
from tsunagu_tray.tray_model import Kind

T = TypeVar("T")
ADDRESS = "192.168.77.23/24"


@pytest.fixture
def bus() -> Iterator[PrivateBus]:
    bus = PrivateBus()
    yield bus
    bus.close()


class Rig:
    """The desktop, the tray on it, and the helper it talks to."""

    def __init__(self, desktop: Desktop, bus: PrivateBus, helper: FakeHelper) -> None:
        self.desktop = desktop
        self.helper = helper
        self.environment = {
            "DBUS_SYSTEM_BUS_ADDRESS": bus.address,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        self.connection = helper.add("Office")
        self.tray = desktop.start("tray", sys.executable, "-m", "tsunagu_tray", environment=self.environment)

    async def do(self, work: Callable[..., T], *arguments: Any) -> T:
        """The desktop's methods block, but the helper must be able to answer meanwhile."""
        return await asyncio.to_thread(work, *arguments)

    async def icon(self, kind: Kind) -> tuple[int, int]:
        return await self.do(self.desktop.find_icon, [COLOURS[kind]])

    async def click(self, kind: Kind) -> None:
        await self.do(self.desktop.click, *await self.icon(kind))

    async def notified(self, words: str) -> Notification:
        return await self.do(self.desktop.wait_for_notification, words)

    async def type_password(self, password: str) -> None:
        await self.do(self.desktop.activate, "^Tsunagu$")
        await self.do(self.desktop.type, password)
        await self.do(self.desktop.key, "Return")

    def asks_then_comes_up(self) -> list[dict[str, Any]]:
        """Connect asks for a password and then succeeds; what was answered."""
        answers: list[dict[str, Any]] = []

        async def attempt(connection: FakeConnection) -> None:
            connection.show(state=State.NEEDS_SECRET)
            answers.append(await self.helper.ask_password(connection))
            connection.show(state=State.UP, addresses=[ADDRESS])

        self.helper.on_connect = lambda connection: connection.later(attempt(connection))
        return answers


@pytest.fixture
async def rig(bus: PrivateBus) -> AsyncIterator[Rig]:
    with Desktop() as desktop:
        async with fake_helper(bus) as helper:
            rig = Rig(desktop, bus, helper)
            yield rig
            assert "Traceback" not in desktop.log("tray")
            desktop.stop(rig.tray)


async def test_a_click_connects_with_a_password_and_a_click_disconnects(rig: Rig) -> None:
    answers = rig.asks_then_comes_up()

    await rig.click(Kind.OFFLINE)
    await rig.type_password("geheim")

    assert (await rig.notified("Connected to Office")).body == "Your address there is 192.168.77.23"
    assert answers == [{"secret": "geheim", "save": True, "stored": False}]
    await rig.click(Kind.CONNECTED)
    await rig.icon(Kind.OFFLINE)
    assert rig.helper.calls == ["Connect Office", "Disconnect Office"]


async def test_a_question_out_of_the_blue_waits_in_a_notification(rig: Rig) -> None:
    await until(lambda: rig.helper.agents)
    asked = asyncio.create_task(rig.helper.ask_password(rig.connection))

    await rig.notified("Office needs your password")
    assert await rig.do(rig.desktop.windows, "^Tsunagu$") == []
    await rig.do(rig.desktop.click_notification)
    await rig.type_password("geheim")

    assert (await asked)["secret"] == "geheim"


async def test_a_smart_cards_pin_is_asked_for_in_a_window_and_the_card_signs(rig: Rig, tmp_path: Path) -> None:
    mika = make_identity("mika", rsa_key())
    card = await rig.do(lambda: make_card(tmp_path, mika, user="root"))
    rig.desktop.stop(rig.tray)
    rig.helper.agents.clear()
    rig.tray = rig.desktop.start("tray", sys.executable, "-m", "tsunagu_tray", environment=rig.environment | card)
    await until(lambda: rig.helper.agents)
    hints = to_variants({"name": "Office", "module": MODULE, "certificate": CERTIFICATE, "key": KEY})
    digest = hashlib.sha1(b"from the server").digest()
    asked = asyncio.create_task(rig.helper.ask("Sign", "oa{sv}s", [rig.connection.path, hints, digest.hex()], 60))

    await rig.notified("Office needs the PIN of your smart card")
    await rig.do(rig.desktop.click_notification)
    await rig.type_password(PIN)

    public = load_pem_x509_certificate(mika.certificate.encode()).public_key()
    assert isinstance(public, RSAPublicKey)
    signature = base64.b64decode((await asked)["signature"])
    public.verify(signature, digest, PKCS1v15(), Prehashed(SHA1()))
    assert PIN not in rig.desktop.log("tray")


async def test_disconnecting_closes_the_open_question(rig: Rig) -> None:
    await until(lambda: rig.helper.agents)
    rig.asks_then_comes_up()
    await rig.click(Kind.OFFLINE)
    await rig.do(rig.desktop.activate, "^Tsunagu$")

    await rig.helper.ask("Cancel", "o", [rig.connection.path])

    await rig.do(wait_for, lambda: not rig.desktop.windows("^Tsunagu$"), 10, "the end of the window")
    rig.connection.tasks[0].cancel()
    await asyncio.gather(*rig.connection.tasks, return_exceptions=True)


async def test_a_failure_has_a_button_that_connects(rig: Rig) -> None:
    rig.helper.on_connect = lambda connection: connection.show(state=State.IDLE, error=TunnelError(8))
    await rig.click(Kind.OFFLINE)

    failed = await rig.notified("Could not connect to Office")
    assert "error 8" in failed.body
    await rig.icon(Kind.ERROR)
    await rig.do(rig.desktop.click_notification)

    await until(lambda: rig.helper.calls == ["Connect Office"] * 2)


async def test_a_quiet_connection_shows_no_errors_but_asks_and_says_when_it_is_up(rig: Rig) -> None:
    rig.helper.on_connect = lambda connection: connection.show(state=State.IDLE, error=TunnelError(8))
    await rig.icon(Kind.OFFLINE)
    rig.connection.emit_properties_changed({"HideWindows": True})
    await rig.click(Kind.OFFLINE)
    await rig.icon(Kind.ERROR)

    answers = rig.asks_then_comes_up()
    await rig.click(Kind.ERROR)
    await rig.type_password("geheim")
    await rig.notified("Connected to Office")
    assert answers == [{"secret": "geheim", "save": True, "stored": False}]
    assert not [told for told in rig.desktop.notifications() if "Could not" in told.summary]


async def test_it_outlives_restarts_of_helper_panel_and_notification_daemon(rig: Rig) -> None:
    rig.helper.on_connect = lambda connection: connection.show(state=State.UP, addresses=[ADDRESS])
    await rig.icon(Kind.OFFLINE)

    await rig.helper.stop()
    await rig.icon(Kind.ERROR)
    await rig.helper.start()
    await rig.icon(Kind.OFFLINE)
    await until(lambda: rig.helper.agents)
    await rig.do(rig.desktop.restart_panel)
    await rig.icon(Kind.OFFLINE)
    await rig.do(rig.desktop.restart_notifications)
    await rig.click(Kind.OFFLINE)

    await rig.notified("Connected to Office")
    await rig.icon(Kind.CONNECTED)


async def test_what_the_hub_has_to_say_is_notified(rig: Rig) -> None:
    rig.connection.message = "Maintenance on <Sunday>"
    rig.helper.on_connect = lambda connection: connection.show(state=State.UP, addresses=[ADDRESS])

    await rig.click(Kind.OFFLINE)

    assert (
        await rig.notified("Message from Office")
    ).body == "Maintenance on &lt;Sunday&gt;"  # what the desktop shows as < and >


async def test_there_is_one_tray_a_session(rig: Rig) -> None:
    await rig.icon(Kind.OFFLINE)

    second = await rig.do(second_tray, rig)

    assert second.returncode == 0
    assert "already" in second.stderr


def second_tray(rig: Rig) -> "subprocess.CompletedProcess[str]":
    environment = rig.desktop.environment | rig.environment
    command = [sys.executable, "-m", "tsunagu_tray"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=20)


async def test_it_ends_when_told_to(rig: Rig) -> None:
    await rig.icon(Kind.OFFLINE)
    rig.tray.terminate()

    assert await rig.do(rig.tray.wait, 30) == 0


async def test_a_kill_switch_is_lifted_from_the_menu(rig: Rig) -> None:
    rig.connection.show(state=State.UP, addresses=[ADDRESS])
    icon = await rig.icon(Kind.CONNECTED)
    rig.helper.lock(True)
    tooltip = ("org.freedesktop.DBus.Properties.Get", "org.kde.StatusNotifierItem", "ToolTip")

    def told() -> bool:
        return "Kill switch on" in rig.desktop.run(*gdbus_call("org.tsunagu.Tray", "/StatusNotifierItem", *tooltip))

    await rig.do(wait_for, told, 30, "the kill switch in the tooltip")
    await rig.do(rig.desktop.click, *icon, 3)
    await rig.do(rig.desktop.key, "l")

    await until(lambda: rig.helper.calls == ["Unblock"])
    await rig.do(wait_for, lambda: not told(), 30, "its end")
