"""``tsunagu speed`` and ``tsunagu speed-server``: the traffic test, as words."""

from collections.abc import Callable
from itertools import cycle, islice
from typing import Any

from tsunagu.errors import NotFound
from tsunagu_tray.command_input import parse_server
from tsunagu_tray.details_model import size, speed
from tsunagu_tray.report import print_json, print_lines, table
from tsunagu_tray.speed import Plan, Result, measure, serve
from tsunagu_tray.terminal import tell
from tsunagu_tray.texts import Texts
from tsunagu_tray.traffic import PORT, Direction, TrafficError

DIRECTIONS = {"both": [Direction.DOWN, Direction.UP], "up": [Direction.UP], "down": [Direction.DOWN]}
MAX_CONNECTIONS = 32
FRAME = 1514 / 1460  # octets of an Ethernet frame without its checksum, to those of TCP's in it


async def speed_test(
    server: str,
    directions: str,
    connections: int,
    span_s: float,
    interface: str,
    texts: Texts,
    *,
    ethernet: bool,
    begins: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """What there is to tell; the keys are those of ``--json``.  ``begins`` hears what is going to be done.

    Raises:
        VpnError: it could not be measured.
    """
    host, port = parse_server(server, texts, PORT)
    ways = DIRECTIONS[directions]
    of_each = list(islice(cycle(ways), max(connections, len(ways))))
    begins(texts("speed_begins", server=server, count=len(of_each), seconds=f"{span_s:g}"))
    try:
        result = await measure(Plan(host, port, of_each, span_s, interface))
    except TrafficError as error:
        raise NotFound(texts("speed_no_server", server=server)) from error
    return _as_plain(result, len(of_each), FRAME if ethernet else 1.0)


def _as_plain(result: Result, connections: int, factor: float) -> dict[str, Any]:
    sent, received = round(result.sent * factor), round(result.received * factor)
    return {
        "connections": connections,
        "seconds": round(result.span_s, 3),
        "latency_ms": round(result.latency_s * 1000, 3),
        "sent_octets": sent,
        "received_octets": received,
        "sent_bits_per_second": round(sent * 8 / result.span_s),
        "received_bits_per_second": round(received * 8 / result.span_s),
    }


def show(measured: dict[str, Any], texts: Texts, *, json: bool) -> None:
    """Print it."""
    if json:
        print_json(measured)
        return
    print_lines(table(rows(measured, texts)))


def rows(measured: dict[str, Any], texts: Texts) -> list[tuple[str, str]]:
    """Titles and values."""
    shown = [
        (texts("speed_connections"), str(measured["connections"])),
        (texts("speed_span"), f"{measured['seconds']:.1f} s"),
        (texts("speed_latency"), f"{measured['latency_ms']:.1f} ms"),
    ]
    for way in ("received", "sent"):
        if octets := measured[f"{way}_octets"]:
            shown.append((texts(f"speed_{way}"), f"{size(octets)} ({texts('octets', count=octets)})"))
            shown.append((texts(f"speed_{way}_rate"), speed(measured[f"{way}_bits_per_second"] / 8)))
    return shown


async def be_server(port: int, texts: Texts) -> None:
    """Until interrupted."""
    tell(texts("speed_listens", port=port))
    await serve(port, lambda address: tell(texts("speed_client", address=address.removeprefix("::ffff:"))))
