"""The thin HTTP/1.1 around the handshake: POST requests one way, answers the other, then no HTTP any more."""

from dataclasses import dataclass

from tsunagu_tunnel.softether.errors import ProtocolError
from tsunagu_tunnel.softether.pack import MAX_PACK

MAX_HEAD = 8192  # octets, of start line and headers together
NOT_VPN = 2  # code: what answers is not a VPN server (a web server, a hotel's sign-in page)

SIGNATURE_PATH = "/vpnsvc/connect.cgi"
PACK_PATH = "/vpnsvc/vpn.cgi"
PACK_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Message:
    """One request or answer."""

    start: str  # the first line
    headers: dict[str, str]  # names in lower case
    body: bytes


class MessageReader:
    """Octets in, messages out, cut anywhere.  What follows the last message is kept for ``rest``."""

    begins = b"POST "

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: tuple[str, dict[str, str]] | None = None  # of the message whose body is still to come
        self._body_size = 0

    def receive_data(self, data: bytes) -> None:
        """Take what the socket gave."""
        self._buffer += data

    def next_message(self) -> Message | None:
        """The next whole message, if there is one.

        Raises:
            ProtocolError: it is not HTTP as this protocol speaks it.
        """
        if self._head is None and not self._read_head():
            return None
        if self._head is None or len(self._buffer) < self._body_size:
            return None
        (start, headers), self._head = self._head, None
        body = bytes(self._buffer[: self._body_size])
        del self._buffer[: self._body_size]
        return Message(start, headers, body)

    def rest(self) -> bytes:
        """What came after the last message: the first octets of the data phase."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def check(self, start: str, headers: dict[str, str]) -> None:
        """Refuse a head before its body comes."""

    def _read_head(self) -> bool:
        # Judged at its first octets: other protocols send a banner without a line end, and then wait.
        if not self._buffer.startswith(self.begins[: len(self._buffer)]):
            raise ProtocolError("what answers there does not speak HTTP", NOT_VPN)
        end = self._buffer.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0:
            if len(self._buffer) >= MAX_HEAD:
                raise ProtocolError("the HTTP head is too long", NOT_VPN)
            return False
        start, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.check(start, headers)
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit() and len(length) <= 10):
            raise ProtocolError("an HTTP message has no usable Content-Length", NOT_VPN)
        if int(length) > MAX_PACK:
            raise ProtocolError("a pack is too large")
        self._head, self._body_size = (start, headers), int(length)
        del self._buffer[: end + 4]
        return True


class AnswerReader(MessageReader):
    """Reads a server's answers, and only those that carry a pack."""

    begins = b"HTTP/1."

    def check(self, start: str, headers: dict[str, str]) -> None:
        """Anything but "200" with octets is not our kind of server."""
        status = start.split(" ")[1:2]
        if status != ["200"]:
            raise ProtocolError(f"the server answered {start[:80]!r}", NOT_VPN)
        if not headers.get("content-type", "").lower().startswith(PACK_TYPE):
            raise ProtocolError("the server answered with something else than a pack", NOT_VPN)


def request(path: str, content_type: str, host: str, body: bytes) -> bytes:
    """A POST request."""
    return _message(f"POST {path} HTTP/1.1", [f"Host: {host}", "Connection: Keep-Alive"], content_type, body)


def answer(body: bytes) -> bytes:
    """The answer that carries a pack."""
    return _message("HTTP/1.1 200 OK", ["Connection: Keep-Alive"], PACK_TYPE, body)


def _message(start: str, headers: list[str], content_type: str, body: bytes) -> bytes:
    head = [start, *headers, f"Content-Type: {content_type}", f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode("latin-1") + body
