"""The helper as a typed object: what it shows, kept up to date by its signals, and what it can be asked for."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from tsunagu import errors
from tsunagu.bus_names import CONNECTION, ERROR_PREFIX, MANAGER, ROOT_PATH, SERVICE
from tsunagu.error_table import ERRORS
from tsunagu.errors import HelperUnavailable, NotAuthorized, TunnelError, VpnError
from tsunagu.model import ConnectionSettings, Secret
from tsunagu.plain import from_plain, to_plain
from tsunagu_dbus import (
    BusError,
    Interface,
    Message,
    MessageBus,
    Stop,
    Variant,
    call,
    close,
    connect,
    plain,
    subscribe,
    to_variants,
    watch_name,
)
from tsunagu_tray.connection_view import ConnectionView

log = logging.getLogger(__name__)

OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"
EDIT_TIMEOUT_S = 120.0  # a person may have to authorise the change first
NO_CONNECTION = "/"  # where a path may name one
NOTHING: Mapping[str, Secret] = {}
RECONNECT_S = (1.0, 2.0, 5.0, 15.0, 60.0)  # waits between attempts to reach the bus; the last one repeats


class HelperClient:
    """One stay on the system bus, or with ``keep`` many in turn.

    ``views`` has the connections shown, all, or one user's (``only_of``) and everybody's, by path; ``owner`` is the
    helper's bus name, "" until it was read and after it has gone; ``available`` is False once it is known to be away.
    ``is_locked`` tells whether a kill switch is on.  ``on_change`` is called after a change.
    """

    def __init__(
        self,
        on_change: Callable[[], None] = lambda: None,
        *,
        only_of: int | None = None,
        watchers: Iterable[Callable[[MessageBus], Stop]] = (),
    ) -> None:
        self.views: dict[str, ConnectionView] = {}
        self.owner = ""
        self.available = True
        self.is_locked = False
        self._on_change = on_change
        self._change = asyncio.Event()  # set once, at the next change
        self._only_of = only_of
        self._watchers = tuple(watchers)  # of others on the same bus
        self._bus: MessageBus | None = None
        self._objects: dict[str, Interface] = {}  # ours, put on every new bus connection
        self._agent_path = ""
        self._stops: list[Stop] = []
        self._watched = ""  # the bus name whose signals count: the helper's, from before its snapshot was asked for
        self._early: list[Message] | None = None  # signals that came while a snapshot was on its way
        self._reading: asyncio.Task[None] | None = None
        self._read = asyncio.Event()  # the snapshot of the present owner is here, or has failed
        self._failure: VpnError | None = None

    # -- on and off the bus -------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Get on the bus and begin to watch for the helper.

        Raises:
            HelperUnavailable: there is no system bus.
        """
        try:
            bus = await connect("system")
        except BusError as error:
            raise HelperUnavailable(f"{error}; is the service 'dbus' running?") from error
        self._bus = bus
        for path, interface in self._objects.items():
            bus.export(path, interface)
        self._stops = [
            subscribe(bus, self._heard, path_namespace=ROOT_PATH),
            watch_name(bus, SERVICE, self._owner_changed),
            *(watch(bus) for watch in self._watchers),
        ]

    async def activate(self, timeout_s: float = 25.0) -> None:
        """See that the helper runs and that ``views`` is complete; the bus starts it where it does not run.

        Raises:
            HelperUnavailable: it cannot be started or does not answer.
        """
        await self._call(ROOT_PATH, "org.freedesktop.DBus.Peer", "Ping", timeout_s=timeout_s)
        try:
            await asyncio.wait_for(self._read.wait(), timeout_s)
        except TimeoutError:
            raise HelperUnavailable(
                "The Tsunagu service does not answer; 'journalctl -u tsunagu-helper' may say why"
            ) from None
        if self._failure is not None:
            raise self._failure

    async def keep(self) -> None:
        """Stay on the bus until cancelled: come back when it is lost, and start the helper once each time."""
        failures = 0
        while True:
            try:
                await self.open()
                failures = 0
                await self.activate()
            except VpnError as error:
                log.warning("%s", error)
                self._away()
            if self._bus is not None:
                # How the connection ended is no matter: whatever it was, a new one is needed.
                await asyncio.gather(self._bus.wait_for_disconnect(), return_exceptions=True)
                await self.close()
            await asyncio.sleep(RECONNECT_S[min(failures, len(RECONNECT_S) - 1)])
            failures += 1

    async def close(self) -> None:
        """Leave the bus."""
        if self._bus is None:
            return
        bus, self._bus = self._bus, None
        for path in self._objects:
            bus.unexport(path)
        for stop in self._stops:
            stop()
        self._forget()
        await close(bus)

    def serve(self, path: str, interface: Interface) -> None:
        """Put an object of ours on the bus, now if we are on it, and again on every later one."""
        self._objects[path] = interface
        if self._bus is not None:
            self._bus.export(path, interface)

    async def changed(self) -> None:
        """Wait for the next change."""
        await self._change.wait()

    def _tell(self) -> None:
        self._change.set()
        self._change = asyncio.Event()
        self._on_change()

    # -- what the helper shows ----------------------------------------------------------------------------------------

    def _owner_changed(self, owner: str) -> None:
        self._forget()
        if owner and self._bus is not None:
            self._watched, self._early = owner, []
            self._reading = asyncio.get_running_loop().create_task(self._read_all(self._bus, owner))

    def _forget(self) -> None:
        """The helper we knew is gone."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        self._watched = ""
        self._read.clear()
        self._failure = None
        if self.owner:
            self.owner, self.views = "", {}
            self._away()

    def _away(self) -> None:
        if self.available:
            self.available = False
            self._tell()

    async def _read_all(self, bus: MessageBus, owner: str) -> None:
        """Take the snapshot, then what was signalled meanwhile: the last word on each property is the newest."""
        try:
            [objects] = await call(bus, owner, ROOT_PATH, OBJECT_MANAGER, "GetManagedObjects")
            [is_locked] = await call(bus, owner, ROOT_PATH, PROPERTIES, "Get", "ss", [MANAGER, "Locked"])
        except BusError as error:
            self._failure = vpn_error(error)
            log.warning("%s", self._failure)
        else:
            self.views, self.is_locked = {}, plain(is_locked)
            for path, interfaces in plain(objects).items():
                self._add(path, interfaces)
            early, self._early = self._early or [], None
            for message in early:
                self._apply(message)
            self.owner, self.available = owner, True
        self._read.set()
        self._tell()
        await self.register_again()

    def _heard(self, message: Message) -> None:
        if message.sender != self._watched:
            return  # anybody may signal these paths
        if self._early is not None:
            self._early.append(message)
        elif self._apply(message):
            self._tell()

    def _apply(self, message: Message) -> bool:
        """Bring ``views`` up to date with one signal; whether that changed them."""
        before, was_locked = self.views, self.is_locked
        match message.member, plain(message.body):
            case "PropertiesChanged", [interface, changed, _] if interface == CONNECTION:
                if view := before.get(message.path):
                    self.views = before | {message.path: view.updated(changed)}
            case "PropertiesChanged", [interface, {"Locked": bool(is_locked)}, _] if interface == MANAGER:
                self.is_locked = is_locked
            case "InterfacesAdded", [path, interfaces]:
                self._add(path, interfaces)
            case "InterfacesRemoved", [path, interfaces] if CONNECTION in interfaces:
                self.views = {key: view for key, view in before.items() if key != path}
        return (self.views, self.is_locked) != (before, was_locked)

    def _add(self, path: str, interfaces: dict[str, dict[str, Any]]) -> None:
        if CONNECTION in interfaces:
            view = ConnectionView(path=path).updated(interfaces[CONNECTION])
            if self._only_of is None or view.owner in (0, self._only_of):  # root's are everybody's
                self.views = self.views | {path: view}

    # -- what the helper can be asked for -----------------------------------------------------------------------------

    async def refresh(self, path: str) -> ConnectionView:
        """The connection as it is this moment, ahead of signals that are still on their way."""
        while True:
            before = self.views.get(path)
            [properties] = await self._call(path, PROPERTIES, "GetAll", "s", [CONNECTION])
            if self.views.get(path) is before:  # else a signal came too, and which of the two is newer nobody knows
                view = ConnectionView(path=path).updated(plain(properties))
                self.views = self.views | {path: view}
                return view

    async def add(self, settings: ConnectionSettings, secrets: Mapping[str, Secret]) -> str:
        """Save a new connection with secrets, by their names among the ``Secrets``; its object path."""
        body = [to_variants(to_plain(settings)), _revealed(secrets)]
        [path] = await self._call(ROOT_PATH, MANAGER, "AddConnection", "a{sv}a{sv}", body, EDIT_TIMEOUT_S)
        return str(path)

    async def update(self, path: str, settings: ConnectionSettings) -> None:
        """Save other settings; they count from the next attempt to connect."""
        await self._call(path, CONNECTION, "Update", "a{sv}", [to_variants(to_plain(settings))], EDIT_TIMEOUT_S)

    async def connect(self, path: str) -> None:
        """Begin to connect; while it waits to try again: try now."""
        await self._call(path, CONNECTION, "Connect")

    async def unblock(self) -> None:
        """Lift every kill switch."""
        await self._call(ROOT_PATH, MANAGER, "Unblock")

    async def disconnect(self, path: str) -> None:
        """End whatever runs or waits."""
        await self._call(path, CONNECTION, "Disconnect")

    async def remove(self, path: str) -> None:
        """Forget a connection with its secrets."""
        await self._call(path, CONNECTION, "Remove", timeout_s=EDIT_TIMEOUT_S)

    async def settings(self, path: str) -> ConnectionSettings:
        """What is saved."""
        [values] = await self._call(path, CONNECTION, "GetSettings")
        settings: ConnectionSettings = from_plain(ConnectionSettings, plain(values))
        return settings

    async def change(self, path: str, settings: ConnectionSettings, secrets: Mapping[str, Secret]) -> None:
        """Save other settings, and those secrets that are new; no proxy gets another one's password."""
        if settings.proxy != (await self.settings(path)).proxy:
            secrets = {"proxy_password": Secret("")} | dict(secrets)
        if secrets:
            await self.set_secrets(path, secrets)
        await self.update(path, settings)

    async def set_at_start(self, path: str, wanted: bool) -> None:
        """Whether it connects when the machine starts."""
        await self.update(path, replace(await self.settings(path), connect_at_start=wanted))

    async def rename(self, path: str, name: str) -> None:
        """Give it another name."""
        await self.update(path, replace(await self.settings(path), name=name))

    async def duplicate(self, path: str, name: str) -> str:
        """A new connection like this one, but for the name and its secrets; its object path."""
        return await self.add(replace(await self.settings(path), name=name), {})

    async def status(self, path: str) -> dict[str, Any]:
        """The manual's fields (S22-S45), in snake_case."""
        [values] = await self._call(path, CONNECTION, "GetStatus")
        return dict(plain(values))

    async def events(self, limit: int) -> list[dict[str, Any]]:
        """What happened, newest last."""
        [events] = await self._call(ROOT_PATH, MANAGER, "GetEvents", "u", [limit])
        return [dict(event) for event in plain(events)]

    async def diagnose(self) -> list[dict[str, Any]]:
        """What the helper finds wrong with the machine; the fields of its ``Finding``, the worst first."""
        [found] = await self._call(ROOT_PATH, MANAGER, "Diagnose", timeout_s=EDIT_TIMEOUT_S)
        return [dict(finding) for finding in plain(found)]

    async def nics(self) -> list[dict[str, Any]]:
        """The network adapters of the connections one may know of; the fields of the helper's ``NicSeen``."""
        [nics] = await self._call(ROOT_PATH, MANAGER, "GetNics")
        return [dict(nic) for nic in plain(nics)]

    async def set_secrets(self, path: str, secrets: Mapping[str, Secret]) -> None:
        """Store these in the place of those of the same names; an empty one is forgotten."""
        await self._call(path, CONNECTION, "SetSecrets", "a{sv}", [_revealed(secrets)], EDIT_TIMEOUT_S)

    async def change_password(self, path: str, old: Secret, new: Secret) -> None:
        """Have the server know the user by another password."""
        body = [old.value, new.value]
        await self._call(path, CONNECTION, "ChangePassword", "ss", body, EDIT_TIMEOUT_S)

    async def hubs(
        self, settings: ConnectionSettings, secrets: Mapping[str, Secret] = NOTHING, like: str = NO_CONNECTION
    ) -> list[str]:
        """The virtual hubs that the server of these settings names; nothing is saved."""
        body = [to_variants(to_plain(settings)), _revealed(secrets), like]
        [hubs] = await self._call(ROOT_PATH, MANAGER, "ListHubs", "a{sv}a{sv}o", body, EDIT_TIMEOUT_S)
        return list(hubs)

    async def try_log_in(
        self, settings: ConnectionSettings, secrets: Mapping[str, Secret], like: str = NO_CONNECTION
    ) -> dict[str, Any]:
        """What comes of a log-in with these settings that ends at once, with the secrets kept for ``like`` where none
        are given: the fields of a status that are a session's and an error's.
        """
        body = [to_variants(to_plain(settings)), _revealed(secrets), like]
        [tried] = await self._call(ROOT_PATH, MANAGER, "TryLogIn", "a{sv}a{sv}o", body, EDIT_TIMEOUT_S)
        return dict(plain(tried))

    async def certificate(self, path: str) -> str:
        """The certificate the server showed last, DER in base64; "" if it was never seen."""
        [der] = await self._call(path, CONNECTION, "GetCertificate")
        return str(der)

    async def trust(self, path: str, fingerprint: str) -> None:
        """Trust the server with this certificate (SHA-256, hex) from now on."""
        await self._call(path, CONNECTION, "TrustCertificate", "s", [fingerprint], EDIT_TIMEOUT_S)

    async def authorities(self) -> str:
        """The certificate authorities of one's own, PEM."""
        [pem] = await self._call(ROOT_PATH, MANAGER, "GetAuthorities")
        return str(pem)

    async def add_authorities(self, pem: str) -> None:
        """Let these vouch for servers too."""
        await self._call(ROOT_PATH, MANAGER, "AddAuthorities", "s", [pem], EDIT_TIMEOUT_S)

    async def remove_authority(self, sha256: str) -> None:
        """Let the one with this fingerprint vouch no more."""
        await self._call(ROOT_PATH, MANAGER, "RemoveAuthority", "s", [sha256], EDIT_TIMEOUT_S)

    async def register_agent(self, path: str, agent: Interface) -> None:
        """Offer to answer the helper's questions: now, and to every later helper."""
        self._agent_path = path
        self.serve(path, agent)
        await self.register_again()

    async def register_again(self) -> None:
        """What our agent did not answer so far is asked of it again."""
        if self._agent_path and self.owner:
            await self._register()

    async def _register(self) -> None:
        try:
            await self._call(ROOT_PATH, MANAGER, "RegisterAgent", "o", [self._agent_path])
        except VpnError as error:
            log.warning("The helper does not take our agent: %s", error)

    async def _call(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: list[Any] | None = None,
        timeout_s: float = 25.0,
    ) -> list[Any]:
        if self._bus is None:
            raise HelperUnavailable("There is no connection to the system bus")
        try:
            return await call(self._bus, SERVICE, path, interface, member, signature, body, timeout_s)
        except BusError as error:
            raise vpn_error(error) from error


