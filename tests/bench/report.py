"""From samples to medians, ratios, a table and a file.  Pure."""

from collections.abc import Mapping, Sequence
from statistics import median

OFFICIAL, OURS = "official client", "Tsunagu"

Samples = Mapping[str, Mapping[str, Sequence[float]]]  # by client, then by measurement
Medians = dict[str, dict[str, float]]

# measurement: heading, format
COLUMNS = {
    "throughput_up": ("up Gbit/s", "{:.2f}"),
    "throughput_down": ("down Gbit/s", "{:.2f}"),
    "cpu_per_gb_up": ("client s/GB up", "{:.2f}"),
    "cpu_per_gb_down": ("client s/GB down", "{:.2f}"),
    "system_per_gb_up": ("system s/GB up", "{:.2f}"),
    "system_per_gb_down": ("system s/GB down", "{:.2f}"),
    "ping_ms_up": ("ping ms up", "{:.1f}"),
    "ping_ms_down": ("ping ms down", "{:.1f}"),
    "connect_time": ("connect s", "{:.3f}"),
    "wakeups_per_s": ("wake-ups/s idle", "{:.1f}"),
    "rss_mb": ("memory MB", "{:.0f}"),
}
RATIOS = ("cpu_per_gb_up", "cpu_per_gb_down", "throughput_up", "throughput_down", "connect_time")


def medians(samples: Samples) -> Medians:
    """Of each measurement of each client."""
    return {
        client: {name: median(values) for name, values in measured.items() if values}
        for client, measured in samples.items()
    }


def ratios(of: Medians, client: str = OURS) -> dict[str, float]:
    """A client's medians divided by the official client's, where both were measured."""
    ours, theirs = of.get(client, {}), of.get(OFFICIAL, {})
    return {name: ours[name] / theirs[name] for name in RATIOS if name in ours and name in theirs}


def table(of: Medians) -> str:
    """For people, in Markdown."""
    rows = [["", *(heading for heading, _ in COLUMNS.values())]]
    for client, values in of.items():
        cells = [shown.format(values[name]) if name in values else "" for name, (_, shown) in COLUMNS.items()]
        rows.append([client, *cells])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|")
    return "\n".join(lines)
