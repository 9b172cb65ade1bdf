"""A pystray menu as numbered lines, the form in which it leaves the process.  No I/O.

A number stands for one label in one place and is never used again: a click on a line that has meanwhile changed from
"Connect" to "Disconnect" finds nothing, rather than the opposite of what was read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pystray import Menu, MenuItem

ROOT = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the menu; an underscore in its label marks the access key, a doubled one stands for itself."""

    id: int
    label: str = ""
    enabled: bool = True
    checked: bool | None = None  # None: cannot be checked
    radio: bool = False
    default: bool = False
    separator: bool = False
    children: tuple["Line", ...] = ()

    def walk(self) -> Iterator["Line"]:
        """This line and all below it, in the order of reading."""
        yield self
        for child in self.children:
            yield from child.walk()


class MenuTree:
    """The lines of the present menu, and which entry each number means."""

    def __init__(self) -> None:
        self.root = Line(id=ROOT)
        self.lines: dict[int, Line] = {ROOT: self.root}
        self.items: dict[int, MenuItem] = {}
        self._fresh = count(ROOT + 1)
        self._numbers: dict[tuple[int, str, int], int] = {}  # parent, label, how many of it before -> number

    def update(self, menu: "Menu | None") -> list[Line] | None:
        """Take over a menu as it is now.  The lines that differ if all stay in place, None if the layout changed."""
        before, numbers, items = self.lines, self._numbers, dict[int, "MenuItem"]()
        self._numbers = {}
        self.root = Line(id=ROOT, children=self._children(ROOT, menu, numbers, items))
        self.lines = {line.id: line for line in self.root.walk()}
        self.items = items
        if _layout(before[ROOT]) != _layout(self.root):
            return None
        return [line for line in self.lines.values() if line != before[line.id] and line.id != ROOT]

    def _children(
        self,
        parent: int,
        menu: "Menu | None",
        numbers: dict[tuple[int, str, int], int],
        items: dict[int, "MenuItem"],
    ) -> tuple[Line, ...]:
        lines = []
        seen: dict[str, int] = {}
        for item in menu or ():
            is_separator = item is menu.SEPARATOR  # type: ignore[union-attr]  # no item without a menu
            label = "" if is_separator else item.text
            key = (parent, label, seen.setdefault(label, 0))
            seen[label] += 1
            number = self._numbers[key] = numbers.get(key) or next(self._fresh)
            if is_separator:
                lines.append(Line(id=number, separator=True))
                continue
            items[number] = item
            lines.append(
                Line(
                    id=number,
                    label=label,
                    enabled=bool(item.enabled),
                    checked=None if item.checked is None else bool(item.checked),
                    radio=bool(item.radio),
                    default=bool(item.default),
                    children=self._children(number, item.submenu, numbers, items),
                )
            )
        return tuple(lines)


def _layout(line: Line) -> list[object]:
    """What a viewer has to draw anew when it changes: the numbers, which stand for labels, and who is below whom."""
    return [line.id, [_layout(child) for child in line.children]]
