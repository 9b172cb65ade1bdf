"""What the helper's connections work with, in memory: NICs, store, agents, authority, workers, the bus."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tsunagu.authorities import Authorities
from tsunagu.control import (
    Errand,
    Established,
    Examine,
    HubsListed,
    Leased,
    NoLease,
    NoLeaseReason,
    NotSigned,
    PasswordChanged,
    Progress,
    Signed,
    Start,
)
from tsunagu.errors import (
    Cancelled,
    KeyringFailed,
    NoAgent,
    NoKeyring,
    NotAuthorized,
    StorageFailed,
    TunnelError,
    VpnError,
)
from tsunagu.model import ConnectionSettings, Lease, Secret, Session, Statistics
from tsunagu_helper.agents import SecretAnswer, Trust
from tsunagu_helper.connection import Connection
from tsunagu_helper.diagnosis import Machine
from tsunagu_helper.history import History
from tsunagu_helper.lease_policy import AddressPlan, Conflict, DnsPlan, Everything, Interface, Route
from tsunagu_helper.runner import Facts
from tsunagu_helper.store import StoredConnection
from tsunagu_helper.surroundings import Hints, Surroundings, WorkerMessage
from tsunagu_helper.to_forget import ToForget

NOW = 1000.0
ALICE, BOB, ADMIN, ROOT = ":0.1", ":0.2", ":0.3", ":0.4"  # callers, named as no real one is
UIDS = {ALICE: 1001, BOB: 1002, ADMIN: 1003, ROOT: 0}

SETTINGS = ConnectionSettings(name="Office", host="vpn.example.org", hub="DEMO", username="alice")
SESSION = Session(
    server_address="203.0.113.5",
    server_port=443,
    server_product="Test Server",
    server_version=501,
    server_build=9999,
    session_name="SID-ALICE-1",
    connection_name="CID-1",
    session_key="00" * 20,
    certificate="QUJD",
)
LEASE = Lease(address="192.168.77.23", prefix_length=24, server="192.168.77.1", lifetime_s=600)


async def settle() -> None:
    """Let everything happen that is waiting to happen."""
    for _ in range(50):
        await asyncio.sleep(0)


class FakeNic:
    """A NIC that only remembers."""

    def __init__(self, nics: "FakeNics", name: str, mac: str) -> None:
        self._nics = nics
        self.name, self.mac, self.fd, self.index = name, mac, 99, 7
        self.conflicts: list[Conflict] = []
        self.carrier = False
        self.plan: AddressPlan | None = None
        self.is_deleted = False

    @property
    def addresses(self) -> tuple[Interface, ...]:
        return self.plan.addresses if self.plan else ()

    def fault(self) -> str:
        return "another program has deleted it" if self.is_deleted else ""

    def set_carrier(self, up: bool) -> None:
        self.carrier = up

    async def apply(self, plan: AddressPlan) -> list[Conflict]:
        await asyncio.sleep(0)
        if self._nics.broken:
            raise self._nics.broken
        self.plan = plan
        return self.conflicts

    async def close(self) -> None:
        await asyncio.sleep(0)
        self._nics.open_ones.remove(self)


class FakeNics:
    """``broken``: what opening and changing NICs fails with."""

    def __init__(self) -> None:
        self.open_ones: list[FakeNic] = []
        self.broken: Exception | None = None

    async def open(self, name: str, mac: str) -> FakeNic:
        await asyncio.sleep(0)
        if self.broken:
            raise self.broken
        self.open_ones.append(nic := FakeNic(self, name, mac))
        return nic


class FakeAllTraffic:
    """``holder``: whose it is; ``wanted``: how it goes through that tunnel, None: it goes nowhere, or past it."""

    def __init__(self) -> None:
        self.holder = ""
        self.wanted: Everything | None = None
        self.is_blocked = False

    def claim(self, connection_id: str, name: str) -> None:
        if self.holder not in ("", connection_id):
            raise VpnError(f"All traffic goes through another tunnel already, not {name}")
        self.holder = connection_id

    async def apply(self, connection_id: str, index: int, routes: Iterable[Route], wanted: Everything) -> None:  # noqa: ARG002  # there is no kernel
        assert self.holder == connection_id
        self.wanted, self.is_blocked = wanted, False

    async def block(self, connection_id: str) -> None:
        if self.holder == connection_id and self.wanted:
            self.is_blocked = True

    async def release(self, connection_id: str) -> None:
        if self.holder == connection_id:
            self.holder, self.wanted, self.is_blocked = "", None, False


class FakeResolver:
    """``plans`` by NIC; ``broken``: what setting fails with."""

    def __init__(self) -> None:
        self.plans: dict[str, DnsPlan] = {}
        self.broken: VpnError | None = None

    async def apply(
        self,
        nic: str,
        index: int,  # noqa: ARG002  # there is no kernel
        plan: DnsPlan,
        told: Callable[[VpnError], None],  # noqa: ARG002  # nobody else writes there
    ) -> None:
        if self.broken:
            raise self.broken
        self.plans[nic] = plan

    async def clear(self, nic: str, index: int) -> None:  # noqa: ARG002  # there is no kernel
        self.plans.pop(nic, None)


class FakeLockdown:
    """``holders`` as the real one's; ``sealed``: where their servers were found."""

    def __init__(self) -> None:
        self.holders: dict[str, str] = {}
        self.sealed: dict[str, tuple[str, str]] = {}

    def why(self, connection_id: str) -> str:
        return f"until {self.holders[connection_id]} is disconnected" if connection_id in self.holders else ""

    def address_of(self, connection_id: str, host: str) -> str:
        found, address = self.sealed.get(connection_id, ("", ""))
        return address if found == host else ""

    async def seal(self, connection_id: str, host: str, address: str) -> None:
        self.sealed[connection_id] = host, address

    async def engage(self, connection_id: str, name: str, *, host: str, allow_lan: bool) -> None:  # noqa: ARG002  # no kernel
        self.holders[connection_id] = name

    async def lift(self, connection_id: str) -> None:
        self.holders.pop(connection_id, None)

    async def lift_all(self) -> None:
        self.holders.clear()


