"""The key-value message of the handshake.

Wire form, big-endian u32: ``n, (name length + 1, name, type, value count, values) * n``.  Names are compared without
regard to case and occur once; an element has at least one value.
"""

import ipaddress
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from tsunagu_tunnel.softether.errors import ProtocolError

MAX_PACK = 64 << 20  # octets; the reference takes 512 MiB, a real welcome has under 6 KiB and its message
MAX_NAME = 63  # octets
MAX_VALUES = (
    65_536  # and elements, in a whole pack: what is decoded stays small too; the reference has 2^18 per element
)

Value = int | bytes | str

_U32 = struct.Struct(">I")


class Kind(IntEnum):
    """The type of an element's values."""

    INT = 0  # u32
    DATA = 1
    STR = 2  # UTF-8 in practice
    UNISTR = 3  # UTF-8; its length on the wire counts a NUL at its end
    INT64 = 4


@dataclass(frozen=True, slots=True)
class Element:
    """A name and its values, all of one kind."""

    name: str
    kind: Kind
    values: tuple[Value, ...]


class Pack:
    """Elements in the order in which they were added, or came."""

    def __init__(self) -> None:
        self._elements: dict[str, Element] = {}  # by name in lower case

    def __iter__(self) -> Iterator[Element]:
        return iter(self._elements.values())

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._elements

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pack) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # mutable

    def add_int(self, name: str, *values: int) -> None:
        """Numbers of 32 bits; truth is 0 or 1."""
        self.add(Element(name, Kind.INT, values))

    def add_data(self, name: str, *values: bytes) -> None:
        """Octets."""
        self.add(Element(name, Kind.DATA, values))

    def add_str(self, name: str, *values: str) -> None:
        """Text without NUL."""
        self.add(Element(name, Kind.STR, values))

    def add_ip(self, name: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
        """An address, in the four elements that ``get_ip`` reads."""
        is_6 = address.version == 6
        self.add_int(f"{name}@ipv6_bool", is_6)
        self.add_data(f"{name}@ipv6_array", address.packed if is_6 else bytes(16))
        self.add_int(f"{name}@ipv6_scope_id", 0)
        self.add_int(name, 0 if is_6 else int.from_bytes(address.packed, "little"))

    def add(self, element: Element) -> None:
        """Add an element.

        Raises:
            ProtocolError: its name is there already, too long or empty of values: the peer would refuse the whole pack.
        """
        key = element.name.lower()
        if key in self._elements or not element.values or len(element.name.encode()) > MAX_NAME:
            raise ProtocolError(f"a pack cannot take the element {element.name!r}")
        self._elements[key] = element

    def get_int(self, name: str) -> int:
        """The first number of that name; 0 where there is none of 32 bits, as for the reference."""
        return next(iter(self.get_ints(name)), 0)

    def get_ints(self, name: str) -> tuple[int, ...]:
        """All numbers of that name."""
        element = self._elements.get(name.lower())
        is_there = element is not None and element.kind is Kind.INT
        return tuple(value for value in self._values(name) if isinstance(value, int) and is_there)

    def get_data(self, name: str) -> bytes:
        """The first octets of that name; b"" where there are none."""
        return next((value for value in self._values(name) if isinstance(value, bytes)), b"")

    def get_str(self, name: str) -> str:
        """The first text of that name (of either kind); "" where there is none."""
        return next(iter(self.get_strs(name)), "")

    def get_strs(self, name: str) -> tuple[str, ...]:
        """All texts of that name (of either kind)."""
        return tuple(value for value in self._values(name) if isinstance(value, str))

    def get_ip(self, name: str) -> str:
        """An address: IPv6 if ``name@ipv6_bool`` says so, else the int, whose octets a.b.c.d lie little-endian."""
        if self.get_int(f"{name}@ipv6_bool"):
            octets = self.get_data(f"{name}@ipv6_array")
            if len(octets) != 16:
                raise ProtocolError(f"{name} is not an address")
            return str(ipaddress.IPv6Address(octets))
        return str(ipaddress.IPv4Address((self.get_int(name) & 0xFFFF_FFFF).to_bytes(4, "little")))

    def _values(self, name: str) -> tuple[Value, ...]:
        element = self._elements.get(name.lower())
        return element.values if element else ()

    def encode(self) -> bytes:
        """The wire form."""
        parts = [_U32.pack(len(self._elements))]
        for element in self:
            name = element.name.encode()
            parts += (_U32.pack(len(name) + 1), name, struct.pack(">II", element.kind, len(element.values)))
            parts += (_encode_value(element.kind, value) for value in element.values)
        return b"".join(parts)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The pack that fills ``data`` exactly.

        Raises:
            ProtocolError: it is none, or is over the limits.
        """
        if len(data) > MAX_PACK:
            raise ProtocolError("a pack is too large")
        pack, wire = cls(), _Wire(data)
        for _ in range(wire.count(MAX_VALUES)):
            name = wire.take(wire.count(MAX_NAME + 1) - 1).decode(errors="replace")
            number = wire.u32()
            if number not in _DECODERS:
                raise ProtocolError(f"a pack's element has the unknown type {number}")
            decode_value = _DECODERS[Kind(number)]
            pack.add(Element(name, Kind(number), tuple(decode_value(wire) for _ in range(wire.values()))))
        if wire.position != len(data):
            raise ProtocolError("something follows a pack")
        return pack


class _Wire:
    """Reads a pack's octets; whatever is missing is a ``ProtocolError``."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._values_left = MAX_VALUES
        self.position = 0

    def take(self, size: int) -> bytes:
        start, self.position = self.position, self.position + size
        if size < 0 or self.position > len(self._data):
            raise ProtocolError("a pack is cut short")
        return self._data[start : self.position]

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "big")

    def count(self, limit: int) -> int:
        number = self.u32()
        if number > limit:
            raise ProtocolError("a pack announces more than it may hold")
        return number

    def values(self) -> int:
        number = self.count(self._values_left)
        self._values_left -= number
        return number

    def data(self) -> bytes:
        return self.take(self.u32())

    def text(self) -> str:
        return self.data().decode(errors="replace")

    def unistr(self) -> str:
        return self.data().split(b"\0", 1)[0].decode(errors="replace")


_DECODERS: dict[Kind, Callable[[_Wire], Value]] = {
    Kind.INT: _Wire.u32,
    Kind.DATA: _Wire.data,
    Kind.STR: _Wire.text,
    Kind.UNISTR: _Wire.unistr,
    Kind.INT64: _Wire.u64,
}


def _encode_value(kind: Kind, value: Value) -> bytes:
    match kind, value:
        case Kind.INT, int():
            return _U32.pack(value)
        case Kind.INT64, int():
            return struct.pack(">Q", value)
        case Kind.DATA, bytes():
            octets = value
        case Kind.STR, str():
            octets = value.encode()
        case Kind.UNISTR, str():
            octets = value.encode() + b"\0"
        case _:
            raise TypeError(f"{value!r} is no {kind.name}")
    return _U32.pack(len(octets)) + octets
