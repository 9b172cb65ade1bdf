"""A session joined to a NIC: frames both ways, its carriers, keepalives, DHCP."""

import functools
import logging
import select
import time
from collections.abc import Callable, Sequence
from random import Random

from tsunagu.control import Leased, Start, ToHelper
from tsunagu.errors import TunnelError
from tsunagu.model import Addressing, Statistics
from tsunagu_tunnel.connect import Dialler, Opened
from tsunagu_tunnel.dataplane import FAIR, Buffer, Carrier, Feeder, FrameFeeder, Link, NicEnd, Stream, is_arp
from tsunagu_tunnel.dhcp import DhcpClient, Event
from tsunagu_tunnel.dial import Dial
from tsunagu_tunnel.frames import parse_mac
from tsunagu_tunnel.loop import Loop
from tsunagu_tunnel.softether.carrier import encode_frames, keepalive
from tsunagu_tunnel.softether.compression import CompressedCarrierDecoder, encode_compressed_frames
from tsunagu_tunnel.softether.errors import ProtocolError
from tsunagu_tunnel.softether.qos import by_urgency
from tsunagu_tunnel.softether.session import (
    CarrierSet,
    CloseCarrier,
    Direction,
    EndSession,
    OpenCarrier,
    SendKeepalive,
)
from tsunagu_tunnel.udp_path import UdpPath

LOG = logging.getLogger(__name__)

LOG_OFF_S = 0.5  # for all carriers together

_READ, _BOTH = select.EPOLLIN, select.EPOLLIN | select.EPOLLOUT


