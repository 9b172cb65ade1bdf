"""``python -m tests.lab.sandbox [--] COMMAND``: run COMMAND as root where nothing it makes can stay behind.

Processes, network namespaces, NICs, mounts and temporary files live in mount, process and network namespaces of their
own, which the kernel takes down together with the first process in them.  Inside there are

* the checkout at ``CHECKOUT``, readable by everyone wherever it lies outside; it is the working directory;
* the users that the package creates (``tsunagu-tunnel``, and the group ``tsunagu``) and two people: mika may use the
  VPN, jun may not;
* an empty /run, /tmp and home, no network but loopback, no name server that answers, an /etc/hosts of its own.

Commands name paths relative to the checkout; /tmp of the machine is not seen.
"""

import compileall
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path("/run/checkout")
PROGRAMS = Path("/run/bin")
HOMES = Path("/run/home")
HOSTS = Path("/etc/hosts")  # the sandbox's own: tests may add names
PEOPLE = ("mika", "jun")  # only mika is a member of the group tsunagu

_OUTSIDE = Path(__file__).resolve().parents[2]  # the checkout as the machine knows it
_INSIDE_FLAG = "--inside"
_KEPT = (  # of the environment, through sudo too
    "CI",
    "COLUMNS",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "HYPOTHESIS_PROFILE",
    "KEEP",
    "LANG",
    "SUDO_GID",
    "SUDO_UID",
    "SUDO_USER",
    "TERM",
    "TSUNAGU_LAB_SERVER",
    "TSUNAGU_SUITE",
    "XAUTHORITY",
    "XDG_CURRENT_DESKTOP",
    "XDG_RUNTIME_DIR",
)
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC = 2, 4, 4096, 16384  # linux/mount.h


def main() -> None:
    """Become root, enter the namespaces, furnish them, run the command, leave with its status."""
    arguments = sys.argv[1:]
    if inside := arguments[:1] == [_INSIDE_FLAG]:
        del arguments[0]
    if arguments[:1] == ["--"]:
        del arguments[0]
    if not arguments:
        sys.exit(__doc__)
    if inside:
        _furnish()
        sys.exit(_run(arguments))
    _compile()
    me = [sys.executable, "-m", "tests.lab.sandbox"]
    os.chdir(_OUTSIDE)
    if os.geteuid() != 0:
        os.execvp("sudo", ["sudo", "--", "env", *_environment_outside(), *me, "--", *arguments])
    namespaces = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    os.execvp("unshare", ["unshare", *namespaces, "env", *_environment_outside(), *me, _INSIDE_FLAG, "--", *arguments])


