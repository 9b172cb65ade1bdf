"""What the bus classes call: all connections, and who may do what with them.  Has never heard of D-Bus.

A caller is a unique name on the bus; the authority knows the user behind it.  Who may: the owner and root, and others
whom the authority lets control other users' connections without a question.  For everybody else they do not exist: the
answer is the same for what is not there and for what is not theirs.

What belongs to root is everybody's: all may use it, and only administrators change it.  So it is with settings that
reach everybody on the machine.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from secrets import token_bytes, token_hex
from typing import Protocol

from tsunagu.authorities import Authorities
from tsunagu.bus_names import (
    ACTION_CONTROL,
    ACTION_CONTROL_OTHERS,
    ACTION_EDIT,
    ACTION_EDIT_MACHINE,
    ACTION_EDIT_SYSTEM,
)
from tsunagu.control import Start
from tsunagu.errors import AlreadyExists, InvalidSettings, NotAuthorized, NotFound, StorageFailed, VpnError
from tsunagu.finding import Finding
from tsunagu.model import NO_SECRETS, AuthType, ConnectionSettings, Secret, SecretKind, Secrets
from tsunagu_helper.connection import Connection
from tsunagu_helper.diagnosis import findings
from tsunagu_helper.errand import Trial, list_hubs, try_log_in
from tsunagu_helper.events import (
    AgentAppeared,
    CertificatePinned,
    ConnectAsked,
    DisconnectAsked,
    GoingToSleep,
    NetworkChanged,
    RemoveAsked,
    SecretsSet,
    SettingsChanged,
    Woke,
)
from tsunagu_helper.history import Entry, one_line
from tsunagu_helper.keyring import Keyring, forget_what_is_left, left, listed
from tsunagu_helper.nic_list import NicSeen, names_taken, nic_list
from tsunagu_helper.reach import reach
from tsunagu_helper.runner import Facts, Runner
from tsunagu_helper.status import Plain, status
from tsunagu_helper.store import StoredConnection
from tsunagu_helper.surroundings import Surroundings

LOG = logging.getLogger(__name__)

MAX_CONNECTIONS = 100  # of one user
MAX_ERRANDS = 4  # of one user at a time
SHUTDOWN_S = 6  # longer than a worker's last chance


class Listener(Protocol):
    """Who shows the connections to the world."""

    def added(self, connection_id: str, owner: int, connection: Connection, facts: Facts) -> None: ...
    def changed(self, connection_id: str, connection: Connection, facts: Facts) -> None: ...
    def removed(self, connection_id: str) -> None: ...
    def lock_changed(self, is_locked: bool) -> None: ...


class ConnectionService:
    """All connections."""

    def __init__(self, surroundings: Surroundings, listener: Listener) -> None:
        self._around = surroundings
        self._listener = listener
        self._runners: dict[str, Runner] = {}
        self._errands: Counter[int] = Counter()  # under way, by user
        self._forgetting: set[asyncio.Task[None]] = set()
        self.problems: list[str] = []  # with what the administrator provides; a sentence each

    def load(self) -> None:
        """Take over what is on disk; what was wanted before a crash, or from the machine's start on, connects."""
        self._tell_lock()
        wanted = self._around.wanted.restore()
        for stored in self._with_provided(self._around.store.load()):
            self._run(stored)
            self._announce(stored.id)
            self._around.to_forget.strike(stored.owner, stored.id, stored.in_keyring)  # a crash came before the removal
            if stored.settings.connect_at_start if wanted is None else stored.id in wanted:
                self._runners[stored.id].post(ConnectAsked())

    def _with_provided(self, loaded: dict[str, StoredConnection]) -> list[StoredConnection]:
        """What is on disk, with the administrator's settings of today in their places."""
        provided, problems = self._around.provided()
        everything = {one.id: one for one in loaded.values() if not one.locked}
        for connection_id, settings in provided.items():
            known = loaded.get(connection_id)
            if known and not known.locked:
                problems.append(f"A connection of the administrator's is not provided: {connection_id} is taken")
            elif settings:
                stored = _as_provided(connection_id, settings, known, names_taken(loaded.values()))
                everything[connection_id] = loaded[connection_id] = stored
                if stored != known:
                    self._around.store.save(stored)
        for one in list(loaded.values()):
            if one.locked and one.id not in provided:
                self._around.store.remove(one.id)
        for problem in problems:
            LOG.error("%s", problem)
        self.problems = problems
        return list(everything.values())

    async def shutdown(self) -> None:
        """Log off all tunnels, undo all NICs; in bounded time."""
        for runner in self._runners.values():
            runner.post(RemoveAsked())
        try:
            async with asyncio.timeout(SHUTDOWN_S):
                for runner in self._runners.values():
                    await runner.left.wait()
        except TimeoutError:
            LOG.error("Not all connections could be ended in time")

    # -- the machine --------------------------------------------------------------------------------------------------

    async def sleep(self) -> None:
        """Return when all connections have logged off."""

        async def log_off(runner: Runner) -> None:
            await runner.tell(GoingToSleep())
            await runner.settled.wait()

        await asyncio.gather(*map(log_off, self._runners.values()))

    def wake(self, is_online: bool) -> None:
        """The machine runs again."""
        for runner in self._runners.values():
            runner.post(Woke(is_online))

    def network_changed(self, has_gained: bool) -> None:
        """Below the tunnels."""
        for runner in self._runners.values():
            runner.post(NetworkChanged(has_gained))

    def look_at_nics(self) -> None:
        """Something has become of ours."""
        for runner in self._runners.values():
            runner.look_at_nic()

    def user_gone(self, uid: int) -> None:
        """The last session of this user has ended."""
        for runner in self._runners.values():
            if runner.stored.owner == uid and runner.stored.settings.disconnect_at_logout:
                runner.post(DisconnectAsked())

    # -- the list -----------------------------------------------------------------------------------------------------

    async def add(self, settings: ConnectionSettings, secrets: Mapping[str, Secret], caller: str) -> str:
        """Keep a new connection for the caller; returns its id."""
        owner = await self._around.authority.uid_of(caller)
        await self._around.authority.check(caller, ACTION_EDIT)
        await self._check_reach(settings, None, caller)
        _check_given(settings)
        self._check_name(settings.name, owner)
        self._check_interface(settings.interface, owner)
        if sum(runner.stored.owner == owner for runner in self._runners.values()) >= MAX_CONNECTIONS:
            raise VpnError(f"{MAX_CONNECTIONS} connections are kept for you already; remove one first")
        NO_SECRETS.updated(secrets)  # refuses what is none
        connection_id = token_hex(4)
        keyring = Keyring(self._around.agents, self._around.to_forget, owner, connection_id)
        taken = await keyring.take(settings, secrets)
        self._check_name(settings.name, owner)  # again: a person may have been asked
        stored = StoredConnection(
            id=connection_id,
            settings=settings,
            owner=owner,
            interface=_free_interface(names_taken(runner.stored for runner in self._runners.values())),
            mac=_random_mac(),
            secrets=NO_SECRETS.updated(left(secrets, taken)),
            in_keyring=listed(taken),
        )
        self._around.store.save(stored)
        self._run(stored)
        self._announce(stored.id)
        return stored.id

    async def remove(self, connection_id: str, caller: str) -> None:
        """Disconnect and forget it."""
        runner = await self._authorized(connection_id, caller, ACTION_EDIT)
        _check_unlocked(runner)
        await runner.tell(RemoveAsked())
        await runner.left.wait()
        if self._runners.get(connection_id) is not runner:
            return  # somebody else was faster
        runner.keyring.is_to_forget()  # first: after a crash there is nothing else to know it by
        try:
            self._around.store.remove(connection_id)
        except StorageFailed:
            self._around.to_forget.strike(runner.stored.owner, connection_id, runner.stored.in_keyring)
            self._run(runner.stored)  # it is still on disk, so it is still there
            self._changed(connection_id)
            raise
        self._around.wanted.remember(connection_id, wanted=False)
        await self._around.lockdown.lift(connection_id)
        self._tell_lock()
        del self._runners[connection_id]
        self._listener.removed(connection_id)
        await runner.keyring.forget()

    async def update(self, connection_id: str, settings: ConnectionSettings, caller: str) -> None:
        """Change its settings, from the next attempt on."""
        runner = await self._authorized(connection_id, caller, ACTION_EDIT)
        _check_unlocked(runner)
        await self._check_reach(settings, runner.stored, caller)
        _check_given(settings)
        self._check_there(connection_id, runner)
        self._check_name(settings.name, runner.stored.owner, besides=runner)
        if settings.interface != runner.stored.settings.interface:
            self._check_interface(settings.interface, runner.stored.owner, besides=runner)
        before = runner.stored.settings
        if settings.card_module != before.card_module:
            await self._check_card(runner.stored, caller)
        if settings.host != before.host and settings.server_fingerprint == before.server_fingerprint:
            settings = replace(settings, server_fingerprint="")  # it was another server's
        runner.keep(replace(runner.stored, settings=settings))
        await runner.tell(SettingsChanged(settings))
        if not settings.nic_enabled:
            await self._end(connection_id, runner)

    async def settings(self, connection_id: str, caller: str) -> ConnectionSettings:
        """Its settings."""
        return (await self._authorized(connection_id, caller)).stored.settings

    async def set_secrets(self, connection_id: str, changes: Mapping[str, Secret], caller: str) -> None:
        """Keep these in the place of those of the same names; an empty one is forgotten."""
        runner = await self._authorized(connection_id, caller, ACTION_EDIT)
        runner.stored.secrets.updated(changes)  # refuses what is none
        taken = await runner.keyring.take(runner.stored.settings, changes)
        self._check_there(connection_id, runner)
        before = frozenset(runner.stored.in_keyring)
        stale = before & Secrets.kinds(changes) - taken
        kept = runner.stored.secrets.updated(left(changes, taken))
        runner.keep(replace(runner.stored, secrets=kept, in_keyring=listed(before - stale | taken)))
        await runner.tell(SecretsSet(changes, taken))
        if stale:
            await runner.keyring.forget(stale)

    async def change_password(self, connection_id: str, old: Secret, new: Secret, caller: str) -> None:
        """Have the server know the user by another password; one that is kept here is replaced."""
        runner = await self._authorized(connection_id, caller, ACTION_EDIT)
        for secret in (old, new) if old.value else (new,):  # what the server knows may be empty
            Secrets(password=secret)  # refuses what no password can be
        await runner.change_password(old, new)

    async def trust_certificate(self, connection_id: str, fingerprint: str, caller: str) -> None:
        """Accept the server's certificate with this SHA-256 fingerprint from now on."""
        runner = await self._authorized(connection_id, caller, ACTION_EDIT)
        settings = replace(runner.stored.settings, server_fingerprint=fingerprint.replace(":", "").lower())
        runner.keep(replace(runner.stored, settings=settings))
        await runner.tell(CertificatePinned(settings.server_fingerprint))

    # -- errands: nothing is stored, no NIC is touched ----------------------------------------------------------------

    async def list_hubs(
        self, settings: ConnectionSettings, secrets: Mapping[str, Secret], like: str, caller: str
    ) -> list[str]:
        """The virtual hubs that the server of these settings names to everybody; ``like``: see ``TryLogIn``."""
        uid, start = await self._errand(settings, secrets, like, caller)
        with self._one_errand_of(uid):
            return [one_line(name) for name in await list_hubs(start, self._around.start_worker)]

    async def try_log_in(
        self, settings: ConnectionSettings, secrets: Mapping[str, Secret], like: str, caller: str
    ) -> Trial:
        """Log in as these settings say and leave at once; secrets that are not given are those kept for ``like``."""
        if settings.auth is AuthType.SMART_CARD:
            raise InvalidSettings(
                "A log-in with a smart card cannot be tried beforehand; save the connection and connect"
            )
        uid, start = await self._errand(settings, secrets, like, caller)
        with self._one_errand_of(uid):
            return await try_log_in(start, self._around.start_worker)

    async def _errand(
        self, settings: ConnectionSettings, changes: Mapping[str, Secret], like: str, caller: str
    ) -> tuple[int, Start]:
        """Who may have others' secrets used with settings of their own may as well change those of the connection."""
        _check_given(settings)
        uid = await self._around.authority.uid_of(caller)
        kept = NO_SECRETS
        if like:
            runner = await self._authorized(like, caller, ACTION_EDIT)
            _check_unlocked(runner)
            kept = runner.stored.secrets
            if uid == runner.stored.owner:
                kept = kept.updated(await _found_in_keyring(runner, settings, changes))
            if settings.proxy != runner.stored.settings.proxy:
                kept = replace(kept, proxy_password=None)
        else:
            await self._around.authority.check(caller, ACTION_EDIT)
        start = Start(
            settings=replace(settings, foreign="", udp_acceleration=False),
            secrets=Connection(settings=settings, secrets=kept.updated(changes)).secrets_to_try,
            mac="",
            accepted_fingerprint=settings.server_fingerprint,
            authorities=self._around.store.authorities(uid).pem,
            machine_id=self._around.store.machine_id(),
        )
        return uid, start

    @contextmanager
    def _one_errand_of(self, uid: int) -> Iterator[None]:
        if self._errands[uid] >= MAX_ERRANDS:
            raise VpnError(f"{MAX_ERRANDS} servers are being asked for you already; wait until that is done")
        self._errands[uid] += 1
        try:
            yield
        finally:
            self._errands[uid] -= 1

    # -- authorities of the caller's own ----------------------------------------------------------------------------

    async def authorities(self, caller: str) -> Authorities:
        """Those that vouch for the servers of the caller's connections, beside the system's."""
        return self._around.store.authorities(await self._around.authority.uid_of(caller))

    async def add_authorities(self, pem: str, caller: str) -> None:
        """Let these vouch too, from the next attempts on."""
        await self._change_authorities(lambda kept: kept.having(pem), caller)

    async def remove_authority(self, sha256: str, caller: str) -> None:
        """Let the one with this fingerprint vouch no more, from the next attempts on."""
        await self._change_authorities(lambda kept: kept.without(sha256), caller)

    async def _change_authorities(self, change: Callable[[Authorities], Authorities], caller: str) -> None:
        owner = await self._around.authority.uid_of(caller)
        await self._around.authority.check(caller, ACTION_EDIT)
        self._around.store.save_authorities(owner, change(self._around.store.authorities(owner)))

    # -- tunnels ------------------------------------------------------------------------------------------------------

    async def connect(self, connection_id: str, caller: str) -> None:
        """Begin to connect; what comes of it shows in the connection's state."""
        runner = await self._authorized(connection_id, caller, ACTION_CONTROL)
        runner.person = runner.stored.owner or await self._around.authority.uid_of(caller)
        await runner.tell(ConnectAsked())

    async def disconnect(self, connection_id: str, caller: str) -> None:
        """Log off; returns when nothing of the tunnel stands any more (S51: in bounded time)."""
        runner = await self._authorized(connection_id, caller, ACTION_CONTROL)
        await self._end(connection_id, runner)

    async def _end(self, connection_id: str, runner: Runner) -> None:
        await runner.tell(DisconnectAsked())
        await runner.settled.wait()
        await self._around.lockdown.lift(connection_id)
        self._tell_lock()

    async def unblock(self, caller: str) -> None:
        """Lift every kill switch, until a connection that has one is asked to connect again."""
        for connection_id in [*self._around.lockdown.holders]:
            if connection_id in self._runners:
                await self._authorized(connection_id, caller, ACTION_CONTROL)
        await self._around.authority.check(caller, ACTION_CONTROL)
        await self._around.lockdown.lift_all()
        self._tell_lock()

    async def status(self, connection_id: str, caller: str) -> dict[str, Plain]:
        """The fields of the status window."""
        runner = await self._authorized(connection_id, caller)
        uid = await self._around.authority.uid_of(caller)
        statistics = await runner.statistics()
        blocked = self._around.lockdown.why(connection_id)
        shown = status(runner.connection, runner.facts, statistics, blocked=blocked)
        if uid not in (0, runner.stored.owner):
            shown["session_key"] = ""  # whoever knows it can join the session, from anywhere
        return shown

    async def certificate(self, connection_id: str, caller: str) -> str:
        """The last certificate of the server that was seen, DER in base64."""
        return (await self._authorized(connection_id, caller)).connection.certificate

    async def nics(self, caller: str) -> list[NicSeen]:
        """Those of the connections that the caller may know of."""
        uid = await self.sight_of(caller)
        return nic_list(one for one in self._runners.values() if uid is None or one.stored.owner in (0, uid))

    # -- the caller's own ---------------------------------------------------------------------------------------------

    async def events(self, limit: int, caller: str) -> list[Entry]:
        """What happened to the caller's connections (root: to all), newest last."""
        uid = await self._around.authority.uid_of(caller)
        return self._around.history.newest(limit, owner=None if uid == 0 else uid)

    async def diagnose(self, caller: str) -> list[Finding]:
        """What is wrong with the machine and how to mend it, and what is good to know; the worst first."""
        uid = await self._around.authority.uid_of(caller)
        await self._around.authority.check(caller, ACTION_CONTROL)
        machine = await self._around.examine()
        has_agent = uid == 0 or self._around.agents.has_one_for(uid)
        return findings(replace(machine, has_agent=has_agent, unused=(*machine.unused, *self.problems)))

    async def register_agent(self, path: str, caller: str) -> None:
        """Ask the caller's person from now on."""
        self._around.agents.register(caller, await self._around.authority.uid_of(caller), path)

    def agent_registered(self, uid: int) -> None:
        """What could not be asked so far is asked now; called by the agents."""
        for runner in self._runners.values():
            if uid in (0, runner.person):
                runner.post(AgentAppeared())
        if self._around.to_forget.of(uid):
            task = asyncio.create_task(forget_what_is_left(self._around.agents, self._around.to_forget, uid))
            self._forgetting.add(task)
            task.add_done_callback(self._forgetting.discard)

    async def unregister_agent(self, caller: str) -> None:
        """Ask it no more."""
        self._around.agents.unregister(caller)

    async def sight_of(self, caller: str) -> int | None:
        """The user whose connections the caller may know of; None: everybody's."""
        uid = await self._around.authority.uid_of(caller)
        if uid == 0:
            return None
        try:
            # Whoever only looks, perhaps every second, is not to be asked for an administrator's password.
            await self._around.authority.check(caller, ACTION_CONTROL_OTHERS, interactive=False)
        except NotAuthorized:
            return uid
        return None

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _authorized(self, connection_id: str, caller: str, action: str | None = None) -> Runner:
        """The connection, if the caller may do this with it (None: read)."""
        runner = self._runners.get(connection_id)
        uid = await self._around.authority.uid_of(caller)
        is_everybodys = runner is not None and runner.stored.owner == 0
        is_own = runner is not None and uid in (0, runner.stored.owner)
        if runner is None or not (is_own or is_everybodys or await self.sight_of(caller) is None):
            raise NotFound("There is no such connection")
        if is_everybodys and action == ACTION_EDIT:
            await self._around.authority.check(caller, ACTION_EDIT_SYSTEM)
        elif (is_own or is_everybodys) and action:
            await self._around.authority.check(caller, action)
        self._check_there(connection_id, runner)
        return runner

    def _check_there(self, connection_id: str, runner: Runner) -> None:
        """Asking takes its time, in which somebody may remove it."""
        if self._runners.get(connection_id) is not runner:
            raise NotFound("There is no such connection any more")

    def _run(self, stored: StoredConnection) -> None:
        self._runners[stored.id] = Runner(stored, self._around, lambda: self._changed(stored.id))

    def _announce(self, connection_id: str) -> None:
        runner = self._runners[connection_id]
        self._listener.added(connection_id, runner.stored.owner, runner.connection, runner.facts)

    def _tell_lock(self) -> None:
        """Whether a kill switch is on now."""
        self._listener.lock_changed(bool(self._around.lockdown.holders))

    def _changed(self, connection_id: str) -> None:
        self._tell_lock()
        runner = self._runners[connection_id]
        self._listener.changed(connection_id, runner.connection, runner.facts)

    def _check_name(self, name: str, owner: int, besides: Runner | None = None) -> None:
        for runner in self._runners.values():
            if runner is besides or runner.stored.owner not in (0, owner):
                continue
            if runner.stored.settings.name.casefold() == name.casefold():
                raise AlreadyExists(f"There is a connection named {runner.stored.settings.name} already")

    async def _check_card(self, stored: StoredConnection, caller: str) -> None:
        """The program library of a smart card runs as the connection's owner."""
        if await self._around.authority.uid_of(caller) not in (0, stored.owner):
            raise NotAuthorized("Only its owner may choose the smart card's module, because it runs as that person")

    def _check_interface(self, name: str, owner: int, besides: Runner | None = None) -> None:
        """A connection's own NIC is nobody else's, and one that a person has named no other person's.

        Or one of them could keep the other from connecting.
        """
        others = [runner.stored for runner in self._runners.values() if runner is not besides]
        if any(
            name == other.interface or (name and name == other.settings.interface and owner != other.owner)
            for other in others
        ):
            raise AlreadyExists(f"The network adapter {name} is another connection's own; choose another name")

    async def _check_reach(self, settings: ConnectionSettings, before: StoredConnection | None, caller: str) -> None:
        """Of what is everybody's only administrators have come this far."""
        is_everybodys = before is not None and before.owner == 0
        known = reach(before.settings) if before else frozenset()
        if not is_everybodys and reach(settings) - known:
            await self._around.authority.check(caller, ACTION_EDIT_MACHINE)


