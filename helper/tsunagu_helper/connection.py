"""One connection's whole behaviour, as a pure table: ``step(connection, event, time) -> connection, commands``.

At any time at most one thing is under way for a connection, and the state says which: a worker (CONNECTING, UP,
STOPPING), a timer (WAITING) or a question to a person (NEEDS_SECRET, NEEDS_TRUST).  While the machine sleeps (SLEEPING)
there is nothing.  Each gets a ticket with a new number, and what comes back carries it; an answer with an old ticket is
late and changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from tsunagu.control import NoLeaseReason
from tsunagu.errors import NoAddress, Remedy, TunnelError, VpnError
from tsunagu.model import (
    NO_SECRETS,
    Addressing,
    AuthType,
    ConnectionSettings,
    Lease,
    Login,
    Phase,
    Secret,
    SecretKind,
    Secrets,
    Session,
    State,
)
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
from tsunagu_helper.events import (
    AgentAppeared,
    CertificatePinned,
    ConnectAsked,
    DisconnectAsked,
    Event,
    GoingToSleep,
    GotLease,
    LeaseMissing,
    LeaseUnusable,
    NetworkChanged,
    NobodyToAsk,
    Offered,
    Outcome,
    PasswordReplaced,
    PhaseReached,
    QuestionRefused,
    RemoveAsked,
    RetryDue,
    SecretGiven,
    SecretOffered,
    SecretsSet,
    SettingsChanged,
    TrustGiven,
    TunnelUp,
    Woke,
    WorkerEnded,
)

RETRY_LATE_S = 60  # after the codes that mean "no room" (S61)
PROXY_REFUSED = 19  # the code of a proxy that wants another password
WAKE_S = 30  # for a network to come back after a sleep; then an attempt is made without a sign of one

NO_ADDRESS = (
    "No DHCP server answered, so the network adapter has no address. Put a DHCP server into the virtual hub's segment, "
    "or switch on SecureNAT's virtual DHCP server on the hub, or set a fixed address on the network adapter"
)


NOT_SAVED = {  # what a person has typed, where the keyring was to have it
    Offered.LOCKED: "The keyring stayed locked, so the password was not saved; unlock it, or keep it elsewhere: "
    "secrets_in=system",
    Offered.NO_AGENT: "The tray icon has gone, so the password is not in your keyring yet; "
    "start the icon again while this connection stands",
    Offered.FAILED: "The keyring did not answer, so the password is not saved yet; start the tray icon again while "
    "this connection stands, or keep it elsewhere: secrets_in=system",
}


class Target(Enum):
    """What a person wants of a connection; decides what follows after STOPPING."""

    DOWN = "down"
    UP = "up"
    ASLEEP = "asleep"  # up again when the machine wakes
    GONE = "gone"  # removed, or the helper is leaving


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What is known of one connection.  Times are UTC seconds; 0: not yet, or not any more."""

    settings: ConnectionSettings
    secrets: Secrets = NO_SECRETS  # the saved ones, less what was refused
    in_keyring: frozenset[SecretKind] = frozenset()  # the ones that the owner's agent keeps instead, less likewise
    save_forbidden: bool = False  # by the server's policy, as far as known

    state: State = State.IDLE
    phase: Phase = Phase.NONE
    target: Target = Target.DOWN
    ticket: int = 0  # of what is under way
    error: VpnError | None = None  # why the last attempt failed, or what is wrong with the address while UP
    no_agent: VpnError | None = None  # the question could not be asked; it is, as soon as an agent registers
    asked: SecretKind = SecretKind.PASSWORD  # what is asked for while NEEDS_SECRET
    refused: SecretKind | None = None  # the last one of this kind that was tried
    certificate: str = ""  # of the server, the last one seen; DER in base64

    # Of this run, from ConnectAsked to IDLE
    started_at: float = 0
    first_established_at: float = 0
    established_count: int = 0
    retries: int = 0  # failed attempts in a row; those that established a session do not count (S61)
    retry_at: float = 0
    tried: Secrets = NO_SECRETS  # what the present or last attempt authenticates with
    typed: Secrets = NO_SECRETS  # given by a person for this run
    save_typed: frozenset[SecretKind] = frozenset()  # which of these are to be kept once they are known to be right
    login: Login | None = None  # typed likewise, in the place of what the settings say
    accepted: str = ""  # fingerprint of a certificate, accepted for this run
    lease: Lease | None = None  # kept over a reconnect: the NIC keeps the address

    # Of this session
    session: Session | None = None
    established_at: float = 0
    lease_until: float = 0
    is_ready: bool = False  # the NIC has its addresses, or is known to get none
    is_disturbed: bool = False  # the network below has changed; some servers end a session whose carriers moved

    @property
    def settings_to_try(self) -> ConnectionSettings:
        """What the next attempt goes by."""
        chosen = self.login
        return replace(self.settings, username=chosen.username, auth=chosen.auth) if chosen else self.settings

    @property
    def secrets_to_try(self) -> Secrets:
        """What the next attempt authenticates with: of what there is, what the settings need."""
        password = self.typed.of(SecretKind.PASSWORD) or self.secrets.of(SecretKind.PASSWORD)
        proxy_password = self.typed.proxy_password or self.secrets.proxy_password
        match self.settings_to_try.auth:
            case AuthType.PASSWORD:
                needed = NO_SECRETS.having(SecretKind.PASSWORD, password)
            case AuthType.PLAIN_PASSWORD if isinstance(password, Secret):
                needed = Secrets(password=password)
            case AuthType.CERTIFICATE:
                needed = Secrets(private_key=self.secrets.private_key)
            case _:
                needed = NO_SECRETS
        return needed.having(SecretKind.PROXY_PASSWORD, proxy_password if self.settings.proxy else None)

    @property
    def uses_password(self) -> bool:
        """The user proves with a password who they are (S62, S63)."""
        return self.settings_to_try.auth in (AuthType.PASSWORD, AuthType.PLAIN_PASSWORD)

    def secret_asked_by(self, error: VpnError) -> SecretKind | None:
        """What a person can be asked for after this error; None: it is not about a secret that would help."""
        if error.remedy is not Remedy.ASK_SECRET:
            return None
        if error.code == PROXY_REFUSED:
            proxy = self.settings.proxy
            return SecretKind.PROXY_PASSWORD if proxy and proxy.username else None
        return SecretKind.PASSWORD if self.uses_password else None

    @property
    def may_retry(self) -> bool:
        """One more attempt is allowed after a failed one."""
        return self.settings.retry_limit is None or self.retries < self.settings.retry_limit

    @property
    def is_wanted(self) -> bool | None:
        """A person wants it up, or not; None: it leaves this helper, as it was."""
        return None if self.target is Target.GONE else self.target is not Target.DOWN

    def may_retry_at_once(self, time: float) -> bool:
        """The session has lasted for an interval, or there is a new network to try: no server is overrun."""
        has_stood = time - self.established_at >= self.settings.retry_interval_s
        return self.may_retry and (has_stood or self.is_disturbed)

    @property
    def last_error(self) -> VpnError | None:
        """What a person should know."""
        return self.no_agent or self.error