def _environment_outside() -> list[str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    if "DISPLAY" in kept and (authority := Path.home() / ".Xauthority").exists():
        kept.setdefault("XAUTHORITY", str(authority))
    return [f"{name}={value}" for name, value in kept.items()]


def _compile() -> None:
    """Byte code, written by the checkout's owner: inside nothing is, or root's files would lie about afterwards."""
    for room in ("shared", "tray", "helper", "tests"):
        compileall.compile_dir(_OUTSIDE / room, quiet=2)


# -- inside: process 1 of its namespace -------------------------------------------------------------------------------


def _furnish() -> None:
    os.umask(0o022)
    outside = _Held(_OUTSIDE, Path("/run/user"), *_display_sockets(), *_lab_server_folder())
    _mount("tmpfs", Path("/run"), "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755")
    _mount("tmpfs", Path("/tmp"), "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=1777")
    Path("/run/netns").mkdir()
    outside.show(Path("/run/user"))
    for path in _display_sockets():
        outside.show(path)
    for path in _lab_server_folder():
        outside.show(path, Path("/run/lab-server"))
        os.environ["TSUNAGU_LAB_SERVER"] = f"/run/lab-server/{Path(os.environ['TSUNAGU_LAB_SERVER']).name}"
    outside.show(_OUTSIDE, CHECKOUT)
    if not _readable_by_all(CHECKOUT):
        _copy_readable()
    os.chdir(CHECKOUT)
    _install_programs()
    _add_people()
    _replace(Path("/etc/resolv.conf"), "nameserver 127.0.0.1\n")
    _replace(HOSTS, "127.0.0.1 localhost\n::1 localhost\n")
    _make_tun_device()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.environ |= {
        "HOME": str(HOMES / "root"),
        "HYPOTHESIS_STORAGE_DIRECTORY": "/tmp/hypothesis",
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "PWD": str(CHECKOUT),
        "PATH": f"{PROGRAMS}:{CHECKOUT}/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": ":".join(str(CHECKOUT / room) for room in ("", "shared", "tray", "helper")),
    }


def _install_programs() -> None:
    """Those of .venv name their Python by a path that may not be there, or not for everyone, in here."""
    PROGRAMS.mkdir()
    for outside in (CHECKOUT / ".venv/bin").glob("tsunagu*"):
        _first_line, _, rest = outside.read_text().partition("\n")
        inside = PROGRAMS / outside.name
        inside.write_text(f"#!{CHECKOUT}/.venv/bin/python\n{rest}")
        inside.chmod(0o755)


def _run(command: list[str]) -> int:
    """What a process 1 has to do: start the command, pass signals on, bury orphans, report the command's status."""
    child = subprocess.Popen(command)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the command by itself
    signal.signal(signal.SIGTERM, lambda number, _frame: child.send_signal(number))
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            _hand_over_results()
            return child.returncode if child.returncode >= 0 else 128 - child.returncode


class _Held:
    """Files and folders kept reachable while other file systems are mounted above them."""

    def __init__(self, *paths: Path) -> None:
        self._descriptors = {path: os.open(path, os.O_PATH) for path in paths if path.exists()}

    def show(self, path: Path, at: Path | None = None) -> None:
        """Mount what ``path`` was, at ``path`` or elsewhere; nothing, if it was not there."""
        if (descriptor := self._descriptors.get(path)) is None:
            return
        target = at or path
        if Path(f"/proc/self/fd/{descriptor}").is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.parent.chmod(0o1777)  # a folder of sockets
            target.touch()
        _mount(f"/proc/self/fd/{descriptor}", target, "", _MS_BIND | _MS_REC)


def _mount(source: str, target: Path, kind: str, flags: int, options: str = "") -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = [text.encode() for text in (source, str(target), kind)]
    if libc.mount(*arguments, ctypes.c_ulong(flags), options.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"mount {source}: {os.strerror(ctypes.get_errno())}", str(target))


def _display_sockets() -> list[Path]:
    """The socket of the X server on this machine that DISPLAY names."""
    host, _colon, number = os.environ.get("DISPLAY", "").partition(":")
    return [Path(f"/tmp/.X11-unix/X{number.split('.')[0]}")] if number and host in ("", "unix") else []


def _lab_server_folder() -> list[Path]:
    server = os.environ.get("TSUNAGU_LAB_SERVER", "")
    return [Path(server).resolve().parent] if server else []


def _readable_by_all(folder: Path) -> bool:
    """Whether the checkout was made with a usual umask; hidden folders but .venv don't matter, nor systems in it."""
    hidden = ["(", "-path", "*/.[!.]*", "-not", "-path", f"{folder}/.venv*", "-o", "-path", f"{folder}/build/suite"]
    hidden += [")", "-prune"]
    private = ["(", "-type", "f", "-not", "-perm", "-004", "-o", "-type", "d", "-not", "-perm", "-005", ")"]
    found = subprocess.run(
        ["find", folder, *hidden, "-o", *private, "-print", "-quit"], capture_output=True, check=True
    )
    return not found.stdout


def _copy_readable() -> None:
    """A copy that everyone can read instead of the checkout itself; results still go to the checkout's build/."""
    copy = Path("/run/checkout-copy")
    left_out = {
        ".git",
        "build",
        *(path.name for path in CHECKOUT.glob(".*_cache")),
    }  # some library has a folder "build"
    shutil.copytree(
        CHECKOUT, copy, symlinks=True, ignore=lambda folder, _: left_out if Path(folder) == CHECKOUT else ()
    )
    subprocess.run(["chmod", "-R", "a+rX", copy], check=True)
    results = CHECKOUT / "build"
    results.mkdir(exist_ok=True)
    held = _Held(results, CHECKOUT / "docs")
    _mount(str(copy), CHECKOUT, "", _MS_BIND)
    held.show(results)
    held.show(CHECKOUT / "docs")


def _replace(path: Path, text: str, mode: int = 0o644) -> None:
    """Another text in the place of a file of the machine, for this sandbox only."""
    real = path.resolve()
    new = Path("/run/replaced") / path.name
    new.parent.mkdir(exist_ok=True)
    new.write_text(text)
    new.chmod(mode)
    if real.is_relative_to("/run"):
        real.parent.mkdir(parents=True, exist_ok=True)
        real.touch()
    if real.exists():
        _mount(str(new), real, "", _MS_BIND)


def _add_people() -> None:
    passwd, group = Path("/etc/passwd").read_text(), Path("/etc/group").read_text()
    users, groups = _ids(passwd), _ids(group)
    members = ["mika", *filter(None, [os.environ.get("SUDO_USER")])]
    services = ("tsunagu-tunnel", "systemd-resolve", "systemd-network")
    wanted = dict.fromkeys(services, "/nonexistent") | {name: str(HOMES / name) for name in PEOPLE}
    for name, home in wanted.items():
        if name not in users:
            taken = {*users.values(), *groups.values()}
            numbers = range(999, 100, -1) if home == "/nonexistent" else range(5000, 6000)
            number = next(number for number in numbers if number not in taken)
            users[name] = groups[name] = number
            passwd += f"{name}:x:{number}:{number}::{home}:/bin/sh\n"
            group += f"{name}:x:{number}:\n"
    group = "".join(line + "\n" for line in group.splitlines() if not line.startswith("tsunagu:"))
    taken = {*users.values(), *groups.values()}
    number = groups.get("tsunagu") or next(number for number in range(999, 100, -1) if number not in taken)
    group += f"tsunagu:x:{number}:{','.join(members)}\n"
    _replace(Path("/etc/passwd"), passwd)
    _replace(Path("/etc/group"), group)
    HOMES.mkdir()
    (HOMES / "root").mkdir(mode=0o700)
    for name in PEOPLE:
        person = pwd.getpwnam(name)
        (HOMES / name).mkdir(mode=0o700)
        os.chown(HOMES / name, person.pw_uid, person.pw_gid)


def _ids(table: str) -> dict[str, int]:
    return {fields[0]: int(fields[2]) for line in table.splitlines() if len(fields := line.split(":")) > 2}


def _make_tun_device() -> None:
    """Usually udev's work; containers lack it."""
    device = Path("/dev/net/tun")
    if not device.exists():
        subprocess.run(["modprobe", "tun"], check=False, stderr=subprocess.DEVNULL)
    if not device.exists():
        device.parent.mkdir(exist_ok=True)
        os.mknod(device, 0o600 | 0o020000, os.makedev(10, 200))


def _hand_over_results() -> None:
    """Pictures and reports belong to whoever called sudo."""
    if "SUDO_UID" in os.environ:
        owner = f"{os.environ['SUDO_UID']}:{os.environ['SUDO_GID']}"
        for folder in ("build", "docs"):
            if (CHECKOUT / folder).is_dir():
                subprocess.run(["chown", "-R", owner, CHECKOUT / folder], check=False)


if __name__ == "__main__":
    main()
