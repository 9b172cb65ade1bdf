"""A connection in the words of the manual's status window and of the bus.  Pure."""

import ipaddress

from tsunagu.errors import VpnError, bus_error_name
from tsunagu.model import Phase, SecretKind, Session, State, Statistics, Traffic, list_state
from tsunagu_helper.connection import Connection
from tsunagu_helper.errand import Trial
from tsunagu_helper.runner import Facts

Plain = bool | int | float | str | list[str] | dict[str, int]

# The manual's texts (S23); everything else is "Trying to connect".
_PHASE_TEXTS = {
    Phase.RESOLVING: "Connection to VPN Server started",
    Phase.CONNECTING: "Connection to VPN Server started",
    Phase.VERIFYING: "Connection to VPN Server started",
    Phase.NEGOTIATING: "Negotiating",
    Phase.AUTHENTICATING: "Authenticating user",
    Phase.ESTABLISHING: "Connection is established",
    Phase.ESTABLISHED: "Connection is established",
}


def status_text(now: Connection) -> str:
    """One of the manual's eight texts (S23)."""
    match now.state:
        case State.UP:
            return "Connection completed (session established)"
        case State.IDLE:
            return "Idle"
        case State.WAITING:
            return "Retrying"
        case State.CONNECTING:
            return _PHASE_TEXTS.get(now.phase, "Trying to connect")
        case _:
            return "Trying to connect"


def last_error(error: VpnError | None) -> tuple[str, int, str]:
    """Name on the bus, code, sentence; empty: none."""
    return (bus_error_name(error), error.code, str(error)) if error else ("", 0, "")


def shown_addresses(now: Connection, facts: Facts) -> list[str]:
    """The NIC keeps its addresses over a reconnect, but meanwhile they are of no use to anyone."""
    return list(facts.addresses) if now.state is State.UP else []


def status(now: Connection, facts: Facts, statistics: Statistics, *, blocked: str = "") -> dict[str, Plain]:
    """All fields of the status window; those of a session are empty while there is none."""
    name, code, text = last_error(now.last_error)
    return {
        "name": now.settings.name,
        "state": list_state(now.state).value,
        "phase": now.phase.value,
        "status_text": status_text(now),
        "started_at": float(now.started_at),
        "first_established_at": float(now.first_established_at),
        "established_at": float(now.established_at),
        "established_count": now.established_count,
        **_of_session(now.session),
        "carriers": statistics.carriers,
        "udp_acceleration": _udp_acceleration(now.session, statistics),
        "sending_carriers": statistics.sending_carriers,
        "receiving_carriers": statistics.receiving_carriers,
        "round_trip_ms": round(statistics.round_trip_us / 1000, 1),
        "compression_saved_percent": _saved_percent(now.session, statistics),
        "sent_octets": statistics.wire_sent_octets,
        "received_octets": statistics.wire_received_octets,
        **_of_traffic("sent", statistics.sent),
        **_of_traffic("received", statistics.received),
        "interface": facts.interface,
        "addresses": shown_addresses(now, facts),
        "routes": list(facts.routes) if now.state is State.UP else [],
        "blocked": blocked,
        "dhcp_server": now.lease.server if now.lease and now.lease_until else "",
        "lease_until": float(now.lease_until),
        "error_code": code,
        "error_name": name,
        "error_text": text,
        "retry_at": float(now.retry_at),
        "attempt": now.retries,
        "saved_secrets": sorted({*now.secrets.names(), *(kind.value for kind in now.in_keyring)}),
        **{f"{kind.value}_kept": _kept(now, kind) for kind in SecretKind},
    }


def _kept(now: Connection, kind: SecretKind) -> str:
    """Where that password lies."""
    if kind in now.in_keyring:
        return "keyring"
    return "system" if now.secrets.of(kind) else ""


def trial(tried: Trial) -> dict[str, Plain]:
    """What came of trying a log-in: the fields of a session that has ended again, and the error, if any."""
    name, code, text = last_error(tried.error)
    own: dict[str, Plain] = {
        "error_name": name,
        "error_code": code,
        "error_text": text,
        "server_certificate": tried.certificate,
    }
    return {**_of_session(tried.session), "session_key": "", **own}


def _of_session(session: Session | None) -> dict[str, Plain]:
    of = session or Session(
        server_address="", server_port=0, server_product="", server_version=0, server_build=0,
        session_name="", connection_name="", session_key="", max_carriers=0, encrypted=False,
    )  # fmt: skip
    return {
        "server_name": of.server_address,
        "server_port": of.server_port,
        "underlay": _underlay(of.carrier_address or of.server_address),
        "server_product": of.server_product,
        "server_version": f"{of.server_version // 100}.{of.server_version % 100:02}" if session else "",
        "server_build": of.server_build,
        "half_duplex": of.half_duplex,
        "max_carriers": of.max_carriers,
        "encrypted": of.encrypted,
        "tls_version": of.tls_version,
        "cipher": of.cipher,
        "compressed": of.compressed,
        "session_name": of.session_name,
        "connection_name": of.connection_name,
        "session_key": of.session_key,
        "bridge_mode": of.bridge_mode,
        "monitor_mode": of.monitor_mode,
        "vlan_id": of.vlan_id,
        "udp_acceleration_version": of.udp_version,
        "qos": of.qos,
        "message": of.message,
        "policy": dict(of.policy),
        "server_certificate": of.certificate,
        "client_certificate": of.client_certificate,
    }


def _udp_acceleration(session: Session | None, statistics: Statistics) -> str:
    if session is None:
        return ""
    if not session.udp_version:
        return "unsupported"
    return "in use" if statistics.udp_in_use else "supported"


def _underlay(address: str) -> str:
    """What carries the session (S45)."""
    return f"TCP over IPv{ipaddress.ip_address(address).version}" if address else ""


def _saved_percent(session: Session | None, statistics: Statistics) -> int:
    """How much less has travelled than frames were carried, in per cent (S37)."""
    ways = (statistics.sent, statistics.received)
    frames = sum(way.unicast_octets + way.broadcast_octets for way in ways)
    if session is None or not session.compressed or not frames:
        return 0
    wire = statistics.wire_sent_octets + statistics.wire_received_octets
    return min(max(100 - 100 * wire // frames, 0), 100)


def _of_traffic(way: str, traffic: Traffic) -> dict[str, Plain]:
    return {
        f"{way}_unicast_packets": traffic.unicast_packets,
        f"{way}_unicast_octets": traffic.unicast_octets,
        f"{way}_broadcast_packets": traffic.broadcast_packets,
        f"{way}_broadcast_octets": traffic.broadcast_octets,
    }