class FakeHooks:
    """Notes what hooks would be told."""

    def __init__(self) -> None:
        self.told: list[dict[str, str]] = []
        self.failure: VpnError | None = None
        self.hangs: asyncio.Task[None] | None = None

    def run(
        self, connection_id: str, environment: Mapping[str, str], told: Callable[[VpnError], None]
    ) -> asyncio.Task[None] | None:
        assert environment["TSUNAGU_ID"] == connection_id
        self.told.append({name.removeprefix("TSUNAGU_"): value for name, value in environment.items()})
        if self.failure:
            told(self.failure)
        return self.hangs

    @property
    def events(self) -> list[str]:
        return [told["EVENT"] for told in self.told]


class FakePortal:
    """None unless the test says so."""

    is_there = False

    async def stands(self) -> bool:
        return self.is_there


class FakeStore:
    """``is_full``: nothing can be written."""

    def __init__(self) -> None:
        self.connections: dict[str, StoredConnection] = {}
        self.owned_authorities: dict[int, Authorities] = {}
        self.is_full = False

    def load(self) -> dict[str, StoredConnection]:
        return dict(self.connections)

    def save(self, stored: StoredConnection) -> None:
        self._write()
        self.connections[stored.id] = stored

    def remove(self, connection_id: str) -> None:
        self._write()
        del self.connections[connection_id]

    def machine_id(self) -> str:
        return "0" * 32

    def authorities(self, owner: int) -> Authorities:
        return self.owned_authorities.get(owner, Authorities())

    def save_authorities(self, owner: int, authorities: Authorities) -> None:
        self._write()
        self.owned_authorities[owner] = authorities

    def _write(self) -> None:
        if self.is_full:
            raise StorageFailed("The disk is full")


class FakeWanted:
    """``ids`` None: the machine has just started."""

    def __init__(self) -> None:
        self.ids: frozenset[str] | None = None

    def restore(self) -> frozenset[str] | None:
        before, self.ids = self.ids, self.ids or frozenset()
        return before

    def remember(self, connection_id: str, wanted: bool) -> None:
        self.ids = (self.ids or frozenset()) - {connection_id} | ({connection_id} if wanted else frozenset())


class FakeToForget(ToForget):
    """Without a file."""

    def __init__(self) -> None:
        self._left = {}

    def _write(self) -> None:
        pass


@dataclass
class Question:
    """One that a person sees; ``answer`` is a future: set its result or exception."""

    owner: int
    path: str
    hints: Hints
    again: bool
    answer: "asyncio.Future[SecretAnswer | Trust | Signed]"