# -- the table ---------------------------------------------------------------------------------------------------------


Step = tuple[Connection, list[Command]]


def step(now: Connection, event: Event, time: float) -> Step:
    """What an event does to a connection: what it is afterwards, and what has to be done, in order."""
    if isinstance(event, Outcome) and event.ticket != now.ticket:
        return now, []  # of something that was called off meanwhile
    match now.state, event:
        # What a person wants
        case State.IDLE, ConnectAsked() if now.target is Target.DOWN:
            server = f"{now.settings.host}:{now.settings.port}"
            told = Tell("info", f"Connecting to {server}, virtual hub {now.settings.hub}")
            begun = replace(now, target=Target.UP, started_at=time, error=None)
            return _then([told], _attempt(begun))
        case State.WAITING, ConnectAsked():
            return _then([CancelWait()], _attempt(now))
        case State.NEEDS_SECRET | State.NEEDS_TRUST, ConnectAsked() | AgentAppeared() if now.no_agent:
            return _ask(now)
        case State.UP, AgentAppeared() if now.settings.uses_keyring:
            return _offer_again(now)
        case State.STOPPING, ConnectAsked() if now.target is Target.DOWN:
            return _begun_while_stopping(now, time), [ClearAddresses()]
        case State.STOPPING, ConnectAsked() | Woke() if now.target is Target.ASLEEP:
            return replace(now, target=Target.UP), []
        case State.STOPPING, DisconnectAsked() if now.target is not Target.GONE:
            return replace(now, target=Target.DOWN), []
        case State.STOPPING, RemoveAsked():
            return replace(now, target=Target.GONE), []
        case State.CONNECTING | State.UP, DisconnectAsked() | RemoveAsked():
            return _stop(now, _target_after(event))
        case State.SLEEPING, ConnectAsked():
            return _attempt(now)
        case State.SLEEPING, DisconnectAsked() | RemoveAsked():
            return _idle(replace(now, target=_target_after(event)))
        case State.WAITING, DisconnectAsked() | RemoveAsked():
            return _then([CancelWait()], _idle(replace(now, target=_target_after(event))))
        case State.NEEDS_SECRET | State.NEEDS_TRUST, DisconnectAsked() | RemoveAsked():
            return _then([CancelQuestion()], _idle(replace(now, target=_target_after(event))))
        case State.IDLE, RemoveAsked() if now.target is not Target.GONE:
            return replace(now, target=Target.GONE), [Leave()]
        case State.NEEDS_SECRET | State.NEEDS_TRUST, SettingsChanged(new) if _asks(new) != _asks(now.settings):
            return _then([CancelQuestion()], _attempt(replace(_with_settings(now, new), retries=0)))
        case _, SettingsChanged(settings):
            return _with_settings(now, settings), []
        case _, SecretsSet(changes, in_keyring):
            return _secrets_set(now, changes, in_keyring)
        case _, SecretOffered():
            return _offered(now, event)
        case _, PasswordReplaced(password=password):
            return _password_replaced(now, password)
        case _, CertificatePinned(fingerprint):
            return _pinned(now, fingerprint)

        # What the machine does
        case State.CONNECTING | State.UP, GoingToSleep():
            return _then([Tell("info", "The computer goes to sleep")], _stop(now, Target.ASLEEP))
        case State.STOPPING, GoingToSleep() if now.target is Target.UP:
            return replace(now, target=Target.ASLEEP), []
        case State.WAITING, GoingToSleep():
            return _then([CancelWait()], _sleep(now))
        case State.SLEEPING, Woke(is_online=True):
            return _attempt(now)
        case State.SLEEPING, Woke(is_online=False):
            return _wait_for(now, WAKE_S, time)
        case State.WAITING, NetworkChanged(has_gained=True):
            return _then([CancelWait()], _attempt(now))
        case State.UP, NetworkChanged():
            return replace(now, is_disturbed=True), [CheckCarriers()]

        # An attempt
        case State.CONNECTING, PhaseReached(phase=phase):
            return replace(now, phase=phase), []
        case State.CONNECTING, TunnelUp(session=session):
            return _established(now, session, time)
        case State.UP, GotLease(lease=lease) if now.settings.addressing is Addressing.DHCP:
            return _leased(now, lease, time)
        case State.UP, LeaseMissing(reason=reason) if now.settings.addressing is Addressing.DHCP:
            return _unleased(now, reason)
        case State.UP, LeaseUnusable(error=error):
            return _without_address(now, error)

        # Its end
        case State.STOPPING, WorkerEnded():
            return _stopped(now)
        case State.CONNECTING | State.UP, WorkerEnded(error=error) if kind := now.secret_asked_by(error):
            return _refused(now, error, kind)
        case State.CONNECTING | State.UP, WorkerEnded(
            error=VpnError(remedy=Remedy.ASK_TRUST) as error, certificate=certificate
        ) if certificate:
            shown = replace(_ended(now, error), certificate=certificate)
            return _then(_told_end(now, error), _ask(replace(shown, state=State.NEEDS_TRUST)))
        case State.UP, WorkerEnded(error=VpnError(remedy=Remedy.RETRY) as error) if now.may_retry_at_once(time):
            return _then(_told_end(now, error, "; connecting again"), _attempt(_ended(now, error)))
        case State.CONNECTING | State.UP, WorkerEnded(
            error=VpnError(remedy=Remedy.RETRY | Remedy.RETRY_LATE) as error
        ) if now.may_retry:
            return _wait(now, error, time)
        case State.CONNECTING | State.UP, WorkerEnded(error=error):
            return _then(_told_end(now, error), _idle(now, error))

        # Waits and questions
        case State.WAITING, RetryDue():
            return _attempt(now)
        case State.NEEDS_SECRET, SecretGiven(stored=True, secret=secret):
            return _attempt(replace(now, typed=now.typed.having(now.asked, secret)))
        case State.NEEDS_SECRET, SecretGiven():
            return _typed(now, event)
        case State.NEEDS_TRUST, TrustGiven(fingerprint=fingerprint, pin=False):
            return _attempt(replace(now, accepted=fingerprint, retries=0))
        case State.NEEDS_TRUST, TrustGiven(fingerprint=fingerprint, pin=True):
            return _then([PinCertificate(fingerprint)], _pinned(now, fingerprint))
        case State.NEEDS_SECRET | State.NEEDS_TRUST, QuestionRefused():
            return _then([Tell("info", "Cancelled")], _idle(now, now.error or TunnelError(6)))
        case State.NEEDS_SECRET | State.NEEDS_TRUST, NobodyToAsk(error=error):
            return replace(now, no_agent=error), [Tell("warning", str(error))]
        case _:
            return now, []  # late or doubled: harmless


