"""Connections on disk: one file each, readable by root only, never half written.

What cannot be read is moved to ``quarantine/``, never deleted; the rest goes on.
"""

import contextlib
import errno
import json
import logging
import os
import pwd
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from tsunagu.authorities import Authorities
from tsunagu.errors import StorageFailed, VpnError
from tsunagu.model import NO_SECRETS, ConnectionSettings, SecretKind, Secrets
from tsunagu.plain import from_plain, to_plain
from tsunagu_helper.files import UNFINISHED, private_directory, read_private, sync_directory, write_whole

LOG = logging.getLogger(__name__)

VERSION = 3  # of the files' form; 1 had a password in the place of the secrets, 2 did not name the owner

_FILE_NAME = re.compile(r"([A-Za-z0-9]{1,32})\.json")
_INTERFACE = re.compile(r"tsunagu[0-9]{1,8}")
_MAC = re.compile(r"[0-9a-f][26ae](:[0-9a-f]{2}){5}")  # locally administered, unicast
_MACHINE_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConnection:
    """All that is kept of one connection."""

    id: str
    settings: ConnectionSettings
    owner: int  # uid; 0: everybody's
    owner_name: str = ""  # a number may be another person's some day; "": not known
    interface: str
    mac: str  # of the NIC, kept so that the hub's DHCP server knows us again
    locked: bool = False  # the administrator provides the settings; here is what is added to them
    secrets: Secrets = field(default=NO_SECRETS, repr=False)
    in_keyring: tuple[SecretKind, ...] = ()  # which passwords the owner's keyring has, by their agent


def user_name(uid: int) -> str:
    """By the machine's user database; "": it has none of that number, or does not answer."""
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OSError):
        return ""


