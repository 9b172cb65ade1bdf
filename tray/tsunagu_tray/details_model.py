"""The details window's fields (S22-S45), in the manual's order and the reader's words.  Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tsunagu_tray.report import local_time
from tsunagu_tray.texts import SENTENCES, Texts

Status = Mapping[str, Any]

NOTHING = "–"
SECRET_FIELDS = frozenset({"session_key"})  # masked in what is sent to others


class When(Enum):
    """While a field means anything."""

    ALWAYS = "always"  # also while connecting
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Field:
    """One row: a name in the helper's status, and how its value reads (``form``)."""

    key: str
    form: str = "text"
    when: When = When.SESSION


@dataclass(frozen=True, slots=True)
class Line:
    """A row as it is shown."""

    key: str
    title: str
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that belong together."""

    title: str
    lines: tuple[Line, ...]


def _traffic(way: str) -> tuple[Field, ...]:
    kinds = [f"{way}_{cast}_{unit}" for cast in ("unicast", "broadcast") for unit in ("packets", "octets")]
    return tuple(Field(kind, kind.rpartition("_")[2]) for kind in kinds)


SECTIONS: dict[str, tuple[Field, ...]] = {
    "details_connection": (
        Field("name", when=When.ALWAYS),
        Field("status_text", "status", When.ALWAYS),
        Field("server_name"),
        Field("server_port", "port"),
        Field("underlay"),
        Field("server_product"),
        Field("server_version"),
        Field("server_build"),
        Field("started_at", "time", When.ALWAYS),
        Field("first_established_at", "time", When.ALWAYS),
        Field("established_at", "time"),
        Field("established_count", "count", When.ALWAYS),
        Field("error_text", "error", When.ALWAYS),
        Field("retry_at", "time", When.ALWAYS),
    ),
    "details_network": (
        Field("interface", when=When.ALWAYS),
        Field("addresses", "list"),
        Field("dhcp_server"),
        Field("lease_until", "time"),
        Field("routes", "list"),
        Field("blocked"),
    ),
    "details_session": (
        Field("half_duplex", "yes"),
        Field("carriers", "count"),
        Field("sending_carriers", "count"),
        Field("receiving_carriers", "count"),
        Field("max_carriers", "count"),
        Field("round_trip_ms"),
        Field("encrypted", "yes"),
        Field("tls_version"),
        Field("cipher"),
        Field("compressed", "yes"),
        Field("compression_saved_percent"),
        Field("udp_acceleration", "udp"),
        Field("udp_acceleration_version"),
        Field("session_name"),
        Field("connection_name"),
        Field("session_key"),
        Field("bridge_mode", "yes"),
        Field("monitor_mode", "yes"),
        Field("vlan_id"),
        Field("qos", "yes"),
    ),
    "details_data": (
        Field("sent_octets", "octets"),
        Field("received_octets", "octets"),
        *_traffic("sent"),
        *_traffic("received"),
    ),
}
OPTIONAL = frozenset({"error_text", "retry_at"})  # left out while they have no value


def sections(status: Status, texts: Texts) -> list[Section]:
    """Everything the helper tells of a connection; what belongs to a session only while there is one."""
    return [Section(texts(title), tuple(_lines(fields, status, texts))) for title, fields in SECTIONS.items()]


def has_session(status: Status) -> bool:
    """A session is established."""
    return bool(status.get("session_name"))


def _lines(fields: Iterable[Field], status: Status, texts: Texts) -> Iterable[Line]:
    for field in fields:
        if field.key not in status:
            continue  # an older helper
        value = status[field.key]
        is_meant = field.when is When.ALWAYS or has_session(status)
        if field.key in OPTIONAL and not value:
            continue
        yield Line(
            field.key, texts(f"status_{field.key}"), _words(field.form, value, texts, status) if is_meant else NOTHING
        )


def _words(form: str, value: Any, texts: Texts, status: Status) -> str:
    match form:
        case "yes":
            return texts("yes" if value else "no")
        case "status":
            key = "session_status_" + status_key(str(value))
            return texts(key) if key in SENTENCES else str(value)
        case "count":
            return str(value)
        case "packets":
            return texts("packets", count=value)
        case _ if value in ("", 0, 0.0, []):
            return NOTHING
        case "octets":
            return f"{size(value)} ({texts('octets', count=value)})"
        case "udp":
            return texts(f"udp_{value.replace(' ', '_')}")
        case "time":
            return local_time(value)
        case "port":
            return texts("details_tcp_port", port=value)
        case "list":
            return "\n".join(map(str, value))
        case "error":
            return texts.status_error(status)
        case _:
            return str(value)


def status_key(english: str) -> str:
    """The key of one of the manual's eight texts, which the helper tells in English."""
    return english.partition("(")[0].strip().lower().replace(" ", "_")


def size(octets: float) -> str:
    """A size for people, in decimal units as networks count."""
    for unit in ("B", "kB", "MB", "GB"):
        if octets < 1000:
            return f"{octets:.0f} {unit}" if unit == "B" or octets >= 100 else f"{octets:.1f} {unit}"
        octets /= 1000
    return f"{octets:.1f} TB"


def speed(octets_a_second: float) -> str:
    """A speed for people, in bits as networks count."""
    bits = octets_a_second * 8
    for unit in ("bit/s", "kbit/s", "Mbit/s"):
        if bits < 1000:
            return f"{bits:.0f} {unit}" if unit == "bit/s" or bits >= 100 else f"{bits:.1f} {unit}"
        bits /= 1000
    return f"{bits:.1f} Gbit/s"


def as_text(status: Status, texts: Texts) -> str:
    """All of it for a support request, without what would let another in."""
    parts = []
    for section in sections(status, texts):
        rows = [f"{line.title}: {masked(line)}".replace("\n", ", ") for line in section.lines if line.value != NOTHING]
        if rows:
            parts.append("\n".join([f"[{section.title}]", *rows]))
    return "\n\n".join(parts) + "\n"


def masked(line: Line) -> str:
    """The value, or only that there is one."""
    return "********" if line.key in SECRET_FIELDS and line.value != NOTHING else line.value
