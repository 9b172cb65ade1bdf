"""A real SoftEther VPN Server, a machine to connect from and a network behind the hub, each in a network namespace.

::

    cli 10.99.0.2 ──veth── 10.99.0.1 srv: vpnserver, hub LAB ──tap── 192.168.77.1 lan: DHCP, files over HTTP, echo
        fd99::2            fd99::1                                   192.168.88.1 (reached by a route from DHCP)
                           10.98.0.1 (the client has no route there, a proxy on srv has)

Nothing here has a route out of the machine.  ``TSUNAGU_LAB_SERVER`` names another server's binary than Debian's.
"""

import csv
import hashlib
import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from unittest import mock

from tests.lab.processes import Processes
from tests.lab.sandbox import HOSTS
from tests.lab.waiting import wait_for

SERVER = "10.99.0.1"
CLIENT = "10.99.0.2"
SERVER_6, CLIENT_6 = "fd99::1", "fd99::2"
BLACK_HOLE_6 = "fd99::dead"  # takes all packets of the client's and answers none
HIDDEN = "10.98.0.1"
LAN = "192.168.77.1"
ROUTED = "192.168.88.1"
ROUTED_NETWORK = "192.168.88.0/24"
FILE_PORT = 8000
ECHO_PORT = 7777
FILE_NAME = "report.bin"
FILE = random.Random(2).randbytes(3_000_000)
FILE_SHA256 = hashlib.sha256(FILE).hexdigest()
HUB = "LAB"
USER, PASSWORD = "alice", "secret"
ANONYMOUS_USER = "anon"

_DEBIAN = "/usr/libexec/softether/vpnserver/vpnserver"
_SETUP = f"""\
HubCreate {HUB} /PASSWORD:hubpw
Hub {HUB}
SecureNatDisable
UserCreate {USER} /GROUP:none /REALNAME:none /NOTE:none
UserPasswordSet {USER} /PASSWORD:{PASSWORD}
UserCreate {ANONYMOUS_USER} /GROUP:none /REALNAME:none /NOTE:none
UserAnonymousSet {ANONYMOUS_USER}
BridgeCreate {HUB} /DEVICE:lab /TAP:yes
Flush
"""
_TAP = "tap_lab"
_OLD_TLS = """\
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = old
[old]
MinProtocol = TLSv1
MaxProtocol = TLSv1.1
CipherString = DEFAULT:@SECLEVEL=0
"""
_numbers = itertools.count(1)