class FakeAgents:
    """``questions``: all that were asked, newest last; ``keyring``: what is in it, by path and kind."""

    def __init__(self) -> None:
        self.registered: dict[str, int] = {}
        self.questions: list[Question] = []
        self.has_keyring = False
        self.is_locked = False  # and nobody unlocks it
        self.is_broken = False
        self.keyring: dict[tuple[str, str], Secret] = {}
        self.on_registered: Callable[[int], None] = lambda _: None

    @property
    def open_questions(self) -> list[Question]:
        return [question for question in self.questions if not question.answer.done()]

    def register(self, caller: str, uid: int, path: str) -> None:  # noqa: ARG002  # there is no object to call
        self.registered[caller] = uid
        self.on_registered(uid)

    def unregister(self, caller: str) -> None:
        del self.registered[caller]

    def has_one_for(self, uid: int) -> bool:
        return bool({0, uid} & set(self.registered.values()))

    async def ask_secret(
        self, owner_uid: int, connection_path: str, kind: str, hints: Hints, again: bool, stored: bool
    ) -> SecretAnswer:
        assert kind in ("password", "proxy_password")
        if stored and (kept := self.keyring.get((connection_path, kind))):
            return SecretAnswer(kept, save=True, stored=True)
        answer = await self._ask(owner_uid, connection_path, hints, again)
        assert isinstance(answer, SecretAnswer)
        return answer

    async def ask_trust(self, owner_uid: int, connection_path: str, certificate: Hints) -> Trust:
        answer = await self._ask(owner_uid, connection_path, certificate, again=False)
        assert isinstance(answer, str)
        return answer

    async def ask_signature(self, owner_uid: int, connection_path: str, card: Hints, digest: str) -> Signed:
        answer = await self._ask(owner_uid, connection_path, {**card, "digest": digest}, again=False)
        assert isinstance(answer, Signed)
        return answer

    async def save_secret(self, owner_uid: int, connection_path: str, kind: str, hints: Hints, secret: Secret) -> None:
        await asyncio.sleep(0)
        if owner_uid not in self.registered.values():
            raise NoAgent("Nobody is there")
        if not self.has_keyring:
            raise NoKeyring("Nobody has a keyring")
        if self.is_broken:
            raise KeyringFailed("The keyring is broken")
        if self.is_locked:
            raise Cancelled("The question was declined")
        assert hints["username"]
        self.keyring[connection_path, kind] = secret

    async def forget_secrets(self, owner_uid: int, connection_path: str, kinds: Iterable[str]) -> bool:
        await asyncio.sleep(0)
        if self.is_broken or self.is_locked or owner_uid not in self.registered.values():
            return False
        for kind in kinds:
            self.keyring.pop((connection_path, kind), None)
        return True

    async def _ask(self, owner: int, path: str, hints: Hints, again: bool) -> SecretAnswer | Trust | Signed:
        if not {0, owner} & set(self.registered.values()):
            raise NoAgent("Nobody is there to ask")
        question = Question(owner, path, hints, again, asyncio.get_running_loop().create_future())
        self.questions.append(question)
        return await question.answer


class FakeAuthority:
    """Lets ``ADMIN`` control the connections of others, and everybody their own; ``denied``: pairs it says no to."""

    def __init__(self) -> None:
        self.denied: set[tuple[str, str]] = set()
        self.asked: list[tuple[str, str]] = []
        self.has_prompted = False

    async def uid_of(self, caller: str) -> int:
        await asyncio.sleep(0)
        if caller not in UIDS:
            raise NotAuthorized("The caller is not on the bus any longer")
        return UIDS[caller]

    async def check(self, caller: str, action: str, interactive: bool = True) -> None:
        self.asked.append((caller, action))
        self.has_prompted |= interactive
        uid = await self.uid_of(caller)
        is_admins = action.endswith(("-others", "-system", "-machine"))
        if uid and ((caller, action) in self.denied or (is_admins and caller != ADMIN)):
            raise NotAuthorized("You may not do this")


class FakeWorker:
    """Says what the test has it say; leaves when stopped, unless ``is_stubborn``."""

    def __init__(
        self,
        start: Start,
        on_message: Callable[[WorkerMessage], None],
        on_end: Callable[[TunnelError, str], None],
    ) -> None:
        self.start, self.say, self._on_end = start, on_message, on_end
        self.is_running, self.is_stubborn = True, False
        self.has_kept_address: bool | None = None
        self.checks = 0
        self.answers: list[Signed | NotSigned] = []

    def establish(self, session: Session = SESSION) -> None:
        self.say(Established(session=session))

    def lease(self, lease: Lease = LEASE) -> None:
        self.say(Leased(lease=lease))

    def miss_lease(self, reason: NoLeaseReason = NoLeaseReason.SILENCE) -> None:
        self.say(NoLease(reason=reason))

    def progress(self, progress: Progress) -> None:
        self.say(progress)

    def fail(self, code: int, certificate: str = "") -> None:
        assert self.is_running
        self.is_running = False
        self._on_end(TunnelError(code), certificate)

    def do_errand(self, refused: int) -> None:
        if not refused:
            self.say(_BROUGHT[self.start.errand])
        self.fail(refused or 6, "REVS" if refused == 85 else "")

    def answer(self, answer: Signed | NotSigned) -> None:
        self.answers.append(answer)

    def check_carriers(self) -> None:
        self.checks += 1

    def stop(self, *, keep_address: bool = False) -> None:
        self.has_kept_address = keep_address
        if not self.is_stubborn:
            asyncio.get_running_loop().call_soon(self.fail, 6)

    async def statistics(self) -> Statistics:
        if self.is_stubborn:
            raise TimeoutError
        return Statistics(carriers=1, wire_sent_octets=100)