class Tunnel:
    """Works by the loop's events and by ``tick``, which is due at ``deadline``."""

    def __init__(
        self,
        opened: Opened,
        start: Start,
        *,
        nic: NicEnd,
        loop: Loop,
        dialler: Dialler,
        random: Random,
        tell: Callable[[ToHelper], None],
    ) -> None:
        """A session that has just begun.  ``tell`` passes on what DHCP brings."""
        now = time.monotonic()
        self._opened = opened
        self._nic = nic
        self._loop = loop
        self._dialler = dialler
        self._random = random
        self._tell = tell
        self._compressed = opened.session.compressed
        if opened.session.bridge_mode:  # what is behind us gets to see every frame
            nic.thins = False
        self._carriers: CarrierSet[Carrier] = CarrierSet(
            now,
            timeout_s=opened.session.timeout_ms / 1000,
            max_carriers=opened.session.max_carriers,
            half_duplex=opened.session.half_duplex,
            qos=opened.session.qos,
            open_interval_s=start.settings.carrier_interval_s,
            lifetime_s=start.settings.carrier_lifetime_s,
            auto_disconnect_s=opened.session.policy.get("AutoDisconnect", 0),
            random=random,
        )
        self._open: set[Carrier] = set()  # those with a connection
        self._wire_sent = self._wire_received = 0  # of carriers that are closed
        self._buffer = memoryview(bytearray(FAIR))
        self._tap_is_watched = True
        self._dhcp = None
        if start.settings.addressing is Addressing.DHCP:
            self._dhcp = DhcpClient(parse_mac(start.mac), now, random=random, previous_address=start.previous_address)
        self._udp: UdpPath | None = None
        self._udp_is_in_use = False  # as was last said in the log
        if opened.udp:
            self._udp = UdpPath(
                *opened.udp, now, nic=nic, dhcp=self._dhcp is not None, compress=self._compressed, random=random
            )
            nic.largest_frame = self._udp.largest_frame
            loop.watch(self._udp.fileno(), _READ, self._udp_ready)
        self.deadline = now
        loop.watch(nic.fd, _READ, self._tap_ready)
        first = Direction.SEND if opened.session.half_duplex else Direction.BOTH
        self._add(opened.stream, first, opened.rest)

    def statistics(self) -> Statistics:
        """All since the session began."""
        round_trips = (carrier.round_trip_us() for carrier in self._open)
        ways: list[Link | UdpPath] = [*(carrier.link for carrier in self._open), *([self._udp] if self._udp else [])]
        return Statistics(
            carriers=len(self._open),
            udp_in_use=self._udp is not None and self._udp.is_usable(time.monotonic()),
            sending_carriers=len(self._carriers.senders),
            receiving_carriers=self._carriers.receivers,
            sent=self._nic.sent,
            received=self._nic.received,
            wire_sent_octets=self._wire_sent + sum(way.sent_octets for way in ways),
            wire_received_octets=self._wire_received + sum(way.received_octets for way in ways),
            round_trip_us=min(filter(None, round_trips), default=0),
        )

    def tick(self, now: float) -> None:
        """Do what is due.

        Raises:
            TunnelError: the session is over.
        """
        for command in self._carriers.tick(now):
            match command:
                case SendKeepalive(carrier):
                    if not carrier.link.is_full:
                        self._write(carrier, keepalive(self._random), now)
                case CloseCarrier(carrier):
                    LOG.info("closing a carrier: silent, old or of the wrong direction")
                    self._close(carrier)
                case OpenCarrier():
                    self._loop.start(self._open_carrier())
                case EndSession(code, detail):
                    raise TunnelError(code, detail)
        if self._udp is not None:
            self._tick_udp(self._udp, now)
        if self._dhcp is not None:
            self._take_dhcp(self._dhcp, self._dhcp.tick(now), now)
        self._find_deadline()

    def check_carriers(self) -> None:
        """Give up those that start from an address which this machine has no more: nothing will ever come of them."""
        for carrier in list(self._open):
            if not carrier.has_source():
                self._lose(carrier, "its address is gone", by_network=True)

    def log_off(self, *, keep_address: bool = False) -> None:
        """Give the address back, write what is left, end all carriers."""
        if self._dhcp is not None and not keep_address:
            self._send(self._dhcp.release(), time.monotonic())
        ends = time.monotonic() + LOG_OFF_S
        for carrier in list(self._open):
            self._loop.unwatch(carrier.fileno())
            carrier.log_off(ends - time.monotonic())
            self._open.remove(carrier)

    def close(self) -> None:
        """Close all carriers, at once."""
        for carrier in list(self._open):
            self._close(carrier)
        if self._udp is not None:
            self._loop.unwatch(self._udp.fileno())
            self._udp.close()
            self._udp = None

    # -- frames -------------------------------------------------------------------------------------------------------

    def _tap_ready(self, _events: int) -> None:
        now = time.monotonic()
        way, urgent_way = self._free_way(now), self._urgent_way(now)
        if urgent_way is not None:
            urgent, others = by_urgency(self._nic.read_frames())
            self._put(urgent_way, urgent, now)
            if way is not None:  # else they are dropped: urgent frames do not wait behind them
                self._put(way, others, now)
        elif isinstance(way, UdpPath):
            self._forward_by_udp(way, now)
        elif way is not None:
            self._exchange(way, now, readable=False, sends=True)
        else:  # let the NIC's queue fill up and drop, as a full link does
            self._watch_tap(False)

    def _read_block(self) -> Buffer:
        if not self._compressed:
            return self._nic.read_block()
        frames = self._nic.read_frames()
        return encode_compressed_frames(frames) if frames else b""

    def _watch_tap(self, wanted: bool) -> None:
        if wanted is not self._tap_is_watched:
            self._tap_is_watched = wanted
            self._loop.change(self._nic.fd, _READ if wanted else 0)

    def _free_way(self, now: float) -> Carrier | UdpPath | None:
        """UDP where it is usable, else the oldest carrier that is not full: a flow keeps its order only on one."""
        if self._udp is not None and self._udp.is_usable(now):
            return None if self._udp.is_full else self._udp
        for carrier in self._carriers.usual_senders:
            if not carrier.link.is_full:
                return carrier
        return None

    def _urgent_way(self, now: float) -> Carrier | None:
        """What urgent frames have to themselves; nothing where UDP carries all."""
        carrier = self._carriers.urgent_sender
        if carrier is None or carrier.link.is_full or (self._udp is not None and self._udp.is_usable(now)):
            return None
        return carrier

    def _carrier_ready(self, carrier: Carrier, events: int) -> None:
        now = time.monotonic()
        try:
            flushed = not carrier.link.is_full or carrier.link.flush()
        except OSError as error:
            self._lose(carrier, type(error).__name__)
        else:
            sends = flushed and self._free_way(now) is carrier and self._urgent_way(now) is None
            self._exchange(carrier, now, readable=bool(events & ~select.EPOLLOUT), sends=sends)

    def _exchange(self, carrier: Carrier, now: float, *, readable: bool, sends: bool) -> None:
        """What has come by the carrier to the NIC, and, if wanted, what the NIC wants to send to the carrier."""
        link = carrier.link
        sent, received = link.sent_octets, link.received_octets
        try:
            own = link.exchange(readable=readable, sends=sends)
        except (OSError, ProtocolError) as error:
            self._lose(carrier, type(error).__name__)
            return
        if link.received_octets != received:
            self._carriers.received(carrier, now)
        if link.sent_octets != sent:
            self._carriers.sent(carrier, now)
        self._watch_for_room(carrier)
        self._take_own(own, now)
        if link.has_ended:
            self._lose(carrier, "its end")

    def _watch_for_room(self, carrier: Carrier) -> None:
        """In the connection, if the rest of a block waits for it; else the NIC may send."""
        if carrier.link.is_full is carrier.waits_for_room:
            return
        carrier.waits_for_room = not carrier.waits_for_room
        self._loop.change(carrier.fileno(), _BOTH if carrier.waits_for_room else _READ)
        if not carrier.waits_for_room:
            self._watch_tap(True)

    def _send(self, frames: Sequence[bytes], now: float) -> None:
        """Frames of our own; lost if there is no room for them."""
        way = self._free_way(now)
        if way is not None:
            self._nic.count(sent=frames)
            self._put(way, frames, now)

    def _put(self, way: Carrier | UdpPath, frames: Sequence[bytes], now: float) -> None:
        if isinstance(way, UdpPath):
            self._write_udp(way, frames, now)
        elif frames:
            self._write(way, encode_compressed_frames(frames) if self._compressed else encode_frames(frames), now)

    def _write(self, carrier: Carrier, block: Buffer, now: float) -> None:
        if not block:
            return
        try:
            carrier.link.send(block)
        except OSError as error:
            self._lose(carrier, type(error).__name__)
        else:
            self._carriers.sent(carrier, now)
            self._watch_for_room(carrier)

    # -- UDP acceleration ---------------------------------------------------------------------------------------------

    def _udp_ready(self, events: int) -> None:
        udp, now = self._udp, time.monotonic()
        assert udp is not None
        if udp.is_full and udp.flush():
            self._loop.change(udp.fileno(), _READ)
            self._watch_tap(True)
        if events & ~select.EPOLLOUT:
            self._take_own(udp.take_in(self._buffer, now), now)
            if self._free_way(now) is udp:
                self._forward_by_udp(udp, now)

    def _forward_by_udp(self, udp: UdpPath, now: float) -> None:
        if not udp.forward(now):
            self._loop.change(udp.fileno(), _BOTH)

    def _write_udp(self, udp: UdpPath, frames: Sequence[bytes], now: float) -> None:
        if frames and not udp.send_frames(frames, now):
            self._loop.change(udp.fileno(), _BOTH)

    def _tick_udp(self, udp: UdpPath, now: float) -> None:
        if not udp.send_keepalive(now):
            self._loop.change(udp.fileno(), _BOTH)
        if udp.is_usable(now) is not self._udp_is_in_use:
            self._udp_is_in_use = not self._udp_is_in_use
            LOG.info("UDP acceleration: %s", "in use" if self._udp_is_in_use else "not in use")
            self._watch_tap(True)

    # -- carriers -----------------------------------------------------------------------------------------------------

    def _open_carrier(self) -> Dial[None]:
        try:
            stream, joined = yield from self._dialler.open_carrier(self._opened)
        except TunnelError as error:
            LOG.info("no further carrier: error %d (%s)", error.code, error.entry.name)
            self._carriers.open_failed(error.code, time.monotonic())
            self._find_deadline()
            return
        self._add(stream, joined.direction, joined.rest)
        LOG.info("carriers: %d", len(self._open))

    def _add(self, stream: Stream, direction: Direction, rest: bytes) -> None:
        now = time.monotonic()
        carrier = Carrier(stream, self._new_feeder(), self._read_block, self._buffer)
        self._open.add(carrier)
        self._loop.watch(carrier.fileno(), _READ, functools.partial(self._carrier_ready, carrier))
        self._carriers.add(carrier, direction, now)
        self._watch_tap(True)
        self._find_deadline()
        try:
            self._take_own(carrier.feeder.feed(rest), now)
        except ProtocolError as error:
            self._lose(carrier, type(error).__name__)

    def _new_feeder(self) -> Feeder:
        dhcp = self._dhcp is not None
        if self._compressed:
            return FrameFeeder(self._nic, CompressedCarrierDecoder(), dhcp=dhcp)
        return self._nic.feeder(dhcp=dhcp)

    def _lose(self, carrier: Carrier, reason: str, *, by_network: bool = False) -> None:
        if carrier not in self._open:  # an answer to what it brought has found that out
            return
        LOG.info("a carrier is lost: %s", reason)
        self._close(carrier)
        self._carriers.lost(carrier, time.monotonic(), by_network=by_network)
        self._find_deadline()

    def _close(self, carrier: Carrier) -> None:
        self._loop.unwatch(carrier.fileno())
        carrier.close()
        self._open.remove(carrier)
        self._wire_sent += carrier.link.sent_octets
        self._wire_received += carrier.link.received_octets

    # -- DHCP and time ------------------------------------------------------------------------------------------------

    def _take_own(self, frames: Sequence[bytes], now: float) -> None:
        """Frames for a DHCP client, ours or, perhaps, another one on this machine; and copies of ARP frames."""
        for frame in frames:
            events = self._dhcp.receive_frame(frame, now) if self._dhcp is not None else None
            if self._dhcp is None or events is None:
                if not is_arp(frame):
                    self._nic.write_frames([frame])
            else:
                self._take_dhcp(self._dhcp, events, now)
                self._find_deadline()

    def _take_dhcp(self, dhcp: DhcpClient, events: Sequence[Event], now: float) -> None:
        self._send(dhcp.frames_to_send(), now)
        for event in events:
            LOG.info("DHCP: %s", "a lease" if isinstance(event, Leased) else "no lease")
            self._tell(event)

    def _find_deadline(self) -> None:
        """Only where it may have come nearer: that frames put it off is found out when it is due."""
        self.deadline = self._carriers.next_deadline()
        if self._udp is not None:
            self.deadline = min(self.deadline, self._udp.next_deadline())
        if self._dhcp is not None:
            self.deadline = min(self.deadline, self._dhcp.next_deadline())
            self._nic.shows_arp = self._dhcp.wants_arp
