"""What the kernel tells of the network below the tunnels, and what of it counts."""

import asyncio
import subprocess

from tests.lab.waiting import eventually
from tests.netns.namespace import in_new_namespace
from tsunagu_helper.network_watch import NetworkWatch
from tsunagu_helper.nic import Nics

MARK = "Tsunagu (tests)"
PATIENCE_S = 20


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


class Heard:
    """What the watch told: True where something was gained."""

    def __init__(self) -> None:
        self.news: list[bool] = []
        self.own = 0  # times that a NIC of ours had changed
        self.watch = NetworkWatch(MARK, self.news.append, self._take_own)

    def _take_own(self) -> None:
        self.own += 1

    async def own_change(self) -> None:
        await eventually(lambda: self.own, PATIENCE_S, "news of our own NIC")
        self.own -= 1

    async def next(self) -> bool:
        await eventually(lambda: self.news, PATIENCE_S, "news of the network")
        return self.news.pop(0)


@in_new_namespace
async def test_cables_addresses_and_default_routes_that_come_and_go() -> None:
    ip("link", "add", "wire", "type", "veth", "peer", "name", "wall")
    heard = Heard()
    await heard.watch.start()
    offline = heard.watch.is_online

    for change, gain in (
        ("address add 192.0.2.7/24 dev wire", None),  # no cable yet
        ("link set wire up", None),
        ("link set wall up", True),
        ("route add default via 192.0.2.1", True),
        ("route del default", False),
        ("address add 192.0.2.8/24 dev wire", True),
        ("link set wall down", False),
    ):
        ip(*change.split())
        if gain is not None:
            assert await heard.next() is gain, change
    assert not offline
    assert not heard.watch.is_online
    heard.watch.close()


@in_new_namespace
async def test_our_own_nics_are_no_news() -> None:
    ip("link", "set", "lo", "up")
    heard = Heard()
    await heard.watch.start()

    nic = await Nics(MARK).open("tsunagu0", "5e:00:11:22:33:44")
    nic.set_carrier(True)
    ip("address", "add", "192.0.2.9/24", "dev", "tsunagu0")
    ip("link", "add", "wire", "type", "veth", "peer", "name", "wall")
    ip("link", "set", "wall", "up")
    ip("address", "add", "192.0.2.7/24", "dev", "wire")
    ip("link", "set", "wire", "up")  # the only news

    assert await heard.next()
    await nic.close()
    ip("link", "set", "wire", "down")
    assert not await heard.next()
    assert heard.news == []
    heard.watch.close()


@in_new_namespace
async def test_what_others_do_to_a_nic_of_ours_is_told_but_not_what_it_carries() -> None:
    heard = Heard()
    nic = await Nics(MARK).open("tsunagu0", "5e:00:11:22:33:44")
    await heard.watch.start()
    nic.set_carrier(True)
    ip("address", "add", "192.0.2.9/24", "dev", "tsunagu0")
    for change in (
        "set tsunagu0 down",
        "set tsunagu0 name other0",
        "set other0 up",
        "delete other0",
    ):
        ip("link", *change.split())
        await heard.own_change()
    assert (heard.own, heard.news) == (0, [])
    await nic.close()
    heard.watch.close()


@in_new_namespace
async def test_a_flood_of_messages_is_one_piece_of_news() -> None:
    heard = Heard()
    await heard.watch.start()
    commands = ["link add wire type veth peer name wall", "link set wall up", "link set wire up"]
    commands += [f"address add 10.{number // 250}.{number % 250}.1/32 dev wire" for number in range(1000)]
    process = await asyncio.create_subprocess_exec("ip", "-batch", "-", stdin=asyncio.subprocess.PIPE)
    heard.watch._socket.setsockopt(1, 8, 1)  # SO_RCVBUF: as small as can be, so that it overflows

    await process.communicate("\n".join(commands).encode())

    assert await heard.next()
    await eventually(lambda: len(heard.watch._stands) == 1000, PATIENCE_S, "all of it")
    heard.watch.close()
