"""What keyrings still have and are to have no longer.  It outlives the helper and the machine's run.

A keyring can be reached only while its owner's agent is there.  Ids and kinds are no secrets.
"""

import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from tsunagu.model import SecretKind
from tsunagu.plain import from_plain
from tsunagu_helper.files import private_directory, read_private, write_whole

LOG = logging.getLogger(__name__)

MAX_OF_A_USER = 100  # connections; the oldest go

Left = dict[str, tuple[SecretKind, ...]]  # by the connection's id


class ToForget:
    """By owner, in a file of ``directory``."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "to-forget.json"
        self._left: dict[str, Left] = self._read()

    def of(self, owner: int) -> Left:
        """What this user's keyring is to forget."""
        return dict(self._left.get(str(owner), {}))

    def note(self, owner: int, connection_id: str, kinds: Iterable[SecretKind]) -> None:
        """It is to forget these."""
        of_owner = self.of(owner)
        wanted = {*of_owner.pop(connection_id, ()), *kinds}
        of_owner[connection_id] = tuple(kind for kind in SecretKind if kind in wanted)
        self._keep(owner, dict([*of_owner.items()][-MAX_OF_A_USER:]))

    def strike(self, owner: int, connection_id: str, kinds: Iterable[SecretKind]) -> None:
        """It has forgotten these, or is to have them after all."""
        of_owner = self.of(owner)
        gone = {*kinds}
        if still := tuple(kind for kind in of_owner.pop(connection_id, ()) if kind not in gone):
            of_owner[connection_id] = still
        self._keep(owner, of_owner)

    def _keep(self, owner: int, of_owner: Left) -> None:
        if of_owner == self.of(owner):
            return
        self._left.pop(str(owner), None)
        if of_owner:
            self._left[str(owner)] = of_owner
        self._write()

    def _write(self) -> None:
        """A connection can be removed where this cannot be kept."""
        try:
            private_directory(self._path.parent)
            write_whole(self._path, json.dumps(self._left, default=lambda kind: kind.value) + "\n")
        except OSError as error:
            why = os.strerror(error.errno or 0)
            LOG.warning("%s: what keyrings are to forget could not be noted: %s", self._path, why)

    def _read(self) -> dict[str, Left]:
        try:
            found: dict[str, Left] = from_plain(dict[str, Left], json.loads(read_private(self._path)))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, RecursionError) as error:
            LOG.warning("%s is of no use, so keyrings may keep what was removed: %s", self._path, error)
            return {}
        return found
