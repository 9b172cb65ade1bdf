"""The progress and error windows on a virtual desktop with a scripted helper."""

import time
from collections.abc import AsyncIterator

import pytest

from tests.desktop.window_rig import Rig, window_rig
from tests.fakes_bus import FakeConnection, until
from tests.lab.waiting import wait_for
from tsunagu.error_table import ERRORS
from tsunagu.errors import TunnelError
from tsunagu.model import State


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with window_rig() as rig:
        yield rig


async def connecting(rig: Rig, **settings: object) -> FakeConnection:
    office = rig.helper.add("Office", **settings)
    rig.helper.on_connect = lambda connection: connection.show(phase="connecting")
    await rig.open()
    await rig.choose("Connect Office")
    await until(lambda: rig.helper.calls == ["Connect Office"])
    return office


def windows(rig: Rig) -> list[int]:
    return rig.desktop.windows("^Office$")


async def test_progress_is_shown_and_cancel_ends_it(rig: Rig) -> None:
    office = await connecting(rig)
    await rig.said("Connecting to server vpn.example.org:443")
    office.show(phase="authenticating")
    await rig.said("Authenticating the user")
    await rig.do(rig.desktop.press, "Cancel")

    await until(lambda: "Disconnect Office" in rig.helper.calls)
    await rig.do(wait_for, lambda: not windows(rig), 20, "the end of the window")


async def test_an_error_is_counted_down_and_retried_now(rig: Rig) -> None:
    office = await connecting(rig)
    office.show(state=State.WAITING, error=TunnelError(1), retry_at=time.time() + 100, attempt=1)

    await rig.said("Could not connect to Office")
    await rig.said("The server could not be reached (error 1)")
    await rig.said("Check the server's name and port")
    await rig.said("s (retry 1 of infinite)")
    await rig.do(rig.desktop.press, "Retry Now")

    await until(lambda: rig.helper.calls == ["Connect Office"] * 2)
    await rig.gone("Could not connect to Office")


async def test_the_window_stays_away_when_told_to(rig: Rig) -> None:
    office = await connecting(rig)
    office.show(state=State.WAITING, error=TunnelError(1), retry_at=time.time() + 100, attempt=1)
    await rig.said("Could not connect to Office")

    await rig.do(rig.desktop.activate, "^Office$")
    await rig.keys("alt+n")
    office.show(state=State.CONNECTING)
    await rig.do(wait_for, lambda: not windows(rig), 20, "the end of the window")
    office.show(state=State.WAITING, error=TunnelError(2), retry_at=time.time() + 100, attempt=2)
    await rig.said("Office: Connecting · Waiting to try again")

    assert not await rig.do(windows, rig)


async def test_a_connection_that_hides_its_windows_shows_none(rig: Rig) -> None:
    office = await connecting(rig, hide_windows=True)
    office.show(state=State.IDLE, error=TunnelError(8))
    await rig.said("Office: Offline · ")

    assert not await rig.do(windows, rig)


async def test_a_lost_session_is_told_and_its_window_closes_when_it_is_back(rig: Rig) -> None:
    office = rig.helper.add("Office")
    office.show(state=State.UP, addresses=["10.0.0.2/8"])
    await rig.open()
    await rig.said("Office: Connected")

    office.show(state=State.WAITING, error=TunnelError(13), retry_at=time.time() + 100, attempt=0, addresses=[])
    await rig.said("Office has been disconnected")
    office.show(state=State.UP, addresses=["10.0.0.2/8"])

    await rig.do(wait_for, lambda: not windows(rig), 20, "the end of the window")


@pytest.mark.parametrize(
    ("language", "title", "advice"),
    [
        ("C.UTF-8", "About This Error", "Enter the password again"),
        ("ja_JP.UTF-8", "このエラーについて", "パスワード"),
    ],
    ids=["English", "Japanese"],
)
async def test_an_error_is_explained_by_the_keyboard_alone(language: str, title: str, advice: str) -> None:
    async with window_rig(LANG=language) as rig:
        office = rig.helper.add("Office")
        await rig.open()
        await rig.said("Office: ")
        office.show(state=State.CONNECTING)
        await rig.said(f"Office: {rig.texts('list_connecting')}")
        office.show(state=State.IDLE, error=TunnelError(9))
        await rig.said(rig.texts("failed_title", name="Office"))

        await rig.front("^Office$")
        await rig.keys("alt+w")
        await rig.front(f"^{title}$")

        await rig.said(f"{rig.texts('explain_name')}: {ERRORS[9].name}")
        await rig.said(f"{rig.texts('explain_code')}: 9")
        assert advice in await rig.said(f"{rig.texts('explain_advice')}: ")
