"""Carries out what ``step`` decides for one connection, and feeds what comes of it back as events, one at a time."""

import asyncio
import base64
import contextlib
import hashlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace

from tsunagu.bus_names import connection_path
from tsunagu.control import Established, Leased, NeedSignature, NoLease, NotSigned, Progress, Signed, Start
from tsunagu.errors import Cancelled, NoAgent, TunnelError, VpnError
from tsunagu.model import (
    ConnectionSettings,
    HashedPassword,
    Lease,
    Routing,
    Secret,
    SecretKind,
    Secrets,
    State,
    Statistics,
)
from tsunagu.sha0 import hash_password
from tsunagu_helper.commands import (
    ApplyLease,
    AskSecret,
    AskTrust,
    CancelQuestion,
    CancelWait,
    CheckCarriers,
    ClearAddresses,
    CloseNic,
    Command,
    ForgetSecret,
    KeepLogin,
    KeepSecrets,
    Leave,
    OfferSecret,
    OpenNic,
    PinCertificate,
    SealLockdown,
    SetCarrier,
    StartWorker,
    StopWorker,
    Tell,
    WaitFor,
)
from tsunagu_helper.connection import Connection, step
from tsunagu_helper.errand import change_password
from tsunagu_helper.events import (
    Event,
    GotLease,
    LeaseMissing,
    LeaseUnusable,
    NobodyToAsk,
    PasswordReplaced,
    PhaseReached,
    QuestionRefused,
    RetryDue,
    SecretGiven,
    SecretOffered,
    TrustGiven,
    TunnelUp,
    WorkerEnded,
)
from tsunagu_helper.history import Entry
from tsunagu_helper.journal import ABOUT
from tsunagu_helper.keyring import Keyring, forget_what_is_left, hints, listed
from tsunagu_helper.lease_policy import AddressPlan, DnsPlan, link_local_address, plan, without_lease
from tsunagu_helper.occasion import Occasion, environment, is_parting, occasion
from tsunagu_helper.portal import explained, may_explain
from tsunagu_helper.store import StoredConnection
from tsunagu_helper.surroundings import Nic, RunningWorker, Surroundings, WorkerMessage

LOG = logging.getLogger(__name__)

NIC_FAILED, NIC_DISABLED = 22, 44  # of the error table
PARTING_S = 5  # that a disconnect waits for hooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What stands in the system for a connection."""

    interface: str = ""  # "": there is no NIC
    addresses: tuple[str, ...] = ()  # with prefix length
    routes: tuple[str, ...] = ()  # "192.168.0.0/16 via 192.168.77.1"
    dns: tuple[str, ...] = ()  # servers


