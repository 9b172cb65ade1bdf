"""What a user without rights can do to the helper by asking: wait, be refused, and keep nobody else waiting."""

import asyncio
from pathlib import Path

import pytest

from tests.bus.conftest import ANOTHER_USER, ORDINARY_USER, ConnectAs
from tests.bus.test_helper_process import Running, place, running
from tsunagu.bus_names import MANAGER, ROOT_PATH, SERVICE
from tsunagu.errors import VpnError
from tsunagu_dbus import BusError, MessageBus, call
from tsunagu_helper.turns import AT_ONCE, LONGEST_WAIT_S, PER_S, Turns

__all__ = ["place", "running"]  # fixtures

CONNECTIONS, CALLS = 20, 120  # the bus allows 128 answers that a connection waits for


async def outcome(bus: MessageBus, interface: str, member: str, signature: str = "", *body: object) -> str:
    """What came of a call: "", or the error's sentence."""
    try:
        await call(bus, SERVICE, ROOT_PATH, interface, member, signature, [*body], 60)
    except BusError as error:
        return error.text
    return ""


def resident(number: int) -> int:
    """KiB of memory."""
    status = Path(f"/proc/{number}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


async def test_a_flood_of_calls_is_held_back_and_others_are_served(running: Running, connect_as: ConnectAs) -> None:
    before = resident(running.process.pid)
    attackers = [await connect_as(ORDINARY_USER) for _ in range(CONNECTIONS)]
    bystander = await connect_as(ANOTHER_USER)

    flood = [
        asyncio.create_task(outcome(attacker, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"))
        for attacker in attackers
        for _ in range(CALLS)
    ]
    served = [await outcome(bystander, MANAGER, "GetEvents", "u", 10) for _ in range(20)]
    told = await asyncio.gather(*flood)

    assert served == [""] * 20
    assert sum(text == "" for text in told) >= AT_ONCE
    assert any("faster than it answers" in text for text in told)
    assert running.process.poll() is None
    assert resident(running.process.pid) - before < 50_000


async def test_agents_of_one_user_that_come_and_go_leave_nothing(running: Running, connect_as: ConnectAs) -> None:
    before = resident(running.process.pid)
    for _ in range(30):
        attacker = await connect_as(ORDINARY_USER)
        await asyncio.gather(*(outcome(attacker, MANAGER, "RegisterAgent", "o", f"/x{n}") for n in range(5)))
        attacker.disconnect()

    assert await running.names() == []
    assert resident(running.process.pid) - before < 20_000


async def test_turns_come_at_once_then_slower_then_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    turns = Turns()
    for _ in range(AT_ONCE):
        await turns.wait(1001)
    assert len(waits) < AT_ONCE / 10
    for _ in range(int(LONGEST_WAIT_S * PER_S) - 20):
        await turns.wait(1001)
    with pytest.raises(VpnError, match="faster"):
        await asyncio.gather(*(turns.wait(1001) for _ in range(100)))

    assert waits == sorted(waits)
    assert waits[-1] <= LONGEST_WAIT_S
    await turns.wait(1002)
    for _ in range(10_000):
        await turns.wait(0)