# -- its parts ---------------------------------------------------------------------------------------------------------


def _then(first: list[Command], result: Step) -> Step:
    after, commands = result
    return after, first + commands


def _target_after(event: DisconnectAsked | RemoveAsked) -> Target:
    return Target.GONE if isinstance(event, RemoveAsked) else Target.DOWN


def _asks(settings: ConnectionSettings) -> tuple[object, ...]:
    """What a question to a person is about: with another answer to this it is another question."""
    return settings.host, settings.port, settings.hub, settings.username, settings.auth, settings.proxy


def _with_settings(now: Connection, settings: ConnectionSettings) -> Connection:
    """Another server has another certificate, and what was accepted was not that."""
    same_user = (settings.username, settings.auth) == (now.settings.username, now.settings.auth)
    changed = replace(now, settings=settings, login=now.login if same_user else None)
    if (settings.host, settings.port) == (now.settings.host, now.settings.port):
        return changed
    return replace(changed, accepted="", certificate=now.certificate if now.session else "")


def _attempt(now: Connection) -> Step:
    secrets = now.secrets_to_try
    needed = [SecretKind.PASSWORD] if now.uses_password else []
    proxy_password = SecretKind.PROXY_PASSWORD
    if now.settings.proxy and (now.refused is proxy_password or proxy_password in now.in_keyring):
        needed.append(proxy_password)
    for kind in needed:
        if not secrets.of(kind):
            return _ask(replace(now, state=State.NEEDS_SECRET, asked=kind, retry_at=0))
    started = replace(
        now,
        state=State.CONNECTING,
        phase=Phase.RESOLVING,
        ticket=now.ticket + 1,
        retry_at=0,
        no_agent=None,
        tried=secrets,
    )
    worker = StartWorker(
        started.ticket,
        now.settings_to_try,
        secrets,
        now.accepted or now.settings.server_fingerprint,
        now.lease.address if now.lease else "",
    )
    return started, [OpenNic(), worker]


