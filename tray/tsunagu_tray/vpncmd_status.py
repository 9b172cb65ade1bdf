"""A connection's status in the words of the official AccountStatusGet."""

import time
from collections.abc import Iterator, Mapping
from typing import Any


def status_rows(status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What AccountStatusGet shows, in its order."""
    yield "VPN Connection Setting Name", status["name"]
    if not status["session_name"]:
        yield "Session Status", status["status_text"]
        return
    yield "Session Status", "Connection Completed (Session Established)"
    yield "VLAN ID", f"{status['vlan_id'] or '-'}"
    yield "Server Name", status["server_name"]
    yield "Port Number", f"TCP Port {status['server_port']}"
    yield "Server Product Name", status["server_product"]
    yield "Server Version", status["server_version"]
    yield "Server Build", f"Build {status['server_build']}"
    yield "Connection Started at", _moment(status["started_at"])
    yield "First Session has been Established since", _moment(status["first_established_at"])
    yield "Current Session has been Established since", _moment(status["established_at"])
    yield "Number of Established Sessions", f"{status['established_count']} Times"
    is_half = status["half_duplex"]
    yield "Half Duplex TCP Connection Mode", "Yes (Half Duplex Mode)" if is_half else "No (Full Duplex Mode)"
    yield "VoIP / QoS Function", "Enabled" if status["qos"] else "Disabled"
    yield "Number of TCP Connections", f"{status['carriers']}"
    yield "Maximum Number of TCP Connections", f"{status['max_carriers']}"
    cipher = f"Enabled (Algorithm: {status['cipher']})"
    yield "Encryption", cipher if status["encrypted"] else "Disabled (No Encryption)"
    saved = f"Yes ({status['compression_saved_percent']} %)"
    yield "Use of Compression", saved if status["compressed"] else "No (No Compression)"
    yield "Physical Underlay Protocol", status["underlay"].replace("TCP over ", "Standard TCP/IP (") + ")"
    yield "UDP Acceleration is Supported", _yes(status["udp_acceleration"] not in ("", "unsupported"))
    yield "UDP Acceleration is Active", _yes(status["udp_acceleration"] == "in use")
    yield "Session Name", status["session_name"]
    yield "Connection Name", status["connection_name"]
    yield "Session Key (160 bit)", status["session_key"].upper()
    yield "Bridge / Router Mode", _yes(status["bridge_mode"])
    yield "Monitoring Mode", _yes(status["monitor_mode"])
    yield "Outgoing Data Size", f"{status['sent_octets']:,} bytes"
    yield "Incoming Data Size", f"{status['received_octets']:,} bytes"
    for way, theirs in (("sent", "Outgoing"), ("received", "Incoming")):
        for kind in ("unicast", "broadcast"):
            yield f"{theirs} {kind.title()} Packets", f"{status[f'{way}_{kind}_packets']:,} packets"
            yield f"{theirs} {kind.title()} Total Size", f"{status[f'{way}_{kind}_octets']:,} bytes"


def _yes(value: bool) -> str:
    return "Yes" if value else "No"


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d (%a) %H:%M:%S", time.localtime(seconds))
