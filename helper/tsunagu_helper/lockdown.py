"""The kill switch: while a connection that has one is wanted, nothing leaves this machine past its tunnel.

It is one nftables table of our own, so it outlives a helper that crashes or ends, and it is a file too, which is loaded
when the machine starts, before the network.  Only a person lifts it: by disconnecting, or by unblocking.
"""

import asyncio
import contextlib
import json
import logging
import os
import subprocess
from pathlib import Path

from tsunagu.errors import VpnError
from tsunagu.plain import from_plain
from tsunagu_helper.routing import PRIVATE

LOG = logging.getLogger(__name__)

NFT = Path("/usr/sbin/nft")
NFT_S = 10.0
FILE = "lockdown.nft"

_DELETE = "table inet tsunagu\ndelete table inet tsunagu\n"  # the first line is for where there is none


class Lockdown:
    """``holders``: the names of the connections that want it, by id."""

    def __init__(self, directory: Path, worker_uid: int) -> None:
        self.holders: dict[str, str] = {}
        self.is_damaged = False  # what an earlier life has left cannot be read
        self._file = directory / FILE
        self._worker_uid = worker_uid
        self._lan = dict[str, bool]()  # whether the local network stays in reach, by connection

    async def engage(self, connection_id: str, name: str, *, allow_lan: bool) -> None:
        """Block what does not go through a tunnel.

        Raises:
            VpnError: that is not possible.
        """
        if self.holders.get(connection_id) == name and self._lan[connection_id] is allow_lan:
            return
        self.holders[connection_id], self._lan[connection_id] = name, allow_lan
        try:
            await self._load()
        except VpnError:
            await self.lift(connection_id)
            raise

    async def lift(self, connection_id: str) -> None:
        """This connection does not want it any more.

        Raises:
            VpnError: that is not possible.
        """
        if connection_id in self.holders:
            del self.holders[connection_id], self._lan[connection_id]
            await (self._load() if self.holders else self.lift_all())

    async def lift_all(self) -> None:
        """Let everything pass.

        Raises:
            VpnError: that is not possible.
        """
        self.holders.clear()
        self._lan.clear()
        self.is_damaged = False
        if self._file.exists() or os.access(NFT, os.X_OK):  # a lost file leaves its table standing
            await _nft(_DELETE)
            self._file.unlink(missing_ok=True)

    async def restore(self) -> None:
        """What an earlier life of ours has left standing, or a boot has brought back.

        Raises:
            VpnError: it could not be brought back.
        """
        try:
            kept = from_plain(
                dict[str, tuple[str, bool]],
                json.loads(self._file.read_text().partition("\n")[0].removeprefix("# ")),
            )
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, RecursionError):
            self.is_damaged = True
            LOG.error("%s is damaged, so what it blocks stays blocked until somebody unblocks", self._file)
            return
        self.holders = {connection_id: name for connection_id, (name, _) in kept.items()}
        self._lan = {connection_id: allow_lan for connection_id, (_, allow_lan) in kept.items()}
        await self._load()

    async def why_not(self) -> str:
        """Why it could not be used; "": it could."""
        try:
            await _nft(ruleset(self._worker_uid, allow_lan=True), "--check")
        except VpnError as error:
            return str(error)
        return ""

    async def stands(self) -> bool:
        """The kernel has our table, whoever put it there."""
        try:
            await _nft("list table inet tsunagu\n")
        except VpnError:
            return False
        return True

    async def _load(self) -> None:
        kept = {connection_id: (name, self._lan[connection_id]) for connection_id, name in self.holders.items()}
        text = f"# {json.dumps(kept)}\n{ruleset(self._worker_uid, allow_lan=all(self._lan.values()))}"
        try:
            _write(self._file, text)
        except OSError as error:
            raise VpnError(f"The kill switch could not be kept in {self._file}: {error.strerror}") from error
        await _nft(text)


def ruleset(worker_uid: int, *, allow_lan: bool) -> str:
    """For "nft -f", in one transaction.

    The workers' own traffic passes outside, and what keeps the physical network going: DHCP and neighbour discovery.
    """
    private = {version: ", ".join(str(n) for n in PRIVATE if n.version == version) for version in (4, 6)}
    local = [f"        {ip} daddr {{ {private[v]} }} accept" for ip, v in (("ip", 4), ("ip6", 6)) if allow_lan]
    passes = "\n".join(['        oifname { "lo", "tsunagu*" } accept', *local])
    return f"""{_DELETE}table inet tsunagu {{
    chain output {{
        type filter hook output priority filter; policy drop;
{passes}
        meta skuid {worker_uid} accept
        udp sport {{ 68, 546 }} udp dport {{ 67, 547 }} accept
        icmpv6 type {{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert }} accept
        reject with icmpx admin-prohibited
    }}
    chain forward {{
        type filter hook forward priority filter; policy drop;
        iifname "tsunagu*" accept
{passes}
    }}
}}
"""


async def _nft(text: str, *options: str) -> None:
    """nftables' own program, with fixed arguments."""
    try:
        process = await asyncio.create_subprocess_exec(
            NFT,
            *options,
            *("-f", "-"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
            cwd="/",
        )
        async with asyncio.timeout(NFT_S):
            _, complaint = await process.communicate(text.encode())
    except FileNotFoundError as error:
        raise VpnError("The kill switch takes the program nft; install the package nftables") from error
    except (OSError, TimeoutError) as error:
        raise VpnError(f"The kill switch could not be set: {error or type(error).__name__}") from error
    if process.returncode:
        why = complaint.decode(errors="replace").strip().partition("\n")[0][:200]
        raise VpnError(f"The kill switch could not be set: {why}")


def _write(path: Path, text: str) -> None:
    """Another text in the file's place, as a whole or not at all."""
    new = path.with_name(f".{path.name}.new")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
