"""The way through a proxy: what is said to it before TLS with the server begins.  No I/O.

Each dialogue works alike: write ``data_to_send()`` after construction and after each ``receive_data``; once that has
returned True, the connection leads to the server.  The server waits for us, so nothing may follow the proxy's answer.
"""

import base64
import ipaddress
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from tsunagu.errors import TunnelError
from tsunagu.model import Proxy, ProxyKind, Secret

UNREACHABLE, PROXY_UNREACHABLE, PROXY_ERROR, PROXY_REFUSED, INVALID = 1, 17, 18, 19, 38  # codes of the error table

_CHALLENGES = ("proxy-authenticate", "www-authenticate")
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9-]{0,30})(?=\s|,|$)(?!\s*=)")  # what else follows a comma has a "="
_QUOTED = re.compile(r'"[^"]*"')

MAX_HEAD = 16384  # octets of an HTTP proxy's answer; its body is never read


@dataclass(frozen=True, slots=True)
class Target:
    """The server, as the proxy is to find it."""

    host: str  # a name or an address; SOCKS4 takes IPv4 addresses only
    port: int


class Dialogue:
    """What all have in common: something to say, and an answer that comes in pieces."""

    def __init__(self, beginning: bytes) -> None:
        self._outgoing = beginning
        self._answer = b""

    def data_to_send(self) -> bytes:
        """What is to be written now; b"" if nothing."""
        data, self._outgoing = self._outgoing, b""
        return data

    def receive_data(self, data: bytes) -> bool:
        """Take what came (b"": end of file); whether the way is open.

        Raises:
            TunnelError: 1, 18 or 19, the proxy does not let us through.
        """
        if not data:
            raise TunnelError(PROXY_ERROR, "it cut the line")
        self._answer += data
        return self._take()

    def _take(self) -> bool:
        raise NotImplementedError


