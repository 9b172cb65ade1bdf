# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled data path: what ``dataplane.Tap`` and ``dataplane.Feeder`` do, on a TAP with offloads.

Two loops without the interpreter lock: ``read_block`` reads super-frames from the TAP and writes the carrier's block stream,
``feed`` parses a block stream and writes super-frames to the TAP.  Everything that comes from outside is looked at with
its bounds: ``feed`` reads bytes of the network, ``read_block`` those of local programs.  tests/reference_path.py says the
same slowly and plainly, and property tests compare the two.

The form of a TAP's packets with IFF_VNET_HDR: linux/virtio_net.h and linux/if_tun.h.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.errno cimport EAGAIN, EBADF, EINTR, EINVAL, EIO, ENOBUFS, ENOMEM, EPROTO, errno
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t, int32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy, memset
from posix.unistd cimport read

import os
import ssl

from tsunagu.errors import TunnelError
from tsunagu.model import Traffic
from tsunagu_tunnel.softether.errors import ProtocolError

cdef extern from "<sys/uio.h>" nogil:
    struct iovec:
        void *iov_base
        size_t iov_len
    ssize_t writev(int fd, const iovec *iov, int count)

cdef extern from "<sys/socket.h>" nogil:
    enum:
        MSG_NOSIGNAL
    ssize_t recv(int fd, void *to, size_t size, int flags)
    ssize_t send(int fd, const void *of, size_t size, int flags)

cdef enum:
    VNET = 10                 # octets of struct virtio_net_hdr
    F_NEEDS_CSUM = 1
    F_DATA_VALID = 2
    GSO_NONE = 0
    GSO_TCPV4 = 1
    GSO_TCPV6 = 4
    GSO_UDP_L4 = 5
    GSO_ECN = 0x80

    ETH = 14                  # octets of an Ethernet header
    MIN_FRAME = 14
    MAX_FRAME = 1600          # octets; a longer frame is dropped, as the reference client does
    MAX_BLOCK = 3200          # octets; longer means that the stream has lost its framing
    MAX_KEEPALIVE = 512
    LONGEST_SYN = 14 + 4 + 60 + 60  # octets: Ethernet with a VLAN tag, IPv4 and TCP with all their options
    MAX_PACKET = 65536 + 64   # octets that the TAP gives at once
    SPLIT_AT = 98304          # octets of a block after which no further packet is read
    ROOM = 524288             # octets of a block at most: what the smallest segments make of one packet fits in
    FAIR = 131072             # octets of a carrier that are looked at together
    RECORD = 16384            # octets, the most that one read of TLS gives
    TURNS = 8                 # of both ways, after which others get theirs

    SLOTS = 8                 # flows that are put together at the same time
    PIECES = 64               # segments in a super-frame
    MAX_HEADERS = 14 + 40 + 60
    MAX_SUPER = 65535         # octets of a super-frame, without its Ethernet header

    FIN = 1
    SYN = 2
    RST = 4
    PSH = 8
    ACK = 16
    CWR = 128

    ICMP = 1
    TCP = 6
    UDP = 17
    ICMPV6 = 58

cdef uint32_t KEEPALIVE = 0xFFFFFFFFu


# -- numbers in network order ------------------------------------------------------------------------------------------


cdef inline uint16_t get16(const uint8_t *at) noexcept nogil:
    return <uint16_t> ((at[0] << 8) | at[1])


cdef inline uint32_t get32(const uint8_t *at) noexcept nogil:
    return (<uint32_t> at[0] << 24) | (<uint32_t> at[1] << 16) | (<uint32_t> at[2] << 8) | at[3]


cdef inline void put16(uint8_t *at, uint32_t value) noexcept nogil:
    at[0] = <uint8_t> (value >> 8)
    at[1] = <uint8_t> value


cdef inline void put32(uint8_t *at, uint32_t value) noexcept nogil:
    at[0] = <uint8_t> (value >> 24)
    at[1] = <uint8_t> (value >> 16)
    at[2] = <uint8_t> (value >> 8)
    at[3] = <uint8_t> value


# -- the Internet checksum (RFC 1071): in the machine's own order, swapped once at the end -----------------------------


cdef inline uint64_t sum_of(const uint8_t *at, size_t size) noexcept nogil:
    cdef uint64_t total = 0
    cdef uint64_t other = 0
    cdef uint32_t first
    cdef uint32_t second
    cdef uint16_t pair
    while size >= 8:
        memcpy(&first, at, 4)
        memcpy(&second, at + 4, 4)
        total += first
        other += second
        at += 8
        size -= 8
    total += other
    if size >= 4:
        memcpy(&first, at, 4)
        total += first
        at += 4
        size -= 4
    if size >= 2:
        memcpy(&pair, at, 2)
        total += pair
        at += 2
        size -= 2
    if size:
        pair = 0
        memcpy(&pair, at, 1)
        total += pair
    return total


cdef inline uint16_t folded(uint64_t total) noexcept nogil:
    """The sum in 16 bits, not yet complemented, in the order of memory."""
    total = (total & 0xFFFFFFFFu) + (total >> 32)
    total = (total & 0xFFFFFFFFu) + (total >> 32)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return <uint16_t> total


cdef inline void store_checksum(uint8_t *at, uint64_t total) noexcept nogil:
    cdef uint16_t value = <uint16_t> ~folded(total)
    memcpy(at, &value, 2)


