"""How client and server come to terms about UDP acceleration, inside the login and its welcome.  No I/O."""

import ipaddress
from dataclasses import dataclass, field
from random import Random

from tsunagu_tunnel.softether.pack import Pack
from tsunagu_tunnel.softether.udp_acceleration import KEY_SIZE, UdpTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class UdpOffer:
    """What a client offers: where its datagrams come from, and the keys that it will seal them with."""

    address: str  # of the TCP connection's end here; behind a NAT the server finds out
    port: int
    key_1: bytes = field(repr=False)
    key_2: bytes = field(repr=False)
    accepts_version_1: bool  # of a server that has no better one

    @classmethod
    def of(cls, address: str, port: int, *, accepts_version_1: bool, random: Random) -> "UdpOffer":
        """An offer with fresh keys."""
        key_1, key_2 = (random.randbytes(size) for size in KEY_SIZE)
        return cls(address=address, port=port, key_1=key_1, key_2=key_2, accepts_version_1=accepts_version_1)

    def add_to(self, login: Pack) -> None:
        """Say so in a login."""
        login.add_int("use_udp_acceleration", 1)
        login.add_int("udp_acceleration_version", 1)
        login.add_int("udp_acceleration_max_version", 2)
        address = ipaddress.ip_address(self.address.partition("%")[0])
        # Loopback says nothing to a server that is reached through it: zero stands for the TCP connection's address.
        login.add_ip("udp_acceleration_client_ip", address if not address.is_loopback else type(address)(0))
        login.add_int("udp_acceleration_client_port", self.port)
        login.add_data("udp_acceleration_client_key", self.key_1)
        login.add_data("udp_acceleration_client_key_v2", self.key_2)
        login.add_int("support_hmac_on_udp_acceleration", 1)
        login.add_int("support_udp_accel_fast_disconnect_detect", 1)

    def terms_in(self, welcome: Pack, *, encrypted: bool) -> UdpTerms | None:
        """What a server made of the offer; None if nothing, or nothing that we want.

        ``encrypted``: as the session is.  Datagrams are never less.
        """
        version = welcome.get_int("udp_acceleration_version") or 1
        names = "udp_acceleration_server_key", "udp_acceleration_server_key_v2"
        terms = UdpTerms(
            version=version,
            encrypted=bool(welcome.get_int("udp_acceleration_use_encryption")),
            fast=bool(welcome.get_int("udp_accel_fast_disconnect_detect")),
            our_key=self.key_1 if version == 1 else self.key_2,
            their_key=welcome.get_data(names[0] if version == 1 else names[1]),
            our_cookie=welcome.get_int("udp_acceleration_client_cookie"),
            their_cookie=welcome.get_int("udp_acceleration_server_cookie"),
            port=welcome.get_int("udp_acceleration_server_port"),
        )
        if (
            not welcome.get_int("use_udp_acceleration")
            or version not in (1, 2)
            or (version == 1 and encrypted and not self.accepts_version_1)
            or (encrypted and not terms.encrypted)
            or (terms.encrypted and len(terms.their_key) != KEY_SIZE[version - 1])
            or not terms.our_cookie
            or not terms.their_cookie
            or not 0 < terms.port < 65536
        ):
            return None
        return terms