def _ask(now: Connection) -> Step:
    """Put the question of this state, one of the two NEEDS states."""
    asking = replace(now, ticket=now.ticket + 1, no_agent=None)
    if now.state is State.NEEDS_SECRET:
        forbidden = now.save_forbidden and now.asked is SecretKind.PASSWORD
        stored = now.asked in now.in_keyring
        question = AskSecret(asking.ticket, now.asked, now.refused is now.asked, stored, forbidden)
        return replace(asking, phase=Phase.AUTHENTICATING), [question]
    code = now.error.code if now.error else 0
    changed = bool(now.settings.server_fingerprint)
    return replace(asking, phase=Phase.VERIFYING), [AskTrust(asking.ticket, now.certificate, code, changed)]


def _established(now: Connection, session: Session, time: float) -> Step:
    up = replace(
        now,
        state=State.UP,
        phase=Phase.ESTABLISHED,
        error=None,
        retries=0,
        refused=None,
        session=session,
        certificate=session.certificate or now.certificate,
        first_established_at=now.first_established_at or time,
        established_at=time,
        is_ready=now.settings.addressing is not Addressing.DHCP,
        established_count=now.established_count + 1,
        save_forbidden=bool(session.policy.get("NoSavePassword")),
    )
    after, commands = _keep_or_forget(up)
    server, name = session.server_address, session.session_name
    text = (
        f"Connected again to {server}, session {name}"
        if now.established_count
        else f"Connected to {server}, session {name}"
    )
    fixed: list[Command] = [ApplyLease(None)] if now.settings.has_fixed_addresses and now.lease is None else []
    return after, [SetCarrier(True), SealLockdown(), *fixed, *commands, Tell("info", text, happened="connected")]


