"""Files and directories that are watched for changes, by inotify(7)."""

import ctypes
import os
from pathlib import Path

# linux/inotify.h: a file was closed that was open for writing, a name came or went
_CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x8, 0x40, 0x80, 0x100, 0x200
_CHANGES = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE


class Places:
    """A source for a watch."""

    def __init__(self) -> None:
        """OSError: root has too many of these already."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = _checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def add(self, path: Path) -> None:
        """From now on this one, too, or what it is a link to; one that is watched already is no matter.

        Raises:
            OSError: there is nothing.
        """
        _checked(self._libc.inotify_add_watch(self._fd, os.fsencode(path), _CHANGES))

    def fileno(self) -> int:
        """Its descriptor."""
        return self._fd

    def close(self) -> None:
        """No more."""
        os.close(self._fd)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