cdef inline uint64_t in_memory_order(uint32_t value) noexcept nogil:
    """What 16 bits of a pseudo-header add to a sum."""
    cdef uint8_t octets[2]
    cdef uint16_t pair
    put16(octets, value)
    memcpy(&pair, octets, 2)
    return pair


cdef inline uint64_t pseudo_header(const uint8_t *ip, bint v6, uint32_t protocol, uint32_t length) noexcept nogil:
    cdef uint64_t total = sum_of(ip + 8, 32) if v6 else sum_of(ip + 12, 8)
    return total + in_memory_order(protocol) + in_memory_order(length & 0xFFFF) + in_memory_order(length >> 16)


# -- what is kept of a frame -------------------------------------------------------------------------------------------


cdef struct Counts:
    uint64_t packets
    uint64_t octets
    uint64_t broadcast_packets
    uint64_t broadcast_octets


cdef inline void count(Counts *counts, const uint8_t *frame, size_t size) noexcept nogil:
    counts.packets += 1
    counts.octets += size
    if frame[0] & 1:  # a group address
        counts.broadcast_packets += 1
        counts.broadcast_octets += size


cdef object traffic(Counts *counts):
    return Traffic(
        unicast_packets=counts.packets - counts.broadcast_packets,
        unicast_octets=counts.octets - counts.broadcast_octets,
        broadcast_packets=counts.broadcast_packets,
        broadcast_octets=counts.broadcast_octets,
    )


# -- how long TCP's segments may be: what ``mss.clamp`` does ------------------------------------------------------------


cdef void clamp(uint8_t *frame, size_t size, int longest) noexcept nogil:
    """Change the MSS option of a first packet, where it asks for too much."""
    cdef size_t ip = 14
    cdef size_t tcp
    cdef size_t at
    cdef size_t end
    cdef int wanted
    cdef int most
    cdef uint16_t kind
    if longest >= MAX_FRAME or size > LONGEST_SYN:
        return
    kind = get16(frame + 12)
    if kind == 0x8100 and size >= 18:
        ip = 18
        kind = get16(frame + 16)
    if kind == 0x0800 and size >= ip + 40 and frame[ip + 9] == TCP and not get16(frame + ip + 6) & 0x1FFF:
        tcp = ip + 4 * (frame[ip] & 0x0F)
        most = longest - <int> ip - 40
    elif kind == 0x86DD and size >= ip + 60 and frame[ip + 6] == TCP:
        tcp = ip + 40
        most = longest - <int> ip - 60
    else:
        return
    if size < tcp + 20 or not frame[tcp + 13] & SYN:
        return
    end = tcp + 4 * (frame[tcp + 12] >> 4)
    if end > size:
        end = size
    at = tcp + 20
    while at + 4 <= end and frame[at] != 0:
        if frame[at] == 1:
            at += 1
        elif frame[at] != 2:
            at += frame[at + 1] if frame[at + 1] > 2 else 2
        else:
            at += 2
            wanted = get16(frame + at)
            if most < 0:
                most = 0
            if wanted > most:
                put16(frame + at, most)
                # The checksum changes by the difference (RFC 1624); at an odd place the octets count swapped.
                put16(
                    frame + tcp + 16,
                    (get16(frame + tcp + 16) + (wanted - most) * (256 if (at - tcp) % 2 else 1)) % 0xFFFF,
                )
            return


# -- out: packets of the TAP to frames ---------------------------------------------------------------------------------


cdef struct Out:
    int longest               # of frames, as TCP connections hear
    uint8_t *data
    size_t size
    uint32_t frames
    Counts counts


cdef inline uint8_t *room_for(Out *out, size_t size) noexcept nogil:
    """Where the next frame goes, behind its size; NULL: it is too long for the hub, or the block is full."""
    if size < MIN_FRAME or size > MAX_FRAME or out.size + 4 + size > ROOM:
        return NULL
    return out.data + out.size + 4


cdef inline void taken(Out *out, size_t size) noexcept nogil:
    """The frame is complete."""
    cdef uint8_t *at = out.data + out.size
    put32(at, <uint32_t> size)
    count(&out.counts, at + 4, size)
    out.size += 4 + size
    out.frames += 1


cdef inline int layer3_of(const uint8_t *frame, size_t size) noexcept nogil:
    """Where the IP header begins, behind VLAN tags; -1: there is none."""
    cdef size_t at = 12
    cdef uint16_t kind
    while at + 2 <= size:
        kind = get16(frame + at)
        if kind == 0x0800 or kind == 0x86DD:
            return <int> (at + 2)
        if kind != 0x8100 and kind != 0x88A8:
            return -1
        at += 4
    return -1


cdef void out_whole(Out *out, const uint8_t *vnet, const uint8_t *frame, size_t size) noexcept nogil:
    """A packet that is one frame; its checksum may be ours to complete."""
    cdef uint8_t *to = room_for(out, size)
    cdef uint16_t start
    cdef uint16_t offset
    if to == NULL:
        return
    memcpy(to, frame, size)
    if vnet[0] & F_NEEDS_CSUM:
        memcpy(&start, vnet + 6, 2)
        memcpy(&offset, vnet + 8, 2)
        if <size_t> start + offset + 2 > size:
            return
        complete_checksum(to, size, start, offset)
    clamp(to, size, out.longest)
    taken(out, size)


