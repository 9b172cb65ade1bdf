"""The examples in the documentation, against a scripted helper."""

import asyncio
import os
import sys
from pathlib import Path

from tests.documents import blocks
from tests.fakes_bus import FakeHelper, until
from tsunagu.errors import TunnelError
from tsunagu.model import State

EXAMPLES = Path(__file__).parents[2] / "docs/examples"


async def run(*command: str, **environment: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"LC_ALL": "C.UTF-8"} | environment,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()


async def test_a_program_connects_and_prints_the_address(helper: FakeHelper) -> None:
    async def come_up() -> None:
        office.show(state=State.UP)
        await asyncio.sleep(0.1)
        office.show(addresses=["192.168.77.23/24"])

    office = helper.add("office")
    helper.on_connect = lambda connection: connection.later(come_up())
    connect = (sys.executable, f"{EXAMPLES}/connect.py")

    assert await run(*connect, "office") == (0, "192.168.77.23\n", "")
    helper.on_connect = lambda connection: connection.show(state=State.IDLE, error=TunnelError(8), addresses=[])
    assert await run(*connect, "office") == (1, "", f"{TunnelError(8)}\n")
    assert await run(*connect, "nowhere") == (1, "", "There is no connection named nowhere\n")


async def test_the_pages_program_connects_and_tells_of_each_change(helper: FakeHelper, tmp_path: Path) -> None:
    async def come_up_and_be_removed() -> None:
        office.show(state=State.UP, addresses=["192.168.77.23/24"])
        await until(lambda: log.read_text().count("UP") == 1)
        office.show(state=State.WAITING, addresses=[])
        await until(lambda: "WAITING" in log.read_text())
        helper.tree.remove(office.path)

    [(_, program)] = blocks("docs/python.md")
    log = tmp_path / "log"
    office = helper.add("office")
    helper.on_connect = lambda connection: connection.later(come_up_and_be_removed())

    status, _, error = await run("sh", "-c", 'exec "$0" -uc "$1" >"$2"', sys.executable, program, str(log))

    assert log.read_text().splitlines() == ["192.168.77.23", "State.UP 192.168.77.23", "State.WAITING "]
    assert (status, error.splitlines()[-1].partition(":")[0]) == (1, "tsunagu.errors.NotFound")


async def test_networkmanager_connects_on_networks_that_are_not_the_offices(helper: FakeHelper) -> None:
    helper.add("office")
    script = f"{EXAMPLES}/networkmanager-dispatcher.sh"

    for action, network in (("up", "Café"), ("down", "Café"), ("up", "Office LAN")):
        assert (await run(script, "wlan0", action, CONNECTION_ID=network))[0] == 0

    assert helper.calls == ["Connect office", "Disconnect office"]


async def test_a_table_of_connections_is_saved_once(helper: FakeHelper, tmp_path: Path) -> None:
    table = tmp_path / "connections.txt"
    print_ = "ab" * 32
    table.write_text(
        f"# name server hub user fingerprint\noffice h:443 HUB mika {print_}\nlab l:992 LAB jun {print_}\n"
    )

    for _ in range(2):
        assert (await run(f"{EXAMPLES}/provision.sh", f"{table}"))[0] == 0

    saved = [connection.settings for connection in helper.connections.values()]
    assert [(one.name, one.host, one.port, one.hub) for one in saved] == [
        ("office", "h", 443, "HUB"),
        ("lab", "l", 992, "LAB"),
    ]
    assert {one.server_fingerprint for one in saved} == {print_}
