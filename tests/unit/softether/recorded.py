"""Access to ``tests/recorded/softether``."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "recorded" / "softether"


def load(name: str) -> Any:
    """A recording, as its JSON has it."""
    return json.loads((FOLDER / name).read_text())


@dataclass(frozen=True)
class RecordedPack:
    """One pack as it crossed the wire, and what it means."""

    label: str
    head: str
    octets: bytes
    elements: list[tuple[str, str, list[int | str]]]  # name, type, values; data in hex

    def __repr__(self) -> str:
        return self.label


def recorded_packs() -> list[RecordedPack]:
    """All of them: those of the prototype, and those between the official client and the server."""
    entries = load("packs.json")["packs"] + [m for m in load("official_client_login.json")["messages"] if "hex" in m]
    return [
        RecordedPack(
            entry.get("label", f"official/{entry.get('connection')}/{entry.get('direction')}"),
            entry["http_head"],
            bytes.fromhex(entry["hex"]),
            [(e["name"], e["type"], e["values"]) for e in entry["decoded"]],
        )
        for entry in entries
    ]


def recorded_pack(label: str, having: str) -> RecordedPack:
    """The first pack of that label with an element of that name."""
    return next(p for p in recorded_packs() if p.label == label and any(e[0] == having for e in p.elements))