def _keep_or_forget(up: Connection) -> Step:
    """The secrets were accepted; only now are they known to be worth keeping, and whether that is allowed."""
    typed, kept, in_keyring = up.typed, up.secrets, up.in_keyring
    commands: list[Command] = []
    settings, login = up.settings, up.login
    if login and SecretKind.PASSWORD in up.save_typed and not up.save_forbidden:  # S66
        settings, login = up.settings_to_try, None
        commands += [KeepLogin(up.login)] if up.login and settings != up.settings else []
    for kind in SecretKind:
        tried = up.tried.of(kind)
        was_typed = tried == up.typed.of(kind)
        is_wanted = not was_typed or kind in up.save_typed | up.in_keyring
        forbidden = up.save_forbidden and kind is SecretKind.PASSWORD
        if not tried:
            continue
        if is_wanted and not forbidden and was_typed and up.settings.uses_keyring and isinstance(tried, Secret):
            commands += [OfferSecret(kind, tried)] if kind not in in_keyring else []
            continue  # it stays typed for this run: nobody gives it back unasked
        if forbidden or not is_wanted:
            typed, kept = typed.having(kind, tried), kept.having(kind, None)
        elif was_typed:
            typed, kept = typed.having(kind, None), kept.having(kind, tried)
        commands += [ForgetSecret(kind)] if kind in in_keyring else []
        in_keyring -= {kind}
    known = replace(up, settings=settings, login=login, secrets=kept, in_keyring=in_keyring)
    after = replace(known, typed=typed, save_typed=frozenset())
    return after, [*_keep_news(up, after), *commands]


def _keep_news(before: Connection, after: Connection) -> list[Command]:
    is_news = (before.secrets, before.in_keyring) != (after.secrets, after.in_keyring)
    return [KeepSecrets(after.secrets, after.in_keyring)] if is_news else []


def _typed(now: Connection, given: SecretGiven) -> Step:
    """What is in the keyring from earlier has no place there any more where it is not to be saved."""
    kind = now.asked
    after = replace(
        now,
        typed=now.typed.having(kind, given.secret),
        login=given.login or now.login,
        save_typed=now.save_typed | {kind} if given.save else now.save_typed - {kind},
        in_keyring=now.in_keyring - {kind},
        retries=0,
    )
    forget: list[Command] = [] if given.save else [ForgetSecret(kind)]
    return _then([*_keep_news(now, after), *forget], _attempt(after))


def _offered(now: Connection, offered: SecretOffered) -> Step:
    if now.refused is offered.kind:
        return now, []  # meanwhile
    here = offered.secret if offered.what_came is Offered.NO_KEYRING else None
    there = {offered.kind} if offered.what_came is Offered.TAKEN else frozenset()
    after = replace(
        now,
        secrets=now.secrets.having(offered.kind, here),
        in_keyring=now.in_keyring - {offered.kind} | there,
    )
    if offered.what_came in (Offered.NO_AGENT, Offered.FAILED) and now.typed.of(offered.kind) == offered.secret:
        after = replace(after, save_typed=now.save_typed | {offered.kind})
    told: list[Command] = [Tell("warning", NOT_SAVED[offered.what_came])] if not (here or there) else []
    return after, [*_keep_news(now, after), *told]


