"""What a look at a machine has found.  The helper finds what only root sees, the user's side the rest."""

from collections.abc import Iterable
from dataclasses import dataclass

ERROR, WARNING, INFO = "error", "warning", "info"  # nothing works; something does not; good to know


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence; ``key`` is for scripts."""

    key: str
    level: str
    text: str


def worst_first(found: Iterable[Finding]) -> list[Finding]:
    """In the order that people want to hear of them."""
    order = (ERROR, WARNING, INFO)
    return sorted(found, key=lambda finding: order.index(finding.level))