cdef inline void complete_checksum(uint8_t *frame, size_t size, size_t start, size_t offset) noexcept nogil:
    """The field holds the pseudo-header's sum.  A sum of 0 is written as 0xFFFF: in UDP, 0 means that there is none."""
    cdef uint8_t *field = frame + start + offset
    store_checksum(field, sum_of(frame + start, size - start))
    if field[0] == 0 and field[1] == 0:
        field[0] = field[1] = 0xFF


cdef void out_segments(Out *out, const uint8_t *vnet, const uint8_t *packet, size_t size) noexcept nogil:
    """A packet of many segments (TSO, USO): each becomes a frame with headers and checksums of its own."""
    cdef uint16_t segment
    cdef uint16_t start
    cdef uint8_t kind = vnet[1] & ~GSO_ECN
    cdef bint tcp = kind != GSO_UDP_L4
    cdef int l3 = layer3_of(packet, size)
    cdef bint v6
    cdef size_t headers
    cdef size_t at
    cdef size_t length
    cdef size_t ip_size
    cdef uint32_t sequence
    cdef uint32_t number = 0
    cdef uint8_t *to
    cdef uint8_t *ip
    cdef uint8_t *transport
    memcpy(&segment, vnet + 4, 2)
    memcpy(&start, vnet + 6, 2)
    if l3 < 0 or segment == 0:
        return
    v6 = get16(packet + l3 - 2) == 0x86DD
    ip_size = 40 if v6 else 20
    if <size_t> start < l3 + ip_size or <size_t> start + (20 if tcp else 8) > size:
        return
    headers = start + ((packet[start + 12] >> 4) * 4 if tcp else 8)
    if headers < <size_t> start + (20 if tcp else 8) or headers >= size:
        return
    sequence = get32(packet + start + 4) if tcp else 0
    at = headers
    while at < size:
        length = size - at
        if length > segment:
            length = segment
        to = room_for(out, headers + length)
        if to == NULL:
            return
        memcpy(to, packet, headers)
        memcpy(to + headers, packet + at, length)
        ip = to + l3
        transport = to + start
        if v6:
            put16(ip + 4, <uint32_t> (headers + length - l3 - 40))
        else:
            put16(ip + 2, <uint32_t> (headers + length - l3))
            put16(ip + 4, get16(packet + l3 + 4) + number)
            ip[10] = ip[11] = 0
            store_checksum(ip + 10, sum_of(ip, start - l3))
        if tcp:
            put32(transport + 4, sequence + <uint32_t> (at - headers))
            if at + length < size:
                transport[13] &= ~(FIN | PSH)
            if number:
                transport[13] &= ~CWR
            transport[16] = transport[17] = 0
            store_checksum(
                transport + 16,
                pseudo_header(ip, v6, TCP, <uint32_t> (headers + length - start))
                + sum_of(transport, headers + length - start),
            )
        else:
            put16(transport + 4, <uint32_t> (8 + length))
            transport[6] = transport[7] = 0
            store_checksum(
                transport + 6, pseudo_header(ip, v6, UDP, <uint32_t> (8 + length)) + sum_of(transport, 8 + length)
            )
            if transport[6] == 0 and transport[7] == 0:
                transport[6] = transport[7] = 0xFF
        taken(out, headers + length)
        at += length
        number += 1


cdef void out_packet(Out *out, const uint8_t *packet, size_t size) noexcept nogil:
    if size < VNET + MIN_FRAME:
        return
    if packet[1] == GSO_NONE:
        out_whole(out, packet, packet + VNET, size - VNET)
    else:
        out_segments(out, packet, packet + VNET, size - VNET)


# -- in: frames to packets of the TAP ----------------------------------------------------------------------------------


cdef struct Slot:
    # Segments of one flow that become one packet, or the newest pure acknowledgement of one.
    uint64_t since            # when it was opened; 0: empty
    bint is_ack
    bint v6
    uint32_t flow             # a hash of addresses and ports
    size_t headers            # octets of Ethernet, IP and TCP headers
    size_t payload            # octets in all pieces
    size_t segment            # octets of each piece but the last
    uint32_t next             # sequence number that follows; of a pure acknowledgement: the number it acknowledges
    const uint8_t *frame      # the first, or the only one
    size_t size
    int pieces
    iovec piece[PIECES]
    uint8_t push


cdef struct In:
    int fd
    int longest               # of frames, as TCP connections hear
    int failed                # errno of a NIC that is gone
    uint64_t clock
    Slot slot[SLOTS]
    int open                  # slots in use
    bint thin                 # leave out acknowledgements that the next one makes superfluous
    Counts counts


cdef struct Parsed:
    # A TCP segment without peculiarities, checksums verified.
    bint v6
    bint is_ack
    size_t l4
    size_t headers
    size_t payload
    uint32_t flow
    uint32_t sequence
    uint32_t acknowledged


cdef inline void write_pieces(In *to, iovec *pieces, int number) noexcept nogil:
    """What the NIC does not take is lost, as on any wire."""
    cdef ssize_t done
    while True:
        done = writev(to.fd, pieces, number)
        if done >= 0:
            return
        if errno == EINTR:
            continue
        if errno not in (EAGAIN, EIO, EINVAL, ENOBUFS, ENOMEM):
            to.failed = errno
        return


cdef inline void write_whole(In *to, const uint8_t *frame, size_t size, uint8_t flags) noexcept nogil:
    cdef uint8_t vnet[VNET]
    cdef uint8_t syn[LONGEST_SYN]
    cdef iovec pieces[2]
    memset(vnet, 0, VNET)
    vnet[0] = flags
    if to.longest < MAX_FRAME and size <= LONGEST_SYN:
        memcpy(syn, frame, size)
        clamp(syn, size, to.longest)
        frame = syn
    pieces[0].iov_base = vnet
    pieces[0].iov_len = VNET
    pieces[1].iov_base = <void *> frame
    pieces[1].iov_len = size
    write_pieces(to, pieces, 2)


