"""Looks the machine over for the doctor: what works is tried, not guessed."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from tsunagu.errors import VpnError
from tsunagu_helper.authority import Authority
from tsunagu_helper.diagnosis import Machine
from tsunagu_helper.errand import examine
from tsunagu_helper.lockdown import Lockdown
from tsunagu_helper.nic import Nics
from tsunagu_helper.resolver import Resolver
from tsunagu_helper.routing import AllTraffic
from tsunagu_helper.store import Store
from tsunagu_helper.surroundings import WorkerStarter

# What manages networks, its name on the bus, and where a file of ours tells it to leave our NICs alone.
_MANAGERS = (
    ("NetworkManager", "org.freedesktop.NetworkManager", "NetworkManager/conf.d/90-tsunagu.conf"),
    ("systemd-networkd", "org.freedesktop.network1", "systemd/network/10-tsunagu.network"),
)
_FOLDERS = ("/etc", "/run", "/usr/lib")


class Examination:
    """One at a time; those who ask meanwhile hear of that one."""

    def __init__(
        self,
        *,
        nics: Nics,
        all_traffic: AllTraffic,
        resolver: Resolver,
        lockdown: Lockdown,
        store: Store,
        start_worker: WorkerStarter,
        has_worker_user: bool,
        plain_by_option: bool,
    ) -> None:
        self.authority: Authority | None = None  # of the bus that we are on
        self._nics, self._all_traffic, self._resolver = nics, all_traffic, resolver
        self._lockdown, self._store, self._start_worker = lockdown, store, start_worker
        self._has_worker_user, self._plain_by_option = has_worker_user, plain_by_option
        self._under_way: asyncio.Task[Machine] | None = None

    async def look(self) -> Machine:
        """What there is now."""
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._look(), name="examination")
        return await asyncio.shield(self._under_way)

    async def _look(self) -> Machine:
        authority = self.authority
        assert authority  # or nobody could have asked
        worker, worker_why = None, ""
        try:
            worker = await examine(self._start_worker)
        except VpnError as error:
            worker_why = str(error)
        nic_why, has_offloads = self._nics.attempt()
        has_polkit, polkit_why = await authority.state()
        return Machine(
            worker=worker,
            worker_why=worker_why,
            has_worker_user=self._has_worker_user,
            plain_by_option=self._plain_by_option,
            nic_why=nic_why,
            has_offloads=has_offloads,
            leftovers=(*await _or_nothing(self._nics.leftovers), *await _or_nothing(self._all_traffic.leftovers)),
            unmarked_by=await self._unmarked_by(authority),
            lockdown_why=await self._lockdown.why_not(),
            lockdown_holders=tuple(self._lockdown.holders.values()),
            lockdown_stands=await self._lockdown.stands(),
            lockdown_is_damaged=self._lockdown.is_damaged,
            guard_why=await self._nics.guard.why_not(),
            guarded=self._nics.guard.nics,
            guard_stands=await self._nics.guard.stands(),
            resolver=await self._resolver.way(),
            has_polkit=has_polkit,
            polkit_why=polkit_why,
            admin_group=authority.admin_group,
            unused=tuple(self._store.problems),
            quarantined=tuple(map(str, self._store.quarantined())),
        )

    async def _unmarked_by(self, authority: Authority) -> tuple[tuple[str, str], ...]:
        found = []
        for program, bus_name, file in _MANAGERS:
            if not _is_installed(file) and await authority.is_on_bus(bus_name):
                found.append((program, f"/usr/lib/{file}"))
        return tuple(found)


def _is_installed(file: str) -> bool:
    return any(Path(folder, file).exists() for folder in _FOLDERS)


async def _or_nothing(look: Callable[[], Awaitable[list[str]]]) -> list[str]:
    """A kernel that does not answer shows in what else is tried."""
    try:
        return await look()
    except VpnError:
        return []
