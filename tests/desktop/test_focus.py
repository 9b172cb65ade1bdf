"""A question comes up while its person types elsewhere: under openbox, with its rules for the focus as they come."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.desktop.window_rig import Rig, window_rig
from tests.fakes_bus import FakeConnection, until
from tests.lab import editor
from tests.lab.desktop import gdbus_call
from tests.lab.waiting import wait_for
from tsunagu.errors import TunnelError
from tsunagu.model import State
from tsunagu_tray.session_names import TRAY, TRAY_INTERFACE, TRAY_PATH

WORDS = "the quick brown fox "  # a space would press a button
AFTERWARDS = 3  # times, once the window is there


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with window_rig() as rig:
        yield rig


@pytest.mark.parametrize("kind", ["password", "certificate", "error"])
async def test_a_question_takes_no_letter_from_whoever_types_elsewhere(rig: Rig, kind: str) -> None:
    desktop, office = rig.desktop, rig.helper.add("Office")
    desktop.start("window", sys.executable, "-m", "tsunagu_tray", environment=rig.environment)
    await until(lambda: rig.helper.agents)
    if kind == "error":
        office.show(state=State.CONNECTING)
        await rig.open()
    desktop.start("letter", "/usr/bin/python3", str(Path(editor.__file__)))
    await rig.front("^Letter$")
    await rig.do(desktop.run, *gdbus_call(TRAY, TRAY_PATH, f"{TRAY_INTERFACE}.Expect", office.path))
    typing = asyncio.create_task(rig.do(type_until_it_is_there, rig, "^Office$" if kind == "error" else "^Tsunagu$"))
    question: asyncio.Task[Any] = asyncio.create_task(COMES[kind](rig, office))

    typed = await typing
    await rig.do(wait_for, lambda: written(rig) == typed, 20, "the letters to arrive")

    assert kind == "error" or not question.done()
    if kind == "password":
        await rig.said("Without an answer")  # so long nobody has touched it
        await rig.front()
        await rig.type("x")
        await rig.gone("Without an answer")
    question.cancel()


async def an_error(_: Rig, office: FakeConnection) -> None:
    office.show(state=State.WAITING, error=TunnelError(1), retry_at=time.time() + 100, attempt=1)


COMES: dict[str, Callable[[Rig, FakeConnection], Coroutine[Any, Any, Any]]] = {
    "password": lambda rig, office: rig.helper.ask_password(office),
    "certificate": lambda rig, office: rig.helper.ask_trust(office),
    "error": an_error,
}


def type_until_it_is_there(rig: Rig, title: str) -> str:
    """All that was typed."""
    typed, left = "", AFTERWARDS
    while left:
        rig.desktop.type(WORDS)
        typed += WORDS
        left -= bool(rig.desktop.windows(title))
    return typed


def written(rig: Rig) -> str:
    return (rig.desktop.log("letter").splitlines() or [""])[-1]


async def test_whoever_waits_for_it_types_into_it_at_once(rig: Rig) -> None:
    desktop, office = rig.desktop, rig.helper.add("Office")
    desktop.start("window", sys.executable, "-m", "tsunagu_tray", environment=rig.environment)
    await until(lambda: rig.helper.agents)
    desktop.start("letter", "/usr/bin/python3", str(Path(editor.__file__)))
    await rig.front("^Letter$")
    await rig.type("dear")
    await rig.do(desktop.run, *gdbus_call(TRAY, TRAY_PATH, f"{TRAY_INTERFACE}.Expect", office.path))
    question = asyncio.create_task(rig.helper.ask_password(office))
    await rig.said("Without an answer")

    await rig.do(wait_for, lambda: desktop.active_window() in desktop.windows("^Tsunagu$"), 20, "the keyboard")
    await rig.type("tiger")
    await rig.keys("Return")

    assert (await question)["secret"] == "tiger"
    assert written(rig) == "dear"
