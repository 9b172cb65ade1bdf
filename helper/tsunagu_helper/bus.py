"""The helper's objects on the bus: names and signatures only.  The work is in ``ConnectionService``."""

from collections.abc import Callable
from typing import Any

from tsunagu import __version__
from tsunagu.bus_names import CONNECTION, MANAGER, ROOT_PATH, connection_id, connection_path
from tsunagu.errors import InvalidSettings
from tsunagu.model import AuthType, ConnectionSettings, Secret
from tsunagu.plain import from_plain, to_plain
from tsunagu_dbus import (
    Interface,
    MessageBus,
    ObjectTree,
    PropertyAccess,
    Variant,
    caller,
    dbus_property,
    method,
    plain,
    to_variants,
    told,
)
from tsunagu_helper.connection import Connection
from tsunagu_helper.history import Entry
from tsunagu_helper.runner import Facts
from tsunagu_helper.service import ConnectionService
from tsunagu_helper.status import last_error, shown_addresses, trial


class Presence:
    """The connections as the bus sees them.  Outlives a bus: on the next one it appears as it is then."""

    def __init__(self) -> None:
        self.is_locked = False  # by a kill switch
        self._shown: dict[str, dict[str, Any]] = {}  # properties of each connection, by id
        self._service: ConnectionService | None = None
        self._tree: ObjectTree | None = None

    def appear(self, bus: MessageBus, service: ConnectionService) -> None:
        """Be on this bus from now on, and on none before."""
        self._service = service
        self._tree = ObjectTree(bus, ROOT_PATH, service.sight_of)
        self._tree.add(ROOT_PATH, ManagerObject(service, lambda: self.is_locked))
        for each in self._shown:
            self._export(each)

    def added(self, connection_id: str, owner: int, connection: Connection, facts: Facts) -> None:
        """There is a new one."""
        self._shown[connection_id] = _properties(connection, facts) | {"Owner": owner}
        self._export(connection_id)

    def changed(self, connection_id: str, connection: Connection, facts: Facts) -> None:
        """Something about it is different."""
        shown = self._shown[connection_id]
        news = {name: value for name, value in _properties(connection, facts).items() if value != shown[name]}
        shown.update(news)
        if news and self._tree:
            self._tree.changed(connection_path(connection_id), news)

    def removed(self, connection_id: str) -> None:
        """It is no more."""
        del self._shown[connection_id]
        if self._tree:
            self._tree.remove(connection_path(connection_id))

    def lock_changed(self, is_locked: bool) -> None:
        """A kill switch is on, or none is."""
        if is_locked != self.is_locked:
            self.is_locked = is_locked
            if self._tree:
                self._tree.changed(ROOT_PATH, {"Locked": is_locked})

    def _export(self, connection_id: str) -> None:
        if self._tree and self._service:
            shown = self._shown[connection_id]
            connection = ConnectionObject(self._service, connection_id, shown)
            self._tree.add(connection_path(connection_id), connection, owner=shown["Owner"])


class ManagerObject(Interface):
    """All of them."""

    def __init__(self, service: ConnectionService, is_locked: Callable[[], bool]) -> None:
        super().__init__(MANAGER)
        self._service = service
        self._is_locked = is_locked

    @method()
    @told
    async def AddConnection(self, settings: "a{sv}", secrets: "a{sv}") -> "o":
        return connection_path(await self._service.add(_settings(settings), _secrets(secrets), caller()))

    @method()
    @told
    async def ListHubs(self, settings: "a{sv}", secrets: "a{sv}", like: "o") -> "as":
        return await self._service.list_hubs(_settings(settings), _secrets(secrets), _like(like), caller())

    @method()
    @told
    async def TryLogIn(self, settings: "a{sv}", secrets: "a{sv}", like: "o") -> "a{sv}":
        tried = await self._service.try_log_in(_settings(settings), _secrets(secrets), _like(like), caller())
        return to_variants(trial(tried))

    @method()
    @told
    async def RegisterAgent(self, path: "o") -> None:
        await self._service.register_agent(path, caller())

    @method()
    @told
    async def UnregisterAgent(self) -> None:
        await self._service.unregister_agent(caller())

    @method()
    @told
    async def Unblock(self) -> None:
        await self._service.unblock(caller())

    @method()
    @told
    async def GetEvents(self, limit: "u") -> "aa{sv}":
        return [_event(entry) for entry in await self._service.events(limit, caller())]

    @method()
    @told
    async def Diagnose(self) -> "aa{sv}":
        return [to_variants(to_plain(finding)) for finding in await self._service.diagnose(caller())]

    @method()
    @told
    async def GetNics(self) -> "aa{sv}":
        return [to_variants(to_plain(nic)) for nic in await self._service.nics(caller())]

    @method()
    @told
    async def GetAuthorities(self) -> "s":
        return (await self._service.authorities(caller())).pem

    @method()
    @told
    async def AddAuthorities(self, pem: "s") -> None:
        await self._service.add_authorities(pem, caller())

    @method()
    @told
    async def RemoveAuthority(self, sha256: "s") -> None:
        await self._service.remove_authority(sha256, caller())

    @dbus_property(access=PropertyAccess.READ)
    def Version(self) -> "s":
        return __version__

    @dbus_property(access=PropertyAccess.READ)
    def Capabilities(self) -> "as":
        return [f"auth-{auth.value}" for auth in AuthType]

    @dbus_property(access=PropertyAccess.READ)
    def Locked(self) -> "b":
        return self._is_locked()


