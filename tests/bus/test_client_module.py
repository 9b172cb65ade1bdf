"""The client module for programs, against a scripted helper: its calls block, so they run in a thread."""

import asyncio

import pytest

from tests.fakes_bus import FakeConnection, FakeHelper, until
from tsunagu.errors import HelperUnavailable, NoAgent, NotFound, TunnelError
from tsunagu.model import State
from tsunagu_client import Client, Connection, VpnError


def comes_up(connection: FakeConnection) -> None:
    async def come_up() -> None:
        connection.show(state=State.CONNECTING)
        await asyncio.sleep(0.05)
        connection.show(state=State.UP)
        await asyncio.sleep(0.05)
        connection.show(addresses=["192.168.77.23/24"])

    connection.later(come_up())


async def test_a_program_lists_connects_looks_and_disconnects(helper: FakeHelper) -> None:
    helper.add("office")
    helper.add("Home")
    helper.on_connect = comes_up

    def program() -> tuple[list[str], Connection, str, list[State]]:
        with Client() as vpn:
            names = [one.name for one in vpn.connections()]
            up = vpn.connect("office")
            server = vpn.status("office")["server_name"]
            vpn.disconnect("office")
            return names, up, server, [vpn.connection(up.id).state, vpn.connect("office", wait=False).state]

    names, up, server, [off, _begun] = await asyncio.to_thread(program)

    assert names == ["Home", "office"]
    assert (up.state, up.address) == (State.UP, "192.168.77.23")
    assert server
    assert off is State.IDLE
    assert helper.calls == ["Connect office", "Disconnect office", "Connect office"]


async def test_a_program_follows_a_connection_until_it_is_removed(helper: FakeHelper) -> None:
    office = helper.add("office")
    seen: list[State] = []

    def program() -> None:
        with Client() as vpn, pytest.raises(NotFound):
            seen.extend(now.state for now in vpn.watch("office"))

    following = asyncio.create_task(asyncio.to_thread(program))
    for state in (State.IDLE, State.CONNECTING, State.UP):
        office.show(state=state)
        await until(lambda state=state: seen[-1:] == [state])  # type: ignore[misc]  # mypy's view of a default
    helper.tree.remove(office.path)
    await asyncio.wait_for(following, 30)

    assert seen == [State.IDLE, State.CONNECTING, State.UP]


@pytest.mark.parametrize("error", [TunnelError(8), NoAgent("Nobody is there to ask")])
async def test_an_attempt_in_vain_is_an_error_and_leaves_nothing_behind(
    helper: FakeHelper, error: TunnelError | NoAgent
) -> None:
    state = State.NEEDS_SECRET if isinstance(error, NoAgent) else State.IDLE
    helper.add("office")
    helper.on_connect = lambda connection: connection.show(state=state, error=error)

    def program() -> None:
        with Client() as vpn:
            vpn.connect("office")

    with pytest.raises(type(error)) as caught:
        await asyncio.to_thread(program)

    assert (str(caught.value), caught.value.code) == (str(error), error.code)
    assert helper.calls == ["Connect office", "Disconnect office"]


async def test_patience_has_an_end(helper: FakeHelper) -> None:
    helper.add("office")
    helper.on_connect = lambda connection: connection.show(state=State.CONNECTING)

    def program() -> None:
        with Client() as vpn:
            vpn.connect("office", timeout_s=0.1)

    with pytest.raises(TimeoutError):
        await asyncio.to_thread(program)

    assert helper.calls[-1] == "Disconnect office"


async def test_what_is_not_there_is_said_in_a_sentence(helper: FakeHelper, monkeypatch: pytest.MonkeyPatch) -> None:
    helper.add("office")

    def program(name: str) -> None:
        with Client() as vpn:
            vpn.disconnect(name)

    with pytest.raises(VpnError, match="There is no connection named lab"):
        await asyncio.to_thread(program, "lab")
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
    with pytest.raises(HelperUnavailable):
        await asyncio.to_thread(program, "office")
