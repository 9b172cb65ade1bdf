"""What is wrong with a machine, and how to mend it: facts are gathered, then judged by a table.

What only root sees is the helper's to find (``tsunagu_helper.diagnosis``).
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsunagu.errors import VpnError
from tsunagu.finding import ERROR, INFO, WARNING, Finding, worst_first
from tsunagu_dbus import BusError, MessageBus, call, close, connect
from tsunagu_tray.client import HelperClient
from tsunagu_tray.notify import SERVICE as NOTIFICATIONS
from tsunagu_tray.panel_watch import WATCHER
from tsunagu_tray.texts import Texts

KEYRING = "org.freedesktop.secrets"
FILES = (
    "/usr/share/dbus-1/system-services/org.tsunagu.VPN1.service",
    "/usr/share/dbus-1/system.d/org.tsunagu.VPN1.conf",
    "/usr/share/polkit-1/actions/org.tsunagu.vpn1.policy",
)
BUILT_AFTER = 1_700_000_000  # UTC s; a clock before that finds all certificates not valid yet

_BUS = "org.freedesktop.DBus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found."""

    helper: str = ""  # why it cannot be reached; "": it can
    not_examined: str = ""  # why it did not look the machine over; "": it did
    by_helper: tuple[Finding, ...] = ()  # in English
    missing_files: tuple[str, ...] = ()
    has_tun: bool = True
    has_session: bool = True  # a desktop's bus
    has_panel: bool = True  # that takes icons
    has_notifications: bool = True
    has_keyring: bool = True
    clock: float = float("inf")  # UTC s


def judge(facts: Facts, texts: Texts) -> list[Finding]:
    """What a person has to know, in their language, the worst first."""
    found = [
        Finding(key.removeprefix("doctor_"), level, texts(key, detail=detail)) for key, level, detail in _judged(facts)
    ]
    found += [Finding(finding.key, finding.level, texts.say(finding.text)) for finding in facts.by_helper]
    return worst_first(found)


def _judged(facts: Facts) -> Iterator[tuple[str, str, str]]:
    if facts.helper:
        yield "doctor_helper", ERROR, facts.helper
    if facts.not_examined:
        yield "doctor_not_examined", WARNING, facts.not_examined
    for path in facts.missing_files:
        yield "doctor_file", ERROR if facts.helper else WARNING, path
    if facts.helper and not facts.has_tun:
        yield "doctor_tun", ERROR, ""
    if facts.clock < BUILT_AFTER:
        yield "doctor_clock", ERROR, ""
    if not facts.has_session:
        yield "doctor_session", INFO, ""
        return
    for key, is_there in (
        ("doctor_panel", facts.has_panel),
        ("doctor_notifications", facts.has_notifications),
        ("doctor_keyring", facts.has_keyring),
    ):
        if not is_there:
            yield key, WARNING, ""


async def examine(client: HelperClient) -> Facts:
    """Look at everything that a person without rights can see, and have the helper look at the rest."""
    helper = not_examined = ""
    found: list[dict[str, Any]] = []
    try:
        await client.open()
        await client.activate()
    except VpnError as error:
        helper = str(error)
    else:
        try:
            found = await client.diagnose()
        except VpnError as error:
            not_examined = str(error)
    names = await _session_names()
    return Facts(
        helper=helper,
        not_examined=not_examined,
        by_helper=tuple(Finding(one["key"], one["level"], one["text"]) for one in found),
        missing_files=_missing(FILES),
        has_tun=not _missing(("/dev/net/tun",)),
        has_session=names is not None,
        has_panel=names is not None and WATCHER in names,
        has_notifications=names is not None and NOTIFICATIONS in names,
        has_keyring=names is not None and KEYRING in names,
        clock=time.time(),
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
