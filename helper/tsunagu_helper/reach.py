"""What of a connection's settings reaches everybody on the machine, not only its owner."""

from ipaddress import ip_network

from tsunagu.model import ConnectionSettings, Dns, Routing
from tsunagu_helper.lease_policy import Network
from tsunagu_helper.routing import PRIVATE

Reach = frozenset[tuple[str, str]]  # a setting, and what of it


def reach(settings: ConnectionSettings) -> Reach:
    """All of that; whatever is in here and was not before is for administrators to say."""
    found = set()
    if settings.connect_at_start:
        found.add(("connect_at_start", ""))  # before anybody has logged in
    if settings.routing is Routing.EVERYTHING:
        found.add(("routing", ""))
    if settings.kill_switch:
        found.add(("kill_switch", ""))
    found |= {("extra_networks", text) for text in settings.extra_networks if not _is_private(ip_network(text))}
    if settings.dns is Dns.MANUAL and not settings.dns_domains:
        found |= {("dns_servers", text) for text in settings.dns_servers}
    if settings.dns is not Dns.OFF:  # a whole top-level domain
        found |= {("dns_domains", text) for text in settings.dns_domains if "." not in text.strip(".")}
    return frozenset(found)


def _is_private(network: Network) -> bool:
    """``is_private`` of the standard library looks at both ends only, and 0.0.0.0/1 has private ones."""
    return any(network.version == other.version and network.subnet_of(other) for other in PRIVATE)  # type: ignore[arg-type]  # the versions are the same