_BROUGHT: dict[Errand, WorkerMessage] = {
    Errand.TRIAL: Established(session=SESSION),
    Errand.HUBS: HubsListed(hubs=("LAB", "STAFF")),
    Errand.PASSWORD: PasswordChanged(),
}


class FakeWorkers:
    """``started``: all of them, newest last; ``broken``: what starting one fails with;
    ``errand_refused``: the code that an errand ends with.
    """

    def __init__(self) -> None:
        self.started: list[FakeWorker] = []
        self.broken: Exception | None = None
        self.errand_refused = 0

    @property
    def running(self) -> list[FakeWorker]:
        return [worker for worker in self.started if worker.is_running]

    @property
    def newest(self) -> FakeWorker:
        return self.started[-1]

    def __call__(
        self,
        tap_fd: int | None,
        start: Start | Examine,
        *,
        on_message: Callable[[WorkerMessage], None],
        on_end: Callable[[TunnelError, str], None],
    ) -> FakeWorker:
        assert isinstance(start, Start)
        is_errand = start.errand is not Errand.SESSION
        assert tap_fd == (None if is_errand else 99)
        if self.broken:
            raise self.broken
        self.started.append(worker := FakeWorker(start, on_message, on_end))
        if is_errand:
            asyncio.get_running_loop().call_soon(worker.do_errand, self.errand_refused)
        return worker


@dataclass
class FakeListener:
    """What the bus would show."""

    shown: dict[str, tuple[Connection, Facts]] = field(default_factory=dict)
    owners: dict[str, int] = field(default_factory=dict)
    locks: list[bool] = field(default_factory=list)

    def added(self, connection_id: str, owner: int, connection: Connection, facts: Facts) -> None:
        assert connection_id not in self.shown
        self.shown[connection_id], self.owners[connection_id] = (connection, facts), owner

    def changed(self, connection_id: str, connection: Connection, facts: Facts) -> None:
        assert connection_id in self.shown
        self.shown[connection_id] = connection, facts

    def removed(self, connection_id: str) -> None:
        del self.shown[connection_id]

    def lock_changed(self, is_locked: bool) -> None:
        self.locks.append(is_locked)


@dataclass
class FakeWorld:
    """All of it."""

    nics: FakeNics = field(default_factory=FakeNics)
    all_traffic: FakeAllTraffic = field(default_factory=FakeAllTraffic)
    lockdown: FakeLockdown = field(default_factory=FakeLockdown)
    resolver: FakeResolver = field(default_factory=FakeResolver)
    portal: FakePortal = field(default_factory=FakePortal)
    hooks: FakeHooks = field(default_factory=FakeHooks)
    store: FakeStore = field(default_factory=FakeStore)
    wanted: FakeWanted = field(default_factory=FakeWanted)
    to_forget: FakeToForget = field(default_factory=FakeToForget)
    provided: dict[str, ConnectionSettings | None] = field(default_factory=dict)
    agents: FakeAgents = field(default_factory=FakeAgents)
    authority: FakeAuthority = field(default_factory=FakeAuthority)
    workers: FakeWorkers = field(default_factory=FakeWorkers)
    listener: FakeListener = field(default_factory=FakeListener)
    history: History = field(default_factory=History)
    machine: Machine = field(default_factory=Machine)

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(
            nics=self.nics,
            all_traffic=self.all_traffic,
            resolver=self.resolver,
            portal=self.portal,
            lockdown=self.lockdown,
            hooks=self.hooks,
            store=self.store,
            wanted=self.wanted,
            to_forget=self.to_forget,
            provided=lambda: (dict(self.provided), []),
            agents=self.agents,
            authority=self.authority,
            start_worker=self.workers,
            examine=self._examine,
            history=self.history,
            utc=lambda: NOW,
        )

    async def _examine(self) -> Machine:
        return self.machine

    @property
    def told(self) -> list[str]:
        """The history's sentences."""
        return [entry.text for entry in self.history.newest(500, owner=None)]


def broken_nic() -> VpnError:
    """What a machine without /dev/net/tun says."""
    return TunnelError(31, "/dev/net/tun is missing")
