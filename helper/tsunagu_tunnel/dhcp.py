"""A DHCP client that speaks Ethernet frames (RFC 2131), for one NIC.  No I/O, no clock.

The hub's segment is a strange network: whoever answers there may be hostile.  What comes in has passed the checks of
``frames`` and ``dhcp_message``, and changes something here only if it answers the very question that was asked.
"""

import math
from enum import Enum
from ipaddress import IPv4Address
from random import Random

from tsunagu.control import Leased, NoLease, NoLeaseReason
from tsunagu.model import Lease
from tsunagu_tunnel.address_probe import AddressProbe
from tsunagu_tunnel.dhcp_message import FOR_EVER, Kind, Reply, decode_reply, encode_request, lease_from, renewal_times
from tsunagu_tunnel.frames import BROADCAST_MAC, Datagram, decode_datagram, encode_datagram

SERVER_PORT = 67
CLIENT_PORT = 68

_NO_ADDRESS = str(IPv4Address(0))
PATIENCE_S = 10.0  # without a lease, until that is told
_FIRST_WAIT_S = 1.0  # for an answer; doubled with each question
_LONGEST_WAIT_S = 64.0
_RENEWAL_WAIT_S = 60.0  # the least between two questions for a lease that still holds (RFC 2131, 4.4.5)
_REQUESTS = 3  # for one offer, before the search begins anew
_DECLINED_WAIT_S = 10.0  # before the search begins anew (RFC 2131, 3.1)
_DECLINES = 3  # in a row; a segment where every address seems taken has a host that answers for all of them

Event = Leased | NoLease


class _State(Enum):
    SELECTING = "selecting"  # looking for an offer
    REQUESTING = "requesting"  # an offer was taken up, its server has not confirmed it yet
    BOUND = "bound"
    RENEWING = "renewing"  # T1 has passed: asking the lease's own server
    REBINDING = "rebinding"  # T2 has passed: asking any server