cdef void flush_slot(In *to, Slot *slot) noexcept nogil:
    cdef uint8_t head[VNET + MAX_HEADERS]
    cdef uint8_t *ip
    cdef uint8_t *tcp
    cdef uint16_t number
    cdef uint16_t value
    cdef iovec pieces[PIECES + 1]
    slot.since = 0
    to.open -= 1
    if slot.is_ack or slot.pieces == 1:
        write_whole(to, slot.frame, slot.size, F_DATA_VALID)
        return
    memset(head, 0, VNET)
    head[0] = F_NEEDS_CSUM
    head[1] = GSO_TCPV6 if slot.v6 else GSO_TCPV4
    number = <uint16_t> slot.headers
    memcpy(head + 2, &number, 2)
    number = <uint16_t> slot.segment
    memcpy(head + 4, &number, 2)
    number = ETH + (40 if slot.v6 else 20)
    memcpy(head + 6, &number, 2)
    memcpy(head + VNET, slot.frame, slot.headers)
    ip = head + VNET + ETH
    tcp = head + VNET + number
    number = 16
    memcpy(head + 8, &number, 2)
    if slot.v6:
        put16(ip + 4, <uint32_t> (slot.headers - ETH - 40 + slot.payload))
    else:
        put16(ip + 2, <uint32_t> (slot.headers - ETH + slot.payload))
        ip[10] = ip[11] = 0
        store_checksum(ip + 10, sum_of(ip, 20))
    tcp[13] |= slot.push
    value = folded(pseudo_header(ip, slot.v6, TCP, <uint32_t> (slot.headers - (tcp - head - VNET) + slot.payload)))
    memcpy(tcp + 16, &value, 2)
    pieces[0].iov_base = head
    pieces[0].iov_len = VNET + slot.headers
    memcpy(&pieces[1], slot.piece, slot.pieces * sizeof(iovec))
    write_pieces(to, pieces, slot.pieces + 1)


cdef void flush_all(In *to) noexcept nogil:
    """The oldest first."""
    cdef int i
    cdef Slot *oldest
    while to.open:
        oldest = NULL
        for i in range(SLOTS):
            if to.slot[i].since and (oldest == NULL or to.slot[i].since < oldest.since):
                oldest = &to.slot[i]
        flush_slot(to, oldest)


cdef bint parse(const uint8_t *frame, size_t size, Parsed *parsed) noexcept nogil:
    """Whether this is a TCP segment that may be put together with others, or one left out; no others are verified."""
    cdef uint16_t kind = get16(frame + 12)
    cdef const uint8_t *ip = frame + ETH
    cdef const uint8_t *tcp
    cdef size_t tcp_size
    cdef uint8_t flags
    if kind == 0x0800:
        if size < ETH + 40 or ip[0] != 0x45 or ip[9] != TCP or get16(ip + 6) & 0x3FFF:
            return False
        tcp_size = get16(ip + 2)
        # Short frames are padded to 60 octets.
        if tcp_size < 40 or ETH + tcp_size > size or (ETH + tcp_size != size and size != 60):
            return False
        tcp_size -= 20
        if folded(sum_of(ip, 20)) != 0xFFFF:
            return False
        parsed.v6 = False
        parsed.l4 = ETH + 20
        parsed.flow = get32(ip + 12) * 31 + get32(ip + 16)
    elif kind == 0x86DD:
        if size < ETH + 60 or ip[0] >> 4 != 6 or ip[6] != TCP or ETH + 40 + <size_t> get16(ip + 4) != size:
            return False
        tcp_size = size - ETH - 40
        parsed.v6 = True
        parsed.l4 = ETH + 40
        parsed.flow = get32(ip + 20) * 31 + get32(ip + 36)
    else:
        return False
    tcp = frame + parsed.l4
    parsed.headers = parsed.l4 + (tcp[12] >> 4) * 4
    flags = tcp[13]
    if tcp[12] & 0x0F or flags & ~PSH != ACK or (tcp[12] >> 4) < 5 or parsed.headers > parsed.l4 + tcp_size:
        return False
    parsed.payload = parsed.l4 + tcp_size - parsed.headers
    parsed.is_ack = parsed.payload == 0
    if parsed.is_ack and (flags != ACK or not plain_options(tcp, parsed.headers - parsed.l4)):
        return False
    if folded(pseudo_header(ip, parsed.v6, TCP, <uint32_t> tcp_size) + sum_of(tcp, tcp_size)) != 0xFFFF:
        return False
    parsed.flow = (parsed.flow * 31 + get32(tcp)) * 0x9E3779B1u
    parsed.sequence = get32(tcp + 4)
    parsed.acknowledged = get32(tcp + 8)
    return True


cdef inline bint plain_options(const uint8_t *tcp, size_t size) noexcept nogil:
    """No options, or timestamps alone in their usual form: no SACK blocks, nothing that counts."""
    return size == 20 or (size == 32 and get32(tcp + 20) == 0x0101080Au)


