"""The text form in which SoftEther programs keep settings: typed values in nested folders.  Pure; believes nothing.

``declare NAME``, ``{``, then lines ``TYPE NAME VALUE`` and further folders, then ``}``; all in one folder ``root``.
Sorted by name regardless of case, values before folders.  In names and strings octets 0 to 32 and ``$`` are ``$XX``;
a lone ``$`` is an empty value.  ``byte`` is base64.  (Measured at the official client 5.01.9674.)
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tsunagu.errors import VpnError

MAX_SIZE = 262_144  # octets; real files have some thousand
MAX_DEPTH = 8  # folders in folders; real files have two

Key = tuple[str, ...]  # names of the folders below root and of the value, in small letters: case does not count
Plain = str | int | bool | bytes

_ESCAPED = re.compile(rb"[\x00-\x20$]")
_ESCAPE = re.compile(rb"\$([0-9A-Fa-f]{2})?")
_NUMBER = re.compile(rb"[0-9]{1,20}")


class InvalidFile(VpnError):
    """A file is not what it should be; the message begins with the number of the line."""

    bus_name = "InvalidFile"

    def __init__(self, line: int, what: str) -> None:
        self.line = line
        super().__init__(f"Line {line}: {what}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One value."""

    path: tuple[str, ...]  # as spelled: folders below root, then the name
    kind: str  # "string", "uint", "uint64", "bool" or "byte"
    value: Plain = field(repr=False)  # may be a secret
    line: int = field(default=0, compare=False)

    @property
    def key(self) -> Key:
        """The path without regard to case."""
        return tuple(part.lower() for part in self.path)


@dataclass(frozen=True, slots=True)
class Document:
    """All values of a text, and the line each folder begins in."""

    entries: Mapping[Key, Entry]
    folders: Mapping[Key, int]


def parse(text: bytes) -> Document:
    """Read a text.  A byte-order mark, CRLF, indentation and comments may be there or not.

    Raises:
        InvalidFile: it is anything else than whole and unambiguous.
    """
    if len(text) > MAX_SIZE:
        raise InvalidFile(text.count(b"\n", 0, MAX_SIZE) + 1, f"The file has more than {MAX_SIZE} octets")
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):  # an editor's UTF-16
        raise InvalidFile(1, "Text must be in UTF-8")
    reader = _Reader()
    number = 1
    for number, line in enumerate(text.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        words = line.split()
        if words and not words[0].startswith(b"#"):
            reader.take(number, words)
    return reader.document(number)


def serialise(entries: Iterable[Entry]) -> bytes:
    """The text of the folder ``root``, with CRLF, as official programs write it."""
    lines = ["declare root", "{"]
    here: tuple[str, ...] = ()
    for entry in sorted(entries, key=_order):
        folder = entry.path[:-1]
        shared = _shared_depth(here, folder)
        lines += ["\t" * depth + "}" for depth in range(len(here), shared, -1)]
        for depth in range(shared, len(folder)):
            if depth == shared == len(here):
                lines.append("")  # between the values of a folder and the folders in it
            indent = "\t" * (depth + 1)
            lines += [f"{indent}declare {_escape(folder[depth])}", indent + "{"]
        here = folder
        lines.append("\t" * (len(here) + 1) + f"{entry.kind} {_escape(entry.path[-1])} {_to_text(entry.value)}")
    lines += ["\t" * depth + "}" for depth in range(len(here), -1, -1)]
    return "".join(line + "\r\n" for line in lines).encode()


class _Reader:
    """Takes the lines with something in them, one by one."""

    def __init__(self) -> None:
        self._entries: dict[Key, Entry] = {}
        self._folders: dict[Key, int] = {}
        self._open: list[str] = []  # names of the folders around the next line, root first
        self._declared: str | None = None  # the folder whose brace has to follow
        self._ended = False

    def take(self, line: int, words: list[bytes]) -> None:
        """One line, in words."""
        if self._ended:
            raise InvalidFile(line, "Nothing may follow the brace that closes root")
        if self._declared is not None:
            if words != [b"{"]:
                raise InvalidFile(line, "A brace must follow and open the folder")
            self._open.append(self._declared)
            self._declared = None
            return
        match [words[0].lower(), *words[1:]]:
            case [b"}"] if self._open:
                self._open.pop()
                self._ended = not self._open
            case [b"declare", name]:
                self._declare(line, _unescape(line, name))
            case [kind, name, value] if self._open and kind in _FROM_WORD:
                path = (*self._open[1:], _unescape(line, name))
                entry = Entry(path, kind.decode(), _FROM_WORD[kind](line, value), line)
                if (before := self._entries.setdefault(entry.key, entry)) is not entry:
                    raise InvalidFile(line, f"The same value is in line {before.line} already")
            case _:
                raise InvalidFile(line, "Neither a value (type, name, value) nor the beginning or end of a folder")

    def _declare(self, line: int, name: str) -> None:
        if not self._open and name.lower() != "root":
            raise InvalidFile(line, "The outermost folder must be root")
        if len(self._open) >= MAX_DEPTH:
            raise InvalidFile(line, f"Folders may be nested at most {MAX_DEPTH} deep")
        key = tuple(part.lower() for part in [*self._open, name][1:])
        if (before := self._folders.setdefault(key, line)) != line:
            raise InvalidFile(line, f"The same folder is in line {before} already")
        self._declared = name

    def document(self, last_line: int) -> Document:
        """Everything, after the last line."""
        if not self._ended:
            raise InvalidFile(last_line, "The file ends before the brace that closes root")
        return Document(self._entries, self._folders)


def _order(entry: Entry) -> tuple[tuple[bool, str], ...]:
    *folders, name = entry.key
    return (*((True, folder) for folder in folders), (False, name))


def _shared_depth(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    depth = 0
    for a, b in zip(one, other, strict=False):
        if a.lower() != b.lower():
            break
        depth += 1
    return depth


def _to_text(value: Plain) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case bytes():
            return base64.b64encode(value).decode() or "$"
        case int():
            return str(value)
        case str():
            return _escape(value)


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda found: b"$%02X" % found[0][0], text.encode()).decode() or "$"


def _unescape(line: int, word: bytes) -> str:
    def octet(found: re.Match[bytes]) -> bytes:
        if found[1] is None:
            raise InvalidFile(line, "Two hexadecimal digits must follow a $")
        return bytes.fromhex(found[1].decode())

    try:
        return "" if word == b"$" else _ESCAPE.sub(octet, word).decode()
    except UnicodeDecodeError:
        raise InvalidFile(line, "Text must be in UTF-8") from None


def _octets(line: int, word: bytes) -> bytes:
    try:
        return b"" if word == b"$" else base64.b64decode(word, validate=True)
    except ValueError:
        raise InvalidFile(line, "A value of type byte must be in base64") from None


def _truth(line: int, word: bytes) -> bool:
    if word.lower() not in (b"true", b"false"):
        raise InvalidFile(line, "A value of type bool must be true or false")
    return word.lower() == b"true"


def _number(line: int, word: bytes, bits: int) -> int:
    if not _NUMBER.fullmatch(word) or int(word) >> bits:
        raise InvalidFile(line, f"The number must be a decimal one between 0 and {2**bits - 1}")
    return int(word)


_FROM_WORD: dict[bytes, Callable[[int, bytes], Plain]] = {
    b"string": _unescape,
    b"byte": _octets,
    b"bool": _truth,
    b"uint": lambda line, word: _number(line, word, 32),
    b"uint64": lambda line, word: _number(line, word, 64),
}