def _revealed(secrets: Mapping[str, Secret]) -> dict[str, Variant]:
    return to_variants({name: secret.value for name, secret in secrets.items()})


# -- errors -----------------------------------------------------------------------------------------------------------

_BY_BUS_NAME = {
    kind.bus_name: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, VpnError)
}
_TUNNEL_CODES = {TunnelError(code).error_name: code for code in ERRORS}
_UNAVAILABLE = ("ServiceUnknown", "NameHasNoOwner", "NoServer", "Disconnected", "Spawn.", "TimedOut", "Timeout")


def vpn_error(error: BusError) -> VpnError:
    """The exception the helper raised, or what a failure of the bus means to us; the sentence stays the helper's."""
    name, text = error.name, error.text
    if name.startswith(ERROR_PREFIX):
        return error_named(name.removeprefix(ERROR_PREFIX), text)
    name = name.removeprefix("org.freedesktop.DBus.Error.")
    if name == "NoReply":
        return HelperUnavailable("The Tsunagu service did not answer; 'journalctl -u tsunagu-helper' may say why")
    if name.startswith(_UNAVAILABLE):
        return HelperUnavailable(
            "The Tsunagu service cannot be reached; "
            "is it installed, and does 'systemctl status tsunagu-helper' say that it runs?"
        )
    if name == "AccessDenied":
        return NotAuthorized("The system bus does not let you use the Tsunagu service")
    if name in ("UnknownObject", "UnknownMethod", "UnknownInterface"):
        return errors.NotFound("There is no such connection any longer")
    return VpnError(text or f"The Tsunagu service answered {name}")


def error_named(name: str, text: str) -> VpnError:
    """The exception of that name on the bus, with the helper's sentence."""
    if (code := _TUNNEL_CODES.get(name)) is not None:
        return TunnelError(code, text.removeprefix(str(TunnelError(code))).removeprefix(": "))
    return _BY_BUS_NAME.get(name, VpnError)(text)
