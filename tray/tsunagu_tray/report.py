"""What the command line prints: tables for people, JSON for scripts."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from tsunagu.policy import Unit, items
from tsunagu_tray.connection_view import ConnectionView
from tsunagu_tray.texts import SENTENCES, Texts

_TOLD = ("status_text", "error_text", "blocked")  # in the helper's English


def view_to_plain(view: ConnectionView) -> dict[str, Any]:
    """One line of ``list --json``; the keys are those of the status."""
    return {
        "id": view.id,
        "name": view.name,
        "state": view.list_state.value,
        "activity": view.state.value,
        "phase": view.phase.value,
        "server": view.server,
        "hub": view.hub,
        "interface": view.interface,
        "addresses": list(view.addresses),
        "started_at": view.since,
        "retry_at": view.retry_at,
        "attempt": view.attempt,
        "error_code": view.last_error.code,
        "error_name": view.last_error.name,
        "error_text": view.last_error.text,
        "owner": view.owner,
    }


def status_rows(status: dict[str, Any], texts: Texts) -> Iterator[tuple[str, str]]:
    """The manual's fields that have a value, in its order, in the reader's language."""
    yield texts("status_name"), str(status["name"])
    for key in SENTENCES:
        if key.startswith("status_") and key != "status_name":
            field = key.removeprefix("status_")
            value = status.get(field)
            if value not in (None, "", 0, 0.0, []) or isinstance(value, bool):
                yield texts(key), _field(field, status[field], texts)


def _field(field: str, value: Any, texts: Texts) -> str:
    if isinstance(value, bool):
        return texts("yes" if value else "no")
    if field.endswith(("_at", "_until")):
        return local_time(value)
    if field.endswith("_octets"):
        return texts("octets", count=value)
    if field == "udp_acceleration":
        return texts(f"udp_{value.replace(' ', '_')}")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return texts.say(str(value)) if field in _TOLD else str(value)


def policy_rows(policy: dict[str, int], texts: Texts) -> Iterator[tuple[str, str, str]]:
    """Name, value and meaning of each value; 0 and off are a dash."""
    for item, value in items(policy):
        shown = f"{value:,} {item.unit.value}" if item.unit in (Unit.SECONDS, Unit.BITS) else f"{value:,}"
        if item.unit is Unit.SWITCH:
            shown = texts("policy_on")
        name, meaning = texts.of_policy(item)
        yield name, shown if value else "-", meaning


def policy_to_plain(policy: dict[str, int], texts: Texts) -> list[dict[str, Any]]:
    """For ``policy --json``."""
    plain = []
    for item, value in items(policy):
        name, meaning = texts.of_policy(item)
        shown = bool(value) if item.unit is Unit.SWITCH else value
        plain.append({"key": item.key, "value": shown, "unit": item.unit.value, "name": name, "meaning": meaning})
    return plain


def event_text(event: dict[str, Any], texts: Texts) -> str:
    """What happened, in the reader's language."""
    return texts.say(event["text"])


def print_json(value: Any) -> None:
    """For scripts."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def print_json_line(value: Any) -> None:
    """For scripts that read line by line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def redraw(texts: Iterable[str]) -> None:
    """The output in the place of the one before: each line, then what is below, is cleared by the terminal."""
    shown = "".join(printable(text) + "\x1b[K\n" for text in texts)
    sys.stdout.write(f"\x1b[H{shown}\x1b[J")


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns, aligned for wide characters too."""
    widths = [max(_width(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()


def local_time(seconds: float) -> str:
    """A moment (UTC s) for the reader's own clock."""
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def printable(text: str) -> str:
    """What a server said may hold control characters; a terminal would obey them."""
    return "".join(character if character.isprintable() or character == "\n" else "\ufffd" for character in text)


def print_lines(texts: Iterable[str]) -> None:
    """Print the output."""
    for text in texts:
        sys.stdout.write(printable(text) + "\n")


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
