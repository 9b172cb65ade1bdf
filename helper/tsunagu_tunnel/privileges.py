"""From root to a user that owns nothing: uid, groups, capabilities, and the ways back."""

import ctypes
import os
import resource
from pathlib import Path

_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h

_libc = ctypes.CDLL(None, use_errno=True)


class PrivilegesRemain(Exception):
    """The process could not give up all of its rights, so it must not go on."""


def drop_privileges(uid: int, gid: int) -> None:
    """Become ``uid`` and ``gid`` for good: no groups, no capabilities, nothing to be gained by exec, no core file.

    There is no limit on processes: it would count all workers of the uid, and the look-up of names needs a thread.

    Raises:
        PrivilegesRemain: something was not given up, whatever the kernel answered.
    """
    if uid == 0 or gid == 0:
        raise PrivilegesRemain("the tunnel must not run as root")
    os.umask(0o077)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _drop_bounding_set()
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        _empty_capability_sets()
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        _prctl(_PR_SET_DUMPABLE, 0)
    except OSError as error:
        raise PrivilegesRemain(str(error)) from error
    _check(uid, gid)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl {option}: {os.strerror(number)}")


def _drop_bounding_set() -> None:
    for capability in range(int(Path("/proc/sys/kernel/cap_last_cap").read_text()) + 1):
        _prctl(_PR_CAPBSET_DROP, capability)


def _empty_capability_sets() -> None:
    """Effective, permitted and inheritable; the ambient set is never more than permitted and inheritable both have."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    empty = (ctypes.c_uint32 * 6)()
    if _libc.capset(header, empty) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"capset: {os.strerror(number)}")


def _check(uid: int, gid: int) -> None:
    lines = Path("/proc/thread-self/status").read_text().splitlines()
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    wanted = {
        "Uid": "\t".join([str(uid)] * 4),
        "Gid": "\t".join([str(gid)] * 4),
        "Groups": "",
        "CapInh": "0" * 16,
        "CapPrm": "0" * 16,
        "CapEff": "0" * 16,
        "CapBnd": "0" * 16,
        "CapAmb": "0" * 16,
        "NoNewPrivs": "1",
    }
    for name, value in wanted.items():
        if status.get(name) != value:
            raise PrivilegesRemain(f"{name} is {status.get(name)!r}")
