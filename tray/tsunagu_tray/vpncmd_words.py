"""The language of the official ``vpncmd``: lines of words, ``/NAME:value`` among them, and tables.  Pure."""

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

NOT_FOUND, EXISTS, ACTIVE, INACTIVE = 36, 34, 35, 37  # of a connection
NO_OBJECT, NIC_EXISTS, NIC_DISABLED = 29, 30, 44
UNSUPPORTED, INVALID, NO_SUCH_COMMAND, NO_RIGHT, FAILED = 33, 38, 117, 52, 23

_WORD = re.compile(r'(?:"[^"]*"|[^\s"])+')
_OPTION = re.compile(r"[/-]([A-Za-z]\w*)(?::(.*))?", re.DOTALL)


class Refused(Exception):
    """A command was not done.  ``code`` is the official error number and the program's exit status.

    In English in every locale, as all of this module: scripts read it.
    """

    def __init__(self, code: int, sentence: str) -> None:
        self.code = code
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Words:
    """What was typed: what stands alone, and the options by their names in capitals."""

    alone: tuple[str, ...]
    options: Mapping[str, str] = field(repr=False)  # passwords may be among them


def split(line: str) -> list[str]:
    """The words of a line; quotation marks hold one together."""
    return [word.replace('"', "") for word in _WORD.findall(line)]


def understand(words: Sequence[str]) -> Words:
    """Sort words: an option begins with a slash or a hyphen."""
    alone, options = [], {}
    for word in words:
        if found := _OPTION.fullmatch(word):
            options[found[1].upper()] = found[2] or ""
        else:
            alone.append(word)
    return Words(tuple(alone), options)


def meant(word: str, known: Collection[str]) -> str:
    """The name that a word is, or begins; case does not count.

    Raises:
        Refused: it is none of these, or the beginning of several.
    """
    found = [name for name in known if name.lower().startswith(word.lower())]
    exact = [name for name in found if name.lower() == word.lower()]
    if len(exact or found) != 1:
        several = f" It may be {', '.join(sorted(found))}." if found else ""
        raise Refused(NO_SUCH_COMMAND, f'"{word}": Command not found.{several}')
    return (exact or found)[0]


def options_of(words: Words, required: Collection[str], optional: Collection[str] = ()) -> dict[str, str]:
    """The options by their full names; one may be shortened.  Nobody is asked for what is missing.

    Raises:
        Refused: one is missing or not known.
    """
    given = {}
    for word, value in words.options.items():
        try:
            given[meant(word, [*required, *optional])] = value
        except Refused:
            raise Refused(INVALID, f"There is no parameter /{word} here.") from None
    for name in required:
        if name not in given:
            raise Refused(INVALID, f"The parameter /{name} is missing.")
    return given


def truth(value: str) -> bool:
    """Yes or no.

    Raises:
        Refused: it is neither.
    """
    if value.lower() not in ("yes", "no", "y", "n", "true", "false", "1", "0"):
        raise Refused(INVALID, f'"{value}" is neither yes nor no.')
    return value.lower() in ("yes", "y", "true", "1")


def number(value: str, low: int, high: int) -> int:
    """A number within these bounds.

    Raises:
        Refused: it is not.
    """
    if not re.fullmatch("[0-9]{1,10}", value) or not low <= int(value) <= high:
        raise Refused(INVALID, f"Specify a number from {low} to {high}.")
    return int(value)


def as_csv(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as ``/CSV`` prints it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([titles, *rows])
    return text.getvalue()


def as_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of one or two columns; what has more of them has one cell a line."""
    return "".join(line.rstrip() + "\n" for line in _lines(titles, rows))


def _lines(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if len(titles) == 1:
        cells = [row[0] for row in rows]
        yield from (titles[0], "-" * max(map(len, [*titles, *cells])), *cells)
        return
    groups = [list(rows)] if len(titles) == 2 else [list(zip(titles, row, strict=True)) for row in rows]
    pairs = [("Item", "Value"), *((title, value) for group in groups for title, value in group)]
    left, right = (max(len(pair[column]) for pair in pairs) for column in (0, 1))
    yield f"{'Item':{left}}|Value"
    for group in groups or [[]]:
        yield "-" * left + "+" + "-" * right
        yield from (f"{title:{left}}|{value}" for title, value in group)
