"""What is wrong with a machine, and how to mend it: facts are gathered, then judged by a table."""

import os
import pwd
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tsunagu.errors import VpnError
from tsunagu_dbus import BusError, MessageBus, call, close, connect
from tsunagu_tray.client import HelperClient
from tsunagu_tray.panel_watch import WATCHER

KEYRING = "org.freedesktop.secrets"
FILES = (
    "/usr/share/dbus-1/system-services/org.tsunagu.VPN1.service",
    "/usr/share/dbus-1/system.d/org.tsunagu.VPN1.conf",
    "/usr/share/polkit-1/actions/org.tsunagu.vpn1.policy",
)
WORKER_USER = "tsunagu-tunnel"
BUILT_AFTER = 1_700_000_000  # UTC s; a clock before that finds all certificates not valid yet

_BUS = "org.freedesktop.DBus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found."""

    helper: str = ""  # why it cannot be reached; "": it can
    missing_files: tuple[str, ...] = ()
    has_tun: bool = True
    has_worker_user: bool = True
    has_session: bool = True  # a desktop's bus
    has_panel: bool = True  # that takes icons
    has_keyring: bool = True
    clock: float = float("inf")  # UTC s
    problems: tuple[str, ...] = ()  # the helper's, with files


@dataclass(frozen=True, slots=True)
class Finding:
    """``key`` of the sentences; ``is_bad``: nothing works before it is mended."""

    key: str
    is_bad: bool
    detail: str = ""


def judge(facts: Facts) -> list[Finding]:
    """What a person has to know, the worst first; empty: all is well."""
    return sorted(_judged(facts), key=lambda finding: not finding.is_bad)


def _judged(facts: Facts) -> Iterator[Finding]:
    if facts.helper:
        yield Finding("doctor_helper", True, facts.helper)
    for path in facts.missing_files:
        yield Finding("doctor_file", bool(facts.helper), path)
    if not facts.has_tun:
        yield Finding("doctor_tun", True)
    if facts.clock < BUILT_AFTER:
        yield Finding("doctor_clock", True)
    for problem in facts.problems:
        yield Finding("doctor_store", False, problem)
    if not facts.has_worker_user:
        yield Finding("doctor_user", False, WORKER_USER)
    if not facts.has_session:
        yield Finding("doctor_session", False)
    elif not facts.has_panel:
        yield Finding("doctor_panel", False)
    if facts.has_session and not facts.has_keyring:
        yield Finding("doctor_keyring", False)


async def examine(client: HelperClient) -> Facts:
    """Look at everything that a person without rights can see."""
    helper, problems = "", []
    try:
        await client.open()
        await client.activate()
        problems = [str(e["text"]) for e in await client.events(1000) if not e["id"] and e["level"] == "error"]
    except VpnError as error:
        helper = str(error)
    names = await _session_names()
    return Facts(
        helper=helper,
        missing_files=_missing(FILES),
        has_tun=not _missing(("/dev/net/tun",)),
        has_worker_user=WORKER_USER in {user.pw_name for user in pwd.getpwall()},
        has_session=names is not None,
        has_panel=names is not None and WATCHER in names,
        has_keyring=names is not None and KEYRING in names,
        clock=time.time(),
        problems=tuple(dict.fromkeys(problems)),
    )


def _missing(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(path for path in paths if not Path(path).exists())


async def _session_names() -> set[str] | None:
    """Who is on the desktop's bus or would be started there; None: there is no desktop."""
    if os.getuid() == 0:
        return None
    try:
        bus = await connect("session")
    except BusError:
        return None
    try:
        return {*await _ask(bus, "ListNames"), *await _ask(bus, "ListActivatableNames")}
    except BusError:
        return None
    finally:
        await close(bus)


async def _ask(bus: MessageBus, member: str) -> list[str]:
    [names] = await call(bus, _BUS, "/org/freedesktop/DBus", _BUS, member)
    return [str(name) for name in names]