def _offer_again(now: Connection) -> Step:
    """What could not be saved before, but is still here."""
    typed = [(kind, now.typed.of(kind)) for kind in SecretKind if kind in now.save_typed]
    offers: list[Command] = [OfferSecret(kind, secret) for kind, secret in typed if isinstance(secret, Secret)]
    return replace(now, save_typed=frozenset()), offers


def _leased(now: Connection, lease: Lease, time: float) -> Step:
    is_news = not now.lease_until or now.lease is None or now.lease.address != lease.address
    told: list[Command] = [Tell("info", f"The address is {lease.address}/{lease.prefix_length}")] if is_news else []
    leased = replace(now, lease=lease, lease_until=time + lease.lifetime_s, is_ready=True, error=None)
    return leased, [ApplyLease(lease), *told]


def _unleased(now: Connection, reason: NoLeaseReason) -> Step:
    """Where a server is there, another address comes soon: that is no error yet."""
    without = replace(now, lease=None, lease_until=0)
    match reason, now.lease:
        case NoLeaseReason.SILENCE, _:
            return _without_address(now, NoAddress(NO_ADDRESS))
        case NoLeaseReason.EXPIRED, _:
            error = NoAddress(
                "The DHCP server behind the hub has not renewed the address in time, so the network adapter has none "
                "any more. Tsunagu goes on asking; see whether that server still runs"
            )
            return _without_address(now, error)
        case NoLeaseReason.REFUSED, Lease(address=address):
            told = Tell(
                "warning",
                f"The DHCP server behind the hub has taken the address {address} back; another one is asked for",
            )
            return without, [ClearAddresses(), told]
        case NoLeaseReason.TAKEN, Lease(address=address):
            told = Tell(
                "warning",
                f"Another machine behind the hub uses the address {address} already, so it was given back and another "
                "one is asked for; if this happens again, ask who runs that network",
            )
            return without, [ClearAddresses(), told]
    return now, []  # nothing of that lease was in use


def _without_address(now: Connection, error: VpnError) -> Step:
    if str(now.error) == str(error):
        return now, []
    without = replace(now, lease=None, lease_until=0, is_ready=True, error=error)
    return without, [ClearAddresses(), Tell("warning", str(error))]


def _secrets_set(now: Connection, changes: Mapping[str, Secret], taken: frozenset[SecretKind]) -> Step:
    """What the keyring has taken serves this run, if there is one, as if it were typed."""
    nothing = dict.fromkeys(changes, Secret(""))
    in_keyring = {kind.value: changes[kind.value] for kind in taken}
    after = replace(
        now,
        secrets=now.secrets.updated({**changes, **dict.fromkeys(in_keyring, Secret(""))}),
        typed=now.typed.updated(nothing if now.state is State.IDLE else nothing | in_keyring),
        in_keyring=now.in_keyring - Secrets.kinds(changes) | taken,
    )
    if now.refused and (after.secrets.of(now.refused) or now.refused in taken):
        after = replace(after, refused=None)
    if now.state is State.NEEDS_SECRET and (after.typed.of(now.asked) or after.secrets.of(now.asked)):
        return _then([CancelQuestion()], _attempt(replace(after, retries=0)))
    return after, []


def _password_replaced(now: Connection, password: Secret) -> Step:
    """Where the old one was kept, or typed for this run, the new one takes its place."""
    kind = SecretKind.PASSWORD
    kept, typed = (
        secrets.having(kind, password) if secrets.of(kind) else secrets for secrets in (now.secrets, now.typed)
    )
    after = replace(now, secrets=kept, typed=typed, refused=None if now.refused is kind else now.refused)
    offer = [OfferSecret(kind, password)] if kind in now.in_keyring else []
    commands = [*_keep_news(now, after), *offer, Tell("info", "The password on the server is changed")]
    if now.state is State.NEEDS_SECRET and now.asked is kind and (kept.of(kind) or typed.of(kind)):
        return _then([*commands, CancelQuestion()], _attempt(replace(after, retries=0)))
    return after, commands


def _pinned(now: Connection, fingerprint: str) -> Step:
    after = replace(now, settings=replace(now.settings, server_fingerprint=fingerprint), accepted="")
    if now.state is State.NEEDS_TRUST:
        return _then([CancelQuestion()], _attempt(replace(after, retries=0)))
    return after, []


