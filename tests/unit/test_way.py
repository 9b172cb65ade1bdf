"""Where an attempt begins."""

import pytest

from tsunagu.control import Start
from tsunagu.model import AuthType, ConnectionSettings, Proxy, ProxyKind
from tsunagu_tunnel.dial import Limits
from tsunagu_tunnel.way import Way


def reached(proxy: Proxy | None, known_address: str = "192.0.2.7") -> tuple[str, str] | None:
    """What goes where, of that which was reached before."""
    settings = ConnectionSettings(
        name="Office", host="vpn.example.org", hub="OFFICE", username="mika", auth=AuthType.ANONYMOUS, proxy=proxy
    )
    start = Start(settings=settings, mac="", accepted_fingerprint="", machine_id="0" * 32, known_address=known_address)
    place = Way(start, Limits()).known("vpn.example.org", 443)
    return (place.address, str(place.hop)) if place else None


def proxy(kind: ProxyKind) -> Proxy:
    return Proxy(kind=kind, host="proxy.example.org", port=8080)


def test_what_was_reached_before_needs_no_name() -> None:
    assert reached(None) == ("192.0.2.7", "192.0.2.7 port 443")
    assert reached(None, "") is None


@pytest.mark.parametrize("kind", [ProxyKind.HTTP, ProxyKind.SOCKS5])
def test_a_proxy_that_was_reached_before_looks_the_server_up_itself(kind: ProxyKind) -> None:
    assert reached(proxy(kind)) == ("vpn.example.org", "192.0.2.7 port 8080")


def test_one_that_takes_no_names_needs_the_server_s_looked_up() -> None:
    assert reached(proxy(ProxyKind.SOCKS4)) is None
