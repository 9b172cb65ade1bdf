"""A screen reader's view of Tsunagu's windows, for the system's Python: a line of JSON for each part that is shown.

GTK 4 tells places relative to the window; its parts without a place (pages of a stack) are walked through.  With
arguments NAME: clicks the first button with that in its name by its accessible action instead.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pyatspi


def parts(
    node: Any, window: dict[str, Any] | None = None, bottom: int = 1 << 30
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """All parts on the screen with a name, or that take the focus; what lies below ``bottom`` is scrolled away."""
    for child in node:
        if child is None:
            continue
        part: dict[str, Any] = {"name": child.name or "", "role": child.getRoleName(), "window": window}
        try:
            place = child.queryComponent().getExtents(pyatspi.WINDOW_COORDS)
        except (NotImplementedError, LookupError):
            yield from parts(child, window, bottom)
            continue
        if place.width <= 0 or place.height <= 0:
            continue
        states = child.getState()
        if not states.contains(pyatspi.STATE_VISIBLE):
            continue
        part["place"] = [place.x, place.y, place.width, place.height]
        part["states"] = [pyatspi.stateToString(state) for state in states.getStates()]
        part["bottom"] = bottom
        if child.name or "focusable" in part["states"] or window is None:
            yield child, part
        inner = window or {"title": part["name"], "place": part["place"]}
        yield from parts(child, inner, min(bottom, place.y + place.height))


def all_parts() -> Iterator[tuple[Any, dict[str, Any]]]:
    """Of all our programs."""
    for application in pyatspi.Registry.getDesktop(0):
        if application is not None and "tsunagu" in application.name.lower():
            yield from parts(application)


def press(name: str) -> bool:
    """Whether there was such a button."""
    for node, part in all_parts():
        if name in part["name"] and part["role"] in ("push button", "toggle button"):
            try:
                return bool(node.queryAction().doAction(0))
            except (NotImplementedError, LookupError):
                continue
    return False


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(0 if press(sys.argv[1]) else 1)
    for _node, found in all_parts():
        print(json.dumps(found))
