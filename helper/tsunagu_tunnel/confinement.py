"""What a worker denies itself before it hears the first octet: system calls (seccomp), files (Landlock), resources.

After ``drop_privileges``: both need ``no_new_privs``.  Whatever is not on the lists is refused, and the process is
killed where the mere attempt shows that somebody else has taken it over.
"""

import ctypes
import errno
import logging
import os
import resource
import stat
import sys
from collections.abc import Callable
from typing import Any

from tsunagu_tunnel.privileges import PrivilegesRemain

LOG = logging.getLogger(__name__)

OPEN_FILES = 256  # 32 carriers, each with a successor on its way, and some for looking up names
DATA = 1 << 30  # octets of memory; some ten million are in use

# -- system calls, by seccomp(2) through libseccomp, which knows their numbers on every processor ----------------------

_ALLOWED = (
    "read readv pread64 write writev close lseek fcntl fcntl64 dup pipe2 eventfd2 "
    "open openat stat stat64 lstat lstat64 fstat fstat64 newfstatat fstatat64 statx access faccessat faccessat2 "
    "readlink readlinkat getdents64 getcwd "
    "munmap mremap madvise brk "
    "rt_sigaction rt_sigprocmask rt_sigreturn sigreturn sigaltstack restart_syscall exit exit_group "
    "futex futex_time64 set_robust_list rseq membarrier sched_yield sched_getaffinity getpid gettid "
    "clock_gettime clock_gettime64 clock_getres clock_nanosleep clock_nanosleep_time64 nanosleep gettimeofday time "
    "poll ppoll ppoll_time64 select pselect6 pselect6_time64 "
    "epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 "
    "connect bind getsockname getpeername getsockopt setsockopt shutdown "
    "send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64 "
    "getrandom uname getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 sysinfo getrusage getrlimit "
)
_DEADLY = ("execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev")

_FAMILIES = (1, 2, 10)  # AF_UNIX (to resolvers), AF_INET, AF_INET6
_IOCTLS = (0x5421, 0x5450, 0x5451, 0x800454D2)  # FIONBIO, FIONCLEX, FIOCLEX, TUNGETIFF
_CLONE_THREAD = 0x10000
_PR_SET_NAME = 15
_PROT_WRITE, _PROT_EXEC = 2, 4

_KILL, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000  # seccomp.h: SCMP_ACT_*
_EQUAL, _MASKED = 4, 7  # SCMP_CMP_*
_UNKNOWN = -1  # __NR_SCMP_ERROR


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def confine() -> None:
    """Do all three, for good.

    Raises:
        PrivilegesRemain: system calls could not be limited.
    """
    for limit, value in (
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_DATA, DATA),
    ):
        resource.setrlimit(limit, (value, value))
    _limit_files()
    _limit_system_calls()


def _limit_system_calls() -> None:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError as error:
        raise PrivilegesRemain("libseccomp is missing; install the package libseccomp2 (or libseccomp)") from error
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_ERRNO | errno.EPERM)))

    def rule(action: int, name: str, *comparisons: tuple[int, int, int, int]) -> None:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number == _UNKNOWN:
            return  # younger than this library
        of = (_Comparison * len(comparisons))(*(_Comparison(*comparison) for comparison in comparisons))
        _check(
            library.seccomp_rule_add_array(context, ctypes.c_uint32(action), number, len(comparisons), of),
            f"seccomp: {name}",
        )

    for name in _DEADLY:
        rule(_KILL, name)
    for name in _ALLOWED.split():
        rule(_ALLOW, name)
    for family in _FAMILIES:
        rule(_ALLOW, "socket", (0, _EQUAL, family, 0))
        rule(_ALLOW, "socketpair", (0, _EQUAL, family, 0))
    for request in _IOCTLS:
        rule(_ALLOW, "ioctl", (1, _MASKED, 0xFFFFFFFF, request))
    rule(_ALLOW, "prctl", (0, _EQUAL, _PR_SET_NAME, 0))
    rule(_ALLOW, "prlimit64", (2, _EQUAL, 0, 0))  # to ask, not to set
    rule(_ALLOW, "tgkill", (0, _EQUAL, os.getpid(), 0))
    rule(_ALLOW, "clone", (0, _MASKED, _CLONE_THREAD, _CLONE_THREAD))  # names are looked up in a thread
    rule(_ERRNO | errno.ENOSYS, "clone3")  # its flags cannot be seen; libc falls back to clone
    # No memory that is written and run: libraries come from files, mapped as they are.
    rule(_ALLOW, "mprotect", (2, _MASKED, _PROT_EXEC, 0))
    for call in ("mmap", "mmap2"):
        rule(_ALLOW, call, (2, _MASKED, _PROT_WRITE, 0))
        rule(_ALLOW, call, (2, _MASKED, _PROT_EXEC, 0))
    _check(library.seccomp_load(context), "seccomp")
    library.seccomp_release(context)


def _check(result: int, what: str) -> None:
    if result < 0:
        raise PrivilegesRemain(f"{what}: {os.strerror(-result)}")


# -- files, by landlock(7), where the kernel has it --------------------------------------------------------------------

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every processor
_ASK_VERSION = 1
_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_ALL_OF_VERSION_1, _TRUNCATE = (1 << 13) - 1, 1 << 14
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2  # what stays within the sandbox, from version 6 on

# What a name is looked up with, whom the system trusts, what the interpreter loads late.
_READABLE = (
    "/etc", "/usr", "/lib", "/lib64", "/dev/null", "/dev/urandom", "/proc/sys", "/sys/devices/system/cpu",
    "/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf", "/run/nscd",
)  # fmt: skip


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def _limit_files() -> None:
    """Nothing can be written or made; read only what a worker needs.  An old kernel leaves it to the file modes."""
    system_call = ctypes.CDLL(None, use_errno=True).syscall
    version = system_call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))
    if version < 1:
        LOG.info("no Landlock here: %s", os.strerror(ctypes.get_errno()))
        return
    ruleset = _Ruleset(files=_ALL_OF_VERSION_1 | (_TRUNCATE if version >= 3 else 0))
    size = 8
    if version >= 6:
        ruleset.scoped, size = _ABSTRACT_SOCKETS | _SIGNALS, ctypes.sizeof(_Ruleset)
    descriptor = _landlock(
        system_call, _CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    for path in sorted({*_READABLE, sys.prefix, sys.base_prefix, *sys.path}):
        try:
            parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue  # not on this machine, or where only root can read anyway
        allowed = _READ_FILE | _READ_DIR if stat.S_ISDIR(os.fstat(parent).st_mode) else _READ_FILE
        rule = ctypes.byref(_Beneath(allowed, parent))
        _landlock(system_call, _ADD_RULE, descriptor, ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
        os.close(parent)
    _landlock(system_call, _RESTRICT_SELF, descriptor, ctypes.c_uint32(0))
    os.close(descriptor)


def _landlock(system_call: Callable[..., int], *arguments: Any) -> int:
    result = system_call(*arguments)
    if result < 0:
        raise PrivilegesRemain(f"Landlock: {os.strerror(ctypes.get_errno())}")
    return result
