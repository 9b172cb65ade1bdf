"""The clients that are compared: each comes up in the lab's client namespace, reaches the far side, and goes."""

import re
import shutil
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path

from tests.lab.server import HUB, LAN, PASSWORD, SERVER, USER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.model import State

_OFFICIAL = Path("/usr/libexec/softether/vpnclient/vpnclient")
_OFFICIAL_ADDRESS = "192.168.77.2/24"  # it asks for none itself; outside the range of the LAN's DHCP server
_OPENVPN_FAR, _OPENVPN_NEAR = "192.168.99.1", "192.168.99.2"
_OPENVPN_PORT = "1195"


class Client(ABC):
    """One of them.  ``target`` is reached through its tunnel."""

    target = LAN

    def __init__(self, name: str, server: VpnServer) -> None:
        self.name = name
        self.server = server

    @abstractmethod
    def up(self) -> None:
        """Start it, connect, and wait until frames pass."""

    @abstractmethod
    def down(self) -> None:
        """End everything of it."""

    @abstractmethod
    def processes(self) -> dict[int, str]:
        """Its processes and what each is."""

    def wait_until_reachable(self) -> None:
        """Frames pass."""
        wait_for(lambda: self.server.ping(self.target, 1), 30, f"{self.name} to reach {self.target}")


class SoftEtherClient(Client):
    """One that can connect again and again, and tells when the session stood."""

    @abstractmethod
    def connect(self) -> float:
        """Seconds from the start of the user's command to the established session."""

    @abstractmethod
    def disconnect(self) -> None:
        """The session alone."""

    def wait_until_server_uses_udp(self) -> None:
        """UDP acceleration is in use, as far as the server can tell."""

        def is_active() -> bool:
            sessions = map(self.server.session, self.server.sessions())
            return any(session.get("UDP Acceleration is Active") == "Yes" for session in sessions)

        wait_for(is_active, 60, "the server to use UDP acceleration")


class Tsunagu(SoftEtherClient):
    """Ours, as a user has it.  ``plain``: without the compiled data path."""

    def __init__(
        self, name: str, server: VpnServer, *, plain: bool = False, carriers: int = 1, udp: bool = False
    ) -> None:
        super().__init__(name, server)
        self._options = ("--plain",) if plain else ()
        self._carriers, self._udp = carriers, udp
        self._stack: Stack | None = None

    def up(self) -> None:
        """See ``Client``."""
        self._stack = Stack(self.server, helper_options=self._options)
        self._stack.__enter__()
        self._stack.add(carriers=self._carriers, udp_acceleration=self._udp)
        self.connect()
        stack = self._stack
        wait_for(lambda: stack.status()["carriers"] == self._carriers, 40, "all carriers")
        if self._udp:
            wait_for(lambda: stack.status()["udp_acceleration"] == "in use", 40, "UDP acceleration")
            self.wait_until_server_uses_udp()

    def connect(self) -> float:
        """See ``SoftEtherClient``."""
        assert self._stack is not None
        started = time.time()
        self._stack.done("connect", NAME)
        self._stack.wait_for_state(State.UP)
        established = float(self._stack.status()["established_at"])
        self.wait_until_reachable()
        return established - started

    def disconnect(self) -> None:
        """See ``SoftEtherClient``."""
        assert self._stack is not None
        self._stack.disconnect()

    def down(self) -> None:
        """See ``Client``."""
        if self._stack is not None:
            self._stack.close()
            self._stack = None

    def processes(self) -> dict[int, str]:
        """See ``Client``."""
        names = {"tsunagu_helper": "helper", "tsunagu_tunnel": "worker"}
        commands = _commands(self.server)
        return {number: name for number, line in commands.items() for part, name in names.items() if part in line}


