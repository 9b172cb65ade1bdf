"""The kill switch: while a connection that has one is wanted, nothing leaves this machine past its tunnel.

It is one nftables table of our own, so it outlives a helper that crashes or ends, and it is a file too, which is loaded
when the machine starts, before the network.  Only a person lifts it: by disconnecting, or by unblocking.

Names may be asked for outside until the server has been found once; then the hold is sealed and remembers where it is,
so that the tunnel comes back, after a reboot too, without a question to anybody outside.  Should the server have moved,
the question for its own name still passes: who sees that sees the server's address as well.  Where the file is damaged,
all stays blocked, on behalf of a hold that has lost its connection (``LOST``).
"""

import asyncio
import json
import logging
import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path

from tsunagu.errors import VpnError
from tsunagu.plain import from_plain, to_plain
from tsunagu_helper import nft
from tsunagu_helper.files import write_whole
from tsunagu_helper.netlink import failed
from tsunagu_helper.routing import PRIVATE

LOG = logging.getLogger(__name__)

FILE = "lockdown.nft"
LOST = ""  # no connection's id
DAMAGED = "The kill switch's file is damaged, so what is blocked stays blocked; 'sudo tsunagu unblock' lifts it"

_TABLE, _CLOSED = "tsunagu", "tsunagu_closed"
_NAMES = "meta l4proto { tcp, udp } th dport { 53, 853 }"
_QUESTIONS, _QUESTION = 96, 160  # bits from UDP's header to the number of questions and to the first (RFC 1035)
_RAW = 16  # octets that one expression of nftables looks at
_failed = failed("The kill switch could not be set")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What a connection wants; ``name`` is its own."""

    name: str
    allow_lan: bool  # the local network stays in reach
    host: str = ""  # of the server, or of the proxy before it
    is_sealed: bool = False  # no other name has to be asked for outside any more
    address: str = ""  # where the host was reached; "": not yet


class Lockdown:
    """All holds.  ``directory`` is where the file is kept."""

    def __init__(self, directory: Path, worker_uid: int) -> None:
        self._file = directory / FILE
        self._worker_uid = worker_uid
        self._holds = dict[str, Hold]()  # by connection
        self._table = nft.Table(_TABLE, _failed)
        self._turn = asyncio.Lock()  # for whoever changes any of these

    @property
    def holders(self) -> dict[str, str]:
        """The names of the connections that want it, by id."""
        return {connection_id: hold.name for connection_id, hold in self._holds.items() if connection_id != LOST}

    @property
    def is_damaged(self) -> bool:
        """Nobody knows any more for which connection all is blocked."""
        return LOST in self._holds

    def why(self, connection_id: str) -> str:
        """A sentence for people, where something is blocked for this connection's sake, or nobody knows for whose."""
        if self.is_damaged:
            return DAMAGED
        if hold := self._holds.get(connection_id):
            return f"What is not for the tunnel is blocked by Tsunagu until {hold.name} is disconnected"
        return ""

    def address_of(self, connection_id: str, host: str) -> str:
        """Where this server was when the hold was sealed; "": nobody knows."""
        hold = self._holds.get(connection_id)
        return hold.address if hold and hold.host == host else ""

    async def engage(self, connection_id: str, name: str, *, host: str = "", allow_lan: bool) -> None:
        """Block what does not go through a tunnel; ``host`` has to be found, "": the one of before.

        Raises:
            VpnError: that is not possible.
        """
        async with self._turn:
            before = self._holds.get(connection_id)
            hold = replace(before or Hold(name=name, allow_lan=allow_lan), name=name, allow_lan=allow_lan)
            if host and host != hold.host:
                hold = replace(hold, host=host, address="")
            if hold == before:
                return
            self._holds[connection_id] = hold
            try:
                await self._load()
            except VpnError:
                if before is None:
                    await self._lift(connection_id)
                else:  # what is blocked stays blocked
                    self._holds[connection_id] = before
                raise

    async def seal(self, connection_id: str, host: str, address: str) -> None:
        """The server has been found: from now on nobody asks for names outside.

        Raises:
            VpnError: that is not possible.
        """
        async with self._turn:
            before = self._holds.get(connection_id)
            if before and before != (after := replace(before, is_sealed=True, host=host, address=address)):
                self._holds[connection_id] = after
                await self._load()

    async def lift(self, connection_id: str) -> None:
        """This connection does not want it any more.

        Raises:
            VpnError: that is not possible.
        """
        async with self._turn:
            await self._lift(connection_id)

    async def lift_all(self) -> None:
        """Let everything pass.

        Raises:
            VpnError: that is not possible.
        """
        async with self._turn:
            await self._lift_all()

    async def restore(self) -> None:
        """What an earlier life of ours has left standing, or a boot has brought back.

        Raises:
            VpnError: it could not be brought back.
        """
        async with self._turn:
            try:
                first_line = self._file.read_text().partition("\n")[0]
                self._holds = from_plain(dict[str, Hold], json.loads(first_line.removeprefix("# ")))
            except FileNotFoundError:
                return
            except (OSError, ValueError, TypeError, RecursionError):
                self._holds = {}
            if not self._holds:
                LOG.error(
                    "%s is damaged, so what is not for a tunnel stays blocked until somebody unblocks", self._file
                )
                self._holds = {LOST: Hold(name="", allow_lan=False, is_sealed=True)}
            await self._load()

    async def mend(self) -> str:
        """Put it back where another program has taken it away or changed it; what that was, "": nothing.

        Raises:
            VpnError: that is not possible.
        """
        async with self._turn:
            if not self._holds or await self._table.is_whole():
                return ""
            if not self._file.exists():  # it was lifted without us
                await self._lift_all()
                return ""
            await self._table.load(ruleset(self._worker_uid, self._holds.values()))
            return f"the kill switch of {', '.join(self.holders.values())}" if self.holders else "the kill switch"

    async def why_not(self) -> str:
        """Why it could not be used; "": it could."""
        return await nft.why_not(ruleset(self._worker_uid, ()))

    async def stands(self) -> bool:
        """The kernel has our table as we want it; where we want none: it has one, whoever put it there."""
        async with self._turn:
            return await self._table.is_whole() if self._holds else bool(await self._table.text())

    async def _lift(self, connection_id: str) -> None:
        if hold := self._holds.pop(connection_id, None):
            try:
                await (self._load() if self._holds else self._lift_all())
            except VpnError:
                self._holds[connection_id] = hold  # or nobody could say why all is blocked
                raise

    async def _lift_all(self) -> None:
        """The file goes first: where we are called past a helper that runs, that one is not to put the rules back."""
        kept = self._file.read_bytes() if self._file.exists() else b""
        self._file.unlink(missing_ok=True)
        try:
            if kept or os.access(nft.PROGRAM, os.X_OK):  # a lost file leaves its table standing
                await self._table.remove(_CLOSED)
        except VpnError:
            if kept:
                write_whole(self._file, kept.decode(errors="replace"))
            raise
        self._holds.clear()

    async def _load(self) -> None:
        kept = {connection_id: to_plain(hold) for connection_id, hold in self._holds.items()}
        text = f"# {json.dumps(kept)}\n{ruleset(self._worker_uid, self._holds.values())}"
        await self._table.load(text)
        try:
            write_whole(self._file, text)
        except OSError as error:
            raise VpnError(f"The kill switch could not be kept in {self._file}: {error.strerror}") from error