class Runner:
    """One connection's life.  ``stored`` is what is on disk, ``connection`` what is decided, ``facts`` what stands."""

    def __init__(self, stored: StoredConnection, surroundings: Surroundings, on_change: Callable[[], None]) -> None:
        self.stored = stored
        self.connection = Connection(
            settings=stored.settings, secrets=stored.secrets, in_keyring=frozenset(stored.in_keyring)
        )
        self.facts = Facts()
        self.person = stored.owner  # whom to ask for secrets; of what is everybody's, whoever connected it
        self.left = asyncio.Event()  # no more events, nothing of it stands
        self.settled = asyncio.Event()  # not STOPPING
        self.settled.set()
        self._around = surroundings
        self._on_change = on_change
        self._nic: Nic | None = None
        self._dialed = ""  # the name that the present or last attempt began with: the server's, or its proxy's
        self._reached = ("", "")  # such a name, and the address it was reached at
        self._worker: RunningWorker | None = None
        self._changes_password = False
        self._timer: asyncio.TimerHandle | None = None
        self._question: asyncio.Task[None] | None = None
        self._explanation: asyncio.Task[None] | None = None
        self._signature: asyncio.Task[None] | None = None
        self._in_keyring: set[asyncio.Task[None]] = set()  # what is said to it at the moment
        self._events: asyncio.Queue[tuple[Event, asyncio.Future[None] | None]] = asyncio.Queue()
        self._task = asyncio.create_task(self._run(), name=f"connection {stored.id}")

    def post(self, event: Event) -> None:
        """Something has happened."""
        self._events.put_nowait((event, None))

    async def tell(self, event: Event) -> None:
        """Something has happened; return when all that follows from it at once is done."""
        if not self._task.done():
            done = asyncio.get_running_loop().create_future()
            self._events.put_nowait((event, done))
            await done

    def keep(self, stored: StoredConnection) -> None:
        """Have this on disk from now on.

        Raises:
            StorageFailed: it could not be written; nothing has changed.
        """
        self._around.store.save(stored)
        self.stored = stored

    def look_at_nic(self) -> None:
        """End a session whose NIC another program has changed: the next one begins with a new NIC."""
        if self._worker and self._nic and self._nic.fault():
            self._worker.stop(keep_address=True)

    async def statistics(self) -> Statistics:
        """The session's counters; all 0 while there is none, or where the worker does not answer."""
        if self._worker is None or self.connection.state is not State.UP:
            return Statistics()
        try:
            return await self._worker.statistics()
        except TimeoutError:
            return Statistics()

    async def change_password(self, old: Secret, new: Secret) -> None:
        """Have the server know the user by another password, whatever the connection does meanwhile.

        Raises:
            TunnelError: the server did not take it, or was not reached.
        """
        now = self.connection
        if self._changes_password:
            raise VpnError("The password is being changed already; wait until that is done")
        known = HashedPassword(hash_password(now.settings.username, old.value).hex())
        proxy_password = now.typed.proxy_password or now.secrets.proxy_password
        secrets = Secrets(hashed_password=known, proxy_password=proxy_password)
        start = self._start(StartWorker(0, now.settings, secrets, now.settings.server_fingerprint, ""))
        self._changes_password = True
        try:
            await change_password(start, new, self._around.start_worker)
        finally:
            self._changes_password = False
        await self.tell(PasswordReplaced(password=new))

    # -- events -------------------------------------------------------------------------------------------------------

    def _about(self) -> dict[str, str]:
        """The fields of the log."""
        return {
            "TSUNAGU_CONNECTION": self.stored.settings.name,
            "TSUNAGU_CONNECTION_ID": self.stored.id,
            "TSUNAGU_OWNER": str(self.stored.owner),
            "TSUNAGU_NIC": self.facts.interface,
        }

    async def _run(self) -> None:
        while not (self.left.is_set() and self._events.empty()):
            event, done = await self._events.get()
            ABOUT.set(self._about())
            before = self.connection, self.facts
            self.connection, commands = step(self.connection, event, self._around.utc())
            if self.connection.state is State.STOPPING:
                self.settled.clear()
            if (wanted := self.connection.is_wanted) is not None:
                self._around.wanted.remember(self.stored.id, wanted)
            if is_parting(before[0], self.connection):
                await self._part()
            await self._carry_out(commands)
            if self.connection.state is not State.STOPPING:
                self.settled.set()
            if (self.connection, self.facts) != before:
                self._publish()
            self._run_hooks(*before)
            if done and not done.done():
                done.set_result(None)

    def _publish(self) -> None:
        try:
            self._on_change()
        except Exception:  # a listener's fault must not stop the tunnel from being looked after
            LOG.exception("%s: publishing a change", self.stored.id)

    def _run_hooks(self, before: Connection, facts: Facts) -> None:
        """Those who hear that something has gone hear what it was."""
        if what := occasion(before, self.connection):
            self._run_hooks_on(what, self.facts if self.connection.is_ready else facts)

    async def _part(self) -> None:
        """Hooks have the tunnel for the last time, if they do not take too long."""
        self._publish()
        if running := self._run_hooks_on(Occasion.DISCONNECTING, self.facts):
            await asyncio.wait([running], timeout=PARTING_S)

    def _run_hooks_on(self, what: Occasion, facts: Facts) -> asyncio.Task[None] | None:
        told = environment(what, self.stored, self.connection, facts.interface, facts.addresses, facts.dns)
        return self._around.hooks.run(self.stored.id, told, self._warn)

    def _on_message(self, ticket: int, message: WorkerMessage) -> None:
        match message:
            case NeedSignature(digest=digest) if self._signature is None:
                self._signature = asyncio.create_task(self._sign(ticket, digest), name=f"signing for {self.stored.id}")
            case Progress(phase=phase):
                self.post(PhaseReached(ticket=ticket, phase=phase))
            case Established(session=session):
                self._reached = self._dialed, session.first_address
                self.post(TunnelUp(ticket=ticket, session=session))
            case Leased(lease=lease):
                self.post(GotLease(ticket=ticket, lease=lease))
            case NoLease(reason=reason):
                self.post(LeaseMissing(ticket=ticket, reason=reason))

    def _on_worker_end(self, ticket: int, error: TunnelError, certificate: str) -> None:
        if self._signature:
            self._signature.cancel()
            self._signature = None
        self._worker = None
        if self._nic and (fault := self._nic.fault()):  # whatever else has come of that
            error, certificate = TunnelError(NIC_FAILED, fault), ""
        ended = WorkerEnded(ticket=ticket, error=error, certificate=certificate)
        if ticket == self.connection.ticket and may_explain(error):
            self._explanation = asyncio.create_task(self._explain(ended, error), name=f"portal before {self.stored.id}")
        else:
            self.post(ended)

    async def _explain(self, ended: WorkerEnded, error: TunnelError) -> None:
        """A server that cannot be reached, or shows another's certificate, may be the network's own doing."""
        if await self._around.portal.stands():
            LOG.info("%s: behind a captive portal: %s", self.stored.id, error)
            explanation = explained(error, is_known=bool(self.connection.settings.server_fingerprint))
            ended = replace(ended, error=explanation)
        self.post(ended)

    # -- commands -----------------------------------------------------------------------------------------------------

    async def _carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            error: VpnError
            try:
                await self._do(command)
                continue
            except VpnError as expected:
                error = expected
            except Exception:
                LOG.exception("%s: %s", self.stored.id, type(command).__name__)
                error = TunnelError(23, "see the helper's log")
            match command:
                case OpenNic() | StartWorker():
                    self.post(WorkerEnded(ticket=self.connection.ticket, error=error))
                    return  # what comes after would need it
                case ApplyLease():
                    self.post(LeaseUnusable(ticket=self.connection.ticket, error=error))
                    return
                case _:
                    self._warn(error)

    async def _do(self, command: Command) -> None:
        match command:
            case OpenNic():
                await self._open_nic()
            case CloseNic():
                await self._close_nic()
            case SetCarrier(up) if self._nic:
                self._nic.set_carrier(up)
            case ApplyLease(lease) if self._nic:
                await self._apply(self._nic, lease)
            case ClearAddresses() if self._nic:
                settings = self.connection.settings
                fallback = link_local_address(self._mac) if settings.link_local else None
                await self._make_so(self._nic, without_lease(settings, fallback))
            case StartWorker():
                self._start_worker(command)
            case StopWorker(keep_address) if self._worker:
                self._worker.stop(keep_address=keep_address)
            case SealLockdown() if self.connection.settings.kill_switch:
                await self._around.lockdown.seal(self.stored.id, *self._reached)
            case CheckCarriers() if self._worker:
                self._worker.check_carriers()
            case WaitFor(ticket, seconds):
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(seconds, self.post, RetryDue(ticket=ticket))
            case CancelWait() if self._timer:
                self._timer.cancel()
            case AskSecret():
                self._ask(self._ask_secret(command), command.ticket)
            case AskTrust():
                self._ask(self._ask_trust(command), command.ticket)
            case CancelQuestion() if self._question:
                self._question.cancel()
            case KeepSecrets(secrets, in_keyring):
                kinds = listed(in_keyring)
                if (secrets, kinds) != (self.stored.secrets, self.stored.in_keyring):
                    self.keep(replace(self.stored, secrets=secrets, in_keyring=kinds))
            case KeepLogin(login) if not self.stored.locked:
                settings = replace(self.stored.settings, username=login.username, auth=login.auth)
                self.keep(replace(self.stored, settings=settings))
            case OfferSecret(kind, secret):
                self._tell_keyring(self._offer(kind, secret))
            case ForgetSecret(kind):
                self._tell_keyring(self.keyring.forget([kind]))
            case PinCertificate(fingerprint):
                settings = replace(self.stored.settings, server_fingerprint=fingerprint)
                self.keep(replace(self.stored, settings=settings))
            case Tell():
                self._record(command)
            case Leave():
                self.left.set()

    @property
    def _mac(self) -> str:
        return self.connection.settings.mac or self.stored.mac

    async def _open_nic(self) -> None:
        settings = self.connection.settings
        name = settings.interface or self.stored.interface
        if not settings.nic_enabled:
            raise TunnelError(NIC_DISABLED, name)
        if settings.routing is Routing.EVERYTHING:
            self._around.all_traffic.claim(self.stored.id, settings.name)
        else:
            await self._around.all_traffic.release(self.stored.id)
        if settings.kill_switch:
            await self._around.lockdown.engage(
                self.stored.id, settings.name, host=_first_host(settings), allow_lan=settings.allow_lan
            )
        if self._nic and (self._nic.name != name or self._nic.fault()):
            await self._remove_nic()
        if self._nic is None:
            self._nic = await self._around.nics.open(name, self._mac)
            self.facts = Facts(interface=self._nic.name)
            ABOUT.set(self._about())

    async def _close_nic(self) -> None:
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(self._remove_nic)
            await self._around.all_traffic.release(self.stored.id)

    async def _remove_nic(self) -> None:
        """All traffic, where it is led into this tunnel, goes nowhere without its NIC."""
        nic, self._nic, self.facts = self._nic, None, Facts()
        if nic:
            async with contextlib.AsyncExitStack() as undo:
                undo.push_async_callback(nic.close)
                await self._around.resolver.clear(nic.name, nic.index)

    async def _apply(self, nic: Nic, lease: Lease | None) -> None:
        session = self.connection.session
        await self._make_so(nic, plan(lease, self.connection.settings, session.carrier_address if session else ""))

    async def _make_so(self, nic: Nic, wanted: AddressPlan) -> None:
        routes = wanted.routes
        self.facts = Facts(interface=nic.name)
        if not wanted.everything:
            await self._around.all_traffic.block(self.stored.id)
        conflicts = await nic.apply(wanted)
        if wanted.everything:
            await self._around.all_traffic.apply(self.stored.id, nic.index, routes, wanted.everything)
            routes += wanted.everything.defaults
        self.facts = Facts(
            interface=nic.name,
            addresses=tuple(map(str, wanted.addresses)),
            routes=tuple(map(str, routes)),
            dns=wanted.dns.servers if wanted.dns else (),
        )
        for conflict in conflicts:
            self._record(Tell("warning", str(conflict)))
        await self._look_names_up(nic, wanted.dns)

    async def _look_names_up(self, nic: Nic, wanted: DnsPlan | None) -> None:
        """A tunnel is of use without names, so this only warns."""
        try:
            if wanted:
                await self._around.resolver.apply(nic.name, nic.index, wanted, self._warn)
            elif (
                self.connection.settings.routing is not Routing.EVERYTHING
            ):  # or names would be looked up past the tunnel
                await self._around.resolver.clear(nic.name, nic.index)
        except VpnError as error:
            self._warn(error)

    def _start_worker(self, command: StartWorker) -> None:
        assert self._nic is not None
        assert self._worker is None
        ticket = command.ticket
        self._dialed = _first_host(command.settings)
        try:
            self._worker = self._around.start_worker(
                self._nic.fd,
                self._start(command),
                on_message=lambda message: self._on_message(ticket, message),
                on_end=lambda error, certificate: self._on_worker_end(ticket, error, certificate),
            )
        except OSError as error:
            raise TunnelError(23, f"the worker could not be started: {error.strerror}") from error

    def _start(self, command: StartWorker) -> Start:
        first = _first_host(command.settings)
        kept = self._around.lockdown.address_of(self.stored.id, first)
        return Start(
            settings=replace(command.settings, foreign=""),
            secrets=command.secrets,
            mac=self._mac,
            accepted_fingerprint=command.accepted_fingerprint,
            authorities=self._around.store.authorities(self.stored.owner).pem,
            machine_id=self._around.store.machine_id(),
            known_address=self._reached[1] if self._reached[0] == first else kept,
            previous_address=command.previous_address,
        )

    # -- questions ----------------------------------------------------------------------------------------------------

    def _ask(self, question: Coroutine[None, None, Event], ticket: int) -> None:
        async def ask() -> None:
            try:
                self.post(await question)
            except NoAgent as error:
                self.post(NobodyToAsk(ticket=ticket, error=error))
            except Cancelled:
                self.post(QuestionRefused(ticket=ticket))
            except Exception:
                LOG.exception("A question about %s", self.stored.id)
                self.post(NobodyToAsk(ticket=ticket, error=TunnelError(23, "see the helper's log")))

        self._question = asyncio.create_task(ask(), name=f"question about {self.stored.id}")

    @property
    def keyring(self) -> Keyring:
        """Where its owner's passwords may be."""
        return Keyring(self._around.agents, self._around.to_forget, self.stored.owner, self.stored.id)

    async def _offer(self, kind: SecretKind, secret: Secret) -> None:
        self.post(SecretOffered(kind, secret, await self.keyring.offer(self.connection.settings, kind, secret)))

    def _tell_keyring(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name=f"keyring of {self.stored.id}")
        self._in_keyring.add(task)
        task.add_done_callback(self._in_keyring.discard)

    async def _ask_secret(self, command: AskSecret) -> SecretGiven:
        may_save = self.person == self.stored.owner  # what one person types is not kept for everybody
        settings = self.connection.settings_to_try
        about = hints(settings, command.kind) | {
            "auth": settings.auth.value,
            "fixed": self.stored.locked or not may_save or command.kind is not SecretKind.PASSWORD,
            "save_forbidden": command.save_forbidden or not may_save,
            "keyring": settings.uses_keyring and self.stored.owner != 0,
        }
        answer = await self._around.agents.ask_secret(
            self.person, connection_path(self.stored.id), command.kind.value, about, command.again, command.stored
        )
        if answer.stored:  # the keyring is open
            self._tell_keyring(forget_what_is_left(self._around.agents, self._around.to_forget, self.stored.owner))
        save = answer.save and may_save
        login = None if about["fixed"] else answer.login
        return SecretGiven(ticket=command.ticket, secret=answer.secret, save=save, stored=answer.stored, login=login)

    async def _sign(self, ticket: int, digest: str) -> None:
        """Have the owner's smart card sign; whatever becomes of it is the worker's to judge."""
        settings = self.connection.settings
        card = hints(settings) | {
            "module": settings.card_module,
            "certificate": settings.card_certificate,
            "key": settings.card_key,
        }
        answer: Signed | NotSigned
        try:
            path = connection_path(self.stored.id)
            answer = await self._around.agents.ask_signature(self.stored.owner, path, card, digest)
        except TunnelError as error:
            answer = NotSigned(code=error.code, detail=error.detail)
        except Cancelled:
            answer = NotSigned(code=6)
        except NoAgent as error:
            answer = NotSigned(code=24, detail=str(error))
        if self._worker and ticket == self.connection.ticket:
            self._worker.answer(answer)

    async def _ask_trust(self, command: AskTrust) -> TrustGiven | QuestionRefused:
        fingerprint = hashlib.sha256(base64.b64decode(command.certificate)).hexdigest()
        shown = hints(self.connection.settings) | {
            "der": command.certificate,
            "sha256": fingerprint,
            "code": command.code,
            "changed": command.changed,
        }
        match await self._around.agents.ask_trust(self.stored.owner, connection_path(self.stored.id), shown):
            case "no":
                return QuestionRefused(ticket=command.ticket)
            case answer:
                return TrustGiven(ticket=command.ticket, fingerprint=fingerprint, pin=answer == "pin")

    def _warn(self, error: VpnError) -> None:
        self._record(Tell("warning", str(error), error.code))

    def _record(self, told: Tell) -> None:
        entry = Entry(
            time=self._around.utc(),
            id=self.stored.id,
            connection=self.stored.settings.name,
            owner=self.stored.owner,
            level=told.level,
            text=told.text,
            code=told.code,
        )
        self._around.history.add(entry, told.happened)


def _first_host(settings: ConnectionSettings) -> str:
    """What an attempt has to find: the server, or the proxy before it."""
    return (settings.proxy or settings).host
