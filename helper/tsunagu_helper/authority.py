"""May this caller do this?  polkit says so; where there is no polkit, membership in a group does.

The subject is always the caller's unique bus name, which the bus ties to the user who opened the connection; never a
process id, which may be another process's by the time of the answer.  ``check`` returns only where something said yes:
every error, silence and unknown answer is a no.
"""

import asyncio
import grp
import itertools
import logging
import pwd
from typing import Any

from tsunagu.bus_names import (
    ACTION_CONTROL,
    ACTION_CONTROL_OTHERS,
    ACTION_EDIT,
    ACTION_EDIT_MACHINE,
    ACTION_EDIT_SYSTEM,
)
from tsunagu.errors import NotAuthorized
from tsunagu_dbus import BusError, MessageBus, Variant, call, credentials, tell
from tsunagu_helper.turns import Turns

log = logging.getLogger(__name__)

POLKIT = "org.freedesktop.PolicyKit1"
POLKIT_PATH = "/org/freedesktop/PolicyKit1/Authority"
POLKIT_AUTHORITY = "org.freedesktop.PolicyKit1.Authority"
ALLOW_INTERACTION = 1  # CheckAuthorization's flag: polkit may ask for a password

CHECK_TIMEOUT_S = 25.0
PERSON_TIMEOUT_S = 300.0  # to find and type an administrator's password

_DEEDS = {
    ACTION_CONTROL: "connect or disconnect VPN connections",
    ACTION_EDIT: "change VPN connections",
    ACTION_EDIT_MACHINE: "have a VPN connection reach everybody on the machine (traffic, names), or start with it",
    ACTION_EDIT_SYSTEM: "change VPN connections of the whole machine",
    ACTION_CONTROL_OTHERS: "control VPN connections of other users",
}


class Authority:
    """Asked before anything is read from a call's arguments or done."""

    def __init__(self, bus: MessageBus, admin_group: str) -> None:
        self.admin_group = admin_group
        self._bus = bus
        self._check_ids = itertools.count(1)
        self._turns = Turns()

    async def uid_of(self, caller: str) -> int:
        """The user behind a bus name, when it is that user's turn.

        Raises:
            NotAuthorized: nobody is there any longer.
            VpnError: that user asks without end.
        """
        uid = await self._uid_of(caller)
        await self._turns.wait(uid)
        return uid

    async def _uid_of(self, caller: str) -> int:
        try:
            return (await credentials(self._bus, caller)).uid
        except BusError as error:
            raise NotAuthorized("The caller is not on the bus any longer") from error

    async def check(self, caller: str, action: str, interactive: bool = True) -> None:
        """Return if the caller may do this; ``interactive`` lets polkit ask a person first.

        Raises:
            NotAuthorized: it may not, or it cannot be found out.
        """
        uid = await self._uid_of(caller)
        if uid == 0:
            return
        deed = _DEEDS.get(action, "do this")
        try:
            if await self._has_polkit():
                await self._ask_polkit(caller, action, deed, interactive)
            else:
                await self._ask_group(uid, deed)
        except BusError as error:
            log.warning("No answer on %s for uid %d: %s", action, uid, error)
            raise NotAuthorized(
                f"It could not be found out whether you may {deed}: {error}. "
                "Try again, or let an administrator look at the state of polkit"
            ) from error

    async def state(self) -> tuple[bool, str]:
        """Whether there is polkit, and why it does not answer or does not know us ("")."""
        try:
            if not await self._has_polkit():
                return False, ""
            [actions] = await call(
                self._bus, POLKIT, POLKIT_PATH, POLKIT_AUTHORITY, "EnumerateActions", "s", [""], CHECK_TIMEOUT_S
            )
        except BusError as error:
            return True, str(error)
        unknown = [action for action in _DEEDS if action not in {row[0] for row in actions}]
        return True, f"it does not know the action {unknown[0]}" if unknown else ""

    async def is_on_bus(self, name: str) -> bool:
        """Somebody has this name there."""
        try:
            [is_owned] = await self._ask_bus("NameHasOwner", "s", [name])
        except BusError:
            return False
        return bool(is_owned)

    async def _has_polkit(self) -> bool:
        """It runs, or the bus would start it."""
        [is_owned] = await self._ask_bus("NameHasOwner", "s", [POLKIT])
        if is_owned:
            return True
        [activatable] = await self._ask_bus("ListActivatableNames", "", [])
        return POLKIT in activatable

    async def _ask_bus(self, member: str, signature: str, body: list[str]) -> list[Any]:
        bus = "org.freedesktop.DBus"
        return await call(self._bus, bus, "/org/freedesktop/DBus", bus, member, signature, body)

    async def _ask_polkit(self, caller: str, action: str, deed: str, interactive: bool) -> None:
        check_id = f"tsunagu-{next(self._check_ids)}"
        subject = ["system-bus-name", {"name": Variant("s", caller)}]
        flags = ALLOW_INTERACTION if interactive else 0
        finished = False
        try:
            answer = await call(
                self._bus,
                POLKIT,
                POLKIT_PATH,
                POLKIT_AUTHORITY,
                "CheckAuthorization",
                "(sa{sv})sa{ss}us",
                [subject, action, {}, flags, check_id],
                timeout_s=PERSON_TIMEOUT_S if interactive else CHECK_TIMEOUT_S,
            )
            finished = True
        finally:
            if not finished:
                tell(self._bus, POLKIT, POLKIT_PATH, POLKIT_AUTHORITY, "CancelCheckAuthorization", "s", [check_id])
        match answer:
            case [[True, bool(), dict()]]:
                return
            case [[False, True, dict()]]:
                raise NotAuthorized(
                    f"To {deed}, a password has to be given first, and there is nothing here to ask for it: "
                    "do it in a desktop session, or as root"
                )
            case [[False, False, dict(details)]] if "polkit.dismissed" in details:
                raise NotAuthorized(f"To {deed}, a password has to be given: you closed the window that asked for it")
            case _:
                raise NotAuthorized(
                    f"You may not {deed}: do it in the session at the screen of this machine, "
                    "or ask an administrator to allow it in polkit"
                )

    async def _ask_group(self, uid: int, deed: str) -> None:
        if not await asyncio.to_thread(_is_member, uid, self.admin_group):
            raise NotAuthorized(
                f"Only root and members of the group {self.admin_group} may {deed} here: "
                f"ask an administrator to add you to that group, then log in again"
            )


def _is_member(uid: int, group_name: str) -> bool:
    """By the machine's user database, which may lie on the network: this blocks."""
    try:
        user = pwd.getpwuid(uid)
        group = grp.getgrnam(group_name)
    except (KeyError, OSError):
        return False
    return user.pw_gid == group.gr_gid or user.pw_name in group.gr_mem
