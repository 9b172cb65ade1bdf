"""A real gnome-keyring on a session's bus.  Debian package: gnome-keyring."""

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.lab.processes import Processes
from tests.lab.waiting import wait_for
from tsunagu_tray.keyring import SCHEMA

DAEMON = "/usr/bin/gnome-keyring-daemon"
PASSWORD = "of the keyring"


class GnomeKeyring:
    """Its items lie below ``home`` and outlive it.  ``environment`` has the bus; ``user`` is whose it is."""

    def __init__(self, home: Path, environment: Mapping[str, str], user: int | None = None) -> None:
        self._home = home
        self._environment = dict(environment) | {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_RUNTIME_DIR": str(home),
        }
        self._processes = Processes(home / "log", user)
        if user is not None:
            os.chown(home, user, user)

    def start(self, *, unlocked: bool = True) -> None:
        """Returns when it answers; with ``unlocked`` it has the keyring open, and made one if there was none."""
        password = self._home / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        daemon = f"{DAEMON} --foreground --components=secrets"
        command = f"exec {daemon} --unlock < {password}" if unlocked else f"exec {daemon}"
        self._process = self._processes.start("keyring", ["sh", "-c", command], self._environment)
        wait_for(self._answers, 30, "the keyring")

    def stop(self) -> None:
        """As at the end of a session."""
        self._processes.end_all()
        wait_for(lambda: not self._has_name(), 30, "the keyring to go")

    def freeze(self) -> None:
        """It answers no more."""
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """It crashes."""
        self._process.kill()
        wait_for(lambda: not self._has_name(), 30, "the keyring to go")

    def lock(self) -> None:
        """As its owner does in a settings window."""
        service = "org.freedesktop.Secret.Service"
        self._call("/org/freedesktop/secrets", f"{service}.Lock", "['/org/freedesktop/secrets/collection/login']")

    def has_items(self) -> bool:
        """Whether Tsunagu has something in it."""
        search = "org.freedesktop.Secret.Service.SearchItems"
        return "/collection/" in self._call("/org/freedesktop/secrets", search, f"{{'xdg:schema': '{SCHEMA}'}}")

    def files(self) -> bytes:
        """All that is on disk."""
        return b"".join(path.read_bytes() for path in (self._home / "data").rglob("*") if path.is_file())

    def _answers(self) -> bool:
        return self._has_name() and "objectpath" in self._call(
            "/org/freedesktop/secrets", "org.freedesktop.Secret.Service.ReadAlias", "default"
        )

    def _has_name(self) -> bool:
        command = ["gdbus", "call", "--session", "--dest=org.freedesktop.DBus", "--object-path=/org/freedesktop/DBus"]
        command += ["--method=org.freedesktop.DBus.NameHasOwner", "org.freedesktop.secrets"]
        return "true" in self._run(command)

    def _call(self, path: str, method: str, *arguments: str) -> str:
        command = ["gdbus", "call", "--session", "--dest=org.freedesktop.secrets", f"--object-path={path}"]
        return self._run([*command, f"--method={method}", *arguments])

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            **self._processes.identity(None),
        )
        return str(done.stdout)