cdef inline bint same_way(const Slot *slot, const uint8_t *frame, const Parsed *parsed) noexcept nogil:
    """Of the same flow."""
    cdef const uint8_t *a = slot.frame
    cdef size_t addresses = ETH + (8 if slot.v6 else 12)
    return (
        slot.flow == parsed.flow
        and slot.v6 == parsed.v6
        and memcmp(a + addresses, frame + addresses, 32 if slot.v6 else 8) == 0
        and memcmp(a + parsed.l4, frame + parsed.l4, 4) == 0
    )


cdef inline bint same_headers(const Slot *slot, const uint8_t *frame, const Parsed *parsed) noexcept nogil:
    """Nothing that a packet has only once differs: hardware addresses, how IP treats it."""
    cdef const uint8_t *a = slot.frame
    if slot.headers != parsed.headers or memcmp(a, frame, ETH + 2) != 0:
        return False
    if slot.v6:
        return memcmp(a + ETH, frame + ETH, 4) == 0 and a[ETH + 7] == frame[ETH + 7]
    return a[ETH + 6] == frame[ETH + 6] and a[ETH + 8] == frame[ETH + 8]


cdef bint append(Slot *slot, const uint8_t *frame, const Parsed *parsed) noexcept nogil:
    """Put the segment behind those of the slot, if it follows and is of their kind."""
    cdef const uint8_t *a = slot.frame + parsed.l4
    cdef const uint8_t *b = frame + parsed.l4
    if (
        slot.is_ack
        or parsed.is_ack
        or parsed.sequence != slot.next
        or parsed.payload > slot.segment
        or slot.pieces == PIECES
        or slot.headers - ETH + slot.payload + parsed.payload > MAX_SUPER
        or not same_headers(slot, frame, parsed)
        or memcmp(a + 8, b + 8, 5) != 0  # acknowledgement, size of the header
        or memcmp(a + 14, b + 14, 2) != 0  # window
        or memcmp(a + 20, b + 20, parsed.headers - parsed.l4 - 20) != 0
    ):
        return False
    slot.piece[slot.pieces].iov_base = <void *> (frame + parsed.headers)
    slot.piece[slot.pieces].iov_len = parsed.payload
    slot.pieces += 1
    slot.payload += parsed.payload
    slot.next += <uint32_t> parsed.payload
    slot.push |= b[13] & PSH
    return True


cdef bint supersede(In *to, Slot *slot, const uint8_t *frame, size_t size, const Parsed *parsed) noexcept nogil:
    """Let a pure acknowledgement take the place of an earlier one that says less, and nothing else."""
    cdef const uint8_t *a = slot.frame + parsed.l4
    cdef const uint8_t *b = frame + parsed.l4
    if (
        not to.thin
        or not slot.is_ack
        or not parsed.is_ack
        or <int32_t> (parsed.acknowledged - slot.next) <= 0
        or memcmp(a + 4, b + 4, 4) != 0
        or not same_headers(slot, frame, parsed)
        or (parsed.headers - parsed.l4 == 32 and <int32_t> (get32(b + 24) - get32(a + 24)) < 0)
    ):
        return False
    slot.frame = frame
    slot.size = size
    slot.next = parsed.acknowledged
    return True


cdef void open_slot(In *to, const uint8_t *frame, size_t size, const Parsed *parsed) noexcept nogil:
    cdef int i
    cdef Slot *slot = NULL
    for i in range(SLOTS):
        if not to.slot[i].since:
            slot = &to.slot[i]
            break
        if slot == NULL or to.slot[i].since < slot.since:
            slot = &to.slot[i]
    if slot.since:
        flush_slot(to, slot)
    to.clock += 1
    to.open += 1
    slot.since = to.clock
    slot.is_ack = parsed.is_ack
    slot.v6 = parsed.v6
    slot.flow = parsed.flow
    slot.headers = parsed.headers
    slot.payload = slot.segment = parsed.payload
    slot.next = parsed.acknowledged if parsed.is_ack else parsed.sequence + <uint32_t> parsed.payload
    slot.frame = frame
    slot.size = size
    slot.pieces = 1
    slot.piece[0].iov_base = <void *> (frame + parsed.headers)
    slot.piece[0].iov_len = parsed.payload
    slot.push = 0


cdef void in_frame(In *to, const uint8_t *frame, size_t size) noexcept nogil:
    """A frame for the NIC; its octets stay where they are until ``flush_all``."""
    cdef Parsed parsed
    cdef Slot *slot
    cdef int i
    if not parse(frame, size, &parsed):
        if to.open and not is_of_no_flow(frame, size):  # the end of one, perhaps: what came before it goes before it
            flush_all(to)
        write_whole(to, frame, size, 0)
        return
    for i in range(SLOTS):
        slot = &to.slot[i]
        if slot.since and same_way(slot, frame, &parsed):
            if append(slot, frame, &parsed):
                if parsed.payload < slot.segment or slot.push:
                    flush_slot(to, slot)
                return
            if supersede(to, slot, frame, size, &parsed):
                return
            flush_slot(to, slot)
            break
    if frame[parsed.l4 + 13] & PSH:  # nothing may be put behind it
        write_whole(to, frame, size, F_DATA_VALID)
    else:
        open_slot(to, frame, size, &parsed)


cdef inline bint is_of_no_flow(const uint8_t *frame, size_t size) noexcept nogil:
    """UDP, ICMP or ARP, surely."""
    cdef uint16_t kind = get16(frame + 12)
    if kind == 0x0800:
        return size >= ETH + 20 and (frame[ETH + 9] == UDP or frame[ETH + 9] == ICMP)
    if kind == 0x86DD:
        return size >= ETH + 40 and (frame[ETH + 6] == UDP or frame[ETH + 6] == ICMPV6)
    return kind == 0x0806