def _check_given(settings: ConnectionSettings) -> None:
    """What a person gives has to be right, beyond what has to be right in files that are there already."""
    if settings.proxy:
        settings.proxy.check_username()


async def _found_in_keyring(
    runner: Runner, settings: ConnectionSettings, given: Mapping[str, Secret]
) -> dict[str, Secret]:
    """The owner's passwords of a connection, as far as these settings need them and they are not given."""
    needed = [SecretKind.PASSWORD] * Connection(settings=settings).uses_password
    needed += [SecretKind.PROXY_PASSWORD] * (settings.proxy == runner.stored.settings.proxy)
    missing = [kind for kind in needed if kind in runner.stored.in_keyring and not Secrets.kinds(given) & {kind}]
    return {kind.value: await runner.keyring.find(runner.stored.settings, kind) for kind in missing}


def _check_unlocked(runner: Runner) -> None:
    if runner.stored.locked:
        raise NotAuthorized(
            "The administrator of this machine provides this connection, so it can be used, but not changed or removed"
        )


def _as_provided(
    connection_id: str, settings: ConnectionSettings, known: StoredConnection | None, taken: set[str]
) -> StoredConnection:
    """The administrator's settings with what was added to them here: NIC, secrets, a certificate that was accepted."""
    if known is None:
        return StoredConnection(
            id=connection_id,
            settings=settings,
            owner=0,
            interface=_free_interface(taken),
            mac=_random_mac(),
            locked=True,
        )
    if not settings.server_fingerprint and settings.host == known.settings.host:
        settings = replace(settings, server_fingerprint=known.settings.server_fingerprint)
    return replace(known, settings=settings)


def _free_interface(names: Iterable[str]) -> str:
    taken = {*names}
    return next(name for name in (f"tsunagu{number}" for number in range(len(taken) + 1)) if name not in taken)


def _random_mac() -> str:
    """Locally administered, unicast; begins as the reference client's do."""
    return ":".join(f"{octet:02x}" for octet in (0x5E, *token_bytes(5)))
