"""A private bus, and a small helper on it that does as a test says: the bus interfaces without network or root."""
# mypy: disable-error-code="valid-type, name-defined, untyped-decorator"
# (annotations of methods under @method are D-Bus signatures)

import asyncio
import os
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tsunagu.authorities import Authorities
from tsunagu.bus_names import AGENT, CONNECTION, MANAGER, ROOT_PATH, SERVICE, connection_path
from tsunagu.errors import NotFound, TunnelError, VpnError
from tsunagu.model import ConnectionSettings, Session, State, Statistics
from tsunagu.plain import from_plain, to_plain
from tsunagu_dbus import (
    Interface,
    MessageBus,
    ObjectTree,
    PropertyAccess,
    call,
    caller,
    close,
    dbus_property,
    method,
    plain,
    to_variants,
    told,
)
from tsunagu_helper.connection import Connection
from tsunagu_helper.errand import Trial
from tsunagu_helper.runner import Facts
from tsunagu_helper.status import status, trial

SESSION = Session(
    server_address="203.0.113.5",
    server_port=443,
    server_product="SoftEther VPN Server (64 bit)",
    server_version=502,
    server_build=5180,
    session_name="SID-ALICE-1",
    connection_name="CID-1",
    session_key="5ec2e7" + "00" * 17,
    tls_version="TLSv1.3",
    cipher="TLS_AES_256_GCM_SHA384",
)

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>{kind}</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow receive_sender="*"/>
    <allow own="*"/><allow user="*"/>
  </policy>
