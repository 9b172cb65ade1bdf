"""Which connections people want up: the target, apart from what is.  It outlives the helper, but not the machine's run.

The file lies where the system forgets it at a reboot.  That there is none means that the machine has just started.
"""

import json
import logging
import os
from pathlib import Path

from tsunagu_helper.files import private_directory, read_private, write_whole

LOG = logging.getLogger(__name__)


class Wanted:
    """A set of connections' ids, in a file of ``directory``."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "wanted.json"
        self._ids: frozenset[str] = frozenset()

    def restore(self) -> frozenset[str] | None:
        """Those that an earlier life of the helper was told to keep up; None: it is the first one since the boot."""
        try:
            found = json.loads(read_private(self._path))
            if not (isinstance(found, list) and all(isinstance(entry, str) for entry in found)):
                raise ValueError("it is not a list of texts")
        except FileNotFoundError:
            self._write()
            return None
        except (OSError, ValueError, RecursionError) as error:
            LOG.warning("%s is of no use, so what was connected stays disconnected: %s", self._path, error)
            found = []
        self._ids = frozenset(found)
        return self._ids

    def remember(self, connection_id: str, wanted: bool) -> None:
        """From now on somebody wants it up, or nobody does."""
        ids = self._ids | {connection_id} if wanted else self._ids - {connection_id}
        if ids != self._ids:
            self._ids = ids
            self._write()

    def _write(self) -> None:
        """A machine that cannot keep it can still connect."""
        try:
            private_directory(self._path.parent)
            write_whole(self._path, json.dumps(sorted(self._ids)) + "\n")
        except OSError as error:
            LOG.warning("%s: what is connected could not be noted: %s", self._path, os.strerror(error.errno or 0))