class Official(SoftEtherClient):
    """Debian's softether-vpnclient, steered by vpncmd."""

    def __init__(self, name: str, server: VpnServer, *, carriers: int = 1, udp: bool = False) -> None:
        super().__init__(name, server)
        self._details = f"/MAXTCP:{carriers} /DISABLEUDP:{'no' if udp else 'yes'}"
        self._udp = udp
        self._folder = server.folder / "official"
        self._service: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        """See ``Client``."""
        for part in ("lib", "log", "run"):
            (self._folder / part / "softether").mkdir(parents=True)
        mounts = f"mount --bind {self._folder} /var && mount --bind {self._folder}/run /run"
        command = f"{mounts} && cd /var && exec {_OFFICIAL} execsvc"
        private = ("unshare", "--mount", "--propagation", "private", "sh", "-c", command)
        self._service = self.server.start_program_at(self.server.cli, "official", *private)
        wait_for(lambda: self._vpncmd("About") is not None, 20, "the official client's service")
        others = "/INTERVAL:1 /TTL:0 /HALF:no /BRIDGE:no /MONITOR:no /NOTRACK:yes /NOQOS:yes"
        self._must("NicCreate", "se0")
        self._must("AccountCreate", "lab", f"/SERVER:{SERVER}:443", f"/HUB:{HUB}", f"/USERNAME:{USER}", "/NICNAME:se0")
        self._must("AccountPasswordSet", "lab", f"/PASSWORD:{PASSWORD}", "/TYPE:standard")
        self._must("AccountDetailSet", "lab", *self._details.split(), *others.split())
        self.connect()
        if self._udp:
            self.wait_until_server_uses_udp()

    def connect(self) -> float:
        """See ``SoftEtherClient``."""
        started = time.time()
        self._must("AccountConnect", "lab")
        wait_for(
            lambda: "Session Established" in (self._vpncmd("AccountStatusGet", "lab") or ""), 20, "the official client"
        )
        for command in (f"address replace {_OFFICIAL_ADDRESS} dev vpn_se0", "link set vpn_se0 up"):
            self.server.run(self.server.cli, "ip", *command.split())
        self.wait_until_reachable()
        return self._established_at() - started

    def disconnect(self) -> None:
        """See ``SoftEtherClient``."""
        self._must("AccountDisconnect", "lab")
        wait_for(lambda: "Offline" in (self._vpncmd("AccountList") or ""), 20, "the official client to be offline")

    def down(self) -> None:
        """See ``Client``."""
        if self._service is not None:
            self._vpncmd("AccountDisconnect", "lab")
            self.server.end_program(self._service)
            self._service = None
            shutil.rmtree(self._folder)

    def processes(self) -> dict[int, str]:
        """See ``Client``."""
        return {number: "client" for number, line in _commands(self.server).items() if "vpnclient execsvc" in line}

    def _established_at(self) -> float:
        """As its log has it, in local time and to the millisecond."""
        log = "".join(path.read_text(errors="replace") for path in sorted(self._folder.rglob("client_*.log")))
        [*_, last] = re.finditer(r"^(\S+ \S+)\.(\d+) .*Now connected", log, re.MULTILINE)
        return time.mktime(time.strptime(last[1], "%Y-%m-%d %H:%M:%S")) + float(f"0.{last[2]}")

    def _must(self, *command: str) -> None:
        if self._vpncmd(*command) is None:
            raise RuntimeError(f"vpncmd {' '.join(command)} failed")

    def _vpncmd(self, *command: str) -> str | None:
        line = ("vpncmd", "localhost", "/CLIENT", "/CMD", *command)
        done = self.server.run(self.server.cli, *line, check=False, timeout_s=20)
        return done.stdout if done.returncode == 0 else None


class OpenVpn(Client):
    """Debian's openvpn, an Ethernet (TAP) tunnel with AES-256-GCM to an OpenVPN server on the VPN server's machine."""

    target = _OPENVPN_FAR

    def __init__(self, name: str, server: VpnServer, *, protocol: str) -> None:
        super().__init__(name, server)
        self._protocols = ("udp", "udp") if protocol == "udp" else ("tcp-server", "tcp-client")
        self._folder = server.folder / "openvpn"
        self._programs: list[subprocess.Popen[bytes]] = []

    def up(self) -> None:
        """See ``Client``."""
        self._folder.mkdir()
        prints = {side: self._make_certificate(side) for side in ("far", "near")}
        common = f"--dev tap99 --cipher AES-256-GCM --verb 1 --port {_OPENVPN_PORT}"
        for namespace, side, other, address, role in (
            (self.server.srv, "far", "near", _OPENVPN_FAR, f"--tls-server --dh none --proto {self._protocols[0]}"),
            (
                self.server.cli,
                "near",
                "far",
                _OPENVPN_NEAR,
                f"--tls-client --proto {self._protocols[1]} --remote {SERVER}",
            ),
        ):
            key = f"--cert {self._folder}/{side}.crt --key {self._folder}/{side}.key --peer-fingerprint {prints[other]}"
            command = f"openvpn {common} {role} {key} --ifconfig {address} 255.255.255.0"
            self._programs.append(self.server.start_program_at(namespace, f"openvpn-{side}", *command.split()))
        self.wait_until_reachable()

    def down(self) -> None:
        """See ``Client``."""
        while self._programs:
            self.server.end_program(self._programs.pop())
        shutil.rmtree(self._folder, ignore_errors=True)

    def processes(self) -> dict[int, str]:
        """See ``Client``."""
        return {number: "client" for number, line in _commands(self.server).items() if line.startswith("openvpn ")}

    def _make_certificate(self, name: str) -> str:
        path = str(self._folder / name)
        request = (
            f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -keyout {path}.key -out {path}.crt"
        )
        subprocess.run(request.split(), check=True, capture_output=True)
        shown = subprocess.run(
            ["openssl", "x509", "-in", f"{path}.crt", "-noout", "-fingerprint", "-sha256"],
            check=True,
            capture_output=True,
            text=True,
        )
        return shown.stdout.strip().partition("=")[2]


def _commands(server: VpnServer) -> dict[int, str]:
    """The command lines of all processes on the client's machine."""
    lines = {}
    for number in server.processes_in(server.cli):
        try:
            lines[number] = Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
    return lines
