"""What tray and window remember from one run to the next: a small file each in the user's state folder."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tsunagu.errors import StorageFailed
from tsunagu_tray.user_file import UserFile

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The tray's.  Nothing secret, and nothing that would be missed much."""

    last_used: str = ""  # id of the connection connected last
    no_save: bool = False  # "Do not save password" was ticked the last time (S65)
    knows_no_place: bool = False  # it has been told once that this desktop has no place for the icon


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSize:
    """The main window's, px."""

    width: int = 640
    height: int = 520


class Memory(UserFile[T]):
    """The remembered values; a file that cannot be read or written only loses them."""

    def __init__(self, environ: Mapping[str, str], name: str, empty: T) -> None:
        state_home = Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
        super().__init__(state_home / "tsunagu" / f"{name}.json", empty)
        if self.problem:
            log.warning("%s is ignored: %s", self.path, self.problem)

    def remember(self, **changes: Any) -> None:
        """Change values and write them."""
        try:
            self.change(**changes)
        except StorageFailed as error:
            log.warning("%s", error)