class DhcpClient:
    """Searches as soon as ``tick`` is called first, and never gives up.

    The loop gives frames to ``receive_frame``, calls ``tick`` by ``next_deadline()``, and after both sends what
    ``frames_to_send()`` has.  ``now`` is seconds, monotonic.  All questions are broadcasts, renewals included, so that
    no ARP is needed.
    """

    def __init__(self, mac: bytes, now: float, *, random: Random, previous_address: str = "") -> None:
        """``previous_address`` is asked for again: the server gives it if it can."""
        self._mac = mac
        self._random = random
        self._wish = previous_address
        self._started = now
        self._frames: list[bytes] = []
        self._offer: Lease | None = None  # taken up, in REQUESTING
        self._lease: Lease | None = None  # held, in BOUND and later
        self._server_mac = BROADCAST_MAC  # of the lease's server, or of its relay
        self._probe: AddressProbe | None = None  # of a new lease's address
        self._declines = 0
        self._patience_ends = now + PATIENCE_S
        self._renew_at = self._rebind_at = self._lease_ends = math.inf
        self._wait = _FIRST_WAIT_S
        self._state = _State.SELECTING
        self._search(now)

    def frames_to_send(self) -> list[bytes]:
        """What has become due; each frame is given once."""
        frames, self._frames = self._frames, []
        return frames

    def next_deadline(self) -> float:
        """When ``tick`` will next have something to do."""
        probe_at = self._probe.next_deadline() if self._probe else math.inf
        return min(self._ask_at, self._patience_ends, self._renew_at, self._rebind_at, self._lease_ends, probe_at)

    @property
    def wants_arp(self) -> bool:
        """Whether ``receive_frame`` wants to see ARP frames, too."""
        return self._probe is not None

    def receive_frame(self, frame: bytes, now: float) -> list[Event] | None:
        """Take a frame; return what it changed, or None if it is not for this client."""
        if self._probe and self._probe.finds_conflict(frame):
            return self._decline(now)
        datagram = decode_datagram(frame)
        if datagram is None or (datagram.source_port, datagram.destination_port) != (SERVER_PORT, CLIENT_PORT):
            return None
        reply = decode_reply(datagram.payload, self._mac)
        if reply is None:
            return None
        if reply.transaction != self._transaction:
            return []
        match self._state, reply.kind:
            case _State.SELECTING, Kind.OFFER:
                if offer := lease_from(reply):
                    self._offer = offer
                    self._state = _State.REQUESTING
                    self._requests = 0
                    self._wait = _FIRST_WAIT_S
                    self._ask(now)
            case _State.REQUESTING | _State.RENEWING, Kind.ACK | Kind.NAK:
                asked = self._lease or self._offer
                if asked and reply.server == asked.server:
                    return self._answered(reply, datagram.source_mac, now)
            case _State.REBINDING, Kind.ACK | Kind.NAK:
                return self._answered(reply, datagram.source_mac, now)
        return []

    def tick(self, now: float) -> list[Event]:
        """Ask what is due by now; return what time alone has changed."""
        if self._probe:
            self._frames += self._probe.tick(now)
            if self._probe.is_over:
                self._probe, self._declines = None, 0
        if now >= self._lease_ends:
            return self._lose(now, NoLeaseReason.EXPIRED)
        if now >= self._rebind_at:
            self._rebind_at = math.inf
            self._state = _State.REBINDING
            self._ask_at = now
        elif now >= self._renew_at:
            self._renew_at = math.inf
            self._state = _State.RENEWING
            self._new_transaction()
            self._ask_at = now
        if now >= self._ask_at:
            if self._state is _State.REQUESTING and self._requests == _REQUESTS:
                self._search(now)
            self._ask(now)
        if now >= self._patience_ends:
            self._patience_ends = math.inf
            return [NoLease(reason=NoLeaseReason.SILENCE)]
        return []

    def release(self) -> list[bytes]:
        """The frames that give the lease back; none if there is no lease.  The client is of no use afterwards."""
        if self._lease is None:
            return []
        lease = self._lease
        payload = encode_request(
            Kind.RELEASE, self._mac, self._random.getrandbits(32), address=lease.address, server=lease.server
        )
        return [self._frame(lease.address, lease.server, self._server_mac, payload)]

    def _search(self, now: float) -> None:
        self._state = _State.SELECTING
        self._lease = self._offer = self._probe = None
        self._new_transaction()
        self._ask_at = now

    def _new_transaction(self) -> None:
        self._transaction = self._random.getrandbits(32)

    def _ask(self, now: float) -> None:
        """Send the question that fits the state, and set the time of the next one."""
        match self._state:
            case _State.SELECTING:
                self._question(Kind.DISCOVER, now, wish=self._wish)
            case _State.REQUESTING:
                assert self._offer
                self._question(Kind.REQUEST, now, wish=self._offer.address, server=self._offer.server)
                self._requests += 1
            case _State.RENEWING | _State.REBINDING:
                assert self._lease
                self._question(Kind.REQUEST, now, address=self._lease.address)
                ends = self._rebind_at if self._state is _State.RENEWING else self._lease_ends
                self._ask_at = now + max(_RENEWAL_WAIT_S, (ends - now) / 2)
                return
        self._ask_at = now + self._wait * self._random.uniform(0.9, 1.1)
        self._wait = min(2 * self._wait, _LONGEST_WAIT_S)

    def _question(self, kind: Kind, now: float, *, address: str = "", wish: str = "", server: str = "") -> None:
        payload = encode_request(
            kind,
            self._mac,
            self._transaction,
            waited_s=0 if address else int(now - self._started),
            address=address,
            wish=wish,
            server=server,
        )
        self._frames.append(self._frame(address or _NO_ADDRESS, "255.255.255.255", BROADCAST_MAC, payload))

    def _frame(self, source: str, destination: str, destination_mac: bytes, payload: bytes) -> bytes:
        return encode_datagram(
            Datagram(
                source_mac=self._mac,
                destination_mac=destination_mac,
                source=IPv4Address(source).packed,
                destination=IPv4Address(destination).packed,
                source_port=CLIENT_PORT,
                destination_port=SERVER_PORT,
                payload=payload,
            )
        )

    def _answered(self, reply: Reply, server_mac: bytes, now: float) -> list[Event]:
        asked = self._lease or self._offer
        assert asked
        if reply.kind is Kind.NAK:
            return self._lose(now, NoLeaseReason.REFUSED)
        lease = lease_from(reply)
        if lease is None or lease.address != asked.address:
            return []
        is_new = self._state is _State.REQUESTING
        if is_new and self._declines < _DECLINES:
            self._probe = AddressProbe(self._mac, IPv4Address(lease.address).packed, now)
        self._state = _State.BOUND
        self._lease, self._offer, self._server_mac = lease, None, server_mac
        self._wish = lease.address
        self._wait = _FIRST_WAIT_S
        self._ask_at = self._patience_ends = math.inf
        if lease.lifetime_s == FOR_EVER:
            self._renew_at = self._rebind_at = self._lease_ends = math.inf
        else:
            renew_s, rebind_s = renewal_times(reply, lease.lifetime_s)
            self._renew_at, self._rebind_at = now + renew_s, now + rebind_s
            self._lease_ends = now + lease.lifetime_s
        return [Leased(lease=lease)]

    def _decline(self, now: float) -> list[Event]:
        """Somebody has the address: tell the server, which has a word to say to somebody, and ask for another one."""
        lease = self._lease
        assert lease
        self._declines += 1
        self._wish = ""
        payload = encode_request(
            Kind.DECLINE, self._mac, self._random.getrandbits(32), wish=lease.address, server=lease.server
        )
        events = self._lose(now, NoLeaseReason.TAKEN)
        self._ask_at = now + _DECLINED_WAIT_S
        self._patience_ends = self._ask_at + PATIENCE_S
        self._frames.append(self._frame(_NO_ADDRESS, "255.255.255.255", BROADCAST_MAC, payload))
        return events

    def _lose(self, now: float, reason: NoLeaseReason) -> list[Event]:
        """Search anew: at once if a lease is over, else (an offer was taken back) after the next wait."""
        had_lease = self._lease is not None
        self._renew_at = self._rebind_at = self._lease_ends = math.inf
        self._search(now if had_lease else now + self._wait)
        if not had_lease:
            return []
        if reason is not NoLeaseReason.EXPIRED:  # after that, silence is no news
            self._patience_ends = now + PATIENCE_S
        return [NoLease(reason=reason)]
