"""What happened to the connections lately: a bounded list in memory, and a line each in the log."""

import logging
from collections import deque
from dataclasses import dataclass
from itertools import chain

from tsunagu_helper.journal import MESSAGE_IDS

LOG = logging.getLogger(__name__)

KEPT = 500  # entries of one user

_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def one_line(text: str) -> str:
    """The text with everything escaped that could forge a log line, steer a terminal or turn the writing direction."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened."""

    time: float  # UTC seconds
    id: str  # of the connection
    connection: str  # its name at that time
    owner: int  # uid; others do not get to see the entry
    level: str  # info, warning or error
    text: str
    code: int = 0  # of the error table; 0: none


class History:
    """The last entries, oldest first."""

    def __init__(self) -> None:
        self._entries: dict[int, deque[Entry]] = {}  # by owner: nobody's fill the place of others'

    def add(self, entry: Entry, happened: str = "") -> None:
        """Keep and log it; ``happened`` as in ``Tell``."""
        self._entries.setdefault(entry.owner, deque(maxlen=KEPT)).append(entry)
        journal = {"MESSAGE_ID": MESSAGE_IDS.get(happened, ""), "TSUNAGU_CODE": str(entry.code or "")}
        LOG.log(
            _LEVELS[entry.level],
            "%s: %s",
            one_line(entry.connection),
            one_line(entry.text),
            extra={"journal": journal},
        )

    def newest(self, limit: int, owner: int | None) -> list[Entry]:
        """Up to ``limit`` of the entries that an owner may see (None: all), newest last; those of root are for all."""
        seen = [entries for whose, entries in self._entries.items() if owner is None or whose in (0, owner)]
        theirs = sorted(chain.from_iterable(seen), key=lambda entry: entry.time)
        return theirs[-limit:] if limit else []