def ruleset(worker_uid: int, holds: Collection[Hold]) -> str:
    """For "nft -f", in one transaction; the strictest of the holds counts.

    The workers' own traffic passes outside, and what keeps the physical network going: DHCP and neighbour discovery.
    A resolver in the local network asks the world, so the local network's being in reach does not include it.

    What stands for these rules until they are loaded (packaging/nftables/closed.nft) goes last: cut short, it stays.
    """
    allow_lan = all(hold.allow_lan for hold in holds)
    found = "".join(f"        {rule}\n" for rule in sorted({_asks_for(hold.host) for hold in holds} - {""}))
    names = "reject with icmpx admin-prohibited" if any(hold.is_sealed for hold in holds) else "accept"
    private = {version: ", ".join(str(n) for n in PRIVATE if n.version == version) for version in (4, 6)}
    local = [f"        {ip} daddr {{ {private[v]} }} accept" for ip, v in (("ip", 4), ("ip6", 6)) if allow_lan]
    passes = "\n".join([f"        {_NAMES} {names}", *local])
    return f"""table inet tsunagu
delete table inet tsunagu
table inet tsunagu {{
    chain output {{
        type filter hook output priority filter; policy drop;
        oifname {{ "lo", "tsunagu*" }} accept
        meta skuid {worker_uid} accept
{found}{passes}
        udp sport {{ 68, 546 }} udp dport {{ 67, 547 }} accept
        icmpv6 type {{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert }} accept
        reject with icmpx admin-prohibited
    }}
    chain forward {{
        type filter hook forward priority filter; policy drop;
        iifname "tsunagu*" accept
        oifname {{ "lo", "tsunagu*" }} accept
{passes}
    }}
}}
table inet tsunagu_closed
delete table inet tsunagu_closed
"""


def _asks_for(host: str) -> str:
    """Lets a DNS message pass that asks for this name alone, in whatever letters; "": an address needs no asking."""
    if not host or _is_address(host):
        return ""
    name = b"".join(bytes((len(label),)) + label for label in host.upper().encode().rstrip(b".").split(b".")) + b"\0"
    parts = [name[start : start + _RAW] for start in range(0, len(name), _RAW)]
    tests = []
    for number, part in enumerate(parts):
        letters = bytes(0xDF if 0x41 <= octet <= 0x5A else 0xFF for octet in part)  # both cases of a letter
        place = f"@th,{_QUESTION + 8 * _RAW * number},{8 * len(part)}"
        tests.append(f"{place} & 0x{letters.hex()} == 0x{part.hex()}")
    return f"udp dport 53 @th,{_QUESTIONS},16 1 {' '.join(tests)} accept"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