cdef inline bint is_for_dhcp_client(const uint8_t *frame, size_t size) noexcept nogil:
    """IPv4, UDP, to port 68; where there are no IP options."""
    return size >= 42 and get16(frame + 36) == 68 and get16(frame + 12) == 0x0800 and frame[23] == UDP


cdef inline bint is_arp(const uint8_t *frame, size_t size) noexcept nogil:
    return size >= MIN_FRAME and get16(frame + 12) == 0x0806


# -- what Python sees --------------------------------------------------------------------------------------------------


cdef class Block:
    """Memory for one block, used again once nobody looks at it any more."""

    cdef uint8_t *data
    cdef int viewers

    def __cinit__(self):
        self.data = <uint8_t *> malloc(ROOM)
        if self.data == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.data)

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self.data, ROOM, 1, flags)
        self.viewers += 1

    def __releasebuffer__(self, Py_buffer *buffer):
        self.viewers -= 1


cdef Block free_block(list blocks):
    """One of these that nobody looks at; a further one, if need be."""
    cdef Block block
    for block in blocks:
        if not block.viewers:
            return block
    block = Block()
    blocks.append(block)
    return block


cdef class Tap:
    """The virtual NIC, by a descriptor that belongs to somebody else; made with IFF_VNET_HDR, non-blocking."""

    cdef readonly int fd
    cdef Out out
    cdef In into
    cdef public bint shows_arp  # feeders give the worker copies of ARP frames
    cdef uint8_t *packet
    cdef uint8_t *incoming    # what a carrier has brought
    cdef list blocks

    def __cinit__(self, int fd):
        self.fd = self.into.fd = fd
        self.into.thin = True
        self.largest_frame = MAX_FRAME
        self.blocks = []
        self.packet = <uint8_t *> malloc(MAX_PACKET)
        self.incoming = <uint8_t *> malloc(FAIR)
        if self.packet == NULL or self.incoming == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.packet)
        free(self.incoming)

    @property
    def largest_frame(self):
        """Octets: what TCP connections hear of how long their frames may be, if less than they ask for."""
        return self.out.longest

    @largest_frame.setter
    def largest_frame(self, int octets):
        self.out.longest = self.into.longest = octets

    @property
    def thins(self):
        """Leave out acknowledgements that the next one makes superfluous."""
        return self.into.thin

    @thins.setter
    def thins(self, bint wanted):
        self.into.thin = wanted

    @property
    def sent(self):
        """Frames that the NIC has sent."""
        return traffic(&self.out.counts)

    @property
    def received(self):
        """Frames that came for the NIC."""
        return traffic(&self.into.counts)

    cdef Block read_all(self):
        """A block with what the NIC wants to send."""
        cdef Block block = free_block(self.blocks)
        with nogil:
            self.fill(block.data)
        self.check()
        return block

    cdef bint fill(self, uint8_t *data) noexcept nogil:
        """Make a block there of what the NIC wants to send; whether there was any."""
        cdef ssize_t size
        self.out.data = data
        self.out.size = 4
        self.out.frames = 0
        while self.out.size < SPLIT_AT:
            size = read(self.fd, self.packet, MAX_PACKET)
            if size < 0:
                if errno == EINTR:
                    continue
                if errno != EAGAIN:
                    self.into.failed = errno
                break
            out_packet(&self.out, self.packet, <size_t> size)
        put32(data, self.out.frames)
        return self.out.frames != 0

    def read_block(self):
        """One block of what the NIC wants to send; empty: nothing."""
        cdef Block block = self.read_all()
        if not self.out.frames:
            return b""
        return memoryview(block)[: self.out.size]

    def read_frames(self):
        """What the NIC wants to send, frame by frame."""
        cdef size_t at = 4
        cdef size_t size
        self.read_all()
        frames = []
        while at < self.out.size:
            size = get32(self.out.data + at)
            frames.append(PyBytes_FromStringAndSize(<char *> self.out.data + at + 4, size))
            at += 4 + size
        return frames

    def write_frames(self, frames):
        """Give frames to the NIC; what it does not take is lost, as on any wire."""
        cdef const uint8_t[::1] view
        frames = [*frames]  # the slots look at their octets until all is flushed, whatever the next one of them is
        try:
            for frame in frames:
                view = frame
                if MIN_FRAME <= view.shape[0] <= MAX_FRAME:
                    in_frame(&self.into, &view[0], view.shape[0])
        finally:
            flush_all(&self.into)
        self.check()

    def feeder(self, *, bint dhcp):
        """For one carrier."""
        return Feeder(self, dhcp)

    def datagram_seal(self, key, nonce):
        """For one direction of UDP acceleration; None: its cipher cannot be had."""
        return DatagramSeal(key, nonce) if has_aead else None

    def count(self, *, sent=(), received=()):
        """Frames that passed elsewhere."""
        cdef const uint8_t[::1] view
        for view in sent:
            count(&self.out.counts, &view[0], view.shape[0])
        for view in received:
            count(&self.into.counts, &view[0], view.shape[0])

    cdef check(self):
        if self.into.failed:
            raise nic_failed(self.into.failed)


cdef extern from "Python.h":
    int PyBuffer_FillInfo(Py_buffer *view, object exporter, void *buf, Py_ssize_t size, int readonly, int flags) except -1


