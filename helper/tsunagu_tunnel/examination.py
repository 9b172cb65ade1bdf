"""How this worker is confined, found by trying what it must not be able to do; for the doctor.

Identity, capabilities and ``no_new_privs`` need no look: ``privileges`` has checked them, or there would be no worker.
"""

import os
import socket
from collections.abc import Callable
from importlib import import_module

from tsunagu.control import Examined


def examine() -> Examined:
    """Try it."""
    return Examined(
        uid=os.getuid(),
        calls_refused=_is_refused(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()),
        files_refused=_is_refused(lambda: os.close(os.open("/proc/self/status", os.O_RDONLY))),
        is_compiled=_has_fast_path(),
    )


def _is_refused(deed: Callable[[], None]) -> bool:
    try:
        deed()
    except PermissionError:
        return True
    return False


def _has_fast_path() -> bool:
    try:
        import_module("tsunagu_tunnel.fastpath")
    except ImportError:
        return False
    return True
