# UDP acceleration's datagrams by the batch: what softether/udp_acceleration.py does one by one, for version 2.

cdef enum:
    NONCE = 12                # octets before what is sealed
    TAG = 16                  # octets behind it
    INNER = 23                # octets before the frame inside: cookie, tick, echo, size, compressed
    MOST_PADDING = 31
    AEAD_GET_TAG = 0x10       # openssl/evp.h
    AEAD_SET_TAG = 0x11
    IPPROTO_UDP = 17
    UDP_GRO = 104             # linux/udp.h
    SLOTS_OF_DATAGRAMS = 32   # taken with one call
    DATAGRAM_TURNS = 4        # of such calls, after which others get theirs
    LONGEST_TRAIN = 65536
    LONGEST_ADDRESS = 32      # octets, a struct sockaddr_in6 has 28
    LONGEST_CONTROL = 64

cdef extern from "<sys/socket.h>" nogil:
    enum:
        MSG_DONTWAIT
    struct msghdr:
        void *msg_name
        unsigned int msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
        void *msg_control
        size_t msg_controllen
    struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len
    struct cmsghdr:
        int cmsg_level
        int cmsg_type
    cmsghdr *CMSG_FIRSTHDR(msghdr *)
    unsigned char *CMSG_DATA(cmsghdr *)
    int recvmmsg(int fd, mmsghdr *messages, unsigned int count, int flags, void *timeout)

cdef struct Aead:
    const void *(*chacha20_poly1305)() noexcept nogil
    void *(*new_context)() noexcept nogil
    void (*free_context)(void *context) noexcept nogil
    int (*begin)(void *context, const void *cipher, void *, const uint8_t *key, const uint8_t *nonce, int seals) noexcept nogil
    int (*update)(void *context, uint8_t *to, int *octets, const uint8_t *of, int size) noexcept nogil
    int (*end)(void *context, uint8_t *to, int *octets) noexcept nogil
    int (*control)(void *context, int what, int size, void *data) noexcept nogil

cdef Aead aead
has_aead = find(
    <void **> &aead,
    (
        b"EVP_chacha20_poly1305", b"EVP_CIPHER_CTX_new", b"EVP_CIPHER_CTX_free", b"EVP_CipherInit_ex",
        b"EVP_CipherUpdate", b"EVP_CipherFinal_ex", b"EVP_CIPHER_CTX_ctrl",
    ),
)


cdef struct Arrivals:
    # What one call brings: many datagrams, each of them perhaps a train.
    mmsghdr message[SLOTS_OF_DATAGRAMS]
    iovec part[SLOTS_OF_DATAGRAMS]
    uint8_t source[SLOTS_OF_DATAGRAMS][LONGEST_ADDRESS]
    uint8_t control[SLOTS_OF_DATAGRAMS][LONGEST_CONTROL]
    uint8_t octets[SLOTS_OF_DATAGRAMS][LONGEST_TRAIN]

cdef struct Found:
    int port                  # where the datagrams come from that are looked at
    int port_of_newest
    uint64_t newest
    uint64_t echo


cdef inline bint comes_from(const uint8_t *source, const uint8_t[::1] address) noexcept nogil:
    """Of a struct sockaddr_in or sockaddr_in6."""
    return memcmp(source + (4 if address.shape[0] == 4 else 8), &address[0], address.shape[0]) == 0


cdef inline size_t step_of(mmsghdr *message) noexcept nogil:
    """Octets of each datagram of a train but the last; 0: it is none."""
    cdef int step
    cdef cmsghdr *extra = CMSG_FIRSTHDR(&message.msg_hdr)
    if extra == NULL or extra.cmsg_level != IPPROTO_UDP or extra.cmsg_type != UDP_GRO:
        return 0
    memcpy(&step, CMSG_DATA(extra), sizeof(step))
    return step if step > 0 else 0


cdef inline uint64_t get64(const uint8_t *at) noexcept nogil:
    return <uint64_t> get32(at) << 32 | get32(at + 4)


