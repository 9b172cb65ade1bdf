"""Where names are looked up while a tunnel is up: systemd-resolved, else resolvconf, else /etc/resolv.conf itself.

Only systemd-resolved can send some names here and others there (split DNS).  Without it the names behind the hub are
looked up there only where all names are to be: with all traffic in the tunnel, or with servers that a person has set.
"""

import logging
import os
import re
from ipaddress import ip_address
from pathlib import Path
from socket import AF_INET, AF_INET6

from tsunagu.errors import VpnError
from tsunagu_dbus import BusError, MessageBus, call
from tsunagu_helper.files import write_whole
from tsunagu_helper.lease_policy import DnsPlan
from tsunagu_helper.names_file import NamesFile, Told
from tsunagu_helper.netlink import failed
from tsunagu_helper.program import run
from tsunagu_helper.resolv_conf import PATH

LOG = logging.getLogger(__name__)

RESOLVCONF = (Path("/sbin/resolvconf"), Path("/usr/sbin/resolvconf"))
RESOLVCONF_S = 20.0  # its subscribers may restart a name server
RESOLVED_S = 10.0

_RESOLVED = "org.freedesktop.resolve1"
_NIC = re.compile(r"(?<!\S)tsunagu[a-z0-9_]{0,8}(?!\S)")
_STUBS = ("127.0.0.53", "127.0.0.54")  # systemd-resolved.service(8)


class Resolver:
    """One for all tunnels.  ``bus`` is the system bus, as long as there is one."""

    def __init__(self, directory: Path) -> None:
        self.bus: MessageBus | None = None
        self._file = NamesFile(directory / "resolv.conf.kept")
        self._records = directory / "resolvconf.records"  # of NICs, for the next helper where this one is killed
        self._set_by: dict[str, str] = {}  # by NIC

    async def apply(self, nic: str, index: int, plan: DnsPlan, told: Told) -> None:
        """Look names up as the plan says; ``told`` gets what becomes of that later.

        Raises:
            VpnError: it cannot be done; names are looked up as before.
        """
        if await self._resolved_is_asked():
            await self._set_in_resolved(index, plan)
            self._set_by[nic] = "resolved"
            return
        if not plan.all_names:
            if plan.domains:
                raise VpnError(
                    f"Names under {', '.join(plan.domains)} are not looked up behind the hub, because that takes "
                    "systemd-resolved; install it, or set DNS servers of your own for this connection"
                )
            return
        if program := _resolvconf():
            await self._set_by_resolvconf(program, nic, plan)
            self._set_by[nic] = "resolvconf"
        else:
            await self._file.set(nic, plan, told)
            self._set_by[nic] = "file"

    async def clear(self, nic: str, index: int) -> None:
        """Look names up as if this NIC were not there.

        Raises:
            VpnError: it cannot be done.
        """
        match self._set_by.pop(nic, ""):
            case "resolved":
                await self._ask_resolved("RevertLink", "i", index)
            case "resolvconf" if program := _resolvconf():
                await self._unset_by_resolvconf(program, nic)
            case "file":
                await self._file.unset(nic)

    async def clean_leftovers(self) -> None:
        """Undo what a killed helper left; what systemd-resolved knew has gone with the NIC.

        Raises:
            VpnError: it cannot be done.
        """
        if program := _resolvconf():
            for nic in self._recorded():
                await self._unset_by_resolvconf(program, nic)
        await self._file.put_back()

    async def way(self) -> str:
        """Which of the three is taken."""
        if await self._resolved_is_asked():
            return "systemd-resolved"
        return "resolvconf" if _resolvconf() else f"{PATH}"

    # -- systemd-resolved ---------------------------------------------------------------------------------------------

    async def _resolved_is_asked(self) -> bool:
        """It runs, and programs ask it."""
        if self.bus is None or not _asks_resolved(PATH):
            return False
        try:
            bus = "org.freedesktop.DBus"
            [owned] = await call(self.bus, bus, "/org/freedesktop/DBus", bus, "NameHasOwner", "s", [_RESOLVED])
        except BusError:
            return False
        return bool(owned)

    async def _set_in_resolved(self, index: int, plan: DnsPlan) -> None:
        servers = [
            [AF_INET if address.version == 4 else AF_INET6, address.packed] for address in map(ip_address, plan.servers)
        ]
        domains = [[domain, False] for domain in plan.domains] + ([[".", True]] if plan.all_names else [])
        await self._ask_resolved("SetLinkDNS", "ia(iay)", index, servers)
        await self._ask_resolved("SetLinkDomains", "ia(sb)", index, domains)
        await self._ask_resolved("SetLinkDefaultRoute", "ib", index, plan.all_names)

    async def _ask_resolved(self, member: str, signature: str, *body: object) -> None:
        assert self.bus
        manager = f"{_RESOLVED}.Manager"
        path = "/org/freedesktop/resolve1"
        try:
            await call(self.bus, _RESOLVED, path, manager, member, signature, [*body], RESOLVED_S)
        except BusError as error:
            if not error.name.endswith((".NoSuchLink", ".ServiceUnknown", ".NameHasNoOwner")):
                raise VpnError(f"systemd-resolved did not take the DNS servers: {error}") from error

    # -- resolvconf ---------------------------------------------------------------------------------------------------

    async def _set_by_resolvconf(self, program: Path, nic: str, plan: DnsPlan) -> None:
        lines = [f"nameserver {server}" for server in plan.servers]
        if plan.domains:
            lines.append("search " + " ".join(plan.domains))
        self._record({*self._recorded(), nic})
        exclusive = ["-m", "0", "-x"] if _is_openresolv(program) else []
        await _run([program, *exclusive, "-a", _record_name(nic)], "\n".join(lines) + "\n")

    async def _unset_by_resolvconf(self, program: Path, nic: str) -> None:
        force = ["-f"] if _is_openresolv(program) else []
        await _run([program, *force, "-d", _record_name(nic)], "")
        self._record(self._recorded() - {nic})

    def _recorded(self) -> set[str]:
        try:
            return set(_NIC.findall(self._records.read_text(errors="replace")))
        except OSError:
            return set()

    def _record(self, nics: set[str]) -> None:
        try:
            write_whole(self._records, "\n".join(sorted(nics)))
        except OSError as error:
            raise VpnError(f"{self._records} could not be changed: {error.strerror}") from error


def _asks_resolved(path: Path) -> bool:
    """Whether programs that read ``path`` come to systemd-resolved's door."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return False
    return any(
        line.split()[:1] == ["nameserver"] and line.split()[1:2] in ([stub] for stub in _STUBS) for line in lines
    )


def _resolvconf() -> Path | None:
    """The program; systemd-resolved brings one of that name, which is only another way to ask it."""
    return next((path for path in RESOLVCONF if os.access(path, os.X_OK) and path.resolve().name != "resolvectl"), None)


def _is_openresolv(program: Path) -> bool:
    return b"openresolv" in program.resolve().read_bytes()[:8192].lower()


def _record_name(nic: str) -> str:
    """Debian's resolvconf sorts by name, and has tunnels named tun* before physical NICs."""
    return f"tun.{nic}" if Path("/etc/resolvconf/interface-order").exists() else nic


async def _run(command: list[Path | str], text: str) -> None:
    await run(command, text, failed("resolvconf did not take the DNS servers"), RESOLVCONF_S)
