"""/etc/resolv.conf in our own hands, where no resolver manages it: written for a tunnel, and put back as it was.

What was there is kept in a file that only root reads, from before the change until after it is undone, so that whoever
comes next can undo it where the helper was killed: the next one, or ``--restore`` at its end or the machine's start.
Where somebody else has written the file meanwhile, theirs stays.

As a program, with the place of what is kept as its argument: writes what it reads, or puts back where that is nothing.
"""

import contextlib
import errno
import json
import logging
import os
import sys
from pathlib import Path

from tsunagu.errors import VpnError
from tsunagu_helper.files import sync_directory
from tsunagu_helper.lease_policy import DnsPlan

LOG = logging.getLogger(__name__)

PATH = Path("/etc/resolv.conf")
_MAX_FILE = 65536  # octets
_HEADER = "# Written by Tsunagu while a VPN connection is up; what was here before comes back afterwards.\n"


class ResolvConf:
    """The file; ``kept`` is where the original is held meanwhile."""

    def __init__(self, kept: Path, path: Path = PATH) -> None:
        self._kept, self._path = kept, path

    def text(self) -> str:
        """What is there; "" also where there is no such file.

        Raises:
            OSError: it cannot be read.
        """
        try:
            with self._path.open("rb") as file:
                return file.read(_MAX_FILE).decode(errors="surrogateescape")
        except FileNotFoundError:
            return ""

    def put(self, text: str) -> None:
        """Have this there, and keep what is, unless it is ours.

        Raises:
            OSError: that is not possible; all is as it was.
        """
        if not (self._kept.exists() and self.text().startswith(_HEADER)):
            self._keep()
        self._write(text)

    def put_back(self) -> None:
        """What was there before any of ours was, or a killed helper's.

        Raises:
            OSError: that is not possible.
            VpnError: nor will it be.
        """
        try:
            if self._kept.exists():
                if self.text().startswith(_HEADER):
                    self._restore()
                    sync_directory(self._path.parent)  # before what is kept goes: the power may, in between
                self._kept.unlink()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise VpnError(f"{self._path} could not be put back; the original is in {self._kept}: {error}") from error

    def _keep(self) -> None:
        link = str(self._path.readlink()) if self._path.is_symlink() else None
        text = self.text()
        if text.startswith(_HEADER):  # an earlier original is lost, and ours must not become one
            LOG.error("What %s had before Tsunagu is lost; it will be left empty", self._path)
            text = ""
        kept = {"link": link, "exists": self._path.exists() or link is not None, "text": text}
        _replace(self._kept, json.dumps(kept), 0o600)

    def _restore(self) -> None:
        kept = json.loads(self._kept.read_text())
        if kept["link"] is not None and not self._path.is_symlink():
            new = self._path.with_name(".resolv.conf.tsunagu")
            new.unlink(missing_ok=True)
            new.symlink_to(kept["link"])
            new.replace(self._path)
        elif kept["link"] is not None:  # we had to write through it
            self._write_in_place(kept["text"])
        elif kept["exists"]:
            self._write(kept["text"])
        else:
            self._path.unlink()

    def _write(self, text: str) -> None:
        try:
            _replace(self._path, text, 0o644)
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.EROFS):
                raise
            self._write_in_place(text)  # a mount of its own, as in containers and in our systemd unit

    def _write_in_place(self, text: str) -> None:
        """Whoever is killed half-way leaves nothing of the old text: blank lines at most."""
        data = text.encode(errors="surrogateescape")
        with self._path.open("r+b", buffering=0) as file:
            file.write(data.ljust(os.fstat(file.fileno()).st_size, b"\n"))
            file.truncate(len(data))
            os.fsync(file.fileno())


def resolv_conf(plan: DnsPlan) -> str:
    """The file's text: all names go to these servers, for this file knows no other way."""
    lines = [f"nameserver {server}" for server in plan.servers[:3]]  # MAXNS of resolv.h
    if plan.domains:
        lines.append("search " + " ".join(plan.domains[:6]))  # MAXDNSRCH
    return _HEADER + "\n".join(lines) + "\n"


def main() -> None:
    """Outside the helper's confinement, which lets it write nothing but the file that was there at its start."""
    text, file = sys.stdin.buffer.read().decode(errors="surrogateescape"), ResolvConf(Path(sys.argv[1]))
    try:
        file.put(text) if text else file.put_back()
    except OSError as error:
        sys.exit(error.strerror)
    except VpnError as error:
        sys.exit(str(error))


def _replace(path: Path, text: str, mode: int) -> None:
    """Another text in the file's place, as a whole or not at all."""
    new = path.with_name(f".{path.name}.tsunagu")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode), "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text.encode(errors="surrogateescape"))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        sync_directory(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


if __name__ == "__main__":
    main()
