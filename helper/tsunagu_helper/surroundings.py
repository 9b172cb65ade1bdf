"""What the connections work with, as far as they know it: the real things are in the modules of the same names."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from tsunagu.authorities import Authorities
from tsunagu.control import (
    Established,
    Examine,
    Examined,
    HubsListed,
    Leased,
    NeedSignature,
    NoLease,
    NotSigned,
    PasswordChanged,
    Progress,
    Signed,
    Start,
)
from tsunagu.errors import TunnelError, VpnError
from tsunagu.model import ConnectionSettings, Secret, SecretKind, Statistics
from tsunagu_helper.agents import SecretAnswer, Trust
from tsunagu_helper.diagnosis import Machine
from tsunagu_helper.history import History
from tsunagu_helper.lease_policy import AddressPlan, Conflict, DnsPlan, Everything, Route
from tsunagu_helper.store import StoredConnection

WorkerMessage = Progress | NeedSignature | Established | PasswordChanged | HubsListed | Examined | Leased | NoLease
Hints = Mapping[str, str | int | bool]


class Nic(Protocol):
    """The virtual NIC of one connection."""

    @property
    def name(self) -> str: ...
    @property
    def fd(self) -> int: ...
    @property
    def index(self) -> int: ...
    def fault(self) -> str: ...
    def set_carrier(self, up: bool) -> None: ...
    async def apply(self, plan: AddressPlan) -> list[Conflict]: ...
    async def close(self) -> None: ...


class Nics(Protocol):
    """Where NICs come from."""

    async def open(self, name: str, mac: str) -> Nic: ...


class AllTraffic(Protocol):
    """Which connection has all traffic, and the rules that give it that; VpnError: it cannot have it."""

    def claim(self, connection_id: str, name: str) -> None: ...
    async def apply(self, connection_id: str, index: int, routes: Iterable[Route], wanted: Everything) -> None: ...
    async def block(self, connection_id: str) -> None: ...
    async def release(self, connection_id: str) -> None: ...


class Lockdown(Protocol):
    """The kill switch; VpnError: it stays as it was."""

    @property
    def holders(self) -> Mapping[str, str]: ...
    def why(self, connection_id: str) -> str: ...
    def address_of(self, connection_id: str, host: str) -> str: ...
    async def engage(self, connection_id: str, name: str, *, host: str, allow_lan: bool) -> None: ...
    async def seal(self, connection_id: str, host: str, address: str) -> None: ...
    async def lift(self, connection_id: str) -> None: ...
    async def lift_all(self) -> None: ...


class Resolver(Protocol):
    """Where names are looked up; VpnError: it stays as it was.  ``told`` gets what becomes of that later."""

    async def apply(self, nic: str, index: int, plan: DnsPlan, told: Callable[[VpnError], None]) -> None: ...
    async def clear(self, nic: str, index: int) -> None: ...


class Hooks(Protocol):
    """The administrator's programs; ``told`` gets what is wrong with them, sooner or later."""

    def run(
        self, connection_id: str, environment: Mapping[str, str], told: Callable[[VpnError], None]
    ) -> asyncio.Task[None] | None: ...


class Portal(Protocol):
    """What keeps everybody from the network before a log-in."""

    async def stands(self) -> bool: ...


class Store(Protocol):
    """Where connections are kept; StorageFailed: it could not be done, and nothing has changed."""

    def load(self) -> dict[str, StoredConnection]: ...
    def save(self, stored: StoredConnection) -> None: ...
    def remove(self, connection_id: str) -> None: ...
    def machine_id(self) -> str: ...
    def authorities(self, owner: int) -> Authorities: ...
    def save_authorities(self, owner: int, authorities: Authorities) -> None: ...


class Wanted(Protocol):
    """Which connections people want up, also after a crash."""

    def remember(self, connection_id: str, wanted: bool) -> None: ...
    def restore(self) -> frozenset[str] | None: ...


class ToForget(Protocol):
    """What keyrings still have and are not to have, by connection, also after a crash."""

    def of(self, owner: int) -> Mapping[str, Iterable[SecretKind]]: ...
    def note(self, owner: int, connection_id: str, kinds: Iterable[SecretKind]) -> None: ...
    def strike(self, owner: int, connection_id: str, kinds: Iterable[SecretKind]) -> None: ...


class Agents(Protocol):
    """Who asks people; NoAgent: nobody is there, Cancelled: declined."""

    def register(self, caller: str, uid: int, path: str) -> None: ...
    def unregister(self, caller: str) -> None: ...
    def has_one_for(self, uid: int) -> bool: ...
    async def ask_secret(
        self, owner_uid: int, connection_path: str, kind: str, hints: Hints, again: bool, stored: bool
    ) -> SecretAnswer: ...
    async def ask_trust(self, owner_uid: int, connection_path: str, certificate: Hints) -> Trust: ...
    async def ask_signature(self, owner_uid: int, connection_path: str, card: Hints, digest: str) -> Signed: ...
    async def save_secret(
        self, owner_uid: int, connection_path: str, kind: str, hints: Hints, secret: Secret
    ) -> None: ...
    async def forget_secrets(self, owner_uid: int, connection_path: str, kinds: Iterable[str]) -> bool: ...


class Authority(Protocol):
    """Who is a caller, and what may it do; NotAuthorized: nobody knows, or it may not."""

    async def uid_of(self, caller: str) -> int: ...
    async def check(self, caller: str, action: str, interactive: bool = True) -> None: ...


class RunningWorker(Protocol):
    """An attempt."""

    def stop(self, *, keep_address: bool = False) -> None: ...
    def check_carriers(self) -> None: ...
    def answer(self, answer: Signed | NotSigned) -> None: ...
    async def statistics(self) -> Statistics: ...


class WorkerStarter(Protocol):
    """Begins an attempt; OSError: it could not."""

    def __call__(
        self,
        tap_fd: int | None,
        start: Start | Examine,
        *,
        on_message: Callable[[WorkerMessage], None],
        on_end: Callable[[TunnelError, str], None],
    ) -> RunningWorker: ...


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """All of it.  Agents and authority are others after the bus was lost and found again; tunnels outlive that."""

    nics: Nics
    all_traffic: AllTraffic
    resolver: Resolver
    portal: Portal
    lockdown: Lockdown
    hooks: Hooks
    store: Store
    wanted: Wanted
    to_forget: ToForget
    provided: Callable[[], tuple[dict[str, ConnectionSettings | None], list[str]]]  # by the administrator
    agents: Agents
    authority: Authority
    start_worker: WorkerStarter
    examine: Callable[[], Awaitable[Machine]]
    history: History
    utc: Callable[[], float]  # seconds
