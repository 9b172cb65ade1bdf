"""What a worker that was taken over cannot do any more, tried in a process that is confined as a worker is."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOBODY = 61337

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up being root")

PRELUDE = f"""
import ctypes, errno, fcntl, mmap, os, resource, socket, struct, sys, threading
import tsunagu_tunnel.worker
tap = os.open("/dev/net/tun", os.O_RDWR) if os.path.exists("/dev/net/tun") else 0
others = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
def refused(call, *arguments):
    ctypes.set_errno(0)
    assert call(*arguments) == -1, "it was allowed"
    raise OSError(ctypes.get_errno(), "refused")
from tsunagu_tunnel.privileges import drop_privileges
from tsunagu_tunnel.confinement import confine
drop_privileges({NOBODY}, {NOBODY})
confine()
"""


def confined(attempt: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Try something in a confined process."""
    return subprocess.run(
        [sys.executable, "-P", "-s", "-B", "-c", PRELUDE + attempt, *(arguments or ("0",))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd="/",
        env={"PYTHONPATH": f"{ROOT}/helper:{ROOT}/shared"},
    )


DEADLY = {
    "run a program": "os.execv('/bin/true', ['true'])",
    "run a program by its descriptor": "libc.syscall(322, -1, b'', 0, 0, 0x1000)",
    "trace": "libc.ptrace(0, 0, 0, 0)",
}
REFUSED = {
    "fork": "os.fork()",
    "become root": "os.setuid(0)",
    "talk to the kernel's network": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "see all packets": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "make the NIC stay": "fcntl.ioctl(tap, 0x400454CB, 1)",
    "change the NIC's hardware address": "fcntl.ioctl(tap, 0x8924, bytes(40))",
    "make another NIC": "fcntl.ioctl(tap, 0x400454CA, struct.pack('16sH22x', b'evil', 0x1002))",
    "listen": "socket.create_server(('127.0.0.1', 0))",
    "signal another worker": "os.kill(others, 0)",
    "write a file": "open('/tmp/evil', 'w')",
    "write a file that is open to all": "open('/dev/shm/evil', 'w')",
    "remove a file": "os.unlink('/tmp/x')",
    "memory to write and run": "mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)",
    "mount": "refused(libc.mount, b'x', b'/mnt', b'tmpfs', 0, None)",
    "new namespaces": "refused(libc.unshare, 0x10000000)",
    "lift a limit": "refused(libc.setrlimit, resource.RLIMIT_NOFILE, struct.pack('QQ', 99, 99))",
    "the keyring of the kernel": "refused(libc.syscall, 250, 0, 0, 0, 0)",
    "load a program into the kernel": "refused(libc.syscall, 321, 0, 0, 0)",
    "look into another user's home": "os.listdir('/home')",
    "read the environment of another process": "open('/proc/1/environ').read()",
}
STILL_POSSIBLE = {
    "look up a name": "socket.getaddrinfo('localhost', 443)",
    "connect": "socket.socket().connect_ex(('127.0.0.1', 1)) == errno.ECONNREFUSED or sys.exit(3)",
    "send datagrams": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    "verify certificates": "import ssl; ssl.create_default_context().get_ca_certs()",
    "use threads": "t = threading.Thread(target=print); t.start(); t.join()",
    "ask for randomness": "os.urandom(32)",
}


@pytest.mark.parametrize("attempt", DEADLY.values(), ids=list(DEADLY))
def test_whoever_tries_this_is_killed(attempt: str) -> None:
    assert confined(attempt).returncode == -signal.SIGSYS


@pytest.mark.parametrize("attempt", REFUSED.values(), ids=list(REFUSED))
def test_this_is_refused(attempt: str) -> None:
    outcome = "40 if error.errno in (errno.EPERM, errno.EACCES) else error.errno"
    with subprocess.Popen(["sleep", "60"], user=NOBODY) as other:
        tried = confined(
            f"try:\n    {attempt}\nexcept OSError as error:\n    sys.exit({outcome})",
            str(other.pid),
        )
        other.kill()

    assert tried.returncode == 40, tried.stderr


@pytest.mark.parametrize("attempt", STILL_POSSIBLE.values(), ids=list(STILL_POSSIBLE))
def test_what_a_tunnel_needs_is_possible(attempt: str) -> None:
    tried = confined(attempt)

    assert tried.returncode == 0, tried.stderr


def test_a_socket_is_only_of_the_internet_or_local() -> None:
    families = {int(family) for family in socket.AddressFamily} - {1, 2, 10}

    tried = confined(
        f"for family in {sorted(families)}:\n"
        "    try:\n        socket.socket(family, socket.SOCK_DGRAM)\n"
        "    except OSError:\n        continue\n"
        "    sys.exit(family)"
    )

    assert tried.returncode == 0