def _stop(now: Connection, target: Target) -> Step:
    stopping = replace(_ended(now, None), state=State.STOPPING, phase=Phase.NONE, target=target)
    return stopping, [*_unplug(now), StopWorker(keep_address=target is Target.ASLEEP)]


def _begun_while_stopping(now: Connection, time: float) -> Connection:
    """Another run, which begins when what is left of this one has gone."""
    return replace(_fresh(now), state=State.STOPPING, target=Target.UP, ticket=now.ticket, started_at=time)


def _stopped(now: Connection) -> Step:
    match now.target:
        case Target.UP:  # somebody changed their mind meanwhile, or the machine woke
            return _attempt(now)
        case Target.ASLEEP:
            return _sleep(now)
        case _:
            return _idle(now)


def _sleep(now: Connection) -> Step:
    """Nothing is under way; sleep is no failure, so there is no error (148 would be its number).  The NIC stays."""
    return replace(
        _ended(now, None),
        state=State.SLEEPING,
        phase=Phase.NONE,
        target=Target.UP,
        ticket=now.ticket + 1,
        retry_at=0,
    ), []


def _unplug(now: Connection) -> list[Command]:
    return [SetCarrier(False)] if now.state is State.UP else []


def _told_end(now: Connection, error: VpnError, further: str = "") -> list[Command]:
    """The carrier goes and the history says why; a session that stood was "disconnected" (S60)."""
    what = "The connection has been disconnected" if now.state is State.UP else "Could not connect"
    level = "warning" if further else "error"
    return [*_unplug(now), Tell(level, f"{what}: {error}{further}", error.code, happened="failed")]


def _ended(now: Connection, error: VpnError | None) -> Connection:
    """Without what belongs to one session."""
    return replace(now, session=None, established_at=0, lease_until=0, is_ready=False, is_disturbed=False, error=error)


def _refused(now: Connection, error: VpnError, kind: SecretKind) -> Step:
    """What was refused is not used again unasked, or accounts get locked (S68); another may be there already.

    Nor is it after a restart of the helper: it is forgotten on disk too, and so is that a keyring has it.
    """
    without = replace(
        _ended(now, error),
        refused=kind,
        typed=_less(now.typed, kind, now.tried),
        secrets=_less(now.secrets, kind, now.tried),
        in_keyring=now.in_keyring - {kind},
    )
    return _then([*_told_end(now, error), *_keep_news(now, without)], _attempt(without))


def _less(secrets: Secrets, kind: SecretKind, tried: Secrets) -> Secrets:
    return secrets.having(kind, None) if secrets.of(kind) == tried.of(kind) else secrets


def _wait(now: Connection, error: VpnError, time: float) -> Step:
    seconds = RETRY_LATE_S if error.remedy is Remedy.RETRY_LATE else now.settings.retry_interval_s
    counted = replace(_ended(now, error), retries=now.retries + (now.state is State.CONNECTING))
    told = _told_end(now, error, f"; trying again in {seconds} seconds")
    return _then(told, _wait_for(counted, seconds, time))


def _wait_for(now: Connection, seconds: int, time: float) -> Step:
    """Until the next attempt, or until somebody or a network that comes back brings it forward."""
    waiting = replace(now, state=State.WAITING, phase=Phase.RETRYING, ticket=now.ticket + 1, retry_at=time + seconds)
    return waiting, [WaitFor(waiting.ticket, seconds)]


def _idle(now: Connection, error: VpnError | None = None) -> Step:
    """The end of the run: what is left is what the next one may use."""
    idle = replace(_fresh(now), target=Target.GONE if now.target is Target.GONE else Target.DOWN, error=error)
    told: list[Command] = [] if error else [Tell("info", "Disconnected", happened="disconnected")]
    leave: list[Command] = [Leave()] if idle.target is Target.GONE else []
    return idle, [CloseNic(), *told, *leave]


def _fresh(now: Connection) -> Connection:
    """Without what belongs to one run."""
    return Connection(
        settings=now.settings,
        secrets=now.secrets,
        in_keyring=now.in_keyring,
        save_forbidden=now.save_forbidden,
        ticket=now.ticket + 1,  # nothing is under way
        refused=now.refused,
        certificate=now.certificate,
    )