</busconfig>
"""


class PrivateBus:
    """A dbus-daemon in a folder of its own; ``services`` is where activation files go."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tsunagu-bus-")
        folder = Path(self._folder.name)
        self.services = folder / "services"
        self.services.mkdir()
        self.address = f"unix:path={folder}/bus"
        self._config = folder / "bus.conf"
        self._config.write_text(CONFIG.format(kind="session", socket=folder / "bus", services=self.services))
        self._daemon: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        """Start the daemon; returns once it listens."""
        self._daemon = subprocess.Popen(
            ["dbus-daemon", f"--config-file={self._config}", "--nofork", "--nopidfile", "--print-address"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._daemon.stdout is not None
        assert self._daemon.stdout.readline()

    def stop(self) -> None:
        """End the daemon as a crash would."""
        if self._daemon is not None:
            assert self._daemon.stdout is not None
            self._daemon.send_signal(signal.SIGKILL)
            self._daemon.wait()
            self._daemon.stdout.close()
            self._daemon = None

    def close(self) -> None:
        """End the daemon and remove its folder."""
        self.stop()
        self._folder.cleanup()


class FakeHelper:
    """The helper's objects, with states that a test sets by ``show`` and a ``script`` for Connect."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.bus: MessageBus | None = None
        self.connections: dict[str, FakeConnection] = {}
        self.agents: list[tuple[str, str]] = []  # bus name, path
        self.events: list[dict[str, Any]] = []
        self.nics: list[dict[str, Any]] = []
        self.hubs: list[str] = ["LAB", "STAFF"]
        self.tried: list[tuple[ConnectionSettings, dict[str, str], str]] = []  # with which secrets, and whose
        self.trial: Trial | None = Trial(session=SESSION, certificate="REVS")  # None: it does not end
        self.authorities = Authorities()
        self.errand_error: VpnError | None = None  # of listing hubs
        self.calls: list[str] = []
        self.is_locked = False
        self.on_connect: Callable[[FakeConnection], None] = lambda connection: connection.show(state=State.UP)
        self._next = 1

    async def start(self) -> None:
        """Take the helper's name; connections added before are there."""
        self.bus = MessageBus(self._address)
        await self.bus.connect()
        self.tree = ObjectTree(self.bus, ROOT_PATH)
        self._manager = _Manager(self)
        self.tree.add(ROOT_PATH, self._manager)
        for connection in self.connections.values():
            self.tree.add(connection.path, connection)
        await self.bus.request_name(SERVICE)

    async def stop(self) -> None:
        """Leave the bus."""
        if self.bus is not None:
            await close(self.bus)
            self.bus = None
            self.agents.clear()

    def lock(self, is_locked: bool) -> None:
        """A kill switch is on now, or none is."""
        self.is_locked = is_locked
        if self.bus is not None:
            self._manager.emit_properties_changed({"Locked": is_locked})

    def add(self, name: str, **fields: Any) -> "FakeConnection":
        """A saved connection."""
        settings = ConnectionSettings(
            name=name, **({"host": "vpn.example.org", "hub": "VPN", "username": "u"} | fields)
        )
        connection = FakeConnection(self, f"c{self._next}", settings)
        self._next += 1
        self.connections[connection.path] = connection
        if self.bus is not None:
            self.tree.add(connection.path, connection)
        return connection

    async def ask(self, member: str, signature: str, body: list[Any], timeout_s: float = 25.0) -> Any:
        """Ask the agent that registered last."""
        assert self.bus is not None
        name, path = self.agents[-1]
        answer = await call(self.bus, name, path, AGENT, member, signature, body, timeout_s)
        return plain(answer[0]) if answer else None

    async def ask_password(self, connection: "FakeConnection", flags: int = 0, **hints: Any) -> dict[str, Any]:
        """GetSecrets with the usual hints."""
        settings = connection.settings
        known = {"name": settings.name, "server": settings.host, "hub": settings.hub, "username": settings.username}
        values = to_variants(known | {"save_forbidden": False, "again": False} | hints)
        answer = await self.ask("GetSecrets", "osa{sv}u", [connection.path, "password", values, flags])
        return dict(answer)

    async def ask_trust(self, connection: "FakeConnection", **certificate: Any) -> str:
        """ConfirmCertificate."""
        values = to_variants({"der": "", "sha256": "ab" * 32, "code": 85, "changed": False} | certificate)
        return str(await self.ask("ConfirmCertificate", "oa{sv}", [connection.path, values]))


class FakeConnection(Interface):
    """One connection on the bus; ``show`` changes its properties and says so."""

    def __init__(self, helper: FakeHelper, identity: str, settings: ConnectionSettings) -> None:
        super().__init__(CONNECTION)
        self.helper = helper
        self.path = connection_path(identity)
        self.settings = settings
        self.secrets: dict[str, str] = {}
        self.server_password = "s3cret"
        self.seen_certificate = ""
        self.session = SESSION
        self.statistics = Statistics(carriers=1, wire_sent_octets=5)
        self.state = State.IDLE
        self.phase = ""
        self.addresses: list[str] = []
        self.last_error: tuple[str, int, str] = ("", 0, "")
        self.retry_at = 0.0
        self.message = ""  # of the hub
        self.policy = {"MaxMac": 3}
        self.attempt = 0
        self.interface = "tsunagu0"
        self.looks = 0  # how often its status was read
        self.owner = os.getuid()
        self.tasks: list[asyncio.Task[None]] = []

    def show(self, *, state: State | None = None, error: VpnError | None = None, **values: Any) -> None:
        """Change what is shown and signal it."""
        if state is not None:
            self.state = state
        if error is not None:
            name = error.error_name if isinstance(error, TunnelError) else error.bus_name
            self.last_error = (name, error.code, str(error))
        for name, value in values.items():
            assert hasattr(self, name)
            setattr(self, name, value)
        shown: dict[str, Any] = {"State": self.state.value, "Phase": self.phase, "Addresses": self.addresses}
        shown |= {"LastError": list(self.last_error), "RetryAt": self.retry_at, "Attempt": self.attempt}
        self.emit_properties_changed(shown)  # each step at once, to everybody

    def _session(self) -> Session | None:
        shown = replace(self.session, message=self.message, policy=self.policy)
        return shown if self.state is State.UP else None

    def later(self, coroutine: Any) -> None:
        """Run a script beside the call that began it."""
        self.tasks.append(asyncio.ensure_future(coroutine))

    @method()
    @told
    def Connect(self) -> None:
        self.helper.calls.append(f"Connect {self.settings.name}")
        self.last_error = ("", 0, "")
        self.show(state=State.CONNECTING)
        self.helper.on_connect(self)

    @method()
    @told
    def Disconnect(self) -> None:
        self.helper.calls.append(f"Disconnect {self.settings.name}")
        self.show(state=State.IDLE, addresses=[])

    @method()
    @told
    def Remove(self) -> None:
        self.helper.calls.append(f"Remove {self.settings.name}")
        del self.helper.connections[self.path]
        self.helper.tree.remove(self.path)

    @method()
    @told
    def GetSettings(self) -> "a{sv}":
        return to_variants(to_plain(self.settings))

    @method()
    @told
    def Update(self, settings: "a{sv}") -> None:
        self.helper.calls.append(f"Update {self.settings.name}")
        self.settings = from_plain(ConnectionSettings, plain(settings))
        changed = {"Name": self.Name, "Server": self.Server, "Hub": self.Hub}
        self.emit_properties_changed(changed | {"ConnectAtStart": self.ConnectAtStart})

    @method()
    @told
    def SetSecrets(self, secrets: "a{sv}") -> None:
        self.secrets |= plain(secrets)

    @method()
    @told
    def ChangePassword(self, old: "s", new: "s") -> None:
        if old != self.server_password:
            raise TunnelError(69)
        self.server_password = new

    @method()
    @told
    def TrustCertificate(self, fingerprint: "s") -> None:
        self.settings = replace(self.settings, server_fingerprint=fingerprint)

    @method()
    @told
    def GetCertificate(self) -> "s":
        return self.seen_certificate

    @method()
    @told
    def GetStatus(self) -> "a{sv}":
        self.looks += 1
        now = Connection(settings=self.settings, state=self.state, session=self._session(), established_count=1)
        name, code, text = self.last_error
        error = {"error_name": name, "error_code": code, "error_text": text, "retry_at": self.retry_at}
        facts = Facts(interface=self.interface, addresses=tuple(self.addresses))
        return to_variants(status(now, facts, self.statistics) | error)

    @dbus_property(access=PropertyAccess.READ)
    def Name(self) -> "s":
        return self.settings.name

    @dbus_property(access=PropertyAccess.READ)
    def Server(self) -> "s":
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        return f"{host}:{self.settings.port}"

    @dbus_property(access=PropertyAccess.READ)
    def Hub(self) -> "s":
        return self.settings.hub

    @dbus_property(access=PropertyAccess.READ)
    def State(self) -> "s":
        return self.state.value

    @dbus_property(access=PropertyAccess.READ)
    def Phase(self) -> "s":
        return self.phase

    @dbus_property(access=PropertyAccess.READ)
    def Since(self) -> "x":
        return 0

    @dbus_property(access=PropertyAccess.READ)
    def Addresses(self) -> "as":
        return self.addresses

    @dbus_property(access=PropertyAccess.READ)
    def Interface(self) -> "s":
        return self.interface

    @dbus_property(access=PropertyAccess.READ)
    def LastError(self) -> "(sxs)":
        return list(self.last_error)

    @dbus_property(access=PropertyAccess.READ)
    def RetryAt(self) -> "d":
        return self.retry_at

    @dbus_property(access=PropertyAccess.READ)
    def ConnectAtStart(self) -> "b":
        return self.settings.connect_at_start

    @dbus_property(access=PropertyAccess.READ)
    def HideWindows(self) -> "b":
        return self.settings.hide_windows

    @dbus_property(access=PropertyAccess.READ)
    def Attempt(self) -> "u":
        return self.attempt

    @dbus_property(access=PropertyAccess.READ)
    def Owner(self) -> "u":
        return self.owner


class _Manager(Interface):
    def __init__(self, helper: FakeHelper) -> None:
        super().__init__(MANAGER)
        self._helper = helper

    @method()
    @told
    def AddConnection(self, settings: "a{sv}", secrets: "a{sv}") -> "o":
        checked = from_plain(ConnectionSettings, plain(settings))
        connection = self._helper.add(**{name: getattr(checked, name) for name in checked.__slots__})
        connection.secrets = plain(secrets)
        return connection.path

    @method()
    @told
    def ListHubs(self, settings: "a{sv}", secrets: "a{sv}", like: "o") -> "as":  # noqa: ARG002
        from_plain(ConnectionSettings, plain(settings))
        self._helper.calls.append(f"ListHubs {plain(settings)['host']}")
        if self._helper.errand_error:
            raise self._helper.errand_error
        return self._helper.hubs

    @method()
    @told
    async def TryLogIn(self, settings: "a{sv}", secrets: "a{sv}", like: "o") -> "a{sv}":
        self._helper.tried.append((from_plain(ConnectionSettings, plain(settings)), plain(secrets), like))
        return to_variants(trial(self._helper.trial or await asyncio.Future[Trial]()))

    @method()
    @told
    def GetAuthorities(self) -> "s":
        return self._helper.authorities.pem

    @method()
    @told
    def AddAuthorities(self, pem: "s") -> None:
        self._helper.authorities = self._helper.authorities.having(pem)

    @method()
    @told
    def RemoveAuthority(self, sha256: "s") -> None:
        self._helper.authorities = self._helper.authorities.without(sha256)

    @method()
    @told
    def RegisterAgent(self, path: "o") -> None:
        self._helper.agents.append((caller(), path))

    @method()
    @told
    def UnregisterAgent(self) -> None:
        raise NotFound("You have no agent here")

    @method()
    @told
    def GetEvents(self, limit: "u") -> "aa{sv}":
        return [to_variants(event) for event in self._helper.events[-limit:]]

    @method()
    @told
    def GetNics(self) -> "aa{sv}":
        return [to_variants(nic) for nic in self._helper.nics]

    @method()
    @told
    def Unblock(self) -> None:
        self._helper.calls.append("Unblock")
        self._helper.lock(False)

    @dbus_property(access=PropertyAccess.READ)
    def Locked(self) -> "b":
        return self._helper.is_locked

    @dbus_property(access=PropertyAccess.READ)
    def Version(self) -> "s":
        return "0"


class FakeNotifications(Interface):
    """A notification daemon: what it was told to show is in ``shown``, by id."""

    def __init__(self, *, capabilities: tuple[str, ...] = ("actions", "body", "body-markup")) -> None:
        super().__init__("org.freedesktop.Notifications")
        self.capabilities = list(capabilities)
        self.shown: dict[int, dict[str, Any]] = {}
        self._last = 0

    @method()
    def GetCapabilities(self) -> "as":
        return self.capabilities

    @method()
    def Notify(
        self, app: "s", replaces: "u", icon: "s", title: "s", body: "s", actions: "as", hints: "a{sv}", timeout: "i"
    ) -> "u":
        self._last += not replaces
        number = replaces or self._last
        self.shown[number] = {"app": app, "icon": icon, "title": title, "body": body, "actions": actions}
        self.shown[number] |= {"hints": plain(hints), "timeout": timeout}
        return number

    @method()
    def CloseNotification(self, number: "u") -> None:
        self.shown.pop(number, None)


@asynccontextmanager
async def fake_helper(bus: PrivateBus) -> AsyncIterator[FakeHelper]:
    """A fake helper on that bus."""
    helper = FakeHelper(bus.address)
    await helper.start()
    try:
        yield helper
    finally:
        for connection in helper.connections.values():
            for task in connection.tasks:
                task.cancel()
        await helper.stop()


async def until(condition: Callable[[], object], timeout_s: float = 30) -> None:
    """Wait for what signals will bring about."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # any state, not one event
            await asyncio.sleep(0.01)