cdef class DatagramSeal:
    """ChaCha20-Poly1305 under one key, in one direction: ``nonce, cipher text, tag``."""

    cdef void *context
    cdef uint8_t number[NONCE]  # the next nonce
    cdef list blocks
    cdef Arrivals *arrivals
    cdef readonly int overhead

    def __cinit__(self, const uint8_t[::1] key not None, const uint8_t[::1] number not None):
        if key.shape[0] != 32 or number.shape[0] != NONCE:
            raise ValueError("the key has 32 octets, the number 12")
        self.blocks = []
        self.overhead = NONCE + TAG
        memcpy(self.number, &number[0], NONCE)
        self.context = aead.new_context()
        if self.context == NULL or not aead.begin(self.context, aead.chacha20_poly1305(), NULL, &key[0], NULL, 1):
            raise MemoryError

    def __dealloc__(self):
        aead.free_context(self.context)
        free(self.arrivals)

    def seal(self, const uint8_t[::1] inner not None):
        """One datagram."""
        cdef bytes datagram = PyBytes_FromStringAndSize(NULL, inner.shape[0] + NONCE + TAG)
        cdef uint8_t *to = <uint8_t *> <char *> datagram
        memcpy(to + NONCE, &inner[0], inner.shape[0])
        self.close(to, inner.shape[0])
        return datagram

    def unseal(self, const uint8_t[::1] datagram not None):
        """What was sealed; b"" if that cannot be."""
        cdef bytes copy
        if datagram.shape[0] < NONCE + TAG:
            return b""
        copy = PyBytes_FromStringAndSize(<char *> &datagram[0], datagram.shape[0])
        if not self.open(<uint8_t *> <char *> copy, datagram.shape[0]):
            return b""
        return copy[NONCE:-TAG]

    def seal_block(self, block not None, const uint8_t[::1] head not None, *, int room, int padding, int train, int longest):
        """A datagram for each frame of a block of ``read_block``, as trains: their octets, and how many each but the last
        datagram of it has.  ``head``: cookie, tick and echo.  ``train``: octets of a train at most, of 64 datagrams no
        longer than ``longest``.  None: they are too many for one call.
        """
        cdef const uint8_t[::1] frames = block
        cdef size_t at = 4
        cdef size_t size
        cdef size_t inner
        cdef size_t written = 0
        cdef size_t start = 0
        cdef size_t length = 0    # of the train's datagrams
        cdef size_t count = 0     # of them
        cdef bint ends = True     # nothing may follow in this train
        cdef Block sealed
        cdef list trains = []
        if frames.shape[0] + get32(&frames[0]) * <size_t> (NONCE + INNER + MOST_PADDING + TAG) > ROOM:
            return None
        sealed = free_block(self.blocks)
        view = memoryview(sealed)
        while at < <size_t> frames.shape[0]:
            size = get32(&frames[at])
            inner = INNER + size + max(0, min(padding, room - <int> size))
            at += 4
            self.lay_out(sealed.data + written + NONCE, &head[0], &frames[at], size, inner)
            self.close(sealed.data + written, inner)
            at += size
            inner += NONCE + TAG
            if ends or inner > length or (count + 1) * length > <size_t> train or count == 64:
                if written > start:
                    trains.append(([view[start:written]], length))
                start, length, count, ends = written, inner, 0, inner > <size_t> longest
            elif inner < length:
                ends = True
            written += inner
            count += 1
        if written > start:
            trains.append(([view[start:written]], length))
        return trains

    cdef inline void lay_out(
        self, uint8_t *to, const uint8_t *head, const uint8_t *frame, size_t size, size_t inner
    ) noexcept nogil:
        memcpy(to, head, 20)
        put16(to + 20, <uint32_t> size)
        to[22] = 0
        memcpy(to + INNER, frame, size)
        memset(to + INNER + size, 0, inner - INNER - size)

    def receive(
        self, int fd, const uint8_t[::1] peer not None, uint32_t cookie, uint64_t oldest, Feeder feeder not None
    ):
        """What has come by that socket from that address (as inet_pton(3) has it), to the NIC.

        Returns how many octets that were, the port, the tick and the latest echo of the newest datagram, 0 if none was
        right, then the frames that are the worker's own, and what is compressed.
        """
        cdef Found found
        cdef int count
        cdef int i
        cdef uint64_t octets = 0
        cdef int turn = 0
        cdef list ours = []
        cdef list odd = []
        cdef Arrivals *arrivals = self.arrivals
        if arrivals == NULL:
            arrivals = self.arrivals = <Arrivals *> malloc(sizeof(Arrivals))
            if arrivals == NULL:
                raise MemoryError
        memset(&found, 0, sizeof(found))
        with nogil:
            while turn < DATAGRAM_TURNS:
                turn += 1
                for i in range(SLOTS_OF_DATAGRAMS):
                    arrivals.part[i].iov_base = arrivals.octets[i]
                    arrivals.part[i].iov_len = LONGEST_TRAIN
                    memset(&arrivals.message[i], 0, sizeof(mmsghdr))
                    arrivals.message[i].msg_hdr.msg_name = arrivals.source[i]
                    arrivals.message[i].msg_hdr.msg_namelen = LONGEST_ADDRESS
                    arrivals.message[i].msg_hdr.msg_iov = &arrivals.part[i]
                    arrivals.message[i].msg_hdr.msg_iovlen = 1
                    arrivals.message[i].msg_hdr.msg_control = arrivals.control[i]
                    arrivals.message[i].msg_hdr.msg_controllen = LONGEST_CONTROL
                count = recvmmsg(fd, arrivals.message, SLOTS_OF_DATAGRAMS, MSG_DONTWAIT, NULL)
                if count < 0:
                    if errno == EAGAIN:
                        break
                    continue  # one that the kernel had kept from a datagram sent before: shows by the missing echo
                for i in range(count):
                    if comes_from(arrivals.source[i], peer):
                        octets += arrivals.message[i].msg_len
                        found.port = get16(arrivals.source[i] + 2)
                        self.open_train(
                            arrivals.octets[i], arrivals.message[i].msg_len, step_of(&arrivals.message[i]),
                            cookie, oldest, feeder, ours, odd, &found,
                        )
                flush_all(&feeder.tap.into)
                if count < SLOTS_OF_DATAGRAMS:
                    break
        feeder.tap.check()
        return octets, found.port_of_newest, found.newest, found.echo, ours, odd

    cdef void open_train(
        self, uint8_t *at, size_t size, size_t step, uint32_t cookie, uint64_t oldest, Feeder feeder,
        list ours, list odd, Found *found,
    ) noexcept nogil:
        """Datagrams of so many octets, the last one perhaps fewer; their octets are used until the NIC has them."""
        cdef uint8_t *end = at + size
        cdef uint8_t *inner
        cdef size_t octets
        cdef size_t length
        while at < end:
            octets = end - at
            if step and step < octets:
                octets = step
            inner = at + NONCE
            at += octets
            if octets < NONCE + TAG + INNER or not self.open(inner - NONCE, octets):
                continue
            length = get16(inner + 20)
            if get32(inner) != cookie or get64(inner + 4) < oldest or INNER + length > octets - NONCE - TAG:
                continue
            if get64(inner + 4) > found.newest:
                found.newest = get64(inner + 4)
                found.port_of_newest = found.port
            if get64(inner + 12) > found.echo:
                found.echo = get64(inner + 12)
            inner += INNER
            if length and inner[-1]:
                with gil:
                    odd.append(PyBytes_FromStringAndSize(<char *> inner, length))
            elif MIN_FRAME <= length <= MAX_FRAME:
                feeder.left = 1
                if feeder.concerns_worker(inner, length):
                    with gil:
                        feeder.take(inner - 4, length + 4, ours)
                else:
                    feeder.pass_on(inner - 4, length + 4)

    cdef void close(self, uint8_t *datagram, size_t size) noexcept nogil:
        """Seal what lies behind the place for the nonce."""
        cdef int octets
        cdef int i = NONCE
        memcpy(datagram, self.number, NONCE)
        while i:  # count on
            i -= 1
            self.number[i] += 1
            if self.number[i]:
                break
        aead.begin(self.context, NULL, NULL, NULL, datagram, 1)
        aead.update(self.context, datagram + NONCE, &octets, datagram + NONCE, <int> size)
        aead.end(self.context, datagram + NONCE + size, &octets)
        aead.control(self.context, AEAD_GET_TAG, TAG, datagram + NONCE + size)

    cdef bint open(self, uint8_t *datagram, size_t size) noexcept nogil:
        """In place; whether it was sealed with this key."""
        cdef int octets
        cdef uint8_t *tag = datagram + size - TAG
        return (
            aead.begin(self.context, NULL, NULL, NULL, datagram, 0) == 1
            and aead.control(self.context, AEAD_SET_TAG, TAG, tag) == 1
            and aead.update(
                self.context, datagram + NONCE, &octets, datagram + NONCE, <int> (size - NONCE - TAG)
            ) == 1
            and aead.end(self.context, tag, &octets) == 1
        )