cdef nic_failed(int number):
    return TunnelError(22, os.strerror(number))


cdef class Feeder:
    """Bytes from one TLS stream in, frames out to the NIC."""

    cdef Tap tap
    cdef uint32_t left        # frames still to come of the announced ones
    cdef size_t kept          # octets of a number or block that is not complete yet
    cdef uint8_t tail[4 + MAX_BLOCK]
    cdef public bint dhcp     # frames for a DHCP client are the worker's

    def __cinit__(self, Tap tap, bint dhcp=False):
        self.tap = tap
        self.dhcp = dhcp

    def feed(self, const uint8_t[::1] data not None):
        """Take what the socket gave; return the frames that are the worker's own.

        Raises:
            ProtocolError: a frame is over ``MAX_BLOCK``, a keepalive over ``MAX_KEEPALIVE``.  Close the carrier.
            TunnelError: the NIC is gone.
        """
        cdef long long broken = -1
        cdef list ours = []
        if data.shape[0]:
            with nogil:
                broken = self.digest(&data[0], data.shape[0], ours)
        self.check(broken)
        return ours

    def join(self, stream not None):
        """What moves frames between this connection and the NIC without the interpreter; None: TLS cannot be had so."""
        cdef Link link = Link(self, stream)
        if isinstance(stream, ssl.SSLSocket):
            link.ssl = <void *> ssl_of(link.fd)
            if link.ssl == NULL:
                return None
            link.outlet = outlet_of(link.ssl, link.fd)
            living[<size_t> link.ssl] = link
        return link

    cdef check(self, long long broken):
        if broken >= 0:
            raise ProtocolError(f"a frame or keepalive of {broken} octets")
        self.tap.check()

    cdef long long digest(self, const uint8_t *at, size_t octets, list ours) noexcept nogil:
        """Take what the socket gave, some octets; the length of what is too long, or -1."""
        cdef const uint8_t *end = at + octets
        cdef size_t need
        cdef size_t size
        cdef long long broken = -1
        while self.kept:  # first what is begun
            need = self.needed(self.tail, self.kept, &broken)
            if broken >= 0:
                break
            size = need - self.kept
            if size > <size_t> (end - at):
                size = end - at
            memcpy(self.tail + self.kept, at, size)
            self.kept += size
            at += size
            if self.kept == need and self.complete(self.tail, need):
                with gil:
                    self.take(self.tail, need, ours)
                flush_all(&self.tap.into)  # the tail is used again
                self.kept = 0
            elif at == end:
                break
        while broken < 0 and at < end:
            size = end - at
            need = self.needed(at, size, &broken)
            if broken >= 0:
                break
            if need > size or not self.complete(at, need):
                memcpy(self.tail, at, size)
                self.kept = size
                break
            if self.left and self.concerns_worker(at + 4, need - 4):
                with gil:
                    self.take(at, need, ours)
            else:
                self.pass_on(at, need)
            at += need
        flush_all(&self.tap.into)
        return broken

    cdef inline bint complete(self, const uint8_t *at, size_t size) noexcept nogil:
        """Whether these octets, all that are needed as far as one can see, are the whole of it."""
        if size < 4:
            return False
        if self.left:
            return size == 4 + get32(at)
        return get32(at) != KEEPALIVE or (size >= 8 and size == 8 + get32(at + 4))

    cdef inline size_t needed(self, const uint8_t *at, size_t size, long long *broken) noexcept nogil:
        """How many octets the number, block or keepalive has that begins here, as far as these tell."""
        cdef uint32_t value
        if size < 4:
            return 4
        value = get32(at)
        if self.left:
            if value > MAX_BLOCK:
                broken[0] = value
            return 4 + <size_t> value
        if value != KEEPALIVE:
            return 4
        if size < 8:
            return 8
        value = get32(at + 4)
        if value > MAX_KEEPALIVE:
            broken[0] = value
        return 8 + <size_t> value

    cdef inline bint concerns_worker(self, const uint8_t *frame, size_t size) noexcept nogil:
        return (self.dhcp and is_for_dhcp_client(frame, size)) or (self.tap.shows_arp and is_arp(frame, size))

    cdef inline void pass_on(self, const uint8_t *at, size_t size) noexcept nogil:
        if self.left:
            self.left -= 1
            if MIN_FRAME <= size - 4 <= MAX_FRAME:
                count(&self.tap.into.counts, at + 4, size - 4)
                in_frame(&self.tap.into, at + 4, size - 4)
        else:
            if get32(at) != KEEPALIVE:
                self.left = get32(at)

    cdef take(self, const uint8_t *at, size_t size, list ours):
        if self.left and self.dhcp and is_for_dhcp_client(at + 4, size - 4):
            self.left -= 1
            if size - 4 <= MAX_FRAME:
                count(&self.tap.into.counts, at + 4, size - 4)
                ours.append(PyBytes_FromStringAndSize(<char *> at + 4, size - 4))
        else:
            if self.left and self.tap.shows_arp and is_arp(at + 4, size - 4) and size - 4 <= MAX_FRAME:
                ours.append(PyBytes_FromStringAndSize(<char *> at + 4, size - 4))
            self.pass_on(at, size)


