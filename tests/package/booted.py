"""The bare system, booted: systemd is process 1 of namespaces of its own, with journald, logind and a bus by its hand.

That takes a cgroup of version 2 to make a group in; where there is none, ``cannot_boot`` says so.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.lab.server import within
from tests.lab.waiting import wait_for
from tests.package.system import ENVIRONMENT, System

_IN_GROUP = 'echo $$ >$0/cgroup.procs; exec "$@"'
_UNSHARE = [
    "unshare",
    "--cgroup",
    "--mount",
    "--pid",
    "--uts",
    "--ipc",
    "--fork",
    "--kill-child",
    "--propagation",
    "private",
]
_BOOT = r"""# what a container's manager would do
root=$0
mount --bind $root $root
mount -t proc proc $root/proc
mount -t sysfs -o ro sysfs $root/sys
mount -t cgroup2 cgroup2 $root/sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs $root/run
mount -t tmpfs -o mode=1777 tmpfs $root/tmp
mount -t tmpfs -o mode=755 tmpfs $root/dev
mkdir $root/dev/pts $root/dev/shm $root/dev/net
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts $root/dev/pts
mount -t tmpfs -o mode=1777 tmpfs $root/dev/shm
for device in "null 3" "zero 5" "full 7" "random 8" "urandom 9"; do
    mknod -m 666 $root/dev/${device% *} c 1 ${device#* }
done
mknod -m 666 $root/dev/tty c 5 0
mknod -m 600 $root/dev/net/tun c 10 200
ln -s pts/ptmx $root/dev/ptmx
ln -s /proc/self/fd $root/dev/fd
touch $root/dev/console
mkdir -p $root/old
cd $root
pivot_root . old
umount --lazy old
exec env --ignore-environment container=tsunagu PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    /lib/systemd/systemd --system --log-target=console
"""
_NOT_OF_A_CONTAINER = ("console-getty.service", "systemd-resolved.service", "systemd-networkd.service")


class BootedSystem(System):
    """Booted inside ``with``; its network is that of ``namespace``."""

    def _start(self) -> None:
        for unit in _NOT_OF_A_CONTAINER:
            (self.root / "etc/systemd/system" / unit).symlink_to("/dev/null")
        self._group = Path(_cgroups()) / f"tsunagu-{os.getpid()}"
        self._power_on()

    def _power_on(self) -> None:
        self._group.mkdir()
        boot = within(self.namespace, *_UNSHARE, "sh", "-ec", _BOOT, str(self.root))
        manager = self.processes.start("systemd", ["sh", "-ec", _IN_GROUP, str(self._group), *boot], ENVIRONMENT)
        self._manager = manager
        self._process = wait_for(lambda: _child_of(manager.pid), 30, "process 1")
        wait_for(self._has_booted, 90, f"the system to boot: {self.console()}")

    def _end(self) -> None:
        self._power_off()

    def _power_off(self) -> None:
        os.kill(self._process, signal.SIGKILL)
        self._manager.wait()
        self.processes.end(self._manager)
        wait_for(lambda: "populated 0" in (self._group / "cgroup.events").read_text(), 30, "all processes to end")
        for group, _, _ in os.walk(self._group, topdown=False):
            Path(group).rmdir()

    def cut_power(self) -> None:
        """Off, and on again; the network's rules do not outlive that."""
        self._power_off()
        subprocess.run(within(self.namespace, "nft", "flush", "ruleset"), check=True)
        self._power_on()

    def _inside(self, *command: str) -> list[str]:
        return ["nsenter", f"--target={self._process}", "--all", "--root", "--wd", *command]

    def _has_booted(self) -> bool:
        words = self._inside("systemctl", "is-system-running")
        state = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, check=False).stdout.strip()
        return state in ("running", "degraded")

    def console(self) -> str:
        """What systemd has said."""
        return self.processes.log("systemd") if hasattr(self, "processes") else ""

    def start(self, unit: str) -> None:
        """Start a unit; where it fails, say what it said."""
        self.run("sh", "-ec", 'systemctl start "$0" || { journalctl --no-pager --unit="$0"; exit 1; }', unit)

    def unit(self, *properties: str, unit: str = "tsunagu-helper") -> dict[str, str]:
        """What systemd knows of a unit."""
        shown = self.run("systemctl", "show", unit, *(f"--property={name}" for name in properties))
        return dict(line.split("=", 1) for line in shown.splitlines())

    def helper_log(self) -> str:
        """The journal of its unit."""
        words = self._inside("journalctl", "--no-pager", "--unit=tsunagu-helper")
        return subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, check=False).stdout


def cannot_boot() -> str:
    """Why there can be no booted system here; "": there can."""
    try:
        group = Path(_cgroups()) / f"tsunagu-try-{os.getpid()}"
        group.mkdir()
        group.rmdir()
    except OSError as error:
        return f"no control group can be made: {error}"
    return ""


def _cgroups() -> str:
    """Where the second version's tree is, at our own place in it."""
    own = next((line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")), "")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return where + own.rstrip("/")
    raise OSError("no cgroup2 is mounted")


def _child_of(number: int) -> int:
    with contextlib.suppress(OSError):
        for child in _children(number):
            if b"systemd" in Path(f"/proc/{child}/cmdline").read_bytes():
                return child
    return 0


def _children(number: int) -> Iterator[int]:
    for task in Path(f"/proc/{number}/task").iterdir():
        yield from map(int, (task / "children").read_text().split())
