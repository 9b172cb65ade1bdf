"""A bare system in a folder, to install our packages into; no systemd runs there, and no network but the lab's is."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.processes import Processes
from tests.lab.sandbox import CHECKOUT
from tests.lab.server import HUB, PASSWORD, SERVER, USER, within
from tests.lab.waiting import wait_for

SUITE = os.environ.get("TSUNAGU_SUITE", "")  # of another release than this machine's
BUILT = CHECKOUT / f"build/suite/{SUITE}/checkout" if SUITE else CHECKOUT  # see packaging/on-suite
PACKAGES = sorted(BUILT.glob("dist/*.deb"))
OFFICE = ("add", "office", "--server", SERVER, "--hub", HUB, "--user", USER, "--password-stdin")  # of the command
TYPED = f"{PASSWORD}\n"
_UNIT = "lib/systemd/system/tsunagu-helper.service"
_NOT_COMPARED = (
    "dev",
    "proc",
    "run/dbus",
    "tmp",
    "var/cache",
    "var/lib/dpkg",
    "var/lib/systemd",
    "var/log",
    "etc/ld.so.cache",
)
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


class System:
    """There inside ``with``; ``namespace`` is the network namespace its programs run in."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="system."))
        self._folder.chmod(0o755)
        self.root = self._folder / "root"
        self.root.mkdir()
        self.processes = Processes(self._folder / "logs")
        archive = BUILT / "build/package-root.tar"
        subprocess.run(
            ["tar", "--extract", "--file", archive, "--directory", self.root, "--exclude=./dev/*"], check=True
        )
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()
        shutil.rmtree(self._folder)

    def _start(self) -> None:
        self._mounts = [self.root / name for name in ("proc", "dev")]
        for place in self._mounts:
            subprocess.run(["mount", "--rbind", f"/{place.name}", place], check=True)

    def _end(self) -> None:
        self.processes.end_all()
        for place in self._mounts:
            subprocess.run(["umount", "--recursive", "--lazy", place], check=True)

    # -- programs -----------------------------------------------------------------------------------------------------

    def run(self, *command: str, stdin: str = "") -> str:
        """Run a program to its end, as root; its output."""
        done = subprocess.run(
            self._inside(*command),
            env=ENVIRONMENT,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}{self.helper_log()}"
        return done.stdout

    def install(self, packages: Sequence[Path]) -> None:
        """Install or upgrade."""
        for package in packages:
            shutil.copy(package, self.root / "tmp")
        self.run("dpkg", "--install", *(f"/tmp/{package.name}" for package in packages))

    def start_bus(self) -> None:
        """The system's own bus, with the policies that lie in it."""
        (self.root / "run/dbus").mkdir(parents=True, exist_ok=True)
        self._run_on("dbus-daemon", "dbus-daemon", "--system", "--nofork", "--nopidfile")
        wait_for((self.root / "run/dbus/system_bus_socket").exists, 20, "the bus")

    def start_helper(self) -> None:
        """With the command of its unit, as systemd would."""
        unit = (self.root / _UNIT).read_text()
        [command] = [line.partition("=")[2] for line in unit.splitlines() if line.startswith("ExecStart=")]
        self._helper = self._run_on("helper", *command.split())

        def answers() -> bool:
            assert self._helper.poll() is None, self.helper_log()
            done = subprocess.run(self._inside("tsunagu", "list"), env=ENVIRONMENT, capture_output=True, check=False)
            return done.returncode == 0

        wait_for(answers, 30, "the helper")

    def stop_helper(self) -> None:
        """In order."""
        self.processes.end(self._helper)

    def helper_log(self) -> str:
        """What it and its workers have written."""
        path = self._folder / "logs/helper"
        return path.read_text(errors="replace") if path.exists() else ""

    def _run_on(self, name: str, *command: str) -> "subprocess.Popen[bytes]":
        runtime = {"STATE_DIRECTORY": "/var/lib/tsunagu", "RUNTIME_DIRECTORY": "/run/tsunagu"}
        return self.processes.start(name, self._inside(*command), ENVIRONMENT | runtime)

    def _inside(self, *command: str) -> list[str]:
        return within(self.namespace, "chroot", str(self.root), *command)

    # -- files --------------------------------------------------------------------------------------------------------

    def files(self) -> dict[str, str]:
        """All paths with what is in them, as far as a package could have changed it."""
        found: dict[str, str] = {}
        for folder, folders, files in os.walk(self.root):
            here = Path(folder)
            folders[:] = [name for name in folders if str((here / name).relative_to(self.root)) not in _NOT_COMPARED]
            for name in [*folders, *files]:
                path = here / name
                relative = str(path.relative_to(self.root))
                if relative in _NOT_COMPARED or (relative.startswith("etc/") and relative.endswith("-")):
                    continue  # passwd- and the like are passwd as it was
                if path.is_symlink():
                    found[relative] = str(path.readlink())
                elif path.is_file():
                    found[relative] = hashlib.sha256(path.read_bytes()).hexdigest()
                else:
                    found[relative] = ""
        return found


_THERE = r"""# root, folder, command
mount -t tmpfs tmpfs "$0/tmp"
mkdir -p "$0$1"
mount --bind "$1" "$0$1"
mount --rbind /dev "$0/dev"
mount -t proc proc "$0/proc"
exec chroot "$0" sh -ec 'cd "$0"; exec "$@"' "$@"
"""


def where_built(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a program in a folder on the system that has built the packages; the folder is below /tmp."""
    if SUITE:
        command = ("unshare", "--mount", "sh", "-ec", _THERE, str(BUILT.parent / "root"), str(folder), *command)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def newer(package: Path, folder: Path) -> Path:
    """The same package with a higher version."""
    tree = folder / package.name.partition("_")[0]
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
    control = tree / "DEBIAN/control"
    version = subprocess.run(
        ["dpkg-deb", "--field", package, "Version"], check=True, capture_output=True, text=True
    ).stdout.strip()
    control.write_text(control.read_text().replace(version, f"{version}+1"))
    made = folder / f"{tree.name}_newer.deb"
    subprocess.run(
        ["dpkg-deb", "--build", "-Znone", "--root-owner-group", tree, made], check=True, stdout=subprocess.DEVNULL
    )
    return made