class Store:
    """The files below ``directory``.  ``problems`` has a sentence for each file that ``load`` could not use."""

    def __init__(self, directory: Path, name_of: Callable[[int], str] = user_name) -> None:
        self._name_of = cache(name_of)
        self.problems: list[str] = []
        self._directory = directory
        self._connections = directory / "connections"
        self._quarantine = directory / "quarantine"
        self._at_start: frozenset[str] = frozenset()  # ids of those that connect when the machine starts

    def load(self) -> dict[str, StoredConnection]:
        """All connections by id.

        Raises:
            StorageFailed: the directory cannot be used.
        """
        self.problems.clear()
        loaded = {}
        with _told("The saved connections could not be read"):
            private_directory(self._directory)
            private_directory(self._connections)
            for unfinished in self._connections.glob(f".*{UNFINISHED}"):
                unfinished.unlink()  # a crash left it; the file that it was to become is as it was
            paths = sorted(self._connections.iterdir())
        for path in paths:
            if not (match := _FILE_NAME.fullmatch(path.name)):
                LOG.warning("%s is not a connection's file, so it is left alone", path)
            elif stored := self._load(path, match[1]):
                loaded[stored.id] = stored
        for stored in loaded.values():
            self._note_start(stored.id, stored.settings.connect_at_start)
        return loaded

    def save(self, stored: StoredConnection) -> None:
        """Write it, new or changed.

        Raises:
            StorageFailed: it could not be written; what was there before still is.
        """
        plain = {"version": VERSION} | to_plain(stored)
        plain["owner_name"] = stored.owner_name or self._name_of(stored.owner)
        del plain["id"]  # the file's name says it
        with _told(f"The connection {stored.settings.name} could not be saved"):
            write_whole(self._connections / f"{stored.id}.json", json.dumps(plain, ensure_ascii=False, indent=2) + "\n")
            self._note_start(stored.id, stored.settings.connect_at_start)

    def remove(self, connection_id: str) -> None:
        """Forget it.

        Raises:
            StorageFailed: it could not be removed, so it is still there.
        """
        path = self._connections / f"{connection_id}.json"
        with _told("The connection could not be removed"):
            path.unlink(missing_ok=True)
            sync_directory(path.parent)
            self._note_start(connection_id, False)

    def machine_id(self) -> str:
        """32 hex digits that servers know this machine by; random, and the same from the first call on.

        Raises:
            StorageFailed: it could not be kept.
        """
        path = self._directory / "machine-id"
        with _told("This machine's id could not be kept"):
            private_directory(self._directory)
            try:
                text = read_private(path).strip()
            except (FileNotFoundError, ValueError):
                text = ""
            if not _MACHINE_ID.fullmatch(text):
                text = secrets.token_hex(16)
                write_whole(path, text + "\n")
        return text

    def authorities(self, owner: int) -> Authorities:
        """The certificate authorities of this user's own; none where their file is damaged.

        Raises:
            StorageFailed: it cannot be read.
        """
        path = self._directory / "authorities" / f"{owner}.json"
        with _told("The certificate authorities could not be read"):
            try:
                plain = json.loads(read_private(path))
                name = plain.pop("owner_name", "") if isinstance(plain, dict) else ""
                if name and name != (self._name_of(owner) or name):
                    LOG.warning("%s belongs to %s, who has this number no more, so it is left alone", path, name)
                    return Authorities()
                found: Authorities = from_plain(Authorities, plain)
            except FileNotFoundError:
                return Authorities()
            except (ValueError, TypeError, RecursionError, VpnError) as damage:
                LOG.warning("%s could not be read: %s", path, damage)
                return Authorities()
        return found

    def save_authorities(self, owner: int, authorities: Authorities) -> None:
        """Keep these for this user, and no others.

        Raises:
            StorageFailed: they could not be written; what was there before still is.
        """
        with _told("The certificate authorities could not be saved"):
            private_directory(self._directory / "authorities")
            text = json.dumps(to_plain(authorities) | {"owner_name": self._name_of(owner)}, indent=2) + "\n"
            write_whole(self._directory / "authorities" / f"{owner}.json", text)

    def quarantined(self) -> list[Path]:
        """Files that could not be read and were moved aside."""
        try:
            return sorted(self._quarantine.iterdir())
        except OSError:
            return []

    def _note_start(self, connection_id: str, wanted: bool) -> None:
        """Keep the file by which the system knows whether to start the helper with the machine."""
        self._at_start = self._at_start | {connection_id} if wanted else self._at_start - {connection_id}
        mark = self._directory / "connect-at-start"
        if bool(self._at_start) != mark.exists():
            mark.touch(0o600) if self._at_start else mark.unlink()

    def _load(self, path: Path, connection_id: str) -> StoredConnection | None:
        try:
            return self._owned(_parse(read_private(path), connection_id))
        except _OtherOwner as other:
            problem = f"{other}, so it is left alone: remove it, or name its owner in it anew"
        except _NewerForm as newer:
            problem = f"{newer}, so it is left alone: update Tsunagu to use it"
        except OSError as error:
            problem = f"{error.strerror}, so it is left alone"
        except (ValueError, TypeError, RecursionError, VpnError) as damage:
            problem = f"{damage}; {self._move_aside(path)}"
        self.problems.append(f"The saved connection {path} could not be read: {problem}")
        return None

    def _owned(self, stored: StoredConnection) -> StoredConnection:
        """With its owner's name, as long as the number is that person's."""
        name = self._name_of(stored.owner)
        if stored.owner and name and stored.owner_name not in ("", name):
            raise _OtherOwner(f"it belongs to {stored.owner_name}, whose user number {stored.owner} is {name}'s now")
        return replace(stored, owner_name=stored.owner_name or name)

    def _move_aside(self, path: Path) -> str:
        kept = self._quarantine / path.name
        try:
            private_directory(self._quarantine)
            if os.path.lexists(kept):
                kept = kept.with_stem(secrets.token_hex(8))
            path.rename(kept)
            sync_directory(path.parent)
        except OSError as error:
            return f"it could not be moved to {self._quarantine} either: {error.strerror}"
        return f"it is now {kept}; repair it and move it back, or add the connection again"


class _OtherOwner(Exception):
    """The number of its owner was given to somebody else."""


class _NewerForm(Exception):
    """A later version of the program wrote this."""


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        match error.errno:
            case errno.ENOSPC | errno.EDQUOT:
                why = "the disk is full. Free some space, then try again"
            case errno.EROFS:
                why = "the disk can only be read. Make it writable, then try again"
            case _:
                why = f"{error.strerror} ({error.filename})" if error.filename else f"{error.strerror}"
        raise StorageFailed(f"{what}: {why}") from error


def _parse(text: str, connection_id: str) -> StoredConnection:
    plain = json.loads(text)
    if not isinstance(plain, dict):
        raise ValueError("it is not an object")
    json.dumps(plain, ensure_ascii=False).encode()  # refuses half characters, which no bus can carry
    version = plain.pop("version", None)
    if type(version) is int and version > VERSION:
        raise _NewerForm(f"it has form {version} of a later Tsunagu")
    if version == 1:
        plain["secrets"] = {"password": plain.pop("password", None)}
    elif version not in (2, VERSION):
        raise ValueError(f"there is no form {version!r}")
    stored: StoredConnection = from_plain(StoredConnection, plain | {"id": connection_id})
    if not _INTERFACE.fullmatch(stored.interface):
        raise ValueError("the interface is not one of ours")
    if not _MAC.fullmatch(stored.mac):
        raise ValueError("the MAC address is not a locally administered one")
    if not 0 <= stored.owner < 2**32 - 1:
        raise ValueError("the owner is not a user's number")
    return stored
