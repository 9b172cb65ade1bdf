"""The whole of Tsunagu but the desktop, against a lab server: system bus, helper as root, commands as users.

The helper and all it starts live in the client's network namespace; the bus has the policy that ships.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.lab import logind
from tests.lab.processes import Processes
from tests.lab.server import HUB, PASSWORD, SERVER, USER, VpnServer, within
from tests.lab.system_bus import SystemBus
from tests.lab.waiting import wait_for
from tsunagu.bus_names import CONNECTION, SERVICE, connection_path
from tsunagu.model import State
from tsunagu_dbus import call, close, connect, plain, to_variants

NAME = "Office"
HELPER_PATIENCE_S = 30.0  # its own is six; one that is killed leaves for the next what the test would wait for in vain


class Stack:
    """Up inside ``with``.  ``person`` uses it, ``state_folder`` is the helper's STATE_DIRECTORY."""

    def __init__(
        self,
        server: VpnServer,
        person: str = "mika",
        *,
        helper_options: Sequence[str] = (),
        policies: tuple[Path, ...] = (),
    ) -> None:
        self.server = server
        self._helper_options = helper_options
        self.person = person
        self._policies = policies  # of the bus, for other services than ours

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="stack."))
        self.folder.chmod(0o755)
        self.state_folder = self.folder / "state"
        self.state_folder.mkdir(mode=0o700)
        (self.folder / "bus").mkdir()
        self._processes = Processes(self.folder / "logs")
        self.bus = SystemBus(self.folder / "bus", policies=self._policies)
        self._before = self._network()
        self.bus.start()
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ["PYTHONPATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "C.UTF-8",
            "DBUS_SYSTEM_BUS_ADDRESS": self.bus.address,
            "STATE_DIRECTORY": str(self.state_folder),
            "CONFIGURATION_DIRECTORY": str(self.folder / "etc"),
            "RUNTIME_DIRECTORY": str(self.folder / "run"),
        }
        try:
            self.start_helper()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all of it, and forget its files."""
        self._processes.end_all()
        self.bus.stop()
        shutil.rmtree(self.folder)

    # -- the helper ---------------------------------------------------------------------------------------------------

    def start_helper(self) -> None:
        """Start it and wait until it has its name on the bus."""
        command = within(self.server.cli, sys.executable, "-m", "tsunagu_helper", *self._helper_options)
        self._helper = self._processes.start("helper", command, self.environment)

        def answers() -> bool:
            if self._helper.poll() is not None:
                raise RuntimeError(f"the helper ended at once:\n{self.helper_log()}")
            return self.helper_answers()

        wait_for(answers, 30, "the helper")

    def helper_answers(self) -> bool:
        """Whether it has its name on the bus."""
        return self.owned(SERVICE)

    def owned(self, name: str) -> bool:
        """Whether somebody on the bus has this name."""
        dbus = "org.freedesktop.DBus"
        return bool(self.call("/org/freedesktop/DBus", dbus, "NameHasOwner", "s", name, destination=dbus)[0])

    def start_program(self, name: str, program: Path, *arguments: str) -> None:
        """A service of the system beside the helper."""
        self._processes.start(name, within(self.server.cli, str(program), *arguments), self.environment)

    def run_as_root(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """A program on the client's machine, with the helper's environment."""
        words = within(self.server.cli, *command)
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=60, check=False)

    def log(self, name: str) -> str:
        """What it has written."""
        return (self.folder / "logs" / name).read_text(errors="replace")

    def stop_helper(self) -> None:
        """End it in order."""
        self._processes.end(self._helper, HELPER_PATIENCE_S)

    def kill_helper(self) -> None:
        """kill -9."""
        self._helper.send_signal(signal.SIGKILL)
        self._helper.wait()
        self._processes.end(self._helper)

    def start_logind(self) -> None:
        """A scripted one; returns when it knows that the helper wants to log off before a sleep."""
        self._processes.start("logind", [sys.executable, "-m", "tests.lab.logind"], self.environment)
        dbus = "org.freedesktop.DBus"
        owned = ("/org/freedesktop/DBus", dbus, "NameHasOwner", "s", logind.NAME)
        wait_for(lambda: self.call(*owned, destination=dbus)[0], 20, "logind")
        wait_for(lambda: self.logind("Inhibitors") == [1], 20, "the helper's inhibitor")

    def logind(self, member: str, signature: str = "", *body: Any) -> list[Any]:
        """Have it do something."""
        return self.call(logind.PATH, logind.SCRIPT, member, signature, *body, destination=logind.NAME)

    def forget_boot(self) -> None:
        """What lies in memory only is gone, as after a reboot of the machine."""
        shutil.rmtree(self.folder / "run")

    def restart_bus(self) -> None:
        """The bus ends and comes back at the same address; nothing is left of its connections."""
        self.bus.stop()
        self.bus.start()

    def helper_log(self) -> str:
        """What the helper and its workers have written."""
        return (self.folder / "logs" / "helper").read_text(errors="replace")

    def workers(self) -> list[int]:
        """The ids of the workers that run now."""
        return [number for number in self.server.processes_in(self.server.cli) if _is_worker(number)]

    def kill_workers(self) -> None:
        """Crash them."""
        for number in self.workers():
            os.kill(number, signal.SIGKILL)

    # -- users --------------------------------------------------------------------------------------------------------

    def cli(
        self, *arguments: str, user: str | None = None, stdin: str | None = None, timeout_s: float = 90
    ) -> "subprocess.CompletedProcess[str]":
        """The command ``tsunagu`` in the client's namespace, as our person or another user."""
        tsunagu = (sys.executable, "-m", "tsunagu_tray.cli", *arguments)
        return self.run(*tsunagu, user=user, stdin=stdin, timeout_s=timeout_s)

    def run(
        self, *command: str, user: str | None = None, stdin: str | None = None, timeout_s: float = 90, **more: str
    ) -> "subprocess.CompletedProcess[str]":
        """Another program there; ``more`` is for its environment."""
        return subprocess.run(
            self.command(*command, user=user),
            env=self.environment | more,
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def cli_command(self, *arguments: str, user: str | None = None) -> list[str]:
        """That command's words, to be run with ``environment``."""
        return self.command(sys.executable, "-m", "tsunagu_tray.cli", *arguments, user=user)

    def command(self, *words: str, user: str | None = None) -> list[str]:
        """Those of another program."""
        return within(self.server.cli, *words, user=user or self.person)

    def done(self, *arguments: str, stdin: str | None = None) -> str:
        """A command that must succeed; its output."""
        result = self.cli(*arguments, stdin=stdin)
        assert result.returncode == 0, f"tsunagu {' '.join(arguments)}: {result.stderr}\n{self.helper_log()}"
        return result.stdout

    def add(
        self,
        name: str = NAME,
        *options: str,
        host: str = SERVER,
        port: int = 443,
        hub: str = HUB,
        user: str = USER,
        password: str | None = PASSWORD,
        first_line: str = "",
        trusted: bool = True,
        **settings: int | str,
    ) -> None:
        """Save a connection, quick to retry, the server's certificate trusted already.

        ``first_line`` of its standard input, where that is no password.
        """
        arguments = ["--server", f"{host}:{port}", "--hub", hub, "--user", user, *options]
        if password is not None:
            arguments.append("--password-stdin")
        if trusted:
            arguments += ["--fingerprint", self.server.fingerprint()]
        self.done("add", name, *arguments, stdin=f"{password or first_line}\n")
        self.update(name, retry_interval_s=5, **settings)

    def update(self, name: str, **changes: int | str) -> None:
        """Change settings that the command line does not offer."""
        path = connection_path(self.id_of(name))
        [settings] = self.call(path, CONNECTION, "GetSettings")
        self.call(path, CONNECTION, "Update", "a{sv}", to_variants(plain(settings) | changes))

    def id_of(self, name: str) -> str:
        """The id of the connection of that name."""
        return str(self._listed(name)["id"])

    def json(self, *arguments: str) -> Any:
        """What a command prints with --json."""
        return json.loads(self.done(*arguments, "--json"))

    def status(self, name: str = NAME) -> dict[str, Any]:
        """The manual's fields."""
        status: dict[str, Any] = self.json("status", name)
        return status

    def state(self, name: str = NAME) -> State:
        """Where the connection is."""
        return State(self._listed(name)["activity"])

    def _listed(self, name: str) -> dict[str, Any]:
        return next(entry for entry in self.json("list") if entry["name"] == name)

    def connect(self, name: str = NAME) -> None:
        """Connect and wait until that is done."""
        self.done("connect", name, "--wait")

    def disconnect(self, name: str = NAME) -> None:
        """Disconnect and wait until that is done."""
        self.done("disconnect", name)
        self.wait_for_state(State.IDLE, name)

    def wait_for_state(self, state: State, name: str = NAME, timeout_s: float = 30) -> None:
        """Wait until the connection is there."""
        wait_for(lambda: self.state(name) is state, timeout_s, f"{name} to be {state.value}")

    def call(
        self, path: str, interface: str, member: str, signature: str = "", *body: Any, destination: str = SERVICE
    ) -> list[Any]:
        """A method of the helper, as root."""

        async def ask() -> list[Any]:
            bus = await connect("system")
            try:
                return await call(bus, destination, path, interface, member, signature, [*body])
            finally:
                await close(bus)

        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = self.bus.address
        return asyncio.run(ask())

    # -- what must not stay -------------------------------------------------------------------------------------------

    def leftovers(self) -> list[str]:
        """NICs, addresses, routes, rules, nftables' tables and workers that were not there before."""
        return sorted(self._network() - self._before) + [f"worker {number}" for number in self.workers()]

    def _network(self) -> set[str]:
        """Lines of ip(8) and nft(8), but for the cable's state and IPv6, which change by themselves."""
        lines: set[str] = set()
        for command in (
            "-br link",
            "-4 -o address",  # the brief form tells the state of the cable, too
            "-4 route show table all",
            "-4 rule",
            "-6 route show table all",
            "-6 rule",
        ):
            output = self.server.run(self.server.cli, "ip", *command.split()).stdout
            lines.update(line for line in output.splitlines() if "veth-cli" not in line or command.startswith("-4"))
        lines.update(self.server.run(self.server.cli, "nft", "list", "tables").stdout.splitlines())
        return lines


def _is_worker(number: int) -> bool:
    try:
        return b"tsunagu_tunnel" in Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return False