cdef class Link:
    """A connection and the NIC, and what moves between them without the interpreter.  The connection is non-blocking.

    One block is on its way into the connection at a time: the rest of it is kept.
    """

    cdef Feeder feeder
    cdef object stream        # whose descriptor it is
    cdef int fd
    cdef bint is_tls
    cdef void *ssl
    cdef Outlet *outlet       # of TLS; both go when Python's socket object lets its TLS go
    cdef const uint8_t *at    # what is unsent of the block
    cdef size_t left
    cdef object block         # whose octets these are
    cdef int failed           # errno of a connection that is of no use any more
    cdef readonly bint has_ended
    cdef readonly uint64_t sent_octets
    cdef readonly uint64_t received_octets

    def __cinit__(self, Feeder feeder, stream):
        self.feeder = feeder
        self.stream = stream
        self.fd = stream.fileno()
        self.is_tls = isinstance(stream, ssl.SSLSocket)

    @property
    def unsent(self):
        """What is still to be written of the block."""
        return <bytes> self.at[:self.left]

    @property
    def is_full(self):
        """Whether there is any, or some of it waits for room in the connection."""
        return self.is_busy()

    cdef inline bint is_busy(self) noexcept nogil:
        return self.left != 0 or (self.ssl != NULL and self.outlet.size != 0)

    def exchange(self, *, bint readable, bint sends):
        """Give the NIC what has come, and send, if wanted, what it wants to send; return what is the worker's own.

        On until there is no more, or others have to get their turn.

        Raises:
            OSError: the connection is of no use any more.
            ProtocolError: it is no block stream any more.
            TunnelError: the NIC is gone.
        """
        cdef Tap tap = self.feeder.tap
        cdef list ours = []
        cdef long long broken = -1
        cdef size_t size
        cdef bint moved
        cdef bint begun = False
        cdef Block block = free_block(tap.blocks)
        with nogil:
            for _ in range(TURNS):
                size = self.read(tap.incoming)
                moved = size > 0
                if moved:
                    self.received_octets += size
                    broken = self.feeder.digest(tap.incoming, size, ours)
                if broken >= 0 or self.failed or self.has_ended:
                    break
                if sends and not self.is_busy() and tap.fill(block.data):
                    moved = begun = True
                    self.at = block.data
                    self.left = tap.out.size
                    self.write()
                if not moved or self.failed or tap.into.failed:
                    break
        if begun:
            self.hold(block)
        self.feeder.check(broken)
        self.check()
        return ours

    def send(self, const uint8_t[::1] block not None):
        """Write a block, or begin to, when none is on its way; whether all of it is written."""
        self.at = &block[0]
        self.left = block.shape[0]
        self.write()
        self.hold(block)
        self.check()
        return not self.is_busy()

    def flush(self):
        """Write more of the block that was begun; whether all of it is written."""
        with nogil:
            self.write()
        self.hold(self.block)
        self.check()
        return not self.is_busy()

    cdef hold(self, block):
        """Keep the octets as long as some of them are unsent."""
        if not self.left:
            self.block = None
        elif isinstance(block, Block):
            self.block = memoryview(block)
        else:
            self.block = block

    cdef check(self):
        if self.failed:
            raise OSError(self.failed, os.strerror(self.failed))

    cdef size_t read(self, uint8_t *to) noexcept nogil:
        """What has come, at most ``FAIR`` octets."""
        cdef size_t size = 0
        cdef size_t octets
        while size <= FAIR - RECORD and self.read_some(to + size, FAIR - size, &octets):
            size += octets
        return size

    cdef bint read_some(self, uint8_t *to, size_t room, size_t *octets) noexcept nogil:
        cdef ssize_t got
        cdef int result
        if not self.is_tls:
            got = recv(self.fd, to, room, 0)
            if got > 0:
                octets[0] = got
                return True
            if got == 0:
                self.has_ended = True
            elif errno != EAGAIN and errno != EINTR:
                self.failed = errno
            return False
        if self.ssl == NULL:
            self.failed = EBADF
            return False
        openssl.clear_errors()
        result = openssl.read(self.ssl, to, room, octets)
        if result != 1:
            if openssl.error(self.ssl, result) == ERROR_ZERO_RETURN:
                self.has_ended = True
            else:
                self.see_failure(result)
        return result == 1

    cdef void write(self) noexcept nogil:
        """As much of the block as goes."""
        if not self.is_tls:
            while self.left and self.write_some():
                pass
            return
        if self.ssl == NULL:
            self.failed = EBADF
            return
        self.outlet.gathers = True
        while self.left and self.write_some():
            pass
        self.outlet.gathers = False
        if not self.failed and not drain(self.outlet) and errno != EAGAIN:
            self.failed = errno

    cdef bint write_some(self) noexcept nogil:
        cdef ssize_t put
        cdef size_t octets = 0
        cdef int result
        if not self.is_tls:
            put = send(self.fd, self.at, self.left, MSG_NOSIGNAL)
            if put < 0:
                if errno != EAGAIN and errno != EINTR:
                    self.failed = errno
                return False
            octets = put
        else:
            openssl.clear_errors()
            result = openssl.write(self.ssl, self.at, self.left, &octets)
            if result != 1:
                self.see_failure(result)
                return False
        self.at += octets
        self.left -= octets
        self.sent_octets += octets
        return True

    cdef void see_failure(self, int result) noexcept nogil:
        cdef int number = errno
        cdef int why = openssl.error(self.ssl, result)
        if why != ERROR_WANT_READ and why != ERROR_WANT_WRITE:
            self.failed = number if why == ERROR_SYSCALL and number else EPROTO


include "openssl.pxi"
include "datagrams.pxi"