class VpnServer:
    """The server and what is around it; up inside ``with``.  ``srv``, ``cli`` and ``lan`` are the namespaces' names."""

    def __init__(self, *, dhcp: bool = True, lease_s: int = 3600) -> None:
        number = next(_numbers)
        self.srv, self.cli, self.lan = (f"{place}{number}" for place in ("srv", "cli", "lan"))
        self._with_dhcp = dhcp
        self._lease_s = lease_s
        self._dnsmasq: subprocess.Popen[bytes] | None = None
        self._administrator: tuple[str, ...] = ()  # how vpncmd proves it
        self._fingerprint = ""  # "": not known yet, or not any more

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="server."))
        self._processes = Processes(self.folder / "logs")
        try:
            self._wire()
            self._begin()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all programs in the three namespaces at once, remove these and the server's files."""
        for namespace in (self.cli, self.lan, self.srv):
            self._signal_all_in(namespace, signal.SIGKILL)
        self._processes.end_all()
        for namespace in (self.cli, self.lan, self.srv):
            subprocess.run(["ip", "netns", "delete", namespace], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- programs -----------------------------------------------------------------------------------------------------

    def run(
        self,
        namespace: str,
        *command: str,
        user: str | None = None,
        stdin: str | None = None,
        check: bool = True,
        timeout_s: float = 30,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program in one of the namespaces to its end."""
        return subprocess.run(
            within(namespace, *command, user=user),
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=check,
        )

    def processes_in(self, namespace: str) -> list[int]:
        """The ids of all processes in a namespace."""
        listed = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False)
        return [int(word) for word in listed.stdout.split()]

    def ping(self, address: str = LAN, timeout_s: int = 2) -> bool:
        """Whether that address answers the client."""
        return self.run(self.cli, "ping", "-c1", f"-W{timeout_s}", address, check=False).returncode == 0

    def fetch(self, host: str = LAN) -> str:
        """Fetch the file from the LAN into the client's namespace; its SHA-256."""
        code = (
            f"import urllib.request as r, hashlib as h; print(h.sha256(r.urlopen({_url(host)!r}).read()).hexdigest())"
        )
        return self.run(self.cli, "/usr/bin/python3", "-I", "-c", code).stdout.strip()

    def name(self, *addresses: str) -> str:
        """A new name that has these addresses, on all machines here."""
        name = f"name{next(_numbers)}.lab.test"
        with HOSTS.open("a") as hosts:
            hosts.writelines(f"{address} {name}\n" for address in addresses)
        return name

    def fingerprint(self) -> str:
        """SHA-256 of the VPN server's certificate; looked at once: a server turns away who comes too often."""
        if self._fingerprint:
            return self._fingerprint
        code = "import ssl, hashlib as h; c = ssl.get_server_certificate(('127.0.0.1', 443))"
        code += "; print(h.sha256(ssl.PEM_cert_to_DER_cert(c)).hexdigest())"
        self._fingerprint = self.run(self.srv, "/usr/bin/python3", "-I", "-c", code).stdout.strip()
        return self._fingerprint

    # -- administration -----------------------------------------------------------------------------------------------

    def vpncmd(self, *commands: str) -> str:
        """Run commands of the server's administration tool; what it printed, tables as CSV.

        It waits at a prompt for ever for arguments that are missing, hence the time limit.

        Raises:
            RuntimeError: a command failed.
        """
        script = self.folder / "vpncmd.txt"
        script.write_text("".join(command.rstrip("\n") + "\n" for command in commands))
        done = self.run(
            self.srv, "vpncmd", "127.0.0.1:5555", "/SERVER", *self._administrator, "/CSV", f"/IN:{script}",
            check=False, timeout_s=20,
        )  # fmt: skip
        if done.returncode != 0 or "(Error code:" in done.stdout:
            raise RuntimeError(f"vpncmd {commands} failed:\n{done.stdout}{done.stderr}")
        if any(command.startswith("ServerCert") for command in commands):
            self._fingerprint = ""
        return done.stdout

    def set_admin_password(self, password: str) -> None:
        """The whole server's; it has none at first."""
        self.vpncmd(f"ServerPasswordSet {password}")
        self._administrator = (f"/PASSWORD:{password}",)

    def add_user(self, name: str, **policy: int | bool) -> str:
        """A new user of the hub with the usual password and these values of the security policy; the name."""
        values = {key: str(value) if value is not True else "yes" for key, value in policy.items()}
        self.vpncmd(
            f"Hub {HUB}",
            f"UserCreate {name} /GROUP:none /REALNAME:none /NOTE:none",
            f"UserPasswordSet {name} /PASSWORD:{PASSWORD}",
            *(f"UserPolicySet {name} /NAME:{key} /VALUE:{value}" for key, value in values.items()),
        )
        return name

    def sessions(self) -> list[str]:
        """The names of all clients' sessions on the hub; after a log-off the server keeps one for 20 s more."""
        table = self.vpncmd(f"Hub {HUB}", "SessionList")
        return re.findall(r"^(SID-(?!LOCALBRIDGE)[^,]*)", table, re.MULTILINE)

    def carriers(self) -> int:
        """How many TCP connections the client has to the VPN server's port at this moment."""
        return len(self.run(self.srv, "ss", "-Htn", "state", "established", "sport = :443").stdout.splitlines())

    def session(self, name: str) -> dict[str, str]:
        """What the server knows of a session, under its own labels."""
        lines = self.vpncmd(f"Hub {HUB}", f"SessionGet {name}").splitlines()
        return {row[0]: row[1] for row in csv.reader(lines[lines.index("Item,Value") + 1 :]) if len(row) == 2}

    def disconnect_session(self) -> None:
        """The administrator throws every client out."""
        self.vpncmd(f"Hub {HUB}", *(f"SessionDisconnect {name}" for name in self.sessions()))

    def say(self, message: str) -> None:
        """The hub's message to everyone who connects.  vpncmd has no command for it, so the server starts anew."""
        self.stop()
        text = message.replace("$", "$24").replace(" ", "$20").replace("\n", "$0A")
        hub = f"declare {HUB}\n\t\t{{\n"
        settings = self._settings()
        assert settings.count(hub) == 1
        self._configuration().write_text(
            settings.replace(hub, f"{hub}declare Message\n{{\nstring MessageText {text}\n}}\n"), "utf-8-sig"
        )
        self.start()

    def grow_old(self) -> None:
        """From now on it speaks TLS 1.1 at most, as servers of long ago; some builds have settings for that."""
        self.fingerprint()  # while others than we can look
        self.stop()
        settings = re.sub(r"bool (Tls_Disable1_[23]) false", r"bool \1 true", self._settings())
        self._configuration().write_text(settings, "utf-8-sig")
        old = self.folder / "old.cnf"
        old.write_text(_OLD_TLS)
        with mock.patch.dict(os.environ, OPENSSL_CONF=f"{old}"):
            self.start()

    def _configuration(self) -> Path:
        [found] = [path for path in self.folder.rglob("vpn_server.config") if not path.parent.name.startswith("backup")]
        return found

    def _settings(self) -> str:
        return self._configuration().read_bytes().replace(b"\r\n", b"\n").decode("utf-8-sig")

    def hub_offline(self) -> None:
        """The administrator takes the hub offline."""
        self.vpncmd(f"Hub {HUB}", "Offline")

    def hub_online(self) -> None:
        """Online again: the server makes its TAP anew, in its own namespace."""
        self.vpncmd(f"Hub {HUB}", "Online")
        self._join_lan()

    # -- faults -------------------------------------------------------------------------------------------------------

    def link_down(self) -> None:
        """Pull the cable between client and server."""
        self._ip(self.srv, "link", "set", "veth-srv", "down")

    def link_up(self) -> None:
        """Plug it in again."""
        self._ip(self.srv, "link", "set", "veth-srv", "up")

    def move_client(self, address: str) -> None:
        """Another network gives the client another address; what started from the old one is dead."""
        self._ip(self.cli, "address", "flush", "dev", "veth-cli", "scope", "global")
        self._ip(self.cli, "address", "add", f"{address}/24", "dev", "veth-cli")

    def swallow(self) -> None:
        """From now on nothing of the server's arrives at the client, and no one is told."""
        # To another hardware address: a route that drops would tell the server, by an error of its own system's.
        self._ip(
            self.srv, "neigh", "replace", CLIENT, "lladdr", "02:00:00:00:00:01", "dev", "veth-srv", "nud", "permanent"
        )

    def deliver(self) -> None:
        """The end of ``swallow``."""
        self._ip(self.srv, "neigh", "delete", CLIENT, "dev", "veth-srv")

    @contextmanager
    def udp_swallowed(self, deaf: str) -> Iterator[None]:
        """Meanwhile no datagram arrives at the ``server`` or the ``client``, and no one is told."""
        namespace, nic = {"server": (self.srv, "veth-srv"), "client": (self.cli, "veth-cli")}[deaf]
        with ExitStack() as undo:
            for family in "-4", "-6":
                # What is for this machine is found by the first rule, so ours has to come before it.
                ours = f"priority 0 iif {nic} ipproto udp blackhole"
                for first, then in (
                    ("add priority 1 lookup local", "delete priority 1 lookup local"),
                    ("delete priority 0 lookup local", "add priority 0 lookup local"),
                    (f"add {ours}", f"delete {ours}"),
                ):
                    self._ip(namespace, family, "rule", *first.split())
                    undo.callback(self._ip, namespace, family, "rule", *then.split())
            yield

    @contextmanager
    def udp_translated(self) -> Iterator[None]:
        """Meanwhile the client's datagrams come from other ports than it knows, and none come to it unasked: a NAT."""
        unasked = 'iifname "veth-cli" udp dport 1024-65535 ct state new drop'
        translated = "udp dport 1024-65535 counter masquerade to :61000-61999"
        into = f"chain into {{ type filter hook input priority 0; {unasked}; }}"
        out = f"chain out {{ type nat hook postrouting priority 100; {translated}; }}"
        self.run(self.cli, "nft", f"table ip lab {{ {into}; {out}; }}")
        yield
        counted = self.run(self.cli, "nft", "list table ip lab").stdout
        self.run(self.cli, "nft", "delete table ip lab")
        assert "packets 0 " not in counted, counted

    def freeze(self) -> None:
        """Its kernel goes on answering, the server does not."""
        self._signal_all_in(self.srv, signal.SIGSTOP)

    def thaw(self) -> None:
        """The end of ``freeze``."""
        self._signal_all_in(self.srv, signal.SIGCONT)

    def kill(self) -> None:
        """The server's machine loses its power, as far as programs are concerned."""
        self._signal_all_in(self.srv, signal.SIGKILL)
        self._processes.end(self._server)

    def stop(self) -> None:
        """The administrator stops the server."""
        self._processes.end(self._server)
        wait_for(lambda: not self.processes_in(self.srv), 30, "the end of the VPN server")

    def start(self) -> None:
        """The server as it was before, after ``kill`` or ``stop``."""
        self._start_server()
        self._join_lan()

    def start_dhcp(self, *more: str, addresses: tuple[int, int] = (20, 199), routed: str = ROUTED_NETWORK) -> None:
        """Addresses (many: killed clients keep theirs), and a route behind the LAN; ``more`` options of dnsmasq."""
        first, last = addresses
        options = (
            "--no-daemon --conf-file=/dev/null --no-hosts --no-resolv --port=0 --user=root --bind-dynamic"
            f" --interface={_TAP} --dhcp-range=192.168.77.{first},192.168.77.{last},{self._lease_s}s --no-ping"
            f" --dhcp-option=option:classless-static-route,{routed},{LAN}"
            f" --dhcp-leasefile={self.folder}/leases --dhcp-authoritative --log-dhcp"
        )
        self._dnsmasq = self._start("dnsmasq", self.lan, "dnsmasq", *options.split(), *more)

    def stop_dhcp(self) -> None:
        """Nobody answers DHCP from now on."""
        if self._dnsmasq is not None:
            self._processes.end(self._dnsmasq)
            self._dnsmasq = None

    def start_program(self, name: str, *command: str) -> "subprocess.Popen[bytes]":
        """Another program on the server's machine."""
        return self.start_program_at(self.srv, name, *command)

    def start_program_at(self, namespace: str, name: str, *command: str) -> "subprocess.Popen[bytes]":
        """Another program in one of the namespaces."""
        return self._start(name, namespace, *command)

    def end_program(self, program: "subprocess.Popen[bytes]") -> None:
        """End it."""
        self._processes.end(program)

    def log(self, name: str) -> str:
        """What a program has written: "vpnserver", "dnsmasq", "lan_host"."""
        return (self.folder / "logs" / name).read_text(errors="replace")

    # -- the inside ---------------------------------------------------------------------------------------------------

    def _wire(self) -> None:
        for namespace in (self.srv, self.cli, self.lan):
            subprocess.run(["ip", "netns", "add", namespace], check=True)
            self._ip(namespace, "link", "set", "lo", "up")
        cable = f"veth-srv netns {self.srv} type veth peer name veth-cli netns {self.cli}"
        subprocess.run(["ip", "link", "add", *cable.split()], check=True)
        for namespace, nic, address, address_6 in (
            (self.srv, "veth-srv", SERVER, SERVER_6),
            (self.cli, "veth-cli", CLIENT, CLIENT_6),
        ):
            self._ip(namespace, "address", "add", f"{address}/24", "dev", nic)
            self._ip(namespace, "address", "add", f"{address_6}/64", "dev", nic, "nodad")
            self._ip(namespace, "link", "set", nic, "up")
        nobody = ("lladdr", "02:00:00:00:de:ad", "dev", "veth-cli", "nud", "permanent")
        self._ip(self.cli, "neighbour", "add", BLACK_HOLE_6, *nobody)
        self._ip(self.srv, "address", "add", f"{HIDDEN}/32", "dev", "lo")
        self._ip(self.lan, "address", "add", f"{ROUTED}/32", "dev", "lo")

    def _begin(self) -> None:
        self._install()
        self._start_server()
        self.vpncmd(*_SETUP.splitlines())
        self._join_lan()
        (self.folder / "files").mkdir()
        (self.folder / "files" / FILE_NAME).write_bytes(FILE)
        places = (str(self.folder / "files"), str(FILE_PORT), str(ECHO_PORT))
        self._start("lan_host", self.lan, sys.executable, str(Path(__file__).with_name("lan_host.py")), *places)
        wait_for(lambda: str(FILE_PORT) in self.run(self.lan, "ss", "-Hltn").stdout, 30, "the LAN's file server")
        if self._with_dhcp:
            self.start_dhcp()

    def _install(self) -> None:
        """A copy of the binary and of what it needs, in a folder of its own: some builds keep their files beside it."""
        given = Path(os.environ.get("TSUNAGU_LAB_SERVER") or _DEBIAN)
        here = self.folder / "bin"
        here.mkdir()
        shutil.copy(given, here / "vpnserver")
        for neighbour in given.resolve().parent.iterdir():
            if neighbour.name == "hamcore.se2" or ".so" in neighbour.suffixes:
                shutil.copy(neighbour, here)
        for folder in ("var/lib", "var/log", "run"):
            (self.folder / folder / "softether").mkdir(parents=True)

    def _start_server(self) -> None:
        mounts = f"mount --bind {self.folder}/var /var && mount --bind {self.folder}/run /run"
        private = ("unshare", "--mount", "--propagation", "private", "--uts", "sh", "-c")
        named = "echo vpn.example.org >/proc/sys/kernel/hostname"  # goes into the server's certificate
        here = f"{self.folder}/bin"
        command = f"{mounts} && {named} && cd /var && LD_LIBRARY_PATH={here} exec {here}/vpnserver execsvc"
        self._server = self._start("vpnserver", self.srv, *private, command)
        wait_for(self._answers, 20, "the VPN server")

    def _answers(self) -> bool:
        try:
            self.vpncmd("About")
        except RuntimeError:
            return False
        return True

    def _join_lan(self) -> None:
        """Bring the server's end of the hub's bridge to the LAN."""

        def move() -> bool:
            command = ["ip", "-n", self.srv, "link", "set", _TAP, "netns", self.lan]
            return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0

        wait_for(move, 30, "the hub's bridge")
        self._ip(self.lan, "address", "add", f"{LAN}/24", "dev", _TAP)
        self._ip(self.lan, "link", "set", _TAP, "up")
        if self._dnsmasq is not None:  # it ends with the NIC it served
            self.stop_dhcp()
            self.start_dhcp()

    def _signal_all_in(self, namespace: str, what: signal.Signals) -> None:
        for number in self.processes_in(namespace):
            with suppress(ProcessLookupError):
                os.kill(number, what)

    def _start(self, name: str, namespace: str, *command: str) -> "subprocess.Popen[bytes]":
        return self._processes.start(name, within(namespace, *command), os.environ)

    def _ip(self, namespace: str, *arguments: str) -> None:
        subprocess.run(["ip", "-n", namespace, *arguments], check=True, capture_output=True)


def within(namespace: str, *command: str, user: str | None = None) -> list[str]:
    """The command that runs another in a network namespace, as this user of the machine."""
    person = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
    return ["ip", "netns", "exec", namespace, *person, *command]


def _url(host: str) -> str:
    return f"http://{host}:{FILE_PORT}/{FILE_NAME}"