class ConnectionObject(Interface):
    """One of them.  ``shown`` holds its properties by name, and is kept up to date by its owner."""

    def __init__(self, service: ConnectionService, connection_id: str, shown: dict[str, Any]) -> None:
        super().__init__(CONNECTION)
        self._service = service
        self._id = connection_id
        self._shown = shown

    @method()
    @told
    async def Connect(self) -> None:
        await self._service.connect(self._id, caller())

    @method()
    @told
    async def Disconnect(self) -> None:
        await self._service.disconnect(self._id, caller())

    @method()
    @told
    async def Remove(self) -> None:
        await self._service.remove(self._id, caller())

    @method()
    @told
    async def GetSettings(self) -> "a{sv}":
        return to_variants(to_plain(await self._service.settings(self._id, caller())))

    @method()
    @told
    async def Update(self, settings: "a{sv}") -> None:
        await self._service.update(self._id, _settings(settings), caller())

    @method()
    @told
    async def SetSecrets(self, secrets: "a{sv}") -> None:
        await self._service.set_secrets(self._id, _secrets(secrets), caller())

    @method()
    @told
    async def ChangePassword(self, old: "s", new: "s") -> None:
        await self._service.change_password(self._id, Secret(old), Secret(new), caller())

    @method()
    @told
    async def TrustCertificate(self, fingerprint: "s") -> None:
        await self._service.trust_certificate(self._id, fingerprint, caller())

    @method()
    @told
    async def GetCertificate(self) -> "s":
        return await self._service.certificate(self._id, caller())

    @method()
    @told
    async def GetStatus(self) -> "a{sv}":
        return to_variants(await self._service.status(self._id, caller()))

    @dbus_property(access=PropertyAccess.READ)
    def Name(self) -> "s":
        return self._shown["Name"]

    @dbus_property(access=PropertyAccess.READ)
    def Server(self) -> "s":
        return self._shown["Server"]

    @dbus_property(access=PropertyAccess.READ)
    def Hub(self) -> "s":
        return self._shown["Hub"]

    @dbus_property(access=PropertyAccess.READ)
    def State(self) -> "s":
        return self._shown["State"]

    @dbus_property(access=PropertyAccess.READ)
    def Phase(self) -> "s":
        return self._shown["Phase"]

    @dbus_property(access=PropertyAccess.READ)
    def Since(self) -> "x":
        return self._shown["Since"]

    @dbus_property(access=PropertyAccess.READ)
    def Addresses(self) -> "as":
        return self._shown["Addresses"]

    @dbus_property(access=PropertyAccess.READ)
    def Interface(self) -> "s":
        return self._shown["Interface"]

    @dbus_property(access=PropertyAccess.READ)
    def LastError(self) -> "(sxs)":
        return self._shown["LastError"]

    @dbus_property(access=PropertyAccess.READ)
    def RetryAt(self) -> "d":
        return self._shown["RetryAt"]

    @dbus_property(access=PropertyAccess.READ)
    def Attempt(self) -> "u":
        return self._shown["Attempt"]

    @dbus_property(access=PropertyAccess.READ)
    def Owner(self) -> "u":
        return self._shown["Owner"]

    @dbus_property(access=PropertyAccess.READ)
    def ConnectAtStart(self) -> "b":
        return self._shown["ConnectAtStart"]

    @dbus_property(access=PropertyAccess.READ)
    def HideWindows(self) -> "b":
        return self._shown["HideWindows"]


def _properties(now: Connection, facts: Facts) -> dict[str, Any]:
    settings = now.settings
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "Name": settings.name,
        "Server": f"{host}:{settings.port}",
        "Hub": settings.hub,
        "State": now.state.value,
        "Phase": now.phase.value,
        "Since": int(now.started_at),
        "Addresses": shown_addresses(now, facts),
        "Interface": facts.interface,
        "LastError": list(last_error(now.last_error)),
        "RetryAt": float(now.retry_at),
        "Attempt": now.retries,
        "ConnectAtStart": settings.connect_at_start,
        "HideWindows": settings.hide_windows,
    }


def _settings(values: dict[str, Variant]) -> ConnectionSettings:
    try:
        settings: ConnectionSettings = from_plain(ConnectionSettings, plain(values))
    except (TypeError, ValueError) as error:
        raise InvalidSettings(f"The settings are not valid: {error}") from error
    return settings


def _secrets(values: dict[str, Variant]) -> dict[str, Secret]:
    secrets = plain(values)
    if not all(isinstance(secret, str) for secret in secrets.values()):
        raise InvalidSettings("The secrets must be texts")
    return {name: Secret(secret) for name, secret in secrets.items()}


def _like(path: str) -> str:
    """The id of the connection whose secrets are used; ``/``: none."""
    return "" if path == "/" else connection_id(path)


def _event(entry: Entry) -> dict[str, Variant]:
    values = to_plain(entry)
    del values["owner"]
    return to_variants(values)