class HttpDialogue(Dialogue):
    """CONNECT, with Basic authentication if there is a user or a password."""

    def __init__(
        self, target: Target, *, username: str = "", password: str = "", headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        """``headers`` win over our own of the same name.

        Raises:
            TunnelError: 38, the user name has a colon, where the password would begin (RFC 7617).
        """
        if ":" in username:
            raise TunnelError(INVALID, "the user name for an HTTP proxy must not have a colon in it")
        host = f"[{target.host}]" if ":" in target.host else target.host
        ours = [
            ("User-Agent", "Tsunagu"),
            ("Host", host),
            ("Content-Length", "0"),
            ("Proxy-Connection", "Keep-Alive"),
            ("Pragma", "no-cache"),
        ]
        if username or password:
            ours.append(
                ("Proxy-Authorization", f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}")
            )
        theirs = {name.lower() for name, _ in headers}
        lines = [f"{name}: {value}" for name, value in headers]
        lines += (f"{name}: {value}" for name, value in ours if name.lower() not in theirs)
        super().__init__("\r\n".join([f"CONNECT {host}:{target.port} HTTP/1.0", *lines, "", ""]).encode())

    def _take(self) -> bool:
        if not self._answer.startswith(b"HTTP/1."[: len(self._answer)]):
            raise TunnelError(PROXY_ERROR, "it does not speak HTTP")
        end = self._answer.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0:
            if len(self._answer) >= MAX_HEAD:
                raise TunnelError(PROXY_ERROR, "its answer has no end")
            return False
        status, *headers = self._answer[:end].decode("latin-1").split("\r\n")
        code = status[9:12]
        if code in ("407", "401"):  # tinyproxy 1.11 has 407 for no password and 401 for a wrong one
            wanted = _schemes(headers)
            if wanted and "basic" not in wanted:  # another password would not help
                raise TunnelError(PROXY_ERROR, f"it wants to be logged in to by {', '.join(wanted[:4])}, not by Basic")
            raise TunnelError(PROXY_REFUSED)
        if not (code.isascii() and code.isdigit() and code[0] == "2"):
            raise TunnelError(PROXY_ERROR, f"it answered {status[:80]!r}")
        _nothing_behind(self._answer[end + 4 :])
        return True


def _schemes(headers: Sequence[str]) -> list[str]:
    """How a proxy may be logged in to, in small letters (RFC 9110, section 11.7.1)."""
    challenges = (value for name, _, value in (line.partition(":") for line in headers) if name.lower() in _CHALLENGES)
    return [found.lower() for value in challenges for found in _SCHEME.findall(_QUOTED.sub("", value))]


class Socks4Dialogue(Dialogue):
    """SOCKS 4: IPv4 addresses only, a user name and no password."""

    def __init__(self, target: Target, *, username: str = "") -> None:
        """Build the request.

        Raises:
            TunnelError: 1, the target is no IPv4 address.
        """
        try:
            address = ipaddress.IPv4Address(target.host)
        except ValueError:
            raise TunnelError(UNREACHABLE, "a SOCKS4 proxy leads to IPv4 addresses only") from None
        super().__init__(struct.pack(">BBH4s", 4, 1, target.port, address.packed) + username.encode() + b"\0")

    def _take(self) -> bool:
        if self._answer[0] != 0:
            raise TunnelError(PROXY_ERROR, "it does not speak SOCKS4")
        if len(self._answer) < 8:
            return False
        match self._answer[1]:
            case 90:
                _nothing_behind(self._answer[8:])
                return True
            case 93:
                raise TunnelError(PROXY_REFUSED)
            case code:
                raise TunnelError(UNREACHABLE, f"the SOCKS4 proxy answered {code}")


class Socks5Dialogue(Dialogue):
    """SOCKS 5 (RFC 1928) with user name and password (RFC 1929), if there are any."""

    def __init__(self, target: Target, *, username: str = "", password: str = "") -> None:
        """Build what may be asked for.

        Raises:
            TunnelError: 19, user name or password is too long to be sent.
        """
        user, secret = username.encode(), password.encode()
        if len(user) > 255 or len(secret) > 255:
            raise TunnelError(PROXY_REFUSED, "user name or password has more than 255 octets")
        self._login = b"".join((b"\1", bytes([len(user)]), user, bytes([len(secret)]), secret))
        self._request = b"\5\1\0" + _socks5_address(target.host) + struct.pack(">H", target.port)
        super().__init__(b"\5\2\0\2" if user or secret else b"\5\1\0")
        self._may_log_in = bool(user or secret)
        self._step = self._take_method
        self._is_open = False

    def _take(self) -> bool:
        while not self._is_open and (size := self._step()):
            self._answer = self._answer[size:]
        if self._is_open:
            _nothing_behind(self._answer)
        return self._is_open

    # Each step returns how many octets of the answer it has taken: none, while too few are there.

    def _take_method(self) -> int:
        self._check_version(5)
        if len(self._answer) < 2:
            return 0
        match self._answer[1]:
            case 0:
                self._outgoing, self._step = self._request, self._take_reply
            case 2 if self._may_log_in:
                self._outgoing, self._step = self._login, self._take_verdict
            case 0xFF:
                raise TunnelError(PROXY_REFUSED, "the proxy takes none of our ways to log in")
            case method:
                raise TunnelError(PROXY_ERROR, f"it wants the authentication method {method}")
        return 2

    def _take_verdict(self) -> int:
        self._check_version(1)
        if len(self._answer) < 2:
            return 0
        if self._answer[1] != 0:
            raise TunnelError(PROXY_REFUSED)
        self._outgoing, self._step = self._request, self._take_reply
        return 2

    def _take_reply(self) -> int:
        self._check_version(5)
        if len(self._answer) < 5:
            return 0
        match self._answer[1]:
            case 0:
                pass
            case 3 | 4 | 5 as code:  # network or host unreachable, connection refused
                raise TunnelError(UNREACHABLE, f"the SOCKS5 proxy answered {code}")
            case code:
                raise TunnelError(PROXY_ERROR, f"it answered {code}")
        sizes = {1: 4, 3: 1 + self._answer[4], 4: 16}
        if self._answer[3] not in sizes:
            raise TunnelError(PROXY_ERROR, "its answer has an address of unknown type")
        size = 4 + sizes[self._answer[3]] + 2
        self._is_open = len(self._answer) >= size
        return size if self._is_open else 0

    def _check_version(self, version: int) -> None:
        if self._answer and self._answer[0] != version:
            raise TunnelError(PROXY_ERROR, "it does not speak SOCKS5")


def dialogue_for(proxy: Proxy, password: Secret | None, target: Target) -> Dialogue:
    """What these settings have to say to the proxy.

    Raises:
        TunnelError: the target or the password cannot be told to a proxy of that kind.
    """
    secret = password.value if password else ""
    match proxy.kind:
        case ProxyKind.HTTP:
            return HttpDialogue(target, username=proxy.username, password=secret, headers=proxy.headers)
        case ProxyKind.SOCKS4:
            return Socks4Dialogue(target, username=proxy.username)
        case ProxyKind.SOCKS5:
            return Socks5Dialogue(target, username=proxy.username, password=secret)


def _socks5_address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("idna")
        return b"\3" + bytes([len(name)]) + name
    return (b"\1" if address.version == 4 else b"\4") + address.packed


def _nothing_behind(rest: bytes) -> None:
    if rest:
        raise TunnelError(PROXY_ERROR, "something follows its answer")
