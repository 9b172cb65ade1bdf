"""One TCP connection of the official tools' network traffic test, either side.  No I/O, no clock.

The server greets.  The client says which way data goes, a number for the session and for how long (ms); then one side
sends what it likes, but no "!".  An upload ends with "!" from the client, again and again until the server tells how
many octets have come; a download ends with the connection.
"""

from dataclasses import dataclass
from enum import Enum
from random import Random
from struct import Struct

PORT = 9821
GREETING = b"TrafficServer\r\n\0"
MARK = b"!"
END = MARK * 512  # what the official client sends at a time
BLOCK = 65535  # octets
_REQUEST = Struct(">BQQ")
_REPORT = Struct(">Q")


class TrafficError(Exception):
    """The other side does not speak this protocol."""


class Direction(Enum):
    """Which way data goes, as the client sees it; the value is the one on the wire."""

    UP = 0
    DOWN = 1


@dataclass(frozen=True, slots=True)
class Request:
    """What the client asks of one connection."""

    direction: Direction
    session: int
    span_ms: int

    @property
    def octets(self) -> bytes:
        """On the wire."""
        return _REQUEST.pack(self.direction.value, self.session, self.span_ms)


def payload(random: Random) -> bytes:
    """A block that no compression makes smaller, without the mark."""
    return random.randbytes(BLOCK).replace(MARK, b"_")


class TrafficClient:
    """The client's side."""

    def __init__(self, direction: Direction) -> None:
        self.is_greeted = False
        self.received = 0  # octets, of a download
        self.reported: int | None = None  # octets of an upload that the server has had
        self._direction = direction
        self._unread = b""

    def receive_data(self, data: bytes) -> None:
        """Take what the socket gave.

        Raises:
            TrafficError: the greeting is not a traffic server's.
        """
        if self.is_greeted and self._direction is Direction.DOWN:
            self.received += len(data)
            return
        self._unread += data
        if not self.is_greeted:
            if not GREETING.startswith(self._unread[: len(GREETING)]):
                raise TrafficError
            if len(self._unread) < len(GREETING):
                return
            self.is_greeted = True
            rest, self._unread = self._unread[len(GREETING) :], b""
            self.receive_data(rest)
        elif self.reported is None and len(self._unread) >= _REPORT.size:
            [self.reported] = _REPORT.unpack_from(self._unread)
        if self.reported is not None:
            self._unread = b""  # servers repeat themselves


class TrafficServer:
    """The server's side; it has greeted already."""

    def __init__(self) -> None:
        self.request: Request | None = None
        self.received = 0  # octets of an upload
        self.report = b""  # to be sent, once the upload is over
        self._unread = b""

    def receive_data(self, data: bytes) -> None:
        """Take what the socket gave.

        Raises:
            TrafficError: the request names no direction.
        """
        if self.request is None:
            self._unread += data
            if len(self._unread) < _REQUEST.size:
                return
            direction, session, span_ms = _REQUEST.unpack_from(self._unread)
            if direction not in (Direction.UP.value, Direction.DOWN.value):
                raise TrafficError
            self.request = Request(Direction(direction), session, span_ms)
            data, self._unread = self._unread[_REQUEST.size :], b""
        if self.request.direction is Direction.UP and not self.report:
            end = data.find(MARK)
            self.received += len(data) if end < 0 else end
            if end >= 0:
                self.report = _REPORT.pack(self.received)
