"""A client and a server of UDP acceleration that talk in memory."""

from dataclasses import dataclass, field
from random import Random

from tsunagu_tunnel.softether.pack import Pack
from tsunagu_tunnel.softether.udp_acceleration import UdpAcceleration, UdpTerms
from tsunagu_tunnel.softether.udp_offer import UdpOffer

FRAME = bytes(range(100))
CLIENT_PORT, SERVER_PORT = 50_000, 40_000


def terms(version: int = 2, *, encrypted: bool = True, fast: bool = True) -> tuple[UdpTerms, UdpTerms]:
    """The client's and the server's."""
    random = Random(7)
    size = 20 if version == 1 else 128
    ours, theirs = random.randbytes(size), random.randbytes(size)
    return (
        UdpTerms(
            version=version, encrypted=encrypted, fast=fast, our_key=ours, their_key=theirs,
            our_cookie=11, their_cookie=22, port=SERVER_PORT,
        ),
        UdpTerms(
            version=version, encrypted=encrypted, fast=fast, our_key=theirs, their_key=ours,
            our_cookie=22, their_cookie=11, port=CLIENT_PORT,
        ),
    )  # fmt: skip


def welcome_for(login: Pack, version: int = 2, **changes: int | bytes) -> Pack:
    """What a server answers to an offer."""
    random = Random(3)
    elements: dict[str, int | bytes] = {
        "use_udp_acceleration": login.get_int("use_udp_acceleration"),
        "udp_acceleration_version": version,
        "udp_acceleration_server_port": SERVER_PORT,
        "udp_acceleration_server_key": random.randbytes(20),
        "udp_acceleration_server_key_v2": random.randbytes(128),
        "udp_acceleration_server_cookie": 22,
        "udp_acceleration_client_cookie": 11,
        "udp_acceleration_use_encryption": 1,
        "udp_accel_fast_disconnect_detect": 1,
    }
    pack = Pack()
    for name, value in (elements | changes).items():
        if isinstance(value, int):
            pack.add_int(name, value)
        else:
            pack.add_data(name, value)
    return pack


def offer(*, accepts_version_1: bool = False, address: str = "10.99.0.2") -> UdpOffer:
    return UdpOffer.of(address, CLIENT_PORT, accepts_version_1=accepts_version_1, random=Random(4))


@dataclass
class Pair:
    """Both ends and the way between them; time passes with ``run``."""

    version: int = 2
    encrypted: bool = True
    fast: bool = True
    compress: bool = False
    delay_s: float = 0.05
    now: float = 1000.0
    up: bool = True  # what the client sends arrives
    down: bool = True  # what the server sends does
    client_port: int = CLIENT_PORT  # as the server sees it
    came: list[bytes] = field(default_factory=list)  # frames, at either end
    sent: int = 0

    def __post_init__(self) -> None:
        ours, theirs = terms(self.version, encrypted=self.encrypted, fast=self.fast)
        self.client, self.server = (
            UdpAcceleration(end, self.now, compress=self.compress, max_datagram=1426, random=Random(seed))
            for seed, end in enumerate((ours, theirs))
        )
        self._underway: list[tuple[float, bool, bytes]] = []

    def run(self, seconds: float) -> None:
        """Let both ends do what is due."""
        end = self.now + seconds
        while True:
            due = [self.client.next_deadline(), self.server.next_deadline(), *(at for at, _, _ in self._underway)]
            if min(due) > end:
                break
            self.now = max(self.now, min(due))
            for upward, datagrams in ((True, self.client.tick(self.now)), (False, self.server.tick(self.now))):
                self.sent += len(datagrams)
                self._underway += [(self.now + self.delay_s, upward, datagram) for datagram in datagrams]
            arrived = [entry for entry in self._underway if entry[0] <= self.now]
            self._underway = [entry for entry in self._underway if entry[0] > self.now]
            for _, upward, datagram in arrived:
                if upward and self.up:
                    self.came += self.server.receive([datagram], self.client_port, self.now)
                elif not upward and self.down:
                    self.came += self.client.receive([datagram], SERVER_PORT, self.now)
        self.now = end

    @property
    def usable(self) -> tuple[bool, bool]:
        """For the client, for the server."""
        return self.client.is_usable(self.now), self.server.is_usable(self.now)
