# The TLS that Python's ssl module has begun, called without the interpreter.
#
# These are the functions of the very library that Python's module uses, found through it; nothing is linked, and no
# structure of either has to be known: OpenSSL tells of each SSL object when it makes and when it frees it
# (CRYPTO_get_ex_new_index(3)), and the descriptor in it says which socket object it belongs to.

cdef extern from "<dlfcn.h>" nogil:
    enum:
        RTLD_LAZY
        RTLD_NOLOAD
    void *dlopen(const char *path, int mode)
    void *dlsym(void *library, const char *name)

cdef enum:
    EX_INDEX_SSL = 0          # openssl/crypto.h
    ERROR_WANT_READ = 2       # openssl/ssl.h, the answers of SSL_get_error
    ERROR_WANT_WRITE = 3
    ERROR_SYSCALL = 5
    ERROR_ZERO_RETURN = 6
    OF_OUR_KIND = 0x0480      # openssl/bio.h: a BIO_TYPE_SOURCE_SINK, the number is free for applications
    RETRY_WRITE = 0x02 | 0x08 # BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY
    RETRY_ANY = 0x0F
    CTRL_FLUSH = 11
    GATHERED = 147456         # octets that are gathered at most before they leave

ctypedef void (*Told)(void *ssl, void *, void *, int, long, void *) noexcept nogil
ctypedef int (*BioWrite)(void *bio, const char *data, int size) noexcept nogil
ctypedef long (*BioCtrl)(void *bio, int command, long, void *) noexcept nogil
ctypedef int (*BioDestroy)(void *bio) noexcept nogil

cdef struct OpenSsl:
    int (*new_index)(int kind, long, void *, Told made, void *copied, Told freed) noexcept nogil
    int (*get_fd)(const void *ssl) noexcept nogil
    int (*read)(void *ssl, void *to, size_t size, size_t *octets) noexcept nogil
    int (*write)(void *ssl, const void *of, size_t size, size_t *octets) noexcept nogil
    int (*error)(const void *ssl, int result) noexcept nogil
    void (*clear_errors)() noexcept nogil
    void *(*new_kind)(int kind, const char *name) noexcept nogil
    int (*set_write)(void *kind, BioWrite) noexcept nogil
    int (*set_ctrl)(void *kind, BioCtrl) noexcept nogil
    int (*set_destroy)(void *kind, BioDestroy) noexcept nogil
    void *(*new_bio)(void *kind) noexcept nogil
    void (*set_data)(void *bio, void *data) noexcept nogil
    void *(*get_data)(void *bio) noexcept nogil
    void (*set_init)(void *bio, int) noexcept nogil
    void (*set_flags)(void *bio, int) noexcept nogil
    void (*clear_flags)(void *bio, int) noexcept nogil
    void (*set_output)(void *ssl, void *bio) noexcept nogil

cdef OpenSsl openssl
cdef void *gathering_kind = NULL
cdef dict living = {}         # the address of each SSL object: the Link that uses it, or None

cdef struct Outlet:
    # What TLS writes to.  While it gathers, records wait for each other, to leave with one call: else each of them
    # would go through the network's layers alone, and wake the server alone.
    int fd
    bint gathers
    size_t sent               # octets of those gathered
    size_t size
    uint8_t data[GATHERED]


cdef bint drain(Outlet *outlet) noexcept nogil:
    """Send what was gathered; whether nothing is left of it.  Else errno says why."""
    cdef ssize_t octets
    while outlet.sent < outlet.size:
        octets = send(outlet.fd, outlet.data + outlet.sent, outlet.size - outlet.sent, MSG_NOSIGNAL)
        if octets < 0:
            if errno == EINTR:
                continue
            return False
        outlet.sent += octets
    outlet.sent = outlet.size = 0
    return True


cdef int bio_write(void *bio, const char *data, int size) noexcept nogil:
    cdef Outlet *outlet = <Outlet *> openssl.get_data(bio)
    cdef ssize_t octets
    openssl.clear_flags(bio, RETRY_ANY)
    if outlet.gathers and (outlet.size + size <= GATHERED or (drain(outlet) and size <= GATHERED)):
        memcpy(outlet.data + outlet.size, data, size)
        outlet.size += size
        return size
    octets = send(outlet.fd, data, size, MSG_NOSIGNAL) if drain(outlet) else -1
    if octets < 0 and (errno == EAGAIN or errno == EINTR):
        openssl.set_flags(bio, RETRY_WRITE)
    return <int> octets


cdef long bio_ctrl(void *bio, int command, long _number, void *_pointer) noexcept nogil:
    cdef Outlet *outlet = <Outlet *> openssl.get_data(bio)
    if command == CTRL_FLUSH:
        return outlet.gathers or drain(outlet)
    return 0


cdef int bio_destroy(void *bio) noexcept nogil:
    free(openssl.get_data(bio))
    return 1


cdef Outlet *outlet_of(void *ssl, int fd):
    """Put between this TLS and its connection."""
    cdef Outlet *outlet = <Outlet *> malloc(sizeof(Outlet))
    cdef void *bio = openssl.new_bio(gathering_kind)
    if outlet == NULL or bio == NULL:
        raise MemoryError
    outlet.fd = fd
    outlet.gathers = False
    outlet.sent = outlet.size = 0
    openssl.set_data(bio, outlet)
    openssl.set_init(bio, 1)
    openssl.set_output(ssl, bio)  # which owns it from now on
    return outlet


cdef void ssl_made(void *ssl, void *_a, void *_b, int _c, long _d, void *_e) noexcept with gil:
    living[<size_t> ssl] = None


cdef void ssl_freed(void *ssl, void *_a, void *_b, int _c, long _d, void *_e) noexcept with gil:
    cdef Link link = living.pop(<size_t> ssl, None)
    if link is not None:
        link.ssl = NULL


cdef bint find(void **places, tuple names):
    """Put the functions there; whether all were found: not where the module has its OpenSSL to itself."""
    import _ssl
    cdef void *library = dlopen(_ssl.__file__.encode(), RTLD_LAZY | RTLD_NOLOAD) if hasattr(_ssl, "__file__") else NULL
    if library == NULL:
        return False
    for name in names:
        places[0] = dlsym(library, name)
        if places[0] == NULL:
            return False
        places += 1
    return True


if find(
    <void **> &openssl,
    (  # in the order of the structure
        b"CRYPTO_get_ex_new_index", b"SSL_get_fd", b"SSL_read_ex", b"SSL_write_ex", b"SSL_get_error",
        b"ERR_clear_error", b"BIO_meth_new", b"BIO_meth_set_write", b"BIO_meth_set_ctrl", b"BIO_meth_set_destroy",
        b"BIO_new", b"BIO_set_data", b"BIO_get_data", b"BIO_set_init", b"BIO_set_flags", b"BIO_clear_flags",
        b"SSL_set0_wbio",
    ),
):
    gathering_kind = openssl.new_kind(OF_OUR_KIND, b"gathers records")
    if gathering_kind != NULL:
        openssl.set_write(gathering_kind, bio_write)
        openssl.set_ctrl(gathering_kind, bio_ctrl)
        openssl.set_destroy(gathering_kind, bio_destroy)
        openssl.new_index(EX_INDEX_SSL, 0, NULL, <Told> ssl_made, NULL, <Told> ssl_freed)


cdef size_t ssl_of(int fd):
    """The one SSL object of that descriptor; 0: there is none, or one was left behind by an earlier user of it."""
    found = [ssl for ssl in living if openssl.get_fd(<const void *> <size_t> ssl) == fd]
    return found[0] if len(found) == 1 else 0
