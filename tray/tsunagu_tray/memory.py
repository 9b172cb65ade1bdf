"""What tray and window remember from one run to the next: a small file each in the user's state folder."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from tsunagu.plain import from_plain, to_plain

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The tray's.  Nothing secret, and nothing that would be missed much."""

    last_used: str = ""  # id of the connection connected last
    no_save: bool = False  # "Do not save password" was ticked the last time (S65)
    knows_no_place: bool = False  # the window has been opened once, because this desktop has no place for the icon


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSize:
    """The main window's, px."""

    width: int = 640
    height: int = 520


class Memory(Generic[T]):
    """The remembered values, written at each change; a file that cannot be read or written only loses them."""

    def __init__(self, environ: Mapping[str, str], name: str, empty: T) -> None:
        state_home = Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
        self._file = state_home / "tsunagu" / f"{name}.json"
        self.values = self._load(empty)

    def remember(self, **changes: Any) -> None:
        """Change values and write them, all or nothing."""
        values = replace(self.values, **changes)  # type: ignore[type-var]  # always a dataclass
        if values == self.values:
            return
        self.values = values
        new = self._file.with_suffix(f".{os.getpid()}")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new.write_text(json.dumps(to_plain(values)))
            new.replace(self._file)
        except OSError as error:
            log.warning("%s cannot be written: %s", self._file, error.strerror)

    def _load(self, empty: T) -> T:
        try:
            values: T = from_plain(type(empty), json.loads(self._file.read_text()))
        except FileNotFoundError:
            return empty
        except (OSError, ValueError, TypeError) as error:
            log.warning("%s is ignored: %s", self._file, error)
            return empty
        return values
