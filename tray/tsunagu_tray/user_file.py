"""A small file of typed values in the user's own folders: read as a whole, written as a whole."""

import json
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from tsunagu.errors import StorageFailed
from tsunagu.plain import from_plain, to_plain

T = TypeVar("T")


class UserFile(Generic[T]):
    """``values`` are those of the file, or ``empty`` where there is none or it is damaged: then ``problem`` says why.

    Several programs may have the same file open: who wants to know what others have written reads it again.
    """

    def __init__(self, path: Path, empty: T) -> None:
        self.path = path
        self._empty = empty
        self.values = empty
        self.problem = ""
        self.read()

    def read(self) -> T:
        """The values as they are now."""
        self.values, self.problem = self._empty, ""
        try:
            self.values = from_plain(type(self._empty), json.loads(self.path.read_text()))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, RecursionError) as error:
            self.problem = str(error)
        return self.values

    def change(self, **changes: Any) -> None:
        """Change values and write them, all or nothing.

        Raises:
            StorageFailed: they could not be written; they count all the same, until the program ends.
        """
        values = replace(self.values, **changes)  # type: ignore[type-var]  # always a dataclass
        if values == self.values and not self.problem:
            return
        self.values, self.problem = values, ""
        write_whole(self.path, json.dumps(to_plain(values)))


def write_whole(path: Path, text: str) -> None:
    """Put the text in the file's place at once, or leave the file as it is.

    Raises:
        StorageFailed: it could not be written.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.write_text(text)
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        raise StorageFailed(f"{path} cannot be written: {error.strerror}") from error


def remove(path: Path) -> None:
    """Have no such file any more.

    Raises:
        StorageFailed: it is still there.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageFailed(f"{path} cannot be removed: {error.strerror}") from error
