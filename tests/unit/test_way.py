"""Where an attempt begins."""

import socket
from dataclasses import replace
from random import Random

import pytest

from tsunagu.control import Start
from tsunagu.errors import TunnelError
from tsunagu.model import AuthType, ConnectionSettings, Proxy, ProxyKind, Routing
from tsunagu_tunnel.connect import Dialler
from tsunagu_tunnel.dial import Dial, Limits
from tsunagu_tunnel.way import Place, Places, Way

SETTINGS = ConnectionSettings(
    name="Office", host="vpn.example.org", hub="OFFICE", username="mika", auth=AuthType.ANONYMOUS
)


def start_with(settings: ConnectionSettings, known_address: str = "192.0.2.7") -> Start:
    return Start(settings=settings, mac="", accepted_fingerprint="", machine_id="0" * 32, known_address=known_address)


def reached(proxy: Proxy | None, known_address: str = "192.0.2.7") -> tuple[str, str] | None:
    """What goes where, of that which was reached before."""
    start = start_with(replace(SETTINGS, proxy=proxy), known_address)
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


class Nowhere(Way):
    """Nothing answers, and no name is found."""

    def connect(self, places: Places) -> Dial[tuple[Place, socket.socket]]:
        """See ``Way``."""
        yield from ()
        raise TunnelError(1, f"{len(places.waiting)} refused")

    def find(self, host: str, port: int) -> Dial[Places]:
        """See ``Way``."""
        yield from ()
        raise TunnelError(1, f"the name {host} was not found, port {port}")


@pytest.mark.parametrize(
    ("routing", "known_address", "told"),
    [
        (Routing.EVERYTHING, "192.0.2.7", "neither does 192.0.2.7 answer, nor is the name vpn.example.org found"),
        (Routing.EVERYTHING, "", "the name vpn.example.org was not found"),
        (Routing.LAN, "192.0.2.7", "the name vpn.example.org was not found"),
    ],
)
def test_a_move_is_thought_of_where_names_are_looked_up_in_the_tunnel(
    routing: Routing, known_address: str, told: str
) -> None:
    settings = replace(SETTINGS, routing=routing)
    way = Nowhere(start_with(settings, known_address), Limits())
    dialler = Dialler(lambda _phase, _detail: None, limits=Limits(), random=Random(1))

    with pytest.raises(TunnelError, match=told):
        next(dialler._reach(way, settings))
