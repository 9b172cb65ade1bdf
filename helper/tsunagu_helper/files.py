"""Files that only root can read, never half written.

A file is replaced as a whole: the new one is written beside it, forced to the disk and renamed over it, so that after a
crash or on a full disk there is the old one or the new one.
"""

import contextlib
import errno
import logging
import os
import stat
from pathlib import Path

LOG = logging.getLogger(__name__)

MAX_FILE = 1 << 20  # octets; ours have some hundred, with certificates and headers some hundred thousand at most
UNFINISHED = ".new"  # at the end of a name: a crash left it; the file that it was to become is as it was


def private_directory(path: Path) -> None:
    """Make it, or close it to others."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        LOG.warning("%s was open to others (mode %o); it is not any more", path, mode)
        path.chmod(0o700)


def read_private(path: Path) -> str:
    """The text of a regular file of ours.

    Raises:
        OSError: it is not ours, or cannot be read.
        ValueError: it cannot be one that we wrote.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise ValueError("it is not a regular file")
        if facts.st_uid != os.geteuid():
            raise OSError(errno.EPERM, f"it belongs to user {facts.st_uid}", str(path))
        if facts.st_mode & 0o077:
            LOG.warning("%s was open to others (mode %o); it is not any more", path, stat.S_IMODE(facts.st_mode))
            os.fchmod(file.fileno(), 0o600)
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise ValueError("it is too long")
    return data.decode()


def write_whole(path: Path, text: str) -> None:
    """Put this text in the place of the file, as a whole or not at all."""
    new = path.with_name(f".{path.name}{UNFINISHED}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(new, flags, 0o600), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        sync_directory(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def sync_directory(directory: Path) -> None:
    """Force the names in it to the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
